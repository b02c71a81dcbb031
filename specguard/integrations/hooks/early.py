"""Git, looking for the repository while the event is read: nearly always it is the one of this folder."""

from __future__ import annotations

import os

from specguard.change.repository import Looking
from specguard.declaration.record import Record
from specguard.errors import SpecguardError
from specguard.integrations.hooks.places import WorkTree, work_tree_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self


class Early(Record):
    """What is under way before it is known whether it is needed.

    Attributes:
        tree: the working tree of the agent's project, or else of this process's folder.
        looking: git looking for its repository.
    """

    tree: WorkTree
    looking: Looking

    @classmethod
    def here(cls, environment: Mapping[str, str]) -> Self | None:
        """Begin to look; None where there is nothing to look for, of which the event's judge will tell."""
        try:
            folder = os.fsencode(environment.get("CLAUDE_PROJECT_DIR", "")) or os.getcwdb()
            tree = work_tree_at(folder)
            if tree is None:
                return None
            return cls(tree=tree, looking=Looking(os.fsdecode(tree.root), environment))
        except (OSError, SpecguardError):
            return None
