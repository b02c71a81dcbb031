"""What a document still owes: a placeholder, the words of a template, a question that was left open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from specguard.documents.content import owes
from specguard.planning.delta import fences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

_MARKS: Final = re.compile(r"[*_`]+|^[ \t]*(?:#{1,6}|[-*+]|[0-9]{1,9}[.)])(?:[ \t]+|$)(?:\[.?\][ \t]*)?")
_CODE: Final = re.compile(r"(?<!`)(`{1,9})(?!`).+?(?<!`)\1(?!`)")
_NOTATION: Final = re.compile(r"""(["`])(?!TODO|TBD|TBA|FIXME|XXX)[^"`<\n]+[:=][ \t]*<[^"`\n]*\1""")
"""What is quoted and has a value's name in it, as in `store: <id>`: it says how something looks."""

_COMMENT: Final = re.compile(r"<!--.*?(?:-->|$)")
_WORDS: Final = re.compile(r"[^\W\d_]")
_STRUCTURE: Final = re.compile(
    r"^(?:requirement|scenario|from|to|when|then|and|given|but|verify|files?|depends?|done)\b[ \t]*:?[ \t]*",
    re.IGNORECASE,
)
_WITHIN: Final = re.compile(
    r"\[NEEDS CLARIFICATION\b[^\]]*\]?"
    r"|\b(?:TODO|TBD|TBA|FIXME|XXX):"
    r"|\b(?:TODO|TBD|TBA|FIXME)(?=[ \t]*[.,;)\]]*[ \t]*$)"
    r"|\{\{[^{}\n]{0,300}\}\}"
    r"|<[A-Za-z][\w'/-]*(?:[ ][\w'/,-]+)+>"
)
"""What is owed within a text that says something else too; of what angles hold only several plain words."""

_TEMPLATES: Final = re.compile(r"\[[A-Z][A-Z0-9 _/-]{3,60}\](?![(\[:])")
"""The words of spec-kit's templates: `[FEATURE NAME]`, `[DATE]`."""


def owed(lines: Sequence[str], *, templates: bool = False) -> Iterator[tuple[int, str]]:
    """The placeholders of a Markdown document: their line, from 1, and what stands there.

    Fenced blocks are examples and owe nothing. What a comment says is no content, so that a heading, or an
    item of a list, that only has a comment owes it.

    Args:
        lines: its lines.
        templates: whether `[FEATURE NAME]` is a placeholder, as in spec-kit's templates.
    """
    fenced, _ = fences(lines)
    inside = False
    for number, (line, hidden) in enumerate(zip(lines, fenced, strict=True), 1):
        if hidden:
            continue
        text = line
        if inside:
            _, end, text = text.partition("-->")
            inside = not end
        commented = _COMMENT.sub(" ", text)
        inside = inside or ("<!--" in text and "-->" not in text.rpartition("<!--")[2])
        shown = commented.strip()
        found = _within(shown, templates)
        if not found and (_asks(shown) or (shown and "<!--" in text and not _says(shown))):
            found = text.strip()
        if found:
            yield number, found


def _within(text: str, templates: bool) -> str:
    """The placeholder in a text, outside of code; empty where it has none."""
    plain = _CODE.sub(" ", text)
    match = _WITHIN.search(plain) or (_TEMPLATES.search(plain) if templates else None)
    if match is None:
        return ""
    # A marker owes what it is followed by.
    return plain[match.start() :].strip() if match[0].endswith(":") else match[0]


def _bare(text: str) -> str:
    """A text without the marks of its heading, list and emphasis, and without the label of its form."""
    text = _MARKS.sub("", text).strip()
    return _STRUCTURE.sub("", text)


def _asks(text: str) -> bool:
    bare = _bare(_NOTATION.sub("so", text))
    return bool(_WORDS.search(bare) or "..." in bare or "\u2026" in bare) and _only_owed(bare)


def _only_owed(text: str) -> bool:
    # A label with nothing behind it leads in what follows: `**Goals:**`.
    return not text.endswith(":") and owes(text)


def _says(text: str) -> bool:
    return bool(re.search(r"\w", re.sub(r"^[0-9.]+", "", _bare(text))))
