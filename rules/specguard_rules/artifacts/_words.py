"""What rows say, and about whom: words that are not denied, and the names of agents."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

    from specguard.rules import Row

_LONGEST: Final = 2000
"""So many characters of a row are read."""

_CLAUSE: Final = re.compile(r"[.;,|!?]\s|\s\|\s?|\s[-\u2013\u2014]\s")
_BEFORE: Final = 120
_NOT: Final = re.compile(
    r"\b(?:not|no|never|without|neither|nor|cannot|isn.?t|wasn.?t|aren.?t|won.?t|skip\w*|unless|if|will be"
    r"|to be)\b",
    re.IGNORECASE,
)
# A time, whose letters are no words: `2026-01-31T12:00:00Z`, `12:00 UTC`, `Jan 31`.
_TIME: Final = re.compile(
    r"\S*[0-9]\S*|\b(?:utc|gmt|agent|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*", re.IGNORECASE
)
_LEADING_TIME: Final = re.compile(
    r"^\W*(?:[0-9]{4}-[0-9]{2}-[0-9]{2}\S*|[0-9]{1,2}:[0-9]{2}\S*|utc\b)(?:\s+[0-9]{1,2}:[0-9]{2}\S*)?"
    r"(?:\s+utc\b)?[\W_]*",
    re.IGNORECASE,
)
_HEAD: Final = re.compile(r":\s|:$|\s[-\u2013\u2014=]+>?\s|\s(?:is|was)\s", re.IGNORECASE)
_LIST: Final = re.compile(r"[\s,/&+()]+|\band\b")


class Words:
    """Words or phrases that say something, wherever they stand in a text without a "not" before them.

    Args:
        phrases: the words; case does not count.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        either = "|".join(re.escape(phrase.strip()) for phrase in phrases if phrase.strip())
        self._said = re.compile(rf"(?<![\w/-])(?:{either or '(?!)'})(?![\w-])", re.IGNORECASE)

    def said(self, row: Row) -> bool:
        """Whether a row says one of them, and does not deny it in the same clause."""
        text = " | ".join(row.cells)[:_LONGEST]
        for found in self._said.finditer(text):
            clause = _CLAUSE.split(text[max(0, found.start() - _BEFORE) : found.start()])[-1]
            if not _NOT.search(clause):
                return True
        return False

    def begin(self, row: Row) -> bool:
        """Whether a row begins with one of them, behind marks and a time."""
        text = " | ".join(row.cells)[:_LONGEST]
        found = self._said.search(text)
        return found is not None and not re.search(r"[A-Za-z]{2}", _TIME.sub("", text[: found.start()]))


def about(agent: str) -> Callable[[Row], bool]:
    """Tells whether a row is about an agent.

    It is where its first cell, or its text up to a colon or dash, has the agent's name as a word of its own,
    or where `agent NAME` stands anywhere in it. Several agents may share a row: `P1, P2: aligned`. A name
    that is a number or a letter must stand there alone, since any other number could be meant.

    Args:
        agent: its name, as the paths have it.
    """
    parts = [re.escape(part) for part in re.split(r"[\s_-]+", agent) if part]
    name = r"[\s_-]?".join(parts) or "(?!)"
    alone = re.compile(rf"(?<![\w-]){name}(?![\w-])", re.IGNORECASE)
    spoken = re.compile(rf"(?<![\w-])agent[\s_-]?{name}(?![\w-])", re.IGNORECASE)
    bare = len(agent) == 1 or agent.isdecimal()

    def is_about(row: Row) -> bool:
        first = _LEADING_TIME.sub("", row.cells[0][:_LONGEST]) if row.cells else ""
        head = first if row.header else _HEAD.split(first, maxsplit=1)[0]
        if bare:
            words = [word for word in _LIST.split(head.strip("*_`[]")) if word]
            named = all(len(word) <= 3 for word in words) and any(alone.fullmatch(word) for word in words)
        else:
            named = alone.search(head) is not None
        return named or any(spoken.search(cell[:_LONGEST]) for cell in row.cells)

    return is_about
