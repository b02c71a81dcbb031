"""Whether what must come before a plan is there: the stages of its wave."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from specguard.change.request import Request
from specguard.engine.status.standing import standing
from specguard.errors import SpecguardError
from specguard.work.path_templates import PathTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from specguard.authority.policy import Policy


def require_open(policy: Policy, path: str, directory: str) -> None:
    """Refuse a plan before the stages that come before it are complete in the working tree.

    Args:
        policy: the policy.
        path: the plan's file, from the root.
        directory: the folder that is worked in.

    Raises:
        SpecguardError: one is not, with what is missing.
    """
    settings = policy.declared("wave_settings")
    contracts = policy.declared("contracts")
    written: dict[str, Mapping[str, str]] = {}
    for name, contract in contracts.items():
        found = PathTemplate(contract.path).read(path.encode("utf-8")) if contract.path else None
        if found is not None:
            written[name] = found
    stages = [stage for stage in settings.stages if written.keys() & {*stage.requires, *stage.leaves}]
    if not stages or not stages[0].opens_after:
        return
    stage = stages[0]
    fields = next(written[name] for name in written if name in {*stage.requires, *stage.leaves})
    request = Request(environment=os.environ, directory=directory, worktree=True, all=True)
    wave = next((one for one in standing(request)["waves"] if _same(one["fields"], fields)), None)
    if wave is None:
        first_of_all = _first(settings, stage)
        raise SpecguardError(
            f"no plan is made yet: nothing of the stage {first_of_all.name} is there",
            path=path,
            help=f"write what it requires: {_writing(first_of_all, fields)}",
            code="plan-unready",
        )
    states: Mapping[str, Mapping[str, Any]] = {one["name"]: one for one in wave["stages"]}
    if states[stage.name]["state"] == "waiting":
        lacking = [
            one for one in wave["stages"] if one["name"] != stage.name and one["state"] in ("open", "waiting")
        ]
        first = next((one for one in lacking if one["missing"]), lacking[0])
        said: Mapping[str, Any] = first["missing"][0] if first["missing"] else {"what": "its work is open"}
        raise SpecguardError(
            f"no plan is made yet: the stage {first['name']} is not complete: {said['what']}",
            path=said.get("path") or path,
            line=said.get("line") or None,
            help="complete it first; specguard status --worktree says what is missing",
            code="plan-unready",
        )


def _same(wave: Mapping[str, str], fields: Mapping[str, str]) -> bool:
    return all(fields.get(name, "").casefold() == value.casefold() for name, value in wave.items())


def _first(settings: Any, stage: Any) -> Any:
    """The stage with which the way to one begins."""
    named = {one.name: one for one in settings.stages}
    seen = {stage.name}
    while stage.opens_after and stage.opens_after[0] in named and stage.opens_after[0] not in seen:
        stage = named[stage.opens_after[0]]
        seen.add(stage.name)
    return stage


def _writing(stage: Any, fields: Mapping[str, str]) -> str:
    """The command that writes what a stage requires."""
    given = "".join(f" {name}={shlex.quote(value)}" for name, value in sorted(fields.items()))
    return f"specguard new {stage.requires[0] if stage.requires else 'ARTIFACT'}{given}"
