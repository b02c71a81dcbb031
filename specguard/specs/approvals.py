"""Approvals as people record them: in an index, in front matter, or in a section of the document.

A record says who and when. Its forms:

- a table of data with a field for each, as `approval_fields` names them: `{reviewer = "Ann", date =
  "2026-01-31"}`; several in a list, or by what each is for: `{product = {...}, engineering = {...}}`;
- one text with a name and a day, as data or as a list item: `Ann Example (2026-01-31)`, `Approved by Ann
  Example on 2026-01-31`, `Reviewer: Ann Example, Date: 2026-01-31`, `Product: approved 2026-01-31 (Ann
  Example)`; a name with a day as its value, `Ann Example: 2026-01-31`;
- a row of a table whose header names the fields.

An item whose checkbox is not ticked records nothing, and neither does a text that says that the approval is
pending, refused or withdrawn.
"""

from __future__ import annotations

import re

from specguard.declaration.rule import Record
from specguard.documents.blocks import List, Table
from specguard.documents.characters import visible
from specguard.documents.content import bare_nothing, is_open, owes, without_box
from specguard.documents.data import written
from specguard.documents.dates import days, is_ahead, parse_date, plain, undated
from specguard.documents.fields import elements, find_key, is_scalar, normal_name, plain_value, scalar_text
from specguard.specs.text import WrittenValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any, Final

    from specguard.documents.blocks import AnyBlock
    from specguard.documents.data import Data
    from specguard.documents.fields import Place
    from specguard.specs.settings import ApprovalFields

LONGEST: Final = 1000
"""A longer text, in characters, is no record of an approval."""

_VERDICTS: Final = frozenset({
    "accepted", "approved", "decision", "granted", "ok", "outcome", "result", "signed", "signedoff",
    "state", "status", "verdict",
})  # fmt: skip
_REFUSED: Final = re.compile(
    r"\b(?:not|pending|rejected|declined|denied|refused|await(?:s|ing)|waiting|requested|required|needed"
    r"|unapproved|withdrawn|revoked|missing|failed|blocked|hold|false|veto(?:ed)?|to[ _-]be|will|shall|should"
    r"|would|due|expected|scheduled)\b|changes[ _-]requested|[:(=\u2013\u2014-]\s*no\b(?! objection| concern)"
    r"|~~|[\u2610\u26d4\u274c\u274e\u2717\u2718\U0001f6ab]",
    re.IGNORECASE,
)
# A verdict that gives nothing, as the whole of a value.
_NO: Final = re.compile(
    r"(?:[\W_]*|no|nay|n|0|null|none|nil|n/?a|open|later|tbd|todo|draft|unknown)[.!]?", re.IGNORECASE
)
_BETWEEN: Final = re.compile(r"[,;|·•\n]")
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?\s*(?:[ap]m|utc|gmt|z)?", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_][\w.'@&-]*")
# Words around a name and a day that are no name, and those that stand where nobody is named.
_WORDS: Final = frozenset({
    "a", "an", "and", "approval", "approvals", "approve", "approved", "approver", "as", "at", "by",
    "created", "date", "dated", "due", "for", "from", "granted", "in", "is", "last", "log", "lgtm",
    "no", "of", "off", "on", "per", "recorded", "review", "reviewed", "reviewer", "reviewers", "sign",
    "signed", "since", "state", "status", "the", "this", "to", "update", "updated", "utc", "via", "was",
    "when", "who", "with", "yes",
})  # fmt: skip
_NOBODY: Final = frozenset({
    "anybody", "anyone", "missing", "name", "nobody", "none", "noone", "one", "somebody", "someone",
    "unassigned", "unknown",
})  # fmt: skip


class SpecApproval(Record):
    """A record of an approval, which may lack a part.

    Attributes:
        who: who approved; empty where it does not say.
        when: the day; None where it does not say one.
        said: what is written, and where.
        refused: whether it says that nothing was approved.
    """

    who: str
    when: date | None
    said: WrittenValue
    refused: bool = False

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


def is_name(text: str) -> bool:
    """Whether a text can say who somebody is: it has a word, and is no placeholder."""
    text = " ".join(visible(text).split())
    if not text or len(text) > LONGEST or owes(text) or bare_nothing(text):
        return False
    words = [word.casefold().strip(".'@&-") for word in _WORD.findall(text)]
    return any(len(word) > 1 and word not in _WORDS and word not in _NOBODY for word in words)


class ApprovalReader:
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
        self, value: Any, data: Data, place: Place, form: str, label: str = ""
    ) -> Iterator[SpecApproval]:
        """The records in structured data.

        Args:
            value: the value of the field for approvals.
            data: where it stands, for its lines.
            place: its key there.
            form: what the place is called, `index` or `front matter`.
            label: what it is for, where a key above says that.
        """
        if is_scalar(value):
            if not isinstance(value, bool):
                text = written(value)
                yield self.of_text(f"{label}: {text}" if label else text, data.line(place), form, said=text)
            return
        who, when = (
            find_key(value, names) if isinstance(value, dict) else None for names in (self._who, self._when)
        )
        if who is None and when is None:
            for key, inner in elements(value):
                above = key if isinstance(key, str) else label
                yield from self.of_data(inner, data, (*place, key), form, above)
            return
        said = ", ".join(f"{key}: {written(inner)}" for key, inner in value.items() if is_scalar(inner))
        yield SpecApproval(
            _name(plain_value(scalar_text(who[1])) if who else ""),
            parse_date(scalar_text(when[1])) if when else None,
            WrittenValue(said, self._path, data.line(place), form),
            refused=any(map(_refuses, _verdicts(value))),
        )

    def of_blocks(self, blocks: Sequence[AnyBlock]) -> Iterator[SpecApproval]:
        """The records in a section of a document."""
        for block in blocks:
            if isinstance(block, Table):
                yield from self._of_table(block)
            for item in block.items if isinstance(block, List) else ():
                if not is_open(item.text):
                    yield self.of_text(without_box(item.text.raw), item.line, "section")
                    yield from self.of_blocks(item.rest)

    def _of_table(self, table: Table) -> Iterator[SpecApproval]:
        header = [normal_name(plain_value(cell.raw)) for cell in table.header]
        who, when = (
            next((at for at, name in enumerate(header) if name in names), None)
            for names in (self._who, self._when)
        )
        for row in table.rows if who is not None and when is not None else ():
            cells = dict(enumerate(plain_value(cell.raw[:LONGEST]) for cell in row))
            verdicts = [cells[at] for at, name in enumerate(header) if name in _VERDICTS and at in cells]
            yield SpecApproval(
                _name(cells.get(who or 0, "")),
                parse_date(cells.get(when or 0, "")),
                WrittenValue(" | ".join(cells.values()), self._path, row[0].line, "table"),
                refused=any(map(is_open, row)) or any(map(_refuses, verdicts)),
            )

    def of_text(self, raw: str, line: int | None, form: str, *, said: str = "") -> SpecApproval:
        """The record that a text holds: fields with their labels, or a name and a day.

        Args:
            raw: the text.
            line: its line.
            form: what its place is called.
            said: what messages show; by default the text.
        """
        place = WrittenValue(said or plain_value(raw[:LONGEST]), self._path, line, form)
        if len(raw) > LONGEST:
            return SpecApproval("", None, place)
        text = plain("\n".join(plain_value(visible(part)) for part in raw.split("\n")))
        who, when = "", None
        for part in _BETWEEN.split(text):
            label, colon, value = part.partition(":")
            name = normal_name(label)
            if colon and name in self._who and not who:
                who = _without_date(value)
            elif colon and name in self._when and when is None:
                when = parse_date(value)
        rest = _without_date(text)
        if not who and not owes(rest):
            words = _WORD.findall(rest)
            who = " ".join(word for word in words if word.casefold().rstrip(".") not in _WORDS)
        when = when or next((day.date for day in days(text) if day.date is not None), None)
        return SpecApproval(_name(who), when, place, refused=_REFUSED.search(raw) is not None)


def _name(text: str) -> str:
    return text if is_name(text) else ""


def _without_date(text: str) -> str:
    """A text without the days and times in it."""
    return _CLOCK.sub(" ", undated(text)).strip(" ()[]:,;.\t-\u2013\u2014")


def _refuses(verdict: str) -> bool:
    """Whether a verdict says that nothing was approved, or says nothing."""
    return _REFUSED.search(verdict) is not None or _NO.fullmatch(verdict.strip()) is not None


def _verdicts(value: Mapping[str, Any]) -> Iterator[str]:
    """All that the keys of a record that hold its verdict say, be it a table."""
    waiting = [inner for key, inner in value.items() if normal_name(key) in _VERDICTS]
    for one in waiting:
        waiting += [inner for _, inner in elements(one)]
        if not isinstance(one, (dict, list)):
            yield written(one)
