"""Git's raw formats: what is written is read, and nothing else is taken for it."""

import hashlib
import os

import pytest

from specguard.change.entries import (
    Entry,
    FormatError,
    object_id,
    read_commit,
    read_diffs,
    read_entries,
    read_tree,
)
from tests.rows import rows
from tests.taking import grows_with_length


def written(found: list[Entry]) -> bytes:
    return b"".join(
        f":{e.old_mode:06o} {e.new_mode:06o} {e.old} {e.new} {e.status}".encode() + b"\0" + e.path + b"\0"
        for e in found
    )


def test_a_path_is_never_taken_for_a_header() -> None:
    for path in (b":100644 100644 x", b"\n:000000", b"a" * 40, b"", b"\xff\xfe", b"..", b"a\tb\nc"):
        one = Entry(path, "A", 0, 0o100644, "0" * 40, "1" * 40)
        other = Entry(b"z", "D", 0o100644, 0, "2" * 40, "0" * 40)
        assert set(read_entries(written([one, other]).split(b"\0"), 40)) == {one, other}
        stream = b"3" * 40 + b"\0" + written([one]) + b"4" * 40 + b"\0" + written([other])
        assert read_diffs(stream.split(b"\0"), 40) == [("3" * 40, [one]), ("4" * 40, [other])]


HEADER = b":100644 100755 " + b"1" * 40 + b" " + b"2" * 40 + b" M"


@pytest.mark.parametrize(("part", "other"), rows(__file__, "headers"))
def test_a_header_of_another_shape_is_refused(part: str, other: str) -> None:
    header = HEADER.replace(part.encode(), other.encode("latin-1"))
    assert len(read_entries([HEADER, b"path", b""], 40)) == 1
    for read, stream in ((read_entries, b""), (read_diffs, b"3" * 40 + b"\0")):
        with pytest.raises(FormatError):
            read((stream + header + b"\0path\0").split(b"\0"), 40)


def test_ids_and_modes_of_another_shape_are_refused() -> None:
    for oid in (b"\xff" * 40, b"x" * 40, b"A" * 40, b"3" * 39 + b"\n"):
        with pytest.raises(FormatError):
            read_diffs([oid, HEADER, b"path", b""], 40)
    for mode in (b"+100644", b"1_00644", b"0o10064", b"100648", b"-100644", b"", b"100644 a/"):
        with pytest.raises(FormatError):
            list(read_tree(mode + b" name\0" + b"\1" * 20, 40))


def test_a_tree_object_of_nothing_but_beginnings_is_refused_at_once() -> None:
    def refuse(count: int) -> None:
        with pytest.raises(FormatError):
            list(read_tree(b"7 " * count, 40))

    assert grows_with_length(lambda count: lambda: refuse(count), 2_500)


def commit(*lines: bytes, message: bytes = b"subject\n") -> bytes:
    return b"\n".join(lines) + b"\n\n" + message


TREE = b"tree " + b"a" * 40
PARENT = b"parent " + b"b" * 40
AUTHOR = b"author Ann <ann@x> <eve@x> 1 +0000"
COMMITTER = b"committer Cy <cy@x> 2 +0000"


def test_a_commit_is_read_from_its_object() -> None:
    data = commit(TREE, PARENT, b"parent " + b"c" * 40, AUTHOR, COMMITTER, message=b"s\n\nb\0hidden\n")
    found = read_commit("d" * 40, data, list)
    assert (found.tree, found.parents) == ("a" * 40, ["b" * 40, "c" * 40])
    assert (found.author, found.committer) == ("Ann <ann@x>", "Cy <cy@x>")
    assert found.message.raw == b"s\n\nb\0hidden\n"
    assert found.message.encoding == ""
    # What git does not count as a parent is none, and the first author and encoding count.
    data = commit(TREE, AUTHOR, b"author Eve <e@x> 1 +0000", PARENT, COMMITTER, b"encoding L1", b"encoding X")
    found = read_commit("d" * 40, data, list)
    assert (found.parents, found.author, found.message.encoding) == ([], "Ann <ann@x>", "L1")
    # A header within the message is text.
    found = read_commit("d" * 40, commit(TREE, AUTHOR, message=b"\nencoding X\nparent y\n"), list)
    assert (found.message.encoding, found.parents) == ("", [])
    for data in (b"", b"author x", b"\n\ntree x", b"parent x\n\nm"):
        with pytest.raises(FormatError):
            read_commit("d" * 40, data, list)


@pytest.mark.parametrize("fast", [False, True])
def test_object_ids_are_git_s(fast: bool) -> None:
    contents = [os.urandom(size) for size in (0, 1, 1000, 1 << 20)]
    for digits, hashed in ((40, hashlib.sha1), (64, hashlib.sha256)):
        for content in contents:
            expected = hashed(b"blob %d\0" % len(content) + content).hexdigest()
            assert object_id("blob", content, digits, fast=fast) == expected
