"""What an authority says and specguard did not understand."""

from __future__ import annotations

from specguard.model import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SHOWN: Final = 80
"""So many characters of what was not understood are shown."""


class Unread:
    """Something in a known section, or a block of settings, that was not understood.

    Attributes:
        path: the document.
        line: its line.
        section: the title of the section; empty outside of known ones.
        text: what it says, shortened to one line.
        reason: why it was not read, as a clause.
        meaning: what the section's items are, such as `locked-path`; `prose` for what explains
            them, `list` for a list of paths under a title that is not known, `title` where the words above it
            speak of a guard, `nothing` for an authority that sets nothing, `hidden` for what no page shows,
            empty outside of known sections.
    """

    __slots__ = ("line", "meaning", "path", "reason", "section", "text")

    def __init__(self, path: str, line: int, section: str, text: str, reason: str, meaning: str = "") -> None:
        self.path = path
        self.line = line
        self.section = section
        self.text = shortened(text, SHOWN)
        self.reason = reason
        self.meaning = meaning

    def __repr__(self) -> str:
        return f"Unread({self.path}:{self.line} {self.text!r}: {self.reason})"
