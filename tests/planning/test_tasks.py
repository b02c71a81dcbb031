"""The tasks of a `tasks.md`."""

import pytest

from specguard.planning.task_lists import Boxes, ids_of, task_flaws
from tests.rows import rows


def needs(text: str) -> list[tuple[str, list[str]]]:
    return [(box.id, [one.id for one in needed]) for box, needed in Boxes(text).dependencies()]


@pytest.mark.parametrize("line", rows(__file__, "what_is_a_box"))
def test_what_is_a_box(line: str) -> None:
    [box] = Boxes(line).all
    assert box.text == "x"


@pytest.mark.parametrize("line", ["- x", "[ ] x", "- [A](b)", "- [US1][c]", "- [WIP] x", "## [ ] x", ""])
def test_what_is_none(line: str) -> None:
    assert Boxes(line).all == []


@pytest.mark.parametrize(("text", "called", "rest"), rows(__file__, "numbers"))
def test_numbers(text: str, called: str, rest: str) -> None:
    [box] = Boxes(f"- [ ] {text}").all
    assert (box.id, box.title) == (called, rest)


def test_a_box_in_a_fence_or_a_comment_is_none() -> None:
    text = "```\n- [ ] a\n```\n<!--\n- [x] b\n-->\n- [ ] c <!-- d -->\n  - `<!--`\n- [ ] e\n"
    text += "<!-- f --> <!-- g\n- [ ] h\n-->\n"
    assert [box.text for box in Boxes(text).all] == ["c", "e"]


def test_details_notes_and_what_belongs_to_no_task() -> None:
    boxes = Boxes(
        "# Tasks\n\nSome words.\n\n- loose\n- [ ] 1.1 Add it\n  and more of it\nof these\n"
        "  - **verify**: `a | b`\n  - Verify: c `d`\n  - files: `a.py`, b/, n/a\n  - note: mind the gap\n"
        "  - Dependencies: 1.0\n  - doen: x\n  - done:\n\n  Words.\n\n- loose\n\nGo.\n\n  - verify: e\n"
    )
    [box] = boxes.all
    assert box.values("verify") == ["a | b", "c `d`"]
    assert box.files == ["a.py", "b/"]
    assert box.notes == ["note: mind the gap", "Words."]
    assert [(flaw.line, flaw.message) for flaw in task_flaws("t", boxes, spec_kit=False)][3:] == [
        (13, "'dependencies' is not one of verify, files, depends, done"),
        (14, "'doen' is not one of verify, files, depends, done"),
        (15, "`done` of 1.1 is empty"),
    ]
    assert boxes.others == [5, 19, 23]


@pytest.mark.parametrize(("value", "ids"), rows(__file__, "ids_of_what_a_task_depends_on"))
def test_ids_of_what_a_task_depends_on(value: str, ids: list[str]) -> None:
    assert ids_of(value) == ids


def test_a_task_needs_the_one_before_it_unless_it_says_otherwise() -> None:
    text = "- [ ] 1.1 a\n- [ ] 1.2 b\n  - depends: none\n- [ ] 1.3 c\n- [ ] 1.4 d\n  - depends: 1.1, 1.2\n"
    assert needs(text) == [("1.1", []), ("1.2", []), ("1.3", ["1.2"]), ("1.4", ["1.1", "1.2"])]


def test_what_may_be_done_side_by_side_waits_for_all_before_it() -> None:
    text = (
        "## Phase 1\n- [ ] T001 a\n- [ ] T002 [P] b\n- [ ] T003 [P] c\n- [ ] T004 d\n"
        "## Phase 2\n- [ ] T005 [P] e\n- [ ] T006 [P] f\n## Phase 3\n- [ ] T007 [P] g\n- [ ] T008 [P] h\n"
    )
    assert needs(text) == [
        ("T001", []),
        ("T002", ["T001"]),
        ("T003", ["T001"]),
        ("T004", ["T002", "T003"]),
        ("T005", ["T004"]),
        ("T006", ["T004"]),
        ("T007", ["T005", "T006"]),
        ("T008", ["T005", "T006"]),
    ]
