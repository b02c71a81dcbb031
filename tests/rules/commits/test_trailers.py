from pathlib import Path

from specguard.testing import Case, run_here
from specguard_rules.commits.trailers import Trailers


def read(message: str) -> list[tuple[str, str, int]]:
    return [(one.key, one.value, one.line) for one in Trailers(message.split("\n")).found]


def test_the_last_paragraph_is_read() -> None:
    assert read("feat: x\n\ntext\n\nWork-Item: A-1\nSigned-off-by: Ann <a@x>\n\n") == [
        ("Work-Item", "A-1", 5),
        ("Signed-off-by", "Ann <a@x>", 6),
    ]


def test_a_subject_is_no_trailer() -> None:
    assert read("Work-Item: A-1") == []
    assert read("Work-Item: A-1\nWork-Item: A-2") == []


def test_a_paragraph_with_other_text_has_none() -> None:
    assert read("feat: x\n\nsome text\nWork-Item: A-1") == []
    assert read("feat: x\n\nWork-Item: A-1\nsome text") == []


def test_a_folded_value_and_a_cherry_pick() -> None:
    message = "fix: x\n\nNote: one\n  two\n(cherry picked from commit 1234567)\nA: b"
    assert read(message) == [("Note", "one two", 3), ("A", "b", 6)]
    assert read("fix: x\n\n  two\nA: b") == []


def test_keys_are_plain() -> None:
    # A Cyrillic letter, a space in a key: no trailers, so the paragraph has none.
    assert read("feat: x\n\nW\u043erk-Item: A-1") == []
    assert read("feat: x\n\nWork Item: A-1") == []


def test_other_separators_of_a_configuration_are_none() -> None:
    assert read("feat: x\n\nWork-Item=A-1") == []


def test_what_stands_elsewhere_is_told_apart() -> None:
    trailers = Trailers(["feat: x", "", "Work-Item: A-1", "", "Work-Item: A-2"])
    assert [one.value for one in trailers.of("work-item")] == ["A-2"]
    assert [(one.value, one.line) for one in trailers.misplaced("WORK-ITEM")] == [("A-1", 3)]


def test_a_divider_is_seen_where_it_changes_what_is_read() -> None:
    assert Trailers(["feat: x", "", "A: 1", "", "---", "", "A: 2"]).divided == 5
    assert Trailers(["feat: x", "", "A: 1", "", "--- ", ""]).divided == 5
    assert Trailers(["feat: x", "", "text", "", "----", "", "A: 2"]).divided == 0
    assert Trailers(["feat: x", "", "A: 2"]).divided == 0


def test_a_repositorys_configuration_is_not_heeded(tmp_path: Path) -> None:
    policy = "rules.missing-trailer.require = [{key = 'Work-Item'}]"
    repository = Case(policy=policy).build(tmp_path / "repository")
    repository.commit("feat: x\n\nWI: A-1\n", files={"a": "1"})
    repository.git("config", "trailer.wi.key", "Work-Item: ")
    repository.git("config", "trailer.separators", "=")
    outcome = run_here("check", "--select=CMT006", "--output-format=json", directory=repository.path)
    assert outcome.codes == ["CMT006"]
