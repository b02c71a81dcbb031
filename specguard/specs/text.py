"""What a spec's document or index states: its text, its status, its reviews and the paths that it governs."""

from __future__ import annotations

import json
import re

from specguard.declaration.rule import Record
from specguard.documents.blocks import Fence, Footnote, Heading, Html, List, Paragraph, Quote, Table
from specguard.documents.characters import visible
from specguard.documents.content import has_content, leading_paths
from specguard.documents.data import written
from specguard.documents.dates import date_problem, is_ahead, parse_date, undated
from specguard.documents.fields import find_fields, normal_name
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.documents.blocks import AnyBlock, Section, Text
    from specguard.documents.data import Data
    from specguard.documents.document import Document
    from specguard.documents.fields import Field
    from specguard.specs.settings import SpecSettings
    from specguard.specs.spec import Spec


class Said(Record):
    """A value and the place it stands in.

    Attributes:
        text: the value as text, without marks of emphasis and code.
        path: the file that states it.
        line: its line there, from 1; None where it is no line's.
        form: how it is written: `front matter`, `line`, `bullet`, `bold`, `table`, `data`, `index` or
            `section`.
    """

    text: str
    path: bytes
    line: int | None
    form: str

    @property
    def place(self) -> str:
        """The file and line, as messages name them."""
        return f"{path_text(self.path)}:{self.line}" if self.line else path_text(self.path)

    def line_in(self, path: bytes) -> int | None:
        """Its line, where it stands in a given file."""
        return self.line if self.path == path else None

    def __repr__(self) -> str:
        return f"Said({self.text!r}, {self.place})"


# Signs beside a space or an end of the text, and those to which each font gives its own look.
_STOP: Final = "[.,;:!?\u3002\"'\u2018-\u201f]"
_STOPS: Final = re.compile(f"(?:(?<=\\s)|^){_STOP}++|(?<!{_STOP}){_STOP}++(?=\\s|$)|[\ue000-\uf8ff]")


def essence(
    document: Document | None,
    data: Data,
    fields: Sequence[Field],
    dates: Sequence[str],
    left_out: Sequence[str],
    sections: Sequence[Section] = (),
) -> str:
    """What a document and its data say, in a form in which the same is equal.

    Layout does not count, and neither do letters that only look alike, their case, and marks of emphasis.

    Args:
        document: the document; None where there is data alone.
        data: its front matter, or the structured data that it is.
        fields: the document's fields.
        dates: the names of fields whose dates do not count, and which say nothing with a date alone.
        left_out: the names of keys that do not count with all they hold.
        sections: sections that do not count with all they hold.
    """
    names = {normal_name(name) for name in dates}
    said = [_of_data(data.value, {*names, *(normal_name(name) for name in left_out)})]
    if document is not None:
        lines = {
            line
            for field in find_fields(fields, *dates)
            if field.form not in {"front matter", "data"}
            # What stands behind a label may stand on the next line.
            for line in (field.line, field.line + 1)
        }
        passed = {line for section in sections for line in range(section.line, section.end + 1)}
        for line, text, code in _shown(document.blocks):
            if line in passed:
                continue
            shown = text
            if line in lines:
                shown = undated(text)
                shown = "" if normal_name(shown.strip(" \t:*_`|-")) in names else shown
            said.append(without_space(shown if code else _read(shown)))
    return "".join(said)


def shown_text(blocks: Sequence[AnyBlock]) -> str:
    """What a reader of the rendered page reads, in a form in which the same is equal; see `essence`."""
    return "".join(without_space(text if code else _read(text)) for _, text, code in _shown(blocks))


def canonical(value: Any) -> str:
    """Data as text, in which the order of keys and the layout do not count."""
    return without_space(json.dumps(value, sort_keys=True, ensure_ascii=False))


def _of_data(value: Any, left_out: Collection[str] = ()) -> str:
    """What data says: how a value is quoted does not count, and neither does a key without one."""
    if isinstance(value, dict):
        parts = [
            f"{key}:{said};"
            for key, inner in sorted(value.items())
            if normal_name(key) not in left_out and (said := _of_data(inner))
        ]
        return f"{{{''.join(parts)}}}" if parts else ""
    if isinstance(value, list):
        parts = [f"{said};" for inner in value if (said := _of_data(inner))]
        return f"[{''.join(parts)}]" if parts else ""
    return "" if value is None else without_space(_read(written(value)))


def _read(text: str) -> str:
    """A text as an eye reads it; what only ends a sentence or a part of one says nothing."""
    if text.isascii():
        text = text.lower()
    else:
        from specguard.declaration.look_alikes import reading

        text = reading(text)
    return _STOPS.sub("", text)


def _shown(blocks: Sequence[AnyBlock]) -> Iterator[tuple[int, str, bool]]:
    """The lines of what a page shows, each with its number, and whether it is code."""
    for block in blocks:
        if isinstance(block, (Heading, Paragraph)):
            yield from _lines(block.text)
        elif isinstance(block, List):
            for item in block.items:
                yield from _shown(item.blocks)
        elif isinstance(block, (Quote, Footnote)):
            yield from _shown(block.blocks)
        elif isinstance(block, Table):
            for row in (block.header, *block.rows):
                for cell in row:
                    yield from _lines(cell)
        elif isinstance(block, Fence):
            for number, line in enumerate(block.content.split("\n"), block.first):
                yield number, line, True
        elif isinstance(block, Html):
            yield block.line, block.content if block.pictures else block.text, False


def _lines(text: Text) -> Iterator[tuple[int, str, bool]]:
    """The lines of a text as a page shows them; where links and pictures lead is said, too."""
    rendered = text.rendered
    if rendered.count("\n") == text.raw.count("\n"):
        for number, line in enumerate(rendered.split("\n"), text.line):
            yield number, line, False
    else:
        yield text.line, rendered, False
    for link in text.links:
        if link.target and link.target not in rendered:
            yield link.line, link.target, True


def visible_lines(blocks: Sequence[AnyBlock]) -> Iterator[tuple[int, str]]:
    """The lines that a reader of the rendered page sees, with their numbers; layout is not kept."""
    for block in blocks:
        if isinstance(block, (Heading, Paragraph)):
            for number, line in enumerate(block.text.raw.split("\n"), block.text.line):
                yield number, line
        elif isinstance(block, List):
            for item in block.items:
                yield from visible_lines(item.blocks)
        elif isinstance(block, (Quote, Footnote)):
            yield from visible_lines(block.blocks)
        elif isinstance(block, Table):
            for row in (block.header, *block.rows):
                for cell in row:
                    yield cell.line, cell.raw
        elif isinstance(block, Fence):
            for number, line in enumerate(block.content.split("\n"), block.first):
                yield number, line
        elif isinstance(block, Html) and has_content([block], ()):
            yield block.line, block.content


def without_space(text: str) -> str:
    """A text without white space and without what no reader sees."""
    return "".join(visible(text).split())


CHANGED: Final = (
    "updated", "last_updated", "updated_at", "modified", "last_modified", "date_modified", "next_review",
    "next_review_date", "review_by", "review_due", "due_for_review",
)  # fmt: skip
"""Fields that say when a document was last written to, or is due again: bumping one says no more than bumping
the review."""


class Review:
    """A date of a last review as it is written.

    Attributes:
        said: what is written, and where.
        date: the day; None where it is none.
        problem: why it is none, as a clause; empty where it is one.
    """

    __slots__ = ("date", "problem", "said")

    def __init__(self, said: Said) -> None:
        self.said = said
        self.date: datetime.date | None = parse_date(said.text)
        self.problem = "" if self.date else "is empty" if not said.text else date_problem(said.text)

    def is_ahead(self, today: datetime.date) -> bool:
        """Whether the day is still to come."""
        return self.date is not None and is_ahead(self.date, self.said.text, today)

    def __repr__(self) -> str:
        return f"Review({self.said!r})"


def dates_of(settings: SpecSettings) -> Sequence[str]:
    """The fields whose dates say no more than that somebody was there."""
    return (*review_names(settings.review), *CHANGED)


def review_names(name: str) -> tuple[str, ...]:
    """The names of the field for the last review: as the policy has it, and in its other usual form.

    `last_review` is also written `last_reviewed`, and the reverse.
    """
    if not name:
        return ()
    other = name.removesuffix("ed") if normal_name(name).endswith("reviewed") else f"{name}ed"
    return (name, other) if normal_name(name).endswith(("review", "reviewed")) else (name,)


LONGEST_STATUS: Final = 100
"""A longer text, in characters, is no status."""

_DONE: Final = frozenset({"done", "closed", "complete", "completed", "merged", "landed"})
"""Of the statuses of what is done with those that say that it was done, and not given up."""

_QUALIFIER: Final = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")


def plain_status(text: str) -> str:
    """A status for comparison, as `normal_name` has it; symbols around it and brackets behind do not count.

    `In progress`, `in_progress` and `in-progress (since May)` are the same.
    """
    if len(text) > LONGEST_STATUS:
        return ""
    text = _QUALIFIER.sub("", visible(text).strip())
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return normal_name(text[start:end])


class Ways:
    """The statuses of a policy and the ways between them.

    Every status that is asked for is compared by `plain_status`.

    Args:
        settings: `[specs]`.
    """

    def __init__(self, settings: SpecSettings) -> None:
        self._any = not settings.statuses
        self._written: dict[str, str] = {}
        following = [name for names in settings.transitions.values() for name in names]
        for name in (*settings.statuses, *settings.transitions, *following, *settings.terminal):
            self._written.setdefault(plain_status(name), name)
        self._next: Mapping[str, Sequence[str]] = {
            plain_status(name): [plain_status(after) for after in names]
            for name, names in settings.transitions.items()
        }
        self._needing = {plain_status(name) for name in settings.approval_needed}
        self._over = {plain_status(name) for name in settings.terminal}
        listed = [plain_status(name) for name in settings.statuses] or list(self._next)
        followed = {plain_status(name) for name in following}
        self._first = [name for name in listed if name not in followed and name not in self._over]
        self._first = self._first or listed[:1]

    def known(self, status: str) -> bool:
        """Whether the policy has a status; where it lists none, it has all."""
        return bool(status.strip()) if self._any else plain_status(status) in self._written

    def listed(self, status: str) -> bool:
        """Whether a text is a status that the policy names somewhere."""
        return plain_status(status) in self._written

    def same(self, one: str, other: str) -> bool:
        """Whether two texts are the same status."""
        return plain_status(one) == plain_status(other)

    def needs_approval(self, status: str) -> bool:
        """Whether a status needs an approval."""
        return plain_status(status) in self._needing

    def over(self, status: str) -> bool:
        """Whether a spec with this status is done with."""
        return plain_status(status) in self._over

    def done(self, status: str) -> bool:
        """Whether a spec with this status was done, and not given up or put aside."""
        return self.over(status) and plain_status(status) in _DONE

    @property
    def first(self) -> Sequence[str]:
        """The statuses that follow no other, as they are written in the policy."""
        return [self._written[name] for name in self._first]

    def after(self, status: str) -> Sequence[str]:
        """The statuses that may follow, as they are written in the policy."""
        return [self._written[name] for name in self._next.get(plain_status(status), ())]

    def may_follow(self, before: str, after: str) -> bool:
        """Whether a spec may move from one status to another."""
        old, new = plain_status(before), plain_status(after)
        return not self._next or old == new or new in self._next.get(old, ())

    def may_begin(self, status: str) -> bool:
        """Whether a new spec may have a status.

        It may have the ones that follow no other, and those to which the ways lead from there without passing
        one that needs an approval; that one itself is asked for its approval.
        """
        if not self._next:
            return True
        reached = list(self._first)
        for name in reached:
            if name not in self._needing:
                reached += [after for after in self._next.get(name, ()) if after not in reached]
        return plain_status(status) in reached


LONGEST_PATH: Final = 2000
"""So many characters of a list item or row are read for a path and an object id."""

_OID: Final = re.compile(r"\b[0-9a-fA-F]{4,64}\b")
GOVERNS: Final = "governs"
"""The field in which a spec itself says what it governs."""


def recorded_ids(spec: Spec, name: str, index: bytes) -> Iterator[tuple[str, Said]]:
    """The object ids that a review recorded: a path or pattern each, and the id with its place.

    Args:
        spec: the spec.
        name: the name of the field, or section, that holds them.
        index: where the index is.
    """
    for key, value in spec.own(name):
        form = "data" if spec.structured else "front matter"
        for path, oid, place in _pairs(value, (key,)):
            yield path, Said(oid, spec.path, spec.data.line(place), form)
    for section in spec.sections(name):
        for raw, line in _rows(section.blocks):
            paths = leading_paths(raw).paths[:1]
            ids = _OID.findall(raw.partition(paths[0])[2]) if paths else []
            if ids:
                yield paths[0], Said(ids[-1], spec.path, line, "section")
    found = spec.entry.find(name) if spec.entry is not None else None
    if spec.entry is not None and found is not None:
        for path, oid, place in _pairs(found[1], (*spec.entry.place, found[0])):
            yield path, Said(oid, index, spec.entry.line_of(place), "index")


def governed_patterns(spec: Spec, content: bytes | None) -> Iterator[Said]:
    """The patterns of paths that a spec's own text says it governs.

    Args:
        spec: the spec.
        content: what its file holds; None where there is none.
    """
    # Most documents say nothing of this, and need not be parsed for it.
    if content is None or GOVERNS.encode() not in content.lower():
        return
    for key, value in spec.own(GOVERNS):
        values = value if isinstance(value, list) else str(value or "").replace(",", " ").split()
        for position, pattern in enumerate(values):
            if isinstance(pattern, str) and pattern.strip():
                line = spec.data.line((key, position) if isinstance(value, list) else (key,))
                yield Said(pattern.strip(), spec.path, line, "front matter")
    for field in find_fields(spec.fields, GOVERNS):
        if field.form not in {"front matter", "data"}:
            for pattern in leading_paths(field.value).paths:
                yield Said(pattern, spec.path, field.line, field.form)
    for section in spec.sections(GOVERNS):
        for raw, line in _rows(section.blocks):
            for pattern in leading_paths(raw).paths:
                yield Said(pattern, spec.path, line, "section")


def _rows(blocks: Sequence[AnyBlock]) -> Iterator[tuple[str, int]]:
    """The items of lists and the rows of tables as text, with their lines."""
    for block in blocks:
        if isinstance(block, List):
            yield from ((item.text.raw[:LONGEST_PATH], item.line) for item in block.items)
        elif isinstance(block, Table):
            for row in block.rows:
                yield " ".join(cell.raw for cell in row)[:LONGEST_PATH], row[0].line


def _pairs(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    """Paths and object ids in data: a table of them, or a list of tables with `path` and `oid`."""
    if isinstance(value, dict):
        for path, oid in value.items():
            if not isinstance(oid, (dict, list)) and oid is not None:
                yield path, written(oid).strip(), (*place, path)
    elif isinstance(value, list):
        for position, element in enumerate(value):
            if isinstance(element, dict):
                named = {normal_name(key): inner for key, inner in element.items()}
                path = named.get("path", named.get("pattern"))
                oid = named.get("oid", named.get("id", named.get("object")))
                if isinstance(path, str) and oid is not None and not isinstance(oid, (dict, list)):
                    yield path, written(oid).strip(), (*place, position)
