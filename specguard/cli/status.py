"""`specguard status`, `specguard brief` and `specguard new`: where the work stands, and what begins it."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import click

from specguard.artifacts.skeletons import Skeletons, place
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli.docs import show_markdown
from specguard.cli.judge import wants_colour
from specguard.cli.options import DIRECTORY, FILE, complete_artifacts, in_directory
from specguard.documents.data import data_kind, read_data
from specguard.engine.policies import open_policy
from specguard.engine.status import standing
from specguard.errors import SpecguardError, nearest
from specguard.executor.brief import brief_of
from specguard.executor.run import RunOptions
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, path_text
from specguard.plans.shape import skeleton
from specguard.reporters.escape import json_text, visible
from specguard.reporters.status import render, required
from specguard.work.templates import PathTemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from specguard.artifacts.contracts import Contract
    from specguard.artifacts.skeletons import Blank


@click.command("status", short_help="Show where the work stands.")
@in_directory
@click.option("--base", metavar="REF", default="", help="Use the policy of REF.")
@click.option("--authority", metavar="FILE", type=FILE, default="", help="Use the policy in FILE.")
@click.option("--worktree", is_flag=True, help="Look at the working tree, not HEAD.")
@click.option("--wave", "waves", metavar="WAVE", multiple=True, help="Only this wave; repeatable.")
@click.option(
    "--require",
    type=click.Choice(("complete",)),
    help="End with 1 if something is missing, with 2 if unknown.",
)
@click.option("--today", metavar="DATE", default="", help="The UTC date, YYYY-MM-DD.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(
    directory: str,
    base: str,
    authority: str,
    worktree: bool,
    waves: Sequence[str],
    require: str | None,
    today: str,
    output_format: str,
) -> int:
    """Show the current item, waves, stages, slices, tasks and agents, and what comes next.

    It reads HEAD, by the base's policy.
    """
    request = Request(
        environment=os.environ,
        directory=directory,
        base=base,
        authority=authority,
        worktree=worktree,
        today=today,
        all=True,
    )
    status = standing(request, waves=waves, worktrees=require is not None)
    if output_format == "json":
        click.echo(json_text(status))
    else:
        click.echo(render(status, colour=wants_colour()), nl=False)
        if require:
            click.echo("")
            click.echo(required(status), nl=False)
    if not require:
        return EXIT_PASSED
    if status["complete"] is None:
        return EXIT_NO_VERDICT
    return EXIT_PASSED if status["complete"] else EXIT_FAILED


@click.command("brief", short_help="Print an agent's brief for an item.")
@click.argument("kind", default="")
@click.argument("item", default="", metavar="[ID]")
@in_directory
@click.option("--plan", metavar="FILE", type=FILE, default="", help="Take the item from this file.")
@click.option("--base", metavar="BRANCH", default="", help="Start from this branch.")
@click.option(
    "--remote", metavar="NAME", default="origin", show_default=True, help="The remote with the base."
)
@click.option("--command", "commands", metavar="CMD", multiple=True, help="One more gate; repeatable.")
def brief_command(
    kind: str, item: str, directory: str, plan: str, base: str, remote: str, commands: tuple[str, ...]
) -> None:
    """Print what an agent of `specguard run KIND` would read for the current item, or for ID.

    It writes nothing. Leave KIND out if the policy has only one.
    """
    options = RunOptions(
        environment=dict(os.environ),
        directory=directory,
        kind=kind,
        item=item,
        plan=plan,
        base=base,
        remote=remote,
        commands=commands,
    )
    show_markdown(brief_of(options))


@click.command("new", short_help="Write an artifact's files from its contract.")
@click.argument("artifact", default="", shell_complete=complete_artifacts)
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@in_directory
@click.option("--in", "folder", metavar="FOLDER", type=DIRECTORY, default="", help="Write it in FOLDER.")
@click.option("--path", "chosen", metavar="PATH", type=FILE, default="", help="Write it to PATH.")
@click.option("--base", metavar="REF", default="", help="Use the policy of REF.")
@click.option("--authority", metavar="FILE", type=FILE, default="", help="Use the policy in FILE.")
@click.option("--print", "only_print", is_flag=True, help="Print it, and write nothing.")
def new_command(
    artifact: str,
    values: tuple[str, ...],
    directory: str,
    folder: str,
    chosen: str,
    base: str,
    authority: str,
    only_print: bool,
) -> None:
    """Write the files that the contract of ARTIFACT asks for, with gaps for a person to fill.

    Without ARTIFACT they are listed. NAME=VALUE fills the path's placeholders: specguard new agent-final
    agent=3 objective=AUTH. Existing files stay.
    """
    policy = open_policy(Request(environment=os.environ, directory=directory, base=base, authority=authority))
    contracts: Mapping[str, Contract] = policy.declared("contracts")
    if not artifact:
        _list(contracts)
        return
    if artifact not in contracts:
        raise _unknown(artifact, contracts)
    top = Repository.locate(directory, os.environ).work_tree()
    if chosen and folder:
        raise SpecguardError(
            "--in and --path cannot be given together", help="--path has the folder in it", code="usage"
        )
    given = _values(values, contracts[artifact])
    path, fields = place(
        artifact,
        contracts[artifact],
        given,
        _from_top(folder or ".", top),
        _from_top(chosen, top) if chosen else None,
    )
    skeletons = Skeletons(
        contracts,
        policy.declared("work_kinds"),
        schema=lambda name: _schema(top, name),
        plan=lambda one: skeleton(policy.declared("plan_kinds"), one),
        exists=lambda one: os.path.lexists(os.path.join(os.fsencode(top), one)),
        now=datetime.now(UTC),
    )
    files = skeletons.files(artifact, path, fields)
    if not files:
        raise _taken(path)
    if only_print:
        _print(files)
    else:
        for file in files:
            _write(top, file)
            click.echo(visible(path_text(file.path)))
    for name in skeletons.left:
        click.echo(f"note: {visible(name)} must be there too, and its name is yours to choose", err=True)


def _taken(path: bytes) -> SpecguardError:
    return SpecguardError(
        "it is there already, and is never overwritten",
        path=path_text(path),
        help="add to it what its contract asks for, which `--print --path` with another name shows",
        code="never-overwritten",
    )


def _list(contracts: Mapping[str, Contract]) -> None:
    if not contracts:
        click.echo("the policy describes no artifacts ([artifacts.<name>])")
    width = max(map(len, contracts), default=0)
    for name, contract in contracts.items():
        click.echo(visible(f"{name:{width}}  {contract.path or contract.root}"))


def _unknown(artifact: str, contracts: Mapping[str, Contract]) -> SpecguardError:
    help = nearest(artifact, contracts) or "describe it in the policy, as [artifacts.<name>]"
    return SpecguardError(f"there is no artifact {artifact!r}", help=help, code="unknown-name")


def _values(words: Sequence[str], contract: Contract) -> dict[str, str]:
    """The values of placeholders, by name in small letters; a `{date}` that is not given is today's."""
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or not value:
            raise SpecguardError(
                f"{word!r} is no value of a placeholder",
                help="write its name and its value: agent=3",
                code="unfilled-template",
            )
        given[name.lower()] = value
    texts = [contract.path or contract.root, *contract.members]
    if any("date" in PathTemplate(text).names for text in texts):
        given.setdefault("date", f"{datetime.now(UTC):%Y-%m-%d}")
    return given


def _from_top(name: str, top: str) -> bytes:
    """A path that is given from the working directory, from the root of the working tree."""
    place = os.path.relpath(os.path.join(os.path.realpath("."), name), os.path.realpath(top))
    if place == ".." or place.startswith("../"):
        raise SpecguardError(
            "it is outside of the repository",
            path=name,
            help="name a place within it",
            code="outside-repository",
        )
    return b"" if place == "." else os.fsencode(place)


def _schema(top: str, name: str) -> Any:
    """The value of a JSON Schema; None where it is not there or cannot be read."""
    try:
        with open(os.path.join(top, name), encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return None
    return read_data(text, data_kind(name) or "json").value


def _print(files: Sequence[Blank]) -> None:
    for file in files:
        if len(files) > 1:
            click.echo(f"==> {visible(path_text(file.path))} <==")
        click.echo(file.text, nl=False)


def _write(top: str, file: Blank) -> None:
    """Write a file that is not there yet, and the folders it is in; a link may lead out of neither."""
    root = os.path.realpath(os.fsencode(top))
    place = os.path.join(root, file.path)
    folder = os.path.dirname(place)
    real = os.path.realpath(folder)
    if real != root and not real.startswith(root + b"/"):
        raise SpecguardError(
            "its folder is a link that leads out of the repository",
            path=path_text(file.path),
            help="write it to another folder with --in or --path",
            code="outside-repository",
        )
    try:
        os.makedirs(folder, exist_ok=True)
        with open(place, "x", encoding="utf-8") as stream:
            stream.write(file.text)
    except FileExistsError:
        raise _taken(file.path) from None
    except OSError as error:
        raise SpecguardError(
            f"it cannot be written: {error.strerror}",
            path=path_text(file.path),
            help="`--print` writes it to standard output",
            code="unwritable-file",
        ) from error
