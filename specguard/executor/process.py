"""One command of a run, agent, gate, formatter or hook: its process, and signals meanwhile.

Words are run as they are; only a text is given to `/bin/sh -c`. The command leads a session of its own. What
ends it: itself, its time limit, that of the run, too much output, or whoever ends specguard. When it has
ended, so has everything that it started.

Beside each log, `commands/NN-name.log`, stands the result with the end of the output,
`commands/NN-name.json`: `specguard.runs.model.Response`.
"""

from __future__ import annotations

import os
import re
import resource
import selectors
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Literal

import psutil

from specguard.executor.children import GRACE, Children, command_environment, described
from specguard.executor.output import CommandLog, plain_text
from specguard.executor.run import Run, RunEnded
from specguard.runs.folder import COMMANDS, RunFolder, now_text
from specguard.runs.model import Command, Response
from specguard.runs.settings import RunSettings, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType, TracebackType

    Kind = Literal["agent", "format", "gate", "teardown", "hook", "tool"]

    Source = Literal["policy", "document", "plan", "flag", "run"]


BEAT: Final = 5.0
"""At least so often, in seconds, a run says that it is alive."""

AFTER: Final = 5.0
"""So many seconds a command may go on that has done what it is run for."""

NOT_FOUND: Final = 127
NOT_RUNNABLE: Final = 126
"""The exit codes that shells give to a command that is not there, and to one that cannot be run."""

_TICK: Final = 0.2
# What ends a process cannot be waited for together with its output on every system.
_SHORT_TICK: Final = 0.02
# Whatever a process leaves running for a moment, such as one that writes a log, has so long to end by itself.
_MOMENT: Final = 0.25
# An agent has servers of its own to end.
_AGENTS_MOMENT: Final = 2.0
# After so many seconds without output, what is kept back for the sake of secrets is shown.
_SILENCE: Final = 1.0
_CHUNK: Final = 1 << 16
_WATCH: Final = 5.0
"""So many seconds apart a command is looked after, and so many times as long as that takes."""
_SHARE: Final = 20
_MOST_DRAINED: Final = 1 << 21
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
_MEBIBYTE: Final = 1 << 20


def run_command(
    run: Run,
    name: str,
    command: Sequence[str] | str,
    *,
    kind: Kind,
    source: Source = "policy",
    cwd: str,
    stdin: bytes = b"",
    timeout: float | None = None,
    tree: str | None = None,
    environment: Mapping[str, str] | None = None,
    finished: Callable[[], bool] | None = None,
    watch: Callable[[], RunEnded | None] | None = None,
) -> Command:
    """Run a command to its end, and record it before and after.

    Args:
        run: the run that it belongs to.
        name: what reports call it.
        command: its words; or a text for a shell.
        kind: what it is.
        source: what asked for it.
        cwd: the folder to run it in.
        stdin: what it reads from standard input.
        timeout: how many seconds it may take; None: as many as `--command-timeout` or the policy says.
        tree: the tree of the working files that it runs on.
        environment: its variables; None: those that `[runs] environment` passes on.
        finished: whether it has done what it is run for; it is ended then if it does not end by itself.
        watch: asked every few seconds how the run has to end because of what the command does, if it has to.

    Returns:
        Its record. It succeeded where the exit code is 0 and `problem` is empty. A command that cannot be
        started has the exit code that a shell would give it.

    Raises:
        RunEnded: the run's time is over (`timed-out`), or specguard was told to end (`killed`); the command
            was ended and recorded before.
        SpecguardError: the run cannot be recorded.
    """
    settings: RunSettings = run.policy.declared("run_settings")
    if timeout is None:
        timeout = run.options.command_timeout or seconds(settings.command_timeout)
    record = _record(run, name, command, kind=kind, source=source, tree=tree)
    log = CommandLog(run.folder.file(record.log), run.redactor, settings.output_limit * _MEBIBYTE)
    run.manifest.commands.append(record)
    run.save()
    started = time.monotonic()
    attempt = _Attempt(run, record, log, settings, until=started + timeout, limit=timeout, finished=finished)
    attempt.watch = watch
    try:
        attempt.carry_out(
            ["/bin/sh", "-c", command] if isinstance(command, str) else list(command),
            cwd=cwd,
            stdin=stdin,
            environment=command_environment(run) if environment is None else environment,
        )
        record.log_digest = log.finish()
        attempt.conclude()
    finally:
        log.close()
        record.ended_at = now_text()
        record.duration = round(time.monotonic() - started, 3)
        response = Response(
            **record.model_dump(), output_bytes=log.size, cut=log.over, tail=log.tail
        ).model_dump_json(by_alias=True, indent=2)
        run.folder.write(record.response, response + "\n")
        run.save()
    ended = attempt.ended
    if ended is None:
        return record
    # Written here already: whoever ended specguard may not wait for what comes after.
    run.manifest.state, run.manifest.reason = ended.state, ended.reason
    run.save()
    ended.tail, ended.command = log.tail, record.number
    raise ended


def response_of(folder: RunFolder, command: Command) -> Response:
    """What is kept of a command's output, with its last lines.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    with open(folder.file(command.response), "rb") as file:
        return Response.model_validate_json(file.read())


def _record(
    run: Run, name: str, command: Sequence[str] | str, *, kind: Kind, source: Source, tree: str | None
) -> Command:
    number = len(run.manifest.commands) + 1
    stem = f"{COMMANDS}/{number:02d}-{_NAME.sub('-', name).strip('-.')[:40] or kind}"
    text = command if isinstance(command, str) else shlex.join(command)
    return Command(
        number=number,
        name=name,
        kind=kind,
        source=source,
        command=run.redactor.words(plain_text(text)),
        attempt=max(1, run.manifest.attempts),
        started_at=now_text(),
        log=f"{stem}.log",
        response=f"{stem}.json",
        tree=tree,
        grade="claimed" if kind == "agent" else "re-run",
    )


class _Attempt:
    """A command under way.

    Attributes:
        ended: how the whole run ends with it; None where it goes on.
        watch: asked every few seconds whether it has to.
    """

    def __init__(
        self,
        run: Run,
        record: Command,
        log: CommandLog,
        settings: RunSettings,
        *,
        until: float,
        limit: float,
        finished: Callable[[], bool] | None = None,
    ) -> None:
        self.ended: RunEnded | None = None
        self.watch: Callable[[], RunEnded | None] | None = None
        self._watched = time.monotonic() + _WATCH
        self._run = run
        self._record = record
        self._log = log
        self._settings = settings
        self._until = until
        self._limit = limit
        self._finished = finished
        self._finished_at: float | None = None
        self._beats = 0.0
        self._silent: float | None = None
        self._pid = 0
        self._output = -1
        self._signals = HeldSignals()
        self._children = Children()

    def carry_out(self, words: list[str], *, cwd: str, stdin: bytes, environment: Mapping[str, str]) -> None:
        """Start it, follow it to its end, and end what it leaves behind."""
        with self._signals, self._children:
            try:
                process = start(words, cwd, stdin, environment, self._settings.place_limit * _MEBIBYTE)
            except (OSError, ValueError) as error:
                self._not_started(words[0], cwd, error)
                return
            assert process.stdout is not None  # noqa: S101 - it was asked for
            self._pid = self._children.group = process.pid
            self._output = process.stdout.fileno()
            os.set_blocking(self._output, False)
            try:
                reason = self._follow()
                if reason or not has_ended(self._pid):
                    self._record.problem = reason
                    left = self._children.end(0 if self._signals.impatient else GRACE, self._drain)
                else:
                    left = self._end_leftovers()
                self._record.leftovers += [f"{described(one)}, which cannot be ended" for one in left]
                self._drain()
            except BaseException:
                self._children.end(0, lambda: True)
                raise
            finally:
                process.stdout.close()
                self._record.exit_code = wait(process)

    def conclude(self) -> None:
        """Judge it by what came to light at its end alone."""
        if self.ended is None and self._signals.received is not None:
            self.ended = killed(self._signals.received)
        if self._log.over and not self._record.problem:
            self._record.problem = self._too_much

    @property
    def _too_much(self) -> str:
        return f"it printed more than {self._settings.output_limit} MiB"

    def _follow(self) -> str:
        """Read what it prints until it has ended, or has done what it is run for; otherwise why it has to."""
        ends = end_of(self._pid)
        tick = _SHORT_TICK if ends is None else _TICK
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._output, selectors.EVENT_READ)
                if ends is not None:
                    selector.register(ends, selectors.EVENT_READ)
                while not has_ended(self._pid):
                    reason = self._reason()
                    if reason or self._goes_on():
                        return reason
                    self._beat()
                    if ends is None:
                        # A child is only known where it was seen.
                        self._children.alive()
                    if self._silent is not None and time.monotonic() - self._silent > _SILENCE:
                        self._log.settle()
                        self._silent = None
                    for key, _ in selector.select(tick):
                        if key.fd == self._output and self._read() == 0:
                            selector.unregister(self._output)
        finally:
            if ends is not None:
                os.close(ends)
        self._drain()
        return ""

    def _reason(self) -> str:
        """Why it must end now; empty where it need not."""
        now = time.monotonic()
        if self._signals.received is not None:
            self.ended = killed(self._signals.received)
            return self.ended.reason
        if self._log.over:
            return self._too_much
        if now >= self._run.deadline:
            self._record.timed_out = True
            self.ended = RunEnded(
                f"the run took longer than its {self._run.manifest.timeout} seconds, in {self._record.name}",
                state="timed-out",
                help="give it more with --timeout, or set [runs] timeout",
                error="time-limit",
            )
            return self.ended.reason
        if now >= self._until:
            self._record.timed_out = True
            return f"it took longer than its {self._limit:g} seconds"
        if self.watch is not None and now >= self._watched:
            self.ended = self.watch()
            # Looking takes its time where there is much to see, and gets no more than its share.
            looked = time.monotonic()
            self._watched = looked + max(_WATCH, _SHARE * (looked - now))
            return self.ended.reason if self.ended is not None else ""
        return ""

    def _goes_on(self) -> bool:
        """Whether it goes on although what it is run for is done, and it has had time to end by itself."""
        now = time.monotonic()
        if self._finished is None or (self._finished_at is None and not self._finished()):
            return False
        if self._finished_at is None:
            self._finished_at = now
        return now - self._finished_at >= AFTER

    def _end_leftovers(self) -> list[psutil.Process]:
        until = time.monotonic() + (_AGENTS_MOMENT if self._record.kind == "agent" else _MOMENT)
        while (left := self._children.alive()) and time.monotonic() < until:
            self._drain()
            time.sleep(_SHORT_TICK)
        self._record.leftovers = [self._run.redactor.words(described(process)) for process in left]
        return self._children.end(GRACE, self._drain) if left else []

    def _read(self) -> int | None:
        """Keep what is there: how many bytes; 0 at the end of the output, None where there is nothing yet."""
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return None
        self._log.feed(data)
        self._silent = time.monotonic()
        return len(data)

    def _drain(self) -> bool:
        """Keep what is there without waiting for more: somebody may hold the pipe open for ever.

        Returns:
            Whether whoever ends specguard does not want to wait.
        """
        self._beat()
        read = 0
        while read < _MOST_DRAINED and (more := self._read()):
            read += more
        return self._signals.impatient

    def _beat(self) -> None:
        if time.monotonic() >= self._beats:
            steps = self._run.manifest.steps
            step = steps[-1].name if steps else self._record.kind
            self._run.folder.beat(step, command=self._record.number, child=self._pid)
            self._beats = time.monotonic() + BEAT * 0.8

    def _not_started(self, program: str, cwd: str, error: OSError | ValueError) -> None:
        what, said = plain_text(program), str(error)
        if isinstance(error, OSError):
            said = error.strerror or said
            if not os.path.isdir(cwd):
                what, said = f"{what} in {plain_text(cwd)}", "the folder is not there"
        missing = isinstance(error, FileNotFoundError)
        self._record.exit_code = NOT_FOUND if missing else NOT_RUNNABLE
        self._record.problem = f"{what} cannot be run: {said}"
        self._log.feed(f"{self._record.problem}\n".encode("utf-8", "backslashreplace"))


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


ENDING: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""The signals that end a run."""


class HeldSignals:
    """Within it, signals that would end specguard are only noted.

    Attributes:
        received: the first of them; None while there is none.
        impatient: whether there was another after it.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self.impatient = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> HeldSignals:
        self._before = _handle(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _restore(self._before)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.impatient = self.received is not None
        self.received = self.received or signal.Signals(number)


@contextmanager
def killed_by_signals() -> Iterator[None]:
    """Within it, such a signal ends the run that is under way.

    Raises:
        RunEnded: as `killed`, where the signal came.
    """

    def end(number: int, _: FrameType | None) -> None:
        raise killed(signal.Signals(number))

    before = _handle(end)
    try:
        yield
    finally:
        _restore(before)


def killed(by: signal.Signals) -> RunEnded:
    """How a run ends that a signal ended."""
    return RunEnded(
        f"specguard was ended by {by.name}",
        state="killed",
        help="`specguard run resume` goes on from the step it was in",
        error="killed",
    )


def _handle(handler: Callable[[int, FrameType | None], None]) -> dict[signal.Signals, Any]:
    # Only the main thread may set handlers. What was ignored, as by nohup, stays so.
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: signal.signal(number, handler)
        for number in ENDING
        if signal.getsignal(number) is not signal.SIG_IGN
    }


def _restore(before: dict[signal.Signals, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)
