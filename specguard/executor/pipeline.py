"""The steps of a run in their order, from its place to its pull request; then it stops."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.executor.agents import let_agent_work
from specguard.executor.brief import write_brief
from specguard.executor.canary import prove_guard
from specguard.executor.committing import commit, hash_tree
from specguard.executor.ending import RunEnded
from specguard.executor.gates import run_gates
from specguard.executor.inspecting import inspect
from specguard.executor.judging import judge
from specguard.executor.place import make_place, place_of
from specguard.executor.pull_requests import open_pull_request
from specguard.executor.pushing import push
from specguard.executor.reports import write_report
from specguard.executor.run import ROUND, STEPS, StaleWorker
from specguard.executor.signals import killed_by_signals
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, path_text
from specguard.runs.folder import now_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from specguard.executor.run import Run

    Say = Callable[[str], None]

_MOST_MESSAGE_ROUNDS: Final = 3
"""So often a commit-msg hook may alter the message before it has to agree with what it made of it."""


class _Until(Exception):
    """The last step that was asked for is done."""


def carry_out(run: Run, *, first: str = "place", say: Say = lambda _: None) -> int:
    """Carry out a run's steps after preflight, and record how it ended.

    Args:
        run: the run.
        first: the step to begin with; a resumed run has a place already.
        say: told of each step as it begins, in one line.

    Returns:
        The exit code.

    Raises:
        StaleWorker: another process has taken the run over; nothing more is written for this one.
    """
    run.manifest.state = "running"
    run.manifest.reason = None
    run.take()
    code = EXIT_PASSED
    try:
        with killed_by_signals():
            _Steps(run, say).from_step(first)
        run.manifest.state = "succeeded"
    except _Until:
        run.manifest.state = "stopped"
        run.manifest.reason = f"it was to go on until {run.options.until} and no further"
    except RunEnded as end:
        code = _ended(run, end)
    except StaleWorker:
        run.close()
        raise
    except SpecguardError as error:
        code = _ended(run, RunEnded("failed", error.message, help=error.help, code=EXIT_NO_VERDICT))
    except OSError as error:
        code = _ended(run, RunEnded("failed", f"{error.strerror}: {error.filename}", code=EXIT_NO_VERDICT))
    run.manifest.ended_at = now_text()
    with run.step("report"):
        write_report(run)
    run.seal()
    run.close()
    return code


class _Steps:
    """The steps of one run."""

    def __init__(self, run: Run, say: Say) -> None:
        self._run = run
        self._say = say

    def from_step(self, first: str) -> None:
        """Do all steps from one on.

        Raises:
            RunEnded: one of them ends the run.
            _Until: the last one that was asked for is done.
        """
        if first == "place":
            self._do("place", self._place)
        if first in ("place", "brief"):
            self._do("brief", lambda: write_brief(self._run))
        if first not in ("commit", "push", "pull-request"):
            self._rounds(first if first in ROUND else "agent")
        if first not in ("push", "pull-request"):
            self._commit()
        else:
            # What was judged before the run died is judged again before it is given away.
            self._do("check", self._judge_again)
        if first != "pull-request":
            self._do("push", lambda: push(self._run))
        self._do("pull-request", lambda: open_pull_request(self._run))

    def _do(self, name: str, step: Callable[[], object]) -> object:
        """Do one step; what it gives as a text is what it came to."""
        self._say(name)
        with self._run.step(name) as record:
            result = step()
            record.detail = record.detail or (result if isinstance(result, str) else "")
        if name == self._run.options.until:
            raise _Until
        return result

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
        failed = "gates"
        while True:
            if first == "agent":
                if run.manifest.attempts >= run.manifest.max_attempts:
                    raise RunEnded(
                        "budget-spent",
                        f"the {failed} still fail after {run.manifest.attempts} attempts",
                        help=f"specguard run report {run.folder.run_id} shows what is left",
                        code=EXIT_FAILED if failed == "check" else None,
                    )
                run.manifest.attempts += 1
                self._do("agent", lambda: let_agent_work(run))
            run.told = []
            if first in ("agent", "inspect"):
                self._do("inspect", self._inspect)
            gates = self._do("gates", lambda: run_gates(run))
            # Findings are told of beside failing gates, so that one round can mend both.
            rules = self._do("check", lambda: judge(run))
            if gates and rules:
                return
            failed = "check" if gates else "gates"
            first = "agent"

    def _inspect(self) -> None:
        run = self._run
        inspect(run)
        tree = hash_tree(run)
        place = place_of(run)
        if tree == place.git.commit(place.base).tree:
            raise RunEnded(
                "failed", "the agent ended well and changed nothing", help="see what it said in commands/"
            )

    def _commit(self) -> None:
        run = self._run
        for _ in range(_MOST_MESSAGE_ROUNDS):
            if self._do("commit", lambda: commit(run)):
                return
            gates = self._do("gates", lambda: run_gates(run))
            if not (self._do("check", lambda: judge(run)) and gates):
                raise RunEnded(
                    "failed", "what a commit-msg hook made of the change breaks the rules", code=EXIT_FAILED
                )
        raise RunEnded("failed", "the commit-msg hook alters the message every time it sees it")

    def _judge_again(self) -> None:
        run = self._run
        if not judge(run) or run.manifest.commit is None:
            raise RunEnded(
                "failed", "what was committed does not keep to the rules any more", code=EXIT_FAILED
            )


def _ended(run: Run, end: RunEnded) -> int:
    """Record that a run ended before its last step, and why; the exit code."""
    run.manifest.state = end.state
    run.manifest.reason = run.redactor.words(end.reason)
    step = run.manifest.steps[-1].name if run.manifest.steps else STEPS[0]
    error = {
        "schema": "specguard.run-error/1",
        "run_id": run.folder.run_id,
        "step": step,
        "state": end.state,
        "reason": run.manifest.reason,
        "exit_code": end.code,
        "command": end.command,
        "tail": end.tail,
        "suggestion": end.help,
    }
    run.folder.write("error.json", json.dumps(error, indent=2) + "\n")
    return end.code
