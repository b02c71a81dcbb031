"""The fields of specs in documents and the index: statuses, reviews, approvals, paths.

The record of an approval has a person and a date. Its forms:

    - a table of data with a field for each, as `approval_fields` names them: `{reviewer = "Ann", date =
      "2026-01-31"}`
    - several such tables in a list, or by the subject of each approval: `{product = {...}, engineering =
      {...}}`
    - a list item with a name and a date: `Ann Example (2026-01-31)`, `Approved by Ann Example on 2026-01-31`,
      `Reviewer: Ann Example, Date: 2026-01-31`, `Product: approved 2026-01-31 (Ann Example)`
    - a list with an item for each field: `Reviewer: Ann Example`, then `Date: 2026-01-31`

A list item with an unticked checkbox records no approval. Neither does a text that describes the approval as
pending, refused or withdrawn.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import groupby

from specguard.declaration.characters import strip_invisible
from specguard.documents.blocks import Fence, Heading, Html, List, all_texts, flatten
from specguard.documents.completeness import CLAUSE_END, content_of, is_bare_nothing, is_todo, plain_words
from specguard.documents.data import Data, as_text, elements, is_scalar, scalar_text, walk
from specguard.documents.dates import date_problem, days, is_future, parse_date, plain, strip_dates
from specguard.documents.fields import QUALIFIER, find_key, normal_name, plain_value
from specguard.documents.list_items import is_open, without_box
from specguard.documents.people import names_nobody
from specguard.model import TYPE_CHECKING, Record, path_text

if TYPE_CHECKING:
    import datetime
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any, Final

    from specguard.documents.blocks import AnyBlock, Text
    from specguard.documents.fields import Place
    from specguard.specs.settings import ApprovalFields, SpecSettings
    from specguard.specs.spec import Spec


class WrittenValue(Record):
    """A value and the place where it is written.

    Attributes:
        text: the value as text, without emphasis and code marks.
        path: the file that states it.
        line: the line there, from 1; None if it has no line.
        form: the form of the field: `front matter`, `line`, `bullet`, `bold`, `table`, `data`, `index` or
            `section`.
    """

    text: str
    path: bytes
    line: int | None
    form: str = ""

    @property
    def place(self) -> str:
        """The file and line, as messages name them."""
        return f"{path_text(self.path)}:{self.line}" if self.line else path_text(self.path)

    @cached_property
    def date(self) -> datetime.date | None:
        """The date in the text; None if there is none."""
        return parse_date(self.text)

    @property
    def why_no_date(self) -> str:
        """The reason why the text has no valid date, as a clause; empty if it has one."""
        return date_problem(self.text) if self.text else "is empty"

    def is_ahead(self, today: datetime.date) -> bool:
        """Return True if the date is in the future."""
        return self.date is not None and is_future(self.date, self.text, today)

    def line_in(self, path: bytes) -> int | None:
        """Return the line if the value is in a given file; None otherwise."""
        return self.line if self.path == path else None

    def place_suffix(self, path: bytes) -> str:
        """Return the place as the end of a clause about a given file; empty if the value is in that file."""
        return "" if self.path == path else f" in {self.place}"


# What says that a review took place and corrected nothing, without white space.
_NO_TRACE: Final = re.compile(
    r"(?:(?:last|monthly|periodic|quarterly|weekly)?(?:re-?)?review(?:ed)?(?:on|-?by)?"
    r"|(?:and)?(?:no|without)(?:any|further)?(?:changes?|updates?)(?:made|needed|required)?"
    r"|nothing(?:was)?changed|(?:content)?unchanged|(?:spec)?still(?:accurate|valid)|allgood|lgtm|uptodate)+"
)

KEY_FORMS: Final = ("front matter", "data")
"""The forms of fields that are keys in a document's own data."""

# Punctuation next to a space or an end of the text, and characters whose look depends on the font.
_STOP: Final = "[.,;:!?\u3002\"'\u2018-\u201f]"
_STOPS: Final = re.compile(f"(?:(?<=\\s)|^){_STOP}++|(?<!{_STOP}){_STOP}++(?=\\s|$)|[\ue000-\uf8ff]")


def essence(value: Any, left_out: Iterable[str] = ()) -> str:
    """Return data in a normal form for comparisons, without keys that have no value.

    Layout, quoting, letter case and look-alike letters make no difference, nor does a remark such as
    `reviewed, no changes`. Keys about a review that name nobody are left out: `review_count: 3`.

    Args:
        value: the data.
        left_out: the names of top-level keys to leave out.
    """
    if isinstance(value, dict):
        names = {normal_name(name) for name in left_out}
        # A number of reviews, or the agent that made one, is no trace of it.
        kept = {k: v for k, v in value.items() if "review" not in k.lower() or not names_nobody(str(v))}
        pairs = sorted((key, inner) for key, inner in kept.items() if normal_name(key) not in names)
        content = "".join(f"{key}:{inner};" for key, one in pairs if (inner := essence(one)))
        return f"{{{content}}}" if content else ""
    if isinstance(value, list):
        content = "".join(f"{inner};" for one in value if (inner := essence(one)))
        return f"[{content}]" if content else ""
    text = "" if value is None else as_text(value)
    return "" if _only_reviews(strip_dates(text)) else without_space(_fold(text))


def _only_reviews(undated: str, names: Container[str] = ()) -> bool:
    """True if a text only says that a review, by nobody who is named, took place and changed nothing.

    Args:
        undated: the text, without its dates.
        names: the normal names of fields with such a date, which say no more.
    """

    def says_nothing(clause: str) -> bool:
        head, _, who = clause.partition(" by ")
        is_remark = normal_name(head) in names or _NO_TRACE.fullmatch(without_space(_fold(head)))
        return names_nobody((who if is_remark else clause).removesuffix(" on"))

    clauses = [_EDGES.sub("", part) for part in CLAUSE_END.split(undated if len(undated) < 100 else "")]
    return all(map(says_nothing, clauses)) and not all(map(names_nobody, clauses))


def document_essence(spec: Spec, dates: Sequence[str], left_out: Sequence[str]) -> str:
    """Return the text of a spec's document in a normal form for comparisons.

    Args:
        spec: the spec.
        dates: the names of fields whose dates are left out. A field, line or row with only a date, a review
            `by` an agent, or `no changes`, is left out entirely.
        left_out: the names of sections to leave out entirely. A heading below the title without more is left
            out, too.
    """
    document, names = spec.document, {normal_name(name) for name in dates}
    sections = [section for name in left_out for section in spec.sections(name)]
    # The value of a label can be on the next line.
    dated = {field.line + following for field in spec.text_fields(*dates) for following in (0, 1)}
    skipped = {line for section in sections for line in range(section.line, section.end + 1)}
    empty = [one for one in document.sections if one.level > 1 and content_of(one.blocks).kind == "blank"]
    skipped.update(section.line for section in empty)
    content = []
    # A row is judged as a whole: its cells have one line.
    for (line, code), cells in groupby(_lines(document.blocks), key=lambda one: (one[0], one[2])):
        parts = [text for _, text, _ in cells]
        is_review = _only_reviews(strip_dates("; ".join(parts)), names)
        text = "; ".join(one for one in parts if not _only_reviews(strip_dates(one), names))
        undated = strip_dates(text)
        is_date = not code and plain_words(text) and not plain_words(undated)
        if line not in skipped and not is_date and not is_review:
            text = undated if line in dated else text
            content.append(without_space(text if code else _fold(text)))
    return "".join(content)


def visible_lines(blocks: Sequence[AnyBlock]) -> Iterator[tuple[int, str]]:
    """Return the source lines that a reader of the rendered page sees, with their numbers."""
    return ((line, text) for line, text, _ in _lines(blocks, rendered=False))


def without_space(text: str) -> str:
    """Return a text without white space and invisible characters."""
    return "".join(strip_invisible(text).split())


def _fold(text: str) -> str:
    """Return a text as an eye reads it, without punctuation that only ends a sentence or a part of one."""
    if text.isascii():
        return _STOPS.sub("", text.lower())
    from specguard.declaration.look_alikes import reading

    return _STOPS.sub("", reading(text))


def _lines(blocks: Sequence[AnyBlock], *, rendered: bool = True) -> Iterator[tuple[int, str, bool]]:
    """Yield the lines of a page's visible text, each with its number, and True if it is code."""
    for block in flatten(blocks, quotes=True):
        for text in all_texts([block]):
            yield from _text_lines(text, rendered)
        if isinstance(block, Fence):
            for number, line in enumerate(block.content.split("\n"), block.first):
                yield number, line, True
        elif isinstance(block, Html) and (rendered or content_of([block]).kind in ("content", "nothing")):
            yield block.line, block.text if rendered and not block.has_pictures else block.content, False


def _text_lines(text: Text, rendered: bool) -> Iterator[tuple[int, str, bool]]:
    """Yield the lines of a text; for rendered text, also the targets of links and pictures."""
    shown = text.rendered if rendered else text.raw
    as_written = shown.count("\n") == text.raw.count("\n")
    for number, line in enumerate(shown.split("\n") if as_written else [shown], text.line):
        yield number, line, False
    for link in text.links if rendered else ():
        if link.target and link.target not in shown:
            yield link.line, link.target, True


LONGEST_STATUS: Final = 100
"""The limit in characters; a longer text is not a status."""

_DONE_WORDS: Final = frozenset({"done", "closed", "complete", "completed", "merged", "landed"})
"""The terminal statuses of specs that were done, in contrast to those that were given up."""

_EDGES: Final = re.compile(r"\A[\W_]+|[\W_]+\Z")


def plain_status(text: str) -> str:
    """Return a status for comparison, by `normal_name`, without surrounding symbols and trailing brackets.

    `In progress`, `in_progress` and `in-progress (since May)` are equal. A text that is too long gives an
    empty status.
    """
    if len(text) > LONGEST_STATUS:
        return ""
    return normal_name(_EDGES.sub("", QUALIFIER.sub("", strip_invisible(text).strip())))


class StatusFlow:
    """The statuses of a policy and the transitions between them.

    All statuses are compared by `plain_status`.

    Args:
        settings: `[specs]`.
    """

    def __init__(self, settings: SpecSettings) -> None:
        following = [name for names in settings.transitions.values() for name in names]
        self._any = not settings.statuses
        self._written: dict[str, str] = {}
        for name in (*settings.statuses, *settings.transitions, *following, *settings.terminal):
            self._written.setdefault(plain_status(name), name)
        self._next: Mapping[str, Sequence[str]] = {
            plain_status(name): list(map(plain_status, names)) for name, names in settings.transitions.items()
        }
        self._needing = {plain_status(name) for name in settings.approval_needed}
        self._terminal = {plain_status(name) for name in settings.terminal}
        listed = [plain_status(name) for name in settings.statuses] or list(self._next)
        later = self._terminal.union(*self._next.values())
        self._first = [name for name in listed if name not in later] or listed[:1]

    def is_known(self, status: str) -> bool:
        """Return True if the policy allows a status; without a list of statuses, any text is allowed."""
        return bool(status.strip()) if self._any else self.is_listed(status)

    def is_listed(self, status: str) -> bool:
        """Return True if a text is a status that the policy names anywhere."""
        return plain_status(status) in self._written

    def same(self, one: str, other: str) -> bool:
        """Return True if two texts are the same status."""
        return plain_status(one) == plain_status(other)

    def needs_approval(self, status: str) -> bool:
        """Return True if a status needs an approval."""
        return plain_status(status) in self._needing

    def is_terminal(self, status: str) -> bool:
        """Return True if a status is terminal."""
        return plain_status(status) in self._terminal

    def is_done(self, status: str) -> bool:
        """Return True if a spec with this status was done, not given up or put aside."""
        return self.is_terminal(status) and plain_status(status) in _DONE_WORDS

    @property
    def first(self) -> Sequence[str]:
        """The initial statuses, as the policy writes them: those that are not terminal and follow no other.

        Without any such status, the first one counts.
        """
        return [self._written[name] for name in self._first]

    def after(self, status: str) -> Sequence[str]:
        """Return the statuses that may follow, as the policy writes them."""
        return [self._written[name] for name in self._next.get(plain_status(status), ())]

    def may_follow(self, before: str, after: str) -> bool:
        """Return True if a spec may move from one status to another."""
        old, new = plain_status(before), plain_status(after)
        return not self._next or old == new or new in self._next.get(old, ())

    def may_begin(self, status: str) -> bool:
        """Return True if a new spec may have a status.

        Allowed are initial statuses, and those reachable from them without passing a status that needs an
        approval. A status that needs an approval can be reached, since its approval is required in any case.
        """
        reached = list(self._first)
        for name in reached:
            if name not in self._needing:
                reached += [after for after in self._next.get(name, ()) if after not in reached]
        return not self._next or plain_status(status) in reached


LONGEST: Final = 1000
"""The limit in characters; a longer text is not a record of an approval."""

_VERDICTS: Final = frozenset({
    "accepted", "approvalstatus", "approved", "approved?", "decision", "granted", "ok", "outcome", "result",
    "reviewoutcome", "reviewstatus", "signed", "signedoff", "signoff", "state", "status", "verdict",
})  # fmt: skip
# Of these, one in a heading or a key refuses all below it.
_PENDING: Final = frozenset({
    "awaiting", "awaits", "declined", "denied", "missing", "not", "pending", "refused", "rejected",
    "requested", "revoked", "waiting", "withdrawn",
})  # fmt: skip
# "No further changes needed" refuses nothing; the group holds what does.
_REFUSED: Final = re.compile(
    r"(?i)\bno[ -](?:\w+[ -])?(?:changes?|edits?|patch)[ -](?:needed|requested|required)\b"
    rf"|(\b(?:{'|'.join(sorted(_PENDING))}|never|didn['\u2019]t|rejects?|object(?:s|ed)|nack|disapproved"
    r"|required|needed|unapproved|failed|blocked|hold|in principle|to[ -]be|fails?(?!-| closed)|false|shall"
    r"|(?:conditional|provisional|tentative)(?:ly|(?! (?!on |upon |approv|accept|sign)\w))|veto(?:ed)?|should"
    r"|to (?:approve|review|sign)(?: off)?(?! (?!(?:by|on|before|until|it|this)\b)[a-z])|would|due|expected"
    r"|scheduled|no[ -]go|defer(?:s|red)?|postponed|(?-i:will|WILL|Will(?= [a-z])))\b"
    r"|(?:[:(=\u2013\u2014]|(?<!\w)-)\s*no\b(?! (?:further )?(?:blocker|change|concern|finding|issue"
    r"|objection))|~~|(?<![\w\]`])\(\s*\)(?!\w)|[\u2610\u26d4\u274c\u274e\u2717\u2718\U0001f6ab])"
)
# A verdict that approves nothing, as a complete value; a tick by itself approves.
_NO_VERDICT: Final = re.compile(
    r"(?i)(?:(?!.*[☑✅✓✔])[\W_]*|no|nay|n|0|off|null|none|nil|n/?a|open|later|tbd|todo|draft|unknown"
    r"|(?:in|under)[ _-]review|expired|superseded|void)[.!]?"
)
_BETWEEN: Final = re.compile(r"[,;|·•\n]")
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?\s*(?:[ap]m|utc|gmt|z)?", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_][\w.'@&-]*(?:\[bot)?")
# Words next to a name and a date that are not names.
_NOT_NAMES: Final = frozenset({
    "a", "accepted", "agreed", "all", "an", "and", "approval", "approvals", "approve", "approved", "approver",
    "as", "at", "by", "checked", "checks", "complete", "completed", "confirmed", "created", "date", "dated",
    "done", "due", "finished", "for", "from", "granted", "implementation", "implemented", "in", "is", "last",
    "lgtm", "log", "merged", "no", "of", "off", "ok", "okay", "on", "pass", "passed", "passes", "passing",
    "per", "plan", "ready", "recorded", "review", "reviewed", "reviewer", "reviewers", "sign", "signed",
    "since", "spec", "state", "status", "tested", "tests", "the", "this", "to", "update", "updated", "utc",
    "validated", "verified", "via", "was", "when", "who", "with", "yes", "approved-by", "approved_by",
    "reviewed-by", "reviewed_by", "signed-off-by", "signed_off_by",
})  # fmt: skip


_ENDS: Final = ("expired", "revoked", "superseded", "withdrawn")
"""The beginnings of keys with which an approval was taken back."""

# How a bracket behind a name may begin to say more of it, behind words of a role.
_REMARKS: Final = frozenset({"cli", "human", "manual", "manually", "reviewer", "user", "verifier", "via"})
_ROLES: Final = frozenset({"a", "an", "ci", "code", "docs", "github", "our", "pipeline", "policy", "system"})


class SpecApproval(Record):
    """A record of an approval, possibly incomplete.

    Attributes:
        who: the approver; empty if the record names nobody.
        when: the date; None if the record has none.
        written: the text of the record, with its place.
        refused: True if the record says that nothing was approved.
    """

    who: str
    when: date | None
    written: WrittenValue
    refused: bool = False

    @property
    def complete(self) -> bool:
        """True if the record has an approver and a date, and is not refused."""
        return bool(self.who) and self.when is not None and not self.refused

    def is_ahead(self, today: date) -> bool:
        """Return True if the date is in the future."""
        return self.when is not None and is_future(self.when, self.written.text, today)

    @property
    def key(self) -> tuple[str, str]:
        """The identity of the record, wherever it is written."""
        return normal_name(self.who), str(self.when)


def is_name(text: str) -> bool:
    """Return True if a text can name a person: it has a suitable word, and is not a placeholder."""
    text = " ".join(strip_invisible(text).split())
    unnamed = is_todo(text) or is_bare_nothing(text) or names_nobody(text, _NOT_NAMES)
    return 1 < len(text) <= LONGEST and not unnamed


class ApprovalReader:
    """A parser for the approval records of one file.

    Args:
        fields: the names of the fields for the approver and the date.
        path: the file.
    """

    def __init__(self, fields: ApprovalFields, path: bytes) -> None:
        # In order: of several fields in one record, the one that the policy names first counts.
        self._who = [normal_name(name) for name in fields.who]
        self._when = [normal_name(name) for name in fields.when]
        self._path = path

    def of_data(self, value: Any, data: Data, place: Place, label: str = "") -> Iterator[SpecApproval]:
        """Yield the records in structured data.

        Args:
            value: the value of the field for approvals.
            data: the data that contains the value, for its lines.
            place: the key of the value there.
            label: the subject of the approval, if a parent key names it.
        """
        table = value if isinstance(value, dict) else {}
        who, when = find_key(table, self._who), find_key(table, self._when)
        if who is None and when is None:
            for key, inner in elements(value):
                yield from self.of_data(inner, data, (*place, key), key if isinstance(key, str) else label)
            return
        summary = ", ".join(f"{key}: {as_text(inner)}" for key, inner in value.items() if is_scalar(inner))
        name = _valid_name(plain_value(scalar_text(who[1]))) if who else ""
        day = parse_date(scalar_text(when[1])) if when else None
        written = WrittenValue(summary, self._path, data.line(place))
        refused = _is_pending(label) or any(map(_refuses, _verdicts(value)))
        # `revoked: true` or `withdrawn_on: 2026-01-31`, but not `revoked: false`.
        ends = [as_text(inner) for key, inner in value.items() if normal_name(key).startswith(_ENDS)]
        yield SpecApproval(name, day, written, refused or not all(map(_refuses, ends)))

    def of_blocks(self, blocks: Sequence[AnyBlock], above: str = "") -> Iterator[SpecApproval]:
        """Yield the records in a section of a document; the heading or item `above` them may refuse them."""
        for block in blocks:
            above = block.text.raw if isinstance(block, Heading) else above
            if not isinstance(block, List):
                continue
            label = f"{above}: " if _is_pending(above) else ""
            found: list[SpecApproval] = []
            texts: dict[str, str] = {}
            for item in block.items:
                raw = without_box(item.text.raw)
                name, colon, value = plain_value(raw[:LONGEST]).partition(":")
                if is_open(item.text):
                    texts.setdefault(normal_name(name), f"{name}: -")
                    continue
                found.append(self.of_text(f"{label}{raw}", item.line, shown=plain_value(raw[:LONGEST])))
                found += self.of_blocks(item.rest, f"{label}{raw}")
                if colon:
                    texts[normal_name(name)] = f"{name}: {value.strip() or '-'}"
            if not any(map(texts.keys().isdisjoint, (self._who, self._when))):
                text = ", ".join(texts[one] for one in texts if one in {*self._who, *self._when, *_VERDICTS})
                found = [*(one for one in found if one.complete), self.of_text(f"{label}{text}", block.line)]
            yield from found

    def of_text(self, raw: str, line: int | None, *, shown: str = "") -> SpecApproval:
        """Return the record in a text: labelled fields, or a name and a date.

        Args:
            raw: the text.
            line: the line of the text.
            shown: the text for messages; by default `raw`.
        """
        place = WrittenValue(shown or plain_value(raw[:LONGEST]), self._path, line)
        if len(raw) > LONGEST:
            return SpecApproval("", None, place)
        text = plain("\n".join(plain_value(strip_invisible(part)) for part in raw.split("\n")))
        who, when, refused = "", None, _is_refused(raw)
        for part in _BETWEEN.split(text):
            label, colon, value = part.partition(":")
            name = normal_name(label)
            if colon and name in self._who and not who:
                who = _without_date(value)
            elif colon and name in self._when and when is None:
                when = parse_date(value)
            elif name in _VERDICTS and value.strip():
                refused = refused or _refuses(value)
        rest = _without_date(text.replace(" by ", " (").replace("(the ", "(").replace(" the ", " "))
        # `Product: approved 2026-01-31 (TBD)`, `... by Claude` or `Product: Codex` names a role, and nobody.
        parts = [one.rstrip(": ") for one in rest.replace(")", "(").split("(") if _WORD.search(one)]
        parts += filter(_WORD.search, rest.split(":", 1)[1:] if ":" in _BETWEEN.split(rest)[0] else ())
        said = {one: [word for word in _WORD.findall(one.lower()) if word not in _ROLES] for one in parts[1:]}
        named = [one for one in said if _REMARKS.isdisjoint(said[one][:1])]
        if not who and not any(map(is_todo, parts)) and not any(map(names_nobody, named)):
            who = " ".join(one for one in _WORD.findall(rest) if one.casefold().rstrip(".") not in _NOT_NAMES)
        when = when or next((day.date for day in days(text) if day.date is not None), None)
        return SpecApproval(_valid_name(who), when, place, refused)


def _is_pending(text: str) -> bool:
    return not _PENDING.isdisjoint(plain_words(text).split())


def _valid_name(text: str) -> str:
    return text if is_name(text) and not _is_pending(text) else ""


def _without_date(text: str) -> str:
    """Return a text without its dates and times."""
    return _CLOCK.sub(" ", strip_dates(text)).strip(" ()[]:,;.\t-\u2013\u2014")


def _is_refused(text: str) -> bool:
    # A line to sign on, such as `____`, is an empty bracket.
    return any(found[1] for found in _REFUSED.finditer(text.replace("___", "()").replace("_", " ")))


def _refuses(verdict: str) -> bool:
    """Return True if a verdict says that nothing was approved, or is empty."""
    return _is_refused(verdict) or _NO_VERDICT.fullmatch(verdict.strip()) is not None


def _verdicts(value: Mapping[str, Any]) -> Iterator[str]:
    """Return every value under a record's verdict keys, including values of nested tables."""
    stated = [inner for key, inner in value.items() if normal_name(key) in _VERDICTS]
    return (as_text(one) for _, one in walk(stated) if not isinstance(one, (dict, list)))
