"""Completeness of texts: content, a placeholder, or a bare statement that there is nothing."""

from __future__ import annotations

import re
from unicodedata import normalize

from specguard.declaration.characters import strip_invisible
from specguard.documents.blocks import Fence, Html, Paragraph, Table, Text, flatten
from specguard.documents.list_items import without_box
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final, Literal

    from specguard.documents.blocks import AnyBlock


# Characters for which `str.isalnum` is false.
_NO_WORD: Final = re.compile(r"[\W_]+")


def plain_words(text: str) -> str:
    """Return the words of a text in lower case, with single spaces between them."""
    return _NO_WORD.sub(" ", text.casefold()).strip()


_PICTURE_SIGN: Final = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")


class Content(Record):
    """The content of blocks as a reader sees it.

    Attributes:
        kind: `content`, `nothing`, `placeholder` or `blank`. `nothing` is a bare statement that there is
            nothing, without a reason. `placeholder` means that all visible text is still to be written, and
            `blank` that nothing is visible.
        text: the line that decides the kind, as a reader sees it; may be empty.
        line: the number of that line, from 1; None without such a line.
    """

    kind: Literal["content", "nothing", "placeholder", "blank"]
    text: str = ""
    line: int | None = None


def content_of(blocks: Iterable[AnyBlock], placeholders: Sequence[str] = ()) -> Content:
    """Classify the content of blocks; headings, labels, placeholders and hidden text do not count.

    A picture or an emoji is content. The header of a table is a label, and so is a row with content only in
    its first cell. A line that ends with a colon is a label too.

    Args:
        blocks: the blocks, searched with everything inside them.
        placeholders: texts that do not count as content, in addition to the built-in placeholders.
    """
    parts = list(flatten(blocks, quotes=True))
    # Most texts have content in their first block, so the others are not read.
    any_content = any(_block_content(part, placeholders)[0] for part in parts)
    unsaid: Content | None = None
    for line, text in (one for part in parts for one in _block_content(part, placeholders)[1]):
        words = " ".join(text.split())
        if words and not any_content:
            # Of a row, the cell that is still to be written.
            owed = (cell for cell in words.split(" | ") if is_todo(cell, placeholders))
            return Content("placeholder", next(owed, words), line)
        if is_bare_nothing(_LABEL_OF_NOTHING.sub("", words)):
            unsaid = unsaid or Content("nothing", words, line)
        elif _POSTPONED.fullmatch(_without_signs(words).strip("().")):
            unsaid = unsaid or Content("placeholder", words, line)
        elif is_content(words, placeholders):
            return Content("content", words, line)
    # A picture is content without words.
    return unsaid or Content("content" if any_content else "blank")


def content_of_text(text: str, placeholders: Sequence[str] = ()) -> Content:
    """Classify one line of running text, as `content_of` does for blocks."""
    words = " ".join(text.split())
    if not is_content(words, placeholders):
        return Content("placeholder" if words else "blank", words)
    return Content("nothing" if is_bare_nothing(words) else "content", words)


def is_content(line: str, placeholders: Sequence[str] = ()) -> bool:
    """True if a line of text has content.

    Args:
        line: the line as a reader sees it, without marks of emphasis and code.
        placeholders: as for `content_of`.
    """
    line = _without_signs(strip_invisible(line))
    signed = _PICTURE_SIGN.search(line) is not None and not _PLACEHOLDER_PARTS.search(line)
    return signed or not is_todo(line, placeholders)


def _without_signs(line: str) -> str:
    """Return a line without its emoji, unless they are all that it says, or all behind a label."""
    bare = _PICTURE_SIGN.sub("", line).strip(" \ufe0f")
    return bare if plain_words(bare) and not bare.endswith(":") else line


def _block_content(block: AnyBlock, placeholders: Sequence[str]) -> tuple[bool, Sequence[tuple[int, str]]]:
    """Return (has_content, visible lines) of a block; a table row is one line."""
    if isinstance(block, Table):
        lines = [(row[0].line, _row_text(row)) for row in block.rows]
        return any(_row_has_content(row, placeholders) for row in block.rows), lines
    if isinstance(block, Paragraph):
        lines = list(enumerate(block.text.rendered.split("\n"), block.line))
        return _text_has_content(block.text, placeholders), lines
    if isinstance(block, Fence):
        has_words, lines = False, list(enumerate(block.content.split("\n"), block.first))
    elif isinstance(block, Html):
        has_words, lines = block.has_pictures, list(enumerate(block.text.split("\n"), block.line))
    else:
        return False, ()
    return has_words or any(is_content(line, placeholders) for _, line in lines), lines


def _row_has_content(row: Sequence[Text], placeholders: Sequence[str]) -> bool:
    filled = [cell.rendered.strip() for cell in row[1:] or row if _text_has_content(cell, placeholders)]
    if _PLACEHOLDER_START.fullmatch(row[0].rendered.strip()):
        # A word such as `Low` says nothing of a `TBD`; a page may be called `Todo`.
        return not all(words.isascii() and words.isalpha() for words in filled)
    return bool(filled)


def _row_text(row: Sequence[Text]) -> str:
    cells = [cell for one in row if (cell := " ".join(one.rendered.split()))]
    return cells[0] if cells and all(map(is_bare_nothing, cells)) else " | ".join(cells)


def _text_has_content(text: Text, placeholders: Sequence[str]) -> bool:
    if text.has_pictures:
        return True
    bare = [_without_signs(line) for line in text.rendered.split("\n")]
    lines = [line for line in bare if is_content(line)]
    if not lines or not placeholders:
        return bool(lines)
    # A template's own words may span several lines, have emoji, and begin with a built-in placeholder.
    left = [remove_words(one, placeholders) for one in (text.rendered, "\n".join(bare), "\n".join(lines))]
    return all(any(is_content(line, placeholders) for line in one.split("\n")) for one in left)


LONGEST_PLACEHOLDER: Final = 4000
"""A longer line, in characters, is not a placeholder and is not searched for one."""

MOST_LABELS: Final = 3
"""The maximum number of labels skipped in front of a text, as in `Risks: Owner: TBD`."""

# A line that begins with one of these is a placeholder; in lower case they can be words of a sentence, and
# `TODO/FIXME comments` are what a program looks for.
_PLACEHOLDER_START: Final = re.compile(r"(?:TODO|TBD|TBA|TBC|FIXME|XXX|WIP)(?![a-z0-9]|/(?!TB)[A-Z]+ [a-z])")
_PLACEHOLDER_WORD: Final = re.compile(
    r"(?:todo|tbd|tba|tbc|fixme|xxx|wip|placeholder)\s*(?:$|[:(.!-])", re.IGNORECASE
)
# Parts that are removed from a line before checking if any word remains.
_PLACEHOLDER_PARTS: Final = re.compile(
    r"<(?!https?:|mailto:|/)[^<>\n]{1,300}>"
    r"|\{\{[^{}\n]{0,300}\}\}"
    r"|\$\{[^{}\n]{0,300}\}"
    r"|(?<![\w\]!\[])\[(?![xX ]\]|[\"'])[^\[\]\n]{1,300}\](?![(\[:\]])"
    r"|_{3,}|\.{3,}|\u2026"
    r"|\b(?:todo|tbd|tba|tbc|fixme)\b",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(r"[^:\uff1a]{1,60}[:\uff1a]\s*")
_PLACEHOLDER_PHRASES: Final = re.compile(
    r"(?:(?:needs |yet |still )?to be|will be) (?:added|agreed|announced|assessed|assigned|checked|clarified"
    r"|confirmed|completed|decided|defined|described|determined|discussed|documented|done|evaluated"
    r"|filled(?: in| out)?|investigated|named|provided|resolved|reviewed|specified|tested|updated|validated"
    r"|verified|written)(?: later| soon)?|coming soon|(?:details )?to (?:follow|come)|t b [acd]"
    r"|work in progress|placeholder(?: text)?"
    r"|(?:(?:this )?(?:page|section) (?:is )?)?(?:intentionally )?left (?:blank|empty)(?: intentionally)?"
    r"|(?:please )?(?:fill (?:this |me |it )?(?:in|out)(?:\b.{0,80}\bhere)?"
    r"|(?:add|insert|enter|write|describe|put|replace)\b.{0,80}\bhere)"
    r"|your (?:text|content|answer|notes?)(?: goes)? here"
    r"|(?:text|content|description|details?)(?: goes)? here|lorem ipsum\b.*|x{3,}"
)
# A sentence without a subject; a label or another clause would name what is postponed.
_POSTPONED: Final = re.compile(
    r"(?:\[ \] )?(?:still )?(?:to[ -]do|pending|(?:not|yet to be) (?:yet )?(?:assessed|checked|determined"
    r"|done|reviewed|run|started|written)(?: yet)?|(?:to be|will be(?! \w+ by\b)) (?:added|completed|decided"
    r"|defined|described|determined|documented|filled(?: in| out)?|specified|written) (?:(?:after|before"
    r"|by(?! hand\b)) (?:the )?|in (?:a|the) (?=final|follow|future|later|next))\w[\w-]*(?: \w[\w-]*){0,2})",
    re.IGNORECASE,
)
_LABEL_OF_NOTHING: Final = re.compile(
    r"^[^:\uff1a]{1,60}[:\uff1a]\s*(?=no(?:ne|thing|t applicable| risks?)\b|n/?a\b)", re.IGNORECASE
)
CLAUSE_END: Final = re.compile(r"[:;,(]|\.(?:\s|$)|\s[-\u2013\u2014]+\s")
"""The end of a clause within a line."""

_NOTHING: Final = re.compile(
    r"(?:n a|na|nil|null|no|no content|not (?:applicable|available|needed|relevant|required|yet"
    r"|(?:yet )?assigned)|empty|unknown|void|(?:(?:as|because|since) )?(?:there (?:are|were) )?(?:none"
    r"|nothing|no (?:(?:additional|further|known|major|new|open|other|outstanding|remaining|significant"
    r"|unresolved) )*(?:assumptions|questions|risks?)))(?: (?:are |were )?(?:at (?:this|the) (?:moment|point"
    r"|stage|time)|currently|expected|for now|found|identified|known|left|needed|open|outstanding|recorded"
    r"|remaining|required|significant|so far|to report|yet|during \w+|(?:for|in|to) this \w+)){0,2}"
)


def is_todo(text: str, placeholders: Iterable[str] = ()) -> bool:
    """True if a line of text is only a placeholder for content still to be written.

    Examples are `TODO: say which`, `TBD`, `<name>`, `[fill in]`, `{{x}}`, `___`, an ellipsis and "lorem
    ipsum". A label with a placeholder behind it (`Owner: TBD`) is a placeholder too. So is a label with
    nothing behind it, or a text without a letter or digit.

    Args:
        text: one line of running text, without marks of emphasis and code.
        placeholders: further texts that do not count as content, such as those of a template. The line is a
            placeholder if nothing remains without them.
    """
    text = without_box(text)
    if len(text) > LONGEST_PLACEHOLDER:
        return not any(map(str.isalnum, text))
    # A placeholder remains one, even if a template's own words include its `TBD`.
    if placeholders and is_todo(text):
        return True
    text = remove_words(text, placeholders)
    # Letters of Chinese and Japanese width are the same letters.
    text = normalize("NFKC", text)
    for _ in range(MOST_LABELS):
        if _PLACEHOLDER_START.match(text) or _PLACEHOLDER_WORD.match(text):
            return True
        words = plain_words(_PLACEHOLDER_PARTS.sub(" ", text))
        if not words or _PLACEHOLDER_PHRASES.fullmatch(words):
            return True
        label = _LABEL.match(text)
        if label is None or label.end() == len(text):
            return label is not None
        text = text[label.end() :]
    return False


def is_bare_nothing(text: str) -> bool:
    """True if a line states that there is nothing, without a reason: `None`, `N/A.`, `None: none. TBD`."""
    said = [one for one in map(plain_words, CLAUSE_END.split(without_box(text))) if not is_todo(one)]
    return bool(said) and all(map(_NOTHING.fullmatch, said))


def remove_words(text: str, phrases: Iterable[str]) -> str:
    """Remove each occurrence of phrases from a text, ignoring case and the whitespace between their words."""
    for phrase in phrases:
        if words := [re.escape(word) for word in phrase.split()]:
            text = re.sub(r"\s+".join(words), " ", text, flags=re.IGNORECASE)
    return text
