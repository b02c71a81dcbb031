"""The sources of a plan: changes of OpenSpec, features of spec-kit, and the tasks of their `tasks.md`.

A task is a box of a list, with what stands below it.

Below a box, further in, stands what a plan has of it besides its title, one item of a list for each:

    - [ ] 1.2 Add the till
      - verify: pytest -q tests/test_till.py
      - files: src/till.py, tests/test_till.py
      - depends: 1.1
      - done: the till sums up the cart

`verify` and `done` may be repeated; without `depends` a task needs the one before it. spec-kit's lines
(`- [ ] T002 [P] [US1] Add the till in src/till.py`) are read in the same way, and name their files
themselves. What is in a comment or a fenced block is no task.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from specguard.change.check_request import read_bounded
from specguard.documents.data import not_utf8
from specguard.errors import SpecguardError, nearest
from specguard.work.item_lists import circles_of, way_round

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Level = Literal["error", "warning"]

    Form = Literal["openspec", "spec-kit"]


CHANGES: Final = "openspec/changes"
MAIN: Final = "openspec/specs"
FEATURES: Final = "specs"
TASKS: Final = "tasks.md"

KEBAB: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""What OpenSpec takes for the name of a change, and for a part of a capability's."""

_FEATURE: Final = re.compile(r"[0-9]{3,}-[^/]+")
_LARGEST: Final = 1 << 20
_LONGEST: Final = 10_000
_HIDDEN: Final = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*(?s:.*?)"
    r"(?:(?P<end>^[ \t]*(?P=fence)(?:(?<=`)`*|(?<=~)~*)[ \t]*$)|\Z)"
    r"|^(?:[ \t]*<!--(?:(?!-->).)*+-->)*+[ \t]*<!--(?!.*-->)(?s:.*?)(?:-->|\Z)|<!--.*?-->",
    re.MULTILINE,
)
"""A fenced block, and a comment; one that nothing but comments precede in its line may go on for several."""
_HEADING: Final = re.compile(r"(#{1,6})(?:[ \t]+(.*)|$)")


@dataclass(frozen=True)
class SourceFolder:
    """A folder with a `tasks.md`.

    Attributes:
        top: the checkout's root.
        path: the folder, from there.
        form: whose form it has.
    """

    top: str
    path: str
    form: Form

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.rpartition("/")[2]

    def has(self, name: str) -> bool:
        """True if a regular file is there, which is no link."""
        place = self._place(name)
        return os.path.isfile(place) and not os.path.islink(place)

    def read(self, name: str) -> str | None:
        """The text of a file of it; None if it is not there.

        Raises:
            SpecguardError: it cannot be read, is no UTF-8, or is far too large.
        """
        shown = f"{self.path}/{name}"
        if not os.path.lexists(self._place(name)):
            return None
        if not self.has(name):
            help = "put the file itself there"
            raise SpecguardError("it is no regular file", path=shown, help=help, code="unreadable-file")
        try:
            text = read_bounded(self._place(name), _LARGEST, "the page").decode("utf-8")
        except UnicodeDecodeError as error:
            line, help = not_utf8(error).line, "save it as UTF-8"
            raise SpecguardError(
                "it is not UTF-8", path=shown, line=line, help=help, code="unreadable-file"
            ) from error
        for number, one in enumerate(text.split("\n"), 1):
            if len(one) > _LONGEST:
                said, help = f"the line has {len(one)} characters", f"at most {_LONGEST} are read"
                raise SpecguardError(said, path=shown, line=number, help=help, code="size-limit")
        return text

    def files(self, below: str) -> Iterator[str]:
        """The files below a folder of it, from it, by name; what begins with a dot is left out."""
        for folder, folders, names in os.walk(self._place(below)):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    yield os.path.relpath(os.path.join(folder, name), self._place("")).replace(os.sep, "/")

    def deltas(self) -> Iterator[tuple[str, str]]:
        """The files of a change that say what it does to a capability, each with the capability's name."""
        for name in self.files("specs"):
            if name.endswith("/spec.md") and name != "specs/spec.md":
                yield name, name.removeprefix("specs/").removesuffix("/spec.md")

    def _place(self, name: str) -> str:
        return os.path.join(self.top, self.path, name)


def source_folders(top: str) -> list[SourceFolder]:
    """The folders of changes and features of a checkout that have tasks, but for archived ones."""
    return [folder for folder in _all(top) if folder.has(TASKS)]


def source_folder(top: str, name: str) -> SourceFolder:
    """The folder that a name stands for: of a change, of a feature, or their path.

    Args:
        top: the checkout's root.
        name: the slug of a change, the name of a feature such as `001-cart`, or the path of either.

    Raises:
        SpecguardError: there is none, or several.
    """
    plain = name.strip("/")
    known = _all(top)
    found = [folder for folder in known if plain in (folder.path, folder.name)]
    if len(found) == 1:
        return found[0]
    if found:
        paths = " and ".join(folder.path for folder in found)
        help = f"name its folder: {found[0].path}"
        raise SpecguardError(f"{plain!r} is both {paths}", help=help, code="unknown-name")
    otherwise = f"specguard plan proposal {plain if KEBAB.fullmatch(plain) else 'SLUG'}"
    said = f"there is no change {CHANGES}/{plain}, and no feature {FEATURES}/{plain}"
    help = nearest(plain, {folder.name for folder in known}, otherwise)
    raise SpecguardError(said, help=help, code="unknown-name")


def _all(top: str) -> list[SourceFolder]:
    changes = [name for name in _folders(os.path.join(top, CHANGES)) if name != "archive"]
    features = [name for name in _folders(os.path.join(top, FEATURES)) if _FEATURE.fullmatch(name)]
    return [
        *(SourceFolder(top, f"{CHANGES}/{name}", "openspec") for name in changes),
        *(SourceFolder(top, f"{FEATURES}/{name}", "spec-kit") for name in features),
    ]


def _folders(place: str) -> list[str]:
    """The names of the folders in one, without links and what begins with a dot."""
    try:
        with os.scandir(place) as found:
            return sorted(
                entry.name
                for entry in found
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            )
    except OSError:
        return []


class Chapter(NamedTuple):
    """A heading with what stands below it.

    Attributes:
        title: the heading's text.
        line: its line, from 1, which is the position of the first line below it.
        end: the position behind its last line.
    """

    title: str
    line: int
    end: int


class SourcePage:
    """A Markdown file by lines. Headings are those that begin their line with `#`, as for OpenSpec.

    Attributes:
        raw: its lines.
        lines: the same without comments, and with a backquote in place of each line of a fenced block.
        open_fence: the line, from 1, of a fence that is never closed; 0 if there is none.
    """

    def __init__(self, text: str) -> None:
        plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.open_fence = 0

        def hidden(found: re.Match[str]) -> str:
            lines = found[0].split("\n")
            if not found["fence"]:
                return "\n" * (len(lines) - 1)
            if found["end"] is None:
                self.open_fence = plain.count("\n", 0, found.start()) + 1
            return "\n".join("`" for _ in lines)

        self.raw = plain.split("\n")
        self.lines = _HIDDEN.sub(hidden, plain).split("\n")

    def sections(self, level: int, within: Chapter | None = None) -> list[Chapter]:
        """The sections of a level, in the document or within one; each ends where none lower begins."""
        begin, end = (within.line, within.end) if within else (0, len(self.lines))
        headings = [
            (at, len(match[1]), (match[2] or "").strip())
            for at in range(begin, end)
            if (match := _HEADING.match(self.lines[at]))
        ]
        higher = [(at, title, one) for at, one, title in headings if one <= level]
        ends = [at for at, _, _ in higher[1:]] + [end]
        return [
            Chapter(title, at + 1, stop)
            for (at, title, one), stop in zip(higher, ends, strict=False)
            if one == level
        ]

    def body(self, section: Chapter) -> Sequence[str]:
        """The lines below a heading."""
        return self.lines[section.line : section.end]


DETAILS: Final = ("verify", "files", "depends", "done")
"""What may be said of a task below its box."""

_STEMS: Final = ("verif", "file", "depend", "done")
_CLOSE: Final = 0.7
"""How much of a key must agree with a detail's for it to be that one misspelt."""

_ITEM: Final = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]+|(?=\[))(?P<text>\S.*)")
_BOX: Final = re.compile(r"\[[ \t]*(?P<mark>[^\]\s]?)[ \t]*\](?![(\[])[ \t]*(?P<text>.*)")
_DETAIL: Final = re.compile(
    r"[*_`]{0,3}(?P<key>[A-Za-z][A-Za-z _-]{0,30}?)[*_`]{0,3}[ \t]*:[*_]{0,3}(?:[ \t]+(?P<value>.*)|$)"
)
_NUMBER: Final = re.compile(
    r"[*_]{0,2}(?P<id>T[0-9]+|[0-9]+(?:\.[0-9]+)+[A-Za-z]?|[0-9]+(?=[.):]))"
    r"[.):]?[*_]{0,2}(?:[ \t]+(?P<text>.*)|$)"
)
"""The number of a task; a number alone is one where a mark follows, so that `3 tests` keeps its 3."""

_LABELS: Final = re.compile(r"\[(?P<label>P|US[0-9]+)\][ \t]*")


class Issue(NamedTuple):
    """One thing that is wrong with a folder.

    Attributes:
        path: the file or folder, from the repository's root.
        line: its line, from 1; 0 if it is about the whole of it.
        message: what is wrong, in one sentence.
        help: the next step.
        level: an error, for which `plan validate` ends with 1, or a warning, for which it does if `--strict`.
        openspec: its level for OpenSpec's own validator, where that found it; else empty.
    """

    path: str
    line: int
    message: str
    help: str
    level: Level = "error"
    openspec: Level | Literal[""] = ""

    @property
    def data(self) -> dict[str, Any]:
        """The same for a report."""
        return {**self._asdict(), "line": self.line or None, "openspec": self.openspec or None}


class Detail(NamedTuple):
    """A value that a task has under one key, without the marks of code around it, and its line from 1."""

    key: str
    value: str
    line: int


@dataclass(eq=False)
class Box:
    """A task of a `tasks.md`.

    Attributes:
        line: its line, from 1.
        id: what it is called there, such as `1.2` or `T002`; empty if it has no number.
        text: the rest of it.
        ticked: whether its box has an `x` in it.
        parallel: whether it says that it may be done beside those before it (`[P]`).
        story: the user story that it is for, such as `US1`; empty if it says none.
        group: the heading that it stands below.
        indent: how far in it begins.
        details: what is said below it; a key that is none of `DETAILS` is one of them misspelt.
        notes: everything else that stands below it.
    """

    line: int
    id: str
    text: str
    ticked: bool
    parallel: bool
    story: str
    group: str
    indent: int
    details: list[Detail] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.id or f"the task in line {self.line}"

    @property
    def title(self) -> str:
        """Its text without the marks of emphasis and code."""
        return self.text.replace("*", "").replace("`", "")

    def values(self, key: str) -> Sequence[str]:
        """Its values under one key, without empty ones."""
        return [one.value for one in self.details if one.key == key and one.value]

    def says(self, key: str) -> bool:
        """True if it has a detail, be it empty."""
        return any(one.key == key for one in self.details)


class Boxes:
    """The boxes of a `tasks.md`.

    Attributes:
        all: its tasks, in order.
        others: the lines of items that are no task and belong to none.
        by_id: the tasks by what they are called, in small letters; of several with one name the first.
    """

    def __init__(self, text: str) -> None:
        self.all: list[Box] = []
        self.others: list[int] = []
        self._read(SourcePage(text))
        self.by_id = {box.id.lower(): box for box in reversed(self.all) if box.id}

    def needs(self) -> Iterator[tuple[Box, Sequence[Box]]]:
        """The tasks that each task needs: those that it names, else those before it.

        A task of OpenSpec's needs the one before it. With spec-kit one that is `[P]` needs what comes before
        those beside it, and one that is not, as well as the first of a phase, needs all of those.
        """
        wall: list[Box] = []
        beside: list[Box] = []
        previous: Box | None = None
        for box in self.all:
            if previous and not (box.parallel and previous.parallel and box.group == previous.group):
                wall, beside = beside, []
            beside.append(box)
            needed = wall
            if box.says("depends"):
                named = [word.lower() for value in box.values("depends") for word in ids_of(value)]
                needed = [self.by_id[word] for word in named if word in self.by_id]
            yield box, [one for one in dict.fromkeys(needed) if one is not box]
            previous = box

    def _read(self, page: SourcePage) -> None:
        groups = {section.line: section.title for level in range(1, 7) for section in page.sections(level)}
        group = ""
        box: Box | None = None
        for line, text in enumerate(page.lines, 1):
            item = _ITEM.match(text)
            found = _BOX.match(item["text"]) if item else None
            indent = len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip())
            if not text.strip() or text == "`":
                continue
            if line in groups:
                box, group = None, groups[line]
            elif found:
                box = _box(found["text"].strip(), line, group, indent, ticked=found["mark"] in ("x", "X"))
                self.all.append(box)
            elif box is not None and indent > box.indent:
                _add_detail(box, item["text"] if item else "", text.strip(), line)
            elif item:
                if indent < 4:
                    self.others.append(line)
            elif box is not None:
                # A line that goes on where the last one ended, as Markdown has it.
                if page.lines[line - 2].strip():
                    box.notes.append(text.strip())
                else:
                    box = None


def _box(text: str, line: int, group: str, indent: int, *, ticked: bool) -> Box:
    match = _NUMBER.match(text)
    rest = (match["text"] or "") if match else text
    labels = []
    while label := _LABELS.match(rest):
        labels.append(label["label"])
        rest = rest[label.end() :]
    return Box(
        line=line,
        id=match["id"] if match else "",
        text=rest.strip(),
        ticked=ticked,
        parallel="P" in labels,
        story=next((one for one in reversed(labels) if one != "P"), ""),
        group=group,
        indent=indent,
    )


def _add_detail(box: Box, item: str, text: str, line: int) -> None:
    """Take what stands below a box for one of its details, or for a note."""
    detail = _DETAIL.match(item)
    key = detail["key"].lower() if detail else ""
    if detail and (key.startswith(_STEMS) or get_close_matches(key, DETAILS, 1, _CLOSE)):
        value = (detail["value"] or "").strip()
        code = re.fullmatch(r"(`+)[ ]?(.+?)[ ]?\1", value)
        value = code[2].strip() if code and code[1] not in code[2] else value
        box.details.append(Detail(key, value, line))
    else:
        box.notes.append(item or text)


def ids_of(value: str) -> list[str]:
    """The ids that a detail `depends` has; `none` says that there are none."""
    words = [word.strip("`*_.()[]") for word in re.split(r"[,;\s]+", value)]
    named = [word for word in words if word and word != "and"]
    return [] if [word.lower() for word in named] == ["none"] else named


def files_of(value: str) -> list[str]:
    """The paths that a detail `files` has, separated by commas."""
    return [path for part in value.split(",") if (path := part.strip().strip("`").strip())]


def task_flaws(path: str, boxes: Boxes, *, spec_kit: bool) -> Iterator[Issue]:
    """The flaws that keep tasks from becoming those of a plan, each once.

    Args:
        path: the file, from the repository's root.
        boxes: what it says.
        spec_kit: whether it has spec-kit's form, whose templates have lists that are no tasks.
    """
    if not boxes.all:
        first = boxes.others[0] if boxes.others else 0
        yield Issue(path, first, "no line of it is a task", "Write each as '- [ ] 1.1 WHAT'.")
    for line in boxes.others if boxes.all and not spec_kit else ():
        message = "an item without a box is no task, and comes into no plan"
        help = "Begin it with '- [ ] ', or move it below the task that it is about."
        yield Issue(path, line, message, help, "warning")
    for box in boxes.all:
        before = boxes.by_id[box.id.lower()] if box.id else box
        if before is not box:
            message = f"{box.id} is there twice, first in line {before.line}"
            yield Issue(path, box.line, message, "Give each task a number of its own.")
        if not re.search(r"\w", box.text):
            yield Issue(path, box.line, f"{box.name} says nothing", "Say what is done, or take it out.")
        for detail in box.details:
            yield from _detail_flaws(path, box, detail, boxes.by_id)
        if not box.values("verify"):
            message = f"{box.name} has no command that verifies it, and may not run without"
            yield Issue(path, box.line, message, "Add below it: '  - verify: COMMAND'.", "warning")
    positions = {box: at for at, box in enumerate(boxes.all)}
    graph = {positions[box]: [positions[one] for one in needed] for box, needed in boxes.needs()}
    for circle in circles_of(graph):
        message = f"tasks need each other in a circle: {way_round([boxes.all[at].name for at in circle])}"
        help = "Take out the dependency that is not one; a task without `depends` needs the one before it."
        yield Issue(path, boxes.all[circle[0]].line, message, help)


def _detail_flaws(path: str, box: Box, detail: Detail, known: Mapping[str, Box]) -> Iterator[Issue]:
    key, value, line = detail
    if key not in DETAILS:
        message = f"{key!r} is not one of {', '.join(DETAILS)}"
        yield Issue(path, line, message, nearest(key, DETAILS))
    elif not value:
        yield Issue(path, line, f"`{key}` of {box.name} is empty", "Say it, or take it out.")
    for word in ids_of(value) if key == "depends" else ():
        if word.lower() not in known:
            message = f"{box.name} depends on {word!r}, which is no task here"
            others = [one.id for one in known.values() if one is not box]
            yield Issue(path, line, message, nearest(word, others, "Take it out."))
        elif known[word.lower()] is box:
            yield Issue(path, line, f"{box.name} depends on itself", "Take it out.")
