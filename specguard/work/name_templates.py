"""Templates of names: rendered from fields, and parsed back into fields.

A template is text with placeholders, such as `phase-{number}`. Literal braces are doubled. `{x:upper}` is the
value of `x` in upper case, and `{x:lower}` in lower case. An exact read uses one anchored regular expression
compiled from the template. A lenient read uses a second one from the same template. The lenient read accepts
the kind's literal word and a number at the start of a text. The word can be in any case and the number
padded. Any separator may be between them, and any text after them.

Templates of paths also have globs, those of `specguard.declaration.patterns`. In paths, `{number}` matches
digits, and any other placeholder matches a part of a name. `{slug}` does too, although it matches less in a
branch's name: otherwise a file with another kind of name would be skipped silently. `{X}` is the upper-case
form of `{x}`, like `{x:upper}`.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from itertools import pairwise

from specguard.declaration.patterns import LONG_PATH, PatternError, Selecting, count_wildcards, re2_options
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Any, Final


NUMBER: Final = "[0-9]{1,18}"
"""The expression of `{number}`: ASCII digits, of which 18 are enough for any item."""

SLUG: Final = "[a-z0-9][a-z0-9-]*"
"""The expression of `{slug}`."""

FREE_TEXT: Final = "text"
"""The placeholder for free text: the rest of a subject, after the part that identifies the item."""

LONGEST: Final = 1000
"""The limit in characters; a longer text is not read as a name."""

LONGEST_VALUE: Final = 500
"""The limit in characters for the value of a placeholder."""

_TOKEN = re.compile(r"(\{\{|\}\}|\{[a-z][a-z0-9_]*(?::upper|:lower)?\}|[{}])")
# The letters before a number, with at most a few separators between.
_WORD = re.compile(r"(?:^|(?<=[^A-Za-z]))([A-Za-z]+)[-_ ./#:]{0,3}$")


class TemplateError(ValueError):
    """A template that cannot be parsed; the message names the template and the reason."""


class MissingValue(Exception):
    """A placeholder of a template has no value.

    Args:
        name: the placeholder.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Placeholder(Record):
    """A placeholder of a template: its name, and the case of its value.

    Attributes:
        name: the name.
        case: `upper` or `lower`; empty for values in any case.
    """

    name: str
    case: str = ""

    @property
    def expression(self) -> str:
        """The regular expression for the placeholder's text."""
        if self.name == "number":
            return NUMBER
        if self.name == "slug":
            return SLUG.replace("a-z", "A-Z") if self.case == "upper" else SLUG
        if self.name == FREE_TEXT:
            return r"[^\n]+"
        # An id is one word; any other placeholder may contain spaces.
        return r"[^/\s]+" if self.name == "id" else "[^/]+"

    @property
    def shortest(self) -> str:
        """The expression that matches as little as possible."""
        return self.expression if self.name == "number" else f"{self.expression}?"

    def apply_case(self, value: str) -> str:
        """Return the text of a value, in the placeholder's case."""
        return value.upper() if self.case == "upper" else value.lower() if self.case else value


class _Parts:
    """The parts of a template.

    Args:
        text: the template as it is written.
        plain: the template with each placeholder in lower case.
    """

    def __init__(self, text: str, plain: str) -> None:
        self.text = text
        self.parts: tuple[str | Placeholder, ...] = tuple(_parse(plain))
        self.placeholders = tuple(part for part in self.parts if isinstance(part, Placeholder))

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the placeholders."""
        return frozenset(hole.name for hole in self.placeholders)

    def _fields(self, texts: Sequence[str], *, lower: bool) -> dict[str, str] | None:
        """Return the values of placeholders that have some texts; None if texts of one name differ.

        Args:
            texts: the text of each placeholder.
            lower: True if values of upper-case placeholders are returned in lower case, as slugs always are.
        """
        fields: dict[str, str] = {}
        pairs = list(zip(self.placeholders, texts, strict=True))
        for hole, text in pairs:
            # The value of a placeholder without a case keeps more than a converted one.
            if hole.name not in fields or not hole.case:
                lowers = hole.case == "upper" and (lower or hole.name == "slug")
                fields[hole.name] = text.lower() if lowers else text
        return fields if all(one.apply_case(fields[one.name]) == text for one, text in pairs) else None

    def _fill(self, value: Callable[[Placeholder], str], literal: Callable[[str], str] = str) -> str:
        """Return the text with the value of each placeholder and the converted literal parts."""
        return "".join(value(part) if isinstance(part, Placeholder) else literal(part) for part in self.parts)


class Template(_Parts):
    """A name with placeholders.

    Args:
        text: the template as it is written.
        ids: an expression that `{id}` matches as a whole, in any case; empty for any word.

    Raises:
        TemplateError: a brace has no partner, or a placeholder has no name or an unknown form.
    """

    def __init__(self, text: str, ids: str = "") -> None:
        super().__init__(text, text)
        self._ids = ids

    @cached_property
    def literal_size(self) -> int:
        """The number of literal characters: if two templates read a text, the one with more wins."""
        return sum(len(part) for part in self.parts if isinstance(part, str))

    @cached_property
    def word(self) -> str:
        """The literal word before the number, in lower case: `phase` in `feat(phase{number})`.

        Empty without such a word.
        """
        return self._word[1].lower() if self._word else ""

    def render(self, fields: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
        """Return the name that fields give.

        Args:
            fields: a value for each placeholder.
            escape: applied to each value, if the result is a pattern.

        Raises:
            MissingValue: a placeholder has no value, or an empty one.
        """

        def value(hole: Placeholder) -> str:
            if not fields.get(hole.name):
                raise MissingValue(hole.name)
            return escape(hole.apply_case(fields[hole.name]))

        return self._fill(value)

    def fill(self, fields: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
        """Return the rendered name; empty if a placeholder has no value."""
        return self.render(fields, escape) if all(map(fields.get, self.names)) else ""

    def read(self, text: str) -> dict[str, str] | None:
        """Return the fields that render to a text; None if such fields do not exist.

        If several values fit, the first placeholder matches as little as possible. So free text comes last in
        names, as in `{id} {text}`.
        """
        if len(text) > LONGEST or not text:
            return None
        try:
            match = self._exact.fullmatch(text)
        except UnicodeEncodeError:
            # RE2 does not accept surrogates.
            return None
        return None if match is None else self._fields(match.groups(), lower=False)

    def read_leniently(self, text: str) -> dict[str, str] | None:
        """Return the number, and the slug if present, of a text that starts with the word and a number."""
        match = self._lenient.match(text) if self._lenient is not None and len(text) <= LONGEST else None
        if match is None:
            return None
        fields = {"number": match.group("number").lstrip("0") or "0"}
        if "slug" in self.names and match.group("slug"):
            fields["slug"] = match.group("slug")
        return fields

    @cached_property
    def _exact(self) -> Any:
        """The expression with a group for each placeholder, which takes at most quadratic time."""
        ids = f"(?i:{self._ids})" if self._ids else ""
        source = self._fill(lambda hole: f"({(hole.name == 'id' and ids) or hole.shortest})", re.escape)
        if self._ids or sum(hole.name != "number" for hole in self.placeholders) > 2:
            import re2

            # RE2 takes linear time, even with many placeholders for any text.
            return re2.compile(source)
        return re.compile(source)

    @cached_property
    def _word(self) -> re.Match[str] | None:
        """The word in the literal part before the number; None if the template begins otherwise."""
        match self.parts:
            case (str() as head, Placeholder(name="number"), *_):
                return _WORD.search(head)
        return None

    @cached_property
    def _lenient(self) -> re.Pattern[str] | None:
        if self._word is None:
            return None
        before = re.escape(self._word.string[: self._word.start(1)])
        # A conventional commit of any type may name its item in the scope; agents' tools prefix branches.
        return re.compile(
            rf"(?:{before}|[a-z]{{1,20}}\(|(?:codex|claude|copilot|cursor)/)?{self.word}[-_ ./#:]{{0,3}}"
            rf"(?P<number>{NUMBER})(?![0-9a-z]|\.[0-9])(?:[-_ ./:)]{{1,3}}(?P<slug>{SLUG})$)?",
            re.IGNORECASE | re.ASCII,
        )


def _parse(text: str) -> Iterator[str | Placeholder]:
    literal = ""
    for position, piece in enumerate(_TOKEN.split(text)):
        name, _, case = piece.strip("{}").partition(":")
        if position % 2 == 0 or piece in ("{{", "}}"):
            literal += piece if position % 2 == 0 else piece[0]
            continue
        if not name:
            raise TemplateError(
                f"the template {text!r} has a {piece!r} that starts or ends no placeholder: write "
                "{name}, {name:upper} or {name:lower}, and a literal brace doubled"
            )
        if literal:
            yield literal
        literal = ""
        yield Placeholder(name, case)
    if literal:
        yield literal


def is_value(text: str) -> bool:
    """Return True if a text can be the value of a placeholder: short, and without control characters."""
    return len(text) <= LONGEST_VALUE and not any(char < " " or char == "\x7f" for char in text)


def number_width(text: str) -> int:
    """Return the minimum number of digits: 1 for the format `{n}`, 2 for `{n:02}`.

    Raises:
        TemplateError: the format has another form.
    """
    match = re.fullmatch(r"\{n(?::0([1-9]))?\}", text)
    if match is None:
        raise TemplateError(f"the number format {text!r} is neither '{{n}}' nor one like '{{n:02}}'")
    return int(match[1] or 1)


def check_readable(text: str) -> None:
    """Check that a text is a template that can be read back.

    Raises:
        TemplateError: the template is malformed, or has two placeholders with nothing between them.
    """
    for one, other in pairwise(Template(text).parts):
        if isinstance(one, Placeholder) and isinstance(other, Placeholder):
            raise TemplateError(
                f"the template {text!r} has {{{one.name}}} and {{{other.name}}} with nothing between them, "
                "so it cannot be read back"
            )


def check_ids(text: str) -> None:
    """Check that a text is empty, or an expression without groups of its own.

    Raises:
        ExpressionError: the expression is malformed.
        TemplateError: the expression has a group.
    """
    from specguard.declaration.regular_expressions import Expression

    if text and Expression(text).check().group_count:
        raise TemplateError(f"the expression {text!r} has a group of its own: write `(?:...)`")


_CAPITALS: Final = re.compile(r"\{\{|\}\}|\{([A-Z][A-Z0-9_]*)\}")
_SPECIAL: Final = re.compile(r"[*?\[\]\\|]|^[!#^ ]|[ $]$|(?<=[.\]])\+")
# Characters of private use stand for placeholders while the globs are translated.
_FIRST: Final = 0xE000
_LAST: Final = 0xE0FF


class PathTemplate(_Parts):
    """A path with globs and placeholders.

    Args:
        text: the template as it is written; a trailing slash, as for a folder, is ignored.

    Raises:
        TemplateError: a placeholder is malformed, or is in a place where none is allowed.
        PatternError: a glob is malformed.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text, _CAPITALS.sub(_lower_name, text.rstrip("/") or text))
        self._expression = _expression(self)

    @cached_property
    def pattern(self) -> Selecting:
        """A pattern that matches every path that the template reads: each placeholder is a `*`."""
        return Selecting([self.render({})])

    def read(self, path: bytes) -> dict[str, str] | None:
        """Return the values of the placeholders in a path; None if the template does not match it.

        A placeholder matches as little as possible. The value of a placeholder that occurs only in upper case
        is returned in lower case. A name that occurs twice must have the same value in both places.
        """
        found = self._texts(path)
        return None if found is None else self._fields(found, lower=True)

    def key_of(self, path: bytes, names: Collection[str]) -> tuple[str, ...] | None:
        """Return the texts of some placeholders in a path, for a comparison with `key`.

        Args:
            path: the path.
            names: the placeholders that count.

        Returns:
            None if the template does not match the path.
        """
        found = self._texts(path)
        if found is None or self._fields(found, lower=True) is None:
            return None
        return tuple(text for hole, text in zip(self.placeholders, found, strict=True) if hole.name in names)

    def key(self, fields: Mapping[str, str]) -> tuple[str, ...]:
        """Return the texts of the placeholders that have a value, in template order."""
        return tuple(hole.apply_case(fields[hole.name]) for hole in self.placeholders if hole.name in fields)

    def exact_path(self, fields: Mapping[str, str]) -> bytes | None:
        """Return the only path that the template means with these values; None if it has globs or gaps.

        Values read from a path have no slash; a slash in a value is kept here.
        """
        globs = any(isinstance(part, str) and has_wildcard(part) for part in self.parts)
        if globs or not self.names <= fields.keys():
            return None
        text = self._fill(lambda hole: hole.apply_case(fields[hole.name]), unescape)
        return text.removeprefix("/").encode("utf-8", "surrogateescape")

    def show(self, fields: Mapping[str, str]) -> str:
        """Return the template for people, with the known values, and a star for each missing one."""
        return unescape(self.render(fields))

    def find(self, paths: Sequence[bytes]) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the position and the placeholders' values of each path that the template reads."""
        for position, _ in self.pattern.find_each(paths):
            if (fields := self.read(paths[position])) is not None:
                yield position, fields

    def render(self, fields: Mapping[str, str]) -> str:
        """Return the pattern after placeholders get their values; a placeholder without a value is a star."""
        return self._fill(lambda hole: escape(hole.apply_case(fields.get(hole.name, ""))) or "*")

    def _texts(self, path: bytes) -> Sequence[str] | None:
        """Return the text of each placeholder in a path; None if the template does not match it."""
        match = (self._exact if len(path) <= LONG_PATH else self._linear).fullmatch(path)
        return None if match is None else [one.decode("utf-8", "surrogateescape") for one in match.groups()]

    @cached_property
    def _exact(self) -> Any:
        """The expression for short paths."""
        if count_wildcards(self._expression) > 3:
            return self._linear
        return re.compile(self._expression.encode("ascii"))

    @cached_property
    def _linear(self) -> Any:
        """The expression for long paths, which takes linear time."""
        import re2

        return re2.compile(self._expression.encode("ascii"), re2_options())


@lru_cache(maxsize=1024)
def name_template(text: str, ids: str = "") -> Template:
    """Return the template of a name, which is parsed once."""
    return Template(text, ids)


@lru_cache(maxsize=1024)
def path_template(text: str) -> PathTemplate:
    """Return the template of a text, which is parsed once."""
    return PathTemplate(text)


def escape(value: str) -> str:
    """Return a pattern that matches only a value."""
    return _SPECIAL.sub(r"\\\g<0>", value)


def unescape(pattern: str) -> str:
    """Return the name that a pattern without wildcards matches, with its backslashes removed."""
    return re.sub(r"\\(.)", r"\1", pattern)


def has_wildcard(pattern: str) -> bool:
    """Return True if a pattern or template has a wildcard that no backslash escapes."""
    return re.search(r"(?<!\\)(?:\\\\)*[*?\[]", pattern) is not None


def _lower_name(token: re.Match[str]) -> str:
    return f"{{{token[1].lower()}:upper}}" if token[1] else token[0]


def _expression(template: PathTemplate) -> str:
    """Return the expression that matches the bytes of a path, with a group for each placeholder."""
    text = template.text
    if any(_FIRST <= ord(char) <= _LAST for char in text) or len(template.placeholders) > _LAST - _FIRST:
        raise TemplateError(f"the template {text!r} has characters of private use or too many placeholders")
    plain = ""
    marks: list[str] = []
    for part in template.parts:
        if isinstance(part, Placeholder):
            part = chr(_FIRST + len(marks))
            marks.append("".join(f"\\x{byte:02x}" for byte in part.encode("utf-8")))
        plain += part
    try:
        expression = Selecting.translate(plain)
    except PatternError as error:
        raise PatternError(text, error.problem) from None
    for mark, hole in zip(marks, template.placeholders, strict=True):
        if mark not in expression or expression.partition(mark)[0].endswith(("(?:", "|")):
            raise TemplateError(f"the template {text!r} has a placeholder within '[...]'")
        shortest = "[^/]+?" if hole.name == "slug" else hole.shortest
        expression = expression.replace(mark, f"({shortest})", 1)
    return expression
