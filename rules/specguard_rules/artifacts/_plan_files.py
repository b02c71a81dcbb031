"""The files of plans, as patterns."""

from __future__ import annotations

import re

from specguard.rules import Selecting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.rules import PlanKind


def plan_files(kind: PlanKind, names: str) -> Selecting:
    """Files in the folders of a kind of plan.

    Args:
        kind: the kind.
        names: the pattern of the files within such a folder.
    """
    folder = re.sub(r"\{[^{}]*\}", "*", kind.folder).strip("/")
    return Selecting([f"{folder}/{names}"])
