"""Credentials in a text, by their form or by the name they are given to, with their lines."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from specguard.documents.secrets import CredentialFinder

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

    def __init__(self, finder: CredentialFinder, allowed: Callable[[str], bool]) -> None:
        self._finder = finder
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
        for found in self._finder.by_form(content):
            line = lines.at(found.start)
            if (found.kind, line) not in known and not self._allowed(found.value):
                known.add((found.kind, line))
                yield Credential(found.kind, line, found.shown)
            if len(known) >= MOST:
                return

    def _by_name(self, content: bytes) -> Iterator[Credential]:
        lines = _Lines(content)
        known: set[int] = set()
        for found in self._finder.by_name(content):
            if self._allowed(found.value):
                continue
            line = lines.at(found.start)
            if line not in known:
                known.add(line)
                yield Credential(found.kind, line, found.shown)
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
