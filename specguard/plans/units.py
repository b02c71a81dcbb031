"""What finishes one task: the whole change or one of its commits, with the tasks that it names."""

from __future__ import annotations

from specguard.change.tree import Documents, Tree
from specguard.errors import NotApplicable
from specguard.work.item import WorkItem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from specguard.change.change import Change
    from specguard.change.entries import Entry
    from specguard.plans.difference import Edit
    from specguard.plans.plans import Plans
    from specguard.plans.task import Task
    from specguard.work.items import Work
    from specguard.work.naming import Naming


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
        from specguard.plans.difference import finished

        touched = {self._plans.holding(entry.path) for entry in self.entries}
        for path in sorted(path for path in touched if path is not None):
            after = self._plans.at(path, self.after)
            if after is not None and after.settings.unit in self._levels:
                yield from finished(self._plans.at(path, self.before), after)

    def edits(self) -> Iterator[Edit]:
        """What it does to the plan of its task, but for finishing that one with its evidence."""
        from specguard.plans.difference import edits

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
