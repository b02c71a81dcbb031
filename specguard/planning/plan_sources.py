"""The sources of plans: OpenSpec changes, spec-kit features, and the tasks in their `tasks.md`.

A task is a list item with a checkbox. Details of the task are indented below it, one list item each:

    - [ ] 1.2 Add it
      - verify: pytest -q tests/
      - files: src/a.py, src/b.py
      - depends: 1.1
      - done: the sum is right

`verify` and `done` can be repeated. A task without `depends` depends on the one before it. Lines of spec-kit
(`- [ ] T002 [P] [US1] Add the till in src/till.py`) are parsed in the same way, but name their files in the
text. Boxes in comments and fenced blocks are not tasks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, Literal, NamedTuple

from specguard.change.check_request import read_bounded
from specguard.documents.blocks import Text
from specguard.documents.data import utf8_problem
from specguard.documents.list_items import without_remark
from specguard.errors import SpecguardError, nearest
from specguard.model import shortened
from specguard.plans.task import parse_expected
from specguard.runs.command_inspection import cannot_fail
from specguard.work.dependencies import find_circles, format_circle
from specguard.work.item_lists import NOTHING

Level = Literal["error", "warning"]

Form = Literal["openspec", "spec-kit"]


CHANGES: Final = "openspec/changes"
MAIN: Final = "openspec/specs"
FEATURES: Final = "specs"
TASKS: Final = "tasks.md"

KEBAB: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""The pattern that OpenSpec requires for a change's name, and for each part of a capability's name."""

_FEATURE: Final = re.compile(r"[0-9]{3,}-[^/]+")
_LARGEST: Final = 1 << 20
_LONGEST_LINE: Final = 10_000
_HIDDEN: Final = re.compile(
    r"^[ \t]*(?:(?:[-*+]|[0-9]+[.)])[ \t]+)?(?P<fence>`{3,}+(?!.*`)|~{3,})[^\n]*(?s:.*?)"
    r"(?:(?P<end>^[ \t]*(?P=fence)(?:(?<=`)`*|(?<=~)~*)[ \t]*$)|\Z)"
    r"|^(?=(?P<closed>(?:[ \t]*<!--(?:(?!-->).)*-->)*))(?P=closed)[ \t]*<!--(?!.*-->)(?s:.*?)(?:-->|\Z)"
    r"|<!--.*?-->",
    re.MULTILINE,
)
"""A fenced block, or a comment; a comment spans lines only if nothing but comments precedes it."""
_HEADING: Final = re.compile(r"(#{1,6})(?:[ \t]+|$)(.*)")


@dataclass(frozen=True)
class SourceFolder:
    """The folder of a change or a feature.

    Attributes:
        top: the checkout's root.
        path: the folder, from the root.
        form: the tool whose form the folder has.
    """

    top: str
    path: str
    form: Form

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.rpartition("/")[2]

    def has(self, name: str) -> bool:
        """Return True if a regular file, not a symbolic link, exists at a path in the folder."""
        place = self._place(name)
        return os.path.isfile(place) and not os.path.islink(place)

    def read(self, name: str) -> str | None:
        """Return the text of a file in the folder; None if it is missing.

        Raises:
            SpecguardError: the file cannot be read, is not UTF-8, or exceeds a size limit.
        """
        shown = f"{self.path}/{name}"
        if not os.path.lexists(self._place(name)):
            return None
        if not self.has(name):
            help = "put the file itself there"
            raise SpecguardError("it is not a regular file", path=shown, help=help, code="unreadable-file")
        try:
            text = read_bounded(self._place(name), _LARGEST, "the page").decode("utf-8")
        except UnicodeDecodeError as error:
            message, line, help = "it is not UTF-8", utf8_problem(error).line, "save it as UTF-8"
            raise SpecguardError(message, path=shown, line=line, help=help, code="unreadable-file") from error
        for number, one in enumerate(text.split("\n"), 1):
            if len(one) > _LONGEST_LINE:
                message, help = f"the line has {len(one)} characters", f"at most {_LONGEST_LINE} are read"
                raise SpecguardError(message, path=shown, line=number, help=help, code="size-limit")
        return text

    def files(self, below: str) -> Iterator[str]:
        """Yield the files below a subfolder, relative to this folder and sorted; dotfiles are left out."""
        for folder, folders, names in os.walk(self._place(below)):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(one for one in names if not one.startswith(".")):
                yield os.path.relpath(os.path.join(folder, name), self._place("")).replace(os.sep, "/")

    def deltas(self) -> Iterator[tuple[str, str]]:
        """Yield the delta files of a change, each with the name of its capability."""
        for name in self.files("specs"):
            if name.endswith("/spec.md") and name != "specs/spec.md":
                yield name, name.removeprefix("specs/").removesuffix("/spec.md")

    def _place(self, name: str) -> str:
        return os.path.join(self.top, self.path, name)


def source_folder(top: str, name: str) -> SourceFolder:
    """Return the folder that a name means: a change, a feature, or a path.

    Args:
        top: the checkout's root.
        name: the slug of a change, the name of a feature such as `001-cart`, or the path of either. The path
            is relative to the root or to the working directory.

    Raises:
        SpecguardError: the name is unknown or ambiguous.
    """
    plain, known = name.strip("/"), source_folders(top)
    meant = {plain, os.path.relpath(os.path.realpath(name), os.path.realpath(top))}
    found = [folder for folder in known if folder.name == plain or folder.path in meant]
    if len(found) == 1:
        return found[0]
    if found:
        paths = " and ".join(folder.path for folder in found)
        help = f"name its folder: {found[0].path}"
        raise SpecguardError(f"{plain!r} is both {paths}", help=help, code="unknown-name")
    otherwise = f"specguard plan proposal {plain if KEBAB.fullmatch(plain) else 'SLUG'}"
    message = f"{plain} is neither a change in {CHANGES} nor a feature in {FEATURES}"
    help = nearest(plain, {folder.name for folder in known}, otherwise)
    raise SpecguardError(message, help=help, code="unknown-name")


def source_folders(top: str) -> list[SourceFolder]:
    """Return the change and feature folders of a checkout, except archived ones."""
    changes = [name for name in _folders(os.path.join(top, CHANGES)) if name != "archive"]
    features = [name for name in _folders(os.path.join(top, FEATURES)) if _FEATURE.fullmatch(name)]
    return [
        *(SourceFolder(top, f"{CHANGES}/{name}", "openspec") for name in changes),
        *(SourceFolder(top, f"{FEATURES}/{name}", "spec-kit") for name in features),
    ]


def _folders(place: str) -> list[str]:
    """Return the names of subfolders, without symbolic links and dotfiles."""
    try:
        with os.scandir(place) as found:
            names = [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
            return sorted(name for name in names if not name.startswith("."))
    except OSError:
        return []


class PageSection(NamedTuple):
    """A heading and the lines below it.

    Attributes:
        title: the heading's text.
        line: the heading's line, from 1, which is also the index of the first line below it.
        end: the index after the last line.
    """

    title: str
    line: int
    end: int


class SourcePage:
    """A Markdown file by lines. A heading begins its line with `#`, as OpenSpec requires.

    Attributes:
        raw: the lines.
        lines: the lines without comments, and with a backquote in place of each line of a fenced block.
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

    def sections(self, level: int, within: PageSection | None = None) -> list[PageSection]:
        """Return the sections of a level in the page or within one section.

        Each section ends at the next heading of its level or a higher one.
        """
        begin, end = (within.line, within.end) if within else (0, len(self.lines))
        read = ((at, _HEADING.match(self.lines[at])) for at in range(begin, end))
        headings = [(at, len(one[1]), one[2].strip()) for at, one in read if one and len(one[1]) <= level]
        placed = zip(headings, [at for at, _, _ in headings[1:]] + [end], strict=False)
        return [PageSection(title, at + 1, stop) for (at, one, title), stop in placed if one == level]

    def body(self, section: PageSection) -> Sequence[str]:
        """Return the lines below a heading."""
        return self.lines[section.line : section.end]


DETAILS: Final = ("verify", "files", "depends", "done")
"""The keys of a task's details below its box."""

_STEMS: Final = ("verif", "file", "depend", "done")
_SIMILARITY: Final = 0.7
"""The minimum similarity for a key to count as a misspelt detail."""

_ITEM: Final = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]+|(?=\[))(?P<text>\S.*)")
# A note of spec-kit's template begins with the mark `[P]` of tasks, which some write in place of a box.
_BOX: Final = re.compile(r"\[(?!P\] tasks =)[ \t]*(?:(?P<mark>[^\]\s])[ \t]*)?\](?![(\[])[ \t]*(?P<text>.*)")
_DETAIL: Final = re.compile(
    r"[*_`]{0,3}(?P<key>[A-Za-z][A-Za-z_-]*?(?: [A-Za-z_-]+?){0,2}?)[*_`]{0,3}[ \t]*:[*_]{0,3}(?:[ \t]+|$)"
)
"""The beginning of a detail; its key has at most three words, so that most sentences are notes."""

_NUMBER: Final = re.compile(
    r"[*_]{0,2}(?P<id>(?:T[0-9]+|[0-9]+(?:\.[0-9]+)+)[A-Za-z]?|[0-9]+(?=[.):]))"
    r"[.):]?[*_]{0,2}(?:[ \t]+(?P<text>.*)|$)"
)
"""The number of a task; a bare number needs a mark after it, so that `3 tests` keeps its 3."""

_GROUP: Final = r"\([\w.-]+\)"
_PART: Final = rf"(?:[\w.@+-]|[\[{{]{{1,2}}[\w.,=-]+[\]}}]{{1,2}}|(?<=[/)]){_GROUP}|(?<![/)]){_GROUP}(?=/))"
"""A piece of a name in a path: a character, or a group such as `[id]`."""

_PATH: Final = re.compile(
    rf"(?<![\w/.@:+)\]}}-])(?!(?:e\.g|i\.e)\b)((?:{_PART}+/(?:\*\*/)?)+(?:\*|{_PART})*"
    # A line, a test or a text may follow behind a colon; a name never ends before its last part.
    r"|\.?[\w@+-]+(?:\.[\w@+-]+)*\.(?!\d)[A-Za-z]\w{0,7})(?![\w/@-]|\.\w|:[^\s:\d])"
)
_LABELS: Final = re.compile(r"\[(?P<label>P|US[0-9]+)\][ \t]*")


class Issue(NamedTuple):
    """One flaw of a folder.

    Attributes:
        path: the file or folder, from the repository's root.
        line: the line, from 1; 0 for the whole file or folder.
        message: the problem, in one sentence.
        help: the next step.
        level: an error makes `plan validate` exit with 1; a warning does so only with `--strict`.
        openspec: the level of OpenSpec's own validator, if that found the flaw; otherwise empty.
    """

    path: str
    line: int
    message: str
    help: str
    level: Level = "error"
    openspec: Level | Literal[""] = ""

    @property
    def data(self) -> dict[str, Any]:
        """The data for a report."""
        return {**self._asdict(), "line": self.line or None, "openspec": self.openspec or None}


class Detail(NamedTuple):
    """A value under one of a task's keys, without surrounding code marks, and its line from 1."""

    key: str
    value: str
    line: int


@dataclass(eq=False)
class Box:
    """A task of a `tasks.md`.

    Attributes:
        line: the line, from 1.
        id: the number in the file, such as `1.2` or `T002`; empty if there is none.
        text: the rest of the line, with the lines that continue it.
        ticked: True if the box has an `x`.
        parallel: True if the task is marked as parallel to those before it (`[P]`).
        story: the user story of the task, such as `US1`; empty if there is none.
        group: the heading above the task.
        indent: the indentation in columns.
        details: the details below the box; a key that is not in `DETAILS` is a misspelt one.
        notes: all other text below the box.
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
        """The task's name in messages."""
        return self.id or f"the task in line {self.line}"

    @property
    def title(self) -> str:
        """The text as a reader sees it, without emphasis, code marks and the targets of links."""
        # Behind an even number of code marks, Markdown reads emphasis in `src/__init__.py`.
        parts, escapes = self.text.split("`"), str.maketrans({"_": r"\_", "*": r"\*"})
        plain = "`".join(parts[::2])
        for file in self.files:
            plain = plain.replace(file, file.translate(escapes))
        parts[::2] = plain.split("`")
        return Text("`".join(parts), self.line).rendered.strip()

    def values(self, key: str) -> Sequence[str]:
        """Return the values of a detail, without empty ones."""
        return [one.value for one in self.details if one.key == key and one.value]

    @property
    def files(self) -> list[str]:
        """Its files: the paths of its `files` details, as in `a.py, b.py`, else those that its text names."""
        if self.has("files"):
            parts = re.split(r"\n|,(?: and )?(?![^{}\n]*})|(?<=`) and (?=`)", "\n".join(self.values("files")))
            return [path for path in dict.fromkeys(map(without_remark, parts)) if path.lower() not in NOTHING]
        if self.id.startswith("T"):
            paths = [match[1].rstrip(".") for match in _PATH.finditer(self.text.replace("`", " "))]
        else:
            paths = [span for span in Text(self.text, self.line).spans if _PATH.fullmatch(span)]
        return [path for path in dict.fromkeys(paths) if ".." not in path.split("/")]

    @property
    def in_text(self) -> str:
        """The dependencies that its text names in round brackets, in capital letters."""
        return self.text.upper().partition("(DEPENDS ON ")[2].partition(")")[0]

    def has(self, key: str) -> bool:
        """Return True if the task has a detail, even an empty one."""
        return any(one.key == key for one in self.details)


class Boxes:
    """The boxes of a `tasks.md`.

    Attributes:
        all: the tasks, in order.
        others: the lines of items that are not tasks and belong to none.
        by_id: the first task with each id, by lower-case id.
    """

    def __init__(self, text: str) -> None:
        self.all: list[Box] = []
        self.others: list[int] = []
        self._read(SourcePage(text))
        self.by_id = {box.id.lower(): box for box in reversed(self.all) if box.id}

    def dependencies(self) -> Iterator[tuple[Box, Sequence[Box]]]:
        """Yield each task with its dependencies: the tasks that it names, else tasks before it.

        A task of OpenSpec depends on the one before it. With spec-kit, consecutive `[P]` tasks of a phase
        form a group, and any other task is a group of its own. A task depends on all tasks of the group
        before its own, and on those in its text (`depends on T012, T013`, in round brackets).
        """
        earlier: list[Box] = []
        group: list[Box] = []
        previous: Box | None = None
        for box in self.all:
            if previous and not (box.parallel and previous.parallel and box.group == previous.group):
                earlier, group = group, []
            group.append(box)
            named = [word for value in box.values("depends") or [box.in_text] for word in ids_of(value)]
            needed = [] if box.has("depends") else earlier
            needed = [*needed, *(self.by_id[word.lower()] for word in named if word.lower() in self.by_id)]
            yield box, [one for one in dict.fromkeys(needed) if one is not box]
            previous = box

    def _read(self, page: SourcePage) -> None:
        groups = {section.line: section.title for level in range(1, 7) for section in page.sections(level)}
        group = ""
        box: Box | None = None
        last = 0  # The last line of the box's own text.
        for line, text in enumerate(page.lines, 1):
            item = _ITEM.match(text)
            found = _BOX.match(item["text"]) if item else None
            indent = len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip())
            if not text.strip() or text == "`":
                continue
            if line in groups:
                box, group = None, groups[line]
            elif found:
                box = _new_box(found["text"].strip(), line, group, indent, ticked=found["mark"] in ("x", "X"))
                self.all.append(box)
                last = line
            elif box is not None and not item and line == last + 1:
                box.text, last = f"{box.text} {text.strip()}", line
            elif box is not None and (indent > box.indent or (not item and page.lines[line - 2].strip())):
                _add_detail(box, item["text"] if item else "", text.strip(), line)
            elif not item:
                box = None
            elif indent < 4:
                self.others.append(line)


def _new_box(text: str, line: int, group: str, indent: int, *, ticked: bool) -> Box:
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
    """Add an item below a box to the box's details or notes."""
    detail = _DETAIL.match(item)
    key = detail["key"].lower() if detail else ""
    if detail and (key.startswith(_STEMS) or get_close_matches(key, DETAILS, 1, _SIMILARITY)):
        value = item[detail.end() :].strip()
        code = re.fullmatch(r"(`+)(?!`)(.+?)(?<!`)\1", value)
        value = code[2].strip() if code and code[1] not in code[2] else value
        box.details.append(Detail(key, value, line))
    else:
        box.notes.append(item or text)


def ids_of(value: str) -> list[str]:
    """Return the ids of a `depends` detail; a word such as `none` means that it has no ids."""
    words = [word.strip("`*_.()[]") for word in value.replace(",", " ").replace(";", " ").split()]
    named = [word for word in words if word and word != "and"]
    return [] if len(named) == 1 and named[0].lower() in NOTHING else named


def task_flaws(path: str, boxes: Boxes, *, spec_kit: bool) -> Iterator[Issue]:
    """Yield the flaws that prevent tasks from becoming tasks of a plan, each once.

    Args:
        path: the file, from the repository's root.
        boxes: the file's boxes.
        spec_kit: True for spec-kit's form, whose templates have lists that are not tasks.
    """
    if not boxes.all:
        yield Issue(path, next(iter(boxes.others), 0), "no line is a task", "Write each as '- [ ] 1.1 WHAT'.")
    for line in boxes.others if boxes.all and not spec_kit else ():
        message = "an item without a box is not a task, and comes into no plan"
        help = "Begin it with '- [ ] ', or move it below the task that it is about."
        yield Issue(path, line, message, help, "warning")
    for box in boxes.all:
        before = boxes.by_id[box.id.lower()] if box.id else box
        if before is not box:
            message = f"{box.id} is there twice, first in line {before.line}"
            yield Issue(path, box.line, message, "Give each task a number of its own.")
        if not any(map(str.isalnum, box.text)):
            yield Issue(path, box.line, f"{box.name} says nothing", "Say what is done, or take it out.")
        for detail in box.details:
            yield from _detail_flaws(path, box, detail, boxes.by_id)
        for file, expected in ((one, parse_expected(one)) for one in box.files):
            if expected.problem:
                message = f"{box.name} expects {shortened(file)!r}, which {expected.problem}"
                help = "Name each path from the root below it: '  - files: PATH'."
                yield Issue(path, box.line, message, help)
        in_text = [word for word in ids_of(box.in_text) if word[0] == "T" and word[1:2].isdigit()]
        if in_text and not box.has("depends"):
            yield from _detail_flaws(path, box, Detail("depends", ",".join(in_text), box.line), boxes.by_id)
        if all(map(cannot_fail, box.values("verify"))):
            message = f"{box.name} has no command that verifies it, and may not run without"
            yield Issue(path, box.line, message, "Add below it: '  - verify: COMMAND'.", "warning")
    for circle in find_circles(dict(boxes.dependencies())):
        message = f"tasks need each other in a circle: {format_circle([box.name for box in circle])}"
        help = "Take out the dependency that is not one; a task without `depends` needs the one before it."
        yield Issue(path, circle[0].line, message, help)


def _detail_flaws(path: str, box: Box, detail: Detail, known: Mapping[str, Box]) -> Iterator[Issue]:
    key, value, line = detail
    if key not in DETAILS:
        yield Issue(path, line, f"{key!r} is not one of {', '.join(DETAILS)}", nearest(key, DETAILS))
    elif not value:
        yield Issue(path, line, f"`{key}` of {box.name} is empty", "Say it, or take it out.")
    elif key == "verify" and value.startswith("`"):
        yield Issue(path, line, f"`verify` of {box.name} goes on behind a command", "Name only one command.")
    for word in ids_of(value) if key == "depends" else ():
        if word.lower() not in known:
            message = f"{box.name} depends on {word!r}, which is not a task here"
            others = [one.id for one in known.values() if one is not box and not {*"-\u2013/"} & {*word}]
            yield Issue(path, line, message, nearest(word, others, "Name one task after the other."))
        elif known[word.lower()] is box:
            yield Issue(path, line, f"{box.name} depends on itself", "Take it out.")
