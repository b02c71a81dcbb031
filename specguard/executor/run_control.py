"""The life of a run: carry it out, with or without an agent, record its end, resume it, stop it, clean up."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from traceback import print_exception
from typing import Final

import psutil

from specguard.authority.policy import Policy
from specguard.change.check_request import resolve
from specguard.change.git import Git
from specguard.change.process import CommandError
from specguard.change.repository import Repository, short_name
from specguard.change.tree import Tree
from specguard.engine.status import open_tree
from specguard.errors import MissingFact, Needed, NotApplicable, SpecguardError, as_specguard_error, if_known
from specguard.executor.agent import ROUND_BRIEF, resolve_agent
from specguard.executor.commit import PATCH_FILE, write_patch
from specguard.executor.gates import STATE, USERS_OWN, GateRound, GateTree, is_up, planned_gates, take_down
from specguard.executor.item_choice import check_kill
from specguard.executor.place import RUN_REFS, Leftover, leftovers_of, leftovers_without_folder, place_exists
from specguard.executor.preflight import reopen
from specguard.executor.process import GRACE, end_survivors, killed_by_signals, send_signal, signal_handler
from specguard.executor.push import note_moved_base
from specguard.executor.remote import RemoteError
from specguard.executor.report import ERROR, rendered, write_report
from specguard.executor.run import ROUND_STEPS, Run, RunEnded, RunOptions, Say, more_time, new_manifest
from specguard.executor.side_effects import open_place
from specguard.executor.start_point import ItemLock, is_worked_on
from specguard.executor.steps import STEPS, Line
from specguard.model import EXIT_NO_VERDICT, EXIT_PASSED
from specguard.runs import manifests
from specguard.runs.files import command_words, committed_folder, write_gitignore
from specguard.runs.manifests import MANIFEST, Manifest, RunFolder, StaleWorker, new_run_id, now_text
from specguard.runs.proof import content_id
from specguard.runs.record import ALL, GATES
from specguard.runs.store import RunStore, RunView
from specguard.work.gates import PlannedGate
from specguard.work.item import WorkItem


def carry_out(run: Run, *, first: str = "place", resumed: bool = False, say: Say = lambda _: None) -> int:
    """Carry out a run's steps after preflight, and record how it ended.

    Args:
        run: the run; this process has taken it.
        first: the first step; a resumed run has a place already.
        resumed: True if the first round was begun before, so that it is already counted.
        say: called with the name of each step as it begins.

    Returns:
        The exit code.

    Raises:
        StaleWorker: another process has taken the run over; nothing more is written for this one.
        SpecguardError: the run can no longer be recorded, for example on a full disk; resuming it is
            possible.
    """
    run.manifest.state, run.manifest.reason = "running", None
    with closing(run):
        if run.manifest.commit is None:
            run.folder.remove(PATCH_FILE)
        end = run_to_end(lambda: Line(run, say, resumed).from_step(first), run.again)
        if end is not None and end.code == "step-reached":
            with suppress(SpecguardError, MissingFact):
                write_patch(run)
        end = record_end(run, end)
    return EXIT_PASSED if end is None else end.exit_code


def run_to_end(work: Callable[[], None], command: str) -> RunEnded | None:
    """Do the work of a run, and return its early end; None if the work succeeds.

    Args:
        work: the work.
        command: the command that continues the run, for messages.
    """
    try:
        with killed_by_signals(), Needed():
            work()
    except StaleWorker:
        raise
    except SpecguardError as error:
        end = RunEnded.by(error)
        if end.state in ("killed", "timed-out"):
            # What ended by its time tells the option that gives it more.
            end.help = f"{command} {end.help}".rstrip()
        elif isinstance(error, RemoteError):
            end.help = f"{end.help}; what the run made is kept: {command}"
        return end
    except (OSError, CommandError) as error:
        help = f"see that there is room, and by git fsck that no object is missing; to go on: {command}"
        code = "git-failed" if isinstance(error, CommandError) else "system-failed"
        return RunEnded(str(error), help=help, exit_code=EXIT_NO_VERDICT, code=code)
    except Exception as error:  # noqa: BLE001 - recorded and reported like any internal error
        if "--traceback" in sys.argv:
            print_exception(error)
        return RunEnded.by(as_specguard_error(error))
    return None


def record_end(run: Run, end: RunEnded | None) -> RunEnded | None:
    """Record how a run ended, write its report, and return its end: another one if its record was altered."""
    # A signal to specguard has to wait for the report.
    with signal_handler(lambda *_: None):
        try:
            _write_end(run, end)
        except RunEnded as altered:
            end = altered
            _write_end(run, end)
    return end


def _write_end(run: Run, end: RunEnded | None) -> None:
    """Write how a run ended, the reason of an early end, and the report."""
    manifest, folder = run.manifest, run.folder
    final = manifest.model_copy()
    final.state = end.state if end else "succeeded"
    final.reason = run.redactor.redact(end.message) if end else None
    final.ended_at = now_text()
    if end is None or end.exit_code == EXIT_PASSED:
        # Remove the error of a run that was resumed since.
        folder.remove(ERROR)
    else:
        error = manifests.RunError(
            run_id=folder.run_id,
            step=end.step or (manifest.steps[-1].name if manifest.steps else STEPS[0]),
            state=end.state,
            error=end.code,
            reason=run.redactor.redact(end.message),
            exit_code=end.exit_code,
            command=end.command,
            tail=run.redactor.redact(end.tail),
            suggestion=run.redactor.redact(end.help),
        )
        folder.write(ERROR, error.as_json())
    if manifest.agent is not None:
        with run.step("report"):
            write_report(run, final)
    # Written last: if the process dies before, the run still counts as running.
    manifest.state, manifest.reason, manifest.ended_at = final.state, final.reason, final.ended_at
    run.save(seal=True)


def resume(options: RunOptions, folder: RunFolder, *, say: Say = lambda _: None) -> int:
    """Continue a run from the step that it was in, and judge again what was judged before.

    Args:
        options: the options of the run; kind, item and plan are those of the manifest. The time and the
            attempts may be larger than before.
        folder: the run's folder.
        say: called with lines about progress, such as the name of each step as it begins.

    Returns:
        The exit code.

    Raises:
        SpecguardError: the run has succeeded, its process is alive, somebody else has its branch, or it
            cannot be reopened.
    """
    if folder.read_manifest().state == "succeeded":
        message = f"{folder.run_id} has succeeded, and nothing is left to do"
        raise SpecguardError(message, help="start another one with `specguard run`", code="run-record")
    run = reopen(options, folder)
    with ExitStack() as cleanup, Needed():
        cleanup.callback(run.close)
        manifest = run.manifest
        first, interrupted = next_step(manifest, folder)
        may_work = first not in ("push", "pull-request")
        agent = resolve_agent(run.policy, options, check_program=may_work)
        note = note_moved_base(run) if first != "pull-request" else ""
        # From now on nobody else may write to the run; surviving processes would still write to its place.
        run.take_over()
        if may_work:
            agent.record(run)
        survivors = end_survivors(folder.run_id)
        folder.remove_temporary()
        manifest.ended_at = None
        if first != "place" and place_exists(manifest.place, folder.run_id):
            open_place(run)
        with run.step("preflight") as step:
            for line in (*([f"note: {note}"] if note else ()), *take_down(run)):
                run.log(line)
                say(line)
            suffix = f"; ended {', '.join(survivors)}" if survivors else ""
            step.detail = f"resumed at {first}{run.redactor.redact(suffix)}"
        cleanup.pop_all()
    return carry_out(run, first=first, resumed=interrupted, say=say)


def next_step(manifest: Manifest, folder: RunFolder) -> tuple[str, bool]:
    """Return the step to continue with, and True if an agent's work was interrupted.

    The work of a round is always inspected again, and pushed commits are looked up before anything is pushed.

    Args:
        manifest: the run's manifest; `attempts` is reduced if an interrupted round must be counted again.
        folder: the run's folder.
    """
    names = {step.name for step in manifest.steps}
    if manifest.commit is not None and manifest.pushed == manifest.commit:
        return "pull-request", False
    if not place_exists(manifest.place, folder.run_id):
        return "place", False
    if manifest.commit is not None and "push" in names:
        return "push", False
    worked = [step for step in manifest.steps if step.name in (*ROUND_STEPS, "commit")]
    if not worked:
        return "brief" if "brief" in names else "place", False
    last = worked[-1]
    if last.name != "agent" or last.state == "done":
        return "inspect", False
    # An interrupted round does not count as an attempt; a round in which the agent failed does.
    interrupted = last.state == "running" or manifest.state in ("killed", "timed-out")
    ran = [command.attempt for command in manifest.commands if command.kind != "agent"]
    judged = min([*ran, *(one.attempt for one in manifest.judgements)], default=last.attempt) < last.attempt
    has_brief = os.path.isfile(folder.file(ROUND_BRIEF.format(manifest.attempts)))
    if not judged or (interrupted and has_brief):
        return "agent", interrupted
    # Gates and rules must find the problems again that the agent has to fix.
    if interrupted:
        manifest.attempts -= 1
    return "inspect", False


def stop(view: RunView) -> Sequence[str]:
    """End a run that is under way, or give up one that has died.

    The specguard process of the run is asked to end it, so that it can be resumed. Processes that survive are
    ended by id. If the gates' teardown was not reached, it runs now.

    Args:
        view: the run.

    Returns:
        The actions, as sentences.

    Raises:
        SpecguardError: the run has ended already, has another layout, or its process cannot be reached from
            here.
    """
    folder, done = RunFolder(view.path, view.root), []
    before = folder.read_manifest()
    if not view.running:
        message = f"{view.run_id} has ended already: {view.state}"
        raise SpecguardError(message, path=view.path, code="run-record")
    root = os.path.dirname(os.path.dirname(view.path))
    if view.pid and view.pid != os.getpid() and view.is_process_alive and is_worked_on(root, before):
        done.append(_end_process(psutil.Process(view.pid)))
    done += clean_up(folder)
    with closing(ItemLock(root, folder.read_manifest())):
        manifest = folder.read_manifest()
        if manifest.state in ("pending", "running"):
            manifest.state = "killed"
            manifest.reason = "it had died, and was given up" if view.stale else "it was stopped"
            manifest.ended_at = now_text()
            # A worker that cannot be seen from here becomes stale.
            manifest.token = folder.take()
            folder.write_layouts(manifest)
            folder.write_manifest(manifest, seal=True)
    return [*done, f"{view.run_id} is {manifest.state}"]


def clean_up(folder: RunFolder) -> Sequence[str]:
    """End the leftover processes of a run that nobody works on, and run its due teardowns.

    Args:
        folder: the run's folder.

    Returns:
        The actions, as sentences.
    """
    done = [f"ended {one}" for one in end_survivors(folder.run_id)]
    if not is_up(folder):
        return done
    try:
        if folder.read_manifest().item.kind == GATES:
            # Reported only once: no record shows which later run of gates has torn it down.
            folder.remove(STATE)
            return [*done, "what its gates set up may be up still: `specguard run gates` takes it down"]
        run = reopen(RunOptions.recorded(folder, os.environ), folder)
    except SpecguardError as error:
        return [*done, f"what its gates set up may be up still: {error.message}"]
    with closing(run):
        if place_exists(run.manifest.place, folder.run_id):
            open_place(run)
        done += take_down(run)
        if run.manifest.ended_at:
            run.save(seal=True)
    return done


def _end_process(process: psutil.Process) -> str:
    """End the specguard process of a run, which ends its own child processes."""
    send_signal([process], signal.SIGTERM)
    # It has to end its own commands, and to record that.
    _, alive = psutil.wait_procs([process], timeout=3 * GRACE)
    if not alive:
        return f"process {process.pid} ended"
    send_signal(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=GRACE)
    return f"process {process.pid} did not end by itself, and was ended"


def find_leftovers(store: RunStore, repository: Repository, only: Collection[str] = ()) -> Iterator[Leftover]:
    """Yield the leftovers that can be removed.

    Runs that are under way or have died keep everything, with one exception: if a run has died, its due
    teardowns are leftovers. `run stop` gives up such a run.

    Args:
        store: the runs.
        repository: the user's repository.
        only: the folders of the runs to consider; empty: all.
    """
    refs = {ref.name: ref.oid for ref in repository.branches(RUN_REFS)}
    runs = store.runs()
    for run in runs:
        if run.manifest is None or (only and run.path not in only):
            continue
        folder, label = RunFolder(run.path), f"{run.run_id} ({'dead' if run.stale else run.state})"
        if is_up(folder) and not (run.running and run.is_process_alive is not False):
            description = f"what the gates of {label} have set up, and nothing took down"
            yield Leftover(description, partial(clean_up, folder))
        if not run.running:
            yield from leftovers_of(run, run.manifest, label, repository, refs)
    known = {RUN_REFS + run.run_id for run in runs}
    for ref in refs:
        if ref.startswith(RUN_REFS) and ref not in known and not only:
            yield from leftovers_without_folder(ref, repository)


@contextmanager
def begin_without_agent(
    git: Git, policy: Policy, options: RunOptions, item: manifests.Item, base: manifests.Repository
) -> Iterator[Run]:
    """Begin a run without an agent, which is locked while the context is open.

    Args:
        git: reads the user's repository.
        policy: the policy that judges the run.
        options: the options of the run.
        item: the item's entry in the manifest.
        base: the commit that the run starts from.

    Raises:
        SpecguardError: the run cannot be recorded.
    """
    root = os.path.realpath(options.runs_folder(policy, git.repository))
    folder = RunFolder(os.path.join(root, item.folder, new_run_id()))
    manifest = new_manifest(policy, options, folder.run_id, item, base)
    run = Run(options, folder, manifest, git=git, policy=policy)
    write_gitignore(root, committed=bool(committed_folder(run.settings, git.repository, root)))
    with closing(ItemLock(root, manifest)):
        run.take_over()
        yield run


_PROVED: Final = ("ART006", "RUN001", "RUN002", "RUN007", "RUN009", "RUN010")
"""The rules that need a run of gates as proof."""


def carry_out_gates(options: RunOptions, say: Say) -> int:
    """Run the gates of the item that the branch names, else those of every kind, and the guard itself.

    Args:
        options: the options of the run; `dry_run` only lists the gates, and whether each would run.
        say: called with each line of progress.

    Returns:
        0 if all gates that apply passed, 3 if one failed or the time was over, 130 if the run was
        interrupted, 2 if git or the system failed.

    Raises:
        SpecguardError: the checkout, the policy or a commit is missing, or the document cannot be read.
    """
    repository = options.checkout()
    request = options.request(base=options.base, branch=options.branch, worktree=True)
    with Git(repository) as git, Needed():
        facts, notes = open_tree(git, request)
        change, policy = facts.change, facts.policy
        branch = if_known(lambda: change.branch.name, "")
        if not branch:
            notes.append("No branch is known: `specguard run gates --branch NAME` names it.")
        # The guard judges the branch that is named, whatever is checked out.
        named = ["--base", options.base] if options.base else []
        is_here = options.branch in ("", short_name(repository.branch or ""))
        named += [] if is_here else ["--branch", options.branch]
        options = options.with_values(branch=branch)
        item: WorkItem | None = None
        try:
            item = facts.get("work_item")
        except (MissingFact, NotApplicable) as absent:
            notes.append(f"No work item: {absent.reason}. The gates of every kind are meant.")
        plan = planned_gates(policy, item, commands=options.commands)
        if not any("specguard check" in " ".join(gate.run.split()) for gate in plan.gates):
            plan = plan.with_more([_guard_gate(named, branch=change.found.how not in ("head", "none"))])
        # The change starts from the merge base of `HEAD` and the base, or the item's branch that is named.
        head, against = resolve(git, "HEAD").oid, change.item_base or change.found
        base = next(iter(git.merge_bases(against.oid or head, head)), head)
        root, runs = repository.work_tree(), options.runs_folder(policy, repository)
        relative = os.path.relpath(os.path.realpath(runs), os.path.realpath(root))
        runs_prefix = b"" if relative.startswith("..") else os.fsencode(relative) + b"/"
        work_tree = GateTree(git, base, root, runs=runs_prefix)
        if options.dry_run:
            entries = work_tree.entries(work_tree.tree())
            chosen = [gate.select(entries) for gate in plan.gates]
            say(rendered("gates.txt", chosen=chosen, plan=plan, formatting=USERS_OWN).rstrip("\n"))
            return EXIT_PASSED
        check_kill(policy, plan.gates)
        name = f"{item.kind}-{item.id}" if item else ALL
        entry = manifests.Item.model_validate({**(item.summary() if item else {}), "kind": GATES, "id": name})
        pinned = manifests.Repository(base=against.name or "HEAD", base_oid=base)
        with begin_without_agent(git, policy, options, entry, pinned) as run:
            run.manifest.notes = notes
            run.gates = plan
            return _run_gates_only(run, work_tree, named, say)


def _run_gates_only(run: Run, work_tree: GateTree, named: Sequence[str], say: Say) -> int:
    """Run only gates, and record that; `named` are the options that name the base and the branch."""
    manifest, folder, git = run.manifest, run.folder, run.git
    run.say = say
    say(f"run {folder.run_id}")

    def work() -> None:
        from specguard.engine.done_claims import make_paper_test

        with run.step("gates"):
            if failures := GateRound(run, work_tree).carry_out():
                names = ", ".join(dict.fromkeys(one.name for one in failures))
                tail, at = "\n".join(run.feedback), failures[0].number
                longer = 2 * run.default_timeout if more_time(run) else run.options.command_timeout
                limits = {"--timeout": run.options.timeout, "--command-timeout": longer}
                given = "".join(f" {name} {limit}" for name, limit in limits.items() if limit)
                step = f"correct that, then: {run.again}{given}"
                raise RunEnded(f"what failed: {names}", help=step, tail=tail, command=at, code="gate-failed")
        manifest.tree = tree = work_tree.tree()
        manifest.content = content_id(Tree(git, tree), make_paper_test(run.policy))
        manifest.highlights = [run.redactor.redact(one) for one in work_tree.highlights(tree)]
        folder.write(PATCH_FILE, run.redactor.redact_bytes(work_tree.patch(tree)))

    flags = [word for one in run.options.commands for word in ("--command", run.redactor.redact(one))]
    run.again = shlex.join([*command_words("gates", "", run.options.run_root), *flags, *named])
    end = record_end(run, run_to_end(work, run.again))
    text = rendered("gates-end.txt", run=run, manifest=manifest, end=end, file=folder.file(MANIFEST))
    for line in text.rstrip("\n").split("\n"):
        say(line)
    return EXIT_PASSED if end is None else end.exit_code


def _guard_gate(named: Sequence[str], *, branch: bool) -> PlannedGate:
    """Return the guard as a gate: over the branch and the working tree, or without a base only the latter.

    The rules that need this very run as proof of a done item, a commit or an asset are ignored.
    """
    # Without -P, a folder of the working tree could replace this program.
    words = [sys.executable, "-P", "-m", "specguard", "check", "--worktree", f"--ignore={','.join(_PROVED)}"]
    words += ["--head=HEAD"] if branch else []
    return PlannedGate(name="specguard", run=shlex.join([*words, *named]), source="run")
