"""Helpers for tests of changes: git on a repository, a change's entries as lines, and platform events."""

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from specguard.change.change import Change
from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.executor.places import program

Open = Callable[..., Change]
"""The fixture `change`: opens the one change that a request asks for."""


def locate(directory: object = "", **env: str) -> Located:
    """Locate the repository of a folder, with these variables added to a plain environment."""
    return Located.locate(str(directory), {**clean_environment(), **env})


def git_of(repository: Repository, **env: str) -> Git:
    """Open git on a repository's objects; the caller closes it."""
    return Git(locate(repository.path, **env))


def rows(change: Change) -> list[str]:
    """Return a change's entries, each as its status and path."""
    return [f"{entry.status} {entry.path.decode('utf-8', 'backslashreplace')}" for entry in change.entries]


def pull_request(base: str, head: str, /, **more: Any) -> dict[str, Any]:
    """Return the event of a pull request of `work` into `main`, with other fields added."""
    ends = {"base": {"sha": base, "ref": "main"}, "head": {"sha": head, "ref": "work"}}
    return {"pull_request": {"number": 7, "title": "feat: one", "body": "text", **ends, **more}}


def on_github(file: object, name: str = "pull_request", **more: str) -> dict[str, str]:
    """Return the environment variables of a job with a file about its event."""
    return {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file), **more}


def standard_input(data: bytes = b"", *, tty: bool = False) -> SimpleNamespace:
    """Return a replacement for `sys.stdin` with some bytes."""
    return SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: tty)


def older_git(repository: Repository, folder: Path) -> str:
    """Return a `PATH` that begins with a folder in which git cannot merge trees."""
    refusing = 'case "$*" in *merge-tree*) echo usage >&2; exit 129;; esac'
    program(folder / "git", f'{refusing}\nexec {repository.git("--exec-path")}/git "$@"')
    return f"{folder}:{clean_environment()['PATH']}"


def loose(repository: Repository, name: str) -> Path:
    """Return the writable file of a loose object, so that a test can remove or change it."""
    oid = repository.oid(name)
    objects = repository.git_dir / "objects"
    for pack in objects.glob("pack/*.pack"):
        repository.git("unpack-objects", "-q", stdin=pack.rename(f"{repository.path}.pack").read_bytes())
    path = objects / oid[:2] / oid[2:]
    path.chmod(0o644)
    return path
