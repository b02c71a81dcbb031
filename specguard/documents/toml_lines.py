"""The line of every key and array element of a TOML text, which tomllib does not tell.

A second pass over text that tomllib has read already: it follows keys, strings, arrays and inline tables, and
reads no value.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from specguard.documents.data import LONGEST_NUMBER, MAX_DEPTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    Path = tuple[str | int, ...]
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


def read_toml(text: str, *, number: Callable[[str], Any] = float) -> tuple[dict[str, Any], dict[Path, int]]:
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
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        """All lines."""
        table: Path = ()
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

    def _note(self, path: Path, line: int) -> None:
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

    def _header(self, line: int) -> Path:
        several = self._text.startswith("[[", self._position)
        self._position += 2 if several else 1
        names = self._key()
        if len(names) > MAX_DEPTH:
            raise TomlError(_TOO_DEEP, line)
        self._position += 2 if several else 1
        path: Path = ()
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

    def _pair(self, table: Path, line: int) -> None:
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

    def _value(self, path: Path) -> None:
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

    def _array(self, path: Path) -> None:
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

    def _inline_table(self, path: Path) -> None:
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
