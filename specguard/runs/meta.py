"""`meta.json`: the record of a run as readers of an older layout know it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from specguard.runs.folder import HEARTBEAT, LOG, MANIFEST

if TYPE_CHECKING:
    from specguard.runs.model import Manifest

META: Final = "meta.json"
"""The file, in a run's folder."""

LAYOUT: Final = "meta"
"""What `[runs] layouts` calls it."""


def meta_text(manifest: Manifest) -> str:
    """What `meta.json` says of a run: its status, times and task, and where the rest is.

    Args:
        manifest: its record.
    """
    last = manifest.commands[-1] if manifest.commands else None
    data = {
        "run_id": manifest.run_id,
        "task_id": manifest.item.id,
        "kind": manifest.item.kind,
        "plan": manifest.item.plan,
        "status": manifest.state,
        "reason": manifest.reason,
        "pid": manifest.pid,
        "started_at": manifest.started_at,
        "ended_at": manifest.ended_at,
        "branch": manifest.branch,
        "commit": manifest.commit,
        "command": list(manifest.agent.command) if manifest.agent else [],
        "exit_code": last.exit_code if last else None,
        "log": LOG,
        "logs": [command.log for command in manifest.commands],
        "heartbeat": HEARTBEAT,
        "manifest": MANIFEST,
    }
    return json.dumps(data, indent=2) + "\n"
