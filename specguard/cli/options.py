"""Options that several commands share, and output functions."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import click

from specguard.change.repository import Repository
from specguard.errors import Reported, nearest
from specguard.errors import usage as usage
from specguard.reporters.escape import json_text, visible

Function = Callable[..., Any]
Option = Callable[[Function], Function]
Resolved = tuple[str | None, click.Command | None, list[str]]


FILE: Final = click.Path(readable=False)
"""A file name, which is not checked here: the code that reads the file reports its errors."""

DIRECTORY: Final = click.Path(file_okay=False, readable=False)
"""A folder's name."""


def flag(*names: str, help: str) -> Option:
    """Return an option without a value."""
    return click.option(*names, is_flag=True, help=help)


def _not_empty(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Reject an empty value, which an unset variable of a hook or job produces."""
    source = context.get_parameter_source(parameter.name or "")
    given = value if isinstance(value, tuple) else (value,)
    if source is click.core.ParameterSource.COMMANDLINE and not all(one.strip() for one in given):
        raise click.BadParameter("it is empty")
    return value


def text(*names: str, metavar: str, help: str, **more: Any) -> Option:
    """Return an option with a text; the default is empty unless the option is required."""
    if not more.get("required"):
        more.setdefault("default", "")
    return click.option(*names, metavar=metavar, help=help, **{"callback": _not_empty, **more})


def file(*names: str, help: str, metavar: str = "FILE", **more: Any) -> Option:
    """Return an option with a file name."""
    return text(*names, metavar=metavar, type=FILE, help=help, **more)


def folder(*names: str, help: str, metavar: str = "DIR", **more: Any) -> Option:
    """Return an option with a folder name."""
    return text(*names, metavar=metavar, type=DIRECTORY, help=help, **more)


def number(*names: str, metavar: str, help: str, **more: Any) -> Option:
    """Return an option with an integer of at least 1, such as a count or seconds."""
    return click.option(*names, metavar=metavar, type=click.IntRange(1), help=help, **more)


def repeated(*names: str, metavar: str, help: str, **more: Any) -> Option:
    """Return an option that can be given several times."""
    return text(*names, metavar=metavar, multiple=True, default=(), help=help, **more)


def choice(*names: str, words: Iterable[str], help: str, **more: Any) -> Option:
    """Return an option whose value is one of some words."""
    return click.option(*names, type=click.Choice(tuple(words)), help=help, **more)


def combine(*options: Option) -> Option:
    """Combine options into one decorator; a command's help lists them in this order."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


STARTED_IN: Final = "specguard.started-in"
"""The key in the context's meta under which the original working directory is kept."""


def _change_directory(context: click.Context, _parameter: click.Parameter, directory: str) -> None:
    """Change into the directory before other options are parsed, since all other paths are relative to it."""
    try:
        context.meta.setdefault(STARTED_IN, os.getcwd())
    except FileNotFoundError as error:
        raise usage("the current folder was deleted", "`cd` to one that exists") from error
    if not directory:
        return
    with Reported(f"-C {directory}", "name a folder of the repository that is meant", code="no-repository"):
        os.chdir(directory)
    # Git has a folder below the root there, for its hooks; next steps are not typed in this one either.
    os.environ["GIT_PREFIX"] = os.path.join(context.meta[STARTED_IN], os.environ.get("GIT_PREFIX", ""))
    # The named folder takes precedence over the repository that git names to a hook.
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        os.environ.pop(name, None)


in_directory = folder(
    "-C",
    "directory",
    expose_value=False,
    is_eager=True,
    callback=_change_directory,
    help="Run as if started in DIR.",
)
"""`-C DIR`, as in git, before a command or after it."""

output_format = choice("--output-format", words=("text", "json"), default="text", help="What is printed.")


class CommandInDirectory(click.Command):
    """A command with `-C` as its first option, and with `--output-format` as its last if it prints JSON."""

    first_options: Sequence[Option] = (in_directory,)

    def __init__(self, *names: Any, json: bool = False, **more: Any) -> None:
        super().__init__(*names, **more)
        own, self.params = self.params, []
        for option in self.first_options:
            option(self)
        self.params += own
        if json:
            output_format(self)


def nearest_word(word: str, ctx: click.Context, otherwise: str, commands: Iterable[str] = ()) -> str:
    """Return the next step for a word too many: the command or option of nearly that name."""
    options = (name for one in ctx.command.get_params(ctx) for name in one.opts if name.startswith("--"))
    return nearest(word, [*commands, *options], otherwise)


class GroupInDirectory(click.Group):
    """A group of such commands, which answers to a wrong name with the nearest one."""

    command_class = CommandInDirectory

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Resolved:
        """Find the command that the first word names, as click does.

        Raises:
            SpecguardError: the group lacks that command.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            name = f"{ctx.command_path} {args[0]}".removeprefix("specguard ")
            step = f"`{ctx.command_path} --help` lists the commands"
            step = nearest_word(args[0], ctx, step, self.list_commands(ctx))
            raise usage(f"there is no command {name!r}", step) from None


def command(name: str, **more: Any) -> Callable[[Function], CommandInDirectory]:
    """Return the decorator that makes a function such a command."""
    return click.command(name, cls=CommandInDirectory, **more)


run_root = folder("--run-root", help="Keep runs in DIR.")
base = text("--base", metavar="REF", help="Use the policy of REF.")
branch = text("--branch", metavar="NAME", help="The branch, if git cannot tell.")
today = text("--today", metavar="DATE", help="Judge as of this UTC date.")
yes = flag("--yes", help="Do not ask.")
extra_gates = repeated("--command", "commands", metavar="CMD", help="One more gate; repeatable.")
agent = text("--agent", metavar="NAME", help="Run this agent of the policy.")
start_branch = text("--base", metavar="BRANCH", help="Start from this branch.")


policy = combine(base, file("--authority", help="Use the policy in FILE."))
"""The options that say which policy to use."""

floor = combine(
    file("--floor", help="Hold the authority to this one: it may only tighten it."),
    text("--floor-sha256", metavar="HEX", help="Refuse a floor with another SHA-256."),
)


def remote(help: str) -> Option:
    """Return the option `--remote NAME`."""
    return text("--remote", metavar="NAME", default="origin", show_default=True, help=help)


what_is_judged = combine(
    text("--base", "--from-ref", "base", metavar="REF", help="Compare with REF."),
    text("--head", "--to-ref", "head", metavar="REF", help="Judge REF instead of HEAD."),
    text("--range", "range", metavar="A..B", help="Judge the commits of B that are not in A."),
    flag("--staged", help="Judge what is staged."),
    flag("--worktree", help="Judge the working tree, with untracked files."),
    flag("--push", help="Judge git's (or pre-commit's) pre-push input."),
    flag("--root", help="Judge HEAD as a first commit."),
    file("--patch", metavar="FILE|-", help="Judge HEAD with a patch applied."),
    file(
        "--commit-msg-file",
        "message_file",
        is_flag=False,
        flag_value="COMMIT_EDITMSG",
        help="Judge a commit message.",
    ),
    branch,
    text(
        "--pr-title", "title", metavar="TEXT", default=None, callback=None, help="The pull request's title."
    ),
    file("--pr-body-file", "body_file", help="The pull request's body."),
    file("--pr-event", "event_file", help="The platform's event file."),
    file("--pr-reviews", "reviews_file", help="The platform's list of reviews."),
)
"""The options that name the change, its base and its pull request."""

approval = combine(
    repeated(
        "--path", "override_paths", metavar="PATH", type=FILE, help="Approve the findings of this file."
    ),
    text("--approved-by", metavar="WHO", help="The approver."),
    text("--reason", metavar="TEXT", help="Why."),
    text("--expires", metavar="DATE", help="The approval's last day (default: the policy's)."),
    text("--ticket", metavar="T", help="A link or ticket."),
    choice("--scope", words=("change", "paths"), help="What it is bound to (default: change)."),
)
"""The options that say who approves what, why and until when."""


def at_root() -> str:
    """Return what git needs before a path from the root: nothing if the user is in the root itself."""
    return "" if os.path.lexists(os.path.join(os.environ.get("GIT_PREFIX", ""), ".git")) else ":/"


def find_repository() -> Repository:
    """Return the repository of the working directory, or the one that `GIT_DIR` names.

    Raises:
        SpecguardError: there is none.
    """
    return Repository.locate("", os.environ)


def from_root(path: str, top: str) -> str:
    """Return a path relative to the working directory as one relative to the working tree's root.

    The result is empty if the path is outside of the working tree.
    """
    folder, name = os.path.split(path)
    found = os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(top))
    return "" if found == ".." or found.startswith("../") else found


def from_here(path: str, top: str) -> str:
    """Return a path from the working tree's root as one relative to the working directory, to be shown."""
    return os.path.relpath(os.path.join(top, path))


def say(line: str, *, err: bool = False) -> None:
    """Print a line after escaping characters that a terminal or job log would obey or not show."""
    click.echo(visible(line), err=err)


def say_each(lines: Iterable[str], *, err: bool = False) -> None:
    """Print each line as `say` does, as soon as it is there."""
    for line in lines:
        say(line, err=err)


def show(format_name: str, data: Any, lines: Iterable[str]) -> None:
    """Print data as JSON if that format is requested, otherwise print the lines."""
    if format_name == "json":
        click.echo(json_text(data))
    else:
        say_each(lines)


def show_markdown(page: str) -> None:
    """Print a Markdown page; on a terminal, render it with rich."""
    if not sys.stdout.isatty():
        click.echo(page, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(page))
