"""The processes that a command started, and how they are ended: by id, and no others.

A process that leaves its session and its parents is nobody's child: on Linux it becomes one of this process
instead, which asks for that (PR_SET_CHILD_SUBREAPER, prctl(2)). Elsewhere only what was seen while it still
had its parents is known.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import psutil

from specguard.executor.output import plain_text
from specguard.model import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from specguard.executor.run import Run


GRACE: Final = 5.0
"""How many seconds a process has to end after it was asked to."""

_GIVEN_UP: Final = 5.0
_PAUSE: Final = 0.02
_SET_SUBREAPER: Final = 36
_GET_SUBREAPER: Final = 37
_LONGEST: Final = 120


class Children:
    """Within it, whatever is started below this process can be found and ended.

    What runs below this process already is left alone. Only one of these may be in use at a time.

    Attributes:
        group: the process that leads the command's group; it is not waited for here.
    """

    def __init__(self) -> None:
        self.group: int | None = None
        self._before: set[psutil.Process] = set()
        self._seen: set[psutil.Process] = set()
        self._adopted = 0

    def __enter__(self) -> Children:
        self._adopted = _adopting()
        _adopt(1)
        self._before = set(psutil.Process().children(recursive=True))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _adopt(self._adopted)

    def alive(self) -> list[psutil.Process]:
        """The processes that run; those that have ended are waited for, but for the leader of the group."""
        me = os.getpid()
        self._seen.update(set(psutil.Process().children(recursive=True)) - self._before)
        alive = []
        for process in list(self._seen):
            with suppress(psutil.Error):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(process)
                    continue
                if process.pid == self.group:
                    continue
                if process.is_running() and process.ppid() == me:
                    with suppress(ChildProcessError):
                        os.waitpid(process.pid, os.WNOHANG)
            if process.pid != self.group:
                self._seen.discard(process)
        return alive

    def end(self, grace: float, meanwhile: Callable[[], bool]) -> list[psutil.Process]:
        """End all of them: they are asked to, and after a while they are made to.

        Args:
            grace: how many seconds they have.
            meanwhile: is called again and again, to read what they write; where it says True, they have no
                more time.

        Returns:
            Those that run nevertheless, because the system itself is busy for them.
        """
        self._ask()
        until = time.monotonic() + grace
        while self.alive() and time.monotonic() < until and not meanwhile():
            time.sleep(_PAUSE)
        until = time.monotonic() + _GIVEN_UP
        while (alive := self.alive()) and time.monotonic() < until:
            # Again and again, because each may have started another in between.
            send(alive, signal.SIGKILL)
            meanwhile()
            time.sleep(_PAUSE / 4)
        return alive

    def _ask(self) -> None:
        outside = []
        for process in self.alive():
            with suppress(OSError):
                if self.group is None or os.getpgid(process.pid) != self.group:
                    outside.append(process)
        if self.group is not None:
            # Its leader was not waited for, so this is nobody else's group.
            with suppress(OSError):
                os.killpg(self.group, signal.SIGTERM)
        send(outside, signal.SIGTERM)


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal; another process that has the id of one by now gets nothing."""
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


def described(process: psutil.Process) -> str:
    """A process in a few words: its command and its id."""
    with suppress(psutil.Error):
        command = " ".join(process.cmdline()) or process.name()
        return f"{shortened(plain_text(command), _LONGEST)} (process {process.pid})"
    return f"process {process.pid}"


def survivors(run_id: str) -> list[psutil.Process]:
    """The processes of a run that outlived the specguard that started them, as one does that was killed.

    Args:
        run_id: of the run; they have it in their environment.
    """
    mine = psutil.Process()
    ours = {mine, *mine.parents()}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process not in ours and process.environ().get(RUN) == run_id:
                found.append(process)
    return found


def end_survivors(run_id: str, grace: float = GRACE) -> list[str]:
    """End the processes of a run that nobody waits for; a run that is resumed begins with this.

    Returns:
        Each, in a few words.
    """
    found = survivors(run_id)
    told = [described(process) for process in found]
    send(found, signal.SIGTERM)
    until = time.monotonic() + grace
    while found and time.monotonic() < until:
        _, found = psutil.wait_procs(found, timeout=_PAUSE * 5)
    until = time.monotonic() + _GIVEN_UP
    while (found := survivors(run_id)) and time.monotonic() < until:
        send(found, signal.SIGKILL)
        psutil.wait_procs(found, timeout=_PAUSE * 5)
    return told


def _adopt(value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_SUBREAPER, value, 0, 0, 0)


def _adopting() -> int:
    value = ctypes.c_int(0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_GET_SUBREAPER, ctypes.byref(value), 0, 0, 0)
    return value.value


ALWAYS: Final = ("PATH", "HOME", "USER", "SHELL", "LANG", "TERM", "TMPDIR")
"""What everything gets; `[runs] environment` names what else."""

RUN: Final = "SPECGUARD_RUN"
"""The variable that names the run: every process that a run started has it, however it was detached."""

APPROVAL_POLICY: Final = "SPECGUARD_APPROVAL_POLICY"
"""The variable that tells an agent what `--approval-policy` said."""


def passed_on(environment: Mapping[str, str], allowed: Sequence[str]) -> dict[str, str]:
    """The part of an environment that commands of a run see.

    Args:
        environment: that of specguard.
        allowed: the names that `[runs] environment` has; `*` at the end of one stands for any rest.

    Returns:
        The variables. None begins with `GIT_`: those lead git to other repositories and configurations.
    """
    names = {*ALWAYS, *(name for name in allowed if not name.endswith("*"))}
    beginnings = tuple(name[:-1] for name in allowed if name.endswith("*"))
    return {
        name: value
        for name, value in environment.items()
        if (name in names or name.startswith(beginnings)) and not name.startswith("GIT_")
    }


def command_environment(run: Run) -> dict[str, str]:
    """The variables of a run's commands."""
    variables = passed_on(run.options.environment, run.policy.declared("run_settings").environment)
    variables[RUN] = run.manifest.run_id
    if run.place is not None:
        # Without its own .git, nothing done in the place reaches a repository around it.
        variables["GIT_CEILING_DIRECTORIES"] = os.path.dirname(run.place.path)
    if run.options.approval_policy:
        variables[APPROVAL_POLICY] = run.options.approval_policy
    return variables
