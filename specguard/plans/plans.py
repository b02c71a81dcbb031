"""The plans of a repository, their tasks, and what a change does to them."""

from __future__ import annotations

from functools import cached_property

from specguard.change.tree import Documents, Tree
from specguard.declaration.rule import Record
from specguard.documents.data import Data, Problem, dotted
from specguard.documents.fields import elements, normal_name
from specguard.errors import NotApplicable, if_applicable, judge_each
from specguard.model import Finding
from specguard.plans.task import Task, flaws
from specguard.work.item_lists import needs_first, wrong_needs
from specguard.work.kinds import KEYS, Naming, PlanKind, normal_id
from specguard.work.name_templates import PathTemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any, Final

    from specguard.change.change import Change
    from specguard.change.entries import Entry
    from specguard.runs.proof import RunProof
    from specguard.work.named_items import Work


class Plan(Record):
    """A plan as one tree has it.

    Attributes:
        kind: the name of its kind.
        settings: the kind's table.
        fields: the values of the placeholders of its folder.
        folder: its folder, without a slash at the end.
        path: the file that lists its tasks.
        data: what that file holds; with a problem where it cannot be read.
    """

    kind: str
    settings: PlanKind
    fields: Mapping[str, str]
    folder: bytes
    path: bytes
    data: Data

    @property
    def name(self) -> str:
        """Its name: the value of `{name}`, of the first placeholder, or else the last part of its folder."""
        values = [self.fields.get("name", ""), *self.fields.values()]
        return next(filter(None, values), self.folder.rpartition(b"/")[2].decode("utf-8", "replace"))

    @property
    def listing(self) -> Any:
        """The value that holds the tasks, whatever it is; None if there is none."""
        return self.data.get(self.tasks_key)

    @property
    def tasks_key(self) -> Sequence[str]:
        """The keys from the top to the value that holds the tasks."""
        return self.settings.tasks.split(".") if self.settings.tasks else ()

    @cached_property
    def tasks(self) -> Sequence[Task]:
        """Its tasks, in order; what is no mapping is left out."""
        return [
            Task(self.data, (*self.tasks_key, key), value, self)
            for key, value in elements(self.listing)
            if isinstance(value, dict)
        ]

    @cached_property
    def by_id(self) -> Mapping[str, Task]:
        """The first task of each id, by the id in normal form."""
        found = {normal_id(task.id): task for task in reversed(self.tasks) if task.id}
        return dict(reversed(found.items()))

    @property
    def option(self) -> str:
        """The option that it names; empty if it names none, or needs to name none."""
        value = self.data.get(self.settings.option) if self.settings.option else None
        return value.strip() if isinstance(value, str) else ""

    def task(self, task_id: str) -> Task | None:
        """The first task with an id, however its number is padded; None if it has none."""
        return self.by_id.get(normal_id(task_id))

    def broken(self) -> Iterator[Finding]:
        """The flaws of its tasks' dependencies."""
        needs = [(task.name, task.id, task.listed("depends_on")) for task in self.tasks]
        for at, place, said, step, key in wrong_needs(needs, "tasks"):
            yield self.tasks[at].finding(said, step, f"{self.tasks[at].id}:{key}", *place)
        for task in self.tasks:
            if task.started:
                yield from too_early(task, f"is {task.status}")

    def setting(self, key: str) -> str:
        """The key of one of its kind's settings, for a citation."""
        return f"plans.{self.kind}.{key}"

    def finding(
        self, message: str, help: str, key: str, place: Sequence[str | int] = (), setting: str = ""
    ) -> Finding:
        """A finding about it, or about what stands at a place of its file."""
        return Finding(
            message,
            help=help,
            path=self.path,
            line=self.data.line(place),
            field=dotted(place) or None,
            key=key,
            setting=self.setting(setting) if setting else "",
        )

    def holds(self, path: bytes) -> bool:
        """True if a path is in its folder."""
        return path.startswith(self.folder + b"/")


class Plans(Record, frozen=False):
    """The plans that a change is judged with.

    Attributes:
        kinds: the policy's kinds of plans by name.
        change: what is judged.
        documents: the documents of the judged tree.
        known, known_units: what was found before.
    """

    kinds: Mapping[str, PlanKind]
    change: Change
    documents: Documents
    known: dict[tuple[Documents, bytes], Plan | None] = {}
    known_units: Sequence[Unit] | None = None

    @cached_property
    def all(self) -> Sequence[Plan]:
        """Every plan of the judged tree, by path.

        Raises:
            MissingFact: the tree cannot be read.
        """
        paths = self.documents.tree.paths()
        found = {paths[at] for _, template in plan_templates(self.kinds) for at, _ in template.find(paths)}
        self.documents.prefetch(found)
        return self._read(sorted(found))

    @cached_property
    def judged(self) -> Sequence[Plan]:
        """The plans that are to be judged: those whose folder the change touches, or with `--all` all.

        Raises:
            MissingFact: the tree cannot be read.
        """
        if self.change.whole:
            return self.all
        owners = (self.holding(entry.path) for entry in self.change.entries)
        return self._read(sorted({path for path in owners if path is not None}))

    @cached_property
    def before(self) -> Documents:
        """The documents before the change."""
        return Documents(self.change.start_files)

    def at(self, path: bytes, documents: Documents | None = None) -> Plan | None:
        """The plan whose tasks a file lists; None if it is no such file, or is not there.

        Args:
            path: the file.
            documents: those of another tree than the judged one.

        Raises:
            MissingFact: the tree or the file cannot be read.
        """
        key = (documents or self.documents, path)
        if key not in self.known:
            self.known[key] = read_plan(self.kinds, path, key[0])
        return self.known[key]

    def holding(self, path: bytes) -> bytes | None:
        """The file of tasks of the plan in whose folder a path is; None if it is in none."""
        end = path.find(b"/")
        while end > 0:
            for kind, folder in self._folders:
                if folder.read(path[:end]) is not None:
                    return path[: end + 1] + kind.plan.encode("utf-8")
            end = path.find(b"/", end + 1)
        return None

    def flaws(self, plan: Plan) -> Iterator[Finding]:
        """The flaws in the shape of a plan of the judged tree.

        Raises:
            MissingFact: the file that describes its options cannot be read.
        """
        return flaws(plan, self.documents)

    def unverified(self, proof: RunProof, today: date) -> Iterator[Finding]:
        """The tasks that are done without evidence.

        Next to the plans that the change touches all are judged where it touches the folder of runs: what it
        removes there may be what proves them.

        Args:
            proof: tells of a run whether it shows a task.
            today: the UTC date.

        Raises:
            MissingFact: a run is cited that cannot be looked up here, after all findings.
        """
        from specguard.plans.verification import unverified

        folder = proof.records.settings.folder
        touched = any(entry.path.startswith(folder) for entry in self.change.entries)
        plans = self.all if touched else self.judged
        done = [task for plan in plans for task in plan.tasks if task.done]
        return judge_each(done, lambda task: unverified(task, proof, today))

    def too_early(self, work: Work) -> Iterator[Finding]:
        """The open dependencies of the change's tasks; apart, those of tasks that have been begun.

        Args:
            work: which tasks the change names.

        Raises:
            MissingFact: as for `units`.
        """
        for unit in self.units(work):
            for named in unit.named:
                plan = self.at(named.plan.path, unit.after)
                task = (plan and plan.task(named.id)) or named
                if not task.started or plan not in self.judged:
                    yield from too_early(task, f"is what {unit.label} is for", named.plan)

    def units(self, work: Work | None) -> Sequence[Unit]:
        """The units that finish one task: the whole change and each of its commits, as kinds of plans say.

        Args:
            work: which tasks the change names; None if the policy has no work items.

        Raises:
            MissingFact: the base, the commits or a tree cannot be read.
        """
        if self.known_units is None:
            levels: set[str] = {kind.unit for kind in self.kinds.values()}
            tasks = [(one, _task(self, work, one)) for one in work.namings] if work is not None else []
            commits = _commits(self, tasks) if "commit" in levels else []
            levels -= {"commit"} if commits else set()
            # What the change is judged as its first name says: where that is no task, it is for none.
            told = [task for _, task in tasks] if tasks and tasks[0][1] is not None else []
            entries, after = self.change.entries, self.documents
            whole = Unit(self, _each(told, levels), sorted(levels), entries, self.before, after)
            self.known_units = [*commits, *([whole] if levels or not commits else [])]
        return self.known_units

    def for_tasks(self, work: Work) -> Sequence[Unit]:
        """Those of `units` that name a task.

        Raises:
            NotApplicable: there is none.
            MissingFact: as for `units`.
        """
        found = [unit for unit in self.units(work) if unit.named]
        if not found:
            raise NotApplicable("the change is for no task of a plan that the base has")
        return found

    @cached_property
    def _folders(self) -> Sequence[tuple[PlanKind, PathTemplate]]:
        return [(kind, PathTemplate(kind.folder)) for kind in self.kinds.values()]

    def _read(self, paths: Sequence[bytes]) -> list[Plan]:
        return [plan for path in paths if (plan := self.at(path)) is not None]


def read_plan(kinds: Mapping[str, PlanKind], path: bytes, documents: Documents) -> Plan | None:
    """The plan whose tasks a file lists; None if it is no such file, or is not there.

    Args:
        kinds: the policy's kinds of plans by name.
        path: the file.
        documents: of the tree that it is read from.

    Raises:
        MissingFact: the tree or the file cannot be read.
    """
    for name, template in plan_templates(kinds):
        fields = template.read(path)
        if fields is None:
            continue
        data = documents.data(path)
        if data is None and documents.tree.find(path) is None:
            return None
        settings = kinds[name]
        folder = path.removesuffix(b"/" + settings.plan.encode("utf-8"))
        data = data or Data.unread(Problem("it is no regular file"))
        return Plan(name, settings, fields, folder, path, data)
    return None


def plan_templates(kinds: Mapping[str, PlanKind]) -> Sequence[tuple[str, PathTemplate]]:
    """The template of the files that list the tasks, of each kind of plans."""
    return [(name, PathTemplate(f"{kind.folder}/{kind.plan}")) for name, kind in kinds.items()]


def too_early(task: Task, why: str, base: Plan | None = None) -> Iterator[Finding]:
    """The dependencies of a task that was begun which are not done.

    Args:
        task: the task.
        why: what says that it was begun, as a clause.
        base: the same plan in the trusted base, where a task may be done already.
    """
    for place, text in task.listed("depends_on"):
        needed = task.plan.task(text)
        before = base.task(needed.id) if base is not None and needed is not None else None
        if needed is None or needed is task or needed.done or (before is not None and before.done):
            continue
        said, step = needs_first(task.name, why, needed.name, needed.status)
        yield task.finding(said, step, f"{task.id}:early:{needed.id}", *place, setting="started")


_STAMPS: Final = frozenset({"updatedat", "updated", "lastupdated", "modifiedat"})
"""Keys at the top of a plan that change with everything in it."""


class Edit(Record):
    """One thing that a change does to a plan.

    Attributes:
        what: what it does, as a clause that follows "the change": `moves task_003 from pending to blocked`.
        key: the place in the plan's file.
        line: its line after the change; None if it is gone.
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
    """The changes to a plan beside finishing one task with its evidence.

    Finishing is: its status becomes one of `done`, and keys of it that say nothing of what the task is, such
    as its evidence and the times that tools note.

    Args:
        before: the plan before; None if there was none.
        after: the plan after; None if it is gone.
        task_id: the id of that task.
    """
    if before is None or after is None or after.data.problem is not None:
        verb = "adds" if before is None else "removes" if after is None else "breaks"
        yield from [] if before is after else [Edit(f"{verb} the plan", (), None)]
        return
    found = [*_of_top(before, after), *_of_tasks(before, after, normal_id(task_id))]
    yield from found
    if not found and _neutral(before, before, task_id) != _neutral(after, before, task_id):
        # Tasks in another order, or without an id of their own.
        yield Edit("changes the list of tasks", after.tasks_key, after.data.line(after.tasks_key))


def _of_top(before: Plan, after: Plan) -> Iterator[Edit]:
    """The changes to the top of a plan, beside its tasks."""
    old, new = (_pruned(plan.data.value, plan.tasks_key) for plan in (before, after))
    old, new = (value if isinstance(value, dict) else {} for value in (old, new))
    for key in sorted(_differing(old, new)):
        if normal_name(key) not in _STAMPS or isinstance(new.get(key), (dict, list)):
            what = "adds" if key not in old else "removes" if key not in new else "changes"
            yield Edit(f"{what} {key!r}", (key,), after.data.line((key,)) if key in new else None)


def _of_tasks(before: Plan, after: Plan, own: str) -> Iterator[Edit]:
    """The changes to a plan's tasks; for its own task all but finishing it."""
    for name, task in before.by_id.items():
        if name not in after.by_id:
            yield Edit(f"removes {task.name}", task.key, None)
    for name, new in after.by_id.items():
        old = before.by_id.get(name)
        if old is None:
            yield Edit(f"adds {new.name}", new.key, new.line)
            continue
        keys, status = _differing(old.value, new.value), new.key_of("status")
        if name == own:
            fixed = {new.key_of(name) for name in KEYS if name != "verification"}
            keys = [key for key in sorted(fixed.intersection(keys)) if key != status or not new.done]
        elif old.status != new.status:
            keys = [status]
        if status in keys:
            said = f"moves {new.name} from {old.status or 'no status'} to {new.status or 'no status'}"
            yield Edit(said, (*new.key, status), new.line_of(status))
        others = [key for key in keys if key != status]
        if others:
            said = f"changes {', '.join(others[:5])} of {new.name}"
            yield Edit(said, (*new.key, others[0]), new.line_of(others[0]))


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The keys of two mappings whose values differ, or that one of them lacks."""
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]


def _neutral(plan: Plan, before: Plan, task_id: str) -> Any:
    """The list of a plan's tasks with one of them as it was before."""
    old, new = before.task(task_id), plan.task(task_id)
    if old is None or new is None:
        return plan.listing
    return [(key, old.value if value is new.value else value) for key, value in elements(plan.listing)]


def _pruned(value: Any, key: Sequence[str]) -> Any:
    """Mappings without what is at a key."""
    if not isinstance(value, dict) or not key or key[0] not in value:
        return value
    rest = {name: one for name, one in value.items() if name != key[0]}
    return {**rest, key[0]: _pruned(value[key[0]], key[1:])} if len(key) > 1 else rest


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
        """Its name in messages."""
        return "the change" if self.commit is None else f"commit {self.commit[:10]}"

    def finished(self) -> Iterator[Task]:
        """The tasks that it finishes, as their plans have them afterwards."""
        touched = {self.plans.holding(entry.path) for entry in self.entries} - {None}
        for path in sorted(path for path in touched if path is not None):
            after = self.plans.at(path, self.after)
            if after is not None and after.settings.unit in self.levels:
                yield from finished(self.plans.at(path, self.before), after)

    def edits(self) -> Iterator[Edit]:
        """Its changes to the plan of its task, beside finishing that task with its evidence."""
        path = self.task.plan.path
        return edits(self.plans.at(path, self.before), self.plans.at(path, self.after), self.task.id)


def _commits(plans: Plans, tasks: Sequence[tuple[Naming, Task | None]]) -> list[Unit]:
    found, git = [], plans.change.git
    for commit in if_applicable(lambda: plans.change.commits, ()):
        if commit.is_merge:
            continue
        parent = git.commit(commit.parents[0]).tree if commit.parents else None
        before, after = (Documents(Tree(git, tree)) for tree in (parent, commit.tree))
        named = _each((task for naming, task in tasks if naming.commit == commit.oid), {"commit"})
        found.append(Unit(plans, named, ("commit",), commit.own_entries, before, after, commit.oid))
    return found


def _task(plans: Plans, work: Work, naming: Naming) -> Task | None:
    """The task that a name tells of, as the trusted base has it; None if it is an item of no plan.

    Raises:
        MissingFact: it is one of a list, and cannot be resolved.
    """
    item = work.resolve(naming.kind, naming.id, naming.number, naming.fields)
    if not item.resolved and work.kinds[naming.kind].source:
        raise work.missing(naming, item)
    listed = item.listed if item.resolved else None
    plan = plans.at(listed.source.path, listed.source.documents) if listed is not None else None
    return None if plan is None or listed is None else plan.task(listed.id)


def _each(tasks: Iterable[Task | None], levels: set[str]) -> list[Task]:
    """The tasks of plans with one of these units, without repetition."""
    found = [task for task in tasks if task is not None and task.plan.settings.unit in levels]
    return list({(task.plan.path, task.key): task for task in found}.values())
