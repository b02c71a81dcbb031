"""PTH007, PTH008 and PTH009 beyond their examples."""

from __future__ import annotations

import pytest

from specguard.testing import Case, Step, run_case

COMPANIONS = """\
[[rules.missing-companion.companions]]
when = ["src/**"]
require = ["docs/**"]
trailer = "Docs-Impact"

[[rules.missing-companion.companions]]
when = ["package.json"]
require = ["package-lock.json"]
"""


def judge(code: str, **case: object) -> list[tuple[str | None, str, str]]:
    """The path, severity and message of each finding of one rule."""
    outcome = run_case(Case(args=(f"--select={code}",), expect=None, **case), installed=False)  # type: ignore[arg-type]
    return [
        (found["location"]["path"], found["severity"], found["message"])
        for found in outcome.report["findings"]
    ]


# PTH007


def test_before_there_is_a_message_a_way_out_makes_it_a_warning() -> None:
    found = judge("PTH007", policy=COMPANIONS, staged=Step(files={"src/a": "a", "package.json": "{}"}))
    assert [(path, severity) for path, severity, _ in found] == [
        ("package.json", "error"),
        ("src/a", "warning"),
    ]


# PTH008


def test_bytes_and_lines_are_totals() -> None:
    policy = "[rules.oversized-change]\nlines = 5\nbytes = 8\n"
    base = (Step("chore: base", files={"a": "1\n2\n", "b": "1\n"}),)
    commit = Step("feat: x", files={"a": "3\n4\n", "c": "1\n2\n3\n"}, delete=["b"])
    messages = [message for _, _, message in judge("PTH008", policy=policy, base=base, commits=(commit,))]
    assert sorted(messages) == [
        "the change adds 5 lines and removes 3, 8 in all; the policy allows 5",
        "the change's files come to 10 bytes; the policy allows 8 bytes",
    ]


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
