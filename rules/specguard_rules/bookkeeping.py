"""Commits that belong to no one's work: those that only file approvals."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.rules import Commit

APPROVALS: Final = b".specguard/approvals/"
"""The folder in which approvals are filed, one file each; they are never edited."""

_FILE: Final = 0o100644


def files_approvals(commit: Commit) -> bool:
    """Whether a commit adds files to the approvals' folder and does nothing else."""
    if len(commit.parents) != 1 or not commit.diffs:
        return False
    entries = commit.diffs[0]
    return bool(entries) and all(
        entry.added and entry.new_mode == _FILE and entry.path.startswith(APPROVALS) for entry in entries
    )
