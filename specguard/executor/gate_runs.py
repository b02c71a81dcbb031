"""Where gates run: as a step of a run in its place, or alone in the user's own checkout.

Nothing of the user's is written but the folder of the run: formatters are left out, what a gate changes is
told of and left, and nothing is fetched.
"""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from specguard.change.git import Git
from specguard.change.request import Request
from specguard.change.sources import open_changes
from specguard.change.tree import Tree
from specguard.change.worktree import hash_work_tree
from specguard.engine.claims import papers
from specguard.engine.facts import Facts
from specguard.engine.policies import Policies
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.executor.commit import PATCH, hash_tree, patch
from specguard.executor.gates import USERS_OWN, GateRound, is_owed, planned_gates, told_of_command
from specguard.executor.place import place_of
from specguard.executor.preflight import find_checkout
from specguard.executor.process import killed_by_signals
from specguard.executor.report import outcome
from specguard.executor.run import EXITS, Run, RunEnded, RunOptions, as_error, ended_by, new_manifest
from specguard.executor.watch import inspect
from specguard.model import path_text
from specguard.runs import manifests
from specguard.runs.files import committed_folder, ignore_local, item_folder
from specguard.runs.manifests import MANIFEST, RunFolder, new_run_id, now_text
from specguard.runs.proof import content_of
from specguard.runs.record import ALL, GATES
from specguard.work.gates import PlannedGate, selected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from specguard.change.entries import Entry
    from specguard.work.item import WorkItem

    Say = Callable[[str], None]


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
        git = self._git
        start = git.repository.head or git.empty_tree
        tree = hash_work_tree(git, start).tree
        runs = [one for one in git.diff_trees(start, tree) if self._runs and one.path.startswith(self._runs)]
        if not runs:
            return tree
        index, what = f"{git.folder}/without-runs", "the working tree"
        zeros = "0" * git.repository.hexadecimal
        # Mode 0 takes a path out.
        olds = [(f"{one.old_mode:06o} {zeros if one.added else one.old}", one.path) for one in runs]
        given = b"".join(f"{old}\t".encode() + path + b"\0" for old, path in olds)
        git.read(git.start("read-tree", tree, index=index), what)
        git.read(git.start("update-index", "-z", "--index-info", stdin=given, index=index), what)
        return git.read(git.start("write-tree", "--missing-ok", index=index), what).decode().strip()

    def patch(self, tree: str) -> bytes:
        """What a tree changes since the base, but for the folder of runs."""
        return patch(self._git, self._base, tree, without=os.fsdecode(self._runs))

    def highlights(self, tree: str) -> Sequence[str]:
        """The subjects of the commits since the base, and the paths that a tree changes beside them."""
        git, head = self._git, self._git.repository.head or self._base
        commits = git.commits(git.revisions(head, self._base)[-MOST:])
        beside = [f"not committed: {path_text(one.path)}" for one in git.diff_trees(head, tree)[:MOST]]
        return [*(one.message.subject for one in commits), *beside]

    def changes(self, before: str, after: str) -> Sequence[Entry]:
        """What differs between two of its trees."""
        return self._git.diff_trees(before, after)

    def entries(self, tree: str) -> Sequence[Entry]:
        """What a tree changes since the base."""
        return self._git.diff_trees(self._base, tree)

    def show(self, tree: str) -> None:
        """Have git there show a tree as what is staged; the user's index is left alone."""

    def unchanged(self) -> bool:
        """Whether it is sure, at a glance, that it has the tree still that was shown; never of the user's."""
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
        """Whether no file of the tree that was shown was written to, and no other one is there.

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
            index = os.path.join(self._place.own, "restored")
            git = self._place.git
            git.run("read-tree", tree, index=index)
            given = b"".join(path + b"\0" for path in gone)
            git.run("checkout-index", "-f", "-q", "-z", "--stdin", stdin=given, index=index, files=True)
            os.unlink(index)

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
        What was done, in sentences; none where nothing is owed.
    """
    if not is_owed(run.folder):
        return []
    if run.place is None:
        return ["what its gates set up may be up still: the run's place, in which it is taken down, is gone"]
    try:
        plan = planned_gates(run.policy, run.item, commands=run.options.commands)
        done = GateRound(run, PlaceGround(run), plan).take_down_owed()
    except (MissingFact, RunEnded, SpecguardError) as error:
        return [f"what its gates set up may be up still: {ended_by(error).reason}"]
    return [f"took down what its gates had set up: {one.command}, {outcome(one)}" for one in done]


def run_gates(run: Run) -> bool:
    """Run the formatters and all gates of a run in its place, and take down again what they set up.

    Failing ones are added to `run.told`; what was noticed beside is in `manifest.notes`.

    Args:
        run: its place is made, and nobody else works in it.

    Returns:
        Whether all passed. With no gate at all that is so, and noted.

    Raises:
        RunEnded: a gate needs a program that is not there, did what no gate may do, or the run's time is
            over.
    """
    plan = planned_gates(run.policy, run.item, commands=run.options.commands)
    gates = GateRound(run, PlaceGround(run), plan)
    passed = gates.carry_out()
    run.told += [
        told_of_command(run, command, f"The {result.gate.kind} {result.gate.name}", result.gate.named)
        for result, command in gates.failures
    ]
    if gates.missing:
        raise gates.missing[0]
    return passed


_SHOWN: Final = ("unproven-checkbox", "uncovered-item", "missing-gate-run", "unproven-asset")
"""The rules for which such a run is the proof."""


def carry_out_gates(options: RunOptions, say: Say) -> int:
    """Run the gates of the item that the branch names, else those of every kind, and the guard itself.

    Args:
        options: what was asked for; `dry_run` lists the gates and what becomes of each, and runs none.
        say: told of everything as it happens, in lines.

    Returns:
        0 where all that apply passed, 3 where one failed or the time was over, 130 where it was interrupted.

    Raises:
        SpecguardError: there is no checkout, no policy or no commit, or the document cannot be read.
    """
    repository, root = find_checkout(options)
    with Git(repository) as git, as_error():
        alone = _Alone(git, options, root)
        if options.dry_run:
            alone.tell(say)
            return 0
        return alone.carry_out(say)


class _Alone:
    """A run of gates alone."""

    def __init__(self, git: Git, options: RunOptions, root: str) -> None:
        request = Request(
            directory=options.directory, environment=options.environment, base=options.base, worktree=True
        )
        [change] = open_changes(git, request)
        self._change, self._policy, self._notes = Policies(request, git.repository).of(change)
        self._git = git
        self._options = options
        self._root = root
        self._item = self._named()
        plan = planned_gates(self._policy, self._item, commands=options.commands)
        branch = self._change.found.how not in ("head", "none")
        guarded = any("specguard check" in " ".join(gate.run.split()) for gate in plan.gates)
        self._plan = plan if guarded else plan.and_also([_guard(options, branch=branch)])
        head = git.repository.head
        tip = self._change.base.tip or head
        if head is None or tip is None:
            raise SpecguardError(
                "there is no commit yet to compare the working tree with", help="git commit", code="no-commit"
            )
        # Where the change began: the commit that `HEAD` and the base have in common.
        self._base = next(iter(git.merge_bases(tip, head)), head)

    def _named(self) -> WorkItem | None:
        """The item that the branch names; None where it names none."""
        facts = Facts(self._change, self._policy)
        try:
            item: WorkItem = facts.get("work_item")
        except (MissingFact, NotApplicable) as absent:
            self._notes.append(f"No work item: {absent.reason}. The gates of every kind are meant.")
            return None
        return item

    def tell(self, say: Say) -> None:
        """List the gates, each with what would become of it now."""
        ground = Ground(self._git, self._base, self._git.repository.work_tree())
        for chosen in selected(self._plan.gates, ground.entries(ground.tree())):
            gate = chosen.gate
            skipped = USERS_OWN if gate.kind == "format" else chosen.skipped
            what = f"does not run: {skipped}" if skipped else "runs"
            say(f"{gate.kind} {gate.name} ({gate.named}) {what}")
            say("\n".join(f"  {call}" for call in chosen.calls or [gate.run]))
        for one in self._plan.not_read:
            say(f"{one.path}:{one.line} is not run as a gate: {one.text!r} ({one.why})")

    def carry_out(self, say: Say) -> int:
        """Run them, and record that."""
        run = self._begun()
        manifest, folder = run.manifest, run.folder
        run.tell = say
        say(f"run {folder.run_id}")
        runs = os.path.relpath(self._runs, os.path.realpath(self._root))
        inside = b"" if runs.startswith("..") else os.fsencode(runs) + b"/"
        ground = Ground(self._git, self._base, self._git.repository.work_tree(), runs=inside)
        gates = GateRound(run, ground, self._plan)
        code = EXITS["succeeded"]
        try:
            with killed_by_signals(), run.step("gates"):
                _carry_out(gates)
            manifest.tree = tree = ground.tree()
            manifest.content = content_of(Tree(self._git, tree), papers(self._policy))
            manifest.highlights = [run.redactor.words(one) for one in ground.highlights(tree)]
            folder.write(PATCH, run.redactor.text(ground.patch(tree)))
            manifest.state = "succeeded"
        except (RunEnded, SpecguardError) as error:
            end = ended_by(error)
            manifest.state, manifest.reason, code = end.state, run.redactor.words(end.reason), end.code
            if isinstance(error, SpecguardError):
                raise
        finally:
            manifest.ended_at = now_text()
            try:
                run.seal()
            except RunEnded as end:
                manifest.state, manifest.reason, code = end.state, end.reason, end.code
                run.seal()
        for result in gates.results.values():
            if result.skipped:
                say(f"{result.gate.kind} {result.gate.name} did not run: {result.skipped}")
        for missing in gates.missing:
            say(missing.reason)
        for note in manifest.notes:
            say(f"note: {note}")
        say(f"run {folder.run_id}: {manifest.state} ({manifest.steps[-1].detail})")
        say(f"manifest: {folder.file(MANIFEST)}")
        return code

    def _begun(self) -> Run:
        options, item = self._options, self._item
        root = options.runs(self._policy, self._root)
        if committed_folder(self._policy.declared("run_settings"), work_tree=self._root, runs=root):
            ignore_local(root)
        self._runs = os.path.realpath(root)
        told = item.summary() if item else {"document": None, "slug": None}
        name = f"{item.kind}-{item.id}" if item else ALL
        folder = RunFolder(os.path.join(root, item_folder(GATES, name), new_run_id()))
        manifest = new_manifest(
            self._policy,
            options,
            folder.run_id,
            item=manifests.Item(kind=GATES, id=name, slug=told["slug"], document=told["document"]),
            repository=manifests.Repository(
                base=self._change.base.name or "HEAD",
                base_oid=self._base,
                object_format="sha256" if self._git.repository.format == "sha256" else "sha1",
            ),
            notes=self._notes,
        )
        run = Run(options, folder, manifest, git=self._git, policy=self._policy, item=item)
        run.take()
        return run


def _carry_out(gates: GateRound) -> None:
    if not gates.carry_out():
        names = dict.fromkeys(result.gate.name for result, _ in gates.failures)
        raise RunEnded(f"what failed: {', '.join(names)}", error="gate-failed")


def _guard(options: RunOptions, *, branch: bool) -> PlannedGate:
    """The guard over the branch with the working tree on top, or over that alone where there is no base.

    What this very run is to show is not asked of it: that a run shows a done item, a commit, an asset.
    """
    # Without -P, a folder of the working tree could stand in for this program.
    words = [sys.executable, "-P", "-m", "specguard", "check", "--worktree", f"--ignore={','.join(_SHOWN)}"]
    words += ["--head=HEAD"] if branch else []
    if options.base:
        words += ["--base", options.base]
    return PlannedGate(name="specguard", run=shlex.join(words), source="run")
