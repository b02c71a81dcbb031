"""The status report `specguard.status/1`: the state of the work, and the next steps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from specguard.artifacts.artifacts import Artifacts
from specguard.authority.policy import Policy
from specguard.change.base import find_base
from specguard.change.check_request import Request
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.sources import open_changes
from specguard.change.worktree import worktrees
from specguard.documents.fields import normal_name
from specguard.engine.facts import Facts
from specguard.engine.trusted_policy import Policies
from specguard.errors import MissingFact, Needed, if_applicable, if_known
from specguard.model import Finding, path_text
from specguard.plans.plans import Plan, Plans
from specguard.plans.task import Task
from specguard.specs.specs import Specs
from specguard.waves.breakdowns import Breakdowns
from specguard.waves.waves import StageState, Wave, Waves
from specguard.work.item import Unresolved, WorkItem
from specguard.work.item_lists import Listed, Sources
from specguard.work.named_items import Work

_Value = TypeVar("_Value")

_Default = TypeVar("_Default")


SCHEMA: Final = "specguard.status/1"
"""The name of the report's schema; later versions only add fields."""


def read_status(request: Request, *, worktrees: bool = False) -> dict[str, Any]:
    """Report the state of the work at `HEAD` or in the working tree, by the policy that a check would use.

    Args:
        request: reads its directory, environment, `base`, `authority`, `worktree` and `today`; `all` is set.
        worktrees: True to check each worktree for uncommitted changes.

    Raises:
        SpecguardError: the policy or the first commit is missing.
    """
    with Git(Repository.locate(request.directory, request.environment)) as git:
        facts, notes = open_tree(git, request)
        tree = _TreeReport(facts)
        found = tree.data()
    if worktrees:
        found["worktrees"] = tree.read(lambda: list(tree.worktrees()), [])
        found["missing"] += [
            _missing(Finding(f"the worktree {one['path']} has changes that are not committed"))
            for one in found["worktrees"]
            if one["dirty"]
        ]
    problems = [f"{one.origin}: {one.message}" for one in facts.policy.disregarded if not one.key]
    found["notes"] = [*facts.change.notes, *notes, *problems]
    found["unknown"] = tree.unknown
    has_work = bool(found["waves"] or found["plans"])
    found["complete"] = None if tree.unknown or not has_work else not found["missing"]
    return found


@contextmanager
def open_waves(policy: Policy) -> Iterator[Waves | None]:
    """Open the waves of the working tree while the context lasts; None if a policy has no stages.

    Raises:
        SpecguardError: the policy, the first commit, or a required file or object is missing.
    """
    if not (policy.declares("wave_settings") and policy.declares("contracts")):
        yield None
        return
    request = Request(environment=os.environ, worktree=True, all=True)
    with Needed(), Git(Repository.locate("", os.environ)) as git:
        yield open_tree(git, request)[0].if_declared("waves")


def open_tree(git: Git, request: Request) -> tuple[Facts, list[str]]:
    """Return the facts of the tree at `HEAD` or in the working tree, and notes on the policy that judges it.

    Args:
        git: the repository.
        request: the request of the report; without a base, the tree's own policy judges it.

    Raises:
        SpecguardError: the policy or the first commit is missing.
    """
    policies = Policies(request, git.repository)
    if not request.worktree and not find_base(git, request):
        request = request.with_values(root=True)
    [change] = open_changes(git, request)
    change, policy, notes = policies.choose(change)
    return Facts(change, policy), notes


class _TreeReport:
    """The report on one tree; `unknown` lists the missing facts with their reasons."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.change, self.policy = facts.change, facts.policy
        self.unknown: list[str] = []
        self.sources: Sources | None = self.fact("sources")
        if self.sources is not None:
            # The whole history of `HEAD` decides which items are done, regardless of the base.
            facts.set_done(self.sources, self.change.git.repository.head)
        self.waves: Waves | None = self.fact("waves")

    def read(self, read: Callable[[], _Value], otherwise: _Default) -> _Value | _Default:
        """Return the result of a function, or the second argument if a fact is missing or does not apply."""
        try:
            return if_applicable(read, otherwise)
        except MissingFact as missing:
            self.note(f"{missing.reason}: {missing.command}" if missing.command else missing.reason)
            return otherwise

    def note(self, text: str) -> None:
        """Add a missing fact to `unknown`, once."""
        if text not in self.unknown:
            self.unknown.append(text)

    def fact(self, name: str) -> Any:
        """Return a fact; None if it is missing or does not apply."""
        return self.read(lambda: self.facts.get(name), None)

    def data(self) -> dict[str, Any]:
        """Build the report from all known facts."""
        read, policy, known_waves = self.read, self.policy, self.waves
        waves: Sequence[Wave] = read(lambda: known_waves.all, ()) if known_waves is not None else ()
        items = read(lambda: list(self._listed_items(waves)), [])
        every_plan: Sequence[Plan] = read(lambda: self.facts.get("plans").all, [])
        waiting = read(lambda: waiting_plans(waves), {})
        plans = [_plan(plan, waiting=plan.path in waiting) for plan in every_plan]
        stages = read(lambda: list(_next_stages(waves)), [])
        begun = read(lambda: {one.short for one in self.change.git.repository.branches()}, set())
        missing = [_missing(gap) for plan in every_plan for gap in plan.gaps()]
        if waves:
            missing = [
                *read(lambda: [one for wave in waves for stage in wave.stages for one in _gaps(stage)], []),
                *read(lambda: list(self._open_conditionals(waves[0].waves)), []),
            ]
        return {
            "schema": SCHEMA,
            "tree": "worktree" if self.change.request.worktree else "HEAD",
            "head": self.change.git.repository.head,
            "branch": self._branch(),
            "authority": {
                key: value for key, value in policy.summary.items() if key not in ("blobs", "plugins")
            },
            "item": read(self._named_item, None),
            "current": read(self._current_items, []),
            "waves": read(lambda: [_wave(wave, missing) for wave in waves], []),
            "items": items,
            "plans": plans,
            "agents": read(lambda: list(self._agents()), []),
            "specs": read(self._specs, None),
            "worktrees": [],
            "missing": missing,
            "next": [*stages, *_next_items(items, begun), *_next_tasks(plans)],
        }

    def worktrees(self) -> Iterator[dict[str, Any]]:
        """Yield every worktree of the repository, and if it has uncommitted changes."""
        for one in worktrees(self.change.git.repository):
            if one.problem:
                self.note(f"the worktree {one.path} cannot be read: {one.problem}: git worktree prune")
            yield {"path": one.path, "branch": one.branch or None, "dirty": one.dirty, "problem": one.problem}

    def _branch(self) -> str | None:
        """Return the branch that is checked out or named; None if there is none."""
        # A missing branch hides nothing about the state of the work.
        name = if_known(lambda: self.change.branch.name, None)
        return None if name is None else path_text(name.encode("utf-8", "surrogateescape"))

    def _named_item(self) -> dict[str, Any] | None:
        """Return the item that the branch, the commits or the title name; None if they name no item."""
        work = self.facts.work_items
        if work is None or work.naming is None:
            return None
        # Where each commit does an item of its own, the last one says where the work stands.
        naming = work.namings[-1] if work.naming.kind in work.shared else work.naming
        return self._item(work, naming.kind, naming.id, work.resolve_naming(naming), naming.source)

    def _current_items(self) -> list[dict[str, Any]]:
        """Return the item that the pointer of each kind names."""
        # Without a branch there is no named item; the pointers still name the current items.
        work = self.facts.work_items
        return [
            self._item(work, kind, work.pointer(kind).id, work.current(kind), "pointer")
            for kind, settings in (work.kinds.items() if work else ())
            if work and settings.pointer
        ]

    def _item(
        self, work: Work, kind: str, item_id: str, resolved: WorkItem | Unresolved, by: str
    ) -> dict[str, Any]:
        data: dict[str, Any] = {"kind": kind, "id": item_id, "slug": None, "document": None, "branch": None}
        data |= {"submit": None, "title": "", "status": "", "named_by": by, "problem": ""}
        if not isinstance(resolved, WorkItem):
            return {**data, "problem": resolved.problem}
        data |= resolved.summary()
        data["branch"] = next(iter(resolved.branches), None)
        data["submit"] = resolved.settings.submit or None
        data["problem"] = resolved.located.problem
        landed = self.read(lambda: work.landed(resolved, self.change.history), None)
        if landed is not None:
            moved = "; have its pointer moved on" if str(work.current(kind)) == str(resolved) else ""
            data["problem"] = f"landed in the base: commit {landed.oid[:10]} {landed.subject!r}{moved}"
        listed = resolved.listed
        if listed is None:
            return data
        now = next(iter(self.sources.same_as(listed) if self.sources else ()), listed)
        return {**data, "title": now.title, "status": now.status}

    @property
    def _readiness(self) -> Sequence[str]:
        """The contracts of documents that defer conditional items; empty unless an active rule needs them."""
        rule = self.policy.active_rule("PLN011")
        if rule is None:
            return ()
        contracts: Sequence[str] = rule.load().readiness  # type: ignore[attr-defined]  # a setting of its own
        return contracts

    def _listed_items(self, every: Sequence[Wave]) -> Iterator[dict[str, Any]]:
        """Yield every item that a work breakdown lists."""
        sources, waves = self.sources, self.waves
        if sources is None:
            return
        plans: Plans | None = self.fact("plans")
        breakdowns: Breakdowns | None = self.fact("breakdowns")
        put_off = frozenset() if breakdowns is None else breakdowns.put_off(self._readiness)
        of_items = [stage for wave in every for stage in wave.stages if stage.settings.items]
        waits = [item for stage in of_items if stage.waits_for for item in stage.items]
        waiting = {(item.source.path, item.id) for item in waits}
        for source in sources.all:
            # The tasks of a plan are reported with their plan.
            if plans is not None and plans.at(source.path) is not None:
                continue
            wave = waves.wave_of(source.path, source.fields) if waves is not None else None
            name = wave.name if wave is not None else None
            for listed in source.items:
                key = (source.path, listed.id)
                yield _listed(listed, sources, name, off=key in put_off, waits=key in waiting)

    def _open_conditionals(self, waves: Waves) -> Iterator[dict[str, Any]]:
        """Yield the conditional items that are neither done nor deferred in a readiness document."""
        breakdowns: Breakdowns = self.facts.get("breakdowns")
        for finding in breakdowns.undisposed(self._readiness):
            path = finding.path or b""
            artifact = breakdowns.artifacts.at(path)
            wave = waves.wave_of(path, artifact.fields if artifact else {})
            if wave is not None:
                yield _missing(finding, wave=wave.name)

    def _agents(self) -> Iterator[dict[str, Any]]:
        """Yield each agent by folder; it is active until it has an artifact of each contract for agents."""
        artifacts: Artifacts = self.facts.get("artifacts")
        contracts = artifacts.agent_contracts
        for work in artifacts.agent_works(contracts):
            times = [str(stamp.moment) for _, _, stamp in work.times]
            yield {
                "agent": work.agent,
                "folder": path_text(work.folder or work.artifacts[0].folder),
                "active": {artifact.name for artifact in work.artifacts} != {*contracts},
                "since": times[0] if times else None,
                "last": times[-1] if times else None,
            }

    def _specs(self) -> dict[str, int]:
        """Count the specs, and those that are due for a review."""
        specs: Specs = self.facts.get("specs")
        settings = specs.settings
        counts = {"total": 0, "terminal": 0, "unreviewed": 0, "stale": 0, "due": 0}
        for spec in specs.now.all:
            counts["total"] += 1
            review, today = spec.review, specs.today()
            reviewed = review.date if review and not review.is_ahead(today) else None
            if specs.terminal(spec):
                counts["terminal"] += 1
            elif settings.review and reviewed is None:
                counts["unreviewed"] += 1
            elif reviewed is not None:
                left = settings.max_age_days - (today - reviewed).days
                if settings.binding == "content" and any(specs.drifts(spec)):
                    left = -1
                if left < settings.warn_days:
                    counts["stale" if left < 0 else "due"] += 1
        return counts


def _listed(listed: Listed, sources: Sources, wave: str | None, *, off: bool, waits: bool) -> dict[str, Any]:
    needs = sources.open_needs(listed)
    if sources.closed(listed):
        state = "closed"
    elif listed.deferred or off:
        state = "deferred"
    elif sources.done(listed):
        state = "landed"
    elif listed.conditional:
        state = "conditional"
    elif needs or normal_name(listed.status) == "blocked":
        state = "blocked"
    else:
        state = "waiting" if waits else "ready"
    return {
        "kind": listed.source.kind,
        "id": listed.id,
        "title": listed.title,
        "owner": listed.text("owner"),
        "status": listed.status,
        "state": state,
        "needs": needs,
        "branch": listed.branch or None,
        "submit": listed.source.settings.submit or None,
        "wave": wave,
        "path": path_text(listed.source.path),
        "line": listed.line,
    }


def _next_items(items: Sequence[Mapping[str, Any]], begun: Container[str]) -> Iterator[str]:
    """Yield a sentence for each item that can be done now, or whose branch is among those begun."""
    for item in items:
        if item["state"] == "ready":
            owner = f" ({item['owner']})" if item["owner"] else ""
            branch = f" on {item['branch']}" if item["branch"] else ""
            submit = f"; submit it with `{item['submit']}`" if item["submit"] else ""
            verb, there = ("finish", ", which is there") if item["branch"] in begun else ("do", "")
            yield f"{verb} {item['kind']} {item['id']}{owner}{branch}{there}{submit}"


def _wave(wave: Wave, missing: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    current = next((stage.name for stage in wave.stages if stage.state == "open"), None)
    return {
        "name": wave.name,
        "fields": dict(wave.fields),
        "complete": all(one["wave"] != wave.name for one in missing),
        "stage": current,
        "stages": [
            {
                "name": stage.name,
                "state": stage.state,
                "missing": list(_gaps(stage)),
                "artifacts": [path_text(artifact.path) for artifact in stage.artifacts],
            }
            for stage in wave.stages
        ],
    }


def _gaps(stage: StageState) -> Iterator[dict[str, Any]]:
    for one in stage.missing if stage.needed else ():
        yield _missing(one, wave=stage.wave.name, stage=stage.name)


def _next_stages(waves: Sequence[Wave]) -> Iterator[str]:
    """Yield the stages to complete now, and those that open afterwards."""
    for wave in waves:
        for stage in wave.stages:
            if stage.state == "open":
                opens = [one.name for one in wave.stages if one.needed and list(one.waits_for) == [stage]]
                verb = "opens" if len(opens) == 1 else "open"
                then = f"; then {' and '.join(opens)} {verb}" if opens else ""
                yield f"complete the stage {stage.name} of {wave.name}{then}"


def waiting_plans(waves: Sequence[Wave]) -> dict[bytes, str]:
    """Return the plans whose tasks belong to a stage that is not open, each with the reason."""
    of_items = [stage for wave in waves for stage in wave.stages if stage.settings.items]
    of_tasks = [one for one in of_items if one.wave.waves.kind_of(one.settings.items) == ""]
    return {
        plan.path: f"the stage {stage.waits_for[0].name}, which is not complete"
        if stage.waits_for
        else stage.unmet[0].message
        for stage in of_tasks
        if stage.waits_for or stage.unmet
        for plan in stage.wave.plans
    }


def _next_tasks(plans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the next task of each plan, and up to three others that are ready."""
    for plan in plans:
        if ready := [_task_label(task) for task in plan["tasks"] if task["state"] == "ready"]:
            others = f" (or {', '.join(ready[1:4])})" if ready[1:] else ""
            yield f"do {ready[0]} of {plan['name']}{others}"


def _task_label(task: Mapping[str, Any]) -> str:
    return task["id"] or (f'"{task["title"]}"' if task["title"] else "a task without an id")


def _plan(plan: Plan, *, waiting: bool) -> dict[str, Any]:
    return {
        "name": plan.name,
        "path": path_text(plan.path),
        "option": plan.option,
        "problem": plan.data.problem.message if plan.data.problem else "",
        "counts": Counter(task.status or "none" for task in plan.tasks),
        "tasks": [_task(task, waiting=waiting) for task in plan.tasks],
    }


def _task(task: Task, *, waiting: bool) -> dict[str, Any]:
    waits = [need for need, _ in task.open_needs]
    state = task.state(waiting=waiting or bool(waits))
    return {
        "id": task.id,
        "title": task.title,
        "status": task.status,
        "state": "blocked" if state == "waiting" and waits else state,
        "needs": waits,
        "line": task.line,
    }


def _missing(gap: Finding, *, wave: str | None = None, stage: str | None = None) -> dict[str, Any]:
    """Return one entry of the report's list `missing`."""
    path = None if gap.path is None else path_text(gap.path)
    return {"what": gap.message, "path": path, "line": gap.line, "wave": wave, "stage": stage}
