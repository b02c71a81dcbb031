"""Pushing a run's commit: one branch, to the canonical repository, and only if nobody else has it."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING, Final

from specguard.errors import MissingFact, SpecguardError
from specguard.executor.base_moved import note_base
from specguard.executor.branches import shares
from specguard.executor.canonical import find_address
from specguard.executor.ending import RunEnded
from specguard.executor.place import place_of
from specguard.executor.remote_git import TIMEOUT, RemoteError, RemoteGit

if TYPE_CHECKING:
    from specguard.executor.canonical import Address
    from specguard.executor.remote_git import Answer, Heads
    from specguard.executor.run import Run

RECORD: Final = "control/push.json"
"""What a run has tried to push, written before each try."""


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
    with _remote(run, objects=place_of(run).objects) as remote:
        address = pinned_address(run, remote)
        heads = _heads(run, remote, address)
        there = heads.branches.get(branch, "")
        own = _tried(run)
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
        note_base(run, heads)
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
    with _remote(run) as remote:
        address = pinned_address(run, remote)
        there = _heads(run, remote, address).branches.get(branch, "")
        known = [run.manifest.commit, run.manifest.repository.branch_oid, *_tried(run)]
        if not there or there in known:
            return None
        try:
            return remote.fetch(address.fetch, branch, [run.manifest.repository.start])
        except RemoteError as error:
            raise RunEnded(
                "failed",
                f"{branch} has moved on, and cannot be fetched: {error.reason}",
                help=f"{error.advice(address.shown)}; then: {_resume(run)}",
                code=2,
                tail=error.tail,
                error="remote-unreachable",
            ) from error


def pinned_address(run: Run, remote: RemoteGit) -> Address:
    """The canonical repository's address, which must be the one that the run began with.

    Raises:
        RunEnded: it is another one now.
    """
    expected = (run.item.remote if run.item else "") or run.policy.remote or ""
    try:
        root = run.git.repository.work_tree()
        address = find_address(remote.settings, run.options.remote, expected, root=root)
    except SpecguardError as error:
        raise RunEnded("failed", error.message, help=error.help, code=2, error=error.code) from error
    began = run.manifest.repository.remote
    if began and address.shown != began:
        raise RunEnded(
            "failed",
            f"'{run.options.remote}' was {began} when the run began, and is {address.shown} now",
            help=shlex.join(["git", "remote", "set-url", run.options.remote, began])
            + f", then: {_resume(run)}",
            code=2,
            error="remote-moved",
        )
    return address


def _remote(run: Run, *, objects: str = "") -> RemoteGit:
    timeout = run.options.command_timeout or TIMEOUT
    try:
        return RemoteGit(run.git.repository, objects=objects, timeout=timeout)
    except SpecguardError as error:
        raise RunEnded("failed", error.message, help=error.help, code=2, error=error.code) from error


def _heads(run: Run, remote: RemoteGit, address: Address) -> Heads:
    try:
        return remote.heads(address.fetch)
    except RemoteError as error:
        raise RunEnded(
            "failed",
            f"{address.shown} cannot be reached: {error.reason}",
            help=f"{error.advice(address.shown)}; the commit is kept: {_resume(run)}",
            code=2,
            tail=error.tail,
            error="remote-unreachable",
        ) from error


def _tried(run: Run) -> list[str]:
    """The commits that this run tried to push, whatever came of it.

    What the record says is believed only of commits that name this run: whoever can write to its folder could
    have added one of somebody else's.
    """
    known = [run.manifest.pushed] if run.manifest.pushed else []
    try:
        with open(run.folder.file(RECORD), encoding="utf-8") as file:
            record = json.load(file)
    except FileNotFoundError:
        return known
    except (OSError, ValueError) as error:
        raise RunEnded(
            "failed",
            f"{os.path.basename(RECORD)} of the run cannot be read",
            help=f"see whether the remote has the branch {run.manifest.branch}",
            code=2,
            error="run-record",
        ) from error
    commits = record.get("commits", []) if isinstance(record, dict) else []
    own = [one for one in commits if isinstance(one, str) and _is_own(run, one)]
    return list(dict.fromkeys([*own, *known]))


def _is_own(run: Run, oid: str) -> bool:
    """Whether a commit is one that this run made: it names the run."""
    item = run.manifest.item
    trailer = run.policy.declared("run_settings").trailer
    named = f"\n{trailer}: {item.kind}-{item.id}/{run.folder.run_id}\n"
    try:
        return named in f"{place_of(run).git.commit(oid).message.text}\n"
    except (MissingFact, SpecguardError):
        return False


def _look_up(run: Run, remote: RemoteGit, address: Address, commit: str, error: RemoteError) -> str:
    """Decide a push without an answer by what the remote has."""
    there = _heads(run, remote, address).branches.get(run.manifest.branch or "", "")
    if there == commit:
        return _pushed(run, address, commit, "has it, although its answer was lost")
    raise RunEnded(
        "failed",
        f"{address.shown} did not take the branch {run.manifest.branch}: {error.reason}",
        help=f"{error.advice(address.shown)}; the commit is kept: {_resume(run)}",
        code=2,
        tail=error.tail,
        error="push-refused",
    ) from error


def _pushed(run: Run, address: Address, commit: str, how: str) -> str:
    run.manifest.pushed = commit
    run.save()
    return f"{address.shown} {how}: {run.manifest.branch} at {commit[:10]}"


def _refused(run: Run, remote: RemoteGit, address: Address, answer: Answer) -> RunEnded:
    there = _heads(run, remote, address).branches.get(run.manifest.branch or "", "")
    if there and there != run.manifest.commit and there not in _tried(run):
        return _moved(run, address, there)
    return RunEnded(
        "failed",
        f"{address.shown} refuses the branch {run.manifest.branch}: {answer.summary}",
        help=f"see what it says; the commit is kept: {_resume(run)}",
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


def _resume(run: Run) -> str:
    return run.folder.command("resume")
