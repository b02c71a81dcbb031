"""PTH007, PTH008 and PTH009 beyond their examples."""

from __future__ import annotations

from typing import Any

import pytest

from specguard.testing import Case, Repository, Step, run_case, run_here

COMPANIONS = """\
[[rules.missing-companion.companions]]
when = ["src/**"]
require = ["docs/**"]
trailer = "Docs-Impact"

[[rules.missing-companion.companions]]
when = ["package.json"]
require = ["package-lock.json"]
"""


def judge(code: str, **case: Any) -> list[tuple[str | None, str, str]]:
    """The path, severity and message of each finding of one rule."""
    outcome = run_case(Case(args=(f"--select={code}",), expect=None, **case), installed=False)
    return [
        (found["location"]["path"], found["severity"], found["message"])
        for found in outcome.report["findings"]
    ]


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
    found = judge("PTH007", policy=COMPANIONS, commits=(Step(message, files={"src/a": "a"}),))
    assert [path for path, _, _ in found] == (["src/a"] if missing else [])


def test_a_companion_that_is_only_deleted_is_none() -> None:
    base = (Step("chore: base", files={"docs/a": "a"}),)
    found = judge(
        "PTH007",
        policy=COMPANIONS,
        base=base,
        commits=(Step("feat: x", files={"src/a": "a"}, delete=["docs/a"]),),
    )
    assert [path for path, _, _ in found] == ["src/a"]


def test_an_entry_without_a_trailer_has_no_way_out() -> None:
    commit = Step("feat: x\n\nDocs-Impact: none", files={"package.json": "{}"})
    assert [path for path, _, _ in judge("PTH007", policy=COMPANIONS, commits=(commit,))] == ["package.json"]


@pytest.mark.parametrize(
    ("names", "said"),
    [("a", "src/a"), ("ab", "src/a (and 1 more like it)"), ("abc", "src/a (and 2 more like it)")],
)
def test_of_several_that_ask_for_a_companion_the_first_is_named(names: str, said: str) -> None:
    [found] = judge(
        "PTH007", policy=COMPANIONS, commits=(Step(files={f"src/{name}": "x" for name in names}),)
    )
    assert found[2] == f"{said} changed, and nothing under docs/** did"


def test_the_pull_requests_text_may_state_the_reason() -> None:
    commits = (Step("feat: x", files={"src/a": "a"}),)
    assert judge("PTH007", policy=COMPANIONS, commits=commits, title="X", body="Text.\n") != []
    assert (
        judge(
            "PTH007", policy=COMPANIONS, commits=commits, title="X", body="Text.\n\nDocs-Impact: none yet\n"
        )
        == []
    )
    assert (
        judge("PTH007", policy=COMPANIONS, commits=commits, title="X", body="Docs-Impact: none yet\r\n") == []
    )


def test_before_there_is_a_message_a_way_out_makes_it_a_warning() -> None:
    found = judge("PTH007", policy=COMPANIONS, staged=Step(files={"src/a": "a", "package.json": "{}"}))
    assert [(path, severity) for path, severity, _ in found] == [
        ("package.json", "error"),
        ("src/a", "warning"),
    ]


# PTH008


def test_each_limit_is_off_by_default_but_that_of_a_file() -> None:
    files: dict[str | bytes, str | bytes] = {f"f{number}": "x\n" * 1000 for number in range(50)}
    assert judge("PTH008", commits=(Step("feat: x", files=files),)) == []


def test_approvals_do_not_count() -> None:
    policy = "[rules.oversized-change]\nentries = 1\nlines = 1\nbytes = 2\nfile_bytes = 2\n"
    commit = Step("feat: x", files={"a": "a\n", ".specguard/approvals/1.json": "{}\n" * 9})
    assert judge("PTH008", policy=policy, commits=(commit,)) == []


def test_bytes_and_lines_are_totals() -> None:
    policy = "[rules.oversized-change]\nlines = 5\nbytes = 8\n"
    base = (Step("chore: base", files={"a": "1\n2\n", "b": "1\n"}),)
    commit = Step("feat: x", files={"a": "3\n4\n", "c": "1\n2\n3\n"}, delete=["b"])
    messages = [message for _, _, message in judge("PTH008", policy=policy, base=base, commits=(commit,))]
    assert sorted(messages) == [
        "the change adds 5 lines and removes 3, 8 in all; the policy allows 5",
        "the change's files come to 10 bytes; the policy allows 8 bytes",
    ]


def test_a_limit_that_is_met_is_kept() -> None:
    policy = "[rules.oversized-change]\nentries = 1\nlines = 2\nbytes = 2\nfile_bytes = 2\n"
    base = (Step("chore: base", files={"a": "1\n"}),)
    assert judge("PTH008", policy=policy, base=base, commits=(Step("feat: x", files={"a": "2\n"}),)) == []


def test_sizes_are_said_in_units() -> None:
    policy = "[rules.oversized-change]\nfile_bytes = 1024\n"
    files: dict[str | bytes, str | bytes] = {
        "a": "x" * 1025,
        "b": "x" * 1536,
        "c": "x" * (5 << 19),
        "d": "x" * 1024,
    }
    found = judge("PTH008", policy=policy, commits=(Step("feat: x", files=files),))
    assert [message for _, _, message in found] == [
        "a has 1 KiB; a file may have 1 KiB",
        "b has 1.5 KiB; a file may have 1 KiB",
        "c has 2.5 MiB; a file may have 1 KiB",
    ]
    [(_, _, message)] = judge(
        "PTH008", policy=policy.replace("1024", "1023"), commits=(Step(files={"d": "x" * 1024}),)
    )
    assert message == "d has 1 KiB; a file may have 1023 bytes"


def test_a_mode_alone_brings_no_bytes() -> None:
    policy = "[rules.oversized-change]\nbytes = 1\nfile_bytes = 1\n"
    base = (Step("chore: base", files={"a": "1234\n"}),)
    assert judge("PTH008", policy=policy, base=base, commits=(Step("feat: x", executable=["a"]),)) == []


# PTH009

GROWING = "[rules.weakened-path]\npaths = ['log/']\npatterns = ['(?i)skip']\n"


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
    base = (Step("chore: base", files={"log/a": old}),)
    case = Case(
        policy=GROWING,
        base=base,
        commits=(Step("feat: x", files={"log/a": new}),),
        args=("--select=PTH009",),
        expect=None,
    )
    findings = run_case(case, installed=False).report["findings"]
    assert [finding["location"]["line"] for finding in findings] == lines


def test_a_file_that_goes_in_any_way_is_lost() -> None:
    base = (Step("chore: base", files={f"log/{name}": name for name in "abc"}, symlinks={"log/l": "a"}),)
    commit = Step(
        "feat: x",
        delete=["log/a", "log/b"],
        rename={"log/c": "other/c"},
        symlinks={"log/b": "x", "log/l": "b"},
    )
    found = judge("PTH009", policy=GROWING, base=base, commits=(commit,))
    assert [path for path, _, _ in found] == ["log/a", "log/b", "log/c", "log/l"]
    assert "log/c was moved to other/c; it may grow and not lose" in [message for _, _, message in found]


def test_a_mode_and_a_new_file_are_no_loss() -> None:
    base = (Step("chore: base", files={"log/a": "a\n"}),)
    commit = Step("feat: x", files={"log/b": "b\n"}, executable=["log/a"], symlinks={"log/l": "a"})
    assert judge("PTH009", policy=GROWING, base=base, commits=(commit,)) == []


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
    base = (Step("chore: base", files={"log/a": old}),)
    found = judge(
        "PTH009", policy=GROWING, base=base, commits=(Step("feat: x", files={"log/a": "kept\n" * 150}),)
    )
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
    base = (Step("chore: base", files={"log/a": old}),)
    [(_, _, message)] = judge(
        "PTH009", policy=GROWING, base=base, commits=(Step("fix: x", files={"log/a": new}),)
    )
    assert message == f"log/a loses {said}"


@pytest.mark.parametrize(("many", "more"), [(100, 0), (101, 1), (103, 3)])
def test_after_a_hundred_places_the_rest_is_counted(many: int, more: int) -> None:
    old = "".join(f"lost {number}\nkept {number}\n" for number in range(many))
    new = "".join(f"kept {number}\n" for number in range(many))
    base = (Step("chore: base", files={"log/a": old, "log/b": "b\n"}),)
    added = "b\n" + "".join(f"skip {number}\n" for number in range(many))
    commits = (Step("fix: x", files={"log/a": new, "log/b": added}),)
    said = [message for _, _, message in judge("PTH009", policy=GROWING, base=base, commits=commits)]
    assert len(said) == 200 + 2 * bool(more)
    assert (f"log/a loses lines at {more} more places" in said) == bool(more)
    assert (f"{more} more added lines take force away from log/b" in said) == bool(more)
