"""Approvals as people record them: in an index, in front matter, or in a section of the document.

A record says who and when. Its forms:

- a table of data with a field for each, as `approval_fields` names them: `{reviewer = "Ann", date =
  "2026-01-31"}`; several in a list, or by what each is for: `{product = {...}, engineering = {...}}`;
- one text with a name and a date: `Ann Example (2026-01-31)`, `2026-01-31: Ann Example`, `Approved by Ann
  Example on 2026-01-31`, `Reviewer: Ann Example, Date: 2026-01-31`, `Product: Approved 2026-01-31 (Ann
  Example)`; a name with a date as its value, `Ann Example: 2026-01-31`;
- in a section, such a text as a list item, also with its fields as a list below it, or as items of their own,
  one after the other; a paragraph that speaks of an approval; a row of a table whose header names the fields,
  or else with a name and a date in it.

An item whose checkbox is not ticked records nothing, and neither does a text that says that the approval is
pending, refused or withdrawn.
"""

from __future__ import annotations

import re

from specguard.documents.blocks import List, Paragraph, Table
from specguard.documents.characters import visible
from specguard.documents.content import bare_nothing, is_open, owes, without_box
from specguard.documents.data import written
from specguard.documents.dates import days, is_ahead, parse_date, plain, undated
from specguard.documents.fields import normal_name, plain_value
from specguard.specs.text import Said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any, Final

    from specguard.documents.blocks import AnyBlock, Item
    from specguard.documents.data import Data
    from specguard.specs.settings import ApprovalFields

LONGEST: Final = 1000
"""A longer text, in characters, is no record of an approval."""

_VERDICTS: Final = frozenset(
    {
        "accepted", "approved", "decision", "granted", "ok", "outcome", "result", "signed", "signedoff",
        "state", "status", "verdict",
    }
)  # fmt: skip
_REFUSED: Final = re.compile(
    r"\b(?:not|pending|rejected|declined|denied|refused|await(?:s|ing)|waiting|requested|required|needed"
    r"|unapproved|withdrawn|revoked|missing|failed|blocked|hold|false|veto(?:ed)?|to[ _-]be|will|shall|should"
    r"|would|due|expected|scheduled)\b|changes[ _-]requested|[:(=\u2013\u2014-]\s*no\b(?! objection| concern)"
    r"|[\u2610\u26d4\u274c\u274e\u2717\u2718\U0001f6ab]",
    re.IGNORECASE,
)
# A verdict that gives nothing, as the whole of a value.
_NO: Final = re.compile(
    r"(?:[\W_]*|no|nay|n|0|null|none|nil|n/?a|open|later|tbd|todo|draft|unknown)[.!]?", re.IGNORECASE
)
_STRUCK: Final = re.compile(r"~~[^~\n]{1,300}~~")
_SPEAKS: Final = re.compile(r"\b(?:approv|accept|sign(?:ed)?[ -]?off|lgtm|review)", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[,;|·•\n]")
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?\s*(?:[ap]m|utc|gmt|z)?", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_][\w.'@&-]*")
# Words around a name and a date that are no name.
_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "a an and approval approvals approve approved approver as at by created date dated due for from"
        " granted in is last log lgtm no of off on per recorded review reviewed reviewer reviewers sign"
        " signed since state status the this to update updated utc via was when who with yes",
    )
)


_NOBODY: Final = frozenset(
    {
        "anybody", "anyone", "missing", "name", "nobody", "none", "noone", "one", "somebody", "someone",
        "unassigned", "unknown",
    }
)  # fmt: skip


class Approval:
    """A record of an approval, which may lack a part.

    Attributes:
        who: who approved; empty where it does not say.
        when: the day; None where it does not say one.
        refused: whether it says that nothing was approved.
        said: what is written, and where.
    """

    __slots__ = ("refused", "said", "when", "who")

    def __init__(self, who: str, when: date | None, said: Said, *, refused: bool = False) -> None:
        self.who = who if is_name(who) else ""
        self.when = when
        self.said = said
        self.refused = refused

    @property
    def complete(self) -> bool:
        """Whether it says who approved, and when."""
        return bool(self.who) and self.when is not None and not self.refused

    def is_ahead(self, today: date) -> bool:
        """Whether the day is still to come."""
        return self.when is not None and is_ahead(self.when, self.said.text, today)

    @property
    def key(self) -> tuple[str, str]:
        """What makes it this one, wherever it stands."""
        return normal_name(self.who), str(self.when)

    def __repr__(self) -> str:
        return f"Approval({self.who!r}, {self.when}, {self.said.place})"


def is_name(text: str) -> bool:
    """Whether a text can say who somebody is: it has a word, and is no placeholder."""
    text = " ".join(visible(text).split())
    if not text or len(text) > LONGEST or owes(text) or bare_nothing(text):
        return False
    words = [word.casefold().strip(".'@&-") for word in _WORD.findall(text)]
    return any(len(word) > 1 and word not in _WORDS and word not in _NOBODY for word in words)


class Reader:
    """Reads the records of one place.

    Args:
        fields: the names of who and when.
        path: the file they stand in.
    """

    def __init__(self, fields: ApprovalFields, path: bytes) -> None:
        self._who = {normal_name(name) for name in fields.who}
        if "by" in self._who:
            self._who |= {f"{verb}by" for verb in ("approved", "reviewed", "signedoff")}
        self._when = {normal_name(name) for name in fields.when}
        self._path = path

    def of_data(
        self, value: Any, data: Data | None, place: tuple[str | int, ...], form: str, label: str = ""
    ) -> Iterator[Approval]:
        """The records in structured data.

        Args:
            value: the value of the field for approvals.
            data: where it stands, for its lines.
            place: its key there.
            form: what the place is called, `index` or `front matter`.
            label: what it is for, where a key above says that.
        """
        if isinstance(value, list):
            for position, element in enumerate(value):
                yield from self.of_data(element, data, (*place, position), form, label)
        elif isinstance(value, dict):
            yield from self._of_table(value, data, place, form)
        elif value is not None and not isinstance(value, bool):
            line = data.line(place) if data is not None else None
            text = written(value)
            yield self._of_text(f"{label}: {text}" if label else text, Said(text, self._path, line, form))

    def _of_table(
        self, value: Mapping[str, Any], data: Data | None, place: tuple[str | int, ...], form: str
    ) -> Iterator[Approval]:
        names = {normal_name(key): key for key in reversed(list(value))}
        who, when = (_first(value, names, wanted) for wanted in (self._who, self._when))
        if who is None and when is None:
            for key, inner in value.items():
                yield from self.of_data(inner, data, (*place, key), form, key)
            return
        said = ", ".join(f"{key}: {written(inner)}" for key, inner in value.items() if _is_scalar(inner))
        verdicts = [
            one for key, inner in value.items() if normal_name(key) in _VERDICTS for one in _scalars(inner)
        ]
        line = data.line(place) if data is not None else None
        yield Approval(
            plain_value(who or ""),
            parse_date(when or ""),
            Said(said, self._path, line, form),
            refused=any(map(_refuses, verdicts)),
        )

    def of_blocks(self, blocks: Sequence[AnyBlock]) -> Iterator[Approval]:
        """The records in a section of a document."""
        for block in blocks:
            if isinstance(block, List):
                yield from self._of_items(block.items)
            elif isinstance(block, Table):
                yield from self._of_rows(block)
            elif isinstance(block, Paragraph):
                raw = block.text.raw
                if len(raw) <= LONGEST and (_SPEAKS.search(raw) or self._has_label(raw)):
                    yield from self._of_lines(raw, block.text.line)

    def of_line(self, text: str, line: int | None, form: str) -> Approval:
        """The record that a single value holds."""
        return self._of_text(text, Said(text, self._path, line, form))

    def _of_items(self, items: Sequence[Item]) -> Iterator[Approval]:
        """The records of a list: one an item, or one whose fields are items one after the other."""
        fields: list[Item] = []
        names: set[str] = set()
        for item in (*items, None):
            name = self._field_of(item) if item is not None else ""
            if not name or name in names:
                yield from self._of_fields(fields)
                fields, names = [], set()
            if name and item is not None:
                fields.append(item)
                names.add(name)
            elif item is not None:
                yield from self._of_item(item)

    def _field_of(self, item: Item) -> str:
        """Which field of a record an item states and nothing else: `who`, `when`, a verdict's, or none."""
        if is_open(item.text) or item.rest or len(item.text.raw) > LONGEST:
            return ""
        label, colon, _ = plain_value(without_box(item.text.raw)).partition(":")
        name = normal_name(label) if colon else ""
        if name in self._who:
            return "who"
        return "when" if name in self._when else name if name in _VERDICTS else ""

    def _of_fields(self, items: Sequence[Item]) -> Iterator[Approval]:
        names = {self._field_of(item) for item in items}
        if not {"who", "when"} <= names:
            for item in items:
                yield from self._of_item(item)
            return
        texts = [without_box(item.text.raw) for item in items]
        said = ", ".join(plain_value(text) for text in texts)
        yield self._of_text("\n".join(texts), Said(said, self._path, items[0].line, "section"))

    def _of_item(self, item: Item) -> Iterator[Approval]:
        if is_open(item.text):
            return
        raw = without_box(item.text.raw)
        own = self._of_text(raw, Said(plain_value(raw[:LONGEST]), self._path, item.line, "section"))
        below = [inner for block in item.rest if isinstance(block, List) for inner in block.items]
        if own.complete or own.refused or not below:
            yield own
        else:
            # The fields of one record, or a label with records below it.
            texts = [raw, *(inner.text.raw for inner in below if not is_open(inner.text))]
            said = Said(plain_value(raw[:LONGEST]), self._path, item.line, "section")
            joined = self._of_text("\n".join(texts), said)
            if joined.complete and len(list(days(" ".join(texts)))) == 1:
                yield joined
                return
        for block in item.rest:
            yield from self.of_blocks([block])

    def _of_rows(self, table: Table) -> Iterator[Approval]:
        header = [normal_name(plain_value(cell.raw)) for cell in table.header]
        who = next((position for position, name in enumerate(header) if name in self._who), None)
        when = next((position for position, name in enumerate(header) if name in self._when), None)
        for row in table.rows:
            cells = [plain_value(cell.raw[:LONGEST]) for cell in row]
            said = Said(" | ".join(cells), self._path, row[0].line, "table")
            if any(map(is_open, row)):
                yield Approval("", None, said, refused=True)
                continue
            if who is None or when is None or max(who, when) >= len(cells):
                yield self._of_text("\n".join(cells), said)
                continue
            others = [
                cell
                for position, cell in enumerate(cells)
                if position < len(header) and header[position] in _VERDICTS
            ]
            refused = any(map(_refuses, others))
            yield Approval(cells[who], parse_date(cells[when]), said, refused=refused)

    def _of_lines(self, raw: str, line: int) -> Iterator[Approval]:
        """The records of a paragraph: one a line, or all of it one."""
        found = [
            self._of_text(text, Said(plain_value(text), self._path, number, "section"))
            for number, text in enumerate(raw.split("\n"), line)
        ]
        if any(one.complete for one in found):
            yield from (one for one in found if one.complete or one.refused)
        else:
            yield self._of_text(raw, Said(plain_value(raw), self._path, line, "section"))

    def _has_label(self, raw: str) -> bool:
        labels = {normal_name(part.partition(":")[0]) for part in raw.split("\n")}
        return bool(labels & (self._who | self._when))

    def _of_text(self, raw: str, said: Said) -> Approval:
        """The record that a text holds: fields with their labels, or a name and a date."""
        if len(raw) > LONGEST:
            return Approval("", None, said)
        raw = _STRUCK.sub(" ", raw)
        text = plain("\n".join(plain_value(visible(line)) for line in raw.split("\n")))
        refused = bool(_REFUSED.search(text))
        who, when = "", None
        for part in _BETWEEN.split(text):
            label, colon, value = part.partition(":")
            name = normal_name(label)
            if colon and name in self._who and not who:
                who = _without_date(value)
            elif colon and name in self._when and when is None:
                when = parse_date(value)
        found = [day for day in days(text) if day.date is not None]
        if when is None and found:
            when = found[0].date
        rest = _without_date(text)
        if not who and not owes(rest):
            words = _WORD.findall(rest)
            who = " ".join(word for word in words if word.casefold().rstrip(".") not in _WORDS)
        return Approval(who, when, said, refused=refused)


def _without_date(text: str) -> str:
    """A text without the days and times in it."""
    return _CLOCK.sub(" ", undated(text)).strip(" ()[]:,;.\t-\u2013\u2014")


def _first(value: Mapping[str, Any], names: Mapping[str, str], wanted: Collection[str]) -> str | None:
    """The text of the first key that is wanted; None where there is none."""
    key = next((names[name] for name in names if name in wanted), None)
    if key is None:
        return None
    return written(value[key]) if _is_scalar(value[key]) else ""


def _refuses(verdict: str) -> bool:
    """Whether a verdict says that nothing was approved, or says nothing."""
    return _REFUSED.search(verdict) is not None or _NO.fullmatch(verdict.strip()) is not None


def _scalars(value: Any) -> Iterator[str]:
    """All that a value says, be it a table."""
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _scalars(inner)
    else:
        yield written(value)


def _is_scalar(value: Any) -> bool:
    return value is not None and not isinstance(value, (dict, list))
