"""The check of what a run is about to commit."""

from __future__ import annotations

from specguard.change.base import Found
from specguard.change.git import Git
from specguard.change.ranges import RunChange
from specguard.change.request import Request, Revision
from specguard.engine.check import judge_change
from specguard.engine.facts import Facts
from specguard.engine.policies import Policies
from specguard.errors import NotApplicable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.change.repository import Repository
    from specguard.model import Finding, Stage, Verdict
    from specguard.work.item import WorkItem


def check_run(
    repository: Repository,
    *,
    objects: str,
    base: str,
    base_oid: str,
    head: str,
    below: Found | None = None,
    branch: str = "",
    title: str = "",
    body: str = "",
    stage: Stage = "run",
) -> Verdict:
    """Judge a commit that a run has made in its place, as CI will judge it.

    Nothing outside of the pinned base loosens the verdict: the policy is compiled anew, and an approval
    counts only where it is proven.

    Args:
        repository: the user's, whose remotes and branches the rules ask for.
        objects: the folder of objects of the run's place.
        base: the short name of the base branch.
        base_oid: the commit that the run is pinned to.
        head: the commit.
        below: the branch that it stands on and that the base does not have; None where there is none.
        branch: the branch that it will be pushed to.
        title: the pull request's title.
        body: the pull request's body.
        stage: `run` for what an agent left; `range` for that with what specguard has marked in a plan.

    Raises:
        SpecguardError: no verdict can be given.
    """
    request = _request(repository, base_oid)
    with Git(repository) as git:
        git.also_read(objects)
        found = Found(base, base_oid, "option", f"refs/heads/{base}")
        change = RunChange(
            git, request, below or found, head=Revision(head), branch=branch, title=title, body=body
        )
        change.stage = stage
        if below is not None:
            change = change.on_branch_of_item(found)
        return judge_change(change, Policies(request, repository))


def too_early(
    repository: Repository, *, base: str, base_oid: str, head: str, branch: str, item: WorkItem
) -> Finding | None:
    """What the check of a run would find before anything is done: a stage before its item's is not complete.

    Args:
        repository: the user's.
        base: the short name of the base branch.
        base_oid: the commit that the run is pinned to.
        head: the commit that it goes on from.
        branch: its branch.
        item: the item.

    Raises:
        MissingFact: something that must be read is not there.
    """
    request = _request(repository, base_oid)
    with Git(repository) as git:
        found = Found(base, base_oid, "option", f"refs/heads/{base}")
        change = RunChange(git, request, found, head=Revision(head), branch=branch, title="", body="")
        policies = Policies(request, repository)
        changed, policy, _ = policies.of(change)
        try:
            waves = Facts(changed, policy).get("waves")
        except NotApplicable:
            return None
        from specguard.waves.order import too_early

        return next(too_early(waves, branch=branch, item=item), None)


def _request(repository: Repository, base_oid: str) -> Request:
    return Request(environment=repository.environment, base=base_oid, enforce=True)
