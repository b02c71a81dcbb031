"""Whether the paths of a tree are among those that manifests list."""

from __future__ import annotations

import re

from specguard.artifacts.places import joined
from specguard.declaration.globs import PatternError
from specguard.declaration.patterns import Covering
from specguard.work.path_templates import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.artifacts.manifest import Listed

_GLOB: Final = re.compile(r"[*?\[]")


class Listing:
    """Listed paths, each with the artifact that lists it, ready to be compared with paths of a tree.

    A listed path covers what lies below it. It has two readings: from the root, and from the folder of the
    artifact, which are told apart because what the one names may be there while the other is not.
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
        self._plain.setdefault(plain, []).append(2 * which)
        if artifact.folder:
            self._plain.setdefault(joined(artifact.folder, plain), []).append(2 * which + 1)
        if _GLOB.search(listed.path):
            self._add_pattern(listed.path, 2 * which)
            if artifact.folder:
                parts = artifact.folder.decode("utf-8", "surrogateescape").split("/")
                self._add_pattern("/".join([*map(escape, parts), listed.path]), 2 * which + 1)

    def _add_pattern(self, pattern: str, reading: int) -> None:
        try:
            Covering.translate(pattern)
        except PatternError:
            # A name with brackets is no pattern, and was added as a name.
            return
        self._patterns.append(pattern)
        self._owners.append(reading)

    @property
    def names(self) -> Collection[bytes]:
        """The listed paths as they are, in both readings; patterns are among them."""
        return self._plain.keys()

    def touched(self, name: bytes) -> bool:
        """Whether an artifact that the change touches lists a path by this name."""
        return any(self.of(reading)[0].touched for reading in self._plain.get(name, ()))

    def of(self, reading: int) -> tuple[Artifact, Listed]:
        """The listed path of a reading, with the artifact that lists it."""
        return self.listed[reading // 2]

    def matches(self, paths: Sequence[bytes]) -> Iterator[tuple[bytes, list[int]]]:
        """For each path that is listed: the readings that name it, of which each listed path has two."""
        found: dict[int, list[int]] = {}
        for position, numbers in Covering(self._patterns).find_all(paths):
            found[position] = [self._owners[number] for number in numbers]
        for position, path in enumerate(paths):
            readings = found.get(position, [])
            above = path
            while above:
                readings = [*readings, *self._plain.get(above, ())]
                above = above.rpartition(b"/")[0]
            if readings:
                yield path, sorted(set(readings))
