"""Everything in a place that has a say in what git does there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specguard.executor.seen_files import content_of, files_below

if TYPE_CHECKING:
    from typing import Final

    from specguard.executor.place import Place
    from specguard.executor.seen_files import State

_PLACES_OWN: Final = (
    "index", "ORIG_HEAD", "COMMIT_EDITMSG", "FETCH_HEAD", "description", "gc.log", "gc.pid", "info/refs",
)  # fmt: skip
"""What any git command may leave in a `.git`, and what changes nothing of what is seen there."""

_KEPT_OWN: Final = ("HEAD", "config", "packed-refs", "index", "checked-out", "objects/info/alternates")


def place_state(place: Place) -> State:
    """Everything in the place's `.git` that has a say in what git does there, and specguard's own folder."""
    state = {}
    top = os.path.join(place.path, ".git")
    for name in files_below(top):
        if not _harmless(name, os.path.join(top, name)):
            state[name] = content_of(os.path.join(top, name))
    for name in files_below(place.own):
        if name in _KEPT_OWN or name.startswith(("hooks/", "refs/", "info/")):
            state[f"own {name}"] = content_of(os.path.join(place.own, name))
    return state


def _harmless(name: str, path: str) -> bool:
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    if name.startswith("objects/"):
        return name not in ("objects/info/alternates", "objects/info/http-alternates")
    return name in _PLACES_OWN or name.startswith(("logs/", "lfs/", "sharedindex.")) or name.endswith(".lock")
