"""Many commits as one stream for `git fast-import`, so that a repository costs few processes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    # Mappings by path; a mapping's keys are invariant, so each kind is named.
    Name = str | bytes
    Texts = Mapping[str, Name] | Mapping[bytes, Name] | Mapping[Name, Name]
    Ids = Mapping[str, str] | Mapping[bytes, str] | Mapping[Name, str]
    Tree = dict[bytes, tuple[bytes, bytes]]

_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
FILE, EXECUTABLE, SYMLINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"


@dataclass(frozen=True)
class Step:
    """One commit, said by what it changes. Paths and messages are text or bytes.

    A merge takes over what its other parents changed since they parted from the first, and then what it says
    itself: `files` of a merge are the answer to a conflict, or content that no parent has.

    Attributes:
        message: the commit's message; a newline is added where none ends it.
        files: content by path.
        symlinks: target by path.
        submodules: commit id by path.
        executable: paths, new or old, that get the executable bit.
        delete: files, or folders with all below them.
        rename: new name by old one, of a file or a folder.
        author: `Name <address>`; the builder's own where it is empty.
        committer: the author where it is empty.
        encoding: the name in the commit's encoding header; none where it is empty.
        id: a name by which other steps call this one their parent.
        parents: ids of steps; the step before where it is None, nothing (a root) where it is empty.
    """

    message: str | bytes = "chore: change"
    files: Texts = field(default_factory=dict)
    symlinks: Texts = field(default_factory=dict)
    submodules: Ids = field(default_factory=dict)
    executable: Sequence[str | bytes] = ()
    delete: Sequence[str | bytes] = ()
    rename: Texts = field(default_factory=dict)
    author: str = ""
    committer: str = ""
    encoding: str = ""
    id: str = ""
    parents: Sequence[str] | None = None

    def apply(self, tree: Tree) -> None:
        """Change a tree as this step does.

        Raises:
            KeyError: it deletes, renames or makes executable a path that the tree does not have.
        """
        for path in self.delete:
            for name in list(_below(tree, to_bytes(path))):
                del tree[name]
        for old, new in self.rename.items():
            for name in list(_below(tree, to_bytes(old))):
                tree[to_bytes(new) + name[len(to_bytes(old)) :]] = tree.pop(name)
        for path, content in self.files.items():
            mode = tree.get(to_bytes(path), (FILE, b""))[0]
            tree[to_bytes(path)] = (mode if mode == EXECUTABLE else FILE, to_bytes(content))
        for path, target in self.symlinks.items():
            tree[to_bytes(path)] = (SYMLINK, to_bytes(target))
        for path, oid in self.submodules.items():
            tree[to_bytes(path)] = (SUBMODULE, oid.encode())
        for path in self.executable:
            tree[to_bytes(path)] = (EXECUTABLE, tree[to_bytes(path)][1])


def write_stream(
    steps: Sequence[Step], labels: Sequence[str], refs: Mapping[str, str], *, author: str, first_date: int
) -> bytes:
    """The stream for `git fast-import`; the step at position n (from 0) has the mark n + 1.

    Args:
        steps: the commits, each after its parents.
        labels: the name of each of them, as `Step.parents` calls it.
        refs: the label that each ref, given in full, is to point to; at least one.
        author: of steps that name none.
        first_date: the first step's date in seconds since 1970; each next one is a minute later.

    Raises:
        KeyError: a parent or ref that is no step before, or a path that is not there.
    """
    marks: dict[str, int] = {}
    trees: dict[int, Tree] = {}
    parents_of: dict[int, list[int]] = {}
    out: list[bytes] = []
    scratch = to_bytes(next(iter(refs)))
    for position, (step, label) in enumerate(zip(steps, labels, strict=True)):
        mark = position + 1
        if step.parents is None:
            parents = [position] if position else []
        else:
            parents = [marks[name] for name in step.parents]
        tree = dict(trees[parents[0]]) if parents else {}
        for other in parents[1:]:
            _take_over(tree, trees[other], trees[_fork(parents_of, parents[0], other)])
        step.apply(tree)
        who = step.author or author
        when = first_date + 60 * position
        message = to_bytes(step.message)
        if message and not message.endswith(b"\n"):
            message += b"\n"
        # A ref that is reset before each commit, so that no step continues another unless it says so.
        out.append(b"reset %s\ncommit %s\nmark :%d\n" % (scratch, scratch, mark))
        out.append(b"author %s %d +0000\n" % (to_bytes(who), when))
        out.append(b"committer %s %d +0000\n" % (to_bytes(step.committer or who), when))
        if step.encoding:
            out.append(b"encoding %s\n" % step.encoding.encode())
        out.append(_data(message))
        out.extend(b"%s :%d\n" % (word, parent) for word, parent in zip(_links(), parents, strict=False))
        out.extend(_difference(trees[parents[0]] if parents else {}, tree))
        out.append(b"\n")
        marks[label], trees[mark], parents_of[mark] = mark, tree, parents
    for name, label in refs.items():
        out.append(b"reset %s\nfrom :%d\n\n" % (to_bytes(name), marks[label]))
    return b"".join(out)


def _links() -> Iterator[bytes]:
    yield b"from"
    while True:
        yield b"merge"


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _difference(old: Tree, new: Tree) -> Iterator[bytes]:
    # Deletions first: a folder that becomes a link is both.
    for path in old:
        if path not in new:
            yield b"D %s\n" % _quoted(path)
    for path, (mode, content) in new.items():
        if old.get(path) == (mode, content):
            continue
        if mode == SUBMODULE:
            yield b"M %s %s %s\n" % (mode, content, _quoted(path))
        else:
            yield b"M %s inline %s\n%s" % (mode, _quoted(path), _data(content))


def _quoted(path: bytes) -> bytes:
    """A path as fast-import reads it whatever bytes it has: quoted as in C, with octal escapes."""
    if path and all(0x20 < byte < 0x7F and byte not in b'"\\' for byte in path):
        return path
    return b'"%s"' % b"".join(
        b"%c" % byte if 0x20 <= byte < 0x7F and byte not in b'"\\' else b"\\%03o" % byte for byte in path
    )


def _below(tree: Tree, path: bytes) -> Iterator[bytes]:
    folder = path.rstrip(b"/") + b"/"
    found = [name for name in tree if name == path or name.startswith(folder)]
    if not found:
        raise KeyError(f"no path {path!r} in the tree before")
    yield from found


def _take_over(tree: Tree, other: Tree, fork: Tree) -> None:
    for path in fork.keys() - other.keys():
        tree.pop(path, None)
    for path, entry in other.items():
        if fork.get(path) != entry:
            tree[path] = entry


def _fork(parents_of: Mapping[int, Sequence[int]], one: int, other: int) -> int:
    """The latest step that both descend from, or are."""
    common = _ancestors(parents_of, one) & _ancestors(parents_of, other)
    if not common:
        raise KeyError("the parents of a merge have no step in common")
    return max(common)


def _ancestors(parents_of: Mapping[int, Sequence[int]], mark: int) -> set[int]:
    found: set[int] = set()
    ahead = [mark]
    while ahead:
        current = ahead.pop()
        if current not in found:
            found.add(current)
            ahead.extend(parents_of[current])
    return found


def to_bytes(value: str | bytes) -> bytes:
    """Text as UTF-8 with surrogate escapes; bytes as they are."""
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def plain_bytes(text: str) -> bytes:
    r"""Text in which `\xNN` stands for a byte, as reports write names that are not UTF-8."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), to_bytes(text))
