"""Telling of a run's commands while they run: how each begins, what it prints, and how it ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from specguard.executor.run import Run
    from specguard.runs.model import Command

_PAUSE: Final = 0.1
_CHUNK: Final = 1 << 16


class LogFollower:
    """Within it, the commands of a run are told of by another thread.

    What it says are the lines of their logs, which hold no secrets and nothing that a terminal obeys.

    Args:
        run: the run.
        say: told of each line.
    """

    def __init__(self, run: Run, say: Callable[[str], None]) -> None:
        self._run = run
        self._say = say
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> LogFollower:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _follow(self) -> None:
        number = len(self._run.manifest.commands)
        while True:
            over = self._done.is_set()
            commands = self._run.manifest.commands
            while number < len(commands):
                self._tell(commands[number])
                number += 1
            if over:
                return
            self._done.wait(_PAUSE)

    def _tell(self, command: Command) -> None:
        """Tell of one command from its beginning to its end."""
        self._say(f"{command.kind} {command.name}: {command.command}")
        rest = b""
        try:
            with open(self._run.folder.file(command.log), "rb", buffering=0) as log:
                while True:
                    # Asked first, so that what it wrote last is read.
                    ended = command.ended_at is not None or self._done.is_set()
                    while data := log.read(_CHUNK):
                        *lines, rest = (rest + data).split(b"\n")
                        for line in lines:
                            self._line(line)
                    if ended:
                        break
                    self._done.wait(_PAUSE)
        except OSError as error:
            self._say(f"  its log cannot be read: {error.strerror}")
        if rest:
            self._line(rest)
        how = command.problem or f"exit code {command.exit_code}"
        self._say(f"{command.kind} {command.name}: {how}, after {command.duration or 0:.1f} s")

    def _line(self, line: bytes) -> None:
        self._say("  " + line.decode("utf-8", "backslashreplace"))
