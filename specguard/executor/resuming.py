"""Going on with a run whose process has ended, from the step that it was in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.executor.agents import MENDING
from specguard.executor.children import end_survivors
from specguard.executor.ending import RunEnded
from specguard.executor.gates import take_down_owed
from specguard.executor.pipeline import carry_out
from specguard.executor.place import open_place, stands
from specguard.executor.preflight import reopen
from specguard.executor.remote_heads import note_moved
from specguard.executor.run import ROUND

if TYPE_CHECKING:
    from collections.abc import Callable

    from specguard.executor.options import RunOptions
    from specguard.runs.folder import RunFolder
    from specguard.runs.model import Manifest


def resume(options: RunOptions, folder: RunFolder, *, say: Callable[[str], None] = lambda _: None) -> int:
    """Go on with a run, from the step that it was in, and judge again what was judged before.

    Args:
        options: what was asked for; kind, item and plan are those of the manifest. More time or more attempts
            than before are granted.
        folder: the run's folder.
        say: told of each step as it begins.

    Returns:
        The exit code.

    Raises:
        SpecguardError: it has nothing left to do, its process is alive, or it cannot be taken up.
    """
    if folder.read_manifest().state == "succeeded":
        raise SpecguardError(
            f"{folder.run_id} has succeeded, and nothing is left to do",
            help="start another one with `specguard run`",
            code="run-record",
        )
    run = reopen(options, folder)
    try:
        # Nobody else may write to it from now on; what it had started would still write to its place.
        run.take()
        ended = end_survivors(folder.run_id)
        folder.clear()
        manifest = run.manifest
        first, again = next_step(manifest, folder)
        manifest.ended_at = None
        manifest.digests = {}
        if first != "place" and stands(manifest.place):
            open_place(run)
        with run.step("preflight") as step:
            if first != "pull-request":
                for note in note_moved(run):
                    run.log(note)
                    say(f"note: {note}")
            for line in take_down_owed(run):
                run.log(line)
                say(line)
            said = f"; ended {', '.join(ended)}" if ended else ""
            step.detail = f"resumed at {first}{run.redactor.words(said)}"
    except RunEnded as end:
        run.close()
        raise SpecguardError(end.reason, help=end.help, code=end.error) from end
    except BaseException:
        run.close()
        raise
    return carry_out(run, first=first, again=again, say=say)


def next_step(manifest: Manifest, folder: RunFolder) -> tuple[str, bool]:
    """The step to go on with, and whether it is an agent's work that was cut off.

    What is done in a round has to be seen again, and what was pushed is looked up before anything is pushed.

    Args:
        manifest: of the run.
        folder: the run's folder.
    """
    steps = [step for step in manifest.steps if step.name not in ("preflight", "report")]
    names = {step.name for step in steps}
    given_away = manifest.commit is not None and manifest.pushed == manifest.commit
    if given_away:
        return "pull-request", False
    if not stands(manifest.place):
        return "place", False
    if manifest.commit is not None and "push" in names:
        return "push", False
    if not names & {"agent", *ROUND}:
        # A place that was being made may lack anything.
        return "brief" if "brief" in names else "place", False
    last = [step for step in steps if step.name in (*ROUND, "commit")][-1]
    if last.name != "agent" or last.state == "done":
        return "inspect", False
    # A round that was cut off is no attempt of the agent's; one in which it failed is.
    cut_off = last.state == "running" or manifest.state in ("killed", "timed-out")
    ran = [command.attempt for command in manifest.commands if command.kind != "agent"]
    judged = min([*ran, *(one.attempt for one in manifest.judgements)], default=last.attempt) < last.attempt
    told = os.path.isfile(folder.file(MENDING.format(manifest.attempts)))
    if not judged or (cut_off and told):
        return "agent", cut_off
    # What it is to mend has to be found out again.
    if cut_off:
        manifest.attempts -= 1
    return "inspect", False
