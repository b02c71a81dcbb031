"""What tests of changes share: git on a repository, a change's entries as lines, and events of a platform."""

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.change.sources import Change
from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.executor.places import program

Open = Callable[..., Change]
"""The fixture `change`: opens the one change that a request asks for."""


def locate(directory: object = "", **env: str) -> Located:
    """The repository of a folder, with these variables beside those of a plain environment."""
    return Located.locate(str(directory), {**clean_environment(), **env})


def git_of(repository: Repository, **env: str) -> Git:
    """Git on a repository's objects, to be closed by the caller."""
    return Git(locate(repository.path, **env))


def rows(change: Change) -> list[str]:
    """A change's entries, each as its status and path."""
    return [f"{entry.status} {entry.path.decode('utf-8', 'backslashreplace')}" for entry in change.entries]


def pull_request(base: str, head: str, /, **more: Any) -> dict[str, Any]:
    """What an event says of a pull request of `work` into `main`, with other fields of it besides."""
    ends = {"base": {"sha": base, "ref": "main"}, "head": {"sha": head, "ref": "work"}}
    return {"pull_request": {"number": 7, "title": "feat: one", "body": "text", **ends, **more}}


def on_github(file: object, name: str = "pull_request", **more: str) -> dict[str, str]:
    """The variables of a job with a file about its event."""
    return {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file), **more}


def standard_input(data: bytes = b"", *, tty: bool = False) -> SimpleNamespace:
    """What stands for `sys.stdin`, with some bytes."""
    return SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: tty)


def older_git(repository: Repository, folder: Path) -> str:
    """A path of programs with a git in the folder that cannot merge trees."""
    refusing = 'case "$*" in *merge-tree*) echo usage >&2; exit 129;; esac'
    program(folder / "git", f'{refusing}\nexec {repository.git("--exec-path")}/git "$@"')
    return f"{folder}:{clean_environment()['PATH']}"


def loose(repository: Repository, name: str) -> Path:
    """The file that has an object by itself, to be taken away or written anew."""
    oid = repository.oid(name)
    path = repository.git_dir / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    return path
