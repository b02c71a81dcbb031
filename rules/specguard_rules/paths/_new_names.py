"""The names that a change adds, and the names beside them that they would be taken for."""

from __future__ import annotations

from specguard.rules import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.rules import Guards, Severity, Tree


class NewNames:
    """The names that a change adds: those of its new files, and of the folders that they bring with them.

    Args:
        paths: the paths of the files that are added.
        before: the tree before the change.
        after: the tree after it.

    Attributes:
        folders: for each folder in which there are new names those names; the root is empty.
    """

    def __init__(self, paths: Sequence[bytes], before: Tree, after: Tree) -> None:
        self._before = before
        self._after = after
        self._known = {b"": True}
        self._readings: dict[bytes, dict[str, list[bytes]]] = {}
        self.folders: dict[bytes, list[bytes]] = {}
        for path in paths:
            self._add(path)

    def _add(self, path: bytes) -> None:
        while True:
            folder, _, name = path.rpartition(b"/")
            names = self.folders.get(folder)
            if names is not None:
                names.append(name)
                return
            self.folders[folder] = [name]
            if self._was_there(folder):
                return
            path = folder

    def _was_there(self, folder: bytes) -> bool:
        """Whether the tree before had a folder."""
        known = self._known
        if folder not in known:
            missing = []
            while folder not in known:
                missing.append(folder)
                folder = folder.rpartition(b"/")[0]
            there = known[folder]
            for folder in reversed(missing):
                # Below a folder that was not there is none that was.
                found = self._before.find(folder) if there else None
                known[folder] = there = found is not None and found.is_directory
            folder = missing[0]
        return known[folder]

    def suspects(self) -> Iterator[tuple[bytes, bytes]]:
        """Folder and name of each new name that may read like another one of its folder."""
        for folder, names in self.folders.items():
            beside = self._before.names(folder) if self._was_there(folder) else {}
            plain = b"".join(names).isascii() and b"".join(beside).isascii()
            if plain:
                lowered = {name.lower() for name in names}
                if len(lowered) == len(names) and lowered.isdisjoint([name.lower() for name in beside]):
                    continue
            for name in names:
                yield folder, name

    def twin(self, folder: bytes, name: bytes) -> tuple[str, Severity, str] | None:
        """Another name of its folder that a new name would be taken for.

        Returns:
            A clause, how bad it is, and the finding's key; None where there is no such name.
        """
        for other in self._alike(folder, name):
            if other != name:
                return _difference(name, other), "error", "twin"
        on_windows = on_windows_disk(name)
        if on_windows != name:
            for other in self._alike(folder, on_windows):
                return f"is '{path_text(other)}' on Windows", "error", "twin"
        return None

    def _alike(self, folder: bytes, like: bytes) -> list[bytes]:
        """The names of a folder after the change that read like this one."""
        known = self._readings.get(folder)
        if known is None:
            self._readings[folder] = known = {}
            beside = self._before.names(folder) if self._was_there(folder) else ()
            for name in (*beside, *self.folders.get(folder, ())):
                for one in _readings(name)[:1]:
                    known.setdefault(one, []).append(name)
        prefix = folder + b"/" if folder else b""
        # What was there before may be gone: a name that only changes its case has no twin.
        return [
            name
            for read in dict.fromkeys(_readings(like))
            for name in known.get(read, ())
            # Next to a name of ASCII alone others may look like it, but it is what it is.
            if (name.isascii() or not like.isascii()) and self._after.find(prefix + name) is not None
        ]


def guarded_like(path: bytes, guards: Guards) -> tuple[str, Severity, str] | None:
    """The guard of a path that another one only reads like.

    Args:
        path: the path.
        guards: the policy's guarded paths.

    Returns:
        A clause, how bad it is, and the finding's key; None where there is no such guard.
    """
    windows = b"/".join(map(on_windows_disk, path.replace(b"\\", b"/").split(b"/")))
    for like in (*(one.encode("utf-8") for one in _readings(path)), windows):
        guard = guards.find(like) if like and like != path else None
        if guard is not None and guards.find(path) is None:
            return f"reads like a path under {guard.pattern}, which is guarded", "error", "guarded"
    return None


def on_windows_disk(name: bytes) -> bytes:
    """The file that Windows opens by a name: without a stream and without dots and spaces at the end."""
    return name.partition(b":")[0].rstrip(b" .") or name


def _readings(name: bytes) -> Sequence[str]:
    """How a name may be read, the likeliest first; nothing where it is not UTF-8."""
    if name.isascii():
        return [name.decode("ascii").lower()]
    from specguard.rules import look_alikes

    try:
        return list(look_alikes.readings(name.decode("utf-8")))
    except UnicodeDecodeError:
        return []


def _difference(name: bytes, other: bytes) -> str:
    """How two names differ that read alike."""
    named = path_text(other)
    if name.isascii() and other.isascii():
        return f"differs from '{named}' only in case"
    import unicodedata

    one, two = name.decode("utf-8"), other.decode("utf-8")
    if unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", two):
        return f"differs from '{named}' only in Unicode's normal form"
    if one.casefold() == two.casefold():
        return f"differs from '{named}' only in case"
    from specguard.rules import look_alikes

    strange = next((char for char in one if not char.isascii() and char not in two), "")
    because = f" (it has {look_alikes.described(strange)})" if strange else ""
    return f"looks like '{named}'{because}"
