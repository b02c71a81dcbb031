"""The tasks of a `tasks.md`: each box of a list, with what stands below it.

A box is what OpenSpec counts as one (`utils/task-progress` of `@fission-ai/openspec` 1.13.2), in fenced
blocks and comments too: a box that one of the two did not see would be a task that is lost. Below a box,
further in, stands what a plan has of it besides its title, one item of a list for each:

    - [ ] 1.2 Add the till
      - verify: pytest -q tests/test_till.py
      - files: src/till.py, tests/test_till.py
      - depends: 1.1
      - done: the till sums up the cart

`verify` and `done` may be repeated; without `depends` a task needs the one before it. spec-kit's lines
(`- [ ] T002 [P] [US1] Add the till in src/till.py`) are read in the same way, and name their files
themselves.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from specguard.documents.fields import normal_name
from specguard.planning.delta import BLANK, fences, lines_of
from specguard.plans.task_keys import OTHER_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

DETAILS: Final = ("verify", "files", "depends", "done")
"""What may be said of a task below its box."""

_CLOSE: Final = 0.75
"""How much of two words must agree for one to be taken for a detail misspelt."""

_OWN_NAMES: Final = {
    "verify": OTHER_NAMES["verify"],
    "files": ("expectedfiles", *OTHER_NAMES["expected_files"]),
    "depends": ("dependson", *OTHER_NAMES["depends_on"]),
    "done": ("donecriteria", "donewhen", *OTHER_NAMES["done_criteria"]),
}

_BOX: Final = re.compile(
    f"[{BLANK}]*(?:[-*+]|[0-9]{{1,9}}[.)])[{BLANK}]*"
    f"\\[(?:[{BLANK}]*(?P<mark>[^\\]{BLANK}]?)[{BLANK}]*\\](?![(\\[])|[{BLANK}]+\\])[{BLANK}]*(?P<text>.*)"
)
_ITEM: Final = re.compile(r"(?P<indent>[ \t]*)(?:[-*+]|[0-9]{1,9}[.)])[ \t]+(?P<text>\S.*)")
_DETAIL: Final = re.compile(
    r"[*_`]{0,3}(?P<key>[A-Za-z][A-Za-z _-]{0,30}?)[*_`]{0,3}[ \t]*:[*_]{0,3}(?:[ \t]+(?P<value>.*)|$)"
)
_NUMBER: Final = re.compile(
    r"[*_]{0,2}(?P<id>T[0-9]+|[0-9]+(?:\.[0-9]+)+[A-Za-z]?|[0-9]+(?=[.):]))"
    r"[.):]?[*_]{0,2}(?:[ \t]+(?P<text>.*)|$)"
)
"""The number of a task; a number alone is one where a mark follows, so that `3 tests` keeps its 3."""

_LABELS: Final = re.compile(r"\[(?P<label>P|US[0-9]+)\][ \t]*")
_HEADING: Final = re.compile(r" {0,3}#{1,6}[ \t]+(?P<title>.*)")
_GROUP: Final = re.compile(r" {0,3}##[ \t]+(?P<group>[0-9]+)\.(?:[ \t]|$)")
_TOP: Final = re.compile(r" {0,3}##(?!#)(?:[ \t]+|$)")


class Said:
    """A detail of a task.

    Attributes:
        key: one of `DETAILS`.
        value: what is said, without the marks of code around it.
        line: its line, from 1.
    """

    __slots__ = ("key", "line", "value")

    def __init__(self, key: str, value: str, line: int) -> None:
        self.key = key
        self.value = value
        self.line = line


class Box:
    """A task of a `tasks.md`.

    Attributes:
        line: its line, from 1.
        id: what it is called there, such as `1.2` or `T002`; empty where it has no number.
        text: the rest of it.
        ticked: whether its box has an `x` in it.
        parallel: whether it says that it may be done beside those before it (`[P]`).
        story: the user story that it is for, such as `US1`; empty where it says none.
        group: the heading that it stands below.
        number: the number of the group `## 1. ...`; empty where there is none.
        said: what is said below it.
        misspelt: names of details that are none, with the line and the detail that is meant.
        notes: everything else that stands below it.
    """

    __slots__ = (
        "group", "id", "indent", "line", "misspelt", "notes", "number", "parallel", "said", "story", "text",
        "ticked",
    )  # fmt: skip

    def __init__(self, line: int, text: str, *, ticked: bool, indent: int, group: str, number: str) -> None:
        self.line = line
        self.ticked = ticked
        self.indent = indent
        self.group = group
        self.number = number
        match = _NUMBER.match(text)
        self.id = match["id"] if match else ""
        rest = (match["text"] or "") if match else text
        self.parallel = False
        self.story = ""
        while label := _LABELS.match(rest):
            if label["label"] == "P":
                self.parallel = True
            else:
                self.story = label["label"]
            rest = rest[label.end() :]
        self.text = rest.strip()
        self.said: list[Said] = []
        self.misspelt: list[tuple[str, int, str]] = []
        self.notes: list[str] = []

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.id or f"the task in line {self.line}"

    @property
    def from_spec_kit(self) -> bool:
        """Whether its number is one of spec-kit's."""
        return self.id.startswith("T")

    def values(self, key: str) -> Sequence[str]:
        """What is said of it by one key, but for what is empty."""
        return [one.value for one in self.said if one.key == key and one.value]


class Boxes:
    """What a `tasks.md` says.

    Args:
        text: its text.

    Attributes:
        lines: its lines.
        all: its tasks, in order.
        others: the items of lists, by line, that are no task and belong to none.
    """

    def __init__(self, text: str) -> None:
        self.lines = lines_of(text)
        self.all: list[Box] = []
        self.others: list[int] = []
        self._read()

    @property
    def grouped(self) -> bool:
        """Whether it has groups with numbers, `## 1. ...`."""
        return any(_GROUP.match(line) for line in self.lines)

    def by_id(self) -> Mapping[str, Box]:
        """The tasks by what they are called; of several with one name the first."""
        found: dict[str, Box] = {}
        for box in self.all:
            if box.id:
                found.setdefault(box.id.lower(), box)
        return found

    def needs(self) -> Iterator[tuple[Box, Sequence[Box]]]:
        """What each task needs: what it says, else what stands before it.

        A task of OpenSpec's needs the one before it. With spec-kit one that is `[P]` needs what comes before
        those beside it, and one that is not, as well as the first of a phase, needs all of those.
        """
        known = self.by_id()
        wall: list[Box] = []
        beside: list[Box] = []
        previous: Box | None = None
        for box in self.all:
            if previous is not None and (
                not box.parallel or not previous.parallel or box.group != previous.group
            ):
                wall, beside = beside or wall, []
            beside.append(box)
            named = [word for value in box.values("depends") for word in ids_of(value)]
            told = any(one.key == "depends" for one in box.said)
            needed = [known[word.lower()] for word in named if word.lower() in known] if told else wall
            yield box, [one for one in dict.fromkeys(needed) if one is not box]
            previous = box

    def _read(self) -> None:
        group = number = ""
        box: Box | None = None
        fenced, _ = fences(self.lines)
        comment = False
        for line, (text, hidden) in enumerate(zip(self.lines, fenced, strict=True), 1):
            text = text.removesuffix("\r")
            commented, comment = comment or text.lstrip().startswith("<!--"), _still_open(text, comment)
            if _TOP.match(text):
                match = _GROUP.match(text)
                number = match["group"] if match else ""
            if match := _BOX.match(text):
                box = Box(
                    line,
                    match["text"].strip(),
                    ticked=(match["mark"] or "").lower() == "x",
                    indent=_columns(text),
                    group=group,
                    number=number,
                )
                self.all.append(box)
            elif hidden or commented or not text.strip():
                continue
            elif match := _HEADING.match(text):
                box = None
                group = _title(match["title"])
            elif box is not None and _columns(text) > box.indent:
                _say(box, text, line)
            else:
                if _ITEM.match(text) and _columns(text) < 4:
                    self.others.append(line)
                if box is not None and not _ITEM.match(text):
                    # A line that goes on where the last one ended, as Markdown has it.
                    if self.lines[line - 2].strip():
                        box.notes.append(text.strip())
                    else:
                        box = None


def _title(text: str) -> str:
    """A heading's text without the signs that may close it."""
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if bare[-1:] in ("", " ", "\t") else text


def ids_of(value: str) -> list[str]:
    """The ids that a detail `depends` has; `none` says that there are none."""
    words = [word.strip("`*_.()[]") for word in re.split(r"[,;\s]+", value) if word.strip("`*_.()[]")]
    return (
        []
        if [word.lower() for word in words] in (["none"], ["nothing"])
        else [w for w in words if w != "and"]
    )


def files_of(value: str) -> list[str]:
    """The paths that a detail `files` has, separated by commas."""
    return [path for part in value.split(",") if (path := part.strip().strip("`").strip())]


def _say(box: Box, text: str, line: int) -> None:
    """Take what stands below a box for one of its details, or for a note."""
    item = _ITEM.match(text)
    words = item["text"] if item else text.strip()
    detail = _DETAIL.match(words) if item else None
    if detail is None:
        box.notes.append(words)
        return
    key = _key(detail["key"])
    if detail["key"].lower() in DETAILS:
        box.said.append(Said(detail["key"].lower(), _uncoded(detail["value"] or ""), line))
    elif key:
        box.misspelt.append((detail["key"], line, key))
    else:
        box.notes.append(words)


def _key(word: str) -> str:
    """The detail that a word is meant for; empty where it is for none."""
    name = normal_name(word)
    named = next((key for key, others in _OWN_NAMES.items() if name in others), "")
    near = get_close_matches(name, DETAILS, 1, _CLOSE)
    return named or (near[0] if near else "")


def _uncoded(value: str) -> str:
    """A value without the marks of code, where they are around all of it."""
    value = value.strip()
    match = re.fullmatch(r"(`+)[ ]?(.+?)[ ]?\1", value)
    return match[2].strip() if match and match[1] not in match[2] else value


def _columns(text: str) -> int:
    return len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip())


def _still_open(text: str, before: bool) -> bool:
    """Whether a comment goes on behind a line."""
    begin, end = text.rfind("<!--"), text.rfind("-->")
    return end < begin if begin >= 0 and (before or text.lstrip().startswith("<!--")) else before and end < 0
