"""A run's pull request: opened or updated with the platform's command line, else printed. Never merged."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final

from specguard.change.repository import find_program
from specguard.declaration.rule import Record
from specguard.executor.item import shares, task_of
from specguard.executor.output import plain_text
from specguard.executor.remote.git import Address, user_environment
from specguard.executor.remote.push import RunRemote
from specguard.executor.report import failed_commands, fenced, outcome
from specguard.executor.run import Run, RunEnded
from specguard.model import shortened
from specguard.reporters.escape import markdown_code, markdown_text
from specguard.runs.manifests import PullRequest
from specguard.work.name_templates import FREE, Template, Unrendered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.plans.task import Task


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
        raise RunEnded("the run has pushed nothing to open a pull request of", code=2)
    title = title_of(run)
    run.folder.write(BODY, body_of(run))
    body_file = run.folder.file(BODY)
    if submit := submission_of(run):
        _record(run, PullRequest(title=title, state="printed", command=submit))
        return "left to the command that is printed, since the policy says how it is submitted"
    base = run.manifest.repository.into
    repository = run.git.repository
    with RunRemote(run) as remote:
        address = remote.address
    command = printed_command(address, branch, base, title=title, body_file=body_file)
    platform, why = find_platform(address, run.options.environment, repository.work_tree())
    if platform is None:
        _record(run, PullRequest(title=title, state="printed", command=command))
        if run.manifest.repository.tip is not None:
            return f"not opened, since {why}: an open one of {branch}, if there is any, has the commit now"
        return f"not opened, since {why}: run the command that is printed"
    try:
        found = _existing(platform, branch, base, commit)
        if found is None:
            # Asking has taken its time, and another process may have taken the run up.
            run.folder.hold()
            try:
                number, url = platform.create(branch, base, title=title, body_file=body_file)
            except PlatformError:
                # It may have been opened all the same, or by somebody else just now.
                found = _existing(platform, branch, base, commit)
                if found is None:
                    raise
        if found is not None:
            return _update(run, platform, found, title, command)
    except PlatformError as error:
        raise RunEnded(
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
    begins = f"{run.item.body}\n\n" if run.item is not None and run.item.body else ""
    return begins + "\n".join(_part(run)) + "\n"


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
    gates = [command for command in manifest.commands if command.kind == "gate"]
    # Those of earlier rounds ran on other trees, and a round that was resumed has run them again.
    newest = {(gate.name, gate.command): gate for gate in gates if gate.attempt == gates[-1].attempt}
    yield "- Gates:" if gates else "- Gates: none ran"
    for gate in newest.values():
        yield f"  - {markdown_code(gate.command)}: {outcome(gate)}"
    failed = [one for one in failed_commands(manifest, run.folder) if one.tail][:_SHOWN]
    for one in failed:
        how = f"{markdown_text(one.said)}; {one.after}"
        yield f"- Failed in round {one.round}: {markdown_code(one.what)}, {how}:"
        yield f"\n{fenced(one.tail, 2)}\n"
    for note in manifest.notes:
        yield f"- Note: {markdown_code(note)}"


def _existing(platform: Platform, branch: str, base: str, commit: str) -> BranchRequest | None:
    """The open pull request of the pushed commit into this base.

    Closed ones of other commits are of earlier days, and do not count.
    """
    for look in range(_LOOKS):
        time.sleep(_PAUSE if look else 0)
        requests = platform.requests(branch)
        opened = [one for one in requests if one.state == "open"]
        if all(one.head in ("", commit) for one in opened):
            break
    for one in [*opened, *(one for one in requests if one.head == commit)]:
        if one.head not in ("", commit):
            said = f"{one.url} is open for {branch} at another commit, {one.head[:10]}"
            help = "see who pushed there"
            raise RunEnded(said, state="remote-moved", help=help, error="item-taken")
        if one.state == "open" and one.base == base:
            return one
        said, help = f"is open for {branch}, into {one.base} and not into {base}", "close it"
        if one.state == "open":
            help += f", or have it go there: {platform.retarget.format(one.number, base)}"
        else:
            said = f"for this very commit is {one.state} already"
            again = f"open it again: {platform.command} {platform.noun} reopen {one.number}"
            help = "nothing is left to do" if one.state == "merged" else again
        raise RunEnded(f"{one.url} {said}", help=help, code=2, error="item-taken")
    return None


def _update(run: Run, platform: Platform, found: BranchRequest, title: str, command: str) -> str:
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


TIMEOUT: Final = 120.0
"""So many seconds a platform has for its answer."""

_QUIET: Final = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1", "NO_PROMPT": "1"}
_LEADING_ASTRAY: Final = ("GH_REPO", "GH_HOST", "GITLAB_HOST", "GITLAB_URI", "GL_HOST", "CLICOLOR_FORCE")
_ADDRESS: Final = re.compile(r"https?://\S+/([0-9]+)\b/?")
_TAIL: Final = 4000


class PlatformError(Exception):
    """A platform that cannot be asked, or that refuses.

    Args:
        reason: why, as a clause.
        tail: the end of what its command said.
    """

    def __init__(self, reason: str, tail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.tail = tail[-_TAIL:]


class BranchRequest(Record):
    """A pull request, or merge request, of a branch.

    Attributes:
        number: its number.
        url: its address.
        state: `open`, `closed` or `merged`.
        base: the branch that it is to be merged into.
        head: the object id of the last commit of its branch; empty where the platform does not say.
        body: its text.
    """

    number: int
    url: str
    state: str
    base: str
    head: str
    body: str


class Platform:
    """A platform, through its command line: GitHub, through `gh`.

    Args:
        program: the command's path.
        address: the canonical repository.
        environment: the user's.
        folder: where the command runs.

    Attributes:
        command: the command's name.
        noun: what it calls a pull request in its commands.
        where, listing, creating, editing: the words that name a repository, and that list, open and edit.
        retarget: the command that gives a pull request another base.
    """

    command = "gh"
    noun = "pr"
    where: Sequence[str] = ("--repo", "{host}/{path}")
    listing: Sequence[str] = (
        "pr", "list", "--head", "{branch}", "--state", "all", "--limit", "30", "--json",
        "number,url,state,baseRefName,headRefOid,isCrossRepository,body",
    )  # fmt: skip
    creating: Sequence[str] = (
        "pr", "create", "--base", "{base}", "--head", "{branch}", "--title", "{title}", "--body-file",
        "{file}",
    )  # fmt: skip
    editing: Sequence[str] = ("pr", "edit", "{number}", "--title", "{title}", "--body-file", "{file}")
    retarget = "gh pr edit {} --base {}"

    def __init__(
        self, program: str, address: Address, *, environment: Mapping[str, str], folder: str
    ) -> None:
        self.address = address
        self._program = program
        self._folder = folder
        kept = {name: value for name, value in environment.items() if name not in _LEADING_ASTRAY}
        self._environment = {**user_environment(kept), **_QUIET}

    @property
    def signed_in(self) -> bool:
        """Whether the user is signed in to the host."""
        try:
            self._run(["auth", "status", "--hostname", self.address.host])
        except PlatformError:
            return False
        return True

    def requests(self, branch: str) -> Sequence[BranchRequest]:
        """The pull requests of a branch of the repository itself, those of forks left out.

        Raises:
            PlatformError: they cannot be had.
        """
        output = self._run([*self.listing, *self.where], branch=branch)
        try:
            return [found for entry in json.loads(output or "[]") if (found := self._read(entry))]
        except (ValueError, KeyError, TypeError) as error:
            raise PlatformError(f"{self.command} gave a list that cannot be read", output) from error

    def create(self, branch: str, base: str, *, title: str, body_file: str) -> tuple[int | None, str]:
        """Open a pull request: its number and its address.

        Raises:
            PlatformError: it was not opened, as far as is known.
        """
        words = [*self.creating, *self.where]
        output = self._run(words, branch=branch, base=base, title=title, file=body_file)
        found = list(_ADDRESS.finditer(output))
        if not found:
            raise PlatformError(f"{self.command} does not say what it opened", output)
        return int(found[-1][1]), found[-1][0]

    def edit(self, number: int, *, title: str, body_file: str) -> None:
        """Give a pull request a title and a body.

        Raises:
            PlatformError: it was not edited.
        """
        self._run([*self.editing, *self.where], number=str(number), title=title, file=body_file)

    def _read(self, entry: Mapping[str, Any]) -> BranchRequest | None:
        if entry["isCrossRepository"]:
            return None
        number, state, body = int(entry["number"]), str(entry["state"]).lower(), entry["body"] or ""
        return BranchRequest(number, entry["url"], state, entry["baseRefName"], entry["headRefOid"], body)

    def _run(self, words: Sequence[str], file: str = "", **values: str) -> str:
        text = ""
        if "{text}" in words:
            with open(file, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
        values |= {"host": self.address.host, "path": self.address.name, "file": file, "text": text}
        try:
            done = subprocess.run(
                [self._program, *(word.format(**values) for word in words)],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PlatformError(f"{self.command} gave no answer in {TIMEOUT:g} seconds") from error
        except OSError as error:
            raise PlatformError(f"{self.command} cannot be run: {error.strerror}") from error
        output = done.stdout.decode("utf-8", "replace")
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip() or output.strip()
            first = said.split("\n", 1)[0] or f"it ended with {done.returncode}"
            raise PlatformError(f"{self.command}: {first}", said)
        return output


class GitLab(Platform):
    """GitLab, through `glab`."""

    command = "glab"
    noun = "mr"
    where = ("--repo", "https://{host}/{path}")
    listing = ("mr", "list", "--source-branch", "{branch}", "--all", "--output", "json")
    creating = (
        "mr", "create", "--source-branch", "{branch}", "--target-branch", "{base}", "--title", "{title}",
        "--description", "{text}", "--yes",
    )  # fmt: skip
    editing = ("mr", "update", "{number}", "--title", "{title}", "--description", "{text}", "--yes")
    retarget = "glab mr update {} --target-branch {}"

    def _read(self, entry: Mapping[str, Any]) -> BranchRequest | None:
        if entry.get("source_project_id") != entry.get("target_project_id"):
            return None
        state = {"opened": "open", "locked": "open"}.get(entry["state"], entry["state"])
        head, body = entry.get("sha") or "", entry.get("description") or ""
        return BranchRequest(int(entry["iid"]), entry["web_url"], state, entry["target_branch"], head, body)


def find_platform(
    address: Address, environment: Mapping[str, str], folder: str
) -> tuple[Platform | None, str]:
    """The platform of the canonical repository, if its command line is there and the user is signed in.

    Args:
        address: the canonical repository.
        environment: the user's.
        folder: where its command is run: the root of the user's checkout.

    Returns:
        The platform; or None and why not, as a clause.
    """
    reasons = []
    for kind in _kinds(address):
        program = find_program(kind.command, environment)
        if program is None:
            reasons.append(f"{kind.command} is not installed")
            continue
        platform = kind(program, address, environment=environment, folder=folder)
        if platform.signed_in:
            return platform, ""
        reasons.append(f"{kind.command} is not signed in to {address.host}")
    return None, " and ".join(reasons) or "the canonical repository is on this machine"


def installed_command(address: Address, environment: Mapping[str, str]) -> str:
    """The name of the command line that could be the canonical repository's platform's; empty without any.

    Whether the user is signed in is not looked at, since that would ask the platform.
    """
    return next((kind.command for kind in _kinds(address) if find_program(kind.command, environment)), "")


def printed_command(address: Address, branch: str, base: str, *, title: str, body_file: str) -> str:
    """The command that opens a pull request, for a shell.

    Args:
        address: the canonical repository.
        branch: the branch's short name.
        base: that of the branch that it is to be merged into.
        title: the title.
        body_file: the file with the body.
    """
    kind = GitLab if "gitlab" in address.host else Platform
    words = [kind.command, *kind.creating, *(kind.where if address.host else ())]
    values = {"branch": branch, "base": base, "title": title, "file": body_file}
    values |= {"host": address.host, "path": address.name}
    text = f'"$(cat {shlex.quote(body_file)})"'
    return " ".join(text if word == "{text}" else shlex.quote(word.format(**values)) for word in words)


def _kinds(address: Address) -> Sequence[type[Platform]]:
    """The platforms that a host could be of, the likelier first; none for a repository of this machine."""
    if not address.host:
        return ()
    kinds = (GitLab, Platform) if "gitlab" in address.host else (Platform, GitLab)
    return kinds[:1] if address.host in ("github.com", "gitlab.com") else kinds
