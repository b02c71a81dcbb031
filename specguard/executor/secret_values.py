"""The secrets that an environment holds, and the forms in which a program may print them."""

from __future__ import annotations

import base64
import json
import os
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHORTEST: Final = 6
"""A shorter value is not taken out: it would be taken out of half of the words, too."""

_NAMES: Final = re.compile(
    r"(?:^|_)(?:.*(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|APIKEY|CREDENTIAL)S?|KEYS?|PASS|PAT|AUTH|COOKIE"
    r"|DSN|PRIVATE)(?P<more>_[A-Z0-9_]*[A-Z])?[0-9_]*$",
    re.IGNORECASE,
)
# What is called a secret and only says something about one.
_SETTINGS: Final = frozenset({"default", "disabled", "enabled", "require", "required", "optional"})
_IN_URL: Final = re.compile(r"://[^\s/:@]{0,80}:([^\s/@]{1,300})@")
# Encodings of short values are too much like other text.
_SHORTEST_ENCODED: Final = 8
# A longer value is looked for in windows of so many bytes, each by itself.
_WINDOW: Final = 1024
_WRAPPED: Final = rb"\n?"


def secrets_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The secret values of an environment, each with the name of its variable.

    A value is a secret where the variable is called one, unless it is the path of a file; so is the password
    in a URL, whatever the variable is called. Of a value with several lines each is one.
    """
    found: dict[str, str] = {}
    for name, value in environment.items():
        for password in _IN_URL.findall(value):
            found.setdefault(password, name)
        if _is_secret(name, value):
            for line in (value, *value.splitlines()):
                found.setdefault(line.strip(), name)
    return {value: name for value, name in found.items() if len(value) >= SHORTEST and "\n" not in value}


def _is_secret(name: str, value: str) -> bool:
    called = _NAMES.search(name)
    if called is None or value.casefold() in _SETTINGS:
        return False
    # `TOKEN_TYPE` is about a token; `TOKEN_2024Q1_PROD` may be one, which has figures in it.
    if called["more"] and (value.isalpha() or not any(char.isdigit() for char in value)):
        return False
    return not (value.startswith(("/", "~/")) and _is_path(value))


def _is_path(value: str) -> bool:
    return "\0" not in value and os.path.lexists(os.path.expanduser(value))


def patterns_of(value: str) -> Iterator[tuple[bytes, str]]:
    """Expressions, in RE2's syntax, for a value as it is and for each of its encodings.

    Yields:
        The expression, and a text that is as long as what it matches at most.
    """
    for form in _spelt(value):
        yield re.escape(form.encode("utf-8", "surrogateescape")), form
    data = value.encode("utf-8", "surrogateescape")
    if len(data) < _SHORTEST_ENCODED:
        return
    for start in range(0, len(data), _WINDOW):
        window = data[start : start + _WINDOW]
        if len(window) < _SHORTEST_ENCODED:
            continue
        for text in {form for offset in range(3) for form in _base64(window, offset)}:
            # Programs break it into lines.
            yield _WRAPPED.join(re.escape(bytes([byte])) for byte in text.encode()), text * 2
        yield b"(?i:" + window.hex().encode() + b")", window.hex()


def _spelt(value: str) -> Iterator[str]:
    yield value
    if len(value) >= _SHORTEST_ENCODED:
        escaped = {
            quote(value, safe="", errors="surrogateescape"),
            quote(value, errors="surrogateescape"),
            quote_plus(value, errors="surrogateescape"),
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
        }
        for one in sorted(escaped - {value}):
            yield one
            yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), one)


def _base64(data: bytes, offset: int) -> Iterator[str]:
    """The letters that stand for some bytes alone, where so many others stand before them."""
    whole = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
    text = whole[(0, 2, 3)[offset] : len(whole) - ((offset + len(data)) % 3 > 0)]
    yield text
    yield text.replace("+", "-").replace("/", "_")
