"""The sentences of an authority that command, and what binds them to a rule.

A sentence is bound to an active rule where it stands in a known section of that rule, where the section it
stands in holds a block with that rule's table, or where it names a path that the rule guards. More is not
guessed: a sentence that none of these holds for is listed as held by no rule, even if one would hold it.
"""

from __future__ import annotations

import re

from specguard.authority.unread import SHOWN
from specguard.documents.blocks import Heading, fences, texts
from specguard.documents.leading import looks_like_path
from specguard.documents.titles import normal_title
from specguard.model import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.authority.guards import Guards
    from specguard.authority.layers import Layer
    from specguard.documents.blocks import AnyBlock, Text
    from specguard.documents.document import Document

_COMMANDS: Final = re.compile(r"\b(?:must|never|only|do\s+not|don't)\b", re.IGNORECASE)
_CODE: Final = re.compile(r"(`+).+?\1", re.DOTALL)


class Command:
    """A sentence that commands.

    Attributes:
        path: the document.
        line: its line.
        text: the sentence on one line.
        rules: the names of the rules that its section speaks of, active or not.
        names: the paths that it names.
    """

    __slots__ = ("line", "names", "path", "rules", "text")

    def __init__(self, path: str, line: int, text: str, rules: Sequence[str], names: Sequence[str]) -> None:
        self.path = path
        self.line = line
        self.text = text
        self.rules = rules
        self.names = names

    def bound_to(self, active: Mapping[str, str], guards: Guards) -> list[str]:
        """The codes of the rules that hold it.

        Args:
            active: the codes of the active rules by their names.
            guards: the paths that active rules guard.
        """
        codes = {active[name] for name in self.rules if name in active}
        for name in self.names:
            guard = guards.find(name.removesuffix("/**").rstrip("/").encode())
            if guard is not None:
                codes.add(guard.code)
        return sorted(codes)


def commands_of(
    document: Document, path: str, sections: Mapping[str, str], blocks: Sequence[Layer]
) -> list[Command]:
    """All sentences of a document that command, quotations left out.

    Args:
        document: the document.
        path: its path.
        sections: what each known section is, from `known_sections`.
        blocks: the document's blocks of settings.
    """
    commands: list[Command] = []
    open_sections: list[tuple[int, str]] = []
    for heading, inside in _parts(document):
        if heading is not None:
            while open_sections and open_sections[-1][0] >= heading.level:
                open_sections.pop()
            open_sections.append((heading.level, sections.get(normal_title(heading.text.plain), "")))
        lines = {fence.first for fence in fences(inside)}
        rules = [meaning for _, meaning in open_sections if meaning]
        rules += [name for block in blocks if block.first in lines for name in block.data.get("rules", ())]
        for text in texts(inside):
            commands.extend(
                Command(path, sentence.line, shortened(sentence.plain, SHOWN), rules, _names(sentence))
                for sentence in text.sentences()
                if _COMMANDS.search(_CODE.sub("", sentence.raw))
            )
    return commands


def _parts(document: Document) -> Iterator[tuple[Heading | None, list[AnyBlock]]]:
    """Each heading with the blocks up to the next heading of any level."""
    heading: Heading | None = None
    inside: list[AnyBlock] = []
    for block in document.blocks:
        if isinstance(block, Heading):
            yield heading, inside
            heading, inside = block, []
        else:
            inside.append(block)
    yield heading, inside


def _names(sentence: Text) -> list[str]:
    words = (word.strip("()[],.;:*_\"'") for word in _CODE.sub(" ", sentence.raw).split())
    return [name for name in (*sentence.spans, *words) if name and looks_like_path(name)]
