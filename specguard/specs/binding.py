"""Reviews that are bound to content: the object ids of the files that a spec governed when it was read."""

from __future__ import annotations

import re

from specguard.change.revision import sha256
from specguard.declaration.patterns import Covering, PatternError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Final

    from specguard.change.entries import Entry
    from specguard.change.tree import Tree
    from specguard.specs.said import Said

SHORTEST: Final = 7
"""So many digits an abbreviated object id has at least."""

SHOWN: Final = 6
"""So many files are named one by one; for more, the id of the whole pattern is shown."""

_ID: Final = re.compile(r"[0-9a-f]{7,64}")


class Drift:
    """Something that is not as it was when a spec was reviewed.

    Attributes:
        path: the path or pattern.
        said: the record; None where there is none.
        why: what is wrong, as a clause.
    """

    __slots__ = ("path", "said", "why")

    def __init__(self, path: str, said: Said | None, why: str) -> None:
        self.path = path
        self.said = said
        self.why = why

    def __repr__(self) -> str:
        return f"Drift({self.path!r}, {self.why!r})"


class Binding:
    """The files that a spec governs, next to the object ids that its review recorded.

    Args:
        tree: the judged files.
        files: the paths of those that the spec governs.
        patterns: the patterns by which it governs them.
        recorded: the ids that the review recorded, by path or pattern.
        entries: what the change touches, by path.
        apart: paths that no pattern covers here: where ids are recorded.
    """

    def __init__(
        self,
        tree: Tree,
        files: Sequence[bytes],
        *,
        apart: Collection[bytes],
        patterns: Sequence[str],
        recorded: Sequence[tuple[str, Said]],
        entries: Mapping[bytes, Entry],
    ) -> None:
        self._tree = tree
        self._files = files
        self._patterns = patterns
        self._recorded = recorded
        self._entries = entries
        self._apart = apart

    def drifts(self) -> Iterator[Drift]:
        """What changed since the review, was not recorded by it, or in a way that tells nothing."""
        known = set(self._files)
        bound: set[bytes] = set()
        for written, said in self._recorded:
            text = written.strip().removeprefix("./")
            path = text.strip("/").encode("utf-8", "surrogateescape")
            wanted = said.text.strip().lower()
            if not _ID.fullmatch(wanted):
                yield Drift(written, said, f"is recorded with {said.text!r}, which is no object id")
                continue
            there = self._tree.find(path)
            if path in known or (there is not None and not there.is_directory):
                bound.add(path)
                yield from self._of_file(path, wanted, said)
                continue
            covered = self._covered(text)
            if covered is None:
                yield Drift(written, said, "is recorded, and is no pattern")
                continue
            bound.update(covered)
            if not covered:
                yield Drift(written, said, "is recorded, and is gone")
            elif not self.digest(covered).startswith(wanted):
                yield Drift(written, said, f"was {wanted[:12]}, and is {self.digest(covered)[:12]} now")
        missing = [path for path in self._files if path not in bound]
        for path in missing[:SHOWN]:
            yield Drift(path_text(path), None, "is not recorded")
        if len(missing) > SHOWN:
            yield Drift(f"{len(missing) - SHOWN} more", None, "are not recorded")

    def _of_file(self, path: bytes, wanted: str, said: Said) -> Iterator[Drift]:
        there = self._tree.find(path)
        oid = there.oid if there is not None else ""
        if not oid.startswith(wanted):
            yield Drift(path_text(path), said, f"was {wanted[:12]}, and is {oid[:12] or 'gone'} now")
            return
        entry = self._entries.get(path)
        if entry is not None and entry.old != entry.new and entry.old.startswith(wanted):
            why = f"is recorded with {wanted}, which is its content both before and after the change"
            yield Drift(path_text(path), said, why)

    def current(self) -> list[str]:
        """The ids as they are now, each behind its path; where there are many files, one for each pattern."""
        if len(self._files) <= SHOWN:
            return [f'"{path_text(path)}": {self._oid(path)}' for path in self._files]
        found = []
        for pattern in self._patterns:
            covered = self._covered(pattern)
            if covered:
                found.append(f'"{pattern}": {self.digest(covered)}')
        return found

    def digest(self, paths: Sequence[bytes]) -> str:
        """The id of several files: the sha256 of what `git ls-tree -r` prints of them."""
        lines = []
        for path in paths:
            there = self._tree.find(path)
            if there is not None:
                kind = "commit" if there.mode & 0o170000 == 0o160000 else "blob"
                lines.append(f"{there.mode:06o} {kind} {there.oid}\t".encode("ascii") + path + b"\n")
        return sha256(b"".join(lines)).hexdigest()

    def _covered(self, pattern: str) -> Sequence[bytes] | None:
        """The files under a pattern; None where it is malformed."""
        try:
            covering = Covering([pattern])
        except PatternError:
            return None
        paths = self._tree.paths()
        found = [paths[position] for position, _ in covering.find_each(paths)]
        return [path for path in found if path not in self._apart]

    def _oid(self, path: bytes) -> str:
        there = self._tree.find(path)
        return there.oid if there is not None else ""
