"""Finding a work item's document in the trusted base, and naming everything that was tried."""

from __future__ import annotations

import re

from specguard.declaration.patterns import PatternError, Selecting
from specguard.documents.citations import plain_path
from specguard.model import path_text
from specguard.work.path_templates import escape
from specguard.work.pointers import Tried, file_type
from specguard.work.stubs import points_to
from specguard.work.templates import NumberFormat, Template, Unrendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.change.tree import Tree
    from specguard.work.kinds import WorkKind

LARGEST_DOCUMENT: Final = 4 << 20
"""A document of more bytes is not read."""

_PADDINGS: Final = (1, 2, 3, 4)
_STEPS: Final = 3


class Located:
    """Where a work item's document is, or why it is not found.

    Attributes:
        path: the document; None where there is none, or more than one.
        tried: every place that was looked at, in order.
        problem: what is wrong, in one sentence; empty where a document was found.
        near: near misses, one sentence each.
        legacy: the canonical folder, where the document was found in an older place; empty otherwise.
    """

    __slots__ = ("legacy", "near", "path", "problem", "tried")

    def __init__(self, tried: list[Tried]) -> None:
        self.path: bytes | None = None
        self.tried = tried
        self.problem = ""
        self.near: list[str] = []
        self.legacy = ""


class Locator:
    """Looks for one item's document.

    Args:
        kind: its templates.
        fields: the item's placeholders.
        number: its number; None for an item without one.
        tree: the trusted base's files.
    """

    def __init__(self, kind: WorkKind, fields: Mapping[str, str], number: int | None, tree: Tree) -> None:
        self.kind = kind
        self.fields = fields
        self.number = number
        self.tree = tree
        self.found = Located([])

    def locate(self) -> Located:
        """Try the templates in order, then the indexes, then the older places.

        Raises:
            MissingFact: the tree or a file cannot be read.
        """
        for template in self.kind.document:
            if self._take(template):
                return self.found
        for template in self.kind.index:
            if self._take_from_index(template):
                return self.found
        for template in self.kind.legacy:
            if self._take(template):
                if self.found.path is not None:
                    self.found.legacy = self._canonical_folder()
                return self.found
        self.found.problem = "none of the places it could be in has it"
        self.found.near = list(dict.fromkeys([*self.found.near, *self._near()]))
        return self.found

    def _take(self, template: str) -> bool:
        """Whether the search ends at a template: with a document, or with something that is wrong."""
        wild = has_wildcard(template)
        patterns = self._patterns(template, _PADDINGS if wild else self._widths(), note=True)
        if not patterns:
            return False
        matches: dict[bytes, None] = {}
        for pattern in patterns:
            try:
                matches.update(dict.fromkeys(matching(self.tree, pattern)))
            except PatternError as error:
                self.found.tried.append(Tried(pattern, f"names no file: {error}"))
                return False
        if not matches:
            self.found.tried.append(
                Tried(readable(patterns[0]), "matches no file" if wild else "is not there")
            )
            return False
        if len(matches) > 1:
            names = " and ".join(path_text(path) for path in sorted(matches))
            self.found.tried.append(Tried(readable(patterns[0]), f"matches {names}"))
            self.found.problem = f"{len(matches)} files could be it: {names}"
            return True
        return self._settle(next(iter(matches)))

    def _take_from_index(self, template: str) -> bool:
        from specguard.work.index import rows_for

        for pattern in self._patterns(template, self._widths(), note=True):
            place = readable(pattern)
            path = place.encode("utf-8", "surrogateescape")
            text = self.text_of(path)
            if text is None:
                self.found.tried.append(Tried(place, "is not there"))
                continue
            rows = rows_for(text, self.fields.get("kind", ""), self.fields.get("id", ""), self.number)
            targets: dict[bytes, None] = {}
            for row in rows:
                places = [self._existing(path, link) for link in row.links]
                targets.update(dict.fromkeys(target for target in places if target is not None))
                if row.links and not any(places):
                    self.found.near.append(
                        f"{place}:{row.line} names {row.links[0]!r} for it, which is not there"
                    )
                elif not row.links:
                    self.found.near.append(
                        f"{place}:{row.line} lists it as {row.title!r}, without the path of a document"
                    )
            self.found.tried.append(
                Tried(place, "maps it to a document" if targets else "maps it to no document")
            )
            if len(targets) > 1:
                names = " and ".join(path_text(target) for target in sorted(targets))
                self.found.problem = f"{place} maps it to {len(targets)} documents: {names}"
                return True
            if targets:
                return self._settle(next(iter(targets)))
        return False

    def _settle(self, path: bytes) -> bool:
        """Take a file for the document, or what it points to where that is all it does."""
        seen = [path]
        for _ in range(_STEPS):
            entry = self.tree.find(path)
            special = file_type(entry.mode) if entry is not None else ""
            if special:
                self.found.tried.append(Tried(path_text(path), f"is {special}"))
                self.found.problem = f"{path_text(path)} is {special}, not a document"
                return True
            text = self.text_of(path)
            if text is not None and not text.strip():
                self.found.tried.append(Tried(path_text(path), "is empty"))
                self.found.problem = f"{path_text(path)} is empty"
                return True
            link = points_to(text or "")
            if not link:
                self.found.tried.append(Tried(path_text(path), "was found"))
                self.found.path = path
                return True
            target = self._existing(path, link)
            if target is None or target in seen:
                reason = "which is not there" if target is None else "which leads back to it"
                self.found.tried.append(Tried(path_text(path), f"only points to {link!r}, {reason}"))
                self.found.problem = f"{path_text(path)} only points to {link!r}, {reason}"
                return True
            self.found.tried.append(Tried(path_text(path), f"only points to {path_text(target)}"))
            seen.append(target)
            path = target
        self.found.problem = (
            f"{path_text(seen[0])} only points to a document that only points to another, and so on"
        )
        return True

    def text_of(self, path: bytes) -> str | None:
        """The text of a file of the base; None where there is none of a size that is read."""
        return read_text(self.tree, path)

    def _existing(self, source: bytes, link: str) -> bytes | None:
        """The file that a link in another file means: relative to that file's folder, else to the root."""
        for base in (source.rpartition(b"/")[0], b""):
            path = joined(base, link)
            if path is None:
                continue
            entry = self.tree.find(path)
            if entry is not None and not file_type(entry.mode):
                return path
        return None

    def _widths(self) -> Sequence[int]:
        return [NumberFormat(text).width for text in self.kind.number_format]

    def _patterns(self, template: str, widths: Sequence[int], *, note: bool = False) -> list[str]:
        """The patterns of a template, one for each way to write the number; none where a field is missing.

        Args:
            template: the template.
            widths: how many digits the number has at least.
            note: whether a missing field is noted among what was tried.
        """
        parsed = Template(template)
        patterns: dict[str, None] = {}
        for width in widths:
            fields = dict(self.fields)
            if self.number is not None:
                fields["number"] = f"{self.number:0{width}d}"
            try:
                patterns[parsed.render(fields, escape).removeprefix("./")] = None
            except Unrendered as missing:
                if note:
                    told = f"needs {{{missing.name}}}, which is not known"
                    if not parsed.literal and missing.name in self.kind.fields:
                        told = f"is not told: there is no {' or '.join(self.kind.paths_of(missing.name))}"
                    self.found.tried.append(Tried(template, told))
                return []
        return list(patterns)

    def _canonical_folder(self) -> str:
        """The folder of the first template that is more than a field."""
        for template in self.kind.document:
            if not Template(template).literal:
                continue
            patterns = self._patterns(template.rpartition("/")[0], self._widths())
            if patterns:
                return readable(patterns[0])
        return "its canonical place"

    def _near(self) -> Iterator[str]:
        """Files that resemble what was looked for: padded otherwise, or in another folder."""
        exact: dict[bytes, str] = {}
        names: list[re.Pattern[str]] = []
        for template in self.kind.document:
            for pattern in self._patterns(template, _PADDINGS):
                name = pattern.rpartition("/")[2]
                if not has_wildcard(pattern):
                    exact[readable(pattern).encode("utf-8", "surrogateescape")] = template
                # A name that all items share, `README.md` in a folder of each, says nothing of this one.
                if "{" in template.rpartition("/")[2] and re.search("[A-Za-z0-9]", name):
                    star = re.escape(name).replace(r"\*", "[^/]*")
                    names.append(re.compile(star, re.IGNORECASE))
        found = 0
        for path in self.tree.paths():
            name = path.rpartition(b"/")[2].decode("utf-8", "surrogateescape")
            if path in exact:
                yield f"{path_text(path)} has the number padded otherwise, which number_format could allow"
            elif any(expression.fullmatch(name) for expression in names):
                yield f"{path_text(path)} has such a name in another place"
            else:
                continue
            found += 1
            if found == 5:
                return


def matching(tree: Tree, pattern: str) -> list[bytes]:
    """The paths of a tree that a pattern selects, links and submodules included.

    Raises:
        PatternError: it is no pattern.
        MissingFact: the tree cannot be read.
    """
    selecting = Selecting([pattern])
    if not has_wildcard(pattern):
        path = readable(pattern.removeprefix("/")).encode("utf-8", "surrogateescape")
        entry = tree.find(path)
        return [path] if entry is not None and entry.mode & 0o170000 != 0o040000 else []
    folder, _, name = pattern.removeprefix("/").rpartition("/")
    if not has_wildcard(folder) and name != "**":
        place = readable(folder).encode("utf-8", "surrogateescape")
        prefix = place + b"/" if place else b""
        return [
            prefix + found
            for found, entry in tree.names(place).items()
            if entry.mode & 0o170000 != 0o040000 and selecting.find(prefix + found) is not None
        ]
    return [path for path in tree.paths() if selecting.find(path) is not None]


def read_text(tree: Tree, path: bytes) -> str | None:
    """The text of a file; None where it is missing, too large, or no regular file.

    Raises:
        MissingFact: the object is not there.
    """
    entry = tree.find(path)
    if entry is None or file_type(entry.mode):
        return None
    data = tree.read(path)
    if data is None or len(data) > LARGEST_DOCUMENT:
        return None
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def joined(folder: bytes, link: str) -> bytes | None:
    """The path that a link means in a folder; None where it leads out of the repository or is an address."""
    link = link.split("#", 1)[0].split("?", 1)[0]
    if not link or re.match("[a-z][a-z0-9+.-]*:", link, re.IGNORECASE):
        return None
    start = b"" if link.startswith("/") else folder
    return plain_path(start + b"/" + link.encode("utf-8", "surrogateescape"))


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern or template has a wildcard that no backslash takes away."""
    return re.search(r"(?<!\\)(?:\\\\)*[*?\[]", pattern) is not None


def readable(pattern: str) -> str:
    """A pattern as the name it stands for, its backslashes taken away."""
    return re.sub(r"\\(.)", r"\1", pattern)
