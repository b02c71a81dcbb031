"""The check of a round: the repository's own hooks, then the guard, over the tree as it will be committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.change.repository import find_program
from specguard.engine.run_check import check_run
from specguard.errors import SpecguardError
from specguard.executor.committing import base_hooks, hash_tree, make_commit
from specguard.executor.ending import RunEnded
from specguard.executor.inspecting import inspect
from specguard.executor.place import place_of
from specguard.executor.processes import run_command
from specguard.executor.pull_requests import body_of, title_of
from specguard.executor.told import told_of_command, told_of_findings
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT
from specguard.reporters.json import render
from specguard.runs.model import Judgement

if TYPE_CHECKING:
    from typing import Final

    from specguard.executor.run import Run
    from specguard.model import Verdict

_MOST_HOOK_ROUNDS: Final = 2
"""Hooks that format files change them once; if they do it again, they will not come to an end."""


def judge(run: Run) -> bool:
    """Let the repository's hooks and the rules judge the files of the place.

    What is wrong is added to `run.told`, for the agent; the verdict is recorded.

    Args:
        run: the run; `manifest.tree` is set to what was judged.

    Returns:
        Whether all of it holds.

    Raises:
        RunEnded: no verdict can be given, or nothing has become better since the last round.
    """
    tree = _through_hooks(run)
    if tree is None:
        return False
    oid = make_commit(run, tree)
    repository = run.manifest.repository
    try:
        verdict = check_run(
            run.git.repository,
            objects=place_of(run).objects,
            base=repository.base,
            base_oid=repository.base_oid,
            head=oid,
            branch=run.manifest.branch or "",
            title=title_of(run) if run.item else "",
            body=body_of(run) if run.item else "",
        )
    except SpecguardError as error:
        reason = f"the check gives no verdict: {error.message}"
        raise RunEnded("failed", reason, help=error.help, code=EXIT_NO_VERDICT) from error
    return _record(run, tree, verdict)


def _through_hooks(run: Run) -> str | None:
    """The tree that the repository's hooks leave as it is; None where they refuse it."""
    tree = hash_tree(run)
    hooks = base_hooks(run)
    program = find_program("pre-commit", run.options.environment)
    if not hooks or program is None:
        return tree
    for _ in range(_MOST_HOOK_ROUNDS):
        place = place_of(run)
        place.stage(tree)
        done = run_command(
            run,
            "pre-commit",
            [program, "run", "--hook-stage", "pre-commit", "--config", hooks, "--color", "never"],
            kind="hook",
            source="policy",
            cwd=place.path,
            tree=tree,
        )
        inspect(run, "a pre-commit hook")
        after = hash_tree(run)
        if after == tree:
            if done.succeeded:
                return tree
            run.told.append(told_of_command(run, done, "The repository's pre-commit hooks refuse the change"))
            return None
        tree = after
    raise RunEnded(
        "failed",
        "the repository's pre-commit hooks change the files every time they run",
        command=done.number,
    )


def _record(run: Run, tree: str, verdict: Verdict) -> bool:
    manifest = run.manifest
    number = len(manifest.judgements) + 1
    report = f"check-{number}.json"
    run.folder.write(report, render([verdict]))
    found = sorted(
        {one.fingerprint for one in verdict.findings if one.state == "open" and one.severity == "error"}
    )
    before = list(manifest.judgements)
    manifest.judgements.append(
        Judgement(
            attempt=max(1, manifest.attempts),
            tree=tree,
            verdict=verdict.outcome,
            exit_code=verdict.exit_code,
            findings=found,
            report=report,
            policy_id=verdict.authority["policy_id"],
        )
    )
    manifest.tree = tree
    manifest.approvals = sorted(
        {
            lift.id
            for one in verdict.findings
            if one.state == "approved"
            for lift in one.lifts
            if not lift.refusals
        }
    )
    run.save()
    if verdict.exit_code == EXIT_NO_VERDICT:
        lacking = next(result for result in verdict.results if result.incomplete)
        raise RunEnded(
            "failed",
            f"the check gives no verdict: {lacking.code} could not be judged: {lacking.reason}",
            help=lacking.command,
            code=EXIT_NO_VERDICT,
        )
    if verdict.exit_code != EXIT_FAILED:
        return True
    known = {fingerprint for judgement in before for fingerprint in judgement.findings}
    if (
        before
        and before[-1].verdict == "failed"
        and (before[-1].tree == tree or before[-1].findings == found)
    ):
        what = "the same files" if before[-1].tree == tree else "the same findings"
        raise RunEnded(
            "failed",
            f"there is no progress: the agent left {what} as the round before",
            help=f"specguard run report {run.folder.run_id} shows what is left",
            code=EXIT_FAILED,
        )
    run.told.append(told_of_findings(verdict, known))
    return False
