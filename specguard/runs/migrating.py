"""Moving run folders of an older layout to where they are now, with links left so that old paths resolve.

`local-<tool>/<run-id>/`, which holds the runs of all items, becomes `<id>/<tool>/<run-id>/`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from specguard.declaration.rule import Record
from specguard.errors import SpecguardError
from specguard.runs.root import folder_name
from specguard.runs.views import is_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.runs.store import RunStore

_OLD: Final = re.compile(r"local-(?P<tool>[A-Za-z0-9_.-]+)")


class Move(Record):
    """A run folder that can be moved.

    Attributes:
        old: its path, from the folder of all runs.
        new: where it goes, from there.
        problem: why it stays where it is; empty where it can be moved.
    """

    old: str
    new: str = ""
    problem: str = ""


def moves(store: RunStore) -> Sequence[Move]:
    """The folders of an older layout, each with where it goes."""
    found = []
    for name in sorted(_folders(store.root)):
        match = _OLD.fullmatch(name)
        if match is None:
            continue
        for run_id in sorted(_folders(os.path.join(store.root, name))):
            old = os.path.join(name, run_id)
            if is_run(os.path.join(store.root, old)):
                found.append(_move(store, old, match["tool"]))
    taken = [move.new for move in found if move.new]
    return [
        Move(old=move.old, problem=f"another run goes to {move.new}, too")
        if move.new and taken.count(move.new) > 1
        else move
        for move in found
    ]


def carry_out(store: RunStore, move: Move) -> None:
    """Move a run folder, and leave a link to it.

    Raises:
        SpecguardError: it cannot be moved; it is then where it was.
    """
    old, new = (os.path.join(store.root, path) for path in (move.old, move.new))
    try:
        os.makedirs(os.path.dirname(new), exist_ok=True)
        if os.path.lexists(new):
            raise SpecguardError("something is there already", path=new, code="never-overwritten")
        os.rename(old, new)
        try:
            os.symlink(os.path.relpath(new, os.path.dirname(old)), old, target_is_directory=True)
        except OSError:
            os.rename(new, old)
            raise
    except OSError as error:
        raise SpecguardError(
            f"the run cannot be moved: {error.strerror}", path=old, code="unwritable-file"
        ) from error


def _move(store: RunStore, old: str, tool: str) -> Move:
    run = store.view(os.path.join(store.root, old))
    if run.alive:
        return Move(old=old, problem="it is under way")
    item = run.item
    if run.problem or not item or item == os.path.dirname(old):
        return Move(old=old, problem=run.problem or "its record does not say what it worked on")
    new = os.path.join(folder_name(item), tool, run.run_id)
    if os.path.lexists(os.path.join(store.root, new)):
        return Move(old=old, problem=f"{new} is there already")
    return Move(old=old, new=new)


def _folders(path: str) -> list[str]:
    """The folders in one; links are none."""
    try:
        with os.scandir(path) as entries:
            return [one.name for one in entries if one.is_dir(follow_symlinks=False)]
    except OSError:
        return []
