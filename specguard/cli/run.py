"""`specguard run`: let an agent work on one item, and look after runs."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from specguard.change.repository import Repository
from specguard.cli.options import DIRECTORY, FILE, in_directory
from specguard.cli.runs import in_root, open_store
from specguard.errors import SpecguardError
from specguard.executor.report import (
    last_output,
    opening,
    outcome,
    still_failing,
    suggestion,
    taking_up,
    work_left,
)
from specguard.executor.run import STEPS, RunOptions, asked_before
from specguard.executor.start.base import ensure_repository
from specguard.model import EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.escape import json_text, legible, visible
from specguard.reporters.status import span
from specguard.runs.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Final

    from rich.console import RenderableType

    from specguard.executor.run import Run
    from specguard.runs.model import Manifest

    Say = Callable[[str], None]


_SUBCOMMANDS: Final = {
    "list": ("runs", "List the runs."),
    "status": ("runs", "Show how a run stands, or all that are under way."),
    "doctor": ("runs", "Say what is wrong with runs."),
    "report": ("runs", "Show a run's report."),
    "resume": ("run", "Go on with a run that has ended early."),
    "stop": ("runs", "End a run, and what it has started."),
    "clean": ("runs", "Remove what ended runs have left."),
    "gates": ("runs", "Run the gates, with no agent and no commit."),
    "metrics": ("runs", "Count runs, and how much of what is done they show."),
    "migrate": ("runs", "Move run folders of an older layout."),
    "research": ("run", "Let an agent write the research for a plan."),
    "review": ("run", "Let an agent review the options of a plan."),
    "item": ("run", "Let an agent work on an item, also of a kind named like a command here."),
}
"""Each command with its module in this package and its line in the list."""


class _Run(click.Group):
    """A group whose first word may also be a kind of work item."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _SUBCOMMANDS:
            return None
        module = importlib.import_module(f"specguard.cli.{_SUBCOMMANDS[cmd_name][0]}")
        command = getattr(module, "list_" if cmd_name == "list" else cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - a contract of this package
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in _SUBCOMMANDS:
            return name, self.get_command(ctx, name), args[1:]
        return "item", self.get_command(ctx, "item"), args

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _SUBCOMMANDS.items()])


@click.command("run", cls=_Run, short_help="Let an agent work on one item, and look after runs.")
def command() -> None:
    """Let an agent work on one item of a KIND, from its pointer to its pull request.

    `specguard run phase -- codex exec -` runs the command on the current phase: see
    `specguard run item --help`.

    Exit codes: 0 done, 1 rules failed, 2 no start or verdict, 3 agent, gate or budget failed, 4 agent
    stopped, 130 interrupted.
    """


WORDS: Final = "specguard.run.words"


class CommandBehind(click.Command):
    """A command of which all behind `--` is another command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what stands behind `--` apart."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[WORDS] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show it where the command's usage is shown."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


@click.command("item", cls=CommandBehind, short_help="Let an agent work on an item.")
@click.argument("kind")
@click.argument("items", nargs=-1, metavar="[ID]...")
@in_directory
@click.option(
    "--code-dir",
    "code_dir",
    metavar="DIR",
    type=DIRECTORY,
    default="",
    help="The repository; names start from where you are.",
)
@click.option("--agent", metavar="NAME", default="", help="Run this agent of the policy.")
@click.option("--plan", metavar="FILE", type=FILE, default="", help="Take the item from this file.")
@click.option(
    "--plan-dir",
    "plan_dir",
    metavar="DIR",
    type=DIRECTORY,
    default="",
    help="The folder of the plan (default FILE: plan.json).",
)
@click.option("--until", type=click.Choice(STEPS), help="Stop after this step.")
@click.option("--dry-run", is_flag=True, help="Print the steps, and touch nothing.")
@click.option("--detach", is_flag=True, help="Print the run's id and continue in the background.")
@click.option("--announce", type=int, default=None, hidden=True)
@click.option("--timeout", metavar="SECONDS", type=click.IntRange(1), help="For the whole run.")
@click.option("--command-timeout", metavar="SECONDS", type=click.IntRange(1), help="For each command.")
@click.option("--command", "commands", metavar="CMD", multiple=True, help="One more gate; repeatable.")
@click.option("--approval-policy", metavar="WORD", default="", help="The agent's approval policy.")
@click.option("--run-root", metavar="DIR", type=DIRECTORY, default="", help="Keep runs in DIR.")
@click.option("--reuse-run", metavar="RUN", default="", help="Use this run's folder again.")
@click.option("--compact", is_flag=True, help="Keep only the ends of logs.")
@click.option("--max-attempts", metavar="N", type=click.IntRange(1), help="The most rounds of the agent.")
@click.option(
    "--max-tasks", metavar="N", type=click.IntRange(1), default=1, help="The number of items: always 1."
)
@click.option("--ensure-git", is_flag=True, help="Make a git repository if there is none.")
@click.option("--baseline-commit", is_flag=True, help="Commit all files if there is no commit.")
@click.option("--base", metavar="BRANCH", default="", help="Start from this branch.")
@click.option("--remote", metavar="NAME", default="origin", show_default=True, help="Fetch and push there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--output-format", type=click.Choice(("text", "json")), default="text", help="The form of --dry-run."
)
@click.pass_context
def item(
    context: click.Context,
    /,
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
        # It is this process's alone, and of nothing that it starts.
        os.set_inheritable(announce, False)
    if max_tasks > 1:
        raise SpecguardError(
            "a run works on one task, and stops",
            help="start another one for the next: --max-tasks 1",
            code="usage",
        )
    command = context.meta.get(WORDS, ())
    # A plan is looked for from the root of the repository, so that is made first.
    made = False
    for done in ensure_repository(
        words["code_dir"] or words["directory"],
        os.environ,
        make=ensure_git,
        commit=baseline_commit,
        base=words["base"],
        only_say=words["dry_run"],
    ):
        made = True
        click.echo(visible(done), err=True)
    if made and words["dry_run"]:
        # Where a run begins is read from that commit.
        say_plainly("the steps of the run are planned once that commit is there")
        return EXIT_PASSED
    asked = [
        _options(one, command, earlier=items[:number], **words) for number, one in enumerate(items or ("",))
    ]
    if twice := next((one for one in items if items.count(one) > 1), ""):
        raise SpecguardError(f"{twice} is asked for twice", help="name each item once", code="usage")
    if words["dry_run"]:
        return show_plan(asked, output_format)
    if detach:
        return detached(sys.argv[1:])
    for number, one in enumerate(asked, 1):
        code = EXIT_NO_VERDICT
        try:
            code = start(one, announce if number == 1 else None)
        finally:
            if code and asked[number:]:
                say_plainly(f"not begun: {', '.join(later.item for later in asked[number:])}")
        if code:
            return code
    return EXIT_PASSED


@click.command("resume", cls=CommandBehind, short_help="Continue a run that ended early.")
@click.argument("run")
@in_directory
@in_root
@click.option("--agent", metavar="NAME", default="", help="Use this agent instead.")
@click.option("--until", type=click.Choice(STEPS), help="Stop after this step.")
@click.option("--timeout", metavar="SECONDS", type=click.IntRange(1), help="For the whole run; never less.")
@click.option(
    "--max-attempts", metavar="N", type=click.IntRange(1), help="The most rounds in all; never less."
)
@click.pass_context
def resume(context: click.Context, /, run: str, directory: str, run_root: str, **words: Any) -> int:
    """Continue RUN from its last step, with the same task and agent, or the command behind `--`.

    Everything is judged again.
    """
    from specguard.executor.lifecycle import resume as go_on

    found = open_store(directory, run_root).find(run)
    folder = RunFolder(found.path, found.root)
    command = tuple(context.meta.get(WORDS, ()))
    options = asked_before(folder, os.environ, directory=directory, command=command, **words)
    code = go_on(options, folder, say=say_plainly)
    _tell(folder)
    return code


def start(options: RunOptions, announce: int | None = None) -> int:
    """Begin a run, and carry it out.

    Args:
        options: what is asked for.
        announce: a file descriptor that the run's id is written to once it has begun.

    Returns:
        The exit code.
    """
    from specguard.executor.start.preflight import prepare
    from specguard.executor.steps import carry_out

    run = prepare(options)
    if announce is None:
        say_plainly(f"run {run.folder.run_id} in {run.folder.path}")
    else:
        leave_terminal(run.folder, announce)
    with shown(run) as say:
        code = carry_out(run, say=say)
    _tell(run.folder)
    return code


def _tell(folder: RunFolder) -> None:
    """Say how a run ended, what of it was not mended, and what comes next."""
    manifest = folder.read_manifest()
    click.echo(f"{manifest.state}: {visible(manifest.reason or manifest.run_id)}")
    if manifest.state != "succeeded":
        for line in still_failing(manifest, folder):
            click.echo(f"  {visible(line)}")
        if said := suggestion(folder):
            click.echo(f"  next: {visible(said)}")
        for line in last_output(manifest, folder).splitlines():
            click.echo(f"    {visible(line)}")
        for what, path in work_left(manifest, folder):
            click.echo(visible(f"{what}: {path}"))
    for note in manifest.notes:
        click.echo(f"note: {visible(note)}")
    request = manifest.pull_request
    if manifest.pushed and manifest.branch:
        click.echo(visible(taking_up(manifest)))
    if request is not None and request.url:
        click.echo(visible(request.url))
    elif request is not None and request.command:
        if manifest.repository.tip is not None:
            click.echo(visible(f"{opening(manifest)}:"))
        click.echo(visible(request.command))


def show_plan(asked: Sequence[RunOptions], output_format: str = "text") -> int:
    """Print what all steps of runs would do.

    Args:
        asked: what is asked for, a run each.
        output_format: `text` or `json`.

    Returns:
        The exit code.
    """
    from specguard.executor.start.dry_run import plan_of

    found = plan_of(asked)
    if found.jobs:
        click.echo(json_text(found.data) if output_format == "json" else legible(found.text).rstrip("\n"))
    if found.refused is not None:
        raise found.refused
    return EXIT_PASSED


def _options(
    item_id: str, command: Sequence[str], *, plan: str, plan_dir: str, code_dir: str, **words: Any
) -> RunOptions:
    """The words of the command line as a run takes them."""
    if code_dir:
        words["directory"] = code_dir
    given = {name: value for name, value in words.items() if value is not None}
    return RunOptions(
        environment=dict(os.environ),
        item=item_id,
        command=tuple(command),
        plan=_plan_file(plan, plan_dir, given.get("directory", "")),
        **given,
    )


def _plan_file(plan: str, plan_dir: str, directory: str) -> str:
    """A plan's path from the repository's root; one that is there is seen from where the caller is."""
    path = os.path.join(plan_dir, plan or "plan.json") if plan_dir else plan
    if not path or not os.path.exists(path):
        return path
    top = os.path.realpath(Repository.locate(directory, os.environ).work_tree())
    found = os.path.relpath(os.path.realpath(path), top)
    return path if found.startswith("..") else found


_SECONDS = 60


def _paper_options(function: Callable[..., int]) -> Callable[..., int]:
    """The options that both have."""
    for option in reversed(
        (
            click.argument("name", default="", metavar="[NAME]"),
            in_directory,
            click.option("--plan", metavar="FILE", type=FILE, default="", help="The plan's file or folder."),
            click.option("--timeout-minutes", metavar="N", type=click.IntRange(1), help="For the whole run."),
            click.option("--agent", metavar="NAME", default="", help="Run this agent of the policy."),
            click.option(
                "--max-attempts", metavar="N", type=click.IntRange(1), help="The most rounds of the agent."
            ),
            click.option("--dry-run", is_flag=True, help="Print the steps, and touch nothing."),
            click.option("--until", type=click.Choice(STEPS), help="Stop after this step."),
            click.option("--run-root", metavar="DIR", type=DIRECTORY, default="", help="Keep runs in DIR."),
            click.option("--base", metavar="BRANCH", default="", help="Start from this branch."),
            click.option(
                "--remote", metavar="NAME", default="origin", show_default=True, help="Fetch and push there."
            ),
            click.pass_context,
        )
    ):
        function = option(function)
    return function


@click.command("research", cls=CommandBehind, short_help="Let an agent write the research for a plan.")
@click.option("--goal", metavar="TEXT", required=True, help="What to find out.")
@_paper_options
def research(context: click.Context, /, **words: Any) -> int:
    """Let an agent write the research for the plan NAME, under the contract [artifacts.research].

    Only that document may change. It is pushed on the branch of the plan's papers. If [models] lists models,
    the command must name one.
    """
    return _run(context, "research", **words)


@click.command("review", cls=CommandBehind, short_help="Let an agent review the options of a plan.")
@click.option("--goal", metavar="TEXT", default="", help="What to look at.")
@_paper_options
def review(context: click.Context, /, **words: Any) -> int:
    """Let an agent review the options of the plan NAME, as `specguard run research` does research.

    The contract is [artifacts.plan-review].
    """
    return _run(context, "review", **words)


def _run(context: click.Context, kind: str, *, name: str, timeout_minutes: int | None, **words: Any) -> int:
    given = {key: value for key, value in words.items() if value is not None}
    options = RunOptions(
        environment=dict(os.environ),
        kind=kind,
        item=name,
        command=tuple(context.meta.get(WORDS, ())),
        timeout=(timeout_minutes or 0) * _SECONDS,
        **given,
    )
    return show_plan([options]) if options.dry_run else start(options)


OUTPUT: Final = "control/output.log"
"""What a run that was detached prints, in its folder."""

_MARKS: Final = {"done": "[green]done[/]", "failed": "[red]failed[/]", "running": "[yellow]...[/]"}
_JUDGED: Final = frozenset({"gate", "format", "teardown", "hook"})
_ANNOUNCED: Final = 256


def say_plainly(text: str) -> None:
    """Print a line of what is done; where its reader has gone (`| head`) the run is not to end for that."""
    try:
        click.echo(visible(text), err=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)


@contextmanager
def shown(run: Run) -> Iterator[Say]:
    """Show a run while it is carried out.

    Yields:
        What is told of each step.
    """
    if not sys.stderr.isatty():
        yield say_plainly
        return
    from rich.console import Console
    from rich.live import Live

    with Live(get_renderable=lambda: _view(run.manifest), console=Console(stderr=True), refresh_per_second=4):
        yield lambda _: None


def detached(words: Sequence[str]) -> int:
    """Start the same command in a session of its own, and print its run's id.

    Args:
        words: the command line, with `--detach` in it.

    Returns:
        0 once the run has begun; else the exit code of the command, whose errors are printed.
    """
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    at = words.index("--detach")
    command = [sys.executable, "-P", "-m", "specguard", *words[:at], f"--announce={writer}", *words[at + 1 :]]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
            pass_fds=[writer],
        )
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            # One line: what the command starts may have the pipe for longer.
            run_id = pipe.readline(_ANNOUNCED).decode("ascii", "replace").strip()
        if run_id:
            click.echo(visible(run_id))
            # It goes on by itself, and is nobody's to wait for here.
            process.returncode = 0
            return 0
        code = process.wait()
        errors.seek(0)
        sys.stderr.write(errors.read().decode("utf-8", "backslashreplace"))
    return code


def leave_terminal(folder: RunFolder, announce: int) -> None:
    """Tell whoever waits that the run has begun, and print into its folder from now on.

    Args:
        folder: the run's folder.
        announce: the file descriptor that its id is written to.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    os.makedirs(os.path.dirname(folder.file(OUTPUT)), exist_ok=True)
    output = os.open(folder.file(OUTPUT), flags, 0o644)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    os.write(announce, f"{folder.run_id}\n".encode("ascii"))
    os.close(announce)


def _view(manifest: Manifest) -> RenderableType:
    """The steps of a run with their times, and the gates of its last round."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    steps = Table("step", "round", "", "", box=None, header_style="bold")
    for step in list(manifest.steps):
        mark = _MARKS.get(step.state, step.state)
        steps.add_row(step.name, str(step.attempt), mark, Text(visible(step.detail)))
    gates = Table("gate", "result", "took", box=None, header_style="bold")
    last = [one for one in list(manifest.commands) if one.kind in _JUDGED]
    for command in [one for one in last if one.attempt == last[-1].attempt]:
        how = "running" if command.ended_at is None else outcome(command)
        colour = "yellow" if command.ended_at is None else "green" if command.succeeded else "red"
        gates.add_row(Text(visible(command.command)), Text(how, style=colour), span(command.duration))
    head = Text(visible(f"run {manifest.run_id}: {manifest.item.kind} {manifest.item.id}"), style="bold")
    return Group(head, steps, gates) if gates.row_count else Group(head, steps)
