"""The paths that a list item or table row begins with, read from its source.

The source is read and not what Markdown makes of it, because in a bare path `**` and `_` are no emphasis.
"""

from __future__ import annotations

import re

from specguard.documents.checkboxes import without_box

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_CODE: Final = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK: Final = re.compile(r"\[((?:[^\[\]\\]|\\.)++)\]\([^()\s]*(?:\s+[\"'][^()]*)?\)")
_BARE: Final = re.compile(r"[^\s`,;]+")
_BRACKETS: Final = re.compile(r"\s*\([^()]*\)")
_BETWEEN: Final = re.compile(r"\s*(?:,\s*(?:and\b|or\b|&)?|;|&|\+|\band\b|\bor\b|/(?=\s))\s*(?=\S)")
# A comment is set off by a dash, a colon, a bracket, an arrow, a hash, a bar or the end of the line.
_COMMENT: Final = re.compile(
    r"\s*(?:$|[-\u2013\u2014]+(?:\s|$)|[:\uff1a(\[#|=]|->|=>|\u2192|\u2190|\.(?:\s|$)|\n)"
)
_EXTENSION: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]*$")
_MARKS: Final = ("***", "**", "__", "*", "_")
_ENDS: Final = ":.!?)\u3002"
LONGEST: Final = 20_000
"""A text of more characters begins with no path that is read: nobody lists so many in one item."""

_PUNCTUATION: Final = frozenset("\u3001\u3002\uff0c\uff1a\uff1b\uff08\uff09\u300c\u300d")
_NO_PATH: Final = frozenset("@$<~-\"'\u00ab\u2018\u2019\u201c\u201d\u201e")


class Leading:
    """What a text begins with.

    Attributes:
        paths: the paths, in order; empty where it begins with something else.
        rest: what follows them and is neither a comment nor empty, so that it was not understood.
        sentence: whether the last one is a bare word of a sentence that goes on: "a.sh/b.sh remove the rest".
    """

    __slots__ = ("paths", "rest", "sentence")

    def __init__(self, paths: list[str], rest: str, sentence: bool = False) -> None:
        self.paths = paths
        self.rest = rest
        self.sentence = sentence


def leading_paths(raw: str) -> Leading:
    """The paths that a text begins with: code spans or bare paths, with commas or "and" between them.

    What follows behind a dash, a colon or in brackets is a comment. Of a text that goes on with a comma or
    "and", or names more code, `rest` is the remainder: it may speak of paths that were not read.
    """
    if len(raw) > LONGEST:
        return Leading([], "")
    text = without_box(raw)
    paths: list[str] = []
    while True:
        found = _one(text)
        if found is None:
            return Leading(paths, text if paths else "")
        bare = text.startswith(found[0])
        path, text = found
        paths.append(path)
        bracket = _BRACKETS.match(text)
        after = text[bracket.end() :] if bracket else text
        between = _BETWEEN.match(after)
        if between is None or _one(after[between.end() :]) is None:
            break
        text = after[between.end() :]
    if _COMMENT.match(after):
        return Leading(paths, "")
    return Leading(paths, after.strip() if between or _CODE.search(after) else "", bare)


def looks_like_path(text: str) -> bool:
    """Whether a word is a path rather than prose: a slash, a wildcard, an extension or a leading dot."""
    if text.rstrip("/") in {"*", "**"}:
        return True
    # Whether quotation marks belong to a name is for the author to say, with a code span.
    if "://" in text or text[:1] in _NO_PATH or not _PUNCTUATION.isdisjoint(text):
        return False
    if text.startswith("*") and not text.startswith("**/"):
        # Emphasis begins with a star, too; a pattern that does has more of a path in it.
        rest = text[1:]
        return rest[0] != "*" and (rest[0] in "._-/" or "*" not in rest) and looks_like_path(rest)
    if not any(char.isalnum() for char in text):
        return False
    return "/" in text or "*" in text or bool(_EXTENSION.search(text)) or (text[0] == "." and len(text) > 2)


def _one(text: str) -> tuple[str, str] | None:
    """The path that a text begins with, and what follows; None where it begins with none."""
    code = _CODE.match(text)
    if code:
        path = code[2].replace("\n", " ").strip()
        # A code span of several words is a command, unless it has more of a path in it.
        sure = path and (" " not in path or looks_like_path(path))
        return (path, text[code.end() :]) if sure else None
    link = _LINK.match(text)
    if link:
        inner = _one(link[1])
        return (inner[0], text[link.end() :]) if inner and not inner[1].strip() else None
    for mark in _MARKS:
        # What goes on with a dot, a star or a slash is a pattern and no emphasis.
        if text.startswith(mark) and (text[len(mark) :][:1].isalnum() or text.startswith("`", len(mark))):
            # A mark in a code span closes nothing.
            span = _CODE.match(text, len(mark))
            end = text.find(mark, span.end() if span else len(mark))
            inner = _one(text[len(mark) : end]) if end > 0 else None
            if inner is not None and (_COMMENT.match(inner[1]) or not inner[1].strip(_ENDS)):
                return inner[0], text[end + len(mark) :]
    word = _BARE.match(text)
    if word is None:
        return None
    path = word[0].rstrip(_ENDS) or word[0]
    rest = text[len(path) :]
    if not looks_like_path(path):
        return None
    sure = path.endswith("/") or "*" in path or ("/" in path and bool(_EXTENSION.search(path)))
    if sure or _COMMENT.match(rest) or _BETWEEN.match(rest):
        return path, rest
    return None
