"""YAML as data, with the line of every key and element; what could be read in two ways is refused."""

from __future__ import annotations

import re
from bisect import bisect_left

from specguard.documents.data import LONGEST_NUMBER, MAX_DEPTH, TOO_DEEP, DataError, Node, Number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

_NUMBER: Final = re.compile(r"(?:0|-?[1-9][0-9]*)|-?(?:0|[1-9][0-9]*)(\.[0-9]+(?:[eE][-+]?[0-9]+)?)")
_WORDS: Final = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_STRING_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})


def read(text: str, first: int) -> tuple[Any, Callable[[], Node]]:
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
