"""JSON as data, with the line of every key and element."""

from __future__ import annotations

import json
import re
import sys

from specguard.documents.data import MAX_DEPTH, TOO_DEEP, DataError, Node, Number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:\n]|[^\s\[\]{},:"]+')
_CONSTANTS: Final = ("NaN", "Infinity", "-Infinity")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class _Duplicate(Exception):
    """A key that is there twice."""


def read(text: str, first: int) -> tuple[Any, Callable[[], Node]]:
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
