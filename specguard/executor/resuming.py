"""Going on with a run whose process has ended, from the step that it was in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.executor.children import end_survivors
from specguard.executor.pipeline import carry_out
from specguard.executor.place import open_place
from specguard.executor.preflight import reopen
from specguard.executor.run import ROUND

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from specguard.executor.options import RunOptions
    from specguard.runs.folder import RunFolder
    from specguard.runs.model import Manifest

_ENDED: Final = ("succeeded", "stopped")


def resume(options: RunOptions, folder: RunFolder, *, say: Callable[[str], None] = lambda _: None) -> int:
    """Go on with a run, from the step that it was in, and judge again what was judged before.

    Args:
        options: what was asked for; kind, item and plan are those of the manifest.
        folder: the run's folder.
        say: told of each step as it begins.

    Returns:
        The exit code.

    Raises:
        SpecguardError: it has nothing left to do, its process is alive, or it cannot be taken up.
    """
    manifest = folder.read_manifest()
    if manifest.state in _ENDED and manifest.reason is None:
        raise SpecguardError(
            f"{folder.run_id} has {manifest.state}, and nothing is left to do",
            help="start another one with `specguard run`",
        )
    run = reopen(options, folder)
    try:
        # Whatever it had started would still write to its place.
        ended = end_survivors(folder.run_id)
        first = next_step(manifest)
        if first != "place":
            open_place(run)
        run.manifest.ended_at = None
        with run.step("preflight") as step:
            said = f"; ended {', '.join(ended)}" if ended else ""
            step.detail = f"resumed at {first}{said}"
    except BaseException:
        run.close()
        raise
    return carry_out(run, first=first, say=say)


def next_step(manifest: Manifest) -> str:
    """The step to go on with.

    What is done in a round has to be seen again; a round whose agent had not ended begins again, and what was
    pushed is looked up before anything is pushed.
    """
    steps = [step for step in manifest.steps if step.name not in ("preflight", "report")]
    last = steps[-1] if steps else None
    if last is None or last.name == "place" or not _has_place(manifest):
        return "place"
    if last.name == "brief":
        return "brief"
    if last.name == "agent":
        return "inspect" if last.state == "done" else "agent"
    if last.name in ROUND:
        # A round that ended as it should and found something is followed by another one.
        return "inspect"
    if last.name == "commit":
        return "inspect"
    return last.name


def _has_place(manifest: Manifest) -> bool:
    return manifest.place is not None and os.path.isdir(manifest.place)
