"""What stands in a file and no reader of the rendered page sees, though an agent that reads the file does."""

from __future__ import annotations

import re

from specguard.documents.blocks import all_texts
from specguard.documents.characters import strange
from specguard.documents.lines import LineCounter
from specguard.documents.problem import not_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from specguard.documents.characters import Strange
    from specguard.documents.document import Document

_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]|\r(?![\r\n]|\Z)")
_MAY_HIDE: Final = re.compile(rb"<[a-zA-Z!?/]|&[a-zA-Z#]|(?m:^[ \t>*+0-9.)-]*+\[[^\]\n]+\]:)")
# What a browser shows where it cannot play or draw something is not meant to be hidden.
_FALLBACKS: Final = frozenset({"audio", "canvas", "iframe", "object", "rp", "video"})
_WORDS: Final = re.compile(r"\w\w+")
_TAGS: Final = re.compile(r"<[^<>]*>")


class Hidden:
    """Something that is hidden.

    Attributes:
        what: what kind it is: one of the kinds of characters (`bidirectional`, `tag`, `zero-width`, `blank`,
            `selector`, `hyphen`, `control`), or `comment`, `html`, `definition`, `footnote`; or `unread`,
            where it cannot be told what the file hides.
        line: the line on which it begins, from 1; None where it is no line's fault.
        text: what it says, as far as it is text; for `unread` why it cannot be read.
        chars: the characters, for a kind of these.
    """

    __slots__ = ("chars", "line", "text", "what")

    def __init__(self, what: str, line: int | None, text: str, chars: str = "") -> None:
        self.what = what
        self.line = line
        self.text = text
        self.chars = chars

    def __repr__(self) -> str:
        return f"Hidden({self.what!r}, {self.line}, {self.text or self.chars!r})"


def hidden(content: bytes, document: Callable[[], Document] | None = None) -> Iterator[Hidden]:
    """What a file hides, in order, first its characters.

    Args:
        content: what it holds.
        document: gives the file as a Markdown document; it is asked for only where the file has anything that
            could hide text. None where the file is no Markdown.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = not_utf8(error)
        yield Hidden("unread", problem.line, problem.message)
        return
    if not content.isascii() or _CONTROL.search(content):
        yield from hidden_characters(text)
    if document is not None and _MAY_HIDE.search(content):
        yield from hidden_text(document())


def hidden_characters(text: str) -> Iterator[Hidden]:
    """The characters of a text that show as nothing where they have no business, by line and kind."""
    lines = LineCounter(text, 1)
    found: dict[tuple[int, str], list[Strange]] = {}
    # A byte-order mark at the very beginning says how a file is encoded.
    for one in strange(text.removeprefix("\ufeff")):
        position = one.position + text.startswith("\ufeff")
        found.setdefault((lines.at(position), one.what), []).append(one)
    for (line, what), group in found.items():
        chars = "".join(one.char for one in group)
        yield Hidden(what, line, _spelt(chars), chars)


def _spelt(chars: str) -> str:
    """What tag characters and selectors spell; empty where they spell nothing that can be read."""
    spelt = ""
    for char in chars:
        code = ord(char)
        if 0xE0020 <= code <= 0xE007E:
            spelt += chr(code - 0xE0000)
        elif 0xFE00 <= code <= 0xFE0F:
            spelt += chr(code - 0xFE00)
        elif 0xE0100 <= code <= 0xE01EF:
            spelt += chr(code - 0xE0100 + 16)
    return spelt if len(spelt) > 1 and spelt.isprintable() else ""


def hidden_text(document: Document) -> Iterator[Hidden]:
    """The text that Markdown and HTML hide: comments, hidden elements, what nothing refers to."""
    if document.problem is not None:
        yield Hidden("unread", document.problem.line, document.problem.message)
        return
    found = [Hidden("comment", one.line, one.text.strip()) for one in document.comments]
    for part in document.hidden_html:
        words = _TAGS.sub(" ", part.text) if part.element not in {"markup", "tag"} else part.text
        if part.element not in _FALLBACKS and _WORDS.search(words):
            found.append(Hidden("html", part.line, " ".join(words.split())))
    if document.hidden_blocks:
        block = document.hidden_blocks[0]
        found.append(Hidden("html", block.line, " ".join(document.source_lines[block.line - 1].split())))
    if document.unseen_footnotes:
        block = document.unseen_footnotes[0]
        found.append(Hidden("footnote", block.line, " ".join(document.source_lines[block.line - 1].split())))
    found += _definitions(document)
    found += _entities(document)
    yield from sorted(found, key=lambda one: one.line or 0)


def _entities(document: Document) -> Iterator[Hidden]:
    """Strange characters that are written as entities: the page has them, and the file only their names."""
    for text in all_texts(document.blocks):
        if "&" in text.raw:
            groups: dict[str, str] = {}
            for one in strange(text.rendered):
                groups[one.what] = groups.get(one.what, "") + one.char
            for what, chars in groups.items():
                yield Hidden(what, text.line, _spelt(chars), chars)


def _definitions(document: Document) -> Iterator[Hidden]:
    """Link reference definitions that are there for their words: nothing refers to them."""
    if not document.definitions:
        return
    used = {label for text in all_texts(document.blocks) for label in text.labels}
    for one in document.definitions:
        if one.label in used:
            continue
        said = max(one.title, one.label, one.target, key=lambda words: len(_WORDS.findall(words)))
        if one.title and (one.target in {"", "#"} or len(one.title.split()) > 2):
            yield Hidden("definition", one.line, one.title)
        elif len(said.replace("%20", " ").split()) > 2:
            yield Hidden("definition", one.line, said)
