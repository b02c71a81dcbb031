"""A run of which only the parts are there that a command needs."""

import os
from pathlib import Path
from typing import Any

import psutil

from specguard.authority.policy import Policy
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
from specguard.work.document_search import Pointer
from specguard.work.item import WorkItem
from specguard.work.kinds import WorkKind
from tests.authority.conftest import Load


def policy_of(text: str) -> Policy:
    """The policy of settings, written as TOML."""
    return Load(load_registry()).toml(text)


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
    item = WorkItem("phase", WorkKind(branch="phase-{number}"), "12", 12, {}, {}, Pointer(None, ()), tree=git)
    run = Run(
        RunOptions(**options),
        RunFolder(str(folder / made.run_id)),
        made,
        git=git,
        policy=policy_of(policy),
        work_item=item,
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
        tree=str(attempt) * 40,
    )


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
