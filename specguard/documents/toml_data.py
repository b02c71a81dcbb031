"""TOML as data, with the line of every key and element."""

from __future__ import annotations

from specguard.documents.data import DataError, Node, Number
from specguard.documents.toml_lines import TomlError, read_toml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from specguard.documents.data import Path


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
        raise DataError(f"{message[:1].lower()}{message[1:]}", error.line) from None

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
