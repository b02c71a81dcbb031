"""The gates of a run: which ones, what they need, how a round went, and what the agent is told.

Formatters write, gates judge. In a run's place, what a formatter changes beside the files that the change
touches is undone, and so is whatever a gate changes. In the user's own checkout formatters are left out, what
a gate changes is told of and left, and nothing is fetched. A teardown runs whatever became of the others.
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
from itertools import dropwhile
from typing import Any, Final

from specguard.authority.policy import Policy
from specguard.change.entries import Entry
from specguard.change.git import Git
from specguard.change.repository import find_program
from specguard.change.tree import Tree
from specguard.change.worktree import hash_work_tree
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.commit import CONFIGURATION, hash_tree, patch
from specguard.executor.item_choice import verify_gates
from specguard.executor.place import place_of
from specguard.executor.process import command_environment, command_limit, response_of, run_command
from specguard.executor.report import GATES_FILE, fenced, outcome
from specguard.executor.run import Run, RunEnded
from specguard.executor.side_effects import inspect
from specguard.model import listed, path_text
from specguard.runs.manifests import Command, RunFolder
from specguard.runs.settings import seconds
from specguard.work.gates import Chosen, Gates, PlannedGate, flag_gates, gates_of, gates_of_kind, selected
from specguard.work.item import WorkItem
from specguard.work.kinds import WorkKind


def planned_gates(policy: Policy, item: WorkItem | None, *, commands: Sequence[str] = ()) -> Gates:
    """All gates of an item, with those that verify a task; without one those of every kind in the policy.

    Args:
        policy: the base's.
        item: the work item, resolved in the base.
        commands: what `--command` says.

    Returns:
        The gates, each command once, and what the document says and is not run.

    Raises:
        MissingFact: the document or the plan cannot be read.
    """
    if item is not None:
        found = gates_of(item, policy.origins).and_also(verify_gates(policy, item))
    else:
        kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
        every: dict[PlannedGate, PlannedGate] = {}
        for name, kind in kinds.items():
            for gate in gates_of_kind(name, kind, policy.origins):
                # Kinds often share their gates; what differs in more than where it is written is another.
                every.setdefault(gate.but(name="", path="", line=0), gate)
        found = Gates(list(every.values()))
    return found.and_also(flag_gates(commands))


def described(gate: PlannedGate) -> str:
    """A gate with its command, and when it runs, in one line."""
    when = ", ".join(conditions(gate)) or "always"
    return f"{gate.kind} {gate.name}: {command_of(gate)} ({when}; {gate.named})"


def command_of(gate: PlannedGate) -> str:
    """The command of a gate, with the words that are put before it."""
    return f"{shlex.join(gate.wrapper)} {gate.run}" if gate.wrapper else gate.run


def conditions(gate: PlannedGate) -> list[str]:
    """The conditions of a gate, and how often it runs; none for one that always runs once."""
    touches = "touches" if len(gate.on) == 3 else f"has {' or '.join(gate.on)}"
    found = [f"when the change {touches} {', '.join(gate.when.patterns)}"] if gate.when else []
    return [*found, "once for each file"] if gate.each else found


UP: Final = "control/gates.json"
"""The file of a run while a round of gates is under way: what to undo, and whether something is up."""

_TRIES: Final = 4
_MARGIN: Final = 30.0
USERS_OWN: Final = "formatters write, and here the files are your own"


class Result(Record, frozen=False):
    """The outcome of a gate.

    Attributes:
        gate: the gate.
        commands: the records of its commands; none if it did not run.
        skipped: why it did not run; empty if it did.
        changed: what it changed and should not have.
    """

    gate: PlannedGate
    commands: list[Command] = []
    skipped: str = ""
    changed: list[str] = []

    @property
    def state(self) -> str:
        """`passed`, `failed`, `skipped`, or `pending` where it never came to it."""
        if self.skipped or not self.commands:
            return "skipped" if self.skipped else "pending"
        return "passed" if all(command.succeeded for command in self.commands) else "failed"


class GateRound:
    """One round of all gates.

    Args:
        run: the run that records them.
        ground: where they run.
        plan: the gates.

    Attributes:
        results: what became of each, in the order of the plan.
    """

    def __init__(self, run: Run, ground: Ground, plan: Gates) -> None:
        self._run = run
        self._ground = ground
        self._plan = plan
        self._tree = ""
        self._up = any(gate.kind == "teardown" for gate in plan.gates)
        self.results = {gate.name: Result(gate) for gate in plan.gates}

    @property
    def failures(self) -> list[tuple[Result, Command]]:
        """The commands that failed, each with its gate."""
        results = self.results.values()
        return [(one, command) for one in results for command in one.commands if not command.succeeded]

    def carry_out(self) -> bool:
        """Run all of them.

        Returns:
            Whether all that apply passed.

        Raises:
            RunEnded: the run ends here; what is to be taken down was taken down before.
        """
        if not any(gate.kind == "gate" for gate in self._plan.gates):
            self._run.note("No gate is named, by the policy or by the document: nothing was tested.")
        for one in self._plan.not_read:
            self._run.note(f"{one.path}:{one.line} is not run as a gate: {one.text!r} ({one.why}).")
        self._begin()
        try:
            try:
                self._format()
                self._judge()
            except BaseException:
                # Why the run ends counts, and not that it cannot be taken down either.
                with suppress(SpecguardError):
                    self._take_down()
                raise
            down = [chosen.gate for chosen in self._take_down()]
            ran = [result.gate for result in self.results.values() if result.commands]
            if ran and (down or self._ground.mends):
                # Once more, and every file: what they passed on is the tree that they are recorded with.
                self._see((down or ran)[-1])
            self._ground.leave()
        finally:
            self._write_results()
        os.unlink(self._run.folder.file(UP))
        failed = [result.gate for result in self.results.values() if result.state == "failed"]
        missing = missing_programs(failed, command_environment(self._run)) if failed else {}
        for program, why in missing.items():
            self._run.note(f"Not on the path: {program} (for {why}).")
        return not failed

    def take_down_owed(self) -> list[Command]:
        """Take down what a round that died had set up: the commands that ran."""
        self._tree = str(self._run.folder.known(UP).get("tree"))
        self._take_down()
        return [command for result in self.results.values() for command in result.commands]

    def _begin(self) -> None:
        """Take the tree as it is; what a round that died had changed is undone before."""
        self._tree = self._ground.tree()
        kept = self._run.folder.known(UP) if self._ground.mends else {}
        same = kept.get("attempt") == self._run.manifest.attempts
        before = str(kept.get("tree") or self._tree) if same else self._tree
        changed = self._ground.entries(self._tree, before)
        if changed:
            self._ground.restore(before, changed)
            self._tree = self._ground.tree()
            self._run.note("What the gates had changed when the run was ended was undone.")
        self._keep()

    def _keep(self) -> None:
        """Record what this process may not come to: to undo what gates do to a tree, and to take down."""
        data = {"attempt": self._run.manifest.attempts, "tree": self._tree, "up": self._up}
        self._run.folder.write(UP, json.dumps(data) + "\n")

    def _format(self) -> None:
        entries = self._ground.entries(self._tree)
        if not self._ground.mends:
            for result in self.results.values():
                result.skipped = USERS_OWN if result.gate.kind == "format" else ""
            return
        touched = {entry.path for entry in entries}
        for chosen in self._chosen("format", entries):
            self._run_all(chosen)
            self._see(chosen.gate, touched)
            self._keep()

    def _judge(self) -> None:
        self._ground.show(self._tree)
        found = self._chosen("gate", self._ground.entries(self._tree))
        if not found and any(gate.kind == "gate" for gate in self._plan.gates):
            self._run.note("No gate applies to what was changed: nothing was tested.")
        for chosen in found:
            self._run_all(chosen)
            if not self._ground.unchanged():
                self._see(chosen.gate)

    def _take_down(self) -> list[Chosen]:
        deadline = self._run.deadline
        try:
            found = self._chosen("teardown", self._ground.entries(self._tree))
            for chosen in found:
                # What was set up is taken down also where the time is over.
                limit = seconds(chosen.gate.timeout) if chosen.gate.timeout else command_limit(self._run)
                self._run.deadline = max(deadline, time.monotonic() + limit + _MARGIN)
                self._run_all(chosen)
        finally:
            self._run.deadline = deadline
        self._up = False
        self._keep()
        return found

    def _see(self, gate: PlannedGate, may: Collection[bytes] = ()) -> None:
        """Undo what a gate changed beside the paths that it may: what comes after it judges the same tree."""
        whole, done = gate.kind == "format" and self._plan.format_all, list[Entry]()
        for _ in range(_TRIES):
            after = self._ground.tree()
            changed = [] if whole else self._ground.entries(after, self._tree)
            beside = [one for one in changed if one.path not in may]
            if not (beside and self._ground.mends):
                break
            # A .gitignore that is gone may have hidden more.
            self._ground.restore(self._tree, beside)
            done += beside
        else:
            raise RunEnded(f"what the {gate.kind} {gate.name} changed cannot be undone", code="gate-failed")
        if paths := [path_text(entry.path) for entry in done or beside]:
            why = "were left so, since the files are your own"
            why = "were undone: gates judge, and formatters write what the change touches" if done else why
            self._run.note(f"The {gate.kind} {gate.name} ({gate.named}) changed {listed(paths)}; they {why}.")
            self.results[gate.name].changed += paths
        if done:
            self._ground.show(after)
        self._tree = after

    def _chosen(self, kind: str, entries: Sequence[Entry]) -> list[Chosen]:
        """The gates of a kind that apply to a change; of the others it is kept why they do not."""
        found = selected([gate for gate in self._plan.gates if gate.kind == kind], entries)
        for chosen in found:
            self.results[chosen.gate.name].skipped = chosen.skipped
        return [chosen for chosen in found if not chosen.skipped]

    def _run_all(self, chosen: Chosen) -> None:
        gate = chosen.gate
        records = self._run.manifest.commands
        for call in chosen.calls:
            before = len(records)
            try:
                run_command(
                    self._run,
                    gate.name,
                    [*gate.wrapper, "sh", "-c", call] if gate.wrapper else call,
                    kind=gate.kind,
                    source=gate.source,
                    cwd=self._ground.path,
                    timeout=float(seconds(gate.timeout)) if gate.timeout else None,
                    tree=self._tree,
                )
            finally:
                # Also of one with which the run ends.
                self.results[gate.name].commands += records[before:]

    def _write_results(self) -> None:
        """Write what became of each gate, and say it in the step."""
        run, results = self._run, self.results.values()
        if run.manifest.steps:
            states = Counter(result.state for result in results)
            said = [f"{states[state]} {state}" for state in _STATES if states[state]]
            run.manifest.steps[-1].detail = ", ".join(said) or "no gate is named"
        gates = [
            {
                **{name: getattr(result.gate, name) for name in ("name", "kind", "source", "named", "also")},
                "run": run.redactor.words(result.gate.run),
                "state": result.state,
                "skipped": result.skipped,
                "exit_codes": [command.exit_code for command in result.commands],
                "commands": [command.number for command in result.commands],
                "changed": result.changed,
            }
            for result in results
        ]
        data = {
            "schema": "specguard.gates/1",
            "run_id": run.manifest.run_id,
            "attempt": max(1, run.manifest.attempts),
            "tree": self._tree,
            "gates": gates,
            "not_read": [
                {"path": one.path, "line": one.line, "text": run.redactor.words(one.text), "why": one.why}
                for one in self._plan.not_read
            ],
        }
        run.folder.write(GATES_FILE, json.dumps(data, indent=2) + "\n")
        run.save()


def is_owed(folder: RunFolder) -> bool:
    """True if a run died, or was ended, between setting something up and taking it down."""
    return folder.known(UP).get("up") is True


_STATES: Final = ("passed", "failed", "skipped", "pending")


def read_results(folder: RunFolder) -> Mapping[str, Any]:
    """The outcome of each gate of the last round (`gates`), and its `tree`; empty before any.

    Raises:
        SpecguardError: the file cannot be read.
    """
    try:
        return folder.data(GATES_FILE)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SpecguardError(
            "what became of the gates cannot be read", path=folder.file(GATES_FILE), code="run-record"
        ) from error


_LINES: Final = 80
_CHARACTERS: Final = 8000


def told_of_command(run: Run, command: Command, what: str, named: str = "") -> str:
    """A section of Markdown on a command that failed, for the agent.

    Args:
        run: the run.
        command: its record.
        what: what failed, such as `The gate tests`.
        named: where the command is named; empty if that goes without saying.
    """
    how = f"ended with exit code {command.exit_code}"
    how = f"failed, since {command.problem}" if command.problem else how
    said = f"`{command.command}`{f' ({named})' if named else ''} {how}"
    tail = ""
    with suppress(OSError, ValueError):
        tail = response_of(run.folder, command).tail
    lines = "\n".join(tail[-_CHARACTERS:].split("\n")[-_LINES:])
    block = f":\n\n{fenced(lines)}" if lines.strip() else ", and said nothing."
    return f"## {what} failed\n\n{said}{block}\n"


_PLAIN_NAME: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_LOOK: Final = 'for one; do command -v "$one" > /dev/null || echo "$one"; done'


def missing_programs(gates: Iterable[PlannedGate], environment: Mapping[str, str]) -> dict[str, str]:
    """The programs that gates begin with and that a shell does not find, each with the gates that need it.

    Args:
        gates: the gates.
        environment: whose `PATH` is searched.
    """
    needs: dict[str, list[str]] = {}
    for gate in gates:
        if program := _program_of(gate.wrapper or gate.run):
            needs.setdefault(program, []).append(f"the {gate.kind} {gate.name!r} of {gate.named}")
    words = ["/bin/sh", "-c", _LOOK, "sh", *needs]
    said = subprocess.run(words, env=dict(environment), capture_output=True, check=False).stdout
    return {program: ", ".join(needs[program]) for program in said.decode("ascii").split()}


def check_tools(gates: Iterable[PlannedGate], tree: Tree, environment: Mapping[str, str]) -> None:
    """Look for the programs that a run needs, and name all that are missing at once.

    Args:
        gates: its gates.
        tree: the base's files: with a configuration of pre-commit, that is needed too.
        environment: whose `PATH` is searched.

    Raises:
        SpecguardError: one is missing.
    """
    needs = missing_programs(gates, environment)
    if tree.find(CONFIGURATION) is not None and find_program("pre-commit", environment) is None:
        needs["pre-commit"] = CONFIGURATION.decode()
    if needs:
        named = "; ".join(f"{program} (for {why})" for program, why in needs.items())
        help = f"install {', '.join(needs)}, or see that PATH has it; gates of your own replace a preset's"
        raise SpecguardError(f"not on the path: {named}", help=help, code="program-missing")


def _program_of(command: str | Sequence[str]) -> str:
    """The program that a command needs on the path; empty if none can be told.

    Args:
        command: its words; or a text for a shell, of which the first command counts. A path is none: the
            change itself may bring such a file.
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


MOST: Final = 20
"""So many commits, and so many paths, a manifest highlights."""


class Ground:
    """A working tree that gates run in: the user's own checkout, in which nothing is undone or staged.

    Args:
        git: reads it.
        base: the commit that its change is compared with.
        path: its root.
        runs: what the paths in the folder of runs begin with, which grows meanwhile; empty: it is elsewhere.

    Attributes:
        path: its root.
        mends: whether what a gate changes there is undone.
    """

    mends = False

    def __init__(self, git: Git, base: str, path: str, *, runs: bytes = b"") -> None:
        self.path = path
        self._git = git
        self._base = base
        self._runs = runs

    def tree(self) -> str:
        """The object id of its tree as it is now, the folder of runs as `HEAD` has it.

        The objects are kept in a scratch store.

        Raises:
            MissingFact: a file cannot be read.
        """
        start = self._git.repository.head or self._git.empty_tree
        return hash_work_tree(self._git, start, without=self._runs).tree

    def patch(self, tree: str) -> bytes:
        """The patch of a tree since the base, without the folder of runs."""
        return patch(self._git, self._base, tree, without=os.fsdecode(self._runs))

    def highlights(self, tree: str) -> Sequence[str]:
        """The subjects of the commits since the base, and the paths that a tree changes beside them."""
        git, head = self._git, self._git.repository.head or self._base
        commits = git.commits(git.revisions(head, self._base)[-MOST:])
        beside = [f"not committed: {path_text(one.path)}" for one in git.diff_trees(head, tree)[:MOST]]
        return [*(one.message.subject for one in commits), *beside]

    def entries(self, tree: str, since: str = "") -> Sequence[Entry]:
        """The changes of a tree since another one of its trees; since the base where none is given."""
        return self._git.diff_trees(since or self._base, tree)

    def show(self, tree: str) -> None:
        """Have git there show a tree as what is staged; the user's index is left alone."""

    def unchanged(self) -> bool:
        """True if it is sure, at a glance, that it has the tree still that was shown; never of the user's."""
        return False

    def restore(self, tree: str, entries: Sequence[Entry]) -> None:
        """Make files as a tree has them, where it `mends`."""

    def leave(self) -> None:
        """See that nothing else was done there than running gates."""


class PlaceGround(Ground):
    """The place of a run.

    Args:
        run: its place is made.
    """

    mends = True

    def __init__(self, run: Run) -> None:
        self._run = run
        self._place = place_of(run)
        super().__init__(self._place.git, self._place.base, self._place.path)
        self._index = os.path.join(self._place.own, "gates")
        self._seen: dict[bytes, tuple[int, ...]] = {}

    def tree(self) -> str:
        """The object id of its tree as it is now.

        Raises:
            RunEnded: it cannot be committed like this.
        """
        return hash_tree(self._run)

    def show(self, tree: str) -> None:
        """Stage a tree, so that commands which ask git see new files, and an unchanged working tree."""
        self._place.stage(tree)
        git = self._place.git
        git.run("read-tree", tree, index=self._index)
        listed = git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)
        self._seen = {path: self._status(path) for path in listed.split(b"\0")[:-1]}

    def unchanged(self) -> bool:
        """True if no file of the tree that was shown was written to, and no other one is there.

        Reading all files after each gate would take longer than most gates.
        """
        if not self._seen or any(self._status(path) != status for path, status in self._seen.items()):
            return False
        words = ("ls-files", "-o", "-z", "--exclude-per-directory=.gitignore")
        return not self._place.git.run(*words, index=self._index, files=True)

    def _status(self, path: bytes) -> tuple[int, ...]:
        try:
            found = os.lstat(os.path.join(os.fsencode(self.path), path))
        except OSError:
            return ()
        return found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino

    def restore(self, tree: str, entries: Sequence[Entry]) -> None:
        """Make files as a tree has them, byte for byte as a checkout makes them.

        Args:
            tree: the tree.
            entries: what was changed since it.
        """
        root = os.fsencode(self.path)
        for entry in entries:
            if entry.added:
                _remove(root, entry.path)
        gone = [entry.path for entry in entries if not entry.added and entry.old_mode & 0o170000 != 0o160000]
        if gone:
            self._place.check_out(tree, gone, self.path)

    def leave(self) -> None:
        """See that the gates did nothing else in the place and in the user's repository.

        Raises:
            RunEnded: they did.
        """
        inspect(self._run, "a gate")


def _remove(root: bytes, path: bytes) -> None:
    """Remove a file, and the folders that are empty without it."""
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(root, path))
    folder = path.rpartition(b"/")[0]
    while folder:
        try:
            os.rmdir(os.path.join(root, folder))
        except OSError:
            return
        folder = folder.rpartition(b"/")[0]


def take_down_owed(run: Run) -> list[str]:
    """Run the teardowns that a round of a run did not come to, because its process died.

    Args:
        run: nobody else works on it.

    Returns:
        What was done, in sentences; none if nothing is owed.
    """
    if not is_owed(run.folder):
        return []
    if run.place is None:
        return ["what its gates set up may be up still: the run's place, in which it is taken down, is gone"]
    try:
        plan = planned_gates(run.policy, run.item, commands=run.options.commands)
        done = GateRound(run, PlaceGround(run), plan).take_down_owed()
    except (MissingFact, SpecguardError) as error:
        return [f"what its gates set up may be up still: {error}"]
    return [f"took down what its gates had set up: {one.command}, {outcome(one)}" for one in done]


def run_gates(run: Run) -> bool:
    """Run the formatters and all gates of a run in its place, and take down again what they set up.

    Failing ones are added to `run.told`; what was noticed beside is in `manifest.notes`.

    Args:
        run: its place is made, and nobody else works in it.

    Returns:
        Whether all passed. With no gate at all that is so, and noted.

    Raises:
        RunEnded: a gate did what no gate may do, or the run's time is over.
    """
    plan = planned_gates(run.policy, run.item, commands=run.options.commands)
    gates = GateRound(run, PlaceGround(run), plan)
    passed = gates.carry_out()
    run.told += [
        told_of_command(run, command, f"The {result.gate.kind} {result.gate.name}", result.gate.named)
        for result, command in gates.failures
    ]
    return passed
