"""What goes back to the agent: findings and failing commands as text; of what it knows, how many stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.reporters.escape import visible
from specguard.reporters.text import decided_by, place
from specguard.runs.model import Response

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Final

    from specguard.executor.run import Run
    from specguard.model import Verdict
    from specguard.runs.model import Command

_MOST: Final = 50


def told_of_findings(verdict: Verdict, known: Collection[str]) -> str:
    """The open errors of a verdict, as a section of Markdown.

    Args:
        verdict: the verdict.
        known: the fingerprints of those that the agent was told of before, which are only counted.
    """
    found = [one for one in verdict.findings if one.state == "open" and one.severity == "error"]
    new = [one for one in found if one.fingerprint not in known]
    lines = ["## Rules that the change breaks", ""]
    for judged in new[:_MOST]:
        lines.append(f"- {judged.code} {judged.name}: {place(judged)}{visible(judged.finding.message)}")
        lines.append(f"  by {visible(decided_by(judged))}")
        if judged.finding.help:
            lines.append(f"  next: {visible(judged.finding.help)}")
    if len(new) > _MOST:
        lines.append(f"- and {len(new) - _MOST} more")
    old = len(found) - len(new)
    if old:
        lines.append(f"- {old} of which you were told before {'stands' if old == 1 else 'stand'} still")
    return "\n".join(lines) + "\n"


def told_of_command(run: Run, command: Command, what: str) -> str:
    """A command that failed, with the end of its output, as a section of Markdown.

    Args:
        run: the run.
        command: its record.
        what: what that means, as a clause.
    """
    with open(run.folder.file(command.response), "rb") as file:
        tail = Response.model_validate_json(file.read()).tail
    why = command.problem or f"exit code {command.exit_code}"
    fence = "~" * max(3, max((len(line) - len(line.lstrip("~")) for line in tail.split("\n")), default=0) + 1)
    return f"## {what}\n\n`{command.command}` ended with {why}:\n\n{fence}text\n{tail.rstrip()}\n{fence}\n"
