"""`specguard run`: let an agent work on one item, and show, stop, clean up and count runs."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from typing import Any, Final

import click

from specguard.authority.settings import LEAST_LIKENESS
from specguard.change.check_request import Request
from specguard.change.repository import Repository
from specguard.cli import options as opt
from specguard.cli.options import say, say_each, show, show_markdown, usage
from specguard.engine.trusted_policy import open_policy
from specguard.errors import SpecguardError
from specguard.executor.preflight import prepare
from specguard.executor.report import REPORT, RunReport, outcome
from specguard.executor.report import metrics as run_metrics
from specguard.executor.run import Run, RunOptions, Say, open_store
from specguard.executor.run_control import carry_out, carry_out_gates, find_leftovers
from specguard.executor.run_control import resume as resume_run
from specguard.executor.run_control import stop as stop_run
from specguard.executor.start_point import ensure_repository
from specguard.executor.steps import STEPS, plan_of, plan_text, read_plan
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, counted
from specguard.reporters.escape import json_text, readable_markdown, text_lines, visible, visible_lines
from specguard.reporters.status import as_data, cells, describe, duration, table
from specguard.runs.files import command_words
from specguard.runs.manifests import JUDGING_KINDS, Manifest, RunFolder
from specguard.runs.store import RunStore, RunView, find_moves, move_run

_PAUSE: Final = 1.0


class _RunCommand(opt.CommandInDirectory):
    first_options = (opt.in_directory, opt.run_root)


class _RunGroup(click.Group):
    """A click group whose first word may also be a kind of work item."""

    command_class = _RunCommand

    def resolve_command(self, ctx: click.Context, args: list[str]) -> opt.Resolved:  # noqa: ARG002
        if args[0] in self.commands:
            return args[0], self.commands[args[0]], args[1:]
        near = get_close_matches(args[0], self.commands, 1, LEAST_LIKENESS)
        if near and not _is_kind(args[0]):
            step = f"did you mean {near[0]!r}? Or for a kind of work items: specguard run item {args[0]}"
            raise usage(f"there is no command 'run {args[0]}'", step)
        return "item", self.commands["item"], args


def _is_kind(name: str) -> bool:
    """Return True if the policy here describes a kind of work items of this name."""
    try:
        return name in open_policy(Request(environment=os.environ)).declared("work_kinds")
    except SpecguardError:
        return False


@click.command("run", cls=_RunGroup)
def command() -> None:
    """Let an agent work on one item of a KIND, from its pointer to its pull request.

    `specguard run phase -- codex exec -` runs the command on the current phase: see
    `specguard run item --help`.

    Exit codes: 0 done, 1 rules failed, 2 no start or verdict, 3 agent, gate or budget failed, 4 agent
    stopped, 130 interrupted.
    """


def _show_runs(runs: Sequence[RunView], form: str, empty_text: str, lines: int | None = None) -> None:
    """Print runs as JSON, as a table, or, with `lines`, in full with the end of each log."""
    if form == "json":
        click.echo(json_text(as_data(runs, lines=lines)))
    elif not runs:
        click.echo(empty_text, err=True)
    else:
        click.echo(table(runs) if lines is None else "\n\n".join(describe(one, lines=lines) for one in runs))


@command.command("list", short_help="List the runs.", json=True)
def list_(run_root: str, output_format: str) -> None:
    """List all runs, newest last, also old and broken ones."""
    _show_runs(open_store(run_root).runs(), output_format, "there are no runs")


@command.command("status", short_help="Show a run's state, or all that are under way.", json=True)
@click.argument("run", default="")
@opt.flag("--watch", help="Follow it until it ends.")
def status(run: str, run_root: str, watch: bool, output_format: str) -> None:
    """Show the state of RUN, or else the active runs or the last one.

    RUN is an id or its beginning. With --watch, JSON has one line per change.
    """
    store = open_store(run_root)
    runs = store.select(run)
    if watch:
        _watch(store, runs, output_format)
    else:
        whole = output_format == "text" and len(runs) == 1
        _show_runs(runs, output_format, "there are no runs", 5 if whole else None)


@command.command("doctor", short_help="Say what is wrong with runs.", json=True)
@click.argument("run", default="")
def doctor(run: str, run_root: str, output_format: str) -> int:
    """Show whether RUN lives, its heartbeat, the end of its log, and what resumes it.

    Without RUN, look at all active or unreadable runs. It ends with 1 if one died or cannot be read.
    """
    store = open_store(run_root)
    runs = [store.find(run)] if run else [one for one in store.runs() if one.running or one.problem]
    _show_runs(runs, output_format, "no run is under way, and all records can be read", 20)
    return EXIT_FAILED if any(one.stale or one.problem for one in runs) else EXIT_PASSED


@command.command("report", short_help="Show a run's report.")
@click.argument("run", default="")
def report(run: str, run_root: str) -> None:
    """Show the report of RUN, or of the last run."""
    store = open_store(run_root)
    found = store.find(run) if run else store.latest()
    folder = RunFolder(found.path, found.root)
    try:
        text = folder.read(REPORT).decode("utf-8", "backslashreplace")
    except OSError:
        text = RunReport(folder.read_manifest(), folder).text()
    show_markdown(visible_lines(text if sys.stdout.isatty() else readable_markdown(text)))


def _watch(store: RunStore, runs: Sequence[RunView], form: str) -> None:
    """Print the state of runs after each change, until all have ended or died."""
    before: dict[str, object] = {}
    while True:
        for run in runs:
            now = {name: run.data[name] for name in ("state", "step", "attempts", "alive", "reason")}
            if before.get(run.path) != now:
                before[run.path] = now
                click.echo(json_text(run.data, indent=None) if form == "json" else "  ".join(cells(run)))
        sys.stdout.flush()
        if not any(run.alive for run in runs):
            return
        time.sleep(_PAUSE)
        runs = [store.view(run.path) for run in runs]


@command.command("stop", short_help="End a run, and what it has started.")
@click.argument("run")
def stop(run: str, run_root: str) -> None:
    """Stop RUN and its own processes. You can resume it.

    A dead run is given up, which frees its item. What its gates set up is taken down.
    """
    say_each(stop_run(open_store(run_root).find(run)))


@command.command("clean", short_help="Remove what ended runs have left.")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@opt.yes
@opt.flag("--dry-run", help="List them, and remove nothing.")
def clean(runs: tuple[str, ...], run_root: str, yes: bool, dry_run: bool) -> int:
    """Remove the places of ended runs, the refs of their bases, and their merged branches here.

    What gates of killed runs set up is taken down first. The runs' folders stay; a resumed run begins
    anew.
    """
    store = open_store(run_root)
    search = partial(find_leftovers, store, opt.find_repository(), [store.find(one).path for one in runs])
    found = [one.description for one in search()]
    say_each(found)
    if not found:
        click.echo("nothing is left of ended runs", err=True)
    if dry_run or not found:
        return EXIT_PASSED
    question = f"Remove {counted(len(found), 'thing')}?"
    if not yes and not confirm(question, [*command_words("clean", "", run_root), *runs]):
        return EXIT_FAILED
    # A run that was resumed meanwhile keeps everything.
    left = [one for one in search() if one.description in found]
    say_each(line for one in left for line in one.remove() or ())
    click.echo(f"{counted(len(left), 'thing')} removed", err=True)
    return EXIT_PASSED


def confirm(question: str, words: Sequence[str]) -> bool:
    """Ask a yes-or-no question on the terminal; return True for yes.

    Args:
        question: the question.
        words: the command that asks; with `--yes` it does not.

    Raises:
        SpecguardError: stdin ends without an answer, and is not a terminal.
    """
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise SpecguardError("nobody is there to ask", help=shlex.join([*words, "--yes"])) from None


@command.command("gates", short_help="Run the gates, with no agent and no commit.")
@opt.base
@opt.branch
@opt.extra_gates
@opt.number("--timeout", metavar="SECONDS", help="For all gates.")
@opt.number("--command-timeout", metavar="SECONDS", help="Each command's default.")
@opt.flag("--dry-run", help="List the gates, and run none.")
def gates(**words: Any) -> int:
    """Run the gates of the branch's item, or else of every kind, and the guard itself.

    They run in your working tree, without formatters. Exit codes: 0 all passed, 3 one failed.
    """
    return carry_out_gates(make_options(**words), say=lambda line: click.echo(line))


@command.command("metrics", short_help="Count runs, and how much of what is done they show.", json=True)
@click.option(
    "--fail-under-coverage",
    "least",
    metavar="PERCENT",
    type=click.IntRange(0, 100),
    help="End with 1 if runs show fewer of the done items, with 2 if none is done.",
)
def metrics(run_root: str, least: int | None, output_format: str) -> int:
    """Count runs, their times and results, their gates, and how often agents corrected themselves.

    Reviewer coverage is the share of done items in the base that a run shows.
    """
    data = run_metrics(open_store(run_root), os.environ)
    show(output_format, data, text_lines("metrics.txt", **data, duration=duration))
    percent = data["coverage"]["percent"]
    if least is not None and percent is None:
        return EXIT_NO_VERDICT
    return EXIT_FAILED if least is not None and percent < least else EXIT_PASSED


@command.command("migrate", short_help="Move run folders of an older layout.")
@opt.yes
@opt.flag("--dry-run", help="List the moves, and make none.")
def migrate(run_root: str, yes: bool, dry_run: bool) -> int:
    """Move `local-<tool>/<run-id>/` to `<id>/<tool>/<run-id>/`, and leave links at the old paths.

    It lists all moves first, and ends with 1 if one is not possible.
    """
    store = open_store(run_root)
    found = find_moves(store)
    possible = [move for move in found if not move.problem]
    for move in found:
        say(f"{move.old} -> {move.new}" if move.new else f"{move.old} stays: {move.problem}")
    if not found:
        click.echo("no run folder has an older layout", err=True)
    result = EXIT_PASSED if len(possible) == len(found) else EXIT_FAILED
    if dry_run or not possible:
        return result
    folders = counted(len(possible), "folder")
    if not yes and not confirm(f"Move {folders}?", command_words("migrate", "", run_root)):
        return EXIT_FAILED
    for move in possible:
        move_run(store, move)
    click.echo(f"{folders} moved", err=True)
    return result


class TrailingCommand(_RunCommand):
    """A click command whose arguments after `--` are another command, its parameter `command`."""

    about_trailing = ": an agent's command goes behind `--`"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments before `--`, and keep those after it as `command`."""
        at = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:at])
        ctx.params["command"] = tuple(args[at + 1 :])
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Add the command after `--` to the usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


_until_option = opt.choice("--until", words=STEPS, help="Stop after this step.")
_agent_options = opt.combine(
    opt.agent,
    _until_option,
    opt.flag("--dry-run", help="Print the steps, and touch nothing."),
    opt.number("--max-attempts", metavar="N", help="The most rounds of the agent."),
    opt.start_branch,
    opt.remote("Fetch and push there."),
)
"""The options of every command that lets an agent work."""


@command.command("item", cls=TrailingCommand, short_help="Let an agent work on an item.")
@click.argument("kind")
@click.argument("items", nargs=-1, metavar="[ID]...")
@_agent_options
@opt.folder("--code-dir", "code_dir", help="The repository; names start from where you are.")
@opt.file("--plan", help="Take the item from this file.")
@opt.folder("--plan-dir", "plan_dir", help="The folder of the plan (default FILE: plan.json).")
@opt.flag("--detach", help="Print the run's id and continue in the background.")
@click.option("--announce", type=int, hidden=True)
@opt.number("--timeout", metavar="SECONDS", help="For the whole run.")
@opt.number("--command-timeout", metavar="SECONDS", help="Each command's default.")
@opt.extra_gates
@opt.text("--approval-policy", metavar="WORD", help="The agent's approval policy.")
@opt.text("--reuse-run", metavar="RUN", help="Use this run's folder again.")
@opt.flag("--compact", help="Keep only the ends of logs.")
@opt.number("--max-tasks", metavar="N", default=1, help="The number of items: always 1.")
@opt.file("--approved", default=None, help="Begin only what this JSON of --dry-run lists.")
@opt.flag("--ensure-git", help="Make a git repository if there is none.")
@opt.flag("--baseline-commit", help="Commit all files if there is no commit.")
@opt.choice("--output-format", words=("text", "json"), default="text", help="The form of --dry-run.")
def item(
    output_format: str,
    items: tuple[str, ...],
    detach: bool,
    announce: int | None,
    max_tasks: int,
    ensure_git: bool,
    baseline_commit: bool,
    **words: Any,
) -> int:
    """Let an agent work on one item of KIND, by default the current one, up to its pull request.

    The agent is --agent, or the command behind `--`. It reads the brief from standard input or `{brief}`, in
    a place of its own. Several IDs run one after the other, until one fails.
    """
    if announce is not None:
        # Processes that this one starts must not inherit the descriptor.
        os.set_inheritable(announce, False)
    if max_tasks > 1:
        raise usage("a run works on one task, and stops", "start another one for the next: --max-tasks 1")
    # Paths of plans are relative to the repository's root, so the repository is made first.
    if duplicate := next((one for one in items if items.count(one) > 1), ""):
        raise usage(f"{duplicate} is asked for twice", "name each item once")
    line = ""
    for line in ensure_repository(
        words["code_dir"], os.environ, make=ensure_git, commit=baseline_commit, base=words["base"],
        dry_run=words["dry_run"],
    ):  # fmt: skip
        print_progress(line)
    if line and words["dry_run"]:
        print_progress("the steps of the run are planned once that commit is there")
        return EXIT_PASSED
    options = [make_options(item=one, earlier=items[:at], **words) for at, one in enumerate(items or ("",))]
    if words["dry_run"]:
        return show_plan(options, output_format)
    if detach:
        return run_detached(sys.argv[1:])
    for at, one in enumerate(options):
        code = EXIT_NO_VERDICT
        try:
            code = start(one, announce if at == 0 else None)
        finally:
            if code and options[at + 1 :]:
                print_progress(f"not begun: {', '.join(later.item for later in options[at + 1 :])}")
        if code:
            return code
    return EXIT_PASSED


@command.command("resume", cls=TrailingCommand, short_help="Go on with a run that has ended early.")
@click.argument("run")
@opt.text("--agent", metavar="NAME", help="Use this agent instead.")
@_until_option
@opt.number("--timeout", metavar="SECONDS", help="For the whole run; never less.")
@opt.number("--command-timeout", metavar="SECONDS", help="Each command's default.")
@opt.number("--max-attempts", metavar="N", help="The most rounds in all; never less.")
def resume(run: str, run_root: str, **words: Any) -> int:
    """Continue RUN from its last step, with the same task and agent, or the command behind `--`.

    Everything is judged again.
    """
    found = open_store(run_root).find(run)
    folder = RunFolder(found.path, found.root)
    code = resume_run(RunOptions.recorded(folder, os.environ, **words), folder, say=print_progress)
    _report_end(folder)
    return code


def start(options: RunOptions, announce: int | None = None) -> int:
    """Begin a run and carry it out.

    Args:
        options: the options of the run.
        announce: a file descriptor to which the run's id is written once it has begun; None without --detach.

    Returns:
        The exit code.
    """
    run = prepare(options)
    if announce is None:
        print_progress(f"run {run.folder.run_id} in {run.folder.path}")
    else:
        detach_output(run.folder, announce)
    with show_progress(run) as say:
        code = carry_out(run, say=say)
    _report_end(run.folder)
    return code


def _report_end(folder: RunFolder) -> None:
    """Print how a run ended, which findings remain, and the next steps."""
    report = RunReport(folder.read_manifest(), folder)
    say_each(text_lines("end.txt", manifest=report.manifest, report=report))


def show_plan(options: Sequence[RunOptions], output_format: str = "text") -> int:
    """Print what all steps of the runs would do.

    Args:
        options: the options of each run.
        output_format: `text` or `json`.

    Returns:
        The exit code.
    """
    found = plan_of(options)
    click.echo(json_text(found) if output_format == "json" else visible_lines(plan_text(found)))
    return EXIT_PASSED


def make_options(
    *, plan: str = "", plan_dir: str = "", code_dir: str = "", approved: str | None = None, **words: Any
) -> RunOptions:
    """Return the options of a run, from those of the command line that are set.

    The plan's path is taken from the repository's root; one that exists, or any from outside of the
    repository, is named from where you are.
    """
    options = {name: value for name, value in words.items() if value is not None}
    if approved is not None:
        options["approved"] = read_plan(approved)
    path = os.path.normpath(os.path.join(plan_dir, plan or "plan.json")) if plan or plan_dir else ""
    if path:
        top = Repository.locate(code_dir, os.environ).work_tree()
        is_here = os.path.exists(path) or path.startswith(("/", "../")) or not opt.from_root(".", top)
        path = (is_here and opt.from_root(os.path.realpath(path), top)) or path
    return RunOptions(environment=dict(os.environ), plan=path, directory=code_dir, **options)


_paper_options = opt.combine(
    click.argument("name", default="", metavar="[NAME]"),
    _agent_options,
    opt.file("--plan", help="The plan's file or folder."),
    opt.number("--timeout-minutes", metavar="N", help="For the whole run."),
)


@command.command("research", cls=TrailingCommand, short_help="Let an agent write the research for a plan.")
@opt.text("--goal", metavar="TEXT", required=True, help="What to find out.")
@_paper_options
def research(**words: Any) -> int:
    """Let an agent write the research for the plan NAME, under the contract [artifacts.research].

    Only that document may change. It is pushed on the branch of the plan's papers. If [models] lists models,
    the command must name one.
    """
    return _write_paper("research", **words)


@command.command("review", cls=TrailingCommand, short_help="Let an agent review the options of a plan.")
@opt.text("--goal", metavar="TEXT", help="What to look at.")
@_paper_options
def review(**words: Any) -> int:
    """Let an agent review the options of the plan NAME, as `specguard run research` does research.

    The contract is [artifacts.plan-review].
    """
    return _write_paper("review", **words)


def _write_paper(kind: str, *, name: str, timeout_minutes: int | None, **words: Any) -> int:
    options = make_options(kind=kind, item=name, timeout=(timeout_minutes or 0) * 60, **words)
    return show_plan([options]) if options.dry_run else start(options)


OUTPUT: Final = "control/output.log"
"""The file in a run's folder that gets the output of a detached run."""

_MARKS: Final = {"done": "[green]done[/]", "failed": "[red]failed[/]", "running": "[yellow]...[/]"}
_LONGEST_ID: Final = 256


def print_progress(text: str) -> None:
    """Print a progress line on stderr; a closed pipe (`| head`) or terminal does not end the run."""
    try:
        click.echo(visible(text), err=True)
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)


@contextmanager
def show_progress(run: Run) -> Iterator[Say]:
    """Show the progress of a run while it is carried out.

    Yields:
        A function that prints the progress of a step; it prints nothing while a terminal shows a table.
    """
    if not sys.stderr.isatty():
        yield print_progress
        return
    from rich.console import Console
    from rich.live import Live

    with Live(get_renderable=lambda: _draw(run.manifest), console=Console(stderr=True), refresh_per_second=4):
        yield lambda _: None


def run_detached(words: Sequence[str]) -> int:
    """Start the same command in a new session, and print its run's id.

    Args:
        words: the command line, with `--detach` in it.

    Returns:
        0 once the run has begun; otherwise the exit code of the command, whose errors are printed.
    """
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    at = words.index("--detach")
    argv = [sys.executable, "-P", "-m", "specguard", *words[:at], f"--announce={writer}", *words[at + 1 :]]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
            pass_fds=[writer],
            # The path of `-C` is relative to that directory.
            cwd=click.get_current_context().meta.get(opt.STARTED_IN),
        )
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            # Read one line only: child processes of the command may keep the pipe open.
            run_id = pipe.readline(_LONGEST_ID).decode("ascii", "replace").strip()
        if run_id:
            click.echo(visible(run_id))
            # The process continues on its own, so Popen must not warn that nobody waited for it.
            process.returncode = 0
            return 0
        code = process.wait()
        errors.seek(0)
        sys.stderr.write(errors.read().decode("utf-8", "backslashreplace"))
    return code


def detach_output(folder: RunFolder, announce: int) -> None:
    """Announce that the run has begun, and redirect stdout and stderr into its folder.

    Args:
        folder: the run's folder.
        announce: the file descriptor to which its id is written.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    output = os.open(folder.file(OUTPUT), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    os.write(announce, f"{folder.run_id}\n".encode("ascii"))
    os.close(announce)


def _draw(manifest: Manifest) -> Any:
    """Return the steps of a run, and the gates of its last round with their times, for rich to draw."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    steps = Table("step", "round", "", "", box=None, header_style="bold")
    for step in list(manifest.steps):
        mark = _MARKS.get(step.state, step.state)
        steps.add_row(step.name, str(step.attempt), mark, Text(visible(step.detail)))
    gates = Table("gate", "result", "took", box=None, header_style="bold")
    last = [one for one in list(manifest.commands) if one.kind in JUDGING_KINDS]
    for command in [one for one in last if one.attempt == last[-1].attempt]:
        how = "running" if command.ended_at is None else outcome(command)
        colour = "yellow" if command.ended_at is None else "green" if command.succeeded else "red"
        gates.add_row(Text(visible(command.command)), Text(how, style=colour), duration(command.duration))
    head = Text(visible(f"run {manifest.run_id}: {manifest.item.kind} {manifest.item.id}"), style="bold")
    return Group(head, steps, gates) if gates.row_count else Group(head, steps)
