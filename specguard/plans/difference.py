"""What a change does to a plan: which tasks it finishes, and what else it edits."""

from __future__ import annotations

from specguard.change.tree import Documents, Tree
from specguard.documents.data import dotted
from specguard.documents.fields import normal_name
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


class Edit:
    """One thing that a change does to a plan.

    Attributes:
        what: what it does, as a clause that follows "the change": `moves task_003 from pending to blocked`.
        key: the place in the plan's file.
        line: its line after the change; None where it is gone.
    """

    __slots__ = ("key", "line", "what")

    def __init__(self, what: str, key: Sequence[str | int], line: int | None) -> None:
        self.what = what
        self.key = tuple(key)
        self.line = line

    @property
    def field(self) -> str:
        """The place as a dotted key; empty for the plan as a whole."""
        return dotted(self.key)


def finished(before: Plan | None, after: Plan | None) -> list[Task]:
    """The tasks that are done after a change and were not before it, as the plan has them afterwards."""
    if after is None:
        return []
    known = {} if before is None else _by_id(before)
    found = []
    for name, task in _by_id(after).items():
        old = known.get(name)
        if task.done and not (old is not None and old.done):
            found.append(task)
    return found


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
        if before is not None or after is not None:
            what = (
                "adds the plan"
                if before is None
                else "removes the plan"
                if after is None
                else "breaks the plan"
            )
            yield Edit(what, (), None)
        return
    found = False
    for edit in _by_key(before, after, task_id):
        found = True
        yield edit
    if not found and _neutral(before, before, task_id) != _neutral(after, before, task_id):
        # Tasks in another order, or without an id of their own.
        yield Edit("changes the list of tasks", after.tasks_key, after.line(*after.tasks_key))


def _by_key(before: Plan, after: Plan, task_id: str) -> Iterator[Edit]:
    yield from _top_edits(before, after)
    old, new = _by_id(before), _by_id(after)
    for name, task in old.items():
        if name not in new:
            yield Edit(f"removes {task.name}", task.key, None)
    for name, task in new.items():
        if name not in old:
            yield Edit(f"adds {task.name}", task.key, task.line)
        elif name == normal_id(task_id):
            yield from _own_edits(old[name], task)
        elif old[name].raw != task.raw:
            yield _edit(old[name], task)


def _neutral(plan: Plan, before: Plan, task_id: str) -> Any:
    """The list of a plan's tasks with one of them as it was before."""
    old, new = before.task(task_id), plan.task(task_id)
    listing = plan.listing
    if old is None or new is None:
        return listing
    if isinstance(listing, dict):
        return [(key, old.raw if value is new.raw else value) for key, value in listing.items()]
    return [old.raw if value is new.raw else value for value in listing]


def _top_edits(before: Plan, after: Plan) -> Iterator[Edit]:
    old, new = _without_tasks(before), _without_tasks(after)
    for key in sorted({*old, *new}):
        stamp = normal_name(key) in _STAMPS and not isinstance(new.get(key), (dict, list))
        if not stamp and old.get(key) != new.get(key):
            what = "adds" if key not in old else "removes" if key not in new else "changes"
            yield Edit(f"{what} {key!r}", (key,), after.line(key) if key in new else None)


def _without_tasks(plan: Plan) -> Mapping[str, Any]:
    """What stands in a plan beside its tasks."""
    value = _pruned(plan.data.value, plan.tasks_key)
    return value if isinstance(value, dict) else {}


def _pruned(value: Any, key: Sequence[str]) -> Any:
    """Mappings without what is at a key."""
    if not isinstance(value, dict) or not key or key[0] not in value:
        return value
    first, *rest = key
    if rest:
        return {**value, first: _pruned(value[first], rest)}
    return {name: one for name, one in value.items() if name != first}


def _own_edits(old: Task, new: Task) -> Iterator[Edit]:
    """What a change does to the task that it is for, but for finishing it."""
    fixed = {key for name in KEYS if name != "verification" for key in old.plan.settings.keys_of(name)}
    status = _status_key(new) or _status_key(old)
    for key in sorted(fixed & {*old.raw, *new.raw}):
        if old.raw.get(key) == new.raw.get(key) or (key == status and new.done):
            continue
        if key == status:
            yield _moves(old, new)
        else:
            yield Edit(f"changes {key} of {new.name}", (*new.key, key), new.line_of(key))


def _edit(old: Task, new: Task) -> Edit:
    if old.status != new.status:
        return _moves(old, new)
    keys = [key for key in {**old.raw, **new.raw} if old.raw.get(key) != new.raw.get(key)]
    return Edit(f"changes {', '.join(keys[:5])} of {new.name}", (*new.key, keys[0]), new.line_of(keys[0]))


def _moves(old: Task, new: Task) -> Edit:
    key = _status_key(new) or "status"
    return Edit(
        f"moves {new.name} from {old.status or 'no status'} to {new.status or 'no status'}",
        (*new.key, key),
        new.line_of(key),
    )


def _status_key(task: Task) -> str:
    found = task.find("status")
    return found[0] if found else ""


def _by_id(plan: Plan) -> Mapping[str, Task]:
    found: dict[str, Task] = {}
    for task in plan.tasks:
        if task.id:
            found.setdefault(normal_id(task.id), task)
    return found


class Unit:
    """A change, or one commit of it.

    Attributes:
        commit: the commit's full object id; None for the change as a whole.
        named: the tasks that it names, as the trusted base has them; it is for the first.
        entries: what it adds, modifies and deletes.
        before: the documents it starts from.
        after: the documents that come of it.
    """

    __slots__ = ("_levels", "_plans", "after", "before", "commit", "entries", "named")

    def __init__(
        self,
        plans: Plans,
        named: Sequence[Task],
        *,
        levels: Sequence[str],
        entries: Sequence[Entry],
        before: Documents,
        after: Documents,
        commit: str | None = None,
    ) -> None:
        """Make a unit; only plans whose `unit` is one of `levels` concern it."""
        self._plans = plans
        self._levels = levels
        self.named = [task for task in named if task.plan.settings.unit in levels]
        self.entries = entries
        self.before = before
        self.after = after
        self.commit = commit

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
        touched = {self._plans.holding(entry.path) for entry in self.entries}
        for path in sorted(path for path in touched if path is not None):
            after = self._plans.at(path, self.after)
            if after is not None and after.settings.unit in self._levels:
                yield from finished(self._plans.at(path, self.before), after)

    def edits(self) -> Iterator[Edit]:
        """What it does to the plan of its task, but for finishing that one with its evidence."""
        path = self.task.plan.path
        return edits(self._plans.at(path, self.before), self._plans.at(path, self.after), self.task.id)


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
    namings: Sequence[Naming] = () if work is None else work.namings
    tasks = {
        naming: task
        for naming in namings
        if work is not None and (task := _task(plans, work, naming)) is not None
    }
    if "commit" in levels:
        try:
            commits = list(_commits(plans, tasks, change))
        except NotApplicable:
            commits = []
        if commits:
            levels.discard("commit")
            return [*commits, *([_whole(plans, namings, tasks, change, levels)] if levels else [])]
    return [_whole(plans, namings, tasks, change, levels)]


def task_of(plans: Plans, item: WorkItem) -> Task | None:
    """The task that a work item is, as it was resolved; None where it is not one of a plan's."""
    if item.listed is None:
        return None
    plan = plans.at(item.listed.source.path, item.listed.source.documents)
    return None if plan is None else plan.task(item.listed.id)


def _whole(
    plans: Plans, namings: Sequence[Naming], tasks: Mapping[Naming, Task], change: Change, levels: set[str]
) -> Unit:
    # What the change is judged as its first name says: where that is no task, it is for none.
    told = bool(namings) and namings[0] in tasks
    return Unit(
        plans,
        _each(tasks.values()) if told else [],
        levels=sorted(levels),
        entries=change.entries,
        before=plans.before,
        after=plans.documents,
    )


def _commits(plans: Plans, tasks: Mapping[Naming, Task], change: Change) -> Iterator[Unit]:
    for commit in change.commits:
        if commit.is_merge:
            continue
        parent = change.git.commit(commit.parents[0]).tree if commit.parents else None
        yield Unit(
            plans,
            _each(task for naming, task in tasks.items() if naming.commit == commit.oid),
            levels=("commit",),
            entries=commit.own_entries,
            before=Documents(Tree(change.git, parent)),
            after=Documents(Tree(change.git, commit.tree)),
            commit=commit.oid,
        )


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


def _each(tasks: Iterable[Task]) -> list[Task]:
    """The same without repetition."""
    return list({(task.plan.path, task.key): task for task in tasks}.values())
