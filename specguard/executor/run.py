"""A run: what is asked of it, its record, and how it ends before its last step."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.declaration.rule import Record
from specguard.engine.policies import open_policy
from specguard.errors import MissingFact, SpecguardError
from specguard.model import EXIT_NO_VERDICT
from specguard.reporters.escape import visible
from specguard.runs.files import run_root as find_root
from specguard.runs.folder import LAYOUT, MANIFEST, META, SEAL, RunFolder, meta_text, now_text
from specguard.runs.model import Manifest, State, Step
from specguard.runs.settings import RunSettings
from specguard.runs.views import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.change.git import Git
    from specguard.executor.output import Redactor
    from specguard.executor.place.place import Place
    from specguard.executor.start.claim import Claim
    from specguard.work.item import WorkItem


EXIT_AGENT_FAILED: Final = 3
EXIT_AGENT_STOPPED: Final = 4

EXITS: Mapping[State, int] = {
    "succeeded": 0,
    "failed": 3,
    "stopped": 4,
    "timed-out": 3,
    "budget-spent": 3,
    "remote-moved": 2,
    "killed": 130,
}
"""The exit code of each way in which a run ends; where the rules failed it is 1, in preflight 2."""


ERRORS: Mapping[State, str] = {
    "failed": "run-failed",
    "stopped": "agent-stopped",
    "timed-out": "time-limit",
    "budget-spent": "budget-spent",
    "remote-moved": "remote-moved",
    "killed": "killed",
}
"""The name of the error that each way in which a run ends early is, where nothing nearer is known."""


JUDGING: Final = frozenset({"gate", "format", "teardown", "hook"})
"""The kinds of commands that judge what the agent left."""


class RunEnded(Exception):
    """A run that ends here.

    Args:
        reason: why, in one sentence.
        state: how it stands then.
        help: the command or step that mends it; empty where there is none.
        code: the exit code, where it is not the state's.
        tail: the end of the output of the command that failed; empty without one.
        command: that command's number; None without one.
        error: the name of the kind of error, which `specguard error` explains; by default the state's.
    """

    def __init__(
        self,
        reason: str,
        *,
        state: State = "failed",
        help: str = "",
        code: int | None = None,
        tail: str = "",
        command: int | None = None,
        error: str = "",
    ) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
        self.help = help
        self.code = EXITS[state] if code is None else code
        self.tail = tail
        self.command = command
        self.error = error or ERRORS[state]


def ended_by(error: RunEnded | SpecguardError | MissingFact) -> RunEnded:
    """How a run ends by an error: one that gives no verdict, where it does not say how itself."""
    if isinstance(error, RunEnded):
        return error
    reason, help = (
        (error.message, error.help) if isinstance(error, SpecguardError) else (error.reason, error.command)
    )
    return RunEnded(reason, help=help, code=EXIT_NO_VERDICT, error=error.code)


STEPS: Final = (
    "preflight", "place", "brief", "agent", "inspect", "gates", "check", "commit", "push", "pull-request",
    "report",
)  # fmt: skip
"""The steps in their order; those of a round may be gone through several times."""

ROUND: Final = ("agent", "inspect", "gates", "check")
"""The steps of a round: the agent works, and it is seen what came of it."""


class Run:
    """A run under way.

    Args:
        options: what was asked for.
        folder: where it is recorded.
        manifest: its record.

    Attributes:
        git: reads the user's repository.
        policy: of the pinned base.
        item: the work item, resolved there; None for a run of gates alone.
        place: the run's own repository, once it is made.
        message: the commit's message, where a hook altered it; empty: the item's.
        deadline: when its time is over, by the monotonic clock; what its commands took before it was resumed
            counts.
        told: what goes back to the agent: failing gates and findings that it has not been told of yet.
        claim: keeps other runs from the item while this one is under way.
        heads: the remote's branches as they were before the agent began; None: nobody has looked.
    """

    def __init__(
        self,
        options: RunOptions,
        folder: RunFolder,
        manifest: Manifest,
        *,
        git: Git,
        policy: Policy,
        item: WorkItem | None,
    ) -> None:
        self.options = options
        self.folder = folder
        self.manifest = manifest
        self.git = git
        self.policy = policy
        self.item = item
        self.place: Place | None = None
        self.message = ""
        self.told: list[str] = []
        self.claim: Claim | None = None
        self.heads: Mapping[str, str] | None = None
        self._altered = False
        spent = sum(command.duration or 0 for command in manifest.commands)
        self.deadline = time.monotonic() + manifest.timeout - spent

    @cached_property
    def redactor(self) -> Redactor:
        """Takes secrets out of whatever is kept of the run."""
        from specguard.executor.output import Redactor

        return Redactor(self.options.environment)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Record a step before it starts and after it ends, whichever way it ends."""
        step = Step(name=name, attempt=max(1, self.manifest.attempts), state="running", started_at=now_text())
        self.manifest.steps.append(step)
        self.save()
        self.log(f"{name}, round {step.attempt}" if name in ROUND else name)
        self.folder.beat(name)
        try:
            yield step
        except BaseException as error:
            if isinstance(error, (RunEnded, SpecguardError, MissingFact)):
                step.detail = step.detail or self.redactor.words(ended_by(error).reason)
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
            SpecguardError: it cannot be written.
        """
        self.folder.log(visible(self.redactor.words(text)))

    def note(self, text: str, *, instead_of: str = "") -> None:
        """Add to the notes, without secrets, what a reader of the run should know.

        Args:
            text: the note.
            instead_of: how the earlier note begins that this one replaces; empty: none.
        """
        notes, text = self.manifest.notes, self.redactor.words(text)
        if instead_of:
            notes[:] = [one for one in notes if not one.startswith(instead_of)]
        if text not in notes:
            notes.append(text)
            self.save()

    def take(self) -> None:
        """Make this process the one that works on the run, and whatever worked on it before a stale one."""
        self.folder.take(os.urandom(16).hex())
        self.manifest.token = self.folder.held_by
        self.manifest.pid = os.getpid()
        self.save()

    def close(self) -> None:
        """Let go of the item and of the repository."""
        if self.claim is not None:
            self.claim.release()
        self.git.close()

    def seal(self) -> None:
        """Record the digests of the run's files, so that a later change of one is seen."""
        self._write_layouts()
        self.manifest.digests = {
            name: digest for name in self.folder.files() if (digest := self.folder.digest(name))
        }
        self.save(seal=True)

    def save(self, *, seal: bool = False) -> None:
        """Write the manifest.

        Args:
            seal: whether it is what the run ends with.

        Raises:
            StaleWorker: another process works on the run.
            RunEnded: somebody else had altered it; what they wrote is gone, and the run fails. Said once.
        """
        own = self.folder.write_manifest(self.manifest, seal=seal)
        self._write_layouts()
        if not own and not self._altered:
            self._altered = True
            raise RunEnded(
                f"somebody altered {MANIFEST} of the run while it went on; it was written again as it was",
                help=f"see who wrote to {self.folder.path}; to go on: {self.folder.command('resume')}",
                error="run-record",
            )

    def _write_layouts(self) -> None:
        """Write what readers of older layouts know."""
        if LAYOUT in self.policy.declared("run_settings").layouts:
            self.folder.write(META, meta_text(self.manifest))


class RunOptions(Record):
    """The words of `specguard run`.

    Attributes:
        environment: the process's environment.
        directory: where to look for the repository; empty: the working directory.
        kind: the kind of work item; empty for a run of gates alone.
        item: the item's id; empty: the one that its pointer names.
        earlier: the items of a list whose runs come before it.
        plan: the plan's file, for a task.
        goal: what is to be found out, for research.
        agent: the name of an agent in the policy; empty where a command is given.
        command: the agent's command.
        remote: the remote's name.
        base: the base branch; empty: the item's.
        until: the last step; empty: all.
        dry_run: print the plan of all steps and touch nothing.
        detach: return the run's id at once.
        timeout: seconds for the whole run; 0: the policy's.
        command_timeout: seconds for each command without a limit of its own; 0: the policy's.
        commands: further gates, each a shell command.
        approval_policy: what the agent is told about asking; empty: nothing.
        run_root: the folder of runs; empty: the policy's.
        reuse_run: the run whose folder is used again; empty: a new one.
        compact: keep of the logs only their tails, once the run has ended.
        max_attempts: 0: the policy's.
        yes: do not ask.
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
    until: str = ""
    dry_run: bool = False
    detach: bool = False
    timeout: int = 0
    command_timeout: int = 0
    commands: Sequence[str] = ()
    approval_policy: str = ""
    run_root: str = ""
    reuse_run: str = ""
    compact: bool = False
    max_attempts: int = 0
    yes: bool = False


FILE: Final = "control/asked.json"
"""The file, in the run's folder."""

_TEXTS: Final = ("agent", "until", "approval_policy", "remote", "base", "goal")
_NUMBERS: Final = ("timeout", "command_timeout", "max_attempts")
_LISTS: Final = ("command", "commands")


def record(run: Run) -> None:
    """Write what a run was asked to do, without secrets.

    Raises:
        SpecguardError: it cannot be written.
    """
    options = run.options
    words = {name: [run.redactor.words(one) for one in getattr(options, name)] for name in _LISTS}
    data = {
        **{name: getattr(options, name) for name in (*_TEXTS, *_NUMBERS)},
        "compact": options.compact,
        **words,
        # What a secret was taken out of cannot be run again as it was.
        "redacted": [name for name in _LISTS if words[name] != list(getattr(options, name))],
    }
    run.folder.write(FILE, json.dumps(data, indent=2) + "\n")


def check_own(git: Git, top: str, folder: RunFolder) -> None:
    """See that a run was begun here: a change can bring the folder of one, with commands of its own in it.

    Args:
        git: reads the user's repository.
        top: the root of the user's working files.
        folder: the run's.

    Where runs are committed its manifest is tracked, and has to be as this machine has left it.

    Raises:
        SpecguardError: git tracks what the run was asked to do, or a manifest that was not left so here.
        MissingFact: the index cannot be read.
    """
    tracked = git.read(git.start("ls-files", "-z", index=git.repository.index), "your index").split(b"\0")[
        :-1
    ]
    for name in (FILE, SEAL, MANIFEST):
        path = os.path.relpath(os.path.realpath(folder.file(name)), os.path.realpath(top))
        above = os.fsencode(path) + b"/"
        # Of a submodule itself is listed, and no file.
        if not any(above.startswith(one + b"/") for one in tracked) or (name == MANIFEST and folder.sealed):
            continue
        raise SpecguardError(
            f"{folder.run_id} is in the repository, so a change may have brought what it was asked to do",
            path=path,
            help="start another run; where this one is in its way, give it up: " + folder.command("stop"),
            code="run-record",
        )


def asked_before(
    folder: RunFolder,
    environment: Mapping[str, str],
    *,
    directory: str = "",
    command: Sequence[str] = (),
    **words: Any,
) -> RunOptions:
    """What a run was asked to do, as it goes on.

    Args:
        folder: the run's.
        environment: the process's.
        directory: where to look for the repository.
        command: the agent's command, where it is another one than before.
        words: further words that are others than before; None and empty ones are not.

    Raises:
        SpecguardError: the run's manifest cannot be read, or a secret in its command is needed again.
    """
    manifest = folder.read_manifest()
    try:
        with open(folder.file(FILE), "rb") as file:
            read = json.loads(file.read())
        before = {name: read[name] for name in (*_TEXTS, *_NUMBERS, *_LISTS, "compact")}
        redacted = set(read["redacted"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SpecguardError(
            "what the run was asked to do cannot be read any more",
            path=folder.file(FILE),
            help=f"give it up: {folder.command('stop')}",
            code="run-record",
        ) from error
    # Until where it goes is asked anew: it was stopped there.
    before["until"] = ""
    if command or words.get("agent"):
        before |= {"agent": "", "command": command}
        redacted.discard("command")
    if redacted:
        raise SpecguardError(
            "there was a secret in the run's command, which is not kept",
            path=folder.file(FILE),
            help=f"{folder.command('resume')} -- COMMAND" if "command" in redacted else "start another run",
            code="run-record",
        )
    before |= {name: value for name, value in words.items() if value}
    item = manifest.item
    try:
        return RunOptions(
            environment=dict(environment),
            directory=directory,
            kind=item.kind,
            item=item.id,
            plan=item.plan or "",
            **before,
        )
    except TypeError as error:
        raise SpecguardError(
            "what the run was asked to do does not fit", path=folder.file(FILE), code="run-record"
        ) from error


def open_store(directory: str, environment: Mapping[str, str], *, run_root: str = "") -> RunStore:
    """The runs of the repository that a folder is in.

    Args:
        directory: the folder; empty: the working directory.
        environment: the process's environment.
        run_root: the folder of runs; empty: the policy's.

    Raises:
        SpecguardError: there is no repository or no policy.
    """
    policy = open_policy(Request(environment=environment, directory=directory))
    settings: RunSettings = policy.declared("run_settings")
    top = Repository.locate(directory, environment).work_tree()
    root = find_root(settings, environment, work_tree=top, given=run_root)
    return RunStore(root, settings, given=bool(run_root))
