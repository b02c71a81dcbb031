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
from specguard.executor.remote import Address, BranchRequest, Platform, PlatformError, RemoteError, RemoteGit
from specguard.executor.report import RunReport, outcome, rendered
from specguard.executor.run import Run, RunEnded
from specguard.model import listed, shortened
from specguard.reporters.escape import markdown_code
from specguard.runs.manifests import Command, Manifest, PullRequest

_MOVED_NOTE: Final = "While the run went on, "


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
        start, local = run.manifest.repository.remote, not run.manifest.repository.remote_name
        self.address = Address.find(self.settings, name, expected, root=root, local=local)
        if start and self.address.shown != start:
            restore = shlex.join(["git", "remote", "set-url", name, start])
            message = f"'{name}' was {start} when the run began, and is {self.address.shown} now"
            help = f"{restore}, then: {run.folder.command('resume')}"
            raise SpecguardError(message, help=help, code="remote-moved")

    def look(self) -> None:
        """Read the branches and tags of the canonical repository as they are now.

        Raises:
            RemoteError: it cannot be reached.
        """
        self.now = self.heads(self.address.fetch)

    @property
    def tip(self) -> str:
        """The commit of the run's branch as it was read; empty if the branch does not exist."""
        return self.now.branches.get(self._for_run.manifest.branch or "", "")

    @property
    def foreign_tip(self) -> str:
        """That commit, if the run neither pushed it nor found it when it began; otherwise empty."""
        known = (*self._own_commits, self._for_run.manifest.repository.branch_oid)
        return "" if self.tip in known else self.tip

    @property
    def _own_commits(self) -> list[str]:
        """The commits of this run that its branch may have: the one to push, and a pushed one."""
        return [one for one in (self._for_run.manifest.commit, self._for_run.manifest.pushed) if one]

    def check_heads(self) -> None:
        """Note branches that have moved since the run began, and check that none is at a commit of the place.

        Equal files prove nothing: a colleague, or another run, may have made the same ones.

        Raises:
            RunEnded: a branch or tag is at a commit of the place.
        """
        self.note_base()
        run, shown = self._for_run, self.address.shown
        if run.heads is None:
            return
        before, now = run.heads, self.now.refs
        branch, base = run.manifest.branch, run.manifest.repository.base
        moves, undo = [], {}
        for name in sorted(before.keys() | now.keys()):
            old, new = before.get(name), now.get(name)
            if old == new or (name == branch and new in self._own_commits):
                continue
            move = f"{name} from {(old or 'nothing')[:10]} to {(new or 'nothing')[:10]}"
            if new is not None and run.place.has_made(new):
                lease, refspec = f"--force-with-lease={name}:{new}", f"{old or ''}:{self.ref_of(name)}"
                undo[name] = shlex.join(["git", "push", lease, run.options.remote, refspec])
                move += f", pushed from the run's place; to undo it: `{undo[name]}`"
            if name != base or name in undo:
                moves.append(move)
        note = f"{_MOVED_NOTE}branches moved at {shown}: {listed(moves, between='; ')}."
        run.note(note if moves else "", instead_of=_MOVED_NOTE)
        if undo:
            message = f"{' and '.join(undo)} at {shown} was pushed from the run's place"
            raise RunEnded(message, help=f"undo it: {' && '.join(undo.values())}", code="place-spoiled")

    def note_base(self) -> str:
        """Note that the base has moved on, and return the note; empty if the base is unchanged."""
        pinned = self._for_run.manifest.repository
        now = self.now.branches.get(pinned.base, "")
        where = f"is at {now[:10]} now" if now else "is gone"
        began = f"The base {pinned.base} was at {pinned.base_oid[:10]} when the run began, and "
        note = "" if now == pinned.base_oid else f"{began}{where}."
        self._for_run.note(note, instead_of=began)
        return note

    def check_free(self) -> None:
        """Check that the run's branch does not exist, or is at a commit that the run pushed or began with.

        Raises:
            RunEnded: somebody else has the branch.
        """
        if tip := self.foreign_tip:
            branch = self._for_run.manifest.branch or ""
            fetch = shlex.join(["git", "fetch", self._for_run.options.remote, branch])
            message = f"{self.address.shown} has a branch {branch} of somebody else, at {tip[:10]}"
            help = f"nothing was pushed; see what it is: {fetch}"
            raise RunEnded(message, state="remote-moved", help=help)

    def record_push(self, how: str) -> str:
        """Record that the remote has the run's commit, and return a sentence about that."""
        run = self._for_run
        branch, commit = run.manifest.branch, run.manifest.commit or ""
        run.manifest.pushed = commit
        run.save()
        if self.address.is_local:
            return f"there is no remote, so {branch} is here, at {commit[:10]}"
        return f"{self.address.shown} {how}: {branch} at {commit[:10]}"


def check_remote(run: Run) -> None:
    """Check, after the agent has worked, what moved at the remote; note a remote that cannot be reached.

    Raises:
        RunEnded: a branch or tag is at a commit of the place.
    """
    if run.heads is None or not os.path.isdir(run.place.objects):
        return
    with RunRemote(run, place=True) as remote:
        try:
            remote.look()
        except RemoteError as error:
            run.note(f"{_MOVED_NOTE}{remote.address.shown} could not be asked what moved: {error.reason}.")
        else:
            remote.check_heads()


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
            remote.look()
    except SpecguardError:
        return ""
    run.heads = remote.now.refs if run.heads is None else run.heads
    if not shares_branch(run.policy, run.item):
        remote.check_free()
    return remote.note_base()


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
        remote.look()
        remote.check_heads()
        address, tip = remote.address, remote.tip
        if tip == commit:
            return remote.record_push("had it already")
        remote.check_free()
        if not tip and run.manifest.repository.tip is not None:
            message = f"{address.shown} has no branch {branch} any more, which the run goes on from"
            help = "see who removed it; what the run made is in its diff.patch"
            raise RunEnded(message, state="remote-moved", help=help)
        try:
            remote.push(address.push, commit, branch, expected=tip)
        except RemoteError as error:
            remote.look()
            if remote.tip == commit:
                return remote.record_push("has it, although its answer was lost")
            remote.check_free()
            help = f"{error.help}; the commit is kept: {run.folder.command('resume')}"
            raise _refused(f"{address.shown} did not take the branch {branch}", error, help) from error
        return remote.record_push("has it")


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
        remote.look()
        known = [run.manifest.repository.start]
        return remote.fetch(remote.address.fetch, branch, known) if remote.foreign_tip else None


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
    file = run.folder.file(BODY_FILE)
    installed = address.installed_command(run.git.repository.environment)
    command = address.request_command(branch, base, installed, title=title, body_file=file)
    return PullRequest(title=title, state="printed", command=command)


def _open_or_update(run: Run) -> tuple[PullRequest, str]:
    """Open the pull request, or update the open one, and return it with a sentence about the result."""
    branch, commit = run.manifest.branch or "", run.manifest.pushed or ""
    base, file = run.manifest.repository.into, run.folder.file(BODY_FILE)
    with RunRemote(run) as remote:
        address = remote.address
    pull = request_of(run, address)
    platform, why = address.platform(run.git.repository)
    if platform is None:
        return pull, f"not opened, since {why}: open it as printed, unless {branch} has an open one"
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
    """Return the gates of the last tree: earlier ones ran on other trees, and were run again."""
    gates = [command for command in manifest.commands if command.kind == "gate"]
    return list({(gate.name, gate.command): gate for gate in gates if gate.tree == gates[-1].tree}.values())


def _with_part(body: str, run: Run) -> str:
    """Return the text of an open request with the run's part at its end, unless it has that already."""
    lines, own = body.splitlines(), _part(run)
    mark = next(line for line in own.splitlines() if line.startswith("- Run: "))
    return "\n".join([*lines, "" if mark in lines else f"\n{own}"])


def _part(run: Run) -> str:
    """Return the part that a run adds to a body."""
    report, gates = RunReport(run.manifest, run.folder), _last_gates(run.manifest)
    failed = [one for one in report.failed_commands() if one.tail][:_MOST_FAILURES]
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
