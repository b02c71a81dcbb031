"""Options that several commands have, and what a shell may complete of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Final

    Command = Callable[..., Any]


FILE: Final = click.Path(readable=False)
"""A file's name, which is looked at no further here: what reads the file says what is wrong with it."""

DIRECTORY: Final = click.Path(file_okay=False, readable=False)
"""A folder's name."""


def complete_rules(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The codes and names of rules that begin like this."""
    known = _rules()
    return [CompletionItem(name, help=known[name]) for name in _beginning(known, incomplete)]


def complete_selectors(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The codes, names and families of rules that begin like this; after a comma, like what follows it."""
    from specguard.declaration.registry import FAMILIES

    before, comma, word = incomplete.rpartition(",")
    known = _rules()
    known.update({code[:3]: FAMILIES[code[:3]] for code in known if code[:3] in FAMILIES})
    return [CompletionItem(f"{before}{comma}{name}", help=known[name]) for name in _beginning(known, word)]


def complete_presets(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The presets that begin like this."""
    from specguard.engine.plugins import load_registry

    return [CompletionItem(name) for name in sorted(load_registry().presets) if name.startswith(incomplete)]


def complete_artifacts(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The artifacts of the policy that begin like this; none where there is no policy that can be read."""
    import os

    from specguard.change.request import Request
    from specguard.engine.policies import open_policy

    given = context.params
    request = Request(
        environment=os.environ,
        directory=given.get("directory") or "",
        base=given.get("base") or "",
        authority=given.get("authority") or "",
    )
    try:
        contracts = open_policy(request).declared("contracts")
    except SpecguardError:
        return []
    return [
        CompletionItem(name, help=contract.path or contract.root)
        for name, contract in contracts.items()
        if name.startswith(incomplete)
    ]


def complete_sources(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What can be imported and begins like this."""
    from specguard.cli.import_ import SOURCES

    return [CompletionItem(name) for name in SOURCES if name.startswith(incomplete)]


def _rules() -> dict[str, str]:
    """Each built-in rule's code and name, with what it flags."""
    from specguard.engine.plugins import load_registry
    from specguard.reporters.manual import summary

    entries = load_registry().rules.values()
    return {name: summary(entry) for entry in entries for name in (entry.rule.code, entry.rule.name)}


def _beginning(names: Iterable[str], text: str) -> list[str]:
    return [name for name in sorted(names) if name.startswith((text, text.upper()))]


def _enter(context: click.Context, _parameter: click.Parameter, directory: str) -> str:
    """Go there before anything else is read, so that every other name is seen from there."""
    if not directory:
        # It may stand before the command, as with git.
        return str(context.find_root().params.get("directory") or "")
    try:
        os.chdir(directory)
    except OSError as error:
        raise SpecguardError(
            f"-C {directory}: {error.strerror}",
            help="name a folder of the repository that is meant",
            code="no-repository",
        ) from error
    # A folder that is named is the one that is meant, whatever GIT_DIR says.
    return "."


in_directory = click.option(
    "-C",
    "directory",
    metavar="DIR",
    type=DIRECTORY,
    default="",
    is_eager=True,
    callback=_enter,
    help="Run as if started in DIR.",
)
"""`-C DIR`, as git has it."""


def _several(options: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    """One decorator for options, which a command's help lists in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


what_is_judged = _several(
    [
        click.option(
            "--base",
            "--from-ref",
            "base",
            metavar="REF",
            default="",
            help="Compare with REF.",
        ),
        click.option(
            "--head", "--to-ref", "head", metavar="REF", default="", help="Judge REF instead of HEAD."
        ),
        click.option(
            "--range", "range", metavar="A..B", default="", help="Judge the commits of B that are not in A."
        ),
        click.option("--staged", is_flag=True, help="Judge what is staged."),
        click.option("--worktree", is_flag=True, help="Judge the working tree, with untracked files."),
        click.option("--push", is_flag=True, help="Judge git's (or pre-commit's) pre-push input."),
        click.option("--root", is_flag=True, help="Judge HEAD as a first commit."),
        click.option(
            "--patch", metavar="FILE|-", type=FILE, default="", help="Judge HEAD with a patch applied."
        ),
        click.option(
            "--commit-msg-file",
            "message_file",
            metavar="FILE",
            type=FILE,
            default="",
            is_flag=False,
            flag_value="COMMIT_EDITMSG",
            help="Judge a commit message.",
        ),
        click.option(
            "--branch",
            metavar="NAME",
            default="",
            help="The branch, if git cannot tell.",
        ),
        click.option("--pr-title", "title", metavar="TEXT", default=None, help="The pull request's title."),
        click.option(
            "--pr-body-file",
            "body_file",
            metavar="FILE",
            type=FILE,
            default="",
            help="The pull request's body.",
        ),
        click.option(
            "--pr-event",
            "event_file",
            metavar="FILE",
            type=FILE,
            default="",
            help="The platform's event file.",
        ),
        click.option(
            "--pr-reviews",
            "reviews_file",
            metavar="FILE",
            type=FILE,
            default="",
            help="The platform's list of reviews.",
        ),
    ]
)
"""The change, its base and its pull request."""

approval = _several(
    [
        click.option(
            "--path",
            "override_paths",
            multiple=True,
            metavar="PATH",
            type=FILE,
            help="Approve the findings of this file.",
        ),
        click.option("--approved-by", metavar="WHO", default="", help="The approver."),
        click.option("--reason", metavar="TEXT", default="", help="Why."),
        click.option(
            "--expires",
            metavar="DATE",
            default="",
            help="The approval's last day (default: the policy's).",
        ),
        click.option("--ticket", metavar="T", default="", help="A link or ticket."),
        click.option(
            "--scope",
            type=click.Choice(["change", "paths"]),
            default="change",
            help="What the approval is bound to.",
        ),
    ]
)
"""Who approves what, why and until when."""


def counted(number: int, what: str) -> str:
    """A number of things: `1 error`, `2 errors`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
