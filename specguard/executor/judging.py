"""The check of a round: the repository's own hooks, then the guard, over the tree as it will be committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.engine.run_check import check_run
from specguard.errors import SpecguardError
from specguard.executor.branches import below_of
from specguard.executor.committing import hash_tree, make_commit
from specguard.executor.ending import RunEnded
from specguard.executor.hooks import hook_commands
from specguard.executor.inspecting import inspect
from specguard.executor.papers import missing_papers, strays
from specguard.executor.place import place_of
from specguard.executor.processes import run_command
from specguard.executor.published import published_secrets
from specguard.executor.pull_requests import body_of, title_of
from specguard.executor.told import told_of_command, told_of_findings
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.json import render
from specguard.runs.model import Judgement

if TYPE_CHECKING:
    from typing import Final

    from specguard.executor.run import Run
    from specguard.model import Verdict

_MOST_HOOK_ROUNDS: Final = 2
"""Hooks that format files change them once; if they do it again, they will not come to an end."""


def judge(run: Run, *, whole: bool = False) -> bool:
    """Let the repository's hooks and the rules judge the files of the place.

    What is wrong is added to `run.told`, for the agent; the verdict is recorded.

    Args:
        run: the run; `manifest.tree` is set to what was judged.
        whole: whether all that its branch brings to the base is judged, with what specguard has marked in a
            plan, and not only what the agent left. Once the plan is marked, it is.

    Returns:
        Whether all of it holds.

    Raises:
        RunEnded: no verdict can be given.
    """
    tree = _through_hooks(run)
    if tree is None:
        return False
    beside = [
        one for one in (strays(run, tree), missing_papers(run, tree), published_secrets(run, tree)) if one
    ]
    run.told += beside
    verdict = _check(run, make_commit(run, tree), whole=whole)
    return _record(run, tree, verdict, back=not whole) and not beside


def judge_commit(run: Run) -> None:
    """Let the rules judge the commit of a run that is resumed, once more before it is given away.

    Args:
        run: its `manifest.commit` is there; what became of the files of its place since does not matter.

    Raises:
        RunEnded: it does not hold any more, or no verdict can be given.
    """
    oid = run.manifest.commit
    if oid is None:
        raise RunEnded("failed", "the run has no commit", code=EXIT_NO_VERDICT)
    tree = place_of(run).git.commit(oid).tree
    if not _record(run, tree, _check(run, oid, whole=run.manifest.repository.tip is not None)):
        raise RunEnded(
            "failed",
            "what was committed does not keep to the rules any more",
            code=EXIT_FAILED,
            error="rules-failed",
        )


def _check(run: Run, oid: str, *, whole: bool) -> Verdict:
    repository = run.manifest.repository
    whole = whole or run.manifest.worked is not None
    tip = None if whole else repository.tip
    try:
        return check_run(
            run.git.repository,
            objects=place_of(run).objects,
            base=repository.base,
            base_oid=tip or repository.base_oid,
            below=None if tip else below_of(repository),
            head=oid,
            branch=run.manifest.branch or "",
            title=title_of(run) if run.item else "",
            body=body_of(run) if run.item else "",
            stage="range" if whole else "run",
        )
    except SpecguardError as error:
        reason = f"the check gives no verdict: {error.message}"
        raise RunEnded("failed", reason, help=error.help, code=EXIT_NO_VERDICT, error=error.code) from error


def _through_hooks(run: Run) -> str | None:
    """The tree that the repository's hooks leave as it is; None where they refuse it."""
    tree = hash_tree(run)
    done = None
    for _ in range(_MOST_HOOK_ROUNDS):
        failed = None
        after = tree
        for words in hook_commands(run, "pre-commit"):
            place = place_of(run)
            place.stage(after)
            done = run_command(
                run, "pre-commit", words, kind="hook", source="policy", cwd=place.path, tree=after
            )
            inspect(run, "a pre-commit hook")
            after = hash_tree(run)
            failed = failed if done.succeeded else done
        if after == tree:
            if failed is None:
                return tree
            run.told.append(
                told_of_command(run, failed, "The repository's pre-commit hooks refuse the change")
            )
            return None
        tree = after
    raise RunEnded(
        "failed",
        "the repository's pre-commit hooks change the files every time they run",
        command=done.number if done else None,
        error="hook-refused",
    )


def _record(run: Run, tree: str, verdict: Verdict, *, back: bool = False) -> bool:
    """Record a verdict; whether all holds.

    Args:
        run: the run.
        tree: what was judged.
        verdict: the verdict.
        back: whether an agent can mend what is wrong, and is told of it first where something else could
            not be judged.

    Raises:
        RunEnded: something could not be judged.
    """
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
    # What the agent did wrong is often why a fact is missing, as of the run of a task that it marked.
    if verdict.exit_code == EXIT_NO_VERDICT and not (back and found):
        lacking = next(result for result in verdict.results if result.incomplete)
        raise RunEnded(
            "failed",
            f"the check gives no verdict: {lacking.code} could not be judged: {lacking.reason}",
            help=lacking.command,
            code=EXIT_NO_VERDICT,
            error="no-verdict",
        )
    if verdict.exit_code == EXIT_PASSED:
        return True
    # Of those of this round the agent was not told, where it was cut off and is judged again.
    known = {
        fingerprint
        for judgement in before
        if judgement.attempt < manifest.attempts
        for fingerprint in judgement.findings
    }
    run.told.append(told_of_findings(verdict, known))
    return False
