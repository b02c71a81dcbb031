"""The gates of a run: their choice, their programs, the results of a round, and the report to the agent.

Formatters write, gates judge. In a run's place, a formatter's changes to files that the change does not touch
are undone, and so are all changes by a gate. In the user's own checkout, formatters do not run, and changes
by a gate are reported and kept. Nothing is fetched there. A teardown runs regardless of the results of the
others.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import dropwhile
from typing import Any, Final

from specguard.authority.policy import Policy
from specguard.change.entries import Commit, Entry
from specguard.change.git import Git
from specguard.change.repository import find_program
from specguard.change.tree import Tree
from specguard.change.worktree import hash_work_tree
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.commit import CONFIGURATION, hash_tree, patch, scope_of
from specguard.executor.item_choice import check_kill, listed_gates, verify_gates
from specguard.executor.process import response_of, run_command
from specguard.executor.report import GATES_FILE, outcome, rendered
from specguard.executor.run import Run, RunEnded
from specguard.executor.side_effects import file_metadata, inspect
from specguard.model import grouped, listed, path_text
from specguard.runs.manifests import Command, RunFolder
from specguard.runs.settings import seconds
from specguard.work.gates import Chosen, Gates, PlannedGate, flag_gates, gates_of, gates_of_kind
from specguard.work.item import Papers, WorkItem


def planned_gates(policy: Policy, item: WorkItem | None, *, commands: Sequence[str] = ()) -> Gates:
    """Return all gates of an item, with those of its list or task; without an item, those of every kind.

    Args:
        policy: the base's policy.
        item: the work item, resolved in the base; None: all kinds of the policy.
        commands: the commands of `--command`.

    Returns:
        The gates, each command once, and the texts in the document that are not run.

    Raises:
        MissingFact: the document or the plan cannot be read.
    """
    if item is not None:
        found = gates_of(item, policy.origins).with_more([*verify_gates(policy, item), *listed_gates(item)])
    else:
        every: dict[PlannedGate, PlannedGate] = {}
        for name, kind in policy.declared("work_kinds").items():
            for gate in gates_of_kind(name, kind, policy.origins):
                # Kinds often share their gates. Gates are the same if only their names and source lines
                # differ.
                every.setdefault(gate.with_values(name="", path="", line=0), gate)
        found = Gates(list(every.values()))
    return found.with_more(flag_gates(commands))


def describe_gate(gate: PlannedGate) -> str:
    """Describe a gate in one line: its command, and when it runs."""
    when = ", ".join(conditions(gate)) or "always"
    return f"{gate.kind} {gate.name}: {gate.command} ({when}; {gate.named})"


def conditions(gate: PlannedGate) -> list[str]:
    """Return the conditions of a gate, and how often it runs; empty for a gate that always runs once."""
    touches = "touches" if len(gate.on) == 3 else f"has {' or '.join(gate.on)}"
    found = [f"when the change {touches} {', '.join(gate.when.patterns)}"] if gate.when else []
    return [*found, "once for each file"] if gate.each else found


STATE: Final = "control/gates.json"
"""The run's file about gates under way: the tree to restore, and whether a teardown is due (`up`)."""

_MOST_RESTORES: Final = 5
_TEARDOWN_MARGIN: Final = 30.0
USERS_OWN: Final = "formatters write, and here the files are your own"


class GateRound:
    """One round of the gates of a run, whose manifest has their commands by their names.

    Args:
        run: the run.
        work_tree: the working tree in which they run.
    """

    def __init__(self, run: Run, work_tree: GateTree) -> None:
        self._run = run
        self._work_tree = work_tree
        self._gates = {gate.name: gate for gate in run.gates.gates}
        self._earlier = len(run.manifest.commands)
        self._tree = ""
        self._teardown_pending = any(gate.kind == "teardown" for gate in run.gates.gates)
        self._skipped: dict[str, str] = {}

    @property
    def _commands(self) -> list[Command]:
        """The records of the commands of this round."""
        return self._run.manifest.commands[self._earlier :]

    def carry_out(self) -> list[Command]:
        """Run all gates, and add the commands that fail to the run's `feedback`.

        Returns:
            The commands that failed; empty if all gates that apply passed.

        Raises:
            RunEnded: the run ends here; teardowns have run by then.
        """
        if not any(gate.kind == "gate" for gate in self._run.gates.gates):
            self._run.note("No gate is named, by the policy or by the document: nothing was tested.")
        for one in self._run.gates.not_read:
            self._run.note(f"{one.path}:{one.line} is not run as a gate: {one.text!r} ({one.why}).")
        self._begin()
        try:
            try:
                self._run_formatters()
                self._run_gates()
            except BaseException:
                # The original error counts, not a later failure of a teardown.
                with suppress(SpecguardError):
                    self._run_teardowns()
                raise
            self._run_teardowns()
            last = self._commands[-1:]
            if last and (last[0].kind == "teardown" or self._work_tree.undoes):
                # Check every file once more: the gates must have passed on the tree that is recorded.
                self._undo_changes(self._gates[last[0].name])
            if self._work_tree.undoes:
                inspect(self._run, "a gate")
        finally:
            self._write_results()
        os.unlink(self._run.folder.file(STATE))
        failures = [one for one in self._commands if not one.succeeded]
        for command in failures:
            what, source = f"The {command.kind} {command.name}", self._gates[command.name].named
            self._run.feedback.append(command_feedback(self._run, command, what, source))
        return failures

    def take_down(self) -> list[Command]:
        """Run the teardowns of a round whose process died, and return the records of their commands."""
        self._tree = str(self._run.folder.data_or_empty(STATE).get("tree"))
        self._run_teardowns()
        return self._commands

    def _begin(self) -> None:
        """Hash the tree; before that, undo and keep what changed since the gates of a round that died."""
        state = self._run.folder.data_or_empty(STATE) if self._work_tree.undoes else {}
        self._tree = self._work_tree.tree()
        begun = str(state.get("tree") or "") if state.get("attempt") == self._run.manifest.attempts else ""
        if begun and (undone := self._work_tree.patch(self._tree, begun)):
            # A person may have changed files since, too; a run can be ended and resumed more than once.
            name = f"undone-{len(self._run.manifest.steps)}.patch"
            self._run.folder.write(name, self._run.redactor.redact_bytes(undone))
            self._tree, _ = self._work_tree.undo(begun)
            self._run.note(f"Changes since the gates began were undone; the run's {name} has them.")
        self._record_state()

    def _record_state(self) -> None:
        """Record what a later process has to do if this one dies: the tree to restore, and due teardowns."""
        data = {"attempt": self._run.manifest.attempts, "tree": self._tree, "up": self._teardown_pending}
        self._run.folder.write(STATE, json.dumps(data) + "\n")

    def _run_formatters(self) -> None:
        entries = self._work_tree.entries(self._tree)
        if not self._work_tree.undoes:
            self._skipped = {one.name: USERS_OWN for one in self._gates.values() if one.kind == "format"}
            return
        if self._run.gates.format_all:
            guards, papers = self._run.policy.guards, Papers(self._run.policy.declared("work_kinds"))
            scope, changed = scope_of(self._run.policy, self._run.item), {entry.path for entry in entries}
            tree = self._work_tree.entries(self._tree, self._run.git.empty_tree)
            kept = (one for one in tree if one.is_file and not (guards.find(one.path) or papers.at(one.path)))
            entries = [e for e in kept if not scope or e.path in changed or scope.paths.matches(e.path)]
        touched = {entry.path for entry in entries}
        for chosen in self._choose("format", entries):
            self._run_calls(chosen)
            self._undo_changes(chosen.gate, touched)
            self._record_state()

    def _run_gates(self) -> None:
        self._work_tree.stage(self._tree)
        found = self._choose("gate", self._work_tree.entries(self._tree))
        if not found and any(gate.kind == "gate" for gate in self._run.gates.gates):
            self._run.note("No gate applies to what was changed: nothing was tested.")
        for chosen in found:
            self._run_calls(chosen)
            if not self._work_tree.is_unchanged():
                self._undo_changes(chosen.gate)

    def _run_teardowns(self) -> None:
        deadline = self._run.deadline
        try:
            for chosen in self._choose("teardown", self._work_tree.entries(self._tree)):
                # Teardowns get time even after the run's deadline.
                limit = seconds(chosen.gate.timeout) if chosen.gate.timeout else self._run.default_timeout
                self._run.deadline = max(deadline, time.monotonic() + limit + _TEARDOWN_MARGIN)
                self._run_calls(chosen)
        finally:
            self._run.deadline = deadline
        self._teardown_pending = False
        self._record_state()

    def _undo_changes(self, gate: PlannedGate, allowed: Collection[bytes] = ()) -> None:
        """Undo a gate's changes outside of the allowed paths, so that the next gate judges the same tree.

        The user's own checkout is not restored: there the changes are only noted.
        """
        self._tree, changed = self._work_tree.undo(self._tree, allowed)
        if not changed:
            return
        paths = [path_text(entry.path) for entry in changed]
        why = "that was left, since the files are your own"
        if self._work_tree.undoes:
            why = "that was undone: gates judge, and formatters write what the change touches"
            self._work_tree.stage(self._tree)
        self._run.note(f"The {gate.kind} {gate.name} ({gate.named}) changed {listed(paths)}; {why}.")

    def _choose(self, kind: str, entries: Sequence[Entry]) -> list[Chosen]:
        """Return the gates of a kind that apply to a change; for the others, record why they do not."""
        found = [gate.select(entries) for gate in self._gates.values() if gate.kind == kind]
        self._skipped |= {chosen.gate.name: chosen.skipped for chosen in found}
        return [chosen for chosen in found if not chosen.skipped]

    def _run_calls(self, chosen: Chosen) -> None:
        gate = chosen.gate
        for call in chosen.commands:
            run_command(
                self._run,
                gate.name,
                [*gate.wrapper, "sh", "-c", call] if gate.wrapper else call,
                kind=gate.kind,
                source=gate.source,
                cwd=self._work_tree.path,
                timeout=float(seconds(gate.timeout)) if gate.timeout else None,
                tree=self._tree,
            )

    def _write_results(self) -> None:
        """Write the result of each gate, and summarize them in the step's detail."""
        run = self._run
        gates = [self._result_of(gate) for gate in self._gates.values()]
        states = Counter(gate["state"] for gate in gates)
        counts = [f"{states[state]} {state}" for state in _STATES if states[state]]
        run.manifest.steps[-1].detail = ", ".join(counts) or "no gate is named"
        run.gate_results = {
            "schema": "specguard.gates/1",
            "run_id": run.manifest.run_id,
            "tree": self._tree,
            "gates": gates,
        }
        run.folder.write(GATES_FILE, json.dumps(run.gate_results, indent=2) + "\n")
        run.save()

    def _result_of(self, gate: PlannedGate) -> dict[str, Any]:
        """Return what became of a gate, as `gates.json` has it; `pending` if it was not reached."""
        ran = [one for one in self._commands if one.name == gate.name]
        skipped = self._skipped.get(gate.name, "")
        ended = "passed" if all(one.succeeded for one in ran) else "failed"
        return {
            **{name: getattr(gate, name) for name in ("name", "kind", "named")},
            "run": self._run.redactor.redact(gate.run),
            "state": "skipped" if skipped else ended if ran else "pending",
            "skipped": skipped,
            "exit_codes": [one.exit_code for one in ran],
        }


def is_up(folder: RunFolder) -> bool:
    """True if a run died, or was ended, between a setup and its teardown."""
    return folder.data_or_empty(STATE).get("up") is True


_STATES: Final = ("passed", "failed", "skipped", "pending")


_LINES: Final = 80
_CHARACTERS: Final = 8000


def command_feedback(run: Run, command: Command, what: str, source: str = "") -> str:
    """Return a section of Markdown about a failed command, for the agent.

    Args:
        run: the run.
        command: the command's record.
        what: the thing that failed, such as `The gate tests`.
        source: the source that names the command; empty if that is obvious.
    """
    lines = "\n".join(response_of(run.folder, command).tail[-_CHARACTERS:].split("\n")[-_LINES:])
    return rendered("failed.md", command=command, what=what, source=source, tail=lines)


_PLAIN_NAME: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_LIST_MISSING: Final = 'for one; do command -v "$one" > /dev/null || echo "$one"; done'


def missing_programs(gates: Iterable[PlannedGate], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the programs that gates start with and a shell does not find, each with the gates that need it.

    Args:
        gates: the gates.
        environment: the environment whose `PATH` is searched.
    """
    programs = [(_program_of(one.wrapper or one.run), one) for one in gates]
    needs = grouped((name, f"the {one.kind} {one.name!r} of {one.named}") for name, one in programs if name)
    words = ["/bin/sh", "-c", _LIST_MISSING, "sh", *needs]
    output = subprocess.run(words, env=dict(environment), capture_output=True, check=False).stdout
    return {program: ", ".join(needs[program]) for program in output.decode("ascii").split()}


def check_gates(run: Run, tree: Tree) -> None:
    """Check that the gates of a run may and can be run, and report all missing programs at once.

    Args:
        run: the run.
        tree: the files that the run starts from. A gate for files of which there are none needs no program
            yet; pre-commit is needed if they contain its configuration.

    Raises:
        SpecguardError: a program is missing, or a gate ends processes by name, or has its placeholder within
            quotation marks.
    """
    gates, environment = run.gates.gates, run.options.environment
    check_kill(run.policy, gates)
    for gate in gates:
        gate.check_quotes()
    needs = missing_programs([g for g in gates if not g.when or g.when.used(tree.paths())], environment)
    if tree.find(CONFIGURATION) is not None and find_program("pre-commit", environment) is None:
        needs["pre-commit"] = CONFIGURATION.decode()
    if needs:
        programs = "; ".join(f"{program} (for {why})" for program, why in needs.items())
        help = f"install {', '.join(needs)}, or see that PATH has it; gates of your own replace a preset's"
        raise SpecguardError(f"not on the path: {programs}", help=help, code="program-missing")


def _program_of(command: str | Sequence[str]) -> str:
    """Return the program that a command needs on `PATH`; empty if it cannot be determined.

    Args:
        command: the command's words, or a string for a shell, whose first command counts. A path gives an
            empty result, because the change itself may add such a file.
    """
    words = list(command)
    if isinstance(command, str):
        try:
            words = shlex.split(command.strip().split("\n", 1)[0], comments=True)
        except ValueError:
            return ""
        words = list(dropwhile(lambda word: "=" in word, words))
    word = words[0].rstrip(";") if words else ""
    return word if _PLAIN_NAME.fullmatch(word) else ""


MOST_SHOWN: Final = 20
"""The largest number of commits, and of paths, in a manifest's highlights."""


class GateTree:
    """A working tree that gates run in: here the user's own checkout, in which nothing is undone or staged.

    Args:
        git: reads the repository.
        base: the commit that the change is compared with.
        path: the root of the working tree.
        runs: the path of the folder of runs, with a slash at its end. The folder grows during the run, so it
            is left out. Empty: the folder is elsewhere.

    Attributes:
        path: the root of the working tree.
        undoes: True if a gate's changes are undone there.
    """

    undoes = False

    def __init__(self, git: Git, base: str, path: str, *, runs: bytes = b"") -> None:
        self.path = path
        self._git = git
        self._base = base
        self._runs = runs

    @cached_property
    def _commits(self) -> Sequence[Commit]:
        """The last commits since the base, oldest first, at most `MOST_SHOWN`."""
        head = self._git.repository.head or self._base
        return self._git.commits(self._git.revisions(head, self._base)[-MOST_SHOWN:])

    @cached_property
    def _about(self) -> Mapping[str, str]:
        """The tree that kept runs at the tip are about, by the tree of `HEAD`; a merge has its own work."""
        runs = self._runs or b"/"
        kept = [{entry.path.startswith(runs) for entry in one.own_entries} for one in self._commits]
        pairs = zip(self._commits, kept, strict=True)
        work = [one.tree for one, places in pairs if one.is_merge or places != {True}]
        return {self._commits[-1].tree: work[-1]} if work else {}

    def tree(self) -> str:
        """Return the object id of the current tree, with the folder of runs as in `HEAD`.

        If nothing else is uncommitted, it is the tree of the last commit that does more than add runs. At
        most `MOST_SHOWN` commits are looked at. The objects are kept in a scratch store.

        Raises:
            MissingFact: a file cannot be read.
        """
        tree = hash_work_tree(self._git, excluded=self._runs).tree
        return self._about.get(tree, tree)

    def patch(self, tree: str, since: str = "") -> bytes:
        """Return the patch of a tree since another, or since the base, without the folder of runs."""
        return patch(self._git, since or self._base, tree, exclude=os.fsdecode(self._runs))

    def highlights(self, tree: str) -> Sequence[str]:
        """Return the subjects of the commits since the base, and the paths of uncommitted changes."""
        head = tree if tree in self._about.values() else self._git.repository.head or self._base
        paths = [f"not committed: {path_text(one.path)}" for one in self._git.diff_trees(head, tree)]
        return [*(one.message.subject for one in self._commits), *paths[:MOST_SHOWN]]

    def entries(self, tree: str, since: str = "") -> Sequence[Entry]:
        """Return the changes of a tree since another of its trees; since the base if that is empty."""
        return self._git.diff_trees(since or self._base, tree)

    def stage(self, tree: str) -> None:
        """Make git show a tree as staged; in the user's checkout, the index is not touched."""

    def is_unchanged(self) -> bool:
        """True if a quick look proves that the staged tree is unchanged; never for the user's checkout."""
        return False

    def undo(self, tree: str, allowed: Collection[bytes] = ()) -> tuple[str, list[Entry]]:
        """Undo the changes since one of its trees, if `undoes` is set.

        Args:
            tree: the earlier tree.
            allowed: the paths whose changes are kept.

        Returns:
            The tree as it is then, and the other changes: they were undone, or are still there.
        """
        after = self.tree()
        changed = (one for one in self.entries(after, tree) if one.path not in allowed)
        # One of the trees may be that of `HEAD`, and the other one of a commit before runs were kept.
        return after, [one for one in changed if not one.path.startswith(self._runs or b"/")]


class PlaceTree(GateTree):
    """The place of a run, as a working tree for gates.

    Args:
        run: the run; its place is made.
    """

    undoes = True

    def __init__(self, run: Run) -> None:
        self._run = run
        self._place = run.place
        super().__init__(self._place.git, self._place.base, self._place.path)
        self._index = os.path.join(self._place.own_folder, "gates")
        self._seen: dict[bytes, str] = {}

    def tree(self) -> str:
        """Return the object id of the current tree.

        Raises:
            RunEnded: the tree cannot be committed.
        """
        return hash_tree(self._run)

    def stage(self, tree: str) -> None:
        """Stage a tree, so that commands that use git see new files and an unmodified working tree."""
        self._place.stage(tree)
        git = self._place.git
        git.run("read-tree", tree, index=self._index)
        listed = git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)
        paths = (os.path.join(os.fsencode(self.path), path) for path in listed.split(b"\0")[:-1])
        self._seen = {path: file_metadata(path) for path in paths}

    def is_unchanged(self) -> bool:
        """True if no file of the staged tree was written to, and the place has no new file.

        Only the files' status is compared: reading all files after each gate would take longer than most
        gates.
        """
        if not self._seen or any(file_metadata(path) != before for path, before in self._seen.items()):
            return False
        words = ("ls-files", "-o", "-z", "--exclude-per-directory=.gitignore")
        return not self._place.git.run(*words, index=self._index, files=True)

    def undo(self, tree: str, allowed: Collection[bytes] = ()) -> tuple[str, list[Entry]]:
        """Undo the changes since one of its trees.

        Raises:
            RunEnded: the files change again each time.
        """
        undone: list[Entry] = []
        for _ in range(_MOST_RESTORES):
            after, changed = super().undo(tree, allowed)
            if not changed:
                return after, undone
            # `.gitignore` files go first: they hide or show others.
            changed = [one for one in changed if one.path.endswith(b".gitignore")] or changed
            self.restore(tree, changed)
            undone += changed
        help = "have it write nothing, or only what .gitignore leaves out"
        raise RunEnded("what a gate changed cannot be undone", help=help, code="gate-failed")

    def restore(self, tree: str, entries: Sequence[Entry]) -> None:
        """Restore files to their state in a tree, byte for byte as a checkout writes them.

        Args:
            tree: the tree.
            entries: the changes since the tree.
        """
        for place in (os.path.join(os.fsencode(self.path), entry.path) for entry in entries if entry.added):
            with suppress(FileNotFoundError):
                os.unlink(place)
            # The folders that become empty go, too; the root has a `.git`, and stays.
            with suppress(OSError):
                os.removedirs(os.path.dirname(place))
        if old := [entry.path for entry in entries if not entry.added]:
            self._place.check_out(tree, old, self.path)


def take_down(run: Run) -> list[str]:
    """Run the teardowns that a round missed because its process died.

    Args:
        run: the run; no other process works on it.

    Returns:
        The actions, as sentences; empty if no teardown is due.
    """
    if not is_up(run.folder):
        return []
    try:
        if run.made_place is None:
            # Reported only once: no record shows that somebody has torn it down.
            run.folder.remove(STATE)
            downs = "; ".join(gate.run for gate in run.gates.gates if gate.kind == "teardown")
            return [f"what its gates set up may be up still, as its place is gone; take it down: {downs}"]
        done = GateRound(run, PlaceTree(run)).take_down()
    except (MissingFact, SpecguardError) as error:
        return [f"what its gates set up may be up still: {error}"]
    return [f"took down what its gates had set up: {one.command}, {outcome(one)}" for one in done]


def run_gates(run: Run) -> bool:
    """Run the formatters and all gates of a run in its place, and then their teardowns.

    Failed commands are added to `run.feedback`; other observations to `manifest.notes`.

    Args:
        run: the run; its place is made, and only this process works in it.

    Returns:
        True if all gates passed. Without any gate, the result is True, and a note says so.

    Raises:
        RunEnded: a gate had a forbidden side effect, or the run's time is over.
    """
    return not GateRound(run, PlaceTree(run)).carry_out()
