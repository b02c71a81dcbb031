"""Branches that hold several items, one a commit, such as the tasks of a plan; and the plan that one brings.

The plan is the base's. Where the base has none, it is that of the branch's first commit, as long as this has
nothing else in it: later commits of the branch cannot alter what they are held to.
"""

from __future__ import annotations

from specguard.change.tree import Documents, Tree
from specguard.errors import NotApplicable
from specguard.model import path_text
from specguard.work.path_templates import PathTemplate
from specguard.work.templates import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.change.entries import Commit
    from specguard.change.git import Git
    from specguard.change.sources import Change
    from specguard.plans.settings import PlanKind
    from specguard.work.kinds import WorkKind
    from specguard.work.naming import Naming


class OwnPlan:
    """The plan that a branch's first commit brings, since the base has none at its place.

    Attributes:
        path: the file that lists the tasks.
        folder: what the paths of the plan begin with, a slash at its end.
        commit: the full object id of that commit.
        documents: the documents of that commit.
    """

    __slots__ = ("commit", "documents", "folder", "path")

    def __init__(self, path: bytes, folder: bytes, commit: str, documents: Documents) -> None:
        self.path = path
        self.folder = folder
        self.commit = commit
        self.documents = documents

    @property
    def note(self) -> str:
        """What a reader of a verdict or of a run's record must know of it."""
        return (
            f"The plan {path_text(self.path)} is the change's own: the base has none, and commit "
            f"{self.commit[:10]} brings it."
        )

    def is_of(self, kind: WorkKind, told: Mapping[str, str]) -> bool:
        """Whether it is the file that lists the items of a kind, by what names tell."""
        return any(PathTemplate(text).plain(told) == self.path for text in kind.sources)


def task_kinds(policy: Policy) -> Mapping[str, PlanKind]:
    """The kinds of work items that plans list, each with its kind of plans."""
    if not policy.declares("plan_kinds"):
        return {}
    plans: Sequence[PlanKind] = list(policy.declared("plan_kinds").values())
    kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
    return {
        name: plan
        for name, kind in kinds.items()
        for plan in plans
        if f"{plan.folder}/{plan.plan}" in kind.sources
    }


def shared_kinds(policy: Policy) -> Mapping[str, PlanKind]:
    """Those of them of which a branch holds several, one a commit."""
    return {name: plan for name, plan in task_kinds(policy).items() if plan.unit == "commit"}


def own_plan(
    policy: Policy, branch: str, git: Git, *, head: str | None, base: str | None, papers: Tree
) -> OwnPlan | None:
    """The plan of a branch, where its first commit brings it and the policy trusts that.

    Args:
        policy: the base's.
        branch: the branch's name.
        git: where the commits are read.
        head: the branch's commit.
        base: the tip of the trusted base, or of the branch that this one stands on.
        papers: the files that lists of items are read from.

    Returns:
        None where these have the plan, the first commit does not bring it, or does anything else.

    Raises:
        MissingFact: a commit or a tree is not there.
    """
    for name, plan in shared_kinds(policy).items():
        told = Template(policy.declared("work_kinds")[name].branch).read(branch) if branch else None
        path = PathTemplate(f"{plan.folder}/{plan.plan}").plain(told) if told else None
        if path is None or plan.trusted != "branch" or not head or not base:
            continue
        if papers.find(path) is not None:
            continue
        folder = path.removesuffix(plan.plan.encode("utf-8"))
        first = _first_commit(git, head, base)
        if first is None:
            continue
        commit, parent = git.commit(first), git.commit(first).parents
        tree = Tree(git, commit.tree)
        alone = all(entry.path.startswith(folder) for entry in git.diff_trees(parent[0], first))
        found = tree.find(path)
        if alone and found is not None and found.is_file:
            return OwnPlan(path, folder, commit.oid, Documents(tree))
    return None


def unnamed_commits(
    change: Change, kinds: Sequence[WorkKind], branch: str, namings: Sequence[Naming], own: OwnPlan | None
) -> Sequence[Commit]:
    """The commits of a branch that holds several items which name none of any kind.

    Merges are left out: what one brings of its own is CMT004's finding. So is the commit that brings the
    branch's plan.

    Raises:
        MissingFact: the commits cannot be read.
    """
    if not any(kind.branch and Template(kind.branch).read(branch) is not None for kind in kinds):
        return []
    try:
        commits = change.commits
    except NotApplicable:
        return []
    known = {naming.commit for naming in namings} | ({own.commit} if own else set())
    return [commit for commit in commits if commit.oid not in known and not commit.is_merge]


def _first_commit(git: Git, head: str, base: str) -> str | None:
    """The first commit of a branch on a commit of the base, along first parents; None where there is none."""
    new = set(git.revisions(head, base))
    at = head
    while at in new:
        parents = git.commit(at).parents
        if len(parents) != 1 and (not parents or parents[0] not in new):
            return None
        if parents[0] not in new:
            return at
        at = parents[0]
    return None
