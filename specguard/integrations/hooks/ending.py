"""The working tree as it is: after a command what is new in it, and at the end of a turn all that is left."""

from __future__ import annotations

import os

from specguard.change.repository import Looking
from specguard.change.request import Request
from specguard.integrations.hooks.event import Answer
from specguard.integrations.hooks.judging import homes_of
from specguard.integrations.hooks.sessions import Session
from specguard.model import EXIT_PASSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.event import Event
    from specguard.integrations.hooks.places import WorkTree
    from specguard.model import Verdict

HELD: Final = 3
"""How often in a row the end of a turn is held up."""

SHOWN: Final = 10
"""So many findings are said at once."""

_COMMAND: Final = "`specguard check --worktree`"


def judge_end(event: Event, environment: Mapping[str, str]) -> Answer:
    """Judge the working tree at the end of a turn.

    Args:
        event: the event.
        environment: the hook's environment.

    Returns:
        A refusal while something is left and the agent has not been held up too often; then what is left is
        told to whom the agent's program shows it.

    Raises:
        SpecguardError: no verdict can be given.
    """
    tree, verdicts = _checked(event, environment)
    session = Session(event, tree)
    if event.again is False and event.loops is None:
        # A turn that a person has begun.
        session.stops = 0
    if all(verdict.exit_code == EXIT_PASSED for verdict in verdicts):
        if session.stops:
            session.stops = 0
            session.save()
        return Answer()
    blocks = _blocks(verdicts)
    left = _counted(len(blocks))
    if event.loops is not None and event.loops >= HELD:
        return Answer(kind="tell", text=_given_up(left))
    if session.stops >= HELD:
        return Answer(kind="tell", text=_given_up(left))
    session.stops += 1
    session.told = _fingerprints(verdicts)
    session.save()
    if not session.kept and event.again:
        # Nothing counts how often, so once must do.
        return Answer(kind="tell", text=_given_up(left))
    said = (
        f"specguard has checked the working tree, and {left} before the turn can end"
        f" (said {session.stops} of {HELD} times). Mend what is below, or tell the person you work for why"
        f" it cannot be; {_COMMAND} shows it again."
    )
    return Answer(kind="refuse", text=_joined(said, blocks))


def judge_after(event: Event, environment: Mapping[str, str]) -> Answer:
    """Judge the working tree after a command, and tell what is new in it.

    Raises:
        SpecguardError: no verdict can be given.
    """
    tree, verdicts = _checked(event, environment)
    session = Session(event, tree)
    found = _fingerprints(verdicts)
    known = set(session.told)
    if session.told != found:
        session.told = found
        session.save()
    blocks = _blocks(verdicts, known)
    if not blocks or all(one in known for one in found):
        return Answer()
    said = (
        f"After this command the working tree has {len(blocks)} new "
        f"finding{'' if len(blocks) == 1 else 's'} of specguard; mend it now."
    )
    return Answer(kind="refuse", text=_joined(said, blocks))


def _checked(event: Event, environment: Mapping[str, str]) -> tuple[WorkTree, Sequence[Verdict]]:
    """The project's working tree, with the verdicts on it and on other worktrees in which the agent is."""
    homes = homes_of(event)
    verdicts: list[Verdict] = []
    for tree in homes:
        if tree.common != homes[0].common:
            continue
        request = Request(
            environment=environment, directory=os.fsdecode(tree.root), worktree=True, by_agent=True
        )
        looking = Looking.of(request)
        from specguard.engine.check import check

        verdicts += check(request, needs={"quotes"}, looking=looking)
    return homes[0], verdicts


def _blocks(verdicts: Sequence[Verdict], known: set[str] | None = None) -> list[str]:
    """The blocks of the errors; without those that are known already."""
    from specguard.reporters.agent import block, blocks_of

    if not known:
        return [one for verdict in verdicts for one in blocks_of(verdict, errors=True)]
    return [
        block(judged, result, str(verdict.change.get("source")))
        for verdict in verdicts
        for result in verdict.results
        for judged in result.findings
        if judged.state == "open" and judged.severity == "error" and judged.fingerprint not in known
    ]


def _fingerprints(verdicts: Sequence[Verdict]) -> list[str]:
    found = [
        judged.fingerprint
        for verdict in verdicts
        for judged in verdict.findings
        if judged.state == "open" and judged.severity == "error"
    ]
    # What could not be judged is told once too.
    return found + [result.code for verdict in verdicts for result in verdict.results if result.incomplete]


def _joined(said: str, blocks: Sequence[str]) -> str:
    rest = len(blocks) - SHOWN
    more = [f"and {rest} more; {_COMMAND} has them all"] if rest > 0 else []
    return "\n\n".join([said, *blocks[:SHOWN], *more])


def _counted(count: int) -> str:
    return "1 finding is left" if count == 1 else f"{count} findings are left"


def _given_up(left: str) -> str:
    return f"specguard: {left} in the working tree, and the agent was told {HELD} times; {_COMMAND} shows it."
