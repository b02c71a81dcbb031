"""The formatters, gates and teardowns of a run, each with its exit code on the tree that it ran on.

Formatters write, gates judge: what a formatter changes beside the files that the change touches is undone,
and so is whatever a gate changes. A teardown runs whatever became of the others.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from specguard.change.repository import find_program
from specguard.errors import SpecguardError
from specguard.executor.ending import RunEnded
from specguard.executor.environment import command_environment
from specguard.executor.gate_results import Result, write_results
from specguard.executor.processes import NOT_FOUND, run_command
from specguard.executor.tools import program_of
from specguard.model import listed, path_text
from specguard.runs.settings import seconds
from specguard.work.gate_selection import selected

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from specguard.change.entry import Entry
    from specguard.executor.gate_grounds import Ground
    from specguard.executor.run import Run
    from specguard.runs.folder import RunFolder
    from specguard.runs.model import Command
    from specguard.runs.settings import RunSettings
    from specguard.work.gate_selection import Chosen
    from specguard.work.gates import Gates, PlannedGate

_UNFINISHED: Final = "control/gates.json"
_TRIES: Final = 3
_MARGIN: Final = 30.0


class GateRound:
    """One round of all gates.

    Args:
        run: the run that records them.
        ground: where they run.
        plan: the gates.

    Attributes:
        results: what became of each, in the order of the plan.
        missing: the gates that ended because their program is not there, with that program.
    """

    def __init__(self, run: Run, ground: Ground, plan: Gates) -> None:
        self._run = run
        self._ground = ground
        self._plan = plan
        self._tree = ""
        self._up = False
        self.results = {gate.name: Result(gate) for gate in plan.gates}
        self.missing: list[tuple[PlannedGate, str]] = []

    @property
    def failures(self) -> list[tuple[Result, Command]]:
        """The commands that failed, each with its gate."""
        return [
            (result, command)
            for result in self.results.values()
            for command in result.commands
            if not command.succeeded
        ]

    def carry_out(self) -> bool:
        """Run all of them.

        Returns:
            Whether all that apply passed.

        Raises:
            RunEnded: the run ends here; what is to be taken down was taken down before.
        """
        self._say_what_is_left_out()
        self._begin()
        try:
            try:
                self._format()
                self._judge()
            except BaseException:
                # Why the run ends counts, and not that it cannot be taken down either.
                with suppress(RunEnded, SpecguardError):
                    self._take_down()
                raise
            down = self._take_down()
            if down:
                self._see(down[-1].gate)
            ran = [result.gate for result in self.results.values() if result.commands]
            if ran and self._ground.mends:
                # Once more, and every file: what they passed on is the tree that they are recorded with.
                self._see_all(ran[-1])
            self._ground.leave()
        finally:
            write_results(self._run, self._tree, list(self.results.values()), self._plan.not_read)
        os.unlink(self._run.folder.file(_UNFINISHED))
        return not self.failures

    def take_down_owed(self) -> list[Command]:
        """Take down what a round that died had set up: the commands that ran."""
        self._tree = str(_unfinished(self._run.folder)["tree"])
        self._take_down()
        return [command for result in self.results.values() for command in result.commands]

    def _begin(self) -> None:
        """Take the tree as it is; what a round that died had changed is undone before."""
        self._tree = self._ground.tree()
        kept = _unfinished(self._run.folder) if self._ground.mends else {}
        before = str(kept["tree"]) if kept.get("attempt") == self._run.manifest.attempts else ""
        changed = self._ground.changes(before, self._tree) if before else ()
        if changed:
            self._ground.restore(before, changed)
            self._tree = self._ground.tree()
            self._run.note("What the gates had changed when the run was ended was undone.")
        self._up = any(gate.kind == "teardown" for gate in self._plan.gates)
        self._keep()

    def _keep(self) -> None:
        """Record what this process may not come to: to undo what gates do to a tree, and to take down."""
        data = {"attempt": self._run.manifest.attempts, "tree": self._tree, "up": self._up}
        self._run.folder.write(_UNFINISHED, json.dumps(data) + "\n")

    def _say_what_is_left_out(self) -> None:
        if not any(gate.kind == "gate" for gate in self._plan.gates):
            self._run.note("No gate is named, by the policy or by the document: nothing was tested.")
        for one in self._plan.not_read:
            self._run.note(f"{one.path}:{one.line} is not run as a gate: {one.text!r} ({one.why}).")

    def _format(self) -> None:
        entries = self._ground.entries(self._tree)
        if not self._ground.mends:
            for gate in self._plan.gates:
                if gate.kind == "format":
                    self.results[gate.name].skipped = "formatters write, and here the files are your own"
            return
        for chosen in self._chosen("format", entries):
            self._run_all(chosen)
            after = self._ground.tree()
            touched = {entry.path for entry in entries}
            changed = self._ground.changes(self._tree, after)
            beside = [entry for entry in changed if entry.path not in touched]
            if beside and not self._plan.format_all:
                after = self._undo(
                    chosen.gate, beside, "the change does not touch them, and they were undone", but=touched
                )
            self._tree = after
            self._keep()

    def _judge(self) -> None:
        self._ground.show(self._tree)
        found = self._chosen("gate", self._ground.entries(self._tree))
        if not found and any(gate.kind == "gate" for gate in self._plan.gates):
            self._run.note("No gate applies to what was changed: nothing was tested.")
        for chosen in found:
            self._run_all(chosen)
            self._see(chosen.gate)

    def _take_down(self) -> list[Chosen]:
        settings: RunSettings = self._run.policy.declared("run_settings")
        deadline = self._run.deadline
        try:
            found = self._chosen("teardown", self._ground.entries(self._tree))
            for chosen in found:
                # What was set up is taken down also where the time is over.
                limit = self._limit(chosen.gate) or float(seconds(settings.command_timeout))
                self._run.deadline = max(deadline, time.monotonic() + limit + _MARGIN)
                self._run_all(chosen)
        finally:
            self._run.deadline = deadline
        self._up = False
        self._keep()
        return found

    def _see(self, gate: PlannedGate) -> None:
        """Undo what a gate changed: what comes after it judges the same tree."""
        if not self._ground.unchanged():
            self._see_all(gate)

    def _see_all(self, gate: PlannedGate) -> None:
        after = self._ground.tree()
        changed = self._ground.changes(self._tree, after)
        if not changed:
            return
        if not self._ground.mends:
            self._tell(gate, changed, "they were left so, since the files are your own")
            self._tree = after
            return
        self._undo(gate, changed, "they were undone, since gates judge and formatters write")
        self._ground.show(self._tree)

    def _undo(
        self, gate: PlannedGate, entries: Sequence[Entry], why: str, but: Collection[bytes] = ()
    ) -> str:
        """Undo what a gate did, and note it.

        Args:
            gate: the gate.
            entries: what it did.
            why: why it is undone, as a clause.
            but: the paths that it may change.

        Returns:
            The tree that there is then.

        Raises:
            RunEnded: it cannot be undone.
        """
        done: list[Entry] = []
        for _ in range(_TRIES):
            self._ground.restore(self._tree, entries)
            done += entries
            after = self._ground.tree()
            # A .gitignore that is gone may have hidden more.
            entries = [one for one in self._ground.changes(self._tree, after) if one.path not in but]
            if not entries:
                self._tell(gate, done, why)
                return after
        raise RunEnded(
            "failed", f"what the {gate.kind} {gate.name} changed cannot be undone", error="gate-failed"
        )

    def _tell(self, gate: PlannedGate, entries: Sequence[Entry], why: str) -> None:
        paths = [path_text(entry.path) for entry in entries]
        self.results[gate.name].changed += paths
        self._run.note(f"The {gate.kind} {gate.name} ({gate.named}) changed {listed(paths)}; {why}.")

    def _chosen(self, kind: str, entries: Sequence[Entry]) -> list[Chosen]:
        """The gates of a kind that apply to a change; of the others it is kept why they do not."""
        found = selected([gate for gate in self._plan.gates if gate.kind == kind], entries)
        for chosen in found:
            self.results[chosen.gate.name].skipped = chosen.skipped
        return [chosen for chosen in found if not chosen.skipped]

    def _limit(self, gate: PlannedGate) -> float | None:
        return float(seconds(gate.timeout)) if gate.timeout else self._run.options.command_timeout or None

    def _run_all(self, chosen: Chosen) -> None:
        gate = chosen.gate
        records = self._run.manifest.commands
        for call in chosen.calls:
            before = len(records)
            try:
                record = run_command(
                    self._run,
                    gate.name,
                    [*gate.wrapper, "sh", "-c", call] if gate.wrapper else call,
                    kind=gate.kind,
                    source=gate.source,
                    cwd=self._ground.path,
                    timeout=self._limit(gate),
                    tree=self._tree,
                )
            finally:
                # Also of one with which the run ends.
                self.results[gate.name].commands += records[before:]
            program = program_of(gate.wrapper or call) if record.exit_code == NOT_FOUND else ""
            if program and find_program(program, command_environment(self._run)) is None:
                self.missing.append((gate, program))
                return


def is_owed(folder: RunFolder) -> bool:
    """Whether a run died, or was ended, between setting something up and taking it down."""
    return _unfinished(folder).get("up") is True


def _unfinished(folder: RunFolder) -> Mapping[str, Any]:
    """What a round recorded that never came to its end; empty where none did."""
    try:
        with open(folder.file(_UNFINISHED), encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) and "tree" in data else {}
