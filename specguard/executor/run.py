"""A run: its options, its record, and the ways in which it ends before its last step."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from specguard import __version__
from specguard.change.check_request import Request
from specguard.change.repository import Repository
from specguard.engine.trusted_policy import Policies, open_policy
from specguard.errors import Needed, SpecguardError
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, Record, counted
from specguard.reporters.escape import visible
from specguard.runs import manifests
from specguard.runs.files import run_root
from specguard.runs.manifests import MANIFEST, SEAL, Manifest, RunFolder, State, Step, now_text
from specguard.runs.settings import RunSettings, seconds
from specguard.runs.store import OPTIONS_FILE, RunStore

if TYPE_CHECKING:
    from specguard.authority.policy import Policy
    from specguard.change.git import Git
    from specguard.executor.command_output import Redactor
    from specguard.executor.place import Place
    from specguard.executor.start_point import ItemLock
    from specguard.work.gates import Gates
    from specguard.work.item import WorkItem


ENDS: Final[Mapping[State, tuple[int, str]]] = {
    "failed": (3, "run-failed"),
    "stopped": (4, "agent-stopped"),
    "timed-out": (3, "time-limit"),
    "budget-spent": (3, "budget-spent"),
    "remote-moved": (2, "remote-moved"),
    "killed": (130, "killed"),
}
"""Each state in which a run ends early: the exit code, and the error code if no more specific one is known.

If the rules failed, the exit code is 1. In preflight it is 2.
"""


class RunEnded(SpecguardError):
    """The end of a run, raised as an error.

    Args:
        message: the reason, in one sentence.
        state: the final state of the run.
        help: the command or step that fixes the problem; empty if there is none.
        exit_code: the exit code of the process; None: the one of the state.
        tail: the end of the output of the command that failed; empty without such a command.
        command: that command's number; None without such a command.
        code: the error code, which `specguard error` explains; empty: the one of the state.
        step: the step that failed; empty: the last one that began.
    """

    def __init__(
        self,
        message: str,
        *,
        state: State = "failed",
        help: str = "",
        exit_code: int | None = None,
        tail: str = "",
        command: int | None = None,
        code: str = "",
        step: str = "",
    ) -> None:
        super().__init__(message, help=help, code=code or ENDS[state][1])
        self.state = state
        self.exit_code = ENDS[state][0] if exit_code is None else exit_code
        self.tail = tail
        self.command = command
        self.step = step

    @classmethod
    def by(cls, error: SpecguardError) -> RunEnded:
        """Return the end that an error makes: without a verdict, unless the error is a `RunEnded` already."""
        if isinstance(error, RunEnded):
            return error
        tail = getattr(error, "tail", "")
        return cls(error.message, help=error.help, exit_code=EXIT_NO_VERDICT, code=error.code, tail=tail)


class Killed(BaseException):
    """A signal that ends the run; handlers of ordinary errors do not catch it."""


Say = Callable[[str], None]
"""A function that is called with lines about the run's progress."""

ROUND_STEPS: Final = ("agent", "inspect", "gates", "check")
"""The steps of a round: the agent works, and its work is judged."""


class Run(Record, frozen=False):
    """A run under way.

    Attributes:
        options: the options of the command line.
        folder: the folder of the run's record.
        manifest: the run's record.
        git: reads the user's repository.
        policy: the policy of the pinned base.
        work_item: the work item, resolved in the pinned base; None for a run of gates only.
        made_place: the run's own repository; None before it is made.
        message: the commit's message once the `commit-msg` hooks have seen it; empty before.
        gate_results: what became of the gates in the last round of this process, as `gates.json` has it.
        feedback: the sections for the agent's next round: failing gates and findings that are new to it.
        item_lock: the lock that keeps other runs from the item while this one is under way.
        heads: the remote's branches and tags before the agent began; None if they were not read.
        say: called as each command begins and ends, and with each line that it prints.
        altered: True once an alteration of the run's record by somebody else has been reported.
    """

    options: RunOptions
    folder: RunFolder
    manifest: Manifest
    git: Git
    policy: Policy
    work_item: WorkItem | None = None
    made_place: Place | None = None
    message: str = ""
    gate_results: Mapping[str, Any] = {}
    feedback: list[str] = []
    item_lock: ItemLock | None = None
    heads: Mapping[str, str] | None = None
    say: Say = staticmethod(lambda _: None)
    altered: bool = False

    @property
    def item(self) -> WorkItem:
        """The work item of an agent's run."""
        assert self.work_item is not None  # noqa: S101 - only a run of gates, which makes nothing, has none
        return self.work_item

    @property
    def place(self) -> Place:
        """The run's own repository, which each step behind `place` has."""
        assert self.made_place is not None  # noqa: S101 - the line of steps makes it first
        return self.made_place

    @property
    def settings(self) -> RunSettings:
        """The policy's settings of runs."""
        settings: RunSettings = self.policy.declared("run_settings")
        return settings

    @property
    def default_timeout(self) -> int:
        """The timeout in seconds of a command that has no limit of its own."""
        return self.options.command_timeout or seconds(self.settings.command_timeout)

    @cached_property
    def again(self) -> str:
        """The command that goes on with the run; a run without an agent, which none resumes, sets its own."""
        return self.folder.command("resume")

    @cached_property
    def deadline(self) -> float:
        """The end of the run's time, by the monotonic clock; the duration of earlier commands counts."""
        spent = sum(command.duration or 0 for command in self.manifest.commands)
        return time.monotonic() + self.manifest.timeout - spent

    @cached_property
    def redactor(self) -> Redactor:
        """The redactor that takes secrets out of all records of the run."""
        from specguard.executor.command_output import Redactor

        return Redactor(self.options.environment)

    @cached_property
    def gates(self) -> Gates:
        """The gates of the policy, of the item's document, of its task, and of the command line.

        A run of gates only, which may have no item, sets its own.
        """
        from specguard.executor.gates import planned_gates

        return planned_gates(self.policy, self.item, commands=self.options.commands)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Record a step before it starts and after it ends, however it ends."""
        step = Step(name=name, attempt=max(1, self.manifest.attempts), state="running", started_at=now_text())
        self.manifest.steps.append(step)
        self.save()
        self.log(f"{name}, round {step.attempt}" if name in ROUND_STEPS else name)
        self.folder.write_heartbeat(name)
        try:
            with Needed():
                yield step
        except BaseException as error:
            if isinstance(error, (SpecguardError, Killed)):
                step.detail = step.detail or self.redactor.redact(str(error))
            step.state = "failed"
            raise
        else:
            step.state = "done"
        finally:
            step.ended_at = now_text()
            self.save()
            self.log(f"{name}: {step.state}{': ' if step.detail else ''}{step.detail}")

    def log(self, text: str) -> None:
        """Add a line to `run.log`, without secrets.

        Raises:
            SpecguardError: the line cannot be written.
        """
        self.folder.log(visible(self.redactor.redact(text)))

    def note(self, text: str, *, instead_of: str = "") -> None:
        """Add a note for a reader of the run, without secrets.

        Args:
            text: the note; empty: only remove what it replaces.
            instead_of: the beginning of earlier notes that this one replaces; empty: replace nothing.
        """
        notes, text = self.manifest.notes, self.redactor.redact(text)
        if instead_of:
            notes[:] = [one for one in notes if not one.startswith(instead_of)]
        if text and text not in notes:
            notes.append(text)
            self.save()

    def take_over(self) -> None:
        """Make this process the worker of the run; any earlier worker becomes stale."""
        self.manifest.token = self.folder.take()
        self.manifest.pid = os.getpid()
        self.save()

    def close(self) -> None:
        """Release the lock on the item, and close the repository and the place."""
        for held in (self.item_lock, self.git, self.made_place.git if self.made_place else None):
            if held is not None:
                held.close()

    def save(self, *, seal: bool = False) -> None:
        """Write the manifest.

        Args:
            seal: True for the final manifest of the run, with the digests that detect a later change.

        Raises:
            StaleWorker: another process works on the run.
            RunEnded: somebody else altered the manifest. Their version is overwritten, and the run fails.
                This is raised only once.
        """
        self.folder.write_layouts(self.manifest, self.settings.layouts)
        unaltered = self.folder.write_manifest(self.manifest, seal=seal)
        if not unaltered and not self.altered:
            self.altered = True
            what = f"somebody altered {MANIFEST} of the run while it went on; it was written again as it was"
            help = f"see who wrote to {self.folder.path}; to go on: {self.again}"
            raise RunEnded(what, help=help, code="run-record")


class Round:
    """The outcome of one round.

    Attributes:
        tree: the tree that was judged last in the round; None if the round did not get that far.
        failing: the commands that failed, each as its name and its command line.
        findings: the fingerprints of the open errors.
    """

    def __init__(self, manifest: Manifest, attempt: int) -> None:
        judgements = [one for one in manifest.judgements if one.attempt == attempt]
        commands = [one for one in manifest.judging if one.attempt == attempt]
        # If a command ran several times, its last run counts.
        last_runs = {(one.name, one.command): one for one in commands}
        trees: list[str | None] = [*(one.tree for one in commands), *(one.tree for one in judgements)]
        self.tree = trees[-1] if trees else None
        self.failing = {key for key, command in last_runs.items() if not command.succeeded}
        self.findings = set(judgements[-1].findings) if judgements else set()


def count_round(run: Run, failed: str) -> None:
    """Count a new round.

    Args:
        run: the run.
        failed: the part that failed in the previous round: `gates`, `rules` or `results`; empty without one.

    Raises:
        RunEnded: no further round is allowed.
    """
    manifest, folder = run.manifest, run.folder
    if manifest.attempts >= manifest.max_attempts:
        reason = f"the {failed} still fail after" if failed else "none is left of the run's"
        resume = folder.command("resume", "--max-attempts", str(manifest.attempts + 1), *more_time(run))
        raise RunEnded(
            f"{reason} {counted(manifest.attempts, 'attempt')}",
            state="budget-spent",
            help=f"{folder.command('report')} shows what is left; to go on with it: {resume}",
            tail="\n".join(run.feedback),
            exit_code=EXIT_FAILED if failed == "rules" else None,
            step={"gates": "gates", "rules": ""}.get(failed, "agent"),
        )
    manifest.attempts += 1


def more_time(run: Run) -> Sequence[str]:
    """Return the option that gives commands more time, if the default limit has ended one in this round."""
    own, now = {gate.name for gate in run.gates.gates if gate.timeout}, max(1, run.manifest.attempts)
    late = {one.name for one in run.manifest.commands if one.attempt == now and one.timed_out}
    return ["--command-timeout", str(2 * run.default_timeout)] if late - own else []


def check_progress(run: Run, *, only_rules: bool) -> None:
    """Check that a failed round differs from the one before.

    Args:
        run: the run.
        only_rules: True if only the rules failed.

    Raises:
        RunEnded: the agent left the same files; or the same findings, without fixing a gate.
    """
    before, now = (Round(run.manifest, run.manifest.attempts - back) for back in (1, 0))
    if before.tree is not None and before.tree == now.tree:
        what = "files"
    elif now.findings and now.findings == before.findings and now.failing >= before.failing:
        what = "findings"
    else:
        return
    resume = run.folder.command("resume", *more_time(run))
    raise RunEnded(
        f"there is no progress: the agent left the same {what} as the round before",
        help=f"correct what is left in {run.place.path}, then: {resume}",
        tail="\n".join(run.feedback),
        exit_code=EXIT_FAILED if only_rules else None,
        step="" if only_rules else "gates",
        code="no-progress",
    )


class RunOptions(Record):
    """The options of `specguard run`.

    Attributes:
        environment: the process's environment variables.
        directory: the folder in which to look for the repository; empty: the working directory.
        kind: the kind of work item; empty for a run of gates only.
        item: the item's id; empty: the one that its pointer names.
        earlier: the items of a list whose runs come before this one.
        plan: the plan's file, for a task.
        goal: the question to answer, for research.
        agent: the name of an agent in the policy; empty if `command` is set.
        command: the agent's command.
        remote: the remote's name.
        base: the base branch; empty: the item's.
        branch: the branch of a run of gates or of one that is resumed; empty: the one that git or the
            platform's event names.
        until: the last step; empty: all steps.
        dry_run: True to print the plan of all steps and change nothing.
        timeout: the limit of the whole run in seconds; 0: the policy's.
        command_timeout: the limit in seconds of each command without one of its own; 0: the policy's.
        commands: further gates, each a shell command.
        approval_policy: the approval policy to pass to the agent; empty: none.
        run_root: the folder of runs; empty: the policy's.
        reuse_run: the run whose folder is reused; empty: a new folder.
        compact: True to keep only the tails of logs, once the run has ended.
        max_attempts: the largest number of rounds; 0: the policy's.
        approved: the jobs of the plan that was approved, by their items; None: none is asked for.
    """

    environment: Mapping[str, str]
    directory: str = ""
    kind: str = ""
    item: str = ""
    earlier: Sequence[str] = ()
    plan: str = ""
    goal: str = ""
    agent: str = ""
    command: Sequence[str] = ()
    remote: str = "origin"
    base: str = ""
    branch: str = ""
    until: str = ""
    dry_run: bool = False
    timeout: int = 0
    command_timeout: int = 0
    commands: Sequence[str] = ()
    approval_policy: str = ""
    run_root: str = ""
    reuse_run: str = ""
    compact: bool = False
    max_attempts: int = 0
    approved: Mapping[str, Any] | None = None

    def runs_folder(self, policy: Policy, repository: Repository) -> str:
        """Return the folder of all runs of a checkout, absolute.

        Raises:
            SpecguardError: a variable in the folder's name has no value, or a link leads out of the checkout.
        """
        return run_root(policy.declared("run_settings"), repository, self.run_root)

    def checkout(self) -> Repository:
        """Return the user's repository, with the checkout that the run is started from.

        Raises:
            SpecguardError: the folder is not in a checkout.
        """
        repository = Repository.locate(self.directory, self.environment)
        repository.work_tree()
        return repository

    def request(self, **more: Any) -> Request:
        """Return the request for a check in the directory that was given."""
        return Request(directory=self.directory, environment=self.environment, **more)

    def policy_of(self, git: Git, oid: str) -> Policy | None:
        """Return the policy of a commit; None without one."""
        return Policies(self.request(), git.repository).load(git.tree_at(oid))

    def trusted_policy(self, git: Git, base: str, oid: str) -> Policy:
        """Return the policy of a base, as trusted.

        Raises:
            SpecguardError: the base has no policy.
        """
        policy = self.policy_of(git, oid)
        if policy is None:
            message = f"there is no authority in {base}, at commit {oid[:10]}"
            help = "bring SPEC_AUTHORITY.md there first (`specguard init` writes one), or name --base"
            raise SpecguardError(message, help=help, code="no-authority")
        policy.ref, policy.based, policy.trusted = oid, True, True
        return policy

    @classmethod
    def recorded(
        cls, folder: RunFolder, environment: Mapping[str, str], *, command: Sequence[str] = (), **words: Any
    ) -> RunOptions:
        """Return the options of a resumed run, from its record.

        Args:
            folder: the run's folder.
            environment: the process's environment variables.
            command: the agent's new command; empty: the recorded one.
            words: further options that replace recorded ones; None and empty values do not.

        Raises:
            SpecguardError: the run's manifest cannot be read, or a secret in its command is needed again.
        """
        manifest = folder.read_manifest()
        data = folder.data_or_empty(OPTIONS_FILE)
        help = "start another run" if manifest.ended_at else f"give it up: {folder.command('stop')}"
        try:
            recorded = {name: data[name] for name in _RECORDED}
            redacted = set(data["redacted"])
        except (KeyError, TypeError) as error:
            message = "what the run was asked to do cannot be read any more"
            raise _unreadable(folder, message, help) from error
        if command or words.get("agent"):
            recorded |= {"agent": "", "command": command}
            redacted.discard("command")
        if redacted:
            help = f"{folder.command('resume')} -- COMMAND" if redacted == {"command"} else help
            raise _unreadable(folder, "there was a secret in the run's command, which is not kept", help)
        # The option `until` is not taken over: the run was stopped there.
        recorded |= {"until": "", **{name: value for name, value in words.items() if value}}
        recorded |= {"kind": manifest.item.kind, "item": manifest.item.id, "plan": manifest.item.plan or ""}
        return cls(dict(environment), branch=manifest.branch or "", **recorded)


def new_manifest(
    policy: Policy, options: RunOptions, run_id: str, item: manifests.Item, base: manifests.Repository
) -> Manifest:
    """Return the manifest of a new run.

    Args:
        policy: the policy that judges the run.
        options: the options of the run.
        run_id: the run's id.
        item: the item that the run works on.
        base: the commits that the run starts from; their format is set.
    """
    base.object_format = "sha256" if len(base.base_oid) == 64 else "sha1"
    documents = dict(policy.documents)
    return Manifest(
        run_id=run_id,
        tool=__version__,
        item=item,
        state="running",
        pid=os.getpid(),
        repository=base,
        policy=manifests.PolicyMade(policy_id=policy.policy_id, ref=policy.ref, documents=documents),
        started_at=now_text(),
        timeout=options.timeout or seconds(policy.declared("run_settings").timeout),
    )


_LISTS: Final = ("command", "commands")
_RECORDED: Final = (
    *_LISTS, "agent", "until", "approval_policy", "remote", "base", "goal", "timeout", "command_timeout",
    "max_attempts", "compact",
)  # fmt: skip


def record_options(run: Run, agent: Sequence[str]) -> None:
    """Write the options that a run was started with, without secrets.

    Args:
        run: the run.
        agent: the agent's words, whose program is found from any folder.

    Raises:
        SpecguardError: the file cannot be written.
    """
    options = {name: getattr(run.options, name) for name in _RECORDED}
    options["command"] = agent if run.options.command else ()
    words = {name: [run.redactor.redact(one) for one in options[name]] for name in _LISTS}
    # A command without its secret cannot be run again as it was.
    redacted = [name for name in _LISTS if words[name] != list(options[name])]
    run.folder.write(OPTIONS_FILE, json.dumps({**options, **words, "redacted": redacted}, indent=2) + "\n")


def check_origin(git: Git, folder: RunFolder) -> None:
    """Check that a run began on this machine: a change can add a run's folder with commands of its own.

    If runs are committed, the manifest is tracked. A tracked manifest must be as this machine left it.

    Args:
        git: reads the user's repository.
        folder: the run's folder.

    Raises:
        SpecguardError: git tracks the run's options, or a manifest that this machine did not seal.
        MissingFact: the index cannot be read.
    """
    top = os.path.realpath(git.repository.work_tree())
    tracked = git.ask("your index", "ls-files", "-z", index=git.repository.index).split(b"\0")
    for name in (OPTIONS_FILE, SEAL, MANIFEST):
        path = os.path.relpath(os.path.realpath(folder.file(name)), top)
        slashed = os.fsencode(path) + b"/"
        # The index lists a submodule itself, not its files.
        known = any(one and slashed.startswith(one + b"/") for one in tracked)
        if known and not (name == MANIFEST and folder.sealed):
            why = "so a change may have brought what it was asked to do"
            message = f"{folder.run_id} is in the repository, {why}"
            help = f"start another run; where this one is in its way, give it up: {folder.command('stop')}"
            raise SpecguardError(message, path=path, help=help, code="run-record")


def _unreadable(folder: RunFolder, message: str, help: str) -> SpecguardError:
    return SpecguardError(message, path=folder.file(OPTIONS_FILE), help=help, code="run-record")


def open_store(run_root: str = "") -> RunStore:
    """Open the runs of the repository that contains the working directory, where its policy keeps them.

    Args:
        run_root: the folder of runs; empty: the policy's.

    Raises:
        SpecguardError: the repository or its policy is missing.
    """
    policy = open_policy(Request(environment=os.environ))
    root = RunOptions(os.environ, run_root=run_root).runs_folder(policy, Repository.locate("", os.environ))
    return RunStore(root, policy.declared("run_settings"), given=bool(run_root))
