"""Judging what has landed: each change of a first-parent line, as a check of its range would."""

from __future__ import annotations

from specguard.change.base import Found
from specguard.change.ranges import RangeChange
from specguard.change.repository import Base
from specguard.change.revision import Revision
from specguard.engine.check import judge_change
from specguard.engine.clock import Clock
from specguard.engine.policies import Policies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.authority.policy import Policy
    from specguard.change.entries import Commit
    from specguard.change.git import Git
    from specguard.change.request import Request
    from specguard.model import Verdict


def landed(git: Git, tip: str, *, most: int = 0) -> Sequence[Commit]:
    """The commits of a first-parent line, each the landing of one change, the newest first.

    Args:
        git: where they are read; one process compares them all.
        tip: the newest.
        most: how many at most; 0: all.

    Raises:
        MissingFact: the history does not reach that far.
    """
    limit = [f"--max-count={most}"] if most else []
    process = git.start("rev-list", "--first-parent", *limit, tip, "--")
    return git.commits(git.read(process, "the changes that have landed").decode("ascii").split())


def judge_landed(
    git: Git, request: Request, policy: Policy, commits: Sequence[Commit]
) -> Iterator[tuple[Commit, Verdict]]:
    """Judge changes that have landed by one policy, whatever the authority was when they did.

    With `merge = "squash"` the message that landed is the pull request's title. No branch is known.

    Args:
        git: where they are read.
        request: its environment and date count.
        policy: by what.
        commits: as `landed` has them.

    Raises:
        SpecguardError: one of them cannot be judged.
        MissingFact: an object of it is not there.
    """
    clock = Clock.of(request)
    for commit in commits:
        asked = type(request)(
            environment=request.environment,
            directory=request.directory,
            title=commit.message.subject if policy.merge == "squash" else None,
        )
        policies = Policies(asked, git.repository, given=policy)
        yield commit, judge_change(_change(git, asked, commit), asked, policies, clock, needs=())


def _change(git: Git, request: Request, commit: Commit) -> RangeChange:
    """The change that a commit landed; nothing is looked for that the commit itself says."""
    parent = commit.parents[0] if commit.parents else None
    found = Found(parent, parent, "option") if parent else Found("", None, "none")
    change = RangeChange(git, request, found, head=Revision(commit.oid), named=commit.oid)
    base = Base(
        change,
        name=found.name,
        tip=parent,
        start=parent,
        head=commit.oid,
        trusted=found.trusted,
        merge_bases=[parent] if parent else [],
    )
    vars(change).update(base=base, entries=commit.diffs[0])
    if not commit.is_merge:
        vars(change)["commits"] = [commit]
    return change
