"""Expansion of words, as far as it can be told: what splits them, braces, `~`, patterns."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.field import Field, Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.syntax import Word

LENGTH: Final = 1_000_000
"""Words that expand to more characters than this are not told."""
_MARKS: Final = re.compile(r"[*?]")
_SPECIAL: Final = re.compile(r"[*?\[]")


def fields(word: Word, pieces: Sequence[Piece], home: str | None) -> list[Field]:
    """The fields that a word becomes.

    Args:
        word: the word.
        pieces: what its parts became.
        home: what `~` stands for; None where that is not known.
    """
    raw = word.raw
    if len(pieces) == 1 and pieces[0].text is not None and pieces[0].quoted:
        return [Field(pieces[0].text, raw)]
    found: list[Field] = []
    words: list[Sequence[Piece] | None] = [pieces]
    if any(piece.written and "{" in (piece.text or "") for piece in pieces):
        from specguard.integrations.hooks.shell.braces import braced

        words = braced(pieces)
    if len(words) > 1 and len(words) * sum(len(piece.text or "") for piece in pieces) > LENGTH:
        return [Field(None, raw, several=True)]
    for each in words:
        if each is None:
            return [Field(None, raw, several=True)]
        found += _split(_home(each, home), raw)
    return found


def _home(pieces: Sequence[Piece], home: str | None) -> Sequence[Piece]:
    first = pieces[0] if pieces else None
    if first is None or not first.written or not (first.text or "").startswith("~"):
        return pieces
    user, slash, rest = (first.text or "").partition("/")
    if user != "~" or (not slash and len(pieces) > 1):
        return [Piece(None, quoted=True), Piece(slash + rest, quoted=False), *pieces[1:]]
    return [Piece(home, quoted=True), Piece(slash + rest, quoted=False), *pieces[1:]]


def _split(pieces: Sequence[Piece], raw: str) -> list[Field]:
    """The fields of pieces in which nothing is expanded any more."""
    current: list[tuple[str | None, bool]] = []
    found: list[Field] = []
    there = False  # whether a field has begun, of which a quoted empty one is one
    for piece in pieces:
        if piece.text is None or piece.quoted or piece.written:
            current.append((piece.text, piece.quoted))
            there = there or piece.quoted or piece.text is None or bool(piece.text)
            continue
        rows = re.split(r"[ \t\n]+", piece.text)
        for index, row in enumerate(rows):
            if index and there:
                found.append(_field(current, raw))
                current, there = [], False
            if row:
                current.append((row, False))
                there = True
    if there:
        found.append(_field(current, raw))
    return found


def _field(pieces: Sequence[tuple[str | None, bool]], raw: str) -> Field:
    start: list[str] = []
    several = False
    pattern = False
    # A bracket that is not closed stands for itself.
    special = _SPECIAL if "]" in "".join(text or "" for text, _ in pieces) else _MARKS
    known = True
    for text, quoted in pieces:
        if text is None:
            known = False
            several = several or not quoted
        elif not quoted and special.search(text):
            pattern = True
            if known:
                start.append(text[: _first(text)])
            known, several = False, True
        elif known:
            start.append(text)
    if known:
        return Field("".join(start), raw)
    if pattern and all(text is not None for text, _ in pieces):
        whole = [(text or "", quoted) for text, quoted in pieces]
        return Field(None, raw, start="".join(start), several=True, pattern=whole)
    return Field(None, raw, start="".join(start), several=several)


def _first(text: str) -> int:
    match = _SPECIAL.search(text)
    return match.start() if match else len(text)
