"""The severities of a policy, as the words of a review say them."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NUMBERED: Final = r"(?:#?[0-9]{1,4}(?:\.[0-9]{1,3})*[.):]?|(?:finding|issue)\s{1,2}#?[0-9]{1,4}[.):]?)"
"""The number that a title begins with."""

NAMED: Final = r"[A-Z]{1,6}[0-9]{0,3}-?[0-9]{1,5}[a-z]?"
"""The name that a title begins with, such as `HIGH-01`."""

_STRUCK: Final = re.compile(r"~~[^~]{0,300}~~")
_BRACKETS: Final = re.compile(r"[(\[][^()\[\]]{0,200}[)\]]")
# What a heading above findings of one severity says beside it.
_GROUP_WORDS: Final = re.compile(
    r"\b(?:severity|priority|findings?|issues?|items?|level|impact|concerns?|problems?)\b|\b[0-9]+\b[.)]?|"
    r"[^\w\s/*`_.:()\[\]-]"
)
_LEAD: Final = re.compile(rf"[\W_]*(?:(?:{NUMBERED}|{NAMED}(?![A-Za-z]))[\W_]*)?", re.IGNORECASE)


class Severities:
    """Finds the severities of a policy in the words of a review.

    Args:
        words: each severity with the words that stand for it, itself among them; the worst first.
    """

    def __init__(self, words: Sequence[tuple[str, Sequence[str]]]) -> None:
        self._known = {word.casefold(): name for name, others in words for word in others}
        self._rank = {name: position for position, (name, _) in enumerate(words)}
        escaped = "|".join(re.escape(word) for word in sorted(self._known, key=len, reverse=True))
        self._word = re.compile(rf"(?<![\w-])(?:{escaped})(?![\w-])", re.IGNORECASE)
        self._first = re.compile(
            rf"[\[(*_`]*(?P<word>{escaped})(?!\w)(?=[*_`]*(?:$|[\])>:|,.(]|\s?[-\u2013\u2014](?:\s|$|[0-9])"
            r"|\s(?:[\[(]|severity\b|priority\b|impact\s?(?:$|[;:,)\]\u2013\u2014-])|[0-9]))|[*_`])",
            re.IGNORECASE,
        )
        self._bracketed = re.compile(
            rf"[\[(]\s?(?P<word>{escaped})(?: (?:severity|priority))?\s?[\])]", re.IGNORECASE
        )
        self._labelled = re.compile(rf"\bseverity[\W_]{{1,8}}(?P<word>{escaped})(?![\w-])", re.IGNORECASE)

    def in_title(self, raw: str) -> str:
        """The severity that a title, an item or a paragraph begins with or has in brackets; empty if none."""
        line = _plain(raw.strip().partition("\n")[0])
        lead = _LEAD.match(line)
        for start in {0, lead.end() if lead else 0}:
            # The marks before a number may hide the word's own: "**1. High**".
            match = self._first.match(line, start) or self._first.match(line.lstrip(" *_#[("), 0)
            if match:
                return self._known[match["word"].casefold()]
        match = self._bracketed.search(line) or self._labelled.search(line)
        return self._known[match["word"].casefold()] if match else ""

    def in_value(self, text: str) -> str:
        """The severity that a value says; of several the worst, empty if none."""
        found = [self._known[match[0].casefold()] for match in self._word.finditer(unstruck(text[:300]))]
        return min(found, key=self._rank.__getitem__, default="")

    def is_group(self, raw: str) -> str:
        """The severity of a heading that says nothing else: `High`, `Critical issues (2)`; empty if none."""
        words = _GROUP_WORDS.sub(" ", _BRACKETS.sub(" ", _plain(raw)).casefold())
        words = " ".join(words.replace("_", " ").split()).strip("*_`# .:")
        found = {self._known.get(part.strip("*_`.:")) for part in re.split(r"\s(?:and|or)\s|\s?/\s?", words)}
        name = found.pop() if len(found) == 1 else None
        if name is None and "(" in raw:
            # "Severity 1 (High impact)"
            inside = raw.partition("(")[2].partition(")")[0]
            name = self.in_title(inside) if not words else None
        return name or ""


def unstruck(text: str) -> str:
    """A text without what is struck out in it."""
    return _STRUCK.sub(" ", text)


def _plain(raw: str) -> str:
    """The beginning of a line, without what is struck out and without backslashes before brackets."""
    return unstruck(raw[:300]).replace("\\[", "[").replace("\\]", "]")
