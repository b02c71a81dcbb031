"""The plans of a repository: those of the judged tree, and the same before the change and in the base."""

from __future__ import annotations

from functools import cached_property

from specguard.change.tree import Documents
from specguard.documents.data import Data, Problem
from specguard.errors import NotApplicable, judge_each
from specguard.plans.plan import Plan
from specguard.work.path_templates import PathTemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from specguard.change.change import Change
    from specguard.model import Finding
    from specguard.plans.settings import PlanKind
    from specguard.plans.units import Unit
    from specguard.runs.proof import RunProof
    from specguard.work.items import Work

__all__ = ["Plan", "Plans", "plan_templates", "read_plan"]


class Plans:
    """The plans that a change is judged with.

    Args:
        kinds: the policy's kinds of plans by name.
        change: what is judged.
        documents: the documents of the judged tree.
    """

    def __init__(self, kinds: Mapping[str, PlanKind], *, change: Change, documents: Documents) -> None:
        self.kinds = kinds
        self._change = change
        self._documents = documents
        self._known: dict[tuple[Documents, bytes], Plan | None] = {}
        self._units: Sequence[Unit] | None = None

    @cached_property
    def all(self) -> Sequence[Plan]:
        """Every plan of the judged tree, by path.

        Raises:
            MissingFact: the tree cannot be read.
        """
        paths = self._documents.tree.paths()
        found: dict[bytes, None] = {}
        for _, template in self._templates:
            for position, _ in template.find(paths):
                found[paths[position]] = None
        self._documents.prefetch(found)
        return self._read(sorted(found))

    @cached_property
    def judged(self) -> Sequence[Plan]:
        """The plans that are to be judged: those whose folder the change touches, or with `--all` all.

        Raises:
            MissingFact: the tree cannot be read.
        """
        return self.all if self._change.whole else self._read(self.touched)

    @cached_property
    def touched(self) -> Sequence[bytes]:
        """The files of tasks of the plans whose folder the change touches, whether they exist or not."""
        owners = (self.holding(entry.path) for entry in self._change.entries)
        return sorted({path for path in owners if path is not None})

    @property
    def documents(self) -> Documents:
        """The documents of the judged tree."""
        return self._documents

    @cached_property
    def before(self) -> Documents:
        """The documents before the change."""
        return Documents(self._change.start_files)

    def at(self, path: bytes, documents: Documents | None = None) -> Plan | None:
        """The plan whose tasks a file lists; None where it is no such file, or is not there.

        Args:
            path: the file.
            documents: those of another tree than the judged one.

        Raises:
            MissingFact: the tree or the file cannot be read.
        """
        documents = documents or self._documents
        known = (documents, path)
        if known not in self._known:
            self._known[known] = self._plan(path, documents)
        return self._known[known]

    def holding(self, path: bytes) -> bytes | None:
        """The file of tasks of the plan in whose folder a path is; None where it is in none."""
        end = path.find(b"/")
        while end > 0:
            for kind, folder in self._folders:
                if folder.read(path[:end]) is not None:
                    return path[: end + 1] + kind.plan.encode("utf-8")
            end = path.find(b"/", end + 1)
        return None

    def flaws(self, plan: Plan) -> Iterator[Finding]:
        """What is wrong with the shape of a plan of the judged tree.

        Raises:
            MissingFact: the file that describes its options cannot be read.
        """
        from specguard.plans.shape import flaws

        return flaws(plan, self._documents)

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

        plans = self.all if self._touches(proof.records.settings.folder) else self.judged
        return judge_each(plans, lambda plan: unverified(plan, proof, today))

    def _touches(self, folder: bytes) -> bool:
        return any(entry.path.startswith(folder) for entry in self._change.entries)

    def too_early(self, work: Work) -> Iterator[Finding]:
        """What the change's tasks need that is not done; those apart whose status says that they were begun.

        Args:
            work: which tasks the change names.

        Raises:
            MissingFact: as for `units`.
        """
        from specguard.plans.dependencies import too_early

        for unit in self.units(work):
            for named in unit.named:
                plan = self.at(named.plan.path, unit.after)
                task = (plan and plan.task(named.id)) or named
                if not task.started or plan not in self.judged:
                    yield from too_early(task, why=f"is what {unit.label} is for", base=named.plan)

    def units(self, work: Work | None) -> Sequence[Unit]:
        """What finishes one task: the change as a whole and each of its commits, as kinds of plans say.

        Args:
            work: which tasks the change names; None where the policy has no work items.

        Raises:
            MissingFact: the base, the commits or a tree cannot be read.
        """
        if self._units is None:
            from specguard.plans.units import units

            self._units = units(self, work, self._change)
        return self._units

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

    @cached_property
    def _templates(self) -> Sequence[tuple[str, PathTemplate]]:
        return plan_templates(self.kinds)

    def _read(self, paths: Sequence[bytes]) -> list[Plan]:
        plans = [self.at(path) for path in paths]
        return [plan for plan in plans if plan is not None]

    def _plan(self, path: bytes, documents: Documents) -> Plan | None:
        return read_plan(self.kinds, path, documents, self._templates)


def read_plan(
    kinds: Mapping[str, PlanKind],
    path: bytes,
    documents: Documents,
    templates: Sequence[tuple[str, PathTemplate]] | None = None,
) -> Plan | None:
    """The plan whose tasks a file lists; None where it is no such file, or is not there.

    Args:
        kinds: the policy's kinds of plans by name.
        path: the file.
        documents: of the tree that it is read from.
        templates: the templates of such files by kind, where they are made already.

    Raises:
        MissingFact: the tree or the file cannot be read.
    """
    if templates is None:
        templates = plan_templates(kinds)
    for name, template in templates:
        fields = template.read(path)
        if fields is None:
            continue
        data = documents.data(path)
        if data is None:
            entry = documents.tree.find(path)
            if entry is None:
                return None
            data = Data.unread(Problem("it is no regular file"))
        settings = kinds[name]
        folder = path.removesuffix(b"/" + settings.plan.encode("utf-8"))
        return Plan(name, settings, fields=fields, folder=folder, path=path, data=data)
    return None


def plan_templates(kinds: Mapping[str, PlanKind]) -> Sequence[tuple[str, PathTemplate]]:
    """The template of the files that list the tasks, of each kind of plans."""
    return [(name, PathTemplate(f"{kind.folder}/{kind.plan}")) for name, kind in kinds.items()]
