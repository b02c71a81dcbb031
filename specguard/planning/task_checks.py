"""Whether the tasks of a `tasks.md` can become those of a plan, each once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from specguard.errors import nearest
from specguard.planning.boxes import DETAILS, ids_of
from specguard.planning.flaws import Flaw
from specguard.work.circles import circles_of, way_round

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from specguard.planning.boxes import Box, Boxes

_GROUPED_ID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)+[A-Za-z]*")


def task_flaws(path: str, boxes: Boxes, *, spec_kit: bool) -> Iterator[Flaw]:
    """What is wrong with the tasks.

    Args:
        path: the file, from the repository's root.
        boxes: what it says.
        spec_kit: whether it has spec-kit's form, whose templates have lists that are no tasks.
    """
    if not boxes.all:
        yield Flaw(
            path,
            boxes.others[0] if boxes.others else 0,
            "no line of it is a task",
            "Write each as '- [ ] 1.1 WHAT'.",
            openspec="warning" if boxes.others and not spec_kit else "",
        )
        return
    if not spec_kit:
        for line in boxes.others:
            yield Flaw(
                path,
                line,
                "an item without a box is no task, and comes into no plan",
                "Begin it with '- [ ] ', or move it below the task that it is about.",
                "warning",
            )
    yield from _numbers(path, boxes)
    known = boxes.by_id()
    for box in boxes.all:
        yield from _box(path, box, known)
    yield from _circles(path, boxes)


def _numbers(path: str, boxes: Boxes) -> Iterator[Flaw]:
    first: dict[str, Box] = {}
    grouped = boxes.grouped
    for box in boxes.all:
        told = grouped and bool(box.number) and _GROUPED_ID.fullmatch(box.id) is not None
        group = box.id.partition(".")[0].lstrip("0")
        if told and group != box.number.lstrip("0"):
            yield Flaw(
                path,
                box.line,
                f"{box.id} stands in the group {box.number}",
                f"Number it {box.number}.N, or move it.",
                "warning",
                "warning",
            )
        if not box.id:
            continue
        before = first.setdefault(box.id.lower(), box)
        if before is not box:
            yield Flaw(
                path,
                box.line,
                f"{box.id} is there twice, first in line {before.line}",
                "Give each task a number of its own.",
                openspec="warning" if told and before.number else "",
            )


def _box(path: str, box: Box, known: Mapping[str, Box]) -> Iterator[Flaw]:
    if not re.search(r"\w", box.text):
        yield Flaw(path, box.line, f"{box.name} says nothing", "Say what is done, or take it out.")
    for word, line, key in box.misspelt:
        yield Flaw(
            path,
            line,
            f"{word!r} is not one of {', '.join(DETAILS)}",
            f"did you mean {key!r}?",
        )
    for said in box.said:
        if not said.value:
            yield Flaw(path, said.line, f"`{said.key}` of {box.name} is empty", "Say it, or take it out.")
        if said.key != "depends":
            continue
        for word in ids_of(said.value):
            if word.lower() not in known:
                yield Flaw(
                    path,
                    said.line,
                    f"{box.name} depends on {word!r}, which is no task here",
                    nearest(word, [one.id for one in known.values()]),
                )
            elif known[word.lower()] is box:
                yield Flaw(path, said.line, f"{box.name} depends on itself", "Take it out.")
    if not box.values("verify"):
        yield Flaw(
            path,
            box.line,
            f"{box.name} has no command that verifies it, and may not run without",
            "Add below it: '  - verify: COMMAND'.",
            "warning",
        )


def _circles(path: str, boxes: Boxes) -> Iterator[Flaw]:
    positions = {id(box): at for at, box in enumerate(boxes.all)}
    graph = {positions[id(box)]: [positions[id(one)] for one in needed] for box, needed in boxes.needs()}
    for circle in circles_of(graph):
        around = [boxes.all[at] for at in circle]
        yield Flaw(
            path,
            min(box.line for box in around),
            f"tasks need each other in a circle: {way_round([box.name for box in around])}",
            "Take out the dependency that is not one; a task without `depends` needs the one before it.",
        )
