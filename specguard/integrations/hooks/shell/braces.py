"""Braces: `{a,b}` and `{1..3}` make several words of one."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.field import Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

FIELDS: Final = 400
"""Words that expand to more than this are not told."""
_HOLDER: Final = 0xF0000
_MARKED: Final = re.compile("[\U000f0000-\U000fffff]")
_BRACES: Final = re.compile(r"[{},]|\.\.")
_RANGE: Final = re.compile(
    r"(-?[0-9]{1,6})\.\.(-?[0-9]{1,6})(?:\.\.(-?[0-9]{1,3}))?|([A-Za-z])\.\.([A-Za-z])"
)


def braced(pieces: Sequence[Piece]) -> list[Sequence[Piece] | None]:
    """The words that braces make of one; a single None where they are too many to be told."""
    if not any(piece.written and "{" in (piece.text or "") for piece in pieces):
        return [pieces]
    template: list[str] = []
    for index, piece in enumerate(pieces):
        template.append((piece.text or "") if piece.written else chr(_HOLDER + index))
    whole = "".join(template)
    if len(pieces) > 60000 or any(piece.written and _MARKED.search(piece.text or "") for piece in pieces):
        return [None]
    if whole.count("{") > 40 or len(whole) > 4000:
        return [None]
    texts = expand_braces(whole)
    return [None] if texts is None else [_filled(text, pieces) for text in texts]


def _filled(text: str, pieces: Sequence[Piece]) -> Sequence[Piece]:
    made: list[Piece] = []
    at = 0
    for match in _MARKED.finditer(text):
        if match.start() > at:
            made.append(Piece(text[at : match.start()], quoted=False, written=True))
        made.append(pieces[ord(match[0]) - _HOLDER])
        at = match.end()
    if at < len(text):
        made.append(Piece(text[at:], quoted=False, written=True))
    return made


def expand_braces(text: str) -> list[str] | None:
    """What `{a,b}` and `{1..3}` make of a text; None where that is more than is told."""
    done: list[str] = []
    rest = [("", text)]
    while rest:
        head, tail = rest.pop()
        cut = _cut(tail)
        if cut is None:
            done.append(head + tail)
            continue
        before, choices, after = cut
        if choices is None or len(done) + len(rest) + len(choices) > FIELDS:
            return None
        # What a choice holds is expanded too, and the latest pushed is taken first.
        rest += [(head + before, choice + after) for choice in reversed(choices)]
    return done


def _cut(text: str) -> tuple[str, Sequence[str] | None, str] | None:
    """A text around its first braces and the choices in them; None where it has none."""
    for match in re.finditer(r"\{", text):
        start = match.end()
        depth = 0
        commas: list[int] = []
        for mark in _BRACES.finditer(text, start):
            if mark[0] == "{":
                depth += 1
            elif mark[0] == "," and depth == 0:
                commas.append(mark.start())
            elif mark[0] == "}":
                depth -= 1
                if depth < 0:
                    inner = text[start : mark.start()]
                    before, after = text[: match.start()], text[mark.end() :]
                    if commas:
                        edges = [start - 1, *commas, mark.start()]
                        choices = [text[edges[at] + 1 : edges[at + 1]] for at in range(len(edges) - 1)]
                        return before, choices, after
                    if _RANGE.fullmatch(inner):
                        return before, _ranged(inner), after
                    break
    return None


def _ranged(text: str) -> Sequence[str] | None:
    match = _RANGE.fullmatch(text)
    assert match is not None  # noqa: S101 -- asked by the caller
    if match[4]:
        first, last, step = ord(match[4]), ord(match[5]), 1
    else:
        first, last, step = int(match[1]), int(match[2]), abs(int(match[3] or 1)) or 1
    if abs(first - last) // step >= FIELDS:
        return None
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    if match[4]:
        return [chr(number) for number in numbers]
    zeros = [side for side in (match[1], match[2]) if re.match(r"-?0[0-9]", side)]
    width = max(len(side) for side in (match[1], match[2])) if zeros else 0
    return [str(number).zfill(width) for number in numbers]
