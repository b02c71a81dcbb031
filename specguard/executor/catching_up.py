"""Going on from a branch that other runs have moved on, as parallel tasks of one plan do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.executor.branches import is_within
from specguard.executor.canary import prove_guard
from specguard.executor.ending import RunEnded
from specguard.executor.place import make_place, place_of
from specguard.executor.tasks import task_of
from specguard.model import listed, path_text

if TYPE_CHECKING:
    from specguard.executor.run import Run


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
        raise RunEnded("failed", "the run has nothing to put on top of its branch", code=2)
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
        "remote-moved",
        reason,
        help=f"start the task again; what the agent made is in {run.folder.file('diff.patch')}",
    )
