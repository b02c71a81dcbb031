"""Names that would be one name elsewhere: by case, normal form, look, or what Windows leaves out."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.rules import Guards, Severity, Tree

_AFTER_STREAM: Final = re.compile(rb":.*", re.DOTALL)
_ODD_ON_WINDOWS: Final = re.compile(rb"[ .](?:/|$)|[:\\]")


class Siblings:
    """The names of each folder of a tree by how they read, made once a folder.

    Args:
        tree: the tree after the change.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._folders: dict[bytes, dict[str, list[bytes]]] = {}

    def twin(self, folder: bytes, segment: bytes, guards: Guards) -> tuple[str, Severity, str] | None:
        """Another name that a segment would be taken for: one of its folder, or one that is guarded.

        Args:
            folder: the path before the segment, with its slash; empty at the root.
            segment: one segment of a path.
            guards: the policy's guarded paths.

        Returns:
            A clause, how bad it is, and the finding's key; None where there is no such name.
        """
        read = _reading(segment)
        if read is None:
            return None
        for other in self._names(folder).get(read, ()):
            if other != segment:
                return _difference(segment, other), "error", "twin"
        on_windows = on_windows_disk(segment)
        if on_windows != segment:
            other_read = _reading(on_windows)
            if other_read and (others := self._names(folder).get(other_read)):
                return f"is '{_shown(others[0])}' on Windows", "error", "twin"
        path = folder + segment
        if path.isascii() and not _ODD_ON_WINDOWS.search(path):
            return None
        windows = b"/".join(map(on_windows_disk, path.replace(b"\\", b"/").split(b"/")))
        for like in (_reading(path) or "").encode("utf-8"), windows:
            guard = guards.find(like)
            if guard is not None and guards.find(path) is None:
                return f"reads like a path under {guard.pattern}, which is guarded", "error", "guarded"
        return None

    def _names(self, folder: bytes) -> dict[str, list[bytes]]:
        known = self._folders.get(folder)
        if known is None:
            known = {}
            for name in self._tree.names(folder[:-1]):
                read = _reading(name)
                if read is not None:
                    known.setdefault(read, []).append(name)
            self._folders[folder] = known
        return known


def on_windows_disk(segment: bytes) -> bytes:
    """The file that Windows opens by a name: without a stream and without dots and spaces at the end."""
    return _AFTER_STREAM.sub(b"", segment).rstrip(b" .") or segment


def _reading(segment: bytes) -> str | None:
    """How a name reads; None where it is not UTF-8."""
    if segment.isascii():
        return segment.decode("ascii").lower()
    from specguard_rules.paths.look_alikes import reading

    try:
        return reading(segment.decode("utf-8"))
    except UnicodeDecodeError:
        return None


def _difference(segment: bytes, other: bytes) -> str:
    """How two names differ that read alike."""
    name = _shown(other)
    if segment.isascii() and other.isascii():
        return f"differs from '{name}' only in case"
    import unicodedata

    one, two = segment.decode("utf-8"), other.decode("utf-8")
    if unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", two):
        return f"differs from '{name}' only in Unicode's normal form"
    if one.casefold() == two.casefold():
        return f"differs from '{name}' only in case"
    from specguard_rules.paths.look_alikes import described

    strange = next((char for char in one if not char.isascii() and char not in two), "")
    because = f" (it has {described(strange)})" if strange else ""
    return f"looks like '{name}'{because}"


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
