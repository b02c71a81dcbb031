"""`specguard status`, `brief` and `new`: show the state of the work, and begin an item or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import click

from specguard.artifacts.contracts import Contract
from specguard.artifacts.skeletons import Skeletons, locate, unfilled
from specguard.change.check_request import Request
from specguard.cli import options as opt
from specguard.cli.options import from_here, say, say_each, show, show_markdown, usage
from specguard.documents.data import data_kind, read_data
from specguard.engine.open_branches import open_branches
from specguard.engine.status import read_status
from specguard.engine.trusted_policy import open_policy
from specguard.errors import SpecguardError, unknown
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, path_text
from specguard.reporters.escape import json_text, visible
from specguard.reporters.file_writing import exists_error, write_files
from specguard.reporters.status import align_rows, branches_as_data, render, render_branches, required
from specguard.work.name_templates import PathTemplate


@opt.command("status", json=True)
@opt.policy
@opt.flag("--worktree", help="Look at the working tree, not HEAD.")
@opt.choice("--require", words=("complete",), help="End with 1 if something is missing, with 2 if unknown.")
@opt.text("--today", metavar="DATE", help="The UTC date, YYYY-MM-DD.")
@opt.flag("--branches", help="Show all open branches instead, and which of them touch the same.")
def command(require: str | None, branches: bool, output_format: str, **given: Any) -> int:
    """Show the current item, waves, stages, slices, tasks and agents, and what comes next.

    It reads HEAD, by the base's policy.
    """
    request = Request(environment=os.environ, all=True, **given)
    if branches:
        if require or request.worktree:
            raise usage("--branches does not go with --worktree or --require", "leave these out")
        from rich.console import Console

        with Console(stderr=True).status("comparing the open branches"):
            found = open_branches(request)
        show(output_format, branches_as_data(found), render_branches(found).splitlines())
        return EXIT_PASSED
    status = read_status(request, worktrees=require is not None)
    ends = f"\n{required(status)}" if require else ""
    click.echo(json_text(status) if output_format == "json" else f"{render(status)}{ends}".removesuffix("\n"))
    if not require:
        return EXIT_PASSED
    return {None: EXIT_NO_VERDICT, True: EXIT_PASSED, False: EXIT_FAILED}[status["complete"]]


@opt.command("brief")
@click.argument("kind", default="")
@click.argument("item", default="", metavar="[ID]")
@opt.file("--plan", help="Take the item from this file.")
@opt.start_branch
@opt.remote("The remote with the base.")
@opt.extra_gates
def brief_command(**given: Any) -> None:
    """Print what an agent of `specguard run KIND` would read for the current item, or for ID.

    It writes nothing. Leave KIND out if the policy has only one.
    """
    from specguard.cli.run import make_options
    from specguard.executor.steps import brief_of

    show_markdown(brief_of(make_options(**given)))


@opt.command("new")
@click.argument("artifact", default="")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@opt.folder("--in", "into", metavar="FOLDER", help="Write it in FOLDER.")
@opt.file("--path", "chosen", metavar="PATH", help="Write it to PATH.")
@opt.policy
@opt.flag("--print", "only_print", help="Print it, and write nothing.")
def new_command(
    artifact: str, values: tuple[str, ...], into: str, chosen: str, only_print: bool, **given: Any
) -> None:
    """Write the files that the contract of ARTIFACT asks for, with gaps for a person to fill.

    Without ARTIFACT they are listed. NAME=VALUE fills the path's placeholders: specguard new agent-final
    agent=3 objective=AUTH. Existing files stay.
    """
    policy = open_policy(Request(environment=os.environ, **given))
    contracts: Mapping[str, Contract] = policy.declared("contracts")
    if not artifact:
        rows = [(name, contract.path or contract.root) for name, contract in contracts.items()]
        say_each(align_rows(rows) or ["the policy describes no artifacts ([artifacts.<name>])"])
        return
    if artifact not in contracts:
        raise unknown("artifact", artifact, contracts, "describe it in the policy, as [artifacts.<name>]")
    top = opt.find_repository().work_tree()
    if chosen and into:
        raise usage("--in and --path cannot be given together", "--path has the folder in it")
    contract = contracts[artifact]
    if into and not contract.template.startswith("**/"):
        raise usage(f"{artifact} has its own folder: {contract.path or contract.root}", "leave --in out")
    where = _from_root(chosen, top) if chosen else None
    known = _values(values, contract, chosen)
    path, fields = locate(artifact, contract, known, _from_root(into or ".", top), where)
    skeletons = Skeletons(
        contracts,
        policy.declared("work_kinds"),
        schema=lambda name: _read_schema(top, name),
        plans=policy.declared("plan_kinds"),
        exists=lambda one: not only_print and os.path.lexists(os.path.join(os.fsencode(top), one)),
        now=datetime.now(UTC),
    )
    files = skeletons.files(artifact, path, fields)
    if not files:
        raise exists_error(path_text(path), "add to it what its contract asks for, which --print shows")
    if not only_print:
        write_files(top, {os.fsdecode(one): text for one, text in files.items()})
        say_each(from_here(path_text(one), top) for one in files)
        for name in filter(opt.find_repository().ignores, map(path_text, files)):
            say(f"note: git ignores {name}: add it with -f, or correct .gitignore", err=True)
    for one, text in files.items() if only_print else ():
        if len(files) > 1:
            click.echo(f"==> {visible(path_text(one))} <==")
        click.echo(text, nl=False)
    for name in dict.fromkeys(skeletons.unnamed):
        say(f"note: {name} must be there too, and its name is yours to choose", err=True)


def _values(words: Sequence[str], contract: Contract, chosen: str) -> dict[str, str]:
    """Return the values of placeholders by their lower-case names.

    `{date}` defaults to today's UTC date, unless a chosen path has its own.
    """
    values: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if not name or not value:
            raise unfilled(f"{word!r} is not a value of a placeholder", "write its name and value: agent=3")
        values[name.lower()] = value
    dated = ["date" in PathTemplate(text).names for text in (contract.template, *contract.members)]
    if any(dated) and not (chosen and dated[0]):
        values.setdefault("date", f"{datetime.now(UTC):%Y-%m-%d}")
    return values


def _from_root(name: str, top: str) -> bytes:
    """Return a path relative to the working directory as one relative to the working tree's root."""
    place = opt.from_root(name, top)
    if not place:
        help = "name a place within it"
        raise SpecguardError("it is outside the repository", path=name, help=help, code="outside-repository")
    return b"" if place == "." else os.fsencode(place)


def _read_schema(top: str, name: str) -> Any:
    """Return the parsed JSON Schema in a file; None if the file is missing or cannot be read."""
    with suppress(OSError, UnicodeDecodeError), open(os.path.join(top, name), encoding="utf-8") as stream:
        return read_data(stream.read(), data_kind(name) or "json").value
    return None
