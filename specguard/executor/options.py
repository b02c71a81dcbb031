"""What a run is asked to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.declaration.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class RunOptions(Record):
    """The words of `specguard run`.

    Attributes:
        environment: the process's environment.
        directory: where to look for the repository; empty: the working directory.
        kind: the kind of work item; empty for a run of gates alone.
        item: the item's id; empty: the one that its pointer names.
        earlier: the items of a list whose runs come before it.
        plan: the plan's file, for a task.
        goal: what is to be found out, for research.
        agent: the name of an agent in the policy; empty where a command is given.
        command: the agent's command.
        remote: the remote's name.
        base: the base branch; empty: the item's.
        until: the last step; empty: all.
        dry_run: print the plan of all steps and touch nothing.
        detach: return the run's id at once.
        timeout: seconds for the whole run; 0: the policy's.
        command_timeout: seconds for each command without a limit of its own; 0: the policy's.
        commands: further gates, each a shell command.
        approval_policy: what the agent is told about asking; empty: nothing.
        run_root: the folder of runs; empty: the policy's.
        reuse_run: the run whose folder is used again; empty: a new one.
        compact: keep of the logs only their tails, once the run has ended.
        max_attempts: 0: the policy's.
        yes: do not ask.
    """

    environment: Mapping[str, str]
    directory: str = ""
    kind: str = ""
    item: str = ""
    earlier: Sequence[str] = ()
    plan: str = ""
    goal: str = ""
    agent: str = ""
    command: Sequence[str] = ()
    remote: str = "origin"
    base: str = ""
    until: str = ""
    dry_run: bool = False
    detach: bool = False
    timeout: int = 0
    command_timeout: int = 0
    commands: Sequence[str] = ()
    approval_policy: str = ""
    run_root: str = ""
    reuse_run: str = ""
    compact: bool = False
    max_attempts: int = 0
    yes: bool = False
