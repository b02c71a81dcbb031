"""Files of a tree, found by templates that are relative to a folder."""

from __future__ import annotations

from bisect import bisect_left

from specguard.work.path_templates import PathTemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from specguard.change.tree import Tree


class Places:
    """The files of a tree, symbolic links and submodules among them.

    Args:
        tree: whose files are looked for.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._templates: dict[str, PathTemplate] = {}
        self._above: set[bytes] | None = None
        self._found: dict[tuple[bytes, str, frozenset[str]], dict[tuple[str, ...], list[bytes]]] = {}

    def template(self, text: str) -> PathTemplate:
        """A template, read once."""
        if text not in self._templates:
            self._templates[text] = PathTemplate(text)
        return self._templates[text]

    def beside(self, folder: bytes, text: str, fields: Mapping[str, str]) -> Sequence[bytes]:
        """What stands where a template says, folders left out, by path.

        Args:
            folder: where the template stands; empty for the root. It is not used where the template begins
                with a slash, and is read from the root.
            text: the template.
            fields: the values of its placeholders; one without a value may have any.

        Raises:
            MissingFact: a tree object is not there.
        """
        template = self.template(text)
        if text.startswith("/"):
            folder = b""
        plain = template.plain(fields)
        if plain is not None:
            path = joined(folder, plain)
            entry = self.tree.find(path)
            return [] if entry is None or entry.is_directory else [path]
        names = frozenset(template.names & fields.keys())
        known = self._found.get((folder, text, names))
        if known is None:
            self._found[folder, text, names] = known = {}
            for name in self._names(folder, text):
                key = template.key_of(name, names)
                if key is not None:
                    known.setdefault(key, []).append(joined(folder, name))
        return known.get(template.key(fields), [])

    def files_beside(self, folder: bytes, text: str, fields: Mapping[str, str]) -> Sequence[bytes]:
        """The regular files among what `beside` gives."""
        found = self.beside(folder, text, fields)
        return [path for path in found if (entry := self.tree.find(path)) is not None and entry.is_file]

    def stands(self, path: bytes, folder: bytes, text: str, fields: Mapping[str, str]) -> bool:
        """Whether a path, which need not be there, is one that a template says; as for `beside`."""
        template = self.template(text)
        name = path if text.startswith("/") else relative(path, folder)
        return name is not None and template.key_of(name, template.names & fields.keys()) == template.key(
            fields
        )

    def below(self, folder: bytes) -> Sequence[bytes]:
        """Everything below a folder that is no folder, by path; all that there is for the root.

        Raises:
            MissingFact: a tree object is not there.
        """
        paths = self.tree.paths()
        if not folder:
            return paths
        return paths[bisect_left(paths, folder + b"/") : bisect_left(paths, folder + b"0")]

    def folders(self, text: str, fields: Mapping[str, str]) -> Sequence[bytes]:
        """The folders that a template is, from the root, by path.

        Raises:
            MissingFact: a tree object is not there.
        """
        template = self.template(text)
        names = template.names & fields.keys()
        wanted = template.key(fields)
        return [folder for folder in sorted(self._folders()) if template.key_of(folder, names) == wanted]

    def _folders(self) -> set[bytes]:
        if self._above is None:
            self._above = above(self.tree.paths())
        return self._above

    def _names(self, folder: bytes, text: str) -> Sequence[bytes]:
        """The paths from a folder that a template can be about."""
        if "/" in text.removeprefix("/") or "**" in text:
            return [path[len(folder) + 1 :] if folder else path for path in self.below(folder)]
        return sorted(name for name, entry in self.tree.names(folder).items() if not entry.is_directory)


def above(paths: Iterable[bytes]) -> set[bytes]:
    """All folders above some paths, the root left out."""
    found: set[bytes] = set()
    for path in paths:
        folder = path.rpartition(b"/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition(b"/")[0]
    return found


def joined(folder: bytes, name: bytes) -> bytes:
    """A path from a folder, which is empty for the root."""
    return folder + b"/" + name if folder else name


def relative(path: bytes, folder: bytes) -> bytes | None:
    """A path as seen from a folder; None where it is not below it."""
    if not folder:
        return path
    return path[len(folder) + 1 :] if path.startswith(folder + b"/") else None
