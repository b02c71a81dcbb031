"""What git prints of a change: a damaged stream is refused, or every byte of it is accounted for."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from specguard.change.entries import Entry, FormatError, read_commit, read_diffs, read_entries, read_tree
from specguard.change.lines import pieces
from tests.fuzz.damage import DRAWN, damaged, few

OIDS = st.sampled_from(["0" * 40, "1" * 40, "a0" * 20, "f" * 40])
NAMES = st.sampled_from(
    [b"a", b"src/a.py", b"locked/p", b":100644 100644", b"a\nb", b"\xff", b"..", b"1" * 40]
)
MODES = st.sampled_from([0, 0o100644, 0o100755, 0o120000, 0o160000])
ENTRIES = st.lists(st.builds(Entry, NAMES, st.sampled_from("ADMT"), MODES, MODES, OIDS, OIDS), max_size=5)


def written(entry: Entry) -> bytes:
    header = f":{entry.old_mode:06o} {entry.new_mode:06o} {entry.old} {entry.new} {entry.status}"
    return b"%s\0%s\0" % (header.encode(), entry.path)


def stream(entries: list[Entry]) -> bytes:
    return b"".join(map(written, entries))


STREAMS = ENTRIES.map(stream)
DIFFS = st.lists(st.tuples(OIDS, STREAMS), max_size=4).map(
    lambda pairs: b"".join(oid.encode() + b"\0" + entries for oid, entries in pairs)
)
TREES = st.lists(st.tuples(st.sampled_from([b"100644", b"40000", b"120000", b"160000"]), NAMES, OIDS)).map(
    lambda entries: b"".join(b"%s %s\0" % (mode, name) + bytes.fromhex(oid) for mode, name, oid in entries)
)
COMMITS = st.builds(
    lambda parents, message: (
        b"tree " + b"a" * 40 + b"".join(b"\nparent " + oid.encode() for oid in parents)
        + b"\nauthor Ann <a@x> 1 +0000\ncommitter Cy <c@x> 2 +0000\nencoding L1\n"
        + b"gpgsig -----\n -----\n\n" + message
    ),
    st.lists(OIDS, max_size=3),
    st.sampled_from([b"", b"feat: x\n", b"s\n\nb\0\xff\n"]),
)  # fmt: skip
HUNKS = st.just(DRAWN["hunks"].encode())


@few(150)
@given(damaged(STREAMS))
def test_no_entry_of_a_damaged_stream_is_lost(data: bytes) -> None:
    try:
        found = read_entries(data.split(b"\0"), 40)
    except FormatError:
        return
    assert len(stream(found)) == len(data)
    fields = data.split(b"\0")
    records = [b"%s\0%s\0" % pair for pair in zip(fields[:-1:2], fields[1::2], strict=True)]
    assert sorted(map(written, found)) == sorted(records)


@few(150)
@given(damaged(DIFFS))
def test_no_commit_of_a_damaged_list_is_lost(data: bytes) -> None:
    try:
        found = read_diffs(data.split(b"\0"), 40)
    except FormatError:
        return
    assert sum(len(oid) + 1 + len(stream(entries)) for oid, entries in found) == len(data)


@few(150)
@given(damaged(TREES))
def test_no_name_of_a_damaged_tree_is_lost(data: bytes) -> None:
    try:
        found = list(read_tree(data, 40))
    except FormatError:
        return
    # A mode may have zeros before it, as in trees that were made by hand.
    size = sum(len(b"%o %s\0" % (mode, name)) + 20 for name, mode, _ in found)
    assert size <= len(data) <= size + 7 * len(found)


@few(150)
@given(damaged(COMMITS))
def test_a_damaged_commit_is_read_as_git_reads_it(data: bytes) -> None:
    with suppress(FormatError):
        commit = read_commit("d" * 40, data, list)
        header, _, message = data.partition(b"\n\n")
        assert header.split(b"\n")[0].decode("ascii", "replace") == f"tree {commit.tree}"
        assert commit.message.raw == message
        assert len(commit.parents) == len(list(parents(header)))
        for person in (commit.author, commit.committer):
            assert person.encode("utf-8", "surrogateescape") in header
        assert isinstance(commit.message.text, str)


def parents(header: bytes) -> list[bytes]:
    """The parents that git sees: the lines next to that of the tree."""
    found = []
    for line in header.split(b"\n")[1:]:
        if not line.startswith(b"parent "):
            break
        found.append(line)
    return found


@few(150)
@given(damaged(HUNKS), st.integers(1, 40))
def test_no_diff_is_a_crash(data: bytes, size: int) -> None:
    lines = data.splitlines(keepends=True)
    blocks = [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]
    for piece in pieces(blocks):
        assert piece.side in {"", "-", "+"}
        assert min(piece.number, piece.line, piece.other) >= 0
