"""Expressions of a policy: RE2 syntax, so that no text can make a check slow."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache

from specguard.declaration.patterns import re2_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Self

_UNSUPPORTED = {"(?=": "looks ahead", "(?!": "looks ahead", "(?<=": "looks behind", "(?<!": "looks behind"}


class ExpressionError(ValueError):
    """An expression that RE2 cannot parse; the text says why."""


class Expression:
    """An expression in RE2 syntax, unanchored unless it has `^` and `$`, with flags inside, as in `(?i)todo`.

    It is read as UTF-8, so `.` is one character. A byte of the text that is not UTF-8 counts as U+FFFD, which
    `.` matches, so that such a byte cannot evade an expression. An expression is compiled on first use.

    Args:
        text: the expression as written.
        literals: its required literals, if they are known.
    """

    def __init__(self, text: str, literals: Sequence[str] | None = None) -> None:
        self.text = text
        if literals is not None:
            self.literals = literals

    def search(self, text: str | bytes) -> bool:
        """True if the expression matches anywhere in a text."""
        if isinstance(text, str) and self._is_simple(text):
            return re.search(self.text, text) is not None
        return _compile(self.text).search(to_utf8(text)) is not None

    def may_match_line(self, text: str | bytes) -> bool:
        """True if the expression may match in a line of a text; one search covers all lines.

        `^` and `$` mean the start and end of a line. If this is false, no line matches.
        """
        if "\\A" in self.text or "\\z" in self.text:
            return True
        return _compile(f"(?m){self.text}").search(to_utf8(text)) is not None

    def matches(self, text: str | bytes) -> Iterator[str]:
        """Yield the matches in a text, from left to right, without overlap.

        Each match may scan to the text's end, so this is for short texts, such as a line.
        """
        return (str(match[0], "utf-8", "replace") for match in _compile(self.text).finditer(to_utf8(text)))

    def count(self, text: str | bytes) -> int:
        """Return the number of `matches` in a text."""
        return sum(1 for _ in self.matches(text))

    def capture(self, text: str | bytes) -> str | None:
        """Return the first group of the first match; None if nothing matches or the group took no part."""
        match = _compile(self.text).search(to_utf8(text))
        group = match.group(1) if match else None
        return None if group is None else str(group, "utf-8", "replace")

    @property
    def group_count(self) -> int:
        """The number of groups."""
        return int(_compile(self.text).groups)

    def check(self) -> Self:
        """Compile the expression, and return it.

        Raises:
            ExpressionError: RE2 cannot parse it; or it is empty and would match everything; or it has a
                backspace and would match nothing.
        """
        if not self.text:
            raise ExpressionError("the expression is empty and would match every text")
        if "\b" in self.text:
            raise ExpressionError(r"in double quotes \b is a backspace: write \\b, or use single quotes")
        import re2

        try:
            _compile(self.text)
        except re2.error as error:
            reason = error.args[0]
            reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            for form, name in _UNSUPPORTED.items():
                if form in self.text:
                    reason = f"it {name} with {form!r}, which RE2 does not have"
            raise ExpressionError(f"the expression {self.text!r} is not RE2 syntax: {reason}") from None
        except UnicodeEncodeError:
            raise ExpressionError(f"the expression {self.text!r} is not valid Unicode") from None
        return self

    def _is_simple(self, text: str) -> bool:
        """True if Python's `re` gives the same result for a text, and as fast.

        A branch's name is matched before every commit, where loading RE2 takes a twentieth of the time.
        """
        return (
            len(text) <= _SHORT_TEXT
            and text.isascii()
            and text.isprintable()
            and len(self.text) <= _SHORT_TEXT
            and self.text.count("(") <= _FEW_REPEATS
            and self.text.count("+") + self.text.count("*") <= _FEW_REPEATS
            and re.fullmatch(_SIMPLE, self.text) is not None
        )

    @cached_property
    def literals(self) -> Sequence[str]:
        """Texts of printable ASCII, at least one of which is in every match; empty if none are known."""
        return required_literals(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self) -> int:
        return hash((Expression, self.text))

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


_SIMPLE = r"\^(?:[A-Za-z0-9_/:#|()-]|\\[./-]|\[(?:[A-Za-z0-9_/.]|-(?!-))+\][+*]?)*\$?"
"""Expressions for names that RE2 and Python read alike: letters, alternatives, classes of letters."""

_SHORT_TEXT = 120
"""The maximum length, in characters, of such an expression and of its text."""

_FEW_REPEATS = 2
"""The maximum number of groups, and of repeats, with which Python is always fast."""


def required_literals(text: str) -> Sequence[str]:
    """Return printable ASCII texts, at least one of which is in every match; empty if none are known.

    Python's own parser finds them, if the two syntaxes agree. A syntax that it refuses, flags that ignore
    case, named classes and text beyond ASCII give none.
    """
    if not text.isascii() or re.search(_DOUBTFUL_CLASS, text):
        return ()
    from re import _parser as parser  # type: ignore[attr-defined]  # no public one exists

    try:
        parsed = parser.parse(text)
    except (re.error, RecursionError, OverflowError):
        return ()
    return () if parsed.state.flags & re.IGNORECASE else _literals(parsed)


_DOUBTFUL_CLASS = r"\[\^?\]?(?:[^]\\]|\\.)*?(?:\[|--|&&|~~|\|\|)"
"""A class of characters that Python warns about, or reads unlike RE2, such as one with `[:alpha:]`."""

_ANCHORS = ("AT_BEGINNING", "AT_BEGINNING_STRING", "AT_BOUNDARY", "AT_NON_BOUNDARY", "AT_END")


def _literals(items: Iterable[Any]) -> Sequence[str]:
    """Return literals, at least one of which is in every match of the items; empty if none are known.

    Of several such groups of literals this is the one whose shortest literal is longest.
    """
    candidates: list[Sequence[str]] = [()]
    run = ""
    for code, value in items:
        name, text = str(code), ""
        inner: Sequence[str] = ()
        if name == "LITERAL" and 32 <= value < 127:
            text = chr(value)
        elif name == "AT" and str(value) in _ANCHORS:
            continue
        elif name == "SUBPATTERN" and not value[1]:
            inner = _literals(value[3])
        elif name == "BRANCH":
            branches = [_literals(branch) for branch in value[1]]
            inner = [literal for branch in branches for literal in branch] if all(branches) else ()
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and value[0]:
            inner = _literals(value[2])
            if [str(code) for code, _ in value[2]] == ["LITERAL"] and inner:
                text = inner[0] * min(value[0], _WRITTEN_OUT)
                inner = ()
        if text:
            run += text
            # More repetitions may come before the next item, so the run ends here.
            if name == "LITERAL" or value[0] == value[1] <= _WRITTEN_OUT:
                continue
        candidates += [[run], inner] if run else [inner]
        run = ""
    if run:
        candidates.append([run])
    return max(candidates, key=lambda literals: min(map(len, literals), default=0))


_WRITTEN_OUT = 64
"""The maximum number of repetitions for which a repeated character is written out."""


@lru_cache(maxsize=4096)
def _compile(text: str) -> Any:
    import re2

    return re2.compile(text, re2_options(latin1=False))


def to_utf8(text: str | bytes) -> bytes:
    """Return a text as valid UTF-8, as expressions read it; each run of other bytes becomes U+FFFD.

    Newlines keep their positions.
    """
    if isinstance(text, bytes):
        content = text
    else:
        try:
            content = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            # The text has a lone surrogate, which represents no byte.
            content = text.encode("utf-8", "replace")
    return content if content.isascii() else content.decode("utf-8", "replace").encode("utf-8")
