"""Structured data with the line of every key and element: JSON, YAML and TOML.

The same value is read from the same words in all three. What a reader could take for two things is none:
duplicate keys, YAML's anchors, aliases, merge keys and tags, and several documents in one file are problems;
YAML's `no`, `010` and dates are the text that was written.
"""

from __future__ import annotations

from specguard.documents.problem import Problem, not_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final, Literal, Self

    Kind = Literal["json", "yaml", "toml"]
    Path = Sequence[str | int]
    """A key from the top: names of keys, and positions in lists."""

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


class Node:
    """Where a value stands, and those within it.

    Attributes:
        line: of its key, or its own in a list.
        below: the values of a mapping by key, those of a list in order; None for a scalar.
    """

    __slots__ = ("below", "line")

    def __init__(self, line: int, below: dict[str, Node] | list[Node] | None = None) -> None:
        self.line = line
        self.below = below


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
        from specguard.documents import json_data

        return json_data.read
    if kind == "yaml":
        from specguard.documents import yaml_data

        return yaml_data.read
    from specguard.documents import toml_data

    return toml_data.read
