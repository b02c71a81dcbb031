"""What a command prints, as text that a file can keep: nothing in it moves a cursor or hides itself."""

from __future__ import annotations

import codecs
import re
from typing import Final

from specguard.reporters.escape import legible

_LONGEST: Final = 64
# A control sequence of ECMA-48 (5.4): colours, and moves of the cursor. Without it all text is still there.
_SEQUENCE: Final = re.compile(rf"\x1b\[[0-?]{{0,{_LONGEST}}}[ -/]{{0,4}}[@-~]")
# What could be the beginning of one, or of the end of a line, at the end of a piece.
_UNFINISHED: Final = re.compile(rf"(?:\x1b(?:\[[0-?]{{0,{_LONGEST}}}[ -/]{{0,4}})?|\r)\Z")
_LINE_END: Final = re.compile(r"\r\n?")


class PlainText:
    r"""Turns output into plain text, piece by piece.

    Bytes that are no UTF-8 are shown as `\xNN`, and so are control characters. Colours and moves of the
    cursor are left out, and a carriage return ends a line, so that each state of a progress bar has its own.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._kept = ""

    def feed(self, data: bytes) -> bytes:
        """The text of the next piece, as UTF-8; what may go on in the one after it is kept back."""
        text = self._kept + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        at = unfinished.start() if unfinished else len(text)
        self._kept = text[at:]
        return self._plain(text[:at])

    def finish(self) -> bytes:
        """The text of what was kept back, once there is no more."""
        text = self._kept + self._decoder.decode(b"", final=True)
        self._kept = ""
        return self._plain(text)

    def _plain(self, text: str) -> bytes:
        if "\r" in text:
            text = _LINE_END.sub("\n", text)
        if "\x1b" in text:
            text = _SEQUENCE.sub("", text)
        return legible(text).encode("utf-8", "backslashreplace")


def plain_text(text: str) -> str:
    """A whole text in the same way."""
    plain = PlainText()
    return (plain.feed(text.encode("utf-8", "surrogateescape")) + plain.finish()).decode("utf-8")
