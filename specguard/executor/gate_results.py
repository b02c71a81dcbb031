"""What became of the gates of a round, and the file in a run's folder that says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.executor.run import Run
    from specguard.runs.folder import RunFolder
    from specguard.runs.model import Command
    from specguard.work.gates import NotRead, PlannedGate

FILE: Final = "gates.json"
"""The file in a run's folder, `specguard.gates/1`: each gate of the last round, run or not."""

_STATES: Final = ("passed", "failed", "skipped", "pending")


class Result:
    """What became of a gate.

    Attributes:
        gate: the gate.
        commands: the records of its commands; none where it did not run.
        skipped: why it did not run; empty where it did.
        changed: what it changed and should not have.
    """

    def __init__(self, gate: PlannedGate, skipped: str = "") -> None:
        self.gate = gate
        self.commands: list[Command] = []
        self.skipped = skipped
        self.changed: list[str] = []

    @property
    def state(self) -> str:
        """`passed`, `failed`, `skipped`, or `pending` where it never came to it."""
        if self.skipped:
            return "skipped"
        if not self.commands:
            return "pending"
        return "passed" if all(command.succeeded for command in self.commands) else "failed"


def write_results(run: Run, tree: str, results: Sequence[Result], not_read: Sequence[NotRead]) -> None:
    """Write what became of each gate, and say it in the step.

    Args:
        run: the run.
        tree: the tree that the gates judged.
        results: of each gate, in order.
        not_read: what a document says and is not run.
    """
    manifest = run.manifest
    states = [result.state for result in results]
    if manifest.steps:
        said = [f"{states.count(state)} {state}" for state in _STATES if state in states]
        manifest.steps[-1].detail = ", ".join(said) or "no gate is named"
    data = {
        "schema": "specguard.gates/1",
        "run_id": manifest.run_id,
        "attempt": max(1, manifest.attempts),
        "tree": tree,
        "gates": [_data(run, result) for result in results],
        "not_read": [
            {"path": one.path, "line": one.line, "text": run.redactor.words(one.text), "why": one.why}
            for one in not_read
        ],
    }
    run.folder.write(FILE, json.dumps(data, indent=2) + "\n")
    run.save()


def read_results(folder: RunFolder) -> Sequence[Mapping[str, Any]]:
    """What became of each gate of the last round; none where none was to run.

    Raises:
        SpecguardError: the file cannot be read.
    """
    gates: Sequence[Mapping[str, Any]] = _read(folder, "gates") or []
    return gates


def tree_of_gates(folder: RunFolder) -> str | None:
    """The tree that the gates of the last round judged; None before any.

    Raises:
        SpecguardError: the file cannot be read.
    """
    tree: str | None = _read(folder, "tree")
    return tree


def _read(folder: RunFolder, key: str) -> Any:
    try:
        with open(folder.file(FILE), "rb") as file:
            return json.load(file)[key]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SpecguardError(
            "what became of the gates cannot be read", path=folder.file(FILE), code="run-record"
        ) from error


def _data(run: Run, result: Result) -> dict[str, object]:
    gate = result.gate
    return {
        "name": gate.name,
        "kind": gate.kind,
        "run": run.redactor.words(gate.run),
        "source": gate.source,
        "named": gate.named,
        "also": gate.also,
        "state": result.state,
        "skipped": result.skipped,
        "exit_codes": [command.exit_code for command in result.commands],
        "commands": [command.number for command in result.commands],
        "changed": result.changed,
    }
