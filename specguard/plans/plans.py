"""The plans of a repository, their tasks, and the changes that a commit or branch makes to them."""

from __future__ import annotations

from functools import cached_property

from specguard.change.tree import Documents, Tree
from specguard.documents.data import Data, Problem, dotted, elements
from specguard.errors import if_applicable, judge_each
from specguard.model import TYPE_CHECKING, Finding, Record, cached_method, grouped, only_text, path_text
from specguard.plans.task import Task, flaws
from specguard.work.dependencies import dependency_flaws, early_start
from specguard.work.kinds import TASK_KEYS, Naming, PlanKind, normal_id
from specguard.work.name_templates import path_template

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any

    from specguard.change.change import Change
    from specguard.change.entries import Entry
    from specguard.runs.proof import RunProof
    from specguard.work.named_items import Work


class Plan(Record):
    """A plan in one tree.

    Attributes:
        kind: the name of the plan's kind.
        settings: the kind's table.
        fields: the values of the placeholders in the folder's template.
        path: the file that lists the tasks.
        data: the file's data; it has a problem if the file cannot be read.
    """

    kind: str
    settings: PlanKind
    fields: Mapping[str, str]
    path: bytes
    data: Data

    @property
    def folder(self) -> bytes:
        """The plan's folder, without a trailing slash."""
        return self.path.removesuffix(b"/" + self.settings.plan.encode("utf-8"))

    @property
    def name(self) -> str:
        """The plan's name: the value of `{name}` or the first placeholder, else the folder's last part."""
        values = [self.fields.get("name", ""), *self.fields.values()]
        return next(filter(None, values), self.folder.rpartition(b"/")[2].decode("utf-8", "replace"))

    @property
    def task_list(self) -> Any:
        """The value that should contain the tasks, of any type; None if it is missing."""
        return self.data.get(self.tasks_key)

    @property
    def tasks_key(self) -> Sequence[str]:
        """The keys from the top of the file to the value that contains the tasks."""
        return self.settings.tasks.split(".") if self.settings.tasks else ()

    @cached_property
    def tasks(self) -> Sequence[Task]:
        """The tasks in order; entries that are not mappings are left out."""
        listed = [(key, value) for key, value in elements(self.task_list) if isinstance(value, dict)]
        return [Task(self.data, (*self.tasks_key, key), value, self) for key, value in listed]

    @cached_property
    def by_id(self) -> Mapping[str, Task]:
        """The first task with each id, by normalized id."""
        return dict(reversed({normal_id(one.id): one for one in reversed(self.tasks) if one.id}.items()))

    @property
    def option(self) -> str:
        """The option that the plan names; empty if it names none, or its kind has no `option`."""
        return only_text(self.data.get(self.settings.option) if self.settings.option else None).strip()

    def task(self, task_id: str) -> Task | None:
        """Return the first task with an id, with any padding of its number; None if there is none."""
        return self.by_id.get(normal_id(task_id))

    def dependency_flaws(self) -> Iterator[Finding]:
        """Yield the flaws of the tasks' dependencies, and the tasks that were started before one of these."""
        needs = [(task.name, task.id, task.texts_of("depends_on")) for task in self.tasks]
        for at, place, message, step, key in dependency_flaws(needs, "tasks"):
            found = self.tasks[at].finding(message, step, f"{self.tasks[at].id}:{key}", *place)
            found.same_as = [f"PLN001 {self.tasks[at].id}:depends_on:owed:{key.partition(':')[2][:60]}"]
            yield found
        for task in (one for one in self.tasks if one.started):
            yield from too_early(task, f"is {task.status}")

    def gaps(self) -> Iterator[Finding]:
        """Yield a finding for each task that is neither done nor deferred, or for a plan without tasks."""
        if not self.tasks:
            problem = self.data.problem.message if self.data.problem else "it lists no tasks"
            yield Finding(f"{path_text(self.path)}: {problem}", path=self.path)
        for task in self.tasks:
            if not task.done and not task.deferred:
                what = f"{task.name} of {self.name} is {task.status or 'without a status'}"
                yield Finding(what, "", self.path, task.line)

    def setting(self, key: str) -> str:
        """Return the key of one of the kind's settings, for a citation."""
        return f"plans.{self.kind}.{key}"

    def finding(
        self, message: str, help: str, key: str, place: Sequence[str | int] = (), setting: str = ""
    ) -> Finding:
        """Return a finding about the plan, or about a place in its file."""
        line, field = self.data.line(place), dotted(place) or None
        setting = self.setting(setting) if setting else ""
        return Finding(message, help, self.path, line, field=field, key=key, setting=setting)

    def owns(self, path: bytes) -> bool:
        """Return True if a path is in the plan's folder."""
        return path.startswith(self.folder + b"/")


class Plans(Record, frozen=False):
    """The plans that a change is judged with.

    Attributes:
        kinds: the policy's kinds of plans by name.
        change: the judged change.
        documents: the documents of the judged tree.
        known_units: the cache of `units`.
    """

    kinds: Mapping[str, PlanKind]
    change: Change
    documents: Documents
    known_units: Sequence[Unit] | None = None

    @cached_property
    def all(self) -> Sequence[Plan]:
        """Every plan of the judged tree, by path.

        Raises:
            MissingFact: the tree cannot be read.
        """
        paths = self.documents.tree.paths()
        found = {paths[at] for kind in self.kinds.values() for at, _ in kind.task_file.find(paths)}
        self.documents.prefetch(found)
        return self._read_plans(sorted(found))

    @cached_property
    def judged(self) -> Sequence[Plan]:
        """The judged plans: those whose folder the change touches, or every plan with `--all`.

        Raises:
            MissingFact: the tree cannot be read.
        """
        if self.change.whole:
            return self.all
        return self._read_plans(sorted(filter(None, {self.holding(one.path) for one in self.change.entries})))

    def at(self, path: bytes, documents: Documents | None = None) -> Plan | None:
        """Return the plan whose tasks a file lists; None if the file is missing or is not a plan's file.

        Args:
            path: the file.
            documents: the documents of a tree other than the judged one.

        Raises:
            MissingFact: the tree or the file cannot be read.
        """
        return self._read(path, documents or self.documents)

    @cached_method
    def _read(self, path: bytes, documents: Documents) -> Plan | None:
        return read_plan(self.kinds, path, documents)

    def holding(self, path: bytes) -> bytes | None:
        """Return the task file of the plan whose folder contains a path; None if no plan's folder does."""
        end = path.find(b"/")
        while end > 0:
            for kind in self.kinds.values():
                if path_template(kind.folder).read(path[:end]) is not None:
                    return path[: end + 1] + kind.plan.encode("utf-8")
            end = path.find(b"/", end + 1)
        return None

    def flaws(self, plan: Plan) -> Iterator[Finding]:
        """Yield the flaws in the shape of a plan of the judged tree.

        Raises:
            MissingFact: the file that describes its options cannot be read.
        """
        return flaws(plan, self.documents)

    def unverified(self, proof: RunProof, today: date) -> Iterator[Finding]:
        """Yield findings about tasks that are done without evidence.

        If the change touches the folder of runs, every plan is judged, since removed runs may have been
        evidence. Otherwise only the plans that the change touches are judged.

        Args:
            proof: decides if a run proves a task.
            today: the UTC date.

        Raises:
            MissingFact: a cited run cannot be looked up here; raised after all findings.
        """
        from specguard.plans.verification import find_unverified

        touched = any(entry.path.startswith(proof.records.settings.folder) for entry in self.change.entries)
        done = [task for plan in (self.all if touched else self.judged) for task in plan.tasks if task.done]
        return judge_each(done, lambda task: find_unverified(task, proof, today))

    def too_early(self, work: Work) -> Iterator[Finding]:
        """Yield the open dependencies of the tasks that the change names.

        Started tasks in judged plans are left out, since `Plan.dependency_flaws` reports them.

        Args:
            work: the change's work items, which name the tasks.

        Raises:
            MissingFact: as for `units`.
        """
        for unit in self.units(work):
            for named in unit.tasks:
                plan = self.at(named.plan.path, unit.after)
                task = (plan and plan.task(named.id)) or named
                # The plan of a commit is judged apart, even if it is as that of the change.
                if not task.started or all(plan is not one for one in self.judged):
                    yield from too_early(task, f"is what {unit.label} is for", named.plan)

    def units(self, work: Work | None) -> Sequence[Unit]:
        """Return the units that finish one task each: commits, the whole change, or both, by `unit`.

        Args:
            work: the change's work items, which name the tasks; None if the policy has no work items.

        Raises:
            MissingFact: the base, the commits or a tree cannot be read.
        """
        if self.known_units is None:
            levels: set[str] = {kind.unit for kind in self.kinds.values()}
            tasks = [(one, _find_task(self, work, one)) for one in work.namings] if work is not None else []
            commits = _commit_units(self, tasks) if "commit" in levels else []
            levels -= {"commit"} if commits else set()
            # The first name decides the change's item; if it is not a task, the change is for no task.
            named_tasks = [task for _, task in tasks] if tasks and tasks[0][1] is not None else []
            entries, before, after = self.change.entries, self.change.start_documents, self.documents
            whole = Unit(self, _unit_tasks(named_tasks, levels), sorted(levels), entries, before, after)
            self.known_units = [*commits, *([whole] if levels or not commits else [])]
        return self.known_units

    def by_hand(self, work: Work) -> Sequence[Unit]:
        """Return what a branch changes beside its commits, if git did not make its merges by itself.

        Each unit names all tasks of the branch, those of another plan first. The entries are paths of such
        merges that no commit touches, and those of plans' folders that only commits for tasks touch.

        Args:
            work: the change's work items, which name the tasks.

        Raises:
            MissingFact: as for `units`.
        """
        change, own = self.change, work.own
        units = [one for one in self.units(work) if one.commit and not (own and one.commit == own.commit)]
        commits = [one for one in change.commits if one.is_merge] if units else []
        merges = [one for one in commits if one.oid not in change.plain_merges]
        if not merges:
            return ()
        named = [task for unit in units for task in unit.tasks]
        by_plan = grouped((task.plan.path, task) for task in named)
        tasks = [_unit_tasks([*first, *named], {"commit"}) for first in by_plan.values() or [[]]]
        touched = [(one.tasks, entry.path) for one in units for entry in one.entries]
        known = {path for tasks, path in touched if not (tasks and self.holding(path))}
        merged = {entry.path for one in merges for entries in one.diffs for entry in entries} - known
        old = own.documents if own else change.start_documents
        entries = [one for one in change.entries if one.path in merged and not old.tree.has(one)]
        oid = next((one.oid for one in reversed(merges) if one.own_entries), merges[-1].oid)
        return [Unit(self, one, ("commit",), entries, old, self.documents, oid, True) for one in tasks]

    def _read_plans(self, paths: Sequence[bytes]) -> list[Plan]:
        return [plan for path in paths if (plan := self.at(path)) is not None]


def read_plan(kinds: Mapping[str, PlanKind], path: bytes, documents: Documents) -> Plan | None:
    """Read the plan whose tasks a file lists; None if the file is missing or is not a plan's file.

    Args:
        kinds: the policy's kinds of plans by name.
        path: the file.
        documents: the documents of the tree that the file is read from.

    Raises:
        MissingFact: the tree or the file cannot be read.
    """
    for name, kind in kinds.items():
        fields = kind.task_file.read(path)
        if fields is None:
            continue
        data = documents.data(path)
        if data is None and documents.tree.find(path) is None:
            return None
        return Plan(name, kind, fields, path, data or Data(None, problem=Problem("it is not a regular file")))
    return None


def too_early(task: Task, why: str, base: Plan | None = None) -> Iterator[Finding]:
    """Yield the dependencies of a started task that are not done.

    Args:
        task: the task.
        why: the evidence that it was started, as a clause.
        base: the same plan in the trusted base, where a dependency may be done already.
    """
    for place, text in task.texts_of("depends_on"):
        needed = task.plan.task(text)
        before = base.task(needed.id) if base is not None and needed is not None else None
        if needed is None or needed is task or needed.done or (before is not None and before.done):
            continue
        message, step = early_start(task.name, why, needed.name, needed.status)
        yield task.finding(message, step, f"{task.id}:early:{needed.id}", *place, setting="started")


class Edit(Record):
    """One edit of a plan by a change.

    Attributes:
        what: the edit, as a clause that follows "the change": `moves task_003 from pending to blocked`.
        key: the place in the plan's file.
        line: the line after the change; None if the place is gone.
    """

    what: str
    key: Sequence[str | int]
    line: int | None

    @property
    def field(self) -> str:
        """The place as a dotted key; empty for the whole plan."""
        return dotted(self.key)


def finished_tasks(before: Plan | None, after: Plan) -> list[Task]:
    """Return the tasks, as they are after a change, that became done by it."""
    known = before.by_id if before is not None else {}
    return [one for name, one in after.by_id.items() if one.done and not (name in known and known[name].done)]


def find_edits(before: Plan | None, after: Plan | None, *own: str) -> Iterator[Edit]:
    """Yield the edits of a plan, except finishing some tasks with their evidence.

    Finishing a task sets its status to one of `done`. Finishing may also change keys that do not define the
    task, such as its evidence.

    Args:
        before: the plan before; None if there was none.
        after: the plan after; None if it is gone.
        own: the ids of the finished tasks.
    """
    if before is None or after is None or after.data.problem is not None:
        verb = "adds" if before is None else "removes" if after is None else "breaks"
        yield from [] if before is after else [Edit(f"{verb} the plan", (), None)]
        return
    found = [*_top_edits(before, after), *_task_edits(before, after, {normal_id(one) for one in own})]
    yield from found
    if not found and _other_tasks(before, own) != _other_tasks(after, own):
        # Tasks in another order, or without an id of their own.
        yield Edit("changes the list of tasks", after.tasks_key, after.data.line(after.tasks_key))


def _top_edits(before: Plan, after: Plan) -> Iterator[Edit]:
    """Yield the edits at the top level of a plan, outside its tasks."""
    old, new = (_without_key(plan.data.value, plan.tasks_key) for plan in (before, after))
    old, new = (value if isinstance(value, dict) else {} for value in (old, new))
    for key in sorted(_changed_keys(old, new)):
        what = "adds" if key not in old else "removes" if key not in new else "changes"
        yield Edit(f"{what} {key!r}", (key,), after.data.line((key,)) if key in new else None)


def _task_edits(before: Plan, after: Plan, own: Container[str]) -> Iterator[Edit]:
    """Yield the edits of a plan's tasks, except finishing the tasks with the ids `own`."""
    removed = [task for name, task in before.by_id.items() if name not in after.by_id]
    yield from (Edit(f"removes {task.name}", task.key, None) for task in removed)
    for name, new in after.by_id.items():
        old = before.by_id.get(name)
        if old is None:
            yield Edit(f"adds {new.name}", new.key, new.line)
            continue
        keys, status = _changed_keys(old.value, new.value), new.key_of("status")
        if name in own:
            fixed = {new.key_of(name) for name in TASK_KEYS if name != "verification"}
            keys = [key for key in sorted(fixed.intersection(keys)) if key != status or not new.done]
        elif old.status != new.status:
            keys = [status]
        if status in keys:
            what = f"moves {new.name} from {old.status or 'no status'} to {new.status or 'no status'}"
            yield Edit(what, (*new.key, status), new.line_of(status))
        others = [key for key in keys if key != status]
        if others:
            what = f"changes {', '.join(others[:5])} of {new.name}"
            yield Edit(what, (*new.key, others[0]), new.line_of(others[0]))


def _changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values differ between two mappings, or that only one has."""
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]


def _other_tasks(plan: Plan, ids: Iterable[str]) -> Any:
    """Return the type of a plan's list of tasks, and its tasks without some of them, each with its place."""
    own, listed = [task.value for one in ids if (task := plan.task(one))], plan.task_list
    return type(listed), [one for one in elements(listed) if all(one[1] is not each for each in own)]


def _without_key(value: Any, key: Sequence[str]) -> Any:
    """Return nested mappings without the value at a key."""
    if not isinstance(value, dict) or not key or key[0] not in value:
        return value
    rest = {name: one for name, one in value.items() if name != key[0]}
    return {**rest, key[0]: _without_key(value[key[0]], key[1:])} if len(key) > 1 else rest


class Unit(Record):
    """A change, or one commit of it.

    Attributes:
        plans: the plans.
        tasks: the tasks that the unit names, as the trusted base has them.
        levels: the values of `unit`; only plans with one of them concern this unit.
        entries: the paths that the unit adds, modifies and deletes.
        before: the documents before the unit.
        after: the documents after the unit.
        commit: the commit's full object id; None for the whole change.
        merged: True for what merges by hand change beside the commits of a branch.
    """

    plans: Plans
    tasks: Sequence[Task]
    levels: Sequence[str]
    entries: Sequence[Entry]
    before: Documents
    after: Documents
    commit: str | None = None
    merged: bool = False

    @property
    def task(self) -> Task:
        """The task that the unit implements; only for a unit that names a task."""
        return self.tasks[0]

    @property
    def own_tasks(self) -> Sequence[Task]:
        """The tasks that it implements: for what merges change all of them, else the first."""
        return self.tasks if self.merged else self.tasks[:1]

    @property
    def label(self) -> str:
        """The unit's name in messages."""
        return "the change" if self.commit is None else f"commit {self.commit[:10]}"

    def finished(self) -> Iterator[Task]:
        """Yield the tasks that the unit finishes, as they are afterwards; a moved plan finishes none."""
        gone = {entry.old: entry.path for entry in self.entries if entry.deleted}
        source = {entry.path: gone.get(entry.new, entry.path) for entry in self.entries if entry.added}
        for path in sorted(filter(None, {self.plans.holding(entry.path) for entry in self.entries})):
            after = self.plans.at(path, self.after)
            if after is not None and after.settings.unit in self.levels:
                yield from finished_tasks(self.plans.at(source.get(path, path), self.before), after)

    def edits(self) -> Iterator[Edit]:
        """Yield the unit's edits of its task's plan, except finishing its tasks with their evidence."""
        path = self.task.plan.path
        ids = [task.id for task in self.own_tasks if task.plan.path == path]
        return find_edits(self.plans.at(path, self.before), self.plans.at(path, self.after), *ids)


def _commit_units(plans: Plans, tasks: Sequence[tuple[Naming, Task | None]]) -> list[Unit]:
    found, git = [], plans.change.git
    for commit in (one for one in if_applicable(lambda: plans.change.commits, ()) if not one.is_merge):
        parent = git.commit(commit.parents[0]).tree if commit.parents else None
        before, after = (Documents(Tree(git, tree)) for tree in (parent, commit.tree))
        named = _unit_tasks((task for naming, task in tasks if naming.commit == commit.oid), {"commit"})
        found.append(Unit(plans, named, ("commit",), commit.own_entries, before, after, commit.oid))
    return found


def _find_task(plans: Plans, work: Work, naming: Naming) -> Task | None:
    """Return the task that a name identifies, as the trusted base has it; None if no plan lists the item.

    Raises:
        MissingFact: the item's kind has a source, and the item cannot be resolved.
    """
    item = work.resolve_naming(naming)
    if not item.resolved and work.kinds[naming.kind].source:
        raise work.missing(naming, item)
    listed = item.listed if item.resolved else None
    plan = plans.at(listed.source.path, listed.source.documents) if listed is not None else None
    return None if plan is None or listed is None else plan.task(listed.id)


def _unit_tasks(tasks: Iterable[Task | None], levels: set[str]) -> list[Task]:
    """Return the tasks of plans with one of these units, without repetition."""
    found = [task for task in tasks if task is not None and task.plan.settings.unit in levels]
    return list({(task.plan.path, task.key): task for task in found}.values())
