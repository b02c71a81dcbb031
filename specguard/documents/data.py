"""Structured data with the line of every key and element: JSON and YAML; for TOML see `documents/toml.py`.

Equal text has an equal value in all three formats. Ambiguous input is refused: duplicate keys, several
documents in one file, and YAML's anchors, aliases, merge keys and tags. YAML's `no`, `010` and dates stay
text, as written.
"""

from __future__ import annotations

import json
import re
import sys
from bisect import bisect_left
from functools import cached_property

from specguard.errors import MissingFact
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final, Literal, Self, TypeVar

    _Place = TypeVar("_Place")

    Kind = Literal["json", "yaml", "toml"]

    Path = Sequence[str | int]
    """A key from the top: names of keys, and positions in lists."""

    Lines = Mapping[tuple[str, ...], int]
    """The line of each key and of each list element, by its path from the top."""


class Problem(Record):
    """The reason why something cannot be read.

    Attributes:
        message: the problem, as a clause that can follow the file's name: `it is not UTF-8`.
        line: its line, from 1; None if the problem has no line.
    """

    message: str
    line: int | None = None


def utf8_problem(error: UnicodeDecodeError) -> Problem:
    """Return the problem of bytes that are not UTF-8, with the line of the first invalid byte."""
    return Problem("it is not UTF-8", error.object.count(b"\n", 0, error.start) + 1)


class UnreadableDocument(MissingFact):
    """A document that cannot be parsed.

    Attributes:
        problem: the reason.
    """

    def __init__(self, problem: Problem) -> None:
        where = f" in line {problem.line}" if problem.line else ""
        super().__init__(f"the document cannot be read: {problem.message}{where}", code="unreadable-file")
        self.problem = problem


_DATA_KINDS: Final[Mapping[str, Kind]] = {"json": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml"}
_MARKDOWN_EXTENSIONS: Final = frozenset({"md", "mdc", "mdx", "markdown", "mkd"})


def data_kind(path: bytes | str) -> Kind | None:
    """Return the data format of a file by its name; None if it is not a data file."""
    return _DATA_KINDS.get(_extension(path))


def is_markdown(path: bytes | str) -> bool:
    """True if a file is Markdown by its name."""
    return _extension(path) in _MARKDOWN_EXTENSIONS


def _extension(path: bytes | str) -> str:
    name = path.decode("utf-8", "replace") if isinstance(path, bytes) else path
    _, dot, ending = name.rpartition(".")
    return ending.lower() if dot else ""


MAX_DEPTH: Final = 50
"""The maximum nesting depth of mappings and lists, including TOML's dotted keys.

No setting is deeper than six levels.
"""

DATA_LIMIT: Final = 4 << 20
"""The maximum number of characters of structured data."""

LONGEST_NUMBER: Final = 100
"""The maximum number of characters of a number or a TOML date; in YAML, a longer one is text."""

TOO_DEEP: Final = f"it is nested more than {MAX_DEPTH} levels deep"
"""The message about data deeper than `MAX_DEPTH`."""


class Number(float):
    """A number with a decimal point or an exponent that keeps its source text.

    A reader distinguishes `1.10` from `1.1`; a float does not.

    Attributes:
        text: the number as it is written.
    """

    text: str

    def __new__(cls, text: str) -> Self:
        """Create a number from its source text."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def as_text(value: Any) -> str:
    """Return a scalar as a person writes it: text unchanged, `true`, `null`, a number's own digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, Number):
        return value.text
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value)


def is_scalar(value: Any) -> bool:
    """True if a value is a text, a number, true or false."""
    return value is not None and not isinstance(value, (dict, list))


def scalar_text(value: Any) -> str:
    """Return a scalar as it is written, without surrounding whitespace; empty for any other value."""
    return as_text(value).strip() if is_scalar(value) else ""


def whole_text(value: Any) -> str:
    """Return a text or a whole number as text, without surrounding whitespace; empty for any other value."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def dotted(path: Path) -> str:
    """Return a path as a dotted key: `tasks.0.status`."""
    return ".".join(map(str, path))


def elements(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield the elements of a list or mapping with their positions or keys; other values have no elements."""
    if isinstance(value, (list, dict)):
        yield from value.items() if isinstance(value, dict) else enumerate(value)


def walk(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield a value and all values inside it, each with its path."""
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    for place, one in pending:
        yield place, one
        pending += [((*place, key), each) for key, each in elements(one)]


def map_scalars(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value with the result of a function in place of each value inside it that has no others."""
    if isinstance(value, dict):
        return {key: map_scalars(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [map_scalars(inner, change) for inner in value]
    return change(value)


class Data(Record):
    """Structured data.

    Attributes:
        value: mappings with text keys, lists, text, numbers, true, false and None. TOML dates are text in ISO
            8601. None if there is a problem.
        locate: computes the lines; by default, there are none.
        problem: the reason why the data could not be read; None if it could.
        certain: only for YAML that could not be read: its reliable keys, with values and lines. Such a key
            occurs once, unindented, before the broken line, and has a plain value.
    """

    value: Any
    locate: Callable[[], Lines] = dict
    problem: Problem | None = None
    certain: Mapping[str, tuple[Any, int]] = {}

    @cached_property
    def lines(self) -> Lines:
        """The line of each key and element."""
        return self.locate()

    def line(self, path: Path = ()) -> int | None:
        """Return the line of a key or element, from 1, or of its nearest parent with a line.

        Args:
            path: the key from the top; empty for the data as a whole.

        Returns:
            The problem's line if the data could not be read; None if no lines are available.
        """
        line = place_of(self.lines, tuple(map(str, path)))
        return self.problem.line if line is None and self.problem else line

    def get(self, path: str | Path, default: Any = None) -> Any:
        """Return the value at a key, or `default` if the key does not exist.

        Args:
            path: a dotted key such as `tasks.0.status`, or its parts if a key itself contains a dot.
            default: the value for a missing key.
        """
        return value_at(self.value, path, default)

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Return every text value with its path; keys are left out."""
        return ((place, one) for place, one in walk(self.value) if isinstance(one, str))


def place_of(places: Mapping[tuple[Any, ...], _Place], key: tuple[Any, ...]) -> _Place | None:
    """Return the place of a key from the top, or of the nearest key above it that has one; else None."""
    while key and key not in places:
        key = key[:-1]
    return places.get(key)


def value_at(value: Any, path: str | Path, default: Any = None) -> Any:
    """Return the value at a key of data; see `Data.get`."""
    for part in path.split(".") if isinstance(path, str) else path:
        if isinstance(value, dict) and str(part) in value:
            value = value[str(part)]
        elif isinstance(value, list) and str(part).isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return default
    return value


class DataError(ValueError):
    """Text that is not valid in its format.

    Attributes:
        line: the line of the error, from 1; None if the error has no line.
        certain: see `Data`.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.certain: Mapping[str, tuple[Any, int]] = {}


def data_of(content: bytes, kind: Kind) -> Data:
    """Parse structured data from a file's bytes."""
    try:
        return read_data(content.decode("utf-8"), kind)
    except UnicodeDecodeError as error:
        return Data(None, problem=utf8_problem(error))


def read_data(text: str, kind: Kind, *, first: int = 1) -> Data:
    """Parse structured data from text.

    Args:
        text: at most `DATA_LIMIT` characters; a leading byte-order mark is ignored.
        kind: the format.
        first: the line on which the text begins.

    Returns:
        The data; with a problem if it cannot be read. Invalid text does not raise an exception.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > DATA_LIMIT:
        line = first + text.count("\n", 0, DATA_LIMIT)
        return Data(None, problem=Problem(f"it has more than {DATA_LIMIT} characters", line))
    read = read_json if kind == "json" else read_yaml
    if kind == "toml":
        from specguard.documents.toml import read
    try:
        return Data(*read(text, first))
    except DataError as error:
        message = str(error)
        message = message if message.startswith("it ") else f"it is not {kind.upper()}: {message}"
        return Data(None, problem=Problem(message, error.line), certain=error.certain)


_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*"|[\[\]{}]|[^\s\[\]{},:"\ufeff]+')
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(text: str, first: int) -> tuple[Any, Callable[[], Lines]]:
    """Parse JSON.

    Args:
        text: the text.
        first: the line on which it begins.

    Returns:
        The value, and a function that computes the lines.

    Raises:
        DataError: the text is not valid JSON, or is ambiguous.
    """
    failure = None
    try:
        value = json.loads(text, object_pairs_hook=_mapping, parse_float=Number, parse_constant=_mapping)
    except json.JSONDecodeError as error:
        message, at = error.msg, error.pos
        if message.startswith("Illegal trailing comma"):
            # Python 3.13 names the comma, and earlier versions what follows it.
            at = len(text) - len(text[at + 1 :].lstrip())
            what = "value" if text[at] == "]" else "property name enclosed in double quotes"
            message = f"expecting {what}"
        raise DataError(f"{message[:1].lower()}{message[1:]}", first + text.count("\n", 0, at)) from None
    except (RecursionError, ValueError) as error:
        failure = error
    if failure or _depth(value) > MAX_DEPTH:
        # The walker refuses the same input, and knows the line.
        JsonWalk(text, first)
        raise DataError(TOO_DEEP)
    shown = json.dumps(value, ensure_ascii=False) if _SURROGATE.search(text) else ""
    if any("\ud800" <= char <= "\udfff" for char in shown):
        raise DataError("it has half of a pair of surrogates")
    return value, lambda: JsonWalk(text, first).lines


def _mapping(pairs: Any) -> dict[str, Any]:
    mapping = {} if isinstance(pairs, str) else dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key is there twice, or it is a constant that is not JSON")
    return mapping


def _depth(value: Any) -> int:
    """Return the nesting depth of mappings and lists, at most one more than allowed."""
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        level = [one for one in level if isinstance(one, dict | list)]
        depth += bool(level)
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


class JsonWalk:
    """A walk over JSON.

    Args:
        text: JSON that Python could parse, or rejected for a reason with a line.
        first: the line on which it begins.

    Attributes:
        lines: the line of each key and element.
        spans: where each starts, and where its value starts and ends; the members of a value are in order.

    Raises:
        DataError: the text is not valid JSON, or is ambiguous.
    """

    def __init__(self, text: str, first: int = 1) -> None:
        self._text, self._tokens = text, _TOKEN.finditer(text)
        self._line = first
        self._start = self._end = 0
        self.spans: dict[tuple[str, ...], tuple[int, int, int]] = {}
        word = self._next()
        self.lines: dict[tuple[str, ...], int] = {(): self._line}
        self._value((), self._start, word)

    def _next(self) -> str:
        for token in self._tokens:
            before, (self._start, self._end) = self._end, token.span()
            self._line += self._text.count("\n", before, self._start)
            return token[0]
        return "]"

    def _value(self, path: tuple[str, ...], begin: int, word: str) -> None:
        """Record the places of the value whose key begins at a position, and that begins with `word`."""
        line, start = self._line, self._start
        if word in ("NaN", "Infinity", "-Infinity"):
            raise DataError(f"it has the value {word}, which is not JSON", line)
        if len(word) > sys.get_int_max_str_digits() and word.lstrip("-").isdigit():
            raise DataError("it has a number that is too long", line)
        if word in ("[", "{") and len(path) == MAX_DEPTH:
            raise DataError(TOO_DEEP, line)
        position = 0
        while word in ("[", "{") and (inner := self._next()) not in ("]", "}"):
            name = inner[1:-1] if word == "{" else str(position)
            key = (*path, json.loads(inner) if "\\" in name else name)
            if key in self.lines:
                raise DataError(f"it has the key {key[-1]!r} twice", self._line)
            self.lines[key] = self._line
            self._value(key, self._start, self._next() if word == "{" else inner)
            position += 1
        self.spans[path] = begin, start, self._end


_NUMBER: Final = re.compile(r"(?:0|-?[1-9][0-9]*)|-?(?:0|[1-9][0-9]*)(\.[0-9]+(?:[eE][-+]?[0-9]+)?)")
_CONSTANTS: Final = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_STRING_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})


def read_yaml(text: str, first: int) -> tuple[Any, Callable[[], Lines]]:
    """Parse YAML.

    Args:
        text: the text.
        first: the line on which it begins.

    Returns:
        The value, and a function that returns the lines.

    Raises:
        DataError: the text is not valid YAML, or is ambiguous.
    """
    reader = _YamlReader(text, first)
    try:
        value = reader.document()
    except DataError as error:
        error.certain = reader.certain(text, error.line or 0)
        raise
    return value, lambda: reader.lines


class _YamlReader:
    """Builds values from YAML events; it constructs no objects and follows no aliases.

    Args:
        text: the text.
        first: the line on which it begins.

    Attributes:
        lines: the lines of the keys and elements read so far.
    """

    def __init__(self, text: str, first: int) -> None:
        import yaml

        # The loader written in C behaves the same and is ten times as fast; not every build has it.
        self._events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self._newlines = [at for at, char in enumerate(text) if char == "\n"]
        self._first = first
        self._plain_values: dict[str, tuple[Any, int]] = {}
        self.lines: dict[tuple[str, ...], int] = {}

    def _line(self, index: int) -> int:
        """Return the line of a position."""
        return bisect_left(self._newlines, index) + self._first

    def certain(self, text: str, broken: int) -> Mapping[str, tuple[Any, int]]:
        """Return the plain values of keys before the broken line, without keys that begin several lines.

        Nothing is certain if a line may begin with a key in another notation, such as `{status: draft}`.
        """
        from collections import Counter

        from specguard.documents.fields import normal_name

        keys = [line.partition(":")[0] for line in text.splitlines() if line[:1].strip()]
        if any(key[:1] in "?{[&!*" or "\\" in key for key in keys if key):
            return {}
        starts = Counter([normal_name(key.strip("'\" \t")) for key in keys])
        single = {key: one for key, one in self._plain_values.items() if starts[normal_name(key)] == 1}
        return {key: (value, line) for key, (value, line) in single.items() if line < broken}

    def document(self) -> Any:
        """Return the value of the only document; None if the text has no document.

        Raises:
            DataError: the text is not valid YAML, or is ambiguous.
        """
        import yaml

        try:
            next(self._events)
            event: Any = next(self._events)
            if type(event).__name__ == "StreamEndEvent":
                self.lines[()] = self._first
                return None
            value = self._value(next(self._events), ())
            next(self._events)
            event = next(self._events)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = error.problem or str(error)
            if problem == "mapping values are not allowed in this context":
                problem += ", as if a value with a colon is not in quotation marks"
            raise DataError(problem, self._line(mark.index) if mark else None) from None
        except yaml.reader.ReaderError as error:
            raise DataError("it has a character that is not allowed", self._line(error.position)) from None
        except (RecursionError, yaml.YAMLError):
            raise DataError(TOO_DEEP) from None
        if type(event).__name__ != "StreamEndEvent":
            raise DataError("it has more than one document", self._line(event.start_mark.index))
        return value

    def _checked_start(self, event: Any) -> int:
        """Return the first line of a key or value; refuse anchors, aliases and unknown tags."""
        line = self._line(event.start_mark.index)
        if type(event).__name__ == "AliasEvent" or event.anchor is not None:
            raise DataError("it has an anchor or an alias, which are not followed", line)
        if event.tag is not None and event.tag not in _STRING_TAGS:
            raise DataError(f"it has the tag {event.tag}, which means nothing here", line)
        return line

    def _value(self, event: Any, path: tuple[str, ...]) -> Any:
        line = self._checked_start(event)
        # A value has the line of its key.
        self.lines.setdefault(path, line)
        name = type(event).__name__
        if name == "ScalarEvent":
            return event.value if event.style or event.tag else _parse_scalar(event.value)
        if len(path) == MAX_DEPTH:
            raise DataError(TOO_DEEP, line)
        if name == "SequenceStartEvent":
            return [self._value(one, (*path, str(at))) for at, one in enumerate(self._member_events())]
        values: dict[str, Any] = {}
        for key in self._member_events():
            own = self._checked_start(key)
            if type(key).__name__ != "ScalarEvent":
                raise DataError("it has a key that is not a text", own)
            if key.value in values:
                raise DataError(f"it has the key {key.value!r} twice", own)
            self.lines[*path, key.value] = own
            event = next(self._events)
            values[key.value] = self._value(event, (*path, key.value))
            on_one_line = key.start_mark.column == 0 and own == self._line(event.end_mark.index)
            plain = type(event).__name__ == "ScalarEvent" and not event.style and event.tag is None
            if plain and on_one_line and not path:
                self._plain_values[key.value] = values[key.value], own
        return values

    def _member_events(self) -> Iterator[Any]:
        """Yield the first event of each member of a sequence or mapping, up to its end."""
        for event in self._events:
            if type(event).__name__ in ("SequenceEndEvent", "MappingEndEvent"):
                return
            yield event


def _parse_scalar(text: str) -> Any:
    """Return the value of a plain scalar by the YAML 1.2 core schema, without its surprising forms."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    # Nobody calculates with a longer number; and `12e4567` is more likely an abbreviated object id.
    found = _NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    return text if found is None else Number(text) if found[1] else int(text)
