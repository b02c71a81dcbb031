"""What the log of approvals has lost: files that a commit or the working tree changed or took away."""

from __future__ import annotations

import os

from specguard.approvals.log import NAME
from specguard.approvals.record import LIMIT
from specguard.change.revision import sha256
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.change.entries import Entry
    from specguard.change.tree import Tree
    from specguard.engine.logbook import Logbook


def lost(book: Logbook, notes: list[str]) -> Iterator[tuple[bytes, str, str]]:
    """What is not there any more, or is not what it was.

    Args:
        book: the log; the `Git` that it was read with must be open.
        notes: what was changed or taken away and holds again is added here, as sentences.

    Yields:
        The file, what became of it, as a clause, and the next step.

    Raises:
        MissingFact: the history of `HEAD` is not there as a whole.
    """
    head = book.git.repository.head
    if head is None or book.head is None:
        return
    altered: dict[bytes, list[tuple[str, Entry]]] = {}
    for oid, entries in book.git.alterations(head, book.log.folder):
        for entry in entries:
            if NAME.fullmatch(entry.path.removeprefix(book.log.folder)) and _was_file(entry):
                altered.setdefault(entry.path, []).append((oid, entry))
    records = _records(book, altered)
    for path, found in sorted(altered.items()):
        name = _id(book, path)
        # What it was before may have been no record: to mend or remove that takes nothing away.
        whole = [one for one in found if path.endswith(b".sig") or _is_record(name, records[one[1].old])]
        if not whole:
            continue
        oid, entry = whole[0]
        said = f"was {'taken away' if entry.deleted else 'changed'} in commit {oid[:12]}"
        if _is_again(book, path, book.head):
            notes.append(f"{path_text(path)} {said}, and is there again")
        else:
            yield path, f"it {said}", f"put it back: git cat-file blob {entry.old[:12]} > {word(path)}"
    yield from _gone(book, book.head)


def word(path: bytes) -> str:
    """A path as a word of a command line."""
    import shlex

    return shlex.quote(path_text(path))


def _gone(book: Logbook, head: Tree) -> Iterator[tuple[bytes, str, str]]:
    """What `HEAD` has and the working tree has not."""
    if book.work_tree is None:
        return
    folder = book.log.folder
    place = os.path.join(os.fsencode(book.work_tree), folder)
    there = set(os.listdir(place)) if os.path.isdir(place) else set()
    gone = [
        folder + name
        for name in sorted(head.names(folder.rstrip(b"/")))
        if NAME.fullmatch(name) and name not in there
    ]
    left_out = _left_out(book) if gone else frozenset()
    for path in gone:
        if path not in left_out:
            yield path, "it is gone from the working tree", f"put it back: git checkout HEAD -- {word(path)}"


def _left_out(book: Logbook) -> frozenset[bytes]:
    """The files of the log that a sparse checkout leaves out of the working tree."""
    git = book.git
    path = book.log.folder.decode("utf-8", "surrogateescape")
    process = git.start("ls-files", "-t", "-z", "--", path, index=git.repository.index)
    listed = git.read(process, "the index").split(b"\0")
    return frozenset(line[2:] for line in listed if line.startswith(b"S "))


def _is_again(book: Logbook, path: bytes, head: Tree) -> bool:
    """Whether `HEAD` has a record again; of a signature, whether it and its record are there.

    Whose a signature is that is there is judged as of all.
    """
    filed = book.log.filed.get(_id(book, path))
    if filed is None or "head" not in filed.places:
        return False
    entry = head.find(path)
    return entry is not None and entry.is_file


def _id(book: Logbook, path: bytes) -> str:
    return path.removeprefix(book.log.folder).partition(b".")[0].decode("ascii")


def _was_file(entry: Entry) -> bool:
    return entry.old_mode & 0o170000 == 0o100000


def _records(
    book: Logbook, altered: Mapping[bytes, Sequence[tuple[str, Entry]]]
) -> Mapping[str, bytes | None]:
    """What altered records were before, by object id."""
    oids = {entry.old for path, found in altered.items() if path.endswith(b".json") for _, entry in found}
    return dict(book.git.blobs(sorted(oids), limit=LIMIT))


def _is_record(name: str, content: bytes | None) -> bool:
    """Whether a content is what its name says."""
    return content is not None and sha256(content).hexdigest() == name
