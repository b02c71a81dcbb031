"""Nested authorities: a monorepo of five packages, two of which guard more than the root does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from specguard.authority.load import load_policy
from specguard.integrations.lsp import EditedFile, authority_flaws, is_authority
from specguard.testing import run_here
from tests.authority.conftest import Files
from tests.integrations.hooks.asking import edit
from tests.outcomes import ended
from tests.threats.cases import threat

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.declaration.registry import Registry
    from specguard.testing import Outcome, Repository

ROOT = """# Authority

```toml specguard
base = "main"
[authority]
nested = ["packages/*"]

[rules.locked-path]
paths = ["packages/*/LICENSE"]
```
"""
A = "# Package A\n\n## Locked zones\n\n- `api/`: what others build on\n"
B = '# Package B\n\n```toml specguard\n[rules.forbidden-path]\npaths = ["**/*.pem"]\n```\n'

Found = tuple[str, str, "str | None", "int | None", "str | None"]


def settings(text: str) -> str:
    return f"# Package\n\n```toml specguard\n{text}\n```\n"


@pytest.fixture
def mono(repository: Repository) -> Repository:
    """`main` with five packages and two nested authorities, and `work` on top of it."""
    files = {f"packages/{name}/{path}": "x\n" for name in "abcde" for path in ("api/x", "y", "LICENSE")}
    nested = {"packages/a/SPEC_AUTHORITY.md": A, "packages/b/SPEC_AUTHORITY.md": B}
    repository.commit("docs: all", files={**files, **nested, "SPEC_AUTHORITY.md": ROOT})
    repository.branch("work")
    return repository


def land(mono: Repository, files: dict[str, str]) -> None:
    """Make it so on `main`."""
    mono.commit("docs: land", files=files)
    mono.ref("refs/heads/main")


def found(outcome: Outcome) -> list[Found]:
    """What is found: code, severity, path, line, and the line that decides."""
    rows = []
    for one in outcome.report["findings"]:
        at = one["authority"] and "{path}:{line}".format(**one["authority"])
        rows.append((one["code"], one["severity"], one["location"]["path"], one["location"]["line"], at))
    return sorted(rows, key=repr)


def judged(mono: Repository, folder: Path, files: dict[str, str | None]) -> list[Found]:
    """What is found of a change, which is the same staged, at a push and for a pull request."""
    for path, text in files.items():
        if text is None:
            mono.delete(path)
        else:
            mono.write(path, text)
    mono.stage()
    rows: list[list[Found]] = []

    def check(*words: str, stdin: str = "") -> None:
        outcome = run_here("check", *words, "--output-format=json", directory=mono.path, stdin=stdin)
        assert outcome.exit_code == any(one[1] == "error" for one in found(outcome)), outcome
        rows.append(found(outcome))

    check("--staged")
    mono.commit("feat: change")
    head = mono.oid()
    check("--push", stdin=f"refs/heads/work {head} refs/heads/work {'0' * 40}\n")
    ends = {"base": {"sha": mono.oid("main"), "ref": "main"}, "head": {"sha": head, "ref": "work"}}
    event = folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 1, "title": "feat: x", "body": "", **ends}}))
    check("--enforce", f"--pr-event={event}")
    assert rows[0] == rows[1] == rows[2]
    return rows[0]


def test_each_package_guards_what_is_its_own(mono: Repository, tmp_path: Path) -> None:
    changes: dict[str, str | None] = {f"packages/{name}/api/x": "z\n" for name in "abc"}
    changes |= {f"packages/{name}/k.pem": "k\n" for name in "abc"}
    assert judged(mono, tmp_path, changes) == [
        ("PTH001", "error", "packages/b/k.pem", None, "packages/b/SPEC_AUTHORITY.md:5"),
        ("PTH002", "error", "packages/a/api/x", None, "packages/a/SPEC_AUTHORITY.md:5"),
    ]


def test_an_agent_is_told_by_the_nested_line(mono: Repository) -> None:
    refused = edit(mono, mono.path / "packages/a/api/x")
    assert refused.kind == "refuse"
    assert "packages/a/SPEC_AUTHORITY.md:5" in refused.refusal
    assert edit(mono, mono.path / "packages/c/api/x").kind == "pass"
    assert "loosens" in edit(mono, mono.path / "packages/a/SPEC_AUTHORITY.md", "# None\n").refusal
    more = edit(mono, mono.path / "packages/a/SPEC_AUTHORITY.md", f"{A}- `y`\n")
    assert more.kind != "refuse"


def test_why_and_policy_cite_it(mono: Repository) -> None:
    assert "packages/a/SPEC_AUTHORITY.md:5" in run_here("why", "packages/a/api/x", directory=mono.path).stdout
    printed = run_here("policy", directory=mono.path).stdout
    assert 'nested = ["packages/*"]' in printed
    assert "packages/b/**/*.pem" in printed
    assert "packages/b/SPEC_AUTHORITY.md:5" in printed
    assert "PTH004" in run_here("why", "packages/c/SPEC_AUTHORITY.md", directory=mono.path).stdout


@pytest.mark.parametrize(
    ("change", "severity", "place", "by"),
    [
        ({"a": f"{A}- `y`\n"}, "warning", ("a", 6), "SPEC_AUTHORITY.md:9"),
        ({"c": A}, "warning", ("c", 5), "SPEC_AUTHORITY.md:9"),
        ({"a": "# Package A\n"}, "error", ("a", None), "packages/a/SPEC_AUTHORITY.md:5"),
        ({"a": None}, "error", ("a", None), "packages/a/SPEC_AUTHORITY.md:5"),
        ({"a": None, "c": A}, "error", ("c", 5), "packages/a/SPEC_AUTHORITY.md:5"),
    ],
    ids=["tighten", "a new one", "loosen", "delete", "move"],
)
def test_a_change_of_one_is_a_change_of_the_policy(
    mono: Repository,
    tmp_path: Path,
    change: dict[str, str | None],
    severity: str,
    place: tuple[str, int | None],
    by: str,
) -> None:
    files = {f"packages/{name}/SPEC_AUTHORITY.md": text for name, text in change.items()}
    path, line = f"packages/{place[0]}/SPEC_AUTHORITY.md", place[1]
    assert judged(mono, tmp_path, files) == [("PTH004", severity, path, line, by)]


def test_a_folder_that_is_named_no_more_is_loosened(mono: Repository, tmp_path: Path) -> None:
    rows = judged(mono, tmp_path, {"SPEC_AUTHORITY.md": ROOT.replace('packages/*"', 'packages/b"', 1)})
    assert ("PTH004", "error", "SPEC_AUTHORITY.md", 9, "packages/a/SPEC_AUTHORITY.md:5") in rows


WRONG = {
    "a setting": (settings('[rules.locked-path]\nexclude = ["y"]'), 5, "may only lock and forbid paths"),
    "a severity": (settings('[rules.commit-form]\nseverity = "off"'), 5, "`rules.commit-form.severity`"),
    "a rule": (settings("[rules.commit-count]"), 4, "`rules.commit-count`"),
    "at the top": (settings('base = "dev"'), 4, "`base` stands in a nested authority"),
    "a nested one": (settings('[authority]\nnested = ["x"]'), 5, "`authority.nested`"),
    "a case": (settings('[[should-fail]]\nname = "x"'), 4, "`should-fail` stands in a nested authority"),
    "a table": (settings("[work.phase]\nbranch = 'x'"), 4, "`work.phase`"),
    "above": (settings('[rules.locked-path]\npaths = [\n "y",\n "../b/"]'), 7, "'../b/' reaches beyond"),
    "above in prose": ("# A\n\n## Locked zones\n\n- `../b/`\n", 5, "'../b/' reaches beyond packages/a/"),
    "from the root": (settings('[rules.locked-path]\npaths = ["/packages/b/"]'), 5, "reaches beyond"),
    "a bad pattern": (settings('[rules.locked-path]\npaths = ["!y"]'), 5, "starts with '!'"),
    "no list": (settings('[rules.locked-path]\npaths = "y"'), 5, "must be a list of strings"),
    "no TOML": (settings("a = "), 4, "this is not TOML"),
    "empty": ("\n", None, "the authority is empty"),
}


@threat("T76", "a nested authority that loosens, or reaches out of its folder", "exit 1: CFG004")
@pytest.mark.parametrize("case", WRONG)
def test_one_that_is_wrong_stops_what_is_below_it_and_nobody_else(
    mono: Repository, tmp_path: Path, case: str
) -> None:
    text, line, said = WRONG[case]
    path = "packages/a/SPEC_AUTHORITY.md"
    land(mono, {path: text})
    wrong = ("CFG004", "error", path, line, "SPEC_AUTHORITY.md:6")
    assert judged(mono, tmp_path, {"packages/a/y": "z\n", "packages/b/y": "z\n"}) == [wrong]
    assert said in run_here("policy", directory=mono.path).stdout
    assert "counts for nothing" in run_here("why", "packages/a/y", directory=mono.path).stdout
    assert "counts for nothing" not in run_here("why", "packages/b/y", directory=mono.path).stdout
    assert "in it counts for nothing" in run_here("doctor", directory=mono.path).stdout
    assert f"note      {path}" in run_here("status", directory=mono.path).stdout
    assert edit(mono, mono.path / "packages/a/y").kind == "refuse"
    assert edit(mono, mono.path / "packages/b/y").kind != "refuse"
    mono.ref("refs/heads/main")
    forbidden = ("PTH001", "error", "packages/b/k.pem", None, "packages/b/SPEC_AUTHORITY.md:5")
    assert judged(mono, tmp_path, {"packages/b/k.pem": "k\n"}) == [forbidden]
    everything = run_here("check", "--all", "--select=CFG004", "--output-format=json", directory=mono.path)
    assert everything.exit_code == 0
    assert found(everything) == [("CFG004", "warning", *wrong[2:])]
    mono.branch("below")
    mono.commit(files={"packages/a/y": "w\n"})
    everything = run_here("check", "--all", "--select=CFG004", "--output-format=json", directory=mono.path)
    assert found(everything) == [wrong]


def test_what_is_wrong_with_one_is_told_in_its_folder_and_with_all(mono: Repository) -> None:
    land(mono, {"packages/a/SPEC_AUTHORITY.md": "## Locked zones\n\n- `none/`\n- all that is public\n"})

    def told(*words: str) -> set[str]:
        outcome = run_here("check", *words, "--output-format=json", directory=mono.path)
        return {code for code, *_ in found(outcome)} & {"CFG001", "CFG002"}

    mono.commit("feat: b", files={"packages/b/y": "z\n"})
    assert not told()
    assert ended(run_here("check", "--strict", directory=mono.path)).exit_code == 0
    assert told("--all") == {"CFG001", "CFG002"}
    mono.commit("feat: a", files={"packages/a/y": "z\n"})
    assert told() == {"CFG001", "CFG002"}


def test_sections_that_guard_nothing_are_told_not_to_be_read(mono: Repository) -> None:
    more = "\n## Normative documents\n\n- `docs/a.md`\n\n## Conflict resolution\n\n1. `docs/a.md`\n"
    land(mono, {"packages/a/SPEC_AUTHORITY.md": A + more, "packages/a/docs/a.md": "x\n"})
    said = "'docs/a.md' was not read: a nested authority only locks and forbids paths"
    outcome = run_here("check", "--all", "--select=CFG001", directory=mono.path)
    assert outcome.exit_code == 0
    assert [f"{line}: {said}" in outcome.stdout for line in (9, 13)] == [True, True]
    assert "next Say it in the root's authority, or take it out." in outcome.stdout
    assert "docs/a.md" in run_here("policy", directory=mono.path).stdout


def test_a_block_that_is_not_read_is_told_beside_what_follows_it(mono: Repository) -> None:
    block = "\n```specguard toml\n[rules.locked-path]\npaths = ['secret/']\n```\n"
    land(mono, {"packages/a/SPEC_AUTHORITY.md": A + block + "\n## Conflict resolution\n\n1. `docs/a.md`\n"})
    outcome = run_here("check", "--all", "--select=CFG001", "--output-format=json", directory=mono.path)
    lines = [line for code, _, path, line, _ in found(outcome) if path == "packages/a/SPEC_AUTHORITY.md"]
    assert set(lines) == {7, 14}


def test_one_that_is_wrong_is_put_right_by_a_change_of_it_alone(mono: Repository, tmp_path: Path) -> None:
    path = "packages/a/SPEC_AUTHORITY.md"
    land(mono, {path: WRONG["above"][0]})
    rows = judged(mono, tmp_path, {path: A})
    assert [(code, severity) for code, severity, *_ in rows] == [("CFG004", "warning"), ("PTH004", "warning")]
    assert (
        "once it is on the base; make it a change of its own" in run_here("check", directory=mono.path).stdout
    )


def test_a_change_that_breaks_one_is_an_error(mono: Repository, tmp_path: Path) -> None:
    rows = judged(mono, tmp_path, {"packages/c/SPEC_AUTHORITY.md": WRONG["above"][0]})
    path = "packages/c/SPEC_AUTHORITY.md"
    assert rows == [("PTH004", "error", path, 7, "SPEC_AUTHORITY.md:6")]


def test_each_that_a_change_breaks_is_named_where_it_is(mono: Repository, tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "packages/a/SPEC_AUTHORITY.md": f"Prose.\n\n{A}",
        "packages/c/SPEC_AUTHORITY.md": WRONG["above"][0],
        "packages/d/SPEC_AUTHORITY.md": WRONG["no list"][0],
    }
    by = "SPEC_AUTHORITY.md:6"
    assert judged(mono, tmp_path, changes) == [
        ("PTH004", "error", "packages/c/SPEC_AUTHORITY.md", 7, by),
        ("PTH004", "error", "packages/d/SPEC_AUTHORITY.md", 5, by),
    ]
    said = run_here("check", "--base=main", directory=mono.path).stdout
    assert "breaks a nested authority: the pattern '../b/' reaches beyond packages/c/" in said
    assert "next Write it from packages/c/" in said
    assert "next Put the document right." in said


def test_one_that_the_root_lets_break_is_told_at_the_root(mono: Repository, tmp_path: Path) -> None:
    land(mono, {"tools/t/SPEC_AUTHORITY.md": WRONG["above"][0]})
    root = ROOT.replace('["packages/*"]', '["packages/*", "tools/*"]')
    rows = judged(mono, tmp_path, {"SPEC_AUTHORITY.md": root})
    assert ("PTH004", "error", "SPEC_AUTHORITY.md", None, "SPEC_AUTHORITY.md:6") in rows
    assert "tools/t/SPEC_AUTHORITY.md:7" in run_here("check", "--base=main", directory=mono.path).stdout


def test_a_document_of_the_root_is_not_read_again_as_a_nested_one(mono: Repository, tmp_path: Path) -> None:
    path = "packages/a/SPEC_AUTHORITY.md"
    root = ROOT.replace('base = "main"\n', f'base = "main"\ndocuments = ["{path}"]\n')
    land(mono, {"SPEC_AUTHORITY.md": root})
    rows = judged(mono, tmp_path, {"api/x": "z\n", "packages/a/api/x": "z\n"})
    assert rows == [("PTH002", "error", "api/x", None, f"{path}:5")]
    assert "packages/a/api/" not in run_here("policy", directory=mono.path).stdout


def test_a_link_in_its_place_is_not_followed(mono: Repository) -> None:
    mono.symlink("packages/a/SPEC_AUTHORITY.md", "../b/SPEC_AUTHORITY.md")
    mono.commit("docs: link")
    mono.ref("refs/heads/main")
    assert "is a symbolic link" in run_here("policy", directory=mono.path).stdout


def test_a_folder_that_nothing_names_is_said(mono: Repository) -> None:
    mono.write("tools/deep/SPEC_AUTHORITY.md", A)
    mono.stage()
    outcome = run_here("check", "--staged", directory=mono.path)
    note = "note: Not read, as [authority] nested does not name the folder: tools/deep/SPEC_AUTHORITY.md."
    assert note in outcome.stdout
    assert outcome.exit_code == 0
    mono.commit("docs: a document")
    mono.ref("refs/heads/main")
    assert note not in run_here("check", directory=mono.path).stdout
    assert note in run_here("check", "--all", directory=mono.path).stdout


def test_a_folder_with_any_name_is_read_as_itself(mono: Repository, tmp_path: Path) -> None:
    folder = "packages/[ab] !x"
    land(mono, {f"{folder}/SPEC_AUTHORITY.md": A, f"{folder}/api/x": "x\n"})
    rows = judged(mono, tmp_path, {f"{folder}/api/x": "z\n", "packages/b/api/x": "z\n"})
    assert [row[2] for row in rows] == [f"{folder}/api/x"]


@pytest.mark.parametrize("value", ['["packages/**"]', '["!x"]', '"packages/*"', "[1]", '["a//b"]'])
def test_what_names_no_folders_is_an_error_of_the_root(mono: Repository, value: str) -> None:
    land(mono, {"SPEC_AUTHORITY.md": ROOT.replace('["packages/*"]', value)})
    outcome = run_here("policy", directory=mono.path)
    assert outcome.exit_code == 2
    assert "SPEC_AUTHORITY.md:6" in outcome.stderr
    assert ("has any depth" in outcome.stderr) is ("**" in value)


def test_the_cache_knows_the_nested_documents(mono: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked() -> str:
        return run_here("policy", directory=mono.path).stdout

    assert "packages/a/api/" in locked()
    compiled: list[Any] = []
    monkeypatch.setattr("specguard.authority.load._compile", lambda *words: compiled.append(words))
    assert "packages/a/api/" in locked()
    assert not compiled
    monkeypatch.undo()
    for files in ({"packages/a/SPEC_AUTHORITY.md": f"{A}- `y`\n"}, {"packages/e/SPEC_AUTHORITY.md": A}):
        land(mono, files)
        assert ("packages/a/y" if "packages/a/SPEC_AUTHORITY.md" in files else "packages/e/api/") in locked()
    mono.delete("packages/a/SPEC_AUTHORITY.md")
    land(mono, {})
    assert "packages/a/" not in locked()


def test_cases_hold_what_the_working_tree_says(mono: Repository) -> None:
    case = '\n[[should-fail]]\ncommits = {message = "x", files = {"packages/c/api/x" = "z"}}\n```\n'
    mono.write("SPEC_AUTHORITY.md", ROOT.removesuffix("```\n") + case)
    assert run_here("test", directory=mono.path).exit_code == 1
    mono.write("packages/c/SPEC_AUTHORITY.md", A)
    assert run_here("test", directory=mono.path).exit_code == 0


def test_an_editor_shows_what_is_wrong_with_one(mono: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mono.path)
    path = str(mono.path / "packages/a/SPEC_AUTHORITY.md")
    place = EditedFile(path)
    assert is_authority(place)
    assert not authority_flaws(place, lambda _: None)
    [flaw] = authority_flaws(place, {path: WRONG["above"][0]}.get)
    assert (flaw.line, flaw.severity) == (7, "error")
    assert "reaches beyond packages/a/" in flaw.message


def test_without_any_no_folder_is_looked_into(registry: Registry) -> None:
    for settings, looked in (("", False), ('[authority]\nnested = ["p/*"]', True)):
        tree: Any = Files(
            {"SPEC_AUTHORITY.md": f"{B}```toml specguard\n{settings}\n```\n", "p/a/SPEC_AUTHORITY.md": A}
        )
        policy = load_policy(tree, registry=lambda _: registry)
        assert policy is not None
        assert (b"p" in tree.reads) is looked
        assert (policy.guards.find(b"p/a/api/x") is not None) is looked
