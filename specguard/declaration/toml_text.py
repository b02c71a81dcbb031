"""Values written as TOML has them."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
# What a literal string holds as it is: anything printable but its own quote.
_LITERAL: Final = re.compile(r"[^'\x00-\x1f\x7f]*\\[^'\x00-\x1f\x7f]*")


def toml_key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def toml_value(value: Any) -> str:
    """A value on one line; a text with backslashes, such as an expression, stands as it is where it can."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if _LITERAL.fullmatch(value):
            return f"'{value}'"
        # TOML's basic strings have JSON's escapes; the one control character JSON leaves is DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        pairs = ", ".join(f"{toml_key(key)} = {toml_value(element)}" for key, element in value.items())
        return f"{{{pairs}}}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return str(value)
