"""Reads the findings among blocks: what begins one, what belongs to it, and what is none."""

from __future__ import annotations

import re

from specguard.artifacts.ranked import STATUS_LABELS, UNDONE, Ranked, label_of, lines_of, name_of, tails_of
from specguard.artifacts.severities import NAMED, NUMBERED
from specguard.documents.blocks import Heading, List, Paragraph, Table
from specguard.documents.citations import citations
from specguard.documents.titles import normal_title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from specguard.artifacts.severities import Severities
    from specguard.documents.blocks import AnyBlock, Item, Text

FINDINGS: Final = re.compile(r"\b(?:findings?|issues|defects|problems)\b")
"""The words of a heading below which findings stand."""

_OTHERWISE: Final = re.compile(
    r"\b(?:summary|notes?|scope|conclusions?|dispositions?|verdict|evidence|assumptions?|risks?|questions?|"
    r"recommendations?|overview|method|methodology|references|appendix|legend|positives?|strengths|"
    r"next steps|rounds?|context|background|observations?)\b"
)
# "None" in English, German, French, Spanish, Russian, Korean, Chinese and Japanese.
_NOTHING: Final = (
    r"(?:none|nothing|nil|n/?a|keine|aucune?|ningun[oa]|\u043d\u0435\u0442)\b|(?:\ud574\ub2f9 )?\uc5c6\uc74c|"
    r"[\u65e0\u7121](?:\W|$)|(?:\u7279\u306b)?[\u306a\u7121]\u3057"
)
_NONE: Final = re.compile(
    rf"[\W_]*$|(?:{_NOTHING})|"
    r"(?:there (?:are|is|were) )?no\b.{0,100}?"
    r"\b(?:findings?|issues?|defects?|blockers?|problems?|debt|concerns?)\b|"
    r"no\b.{0,200}\b(?:recommended|required|needed|found|identified|observed|detected|remain(?:ing)?)[\W_]*$|"
    r".{0,60}[:\u2014=\]][\W_]*(?:none|0|nothing|n/?a)[\W_]*$",
    re.IGNORECASE | re.DOTALL,
)
_BOLD_NUMBERED: Final = re.compile(rf"(?:\*\*|__){NUMBERED}[\W_]*\w", re.IGNORECASE)
_TICKED: Final = re.compile(r"\[[xX]\]\s")
_BEGINS_NUMBERED: Final = re.compile(rf"[\W_]*(?:{NUMBERED}[\W_]|{NAMED}\b)", re.IGNORECASE)

_SEVERITY_LABELS: Final = frozenset(
    {"severity", "classification", "priority", "sev", "rank", "risk level", "severity candidate", "level"}
)
_DETAILS: Final = frozenset(
    {
        "anchor", "anchors", "description", "evidence", "file", "files", "finding", "fix", "impact", "issue",
        "location", "problem", "recommendation", "required fix", "risk", "suggested fix", "why it matters",
    }
)  # fmt: skip


class FindingsReader:
    """Reads the findings among blocks.

    Args:
        severities: what ranks them.
        strict: whether what has no severity is a finding, too.
        earlier: whether these are an earlier review's.
        grouped: whether a heading that says a severity alone is one above several findings.

    Attributes:
        findings: what was found, in order.
    """

    def __init__(self, severities: Severities, *, strict: bool, earlier: bool, grouped: bool = True) -> None:
        self.findings: list[Ranked] = []
        self._severities = severities
        self._strict = strict
        self._earlier = earlier
        self._group = ""
        self._group_level = 0
        self._open: Ranked | None = None
        self._level = 0
        self._ordered = False
        self._before: Text | None = None
        self._grouped = grouped
        self._repeated: set[int] = set()
        self._ranked: set[int] = set()

    def read(self, blocks: Sequence[AnyBlock]) -> None:
        """Read what stands in a section or a document."""
        seen: set[tuple[int, str]] = set()
        for block in blocks:
            if isinstance(block, Heading):
                group = self._severities.is_group(block.text.raw)
                if group:
                    if (block.level, group) in seen:
                        self._repeated.add(block.level)
                    seen.add((block.level, group))
                elif self._severities.in_title(block.text.raw):
                    self._ranked.add(block.level)
        for position, block in enumerate(blocks):
            if isinstance(block, Heading):
                self._heading(block, blocks, position)
            elif self._open is not None and self._level:
                self._take(block)
            elif isinstance(block, List):
                self._list(block)
            elif isinstance(block, Table):
                self._table(block)
            elif isinstance(block, Paragraph):
                self._paragraph(block)
            elif self._open is not None:
                self._open.blocks.append(block)

    def _heading(self, heading: Heading, blocks: Sequence[AnyBlock], position: int) -> None:
        if self._open is not None and self._level and heading.level > self._level:
            self._take(Paragraph(heading.text))
            return
        self._open, self._level = None, 0
        if self._group_level and heading.level <= self._group_level:
            self._group, self._group_level = "", 0
        if heading.level == 1 and not self._strict:
            # A document's title says how bad it is as a whole.
            return
        raw = heading.text.raw
        words = normal_title(raw)
        group = self._severities.is_group(raw)
        # A group has a heading of its own; where one is there again, each is above a finding.
        if group and self._grouped and heading.level not in self._repeated:
            self._group, self._group_level = group, heading.level
            return
        severity = group or self._severities.in_title(raw) or self._group
        if position == 0 and FINDINGS.search(words):
            return
        body = _body(blocks, position)
        if not severity and any(isinstance(block, List) and self._ranks_each(block) for block in body):
            return
        named = _BEGINS_NUMBERED.match(raw) is not None and not FINDINGS.search(words)
        below = any(self._said(line)[0] for line in lines_of(body))
        named = named or _detailed(body) or says_severity(raw)
        aside = _OTHERWISE.search(words) is not None and not severity
        if severity or below or (self._strict and not aside and (named or heading.level in self._ranked)):
            self._start(heading.text, severity)
            self._level = heading.level

    def _list(self, block: List) -> None:
        if self._open is not None and self._ordered and not block.ordered:
            # "1. **High - title**", and its details as a list of their own.
            self._take(block)
            return
        if not self._ranks_each(block) and any(self._said(item.text.raw)[1] for item in block.items):
            # "Severity: high" among the items: they are the details of what stands before them.
            if self._open is None and self._before is not None:
                self._start(self._before, "")
            if self._open is not None:
                self._take(block)
                return
        ranks = [self._rank_of(item) for item in block.items]
        self._before = block.items[-1].text if block.items else None
        nested = any(item.blocks and isinstance(item.blocks[0], List) for item in block.items)
        if not (self._group or any(ranks) or nested or self._strict):
            self._open = None
            return
        for item, rank in zip(block.items, ranks, strict=True):
            inner = item.blocks[0] if item.blocks else None
            if isinstance(inner, List) and not rank:
                # "- 1) High: ..." is a list in a list.
                self._open = None
                self._list(inner)
                continue
            if is_none(item.text, item.rest):
                self._open = None
                continue
            if not (rank or self._group or self._strict):
                continue
            self._start(item.text, rank or self._group)
            for part in item.rest:
                self._take(part)
        self._ordered = block.ordered

    def _ranks_each(self, block: List) -> bool:
        """Whether items are findings that each begin with `Severity: high`, and not the details of one."""
        return sum(1 for item in block.items if self._said(item.text.raw.partition("\n")[0])[0]) > 1

    def _rank_of(self, item: Item) -> str:
        found = self._severities.in_title(item.text.raw)
        if found or not item.text.raw:
            return found
        return next((it for line in lines_of(item.blocks) if (it := self._said(line)[0])), "")

    def _table(self, table: Table) -> None:
        self._open = None
        titles = [cell.plain.strip().casefold() for cell in table.header]
        severity = _column(titles, _SEVERITY_LABELS)
        status = _column(titles, STATUS_LABELS)
        named = any(FINDINGS.search(title) or title in {"finding", "issue"} for title in titles)
        if severity is None and not self._group and not (self._strict and named):
            return
        for row in table.rows:
            shown = [cell for cell in row if not is_none(cell)]
            if not shown or (len(shown) == 1 and len(row) > 1):
                continue
            value = row[severity].plain if severity is not None and severity < len(row) else ""
            found = self._severities.in_value(value) or ("" if value.strip() else self._group)
            text = max((cell for at, cell in enumerate(row) if at not in (severity, status)), key=_length)
            one = self._start(text, found)
            one.said = "" if found else value.strip()
            one.blocks = [Table(table.header, [row], row[0].line)]
            one.name = next((name for cell in row if (name := name_of(cell.plain))), "")
            if status is not None and status < len(row):
                one.status = [row[status].raw]
        self._open = None

    def _paragraph(self, paragraph: Paragraph) -> None:
        text = paragraph.text
        severity = self._severities.in_title(text.raw)
        bold = bool(self._group or self._strict) and _BOLD_NUMBERED.match(text.raw) is not None
        if (severity or bold) and not self._said(text.raw.partition("\n")[0])[1] and not is_none(text):
            self._start(text, severity or self._group)
            self._ordered = True
        elif self._open is not None:
            self._take(paragraph)
        else:
            self._before = text

    def _start(self, text: Text, severity: str) -> Ranked:
        one = Ranked(text, severity=severity, earlier=self._earlier)
        one.tails += tails_of(text.raw)
        self.findings.append(one)
        self._open = one
        self._fields(one, text.raw.split("\n"))
        return one

    def _take(self, block: AnyBlock) -> None:
        """Add a block to the finding that is open."""
        one = self._open
        if one is None:
            return
        one.blocks.append(block)
        self._fields(one, lines_of([block]))

    def _fields(self, one: Ranked, lines: Iterable[str]) -> None:
        """Read what a finding says of itself behind labels."""
        for line in lines:
            severity, value = self._said(line)
            if severity:
                one.severity = severity
            elif value and not one.severity:
                one.said = value
            label, said = label_of(line)
            if line.startswith(UNDONE):
                one.undone.append(line)
            elif label in STATUS_LABELS:
                one.status.append(said)
            elif label:
                one.labels.append((label, said))
            elif _TICKED.match(line):
                one.tails += tails_of(line)

    def _said(self, line: str) -> tuple[str, str]:
        """The severity that stands behind a label, and the whole value there."""
        label, value = label_of(line)
        if label not in _SEVERITY_LABELS:
            return "", ""
        # "**Severity: high** | Place: ...": other labels may stand on the same line.
        value = re.split(r"\*\*|\s\|", value, maxsplit=1)[0]
        return self._severities.in_value(value), value.strip(" *_`.")


def says_severity(raw: str) -> bool:
    """Whether a heading is `Severity: ...`, whatever it says there."""
    return label_of(raw)[0] == "severity"


def is_none(text: Text, rest: Sequence[AnyBlock] = ()) -> bool:
    """Whether a text says that there is nothing to list, and cites nothing."""
    plain = " ".join(text.plain.split())
    return _NONE.match(plain) is not None and not any(True for _ in citations([Paragraph(text), *rest]))


def _body(blocks: Sequence[AnyBlock], position: int) -> Sequence[AnyBlock]:
    """What stands below a heading, up to the next heading of any level."""
    end = position + 1
    while end < len(blocks) and not isinstance(blocks[end], Heading):
        end += 1
    return blocks[position + 1 : end]


def _detailed(blocks: Sequence[AnyBlock]) -> bool:
    """Whether what stands below a heading are the details of one finding."""
    return any(label_of(line)[0] in _DETAILS for line in lines_of(blocks))


def _column(titles: Sequence[str], names: frozenset[str]) -> int | None:
    return next((position for position, title in enumerate(titles) if title in names), None)


def _length(cell: Text) -> int:
    return len(cell.plain)
