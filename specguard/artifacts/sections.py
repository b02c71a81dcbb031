"""The sections and options that an artifact must have, and what a reader finds in them."""

from __future__ import annotations

import re

from specguard.declaration.rule import Record
from specguard.documents.blocks import (
    Fence,
    Footnote,
    Heading,
    Html,
    List,
    Paragraph,
    Quote,
    Table,
    Text,
    texts,
)
from specguard.documents.content import bare_nothing, has_content, is_content
from specguard.documents.titles import (
    find_section,
    find_sections,
    is_strange,
    near_section,
    normal_title,
    same_title,
)
from specguard.model import Finding, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final, Literal

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import AnyBlock, Section
    from specguard.documents.document import Document

    Kind = Literal["content", "nothing", "placeholder", "blank"]


def other_titles(document: Document, aliases: Sequence[str]) -> list[str]:
    """Aliases for a document: those with a star become the headings of the document that they match.

    A star stands for any words, or for none: `Owners for *`, `*Opening Order`.
    """
    found = [alias for alias in aliases if "*" not in alias]
    patterns = [[normal_title(part) for part in alias.split("*")] for alias in aliases if "*" in alias]
    for section in document.sections if patterns else ():
        heading = section.heading.text.plain
        if any(_matches(normal_title(heading), pattern) for pattern in patterns):
            found.append(heading)
    return found


def _matches(title: str, parts: Sequence[str]) -> bool:
    """Whether a title has these parts in order, the first at its beginning and the last at its end."""
    first, *middle, last = (part.split() for part in parts)
    words = title.split()
    if len(first) + len(last) > len(words) or words[: len(first)] != first:
        return False
    if last and words[-len(last) :] != last:
        return False
    at = len(first)
    end = len(words) - len(last)
    for part in middle:
        while at + len(part) <= end and words[at : at + len(part)] != part:
            at += 1
        if at + len(part) > end:
            return False
        at += len(part)
    return True


class Content(Record):
    """What blocks come to for a reader.

    Attributes:
        kind: `content`; `nothing` where they only say that there is none, without a reason; `placeholder`
            where all that is there is still owed; `blank` where nothing is to be seen.
        text: the line that decides it, as a reader sees it; empty where there is none.
        line: its number, from 1; None where there is none.
    """

    kind: Kind
    text: str = ""
    line: int | None = None

    def __repr__(self) -> str:
        return f"Content({self.kind!r}, {self.text!r}, {self.line})"


def content_of(blocks: Sequence[AnyBlock], own: Sequence[str] = ()) -> Content:
    """What blocks come to for a reader; headings among them are no content.

    Args:
        blocks: what is looked through.
        own: texts that are no content, such as those of a template.
    """
    shown = has_content(blocks, own)
    nothing: Content | None = None
    for text, line in _lines(blocks):
        words = " ".join(text.split())
        if not words:
            continue
        if not shown:
            return Content("placeholder", words, line)
        if not bare_nothing(words):
            if is_content(words, own):
                return Content("content", words, line)
        elif nothing is None:
            nothing = Content("nothing", words, line)
    # A picture is content without a word.
    return nothing or Content("content" if shown else "blank")


def content_of_text(text: str, own: Sequence[str] = (), line: int | None = None) -> Content:
    """The same of one line of running text."""
    words = " ".join(text.split())
    if not is_content(words, own):
        return Content("placeholder" if words else "blank", words, line)
    return Content("nothing" if bare_nothing(words) else "content", words, line)


def _lines(blocks: Iterable[AnyBlock]) -> Iterator[tuple[str, int]]:
    """The lines of text that a reader sees, each with its number; a row of a table is one."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from _numbered(block.text.rendered, block.line)
        elif isinstance(block, List):
            for item in block.items:
                yield from _lines(item.blocks)
        elif isinstance(block, Table):
            for row in block.rows:
                if row:
                    yield _row(row), row[0].line
        elif isinstance(block, Quote | Footnote):
            yield from _lines(block.blocks)
        elif isinstance(block, Fence):
            yield from _numbered(block.content, block.first)
        elif isinstance(block, Html):
            yield from _numbered(block.text, block.line)


def _numbered(text: str, first: int) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(text.split("\n"), first):
        yield line, number


def _row(row: Sequence[Text]) -> str:
    cells = [cell for one in row if (cell := " ".join(one.rendered.split()))]
    return cells[0] if cells and all(map(bare_nothing, cells)) else " | ".join(cells)


MOST: Final = 5
"""So many lines a message names."""


def missing_sections(artifact: Artifact) -> Iterator[Finding]:
    """The sections that are not there, those that are there twice, and those that must not be there.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    contract = artifact.contract
    path = path_text(artifact.path)
    for which, title in enumerate(contract.sections):
        setting = artifact.setting(f"sections.{which}")
        found = named(artifact, title)
        if not found:
            yield _missing(artifact, title, setting)
        again = _again(found)
        if len(again) > 1:
            lines = ", ".join(str(section.line) for section in again[:MOST])
            yield Finding(
                f"{path} has the section {title!r} {len(again)} times, in lines {lines}: "
                "one could contradict another",
                help="Make one section of them.",
                path=artifact.path,
                line=again[1].line,
                key=f"again {normal_title(title)}",
                setting=setting,
            )
    told: set[int] = set()
    for which, title in enumerate(contract.forbidden_sections):
        forbidden = [section for section in _beginning(artifact, title) if section.line not in told]
        told.update(section.line for section in forbidden)
        if forbidden:
            heading = " ".join(forbidden[0].heading.text.plain.split())
            more = f", and {len(forbidden) - 1} more like it" if len(forbidden) > 1 else ""
            yield Finding(
                f"{path} has the section {shortened(heading)!r}{more}, which it must not have",
                help="Take it out.",
                path=artifact.path,
                line=forbidden[0].line,
                key=f"forbidden {normal_title(title)}",
                setting=artifact.setting(f"forbidden_sections.{which}"),
            )


def empty_sections(artifact: Artifact) -> Iterator[Finding]:
    """The sections that must be there and say nothing to a reader.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    contract = artifact.contract
    required = {title: found for title in contract.sections if (found := named(artifact, title))}
    for which, title in enumerate(contract.sections):
        for section in required.get(title, ())[:1]:
            others = [found[0] for name, found in required.items() if name != title]
            content = content_of(_without(section, others), contract.placeholders)
            if content.kind == "content":
                continue
            if content.kind == "nothing":
                said = f"only says {content.text!r}, without a reason"
                help = "Say why there is nothing, in one sentence."
            elif content.kind == "placeholder":
                said = f"only has a placeholder: {shortened(content.text)!r}"
                help = "Write what belongs there, or why there is nothing."
            else:
                said = "is empty to a reader: what is hidden or in a comment does not count"
                help = "Write what belongs there, or why there is nothing."
            yield Finding(
                f"the section {title!r} {said}",
                help=help,
                path=artifact.path,
                line=content.line or section.line,
                key=normal_title(title),
                setting=artifact.setting(f"sections.{which}"),
            )


def named(artifact: Artifact, title: str) -> Sequence[Section]:
    """The sections of a title, the one that counts first: of several those of the highest level there is."""
    if title not in artifact.sections:
        artifact.sections[title] = _named(artifact, title)
    return artifact.sections[title]


def _named(artifact: Artifact, title: str) -> Sequence[Section]:
    document = artifact.document
    aliases = other_titles(document, artifact.contract.aliases_of(title))
    first = find_section(document, title, aliases=aliases, bold=artifact.contract.bold_headings)
    if first is None:
        return []
    wanted = {normal_title(name) for name in (title, *aliases)}
    same = [
        one
        for one in document.sections
        if normal_title(one.heading.text.plain) in wanted and not is_strange(one)
    ]
    if not same:
        return [first]
    level = min(one.level for one in same)
    highest = [one for one in same if one.level == level]
    return sorted(highest, key=lambda one: one is not first)


def _again(found: Sequence[Section]) -> Sequence[Section]:
    """The first of some sections, and the others that are called by all the same words.

    `Plan: servers` and `Plan: clients` are two sections, and so are two that have different other titles.
    """
    if len(found) < 2:
        return found
    words = found[0].heading.text.rendered
    same = [
        one
        for one in found
        if same_title(other := one.heading.text.rendered, words) and same_title(words, other)
    ]
    return sorted(same, key=lambda one: one.line)


def _beginning(artifact: Artifact, title: str) -> Iterator[Section]:
    """The sections whose title begins with these words: a `Rollback plan` is a `Rollback`."""
    aliases = other_titles(artifact.document, artifact.contract.aliases_of(title))
    wanted = [normal_title(name) for name in (title, *aliases)]
    lines: set[int] = set()
    for section in artifact.document.sections:
        words = f"{normal_title(section.heading.text.plain)} "
        if any(words.startswith(f"{name} ") for name in wanted):
            lines.add(section.line)
            yield section
    if artifact.contract.bold_headings:
        bold = find_sections(artifact.document, title, aliases=aliases, bold=True)[:1]
        yield from (section for section in bold if section.line not in lines)


def _missing(artifact: Artifact, title: str, setting: str) -> Finding:
    document = artifact.document
    path = path_text(artifact.path)
    near = (
        None
        if document.problem
        else near_section(document, title, aliases=artifact.contract.aliases_of(title))
    )
    message = f"{path} has no section {title!r}"
    help = f"Add a heading {title!r} with what belongs there."
    if document.problem:
        message = f"{path} has no section {title!r} that could be read: {document.problem.message}"
        help = "Make it a Markdown file in UTF-8."
    elif near is not None:
        message += f"; line {near.line} has {shortened(near.text)!r}, which is {near.why}"
        help = f"Make it a heading {title!r} there, if that is meant."
    return Finding(
        message,
        help=help,
        path=artifact.path,
        line=near.line if near else None,
        key=normal_title(title),
        setting=setting,
    )


def _without(section: Section, others: Sequence[Section]) -> Sequence[AnyBlock]:
    """What stands in a section, without other sections that lie in it and must say something themselves."""
    inside = [other for other in others if section.line < other.line <= section.end]
    if not inside:
        return section.blocks
    return [
        block
        for block in section.blocks
        if not any(other.line <= block.line <= other.end for other in inside)
    ]


LONGEST: Final = 300
"""So many characters of a line are looked at for an option's label."""

_NUMBERING: Final = re.compile(r"[0-9][0-9.]{0,20}[.)]?\s+")
_WORD: Final = r"(?:option|alternative|approach|variant|choice|solution|proposal|plan)\s*[#:]?\s*"


class Described(Record):
    """What a document says of an option.

    Attributes:
        line: where it begins.
        content: what it comes to for a reader.
        words: its words, for comparison with another option's.
    """

    line: int
    content: Content
    words: str


def missing_options(artifact: Artifact) -> Iterator[Finding]:
    """The options that are not described, and those that are described in the words of another one.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    labels = artifact.contract.options
    found = described_options(artifact.document.blocks, labels, artifact.contract.placeholders)
    path = path_text(artifact.path)
    said: dict[str, str] = {}
    for which, label in enumerate(labels):
        described = found.get(label, [])
        best = next((one for one in described if one.content.kind == "content"), None)
        setting = artifact.setting(f"options.{which}")
        if best is None:
            first = described[0] if described else None
            yield Finding(
                f"{path} has no option {label}"
                if first is None
                else f"option {label} is named, and nothing is said of it",
                help=f"Describe it below a heading 'Option {label}: ...'.",
                path=artifact.path,
                line=first.line if first else None,
                key=f"option {label}",
                setting=setting,
            )
        elif best.words in said:
            yield Finding(
                f"option {label} is option {said[best.words]}, word for word",
                help="Describe another one.",
                path=artifact.path,
                line=best.line,
                key=f"same {label}",
                setting=setting,
            )
        else:
            said[best.words] = label


def described_options(
    blocks: Sequence[AnyBlock], labels: Sequence[str], own: Sequence[str] = ()
) -> dict[str, list[Described]]:
    """What blocks say of each option, by its label; an option that is not named has nothing.

    Args:
        blocks: a document's.
        labels: what the options are called.
        own: texts that are no content.
    """
    return _Reader(labels, own).read(blocks)


class _Reader:
    """Finds what a document says of each option.

    Args:
        labels: what the options are called.
        own: texts that are no content.
    """

    def __init__(self, labels: Sequence[str], own: Sequence[str]) -> None:
        self._labels = {label: _expression(label) for label in labels}
        self._own = own
        self._found: dict[str, list[Described]] = {}

    def read(self, blocks: Sequence[AnyBlock]) -> dict[str, list[Described]]:
        """What blocks say, by label."""
        positions = [(at, label) for at, block in enumerate(blocks) if (label := self._begins(block))]
        for number, (at, label) in enumerate(positions):
            end = positions[number + 1][0] if number + 1 < len(positions) else len(blocks)
            block = blocks[at]
            end = next((to for to in range(at + 1, end) if _ends(block, blocks[to])), end)
            body = list(blocks[at + 1 : end])
            if isinstance(block, Paragraph):
                body.insert(0, Paragraph(self._behind(block.text, label)))
            self._add(label, block.line, content_of(body, self._own), body)
        for block in blocks:
            if isinstance(block, List):
                self._in_list(block)
            elif isinstance(block, Table):
                self._in_table(block)
        return self._found

    def _begins(self, block: AnyBlock) -> str:
        """The option whose description a heading or a paragraph begins; empty where it begins none."""
        if isinstance(block, Heading):
            return self._label(block.text.plain)
        # A sentence may begin with a letter; a label that is set off in bold does not.
        if isinstance(block, Paragraph) and block.text.raw.lstrip().startswith(("**", "__")):
            return self._label(block.text.plain)
        return ""

    def _label(self, text: str) -> str:
        plain = text[:LONGEST].strip()
        numbered = _NUMBERING.match(plain)
        plain = plain[numbered.end() :] if numbered else plain
        return next((label for label, pattern in self._labels.items() if pattern.match(plain)), "")

    def _behind(self, text: Text, label: str) -> Text:
        """A text without the label that it begins with."""
        plain = text.plain.lstrip()
        match = self._labels[label].match(plain[:LONGEST])
        return Text(plain[match.end() :].lstrip(" .):\u2013\u2014-") if match else plain, text.line)

    def _in_list(self, block: List) -> None:
        for item in block.items:
            label = self._label(item.text.plain)
            if label:
                body = [Paragraph(self._behind(item.text, label)), *item.rest]
                self._add(label, item.line, content_of(body, self._own), body)
            else:
                for inner in item.rest:
                    if isinstance(inner, List):
                        self._in_list(inner)

    def _in_table(self, table: Table) -> None:
        for row in table.rows:
            label = self._label(row[0].plain) if row else ""
            if label:
                self._add_cells(label, row[0].line, row[1:] or [self._behind(row[0], label)])
        for column, cell in enumerate(table.header):
            label = self._label(cell.plain)
            if label and column:
                self._add_cells(label, cell.line, [row[column] for row in table.rows if column < len(row)])

    def _add_cells(self, label: str, line: int, cells: Sequence[Text]) -> None:
        contents = [content_of_text(cell.plain, self._own, cell.line) for cell in cells]
        best = next((one for one in contents if one.kind == "content"), None)
        self._add(label, line, best or Content("blank"), [Paragraph(cell) for cell in cells])

    def _add(self, label: str, line: int, content: Content, body: Sequence[AnyBlock]) -> None:
        words = " ".join(word for text in texts(body) for word in text.plain.casefold().split())
        self._found.setdefault(label, []).append(Described(line, content, words))


def _ends(block: AnyBlock, other: AnyBlock) -> bool:
    """Whether what a block begins ends before another one: at a heading that is no lower than its own."""
    if not isinstance(other, Heading):
        return False
    return not isinstance(block, Heading) or other.level <= block.level


def _expression(label: str) -> re.Pattern[str]:
    """What an option's title begins with: `Option A`, or the label alone with something to set it off."""
    name = r"\s+".join(map(re.escape, label.split()))
    alone = r"\s*(?:$|[.):|(\u2013\u2014/]|-\s)" if len(label) == 1 else r"(?!\w)"
    return re.compile(rf"(?:{_WORD}{name}(?!\w)|{name}{alone})", re.IGNORECASE)


def describes(document: Document, label: str) -> bool:
    """Whether a document says anything of an option.

    Args:
        document: what may describe it.
        label: what it is called, such as `B`.
    """
    found = _Reader([label], ()).read(document.blocks).get(label, ())
    return any(one.content.kind == "content" for one in found)
