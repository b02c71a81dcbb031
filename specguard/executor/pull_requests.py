"""A run's pull request: opened or updated with the platform's command line, else printed. Never merged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from specguard.executor.branches import shares
from specguard.executor.ending import RunEnded
from specguard.executor.pages import fenced
from specguard.executor.plain_text import plain_text
from specguard.executor.platforms import PlatformError, find_platform, printed_command
from specguard.executor.remote_git import RemoteGit
from specguard.executor.remote_heads import pinned_address
from specguard.executor.reports import failed_commands
from specguard.executor.tasks import task_of
from specguard.model import shortened
from specguard.reporters.escape import markdown_code, markdown_text
from specguard.runs.model import PullRequest
from specguard.work.templates import FREE, Template, Unrendered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.executor.platforms import Platform, Request
    from specguard.executor.run import Run
    from specguard.plans.task import Task
    from specguard.runs.model import Command

BODY: Final = "pull-request.md"
"""The file with the body, in the run's folder."""

_OWN: Final = ("- Document: ", "- Rules: ", "- Run: ", "- Gates:", "  - ", "- Note: ")

_LOOKS: Final = 3
_LONGEST: Final = 100
_SHOWN: Final = 5
"""Of so many commands that failed in earlier rounds the body has the last lines."""

_PAUSE: Final = 2.0
"""A platform may need some seconds to see what was pushed."""


def open_pull_request(run: Run) -> str:
    """Open the pull request of what was pushed, or bring the one that is open up to date.

    An item of a kind that is submitted by a command of its own (`submit`) is left to that command.

    Args:
        run: its `manifest.pushed`; `manifest.pull_request` is set.

    Returns:
        What came of it, in one sentence; `manifest.pull_request.command` is to be printed where its state is
        `printed`.

    Raises:
        RunEnded: there is one that is closed or has another base, or the platform does not answer.
    """
    branch, commit = run.manifest.branch, run.manifest.pushed
    if not branch or not commit:
        raise RunEnded("failed", "the run has pushed nothing to open a pull request of", code=2)
    title = title_of(run)
    run.folder.write(BODY, body_of(run))
    body_file = run.folder.file(BODY)
    if submit := submission_of(run):
        _record(run, PullRequest(title=title, state="printed", command=submit))
        return "left to the command that is printed, since the policy says how it is submitted"
    base = run.manifest.repository.into
    repository = run.git.repository
    with RemoteGit(repository) as remote:
        address = pinned_address(run, remote)
    command = printed_command(address, branch, base, title=title, body_file=body_file)
    platform, why = find_platform(address, run.options.environment, repository.work_tree())
    if platform is None:
        _record(run, PullRequest(title=title, state="printed", command=command))
        if run.manifest.repository.tip is not None:
            return f"not opened, since {why}: an open one of {branch}, if there is any, has the commit now"
        return f"not opened, since {why}: run the command that is printed"
    try:
        found = _existing(platform, branch, base, commit)
        if found is not None:
            return _update(run, platform, found, title, command)
        # Asking has taken its time, and another process may have taken the run up.
        run.folder.hold()
        try:
            number, url = platform.create(branch, base, title=title, body_file=body_file)
        except PlatformError:
            # It may have been opened all the same, or by somebody else just now.
            found = _existing(platform, branch, base, commit)
            if found is None:
                raise
            return _update(run, platform, found, title, command)
    except PlatformError as error:
        raise RunEnded(
            "failed",
            f"the branch {branch} is pushed, and its pull request is not open: {error.reason}",
            help=f"{run.folder.command('resume')}; or: {command}",
            code=2,
            tail=error.tail,
            error="push-refused",
        ) from error
    _record(run, PullRequest(title=title, state="opened", url=url, number=number, command=command))
    return f"opened: {url}"


def submission_of(run: Run) -> str:
    """The command that the policy has for submitting items of the run's kind; empty where it has none."""
    return run.item.settings.submit if run.item is not None else ""


def title_of(run: Run) -> str:
    """The title of a run's pull request: by its kind's template, else its commit's subject.

    That of a branch that holds a whole plan is of the plan, for no commit of it is more than the others.

    Raises:
        RunEnded: nothing gives a value that the template needs.
    """
    item = run.item
    if item is None:
        return run.manifest.item.id
    task = task_of(run.policy, item)
    if task is not None and not item.settings.pull_request and shares(run.policy, item):
        return _title_of_plan(task)
    key = "pull_request" if item.settings.pull_request else "commit"
    words = item.listed.title if item.listed else ""
    try:
        if FREE in Template(getattr(item.settings, key)).names:
            return item.worded(key, words or f"implement {item}")
        return item.rendered(key)[0]
    except Unrendered as error:
        raise RunEnded(
            "failed",
            f"the pull request's title cannot be made: nothing gives {{{error.name}}}",
            help=f"give it in the pointer, or leave it out of {item.setting(key)}",
            code=2,
            error="incomplete-policy",
        ) from error


def _title_of_plan(task: Task) -> str:
    goal = task.plan.data.get("goal")
    words = " ".join(goal.split()) if isinstance(goal, str) else ""
    return shortened(plain_text(f"Plan {task.plan.name}" + (f": {words}" if words else "")), _LONGEST)


def body_of(run: Run) -> str:
    """The body: the kind's template, then the document, the gates with their exit codes, and the run.

    Every text that is not the policy's is written so that no markup, link or mention comes of it.
    """
    return "\n".join(_body(run)) + "\n"


def _body(run: Run) -> Iterator[str]:
    if run.item is not None and run.item.body:
        yield run.item.body
        yield ""
    yield from _part(run)


def _beside(body: str, run: Run) -> str:
    """What an open request says, with the run's part in place of what it wrote before, else at the end."""
    lines, own = body.splitlines(), list(_part(run))
    mark = next(line for line in own if line.startswith("- Run: "))
    if mark not in lines:
        return "\n".join([*lines, "", *own]) + "\n"
    start = end = lines.index(mark)
    while start and lines[start - 1].startswith(_OWN):
        start -= 1
    while end < len(lines) and lines[end].startswith(_OWN):
        end += 1
    return "\n".join([*lines[:start], *own, *lines[end:]]) + "\n"


def _part(run: Run) -> Iterator[str]:
    """What a run adds to a body: each line begins as one of `_OWN`."""
    manifest = run.manifest
    document = manifest.item.document or manifest.item.plan
    if document:
        yield f"- Document: {markdown_code(document)} at {markdown_code(manifest.repository.base_oid[:10])}"
    if manifest.judgements:
        last = manifest.judgements[-1]
        yield f"- Rules: {last.verdict}, by the policy {markdown_code(last.policy_id[:12])}"
    yield f"- Run: {markdown_code(f'{manifest.item.kind}-{manifest.item.id}/{manifest.run_id}')}"
    gates = _gates(run)
    yield "- Gates:" if gates else "- Gates: none ran"
    for gate in gates:
        yield f"  - {markdown_code(gate.command)}: {_outcome(gate)}"
    failed = [one for one in failed_commands(manifest, run.folder) if one.tail][:_SHOWN]
    for one in failed:
        how = f"{markdown_text(one.said)}; {one.after}"
        yield f"- Failed in round {one.round}: {markdown_code(one.what)}, {how}:"
        yield f"\n{fenced(one.tail, 2)}\n"
    for note in manifest.notes:
        yield f"- Note: {markdown_code(note)}"


def _gates(run: Run) -> Sequence[Command]:
    """The gates of the last round: those of earlier ones ran on other trees."""
    gates = [command for command in run.manifest.commands if command.kind == "gate"]
    last = max((gate.attempt for gate in gates), default=0)
    # A round that was resumed has run them again.
    newest = {(gate.name, gate.command): gate for gate in gates if gate.attempt == last}
    return list(newest.values())


def _outcome(gate: Command) -> str:
    if gate.timed_out:
        return "ended by its time limit"
    return "no exit code" if gate.exit_code is None else f"exit code {gate.exit_code}"


def _existing(platform: Platform, branch: str, base: str, commit: str) -> Request | None:
    """The open pull request of the pushed commit into this base.

    Closed ones of other commits are of earlier days, and do not count.
    """
    requests = platform.requests(branch)
    for _ in range(_LOOKS - 1):
        opened = [one for one in requests if one.state == "open"]
        if all(one.head in ("", commit) for one in opened):
            break
        time.sleep(_PAUSE)
        requests = platform.requests(branch)
    opened = [one for one in requests if one.state == "open"]
    for one in opened:
        if one.head not in ("", commit):
            raise RunEnded(
                "remote-moved",
                f"{one.url} is open for {branch} at another commit, {one.head[:10]}",
                help="see who pushed there",
                error="item-taken",
            )
        if one.base != base:
            raise RunEnded(
                "failed",
                f"{one.url} is open for {branch}, into {one.base} and not into {base}",
                help=f"close it, or have it go there: {_retarget(platform, one, base)}",
                code=2,
                error="item-taken",
            )
    if opened:
        return opened[0]
    for one in requests:
        if one.head == commit:
            raise RunEnded(
                "failed",
                f"{one.url} for this very commit is {one.state} already",
                help="nothing is left to do"
                if one.state == "merged"
                else f"open it again: {platform.command} {platform.noun} reopen {one.number}",
                code=2,
                error="item-taken",
            )
    return None


def _update(run: Run, platform: Platform, found: Request, title: str, command: str) -> str:
    if found.body.strip():
        # What people wrote there stays, and so does what the runs of other tasks have added.
        run.folder.write(BODY, _beside(found.body, run))
    platform.edit(found.number, title=title, body_file=run.folder.file(BODY))
    made = PullRequest(title=title, state="updated", url=found.url, number=found.number, command=command)
    _record(run, made)
    return f"updated: {found.url}"


def _record(run: Run, request: PullRequest) -> None:
    run.manifest.pull_request = request
    run.save()


def _retarget(platform: Platform, request: Request, base: str) -> str:
    if platform.command == "gh":
        return f"gh pr edit {request.number} --base {base}"
    return f"glab mr update {request.number} --target-branch {base}"
