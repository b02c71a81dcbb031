"""The working tree that an event is nearly always about, and git, looking for its repository early."""

from __future__ import annotations

import os

from specguard.declaration.rule import Record
from specguard.errors import SpecguardError
from specguard.integrations.hooks.places import WorkTree, work_tree_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from specguard.change.repository import Looking


class Early(Record):
    """What is known, or under way, before the event is judged.

    Attributes:
        tree: the working tree of the agent's project, or else of this process's folder.
        looking: git looking for its repository, where the event will surely be judged by it; else None.
    """

    tree: WorkTree
    looking: Looking | None = None

    @classmethod
    def here(cls, environment: Mapping[str, str], *, look: bool) -> Self | None:
        """Find the working tree, and begin to look where that is asked for.

        None where there is nothing to look for, of which the event's judge will tell.
        """
        try:
            folder = os.fsencode(environment.get("CLAUDE_PROJECT_DIR", "")) or os.getcwdb()
            tree = work_tree_at(folder)
            if tree is None:
                return None
            if not look:
                return cls(tree=tree)
            from specguard.change.repository import Looking

            return cls(tree=tree, looking=Looking(os.fsdecode(tree.root), environment))
        except (OSError, SpecguardError):
            return None
