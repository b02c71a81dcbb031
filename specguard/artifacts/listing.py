"""Whether the paths of a tree are among those that manifests list."""

from __future__ import annotations

import re

from specguard.artifacts.places import joined
from specguard.declaration.globs import PatternError
from specguard.declaration.patterns import Covering

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.artifacts.manifest import Listed

_GLOB: Final = re.compile(r"[*?\[]")


class Listing:
    """Listed paths, each with the artifact that lists it, ready to be compared with paths of a tree.

    A listed path covers what lies below it. It is read from the root, and from the folder of the artifact.
    """

    def __init__(self) -> None:
        self.listed: list[tuple[Artifact, Listed]] = []
        self._plain: dict[bytes, list[int]] = {}
        self._patterns: list[str] = []
        self._owners: list[int] = []

    def add(self, artifact: Artifact, listed: Listed) -> None:
        """Add a path that an artifact lists."""
        which = len(self.listed)
        self.listed.append((artifact, listed))
        plain = listed.path.encode("utf-8", "surrogateescape")
        for path in {plain, joined(artifact.folder, plain)}:
            self._plain.setdefault(path, []).append(which)
        if _GLOB.search(listed.path):
            try:
                Covering.translate(listed.path)
            except PatternError:
                return
            self._patterns.append(listed.path)
            self._owners.append(which)

    def matches(self, paths: Sequence[bytes]) -> Iterator[tuple[bytes, list[int]]]:
        """For each path that is listed: which of `listed` name it."""
        found: dict[int, list[int]] = {}
        for position, numbers in Covering(self._patterns).find_all(paths):
            found[position] = [self._owners[number] for number in numbers]
        for position, path in enumerate(paths):
            which = found.get(position, [])
            above = path
            while above:
                which = [*which, *self._plain.get(above, ())]
                above = above.rpartition(b"/")[0]
            if which:
                yield path, sorted(set(which))
