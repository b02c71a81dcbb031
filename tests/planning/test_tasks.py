"""The tasks of a `tasks.md`."""

from typing import Any

import pytest

from specguard.planning.plan_sources import Boxes, ids_of, task_flaws
from tests.rows import rows


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
    text += "<!-- f --> <!-- g\n- [ ] h\n-->\n```sh``` is code\n- ```sh\n  x\n  ```\n- [ ] i\n"
    assert [box.text for box in Boxes(text).all] == ["c", "e", "i"]


def test_details_notes_and_what_belongs_to_no_task() -> None:
    boxes = Boxes(
        "# Tasks\n\nSome words.\n\n- loose\n- [ ] 1.1 Add it\n  and more of it\nof these\n"
        "  - **verify**: `a | b`\n  - Verify: c `d`\n  - files: `a.py` (new), b/, n/a, `c` and `d`, and e\n"
        "  - files: {f\n  - files: g}\n  - Verify it and all: a\n  - Dependencies: 1.0\n  - doen: x\n"
        "  - done:\n\n  Words.\n\n- loose\n\nGo.\n\n  - verify: e\n"
    )
    [box] = boxes.all
    assert box.values("verify") == ["a | b", "c `d`"]
    assert box.files == ["a.py", "b/", "c", "d", "e", "{f", "g}"]
    assert box.notes == ["Verify it and all: a", "Words."]
    assert [(flaw.line, flaw.message) for flaw in task_flaws("t", boxes, spec_kit=False)][3:] == [
        (15, "'dependencies' is not one of verify, files, depends, done"),
        (16, "'doen' is not one of verify, files, depends, done"),
        (17, "`done` of 1.1 is empty"),
    ]
    assert boxes.others == [5, 21, 25]


@pytest.mark.parametrize(("value", "ids"), rows(__file__, "ids_of_what_a_task_depends_on"))
def test_ids_of_what_a_task_depends_on(value: str, ids: list[str]) -> None:
    assert ids_of(value) == ids


@pytest.mark.parametrize(("text", "wanted"), rows(__file__, "what_tasks_wait_for"))
def test_what_tasks_wait_for(text: str, wanted: list[list[Any]]) -> None:
    assert [[box.id, [one.id for one in needed]] for box, needed in Boxes(text).dependencies()] == wanted
