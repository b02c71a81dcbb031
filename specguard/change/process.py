"""Running git as a child process, with pipes that cannot block each other.

Importing `subprocess` would cost a hook as much as a bare start of Python. `os.posix_spawn` and one `poll`
over two pipes suffice here: several programs at once, started now and read later. Standard input is a file,
so that nobody has to write it while a program runs.
"""

from __future__ import annotations

import os
import re
import select
from time import monotonic

from specguard.errors import TYPE_CHECKING, SpecguardError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Final

CHUNK_SIZE: Final = 1 << 20
"""The maximum number of bytes per read."""

WATCH_DELAY: Final = 0.3
"""The seconds after which a watched program is checked: git can allocate two gigabytes in one second."""

ERROR_LIMIT: Final = 1 << 14
"""The maximum number of bytes of standard error that are kept; the rest is read and dropped."""

# An attribute's name has no space; a message on a file, whose name may be chosen, has one before that.
_REMARK: Final = r"^(?:\S+ is not a valid attribute|\[attr].* not allowed).*:\d+$|^warning: Negative .*\n.*"
"""What git writes of lines of `.gitattributes` that it ignores, in a commit too."""

# The two numbers are the same on every system that has posix_spawn. The module `signal` imports `enum` and
# converts three lists of constants, which would slow a hook down.
_SIGKILL: Final = 9
_SIGPIPE: Final = 13


class CommandError(Exception):
    """The failure of a program, or a complaint on standard error with exit code 0.

    Args:
        command: the program's arguments, without its own flags.
        code: its exit code; negative for a signal.
        message: its standard error, or a sentence about what is wrong with its output.
    """

    def __init__(self, command: Sequence[str], code: int, message: str) -> None:
        super().__init__(f"{' '.join(command)} ended with {code}: {message}")
        self.code = code
        self.message = message

    @property
    def first_line(self) -> str:
        """The first line of the program's message, without git's own prefixes."""
        line = self.message.strip().split("\n", 1)[0] or f"it ended with {self.code}"
        for prefix in ("fatal: ", "error: ", "warning: "):
            line = line.removeprefix(prefix)
        return line


class Process:
    """A running program.

    Output is read only on request: a program whose output is larger than a pipe waits until then.

    Args:
        program: the program's absolute path.
        arguments: its arguments, without its own name.
        environment: all its environment variables.
        stdin: the file that is its standard input, which may be removed at once; empty by default.
        keep_input: True if its standard input is what `send` writes.
        label: the arguments as an error names them; all of them by default.
        wide: True if it may write `CHUNK_SIZE` bytes ahead of its reader.

    Raises:
        SpecguardError: it cannot be started.
    """

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        stdin: str = os.devnull,
        keep_input: bool = False,
        label: Sequence[str] = (),
        wide: bool = False,
    ) -> None:
        self.label = label or arguments
        self.code: int | None = None
        self._buffer = bytearray()
        self._stderr = bytearray()
        self._in = -1
        self._callback: Callable[[], None] | None = None
        self._deadline = 0.0
        opened: list[int] = []
        try:
            self._out, out = _pipe(opened)
            if wide:
                _widen(out)
            self._errors, errors = _pipe(opened)
            given: tuple[object, ...] = (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0)
            if keep_input:
                feed, self._in = _pipe(opened)
                given = (os.POSIX_SPAWN_DUP2, feed, 0)
            self.pid = os.posix_spawn(
                program,
                [word.encode("utf-8", "surrogateescape") for word in (program, *arguments)],
                environment,
                file_actions=[given, (os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, errors, 2)],
                # Python ignores SIGPIPE, and a child would inherit that.
                setsigdef=[_SIGPIPE],
            )
        except (OSError, ValueError) as error:
            for number in opened:
                os.close(number)
            reason = error.strerror if isinstance(error, OSError) else str(error)
            help, code = "`specguard doctor` says which git is used, if any.", "program-missing"
            raise SpecguardError(f"git cannot be run: {reason}", help=help, code=code) from error
        for number in set(opened) - {self._out, self._errors, self._in}:
            os.close(number)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._poll.register(self._errors, select.POLLIN)

    def watch(self, callback: Callable[[], None], delay: float = WATCH_DELAY) -> None:
        """Call a function once if the program is still running after some seconds.

        The program is stopped during the call. An exception from `callback` is raised to the reader of the
        output.
        """
        self._callback, self._deadline = callback, monotonic() + delay

    def send(self, data: bytes) -> None:
        """Write a short request to standard input.

        Only for a program that was started with `keep_input`, and that reads one request before it answers.
        """
        try:
            os.write(self._in, data)
        except BrokenPipeError:
            # The program has ended, which whoever reads its answer learns.
            return

    def read_chunk(self) -> bytes:
        """Return the next available piece of standard output; empty at its end; not for use after lines."""
        while self._out >= 0:
            if data := self._pump():
                return data
        return b""

    def read_line(self) -> bytes:
        """Return the next line of standard output without its newline.

        Raises:
            CommandError: the output ends before.
        """
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            self._fill_buffer()
        data = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return data

    def read_exactly(self, size: int, *, drop: int = 0) -> bytes:
        """Return the next `size` bytes of standard output, and skip `drop` more.

        Raises:
            CommandError: the output ends before.
        """
        while len(self._buffer) < size + drop:
            self._fill_buffer()
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[: size + drop]
        return data

    def chunks(self) -> Iterator[bytes]:
        """Yield all of standard output in pieces, and then check how the program ended.

        A caller that stops early ends the program.

        Raises:
            CommandError: the program failed or complained.
        """
        # A second read would return an empty output.
        if self._out < 0:
            raise CommandError(self.label, self.code or 0, "its output was read before")
        try:
            while data := self.read_chunk():
                yield data
            self.check()
        finally:
            self.stop()

    def read(self) -> bytes:
        """Return all of standard output, after a check of how the program ended.

        Raises:
            CommandError: the program failed or complained.
        """
        return b"".join(self.chunks())

    def drain(self) -> bytes:
        """Return all of standard output, however the program ends."""
        try:
            pieces = list(iter(self.read_chunk, b""))
            self.wait()
        finally:
            self.stop()
        return b"".join(pieces)

    def check(self) -> None:
        """Wait for the program's end, and check for exit code 0 and an empty `stderr`.

        Raises:
            CommandError: the exit code is not 0, or `stderr` is not empty.
        """
        code = self.wait()
        if code or self.stderr:
            raise CommandError(self.label, code, self.stderr)

    def wait(self) -> int:
        """End the input, drop the rest of the output, wait for the end, and return the exit code."""
        if self._in >= 0:
            os.close(self._in)
            self._in = -1
        while self._out >= 0 or self._errors >= 0:
            self._pump()
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    @property
    def stderr(self) -> str:
        """The standard error so far, as text, without remarks on `.gitattributes` lines that git ignores."""
        size, text = len(self._stderr), self._stderr.decode("utf-8", "backslashreplace")
        # Behind the limit there may be more than such remarks. A hook would wait for an expression in vain.
        return (re.sub(_REMARK, "", text, flags=re.M) if 0 < size < ERROR_LIMIT else text).strip()

    def stop(self) -> None:
        """Kill the program if it is still running, and close its pipes; may be called again."""
        for name in ("_in", "_out", "_errors"):
            number = getattr(self, name)
            if number >= 0:
                setattr(self, name, -1)
                os.close(number)
        if self.code is None:
            try:
                # Its id cannot belong to another process, as long as nobody has waited for this one.
                os.kill(self.pid, _SIGKILL)
                self.wait()
            except ProcessLookupError:
                # Somebody just has, and an interrupt came before the code was kept.
                self.code = -_SIGKILL

    def _fill_buffer(self) -> None:
        if not (data := self.read_chunk()):
            raise CommandError(self.label, self.wait(), self.stderr or "its output ended too early")
        self._buffer += data

    def _pump(self) -> bytes:
        """Wait until a pipe can be read, and read it; return the data from standard output."""
        data, callback = b"", self._callback
        if callback is not None and monotonic() >= self._deadline:
            from signal import SIGCONT, SIGSTOP

            self._callback = None
            os.kill(self.pid, SIGSTOP)
            callback()
            os.kill(self.pid, SIGCONT)
        timeout = 1000 * max(0, self._deadline - monotonic()) if self._callback else None
        for number, _ in self._poll.poll(timeout):
            if number == self._out:
                data = os.read(number, CHUNK_SIZE)
                if not data:
                    self._out = self._close(number)
            elif number == self._errors:
                errors = os.read(number, CHUNK_SIZE)
                self._stderr += errors[: ERROR_LIMIT - len(self._stderr)]
                if not errors:
                    self._errors = self._close(number)
        return data

    def _close(self, number: int) -> int:
        self._poll.unregister(number)
        os.close(number)
        return -1


def _pipe(opened: list[int]) -> tuple[int, int]:
    ends = os.pipe()
    opened += ends
    return ends


def _widen(number: int) -> None:
    """Let a pipe hold `CHUNK_SIZE` bytes if the system can, so that its writer waits less for its reader."""
    import fcntl

    try:
        fcntl.fcntl(number, fcntl.F_SETPIPE_SZ, CHUNK_SIZE)
    except (AttributeError, OSError):
        # The system has no such setting, or a lower limit; with a smaller pipe, both sides wait more often.
        return
