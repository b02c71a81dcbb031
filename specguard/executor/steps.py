"""The steps of a run in their order, from its place to its pull request; then it stops."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from specguard.change.process import CommandError
from specguard.errors import MissingFact, SpecguardError, internal_error
from specguard.executor.agent import let_agent_work
from specguard.executor.brief import write_brief
from specguard.executor.check import finish, has_to_finish, judge, judge_commit, prove_guard, unmark
from specguard.executor.commit import PATCH, commit, hash_tree, keep_patch
from specguard.executor.gate_runs import run_gates
from specguard.executor.gates import tree_of_gates
from specguard.executor.handover import take_left
from specguard.executor.item import is_within, task_of
from specguard.executor.place.place import inspect, make_place, place_of
from specguard.executor.process import HeldSignals, killed_by_signals
from specguard.executor.remote.pull_request import open_pull_request
from specguard.executor.remote.push import moved_on, push, see_remote
from specguard.executor.report import ERROR, write_report
from specguard.executor.run import JUDGING, ROUND, STEPS, Run, RunEnded, ended_by
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, listed, path_text
from specguard.runs.folder import StaleWorker, now_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from specguard.runs.model import Command, Judgement, Manifest

    Say = Callable[[str], None]


_MOST_TREES: Final = 3
"""So often formatters and hooks may alter what the other has left before they have to agree on it."""

_MOST_MESSAGE_ROUNDS: Final = 3
"""So often a commit-msg hook may alter the message before it has to agree with what it made of it."""


_MOST_TIPS: Final = 5
"""So often a run catches up with others on its branch, before its push is left to chance."""


class _Until(Exception):
    """The last step that was asked for is done."""


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
        with HeldSignals():
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
    run.manifest.state = "running"
    run.manifest.reason = None
    if run.manifest.commit is None:
        run.folder.remove(PATCH)
    try:
        with killed_by_signals():
            _Steps(run, say, again).from_step(first)
    except _Until:
        with suppress(RunEnded, SpecguardError, MissingFact):
            keep_patch(run)
        words = f"it was to go on until {run.options.until} and no further"
        return RunEnded(words, state="stopped", code=EXIT_PASSED, error="step-reached")
    except StaleWorker:
        raise
    except (RunEnded, SpecguardError, MissingFact) as error:
        return ended_by(error)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return RunEnded(f"{error.strerror or error}{where}", code=EXIT_NO_VERDICT, error="system-failed")
    except CommandError as error:
        return RunEnded(f"{error.command[0]}: {error.first_line}", code=EXIT_NO_VERDICT, error="git-failed")
    except Exception as error:  # noqa: BLE001 - it is recorded, and told of as any internal error is
        told = internal_error(error)
        return RunEnded(told.message, help=told.help, code=EXIT_NO_VERDICT, error=told.code)
    return None


class _Steps:
    """The steps of one run."""

    def __init__(self, run: Run, say: Say, again: bool) -> None:
        self._run = run
        self._say = say
        self._again = again

    def from_step(self, first: str) -> None:
        """Do all steps from one on.

        Raises:
            RunEnded: one of them ends the run.
            _Until: the last one that was asked for is done.
        """
        if self._run.options.until == STEPS[0]:
            raise _Until
        if first == "place":
            self._do("place", self._place)
        if first in ("place", "brief"):
            self._do("brief", lambda: write_brief(self._run))
        if first not in ("commit", "push", "pull-request"):
            self._rounds(first if first in ROUND else "agent")
        if first not in ("push", "pull-request"):
            self._commit()
        else:
            self._judge_again()
        if first != "pull-request":
            self._push()
        self._do("pull-request", lambda: open_pull_request(self._run))

    def _do(self, name: str, step: Callable[[], object]) -> object:
        """Do one step; what it gives as a text is what it came to."""
        self._say(name)
        with self._run.step(name) as record:
            result = step()
            record.detail = record.detail or (result if isinstance(result, str) else "")
        if result is not False:
            self._end_with(name)
        return result

    def _end_with(self, name: str) -> None:
        if name == self._run.options.until:
            raise _Until

    def _place(self) -> str:
        make_place(self._run)
        path = prove_guard(self._run)
        if path is None:
            return "the policy refuses no edit, so there was nothing to prove the guard by"
        return f"the guard refused a canary edit of {path_text(path)}"

    def _rounds(self, first: str) -> None:
        """Let the agent work until gates and rules pass, as often as it may.

        Raises:
            RunEnded: they do not in the end.
        """
        run = self._run
        failed, worked = "", False
        # A run that is resumed may have marked its plan before: what the agent left is judged without that.
        unmark(run)
        while True:
            if first == "agent":
                self._count(failed)
                self._do("agent", self._agent)
                self._again = False
                worked = True
            handed_over = not run.told
            if first in ("agent", "inspect"):
                self._do("inspect", partial(self._inspect, worked))
            gates, rules = self._gates_and_rules(handed_over)
            if gates and rules and handed_over:
                if has_to_finish(run):
                    self._do("check", lambda: finish(run))
                return
            if worked and handed_over:
                check_progress(run, EXIT_FAILED if gates else None)
            failed = "gates" if not gates else "results" if rules else "rules"
            first = "agent"

    def _agent(self) -> None:
        try:
            let_agent_work(self._run, again=self._again)
        except RunEnded as end:
            self._see_also(end)
            raise

    def _see_also(self, end: RunEnded) -> None:
        """Where a run fails already, whoever looks is to know what was pushed, too."""
        if end.state != "killed":
            with suppress(RunEnded, SpecguardError, MissingFact):
                see_remote(self._run)

    def _gates_and_rules(self, others: bool = True) -> tuple[bool, bool]:
        """Run gates and check, until both have seen the same tree: hooks of the check may alter files.

        Args:
            others: whether all else holds.

        Returns:
            Whether the gates passed, and whether hooks and rules did.

        Raises:
            RunEnded: formatters and hooks alter the files again each time.
        """
        run = self._run
        for _ in range(_MOST_TREES):
            gates = bool(self._do("gates", lambda: run_gates(run)))
            # Findings are told of beside failing gates, so that one round can mend both.
            self._say("check")
            with run.step("check"):
                rules = judge(run)
            if not (gates and rules):
                return gates, rules
            if tree_of_gates(run.folder) == run.manifest.tree:
                if others:
                    self._end_with("check")
                return True, True
        raise RunEnded(
            "the repository's hooks alter the files each time that the gates have passed on them",
            error="hook-refused",
        )

    def _judge_again(self) -> None:
        """Judge what was judged before the run died once more, before it is given away."""
        # Without the place there is nothing but what the remote has: the commit that was judged.
        if self._run.place is not None:
            self._do("check", lambda: judge_commit(self._run))

    def _count(self, failed: str) -> None:
        """Count a round that begins.

        Raises:
            RunEnded: there may be no further one.
        """
        manifest, folder = self._run.manifest, self._run.folder
        if self._again:
            return
        if manifest.attempts >= manifest.max_attempts:
            reason = f"the {failed} still fail after" if failed else "none is left of the run's"
            raise RunEnded(
                f"{reason} {manifest.attempts} attempt{'' if manifest.attempts == 1 else 's'}",
                state="budget-spent",
                help=f"{folder.command('report')} shows what is left; to go on with it: "
                + folder.command("resume", "--max-attempts", str(manifest.attempts + 1)),
                code=EXIT_FAILED if failed == "rules" else None,
                error="budget-spent",
            )
        manifest.attempts += 1

    def _inspect(self, worked: bool) -> None:
        """See what the agent did; where it has just worked, that it changed something."""
        run = self._run
        try:
            inspect(run)
        except RunEnded as end:
            self._see_also(end)
            raise
        see_remote(run)
        if not worked:
            take_left(run)
        tree = hash_tree(run)
        place = place_of(run)
        if tree == place.git.commit(place.base).tree:
            raise RunEnded(
                "the agent ended well and changed nothing",
                help="see what it said in commands/",
                error="no-progress",
            )
        if worked:
            check_work(run, tree)

    def _push(self) -> None:
        """Push the commit; what other runs have pushed to its branch meanwhile, it is put on top of.

        Gates and rules see it there anew, and the agent mends what does not pass any more.
        """
        run = self._run
        for left in reversed(range(_MOST_TIPS)):
            tip = moved_on(run)
            if tip is not None:
                self._do("place", partial(put_on_top, run, tip))
                self._rounds("inspect")
                self._commit()
            try:
                self._do("push", lambda: push(run))
            except RunEnded as end:
                if end.state != "remote-moved" or not left or moved_on(run) is None:
                    raise
            else:
                return

    def _commit(self) -> None:
        run = self._run
        for _ in range(_MOST_MESSAGE_ROUNDS):
            if self._do("commit", lambda: commit(run)):
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


class Round:
    """What came of one round.

    Attributes:
        tree: what was judged last in it; None where it did not come to that.
        failing: the commands that failed, each by its name and its words.
        findings: the fingerprints of the open errors.
    """

    def __init__(self, manifest: Manifest, attempt: int) -> None:
        judged = [one for one in manifest.judgements if one.attempt == attempt]
        commands = [
            one
            for one in manifest.commands
            if one.attempt == attempt and one.kind in JUDGING and one.ended_at is not None
        ]
        # What ran again counts by its last time.
        last = {(one.name, one.command): one for one in commands}
        self.tree = _last_tree(commands, judged)
        self.failing = {key for key, command in last.items() if not command.succeeded}
        self.findings = set(judged[-1].findings) if judged else set()


def check_work(run: Run, tree: str) -> None:
    """See that an agent that was told what to mend has left other files than the round before.

    Args:
        run: the run.
        tree: of the files that it left.

    Raises:
        RunEnded: they are the same.
    """
    before = Round(run.manifest, run.manifest.attempts - 1)
    # Where neither failed, it was the results of a task that were missing.
    if before.tree == tree and (before.findings or before.failing):
        raise _stuck(run, "files", 1 if before.findings and not before.failing else None)


def check_progress(run: Run, code: int | None) -> None:
    """See that a round that failed has failed otherwise than the one before.

    Args:
        run: the run.
        code: the exit code where it has not; None: that of a run that failed.

    Raises:
        RunEnded: it left the same files; or the same findings, and mended no gate.
    """
    before, now = (Round(run.manifest, run.manifest.attempts - back) for back in (1, 0))
    if before.tree is None:
        return
    if before.tree == now.tree:
        raise _stuck(run, "files", code)
    if now.findings and now.findings == before.findings and now.failing >= before.failing:
        raise _stuck(run, "findings", code)


def _stuck(run: Run, what: str, code: int | None) -> RunEnded:
    return RunEnded(
        f"there is no progress: the agent left the same {what} as the round before",
        help=f"{run.folder.command('report')} shows what is left",
        code=code,
        error="no-progress",
    )


def _last_tree(commands: list[Command], judged: list[Judgement]) -> str | None:
    """The tree of the last judgement; of the last command where it never came to one."""
    if judged:
        return judged[-1].tree
    return commands[-1].tree if commands else None


def put_on_top(run: Run, tip: str) -> str:
    """Make the run's place anew at a tip of its branch, with what the agent made on top.

    Args:
        run: its files were judged on an earlier tip; the plan's mark and the commit are given up.
        tip: a commit in the user's object store.

    Returns:
        What came of it, in one sentence.

    Raises:
        RunEnded: the branch was rewritten, or both change the same files.
    """
    place = place_of(run)
    manifest = run.manifest
    tree = manifest.worked or manifest.tree
    branch = manifest.branch or ""
    if tree is None:
        raise RunEnded("the run has nothing to put on top of its branch", code=2)
    if not is_within(run.git, place.base, tip):
        raise _moved(f"{branch} was rewritten while the agent worked: it is at {tip[:10]} now", run)
    mine = place.git.diff_trees(place.base, tree)
    theirs = {entry.path for entry in run.git.diff_trees(place.base, tip)}
    task = task_of(run.policy, run.item)
    both = [path_text(one.path) for one in mine if one.path in theirs]
    if task is not None:
        both = [path for path in both if not task.plan.holds(path.encode("utf-8", "surrogateescape"))]
    if both:
        raise _moved(f"{branch} has moved on, and changes the same files: {listed(both)}", run)
    patch = place.git.run(
        "diff-tree", "-r", "-p", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv",
        place.base, tree, "--",
    )  # fmt: skip
    manifest.repository.tip = manifest.repository.branch_oid = tip
    manifest.worked = manifest.tree = manifest.commit = None
    run.save()
    make_place(run)
    prove_guard(run)
    try:
        place_of(run).git.run("apply", "--whitespace=nowarn", "-", stdin=patch, files=True)
    except SpecguardError as error:
        raise _moved(
            f"{branch} has moved on, and what the agent made does not go on top of it", run
        ) from error
    return f"{branch} has moved on to {tip[:10]}, and what the agent made was put on top"


def _moved(reason: str, run: Run) -> RunEnded:
    return RunEnded(
        reason,
        state="remote-moved",
        help=f"start the task again; what the agent made is in {run.folder.file('diff.patch')}",
    )
