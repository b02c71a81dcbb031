"""Words that several commands print."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """A number of things: `1 error`, `2 errors`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
