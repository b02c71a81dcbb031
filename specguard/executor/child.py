"""One child process: how it is started, and how it is told that it has ended."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_GRACE: Final = 5.0


def start(
    words: list[str], cwd: str, stdin: bytes, environment: Mapping[str, str], largest: int
) -> subprocess.Popen[bytes]:
    """Start a command as the leader of a session of its own, its output and its errors in one pipe.

    Args:
        words: its words.
        cwd: the folder to run it in.
        stdin: what it reads from standard input.
        environment: its variables.
        largest: how many bytes a file may have that it writes.

    Raises:
        OSError, ValueError: it cannot be started.
    """
    with tempfile.TemporaryFile() as given:
        # A file, so that what does not read it blocks nobody.
        given.write(stdin)
        given.seek(0)
        with _limits(largest):
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=dict(environment),
                stdin=given if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
    return process


@contextmanager
def _limits(largest: int) -> Iterator[None]:
    """Within it, what is started writes no larger file, and leaves no memory behind when it crashes.

    The limits are this process's own for a moment: setting them in the child would mean running Python there
    between fork and exec, which is not safe beside threads.
    """
    wanted = ((resource.RLIMIT_FSIZE, largest), (resource.RLIMIT_CORE, 0))
    before = [(limit, resource.getrlimit(limit)) for limit, _ in wanted]
    try:
        for (limit, most), (_, (soft, hard)) in zip(wanted, before, strict=True):
            resource.setrlimit(limit, (most if soft == resource.RLIM_INFINITY else min(most, soft), hard))
        yield
    finally:
        for limit, values in before:
            resource.setrlimit(limit, values)


def end_of(pid: int) -> int | None:
    """A descriptor that is ready when a process has ended; None where the system has none."""
    if hasattr(os, "pidfd_open"):
        with suppress(OSError):
            return os.pidfd_open(pid)
    return None


def has_ended(pid: int) -> bool:
    """Whether a child has ended; it is not waited for, so that its id and its group stay its own."""
    if hasattr(os, "waitid"):
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait(process: subprocess.Popen[bytes]) -> int | None:
    """Wait for a child that has ended: its exit code; None where the system itself is still busy for it."""
    try:
        return process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        return None
