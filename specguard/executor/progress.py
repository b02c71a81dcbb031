"""Whether a round has brought a run any further: where it has not, another one would not either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.executor.ending import RunEnded

if TYPE_CHECKING:
    from typing import Final

    from specguard.executor.run import Run
    from specguard.runs.model import Command, Judgement, Manifest

_JUDGING: Final = frozenset({"gate", "format", "teardown", "hook"})


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
            if one.attempt == attempt and one.kind in _JUDGING and one.ended_at is not None
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
        "failed",
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
