"""The runs of a repository, for the commands that look after them."""

from __future__ import annotations

import os

import click

from specguard.change.request import Request
from specguard.cli.completion import DIRECTORY
from specguard.engine.policies import open_policy
from specguard.executor import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.authority.policy import Policy
    from specguard.runs.views import RunStore, RunView

in_root = click.option(
    "--run-root",
    metavar="DIR",
    type=DIRECTORY,
    default="",
    help="Keep runs in DIR.",
)
"""`--run-root DIR`, as `specguard run KIND` has it."""


def trusted_policy(directory: str) -> Policy:
    """The policy of the trusted base.

    Raises:
        SpecguardError: there is none, or it is broken.
    """
    return open_policy(Request(environment=os.environ, directory=directory))


def open_store(directory: str, run_root: str) -> RunStore:
    """The runs of the repository that a folder is in, where its policy says they are kept.

    Raises:
        SpecguardError: there is no repository or no policy.
    """
    return run.open_store(directory, os.environ, run_root=run_root)


def find_run(store: RunStore, prefix: str) -> RunView:
    """The run that is named, else the one that began last.

    Raises:
        SpecguardError: there is none, or several.
    """
    return store.find(prefix) if prefix else store.latest()
