"""What a change does to a plan: which tasks it finishes, and what else it edits."""

from __future__ import annotations

from specguard.change.tree import Documents, Tree
from specguard.declaration.rule import Record
from specguard.documents.data import dotted
from specguard.documents.fields import elements, normal_name
from specguard.errors import NotApplicable
from specguard.plans.settings import KEYS
from specguard.work.item import WorkItem
from specguard.work.kinds import normal_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.change import Change
    from specguard.change.entries import Entry
    from specguard.plans.plans import Plan, Plans
    from specguard.plans.task import Task
    from specguard.work.items import Work
    from specguard.work.kinds import Naming


_STAMPS: Final = frozenset({"updatedat", "updated", "lastupdated", "modifiedat"})
"""Keys at the top of a plan that change with everything in it."""


class Edit(Record):
    """One thing that a change does to a plan.

    Attributes:
        what: what it does, as a clause that follows "the change": `moves task_003 from pending to blocked`.
        key: the place in the plan's file.
        line: its line after the change; None where it is gone.
    """

    what: str
    key: Sequence[str | int]
    line: int | None

    @property
    def field(self) -> str:
        """The place as a dotted key; empty for the plan as a whole."""
        return dotted(self.key)


def finished(before: Plan | None, after: Plan | None) -> list[Task]:
    """The tasks that are done after a change and were not before it, as the plan has them afterwards."""
    known = before.by_id if before is not None else {}
    tasks = after.by_id.items() if after is not None else ()
    return [task for name, task in tasks if task.done and not (name in known and known[name].done)]


def edits(before: Plan | None, after: Plan | None, task_id: str) -> Iterator[Edit]:
    """What a change does to a plan, but for finishing one task with the evidence of it.

    Finishing is: its status becomes one of `done`, and keys of it that say nothing of what the task is, such
    as its evidence and the times that tools note.

    Args:
        before: the plan before; None where there was none.
        after: the plan after; None where it is gone.
        task_id: the id of that task.
    """
    if before is None or after is None or after.data.problem is not None:
        verb = "adds" if before is None else "removes" if after is None else "breaks"
        yield from [] if before is after else [Edit(f"{verb} the plan", (), None)]
        return
    found = list(_by_key(before, after, task_id))
    yield from found
    if not found and _neutral(before, before, task_id) != _neutral(after, before, task_id):
        # Tasks in another order, or without an id of their own.
        yield Edit("changes the list of tasks", after.tasks_key, after.data.line(after.tasks_key))


def _by_key(before: Plan, after: Plan, task_id: str) -> Iterator[Edit]:
    old_top, new_top = _without_tasks(before), _without_tasks(after)
    for key in sorted({*old_top, *new_top}):
        stamp = normal_name(key) in _STAMPS and not isinstance(new_top.get(key), (dict, list))
        if not stamp and old_top.get(key) != new_top.get(key):
            what = "adds" if key not in old_top else "removes" if key not in new_top else "changes"
            yield Edit(f"{what} {key!r}", (key,), after.data.line((key,)) if key in new_top else None)
    for name, task in before.by_id.items():
        if name not in after.by_id:
            yield Edit(f"removes {task.name}", task.key, None)
    for name, task in after.by_id.items():
        if name not in before.by_id:
            yield Edit(f"adds {task.name}", task.key, task.line)
        else:
            yield from _of_task(before.by_id[name], task, own=name == normal_id(task_id))


def _neutral(plan: Plan, before: Plan, task_id: str) -> Any:
    """The list of a plan's tasks with one of them as it was before."""
    old, new = before.task(task_id), plan.task(task_id)
    if old is None or new is None:
        return plan.listing
    return [(key, old.value if value is new.value else value) for key, value in elements(plan.listing)]


def _without_tasks(plan: Plan) -> Mapping[str, Any]:
    """What stands in a plan beside its tasks."""
    value = _pruned(plan.data.value, plan.tasks_key)
    return value if isinstance(value, dict) else {}


def _pruned(value: Any, key: Sequence[str]) -> Any:
    """Mappings without what is at a key."""
    if not isinstance(value, dict) or not key or key[0] not in value:
        return value
    rest = {name: one for name, one in value.items() if name != key[0]}
    return {**rest, key[0]: _pruned(value[key[0]], key[1:])} if len(key) > 1 else rest


def _of_task(old: Task, new: Task, *, own: bool) -> Iterator[Edit]:
    """What a change does to a task; to its own one all but finishing it."""
    keys = [key for key in {**old.value, **new.value} if old.value.get(key) != new.value.get(key)]
    status = (new if new.said("status") else old).key_of("status")
    groups = [keys]
    if own:
        fixed = {key for name in KEYS if name != "verification" for key in old.plan.settings.keys_of(name)}
        groups = [[key] for key in sorted(fixed.intersection(keys)) if not (key == status and new.done)]
    elif old.status != new.status:
        groups = [[status]]
    for group in filter(None, groups):
        said = f"changes {', '.join(group[:5])} of {new.name}"
        if group == [status]:
            said = f"moves {new.name} from {old.status or 'no status'} to {new.status or 'no status'}"
        yield Edit(said, (*new.key, group[0]), new.line_of(group[0]))


class Unit(Record):
    """A change, or one commit of it.

    Attributes:
        plans: the plans.
        named: the tasks that it names, as the trusted base has them; it is for the first.
        levels: only plans whose `unit` is one of these concern it.
        entries: what it adds, modifies and deletes.
        before: the documents it starts from.
        after: the documents that come of it.
        commit: the commit's full object id; None for the change as a whole.
    """

    plans: Plans
    named: Sequence[Task]
    levels: Sequence[str]
    entries: Sequence[Entry]
    before: Documents
    after: Documents
    commit: str | None = None

    @property
    def task(self) -> Task:
        """The task that it is for, where it names one."""
        return self.named[0]

    @property
    def label(self) -> str:
        """What messages call it."""
        return "the change" if self.commit is None else f"commit {self.commit[:10]}"

    def finished(self) -> Iterator[Task]:
        """The tasks that it finishes, as their plans have them afterwards."""
        touched = {self.plans.holding(entry.path) for entry in self.entries} - {None}
        for path in sorted(path for path in touched if path is not None):
            after = self.plans.at(path, self.after)
            if after is not None and after.settings.unit in self.levels:
                yield from finished(self.plans.at(path, self.before), after)

    def edits(self) -> Iterator[Edit]:
        """What it does to the plan of its task, but for finishing that one with its evidence."""
        path = self.task.plan.path
        return edits(self.plans.at(path, self.before), self.plans.at(path, self.after), self.task.id)


def units(plans: Plans, work: Work | None, change: Change) -> list[Unit]:
    """The change as a whole and each of its commits, as far as kinds of plans have these for units.

    Args:
        plans: the plans.
        work: which tasks are named; None where the policy has no work items.
        change: what is judged.

    Raises:
        MissingFact: the base, the commits or a tree cannot be read.
    """
    levels: set[str] = {kind.unit for kind in plans.kinds.values()}
    tasks = [(one, _task(plans, work, one)) for one in work.namings] if work is not None else []
    commits: list[Unit] = []
    if "commit" in levels:
        try:
            commits = list(_commits(plans, tasks, change))
        except NotApplicable:
            commits = []
        levels -= {"commit"} if commits else set()
    # What the change is judged as its first name says: where that is no task, it is for none.
    told = [task for _, task in tasks] if tasks and tasks[0][1] is not None else []
    named = _each(told, levels)
    whole = Unit(plans, named, sorted(levels), change.entries, plans.before, plans.documents)
    return [*commits, *([whole] if levels or not commits else [])]


def task_of(plans: Plans, item: WorkItem) -> Task | None:
    """The task that a work item is, as it was resolved; None where it is not one of a plan's."""
    if item.listed is None:
        return None
    plan = plans.at(item.listed.source.path, item.listed.source.documents)
    return None if plan is None else plan.task(item.listed.id)


def _commits(plans: Plans, tasks: Sequence[tuple[Naming, Task | None]], change: Change) -> Iterator[Unit]:
    for commit in change.commits:
        if commit.is_merge:
            continue
        parent = change.git.commit(commit.parents[0]).tree if commit.parents else None
        before, after = (Documents(Tree(change.git, tree)) for tree in (parent, commit.tree))
        named = _each((task for naming, task in tasks if naming.commit == commit.oid), {"commit"})
        yield Unit(plans, named, ("commit",), commit.own_entries, before, after, commit.oid)


def _task(plans: Plans, work: Work, naming: Naming) -> Task | None:
    """The task that a name tells of, as the trusted base has it; None where it is an item of no plan.

    Raises:
        MissingFact: it is one of a list, and cannot be resolved.
    """
    item = work.resolve(naming.kind, naming.id, naming.number, naming.fields)
    if isinstance(item, WorkItem):
        return task_of(plans, item)
    if work.kinds[naming.kind].source:
        raise work.missing(naming, item)
    return None


def _each(tasks: Iterable[Task | None], levels: set[str]) -> list[Task]:
    """The tasks of plans with one of these units, without repetition."""
    found = [task for task in tasks if task is not None and task.plan.settings.unit in levels]
    return list({(task.plan.path, task.key): task for task in found}.values())
