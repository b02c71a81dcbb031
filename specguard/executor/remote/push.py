"""The remote as a run sees it: its address, its branches, and which of them moved since the run began."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING, Final

from specguard.change.request import Request
from specguard.change.tree import Tree
from specguard.engine.policies import Policies
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.commit import hash_tree
from specguard.executor.item import shares
from specguard.executor.place.place import place_of
from specguard.executor.remote.git import TIMEOUT, RemoteError, RemoteGit, find_address, ref_of
from specguard.executor.run import Run, RunEnded
from specguard.model import listed
from specguard.work.item import Unresolved
from specguard.work.items import Work

if TYPE_CHECKING:
    from specguard.authority.policy import Policy
    from specguard.executor.remote.git import Address, Answer, Heads


RECORD: Final = "control/push.json"
"""What a run has tried to push, written before each try."""

_MOVED: Final = "While the run went on, branches moved at "


def see_heads(run: Run, remote: RemoteGit, address: Address, heads: Heads) -> None:
    """Note which branches and tags have moved since the run began, and see that none has what the run made.

    Args:
        run: its place is made; `heads` are the branches as they were.
        remote: reaches the remote, and writes to the place's own store.
        address: the remote's.
        heads: its branches as they are now.

    Raises:
        RunEnded: one has, or cannot be looked into.
    """
    _note_base(run, heads)
    if run.heads is None:
        return
    before, now = run.heads, heads.refs
    own, base = run.manifest.branch, run.manifest.repository.base
    told, made = [], []
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) == now.get(name) or (name == own and now.get(name) in tried(run)):
            continue
        if name in now and _made_here(run, remote, address, name, now[name]):
            made.append(name)
        if name != base or name in made:
            told.append(_told(name, before.get(name), now.get(name), name in made))
    if told:
        run.note(f"{_MOVED}{address.shown}: {listed(told, between='; ')}.", instead_of=_MOVED)
    if made:
        name = made[0]
        undo = ["git", "push", run.options.remote, "--delete", name]
        if name in before:
            lease = f"--force-with-lease={name}:{now[name]}"
            undo = ["git", "push", lease, run.options.remote, f"{before[name]}:{ref_of(name)}"]
        raise RunEnded(
            f"{' and '.join(made)} at {address.shown} was pushed from the run's place",
            help=f"undo it: {shlex.join(undo)}",
            error="place-spoiled",
        )


def see_remote(run: Run) -> None:
    """The same after the agent has worked; that the remote cannot be asked is noted, and the push asks again.

    Raises:
        RunEnded: as `see_heads`.
    """
    if run.heads is None or not os.path.isdir(place_of(run).objects):
        return
    with ask(run, objects=place_of(run).objects) as remote:
        address = pinned_address(run, remote)
        try:
            heads = remote.heads(address.fetch)
        except RemoteError as error:
            run.note(f"{address.shown} could not be asked whether it was pushed to: {error.reason}.")
            return
        see_heads(run, remote, address, heads)


def _told(name: str, before: str | None, now: str | None, made: bool) -> str:
    if now is None:
        return f"{name} is gone"
    said = f"{name} is new, at {now[:10]}" if before is None else f"{name} from {before[:10]} to {now[:10]}"
    return f"{said}, pushed from the run's place" if made else said


def _made_here(run: Run, remote: RemoteGit, address: Address, name: str, oid: str) -> bool:
    """Whether a branch has a commit of the place, or nothing new but files as the place has them."""
    place = place_of(run)
    if place.made(oid):
        return True
    fetched(run, remote, address, name)
    old = (run.heads or {}).get(name) or place.base
    theirs = {(one.path, one.new) for one in place.git.diff_trees(old, oid) if not one.deleted}
    if not theirs or not os.path.isdir(place.path):
        return False
    mine = place.git.diff_trees(place.base, hash_tree(run))
    return theirs <= {(one.path, one.new) for one in mine if not one.deleted}


def _note_base(run: Run, heads: Heads) -> str:
    """Say that the base has moved on: the note; empty where the base is as it was."""
    base = run.manifest.repository.base
    now = heads.branches.get(base, "")
    began = run.manifest.repository.base_oid
    if now == began:
        return ""
    where = f"is at {now[:10]} now" if now else "is gone"
    note = f"The base {base} was at {began[:10]} when the run began, and {where}."
    run.note(note)
    return note


def note_moved(run: Run) -> list[str]:
    """Say what has moved since a run began that goes on now: its base, and the pointer that named its item.

    Nothing here keeps the run from going on: where the remote cannot be asked, its push says so.

    Args:
        run: its `manifest.notes` are added to; `heads` is set where nobody has looked yet.

    Returns:
        The notes.
    """
    try:
        with ask(run) as remote:
            address = pinned_address(run, remote)
            heads = remote.heads(address.fetch)
            if run.heads is None:
                run.heads = heads.refs
            moved = _note_base(run, heads)
            base, began = run.manifest.repository.base, run.manifest.repository.base_oid
            if not moved or base not in heads.branches:
                return [moved] if moved else []
            now = remote.fetch(address.fetch, base, [began])
    except (RemoteError, RunEnded, SpecguardError):
        return []
    return [moved, *_pointer(run, now)]


def _pointer(run: Run, now: str) -> list[str]:
    """Where the pointer named the run's item when it began, and another one now."""
    kind, repository = run.options.kind, run.manifest.repository
    before = _current(run, run.policy, repository.base_oid, kind)
    if run.item is None or before != run.item.id:
        return []
    try:
        request = Request(directory=run.options.directory, environment=run.options.environment)
        policy = Policies(request, run.git.repository).load(Tree(run.git, run.git.commit(now).tree))
    except (SpecguardError, MissingFact):
        policy = None
    after = _current(run, policy or run.policy, now, kind)
    if after == before:
        return []
    named = f"names {after}" if after else "names none"
    note = f"The run is for {run.item}, and the pointer of {repository.base} {named} now."
    run.note(note)
    return [note]


def _current(run: Run, policy: Policy, oid: str, kind: str) -> str:
    """The id of the item that a commit's pointer names; empty where it names none."""
    kinds = policy.declared("work_kinds")
    if kind not in kinds or not kinds[kind].pointer:
        return ""
    try:
        tree = Tree(run.git, run.git.commit(oid).tree)
        work = Work(kinds, (), tree=lambda: tree, base=policy.base or "", remote=policy.remote or "")
        found = work.current(kind)
    except (SpecguardError, MissingFact):
        return ""
    return "" if isinstance(found, Unresolved) else found.id


def pinned_address(run: Run, remote: RemoteGit) -> Address:
    """The canonical repository's address, which must be the one that the run began with.

    Raises:
        RunEnded: it is another one now.
    """
    expected = (run.item.remote if run.item else "") or run.policy.remote or ""
    root = run.git.repository.work_tree()
    alone = not run.manifest.repository.remote_name
    address = find_address(remote.settings, run.options.remote, expected, root=root, alone=alone)
    began = run.manifest.repository.remote
    if began and address.shown != began:
        raise RunEnded(
            f"'{run.options.remote}' was {began} when the run began, and is {address.shown} now",
            help=shlex.join(["git", "remote", "set-url", run.options.remote, began])
            + f", then: {run.folder.command('resume')}",
            code=2,
            error="remote-moved",
        )
    return address


def ask(run: Run, *, objects: str = "") -> RemoteGit:
    """Git with remotes for a run, which the caller closes.

    Raises:
        SpecguardError: the user's configuration cannot be read.
    """
    timeout = run.options.command_timeout or TIMEOUT
    return RemoteGit(run.git.repository, objects=objects, timeout=timeout)


def ask_heads(run: Run, remote: RemoteGit, address: Address) -> Heads:
    """The branches of the remote.

    Raises:
        RunEnded: it cannot be reached.
    """
    try:
        return remote.heads(address.fetch)
    except RemoteError as error:
        raise _unreachable(run, address, error, f"{address.shown} cannot be reached") from error


def fetched(run: Run, remote: RemoteGit, address: Address, branch: str) -> str:
    """Fetch a branch that has moved: its tip.

    Raises:
        RunEnded: it cannot be fetched.
    """
    try:
        return remote.fetch(address.fetch, branch, [run.manifest.repository.start])
    except RemoteError as error:
        said = f"{branch} has moved on, and cannot be fetched"
        raise _unreachable(run, address, error, said) from error


def _unreachable(run: Run, address: Address, error: RemoteError, said: str) -> RunEnded:
    return RunEnded(
        f"{said}: {error.reason}",
        help=f"{error.advice(address.shown)}; what the run made is kept: {run.folder.command('resume')}",
        code=2,
        tail=error.tail,
        error="remote-unreachable",
    )


def tried(run: Run) -> list[str]:
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
        raise RunEnded("the run has no commit to push", code=2)
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
                f"{address.shown} has no branch {branch} any more, which the run goes on from",
                state="remote-moved",
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
        f"{address.shown} refuses the branch {run.manifest.branch}: {answer.summary}",
        help=f"see what it says; the commit is kept: {run.folder.command('resume')}",
        code=2,
        tail=answer.said,
        error="push-refused",
    )


def _moved(run: Run, address: Address, there: str) -> RunEnded:
    branch = run.manifest.branch or ""
    return RunEnded(
        f"{address.shown} has a branch {branch} of somebody else, at {there[:10]}",
        state="remote-moved",
        help="nothing was pushed; see what it is: "
        + shlex.join(["git", "fetch", run.options.remote, branch]),
        error="remote-moved",
    )
