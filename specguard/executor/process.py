"""One command of a run (agent, gate, formatter or hook): its process, its child processes, and signals.

A list of words is executed directly; only a string is passed to `/bin/sh -c`. The command leads a session of
its own. A command ends by itself, or for one of these reasons: its timeout, the run's timeout, too much
output, or a signal to specguard.

When a command has ended, every process that it started is ended too, by process id, and nothing else. A
process that leaves its session and loses its parents would be untraceable. On Linux, this process adopts it,
because it sets PR_SET_CHILD_SUBREAPER (prctl(2)). On other systems, only processes that were seen while they
still had their parents are known.

Next to each log, `commands/NN-name.log`, is `commands/NN-name.json`: the result with the end of the output
(`specguard.runs.manifests.Response`).
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from types import FrameType
from typing import Final

import psutil

from specguard.change.check_request import FLOOR
from specguard.change.repository import RUN_BRANCH
from specguard.executor.command_output import CommandLog, plain_text
from specguard.executor.run import Killed, Run, RunEnded
from specguard.model import Record, shortened
from specguard.runs.manifests import COMMANDS, KILLED, Command, Kind, Response, RunFolder, Source, now_text
from specguard.work.gates import safe_name

BEAT: Final = 5.0
"""The longest interval, in seconds, between two signs of life that a run records."""

NOT_FOUND: Final = 127
NOT_RUNNABLE: Final = 126
"""The exit codes that shells use for a command that does not exist, and for one that cannot be executed."""

GRACE: Final = 5.0
"""The seconds that a process has to end after a signal asks it to, or after its work is done."""

# When a command ends, its output usually ends too, and that wakes the reader. The process itself ends a
# moment later.
_TICK: Final = 0.1
_END_TICK: Final = 0.0005
_SHORT_TICK: Final = 0.02
# Seconds that leftover processes, such as one that writes a log, have to end by themselves.
_LEFTOVER_WAIT: Final = 0.25
# An agent has servers of its own to shut down.
_AGENT_LEFTOVER_WAIT: Final = 2.0
# After this many seconds without output, the text that is held back to find secrets is shown.
_SILENCE: Final = 1.0
_CHUNK: Final = 1 << 16
_WATCH_INTERVAL: Final = 5.0
"""The least seconds between two calls of `watch`; the pause is also at least `_WATCH_FACTOR` times a call's
duration.
"""
_WATCH_FACTOR: Final = 20
_MOST_DRAINED: Final = 1 << 21
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
    variables: Mapping[str, str] | None = None,
    is_done: Callable[[], bool] | None = None,
    watch: Callable[[], None] | None = None,
) -> Command:
    """Run a command to its end, and record it before and after.

    Args:
        run: the run that the command belongs to.
        name: the command's name in reports.
        command: the command's words, or a string for a shell.
        kind: the kind of command.
        source: the origin of the command, such as the policy.
        cwd: the folder to run the command in.
        stdin: the data for the command's standard input.
        timeout: the time limit in seconds; None: the limit of `--command-timeout` or the policy.
        tree: the tree of the working files that the command runs on.
        variables: environment variables besides those of every command of the run.
        is_done: returns True once the command's work is done. The command is ended then if it does not end
            by itself.
        watch: called every few seconds to inspect the command's effects; raises `RunEnded` to end the run.

    Returns:
        The command's record. The command succeeded if the exit code is 0 and `problem` is empty. A command
        that cannot be started gets the exit code that a shell would use.

    Raises:
        RunEnded: the run's time is over (`timed-out`), or a signal ended specguard (`killed`). The command
            has been ended and recorded by then.
        SpecguardError: the run cannot be recorded.
    """
    timeout = run.default_timeout if timeout is None else timeout
    number = len(run.manifest.commands) + 1
    stem = f"{COMMANDS}/{number:02d}-{safe_name(name)}"
    record = Command(
        number=number,
        name=name,
        kind=kind,
        source=source,
        command=run.redactor.redact(plain_text(command if isinstance(command, str) else shlex.join(command))),
        attempt=max(1, run.manifest.attempts),
        started_at=now_text(),
        log=f"{stem}.log",
        response=f"{stem}.json",
        tree=tree,
        grade="claimed" if kind == "agent" else "re-run",
    )
    limit = run.settings.output_limit * _MEBIBYTE
    log = CommandLog(run.folder.file(record.log), run.redactor, limit, run.say)
    run.manifest.commands.append(record)
    run.save()
    run.say(f"{kind} {name}: {record.command}")
    running = _RunningCommand(run, record, log, timeout, is_done, watch, Children(), time.monotonic())
    words = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    try:
        running.carry_out(words, cwd, stdin, {**command_environment(run), **(variables or {})})
        record.log_digest = log.finish()
        if log.over_limit and not record.problem:
            record.problem = log.limit_message
    finally:
        log.close()
        record.ended_at = now_text()
        record.duration = round(time.monotonic() - running.started, 3)
        response = Response(**record.model_dump(), output_bytes=log.size, cut=log.over_limit, tail=log.tail)
        run.folder.write(record.response, response.as_json())
        run.save()
    how = record.problem or f"exit code {record.exit_code}"
    run.say(f"{kind} {name}: {how}, after {record.duration:.1f} s")
    if running.run_end is not None:
        # Written already here: whoever ended specguard may not wait for the later steps.
        run.manifest.state, run.manifest.reason = running.run_end.state, running.run_end.message
        run.save()
        running.run_end.tail, running.run_end.command = log.tail, number
        raise running.run_end
    return record


def response_of(folder: RunFolder, command: Command) -> Response:
    """Return the record of a command's output, with its last lines.

    Raises:
        OSError, ValueError: the record cannot be read.
    """
    return Response.model_validate_json(folder.read(command.response))


class _RunningCommand(Record, frozen=False):
    """A command under way. Meanwhile, a signal that would end specguard is only noted.

    Attributes:
        received: True once such a signal has arrived.
        impatient: True once a second one has arrived.
        run_end: the end of the whole run that this command or a signal causes; None if the run continues.
    """

    run: Run
    record: Command
    log: CommandLog
    limit: float
    is_done: Callable[[], bool] | None
    watch: Callable[[], None] | None
    children: Children
    started: float
    received: bool = False
    impatient: bool = False
    run_end: RunEnded | None = None
    done_at: float | None = None
    next_watch: float = 0.0
    next_beat: float = 0.0
    output_at: float | None = None
    output_fd: int = -1

    def carry_out(self, words: list[str], cwd: str, stdin: bytes, environment: Mapping[str, str]) -> None:
        """Start the command, follow it to its end, and end the processes that it leaves behind."""
        file_limit = self.run.settings.place_limit * _MEBIBYTE
        with signal_handler(self._note_signal), self.children:
            try:
                process = _start(words, cwd, stdin, environment, file_limit)
            except (OSError, ValueError) as error:
                self._record_failed_start(words[0], cwd, error)
                return
            assert process.stdout is not None  # noqa: S101 - it was asked for
            self.children.group = process.pid
            self.output_fd = process.stdout.fileno()
            os.set_blocking(self.output_fd, False)
            try:
                reason = self._follow(process.pid)
                if reason or not _has_ended(process.pid):
                    self.record.problem = reason
                    rest = self.children.end(0 if self.impatient else GRACE, self._drain)
                else:
                    rest = self._end_leftovers()
                self.record.leftovers += [f"{describe_process(one)}, which cannot be ended" for one in rest]
                self._drain()
            except BaseException:
                self.children.end(0, lambda: True)
                raise
            finally:
                process.stdout.close()
                # The kernel may still be busy with the process; it has no exit code then.
                with suppress(subprocess.TimeoutExpired):
                    self.record.exit_code = process.wait(GRACE)

    def _note_signal(self, number: int, _: FrameType | None) -> None:
        self.impatient, self.received = self.received, True
        self.run_end = self.run_end or RunEnded(f"{KILLED} {signal.Signals(number).name}", state="killed")

    def _follow(self, pid: int) -> str:
        """Read output until the command has ended or its work is done; return why it must be ended, if so."""
        waiting, tick = select.poll(), _TICK
        waiting.register(self.output_fd, select.POLLIN)
        while not _has_ended(pid):
            reason = self._reason_to_end()
            if reason or self._overstays():
                return reason
            self._beat()
            if sys.platform != "linux":
                # Without a subreaper, only children that were seen alive are known.
                self.children.find_alive()
            if self.output_at is not None and time.monotonic() - self.output_at > _SILENCE:
                self.log.flush()
                self.output_at = None
            tick = min(2 * tick, _TICK)
            if waiting.poll(tick * 1000) and self._read() == 0:
                waiting.unregister(self.output_fd)
                tick = _END_TICK
        self._drain()
        return ""

    def _reason_to_end(self) -> str:
        """Return the reason why the command must end now; empty if it may continue."""
        now = time.monotonic()
        if self.run_end is not None:
            return self.run_end.message
        if self.log.over_limit:
            return self.log.limit_message
        if now >= self.run.deadline:
            self.record.timed_out = True
            self.run_end = RunEnded(
                f"the run took longer than its {self.run.manifest.timeout} seconds, in {self.record.name}",
                state="timed-out",
                help=f"--timeout {2 * self.run.manifest.timeout}",
            )
        elif now >= self.started + self.limit:
            self.record.timed_out = True
            return f"it took longer than its {self.limit:g} seconds"
        elif self.watch is not None and now >= max(self.next_watch, self.started + _WATCH_INTERVAL):
            try:
                self.watch()
            except RunEnded as end:
                self.run_end = end
            # A look takes long if there is much to inspect; it gets only its share of the time.
            looked = time.monotonic()
            self.next_watch = looked + max(_WATCH_INTERVAL, _WATCH_FACTOR * (looked - now))
        return self.run_end.message if self.run_end is not None else ""

    def _overstays(self) -> bool:
        """Return True if the command's work is done, its grace period is over, and it still runs."""
        if self.done_at is None and self.is_done is not None and self.is_done():
            self.done_at = time.monotonic()
        return self.done_at is not None and time.monotonic() - self.done_at >= GRACE

    def _end_leftovers(self) -> list[psutil.Process]:
        until = time.monotonic() + (_AGENT_LEFTOVER_WAIT if self.record.kind == "agent" else _LEFTOVER_WAIT)
        while (leftovers := self.children.find_alive()) and time.monotonic() < until:
            self._drain()
            time.sleep(_SHORT_TICK)
        self.record.leftovers = [self.run.redactor.redact(describe_process(process)) for process in leftovers]
        return self.children.end(GRACE, self._drain) if leftovers else []

    def _read(self) -> int | None:
        """Log the available output and return its size; 0 at its end, None if nothing is there yet."""
        try:
            data = os.read(self.output_fd, _CHUNK)
        except BlockingIOError:
            return None
        self.log.feed(data)
        self.output_at = time.monotonic()
        return len(data)

    def _drain(self) -> bool:
        """Log the available output without waiting for more: another process may hold the pipe open forever.

        Returns:
            True if a second signal has arrived, so that nothing is waited for.
        """
        self._beat()
        read = 0
        while read < _MOST_DRAINED and (more := self._read()):
            read += more
        return self.impatient

    def _beat(self) -> None:
        if time.monotonic() >= self.next_beat:
            steps = self.run.manifest.steps
            step = steps[-1].name if steps else self.record.kind
            self.run.folder.write_heartbeat(step, command=self.record.number, child=self.children.group)
            self.next_beat = time.monotonic() + BEAT * 0.8

    def _record_failed_start(self, program: str, cwd: str, error: OSError | ValueError) -> None:
        name, reason = plain_text(program), getattr(error, "strerror", None) or str(error)
        is_missing = isinstance(error, FileNotFoundError)
        if isinstance(error, OSError) and not os.path.isdir(cwd):
            name, reason = f"{name} in {plain_text(cwd)}", "the folder is not there"
        self.record.exit_code = NOT_FOUND if is_missing else NOT_RUNNABLE
        self.record.problem = f"{name} cannot be run: {reason}"
        self.log.feed(f"{self.record.problem}\n".encode("utf-8", "backslashreplace"))


def _start(
    words: list[str], cwd: str, stdin: bytes, environment: Mapping[str, str], file_limit: int
) -> subprocess.Popen[bytes]:
    """Start a command as the leader of a session of its own, with stdout and stderr in one pipe."""
    with tempfile.TemporaryFile() as input_file:
        # A file, so that a command that does not read its input does not block this process.
        input_file.write(stdin)
        input_file.seek(0)
        with _resource_limits(file_limit):
            return subprocess.Popen(
                words,
                cwd=cwd,
                env=dict(environment),
                stdin=input_file if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )


@contextmanager
def _resource_limits(file_limit: int) -> Iterator[None]:
    """Limit the size of the files of processes that start within the context, and disable their core dumps.

    The limits apply to this process for a moment. To set them in the child, Python code would have to run
    there between fork and exec, which is not safe with threads.
    """
    limits = ((resource.RLIMIT_FSIZE, file_limit), (resource.RLIMIT_CORE, 0))
    before = [(limit, resource.getrlimit(limit)) for limit, _ in limits]
    try:
        for (limit, value), (_, (soft, hard)) in zip(limits, before, strict=True):
            resource.setrlimit(limit, (value if soft == resource.RLIM_INFINITY else min(value, soft), hard))
        yield
    finally:
        for limit, values in before:
            resource.setrlimit(limit, values)


def _has_ended(pid: int) -> bool:
    """True if a child has ended; it is not reaped, so that no other process can get its id or group."""
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


_END_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end a run."""


@contextmanager
def killed_by_signals() -> Iterator[None]:
    """Turn a signal that arrives while the context is open into the end of the run.

    Raises:
        RunEnded: such a signal arrived; the state is `killed`.
    """

    def end(number: int, _: FrameType | None) -> None:
        raise Killed(f"{KILLED} {signal.Signals(number).name}")

    try:
        with signal_handler(end):
            yield
    except Killed as by:
        raise RunEnded(str(by), state="killed") from None


@contextmanager
def signal_handler(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle the signals that end a process, and restore their handlers after the block."""
    # Only the main thread may. A signal that was ignored, as by nohup, stays ignored.
    ends = _END_SIGNALS if current_thread() is main_thread() else ()
    before = {one: signal.signal(one, handler) for one in ends if signal.getsignal(one) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


_KILL_WAIT: Final = 5.0
_PAUSE: Final = 0.02
_SET_SUBREAPER: Final = 36
_LONGEST: Final = 120


class Children:
    """A context in which every process that starts below this process can be found and ended.

    Processes that already run below this process are not touched. Only one instance may be in use at a time.

    Attributes:
        group: the id of the process that leads the command's process group; it is not reaped here.
    """

    def __init__(self) -> None:
        self.group: int | None = None
        self._before: set[psutil.Process] = set()
        self._seen: set[psutil.Process] = set()

    def __enter__(self) -> Children:
        _prctl(_SET_SUBREAPER, 1)
        self._before = set(psutil.Process().children(recursive=True))
        return self

    def __exit__(self, *_: object) -> None:
        _prctl(_SET_SUBREAPER, 0)

    def find_alive(self) -> list[psutil.Process]:
        """Return the running processes, and reap those that have ended, except the leader of the group."""
        self._seen.update(set(psutil.Process().children(recursive=True)) - self._before)
        alive = []
        for process in list(self._seen):
            with suppress(psutil.Error):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(process)
                    continue
                if process.pid != self.group and process.is_running() and process.ppid() == os.getpid():
                    with suppress(ChildProcessError):
                        os.waitpid(process.pid, os.WNOHANG)
            if process.pid != self.group:
                self._seen.discard(process)
        return alive

    def end(self, grace: float, meanwhile: Callable[[], bool]) -> list[psutil.Process]:
        """End all processes: with SIGTERM first, and with SIGKILL after a while.

        Args:
            grace: the seconds that the processes have to end by themselves.
            meanwhile: called repeatedly, to read output; if it returns True, the grace period is over.

        Returns:
            The processes that still run, because the kernel itself is busy with them.
        """
        outside = self.find_alive()
        if self.group is not None:
            outside = [process for process in outside if not self._in_group(process)]
            # The leader has not been reaped, so the group id cannot belong to another group.
            with suppress(OSError):
                os.killpg(self.group, signal.SIGTERM)
        send_signal(outside, signal.SIGTERM)
        return _end(self.find_alive, grace, meanwhile)

    def _in_group(self, process: psutil.Process) -> bool:
        try:
            return os.getpgid(process.pid) == self.group
        except OSError:
            return True


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def send_signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to processes; another process that has reused an id does not get it."""
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


def _end(
    alive: Callable[[], list[psutil.Process]], grace: float, meanwhile: Callable[[], bool] = lambda: False
) -> list[psutil.Process]:
    """Wait until all processes have ended, kill those that remain after a while, and return the survivors."""
    until = time.monotonic() + grace
    while alive() and time.monotonic() < until and not meanwhile():
        time.sleep(_PAUSE)
    until = time.monotonic() + _KILL_WAIT
    while (survivors := alive()) and time.monotonic() < until:
        # Repeatedly, because each process may have started another one in between.
        send_signal(survivors, signal.SIGKILL)
        meanwhile()
        time.sleep(_PAUSE / 4)
    return survivors


def describe_process(process: psutil.Process) -> str:
    """Return a short description of a process: its command and its id."""
    with suppress(psutil.Error):
        command = " ".join(process.cmdline()) or process.name()
        return f"{shortened(plain_text(command), _LONGEST)} (process {process.pid})"
    return f"process {process.pid}"


def _survivors(run_id: str) -> list[psutil.Process]:
    """Return the run's processes that outlived their specguard; their environment contains the run id."""
    mine = psutil.Process()
    ancestors = {mine, *mine.parents()}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process not in ancestors and process.environ().get(RUN_VARIABLE) == run_id:
                found.append(process)
    return found


def end_survivors(run_id: str) -> list[str]:
    """End a run's processes that have lost their specguard; a resumed run begins with this.

    Returns:
        A short description of each process.
    """
    found = _survivors(run_id)
    descriptions = [describe_process(process) for process in found]
    send_signal(found, signal.SIGTERM)
    _end(lambda: _survivors(run_id), GRACE)
    return descriptions


ALWAYS_PASSED: Final = ("PATH", "HOME", "USER", "SHELL", "LANG", "TERM", "TMPDIR", FLOOR)
"""The environment variables that every command gets; `[runs] environment` names further ones."""

RUN_VARIABLE: Final = "SPECGUARD_RUN"
"""The variable with the run id. Every process that a run started has it, however it was detached."""

APPROVAL_POLICY: Final = "SPECGUARD_APPROVAL_POLICY"
"""The variable that passes the value of `--approval-policy` to an agent."""


def passed_variables(environment: Mapping[str, str], allowed: Sequence[str]) -> dict[str, str]:
    """Return the part of an environment that commands of a run see.

    Args:
        environment: the environment of specguard.
        allowed: the names in `[runs] environment`; a `*` at the end of a name matches any rest.

    Returns:
        The variables. No name begins with `GIT_`: such variables point git to other repositories and
        configurations.
    """
    names = {*ALWAYS_PASSED, *(name for name in allowed if not name.endswith("*"))}
    beginnings = tuple(name[:-1] for name in allowed if name.endswith("*"))
    others = ((name, value) for name, value in environment.items() if not name.startswith("GIT_"))
    return {name: value for name, value in others if name in names or name.startswith(beginnings)}


def command_environment(run: Run) -> dict[str, str]:
    """Return the environment variables of a run's commands."""
    variables = passed_variables(run.options.environment, run.settings.environment)
    variables |= {RUN_VARIABLE: run.manifest.run_id, RUN_BRANCH: run.manifest.branch or run.options.branch}
    if run.made_place is not None:
        # If the place loses its own .git, git must not find a repository above it.
        variables["GIT_CEILING_DIRECTORIES"] = os.path.dirname(run.place.path)
    if run.options.approval_policy:
        variables[APPROVAL_POLICY] = run.options.approval_policy
    return variables
