"""Texts as their words alone."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# What `str.isalnum` is false of.
_NO_WORD: Final = re.compile(r"[\W_]+")


def plain_words(text: str) -> str:
    """The words of a text in small letters, one space between them."""
    return _NO_WORD.sub(" ", text.casefold()).strip()
