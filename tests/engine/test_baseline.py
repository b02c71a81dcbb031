"""The baseline: its file, comparing two, and what that of the trusted base makes of reports.

`tests/cases/baseline/` has what it accepts.
"""

import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.change.worktree import FolderTree
from specguard.documents.document import Document
from specguard.engine.baseline import compare_baselines, counts_text, read_counts
from specguard.errors import SpecguardError
from specguard.testing import Case, Repository, Step, run_here
from tests.changes import loose
from tests.outcomes import ended
from tests.rows import rows

FILE = ".specguard/baseline.json"
CI = ".github/workflows/ci.yml"
POLICY = '[rules.host-network-call]\nfiles = [".github/workflows/*.yml"]\n'


def project(place: Path, accepted: int) -> Repository:
    """A change with two findings of CNT002 in a file for which the base accepts so many."""
    calls = ", ".join(f"{{run: curl http://localhost:{number}}}" for number in range(2)).replace(", ", ",\n")
    files = {CI: "jobs: {}\n", FILE: json.dumps({"CNT002": {CI: accepted}})}
    change = Step("ci: x", files={CI: f"jobs: {{a: {{steps: [\n{calls}]}}}}\n"})
    return Case(policy=POLICY, base=(Step("chore: base", files=files),), commits=(change,)).build(place)


def test_every_report_tells_what_is_accepted_from_what_is_not(tmp_path: Path) -> None:
    repository = project(tmp_path / "accepted", 2)

    def check(form: str, *words: str, code: int = 0) -> str:
        words = ("check", "--select=CNT002", f"--output-format={form}", *words)
        return ended(run_here(*words, directory=repository.path), code).stdout

    text = check("text")
    assert "2 errors in the baseline" in text
    assert "error:" not in text
    assert "specguard: accepted (range, 1 commit, 1 file): 2 in the baseline" in text
    assert check("concise").count("(baselined)") == 2
    assert check("github").count("::notice ") == 2
    assert "CNT002 host-network-call: baselined: 2 errors in the baseline" in check("text", "--explain")

    repository = project(tmp_path / "exceeded", 1)
    said = "2 of these are in this file, and the baseline accepts 1"
    assert [check(form, code=1).count(said) for form in ("text", "concise", "github")] == [1, 2, 2]
    for finding in json.loads(check("json", code=1))["findings"]:
        assert finding["baseline"] == {"found": 2, "accepted": 1}
    whole = check("text", "--all", code=1)
    assert "specguard: failed (the whole tree; range, 1 commit, 1 file)" in whole


def test_only_files_with_findings_are_counted_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = '[specs]\nfiles = ["specs/*.md"]\nindex = "index.json"\n[runs]\nkeep = "tree"\n'
    policy = f'{specs}[checklists]\nfiles = ["todo/*.md"]\nevidence = ".runs/**"\n'
    names = [f"{folder}/{number}.md" for folder in ("specs", "todo") for number in range(9)]
    counts = {"ART006": dict.fromkeys(names[9:], 1), "SPC001": dict.fromkeys(names[:9], 1)}
    files = {name: f"- [x] {name}\n" for name in names}
    base = Step("chore: base", files=files | {"index.json": '{"specs": []}', FILE: json.dumps(counts)})
    ticks = Step("docs: x", files=dict.fromkeys(("specs/1.md", "todo/1.md"), "- [x] b\n"))
    repository = Case(policy=policy, base=(base,), commits=(ticks,)).build(tmp_path)
    monkeypatch.setattr(Document, "of", of := Mock(wraps=Document.of))
    check = run_here("check", "--select=ART006,SPC001", "--output-format=json", directory=repository.path)
    assert [one["state"] for one in ended(check, 0).report["findings"]] == ["baselined"] * 2
    assert of.call_count == 2


@pytest.mark.parametrize("lost", ["main:.specguard", f"main:{FILE}"])
def test_one_that_is_not_there_to_read_gives_no_verdict(lost: str, tmp_path: Path) -> None:
    repository = project(tmp_path / "repository", 1)
    oid = repository.oid(lost)
    loose(repository, lost).unlink()
    outcome = ended(run_here("check", "--output-format=json", directory=repository.path), 2)
    [error] = outcome.report["errors"]
    assert oid[:12] in error["message"]
    assert error["help"]


# Its file


COUNTS = st.dictionaries(
    st.tuples(
        st.sampled_from(["ART002", "SPC003", "PLN001", "CNT002", "CFG001"]),
        st.binary(min_size=1, max_size=12).filter(lambda path: b"\0" not in path),
    ),
    st.integers(1, 10**6),
    max_size=16,
)


@given(COUNTS)
def test_what_is_written_is_read(counts: dict[tuple[str, bytes], int]) -> None:
    text = counts_text(counts)
    assert read_counts(text.encode("utf-8")) == counts
    assert text.endswith("}\n")


def test_the_file_has_one_line_a_path() -> None:
    paths = {b"b": 2, b"a/\xc3\xa9": 1, b"a/\xff": 3, b"a\xe2\x80\xae": 4}
    counts = {("SPC003", b"b"): 1, **{("ART002", path): count for path, count in paths.items()}}
    assert counts_text(counts) == (
        "{\n"
        '  "ART002": {\n'
        '    "a/\u00e9": 1,\n'
        '    "a/\\udcff": 3,\n'
        '    "a\\u202e": 4,\n'
        '    "b": 2\n'
        "  },\n"
        '  "SPC003": {\n'
        '    "b": 1\n'
        "  }\n"
        "}\n"
    )
    assert counts_text({}) == "{}\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        *rows(__file__, "broken"),
        ("[" * 200_000, 1, "is JSON that cannot be read"),
        ('{"ART002": {"a": ' + "9" * 5000 + "}}", 1, "is JSON that cannot be read"),
        ('{\n"\udcff": 1}', 2, "UTF-8"),
    ],
)
def test_a_broken_one_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(SpecguardError, match=said) as caught:
        read_counts(text.encode(errors="surrogateescape"))
    assert caught.value.path == ".specguard/baseline.json"
    assert caught.value.line == line


def test_an_empty_one_accepts_nothing() -> None:
    assert read_counts(b"{}") == read_counts(b'{"ART002": {}}') == {}


def tree(text: Any) -> FolderTree:
    return FolderTree(".", {FILE: text} if text else {})


def growths(*baselines: object) -> list[tuple[str, int]]:
    change = compare_baselines(*(tree(one and json.dumps(one, indent=1)) for one in baselines))
    assert not change.problem
    return list(change.growths)


def test_growth_is_named_with_both_numbers_and_its_line() -> None:
    old = {"ART002": {"a": 2, "b": 1}}
    assert growths(old, {"ART002": {"a": 2}}) == growths(old, None) == []
    assert growths(old, {"ART002": {"a": 3, "c": 1}, "SPC003": {"a": 1}}) == [
        ("3 instead of 2 of ART002 in a", 3),
        ("1 of ART002 in c", 4),
        ("1 of SPC003 in a", 7),
    ]
    assert growths(None, {"ART002": {"\udcc3\udca9": 1}}) == [("1 of ART002 in é", 1)]


def test_what_cannot_be_read_cannot_be_compared() -> None:
    assert "not JSON" in compare_baselines(tree("{}"), tree("{")).problem
    assert compare_baselines(tree("{"), tree('{"CNT001": {"a": 1}}')).growths
