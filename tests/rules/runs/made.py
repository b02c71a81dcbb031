"""What the tests of rules about runs share: a small repository with a run of specguard, and its manifest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from specguard.testing import Case, Step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

POLICY = """
[work.phase]
commit = "feat(phase{number}): {text}"

[[work.phase.gates]]
name = "tests"
run = "make test"
when = ["src/**"]

[runs]
keep = "tree"
require = ["phase"]
"""
RUN_ID = "2026-03-01T10-00-00Z-a1b2"
NAME = f"phase-12/{RUN_ID}"
FOLDER = f".runs/{NAME}"
MESSAGE = f"feat(phase12): prices\n\nRun: {NAME}\n"
WORK = Step(MESSAGE, files={"src/a": "b\n"})
LOG = "commands/01-tests.log"
TIME = "2026-03-01T10:00:00Z"


def tree_of(directory: Path, *steps: Step, policy: str = POLICY) -> str:
    """The object id of the tree that steps lead to."""
    repository = Case(policy=policy, commits=steps).build(directory)
    return repository.git("rev-parse", "HEAD^{tree}").strip()


def gate(tree: str, /, **more: Any) -> dict[str, Any]:
    """A command of a manifest: a gate that passed."""
    return {
        "number": 1, "name": "tests", "kind": "gate", "command": "make test", "started_at": TIME,
        "exit_code": 0, "log": LOG, "response": "commands/01-tests.json", "tree": tree, **more,
    }  # fmt: skip


def manifest(tree: str, /, **more: Any) -> dict[str, Any]:
    """A manifest of a run that succeeded, as specguard writes it."""
    oid = "1" * 40
    return {
        "schema": "specguard.run/1",
        "run_id": RUN_ID,
        "tool": "1.0.0",
        "item": {"kind": "phase", "id": "12"},
        "state": "succeeded",
        "repository": {"base": "main", "base_oid": oid},
        "policy": {"policy_id": "2" * 64, "ref": oid, "documents": {}},
        "agent": {"name": "codex", "command": ["codex", "exec", "-"]},
        "started_at": TIME,
        "ended_at": TIME,
        "timeout": 60,
        "commands": [gate(tree)],
        "tree": tree,
        "digests": {LOG: sha("passed\n")},
        **more,
    }


def sha(text: str) -> str:
    """The sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def kept(manifest: Mapping[str, Any], **files: str) -> Step:
    """The commit that brings a run's folder."""
    brought = {LOG: "passed\n", "manifest.json": json.dumps(manifest, indent=1), **files}
    return Step("docs: the run", files={f"{FOLDER}/{name}": text for name, text in brought.items()})
