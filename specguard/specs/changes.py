"""Whether a change of a file changes what specs say."""

from __future__ import annotations

from specguard.specs.text import canonical, shown_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.change.documents import Documents
    from specguard.change.entry import Entry
    from specguard.specs.index import IndexEntry
    from specguard.specs.settings import SpecSettings
    from specguard.specs.specs import Specs


def says_more(specs: Specs, entry: Entry, deleted: Sequence[bytes]) -> bool:
    """Whether an entry changes what specs say: not by a deletion, a rename, white space or a date alone.

    Args:
        specs: the specs before and after the change.
        entry: what it does to a file that can be a spec.
        deleted: the paths that it deletes.

    Raises:
        MissingFact: a document cannot be read.
    """
    if entry.deleted or not entry.is_file:
        return False
    if entry.path == specs.now.index_path:
        return _index_says_more(specs)
    spec = specs.now.at(entry.path)
    if spec is None:
        return _file_says_more(specs, entry.path, deleted)
    was = specs.before(spec)
    return bool(spec.essence) if was is None else specs.says_more(spec, was)


def _index_says_more(specs: Specs) -> bool:
    index = specs.now.index
    if index is None or index.problem is not None:
        return False
    earlier = specs.earlier
    if earlier is None or earlier.index is None or earlier.index.problem is not None:
        return bool(index.entries)
    known = {_says(entry, specs.settings) for entry in earlier.entries}
    if any(_says(entry, specs.settings) not in known for entry in specs.now.entries):
        return True
    touched = [spec for spec in specs.all if specs.touches(spec)]
    return any((was := specs.before(spec)) and specs.new_approvals(spec, was) for spec in touched)


def _says(entry: IndexEntry, settings: SpecSettings) -> str:
    """What an entry says, and of what."""
    return f"{entry.id or [named.text for named in entry.paths]} {entry.essence(settings)}"


def _file_says_more(specs: Specs, path: bytes, deleted: Sequence[bytes]) -> bool:
    """Whether a file that is no spec itself says something that was not there before."""
    says = _essence_of(specs.now.documents, path)
    if not says:
        return False
    if specs.earlier is None:
        return True
    earlier = specs.earlier.documents
    return all(_essence_of(earlier, one) != says for one in (path, *deleted))


def _essence_of(documents: Documents, path: bytes) -> str:
    """What any file says, without white space and what no reader sees."""
    if documents.tree.find(path) is None:
        return ""
    document = documents.read(path)
    if document is None or document.problem is not None:
        content = documents.content(path) or b""
        return content.decode("utf-8", "surrogateescape")
    matter = canonical(document.properties.value) if document.front_matter is not None else ""
    return matter + shown_text(document.blocks)
