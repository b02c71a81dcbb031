"""The command line of specguard in a process that kills itself at the n-th thing it does to the world.

Run as a program it reads jobs, a line of JSON each: the words of the command line, the environment, and n.
For each it forks, and answers how that process ended, as a line. A thing is a file of a run or a place that
is made, renamed or removed, and a program that is started: Python announces each before it happens (PEP 578).
With n of 0, or beyond the last thing, nothing is killed. With a negative n the disk is full from there on.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, Any

from specguard.engine.plugins import load_registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link")
_GIT = ("init", "update-ref", "read-tree", "update-index", "hash-object")


class Deeds:
    """Counts what this process does, and ends it before the n-th thing."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._done = 0

    def __call__(self, event: str, words: tuple[Any, ...]) -> None:
        if self._counts(event, words):
            self._done += 1
            if self._done == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        if 0 < -self._last <= self._done and event in ("open", "os.mkdir") and self._writes(event, words):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), words[0])

    def _writes(self, event: str, words: tuple[Any, ...]) -> bool:
        if event == "os.mkdir":
            return True
        return isinstance(words[0], str) and bool(words[2] & _WRITING) and words[0] != os.devnull

    def _counts(self, event: str, words: tuple[Any, ...]) -> bool:
        if event == "subprocess.Popen":
            return True
        if event == "os.posix_spawn":
            return any(word in _GIT for word in words[1])
        name = os.fsdecode(words[0]) if words and isinstance(words[0], str | bytes) else ""
        if "/.runs/" not in name and "/places/" not in name:
            return False
        if event == "open":
            # One that is renamed afterwards counts then, when it is there in part or in full.
            return bool(words[2] & _WRITING) and not name.endswith((".tmp", "run.log"))
        return event in _CHANGES and not (event == "os.mkdir" and os.path.isdir(name))


class Dying:
    """Runs the command line, each time in a new process, which may die."""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()

    def run(self, words: Sequence[str], environment: Mapping[str, str], last: int = 0) -> int:
        """The exit code; negative for the signal that ended it."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([list(words), dict(environment), last]) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


def _carry_out(words: list[str], environment: dict[str, str], last: int) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 99
    try:
        from specguard.cli import main

        os.environ.clear()
        os.environ.update(environment)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        sys.addaudithook(Deeds(last))
        code = main(words)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _serve() -> None:
    # Imported once for all of them.
    for name in ("cli.run", "executor.lifecycle", "executor.preflight", "executor.check"):
        import_module(f"specguard.{name}")
    load_registry()
    for line in sys.stdin:
        print(_carry_out(*json.loads(line)), flush=True)


if __name__ == "__main__":
    _serve()
