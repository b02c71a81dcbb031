"""The findings of a review as people write them: headings, list items, table rows and paragraphs.

Where findings stand, each of them has a severity of its own or that of the heading above it. What else is
written in them (evidence, impact, the fix) belongs to them. `docs/documents.md` lists the forms.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from specguard.documents.blocks import Heading, List, Paragraph, Table, Text
from specguard.documents.citations import citations
from specguard.documents.titles import normal_title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock, Item, Section
    from specguard.documents.citations import Citation
    from specguard.documents.document import Document


NUMBERED: Final = r"(?:#?[0-9]{1,4}(?:\.[0-9]{1,3})*[.):]?|(?:finding|issue)\s{1,2}#?[0-9]{1,4}[.):]?)"
"""The number that a title begins with."""

NAMED: Final = r"[A-Z]{1,6}[0-9]{0,3}-?[0-9]{1,5}[a-z]?"
"""The name that a title begins with, such as `HIGH-01`."""

_STRUCK: Final = re.compile(r"~~[^~]{0,300}~~")
_BRACKETS: Final = re.compile(r"[(\[][^()\[\]]{0,200}[)\]]")
# What a heading above findings of one severity says beside it.
_GROUP_WORDS: Final = re.compile(
    r"\b(?:severity|priority|findings?|issues?|items?|level|impact|concerns?|problems?)\b|\b[0-9]+\b[.)]?|"
    r"[^\w\s/*`_.:()\[\]-]"
)
_LEAD: Final = re.compile(rf"[\W_]*(?:(?:{NUMBERED}|{NAMED}(?![A-Za-z]))[\W_]*)?", re.IGNORECASE)


class Severities:
    """Finds the severities of a policy in the words of a review.

    Args:
        words: each severity with the words that stand for it, itself among them; the worst first.
    """

    def __init__(self, words: Sequence[tuple[str, Sequence[str]]]) -> None:
        self._known = {word.casefold(): name for name, others in words for word in others}
        self._rank = {name: position for position, (name, _) in enumerate(words)}
        escaped = "|".join(re.escape(word) for word in sorted(self._known, key=len, reverse=True))
        self._word = re.compile(rf"(?<![\w-])(?:{escaped})(?![\w-])", re.IGNORECASE)
        self._first = re.compile(
            rf"[\[(*_`]*(?P<word>{escaped})(?!\w)(?=[*_`]*(?:$|[\])>:|,.(]|\s?[-\u2013\u2014](?:\s|$|[0-9])"
            r"|\s(?:[\[(]|severity\b|priority\b|impact\s?(?:$|[;:,)\]\u2013\u2014-])|[0-9]))|[*_`])",
            re.IGNORECASE,
        )
        self._bracketed = re.compile(
            rf"[\[(]\s?(?P<word>{escaped})(?: (?:severity|priority))?\s?[\])]", re.IGNORECASE
        )
        self._labelled = re.compile(rf"\bseverity[\W_]{{1,8}}(?P<word>{escaped})(?![\w-])", re.IGNORECASE)

    def in_title(self, raw: str) -> str:
        """The severity that a title, an item or a paragraph begins with or has in brackets; empty if none."""
        line = _plain(raw.strip().partition("\n")[0])
        lead = _LEAD.match(line)
        for start in {0, lead.end() if lead else 0}:
            # The marks before a number may hide the word's own: "**1. High**".
            match = self._first.match(line, start) or self._first.match(line.lstrip(" *_#[("), 0)
            if match:
                return self._known[match["word"].casefold()]
        match = self._bracketed.search(line) or self._labelled.search(line)
        return self._known[match["word"].casefold()] if match else ""

    def in_value(self, text: str) -> str:
        """The severity that a value says; of several the worst, empty if none."""
        found = [self._known[match[0].casefold()] for match in self._word.finditer(unstruck(text[:300]))]
        return min(found, key=self._rank.__getitem__, default="")

    def is_group(self, raw: str) -> str:
        """The severity of a heading that says nothing else: `High`, `Critical issues (2)`; empty if none."""
        words = _GROUP_WORDS.sub(" ", _BRACKETS.sub(" ", _plain(raw)).casefold())
        words = " ".join(words.replace("_", " ").split()).strip("*_`# .:")
        found = {self._known.get(part.strip("*_`.:")) for part in re.split(r"\s(?:and|or)\s|\s?/\s?", words)}
        name = found.pop() if len(found) == 1 else None
        if name is None and "(" in raw:
            # "Severity 1 (High impact)"
            inside = raw.partition("(")[2].partition(")")[0]
            name = self.in_title(inside) if not words else None
        return name or ""


def unstruck(text: str) -> str:
    """A text without what is struck out in it."""
    return _STRUCK.sub(" ", text)


def _plain(raw: str) -> str:
    """The beginning of a line, without what is struck out and without backslashes before brackets."""
    return unstruck(raw[:300]).replace("\\[", "[").replace("\\]", "]")


_LABEL: Final = re.compile(
    r"[\W_xX]{0,12}([A-Za-z][A-Za-z0-9 /'-]{0,30}?)[*_`]{0,4}\s?[:\uff1a][\s*_`]{0,6}(.*)"
)
_ID: Final = re.compile(r"[\W_]*(?:[0-9]{1,4}[.)][\W_]*)?([A-Z][A-Z0-9]{0,9}-?[0-9]{1,5})\b")

UNDONE: Final = "\0"
"""What a line begins with here where its checkbox is not ticked."""

STATUS_LABELS: Final = frozenset(
    {
        "status", "state", "resolution", "disposition", "outcome", "closure", "action", "action taken",
        "fix status", "verification", "re-verification", "re-review", "result", "current state",
    }
)  # fmt: skip


class Ranked:
    """A finding of a review.

    Attributes:
        title: its first words, without marks.
        line: its line, from 1.
        severity: its severity as the policy writes it; empty where it has none of these.
        said: what stands in place of a severity and is none; empty where nothing does.
        status: what stands behind `Status:` and its like, or in a column of that name.
        tails: the parts of its title, which may say what became of it, as in `(fixed)`; and its ticked items.
        labels: its other labels in small letters, with what stands behind them.
        undone: its items with a checkbox that is not ticked.
        name: what it is called, such as `HIGH-01`; empty where it has no name.
        earlier: whether it stands among those of an earlier review, or among closures.
    """

    def __init__(self, text: Text, *, severity: str, earlier: bool) -> None:
        self.title = " ".join(text.plain.split())
        self.line = text.line
        self.severity = severity
        self.said = ""
        self.status: list[str] = []
        self.tails: list[str] = []
        self.labels: list[tuple[str, str]] = []
        self.undone: list[str] = []
        self.name = name_of(text.plain)
        self.earlier = earlier
        self.blocks: list[AnyBlock] = [Paragraph(text)]

    @property
    def cited(self) -> Iterator[Citation]:
        """The places that it cites."""
        return citations(self.blocks)

    def __repr__(self) -> str:
        return f"Ranked({self.title!r}, {self.line}, {self.severity!r})"


def label_of(line: str) -> tuple[str, str]:
    """A line's label in small letters and what stands behind it; empty where it has none."""
    match = _LABEL.match(line[:600])
    return (match[1].strip().casefold(), match[2]) if match else ("", "")


def lines_of(blocks: Iterable[AnyBlock]) -> Iterator[str]:
    """The lines of paragraphs, items and cells; a ticked item keeps its mark, one not ticked is left out."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from block.text.raw.split("\n")
        elif isinstance(block, List):
            for item in block.items:
                if item.checked is False:
                    yield f"{UNDONE}{item.text.raw}"
                    yield from lines_of(item.rest)
                else:
                    yield from lines_of(item.blocks)
        elif isinstance(block, Table) and len(block.header) == 2:
            for row in [block.header, *block.rows]:
                yield f"{row[0].raw}: {row[1].raw}"


def tails_of(raw: str) -> list[str]:
    """What a title says behind its words: in brackets, behind a colon or a dash, or before its colon."""
    line = raw.strip().partition("\n")[0][:1000]
    parts = re.split(
        r"[()\[\]]|\[[xX]\]|[:\uff1a](?=[\s*_`]|$)|\s[-\u2013\u2014]{1,2}\s|\u2705|\u2714\ufe0f?", line
    )
    return [part.strip(" *_`.") for part in parts if part.strip(" *_`.")]


def name_of(text: str) -> str:
    """What a text says first that is the name of a finding, such as `HIGH-01`; empty where it says none."""
    named = _ID.match(text[:60])
    return named[1] if named else ""


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


_EARLIER: Final = re.compile(
    r"\b(?:prior|previous|earlier|past|closed|closing|closures?|resolved|resolutions?|accepted|deferred|dispositions?|"
    r"fix|fixes|fixed|applied|summary|status|snapshot)\b"
)
_NO_FINDINGS: Final = re.compile(r"\b(?:positive|non|not|no|related|similar|legend)\b")


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
        self._severities = severities
        self.findings: list[Ranked] = []
        chosen = list(sections)
        earlier: list[Section] = []
        if not chosen:
            chosen, earlier = self._chosen(document)
        alone = self._alone(chosen)
        for section in chosen:
            blocks = [section.heading, *section.blocks]
            self._read(blocks, strict=True, earlier=False, grouped=section.line not in alone)
        for section in earlier:
            self._read(section.blocks, strict=False, earlier=True)
        self.blocks = [block for section in chosen for block in section.blocks] or document.blocks
        self.spans = sorted((one.line, one.end) for one in [*chosen, *earlier])
        if not self.spans:
            self._read(document.blocks, strict=False, earlier=False)
        elif not sections:
            self._closures(document)
        self.findings.sort(key=lambda one: one.line)
        if not self.spans and self.findings:
            self.spans = [(self.findings[0].line, document.last_line)]

    def holds(self, line: int) -> bool:
        """Whether a line is within what holds the findings."""
        position = bisect_right(self.spans, (line, 1 << 60)) - 1
        return position >= 0 and line <= self.spans[position][1]

    def _chosen(self, document: Document) -> tuple[list[Section], list[Section]]:
        """The sections that hold findings, and those that hold an earlier review's or closures."""
        chosen: list[Section] = []
        earlier: list[Section] = []
        end = 0
        for section in document.sections:
            title = section.level == 1 and section.parent is None and bool(section.children)
            if title or section.line <= end:
                continue
            words = normal_title(section.heading.text.plain)
            if FINDINGS.search(words) and not _NO_FINDINGS.search(words):
                # What stands in brackets counts here: "Findings (from the previous review)".
                past = _EARLIER.search(section.heading.text.plain.casefold())
                (earlier if past else chosen).append(section)
                end = section.end
            elif self._severities.is_group(section.heading.text.raw) or says_severity(
                section.heading.text.raw
            ):
                chosen.append(section)
                end = section.end
        return chosen, earlier

    def _alone(self, chosen: Sequence[Section]) -> set[int]:
        """The lines of headings that say a severity alone, each above one finding.

        A group of findings has one such heading; where the same is there again beside it, none is a group.
        """
        groups: dict[tuple[int, int], list[tuple[str, int]]] = {}
        for section in chosen:
            name = self._severities.is_group(section.heading.text.raw)
            if name:
                parent = section.parent.line if section.parent else 0
                groups.setdefault((parent, section.level), []).append((name, section.line))
        return {
            line
            for found in groups.values()
            if len({name for name, _ in found}) < len(found)
            for _, line in found
        }

    def _read(self, blocks: Sequence[AnyBlock], *, strict: bool, earlier: bool, grouped: bool = True) -> None:
        """Read the findings of a section.

        Args:
            blocks: what stands in it.
            strict: whether what has no severity is a finding, too.
            earlier: whether these are an earlier review's.
            grouped: whether a heading that says a severity alone is one above several findings.
        """
        reader = FindingsReader(self._severities, strict=strict, earlier=earlier, grouped=grouped)
        reader.read(blocks)
        self.findings += reader.findings

    def _closures(self, document: Document) -> None:
        """Take up what the rest of a document says of findings by their names."""
        named = {one.name: one for one in self.findings if one.name}
        if not named:
            return
        for text in _all_texts(document.blocks):
            name = name_of(text.plain)
            if name in named and not self.holds(text.line):
                named[name].tails += tails_of(text.raw)


def _all_texts(blocks: Sequence[AnyBlock]) -> Iterator[Text]:
    """The texts of headings, paragraphs, items and rows; of a row all cells as one."""
    for block in blocks:
        if isinstance(block, Heading | Paragraph):
            yield block.text
        elif isinstance(block, List):
            for item in block.items:
                yield from _all_texts(item.blocks)
        elif isinstance(block, Table):
            for row in block.rows:
                if row:
                    yield Text(" - ".join(cell.raw for cell in row), row[0].line)
