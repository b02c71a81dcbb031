"""The branch of a run where several items share its name: what it goes on from, and what it replaces.

The tasks of a plan have one branch, `pr/cart`. Where a branch holds a whole plan, one task a commit, a run
goes on from its tip at the canonical repository. Else it holds one task at a time: what is left of it once it
was merged, the next task moves on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.change.base import Found
from specguard.change.documents import Documents
from specguard.change.history import History
from specguard.change.tree import Tree
from specguard.errors import MissingFact
from specguard.executor.papers import is_paper
from specguard.executor.tasks import task_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from specguard.authority.policy import Policy
    from specguard.change.git import Git
    from specguard.runs import model
    from specguard.work.item import WorkItem

    Tips = Callable[[str], str | None]
    """Gives the commit of a branch of the canonical repository, which is in the object store; None: there is
    no such branch."""


class Shared:
    """A branch that a run shares with the runs of other items.

    Attributes:
        oid: its commit at the canonical repository.
        tip: the same, where the run goes on from there; None: it starts from the base, and the branch is
            moved on to its commit.
    """

    def __init__(self, oid: str, tip: str | None) -> None:
        self.oid = oid
        self.tip = tip


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
        return Shared(oid, None)
    return Shared(oid, oid) if shares(policy, item) else None


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
