"""The options that an artifact must describe, such as A, B and C of a plan."""

from __future__ import annotations

import re

from specguard.artifacts.content import Content, content_of, content_of_text
from specguard.documents.blocks import Heading, List, Paragraph, Table, Text, texts
from specguard.model import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import AnyBlock
    from specguard.documents.document import Document

LONGEST: Final = 300
"""So many characters of a line are looked at for an option's label."""

_NUMBERING: Final = re.compile(r"[0-9][0-9.]{0,20}[.)]?\s+")
_WORD: Final = r"(?:option|alternative|approach|variant|choice|solution|proposal|plan)\s*[#:]?\s*"


class Described:
    """What a document says of an option.

    Attributes:
        line: where it begins.
        content: what it comes to for a reader.
        words: its words, for comparison with another option's.
    """

    __slots__ = ("content", "line", "words")

    def __init__(self, line: int, content: Content, words: str) -> None:
        self.line = line
        self.content = content
        self.words = words


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
