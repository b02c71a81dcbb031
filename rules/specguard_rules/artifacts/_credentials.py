"""What looks like a credential in a text; no credential is kept or shown."""

from __future__ import annotations

from specguard_rules.artifacts import _credential_forms as forms
from specguard_rules.artifacts import _credential_values as values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Final

MOST: Final = 100
"""So many credentials of one file are told."""


class Credential:
    """What looks like a credential; the value itself is not kept.

    Attributes:
        kind: what kind of credential it is.
        line: its line, from 1.
        shown: as much of it as may be shown: the name that it is given to, or how its form begins.
    """

    __slots__ = ("kind", "line", "shown")

    def __init__(self, kind: str, line: int, shown: str) -> None:
        self.kind = kind
        self.line = line
        self.shown = shown


class Scanner:
    """Looks for credentials in one text after the other.

    Args:
        allowed: whether a value is known to be none that matters.
    """

    def __init__(self, allowed: Callable[[str], bool]) -> None:
        import re2

        options = re2.Options()
        options.log_errors = False
        options.encoding = re2.Options.Encoding.LATIN1

        def compiled(*hints: str, flags: str = "") -> Any:
            return re2.compile(f"{flags}{'|'.join(hints)}".encode("latin-1"), options=options)

        self._forms = compiled(*forms.HINTS)
        self._values = compiled(*values.HINTS, flags="(?i)")
        self._allowed = allowed

    def credentials(self, content: bytes) -> Iterator[Credential]:
        """What looks like a credential: one of a kind a line, and `MOST` of each way of telling."""
        told: set[int] = set()
        for credential in self._by_form(content):
            told.add(credential.line)
            yield credential
        for credential in self._by_name(content):
            # A token that is given to a name is one credential.
            if credential.line not in told:
                yield credential

    def _by_form(self, content: bytes) -> Iterator[Credential]:
        lines = _Lines(content)
        known: set[tuple[str, int]] = set()
        end = 0
        for match in self._forms.finditer(content):
            if match.start() < end:
                continue
            end, found = forms.credential_forms(content, match.start(), match.end())
            for kind, value, shown in found:
                line = lines.at(match.start())
                if (kind, line) not in known and not self._allowed(value):
                    known.add((kind, line))
                    yield Credential(kind, line, shown)
            if len(known) >= MOST:
                return

    def _by_name(self, content: bytes) -> Iterator[Credential]:
        lines = _Lines(content)
        known: set[int] = set()
        for match in self._values.finditer(content):
            found = values.credential_value(content, match.start(), match.end())
            if found is None or self._allowed(found[1]):
                continue
            line = lines.at(match.start())
            if line not in known:
                known.add(line)
                yield Credential("Secret Keyword", line, found[0])
            if len(known) >= MOST:
                return


class _Lines:
    """The numbers of a text's lines, asked for in order."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._line = 1
        self._counted = 0

    def at(self, position: int) -> int:
        self._line += self._content.count(b"\n", self._counted, position)
        self._counted = position
        return self._line
