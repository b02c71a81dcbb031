"""What a change says of one capability: `specs/<capability>/spec.md`, read as OpenSpec reads it.

The grammar is that of `@fission-ai/openspec` 1.13.2 (`core/parsers/requirement-blocks`, `requirement-text`
and `code-fence`): headings of the levels two to four that begin their line, outside of fences, and nothing
else. A reader that sees more than OpenSpec does, such as one of Markdown, would accept what OpenSpec drops.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

BLANK: Final = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What JavaScript takes for white space, for a class of an expression."""

_BLANKS: Final = "".join(
    chr(code)
    for code in (
        *range(9, 14), 32, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
        0xFEFF,
    )
)  # fmt: skip

OPERATIONS: Final = ("ADDED", "MODIFIED", "REMOVED", "RENAMED")
"""What a delta may do with requirements; each has a section `## ADDED Requirements`."""

_S: Final = f"[{BLANK}]"
_ANY: Final = "[^\n\r\u2028\u2029]"


def _expression(text: str) -> re.Pattern[str]:
    return re.compile(text.replace("%s", _S).replace("%.", _ANY), re.ASCII)


_FENCE: Final = _expression(r"%s*(`{3,}|~{3,})")
_FENCE_END: Final = _expression(r"%s*(`{3,}|~{3,})%s*\Z")
_SECTION: Final = _expression(r"##%s+(%.+)\Z")
_TOP: Final = _expression(r"##%s+")
_REQUIREMENT: Final = _expression(r"###%s*[Rr][Ee][Qq][Uu][Ii][Rr][Ee][Mm][Ee][Nn][Tt]:%s*(%.+)%s*\Z")
_THIRD: Final = _expression(r"###%s+(%.+?)%s*\Z")
_HEADING: Final = _expression(r"#{1,6}%s")
_SCENARIO: Final = _expression(r"####%s+")
_SCENARIO_ENDS: Final = _expression(r"#{1,4}%s")
_METADATA: Final = re.compile(r"\*\*[^*]+\*\*:")
_REMOVED: Final = _expression(r"%s*[-*+]%s*`?###%s*Requirement:%s*(%.+?)`?%s*\Z")
_FROM: Final = _expression(r"%s*[-*+]?%s*FROM:%s*`?###%s*Requirement:%s*(%.+?)`?%s*\Z")
_TO: Final = _expression(r"%s*[-*+]?%s*TO:%s*`?###%s*Requirement:%s*(%.+?)`?%s*\Z")
_CLOSING: Final = re.compile(r"[ \t]+#+[ \t]*\Z")
_LABEL: Final = _expression(r"[Ss][Cc][Ee][Nn][Aa][Rr][Ii][Oo]:%s*")
_BINDING: Final = re.compile(r"\b(?:SHALL|MUST)\b", re.ASCII)
_REQUIREMENTS: Final = _expression(r"##%s+[Rr][Ee][Qq][Uu][Ii][Rr][Ee][Mm][Ee][Nn][Tt][Ss]%s*\Z")


@dataclass(frozen=True)
class Scenario:
    """A heading of the fourth level below a requirement.

    Attributes:
        name: what it is called, without `Scenario:`.
        line: its line, from 1.
        empty: whether nothing stands below it, so that OpenSpec does not count it.
    """

    name: str
    line: int
    empty: bool


@dataclass(frozen=True)
class Requirement:
    """A requirement with its text and its scenarios.

    Attributes:
        name: what it is called.
        line: its line, from 1.
        text: its own text, above its scenarios; empty where it has none.
        scenarios: all of them, those without a body too.
    """

    name: str
    line: int
    text: str
    scenarios: Sequence[Scenario]

    @property
    def binds(self) -> bool:
        """Whether its text says SHALL or MUST."""
        return binds(self.text)


@dataclass(frozen=True)
class Named:
    """A name at a line: of a requirement that is removed, or of one that stands where nobody reads it.

    Attributes:
        name: the name.
        line: its line, from 1.
        where: the section that it is in, or what is said of it.
    """

    name: str
    line: int
    where: str = ""


@dataclass(frozen=True)
class Renaming:
    """A requirement that gets another name.

    Attributes:
        old: the name it has.
        new: the one it gets.
        line: the line of the old one, from 1.
    """

    old: str
    new: str
    line: int


class Section:
    """A section of the second level.

    Attributes:
        title: its heading.
        line: the heading's line, from 1.
        begin: the position of its first line among the document's.
        end: the one behind its last line.
    """

    __slots__ = ("begin", "end", "line", "title")

    def __init__(self, title: str, begin: int, end: int) -> None:
        self.title = title
        self.line = begin
        self.begin = begin
        self.end = end

    @property
    def operation(self) -> str:
        """What it does with requirements, as in `OPERATIONS`; empty where it is no section of a delta."""
        words = self.title.lower()
        return next((one for one in OPERATIONS if words == f"{one.lower()} requirements"), "")


class Delta:
    """A file `specs/<capability>/spec.md` of a change.

    Args:
        text: the file's text.

    Attributes:
        lines: its lines.
        fenced: for each of them whether it is in a fenced block, the fences included.
        open_fence: the line, from 1, of a fence that is never closed; 0 where there is none.
        sections: the sections of the second level, in order.
    """

    def __init__(self, text: str) -> None:
        self.lines = lines_of(text)
        self.fenced, self.open_fence = fences(self.lines)
        self.sections = list(self._sections())

    def of(self, operation: str) -> Sequence[Section]:
        """The sections of an operation: a heading may be repeated."""
        return [section for section in self.sections if section.operation == operation]

    def requirements(self, operation: str) -> Sequence[Requirement]:
        """The requirements below an operation, in order; for those that are removed see `removed`."""
        return [
            one for section in self.of(operation) for one in self.requirements_in(section.begin, section.end)
        ]

    def requirements_in(self, begin: int, end: int) -> Iterator[Requirement]:
        """The requirements among some lines, by position."""
        starts = [at for at in range(begin, end) if self._is_requirement(at)]
        for start, next_one in zip(starts, [*starts[1:], end], strict=False):
            stop = next((at for at in range(start + 1, next_one) if self._is_top(at)), next_one)
            # What is blank at its end goes first, a bare `#### ` in the last line with it.
            body = "\n".join(self.lines[start:stop]).rstrip(_BLANKS).split("\n")[1:]
            name = self._requirement_name(start)
            yield Requirement(name, start + 1, _text(body), list(_scenarios(body, start + 2)))

    @property
    def removed(self) -> Sequence[Named]:
        """The requirements that are removed: by their heading, or as items of a list."""
        found = []
        for section in self.of("REMOVED"):
            for at in range(section.begin, section.end):
                if self.fenced[at]:
                    continue
                if self._is_requirement(at):
                    found.append(Named(self._requirement_name(at), at + 1))
                elif match := _REMOVED.match(self.lines[at]):
                    found.append(Named(normal(match[1]), at + 1))
        return found

    @property
    def renamed(self) -> Sequence[Renaming]:
        """The requirements that get another name."""
        return [one for one in self._renamings() if isinstance(one, Renaming)]

    @property
    def unpaired(self) -> Sequence[Named]:
        """The lines FROM and TO that make no pair; `where` says which of the two it is."""
        return [one for one in self._renamings() if isinstance(one, Named)]

    @property
    def skipped(self) -> Sequence[Named]:
        """The other headings of the third level among what is added and modified, which nobody reads."""
        found = []
        for section in [*self.of("ADDED"), *self.of("MODIFIED")]:
            for at in range(section.begin, section.end):
                match = None if self.fenced[at] else _THIRD.match(self.lines[at])
                if match and not self._is_requirement(at):
                    found.append(Named(match[1].strip(_BLANKS), at + 1, section.title))
        return found

    @property
    def orphans(self) -> Sequence[Named]:
        """The requirements outside of every section of a delta, which OpenSpec ignores."""
        inside = {at for one in self.sections if one.operation for at in range(one.begin, one.end)}
        found = []
        for at in range(len(self.lines)):
            if at not in inside and self._is_requirement(at):
                section = next((one for one in self.sections if one.begin <= at < one.end), None)
                found.append(Named(self._requirement_name(at), at + 1, section.title if section else ""))
        return found

    def has_structure(self, section: Section) -> bool:
        """Whether headings of a lower level, or steps of a scenario, stand in a section."""
        for at in range(section.begin, section.end):
            line = self.lines[at]
            if not self.fenced[at] and (
                _HEADING.match(line) or re.search(r"\b(?:WHEN|THEN|SHALL|MUST)\b", line)
            ):
                return True
        return False

    def main_requirements(self) -> Sequence[Requirement]:
        """The requirements of a capability's own specification, below its first `## Requirements`."""
        for at, line in enumerate(self.lines):
            if not self.fenced[at] and _REQUIREMENTS.match(line):
                ends = (below for below in range(at + 1, len(self.lines)) if self._is_top(below))
                return list(self.requirements_in(at + 1, next(ends, len(self.lines))))
        return []

    def _sections(self) -> Iterator[Section]:
        found = [
            (at, match[1].strip(_BLANKS))
            for at, line in enumerate(self.lines)
            if not self.fenced[at] and (match := _SECTION.match(line))
        ]
        ends = [at for at, _ in found[1:]] + [len(self.lines)]
        for (at, title), end in zip(found, ends, strict=False):
            yield Section(title, at + 1, end)

    def _is_top(self, at: int) -> bool:
        return not self.fenced[at] and _TOP.match(self.lines[at]) is not None

    def _is_requirement(self, at: int) -> bool:
        return not self.fenced[at] and _REQUIREMENT.match(self.lines[at]) is not None

    def _requirement_name(self, at: int) -> str:
        match = _REQUIREMENT.match(self.lines[at])
        return normal(match[1]) if match else ""

    def _renamings(self) -> Iterator[Renaming | Named]:
        for section in self.of("RENAMED"):
            pending: Named | None = None
            for at in range(section.begin, section.end):
                if self.fenced[at]:
                    continue
                line = self.lines[at]
                if match := _FROM.match(line):
                    if pending:
                        yield pending
                    pending = Named(normal(match[1]), at + 1, "FROM")
                elif match := _TO.match(line):
                    if pending is None:
                        yield Named(normal(match[1]), at + 1, "TO")
                    else:
                        yield Renaming(pending.name, normal(match[1]), pending.line)
                        pending = None
            if pending:
                yield pending


def _text(lines: Sequence[str]) -> str:
    """The text of a requirement, up to the first heading; lines of metadata only where nothing else is."""
    fenced, _ = fences(lines)
    captured: list[str] = []
    metadata: list[str] = []
    for line, hidden in zip(lines, fenced, strict=True):
        if hidden:
            continue
        if _HEADING.match(line):
            break
        text = line.strip(_BLANKS)
        if text:
            (metadata if _METADATA.match(text) else captured).append(text)
    return "\n".join(captured or metadata)


def _scenarios(lines: Sequence[str], first: int) -> Iterator[Scenario]:
    """The scenarios below a requirement, whose first line is the one of that number."""
    fenced, _ = fences(lines)
    for at, line in enumerate(lines):
        match = None if fenced[at] else _SCENARIO.match(line)
        if match is None:
            continue
        stop = at + 1
        while stop < len(lines) and (fenced[stop] or not _SCENARIO_ENDS.match(lines[stop])):
            stop += 1
        name = _CLOSING.sub("", line[match.end() :])
        label = _LABEL.match(name)
        empty = not "".join(lines[at + 1 : stop]).strip(_BLANKS)
        yield Scenario(name[label.end() if label else 0 :].strip(_BLANKS), first + at, empty)


def lines_of(text: str) -> list[str]:
    """The lines of a document, whatever they end with, without a byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def fences(lines: Sequence[str]) -> tuple[list[bool], int]:
    """For each line whether it is in a fenced block; and the line of a fence that is never closed, or 0."""
    fenced = [False] * len(lines)
    fence, begun = "", 0
    for at, line in enumerate(lines):
        if not fence:
            if match := _FENCE.match(line):
                fence, begun, fenced[at] = match[1], at + 1, True
            continue
        fenced[at] = True
        match = _FENCE_END.match(line)
        if match and match[1][0] == fence[0] and len(match[1]) >= len(fence):
            fence, begun = "", 0
    return fenced, begun


def normal(name: str) -> str:
    """The name of a requirement as it is compared: without closing signs of its heading."""
    return _CLOSING.sub("", name).strip(_BLANKS)


def folded(name: str) -> str:
    """The same however it is capitalised and spaced, to tell what is only written otherwise."""
    return re.sub(f"{_S}+", " ", normal(name).lower())


def binds(text: str) -> bool:
    """Whether a text says SHALL or MUST."""
    return _BINDING.search(text) is not None
