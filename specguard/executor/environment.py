"""The variables that agents, gates and hooks get: few, and no secret that the policy does not pass on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.executor.run import Run

ALWAYS: Final = ("PATH", "HOME", "USER", "SHELL", "LANG", "TERM", "TMPDIR")
"""What everything gets; `[runs] environment` names what else."""

RUN: Final = "SPECGUARD_RUN"
"""The variable that names the run: every process that a run started has it, however it was detached."""

APPROVAL_POLICY: Final = "SPECGUARD_APPROVAL_POLICY"
"""The variable that tells an agent what `--approval-policy` said."""


def passed_on(environment: Mapping[str, str], allowed: Sequence[str]) -> dict[str, str]:
    """The part of an environment that commands of a run see.

    Args:
        environment: that of specguard.
        allowed: the names that `[runs] environment` has; `*` at the end of one stands for any rest.

    Returns:
        The variables. None begins with `GIT_`: those lead git to other repositories and configurations.
    """
    names = {*ALWAYS, *(name for name in allowed if not name.endswith("*"))}
    beginnings = tuple(name[:-1] for name in allowed if name.endswith("*"))
    return {
        name: value
        for name, value in environment.items()
        if (name in names or name.startswith(beginnings)) and not name.startswith("GIT_")
    }


def command_environment(run: Run) -> dict[str, str]:
    """The variables of a run's commands."""
    variables = passed_on(run.options.environment, run.policy.declared("run_settings").environment)
    variables[RUN] = run.manifest.run_id
    if run.place is not None:
        # Without its own .git, nothing done in the place reaches a repository around it.
        variables["GIT_CEILING_DIRECTORIES"] = os.path.dirname(run.place.path)
    if run.options.approval_policy:
        variables[APPROVAL_POLICY] = run.options.approval_policy
    return variables
