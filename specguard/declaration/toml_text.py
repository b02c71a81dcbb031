"""Values written as TOML has them."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
# What a literal string holds as it is: anything but its own quote.
_LITERAL: Final = re.compile(r"[^']*\\[^']*")


def toml_key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else _quoted(name)


def toml_value(value: Any) -> str:
    """A value on one line; a text with backslashes, such as an expression, stands as it is where it can."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if _LITERAL.fullmatch(value) and value.isprintable() and "##" not in value:
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
