"""The findings of a review as people write them: headings, list items, table rows and paragraphs.

Where findings stand, each of them has a severity of its own or that of the heading above it. What else is
written in them (evidence, impact, the fix) belongs to them. `docs/documents.md` lists the forms.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from specguard.artifacts.ranked import name_of, tails_of
from specguard.artifacts.review_reader import FINDINGS, FindingsReader, says_severity
from specguard.documents.blocks import Heading, List, Paragraph, Table, Text
from specguard.documents.titles import normal_title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.ranked import Ranked
    from specguard.artifacts.severities import Severities
    from specguard.documents.blocks import AnyBlock, Section
    from specguard.documents.document import Document

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
