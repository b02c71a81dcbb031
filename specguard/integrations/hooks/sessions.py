"""What is remembered of a session between its events: how often its end was held up, and what was told.

It is kept in git's own folder of the worktree, as a help and no more: who deletes it is asked again.
"""

from __future__ import annotations

import json
import os

from specguard.change.revision import sha1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.integrations.hooks.event import Event
    from specguard.integrations.hooks.places import WorkTree

_FOLDER: Final = b"specguard/sessions"
_LIMIT: Final = 1 << 20
_MOST: Final = 200
"""So many sessions of a worktree are remembered, and findings of one."""


class Session:
    """What is remembered of a session.

    Args:
        event: an event of it.
        tree: the working tree in which it works.

    Attributes:
        stops: how often in a row its end was held up.
        told: the fingerprints of findings that the agent was told.
        base: the object id of the base that was pinned when the session began; empty where nothing says so.
        kept: whether what is remembered can be kept.
    """

    def __init__(self, event: Event, tree: WorkTree) -> None:
        name = f"{event.agent}\0{event.session}\0{os.fsdecode(tree.root)}"
        key = sha1(name.encode("utf-8", "replace")).hexdigest()
        self._folder = os.path.join(tree.git_dir, _FOLDER)
        self._file = os.path.join(self._folder, key.encode("ascii"))
        self.stops = 0
        self.told: list[str] = []
        self.base = ""
        self.kept = True
        self._read()

    def _read(self) -> None:
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as stream:
                data = json.loads(stream.read(_LIMIT))
            stops, told, base = data["stops"], data["told"], data.get("base")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        if isinstance(stops, int) and isinstance(told, list):
            # Whatever wrote it, the end of a turn is held up no more often than it may be.
            self.stops = max(0, stops)
            self.told = [one for one in told if isinstance(one, str)]
            self.base = base if isinstance(base, str) else ""

    def save(self) -> None:
        """Keep it; where that is not possible, `kept` says so afterwards."""
        data = json.dumps({"stops": self.stops, "told": self.told[-_MOST:], "base": self.base}).encode(
            "ascii"
        )
        if os.path.islink(self._folder) or os.path.islink(os.path.dirname(self._folder)):
            # Git makes none there, and whoever did may want something else written to.
            self.kept = False
            return
        partial = self._file + b".%d" % os.getpid()
        try:
            os.makedirs(self._folder, exist_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
            os.replace(partial, self._file)
            self._clean()
        except OSError:
            self.kept = False

    def _clean(self) -> None:
        """Forget the oldest of too many sessions."""
        names = os.listdir(self._folder)
        if len(names) > _MOST:
            paths = [os.path.join(self._folder, name) for name in names]
            for path in sorted(paths, key=lambda one: os.lstat(one).st_mtime)[: len(names) - _MOST]:
                os.unlink(path)
