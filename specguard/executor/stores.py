"""The runs of a repository, where its policy says they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.engine.policies import open_policy
from specguard.runs.root import run_root as find_root
from specguard.runs.settings import RunSettings
from specguard.runs.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Mapping


def open_store(directory: str, environment: Mapping[str, str], *, run_root: str = "") -> RunStore:
    """The runs of the repository that a folder is in.

    Args:
        directory: the folder; empty: the working directory.
        environment: the process's environment.
        run_root: the folder of runs; empty: the policy's.

    Raises:
        SpecguardError: there is no repository or no policy.
    """
    policy = open_policy(Request(environment=environment, directory=directory))
    settings: RunSettings = policy.declared("run_settings")
    top = Repository.locate(directory, environment).work_tree()
    root = find_root(settings, environment, work_tree=top, given=run_root)
    return RunStore(root, settings, given=bool(run_root))
