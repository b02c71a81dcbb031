"""TOML as data, with the line of every key and element, and values written as TOML has them.

A second pass over text that tomllib has read already: it follows keys, strings, arrays and inline tables, and
reads no value.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right

from specguard.documents.data import LONGEST_NUMBER, MAX_DEPTH, DataError, Node, Number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from specguard.documents.data import Path

    KeyPath = tuple[str | int, ...]
    """A key from the top: names of tables and keys, and positions in arrays."""


_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_BASIC: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_LITERAL: Final = re.compile(r"'[^']*'")
# A string of several lines ends at the last of up to five quotes.
_LONG_BASIC: Final = re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?', re.DOTALL)
_LONG_LITERAL: Final = re.compile(r"'''.*?'''(?:'{1,2}(?!'))?", re.DOTALL)
_SPACE: Final = re.compile(r"[ \t]*")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PLAIN: Final = re.compile(r"[^,\]}#\n]*")
_WHERE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


_PART: Final = r"(?:[A-Za-z0-9_-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
# tomllib takes time and memory with the square of a dotted key's parts.
_LONG_KEY: Final = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_DEPTH}}}")

_TOO_DEEP: Final = "it is nested too deeply"
_TOO_LONG: Final = "it has a number that is too long"


class TomlError(ValueError):
    """Text that is no TOML.

    Attributes:
        line: the line of the text, from 1.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def read_toml(
    text: str, *, number: Callable[[str], Any] = float
) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """The data of a TOML text, and the line (from 1) of every key and array element in it.

    A table that is only implied has the line of the first key below it.

    Args:
        text: the text.
        number: what a number with a point or an exponent becomes.

    Raises:
        TomlError: it is no TOML.
    """
    text = text.replace("\r\n", "\n")
    long_key = _LONG_KEY.search(text)
    if long_key:
        raise TomlError(_TOO_DEEP, text.count("\n", 0, long_key.start()) + 1)
    try:
        data = tomllib.loads(text, parse_float=number)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        where = _WHERE.search(message)
        line = int(where[1]) if where and where[1] else text.rstrip("\n").count("\n") + 1
        raise TomlError(_WHERE.sub("", message), line) from None
    except RecursionError:
        raise TomlError(_TOO_DEEP, 1) from None
    except ValueError:
        # Python reads no number of more digits than `sys.get_int_max_str_digits` says.
        raise TomlError(_TOO_LONG, 1) from None
    return data, _Scanner(text).scan()


class _Scanner:
    """Walks over TOML and notes where keys begin."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        """All lines."""
        table: KeyPath = ()
        while True:
            self._skip(_BLANK)
            if self._position >= len(self._text):
                return self._lines
            line = self._line()
            if self._text.startswith("[", self._position):
                table = self._header(line)
            else:
                self._pair(table, line)

    def _line(self) -> int:
        return bisect_right(self._newlines, self._position - 1) + 1

    def _note(self, path: KeyPath, line: int) -> None:
        if len(path) > MAX_DEPTH:
            raise TomlError(_TOO_DEEP, line)
        for end in range(1, len(path) + 1):
            self._lines.setdefault(path[:end], line)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._position)
        if match is None:
            raise AssertionError(f"no TOML at {self._position}")
        self._position = match.end()
        return match[0]

    def _header(self, line: int) -> KeyPath:
        several = self._text.startswith("[[", self._position)
        self._position += 2 if several else 1
        names = self._key()
        if len(names) > MAX_DEPTH:
            raise TomlError(_TOO_DEEP, line)
        self._position += 2 if several else 1
        path: KeyPath = ()
        for number, name in enumerate(names):
            path = (*path, name)
            last = number == len(names) - 1
            if path in self._counts and not (last and several):
                path = (*path, self._counts[path] - 1)
        if several:
            count = self._counts[path] = self._counts.get(path, 0) + 1
            path = (*path, count - 1)
        self._note(path, line)
        return path

    def _pair(self, table: KeyPath, line: int) -> None:
        path = (*table, *self._key())
        self._position += 1
        self._skip(_SPACE)
        self._note(path, line)
        self._value(path)

    def _key(self) -> list[str]:
        names: list[str] = []
        while True:
            self._skip(_SPACE)
            char = self._text[self._position]
            if char == '"':
                names.append(tomllib.loads(f"key = {self._skip(_BASIC)}")["key"])
            elif char == "'":
                names.append(self._skip(_LITERAL)[1:-1])
            else:
                names.append(self._skip(_BARE))
            self._skip(_SPACE)
            if self._text[self._position] != ".":
                return names
            self._position += 1

    def _value(self, path: KeyPath) -> None:
        text, position = self._text, self._position
        if text.startswith('"""', position):
            self._skip(_LONG_BASIC)
        elif text.startswith("'''", position):
            self._skip(_LONG_LITERAL)
        elif text.startswith('"', position):
            self._skip(_BASIC)
        elif text.startswith("'", position):
            self._skip(_LITERAL)
        elif text.startswith("[", position):
            self._array(path)
        elif text.startswith("{", position):
            self._inline_table(path)
        elif len(self._skip(_PLAIN)) > LONGEST_NUMBER:
            raise TomlError(_TOO_LONG, self._line())

    def _array(self, path: KeyPath) -> None:
        self._position += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self._text[self._position] == "]":
                break
            self._note((*path, index), self._line())
            self._value((*path, index))
            self._skip(_BLANK)
            if self._text[self._position] == ",":
                self._position += 1
            index += 1
        self._position += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._position += 1
        while True:
            self._skip(_BLANK)
            if self._text[self._position] == "}":
                break
            self._pair(path, self._line())
            self._skip(_BLANK)
            if self._text[self._position] == ",":
                self._position += 1
        self._position += 1


def read(text: str, first: int) -> tuple[Any, Callable[[], Node]]:
    """The value of a text, and what finds the lines in it.

    Args:
        text: the text.
        first: the line on which it begins.

    Raises:
        DataError: it is no such text, or says what a reader could take for two things.
    """
    try:
        value, lines = read_toml(text, number=Number)
    except TomlError as error:
        message = str(error)
        raise DataError(f"{message[:1].lower()}{message[1:]}", first + error.line - 1) from None

    def locate() -> Node:
        root = Node(first, {})
        nodes: dict[Path, Node] = {(): root}
        for path, line in lines.items():
            nodes[path] = node = Node(line + first - 1)
            above = nodes[path[:-1]]
            if isinstance(path[-1], int):
                above.below = above.below if isinstance(above.below, list) else []
                above.below.append(node)
            else:
                above.below = above.below if isinstance(above.below, dict) else {}
                above.below[path[-1]] = node
        return root

    return _plain(value), locate


def _plain(value: Any) -> Any:
    """TOML's values as JSON has them: dates and times are text."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


# What a literal string holds as it is: anything but its own quote.
_AS_LITERAL: Final = re.compile(r"[^']*\\[^']*")


def toml_key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else _quoted(name)


def toml_value(value: Any) -> str:
    """A value on one line; a text with backslashes, such as an expression, stands as it is where it can."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if _AS_LITERAL.fullmatch(value) and value.isprintable() and "##" not in value:
            return f"'{value}'"
        return _quoted(value)
    if isinstance(value, dict):
        pairs = ", ".join(f"{toml_key(key)} = {toml_value(element)}" for key, element in value.items())
        return f"{{{pairs}}}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return str(value)


def _quoted(text: str) -> str:
    """A basic string: its escapes are JSON's, here for all that cannot be seen, and for what a log obeys."""
    quoted = json.dumps(text, ensure_ascii=False).replace("##", "#\\u0023")
    return quoted if quoted.isprintable() else "".join(map(_seen, quoted))


def _seen(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
