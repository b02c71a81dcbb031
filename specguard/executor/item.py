"""What a run works on: a task or a paper of a plan, or any other item, and the branch that it is done on.

The contract is one of the policy's: `[artifacts.research]`, `[artifacts.plan-review]`. Such a run works on no
item of the policy's, so one is made for it: its branch is the one on which the plan's papers come about.

The tasks of a plan have one branch, `pr/cart`. Where a branch holds a whole plan, one task a commit, a run
goes on from its tip at the canonical repository. Else it holds one task at a time: what is left of it once it
was merged, the next task moves on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from specguard.change.base import Found
from specguard.change.git import Git, History
from specguard.change.tree import Documents, Tree
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, SpecguardError, nearest
from specguard.model import path_text
from specguard.plans.plans import read_plan
from specguard.plans.verification import commands_of
from specguard.work.gates import PlannedGate, name_of
from specguard.work.item import WorkItem
from specguard.work.kinds import WorkKind
from specguard.work.locate import Pointer
from specguard.work.sources import agree
from specguard.work.templates import PathTemplate, Template, Unrendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from specguard.artifacts.contracts import Contract
    from specguard.authority.policy import Policy
    from specguard.executor.run import Run, RunOptions
    from specguard.plans.settings import PlanKind
    from specguard.plans.task import Task
    from specguard.runs import model

    Tips = Callable[[str], str | None]
    """Gives the commit of a branch of the canonical repository, which is in the object store; None: there is
    no such branch."""


def task_of(policy: Policy, item: WorkItem | None) -> Task | None:
    """The task that an item is, as the base has it; None where no plan of the policy lists it.

    Raises:
        MissingFact: the plan cannot be read.
    """
    if item is None or item.listed is None:
        return None
    source = item.listed.source
    plan = read_plan(policy.declared("plan_kinds"), source.path, source.documents)
    return None if plan is None else plan.task(item.listed.id)


def task_in(policy: Policy, git: Git, commit: str, task: Task) -> Task | None:
    """The same task as another commit has it; None where its plan does not list it there.

    Raises:
        MissingFact: the commit or the plan cannot be read.
    """
    documents = Documents(Tree(git, git.commit(commit).tree))
    plan = read_plan(policy.declared("plan_kinds"), task.plan.path, documents)
    return None if plan is None else plan.task(task.id)


def verify_gates(policy: Policy, item: WorkItem | None) -> Iterator[PlannedGate]:
    """The commands that a task is verified by, as gates.

    Raises:
        MissingFact: the plan cannot be read.
    """
    task = task_of(policy, item)
    if task is None:
        return
    for place, command in commands_of(task):
        yield PlannedGate(
            name=name_of(command),
            run=command,
            source="plan",
            path=path_text(task.plan.path),
            line=task.line_of(*place) or 0,
        )


CONTRACTS: Final = {"research": "research", "review": "plan-review"}
"""The kinds of such runs, each with the name of its contract."""

_SUBJECTS: Final = {"research": "docs: research for {name}", "review": "docs: review the options for {name}"}


class Recorded(Record):
    """A file whose object id the document must name.

    Attributes:
        path: the file.
        oid: its object id; empty where it is not there.
    """

    path: str
    oid: str


def is_paper(policy: Policy, kind: str) -> bool:
    """Whether runs of a kind make a document; a kind of work items that the policy describes goes before."""
    return kind in CONTRACTS and kind not in policy.declared("work_kinds")


def paper_item(policy: Policy, options: RunOptions, tree: Tree) -> WorkItem:
    """The item of a run that makes a document.

    Args:
        policy: the base's.
        options: their `item` is the plan's name, else their `plan` is its file or its folder.
        tree: the base's files.

    Raises:
        SpecguardError: the policy has no contract or no plans for it, or the plan cannot be told.
    """
    kind = options.kind
    contract = contract_of(policy, kind)
    settings, fields = _plan(policy, options, tree)
    try:
        branch = Template(settings.branch).render(fields)
    except Unrendered as error:
        raise SpecguardError(
            f"the branch of the plan's papers needs {{{error.name}}}, which its folder does not tell",
            help="set `branch` of [plans.<name>]",
            code="incomplete-policy",
        ) from error
    name = fields.get("name") or next(iter(fields.values()))
    item = WorkItem(
        kind,
        WorkKind(branch=settings.branch, commit=_SUBJECTS[kind].replace("{name}", _literal(name))),
        item_id=name,
        number=None,
        fields={**fields, "name": name},
        spare={},
        pointer=Pointer(path=None, tried=()),
        tree=tree,
        base=policy.base or "",
        remote=policy.remote or "",
    )
    if branch not in item.branches or PathTemplate(contract.path).plain(item.fields) is None:
        raise SpecguardError(
            f"the path of [artifacts.{CONTRACTS[kind]}] cannot be told from the plan's name",
            help="let it have the placeholders of the plan's folder alone",
            code="incomplete-policy",
        )
    return item


def contract_of(policy: Policy, kind: str) -> Contract:
    """The contract of the document that runs of a kind make.

    Raises:
        SpecguardError: the policy has none.
    """
    contracts: Mapping[str, Contract] = policy.declared("contracts")
    found = contracts.get(CONTRACTS[kind])
    if found is None or not found.path:
        raise SpecguardError(
            f"the policy does not say what a {kind} has to be",
            help=f"describe it: [artifacts.{CONTRACTS[kind]}], with its path",
            code="incomplete-policy",
        )
    return found


def paper_path(policy: Policy, item: WorkItem | None) -> bytes | None:
    """The document that a run makes; None for a run that works on something else."""
    if item is None or not is_paper(policy, item.kind):
        return None
    return PathTemplate(contract_of(policy, item.kind).path).plain(item.fields)


def recorded(policy: Policy, item: WorkItem, tree: Tree) -> Sequence[Recorded]:
    """The files whose object ids the document must name, as a tree has them.

    Raises:
        MissingFact: the tree cannot be read.
    """
    found = []
    folder = (paper_path(policy, item) or b"").rpartition(b"/")[0]
    for template in contract_of(policy, item.kind).records:
        path = PathTemplate(template).plain(item.fields)
        if path is None:
            continue
        whole = path if "/" in template else folder + b"/" + path
        entry = tree.find(whole)
        found.append(Recorded(path=path_text(whole), oid=entry.oid if entry is not None else ""))
    return found


def check_recorded(policy: Policy, item: WorkItem, tree: Tree, branch: str) -> None:
    """See that what the document has to be about is there.

    Raises:
        SpecguardError: it is not.
        MissingFact: the tree cannot be read.
    """
    for one in recorded(policy, item, tree) if is_paper(policy, item.kind) else ():
        if not one.oid:
            raise SpecguardError(
                f"{one.path}, which a {item.kind} is about, is neither on {branch} nor in the base",
                help=f"push it to {branch} first",
                code="item-unready",
            )


def strays(run: Run, tree: str) -> str:
    """What a run that makes a document has done beside it, as a section of Markdown; empty: nothing.

    Args:
        run: the run.
        tree: the tree of its files.
    """
    path = paper_path(run.policy, run.item)
    if path is None or run.place is None:
        return ""
    git: Git = run.place.git
    entries = git.diff_trees(run.place.base, tree)
    lines = [f"- {path_text(one.path)} was changed" for one in entries if one.path != path]
    if not any(one.path == path and one.is_file for one in entries):
        lines.append(f"- {path_text(path)} was not written")
    if not lines:
        return ""
    return (
        f"## What is to be written\n\nOnly {path_text(path)} is, and nothing else may change:\n\n"
        + "\n".join(lines)
        + "\n"
    )


def papers_of(policy: Policy, item: WorkItem) -> Sequence[Contract]:
    """The contracts of what a run of an item leaves beside its work: `papers` of its kind.

    Raises:
        SpecguardError: the policy lacks one.
    """
    contracts: Mapping[str, Contract] = policy.declared("contracts")
    for name in item.settings.papers:
        if name not in contracts or not contracts[name].path:
            raise SpecguardError(
                f"{item.setting('papers')} names {name!r}, and the policy has no such contract with a path",
                help=nearest(name, contracts) or f"describe it: [artifacts.{name}]",
                code="incomplete-policy",
            )
    return [contracts[name] for name in item.settings.papers]


def shown_path(contract: Contract, item: WorkItem) -> str:
    """Where an artifact of an item is, with `<name>` for what its author chooses."""
    template = PathTemplate(contract.path)
    return template.show({**{name: f"<{name}>" for name in template.names}, **item.fields})


def missing_papers(run: Run, tree: str) -> str:
    """The papers that a run has not left, as a section of Markdown; empty: none is missing.

    Args:
        run: the run.
        tree: the tree of its files.
    """
    item = run.item
    if item is None or run.place is None:
        return ""
    changed = [one.path for one in run.place.git.diff_trees(run.place.base, tree) if one.is_file]
    lines = []
    for contract in papers_of(run.policy, item):
        read = [found for path in changed if (found := PathTemplate(contract.path).read(path)) is not None]
        if not any(agree(item.fields, one) for one in read):
            lines.append(f"- {shown_path(contract, item)}")
    if not lines:
        return ""
    return "## Papers that are missing\n\nWrite them, as the brief asks:\n\n" + "\n".join(lines) + "\n"


def _plan(policy: Policy, options: RunOptions, tree: Tree) -> tuple[PlanKind, Mapping[str, str]]:
    """The kind of plan that is meant, and the values of its folder's placeholders."""
    kinds: Mapping[str, PlanKind] = policy.declared("plan_kinds")
    if not kinds:
        raise SpecguardError(
            "the policy describes no plans", help="describe them: [plans.<name>]", code="incomplete-policy"
        )
    told = os.path.normpath(options.plan) if options.plan else ""
    for settings in kinds.values():
        folder = PathTemplate(settings.folder)
        if told:
            for text in (told, os.path.dirname(told)):
                if fields := folder.read(os.fsencode(text)):
                    return settings, fields
        elif options.item and len(folder.names) == 1:
            fields = dict.fromkeys(folder.names, options.item)
            if folder.read(folder.plain(fields) or b"") == fields:
                return settings, fields
    if told or options.item:
        tried = ", ".join(settings.folder for settings in kinds.values())
        raise SpecguardError(
            f"{options.plan or options.item!r} is no plan; tried: {tried}",
            help="name it",
            code="item-unready",
        )
    return _only_plan(kinds, tree, options.kind)


def _only_plan(kinds: Mapping[str, PlanKind], tree: Tree, kind: str) -> tuple[PlanKind, Mapping[str, str]]:
    found = {
        tuple(fields.values()): (settings, fields)
        for settings in kinds.values()
        for _, fields in PathTemplate(f"{settings.folder}/**").find(tree.paths())
        if fields
    }
    if len(found) != 1:
        names = ", ".join(sorted("/".join(values) for values in found))
        raise SpecguardError(
            f"there are several plans: {names}" if found else "there is no plan yet that could be meant",
            help=f"name it: specguard run {kind} NAME",
            code="item-unready",
        )
    return next(iter(found.values()))


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


class Shared(Record):
    """A branch that a run shares with the runs of other items.

    Attributes:
        oid: its commit at the canonical repository.
        tip: the same, where the run goes on from there; None: it starts from the base, and the branch is
            moved on to its commit.
    """

    oid: str
    tip: str | None


class Plain:
    """What a commit has that a run may go on from.

    Attributes:
        git, oid: where it is read, and its id.
        documents: its documents.
        history: its commits.
    """

    def __init__(self, git: Git, oid: str) -> None:
        self.git = git
        self.oid = oid
        self.documents = Documents(Tree(git, git.commit(oid).tree))
        self.history = History(git, oid)


def shares(policy: Policy, item: WorkItem) -> bool:
    """Whether an item's branch may hold other items, too: a commit for each.

    Raises:
        MissingFact: the plan cannot be read.
    """
    if is_paper(policy, item.kind):
        return True
    task = task_of(policy, item)
    return task is not None and task.plan.settings.unit == "commit"


def shared_branch(git: Git, policy: Policy, item: WorkItem, *, base: str, tips: Tips) -> Shared | None:
    """The branch of an item as the canonical repository has it, where the item may have it all the same.

    Args:
        git: reads the user's repository.
        policy: the base's.
        item: the item.
        base: the base's commit.
        tips: gives the commits of branches.

    Returns:
        None where it is not there, or is not one that several items have.

    Raises:
        MissingFact: the plan cannot be read.
    """
    if not item.branches or not (shares(policy, item) or task_of(policy, item) is not None):
        return None
    oid = tips(item.branches[0])
    if oid is None:
        return None
    if is_within(git, oid, base):
        return Shared(oid=oid, tip=None)
    return Shared(oid=oid, tip=oid) if shares(policy, item) else None


def is_within(git: Git, oid: str, of: str) -> bool:
    """Whether a commit is in the history of another one; not where it is not there."""
    try:
        return git.merge_bases(oid, of) == [oid]
    except MissingFact:
        return False


def below_of(repository: model.Repository) -> Found | None:
    """The branch that a run's own is stacked on; None where there is none."""
    if repository.below is None:
        return None
    return Found(repository.below, repository.below_oid, "stack", f"refs/heads/{repository.below}")
