"""The specs of one tree: its index and its documents, brought together."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

from specguard.declaration.patterns import Covering, PatternError
from specguard.documents.fields import normal_name
from specguard.errors import MissingFact
from specguard.model import path_text
from specguard.specs.index import FOLDERS, Index, folders_of, place_of
from specguard.specs.spec import Spec
from specguard.specs.statuses import Ways

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.change.tree import Documents
    from specguard.specs.index import IndexEntry, NamedPath
    from specguard.specs.settings import SpecSettings


class Catalogue:
    """The specs of one tree, read as they are asked for.

    Args:
        settings: `[specs]`.
        documents: the documents of the tree.
    """

    def __init__(self, settings: SpecSettings, documents: Documents) -> None:
        self.settings = settings
        self.documents = documents
        self._specs: dict[bytes, Spec] = {}
        self._governs: dict[bytes, Covering] = {}

    @cached_property
    def index(self) -> Index | None:
        """The index; None where the policy has none.

        Raises:
            MissingFact: an object is not there.
        """
        if not self.settings.index:
            return None
        path = self.settings.index.encode("utf-8", "surrogateescape")
        return Index(path, self.documents.data(path), self.settings.entries)

    @property
    def index_path(self) -> bytes:
        """Where the index is; empty where there is none."""
        return self.settings.index.encode("utf-8", "surrogateescape")

    @property
    def done(self) -> Sequence[IndexEntry]:
        """The entries of the index whose status says that they were done.

        Raises:
            MissingFact: the index cannot be read.
        """
        ways = Ways(self.settings)
        said = ((entry, entry.said(self.settings.status)) for entry in self.entries)
        return [entry for entry, status in said if status is not None and ways.done(status.text)]

    @cached_property
    def entries(self) -> Sequence[IndexEntry]:
        """The entries of the index, each with the specs it is about.

        Raises:
            MissingFact: the index cannot be read, so nothing is known of what it says.
        """
        index = self.index
        if index is None:
            return ()
        if index.problem is not None:
            raise MissingFact(
                f"the index {path_text(index.path)} cannot be read: {index.problem[0]}",
                code="unreadable-file",
            )
        folder = index.path.rpartition(b"/")[0]
        for entry in index.entries:
            for named in entry.paths:
                named.path, named.problem = place_of(named.text, self.documents.tree, folder)
                if not named.problem and self.means_spec(named):
                    entry.files.append(named.path)
            if not entry.paths:
                entry.files += self._in_folder(entry, folder)
        self._find_by_id(
            [entry for entry in index.entries if entry.id and not entry.paths and not entry.files]
        )
        return index.entries

    def _in_folder(self, entry: IndexEntry, above: bytes) -> Sequence[bytes]:
        """The specs in the folder that an entry names, by path: one from the root or from `above`."""
        named = entry.find(*FOLDERS)
        if named is None or not isinstance(named[1], str):
            return []
        for folder in folders_of(named[1], above):
            found = [path for path in self.files if path.startswith(folder + b"/")]
            if found:
                return found
        return []

    def means_spec(self, named: NamedPath) -> bool:
        """Whether a path in the index is to be a spec: by its key, or because `files` has it."""
        return named.main or self.settings.files.find(named.path) is not None

    @cached_property
    def paths(self) -> Sequence[bytes]:
        """The paths of all specs in order: the files that the policy names, and those that the index does."""
        found = {path for entry in self.entries for path in entry.files}
        found.update(self.files)
        return sorted(found)

    @cached_property
    def files(self) -> Sequence[bytes]:
        """The regular files that the policy's `files` has, in order."""
        paths = self.documents.tree.paths()
        found = [paths[position] for position, _ in self.settings.files.find_each(paths)]
        found = [path for path in found if path != self.index_path]
        return [path for path in found if (entry := self.documents.tree.find(path)) and entry.is_file]

    def at(self, path: bytes) -> Spec | None:
        """The spec at a path; None where no spec is there."""
        if path in self._specs:
            return self._specs[path]
        entry = self._by_path.get(path)
        if entry is None:
            there = self.documents.tree.find(path)
            is_spec = there is not None and there.is_file and self.settings.files.find(path) is not None
            if not is_spec or path == self.index_path:
                return None
        spec = self._specs[path] = self._spec(path, entry)
        return spec

    @cached_property
    def all(self) -> Sequence[Spec]:
        """Every spec, by path."""
        return [spec for path in self.paths if (spec := self.at(path)) is not None]

    def governs(self, spec: Spec) -> Covering:
        """The patterns of the paths that a spec governs, by the policy or else by its own text."""
        if spec.path not in self._governs:
            if self.settings.governs:
                patterns = [
                    pattern
                    for pattern, files in self.settings.governs.items()
                    if files.find(spec.path) is not None
                ]
            else:
                written = dict.fromkeys(said.text for said in spec.listed)
                patterns = [text for text in written if not pattern_problem(text)]
            self._governs[spec.path] = Covering(patterns)
        return self._governs[spec.path]

    def governing(self, path: bytes) -> Iterator[tuple[Spec, str]]:
        """The specs that govern a path, each with the pattern by which it does."""
        if not self.settings.governs:
            self.documents.prefetch(self.paths)
        for spec in self.all:
            patterns = self.governs(spec)
            index = patterns.find(path)
            if index is not None:
                yield spec, patterns.patterns[index]

    @cached_property
    def _by_path(self) -> Mapping[bytes, IndexEntry]:
        """The entry of each path: the first that names it as its spec, else the first that names it."""
        main: dict[bytes, IndexEntry] = {}
        other: dict[bytes, IndexEntry] = {}
        for entry in self.entries:
            for position, path in enumerate(entry.files):
                (main if not position else other).setdefault(path, entry)
        return {**other, **main}

    def _spec(self, path: bytes, entry: IndexEntry | None) -> Spec:
        return Spec(path, entry, settings=self.settings, documents=self.documents, index=self.index_path)

    def _find_by_id(self, entries: Sequence[IndexEntry]) -> None:
        """Give entries without a path the one spec that has their id, or whose name begins with it."""
        if not entries:
            return
        by_id: dict[str, list[bytes]] = {}
        for path in self.files:
            spec = self._spec(path, None)
            stem = path.rpartition(b"/")[2].rpartition(b".")[0].decode("utf-8", "replace")
            for name in {spec.own_id or stem, stem}:
                by_id.setdefault(normal_name(name), []).append(path)
        names = sorted(by_id)
        for entry in entries:
            wanted = normal_name(entry.id)
            found = by_id.get(wanted) or _beginning(by_id, names, wanted)
            if len(found) == 1:
                entry.files.append(found[0])


def _beginning(by_id: Mapping[str, Sequence[bytes]], names: Sequence[str], prefix: str) -> Sequence[bytes]:
    """The paths of the names that begin with an id which ends there: `2runs` with `2`, but not `21`.

    Of several no more than two are given, since none of them is meant then.

    Args:
        by_id: the paths by their names in normal form.
        names: these names, sorted.
        prefix: the id in normal form.
    """
    found: dict[bytes, None] = {}
    for position in range(bisect_left(names, prefix), len(names)):
        name = names[position]
        if not prefix or not name.startswith(prefix) or len(found) > 1:
            break
        if not (name[len(prefix) : len(prefix) + 1].isdigit() and prefix[-1].isdigit()):
            found.update(dict.fromkeys(by_id[name]))
    return list(found)


def pattern_problem(pattern: str) -> str:
    """What is wrong with a pattern; empty where nothing is."""
    try:
        Covering.translate(pattern)
    except PatternError as error:
        return str(error)
    return ""
