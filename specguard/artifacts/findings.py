"""The findings of a review: their required form, and which of them must be closed.

Findings are below a heading about findings, issues or a severity, or in the section of the policy. Each
one is a heading, a list item, a table row, or a paragraph that begins with a severity. A severity is in
brackets (`[HIGH] title`), before a colon or a dash (`High: title`), or on a line `Severity:` below. A column
of that name, or a heading by itself, may also hold the severity. `docs/documents.md` lists the forms.
"""

from __future__ import annotations

import re
from itertools import takewhile

from specguard.artifacts.contracts import Findings
from specguard.artifacts.evidence import Targets, citation_form
from specguard.artifacts.sections import find_titled
from specguard.documents.blocks import Heading, List, Paragraph, Table, texts
from specguard.documents.citations import citations
from specguard.documents.completeness import content_of, is_content, plain_words
from specguard.documents.fields import block_fields, find_fields, normal_name, normal_title
from specguard.documents.inline import STRUCK
from specguard.model import TYPE_CHECKING, Finding, cached_method, path_text, shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import AnyBlock, ListItem, Section, Text
    from specguard.documents.document import Document

_NUMBER: Final = r"[\W_]*(?:(?:finding|issue)\s{1,2})?#?[0-9]{1,4}[.):]?(?!\w)"
_ID: Final = r"[\W_]*(?:finding\s)?[A-Z]{1,4}[0-9]{0,2}[-_]?[A-Z]?[0-9]{1,4}\b"
_NUMBERED: Final = re.compile(_NUMBER, re.IGNORECASE)
_FOUND: Final = r"(?:found|identified|noted|raised|reported|known|open|outstanding|left|remain\w*|to report)"
_STOP: Final = r"(?:[\W_]*$|\s?[.,;:(\u2013\u2014]|\s-\s)"
# "None found", "No high or blocking findings in this pass", "High: 0, low: none".
_NONE: Final = re.compile(
    r"(?:\[x\])?[\W_]*(?:(?:i|we|(?:the|this) review) (?:found|have|has) |there (?:are|is|was|were) )?"
    rf"(?:(?:0[\W_]*)?$|(?:none|nothing|n/?a)(?:{_STOP}|\s(?:(?:was|were)\s)?{_FOUND}\b"
    rf"|\s(?:(?:that is )?(?:blocking|high|critical)(?: or \w+)?|(?:at|in|for) this \w+|of note|yet){_STOP})"
    r"|no(?:[\s,/()-]+(?!(?:of|for|to|in|on|at|with|which|that|when|is|are|causes?|creates?|makes?)\b)\w+){0,8}?"
    rf"[\s,/()-]+(?:findings?|issues?|defects?|blockers?|bugs?|problems?)"
    rf"(?:{_STOP}|\s(?:{_FOUND}|were|was|are|is|exist|of|in|at|above|for|with)\b)"
    r"|(?:(?:(?:[^\W_]+[\s/&,-]+){0,4}[^\W_]+(?:\s\(\w+\))?\s?[:\u2013\u2014]|[^\W_]+\s?=)"
    r"[\W_]*(?:none|0)\b[\W_]*)+$)",
    re.IGNORECASE,
)
_FINDINGS: Final = re.compile(r"\b(?:findings?|issues|defects|problems|bugs|blockers)\b")
_NOT_FINDINGS: Final = re.compile(r"\b(?:positive|non|not|no|related|similar|legend)\b")
_LEGEND: Final = frozenset({"definitions", "legend", "levels", "scale"})
_ASIDE: Final = re.compile(
    r"\b(?:findings|summary|notes?|scope|conclusions?|evidence|context|method|overview)\b"
)
_REOPENED: Final = re.compile(
    r"^\W*(?:open|pending|in progress)\b|\b(?:re-?opened|regressed|still open|unresolved)\b", re.IGNORECASE
)
_BREAK: Final = r"(?:[,;.|\n](?!\S)|<br ?/?>|\s?(?:[\u2013\u2014\u2192]|[-=]>)\s?|\s(?:and|[&/+]|--?)\s|\s\()"
_WHOLE: Final = r"(?:\s(?:yet|really|fully))?(?=\s?(?:$|[,;.:)|*_`\n\u2013\u2014](?!\w)|-\s))"
# `pending CI` and `pending carol's review of #12`, but not `pending writes go first`.
_AWAITED: Final = r"(?:awaiting|pending)(?!\s\w+s\s)(?:\s(?!(?:is|are|was|were|\w+ed)\b)[^\s,;)]+){1,4}"
# Not `in open()` or `with the pending branch`.
_OPEN: Final = rf"(?<!\b(?:in|at|on|by)\s)(?<!\bthe\s)(?<!\bwith\s)(?:open(?!:)|{_AWAITED})"
# What takes back the words before it: `(failed in CI)`, `: no`, `, not yet`, ` at a later date`.
_TAKEN_BACK: Final = (
    rf"(?:(?:{_BREAK}|:)\W{{0,3}}|\s(?=(?:by|in|at|on|with|after)\s))"
    r"(?:(?:by|in|at|on|with|after|but|the|an?|some|still|[1-9][0-9]*(?=\sfail))\s){0,4}"
    rf"(?:(?:not|nobody|no one|no|n/?a|false|tbd|to ?do|blocked|{_OPEN}){_WHOLE}"
    r"|(?:fail(?:ed|s|ing|ures?)|skipped|pending|blocked(?=\son\b)|planned|scheduled|waived|deferred|postponed"
    r"|partial(?:ly)?|partly|(?<=in\s)part|later|not\s(?<=\(not\s)(?:applied|committed|pushed|released|(?:re-?)?run)"
    r"|(?:un|not\s(?:yet\s)?)(?:approved|confirmed|deployed|done|landed|merged|re-?tested|reviewed|tested|verified)"
    rf"|(?:next|later)\s(?!commit|pr\b|patch|fix)\w+)(?:{_WHOLE}|\s(?:by|in|on|at|of|for|until|since|due|because)\b))"
)
_PART: Final = re.compile(rf"(?!{_TAKEN_BACK}){_BREAK}", re.IGNORECASE)
# The details that may follow the word of a status.
_STATUS_DETAILS: Final = (
    rf"(?!.*{_TAKEN_BACK})(?:\s(?:by|in|at|on|via|with|since|as of|after|against)\b.*|\s[0-9`#].*|:\s*\w.*)?"
)
_TITLE: Final = ("finding", "title", "issue", "description")
_SEVERITY: Final = ("severity", "priority", "sev")
_STATUS: Final = ("status", "resolution", "verification", "disposition")
_VERDICT: Final = frozenset(["disposition", "verdict", "status", "decision", "outcome", "conclusion"])
_DETAILS: Final = (*_TITLE, *_SEVERITY, *_STATUS, "evidence", "location", "place", "impact", "why")
# "High: cold, a.py:1. Status: fixed, re-verified".
_IN_TITLE: Final = re.compile(
    rf"(?:[.,;|)\]\u2013\u2014-]\s|\s[([]|<br ?/?>\s?)(?:{'|'.join(_STATUS)})\s?:", re.IGNORECASE
)


class Severities:
    """Finds the severities of a policy in the text of a review.

    Args:
        words: each severity with all words that mean it, including itself; the worst first.
    """

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self._known = {word.casefold(): name for name, others in words.items() for word in others}
        self._rank = {name: position for position, name in enumerate(words)}
        # `High2` is the second finding of that severity, but `P12` is not the second of `P1`.
        word = rf"({'|'.join(map(re.escape, sorted(self._known, key=len, reverse=True)))})(?!(?<=\d)\d)"
        ranks = r"(?: (?:severity|priority))?"
        self._title = re.compile(
            rf"(?:{_NUMBER}|\[x\]|{_ID})??[\W_]*{word}(?:-?[0-9]{{1,4}})?{ranks}"
            r"(?:[*_`]+\s|[*_`]*\s?(?:$|[(:|\u00b7\u2013\u2014]|-\s))"
            # Behind words, `(HIGH-1)` refers to another finding.
            rf"|(?:[\W\d_]*?|([\W\d_]*[^\W\d_].*?))[\[(]\s?{word}(?(2)|(?:-?[0-9]{{1,4}})?){ranks}\s?\\?[\])]",
            re.IGNORECASE,
        )
        self._group = re.compile(rf"[\W_]*{word}{ranks}(?: (?:findings?|issues?))?[\W\d_]*", re.IGNORECASE)
        self._word = re.compile(rf"(?<![\w-]){word}(?![\w-])", re.IGNORECASE)

    def in_title(self, text: Text) -> str:
        """Return the severity that a title begins with or has in brackets; empty without one."""
        found = self._match(text)
        return self._known[(found[1] or found[3]).casefold()] if found else ""

    def begins(self, heading: Heading) -> bool:
        """True if a heading is a severity or begins with one: `High`, `F-1 [HIGH] title`."""
        found = self._match(heading.text)
        # `Risk (low)` is no finding of low severity.
        begins = found and not any(word.strip(".,:").isalpha() for word in (found[2] or "").split())
        return bool(begins or self.of_group(heading.text)) and not is_none(heading.text)

    def in_brackets(self, text: Text) -> bool:
        """True if a title has its severity in brackets, beside other words: `[HIGH] title`."""
        found = self._match(text)
        return bool(found and found[3]) and not self.of_group(text)

    def _match(self, text: Text) -> re.Match[str] | None:
        return self._title.match(STRUCK.sub(" ", text.raw.strip().partition("\n")[0][:300]))

    def of_group(self, text: Text) -> str:
        """Return the severity of a heading or item with no more words (`High`, `Low issues (2)`), or ""."""
        found = self._group.fullmatch(text.raw[:300])
        return self._known[found[1].casefold()] if found else ""

    def in_value(self, value: str, stated: str = "") -> str:
        """Return the worst severity that a value names; of the one that it begins with and a stated one."""
        text = STRUCK.sub(" ", value[:300]).lstrip(" *_`")
        found = [self._known[word.casefold()] for word in self._word.findall(text)]
        if stated:
            # Behind other words, a value may say how one became another.
            found = [stated, *found[:1]] if self._word.match(text) else [stated]
        return min(found, key=self._rank.__getitem__, default="")


class ReviewFinding:
    """A finding of a review.

    Attributes:
        title: its first words, without marks.
        line: its line, from 1.
        blocks: all blocks that belong to it.
        severity: its severity as the policy writes it; empty without a valid one.
        severity_text: the text in place of a severity; empty without one.
        status: the values of `Status:` fields, or of a column of that name, or at the end of its title.
    """

    def __init__(self, text: Text, blocks: Iterable[AnyBlock], severity: str = "") -> None:
        self.title = " ".join(text.plain.split())
        self.line = text.line
        self.blocks = list(blocks)
        self.severity = severity
        self.severity_text = ""
        self.status: list[str] = []

    def missing_words(self, words: Mapping[str, Sequence[str]]) -> list[str]:
        """Return the required words that do not begin any part of its status.

        Args:
            words: each required word with all words that mean it, including itself.
        """
        status = [STRUCK.sub(" ", text)[:2000] for text in self.status]
        if any(map(_REOPENED.search, status)):
            return list(words)
        parts = [part.strip(" *_`~()\u2705\u2714\ufe0f") for text in status for part in _PART.split(text)]
        missing = []
        for name, synonyms in words.items():
            escaped = "|".join(r"[-\s]?".join(map(re.escape, re.split(r"[-\s]", word))) for word in synonyms)
            pattern = re.compile(rf"(?:then )?(?:{escaped}){_STATUS_DETAILS}", re.IGNORECASE | re.DOTALL)
            if not any(map(pattern.fullmatch, parts)):
                missing.append(name)
        return missing

    @property
    def key(self) -> str:
        """The identity of a finding, without the lines that it cites."""
        return re.sub(r"[:#][L0-9][-L0-9,]*", "", self.title)[:120]


class Review:
    """The findings of a document.

    Args:
        sections: the sections that contain the findings.
        severities: finds the severities.

    Attributes:
        findings: the findings, in order.
        sections: the sections.
    """

    def __init__(self, sections: Sequence[Section], severities: Severities) -> None:
        self.sections = sections
        self.findings: list[ReviewFinding] = []
        self._severities = severities
        self._own_lines: set[int] = set()
        names = [self._verdict_name(block) for section in sections for block in section.blocks]
        # The only verdict, after the last finding, is not its own unless it may be its status.
        closes = bool(names and names[-1]) and names[-1] not in _STATUS and names.count(names[-1]) == 1
        for section in sections:
            self._group = (0, "")
            own = [section.heading] if severities.begins(section.heading) else []
            self._read([*own, *section.blocks[: -1 if closes and section is sections[-1] else None]])
        for one in self.findings:
            fields = list(block_fields(one.blocks))
            self._own_lines.update(part.line for part in (*one.blocks, *fields))
            for field in find_fields(fields, *_SEVERITY):
                # How soon something is to be done is not how bad it is.
                if not (one.severity and normal_name(field.name).startswith("priority")):
                    one.severity = severities.in_value(field.value, one.severity)
                one.severity_text = one.severity_text or field.value
            one.status += [field.value for field in find_fields(fields, *_STATUS)]
            said = _IN_TITLE.split(one.title)[1:]
            one.status = one.status or [part if "[" in part else part.rstrip("]") for part in said]

    def is_verdict(self, name: str, line: int) -> bool:
        """True if a field or heading states the verdict, and belongs to no finding."""
        return normal_name(name.rpartition(" ")[2]) in _VERDICT and line not in self._own_lines

    def _verdict_name(self, block: AnyBlock) -> str:
        """Return the normalized name of the verdict that a paragraph begins with; empty without one."""
        first = next(iter(block_fields([block])), None) if isinstance(block, Paragraph) else None
        begins = first and first.line == block.line and self.is_verdict(first.name, first.line)
        return normal_name(first.name) if first and begins else ""

    def _add(self, text: Text, blocks: Iterable[AnyBlock]) -> ReviewFinding:
        self.findings.append(ReviewFinding(text, blocks, self._severities.in_title(text) or self._group[1]))
        return self.findings[-1]

    def _read(self, blocks: Sequence[AnyBlock]) -> None:
        severities = self._severities
        headings = [one for one in blocks if isinstance(one, Heading) and not severities.of_group(one.text)]
        # If one heading of a level has a severity, the others of that level are findings too.
        ranked = {one.level for one in headings if severities.in_title(one.text)}
        # The finding to which the next blocks belong, and its level if it is a heading.
        level, one, outer = 0, None, None
        for at, block in enumerate(blocks):
            if isinstance(block, Heading):
                if one is not None and 0 < level < block.level and not severities.in_title(block.text):
                    one.blocks.append(Paragraph(block.text))
                    continue
                level, one = block.level, None
                self._group = (0, "") if level <= self._group[0] else self._group
                below = list(takewhile(lambda one: not isinstance(one, Heading), blocks[at + 1 :]))
                if group := severities.of_group(block.text):
                    self._group = level, group
                elif self._is_finding(block, below, ranked):
                    one = self._add(block.text, [Paragraph(block.text)])
            elif (one is None or not level) and (group := self._group_below(block, blocks[at + 1 : at + 2])):
                one, outer, self._group = None, self._group, (0, group)
            elif one is not None and (level or not self._is_new(block)):
                one.blocks.append(self._add_ranked_items(block))
            else:
                level, one = 0, self._read_block(block)
                self._group, outer = outer or self._group, None

    def _group_below(self, block: AnyBlock, below: Sequence[AnyBlock]) -> str:
        """Return the severity that a line of its own (`High:`) gives to what is listed below, or "".

        Items such as `Status: fixed`, and rows of two cells, are the details of one finding.
        """
        group = self._severities.of_group(block.text) if isinstance(block, Paragraph) else ""
        listed = next(iter(below), None) if group else None
        if isinstance(listed, Paragraph):
            return group if is_none(listed.text) else ""
        if isinstance(listed, Table):
            return group if len(listed.header) > 2 else ""
        items = [block_fields(item.blocks[:1]) for item in listed.items] if isinstance(listed, List) else []
        return group if items and not any(find_fields(fields, *_DETAILS) for fields in items) else ""

    def _is_finding(self, heading: Heading, below: Sequence[AnyBlock], ranked: Collection[int]) -> bool:
        """True if a heading is a finding itself, and not a heading above findings."""
        title = heading.text
        if self._group[1] or self._severities.in_title(title) or _NUMBERED.match(title.plain):
            return True
        if len(find_fields(block_fields(below), *_SEVERITY)) == 1 and not any(map(self._is_new, below)):
            return True
        return heading.level in ranked and not _ASIDE.search(normal_title(title.plain))

    def _is_new(self, block: AnyBlock) -> bool:
        """True if a block contains findings of its own, and does not continue the one before it."""
        if isinstance(block, Paragraph):
            return bool(self._severities.in_title(block.text) or self._group[1])
        ranked = isinstance(block, List) and any(self._severities.in_title(one.text) for one in block.items)
        return ranked or isinstance(block, Table) or (isinstance(block, List) and block.ordered)

    def _read_block(self, block: AnyBlock) -> ReviewFinding | None:
        """Read the findings of a block; return the last one if the next blocks may belong to it."""
        if isinstance(block, Table):
            self._read_table(block)
        elif isinstance(block, Paragraph):
            new = self._is_new(block) and not is_none(block.text) and not self._verdict_name(block)
            return self._add(block.text, [block]) if new else None
        elif isinstance(block, List):
            before = len(self.findings)
            for item in block.items:
                if not item.text.raw or self._group_below(Paragraph(item.text), item.rest[:1]):
                    self._read(item.blocks)
                elif not is_none(item.text, item.rest):
                    self._add_item(item)
            # "1. title", and its details as a list of their own.
            return self.findings[-1] if block.ordered and len(self.findings) > before else None
        return None

    def _add_item(self, item: ListItem) -> None:
        one = self._add(item.text, ())
        one.blocks = [self._add_ranked_items(block) for block in item.blocks]

    def _add_ranked_items(self, block: AnyBlock) -> AnyBlock:
        """Add the items with a severity of a list below a finding; return the block without them."""
        if not isinstance(block, List):
            return block
        others: list[ListItem] = []
        for item in block.items:
            if self._severities.in_title(item.text) and not self._severities.of_group(item.text):
                self._add_item(item)
            else:
                others.append(item)
        return List(others, block.ordered, block.line)

    def _read_table(self, table: Table) -> None:
        group_of = self._severities.of_group
        titles = [normal_name(cell.plain) for cell in table.header]
        columns = [at for at, title in enumerate(titles) if title in (*_SEVERITY, *_STATUS)]
        for row in table.rows:
            filled = [at for at, cell in enumerate(row) if not is_none(cell)]
            others = [row[at] for at in filled if at not in columns]
            words = [cell for cell in others if any(map(str.isalpha, cell.plain)) and not group_of(cell)]
            # Other rows count findings, or have the severity of those below.
            if not words and (len(filled) < 2 or not any(titles[at] in _STATUS for at in filled)):
                continue
            named = [row[at] for at in filled if titles[at] in _TITLE]
            one = self._add(max(named or others or row, key=_own_length), ())
            one.blocks = [Table(table.header, [row], row[0].line)]
            for at in columns:
                if titles[at] in _SEVERITY:
                    one.severity_text = row[at].plain.strip()
                    one.severity = self._severities.in_value(row[at].raw)
                else:
                    one.status.append(row[at].raw)


def _own_length(cell: Text) -> tuple[int, int]:
    """Return the length of a cell without its citations, and with them."""
    cited = sum(len(str(place)) for place in citations([Paragraph(cell)]))
    return max(0, len(cell.plain) - cited), len(cell.plain)


def is_none(text: Text, below: Sequence[AnyBlock] = ()) -> bool:
    """True if a text states that there is nothing to list, and has no citation, severity or status."""
    if not _NONE.match(" ".join(text.plain.split())) or any(citations([Paragraph(text), *below])):
        return False
    return not find_fields(block_fields(below), *_SEVERITY, *_STATUS)


@cached_method
def _review_of(artifact: Artifact) -> tuple[Review, Findings]:
    """Return the findings of an artifact, and what its contract asks of them."""
    settings = artifact.contract.findings or Findings(severities=[])
    words = {name: [name, *artifact.contract.aliases_of(name)] for name in settings.severities}
    title, severities = settings.section, Severities(words)
    found = find_titled(artifact, title)[:1] if title else findings_sections(artifact.document, severities)
    return Review(list(found), severities), settings


def findings_sections(document: Document, severities: Severities) -> Iterator[Section]:
    """Yield the outermost sections about findings, and others that begin with a severity.

    Within another section only `### [HIGH] title` counts: `### High: do this` may be below recommendations.
    """
    end, level = 0, 2
    for section in document.sections:
        title = section.level == 1 and len(section.own) < len(section.blocks)
        words = normal_title(section.heading.text.plain)
        if title or section.line <= end:
            continue
        counts = section.level <= level or severities.in_brackets(section.heading.text)
        # What is listed as not blocking may have any severity, and none.
        ranked = words.startswith("non blocking") and any(map(severities.in_title, texts(section.blocks)))
        if _FINDINGS.search(words) and (ranked or not _NOT_FINDINGS.search(words)):
            level = section.level
        elif not (counts and severities.begins(section.heading)):
            if _FINDINGS.search(words) or not _LEGEND.isdisjoint(words.split()):
                end = section.end
            continue
        end = section.end
        yield section


def unranked_findings(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about review findings without a severity or without a cited place.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    review, settings = _review_of(artifact)
    name, title = path_text(artifact.path), settings.section or "Findings"
    help = f"List them below a heading {title!r}; where nothing was found, write that there are no findings."
    if not review.sections:
        message = f"{name} has no section {title!r}, which lists its findings"
        yield artifact.finding("findings.section", settings.section, message, help)
        return
    blocks = [block for section in review.sections for block in section.blocks]
    values = [text for text in texts(blocks) if any(map(str.isalnum, text.plain))]
    # A table may count findings that are not listed.
    states_none = any(map(is_none, values)) and not any(text.plain.strip(" 0").isdigit() for text in values)
    if not review.findings and not states_none:
        content = content_of(blocks, artifact.contract.placeholders)
        clause = f", only {shortened(content.text)!r}" if content.text else ""
        message = f"{name} has no findings, and does not say that there are none{clause}"
        yield artifact.finding("findings.severities", "owed", message, help, content.line)
    worst, known = settings.severities[0], ", ".join(settings.severities)
    unit = "file" if settings.anchors == "path" else "line"
    # A citation of the review itself does not count.
    targets = Targets(artifact.artifacts.documents, artifact.folder)
    for one in review.findings:
        subject = f"the finding {shortened(one.title)!r}"
        if not one.severity:
            clause = f"the severity {shortened(one.severity_text)!r}, which is not one of {known}"
            message = f"{subject} has {clause if one.severity_text else 'no severity'}"
            help = f"Begin it with one of {known}, as in '[{worst.upper()}] ...', or write "
            help += f"'Severity: {worst}' below."
            yield artifact.finding("findings.severities", f"severity {one.key}", message, help, one.line)
        cited = (place for place in citations(one.blocks) if place.line is not None or unit == "file")
        if settings.anchors != "none" and all(artifact.path in (targets.places(at) or ()) for at in cited):
            message, help = f"{subject} cites no {unit}", f"Cite in it {citation_form(settings.anchors)}."
            yield artifact.finding("findings.anchors", f"anchor {one.key}", message, help, one.line)


def open_findings(artifact: Artifact, *, closed: bool = True) -> Iterator[Finding]:
    """Yield findings about review findings that must be closed and are open.

    Args:
        artifact: the review.
        closed: True to judge closed reviews, False to judge open ones; a review is closed unless its verdict
            says that it is open.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    if not (asked := artifact.contract.findings) or not asked.must_close:
        return
    review, settings = _review_of(artifact)
    must_close = {normal_name(name) for name in settings.must_close}
    words = {word: [word, *artifact.contract.aliases_of(word)] for word in settings.closed}
    serious = [one for one in review.findings if normal_name(one.severity) in must_close]
    open_ones = [(one, missing) for one in serious if (missing := one.missing_words(words))]
    verdict = verdict_of(artifact, review) if open_ones else None
    if (verdict is None or not is_open_verdict(verdict, settings.verdict_open)) is not closed:
        return
    where = "that says no verdict" if verdict is None else f"whose verdict is {shortened(verdict)!r}"
    help = f"When it is, write 'Status: {', '.join(settings.closed)}' below it"
    if closed and settings.verdict_open:
        word = settings.verdict_open[0]
        help += f"; while the review is open, its disposition is one such as {word!r}"
    for one, missing in open_ones:
        has = " and ".join(word for word in settings.closed if word not in missing)
        state = f"is {f'{has}, and not ' if has else 'not '}{' and '.join(missing)}"
        message = f"the {one.severity} finding {shortened(one.title)!r} {state}, in a review {where}"
        yield artifact.finding("findings.must_close", one.key, message, f"{help}.", one.line)


def findings_of_open_review(artifact: Artifact) -> Iterator[Finding]:
    """Yield that a review is still open, and its open findings, which keep a stage from being complete.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    review, settings = _review_of(artifact)
    verdict = verdict_of(artifact, review) if review.sections else None
    if verdict is not None and (not is_content(verdict) or is_open_verdict(verdict, settings.verdict_open)):
        message = f"{path_text(artifact.path)} is open: its verdict is {shortened(verdict)!r}"
        yield artifact.finding("findings.verdict_open", "open", message, "Close the review.")
    yield from open_findings(artifact, closed=False)


def verdict_of(artifact: Artifact, review: Review) -> str | None:
    """Return the verdict that a review states; None without one.

    The verdict is a field, or the first words of a section, that belongs to no finding; the last one counts.
    A `status` field counts only above the first subsection, since elsewhere it may describe anything.
    """
    document = artifact.document
    top = next((one.line for one in document.sections if one.level > 1), document.last_line + 1)
    found: list[tuple[int, str]] = []
    for field in artifact.values:
        elsewhere = field.line >= top and normal_name(field.name).endswith("status")
        if review.is_verdict(field.name, field.line) and not elsewhere:
            found.append((field.line, field.value))
    for section in document.sections:
        title = normal_title(section.heading.text.plain)
        text = next(texts(section.own), None)
        of_document = section.level == 1 and top <= document.last_line
        if text and not of_document and review.is_verdict(title, text.line):
            found.append((section.line, text.plain))
    return max(found, key=lambda one: one[0])[1] if found else None


def is_open_verdict(value: str, phrases: Sequence[str]) -> bool:
    """True if a verdict's first sentence begins with one of the phrases; case, `_` and `-` do not count."""
    said = f"{plain_words(value.partition('. ')[0])} "
    return any(said.startswith(f"{plain_words(one)} ") for one in phrases)
