"""What is too large, too many or too long, as the page of limits: every number is read from the code."""

from __future__ import annotations

import importlib
import re
from importlib.resources import files
from typing import Final

_NUMBER: Final = re.compile(r"\{(?P<target>[\w.]+:[\w.]+)(?: (?P<unit>\w+))?\}")


def limits_page() -> str:
    """The page, ending in a newline."""
    return _NUMBER.sub(lambda found: shown(*found.groups("")), limits_text())


def limits_text() -> str:
    """The page with `{module:CONSTANT unit}` for each number.

    A number may also be `module:CONSTANT.key`, or `module:Class.field` for the default of a setting.
    """
    return (files("specguard") / "texts" / "limits.md").read_text(encoding="utf-8")


def targets() -> list[tuple[str, str]]:
    """Where each number of the page is, with its unit; empty where the text, or the number itself, has it."""
    return [(found["target"], found["unit"] or "") for found in _NUMBER.finditer(limits_text())]


def shown(target: str, unit: str) -> str:
    """A number with its unit.

    Args:
        target: where it is.
        unit: bytes, MiB, seconds or characters; empty for none.
    """
    value = value_of(target)
    if isinstance(value, str):
        # The pattern of the setting has made sure of its form.
        number, of = int(value[:-1]), {"s": "second", "m": "minute", "h": "hour"}[value[-1]]
        return f"{number} {of}" + ("" if number == 1 else "s")
    if unit == "seconds":
        days, rest = divmod(value, 86400)
        return f"{days:g} days" if days and not rest else f"{value:g} seconds"
    if unit == "bytes":
        for size, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
            if value >= size and value % size == 0:
                return f"{int(value) // size} {name}"
    return f"{int(value):,} {unit}".rstrip()


def value_of(target: str) -> float | str:
    """The number that a target names; of a setting's default it may be text with its unit.

    Raises:
        LookupError, AttributeError, TypeError: it names none.
    """
    module, _, name = target.partition(":")
    name, _, key = name.partition(".")
    value = getattr(importlib.import_module(module), name)
    if key:
        value = value[key] if isinstance(value, dict) else getattr(value, key)
    if not isinstance(value, (int, float, str)):
        raise TypeError(f"{target} is no limit")
    return value
