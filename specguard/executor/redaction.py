"""Secrets, taken out of what is kept of a run.

What is taken out: the values of variables that are called secrets, as they are and encoded; and what looks
like a credential, by the forms that the rule `secret-in-artifact` knows. It guards against the token that a
program prints by accident. One that means to can always spell a secret in a way that nothing looks for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from specguard.documents.credential_forms import credential_forms
from specguard.documents.credentials import KEYWORD, CredentialFinder
from specguard.executor.secret_values import patterns_of, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEY: Final = "Private Key"
_KEY_BEGINS: Final = re.compile(rb"-----BEGIN (?:[A-Z0-9]{2,8} ){0,2}PRIVATE KEY|PuTTY-User-Key-File-[23]")
_KEY_ENDS: Final = re.compile(rb"-----END [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z -]{0,20}|Private-MAC: [0-9a-f]+")
# A key is no longer than this, and whether there is one can be told from so much.
_LONGEST_KEY: Final = 1 << 14
_TOLD_KEY: Final = 1500
# A line is read as a whole up to this length; of a longer one the end is read again, so that nothing which
# stands where it was cut is missed.
_LONGEST_LINE: Final = 1 << 16
_OVERLAP: Final = 1 << 13
# How far behind a name the value may stand that is given to it.
_NEAR: Final = 600
_MEMORY: Final = 64 << 20

_Span = tuple[int, int, bytes]


class Redactor:
    """Takes secrets out of text.

    Args:
        environment: the variables whose secrets are known; a child can read those of the process that started
            it, whatever it is given itself.

    Attributes:
        finder: finds what looks like a credential.
        longest: how many bytes the longest known secret takes in any of its encodings.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        import re2

        self.finder = CredentialFinder()
        self._names: list[tuple[Any, bytes]] = []
        self.longest = 0
        options = re2.Options()
        options.log_errors = False
        options.longest_match = True
        options.max_mem = _MEMORY
        options.encoding = re2.Options.Encoding.LATIN1
        for value, name in sorted(secrets_of(environment).items(), key=lambda item: -len(item[0])):
            patterns = []
            for pattern, text in patterns_of(value):
                patterns.append(pattern)
                self.longest = max(self.longest, len(text.encode("utf-8", "surrogateescape")))
            expression = re2.compile(b"|".join(dict.fromkeys(patterns)), options=options)
            self._names.append((expression, f"[redacted: {name}]".encode("utf-8", "backslashreplace")))

    def text(self, data: bytes) -> bytes:
        """A whole text without its secrets."""
        return _without(data, self.spans(data))

    def words(self, text: str) -> str:
        """A command, a name or a message without its secrets."""
        data = text.encode("utf-8", "surrogateescape")
        return self.text(data).decode("utf-8", "backslashreplace")

    def stream(self) -> RedactedStream:
        """A reader of one text that comes in pieces."""
        return RedactedStream(self)

    def spans(self, data: bytes) -> list[_Span]:
        """Where secrets stand, and what stands there instead: in order, none within another."""
        merged: list[_Span] = []
        for start, end, label in sorted(self._found(data)):
            if merged and start < merged[-1][1]:
                first, last, said = merged[-1]
                merged[-1] = (first, max(last, end), said)
            else:
                merged.append((start, end, label))
        return merged

    def _found(self, data: bytes) -> Iterator[_Span]:
        for expression, label in self._names:
            for match in expression.finditer(data):
                yield match.start(), match.end(), label
        key = 0
        for found in self.finder.by_form(data):
            if found.kind == _KEY:
                if found.start < key:
                    continue
                ends = _KEY_ENDS.search(data, found.end, found.start + _LONGEST_KEY)
                end = ends.end() if ends else min(len(data), found.start + _LONGEST_KEY)
                key = end
                yield found.start, end, b"[redacted: Private Key]"
            else:
                at = data.find(found.value.encode("latin-1"), found.start, found.end)
                start = found.start if at < 0 else at
                end = found.end if at < 0 else at + len(found.value)
                yield start, end, f"[redacted: {found.kind}]".encode()
        for found in self.finder.by_name(data):
            value = found.value.encode("latin-1")
            at = data.find(value, found.start, found.start + _NEAR)
            if at < 0:
                stop = data.find(b"\n", found.end)
                yield found.start, stop if stop >= 0 else len(data), f"[redacted: {KEYWORD}]".encode()
            else:
                yield at, at + len(value), f"[redacted: {found.shown}]".encode("latin-1")


class RedactedStream:
    """One text that comes in pieces; a secret that two of them share is found as well.

    Args:
        redactor: knows what is taken out.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """What can be told by now, in whole lines; the rest is kept back until more is there."""
        self._kept += data
        return self._told(self._redactor.longest)

    def settle(self) -> bytes:
        """The whole lines that were kept back, because nothing has come after them for a while."""
        return self._told(0)

    def _told(self, back: int) -> bytes:
        """The text up to the last line's end that has so many bytes behind it."""
        size = len(self._kept)
        cut = self._kept.rfind(b"\n", 0, max(0, size - back)) + 1
        if not cut and size > _LONGEST_LINE:
            cut = size - max(self._redactor.longest, _OVERLAP)
        if cut <= 0:
            return b""
        spans = self._redactor.spans(self._kept)
        open_key = self._open_key()
        if open_key is not None:
            cut = min(cut, open_key)
        for start, end, _ in spans:
            if start < cut < end:
                cut = start
        if not cut and size > 2 * _LONGEST_LINE:
            cut = size
        text = _without(self._kept[:cut], [span for span in spans if span[1] <= cut])
        self._kept = self._kept[cut:]
        return text

    def finish(self) -> bytes:
        """The rest, once there is no more."""
        text = self._redactor.text(self._kept)
        self._kept = b""
        return text

    def _open_key(self) -> int | None:
        """Where a private key begins whose end is not there yet; None where there is none."""
        size = len(self._kept)
        for begins in _KEY_BEGINS.finditer(self._kept, max(0, size - _LONGEST_KEY)):
            if _KEY_ENDS.search(self._kept, begins.end(), begins.start() + _LONGEST_KEY):
                continue
            if size - begins.end() < _TOLD_KEY or credential_forms(self._kept, *begins.span())[1]:
                return begins.start()
        return None


def _without(data: bytes, spans: list[_Span]) -> bytes:
    parts: list[bytes] = []
    at = 0
    for start, end, label in spans:
        parts += (data[at:start], label)
        at = end
    parts.append(data[at:])
    return b"".join(parts)
