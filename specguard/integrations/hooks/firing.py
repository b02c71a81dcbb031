"""When an agent's hook last ran here: a file for each agent in git's own folder of the worktree.

It is a help for `specguard doctor` and no more; where it cannot be written the hook goes on.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.integrations.hooks.event import Agent, Event
    from specguard.integrations.hooks.places import WorkTree

PROBE: Final = "specguard-doctor"
"""The session of events that `specguard doctor` sends, which count for nothing."""

_FOLDER: Final = b"specguard/fired"
_LONGEST: Final = 60


def note_firing(event: Event, tree: WorkTree) -> None:
    """Remember that an agent's hook has run, on which event."""
    if event.session == PROBE:
        return
    folder = os.path.join(tree.git_dir, _FOLDER)
    try:
        if os.path.islink(os.path.dirname(folder)) or os.path.islink(folder):
            # Git makes none there, and whoever did may want something else written to.
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(_file(folder, event.agent), flags, 0o600)
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)
            descriptor = os.open(_file(folder, event.agent), flags, 0o600)
        try:
            os.write(descriptor, event.name[:_LONGEST].encode("ascii", "replace"))
        finally:
            os.close(descriptor)
    except OSError:
        return


def last_fired(agent: Agent, tree: WorkTree) -> tuple[float, str] | None:
    """When an agent's hook last ran in a worktree, in seconds since the epoch, and on which event."""
    try:
        descriptor = os.open(
            _file(os.path.join(tree.git_dir, _FOLDER), agent), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        )
        with os.fdopen(descriptor, "rb") as stream:
            name = stream.read(_LONGEST).decode("ascii", "replace")
            return os.fstat(stream.fileno()).st_mtime, name
    except OSError:
        return None


def _file(folder: bytes, agent: Agent) -> bytes:
    return os.path.join(folder, agent.encode("ascii"))
