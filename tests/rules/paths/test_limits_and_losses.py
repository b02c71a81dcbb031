"""PTH008 and PTH009 beyond their examples."""

from __future__ import annotations

import pytest

from specguard.testing import Step
from tests.rules.paths.setting import findings, judged

LIMITS = "[rules.oversized-change]\nentries = 1\nlines = 2\nbytes = 2\nfile_bytes = 2\n"
GROWING = "[rules.weakened-path]\npaths = ['log/']\npatterns = ['(?i)skip']\n"


@pytest.mark.parametrize(
    ("policy", "base", "change"),
    [
        ("base = 'main'\n", Step(), Step(files={f"f{number}": "x\n" * 1000 for number in range(50)})),
        # What is filed as an approval does not count, and a limit that is met is kept.
        (
            LIMITS,
            Step(files={"a": "1\n"}),
            Step(files={"a": "2\n", ".specguard/approvals/1.json": "{}\n" * 9}),
        ),
        # A mode alone brings no bytes.
        (LIMITS, Step(files={"a": "1234\n"}), Step(executable=["a"])),
    ],
)
def test_what_is_not_too_much(policy: str, base: Step, change: Step) -> None:
    judged("PTH008", change, base=base, policy=policy, expect=())


def test_bytes_and_lines_are_totals_and_sizes_are_said_in_units() -> None:
    policy = "[rules.oversized-change]\nlines = 5\nbytes = 8\nfile_bytes = 1024\n"
    base = Step("chore: base", files={"a": "1\n2\n", "b": "1\n"})
    change = Step(files={"a": "3\n4\n", "c": "1\n2\n3\n"}, delete=["b"])
    expect = [
        {"message": "the change adds 5 lines and removes 3, 8 in all; the policy allows 5"},
        {"message": "the change's files come to 10 bytes; the policy allows 8 bytes"},
    ]
    judged("PTH008", change, policy=policy, base=base, expect=expect)
    files: dict[str | bytes, str | bytes] = {
        name: "x" * size for name, size in (("a", 1025), ("b", 1536), ("c", 5 << 19), ("d", 1024))
    }
    policy = "[rules.oversized-change]\nfile_bytes = 1024\n"
    found = findings("PTH008", Step("feat: x", files=files), policy=policy)
    assert [one["message"] for one in found] == [
        "a has 1 KiB; a file may have 1 KiB",
        "b has 1.5 KiB; a file may have 1 KiB",
        "c has 2.5 MiB; a file may have 1 KiB",
    ]
    [one] = findings("PTH008", Step(files={"d": "x" * 1024}), policy=policy.replace("1024", "1023"))
    assert one["message"] == "d has 1 KiB; a file may have 1023 bytes"


LOSSES = [
    ("a\nb\nc\n", "a\nb\nc\nd\n", []),
    ("a\nb\nc", "a\nb\nc\nd", []),
    ("a\nb\nc", "a\nb\nc\n", []),
    ("a\nb\nc\n", "x\na\ny\nb\nc\n", []),
    ("a\n\n\nb\n", "a\nb\n", []),
    ("a\nb\nc\nd\n", "a\nc\nd\n", [(1, " loses line 2: b")]),
    ("a\nb\nc\n", "", [(1, " loses ")]),
    ("a\nb\nc", "a\nb\nd", [(3, " loses line 3: c")]),
    ("a\nb\nc\n", "a\nB\nc\nskipped\n", [(2, " loses line 2: b"), (4, "")]),
    ("a\nb\nc\n", "c\na\nb\n", [(3, " loses line 3: c")]),
    ("a\nb\n", "a\r\nb\r\n", [(1, " loses ")]),
    ("", "a\nSKIP\n", [(2, "")]),
    ("a\nb\nc\nd\n", "a\nd\n", [(1, " loses 2 lines from line 2 on: b")]),
    ("a\n\n  b\nc\nd\n", "a\nd\n", [(1, " loses 2 lines from line 3 on: b")]),
    # A binary file is taken for a text.
    ("\0a", "\0ab", [(1, " loses line 1: \0a")]),
]


def test_what_is_lost_and_what_is_not() -> None:
    base = Step("chore: base", files={f"log/{at:02}": old for at, (old, _, _) in enumerate(LOSSES)})
    change = Step("feat: x", files={f"log/{at:02}": new for at, (_, new, _) in enumerate(LOSSES)})
    expect = [
        {"path": f"log/{at:02}", "line": line, "message": said}
        for at, (_, _, found) in enumerate(LOSSES)
        for line, said in found
    ]
    judged("PTH009", change, base=base, policy=GROWING, expect=expect)


def test_a_file_that_goes_in_any_way_is_lost_and_a_mode_and_a_new_file_are_no_loss() -> None:
    base = Step(files={f"log/{name}": name for name in "abcm"}, symlinks={"log/l": "a"})
    change = Step(
        "feat: x",
        files={"log/new": "b\n"},
        executable=["log/m"],
        delete=["log/a", "log/b"],
        rename={"log/c": "other/c"},
        symlinks={"log/b": "x", "log/l": "b", "log/new-link": "a"},
    )
    expect = [
        {"path": "log/a"},
        {"path": "log/b"},
        {"path": "log/c", "message": "log/c was moved to other/c; it may grow and not lose"},
        {"path": "log/l"},
    ]
    judged("PTH009", change, base=base, policy=GROWING, expect=expect)


@pytest.mark.parametrize(("many", "more"), [(100, 0), (101, 1)])
def test_after_a_hundred_places_the_rest_is_counted(many: int, more: int) -> None:
    old = "".join(f"lost {number}\nkept {number}\n" for number in range(many))
    new = "".join(f"kept {number}\n" for number in range(many))
    base = Step("chore: base", files={"log/a": old, "log/b": "b\n"})
    added = "b\n" + "".join(f"skip {number}\n" for number in range(many))
    change = Step("fix: x", files={"log/a": new, "log/b": added})
    said = [one["message"] for one in findings("PTH009", change, base=base, policy=GROWING)]
    assert len(said) == 200 + 2 * bool(more)
    assert (f"log/a loses lines at {more} more places" in said) == bool(more)
    assert (f"{more} more added lines take force away from log/b" in said) == bool(more)
