"""Pushing a run's commit: one branch, to the canonical repository, and only if nobody else has it."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from specguard.executor.branches import shares
from specguard.executor.ending import RunEnded
from specguard.executor.place import place_of
from specguard.executor.remote_git import RemoteError
from specguard.executor.remote_heads import (
    RECORD,
    ask,
    ask_heads,
    fetched,
    pinned_address,
    see_heads,
    tried,
)

if TYPE_CHECKING:
    from specguard.executor.canonical import Address
    from specguard.executor.remote_git import Answer, RemoteGit
    from specguard.executor.run import Run


def push(run: Run) -> str:
    """Push the run's commit as the run's branch, and nothing else.

    The remote's branch must not be there, or be at a commit that this run pushed earlier, or found there when
    it began and may go on from. Where the answer is
    lost, what the remote has then decides. The user's branches and upstreams are left alone.

    Args:
        run: its `manifest.commit` and `manifest.branch`; `manifest.pushed` is set, and `manifest.notes`.

    Returns:
        What came of it, in one sentence.

    Raises:
        RunEnded: somebody else has the branch (`remote-moved`), or it cannot be pushed (`failed`).
    """
    commit, branch = run.manifest.commit, run.manifest.branch
    if not commit or not branch:
        raise RunEnded("failed", "the run has no commit to push", code=2)
    with ask(run, objects=place_of(run).objects) as remote:
        address = pinned_address(run, remote)
        heads = ask_heads(run, remote, address)
        see_heads(run, remote, address, heads)
        there = heads.branches.get(branch, "")
        own = tried(run)
        began = run.manifest.repository.branch_oid
        if there and there != commit and there not in own and there != began:
            raise _moved(run, address, there)
        if not there and run.manifest.repository.tip is not None:
            raise RunEnded(
                "remote-moved",
                f"{address.shown} has no branch {branch} any more, which the run goes on from",
                help="see who removed it; what the run made is in its diff.patch",
                error="remote-moved",
            )
        if there == commit:
            return _pushed(run, address, commit, "had it already")
        run.folder.write(
            RECORD,
            json.dumps({"remote": address.shown, "branch": branch, "commits": [*own, commit]}, indent=2)
            + "\n",
        )
        try:
            answer = remote.push(address.push, commit, branch, expected=there)
        except RemoteError as error:
            return _look_up(run, remote, address, commit, error)
        if answer.flag != "!":
            return _pushed(run, address, commit, "has it")
        raise _refused(run, remote, address, answer)


def moved_on(run: Run) -> str | None:
    """Where the run's branch is by now, where it holds several items and another run has pushed one.

    Args:
        run: its commit is made, and not pushed.

    Returns:
        The commit, which is in the user's object store; None where the branch is as it was, or is the run's
        alone.

    Raises:
        RunEnded: the remote cannot be reached.
    """
    branch, item = run.manifest.branch, run.item
    if not branch or item is None or not shares(run.policy, item):
        return None
    with ask(run) as remote:
        address = pinned_address(run, remote)
        there = ask_heads(run, remote, address).branches.get(branch, "")
        known = [run.manifest.commit, run.manifest.repository.branch_oid, *tried(run)]
        if not there or there in known:
            return None
        return fetched(run, remote, address, branch)


def _look_up(run: Run, remote: RemoteGit, address: Address, commit: str, error: RemoteError) -> str:
    """Decide a push without an answer by what the remote has."""
    there = ask_heads(run, remote, address).branches.get(run.manifest.branch or "", "")
    if there == commit:
        return _pushed(run, address, commit, "has it, although its answer was lost")
    raise RunEnded(
        "failed",
        f"{address.shown} did not take the branch {run.manifest.branch}: {error.reason}",
        help=f"{error.advice(address.shown)}; the commit is kept: {run.folder.command('resume')}",
        code=2,
        tail=error.tail,
        error="push-refused",
    ) from error


def _pushed(run: Run, address: Address, commit: str, how: str) -> str:
    run.manifest.pushed = commit
    run.save()
    if address.here:
        return f"there is no remote, so {run.manifest.branch} is here, at {commit[:10]}"
    return f"{address.shown} {how}: {run.manifest.branch} at {commit[:10]}"


def _refused(run: Run, remote: RemoteGit, address: Address, answer: Answer) -> RunEnded:
    there = ask_heads(run, remote, address).branches.get(run.manifest.branch or "", "")
    if there and there != run.manifest.commit and there not in tried(run):
        return _moved(run, address, there)
    return RunEnded(
        "failed",
        f"{address.shown} refuses the branch {run.manifest.branch}: {answer.summary}",
        help=f"see what it says; the commit is kept: {run.folder.command('resume')}",
        code=2,
        tail=answer.said,
        error="push-refused",
    )


def _moved(run: Run, address: Address, there: str) -> RunEnded:
    branch = run.manifest.branch or ""
    return RunEnded(
        "remote-moved",
        f"{address.shown} has a branch {branch} of somebody else, at {there[:10]}",
        help="nothing was pushed; see what it is: "
        + shlex.join(["git", "fetch", run.options.remote, branch]),
        error="remote-moved",
    )
