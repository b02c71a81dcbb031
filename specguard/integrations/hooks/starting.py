"""The start of a session: what the agent is told of the guard, in a few lines."""

from __future__ import annotations

import os

from specguard.change.request import Request
from specguard.integrations.hooks.event import Answer
from specguard.integrations.hooks.judging import homes_of
from specguard.integrations.hooks.pins import Pin
from specguard.reporters.escape import cut, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from specguard.integrations.hooks.event import Event

_NAMED: Final = 12
"""So many guarded paths are named before the rest is counted."""


def greet(event: Event, environment: Mapping[str, str]) -> Answer:
    """What the agent is told when a session starts.

    Raises:
        SpecguardError: there is no policy.
    """
    from specguard.engine.policies import open_policy

    tree = homes_of(event)[0]
    pin = Pin.of(event, tree, environment)
    request = Request(
        environment=environment, directory=os.fsdecode(tree.root), pinned=pin.base if pin is not None else ()
    )
    policy = open_policy(request)
    documents = ", ".join(path for path, _ in policy.documents)
    guards = list(policy.guards.all)
    lines = [
        f"specguard guards this repository by {visible(cut(documents))}.",
        "Edits are judged before they are written, and what a command has done after it.",
    ]
    for code, word in (("PTH001", "Never change"), ("PTH002", "Do not change without an approval")):
        patterns = [guard.pattern for guard in guards if guard.code == code]
        if patterns:
            more = f" and {len(patterns) - _NAMED} more" if len(patterns) > _NAMED else ""
            lines.append(f"{word}: {visible(cut(', '.join(patterns[:_NAMED])))}{more}.")
    kinds = list(policy.declared("work_kinds")) if policy.declares("work_kinds") else []
    brief = f"`specguard brief{' KIND' if len(kinds) > 1 else ''}` tells what your work item asks for, "
    lines.append(
        f"{brief if kinds else ''}`specguard why PATH` tells what governs a path. "
        "A refusal says the next step; do not look for a way round it, ask the person you work for."
    )
    if pin is not None and pin.lost:
        lines.append(pin.lost)
    return Answer(kind="tell", text="\n".join(lines))
