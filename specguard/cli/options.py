"""Options that several commands have."""

from __future__ import annotations

import os
from typing import Any

import click

from specguard.cli.completion import DIRECTORY, FILE
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command = Callable[..., Any]


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
