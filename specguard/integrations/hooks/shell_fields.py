"""Expansion of words, as far as it can be told: variables of the command's own, braces, `~`, patterns."""

from __future__ import annotations

import os
import re

from specguard.integrations.hooks.shell_state import Field, as_bytes, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell_words import Word

FIELDS: Final = 400
"""Words that expand to more than this are not told."""
LENGTH: Final = 1_000_000
"""Words that expand to more characters than this are not told."""
NAMES: Final = 5000
"""Patterns are not resolved in folders of more names than this, all together."""

_HOLDER: Final = 0xF0000
_MARKED: Final = re.compile("[\U000f0000-\U000fffff]")
_MARKS: Final = re.compile(r"[*?]")
_SPECIAL: Final = re.compile(r"[*?\[]")
_BRACES: Final = re.compile(r"[{},]|\.\.")
_RANGE: Final = re.compile(
    r"(-?[0-9]{1,6})\.\.(-?[0-9]{1,6})(?:\.\.(-?[0-9]{1,3}))?|([A-Za-z])\.\.([A-Za-z])"
)


class Piece:
    """A piece of a word whose substitutions were run.

    Attributes:
        text: its text; None where it is not known.
        quoted: whether it is neither split nor a pattern.
        written: whether it stands in the command as it is, so that braces and `~` in it count.
    """

    __slots__ = ("quoted", "text", "written")

    def __init__(self, text: str | None, *, quoted: bool, written: bool = False) -> None:
        self.text = text
        self.quoted = quoted
        self.written = written


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
    words = _braced(pieces)
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


# Braces


def _braced(pieces: Sequence[Piece]) -> list[Sequence[Piece] | None]:
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


# Patterns


def resolved(field: Field, directory: bytes, place: bytes) -> list[Field] | None:
    """The names that a pattern stands for; the pattern as it is where it stands for none.

    Args:
        field: a field with a pattern.
        directory: the folder in which the command begins.
        place: the folder in which the shell stands, from that one.

    Returns:
        None where the names cannot be told.
    """
    parts = _segments(field.pattern)
    if parts is None:
        return None
    literal = "".join(text for text, _ in field.pattern)
    found = [as_bytes("/")] if literal.startswith("/") else [b""]
    looked = 0
    for text, expression in parts:
        if expression is None:
            found = [one + as_bytes(text) for one in found]
            continue
        more: list[bytes] = []
        for one in found:
            names = _names(joined(directory, joined(place, one)) or b".")
            looked += len(names or ())
            if names is None or looked > NAMES:
                return None
            more += [one + name + as_bytes(text) for name in names if _matches(name, expression)]
        if len(more) > FIELDS:
            return None
        found = more
    there = [one for one in found if os.path.lexists(joined(directory, joined(place, one)))]
    if not there:
        return [Field(literal, field.raw)]
    return [Field(one.decode("utf-8", "surrogateescape"), field.raw) for one in sorted(there)]


def _names(directory: bytes) -> Sequence[bytes] | None:
    found: list[bytes] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                found.append(entry.name)
                if len(found) > NAMES:
                    return None
    except (NotADirectoryError, FileNotFoundError):
        return []
    except (OSError, ValueError):
        return None
    return found


def _matches(name: bytes, expression: str) -> bool:
    if name.startswith(b".") and not expression.startswith(r"\."):
        return False
    return re.fullmatch(expression, name.decode("utf-8", "surrogateescape"), re.DOTALL) is not None


def _segments(pattern: Sequence[tuple[str, bool]]) -> Sequence[tuple[str, str | None]] | None:
    """A pattern by folders: literal text with no expression, or what follows a name with its expression.

    None where it holds what is not resolved: `**`, or a class in brackets.
    """
    segments: list[tuple[str, str | None]] = []
    text: list[str] = []
    expression: list[str] = []
    special = False

    def end(slash: str) -> None:
        nonlocal special
        if special:
            segments.append((slash, "".join(expression)))
        else:
            segments.append(("".join(text) + slash, None))
        text.clear()
        expression.clear()
        special = False

    stars = 0
    for piece, quoted in pattern:
        at = 0
        while at < len(piece):
            char = piece[at]
            at += 1
            if char == "/":
                if text or expression:
                    end("/")
                continue
            text.append(char)
            if quoted or char not in "*?[":
                expression.append(re.escape(char))
                stars = 0
            elif char == "*":
                stars += 1
                if stars > 1:
                    return None
                special = True
                expression.append(".*")
            elif char == "?":
                special = True
                expression.append(".")
            else:
                close = re.compile(r"[!^]?\]?[^\[\]\\/]*\]").match(piece, at)
                if close is None:
                    return None
                inside = close[0][:-1]
                if "--" in inside or _backwards(inside):
                    return None
                not_in = inside[:1] in ("!", "^")
                expression.append(f"[{'^' if not_in else ''}{_class(inside[not_in:])}]")
                text.append(close[0])
                at = close.end()
                special = True
    if text or expression:
        end("")
    # Many stars in one name would make the expression's time grow.
    if any(each and each.count(".*") > 4 for _, each in segments):
        return None
    return segments


def _backwards(inside: str) -> bool:
    """Whether a class has a range that ends before it begins."""
    return any(match[1] > match[2] for match in re.finditer(r"(?=(.)-(.))", inside, re.DOTALL))


def _class(inside: str) -> str:
    return re.sub(r"([\\\]\[^&~|])", r"\\\1", inside)
