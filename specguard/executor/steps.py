"""The steps of a run in their order, from its start to its pull request; then it stops."""

from __future__ import annotations

import json
import shlex
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from specguard.change.process import CommandError
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, SpecguardError, internal_error
from specguard.executor.agent import BRIEF, let_agent_work, resolve_agent, take_left
from specguard.executor.brief import write_brief
from specguard.executor.check import (
    finish,
    has_to_finish,
    judge,
    judge_commit,
    prove_guard,
    put_on_top,
    unmark,
)
from specguard.executor.commit import PATCH, commit, hash_tree, hooks_of, keep_patch, message_of
from specguard.executor.gate_runs import run_gates
from specguard.executor.gates import described, read_results
from specguard.executor.place import place_of
from specguard.executor.process import HeldSignals, killed_by_signals
from specguard.executor.remote.git import RemoteError
from specguard.executor.remote.pull_request import open_pull_request, submission_of
from specguard.executor.remote.push import moved_on, push, see_remote
from specguard.executor.report import ERROR, REPORT, write_report
from specguard.executor.run import (
    ROUND,
    STEPS,
    Run,
    RunEnded,
    check_progress,
    check_work,
    count_round,
    ended_by,
)
from specguard.executor.watch import inspect, make_place
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, path_text
from specguard.runs.manifests import StaleWorker, now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from specguard.executor.start.preflight import Asked
    from specguard.runs.manifests import Manifest
    from specguard.work.gates import Gates

    Say = Callable[[str], None]


_MOST_TREES: Final = 3
"""So often formatters and hooks may alter what the other has left before they have to agree on it."""

_MOST_MESSAGE_ROUNDS: Final = 3
"""So often a commit-msg hook may alter the message before it has to agree with what it made of it."""

_MOST_TIPS: Final = 5
"""So often a run catches up with others on its branch, before its push is left to chance."""


class Outlook(Record):
    """What a dry run knows of a run that would begin.

    Attributes:
        run: it.
        asked: what preflight knows of it.
        ref: the ref that the base was read from.
        gates: its gates.
        command: the command line of the platform; empty where there is none.
        request: the command that opens the pull request.
    """

    run: Run
    asked: Asked
    ref: str
    gates: Gates
    command: str
    request: str


class Step(ABC):
    """A step of a run: `describe` says what it would do, and `do` does it and gives what it came to.

    The first and the last one are done around the line, and have no `do` of their own.
    """

    name = ""

    @abstractmethod
    def describe(self, would: Outlook) -> list[str]:
        """What it would do, in lines."""

    def do(self, line: Line) -> object:  # noqa: ARG002
        """Do it; what it gives as a text is recorded, and False says that it is not done yet."""
        return None


class Preflight(Step):
    """What is asked before a run begins; `specguard.executor.start.preflight.prepare` does it."""

    name = "preflight"

    def describe(self, would: Outlook) -> list[str]:
        """The base, the item and its branch."""
        start, manifest, shown = would.asked.start, would.run.manifest, would.asked.address.shown
        branch, tip = manifest.branch, manifest.repository.tip
        requests = "are not looked for: there is no command line of the platform"
        if would.command:
            requests = f"are looked for with {would.command}, if it is signed in"
        fetched = f"{would.ref} is at {start.oid} as of the last fetch, and this plan is made from it"
        return [
            f"fetch refs/heads/{start.base} from {shown}: {fetched}",
            f"item {start.item}, document {manifest.item.document or 'none'}; "
            + (f"branch {branch} goes on from {tip}" if tip else f"no branch {branch} here or there"),
            f"open pull requests {requests}",
        ]


class MakePlace(Step):
    """The run's own repository, in which the guard has to refuse an edit."""

    name = "place"

    def describe(self, would: Outlook) -> list[str]:
        """What is checked out there."""
        start = would.run.manifest.repository.start
        return [f"a repository of its own, checked out at {start}, with no remote and no refs"]

    def do(self, line: Line) -> str:
        """Make it, and prove the guard."""
        make_place(line.run)
        path = prove_guard(line.run)
        if path is None:
            return "the policy refuses no edit, so there was nothing to prove the guard by"
        return f"the guard refused a canary edit of {path_text(path)}"


class WriteBrief(Step):
    """The page that the agent reads."""

    name = "brief"

    def describe(self, would: Outlook) -> list[str]:
        """Its file."""
        return [would.run.folder.file(BRIEF)]

    def do(self, line: Line) -> None:
        """Write it."""
        write_brief(line.run)


class Work(Step):
    """The agent works in the place."""

    name = "agent"

    def describe(self, would: Outlook) -> list[str]:
        """Its command."""
        agent = resolve_agent(would.run.policy, would.run.options).recorded(would.run)
        return [f"{shlex.join(agent.command)} (up to {would.run.manifest.max_attempts} times)"]

    def do(self, line: Line) -> None:
        """Let it work."""
        with line.seen():
            let_agent_work(line.run, again=line.again)


class Inspect(Step):
    """What the agent did beside changing files, and that it changed some."""

    name = "inspect"

    def describe(self, would: Outlook) -> list[str]:  # noqa: ARG002 - it is the same for every run
        """What is seen."""
        return ["what the agent did beside changing files"]

    def do(self, line: Line) -> None:
        """See what it did."""
        run = line.run
        with line.seen():
            inspect(run)
        see_remote(run)
        if not line.worked:
            take_left(run)
        tree, place = hash_tree(run), place_of(run)
        if tree == place.git.commit(place.base).tree:
            raise RunEnded(
                "the agent ended well and changed nothing",
                help="see what it said in commands/",
                error="no-progress",
            )
        if line.worked:
            check_work(run, tree)


class RunGates(Step):
    """The formatters and gates."""

    name = "gates"

    def describe(self, would: Outlook) -> list[str]:
        """Each with its command, and when it runs."""
        return [described(gate) for gate in would.gates.gates] or ["none"]

    def do(self, line: Line) -> bool:
        """Run them."""
        return run_gates(line.run)


class Check(Step):
    """The repository's hooks and the rules."""

    name = "check"

    def describe(self, would: Outlook) -> list[str]:
        """What judges."""
        hooks = hooks_of(would.asked.git.repository, would.asked.start.documents.tree)
        policy = f"the rules of the policy {would.run.policy.policy_id[:12]}"
        return [*(f"the hooks of {one}" for one in hooks), policy]

    def do(self, line: Line) -> bool:
        """Have the files judged."""
        return judge(line.run)


class Commit(Step):
    """The run's one commit."""

    name = "commit"

    def describe(self, would: Outlook) -> list[str]:
        """Its subject."""
        return [message_of(would.run).split("\n", 1)[0]]

    def do(self, line: Line) -> bool:
        """Make it."""
        return commit(line.run)


class Push(Step):
    """The commit goes to the canonical repository."""

    name = "push"

    def describe(self, would: Outlook) -> list[str]:
        """The branch, and where it goes."""
        address = would.asked.address
        to = "this repository, which has no remote" if address.here else address.shown
        return [f"refs/heads/{would.run.manifest.branch} to {to}"]

    def do(self, line: Line) -> str:
        """Push it."""
        return push(line.run)


class PullRequest(Step):
    """The pull request is opened, brought up to date, or printed."""

    name = "pull-request"

    def describe(self, would: Outlook) -> list[str]:
        """The command that opens it."""
        command = submission_of(would.run) or ("" if would.command else would.request)
        return [f"printed: {command}" if command else would.request]

    def do(self, line: Line) -> str:
        """Open it."""
        return open_pull_request(line.run)


class Report(Step):
    """How it went, for people; it is written whichever way the run ends."""

    name = "report"

    def describe(self, would: Outlook) -> list[str]:
        """Its file."""
        return [would.run.folder.file(REPORT)]


LINE: Final[tuple[Step, ...]] = (
    Preflight(), MakePlace(), WriteBrief(), Work(), Inspect(), RunGates(), Check(), Commit(), Push(),
    PullRequest(), Report(),
)  # fmt: skip
"""The steps in their order."""

_BY_NAME: Final = {step.name: step for step in LINE}


class _Until(Exception):
    """The last step that was asked for is done."""


class Line:
    """The line of steps of one run under way.

    Attributes:
        run: the run.
        again: whether the agent is let work in a round that was begun before, and is counted already.
        worked: whether the agent has worked in this process.
    """

    def __init__(self, run: Run, say: Say, again: bool) -> None:
        self.run = run
        self.again = again
        self.worked = False
        self._say = say

    def from_step(self, first: str) -> None:
        """Do all steps from one on.

        Raises:
            RunEnded: one of them ends the run.
            _Until: the last one that was asked for is done.
        """
        self._end_with("preflight")
        begun = STEPS.index(first)
        for name in ("place", "brief"):
            if begun <= STEPS.index(name):
                self._do(name)
        if begun < STEPS.index("commit"):
            self._rounds(first if first in ROUND else "agent")
        if begun <= STEPS.index("commit"):
            self._commit()
        elif self.run.place is not None:
            # Without the place there is nothing but what the remote has: the commit that was judged.
            self._do("check", lambda: judge_commit(self.run))
        if begun <= STEPS.index("push"):
            self._push()
        self._do("pull-request")

    @contextmanager
    def seen(self) -> Iterator[None]:
        """Within it, where a run fails, it is seen what was pushed, too: whoever looks is to know."""
        try:
            yield
        except RunEnded as end:
            if end.state != "killed":
                with suppress(RunEnded, SpecguardError, MissingFact):
                    see_remote(self.run)
            raise

    def _do(self, name: str, other: Callable[[], object] | None = None, *, ends: bool = True) -> object:
        """Do one step, or another thing in its place."""
        self._say(name)
        with self.run.step(name) as record:
            result = other() if other is not None else _BY_NAME[name].do(self)
            record.detail = record.detail or (result if isinstance(result, str) else "")
        if ends and result is not False:
            self._end_with(name)
        return result

    def _end_with(self, name: str) -> None:
        if name == self.run.options.until:
            raise _Until

    def _rounds(self, first: str) -> None:
        """Let the agent work until gates and rules pass, as often as it may."""
        run, failed, worked = self.run, "", False
        # A run that is resumed may have marked its plan before: what the agent left is judged without that.
        unmark(run)
        while True:
            if first == "agent":
                if not self.again:
                    count_round(run, failed)
                self._do("agent")
                self.again, worked = False, True
            self.worked = worked
            handed_over = not run.told
            if first in ("agent", "inspect"):
                self._do("inspect")
            gates, rules = self._gates_and_rules(handed_over)
            if gates and rules and handed_over:
                if has_to_finish(run):
                    self._do("check", lambda: finish(run))
                return
            if worked and handed_over:
                check_progress(run, rules=gates)
            failed = "gates" if not gates else "results" if rules else "rules"
            first = "agent"

    def _gates_and_rules(self, others: bool = True) -> tuple[bool, bool]:
        """Run gates and check, until both have seen the same tree: hooks of the check may alter files.

        Args:
            others: whether all else holds.

        Returns:
            Whether the gates passed, and whether hooks and rules did.
        """
        for _ in range(_MOST_TREES):
            gates = bool(self._do("gates"))
            # Findings are told of beside failing gates, so that one round can mend both.
            rules = bool(self._do("check", ends=False))
            if not (gates and rules):
                return gates, rules
            if read_results(self.run.folder).get("tree") == self.run.manifest.tree:
                if others:
                    self._end_with("check")
                return True, True
        raise RunEnded(
            "the repository's hooks alter the files each time that the gates have passed on them",
            error="hook-refused",
        )

    def _commit(self) -> None:
        run = self.run
        for _ in range(_MOST_MESSAGE_ROUNDS):
            if self._do("commit"):
                return
            run.told = []
            if not all(self._gates_and_rules()):
                raise RunEnded(
                    "what a commit-msg hook made of the change breaks the rules",
                    help=f"{run.folder.command('report')} shows which; have the hook keep to them",
                    code=EXIT_FAILED,
                    error="hook-refused",
                )
        raise RunEnded(
            "the commit-msg hook alters the message every time it sees it",
            help="have it leave alone a message that has what it adds",
            error="hook-refused",
        )

    def _push(self) -> None:
        """Push the commit; what other runs have pushed to its branch meanwhile, it is put on top of.

        Gates and rules see it there anew, and the agent mends what does not pass any more.
        """
        for left in reversed(range(_MOST_TIPS)):
            tip = moved_on(self.run)
            if tip is not None:
                self._do("place", partial(put_on_top, self.run, tip))
                self._rounds("inspect")
                self._commit()
            try:
                self._do("push")
            except RunEnded as end:
                if end.state != "remote-moved" or not left or moved_on(self.run) is None:
                    raise
            else:
                return


def carry_out(run: Run, *, first: str = "place", again: bool = False, say: Say = lambda _: None) -> int:
    """Carry out a run's steps after preflight, and record how it ended.

    Args:
        run: the run; this process has taken it.
        first: the step to begin with; a resumed run has a place already.
        again: whether the agent is let work in a round that was begun before, and is counted already.
        say: told of each step as it begins, in one line.

    Returns:
        The exit code.

    Raises:
        StaleWorker: another process has taken the run over; nothing more is written for this one.
        SpecguardError: the run can be recorded no more, as on a full disk; it can be resumed.
    """
    try:
        end = _end_of(run, first, again, say)
        # Whoever ends specguard now has to wait for the report.
        with HeldSignals().held():
            try:
                _finish(run, end)
            except RunEnded as altered:
                end = altered
                _finish(run, end)
    finally:
        run.close()
    return EXIT_PASSED if end is None else end.code


def _end_of(run: Run, first: str, again: bool, say: Say) -> RunEnded | None:
    """Carry out the steps: how the run ended early; None where it did not."""
    run.manifest.state, run.manifest.reason = "running", None
    if run.manifest.commit is None:
        run.folder.remove(PATCH)
    go_on = run.folder.command("resume")
    try:
        with killed_by_signals():
            Line(run, say, again).from_step(first)
    except _Until:
        with suppress(RunEnded, SpecguardError, MissingFact):
            keep_patch(run)
        words = f"it was to go on until {run.options.until} and no further"
        return RunEnded(words, state="stopped", code=EXIT_PASSED, error="step-reached")
    except StaleWorker:
        raise
    except (RunEnded, SpecguardError, MissingFact) as error:
        end = ended_by(error)
        if isinstance(error, RemoteError):
            end.help = f"{end.help}; what the run made is kept: {go_on}"
        return end
    except OSError as error:
        reason = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        help = f"see that there is room, and that it may be written; to go on: {go_on}"
        return RunEnded(reason, help=help, code=EXIT_NO_VERDICT, error="system-failed")
    except CommandError as error:
        reason = f"{' '.join(error.command[:2])}: {error.first_line}"
        help = f"git fsck in your repository tells whether objects are missing; to go on: {go_on}"
        return RunEnded(reason, help=help, code=EXIT_NO_VERDICT, error="git-failed")
    except Exception as error:  # noqa: BLE001 - it is recorded, and told of as any internal error is
        return ended_by(internal_error(error))
    return None


def _finish(run: Run, end: RunEnded | None) -> None:
    """Write how a run ended, and its report."""
    ended = _record(run, end)
    with run.step("report"):
        write_report(run, ended)
    # Said last: where the process dies before, the run is still one that goes on.
    run.manifest.state, run.manifest.reason = ended.state, ended.reason
    run.manifest.ended_at = ended.ended_at
    run.seal()


def _record(run: Run, end: RunEnded | None) -> Manifest:
    """Write why a run ended where it ended early: the manifest as it will be."""
    ended = run.manifest.model_copy()
    ended.state = end.state if end else "succeeded"
    ended.reason = run.redactor.words(end.reason) if end else None
    ended.ended_at = now_text()
    if end is None or end.code == EXIT_PASSED:
        # That of a run that was resumed since.
        run.folder.remove(ERROR)
        return ended
    step = run.manifest.steps[-1].name if run.manifest.steps else STEPS[0]
    error = {
        "schema": "specguard.run-error/1",
        "run_id": run.folder.run_id,
        "step": step,
        "state": end.state,
        "error": end.error,
        "reason": ended.reason,
        "exit_code": end.code,
        "command": end.command,
        "tail": run.redactor.words(end.tail),
        "suggestion": run.redactor.words(end.help),
    }
    run.folder.write(ERROR, json.dumps(error, indent=2) + "\n")
    return ended
