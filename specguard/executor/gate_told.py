"""What the agent is told of a gate that failed: its command, how it ended, and what is new in its output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from specguard.runs.model import Response

if TYPE_CHECKING:
    from specguard.executor.run import Run
    from specguard.runs.model import Command
    from specguard.work.gates import PlannedGate

_LINES: Final = 80
_CHARACTERS: Final = 8000
# What differs each time a command runs: dates, times, durations, addresses, temporary folders.
_PASSING: Final = re.compile(
    r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ]|\b)|\b[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?Z?"
    r"|\b[0-9]+(?:[.,][0-9]+)? ?(?:ns|us|\u00b5s|ms|s|secs?|seconds?|m|min|minutes?)\b|\b0x[0-9a-f]+\b"
    r"|(?<=/tmp/)[^\s/]+",
    re.IGNORECASE,
)


def told_of_gate(run: Run, gate: PlannedGate, command: Command) -> str:
    """A section of Markdown on a gate that failed.

    Args:
        run: the run.
        gate: the gate.
        command: the record of its command.

    Returns:
        The section. Of output that was there when the same command failed in the round before, nothing is
        repeated; times in it do not make a line new.
    """
    said = f"`{command.command}` ({gate.named}) {_how(command)}"
    lines = _tail(run, command)
    before = _before(run, command)
    title = f"## The {gate.kind} {gate.name} {'failed' if before is None else 'fails still'}\n\n"
    if before is not None:
        known = {_lasting(line) for line in _tail(run, before)}
        new = [line for line in lines if _lasting(line) not in known]
        if not new:
            return f"{title}{said}, and says the same as in the round before.\n"
        return f"{title}{said}. What is new in its output:\n\n{_fenced(new)}"
    if not any(line.strip() for line in lines):
        return f"{title}{said}, and said nothing.\n"
    return f"{title}{said}:\n\n{_fenced(lines)}"


def _how(command: Command) -> str:
    if command.problem:
        return f"failed, since {command.problem}"
    return f"ended with exit code {command.exit_code}"


def _before(run: Run, command: Command) -> Command | None:
    """The record of the same command in the round before, where it failed there, too."""
    earlier = [
        one
        for one in run.manifest.commands
        if (one.name, one.kind, one.command) == (command.name, command.kind, command.command)
        and one.attempt < command.attempt
    ]
    return earlier[-1] if earlier and not earlier[-1].succeeded else None


def _tail(run: Run, command: Command) -> list[str]:
    try:
        with open(run.folder.file(command.response), "rb") as file:
            tail = Response.model_validate_json(file.read()).tail
    except (OSError, ValueError):
        return []
    return tail[-_CHARACTERS:].split("\n")[-_LINES:]


def _lasting(line: str) -> str:
    """A line without what differs each time."""
    return _PASSING.sub("0", line).strip()


def _fenced(lines: list[str]) -> str:
    longest = max((len(line) - len(line.lstrip("~")) for line in lines), default=0)
    fence = "~" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence, ""])
