"""Options that several commands have, what a shell may complete of them, and how a command prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from specguard.change.repository import Repository
from specguard.errors import SpecguardError
from specguard.errors import usage as usage
from specguard.reporters.escape import json_text, visible

Command = Callable[..., Any]
Option = Callable[[Command], Command]
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


FILE: Final = click.Path(readable=False)
"""A file's name, which is looked at no further here: what reads the file says what is wrong with it."""

DIRECTORY: Final = click.Path(file_okay=False, readable=False)
"""A folder's name."""


def flag(*names: str, help: str) -> Option:
    """An option without a value."""
    return click.option(*names, is_flag=True, help=help)


def text(*names: str, metavar: str, help: str, **more: Any) -> Option:
    """An option with a text, which is empty if it is not given and need not be."""
    if not more.get("required"):
        more.setdefault("default", "")
    return click.option(*names, metavar=metavar, help=help, **more)


def file(*names: str, help: str, metavar: str = "FILE", **more: Any) -> Option:
    """An option with a file's name."""
    return text(*names, metavar=metavar, type=FILE, help=help, **more)


def folder(*names: str, help: str, metavar: str = "DIR", **more: Any) -> Option:
    """An option with a folder's name."""
    return text(*names, metavar=metavar, type=DIRECTORY, help=help, **more)


def number(*names: str, metavar: str, help: str, **more: Any) -> Option:
    """An option with a number of things or seconds, of one at least."""
    return click.option(*names, metavar=metavar, type=click.IntRange(1), help=help, **more)


def repeated(*names: str, metavar: str, help: str, **more: Any) -> Option:
    """An option that can be given several times."""
    return click.option(*names, metavar=metavar, multiple=True, help=help, **more)


def chosen(*names: str, among: Iterable[str], help: str, **more: Any) -> Option:
    """An option with one of some words."""
    return click.option(*names, type=click.Choice(tuple(among)), help=help, **more)


def several(*options: Option) -> Option:
    """One decorator for options, which a command's help lists in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


STARTED_IN: Final = "specguard.started-in"
"""Where the command was started, in the meta of its context."""


def _enter(context: click.Context, _parameter: click.Parameter, directory: str) -> None:
    """Go there before anything else is read, so that every other name is seen from there."""
    if not directory:
        return
    context.meta.setdefault(STARTED_IN, os.getcwd())
    try:
        os.chdir(directory)
    except OSError as error:
        help = "name a folder of the repository that is meant"
        raise SpecguardError(f"-C {directory}: {error.strerror}", help=help, code="no-repository") from error
    # A folder that is named is the one that is meant, whatever git says of where a hook runs.
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        os.environ.pop(name, None)


in_directory = click.option(
    "-C",
    "directory",
    metavar="DIR",
    type=DIRECTORY,
    default="",
    expose_value=False,
    is_eager=True,
    callback=_enter,
    help="Run as if started in DIR.",
)
"""`-C DIR`, as git has it, before a command or behind it."""

in_root = folder("--run-root", help="Keep runs in DIR.")
base = text("--base", metavar="REF", help="Use the policy of REF.")
authority = file("--authority", help="Use the policy in FILE.")
output_format = chosen("--output-format", among=("text", "json"), default="text", help="What is printed.")
today = text("--today", metavar="DATE", help="Judge as of this UTC date.")
yes = flag("--yes", help="Do not ask.")
extra_gates = repeated("--command", "commands", metavar="CMD", help="One more gate; repeatable.")
agent = text("--agent", metavar="NAME", help="Run this agent of the policy.")
start_at = text("--base", metavar="BRANCH", help="Start from this branch.")


def _not_empty(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Refuse an empty value, as that of a variable which a job has not set."""
    given = context.get_parameter_source(parameter.name or "")
    if not value and given is click.core.ParameterSource.COMMANDLINE:
        raise click.BadParameter("it is empty")
    return value


floor = several(
    file("--floor", callback=_not_empty, help="Hold the authority to this one: it may only tighten it."),
    text("--floor-sha256", metavar="HEX", callback=_not_empty, help="Refuse a floor with another SHA-256."),
)


def remote(help: str) -> Option:
    """`--remote NAME`."""
    return click.option("--remote", metavar="NAME", default="origin", show_default=True, help=help)


what_is_judged = several(
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
    text("--branch", metavar="NAME", help="The branch, if git cannot tell."),
    text("--pr-title", "title", metavar="TEXT", default=None, help="The pull request's title."),
    file("--pr-body-file", "body_file", help="The pull request's body."),
    file("--pr-event", "event_file", help="The platform's event file."),
    file("--pr-reviews", "reviews_file", help="The platform's list of reviews."),
)
"""The change, its base and its pull request."""

approval = several(
    repeated(
        "--path", "override_paths", metavar="PATH", type=FILE, help="Approve the findings of this file."
    ),
    text("--approved-by", metavar="WHO", help="The approver."),
    text("--reason", metavar="TEXT", help="Why."),
    text("--expires", metavar="DATE", help="The approval's last day (default: the policy's)."),
    text("--ticket", metavar="T", help="A link or ticket."),
    chosen("--scope", among=("change", "paths"), default="change", help="What the approval is bound to."),
)
"""Who approves what, why and until when."""


def completing(known: Callable[[], Iterable[str]]) -> Completer:
    """A completer of the names that begin like the word, of a mapping with what is said of each."""
    return lambda _context, _parameter, begun: _items(known(), begun)


def complete_selectors(
    _context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """The codes, names and families of rules that begin like this; after a comma, like what follows it."""
    from specguard.declaration.registry import FAMILIES

    before, comma, word = begun.rpartition(",")
    known = _rules()
    known.update({code[:3]: FAMILIES[code[:3]] for code in known if code[:3] in FAMILIES})
    return _items(known, word, f"{before}{comma}")


def _rules() -> dict[str, str | None]:
    """Each built-in rule's code and name, with what it flags."""
    from specguard.engine.plugins import load_registry
    from specguard.reporters.manual import summary

    entries = load_registry().rules.values()
    return {name: summary(entry) for entry in entries for name in (entry.rule.code, entry.rule.name)}


def _items(known: Iterable[str], begun: str, before: str = "") -> list[CompletionItem]:
    names = [name for name in sorted(known) if name.startswith((begun, begun.upper()))]
    told = known if isinstance(known, dict) else {}
    return [CompletionItem(f"{before}{name}", help=told.get(name)) for name in names]


complete_rules = completing(_rules)


def located() -> Repository:
    """The repository that a command is about.

    Raises:
        SpecguardError: there is none.
    """
    return Repository.locate("", os.environ)


def from_root(path: str, top: str) -> str:
    """A path that is given from the working directory, from the root of the working tree; or empty."""
    folder, name = os.path.split(path)
    found = os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(top))
    return "" if found == ".." or found.startswith("../") else found


def say(line: str, *, err: bool = False) -> None:
    """Print a line, in which nothing is obeyed or unseen."""
    click.echo(visible(line), err=err)


def show(form: str, data: Any, lines: Iterable[str]) -> None:
    """Print data as JSON where that is asked for, else lines."""
    if form == "json":
        click.echo(json_text(data))
    else:
        for line in lines:
            say(line)


def show_markdown(page: str) -> None:
    """Print a page of Markdown, through rich where a person reads it on a terminal."""
    if not sys.stdout.isatty():
        click.echo(page, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(page))
