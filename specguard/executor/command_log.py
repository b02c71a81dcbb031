"""The log of one command: its output without secrets, and no more of it than the policy keeps."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from specguard.errors import SpecguardError
from specguard.executor.plain_text import PlainText

if TYPE_CHECKING:
    from specguard.executor.redaction import Redactor

TAIL: Final = 1 << 14
"""How many bytes of the end of an output are kept beside its result."""

_LINES: Final = 100


class CommandLog:
    """Keeps what a command prints.

    Args:
        path: the file, which is made anew.
        redactor: takes secrets out.
        limit: how many bytes are kept.

    Attributes:
        size: how many bytes the command has printed.
        over: whether it printed more than is kept.

    Raises:
        SpecguardError: it cannot be written.
    """

    def __init__(self, path: str, redactor: Redactor, limit: int) -> None:
        self.size = 0
        self.over = False
        self._path = path
        self._limit = limit
        self._written = 0
        self._tail = b""
        self._digest = hashlib.sha256()
        self._plain = PlainText()
        self._redacted = redactor.stream()
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise self._problem(error) from error
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def feed(self, data: bytes) -> None:
        """Keep the next piece; what is beyond the limit is dropped."""
        room = self._limit - self.size
        self.size += len(data)
        if self.size > self._limit:
            self.over = True
        if room > 0:
            self._keep(self._redacted.feed(self._plain.feed(data[:room])))

    def settle(self) -> None:
        """Write what was kept back in whole lines: the command is silent, and somebody may follow its log."""
        self._keep(self._redacted.settle())

    def finish(self) -> str:
        """Close the log.

        Returns:
            Its sha256.
        """
        self._keep(self._redacted.feed(self._plain.finish()))
        self._keep(self._redacted.finish())
        if self.over:
            mebibytes = self._limit / (1 << 20)
            self._write(f"\n[specguard: no more than {mebibytes:g} MiB of output is kept]\n".encode())
        try:
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._problem(error) from error
        return self._digest.hexdigest()

    def close(self) -> None:
        """Let go of the file, whatever was kept; for where something else went wrong."""
        self._file.close()

    @property
    def tail(self) -> str:
        """The end of what was kept: so many lines, each of them whole where there is room."""
        lines = self._tail.decode("utf-8", "replace").rstrip("\n").split("\n")
        if len(self._tail) == TAIL and len(lines) > 1:
            lines = lines[1:]
        return "\n".join(lines[-_LINES:])

    def _keep(self, text: bytes) -> None:
        # Showing a control character or naming a secret takes more bytes than the thing itself.
        room = self._limit - self._written
        if len(text) > room:
            self.over = True
        if text and room > 0:
            self._write(text[:room])

    def _write(self, text: bytes) -> None:
        try:
            left = memoryview(text)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise self._problem(error) from error
        self._written += len(text)
        self._digest.update(text)
        self._tail = (self._tail + text)[-TAIL:]

    def _problem(self, error: OSError) -> SpecguardError:
        return SpecguardError(
            f"the output of a command cannot be kept: {error.strerror}",
            path=self._path,
            help="make room, or name another --run-root",
            code="unwritable-file",
        )
