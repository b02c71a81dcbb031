"""How a run ends before its last step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from specguard.errors import SpecguardError
from specguard.model import EXIT_NO_VERDICT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.errors import MissingFact
    from specguard.runs.model import State

EXIT_AGENT_FAILED: Final = 3
EXIT_AGENT_STOPPED: Final = 4

EXITS: Mapping[State, int] = {
    "succeeded": 0,
    "failed": 3,
    "stopped": 4,
    "timed-out": 3,
    "budget-spent": 3,
    "remote-moved": 2,
    "killed": 130,
}
"""The exit code of each way in which a run ends; where the rules failed it is 1, in preflight 2."""


ERRORS: Mapping[State, str] = {
    "failed": "run-failed",
    "stopped": "agent-stopped",
    "timed-out": "time-limit",
    "budget-spent": "budget-spent",
    "remote-moved": "remote-moved",
    "killed": "killed",
}
"""The name of the error that each way in which a run ends early is, where nothing nearer is known."""


class RunEnded(Exception):
    """A run that ends here.

    Args:
        state: how it stands then.
        reason: why, in one sentence.
        help: the command or step that mends it; empty where there is none.
        code: the exit code, where it is not the state's.
        tail: the end of the output of the command that failed; empty without one.
        command: that command's number; None without one.
        error: the name of the kind of error, which `specguard error` explains; by default the state's.
    """

    def __init__(
        self,
        state: State,
        reason: str,
        *,
        help: str = "",
        code: int | None = None,
        tail: str = "",
        command: int | None = None,
        error: str = "",
    ) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
        self.help = help
        self.code = EXITS[state] if code is None else code
        self.tail = tail
        self.command = command
        self.error = error or ERRORS[state]


def ended_by(error: RunEnded | SpecguardError | MissingFact) -> RunEnded:
    """How a run ends by an error: one that gives no verdict, where it does not say how itself."""
    if isinstance(error, RunEnded):
        return error
    reason, help = (
        (error.message, error.help) if isinstance(error, SpecguardError) else (error.reason, error.command)
    )
    return RunEnded("failed", reason, help=help, code=EXIT_NO_VERDICT, error=error.code)
