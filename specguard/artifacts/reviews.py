"""The findings of a review: headings, list items, table rows and paragraphs with a severity.

A severity stands in brackets (`[HIGH] title`), before a colon or a dash (`High: title`), on a line
`Severity:` below, or in a column of that name. `docs/documents.md` lists the forms.
"""

from __future__ import annotations

import re

from specguard.documents.blocks import Heading, List, Paragraph, Table
from specguard.documents.citations import citations
from specguard.documents.titles import normal_title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock, Section, Text
    from specguard.documents.citations import Citation
    from specguard.documents.document import Document


_NUMBERED: Final = r"(?:(?:finding|issue)\s{1,2})?#?[0-9]{1,4}[.):]?"
_STRUCK: Final = re.compile(r"~~[^~]{0,300}~~")
_LABEL: Final = re.compile(
    r"[\W_xX]{0,12}([A-Za-z][A-Za-z0-9 /'-]{0,30}?)[*_`]{0,4}\s?[:\uff1a][\s*_`]{0,6}(.*)"
)
_BEGINS_NUMBERED: Final = re.compile(rf"[\W_]*{_NUMBERED}[\W_]", re.IGNORECASE)
_BOLD_NUMBERED: Final = re.compile(rf"(?:\*\*|__){_NUMBERED}[\W_]*\w", re.IGNORECASE)
_NONE: Final = re.compile(
    r"[\W_]*$|[\W_]*(?:none|nothing|n/?a)\b|(?:there (?:are|is|were) )?no\b.{0,100}?"
    r"\b(?:findings?|issues?|defects?|blockers?|problems?|concerns?)\b|"
    r".{0,60}[:\u2014=\]][\W_]*(?:none|0|nothing|n/a)[\W_]*$",
    re.IGNORECASE | re.DOTALL,
)
# Headings below which findings stand, of an earlier review or not; and headings that are no finding.
_FINDINGS: Final = re.compile(r"\b(?:findings?|issues|defects|problems)\b")
_EARLIER: Final = re.compile(
    r"\b(?:prior|previous|earlier|closed|resolved|accepted|deferred|fixed|summary)\b"
)
_NO_FINDINGS: Final = re.compile(r"\b(?:positive|non|not|no|related|similar|legend)\b")
_ASIDE: Final = re.compile(
    r"\b(?:summary|notes?|scope|conclusions?|dispositions?|verdict|evidence|assumptions?|risks?|questions?|"
    r"recommendations?|overview|method|references|appendix|next steps|context|background)\b"
)

SEVERITY_LABELS: Final = frozenset({"severity", "priority"})
STATUS_LABELS: Final = frozenset({"status", "resolution", "verification"})


class Severities:
    """Finds the severities of a policy in the words of a review.

    Args:
        words: each severity with the words that stand for it, itself among them; the worst first.
    """

    def __init__(self, words: Sequence[tuple[str, Sequence[str]]]) -> None:
        self._known = {word.casefold(): name for name, others in words for word in others}
        self._rank = {name: position for position, (name, _) in enumerate(words)}
        word = f"(?:{'|'.join(re.escape(word) for word in sorted(self._known, key=len, reverse=True))})"
        self._word = re.compile(rf"(?<![\w-]){word}(?![\w-])", re.IGNORECASE)
        self._title = re.compile(
            rf"[\W_]*(?:{_NUMBERED}[\W_]*)?(?P<first>{word})(?:[ -]?[0-9]{{1,4}})?(?: severity)?"
            rf"(?:[*_`]+\s|[*_`]*\s?(?:$|[(:|\u2013\u2014]|-\s))"
            rf"|.*?[\[(]\s?(?P<bracketed>{word})(?: (?:severity|priority))?\s?[\])]"
            rf"|.*?\bseverity[\W_]{{1,8}}(?P<labelled>{word})(?![\w-])",
            re.IGNORECASE,
        )
        self._group = re.compile(
            rf"[\W_]*(?P<word>{word})(?: (?:severity|priority))?(?: (?:findings?|issues?))?[\W\d_]*",
            re.IGNORECASE,
        )

    def in_title(self, raw: str) -> str:
        """The severity that a title, an item or a paragraph begins with or has in brackets; empty if none."""
        line = unstruck(raw.strip().partition("\n")[0][:300]).replace("\\[", "[").replace("\\]", "]")
        found = self._title.match(line)
        return self._known[found[found.lastgroup or ""].casefold()] if found else ""

    def of_group(self, raw: str) -> str:
        """The severity of a heading that says nothing else: `High`, `Critical issues (2)`; empty if none."""
        found = self._group.fullmatch(raw[:300])
        return self._known[found["word"].casefold()] if found else ""

    def in_value(self, text: str) -> str:
        """The severity that a value says; of several the worst, empty if none."""
        found = [self._known[match[0].casefold()] for match in self._word.finditer(unstruck(text[:300]))]
        return min(found, key=self._rank.__getitem__, default="")

    def of_label(self, line: str) -> tuple[str, str]:
        """The severity behind a label, and the whole value there; empty where there is no such label."""
        label, value = label_of(line)
        # "**Severity: high** | Place: ...": other labels may stand on the same line.
        value = re.split(r"\*\*|\s\|", value, maxsplit=1)[0] if label in SEVERITY_LABELS else ""
        return self.in_value(value), value.strip(" *_`.")


def unstruck(text: str) -> str:
    """A text without what is struck out in it."""
    return _STRUCK.sub(" ", text)


def label_of(line: str) -> tuple[str, str]:
    """A line's label in small letters and what stands behind it; empty where it has none."""
    match = _LABEL.match(line[:600])
    return (match[1].strip().casefold(), match[2]) if match else ("", "")


def lines_of(blocks: Iterable[AnyBlock]) -> Iterator[str]:
    """The lines of paragraphs and of items but unticked ones, and rows of two cells as `cell: cell`."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from block.text.raw.split("\n")
        elif isinstance(block, List):
            for item in block.items:
                yield from lines_of(item.rest if item.checked is False else item.blocks)
        elif isinstance(block, Table) and len(block.header) == 2:
            yield from (f"{name.raw}: {value.raw}" for name, value in (block.header, *block.rows))


def is_none(text: Text) -> bool:
    """Whether a text says that there is nothing to list, and cites nothing."""
    plain = " ".join(text.plain.split())
    return _NONE.match(plain) is not None and not any(citations([Paragraph(text)]))


class Ranked:
    """A finding of a review.

    Attributes:
        title: its first words, without marks.
        line: its line, from 1.
        severity: its severity as the policy writes it; empty where it has none of these.
        said: what stands in place of a severity and is none; empty where nothing does.
        status: what stands behind `Status:`, or in a column of that name.
        earlier: whether it stands among those of an earlier review.
    """

    def __init__(self, text: Text, severity: str, *, earlier: bool) -> None:
        self.title = " ".join(text.plain.split())
        self.line = text.line
        self.severity = severity
        self.said = ""
        self.status: list[str] = []
        self.earlier = earlier
        self.blocks: list[AnyBlock] = [Paragraph(text)]

    @property
    def cited(self) -> Iterator[Citation]:
        """The places that it cites."""
        return citations(self.blocks)

    def __repr__(self) -> str:
        return f"Ranked({self.title!r}, {self.line}, {self.severity!r})"


class Review:
    """The findings of a document.

    Args:
        document: the review.
        severities: what ranks them.
        sections: where they stand; none: wherever a heading speaks of findings, else in the whole document.

    Attributes:
        findings: what it finds, in order.
        blocks: what stands where its findings do.
        spans: the first and last lines of what holds them.
    """

    def __init__(self, document: Document, severities: Severities, sections: Sequence[Section] = ()) -> None:
        self.findings: list[Ranked] = []
        self.blocks: Sequence[AnyBlock] = []
        self.spans: list[tuple[int, int]] = []
        self._severities = severities
        self._strict = self._earlier = False
        self._open: tuple[int, Ranked] | None = None
        self._group = (0, "")
        for section in sections or _findings_sections(document):
            self._earlier = (
                not sections and _EARLIER.search(section.heading.text.plain.casefold()) is not None
            )
            self._strict = not self._earlier
            self.blocks = [*self.blocks, *(() if self._earlier else section.blocks)]
            self.spans.append((section.line, section.end))
            self._read(section.blocks)
        if not self.spans:
            self._read(document.blocks)
            self.spans = [(one.line, document.last_line) for one in self.findings[:1]]
        self.blocks = self.blocks or document.blocks

    def holds(self, line: int) -> bool:
        """Whether a line is within what holds the findings."""
        return any(first <= line <= last for first, last in self.spans)

    def _read(self, blocks: Sequence[AnyBlock]) -> None:
        self._open, self._group = None, (0, "")
        # Where one heading of a level has a severity, those beside it are findings, too.
        ranked = {
            block.level
            for block in blocks
            if isinstance(block, Heading)
            and self._severities.in_title(block.text.raw)
            and not self._severities.of_group(block.text.raw)
        }
        for position, block in enumerate(blocks):
            if isinstance(block, Heading):
                self._heading(block, blocks[position + 1 :], block.level in ranked)
            elif self._open is not None and (self._open[0] or not self._starts(block)):
                self._take(self._open[1], block)
            elif isinstance(block, List):
                self._list(block)
            elif isinstance(block, Table):
                self._table(block)
            elif isinstance(block, Paragraph) and self._starts(block) and not is_none(block.text):
                self._open = 0, self._start(block.text, self._group[1])

    def _starts(self, block: AnyBlock) -> bool:
        """Whether a block begins findings of its own, and does not go on with the one before it."""
        if isinstance(block, Paragraph):
            bold = (self._strict or self._group[1]) and _BOLD_NUMBERED.match(block.text.raw)
            return bool(self._severities.in_title(block.text.raw) or bold)
        if isinstance(block, List):
            raws = [item.text.raw for item in block.items]
            in_title, of_label = self._severities.in_title, self._severities.of_label
            return block.ordered or any(in_title(raw) and not of_label(raw)[1] for raw in raws)
        return isinstance(block, Table)

    def _heading(self, heading: Heading, behind: Sequence[AnyBlock], ranked: bool) -> None:
        if self._open is not None and heading.level > self._open[0] > 0:
            self._take(self._open[1], Paragraph(heading.text))
            return
        self._open = None
        self._group = (0, "") if heading.level <= self._group[0] else self._group
        raw = heading.text.raw
        if group := self._severities.of_group(raw):
            self._group = heading.level, group
            return
        words = normal_title(raw)
        stop = next((at for at, block in enumerate(behind) if isinstance(block, Heading)), len(behind))
        found = bool(self._severities.in_title(raw) or self._severities.of_label(raw)[1])
        if not found and not any(self._ranks_each(block) for block in behind[:stop]):
            found = any(self._severities.of_label(line)[1] for line in lines_of(behind[:stop]))
        if not found and not _ASIDE.search(words) and not _FINDINGS.search(words):
            numbered = ranked or _BEGINS_NUMBERED.match(raw)
            found = bool(self._group[1] or (self._strict and numbered))
        if found:
            self._open = heading.level, self._start(heading.text, self._group[1])

    def _ranks_each(self, block: AnyBlock) -> bool:
        """Whether a list's items each begin with `Severity:`, and so are not the details of one finding."""
        items = block.items if isinstance(block, List) else ()
        return sum(bool(self._severities.of_label(item.text.raw)[1]) for item in items) > 1

    def _list(self, block: List) -> None:
        self._open = None
        for item in block.items:
            ranked = bool(self._severities.in_title(item.text.raw) or self._group[1])
            ranked = ranked or any(self._severities.of_label(line)[1] for line in lines_of(item.blocks))
            if not item.text.raw:
                for inner in item.rest:
                    if isinstance(inner, List):
                        self._list(inner)
            elif (ranked or self._strict) and not is_none(item.text):
                one = self._start(item.text, self._group[1])
                for part in item.rest:
                    self._take(one, part)
                # "1. **High - title**", and its details as a list of their own.
                self._open = (0, one) if block.ordered else None

    def _table(self, table: Table) -> None:
        self._open = None
        titles = [cell.plain.strip().casefold() for cell in table.header]
        severity = next((at for at, title in enumerate(titles) if title in SEVERITY_LABELS), None)
        status = next((at for at, title in enumerate(titles) if title in STATUS_LABELS), None)
        named = self._strict and any(_FINDINGS.search(title) for title in titles)
        for row in table.rows if severity is not None or self._group[1] or named else ():
            shown = [cell for cell in row if not is_none(cell)]
            if not shown or (len(shown) == 1 and len(row) > 1):
                continue
            value = row[severity].plain.strip() if severity is not None else ""
            text = max(
                (one for at, one in enumerate(row) if at not in {severity, status}),
                key=lambda one: len(one.plain),
            )
            one = Ranked(
                text,
                self._severities.in_value(value) or ("" if value else self._group[1]),
                earlier=self._earlier,
            )
            one.said = value
            one.blocks = [Table(table.header, [row], row[0].line)]
            one.status = [row[status].raw] if status is not None else []
            self.findings.append(one)

    def _start(self, text: Text, group: str) -> Ranked:
        one = Ranked(text, self._severities.in_title(text.raw) or group, earlier=self._earlier)
        self.findings.append(one)
        self._take(one, *one.blocks)
        return one

    def _take(self, one: Ranked, block: AnyBlock) -> None:
        """Add a block to a finding, with what it says of itself behind labels."""
        if block not in one.blocks:
            one.blocks.append(block)
        for line in lines_of([block]):
            severity, value = self._severities.of_label(line)
            one.severity = severity or one.severity
            one.said = one.said or value
            label, said = label_of(line)
            if label in STATUS_LABELS:
                one.status.append(said)


def _findings_sections(document: Document) -> Iterator[Section]:
    """The outermost sections whose headings speak of findings."""
    end = 0
    for section in document.sections:
        title = section.level == 1 and section.parent is None and bool(section.children)
        words = normal_title(section.heading.text.plain)
        if section.line > end and not title and _FINDINGS.search(words) and not _NO_FINDINGS.search(words):
            end = section.end
            yield section
