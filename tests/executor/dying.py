"""The command line of specguard in a process whose n-th thing that it does to the world is looked at.

Run as a program it reads jobs, a line of JSON each: the words of the command line, the environment, n, and
what is to be copied. For each it forks, and answers how that process ended, as a line. A thing is a file of a
run or a place that is made, renamed or removed, and a program that is started: Python announces each before
it happens (PEP 578). With a negative n the disk is full from there on. With a positive one a folder is copied
before each n-th thing: what the copy has is what a process that is killed there leaves.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from specguard.engine.plugins import load_registry

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link")
_GIT = ("init", "update-ref", "read-tree", "update-index", "hash-object")


class Deeds:
    """Counts what this process does, copies a folder before each n-th thing, or fills the disk."""

    def __init__(self, last: int, copied: Sequence[str] = ()) -> None:
        self._last = last
        self._done = 0
        self._copied = copied
        self._copying = False
        self._lock = threading.RLock()

    def __call__(self, event: str, words: tuple[Any, ...]) -> None:
        # Another thread waits while this one copies.
        with self._lock:
            if not self._copying:
                self._come(event, words)

    def _come(self, event: str, words: tuple[Any, ...]) -> None:
        if self._counts(event, words):
            self._done += 1
            if self._copied and self._done % self._last == 0:
                self._copy()
        if 0 < -self._last <= self._done and event in ("open", "os.mkdir") and self._writes(event, words):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), words[0])

    def _copy(self) -> None:
        folder, target = self._copied
        self._copying = True
        shutil.copytree(folder, f"{target}/{self._done}", symlinks=True)
        self._copying = False

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
    """Runs the command line, each time in a new process."""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], last: int = 0, copied: Sequence[str] = ()
    ) -> int:
        """The exit code.

        Args:
            words: the command line.
            environment: its environment.
            last: the n of `copied`; or negative, for when the disk is full.
            copied: the folder to copy, and where to, below the number of the thing.
        """
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([list(words), dict(environment), last, list(copied)]) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


def _carry_out(words: list[str], environment: dict[str, str], last: int, copied: list[str]) -> int:
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
        sys.addaudithook(Deeds(last, copied))
        code = main(words)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _serve() -> None:
    # Imported once for all of them.
    for name in ("cli.run", "executor.run_control", "executor.preflight", "executor.check"):
        import_module(f"specguard.{name}")
    load_registry()
    for line in sys.stdin:
        print(_carry_out(*json.loads(line)), flush=True)


if __name__ == "__main__":
    _serve()
