"""Options that several commands have."""

from __future__ import annotations

import os

import click

from specguard.cli.completion import DIRECTORY
from specguard.errors import SpecguardError


def _enter(_context: click.Context, _parameter: click.Parameter, directory: str) -> str:
    """Go there before anything else is read, so that every other name is seen from there."""
    if not directory:
        return ""
    try:
        os.chdir(directory)
    except OSError as error:
        raise SpecguardError(
            f"-C {directory}: {error.strerror}", help="name a folder of the repository that is meant"
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
