"""The path patterns that a policy is written with: what they mean, and their translation to expressions.

Patterns are read from the repository's root. `*`, `?` and `[...]` never match `/`; `**` as a whole segment is
any number of directories; a backslash takes a special character literally.
"""

from __future__ import annotations

from specguard.declaration.patterns import ANY, BELOW, CONTINUED, PLAIN, fold_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_IN_SEGMENT: Final = "[^/]"
# One character as UTF-8: a byte that starts one, and those that continue it.
_CHARACTER: Final = r"[^/\x80-\xbf]" + CONTINUED
_SPECIAL: Final = frozenset("*?[]\\!# ")
_UNCLOSED: Final = "has a '[' that is not closed; write '\\[' for the character"


class PatternError(ValueError):
    """A pattern that could never match, or not what its author thinks; the text says which and why."""


def expansion(pattern: str, *, covers: bool) -> str:
    """What a pattern comes to, for people: `docs/**` that covers is `docs and everything below`."""
    segments = _segments(pattern, covers=covers)
    plain = "/".join(segments)
    if not covers:
        return plain
    return f"{plain} and everything below" if plain else "everything"


def translate(pattern: str, *, covers: bool, folds: bool) -> str:
    """The expression of a pattern, to be matched against all of a path's bytes.

    Args:
        pattern: the pattern as written.
        covers: whether a match includes everything below it; `dir`, `dir/` and `dir/**` are then the same.
        folds: whether the path is given case-folded, see `fold`.

    Raises:
        PatternError: the pattern is malformed.
    """
    segments = _segments(pattern, covers=covers)
    if not segments:
        return f"{ANY}*"
    text = ""
    for number, segment in enumerate(segments):
        if segment == "**":
            # `**/` is any number of directories, none included; at the end of a selection it is all below.
            text += f"{ANY}+" if number == len(segments) - 1 else f"(?:{ANY}*/)?"
            continue
        text += _segment(segment, pattern, folds=folds)
        if number < len(segments) - 1:
            text += "/"
    return text + BELOW if covers else text


def _segments(pattern: str, *, covers: bool) -> list[str]:
    """A pattern's segments in normal form: no leading slash; where it covers, no trailing `/` or `/**`."""
    problem = _problem(pattern)
    if problem:
        raise _error(pattern, problem)
    body = pattern.removeprefix("/")
    if body.endswith("/"):
        if not covers:
            raise _error(pattern, f"ends with '/' and selects no file; write {pattern + '**'!r}")
        body = body[:-1]
    segments: list[str] = []
    for segment in body.split("/"):
        # Two in a row mean the same as one, and cost a matcher time.
        if segment != "**" or segments[-1:] != ["**"]:
            segments.append(segment)
    if covers and segments[-1] == "**":
        segments.pop()
    return segments


def _error(pattern: str, problem: str) -> PatternError:
    return PatternError(f"the pattern {pattern!r} {problem}")


def _problem(pattern: str) -> str:
    """What is wrong with a pattern before it is split; empty where nothing is."""
    if not pattern.strip():
        return "is empty"
    if pattern.startswith("!"):
        return "starts with '!', which takes nothing back; use 'exclude', or write '\\!' for the name"
    if pattern.startswith("#"):
        return "starts with '#' as a comment does; write '\\#' for a name that starts so"
    if pattern[0] == " " or (pattern.endswith(" ") and not pattern.endswith("\\ ")):
        return "starts or ends with a space; write '\\ ' for a name that does"
    if any(char < " " or char == "\x7f" for char in pattern):
        return "has a control character"
    if any("\ud800" <= char <= "\udfff" for char in pattern):
        return "is not valid Unicode"
    body = pattern.removeprefix("/").removesuffix("/")
    for segment in body.split("/"):
        if not segment:
            return "is only '/'; write '**' for everything" if not body else "has two slashes in a row"
        if segment in {".", ".."}:
            return f"has the segment {segment!r}; patterns are read from the repository's root"
    return ""


def _segment(segment: str, pattern: str, *, folds: bool) -> str:
    """The expression of one segment."""
    text = ""
    literal = ""
    position = 0
    while position < len(segment):
        char = segment[position]
        position += 1
        if char == "\\":
            if segment[position : position + 1] not in _SPECIAL or position == len(segment):
                raise _error(
                    pattern,
                    "has a backslash, which stands only before one of * ? [ ] \\ ! # or a space; "
                    "directories are separated by '/'",
                )
            literal += segment[position]
            position += 1
            continue
        if char not in "*?[":
            literal += char
            continue
        text += _literal(literal, folds=folds)
        literal = ""
        if char == "[":
            added, position = _class(segment, position, pattern, folds=folds)
            text += added
        elif char == "?":
            text += _CHARACTER
        elif not text.endswith(f"{_IN_SEGMENT}*"):
            text += f"{_IN_SEGMENT}*"
    text += _literal(literal, folds=folds)
    # A star alone stands for a name, and a name is never empty.
    return f"{_IN_SEGMENT}+" if text == f"{_IN_SEGMENT}*" else text


def _class(segment: str, position: int, pattern: str, *, folds: bool) -> tuple[str, int]:
    """The expression of a `[...]` and the position behind it; `position` is behind its opening bracket."""
    negated = segment[position : position + 1] in {"!", "^"} and position < len(segment)
    position += negated
    members: list[str] = []
    ranges: list[tuple[str, str]] = []
    first = True
    while True:
        if position >= len(segment):
            raise _error(pattern, _UNCLOSED)
        if segment[position] == "]" and not first:
            break
        if segment.startswith("[:", position):
            raise _error(pattern, "names a class of characters with '[:'; write a range: [a-z]")
        first = False
        low, position = _member(segment, position, pattern)
        if segment[position : position + 1] == "-" and segment[position + 1 : position + 2] not in {"", "]"}:
            high, position = _member(segment, position + 1, pattern)
            if low > high:
                raise _error(pattern, f"has the range {low}-{high}, which is empty")
            ranges.append((low, high))
        else:
            members.append(low)
    position += 1
    plain = [*(high for _, high in ranges), *(members if negated else ())]
    if not all(char.isascii() for char in plain):
        raise _error(pattern, "has letters beyond ASCII in a range or a negated class; list them one by one")
    codes = {ord(char) for char in members if char.isascii()}
    codes.update(code for low, high in ranges for code in range(ord(low), ord(high) + 1))
    if folds:
        codes = {ord(chr(code).lower()) for code in codes}
    codes.discard(ord("/"))
    listed = "".join(f"\\x{code:02x}" for code in sorted(codes))
    if negated:
        return f"[^/\\x80-\\xbf{listed}]{CONTINUED}", position
    options = [f"[{listed}]"] if listed else []
    options.extend(sorted(_literal(char, folds=folds) for char in members if not char.isascii()))
    if not options:
        raise _error(pattern, "has a class that no character of a name is in")
    return f"(?:{'|'.join(options)})", position


def _member(segment: str, position: int, pattern: str) -> tuple[str, int]:
    """One character of a class, which a backslash may precede, and the position behind it."""
    if segment[position] != "\\":
        return segment[position], position + 1
    if position + 1 >= len(segment):
        raise _error(pattern, _UNCLOSED)
    return segment[position + 1], position + 2


def _literal(text: str, *, folds: bool) -> str:
    if folds:
        text = fold_text(text)
    return "".join(chr(byte) if chr(byte) in PLAIN else f"\\x{byte:02x}" for byte in text.encode("utf-8"))
