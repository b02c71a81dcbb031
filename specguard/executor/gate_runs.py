"""A run of the gates alone: in the user's own working tree, with no agent and no commit.

Nothing of the user's is written but the folder of the run: formatters are left out, what a gate changes is
told of and left, and nothing is fetched.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Final

from specguard import __version__
from specguard.change.git import Git
from specguard.change.request import Request
from specguard.change.sources import open_changes
from specguard.change.tree import Tree
from specguard.engine.claims import papers
from specguard.engine.clock import Clock
from specguard.engine.facts import Facts
from specguard.engine.policies import Policies
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.executor.committing import PATCH
from specguard.executor.ending import EXITS, RunEnded
from specguard.executor.gate_grounds import CheckoutGround
from specguard.executor.gate_plans import planned_gates
from specguard.executor.gate_round import GateRound
from specguard.executor.log_following import LogFollower
from specguard.executor.preflight import find_checkout
from specguard.executor.run import Run
from specguard.executor.signals import killed_by_signals
from specguard.runs import model
from specguard.runs.committed import committed_folder, ignore_local
from specguard.runs.folder import MANIFEST, RunFolder, new_run_id, now_text
from specguard.runs.proof import content_of
from specguard.runs.record import ALL, GATES
from specguard.runs.root import item_folder, run_root
from specguard.runs.settings import seconds
from specguard.work.gate_selection import selected
from specguard.work.gates import PlannedGate

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from specguard.authority.policy import Policy
    from specguard.change.sources import Change
    from specguard.executor.options import RunOptions
    from specguard.runs.settings import RunSettings
    from specguard.work.gates import Gates
    from specguard.work.item import WorkItem

    Say = Callable[[str], None]

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
    with Git(repository) as git:
        try:
            work = _Work(git, options, root)
            if options.dry_run:
                work.tell(say)
                return 0
            return work.carry_out(say)
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing


class _Work:
    """What is to be run."""

    def __init__(self, git: Git, options: RunOptions, root: str) -> None:
        request = Request(
            directory=options.directory, environment=options.environment, base=options.base, worktree=True
        )
        [change] = open_changes(git, request)
        self._change, self._policy, self._notes = Policies(request, git.repository).of(change)
        self._git = git
        self._options = options
        self._root = root
        self._item = self._named(request)
        plan = planned_gates(self._policy, self._item, commands=options.commands)
        branch = change.found.how not in ("head", "none")
        self._plan = plan.and_also([_guard(options, branch=branch)] if not _has_guard(plan) else [])
        self._base = self._start()

    def _named(self, request: Request) -> WorkItem | None:
        """The item that the branch names; None where it names none."""
        facts = Facts(
            self._change, self._policy, today=Clock.of(request).today, policy_change=no_policy_change
        )
        try:
            item: WorkItem = facts.get("work_item")
        except (MissingFact, NotApplicable) as absent:
            self._notes.append(f"No work item: {absent.reason}. The gates of every kind are meant.")
            return None
        return item

    def _start(self) -> str:
        """Where the change began: the commit that `HEAD` and the base have in common."""
        head = self._git.repository.head
        tip = self._change.base.tip or head
        if head is None or tip is None:
            raise SpecguardError(
                "there is no commit yet to compare the working tree with", help="git commit", code="no-commit"
            )
        return next(iter(self._git.merge_bases(tip, head)), head)

    def tell(self, say: Say) -> None:
        """List the gates, each with what would become of it now."""
        ground = self._ground("")
        for chosen in selected(self._plan.gates, ground.entries(ground.tree())):
            gate = chosen.gate
            what = f"does not run: {chosen.skipped}" if chosen.skipped else "runs"
            if gate.kind == "format":
                what = "does not run: formatters write, and here the files are your own"
            say(f"{gate.kind} {gate.name} ({gate.named}) {what}")
            say("\n".join(f"  {call}" for call in chosen.calls or [gate.run]))
        for one in self._plan.not_read:
            say(f"{one.path}:{one.line} is not run as a gate: {one.text!r} ({one.why})")

    def _ground(self, folder: str) -> CheckoutGround:
        git = self._git
        inside = os.path.relpath(folder, os.path.realpath(self._root)) if folder else ".."
        runs = b"" if inside.startswith("..") else os.fsencode(inside) + b"/"
        return CheckoutGround(git, self._base, runs=runs)

    def carry_out(self, say: Say) -> int:
        """Run them, and record that."""
        settings: RunSettings = self._policy.declared("run_settings")
        root = run_root(
            settings, self._options.environment, work_tree=self._root, given=self._options.run_root
        )
        if committed_folder(settings, self._options.environment, work_tree=self._root, runs=root):
            ignore_local(root)
        item = self._item
        folder = RunFolder(
            os.path.join(root, item_folder(GATES, f"{item.kind}-{item.id}" if item else ALL), new_run_id())
        )
        run = Run(
            self._options,
            folder,
            self._manifest(folder.run_id, settings),
            git=self._git,
            policy=self._policy,
            item=item,
        )
        run.take()
        say(f"run {folder.run_id}")
        ground = self._ground(os.path.realpath(root))
        gates = GateRound(run, ground, self._plan)
        code = EXITS["succeeded"]
        try:
            with killed_by_signals(), LogFollower(run, say), run.step("gates"):
                _carry_out(gates)
            run.manifest.tree = tree = ground.tree()
            run.manifest.content = content_of(Tree(self._git, tree), papers(self._policy))
            run.manifest.highlights = [run.redactor.words(one) for one in ground.highlights(tree)]
            run.folder.write(PATCH, run.redactor.text(ground.patch(tree)))
            run.manifest.state = "succeeded"
        except RunEnded as end:
            run.manifest.state, run.manifest.reason = end.state, run.redactor.words(end.reason)
            code = end.code
        except SpecguardError as error:
            run.manifest.state, run.manifest.reason = "failed", run.redactor.words(error.message)
            raise
        finally:
            run.manifest.ended_at = now_text()
            try:
                run.seal()
            except RunEnded as end:
                run.manifest.state, run.manifest.reason, code = end.state, end.reason, end.code
                run.seal()
        for result in gates.results.values():
            if result.skipped:
                say(f"{result.gate.kind} {result.gate.name} did not run: {result.skipped}")
        for gate, program in gates.missing:
            say(f"{gate.kind} {gate.name} needs {program}, which is not on the path")
        for note in run.manifest.notes:
            say(f"note: {note}")
        detail = run.manifest.steps[-1].detail
        say(f"run {folder.run_id}: {run.manifest.state} ({detail})")
        say(f"manifest: {folder.file(MANIFEST)}")
        return code

    def _manifest(self, run_id: str, settings: RunSettings) -> model.Manifest:
        item = self._item
        told = item.summary() if item else {"document": None, "slug": None}
        policy: Policy = self._policy
        change: Change = self._change
        return model.Manifest(
            run_id=run_id,
            tool=__version__,
            item=model.Item(
                kind=GATES,
                id=f"{item.kind}-{item.id}" if item else ALL,
                slug=told["slug"],
                document=told["document"],
            ),
            state="running",
            pid=os.getpid(),
            repository=model.Repository(
                base=change.base.name or "HEAD",
                base_oid=self._base,
                object_format="sha256" if self._git.repository.format == "sha256" else "sha1",
            ),
            policy=model.PolicyMade(
                policy_id=policy.policy_id, ref=policy.ref, documents=dict(policy.documents)
            ),
            started_at=now_text(),
            timeout=self._options.timeout or seconds(settings.timeout),
            notes=self._notes,
        )


def _carry_out(gates: GateRound) -> None:
    """Run all gates.

    Raises:
        RunEnded: one failed, or the run ends for another reason.
    """
    if not gates.carry_out():
        names = dict.fromkeys(result.gate.name for result, _ in gates.failures)
        raise RunEnded("failed", f"what failed: {', '.join(names)}", error="gate-failed")


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


def _has_guard(plan: Gates) -> bool:
    return any("specguard check" in " ".join(gate.run.split()) for gate in plan.gates)


def no_policy_change() -> NoReturn:
    """For `Facts`, where no rule is run that compares policies."""
    raise MissingFact("a run of gates compares no policies")
