"""Whether the paths of a tree are among those that manifests list."""

from __future__ import annotations

import re

from specguard.artifacts.places import joined, relative
from specguard.declaration.patterns import Covering, PatternError
from specguard.work.path_templates import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.artifacts.manifest import Listed
    from specguard.artifacts.places import Places

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
        self._named: dict[tuple[bytes, str, frozenset[str]], dict[tuple[str, ...], list[bytes]]] = {}

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

    def named_by(
        self, places: Places, folder: bytes, text: str, fields: Mapping[str, str]
    ) -> Sequence[bytes]:
        """The listed paths that a template says, in both readings; patterns are among them.

        Args:
            places: reads templates.
            folder: where the template stands; it is read from the root where it begins with a slash.
            text: the template.
            fields: the values of its placeholders; one without a value may have any.
        """
        template = places.template(text)
        names = frozenset(template.names & fields.keys())
        folder = b"" if text.startswith("/") else folder
        known = self._named.get((folder, text, names))
        if known is None:
            self._named[folder, text, names] = known = {}
            for path in self._plain:
                name = relative(path, folder)
                key = None if name is None else template.key_of(name, names)
                if key is not None:
                    known.setdefault(key, []).append(path)
        return known.get(template.key(fields), [])

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
