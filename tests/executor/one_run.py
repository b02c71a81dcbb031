"""A run of which only the parts are there that a command needs."""

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from specguard.authority.load import load_policy
from specguard.authority.policy import Policy
from specguard.change.tree import TreeEntry
from specguard.declaration.registry import Registry
from specguard.engine.plugins import load_registry
from specguard.executor.run import Run, RunOptions
from specguard.runs.manifests import (
    Command,
    Item,
    Manifest,
    PolicyMade,
    Repository,
    RunFolder,
    new_run_id,
    now_text,
)
from tests.outcomes import there


@cache
def _registry() -> Registry:
    return load_registry()


class _Files:
    def __init__(self, text: str) -> None:
        self._content = f"# Authority\n\n```toml specguard\n{text}\n```\n".encode()

    def find(self, path: bytes) -> TreeEntry | None:
        here = path == b"SPEC_AUTHORITY.md"
        return TreeEntry(0o100644, hashlib.sha1(self._content).hexdigest()) if here else None

    def read(self, path: bytes) -> bytes | None:
        return self._content if self.find(path) else None


def policy_of(text: str) -> Policy:
    """The policy of settings, written as TOML."""
    files: Any = _Files(text)
    return there(load_policy(files, registry=lambda _: _registry()))


def manifest(**more: Any) -> Manifest:
    """The manifest of a run under way."""
    return Manifest(
        **{
            "run_id": new_run_id(),
            "tool": "0",
            "item": Item(kind="phase", id="12"),
            "state": "running",
            "pid": os.getpid(),
            "repository": Repository(base="main", base_oid="0" * 40),
            "policy": PolicyMade(policy_id="0" * 64, ref=None, documents={}),
            "started_at": now_text(),
            "timeout": 60,
            **more,
        }
    )


def one_run(
    folder: Path, policy: str = "", *, timeout: int = 60, base: str = "0" * 40, **options: Any
) -> Run:
    """A run whose folder is below another one.

    Args:
        folder: where its record is kept.
        policy: the settings, as TOML.
        timeout: how many seconds it may take.
        base: the commit that it started from.
        options: further words of `specguard run`.
    """
    made = manifest(repository=Repository(base="main", base_oid=base), timeout=timeout)
    options.setdefault("environment", dict(os.environ))
    git: Any = None
    run = Run(
        RunOptions(**options),
        RunFolder(str(folder / made.run_id)),
        made,
        git=git,
        policy=policy_of(policy),
        item=None,
    )
    run.save()
    return run


def ran(number: int, text: str, *, attempt: int, code: int, kind: Any = "gate") -> Command:
    """The record of a command that took a second."""
    return Command(
        number=number,
        name=text.split()[0],
        kind=kind,
        command=text,
        attempt=attempt,
        started_at="2026-01-02T03:04:05Z",
        ended_at="2026-01-02T03:04:06Z",
        duration=1.0,
        exit_code=code,
        log=f"commands/{number:02d}.log",
        response=f"commands/{number:02d}.json",
    )


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
