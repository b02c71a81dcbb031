"""Structured data with the line of every key and element: JSON and YAML; TOML is in `documents/toml.py`.

The same value is read from the same words in all three. What a reader could take for two things is none:
duplicate keys, YAML's anchors, aliases, merge keys and tags, and several documents in one file are problems;
YAML's `no`, `010` and dates are the text that was written.
"""

from __future__ import annotations

import json
import re
import sys
from bisect import bisect_left

from specguard.declaration.rule import Record
from specguard.errors import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final, Literal, Self

    Kind = Literal["json", "yaml", "toml"]

    Path = Sequence[str | int]
    """A key from the top: names of keys, and positions in lists."""


class Problem(Record):
    """Why something cannot be read.

    Attributes:
        message: what is wrong, as a clause that can follow the file's name: `it is not UTF-8`.
        line: where, from 1; None where it is no line's fault.
    """

    message: str
    line: int | None = None

    def __repr__(self) -> str:
        return f"Problem({self.message!r}, {self.line})"


def not_utf8(error: UnicodeDecodeError) -> Problem:
    """Why bytes are no text, with the line of the first that are not."""
    return Problem("it is not UTF-8", error.object.count(b"\n", 0, error.start) + 1)


class UnreadDocument(MissingFact):
    """A document that is not parsed.

    Attributes:
        problem: why.
    """

    def __init__(self, problem: Problem) -> None:
        where = f" in line {problem.line}" if problem.line else ""
        super().__init__(f"the document cannot be read: {problem.message}{where}", code="unreadable-file")
        self.problem = problem


_DATA: Final[Mapping[str, Kind]] = {"json": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml"}
_MARKDOWN: Final = frozenset({"md", "mdc", "mdx", "markdown", "mkd"})


def data_kind(path: bytes | str) -> Kind | None:
    """What the structured data of a file is written in; None for a file that is none."""
    return _DATA.get(_ending(path))


def is_markdown(path: bytes | str) -> bool:
    """Whether a file is Markdown by its name."""
    return _ending(path) in _MARKDOWN


def _ending(path: bytes | str) -> str:
    name = path.decode("utf-8", "replace") if isinstance(path, bytes) else path
    _, dot, ending = name.rpartition(".")
    return ending.lower() if dot else ""


MAX_DEPTH: Final = 50
"""How deep mappings and lists may be nested, TOML's dotted keys among them; no setting is deeper than six."""

DATA_LIMIT: Final = 4 << 20
"""How many characters of structured data are read."""

LONGEST_NUMBER: Final = 100
"""How many characters a number, or a date of TOML, may have; in YAML what is longer is text."""

TOO_DEEP: Final = f"it is nested more than {MAX_DEPTH} levels deep"
"""What is wrong with data beyond `MAX_DEPTH`."""

_NAMES: Final = {"json": "JSON", "yaml": "YAML", "toml": "TOML"}


class Number(float):
    """A number with a point or an exponent, which knows how it was written: `1.10` is no `1.1` to a reader.

    Attributes:
        text: as it was written.
    """

    text: str

    def __new__(cls, text: str) -> Self:
        """The number that a text is."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def written(value: Any) -> str:
    """A scalar value as a person writes it: text as it is, `true`, `false`, `null`, a number's own digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, Number):
        return value.text
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value)


def dotted(path: Path) -> str:
    """A key as a reader sees it: `tasks.0.status`."""
    return ".".join(map(str, path))


class Data:
    """Structured data.

    Attributes:
        value: mappings with text as keys, lists, text, numbers, true, false and None. Dates are text, as ISO
            8601 has them where they come from TOML. None where there is a problem.
        problem: why it could not be read; None where it could.
        kept: of YAML that could not be read, what is certain all the same: keys that stand once, at the
            beginning of a line before the broken one, each with its plain value and its line.
    """

    __slots__ = ("_locate", "_node", "kept", "problem", "value")

    def __init__(
        self,
        value: Any,
        locate: Callable[[], Node] | None = None,
        problem: Problem | None = None,
        kept: Mapping[str, tuple[Any, int]] | None = None,
    ) -> None:
        self.value = value
        self.problem = problem
        self.kept = kept or {}
        self._locate = locate
        self._node: Node | None = None

    @classmethod
    def unread(cls, problem: Problem) -> Self:
        """Data that cannot be read."""
        return cls(None, problem=problem)

    def line(self, path: Path = ()) -> int | None:
        """The line of a key or element, from 1; of the nearest one above it where it has none itself.

        Args:
            path: the key from the top; empty for the data as a whole.

        Returns:
            None where the data was not read.
        """
        if self._node is None:
            if self._locate is None:
                return self.problem.line if self.problem else None
            self._node = self._locate()
        node = self._node
        for part in path:
            below = node.below
            if isinstance(below, dict):
                inner = below.get(str(part))
            else:
                position = part if isinstance(part, int) else int(part) if part.isdecimal() else -1
                inner = below[position] if below and 0 <= position < len(below) else None
            if inner is None:
                break
            node = inner
        return node.line

    def get(self, path: str | Path, default: Any = None) -> Any:
        """The value at a key; `default` where there is none.

        Args:
            path: a dotted key such as `tasks.0.status`, or its parts where a key has a dot itself.
            default: what stands for a value that is not there.
        """
        value = self.value
        for part in path.split(".") if isinstance(path, str) else path:
            if isinstance(value, dict) and str(part) in value:
                value = value[str(part)]
            elif isinstance(value, list) and str(part).isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                return default
        return value

    def __repr__(self) -> str:
        return f"Data({self.problem or self.value!r})"


class Node(Record, frozen=False):
    """Where a value stands, and those within it.

    Attributes:
        line: of its key, or its own in a list.
        below: the values of a mapping by key, those of a list in order; None for a scalar.
    """

    line: int
    below: dict[str, Node] | list[Node] | None = None


class DataError(ValueError):
    """Text that is no data of its kind.

    Attributes:
        line: the line of the text, from 1; None where it is no line's fault.
        kept: what is certain all the same; see `Data`.
    """

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line
        self.kept: Mapping[str, tuple[Any, int]] = {}


def data_of(content: bytes, kind: Kind) -> Data:
    """Structured data from a file's bytes."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return Data.unread(not_utf8(error))
    return read_data(text, kind)


def read_data(text: str, kind: Kind, *, first: int = 1) -> Data:
    """Structured data from text.

    Args:
        text: at most `DATA_LIMIT` characters; a byte-order mark is no part of it.
        kind: what it is written in.
        first: the line on which the text begins.

    Returns:
        The data; with a problem where it cannot be read, and never an exception.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > DATA_LIMIT:
        line = first + text.count("\n", 0, DATA_LIMIT)
        return Data.unread(Problem(f"it has more than {DATA_LIMIT} characters", line))
    try:
        value, locate = _reader(kind)(text, first)
    except DataError as error:
        message = str(error)
        if not message.startswith("it "):
            message = f"it is no {_NAMES[kind]}: {message}"
        kept = {key: (value, line + first - 1) for key, (value, line) in error.kept.items()}
        return Data(None, problem=Problem(message, error.line and error.line + first - 1), kept=kept)
    return Data(value, locate)


def _reader(kind: Kind) -> Callable[[str, int], tuple[Any, Callable[[], Node]]]:
    """What reads a text of a kind, imported where one is read."""
    if kind == "json":
        return read_json
    if kind == "yaml":
        return read_yaml
    from specguard.documents import toml

    return toml.read


_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:\n]|[^\s\[\]{},:"]+')
_CONSTANTS: Final = ("NaN", "Infinity", "-Infinity")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class _Duplicate(Exception):
    """A key that is there twice."""


def read_json(text: str, first: int) -> tuple[Any, Callable[[], Node]]:
    """The value of a text, and what finds the lines in it.

    Args:
        text: the text.
        first: the line on which it begins.

    Raises:
        DataError: it is no such text, or says what a reader could take for two things.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_mapping, parse_float=Number, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise DataError(f"{error.msg[:1].lower()}{error.msg[1:]}", error.lineno) from None
    except DataError as error:
        raise DataError(str(error), _line_of(text, lambda word, _: word in _CONSTANTS)) from None
    except _Duplicate as error:
        key = error.args[0]
        raise DataError(f"it has the key {key!r} twice", _nodes(text, 1, twice=key).line) from None
    except RecursionError:
        raise DataError(TOO_DEEP, _line_of(text, _is_too_deep)) from None
    except ValueError:
        # Python reads no integer of more digits than this.
        most = sys.get_int_max_str_digits()
        line = _line_of(text, lambda word, _: len(word) > most and word.lstrip("-").isdigit())
        raise DataError("it has a number that is too long", line) from None
    _refuse_depth(value, text)
    if _SURROGATE.search(text):
        _refuse_surrogates(value)
    return value, lambda: _nodes(text, first)


def _mapping(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        seen = set()
        for key, _ in pairs:
            if key in seen:
                raise _Duplicate(key)
            seen.add(key)
    return mapping


def _refuse_constant(word: str) -> Any:
    raise DataError(f"it has the value {word}, which is no JSON", None)


def _line_of(text: str, wanted: Callable[[str, int], bool]) -> int | None:
    """The line of the first word of JSON that is wanted, by itself and by how deep it stands."""
    line, depth = 1, 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word == "\n":
            line += 1
            continue
        depth += (word in "[{") - (word in "]}")
        if wanted(word, depth):
            return line
    return None


def _is_too_deep(_: str, depth: int) -> bool:
    return depth > MAX_DEPTH


def _refuse_depth(value: Any, text: str) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise DataError(TOO_DEEP, _line_of(text, _is_too_deep))


def _refuse_surrogates(value: Any) -> None:
    """Refuse half of a pair of surrogates, which JSON can spell and which is no character in any encoding."""
    level = [value]
    while level:
        texts = [one for one in level if isinstance(one, str)]
        texts += [key for one in level if isinstance(one, dict) for key in one]
        if any("\ud800" <= char <= "\udfff" for text in texts if not text.isascii() for char in text):
            raise DataError("it has half of a pair of surrogates", None)
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]


def _nodes(text: str, line: int, *, twice: str | None = None) -> Node:
    """The lines of JSON that was read already; with `twice` the place of a key that is there twice."""
    root: list[Node] = []
    stack: list[Node] = []
    key: str | None = None
    key_line = line
    for token in _TOKEN.finditer(text):
        word = token[0]
        first = word[0]
        if first == "\n":
            line += 1
        elif first in "]}":
            stack.pop()
        elif first in ",:":
            continue
        elif stack and key is None and isinstance(stack[-1].below, dict):
            key, key_line = json.loads(word), line
            if key == twice and key in stack[-1].below:
                return Node(line)
        else:
            node = Node(line if key is None else key_line)
            if first in "[{":
                node.below = [] if first == "[" else {}
            above = stack[-1].below if stack else root
            if isinstance(above, dict):
                above[key or ""] = node
            elif above is not None:
                above.append(node)
            key = None
            if first in "[{":
                stack.append(node)
    return root[0]


_NUMBER: Final = re.compile(r"(?:0|-?[1-9][0-9]*)|-?(?:0|[1-9][0-9]*)(\.[0-9]+(?:[eE][-+]?[0-9]+)?)")
_WORDS: Final = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_STRING_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})


def read_yaml(text: str, first: int) -> tuple[Any, Callable[[], Node]]:
    """The value of a text, and what finds the lines in it.

    Args:
        text: the text.
        first: the line on which it begins.

    Raises:
        DataError: it is no such text, or says what a reader could take for two things.
    """
    newlines = [match.start() for match in re.finditer("\n", text)]
    reader = _Reader(newlines)
    try:
        _parse(text, reader)
    except DataError as error:
        error.kept = reader.certain(text, error.line or 0)
        raise
    root = reader.root
    value = reader.value

    def locate() -> Node:
        _shift([root], first - 1)
        return root

    return value, locate


def _parse(text: str, reader: _Reader) -> None:
    import yaml

    # The reader written in C is the same one, ten times as fast; it is not in every build.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or str(error)
        if problem == "mapping values are not allowed in this context":
            problem += ", as where a value with a colon in it stands in no quotation marks"
        raise DataError(problem, reader.line(mark.index) if mark else None) from None
    except yaml.reader.ReaderError as error:
        position = error.position if isinstance(error.position, int) else 0
        raise DataError("it has a character that is not allowed", reader.line(position)) from None
    except (RecursionError, yaml.YAMLError):
        raise DataError(TOO_DEEP, None) from None


def _shift(nodes: list[Node], by: int) -> None:
    while by and nodes:
        for node in nodes:
            node.line += by
        nodes = [
            inner
            for node in nodes
            if node.below
            for inner in (node.below.values() if isinstance(node.below, dict) else node.below)
        ]


class _Reader:
    """Makes values of YAML's events; nothing is constructed, and nothing is referred to."""

    def __init__(self, newlines: Sequence[int]) -> None:
        self.value: Any = None
        self.root = Node(1)
        self._newlines = newlines
        self._stack: list[tuple[Any, Node]] = []
        self._keys: list[str | None] = []
        self._documents = 0
        self._plain: dict[str, tuple[Any, int]] = {}
        self._key_line = 0

    def certain(self, text: str, broken: int) -> dict[str, tuple[Any, int]]:
        """The plain values before the broken line of keys that stand once, at the beginning of a line."""
        from specguard.documents.fields import normal_name

        times: dict[str, int] = {}
        for start in [
            line.partition(":")[0] for line in text.split("\n") if line[:1].strip() and ":" in line
        ]:
            name = normal_name(start.strip("'\" \t"))
            times[name] = times.get(name, 0) + 1
        return {
            key: (value, line)
            for key, (value, line) in self._plain.items()
            if line < broken and times.get(normal_name(key)) == 1
        }

    def line(self, index: int) -> int:
        """The line of a position."""
        return bisect_left(self._newlines, index) + 1

    def take(self, event: Any) -> None:
        """Take the next event."""
        name = type(event).__name__
        if name in {"StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"}:
            return
        line = self.line(event.start_mark.index)
        if name == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise DataError("it has more than one document", line)
            return
        if name in {"MappingEndEvent", "SequenceEndEvent"}:
            self._stack.pop()
            self._keys.pop()
            return
        if name == "AliasEvent" or event.anchor is not None:
            raise DataError("it has an anchor or an alias, which are not followed", line)
        tag = event.tag
        if tag is not None and tag not in _STRING_TAGS:
            raise DataError(f"it has the tag {tag}, which means nothing here", line)
        if name == "ScalarEvent":
            plain = not event.style and tag is None
            value = _scalar(event.value) if plain else event.value
            if len(self._stack) == 1:
                key = self._keys[-1]
                if key is None:
                    self._key_line = line if not event.start_mark.column else 0
                elif plain and self._key_line == line == self.line(event.end_mark.index):
                    self._plain[key] = value, line
            self._add(value, line, event.value)
            return
        below: Any = {} if name == "MappingStartEvent" else []
        node = self._add(below, line, None)
        node.below = {} if name == "MappingStartEvent" else []
        self._stack.append((below, node))
        self._keys.append(None)
        if len(self._stack) > MAX_DEPTH:
            raise DataError(TOO_DEEP, line)

    def _add(self, value: Any, line: int, text: str | None) -> Node:
        """Put a value where it belongs; a mapping's key is kept until its value comes."""
        if not self._stack:
            self.value = value
            self.root = Node(line)
            return self.root
        above, node = self._stack[-1]
        if isinstance(above, list):
            inner = Node(line)
            above.append(value)
            node.below.append(inner)  # type: ignore[union-attr]  # a list's node has a list
            return inner
        key = self._keys[-1]
        if key is None:
            if text is None:
                raise DataError("it has a key that is no text", line)
            if text in above:
                raise DataError(f"it has the key {text!r} twice", line)
            self._keys[-1] = text
            above[text] = None
            node.below[text] = Node(line)  # type: ignore[index, call-overload]  # a mapping's node has one
            return node
        self._keys[-1] = None
        above[key] = value
        return node.below[key]  # type: ignore[index, call-overload]  # the same


def _scalar(text: str) -> Any:
    """The value of a plain scalar, as the core schema of YAML 1.2 has it where that is no surprise."""
    if text in _WORDS:
        return _WORDS[text]
    # A longer one is no number that anyone counts with; and `12e4567` is rather an abbreviated object id.
    found = _NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if found is None:
        return text
    return Number(text) if found[1] else int(text)
