"""PTH007, PTH008 and PTH009 beyond their examples."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from specguard.testing import Repository, Step, run_here
from tests.rules.paths.setting import findings

COMPANIONS = """\
[[rules.missing-companion.companions]]
when = ["src/**"]
require = ["docs/**"]
trailer = "Docs-Impact"

[[rules.missing-companion.companions]]
when = ["package.json"]
require = ["package-lock.json"]
"""
GROWING = "[rules.weakened-path]\npaths = ['log/']\npatterns = ['(?i)skip']\n"


def judge(code: str, *commits: Step, **case: Any) -> list[tuple[str | None, str, str]]:
    """The path, severity and message of each finding of one rule."""
    return [
        (found["location"]["path"], found["severity"], found["message"])
        for found in findings(code, *commits, **case)
    ]


lacking = partial(judge, "PTH007", policy=COMPANIONS)
oversized = partial(judge, "PTH008")
lost = partial(judge, "PTH009", policy=GROWING)


# PTH007


@pytest.mark.parametrize(
    ("message", "missing"),
    [
        ("feat: x", True),
        ("feat: x\n\nDocs-Impact:", True),
        ("feat: x\n\nDocs-Impact: none (internal)\n\nMore text.", True),
        ("Docs-Impact: none", True),
        ("feat: x\n\ndocs-impact: none (internal)", False),
        ("feat: x\n\nText.\n\nDocs-Impact: none (internal)\nSigned-off-by: A <a@x>", False),
    ],
)
def test_a_reason_counts_where_it_is_a_trailer(message: str, missing: bool) -> None:
    found = lacking(Step(message, files={"src/a": "a"}))
    assert [path for path, _, _ in found] == (["src/a"] if missing else [])


def test_a_companion_that_is_only_deleted_is_none() -> None:
    base = Step("chore: base", files={"docs/a": "a"})
    found = lacking(Step("feat: x", files={"src/a": "a"}, delete=["docs/a"]), base=base)
    assert [path for path, _, _ in found] == ["src/a"]


def test_an_entry_without_a_trailer_has_no_way_out() -> None:
    commit = Step("feat: x\n\nDocs-Impact: none", files={"package.json": "{}"})
    assert [path for path, _, _ in lacking(commit)] == ["package.json"]


@pytest.mark.parametrize(
    ("names", "said"),
    [("a", "src/a"), ("ab", "src/a (and 1 more like it)"), ("abc", "src/a (and 2 more like it)")],
)
def test_of_several_that_ask_for_a_companion_the_first_is_named(names: str, said: str) -> None:
    [found] = lacking(Step(files={f"src/{name}": "x" for name in names}))
    assert found[2] == f"{said} changed, and nothing under docs/** did"


def test_the_pull_requests_text_may_state_the_reason() -> None:
    lacks = partial(lacking, Step("feat: x", files={"src/a": "a"}), title="X")
    assert lacks(body="Text.\n") != []
    assert lacks(body="Text.\n\nDocs-Impact: none yet\n") == []
    assert lacks(body="Docs-Impact: none yet\r\n") == []


def test_before_there_is_a_message_a_way_out_makes_it_a_warning() -> None:
    found = lacking(staged=Step(files={"src/a": "a", "package.json": "{}"}))
    assert [(path, severity) for path, severity, _ in found] == [
        ("package.json", "error"),
        ("src/a", "warning"),
    ]


# PTH008


def test_each_limit_is_off_by_default_but_that_of_a_file() -> None:
    files: dict[str | bytes, str | bytes] = {f"f{number}": "x\n" * 1000 for number in range(50)}
    assert oversized(Step("feat: x", files=files)) == []


def test_approvals_do_not_count() -> None:
    policy = "[rules.oversized-change]\nentries = 1\nlines = 1\nbytes = 2\nfile_bytes = 2\n"
    commit = Step("feat: x", files={"a": "a\n", ".specguard/approvals/1.json": "{}\n" * 9})
    assert oversized(commit, policy=policy) == []


def test_bytes_and_lines_are_totals() -> None:
    policy = "[rules.oversized-change]\nlines = 5\nbytes = 8\n"
    base = Step("chore: base", files={"a": "1\n2\n", "b": "1\n"})
    commit = Step("feat: x", files={"a": "3\n4\n", "c": "1\n2\n3\n"}, delete=["b"])
    messages = [message for _, _, message in oversized(commit, policy=policy, base=base)]
    assert sorted(messages) == [
        "the change adds 5 lines and removes 3, 8 in all; the policy allows 5",
        "the change's files come to 10 bytes; the policy allows 8 bytes",
    ]


def test_a_limit_that_is_met_is_kept() -> None:
    policy = "[rules.oversized-change]\nentries = 1\nlines = 2\nbytes = 2\nfile_bytes = 2\n"
    base = Step("chore: base", files={"a": "1\n"})
    assert oversized(Step("feat: x", files={"a": "2\n"}), policy=policy, base=base) == []


def test_sizes_are_said_in_units() -> None:
    policy = "[rules.oversized-change]\nfile_bytes = 1024\n"
    files: dict[str | bytes, str | bytes] = {
        "a": "x" * 1025,
        "b": "x" * 1536,
        "c": "x" * (5 << 19),
        "d": "x" * 1024,
    }
    found = oversized(Step("feat: x", files=files), policy=policy)
    assert [message for _, _, message in found] == [
        "a has 1 KiB; a file may have 1 KiB",
        "b has 1.5 KiB; a file may have 1 KiB",
        "c has 2.5 MiB; a file may have 1 KiB",
    ]
    [(_, _, message)] = oversized(Step(files={"d": "x" * 1024}), policy=policy.replace("1024", "1023"))
    assert message == "d has 1 KiB; a file may have 1023 bytes"


def test_a_mode_alone_brings_no_bytes() -> None:
    policy = "[rules.oversized-change]\nbytes = 1\nfile_bytes = 1\n"
    base = Step("chore: base", files={"a": "1234\n"})
    assert oversized(Step("feat: x", executable=["a"]), policy=policy, base=base) == []


# PTH009


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("a\nb\nc\n", "a\nb\nc\nd\n", []),
        ("a\nb\nc", "a\nb\nc\nd", []),
        ("a\nb\nc", "a\nb\nc\n", []),
        ("a\nb\nc\n", "x\na\ny\nb\nc\n", []),
        ("a\n\n\nb\n", "a\nb\n", []),
        ("a\nb\nc\n", "a\nc\n", [1]),
        ("a\nb\nc\n", "", [1]),
        ("a\nb\nc", "a\nb\nd", [3]),
        ("a\nb\nc\n", "a\nB\nc\nskipped\n", [2, 4]),
        ("a\nb\nc\n", "c\na\nb\n", [3]),
        ("a\nb\n", "a\r\nb\r\n", [1]),
        ("", "a\nSKIP\n", [2]),
    ],
)
def test_what_is_lost_and_what_is_not(old: str, new: str, lines: list[int]) -> None:
    base = Step("chore: base", files={"log/a": old})
    commit = Step("feat: x", files={"log/a": new})
    found = findings("PTH009", commit, base=base, policy=GROWING)
    assert [one["location"]["line"] for one in found] == lines


def test_a_file_that_goes_in_any_way_is_lost() -> None:
    base = Step("chore: base", files={f"log/{name}": name for name in "abc"}, symlinks={"log/l": "a"})
    commit = Step(
        "feat: x",
        delete=["log/a", "log/b"],
        rename={"log/c": "other/c"},
        symlinks={"log/b": "x", "log/l": "b"},
    )
    found = lost(commit, base=base)
    assert [path for path, _, _ in found] == ["log/a", "log/b", "log/c", "log/l"]
    assert "log/c was moved to other/c; it may grow and not lose" in [message for _, _, message in found]


def test_a_mode_and_a_new_file_are_no_loss() -> None:
    base = Step("chore: base", files={"log/a": "a\n"})
    commit = Step("feat: x", files={"log/b": "b\n"}, executable=["log/a"], symlinks={"log/l": "a"})
    assert lost(commit, base=base) == []


def test_a_binary_file_is_taken_for_a_text(repository: Repository) -> None:
    authority = f"# A\n\n```toml specguard\n{GROWING}```\n"
    repository.commit("chore: base", files={"SPEC_AUTHORITY.md": authority, "log/a": "\0a"})
    repository.branch("work")
    repository.commit("feat: x", files={"log/a": "\0ab"})
    outcome = run_here("check", "--select=PTH009", "--output-format=json", directory=repository.path)
    (finding,) = outcome.report["findings"]
    assert finding["message"] == "log/a loses line 1: \0a"


def test_many_losses_of_one_file_are_counted() -> None:
    old = "".join(f"{number}\nkept\n" for number in range(150))
    base = Step("chore: base", files={"log/a": old})
    found = lost(Step("feat: x", files={"log/a": "kept\n" * 150}), base=base)
    assert len(found) == 101
    assert any("50 more places" in message for _, _, message in found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a\nb\nc\nd\n", "a\nc\nd\n", "line 2: b"),
        ("a\nb\nc\nd\n", "a\nd\n", "2 lines from line 2 on: b"),
        ("a\n\n  b\nc\nd\n", "a\nd\n", "2 lines from line 3 on: b"),
    ],
)
def test_what_is_lost_is_said_with_its_line_before(old: str, new: str, said: str) -> None:
    base = Step("chore: base", files={"log/a": old})
    [(_, _, message)] = lost(Step("fix: x", files={"log/a": new}), base=base)
    assert message == f"log/a loses {said}"


@pytest.mark.parametrize(("many", "more"), [(100, 0), (101, 1), (103, 3)])
def test_after_a_hundred_places_the_rest_is_counted(many: int, more: int) -> None:
    old = "".join(f"lost {number}\nkept {number}\n" for number in range(many))
    new = "".join(f"kept {number}\n" for number in range(many))
    base = Step("chore: base", files={"log/a": old, "log/b": "b\n"})
    added = "b\n" + "".join(f"skip {number}\n" for number in range(many))
    commit = Step("fix: x", files={"log/a": new, "log/b": added})
    said = [message for _, _, message in lost(commit, base=base)]
    assert len(said) == 200 + 2 * bool(more)
    assert (f"log/a loses lines at {more} more places" in said) == bool(more)
    assert (f"{more} more added lines take force away from log/b" in said) == bool(more)
