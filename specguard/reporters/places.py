"""Where a finding is shown by what takes no finding without a file and a line.

A finding about a branch, a message or a title has no file. It is shown at the line of the authority that is
behind it, and where that cannot be named, at the authority's first line.
"""

from __future__ import annotations

from specguard.declaration.rule import Record
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.errors import SpecguardError
    from specguard.model import Judged, Origin, Verdict

_DOCUMENT: Final = b"SPEC_AUTHORITY.md"


class Place(Record):
    """A file of the repository, and lines of it.

    Attributes:
        path: the file, as git has its name.
        line: the first line, from 1; 0 for the whole file.
        end_line: the last one; 0 for the whole file.
        own: whether the finding itself names the file.
    """

    path: bytes
    line: int = 0
    end_line: int = 0
    own: bool = True

    @property
    def text(self) -> str:
        """The file's name as text; bytes of it that are not UTF-8 are shown."""
        return path_text(self.path)


def place_of(verdict: Verdict, judged: Judged) -> Place:
    """Where a finding of a verdict is shown."""
    finding = judged.finding
    if finding.path is not None:
        line = finding.line or 0
        return Place(path=finding.path, line=line, end_line=max(line, finding.end_line or 0) if line else 0)
    return of_origin(judged.authority) or authority_of(verdict)


def of_origin(origin: Origin | None) -> Place | None:
    """The line of the authority; None where it is in no file of the repository."""
    if origin is None:
        return None
    path = relative(origin.path)
    if path is None:
        return None
    return Place(path=path, line=origin.line or 1, end_line=origin.line or 1, own=False)


def authority_of(verdict: Verdict | None) -> Place:
    """The first line of the document that holds the policy."""
    documents = verdict.authority.get("documents", ()) if verdict else ()
    path = next((path for path in map(relative, documents) if path), _DOCUMENT)
    return Place(path=path, line=1, end_line=1, own=False)


def place_of_error(error: SpecguardError) -> Place:
    """Where an error is shown."""
    path = relative(error.path) if error.path else None
    return Place(path=path, line=error.line or 1, end_line=error.line or 1) if path else authority_of(None)


def relative(path: str) -> bytes | None:
    """A path within the repository as bytes; None for a preset's name and for a path out of it."""
    parts = path.split("/")
    if not path or path.startswith(("/", "preset:")) or ".." in parts:
        return None
    return "/".join(part for part in parts if part != ".").encode("utf-8", "surrogateescape") or None
