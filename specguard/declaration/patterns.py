"""Path patterns of a policy: lists of them, matched together against the bytes of paths.

A pattern is translated when the policy is compiled, to text that both `re` and RE2 read in the same way. The
policy stores that text. Patterns are relative to the repository's root. `*`, `?` and `[...]` never match `/`;
`**` as a whole segment matches any number of directories; a backslash escapes a special character. `[id]` is
also the name `[id]`.
"""

from __future__ import annotations

import re
from functools import cached_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any, ClassVar, Final, Self


ANY_BYTE: Final = "(?s:.)"
"""The translation of any byte; no other part of a translation has this text."""

ALL_BELOW: Final = f"(?:/{ANY_BYTE}*)?"
"""The end of the translation of a pattern that covers: nothing more, or a slash and any further path."""

UNESCAPED: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/-")
r"""The characters that a translation leaves as they are; others become their bytes, each as `\xNN`."""

CONTINUED: Final = r"[\x80-\xbf]*"
"""The continuation bytes of a UTF-8 character."""

SET_FROM: Final = 500
"""From this number of paths on, making an RE2 set costs less than it saves."""

PATHS_PER_SEARCH: Final = 100
"""The number of paths that one search covers; only where it finds a match is each path matched by itself."""

LONG_PATH: Final = 1024
"""A path longer than this, in bytes, is matched by RE2, whose time is linear for every pattern."""

_NONE: Final = 1 << 62
# No path has a NUL, so only this probe's own pattern matches it, if the set works.
_PROBE: Final = b"\0"


class Patterns:
    """A list of path patterns, matched together; true if the list is not empty.

    Args:
        patterns: the patterns as written.
        expressions: their translations, if a compiled policy has them already.

    Raises:
        PatternError: a pattern is malformed.
    """

    covers: ClassVar[bool] = True
    folds: ClassVar[bool] = False

    def __init__(self, patterns: Sequence[str] = (), expressions: Sequence[str] | None = None) -> None:
        self.patterns = tuple(patterns)
        self.expressions = list(map(self.translate, patterns)) if expressions is None else expressions
        self._used_cache: list[tuple[Sequence[bytes], Collection[int]]] = []

    @classmethod
    def translate(cls, pattern: str) -> str:
        """Return the expression of a pattern, for a match against a whole path.

        Raises:
            PatternError: the pattern is malformed.
        """
        return translate(pattern, covers=cls.covers, folds=cls.folds)

    @classmethod
    def problem_in(cls, *patterns: str, written: str = "") -> str:
        """Return the problem of the first malformed pattern, as a clause; empty if all are valid.

        Args:
            patterns: the patterns.
            written: the text that a pattern is made from, which the clause names instead of it.
        """
        for pattern in patterns:
            try:
                cls.translate(pattern)
            except PatternError as error:
                return f"the pattern {written or pattern!r} {error.problem}"
        return ""

    @cached_property
    def expressions(self) -> Sequence[str]:
        """The translation of each pattern."""
        return [self.translate(pattern) for pattern in self.patterns]

    def find(self, path: bytes) -> int | None:
        """Return the index of the first pattern that matches a path; None if none does."""
        if not self.patterns:
            return None
        subject = fold(path) if self.folds else path
        names, longest, few, indexes = self._split
        found = names.get(subject, _NONE)
        if self.covers and names:
            end = subject.rfind(b"/", 0, longest + 1)
            while end > 0:
                found = min(found, names.get(subject[:end], _NONE))
                end = subject.rfind(b"/", 0, end)
        if few is None or len(path) > LONG_PATH:
            found = min([found, *(self._set.Match(subject) or ())]) if indexes else found
        elif match := few.fullmatch(subject):
            # Each alternative ends in an empty group, whose number says which one matched.
            found = min(found, indexes[(match.lastindex or 1) - 1])
        return None if found == _NONE else found

    def matches(self, path: bytes) -> bool:
        """True if a pattern matches a path."""
        return self.find(path) is not None

    def find_each(self, paths: Sequence[bytes]) -> Iterator[tuple[int, int]]:
        """Yield the position of each path that matches, and the index of the first pattern that does."""
        if len(paths) < SET_FROM:
            for position, path in enumerate(paths):
                if (index := self.find(path)) is not None:
                    yield position, index
            return
        for position, found in self.find_all(paths):
            yield position, min(found)

    def among(self, paths: Sequence[bytes]) -> list[bytes]:
        """Return the paths that match, in their order."""
        return [paths[position] for position, _ in self.find_each(paths)]

    def find_all(self, paths: Sequence[bytes]) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield the position of each path that matches, and the indexes of all patterns that match it."""
        folds = self.folds
        for start in range(0, len(paths) if self.patterns else 0, PATHS_PER_SEARCH):
            part = paths[start : start + PATHS_PER_SEARCH]
            joined = b"\0" + b"\0".join(part)
            if self._any.search(fold(joined) if folds else joined) is not None:
                for position, path in enumerate(part, start):
                    if found := self._set.Match(fold(path) if folds else path):
                        yield position, found

    def used(self, paths: Sequence[bytes]) -> Collection[int]:
        """Return the indexes of all patterns that match any path; those for the last two lists are cached."""
        used = next((indexes for known, indexes in self._used_cache if known == paths), None)
        if used is None:
            # The files of a change and of its base take turns.
            used = {index for _, found in self.find_all(paths) for index in found}
            self._used_cache = [*self._used_cache[-1:], (paths, used)]
        return used

    @cached_property
    def _split(self) -> tuple[dict[bytes, int], int, re.Pattern[bytes] | None, list[int]]:
        """The plain names among the patterns with their indexes, and one expression for all others.

        With the names comes the length of the longest, because a longer folder above a path cannot be one of
        them. The expression is None without others, or if `re` could take longer than the square of a path's
        length.
        """
        names: dict[bytes, int] = {}
        indexes: list[int] = []
        tail = ALL_BELOW if self.covers else ""
        for index, expression in enumerate(self.expressions):
            name = _plain_name(expression.removesuffix(tail)) if expression.endswith(tail) else None
            if name is not None:
                names.setdefault(name, index)
            else:
                indexes.append(index)
        others = [self.expressions[index] for index in indexes]
        few = None
        # An expression without any alternative would match the empty path, which a crafted tree can hold.
        if others and all(count_wildcards(expression) <= 3 for expression in others):
            text = "|".join(f"{expression}()" for expression in others)
            # One flag for all is compiled faster than one for each part.
            few = re.compile(text.replace(ANY_BYTE, ".").encode("ascii"), re.DOTALL)
        return names, max(map(len, names), default=0), few, indexes

    @cached_property
    def _any(self) -> Any:
        """An expression that finds a match in many paths joined to one text, each after a NUL.

        No path contains a NUL, so the parts that match any character must not match it either.
        """
        import re2

        paths = "|".join(self.expressions).replace(ANY_BYTE, r"[^\x00]").replace("[^/", r"[^/\x00")
        text = rf"\x00(?:{paths})(?:\x00|\z)"
        return re2.compile(text.encode("ascii"), options=re2_options(max_mem=_MEMORY_BYTES))

    @cached_property
    def _set(self) -> Any:
        """An RE2 set of the expressions."""
        import re2

        many = re2.Set.FullMatchSet(re2_options(max_mem=_MEMORY_BYTES))
        for expression in self.expressions:
            many.Add(expression.encode("ascii"))
        many.Add(rb"\x00")
        many.Compile()
        # A set without memory for its automaton matches nothing, which would let every path pass.
        if not many.Match(_PROBE):
            raise MemoryError(f"{len(self.patterns)} path patterns are too many to be matched at once")
        return many

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Patterns) and self.patterns == other.patterns

    def __hash__(self) -> int:
        return hash((type(self), self.patterns))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.patterns)!r})"

    @classmethod
    def of(cls, *patterns: str) -> Self:
        """Return the patterns given as arguments, for defaults: `Covering.of("docs/")`.

        The patterns are translated when they are first needed, since most defaults never are. A malformed one
        raises its error then.
        """
        made = cls()
        made.patterns = patterns
        # Those of no patterns; the property makes these when they are asked for.
        del made.expressions
        return made


class Guarding(Patterns):
    """Patterns that forbid or lock: each covers all below its match, whatever the case or normal form."""

    folds: ClassVar[bool] = True


class Covering(Patterns):
    """Patterns that permit, except or condition: each covers all below its match, byte for byte."""


class Selecting(Patterns):
    """Patterns that select files by their whole path, byte for byte."""

    covers: ClassVar[bool] = False


def fold(path: bytes) -> bytes:
    """Return a path as file systems that ignore case and normal form see it: case-folded, then NFC.

    Bytes that are not UTF-8 stay as they are.
    """
    if path.isascii():
        return path.lower()
    return fold_text(path.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def fold_text(text: str) -> str:
    """Return text in the form that `fold` gives to paths."""
    if text.isascii():
        return text.lower()
    import unicodedata

    # Folding can undo a composition, and a composition can have another fold: hence both forms.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


_MEMORY_BYTES: Final = 256 << 20
"""The maximum memory, in bytes, for the patterns of one setting."""


def re2_options(*, latin1: bool = True, **more: Any) -> Any:
    """Return RE2's options: by default for bytes, and without logging of errors."""
    import re2

    options = re2.Options()
    options.log_errors = False
    if latin1:
        options.encoding = re2.Options.Encoding.LATIN1
    for name, value in more.items():
        setattr(options, name, value)
    return options


def _plain_name(expression: str) -> bytes | None:
    """Return the one path that a translation matches; None if it matches others too."""
    first, *escaped = expression.split(r"\x")
    if not expression or not UNESCAPED.issuperset("".join([first, *escaped])):
        return None
    return first.encode("ascii") + b"".join(
        [bytes.fromhex(piece[:2]) + piece[2:].encode("ascii") for piece in escaped]
    )


def count_wildcards(expression: str) -> int:
    """Count the parts of a translation with a variable length; `re` may try all splits between them."""
    plain = expression.replace(CONTINUED, "")
    # A class that has a `[` matches the beginning of its own name, too.
    classes = [part.rpartition("[")[2] for part in plain.split("]")[:-1]]
    return plain.count("*") + plain.count("+") + sum(r"\x5b" in listed for listed in classes)


_IN_SEGMENT: Final = "[^/]"
# One UTF-8 character: a first byte, and its continuation bytes.
_CHARACTER: Final = r"[^/\x80-\xbf]" + CONTINUED
# Few processes translate patterns, so these are compiled only on use.
_PIECE: Final = (
    r"(?P<itself>\\[*?\[\]\\!#^$+| ]|[^\\*?\[])|[*?]"
    r"|\[(?P<negated>[!^]?+)(?P<members>(?:\\.|[^\\])(?:\\.|[^\\\]])*)\]"
)
_MEMBER: Final = r"\\?(?P<low>.)(?:-\\?(?P<high>.))?"
_BACKSLASH: Final = (
    "has a backslash, which may only be before one of * ? [ ] \\ ! # ^ $ + | or a space; "
    "directories are separated by '/'"
)
_UNCLOSED: Final = "has a '[' that is not closed; write '\\[' for the character"


class PatternError(ValueError):
    """A pattern that can never match, or not what its author expects; the text says which and why.

    Args:
        pattern: the pattern.
        problem: what it has or is, as a predicate.
    """

    def __init__(self, pattern: str, problem: str) -> None:
        super().__init__(f"the pattern {pattern!r} {problem}")
        self.problem = problem


def expansion(pattern: str, *, covers: bool) -> str:
    """Return the expansion of a pattern, for people: a covering `docs/**` is `docs and everything below`."""
    plain = "/".join(_split_segments(pattern, covers=covers))
    if not covers:
        return plain
    return f"{plain} and everything below" if plain else "everything"


def is_path(text: str) -> bool:
    """True if a text is the path of a file that a repository may hold, from its root or a folder of it."""
    return "\0" not in text and {"", ".", "..", ".git"}.isdisjoint(text.lower().split("/"))


def is_plain(pattern: str) -> bool:
    """True if a pattern, or a segment of one, is a plain name, without wildcards and backslashes."""
    return not any(char in pattern for char in "*?[\\")


def can_overlap(one: str, other: str) -> bool:
    """True if two patterns, each of which covers everything below its match, could match one path.

    Only the text before the first wildcard counts, so a few disjoint patterns are reported as overlapping.
    """
    shorter, longer = sorted(map(_fixed_prefix, (one, other)), key=len)
    return longer.startswith(shorter)


def _fixed_prefix(pattern: str) -> str:
    """Return the common prefix of all paths that a pattern matches."""
    before, *wild = re.split(r"[*?\[\\]", pattern.removeprefix("./").removeprefix("/"), maxsplit=1)
    return before if wild else before.rstrip("/") + "/"


def translate(pattern: str, *, covers: bool, folds: bool) -> str:
    """Return the expression of a pattern, for a match against all of a path's bytes.

    Args:
        pattern: the pattern as written.
        covers: True if a match includes everything below it; `dir`, `dir/` and `dir/**` are then equal.
        folds: True if paths are case-folded before the match, see `fold`.

    Raises:
        PatternError: the pattern is malformed.
    """
    segments = _split_segments(pattern, covers=covers)
    if not segments:
        return f"{ANY_BYTE}*"
    text, last = "", len(segments) - 1
    for number, segment in enumerate(segments):
        if segment == "**":
            # `**/` matches any number of directories, also zero; at the end of a selection, everything below.
            text += f"{ANY_BYTE}+" if number == last else f"(?:{ANY_BYTE}*/)?"
        else:
            text += _translate_part(segment, pattern, folds=folds) + ("/" if number < last else "")
    return text + ALL_BELOW if covers else text


def _split_segments(pattern: str, *, covers: bool) -> list[str]:
    """Split a pattern into segments, without a leading slash; if it covers, without a final `/` or `/**`."""
    if problem := _problem(pattern):
        raise PatternError(pattern, problem)
    body = pattern.removeprefix("/")
    if body.endswith("/"):
        if not covers:
            raise PatternError(pattern, f"ends with '/' and selects no file; write {pattern + '**'!r}")
        body = body[:-1]
    segments: list[str] = []
    for segment in body.split("/"):
        # Two in a row mean the same as one, and cost a matcher time.
        if segment != "**" or segments[-1:] != ["**"]:
            segments.append(segment)
    if covers and segments[-1] == "**":
        segments.pop()
    return segments


def _problem(pattern: str) -> str:
    """Return the problem with a pattern before it is split; empty if there is none."""
    if not pattern.strip():
        return "is empty"
    if pattern[0] in "!# ":
        return f"starts with {pattern[0]!r}, which means nothing here; for such a name write '\\{pattern[0]}'"
    if pattern.endswith(" ") and not pattern.endswith("\\ "):
        return "ends with a space; write '\\ ' for a name that does"
    if any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in pattern):
        return "has a control character, or half of one"
    inside, closed, _ = pattern.partition("{")[2].partition("}")
    if closed and "," in inside:
        return "has a choice in braces, which is not read; write one pattern for each: '*.pem', '*.key'"
    # What a backslash escapes is a part of a name.
    bare = "x".join(part[1:] for part in f" {pattern}".split("\\"))
    if bare[:1] == "^" or bare[-1:] == "$" or any(sign in bare for sign in (".+", "]+", "|")):
        return "is written as an expression, which is not read here; write 'docs/' or '**/*.md'"
    body = pattern.removeprefix("/").removesuffix("/")
    for segment in body.split("/"):
        if not segment:
            return "is only '/'; write '**' for everything" if not body else "has two slashes in a row"
        if segment in {".", ".."}:
            return f"has the segment {segment!r}; patterns are read from the repository's root"
    return ""


def _translate_part(segment: str, pattern: str, *, folds: bool) -> str:
    """Return the expression of one segment."""
    pieces = re.compile(_PIECE)
    text = ""
    literal = ""
    position = 0
    while position < len(segment):
        piece = pieces.match(segment, position)
        if piece is None:
            raise PatternError(pattern, _UNCLOSED if segment[position] == "[" else _BACKSLASH)
        position = piece.end()
        if piece["itself"]:
            literal += piece["itself"].removeprefix("\\")
            continue
        text += _translate_text(literal, folds=folds)
        literal = ""
        if piece["members"]:
            text += _translate_class(piece["members"], pattern, negated=bool(piece["negated"]), folds=folds)
        elif piece[0] == "?":
            text += _CHARACTER
        elif not text.endswith(f"{_IN_SEGMENT}*"):
            text += f"{_IN_SEGMENT}*"
    text += _translate_text(literal, folds=folds)
    # A single star represents a name, and a name is never empty.
    return f"{_IN_SEGMENT}+" if text == f"{_IN_SEGMENT}*" else text


def _translate_class(inside: str, pattern: str, *, negated: bool, folds: bool) -> str:
    """Return the expression of a `[...]` with these characters and ranges."""
    codes: set[int] = set()
    others: set[str] = set()
    for member in re.finditer(_MEMBER, inside):
        low, high = member["low"], member["high"]
        if inside.startswith("[:", member.start()):
            raise PatternError(pattern, "names a class of characters with '[:'; write a range: [a-z]")
        if not (high or (low if negated else "")).isascii():
            problem = "has letters beyond ASCII in a range or a negated class; list them one by one"
            raise PatternError(pattern, problem)
        if high or low.isascii():
            codes.update(range(ord(low), ord(high or low) + 1))
        else:
            others.add(_translate_text(low, folds=folds))
    if folds:
        codes = {ord(chr(code).lower()) for code in codes}
    codes.discard(ord("/"))
    listed = "".join(f"\\x{code:02x}" for code in sorted(codes))
    if negated:
        return f"[^/\\x80-\\xbf{listed}]{CONTINUED}"
    # Names such as `[id]` are usual, so a class means itself too; the range of `[user-id]` is empty.
    itself = _translate_text(f"[{inside}]", folds=folds)
    return f"(?:{'|'.join([*([f'[{listed}]'] if listed else []), *sorted(others), itself])})"


def _translate_text(text: str, *, folds: bool) -> str:
    if folds:
        text = fold_text(text)
    return "".join(chr(byte) if chr(byte) in UNESCAPED else f"\\x{byte:02x}" for byte in text.encode("utf-8"))
