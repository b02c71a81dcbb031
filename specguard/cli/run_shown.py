"""A run as it goes: a live view on a terminal, lines elsewhere; or away from the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager

import click

from specguard.executor.report import outcome
from specguard.reporters.escape import visible
from specguard.reporters.status import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Final

    from rich.console import RenderableType

    from specguard.executor.run import Run
    from specguard.runs.folder import RunFolder
    from specguard.runs.model import Manifest

    Say = Callable[[str], None]

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
