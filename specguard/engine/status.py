"""The whole of a status, as `specguard.status/1` has it: where the work stands, and what comes next."""

from __future__ import annotations

from specguard.change.base import find_base
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.sources import open_changes
from specguard.documents.fields import normal_name
from specguard.engine import status_items as items
from specguard.engine.facts import Facts
from specguard.engine.policies import Policies
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final, TypeVar

    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.change.request import Request
    from specguard.plans.plans import Plan
    from specguard.plans.task import Task
    from specguard.waves.breakdowns import Breakdowns
    from specguard.waves.waves import StageState, Wave, Waves

    _Told = TypeVar("_Told")

    _Other = TypeVar("_Other")


SCHEMA: Final = "specguard.status/1"
"""The name of what `standing` gives; fields are only added to it."""


def standing(request: Request, *, waves: Sequence[str] = (), worktrees: bool = False) -> dict[str, Any]:
    """Where the work stands at `HEAD`, or in the working tree, by the policy that a check would take.

    Args:
        request: its directory, environment, `base`, `authority`, `worktree` and `today` count; `all` is set.
        waves: the waves that are asked for, by what tells them apart; empty: all.
        worktrees: whether each worktree is asked for changes that are not committed.

    Raises:
        SpecguardError: there is no policy, no commit, or a wave that is asked for is not there.
    """
    repository = Repository.locate(request.directory, request.environment)
    with Git(repository) as git:
        change, policy, notes = _open(git, request, Policies(request, repository))
        telling = TreeReport(Facts(change, policy), change, policy)
        found = _found(telling, waves)
    if worktrees:
        found["worktrees"] = list(items.worktrees_data(repository, telling))
        found["missing"] += [
            missing(f"the worktree {one['path']} has changes that are not committed")
            for one in found["worktrees"]
            if one["dirty"]
        ]
    found["notes"] = [*change.notes, *notes]
    found["unknown"] = telling.unknown
    judged = bool(found["waves"] or found["plans"])
    found["complete"] = None if telling.unknown or not judged else not found["missing"]
    return found


def waiting_plans(request: Request) -> dict[bytes, str]:
    """The plans whose tasks are of a stage that is not open, each with what they wait for.

    Args:
        request: as for `standing`.

    Raises:
        SpecguardError: there is no policy, or no commit.
        MissingFact: something that must be read is not there.
    """
    repository = Repository.locate(request.directory, request.environment)
    with Git(repository) as git:
        change, policy, _ = _open(git, request, Policies(request, repository))
        if not policy.declares("wave_settings"):
            return {}
        return plans_of_later_stages(Facts(change, policy).get("waves"))


def _found(telling: TreeReport, wanted: Sequence[str]) -> dict[str, Any]:
    """Everything that is known of a tree."""
    told = telling.told
    sources = telling.fact("sources")
    if sources is not None:
        items.tell_landed(telling, sources)
    waves = waves_asked_for(telling, wanted)
    listed = told(lambda: items.listed_items(telling, sources), [])
    planned = told(lambda: plans_data(telling), [])
    if waves:
        lacking = [
            *told(lambda: missing_of_waves(waves), []),
            *told(lambda: undisposed(telling, waves), []),
        ]
    else:
        lacking = undone(planned)
    policy = telling.policy
    return {
        "schema": SCHEMA,
        "tree": "worktree" if telling.change.request.worktree else "HEAD",
        "head": telling.change.git.repository.head,
        "branch": items.branch_name(telling),
        "authority": {
            "documents": [path for path, _ in policy.documents],
            "ref": policy.ref,
            "policy_id": policy.policy_id,
            "trusted": policy.trusted,
        },
        "item": told(lambda: items.named_item(telling), None),
        "current": told(lambda: items.current_items(telling), []),
        "waves": told(lambda: [wave_data(wave) for wave in waves], []),
        "items": listed,
        "plans": planned,
        "agents": told(lambda: items.agents_data(telling), []),
        "specs": told(lambda: items.specs_data(telling), None),
        "worktrees": [],
        "missing": lacking,
        "next": [
            *told(lambda: list(next_stages(waves)), []),
            *items.next_items(listed),
            *next_tasks(planned),
        ],
    }


def _open(git: Git, request: Request, policies: Policies) -> tuple[Change, Policy, list[str]]:
    """What is looked at, with its policy; where there is no base, by its own."""
    if not request.worktree and find_base(git, request) is None:
        values = {name: getattr(request, name) for name in request._fields}
        request = type(request)(**{**values, "root": True})
    [change] = open_changes(git, request)
    return policies.of(change)


def waves_asked_for(telling: TreeReport, wanted: Sequence[str]) -> list[Wave]:
    """The waves that are asked for, by what tells them apart; all where none is.

    Raises:
        SpecguardError: one that is asked for is not there.
    """
    waves = telling.fact("waves")
    found: list[Wave] = telling.told(lambda: list(waves.all), []) if waves is not None else []
    names = {wave.key: {" ".join(wave.key), wave.name} for wave in found}
    for one in wanted:
        if not any(one.casefold() in known for known in names.values()):
            there = ", ".join(" ".join(wave.key) for wave in found)
            raise SpecguardError(
                f"there is no wave {one!r}",
                help=f"there is {there}" if there else "no wave has begun",
                code="unknown-name",
            )
    asked = {one.casefold() for one in wanted}
    return [wave for wave in found if not asked or asked & names[wave.key]]


def wave_data(wave: Wave) -> dict[str, Any]:
    """A wave as the report has it.

    Raises:
        MissingFact: something that must be read is not there.
    """
    current = wave.current
    return {
        "name": wave.name,
        "fields": dict(wave.fields),
        "complete": wave.complete,
        "stage": current.name if current else None,
        "stages": [
            {
                "name": stage.name,
                "state": stage.state,
                "missing": list(_missing_of(stage)),
                "artifacts": [path_text(artifact.path) for artifact in stage.artifacts],
            }
            for stage in wave.stages
        ],
    }


def missing_of_waves(waves: Sequence[Wave]) -> list[dict[str, Any]]:
    """All that stands between waves and their completion.

    Raises:
        MissingFact: something that must be read is not there.
    """
    return [one for wave in waves for stage in wave.stages for one in _missing_of(stage)]


def undisposed(telling: TreeReport, waves: Sequence[Wave]) -> list[dict[str, Any]]:
    """The conditional items that are neither done nor put off in a readiness document.

    Raises:
        MissingFact: something that must be read is not there.
    """
    breakdowns: Breakdowns | None = telling.fact("breakdowns")
    if breakdowns is None or not waves:
        return []
    names = {wave.key: wave.name for wave in waves}
    found = []
    for finding in breakdowns.undisposed(telling.readiness, "readiness"):
        path = finding.path or b""
        artifact = breakdowns.artifacts.at(path) if breakdowns.artifacts is not None else None
        key = waves[0].waves.key_at(path, artifact.fields if artifact else {})
        if key in names:
            found.append(missing(finding.message, path=path, line=finding.line, wave=names[key]))
    return found


def next_stages(waves: Sequence[Wave]) -> Iterator[str]:
    """What is to be completed now, and what opens then.

    Raises:
        MissingFact: something that must be read is not there.
    """
    for wave in waves:
        for stage in wave.stages:
            if stage.needed and stage.open and not stage.complete:
                opens = [later.name for later in wave.stages if _waits_for_it_alone(later, stage)]
                verb = "opens" if len(opens) == 1 else "open"
                then = f"; then {' and '.join(opens)} {verb}" if opens else ""
                yield f"complete the stage {stage.name} of {wave.name}{then}"


def _missing_of(stage: StageState) -> Iterator[dict[str, Any]]:
    for one in stage.missing if stage.needed else ():
        yield missing(one.what, path=one.path, line=one.line, wave=stage.wave.name, stage=stage.name)


def _waits_for_it_alone(later: StageState, stage: StageState) -> bool:
    return later.needed and [one.name for one in later.waits_for] == [stage.name]


def plans_data(telling: TreeReport) -> list[dict[str, Any]]:
    """Every plan, with its tasks.

    Raises:
        MissingFact: something that must be read is not there.
    """
    plans = telling.fact("plans")
    if plans is None:
        return []
    waves: Waves | None = telling.fact("waves")
    waiting = telling.told(lambda: plans_of_later_stages(waves), {})
    return [_plan(plan, waiting=plan.path in waiting) for plan in plans.all]


def plans_of_later_stages(waves: Waves | None) -> dict[bytes, str]:
    """The plans whose tasks are of a stage that is not open, each with what they wait for."""
    return {
        plan.path: f"the stage {stage.waits_for[0].name}, which is not complete"
        if stage.waits_for
        else stage.lacking[0].what
        for wave in (waves.all if waves is not None else ())
        for stage in wave.stages
        if stage.settings.items
        and wave.waves.kind_of(stage.settings.items) == ""
        and (stage.waits_for or stage.lacking)
        for plan in wave.plans
    }


def undone(plans: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The tasks that are not done, and the plans that list none, where no wave says it."""
    found = []
    for plan in plans:
        path = plan["path"].encode("utf-8")
        if not plan["tasks"]:
            found.append(missing(f"{plan['path']} {plan['problem'] or 'lists no tasks'}", path=path))
        for task in plan["tasks"]:
            if task["state"] not in ("done", "deferred"):
                status = task["status"] or "without a status"
                found.append(
                    missing(f"{_called(task)} of {plan['name']} is {status}", path=path, line=task["line"])
                )
    return found


def next_tasks(plans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The task of each plan that can be done now, and a few others that could be."""
    for plan in plans:
        ready = [_called(task) for task in plan["tasks"] if task["state"] == "ready"]
        if ready:
            others = f" (or {', '.join(ready[1:4])})" if ready[1:] else ""
            yield f"do {ready[0]} of {plan['name']}{others}"


def _called(task: Mapping[str, Any]) -> str:
    return task["id"] or (f'"{task["title"]}"' if task["title"] else "a task without an id")


def _plan(plan: Plan, *, waiting: bool) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for task in plan.tasks:
        counts[task.status or "none"] = counts.get(task.status or "none", 0) + 1
    return {
        "name": plan.name,
        "path": path_text(plan.path),
        "option": plan.option,
        "problem": plan.data.problem.message if plan.data.problem else "",
        "counts": counts,
        "tasks": [_task(task, waiting=waiting) for task in plan.tasks],
    }


def _task(task: Task, *, waiting: bool) -> dict[str, Any]:
    needed = [task.plan.task(need) for need in task.depends_on]
    waits = [other.id for other in needed if other is not None and not other.done]
    if task.done:
        state = "done"
    elif task.deferred:
        state = "deferred"
    elif waits or normal_name(task.status) == "blocked":
        state = "blocked"
    else:
        state = "waiting" if waiting else "ready"
    return {
        "id": task.id,
        "title": task.title,
        "status": task.status,
        "state": state,
        "needs": waits,
        "line": task.line,
    }


class TreeReport:
    """What can be told of one tree.

    Args:
        facts: its facts.
        change: what is looked at.
        policy: what it is looked at by.

    Attributes:
        facts, change, policy: the same.
        unknown: what could not be told, and why.
    """

    def __init__(self, facts: Facts, change: Change, policy: Policy) -> None:
        self.change = change
        self.policy = policy
        self.unknown: list[str] = []
        self.facts = facts

    def fact(self, name: str) -> Any:
        """A fact; None where it does not belong here, or cannot be had."""
        return self.told(lambda: self.facts.get(name), None)

    @property
    def readiness(self) -> Sequence[str]:
        """The contracts of the documents that put conditional items off; none where no rule asks for them."""
        rule = self.policy.rule("PLN011")
        if rule is None or not rule.active:
            return ()
        contracts: Sequence[str] = rule.load().readiness  # type: ignore[attr-defined]  # a setting of its own
        return contracts

    def told(self, read: Callable[[], _Told], otherwise: _Other) -> _Told | _Other:
        """What a function gives, or something else where that cannot be told."""
        try:
            return read()
        except NotApplicable:
            return otherwise
        except MissingFact as missing:
            self.note(f"{missing.reason}: {missing.command}" if missing.command else missing.reason)
            return otherwise

    def note(self, said: str) -> None:
        """Note once that something could not be told."""
        if said not in self.unknown:
            self.unknown.append(said)


def missing(
    what: str,
    *,
    path: bytes | None = None,
    line: int | None = None,
    wave: str | None = None,
    stage: str | None = None,
) -> dict[str, Any]:
    """One thing that is missing, as the report has it."""
    shown = None if path is None else path_text(path)
    return {"what": what, "path": shown, "line": line, "wave": wave, "stage": stage}
