"""The results of a run that leave the machine: the push of its commit, and its pull request.

A pull request is opened or updated with the platform's command line, else its command is printed. It is never
merged here.
"""

from __future__ import annotations

import os
import shlex
import time
from typing import Final

from specguard.errors import SpecguardError
from specguard.executor.command_output import plain_text
from specguard.executor.item_choice import shares_branch, task_of
from specguard.executor.remote import (
    Address,
    BranchRequest,
    Heads,
    Platform,
    PlatformError,
    RemoteError,
    RemoteGit,
    find_address,
    find_platform,
    printed_command,
    ref_of,
)
from specguard.executor.report import failed_commands, outcome, rendered
from specguard.executor.run import Run, RunEnded
from specguard.model import listed, shortened
from specguard.reporters.escape import markdown_code
from specguard.runs.manifests import Command, Manifest, PullRequest

_MOVED_NOTE: Final = "While the run went on, branches moved at "


class RunRemote(RemoteGit):
    """Git with the canonical repository of a run, whose address must be the one that the run began with.

    Args:
        run: the run.
        place: True to write to and push from the place's own store, instead of the user's.

    Raises:
        SpecguardError: the address has changed, or the user's configuration cannot be read.
    """

    def __init__(self, run: Run, *, place: bool = False) -> None:
        objects, timeout = run.place.objects if place else "", run.options.command_timeout
        super().__init__(run.git.repository, objects=objects, timeout=timeout)
        self._for_run = run
        expected = run.item.remote or run.policy.remote or ""
        root, name = run.git.repository.work_tree(), run.options.remote
        start, allow_local = run.manifest.repository.remote, not run.manifest.repository.remote_name
        self.address = find_address(self.settings, name, expected, root=root, allow_local=allow_local)
        if start and self.address.shown != start:
            restore = shlex.join(["git", "remote", "set-url", name, start])
            raise SpecguardError(
                f"'{name}' was {start} when the run began, and is {self.address.shown} now",
                help=f"{restore}, then: {run.folder.command('resume')}",
                code="remote-moved",
            )

    def read_heads(self) -> Heads:
        """Return the current branches of the canonical repository."""
        return self.heads(self.address.fetch)

    def read_tip(self) -> str:
        """Return the commit of the run's branch there; empty if the branch does not exist."""
        return self.read_heads().branches.get(self._for_run.manifest.branch or "", "")


def check_remote(run: Run) -> None:
    """Check, after the agent has worked, what moved at the remote; note a remote that cannot be reached.

    Raises:
        RunEnded: a branch or tag is at a commit of the place.
    """
    if run.heads is None or not os.path.isdir(run.place.objects):
        return
    with RunRemote(run, place=True) as remote:
        try:
            heads = remote.read_heads()
        except RemoteError as error:
            run.note(f"{remote.address.shown} could not be asked whether it was pushed to: {error.reason}.")
            return
        _check_heads(run, remote.address, heads)


def _check_heads(run: Run, address: Address, heads: Heads) -> None:
    """Note branches that have moved since the run began, and check that none is at a commit of the place.

    Equal files prove nothing: a colleague, or another run, may have made the same ones.
    """
    _note_base(run, heads)
    if run.heads is None:
        return
    before, now, shown = run.heads, heads.refs, address.shown
    branch, base = run.manifest.branch, run.manifest.repository.base
    moves, undo = [], {}
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old == new or (name == branch and new in _own_commits(run)):
            continue
        move = f"{name} from {(old or 'nothing')[:10]} to {(new or 'nothing')[:10]}"
        if new is not None and run.place.has_made(new):
            lease, refspec = f"--force-with-lease={name}:{new}", f"{old or ''}:{ref_of(name)}"
            undo[name] = shlex.join(["git", "push", lease, run.options.remote, refspec])
            move += f", pushed from the run's place; to undo it: `{undo[name]}`"
        if name != base or name in undo:
            moves.append(move)
    note = f"{_MOVED_NOTE}{shown}: {listed(moves, between='; ')}."
    run.note(note if moves else "", instead_of=_MOVED_NOTE)
    if undo:
        raise RunEnded(
            f"{' and '.join(undo)} at {shown} was pushed from the run's place",
            help=f"undo it: {' && '.join(undo.values())}",
            code="place-spoiled",
        )


def _note_base(run: Run, heads: Heads) -> str:
    """Note that the base has moved on, and return the note; empty if the base is unchanged."""
    base, start_oid = run.manifest.repository.base, run.manifest.repository.base_oid
    now = heads.branches.get(base, "")
    where = f"is at {now[:10]} now" if now else "is gone"
    began = f"The base {base} was at {start_oid[:10]} when the run began, and "
    note = "" if now == start_oid else f"{began}{where}."
    run.note(note, instead_of=began)
    return note


def note_moved_base(run: Run) -> str:
    """Note that the base has moved since a resumed run began, and return the note; empty if it is unchanged.

    A moved base does not stop the run. A remote that cannot be reached is reported by the push.

    Args:
        run: the run; its `manifest.notes` are extended, and `heads` is set if it was None.

    Raises:
        RunEnded: somebody else has the run's branch.
    """
    try:
        with RunRemote(run) as remote:
            heads = remote.read_heads()
    except SpecguardError:
        return ""
    run.heads = heads.refs if run.heads is None else run.heads
    if not shares_branch(run.policy, run.item):
        _check_free(run, remote.address, heads.branches.get(run.manifest.branch or "", ""))
    return _note_base(run, heads)


def _own_commits(run: Run) -> list[str]:
    """Return the commits of this run that its branch may have: the one to push, and a pushed one."""
    return [one for one in (run.manifest.commit, run.manifest.pushed) if one]


def push(run: Run) -> str:
    """Push the run's commit as the run's branch, and nothing else.

    The remote's branch must not exist, or must be at a commit that this run pushed earlier or found when it
    began. If the remote's answer is missing, the branch's current commit decides. The user's branches and
    upstreams are not changed.

    Args:
        run: the run, with `manifest.commit` and `manifest.branch`; `manifest.pushed` and `manifest.notes` are
            set.

    Returns:
        A sentence about the result.

    Raises:
        RunEnded: somebody else has the branch (`remote-moved`), or it cannot be pushed (`failed`).
        RemoteError: the remote cannot be reached.
    """
    commit, branch = run.manifest.commit or "", run.manifest.branch or ""
    with RunRemote(run, place=True) as remote:
        address, heads = remote.address, remote.read_heads()
        _check_heads(run, remote.address, heads)
        tip = heads.branches.get(branch, "")
        if tip == commit:
            return _record_push(run, address, "had it already")
        _check_free(run, address, tip)
        if not tip and run.manifest.repository.tip is not None:
            raise RunEnded(
                f"{address.shown} has no branch {branch} any more, which the run goes on from",
                state="remote-moved",
                help="see who removed it; what the run made is in its diff.patch",
            )
        try:
            remote.push(address.push, commit, branch, expected=tip)
        except RemoteError as error:
            tip = remote.read_tip()
            if tip == commit:
                return _record_push(run, address, "has it, although its answer was lost")
            _check_free(run, address, tip)
            help = f"{error.help}; the commit is kept: {run.folder.command('resume')}"
            raise _refused(f"{address.shown} did not take the branch {branch}", error, help) from error
        return _record_push(run, address, "has it")


def find_new_tip(run: Run) -> str | None:
    """Return the new tip of the run's branch, if it holds several items and another run has pushed one.

    Args:
        run: the run; its commit is made, and not pushed.

    Returns:
        The commit, which is in the user's object store; None if the branch is unchanged, or belongs only to
        the run.
    """
    branch = run.manifest.branch
    if not branch or not shares_branch(run.policy, run.item):
        return None
    with RunRemote(run) as remote:
        tip = remote.read_tip()
        if tip in ("", run.manifest.repository.branch_oid, *_own_commits(run)):
            return None
        return remote.fetch(remote.address.fetch, branch, [run.manifest.repository.start])


def _record_push(run: Run, address: Address, how: str) -> str:
    branch, commit = run.manifest.branch, run.manifest.commit or ""
    run.manifest.pushed = commit
    run.save()
    if address.is_local:
        return f"there is no remote, so {branch} is here, at {commit[:10]}"
    return f"{address.shown} {how}: {branch} at {commit[:10]}"


def _check_free(run: Run, address: Address, tip: str) -> None:
    """Check that the run's branch does not exist, or is at a commit that the run pushed or began with."""
    if tip and tip not in (*_own_commits(run), run.manifest.repository.branch_oid):
        branch = run.manifest.branch or ""
        fetch = shlex.join(["git", "fetch", run.options.remote, branch])
        raise RunEnded(
            f"{address.shown} has a branch {branch} of somebody else, at {tip[:10]}",
            state="remote-moved",
            help=f"nothing was pushed; see what it is: {fetch}",
        )


def _refused(what: str, error: RemoteError | PlatformError, help: str) -> RunEnded:
    """Return the error for a request that the remote or its platform refused."""
    return RunEnded(f"{what}: {error.reason}", help=help, exit_code=2, tail=error.tail, code="push-refused")


BODY_FILE: Final = "pull-request.md"
"""The file with the pull request's body, in the run's folder."""

_TRIES: Final = 3
_LONGEST: Final = 100
_MOST_FAILURES: Final = 5
"""The largest number of failed commands whose last lines the body contains."""

_PAUSE: Final = 2.0
"""The seconds between two looks: a platform may take some seconds to notice a push."""


def open_pull_request(run: Run) -> str:
    """Open the pull request of the pushed commit, or update the open one.

    If the policy has a command for submitting the item's kind (`submit`), that command is left to the user.

    Args:
        run: the run, with `manifest.pushed`; `manifest.pull_request` is set.

    Returns:
        A sentence about the result. If the state is `printed`, `manifest.pull_request.command` is to be
        printed.

    Raises:
        RunEnded: the existing pull request is closed or has another base, or the platform does not answer.
    """
    run.folder.write(BODY_FILE, body_of(run))
    if submit := run.item.settings.submit:
        pull = PullRequest(title=title_of(run), state="printed", command=submit)
        result = "left to the command that is printed, since the policy says how it is submitted"
    else:
        pull, result = _open_or_update(run)
    run.manifest.pull_request = pull
    run.save()
    return result


def request_of(run: Run, address: Address) -> PullRequest:
    """Return the pull request of a run before it is opened, with the command that opens it."""
    branch, base, title = run.manifest.branch or "", run.manifest.repository.into, title_of(run)
    command = printed_command(address, branch, base, title=title, body_file=run.folder.file(BODY_FILE))
    return PullRequest(title=title, state="printed", command=command)


def _open_or_update(run: Run) -> tuple[PullRequest, str]:
    """Open the pull request, or update the open one, and return it with a sentence about the result."""
    branch, commit = run.manifest.branch or "", run.manifest.pushed or ""
    base, file = run.manifest.repository.into, run.folder.file(BODY_FILE)
    with RunRemote(run) as remote:
        address = remote.address
    pull = request_of(run, address)
    platform, why = find_platform(address, run.git.repository)
    if platform is None:
        why = f"not opened, since {why}: run the command that is printed, unless {branch} has an open one"
        return pull, why
    try:
        found = _find_open(platform, branch, base, commit)
        if found is None:
            # The request took time, and another process may have taken over the run.
            run.folder.check_holder()
            try:
                pull.number, pull.url = platform.create(branch, base, title=pull.title, body_file=file)
            except PlatformError:
                # The pull request may have been opened nevertheless, or by somebody else just now.
                found = _find_open(platform, branch, base, commit)
                if found is None:
                    raise
        if found is not None:
            if found.body.strip():
                # Text by people is kept, and so are the parts of the runs of other tasks.
                run.folder.write(BODY_FILE, _with_part(found.body, run))
            platform.edit(found.number, title=pull.title, body_file=file)
            pull.number, pull.url = found.number, found.url
    except PlatformError as error:
        help = f"{run.folder.command('resume')}; or: {pull.command}"
        message = f"the branch {branch} is pushed, and its pull request is not open"
        raise _refused(message, error, help) from error
    pull.state = "opened" if found is None else "updated"
    return pull, f"{pull.state}: {pull.url}"


def title_of(run: Run) -> str:
    """Return the title of a run's pull request: by its kind's template, else its commit's subject.

    If the branch holds a whole plan, the title is the plan's, because no commit outranks the others.
    """
    item = run.item
    task = task_of(run.policy, item)
    if task is not None and not item.settings.pull_request and shares_branch(run.policy, item):
        goal = task.plan.data.get("goal")
        words = f": {' '.join(goal.split())}" if isinstance(goal, str) and goal.strip() else ""
        return shortened(plain_text(f"Plan {task.plan.name}{words}"), _LONGEST)
    return item.named_by("pull_request" if item.settings.pull_request else "commit")


def body_of(run: Run) -> str:
    """Return the body: the kind's template, then the document, the gates with their exit codes, and the run.

    Every text that does not come from the policy is escaped, so that it cannot become markup, a link or a
    mention.
    """
    gates = [gate for gate in run.gates.gates if gate.kind == "gate"]
    # The plan of a run, with no command yet, lists every gate.
    if run.manifest.commands:
        ran = {command.name for command in _last_gates(run.manifest)}
        gates = [gate for gate in gates if gate.name in ran]
    intro = run.item.body_with([markdown_code(run.redactor.redact(gate.run)) for gate in gates])
    return (f"{intro}\n\n" if intro else "") + _part(run)


def _last_gates(manifest: Manifest) -> list[Command]:
    """Return the gates of the last round: earlier ones ran on other trees, and were run again."""
    gates = [command for command in manifest.commands if command.kind == "gate"]
    newest = {(gate.name, gate.command): gate for gate in gates if gate.attempt == gates[-1].attempt}
    return list(newest.values())


def _with_part(body: str, run: Run) -> str:
    """Return the text of an open request with the run's part at its end, unless it has that already."""
    lines, own = body.splitlines(), _part(run)
    mark = next(line for line in own.splitlines() if line.startswith("- Run: "))
    return "\n".join([*lines, "" if mark in lines else f"\n{own}"])


def _part(run: Run) -> str:
    """Return the part that a run adds to a body."""
    failed = [one for one in failed_commands(run.manifest, run.folder) if one.tail][:_MOST_FAILURES]
    gates = _last_gates(run.manifest)
    return rendered(BODY_FILE, manifest=run.manifest, gates=gates, failed=failed, outcome=outcome)


def _find_open(platform: Platform, branch: str, base: str, commit: str) -> BranchRequest | None:
    """Return the open pull request of the pushed commit into this base; None without one.

    Closed pull requests of other commits belong to earlier work, and do not count.

    Raises:
        RunEnded: an open one has another base or another commit, or the one of this commit is closed.
        PlatformError: the platform cannot be reached, or refuses.
    """
    for look in range(_TRIES):
        time.sleep(_PAUSE if look else 0)
        requests = platform.requests(branch)
        opened = [one for one in requests if one.state == "open"]
        if all(one.head in ("", commit) for one in opened):
            break
    for one in [*opened, *(one for one in requests if one.head == commit)]:
        moved = one.head not in ("", commit)
        if one.state == "open" and one.base == base and not moved:
            return one
        raise RunEnded(
            f"{one.url} is {one.state}, into {one.base} and at {one.head[:10] or commit[:10]}: it is not the "
            f"open one of {commit[:10]} into {base}",
            state="remote-moved" if moved else "failed",
            help="put its state, its base or its branch right there, unless it has done what it is for",
            exit_code=2,
            code="item-taken",
        )
    return None
