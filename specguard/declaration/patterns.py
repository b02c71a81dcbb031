"""Path patterns of a policy: what they mean, their translation to expressions, and matching.

Patterns are read from the repository's root. `*`, `?` and `[...]` never match `/`; `**` as a whole segment is
any number of directories; a backslash takes a special character literally. A pattern is translated when the
policy is compiled, to text that both `re` and RE2 read in the same way, over the bytes of a path.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar, Final, Self

MANY_PATHS: Final = 500
"""From this many paths on, making an RE2 set costs less than it saves."""

LONG_PATH: Final = 1024
"""A path longer than this, in bytes, is matched by RE2, whose time is linear whatever the pattern."""

_ANY: Final = "(?s:.)"
_BELOW: Final = f"(?:/{_ANY}*)?"
_IN_SEGMENT: Final = "[^/]"
# One character as UTF-8: a byte that starts one, and those that continue it.
_CONTINUED: Final = r"[\x80-\xbf]*"
_CHARACTER: Final = r"[^/\x80-\xbf]" + _CONTINUED
_SPECIAL: Final = frozenset("*?[]\\!# ")
_PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/-")
# What the translation of a pattern without wildcards looks like, and how its bytes are had back.
_NAME: Final = re.compile(r"(?:[\w/-]|\\x[0-9a-f]{2})+", re.ASCII)
_ESCAPED: Final = re.compile(rb"\\x([0-9a-f]{2})")
_NONE: Final = 1 << 62
_UNCLOSED: Final = "has a '[' that is not closed; write '\\[' for the character"
# No path has a NUL, so only a working set finds this one.
_PROBE: Final = b"\0"


class PatternError(ValueError):
    """A pattern that could never match, or not what its author thinks; the text says which and why."""


class Patterns:
    """A list of path patterns, matched as one; true where there is any.

    Args:
        patterns: the patterns as they are written.
        expressions: their translations, where a compiled policy has them already.

    Raises:
        PatternError: a pattern is malformed.
    """

    __slots__ = ("_expressions", "_few", "_many", "patterns")

    covers: ClassVar[bool] = True
    folds: ClassVar[bool] = False

    def __init__(self, patterns: Sequence[str] = (), expressions: Sequence[str] | None = None) -> None:
        self.patterns = tuple(patterns)
        self._expressions: Sequence[str] | None = expressions
        if expressions is None:
            self._expressions = [self.translate(pattern) for pattern in patterns]
        self._few: tuple[dict[bytes, int], re.Pattern[bytes] | None, list[int]] | None = None
        self._many: Any = None

    @classmethod
    def translate(cls, pattern: str) -> str:
        """The expression of a pattern, to be matched against a whole path.

        Raises:
            PatternError: the pattern is malformed.
        """
        return translate(pattern, covers=cls.covers, folds=cls.folds)

    @property
    def expressions(self) -> Sequence[str]:
        """The translation of each pattern."""
        if self._expressions is None:
            self._expressions = [self.translate(pattern) for pattern in self.patterns]
        return self._expressions

    def find(self, path: bytes) -> int | None:
        """The index of the first pattern that matches a path; None where none does."""
        if not self.patterns:
            return None
        subject = fold(path) if self.folds else path
        names, few, indexes = self._parts()
        found = names.get(subject, _NONE)
        if self.covers:
            end = subject.rfind(b"/")
            while end > 0:
                found = min(found, names.get(subject[:end], _NONE))
                end = subject.rfind(b"/", 0, end)
        if few is None or len(path) > LONG_PATH:
            found = min([found, *(self._set().Match(subject) or ())]) if indexes else found
        else:
            match = few.fullmatch(subject)
            if match:
                # Each alternative ends in an empty group, whose number says which one matched.
                found = min(found, indexes[(match.lastindex or 1) - 1])
        return None if found == _NONE else found

    def find_each(self, paths: Sequence[bytes]) -> Iterator[tuple[int, int]]:
        """For each path that matches: its position, and the index of the first pattern that matches it."""
        if not self.patterns:
            return
        if len(paths) < MANY_PATHS:
            for position, path in enumerate(paths):
                index = self.find(path)
                if index is not None:
                    yield position, index
            return
        match = self._set().Match
        folds = self.folds
        for position, path in enumerate(paths):
            found = match(fold(path) if folds else path)
            if found:
                yield position, min(found)

    def _parts(self) -> tuple[dict[bytes, int], re.Pattern[bytes] | None, list[int]]:
        """The patterns in two parts: plain names with their indexes, and one expression for all others.

        The expression is None where `re` could take longer than the square of a path's length.
        """
        if self._few is None:
            names: dict[bytes, int] = {}
            indexes: list[int] = []
            tail = _BELOW if self.covers else ""
            for index, expression in enumerate(self.expressions):
                name = expression.removesuffix(tail)
                if expression.endswith(tail) and _NAME.fullmatch(name):
                    names.setdefault(_ESCAPED.sub(_byte, name.encode("ascii")), index)
                else:
                    indexes.append(index)
            others = [self.expressions[index] for index in indexes]
            few = None
            if all(_wildcards(expression) <= 3 for expression in others):
                text = "|".join(f"{expression}()" for expression in others)
                # With no alternative at all an expression would match the empty path, which there is not.
                few = re.compile(text.encode("ascii"))
            self._few = names, few, indexes
        return self._few

    def _set(self) -> Any:
        """An RE2 set of the expressions."""
        if self._many is None:
            import re2

            options = re2.Options()
            options.log_errors = False
            options.encoding = re2.Options.Encoding.LATIN1
            options.max_mem = 256 << 20
            many = re2.Set.FullMatchSet(options)
            for expression in self.expressions:
                many.Add(expression.encode("ascii"))
            many.Add(rb"\x00")
            many.Compile()
            # A set that has no memory for its automaton answers "nothing matches", which would let all pass.
            if not many.Match(_PROBE):
                raise MemoryError(f"{len(self.patterns)} path patterns are too many to be matched at once")
            self._many = many
        return self._many

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Patterns) and self.patterns == other.patterns

    def __hash__(self) -> int:
        return hash((type(self), self.patterns))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.patterns)!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """A list of strings, each of which is checked by itself so that an error has its index."""
        from pydantic_core import core_schema

        def checked(pattern: str) -> str:
            cls.translate(pattern)
            return pattern

        items = core_schema.no_info_after_validator_function(checked, core_schema.str_schema())
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.list_schema(items),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda it: list(it.patterns)),
        )

    @classmethod
    def of(cls, *patterns: str) -> Self:
        """The same from arguments, for defaults: `Covering.of("docs/")`.

        The patterns are translated when they are first needed, since most defaults never are; one that is
        malformed is found then.
        """
        made = cls()
        made.patterns = patterns
        made._expressions = None
        return made


class Guarding(Patterns):
    """Patterns that forbid or lock: each covers all below its match, whatever the case or normal form."""

    __slots__ = ()
    folds: ClassVar[bool] = True


class Covering(Patterns):
    """Patterns that permit, except or condition: each covers all below its match, byte for byte."""

    __slots__ = ()


class Selecting(Patterns):
    """Patterns that pick files by their whole path, byte for byte."""

    __slots__ = ()
    covers: ClassVar[bool] = False


def fold(path: bytes) -> bytes:
    """A path as file systems that ignore case and normal form see it: case-folded, then NFC.

    Bytes that are not UTF-8 stay as they are.
    """
    if path.isascii():
        return path.lower()
    text = path.decode("utf-8", "surrogateescape")
    return _fold(text).encode("utf-8", "surrogateescape")


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    import unicodedata

    # Folding can undo a composition and a composition can bring out another fold: hence both forms.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


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
        return f"{_ANY}*"
    text = ""
    for number, segment in enumerate(segments):
        if segment == "**":
            # `**/` is any number of directories, none included; at the end of a selection it is all below.
            text += f"{_ANY}+" if number == len(segments) - 1 else f"(?:{_ANY}*/)?"
            continue
        text += _segment(segment, pattern, folds=folds)
        if number < len(segments) - 1:
            text += "/"
    return text + _BELOW if covers else text


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
            return "is '/' alone; write '**' for everything" if not body else "has two slashes in a row"
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
        return f"[^/\\x80-\\xbf{listed}]{_CONTINUED}", position
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


def _byte(escape: re.Match[bytes]) -> bytes:
    return bytes([int(escape[1], 16)])


def _wildcards(expression: str) -> int:
    """How many parts of a translation have no length of their own; `re` may try all splits between them."""
    plain = expression.replace(_CONTINUED, "")
    return plain.count("*") + plain.count("+")


def _literal(text: str, *, folds: bool) -> str:
    if folds:
        text = _fold(text)
    return "".join(chr(byte) if byte in _PLAIN else f"\\x{byte:02x}" for byte in text.encode("utf-8"))
