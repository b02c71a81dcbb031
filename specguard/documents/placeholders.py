"""Words that stand for content that is still owed: `TODO`, `<name>`, an ellipsis, a bare "None"."""

from __future__ import annotations

import re

from specguard.documents.checkboxes import without_box
from specguard.documents.words import plain_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

LONGEST: Final = 4000
"""A longer line, in characters, is no placeholder and is not looked through for one."""

LABELS: Final = 3
"""So many labels in front of a text are looked behind, as in `Risks: Owner: TBD`."""

# A line that begins with one of these is owed as a whole; in small letters they can be words of a sentence.
_OWED: Final = re.compile(r"(?:TODO|TBD|TBA|TBC|FIXME|XXX|WIP)(?![a-z0-9])")
_OWED_ALONE: Final = re.compile(
    r"(?:todo|tbd|tba|tbc|fixme|xxx|wip|placeholder)\s*(?:$|[:(.!-])", re.IGNORECASE
)
# What is cut out of a line before it is asked whether anything is left.
_HOLES: Final = re.compile(
    r"<(?!https?:|mailto:|/)[^<>\n]{1,300}>"
    r"|\{\{[^{}\n]{0,300}\}\}"
    r"|\$\{[^{}\n]{0,300}\}"
    r"|(?<![\w\]!\[])\[(?![xX ]\]|[\"'])[^\[\]\n]{1,300}\](?![(\[:\]])"
    r"|_{3,}|\.{3,}|\u2026"
    r"|\b(?:todo|tbd|tba|tbc|fixme)\b",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(r"[^:\uff1a]{1,60}[:\uff1a]\s*")
_PHRASES: Final = re.compile(
    r"(?:to be|yet to be|still to be) (?:added|announced|confirmed|completed|decided|defined|described"
    r"|determined|discussed|documented|done|filled(?: in| out)?|provided|specified|written)(?: later| soon)?"
    r"|coming soon|work in progress|placeholder(?: text)?"
    r"|(?:please )?(?:fill (?:this |me |it )?(?:in|out)|add|insert|enter|write|describe|put|replace)\b"
    r".{0,80}\bhere"
    r"|(?:please )?fill (?:this |me |it )?(?:in|out)|your (?:text|content|answer|notes?)(?: goes)? here"
    r"|(?:text|content|description|details?)(?: goes)? here|lorem ipsum\b.*|x{3,}",
)
_NOTHING: Final = frozenset(
    {
        "none", "n a", "na", "nil", "null", "nothing", "no", "not applicable", "not available", "not yet",
        "empty", "void", "unknown", "none identified", "none known", "none found", "none yet", "none so far",
        "none at this time", "none at this point", "none currently", "nothing yet", "nothing to report",
        "no content",
    }
)  # fmt: skip


def owes(text: str, own: Iterable[str] = ()) -> bool:
    """Whether a line of text only stands for content that somebody still owes.

    `TODO: say which` does, as do `TBD`, `<name>`, `[fill in]`, `{{x}}`, `___`, an ellipsis and "lorem ipsum".
    A label with such a text behind it (`Owner: TBD`) is no more than that text, and one with nothing behind
    it, or anything without a letter or digit, says nothing.

    Args:
        text: one line of running text, without marks of emphasis and code.
        own: further texts that are no content, such as a template's; the line is one when nothing is left
            of it without them.
    """
    text = without_box(text)
    if len(text) > LONGEST:
        return not any(map(str.isalnum, text))
    # What is owed stays so: a template's own words may be the `TBD` that says it.
    if own and owes(text):
        return True
    for words in own:
        text = without(text, words)
    for _ in range(LABELS):
        if _OWED.match(text) or _OWED_ALONE.match(text):
            return True
        rest = _HOLES.sub(" ", text)
        words = plain_words(rest)
        if not words or _PHRASES.fullmatch(words):
            return True
        label = _LABEL.match(text)
        if label is None or label.end() == len(text):
            return label is not None
        text = text[label.end() :]
    return False


def bare_nothing(text: str) -> bool:
    """Whether a line says that there is nothing, and does not say why: `None`, `N/A.`, `Not applicable`."""
    return len(text) <= LONGEST and plain_words(without_box(text)) in _NOTHING


def without(text: str, words: str) -> str:
    """A text without each place where words stand in it, whatever their case and the space between them."""
    parts = [re.escape(part) for part in words.split()]
    return re.sub(r"\s+".join(parts), " ", text, flags=re.IGNORECASE) if parts else text
