from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.artifacts.contracts import Contract, Evidence
from specguard.artifacts.evidence import (
    dangling_evidence,
    missing_evidence,
    missing_inputs,
    unknown_evidence,
)

if TYPE_CHECKING:
    from specguard.artifacts.artifacts import Artifact
    from tests.artifacts.conftest import Make

FILES = {
    "src/a.py": "1\n2\n3\n",
    "src/no_newline.py": "1\n2",
    "src/empty.py": "",
    "docs/near.md": "1\n",
    "packages/x/lib/deep.py": "1\n",
    "README.md": "1\n",
}


def artifact(artifacts: Make, text: str, *, files: dict[str, str] | None = None, **evidence: Any) -> Artifact:
    settings = {"section": "Evidence Map", "roots": ["/home/me/project"], **evidence}
    contract = Contract(path="docs/final.md", evidence=Evidence(**settings))
    found = artifacts({"final": contract}, {"docs/final.md": text, **FILES, **(files or {})})
    one = found.at(b"docs/final.md")
    assert one is not None
    return one


def test_a_section_without_a_place_is_no_evidence(artifacts: Make) -> None:
    one = artifact(artifacts, "# Final\n\n## Evidence Map\n\nI looked at everything.\n")
    [finding] = missing_evidence(one)
    assert finding.message == "the section 'Evidence Map' of docs/final.md cites no file"
    assert (finding.line, finding.setting) == (3, "artifacts.final.evidence.anchors")
    assert finding.help == "Cite a file with its line, as src/a.py:12."


@pytest.mark.parametrize(
    "hidden",
    [
        "<!--\n## Evidence Map\n\nsrc/a.py:1\n-->",
        "```\n## Evidence Map\nsrc/a.py:1\n```",
        "> ## Evidence Map\n> src/a.py:1",
    ],
)
def test_a_hidden_section_holds_no_evidence(artifacts: Make, hidden: str) -> None:
    [finding] = missing_evidence(artifact(artifacts, f"# Final\n\n{hidden}\n"))
    assert "has no section 'Evidence Map'" in finding.message


@pytest.mark.parametrize(
    "hidden", ["<!-- src/a.py:1 -->", "text <!-- `src/a.py:1` -->", "> src/a.py:1", "<p>src/a.py:1</p>"]
)
def test_a_hidden_place_is_no_evidence(artifacts: Make, hidden: str) -> None:
    [finding] = missing_evidence(artifact(artifacts, f"## Evidence Map\n\n{hidden}\n"))
    assert "cites no file" in finding.message


def test_a_path_without_a_line_is_not_enough(artifacts: Make) -> None:
    text = "## Evidence Map\n\n- `src/a.py`\n"
    [finding] = missing_evidence(artifact(artifacts, text))
    assert (
        finding.message == "the section 'Evidence Map' of docs/final.md cites src/a.py without a line of it"
    )
    assert finding.line == 3


def test_a_path_is_enough_where_the_policy_asks_for_no_line(artifacts: Make) -> None:
    assert not list(
        missing_evidence(artifact(artifacts, "## Evidence Map\n\n- `src/a.py`\n", anchors="path"))
    )


def test_a_word_with_a_dot_is_no_file(artifacts: Make) -> None:
    one = artifact(artifacts, "## Evidence Map\n\n`console.log` is called.\n", anchors="path")
    [finding] = missing_evidence(one)
    assert "cites no file" in finding.message
    assert not list(dangling_evidence(one))


@pytest.mark.parametrize(
    ("paths", "text", "said"),
    [
        (
            "absolute",
            "`src/a.py:1`",
            "src/a.py:1 is a relative path, where evidence is cited by absolute paths",
        ),
        ("relative", "`/home/me/project/src/a.py:1`", "is an absolute path"),
        ("relative", "`~/project/src/a.py:1`", "is an absolute path"),
        ("absolute", "https://github.com/o/r/blob/main/src/a.py#L1", "is a web address"),
        ("any", "`.../src/a.py:1`", "leaves a part of the path out"),
    ],
)
def test_another_kind_of_path_is_named(artifacts: Make, paths: str, text: str, said: str) -> None:
    one = artifact(artifacts, f"## Evidence Map\n\n- {text}\n- {text}\n", paths=paths)
    [finding] = missing_evidence(one)
    assert said in finding.message
    assert (finding.line, finding.setting) == (3, "artifacts.final.evidence.paths")


def test_an_absolute_path_is_told_by_a_root_or_a_drive(artifacts: Make) -> None:
    text = "## Evidence Map\n\n- `C:\\work\\src\\a.py:1`\n- [a](file:///home/me/project/src/a.py#L1)\n- https://g.example/o/r/blob/main/src/a.py#L2\n"
    roots = ["/home/me/project", "C:\\work\\", "https://g.example/o/r/blob/*"]
    one = artifact(artifacts, text, paths="absolute", roots=roots)
    assert not [*missing_evidence(one), *dangling_evidence(one), *unknown_evidence(one)]


@pytest.mark.parametrize(
    ("root", "form"),
    [
        ("/home/me/project/", "/home/me/project/src/a.py:12"),
        ("C:\\work\\", "C:\\work\\src\\a.py:12"),
        ("/home/*/project", "/path/to/the/repository/src/a.py:12"),
    ],
)
def test_the_form_that_would_do_is_written_as_the_root_is(artifacts: Make, root: str, form: str) -> None:
    one = artifact(artifacts, "## Evidence Map\n\nNothing.\n", paths="absolute", roots=[root])
    [finding] = missing_evidence(one)
    assert finding.help == f"Cite a file with its line, as {form}."


def test_each_item_and_row_cites_something_where_that_is_asked_for(artifacts: Make) -> None:
    text = """## Evidence Map

- One: `src/a.py:1`
  - what it means
- Two
  - `src/a.py:2`
  - a part without
- Three

| Claim | Evidence |
|---|---|
| four | `src/a.py:3` |
| five | none |
"""
    found = list(missing_evidence(artifact(artifacts, text, every=True)))
    assert [(one.message, one.line) for one in found] == [
        ("'a part without' cites no evidence", 7),
        ("'Three' cites no evidence", 8),
        ("'five' cites no evidence", 13),
    ]
    assert not list(missing_evidence(artifact(artifacts, text)))


def test_a_row_is_called_by_its_first_words(artifacts: Make) -> None:
    rows = "| # | File | Lines |\n|---|---|---|\n| 1 | src/a.py | 1-2 |\n| 2 | src/a.py | all |\n"
    [finding] = missing_evidence(artifact(artifacts, f"## Evidence Map\n\n{rows}", every=True))
    assert (finding.message, finding.line) == ("'src/a.py' cites no evidence", 6)


def test_what_is_there_is_found(artifacts: Make) -> None:
    places = [
        "src/a.py:3",
        "src/a.py:1-3",
        "src/no_newline.py:2",
        "./src/../src/a.py:1",
        "../src/a.py:1",
        "near.md:1",
        "/home/me/project/src/a.py:1",
        "/home/me/project/docs/../src/a.py:1",
    ]
    cited = "".join(f"- `{place}`\n" for place in places)
    one = artifact(artifacts, f"## Evidence Map\n\n{cited}")
    assert not [*missing_evidence(one), *dangling_evidence(one), *unknown_evidence(one)]


def test_what_is_not_there_is_dangling(artifacts: Make) -> None:
    places = {
        "src/a.py:4": "src/a.py:4 does not exist: src/a.py has 3 lines",
        "src/a.py:2-4": "src/a.py:2-4 does not exist: src/a.py has 3 lines",
        "src/no_newline.py:3": "has 2 lines",
        "src/empty.py:1": "has 0 lines",
        "docs/near.md:9": "has 1 line",
        "src/a.py:0": "src/a.py:0 does not exist",
        "src/a.py:3-1": "src/a.py:3-1 ends before it begins",
        "src/gone.py:1": "there is no such file",
        "src/A.py:1": "there is no such file",
        "src/\u0430.py:1": "there is no such file",
        "/home/me/project/src/gone.py:1": "there is no src/gone.py",
        "../../etc/passwd:1": "leads out of the repository",
        "/home/me/project/../../etc/passwd:1": "leads out of the repository",
        "src/a.py/b.py:1": "there is no such file",
        "./packages/x/lib.d:1": "there is no packages/x/lib.d",
        "src/a.py:99999999": "has 3 lines",
    }
    cited = "".join(f"- `{place}`\n" for place in places)
    one = artifact(artifacts, f"## Evidence Map\n\n- `src/a.py:1`\n{cited}")
    found = list(dangling_evidence(one))
    assert [finding.line for finding in found] == list(range(4, 4 + len(places)))
    for finding, said in zip(found, places.values(), strict=True):
        assert said in finding.message
        assert finding.setting == "artifacts.final.evidence.resolve"


def test_a_link_is_no_file_with_lines(artifacts: Make) -> None:
    contract = Contract(path="docs/final.md", evidence=Evidence(section=""))
    found = artifacts(
        {"final": contract},
        {"docs/final.md": "- `link.py:1`\n- `docs/x.d:1`\n", "src/a.py": "1\n", "docs/x.d/y": ""},
        symlinks={"link.py": "src/a.py"},
    )
    one = found.at(b"docs/final.md")
    assert one is not None
    assert [finding.message for finding in dangling_evidence(one)] == [
        "link.py:1 has no lines: link.py is a symbolic link",
        "docs/x.d:1 has no lines: docs/x.d is a folder",
    ]


def test_what_is_outside_of_every_root_is_said_and_is_neither(artifacts: Make) -> None:
    places = ["/home/you/project/src/a.py:1", "/home/me/project2/src/a.py:9", "src/a.py:1"]
    text = "## Evidence Map\n\n" + "".join(f"- `{place}`\n" for place in places)
    one = artifact(artifacts, text)
    assert not [*missing_evidence(one), *dangling_evidence(one)]
    [finding] = unknown_evidence(one)
    assert finding.severity == "warning"
    assert "2 cited places cannot be looked up" in finding.message
    assert "/home/me/project2/src/a.py:9" in finding.message


def test_nothing_is_looked_up_where_the_policy_says_so(artifacts: Make) -> None:
    one = artifact(artifacts, "## Evidence Map\n\n`src/gone.py:1` `/x/y.py:2`\n", resolve=False)
    assert not [*missing_evidence(one), *dangling_evidence(one), *unknown_evidence(one)]


@pytest.mark.parametrize(
    ("text", "cites"),
    [
        ("Read `PHASE_C_EXECUTION_PACKET.md`.", True),
        ("Read `docs/c/PHASE_C_EXECUTION_PACKET.md:3`.", True),
        ("Read [the packet](c/PHASE_C_EXECUTION_PACKET.md).", True),
        ("Read `/home/me/wt/docs/c/PHASE_C_EXECUTION_PACKET.md`.", True),
        ("Read PHASE_C_EXECUTION_PACKET.", False),
        ("Read `docs/d/PHASE_C_EXECUTION_PACKET.md`.", False),
        ("Read `PHASE_D_EXECUTION_PACKET.md`.", False),
        ("Read <!-- `PHASE_C_EXECUTION_PACKET.md` --> all.", False),
    ],
)
def test_a_review_cites_its_inputs(artifacts: Make, text: str, cites: bool) -> None:
    contract = Contract(path="docs/PHASE_{x}_REVIEW.md", inputs=["**/PHASE_{x}_EXECUTION_PACKET.md"])
    found = artifacts(
        {"review": contract},
        {
            "docs/PHASE_C_REVIEW.md": f"# Review\n\n{text}\n",
            "docs/c/PHASE_C_EXECUTION_PACKET.md": "1\n2\n3\n",
            "docs/c/PHASE_D_EXECUTION_PACKET.md": "1\n",
        },
    )
    one = found.at(b"docs/PHASE_C_REVIEW.md")
    assert one is not None
    findings = list(missing_inputs(one))
    assert (not findings) is cites
    for finding in findings:
        assert "cites no **/PHASE_C_EXECUTION_PACKET.md, which is one of its inputs" in finding.message
        assert finding.help == "Cite docs/c/PHASE_C_EXECUTION_PACKET.md, if it was read."


def test_an_artifact_is_not_its_own_input(artifacts: Make) -> None:
    contract = Contract(path="docs/*_REVIEW.md", inputs=["docs/*.md"])
    found = artifacts({"review": contract}, {"docs/A_REVIEW.md": "I read `docs/A_REVIEW.md`.\n"})
    one = found.at(b"docs/A_REVIEW.md")
    assert one is not None
    [finding] = missing_inputs(one)
    assert "make it first" in finding.help
