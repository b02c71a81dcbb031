"""What is too large, too many or too long, as the page of limits: every number is read from the code."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final, Literal

    Unit = Literal["bytes", "MiB", "seconds", "characters", ""]


class Limit(NamedTuple):
    """One limit.

    Attributes:
        what: what has it.
        target: where its number is: `module:CONSTANT`, `module:CONSTANT.key`, or `module:Class.field` for the
            default of a setting.
        unit: of what the number is; empty where `what` says it, and where the number has it.
        changed_by: the setting or option that changes it, in Markdown.
        reached: what happens there, in Markdown.
    """

    what: str
    target: str
    unit: Unit
    changed_by: str
    reached: str


_HEAD: Final = """\
# Limits

Everything in a change is somebody else's, and so is what an agent runs: nothing of it may take memory or time
without end. What is beyond a limit is never passed over: a rule that cannot read all it has to read is
`indeterminate`, which ends with 2. Most limits are far from what honest files have, and are fixed; those that
depend on how a team works are settings.
"""


def limits_page() -> str:
    """The page, ending in a newline."""
    from specguard.cli.limit_table import COUNTS, SIZES, TIMES

    lines = _HEAD.split("\n")
    for title, limits in (("Time", TIMES), ("Rounds and room of a run", COUNTS), ("Size", SIZES)):
        lines += [
            f"## {title}",
            "",
            "| what | limit | changed by | what happens there |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| {limit.what} | {shown(limit)} | {limit.changed_by} | {limit.reached} |" for limit in limits
        ]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def shown(limit: Limit) -> str:
    """The number of a limit with its unit."""
    value = value_of(limit.target)
    if isinstance(value, str):
        # The pattern of the setting has made sure of its form.
        number, unit = int(value[:-1]), {"s": "second", "m": "minute", "h": "hour"}[value[-1]]
        return f"{number} {unit}" + ("" if number == 1 else "s")
    if limit.unit == "seconds":
        days, rest = divmod(value, 86400)
        return f"{days:g} days" if days and not rest else f"{value:g} seconds"
    if limit.unit == "bytes":
        for size, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
            if value >= size and value % size == 0:
                return f"{int(value) // size} {name}"
    return f"{int(value):,} {limit.unit}".rstrip()


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
