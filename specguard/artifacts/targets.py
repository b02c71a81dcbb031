"""Where a cited path leads in the judged tree."""

from __future__ import annotations

import re

from specguard.artifacts.places import above
from specguard.documents.citations import plain_path
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Final

    from specguard.change.tree import Documents, TreeEntry
    from specguard.documents.citations import Citation

OUTSIDE: Final = "is outside of every prefix that `roots` names"
"""Why an absolute path cannot be looked up."""

_DEEPEST: Final = 64
_DRIVE: Final = re.compile(r"[A-Za-z]:/")
_SUBMODULE: Final = 0o160000
_SYMLINK: Final = 0o120000


class Target:
    """What a citation leads to.

    Attributes:
        path: the file or folder in the judged tree; None where there is none.
        flaw: why what is cited is not there, as a sentence; empty where it is.
        unknown: why nobody can tell, as a clause; empty where one can.
        help: the next step, as a sentence.
        file: the file that is cited, also where it lacks the lines; None where there is none.
        short: whether it is cited by the end of its path.
    """

    __slots__ = ("file", "flaw", "help", "path", "short", "unknown")

    def __init__(
        self,
        path: bytes | None = None,
        *,
        flaw: str = "",
        unknown: str = "",
        help: str = "",
        file: bytes | None = None,
    ) -> None:
        self.path = path
        self.flaw = flaw
        self.unknown = unknown
        self.help = help
        self.file = path if file is None else file
        self.short = False


class Targets:
    """Looks up what the documents of one tree cite.

    An absolute path is read from the repository's root where one of the `roots` stands before it; a relative
    one from the root, and where nothing is there from the folder of the document that cites it.

    Args:
        documents: the documents of the judged tree.
        roots: prefixes that stand for the repository's root; `*` is any one name, `**` at the end any folder.
    """

    def __init__(self, documents: Documents, roots: Iterable[str] = ()) -> None:
        self._documents = documents
        self._roots = [_expression(root) for root in roots]

    def find(self, citation: Citation, folder: bytes) -> Target:
        """Look up what a citation leads to.

        Args:
            citation: the place.
            folder: where the document stands that cites it; empty for the root.

        Raises:
            MissingFact: an object is not there, or the file is too large to count its lines.
        """
        if citation.kind == "shortened":
            return Target(unknown="leaves a part of the path out", help="Write the path in full.")
        places = self.places(citation, folder)
        if places is None:
            return Target(unknown=OUTSIDE)
        if not places:
            return Target(flaw=f"{citation} leads out of the repository", help="Cite a file that is in it.")
        for path in places:
            entry = self._documents.tree.find(path)
            if entry is not None:
                return self._lines(citation, path, entry)
        for path in places:
            if self._in_submodule(path):
                return Target(unknown="is in a submodule")
        what = path_text(places[0])
        if what == citation.path or len(places) > 2:
            what = "such file" if citation.line is not None else ""
        return Target(
            flaw=f"{citation} does not exist" + (f": there is no {what}" if what else ""),
            help="Cite a file that is there, by its path from the repository's root.",
        )

    def shortened(self, citation: Citation, cited: Collection[bytes]) -> Target | None:
        """Look up what the end of a path leads to; None where no file's path ends so.

        It is one of the files that the document cites by their whole paths, if one of these ends so, and
        else the only one of the tree that does.

        Args:
            citation: a place that leads to nothing by its path as it is written.
            cited: the files that the document cites by their whole paths.

        Raises:
            MissingFact: an object is not there, or the file is too large to count its lines.
        """
        name = plain_path(citation.path.encode("utf-8", "surrogateescape"))
        if citation.kind != "relative" or name is None:
            return None
        like = self._documents.tree.ending(name)
        near = [one for one in like if one in cited] or like
        if not near:
            return None
        if len(near) > 1:
            lines = str(citation).removeprefix(citation.path)
            return Target(
                flaw=f"{citation} leaves open which of {len(near)} files is meant",
                help=f"Write the path from the repository's root, as {path_text(near[0])}{lines}.",
            )
        entry = self._documents.tree.find(near[0])
        target = self._lines(citation, near[0], entry) if entry is not None else None
        if target is not None:
            target.short = True
        return target

    def places(self, citation: Citation, folder: bytes) -> Sequence[bytes] | None:
        """The paths of the tree that a citation may mean; None where it is outside of every root.

        None of them where it climbs out of the repository.
        """
        path = citation.path
        if citation.kind in {"absolute", "url"}:
            written = path[0].lower() + path[1:] if _DRIVE.match(path) else path
            rests = [
                rest
                for root, anywhere in self._roots
                if (match := root.match(written))
                for rest in _ends(written[match.end() :], anywhere)
            ]
            if not rests:
                return None
            found = [plain_path(rest.encode("utf-8", "surrogateescape")) for rest in rests]
        else:
            name = path.encode("utf-8", "surrogateescape")
            found = [plain_path(name), plain_path(folder + b"/" + name)]
        return list(dict.fromkeys(one for one in found if one))

    def prefetch(self, cited: Iterable[tuple[Citation, bytes]]) -> None:
        """Read the files that are cited at once, each with the folder of what cites it.

        Raises:
            MissingFact: an object is not there.
        """
        places = {place for citation, folder in cited for place in self.places(citation, folder) or ()}
        self._documents.prefetch(sorted(places))

    def _lines(self, citation: Citation, path: bytes, entry: TreeEntry) -> Target:
        """Whether a file that is there has the lines that are cited."""
        if citation.line is None or citation.end_line is None:
            return Target(path)
        name = path_text(path)
        if not entry.is_file:
            what = "a symbolic link" if entry.mode == _SYMLINK else "a folder"
            if entry.mode == _SUBMODULE:
                return Target(unknown="is a submodule")
            return Target(
                flaw=f"{citation} has no lines: {name} is {what}", help="Cite a file with its lines."
            )
        if citation.line < 1:
            return Target(flaw=f"{citation} does not exist: lines are counted from 1", help="Cite a line.")
        if citation.end_line < citation.line:
            return Target(flaw=f"{citation} ends before it begins", help="Write the first line first.")
        count = self._documents.lines(path) or 0
        if citation.end_line > count:
            lines = "1 line" if count == 1 else f"{count} lines"
            return Target(
                flaw=f"{citation} does not exist: {name} has {lines}",
                help="Cite lines that it has.",
                file=path,
            )
        return Target(path)

    def _in_submodule(self, path: bytes) -> bool:
        return any(
            entry is not None and entry.mode == _SUBMODULE
            for entry in map(self._documents.tree.find, above([path]))
        )


def _ends(rest: str, anywhere: bool) -> Sequence[str]:
    """What may stand behind the repository's root, the longest first."""
    names = rest.split("/")
    starts = range(max(0, len(names) - _DEEPEST), len(names)) if anywhere else (0,)
    return ["/".join(names[start:]) for start in starts]


def _expression(root: str) -> tuple[re.Pattern[str], bool]:
    """What a prefix matches, up to the end of a name, and whether any folder below it may be the root."""
    text = root.replace("\\", "/").removeprefix("file://").rstrip("/")
    anywhere = text == "**" or text.endswith("/**")
    text = text.removesuffix("**").rstrip("/") if anywhere else text
    if re.match(r"/[A-Za-z]:/", text):
        text = text[1:]
    text = text[:1].lower() + text[1:] if _DRIVE.match(text + "/") else text
    names = "".join("[^/]+" if part == "*" else re.escape(part) for part in re.split(r"(\*)", text))
    return re.compile(f"{names}/" if names else ""), anywhere
