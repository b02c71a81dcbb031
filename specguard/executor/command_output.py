"""The output of commands: as plain text, in logs of limited size, and without secrets.

Two things are redacted. The first are the values of variables with names of secrets, as they are and encoded.
The second is text that looks like a credential, by the forms that the rule `secret-in-artifact` knows. This
guards against a token that a program prints by accident. A program that leaks a secret on purpose can always
spell it in a form that no pattern matches.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

from specguard.declaration.patterns import re2_options
from specguard.documents.secrets import KEYWORD, CredentialFinder, find_credentials
from specguard.reporters.escape import visible_lines
from specguard.runs.files import not_following, reporting_errors

_LONGEST_SEQUENCE: Final = 64
# A control sequence of ECMA-48 (5.4): colours and cursor movements. Without it, all text is still there.
_SEQUENCE: Final = re.compile(rf"\x1b\[[0-?]{{0,{_LONGEST_SEQUENCE}}}[ -/]{{0,4}}[@-~]")
# The possible beginning of a control sequence or of a line's end, at the end of a piece.
_UNFINISHED: Final = re.compile(rf"(?:\x1b(?:\[[0-?]{{0,{_LONGEST_SEQUENCE}}}[ -/]{{0,4}})?|\r)\Z")


class PlainText:
    r"""A converter of output into plain text, piece by piece.

    Bytes that are not UTF-8 are shown as `\xNN`, and so are control characters. Colours and cursor movements
    are removed. A carriage return ends a line, so that each state of a progress bar has a line of its own.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._pending = ""

    def feed(self, data: bytes = b"", *, final: bool = False) -> bytes:
        """Return the text of the next piece, as UTF-8.

        Args:
            data: the next piece.
            final: True at the end; otherwise an end that the next piece may continue is held back.
        """
        text = self._pending + self._decoder.decode(data, final)
        unfinished = None if final else _UNFINISHED.search(text)
        at = unfinished.start() if unfinished else len(text)
        self._pending = text[at:]
        text = _SEQUENCE.sub("", text[:at].replace("\r\n", "\n").replace("\r", "\n"))
        return visible_lines(text).encode("utf-8", "backslashreplace")


def plain_text(text: str) -> str:
    """Convert a whole text as `PlainText` does."""
    return PlainText().feed(text.encode("utf-8", "surrogateescape"), final=True).decode("utf-8")


TAIL: Final = 1 << 14
"""The number of bytes of the end of an output that the result keeps."""

_TAIL_LINES: Final = 100


class CommandLog:
    """The log of a command's output, in a file.

    Args:
        path: the file; an existing one is overwritten.
        redactor: takes secrets out.
        limit: the largest number of bytes to keep.
        say: called with each line that is kept.

    Attributes:
        size: the number of bytes that the command has printed.
        over_limit: True if the command printed more than is kept.

    Raises:
        SpecguardError: the file cannot be written.
    """

    def __init__(
        self, path: str, redactor: Redactor, limit: int, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.size = 0
        self.over_limit = False
        self._path = path
        self._limit = limit
        self._say_line = say
        self._line = b""
        self._written = 0
        self._tail = b""
        self._digest = hashlib.sha256()
        self._plain = PlainText()
        self._stream = RedactedStream(redactor)
        with reporting_errors(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self._file = open(path, "wb", buffering=0, opener=not_following)  # noqa: SIM115 - see `close`

    @property
    def limit_message(self) -> str:
        """The message for output that is larger than the limit."""
        return f"it printed more than {self._limit / (1 << 20):g} MiB"

    @property
    def tail(self) -> str:
        """The last lines of the kept output, at most `_TAIL_LINES`; a cut line only if it is the only one."""
        lines = self._tail.decode("utf-8", "replace").rstrip("\n").split("\n")
        if len(self._tail) == TAIL and len(lines) > 1:
            lines = lines[1:]
        return "\n".join(lines[-_TAIL_LINES:])

    def feed(self, data: bytes) -> None:
        """Log the next piece of output; drop bytes beyond the limit."""
        self.size += len(data)
        if not self.over_limit:
            self._keep(self._stream.feed(self._plain.feed(data)))
            self.over_limit = self.over_limit or self.size > self._limit

    def flush(self) -> None:
        """Write whole lines that were held back: the command is silent, and somebody may follow its log."""
        self._keep(self._stream.feed(waits=False))

    def finish(self) -> str:
        """Write the rest to the log, and return its sha256 digest."""
        self._keep(self._stream.feed(self._plain.feed(final=True)))
        self._keep(self._stream.finish())
        if self.over_limit:
            self._write(f"\n[specguard: {self.limit_message}]\n".encode())
        if self._line:
            self._say_lines(b"\n")
        with reporting_errors(self._path):
            os.fsync(self._file.fileno())
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close the file, whatever was kept."""
        self._file.close()

    def _keep(self, text: bytes) -> None:
        # A shown control character and the name of a secret take more bytes than the original.
        room = self._limit - self._written
        self.over_limit = self.over_limit or len(text) > room
        if text and room > 0:
            # A character is never cut in two.
            self._write(text[:room].decode("utf-8", "ignore").encode())

    def _write(self, text: bytes) -> None:
        with reporting_errors(self._path):
            rest = memoryview(text)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._written += len(text)
        self._digest.update(text)
        self._tail = (self._tail + text)[-TAIL:]
        self._say_lines(text)

    def _say_lines(self, text: bytes) -> None:
        *lines, self._line = (self._line + text).split(b"\n")
        for line in lines:
            self._say_line("  " + line.decode("utf-8", "backslashreplace"))


_KEY: Final = "Private Key"
_KEY_BEGINS: Final = re.compile(rb"-----BEGIN (?:[A-Z0-9]{2,8} ){0,2}PRIVATE KEY|PuTTY-User-Key-File-[23]")
_KEY_ENDS: Final = re.compile(rb"-----END [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z -]{0,20}|Private-MAC: [0-9a-f]+")
# A key is not longer than _LONGEST_KEY, and _KEY_SAMPLE bytes suffice to recognize one.
_LONGEST_KEY: Final = 1 << 14
_KEY_SAMPLE: Final = 1500
# A line is read as a whole up to _LONGEST_LINE. The end of a longer one is read again, by _OVERLAP bytes, so
# that a secret at the cut is not missed.
_LONGEST_LINE: Final = 1 << 16
_OVERLAP: Final = 1 << 13
# The distance in bytes, behind a name, in which its value may appear.
_VALUE_DISTANCE: Final = 600
_MEMORY: Final = 64 << 20

_Span = tuple[int, int, bytes]


class Redactor:
    """Takes secrets out of text.

    Args:
        environment: the variables whose secrets are known. A child can read the environment of its parent
            process, whatever variables it gets itself.

    Attributes:
        finder: finds text that looks like a credential.
        longest_secret: the number of bytes of the longest known secret in its longest encoding.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        import re2

        self.finder = CredentialFinder()
        self._patterns: list[tuple[Any, bytes]] = []
        self.longest_secret = 0
        options = re2_options(longest_match=True, max_mem=_MEMORY)
        for value, name in sorted(secrets_of(environment).items(), key=lambda item: -len(item[0])):
            patterns = dict(patterns_of(value))
            self.longest_secret = max(self.longest_secret, *patterns.values())
            expression = re2.compile(b"|".join(patterns), options=options)
            self._patterns.append((expression, f"[redacted: {name}]".encode("utf-8", "backslashreplace")))

    def redact_bytes(self, data: bytes) -> bytes:
        """Return a whole text without its secrets."""
        return _replace_spans(data, self.find_spans(data))

    def redact(self, text: str) -> str:
        """Return a command, a name or a message without its secrets."""
        return self.redact_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "backslashreplace")

    def find_spans(self, data: bytes) -> list[_Span]:
        """Return the positions of secrets with their replacements, in order and without overlaps."""
        merged: list[_Span] = []
        for start, end, label in sorted(self._find(data)):
            if merged and start < merged[-1][1]:
                first, last, replacement = merged[-1]
                merged[-1] = (first, max(last, end), replacement)
            else:
                merged.append((start, end, label))
        return merged

    def _find(self, data: bytes) -> Iterator[_Span]:
        for expression, label in self._patterns:
            for match in expression.finditer(data):
                yield match.start(), match.end(), label
        key = 0
        for found in self.finder.find_by_form(data):
            start, end, value = found.start, found.end, found.value.encode("latin-1")
            if found.kind == _KEY and start >= key:
                ends = _KEY_ENDS.search(data, end, start + _LONGEST_KEY)
                key = end = ends.end() if ends else min(len(data), start + _LONGEST_KEY)
            elif found.kind == _KEY:
                continue
            elif (at := data.find(value, start, end)) >= 0:
                start, end = at, at + len(value)
            yield start, end, f"[redacted: {found.kind}]".encode()
        for found in self.finder.find_by_name(data):
            value = found.value.encode("latin-1")
            at = data.find(value, found.start, found.start + _VALUE_DISTANCE)
            stop = data.find(b"\n", found.end)
            if at >= 0:
                yield at, at + len(value), f"[redacted: {found.public_part}]".encode("latin-1")
            else:
                yield found.start, stop if stop >= 0 else len(data), f"[redacted: {KEYWORD}]".encode()


class RedactedStream:
    """A redactor of one text that arrives in pieces; it also finds a secret that is split between two pieces.

    Args:
        redactor: finds the secrets.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._pending = b""

    def feed(self, data: bytes = b"", *, waits: bool = True) -> bytes:
        """Return the redacted whole lines so far, and hold the rest back until more arrives.

        Args:
            data: the next piece.
            waits: True to hold the last lines back too, as a secret may begin there; False if nothing has
                followed for a while.
        """
        self._pending += data
        margin = self._redactor.longest_secret if waits else 0
        size = len(self._pending)
        cut = self._pending.rfind(b"\n", 0, max(0, size - margin)) + 1
        if not cut and size > _LONGEST_LINE:
            cut = size - max(self._redactor.longest_secret, _OVERLAP)
        if cut <= 0:
            return b""
        spans = self._redactor.find_spans(self._pending)
        cut = min(cut, self._find_open_key())
        for start, end, _ in spans:
            if start < cut < end:
                cut = start
        if not cut and size > 2 * _LONGEST_LINE:
            cut = size
        text = _replace_spans(self._pending[:cut], [span for span in spans if span[1] <= cut])
        self._pending = self._pending[cut:]
        return text

    def finish(self) -> bytes:
        """Return the rest, at the end of the text."""
        return self._redactor.redact_bytes(self._pending)

    def _find_open_key(self) -> int:
        """Return the start of a private key whose end is still missing; the text's end without such a key."""
        size = len(self._pending)
        for begins in _KEY_BEGINS.finditer(self._pending, max(0, size - _LONGEST_KEY)):
            if _KEY_ENDS.search(self._pending, begins.end(), begins.start() + _LONGEST_KEY):
                continue
            if size - begins.end() < _KEY_SAMPLE or find_credentials(self._pending, *begins.span())[1]:
                return begins.start()
        return size


def _replace_spans(data: bytes, spans: list[_Span]) -> bytes:
    parts: list[bytes] = []
    at = 0
    for start, end, label in spans:
        parts += (data[at:start], label)
        at = end
    parts.append(data[at:])
    return b"".join(parts)


SHORTEST: Final = 6
"""The least length of a secret. A shorter value would match in half of all words, too."""

_NAMES: Final = re.compile(
    r"(?:^|_)(?:.*(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|APIKEY|CREDENTIAL)S?|KEYS?|PASS|PAT|AUTH|COOKIE"
    r"|DSN|PRIVATE)(?P<more>_[A-Z0-9_]*[A-Z])?[0-9_]*$",
    re.IGNORECASE,
)
# Values of variables with a secret's name that only describe a secret.
_HARMLESS_VALUES: Final = frozenset({"default", "disabled", "enabled", "require", "required", "optional"})
_IN_URL: Final = re.compile(r"://[^\s/:@]{0,80}:([^\s/@]{1,300})@")
# Encodings of short values are too much like other text.
_SHORTEST_ENCODED: Final = 8
# A longer value is searched in windows of this many bytes, each by itself.
_WINDOW: Final = 1024


def secrets_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the secret values of an environment, each with the name of its variable.

    A value is a secret if its variable has the name of one, unless the value is the path of a file. The
    password in a URL is a secret, whatever the variable's name. In a value with several lines, each line is
    a secret. Values shorter than `SHORTEST` are left out.
    """
    found: dict[str, str] = {}
    for name, value in environment.items():
        for password in _IN_URL.findall(value):
            found.setdefault(password, name)
        if _is_secret(name, value):
            for line in (value, *value.splitlines()):
                found.setdefault(line.strip(), name)
    return {value: name for value, name in found.items() if len(value) >= SHORTEST and "\n" not in value}


def _is_secret(name: str, value: str) -> bool:
    match = _NAMES.search(name)
    if match is None or value.casefold() in _HARMLESS_VALUES:
        return False
    # `TOKEN_TYPE` describes a token; `TOKEN_2024Q1_PROD` may hold one, and its value contains digits.
    if match["more"] and not any(char.isdigit() for char in value):
        return False
    return "\0" in value or not (value.startswith(("/", "~/")) and os.path.lexists(os.path.expanduser(value)))


def patterns_of(value: str) -> Iterator[tuple[bytes, int]]:
    """Yield patterns, in RE2's syntax, for a value as it is and for each of its encodings.

    Yields:
        The pattern, and the largest number of bytes that it matches.
    """
    forms = {value}
    if len(value) >= _SHORTEST_ENCODED:
        escaped = {
            quote(value, safe="", errors="surrogateescape"),
            quote(value, errors="surrogateescape"),
            quote_plus(value, errors="surrogateescape"),
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
        } - forms
        forms |= escaped | {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), one) for one in escaped}
    for form in sorted(forms):
        text = form.encode("utf-8", "surrogateescape")
        yield re.escape(text), len(text)
    data = value.encode("utf-8", "surrogateescape")
    for start in range(0, len(data), _WINDOW):
        window = data[start : start + _WINDOW]
        if len(window) < _SHORTEST_ENCODED:
            continue
        for letters in {form for offset in range(3) for form in _base64(window, offset)}:
            # Programs wrap base64 into lines.
            yield rb"\n?".join(re.escape(bytes([byte])) for byte in letters.encode()), len(letters) * 2
        yield b"(?i:" + window.hex().encode() + b")", len(window) * 2


def _base64(data: bytes, offset: int) -> Iterator[str]:
    """Yield the base64 characters that depend only on `data`, if `offset` other bytes precede it."""
    whole = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
    text = whole[(0, 2, 3)[offset] : len(whole) - ((offset + len(data)) % 3 > 0)]
    yield text
    yield text.replace("+", "-").replace("/", "_")
