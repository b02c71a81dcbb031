"""Ending a run from outside: its own processes alone, by id, first politely."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

import psutil

from specguard.errors import SpecguardError
from specguard.executor.asked import asked_before
from specguard.executor.children import GRACE, end_survivors, send
from specguard.executor.claiming import Claim
from specguard.executor.gate_round import is_owed
from specguard.executor.gates import take_down_owed
from specguard.executor.place import open_place, stands
from specguard.executor.preflight import reopen
from specguard.runs.folder import RunFolder, now_text
from specguard.runs.record import GATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.runs.model import Manifest
    from specguard.runs.views import RunView

_TIME: Final = 3 * GRACE
"""How many seconds specguard has to end what it runs, and to record that."""


def stop(view: RunView, root: str, directory: str = "") -> Sequence[str]:
    """End a run that is under way, or give up one that has died.

    The specguard that runs it is asked to end it, and it can be resumed; what outlives that is ended by id.
    What its gates had set up is taken down, where it did not come to that.

    Args:
        view: the run.
        root: the folder of all runs.
        directory: where to look for the repository.

    Returns:
        What was done, in sentences.

    Raises:
        SpecguardError: it has ended already, has another layout, or is run where it cannot be reached from
            here.
    """
    if view.manifest is None:
        raise SpecguardError(
            f"only what specguard runs can be stopped, and {view.run_id} is not recorded as that",
            path=view.path,
            help=f"specguard run doctor {view.run_id}",
            code="run-record",
        )
    if not view.open:
        raise SpecguardError(
            f"{view.run_id} has ended already: {view.state}", path=view.path, code="run-record"
        )
    done = []
    claimed = os.path.dirname(os.path.dirname(view.path)) or root
    if view.pid and view.pid != os.getpid() and view.process_runs and _is_claimed(view.manifest, claimed):
        done.append(_end(psutil.Process(view.pid)))
    done += [f"ended {one}" for one in end_survivors(view.run_id)]
    folder = RunFolder(view.path, view.root)
    done += take_down(folder, directory)
    manifest = folder.read_manifest()
    claim = _claim(manifest, claimed)
    try:
        manifest = folder.read_manifest()
        if manifest.state in ("pending", "running"):
            manifest.state = "killed"
            manifest.reason = "it had died, and was given up" if view.stale else "it was stopped"
            manifest.ended_at = now_text()
            # Whoever works on it where it cannot be seen from here is stale now.
            folder.take(os.urandom(16).hex())
            manifest.token = folder.held_by
            folder.write_manifest(manifest, seal=True)
    finally:
        claim.release()
    return [*done, f"{view.run_id} is {manifest.state}"]


def take_down(folder: RunFolder, directory: str = "") -> Sequence[str]:
    """Take down what the gates of a run that nobody works on have set up, where it did not come to that.

    Args:
        folder: the run's.
        directory: where to look for the repository.

    Returns:
        What was done, in sentences; none where nothing is owed.
    """
    if not is_owed(folder):
        return []
    try:
        if folder.read_manifest().item.kind == GATES:
            return [
                "what its gates set up may be up still: `specguard run gates` runs them, and takes it down"
            ]
        run = reopen(asked_before(folder, os.environ, directory=directory), folder)
    except SpecguardError as error:
        return [f"what its gates set up may be up still: {error.message}"]
    try:
        if stands(run.manifest.place):
            open_place(run)
        done = take_down_owed(run)
        if run.manifest.ended_at:
            run.seal()
    finally:
        run.close()
    return done


def _claim(manifest: Manifest, root: str) -> Claim:
    return Claim(root, manifest.item, branch=manifest.branch or "", remote=manifest.repository.remote or "")


def _is_claimed(manifest: Manifest, root: str) -> bool:
    """Whether a process works on the run's item; else the process with the recorded id is somebody else."""
    try:
        _claim(manifest, root).release()
    except SpecguardError:
        return True
    return False


def _end(process: psutil.Process) -> str:
    """End the specguard of a run; it ends what it has started."""
    told = f"process {process.pid}"
    send([process], signal.SIGTERM)
    _, alive = psutil.wait_procs([process], timeout=_TIME)
    if not alive:
        return f"{told} ended"
    send(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=GRACE)
    return f"{told} did not end by itself, and was ended"
