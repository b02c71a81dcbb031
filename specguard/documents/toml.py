"""TOML as data with the line of every key and element, and the formatting of values as TOML.

tomllib parses the text first. A second pass follows keys, strings, arrays and inline tables, and interprets
no value.
"""

from __future__ import annotations

import json
import re
import tomllib

from specguard.documents.data import LONGEST_NUMBER, MAX_DEPTH, TOO_DEEP, DataError, Number, map_scalars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from specguard.documents.data import Lines


KeyPath = tuple[str | int, ...]
"""A key from the top: names of tables and keys, and positions in arrays."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
# A multi-line string ends at the last of up to five quotes.
_TOKEN: Final = re.compile(
    r"""(?P<string>\"{3}(?:[^\\]|\\.)*?\"{3}(?:\"{1,2}(?!\"))?|'{3}.*?'{3}(?:'{1,2}(?!'))?|\"(?:[^\"\\]|\\.)*\"|'[^']*')"""
    r"""|(?P<mark>[\[\]{},=.\n])|\#[^\n]*|[ \t\r]+|[^\s\[\]{},=.\#\"']+""",
    re.DOTALL,
)


_PART: Final = r"(?:[A-Za-z0-9_-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
# tomllib needs quadratic time and memory in the number of a dotted key's parts.
_LONG_KEY: Final = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_DEPTH}}}")

_TOO_LONG: Final = "it has a number that is too long"


def read_toml(
    text: str, *, first: int = 1, number: Callable[[str], Any] = float
) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """Parse TOML, with the line of every key and array element.

    A table that is only implied has the line of the first key below it.

    Args:
        text: the text.
        first: the line on which it begins.
        number: converts the text of a number with a decimal point or an exponent.

    Raises:
        DataError: the text is not valid TOML, is too deep, or has a number that is too long.
    """
    text = text.replace("\r\n", "\n")
    if long_key := _LONG_KEY.search(text):
        raise DataError(TOO_DEEP, text.count("\n", 0, long_key.start()) + first)
    try:
        data = tomllib.loads(text, parse_float=number)
    except tomllib.TOMLDecodeError as error:
        # The place is `line 3, column 5` or `end of document`.
        message, _, place = str(error).rpartition(" (at ")
        row = place.partition(",")[0].removeprefix("line ")
        line = int(row) - 1 if row.isdecimal() else text.rstrip("\n").count("\n")
        raise DataError(f"{message[:1].lower()}{message[1:]}", line + first) from None
    except RecursionError:
        raise DataError(TOO_DEEP, first) from None
    except ValueError:
        # Python refuses a number of more digits than `sys.get_int_max_str_digits`.
        raise DataError(_TOO_LONG, first) from None
    return data, _KeyScanner(text, first).scan()


class _KeyScanner:
    """Walks over TOML and records the lines on which keys begin."""

    def __init__(self, text: str, first: int) -> None:
        self._tokens = _TOKEN.finditer(text)
        self._line = self._next_line = first
        self._word = ""
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}
        self._step()

    def _step(self, *, newlines: bool = False) -> str:
        """Return the current token and advance to the next significant one; an empty token is the end."""
        word, self._word = self._word, ""
        for token in self._tokens:
            self._line = self._next_line
            self._next_line += token[0].count("\n")
            if token[0].strip(" \t\r") and token[0][0] != "#" and (newlines or token[0] != "\n"):
                self._word = token[0]
                break
        return word

    def scan(self) -> dict[KeyPath, int]:
        """Return the line of each key and element."""
        table: KeyPath = ()
        while self._word:
            line = self._line
            if self._word == "[":
                table = self._header(line)
            else:
                self._pair(table, line)
        return self._lines

    def _record(self, path: KeyPath, line: int) -> None:
        if len(path) > MAX_DEPTH:
            raise DataError(TOO_DEEP, line)
        for end in range(1, len(path) + 1):
            self._lines.setdefault(path[:end], line)

    def _header(self, line: int) -> KeyPath:
        brackets = 0
        while self._word == "[":
            self._step()
            brackets += 1
        names = self._key()
        for _ in range(brackets):
            self._step()
        several = brackets > 1
        path: KeyPath = ()
        for number, name in enumerate(names):
            path = (*path, name)
            if path in self._counts and not (several and number == len(names) - 1):
                path = (*path, self._counts[path] - 1)
        if several:
            count = self._counts[path] = self._counts.get(path, 0) + 1
            path = (*path, count - 1)
        self._record(path, line)
        return path

    def _pair(self, table: KeyPath, line: int) -> None:
        path = (*table, *self._key())
        self._step()
        self._record(path, line)
        self._value(path)

    def _key(self) -> list[str]:
        names: list[str] = []
        while True:
            word = self._step()
            names.append(tomllib.loads(f"key = {word}")["key"] if word[0] in "\"'" else word)
            if self._word != ".":
                return names
            self._step()

    def _value(self, path: KeyPath) -> None:
        if self._word in ("[", "{"):
            table = self._step() == "{"
            index = 0
            while self._word not in ("]", "}"):
                if table:
                    self._pair(path, self._line)
                else:
                    self._record((*path, index), self._line)
                    self._value((*path, index))
                    index += 1
                if self._word == ",":
                    self._step()
            self._step()
        elif self._word.startswith(("'", '"')):
            self._step()
        else:
            line, length = self._line, 0
            while self._word not in ("", "\n", ",", "]", "}"):
                length += len(self._step(newlines=True))
            if length > LONGEST_NUMBER:
                raise DataError(_TOO_LONG, line)
            if self._word == "\n":
                self._step()


def read(text: str, first: int) -> tuple[Any, Callable[[], Lines]]:
    """Parse TOML, with the values in the form that JSON has.

    Args:
        text: the text.
        first: the line on which it begins.

    Returns:
        The value, and a function that returns the lines.

    Raises:
        DataError: as for `read_toml`.
    """
    value, lines = read_toml(text, first=first, number=Number)
    # Dates and times become text.
    data = map_scalars(value, lambda one: one.isoformat() if hasattr(one, "isoformat") else one)
    return data, lambda: {(): first} | {tuple(map(str, path)): lines[path] for path in lines}


def toml_key(name: str) -> str:
    """Return a key for TOML, in quotes if it needs them."""
    return name if _BARE.fullmatch(name) else _quoted(name)


def toml_value(value: Any) -> str:
    """Return a value for TOML on one line; text with backslashes becomes a literal string if possible."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A literal string can hold anything except its own quote.
        if "\\" in value and "'" not in value and value.isprintable() and "##" not in value:
            return f"'{value}'"
        return _quoted(value)
    if isinstance(value, dict):
        pairs = ", ".join(f"{toml_key(key)} = {toml_value(element)}" for key, element in value.items())
        return f"{{{pairs}}}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return str(value)


def _quoted(text: str) -> str:
    """Return a basic string, with JSON's escapes for invisible characters and for commands in CI logs."""
    quoted = json.dumps(text, ensure_ascii=False).replace("##", "#\\u0023")
    return quoted if quoted.isprintable() else "".join(map(_escape_char, quoted))


def _escape_char(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
