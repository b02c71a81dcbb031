"""Credentials in any text, with the place of each: for what reports them, and for what takes them out."""

from __future__ import annotations

from specguard.documents import credential_forms as forms
from specguard.documents import credential_values as values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

KEYWORD: Final = "Secret Keyword"
"""The kind of a credential that is told by the name it is given to."""


class Found:
    """What looks like a credential.

    Attributes:
        kind: what kind of credential it is.
        value: the credential itself; empty for a private key.
        shown: as much of it as may be shown: the name that it is given to, or how its form begins.
        start: where the text that told it begins.
        end: where the part that was looked at for it ends.
    """

    __slots__ = ("end", "kind", "shown", "start", "value")

    def __init__(self, kind: str, value: str, shown: str, start: int, end: int) -> None:
        self.kind = kind
        self.value = value
        self.shown = shown
        self.start = start
        self.end = end


class CredentialFinder:
    """Looks for credentials in one text after the other, in time that grows with its length alone."""

    def __init__(self) -> None:
        import re2

        options = re2.Options()
        options.log_errors = False
        options.encoding = re2.Options.Encoding.LATIN1

        def compiled(*hints: str, flags: str = "") -> Any:
            return re2.compile(f"{flags}{'|'.join(hints)}".encode("latin-1"), options=options)

        self._forms = compiled(*forms.HINTS)
        self._values = compiled(*values.HINTS, flags="(?i)")

    def by_form(self, content: bytes) -> Iterator[Found]:
        """Those that are told by their form, in order; several may be told of one place."""
        end = 0
        for match in self._forms.finditer(content):
            if match.start() < end:
                continue
            end, found = forms.credential_forms(content, match.start(), match.end())
            for kind, value, shown in found:
                yield Found(kind, value, shown, match.start(), end)

    def by_name(self, content: bytes) -> Iterator[Found]:
        """Those that are told by the name they are given to, in order."""
        for match in self._values.finditer(content):
            found = values.credential_value(content, match.start(), match.end())
            if found is not None:
                yield Found(KEYWORD, found[1], found[0], match.start(), match.end())
