"""The lines of a change: exact numbers, whatever the contents, in bounded memory."""

import random
import re
from collections.abc import Sequence

import pytest

from specguard.change import lines, object_store
from specguard.change.entries import Entry
from specguard.change.git import Git
from specguard.change.lines import Lines, parse_diff
from specguard.declaration.regular_expressions import Expression
from specguard.errors import MissingFact
from specguard.testing import Repository
from tests.changes import loose
from tests.rows import recorded


class Changed:
    """A repository's last commit, as entries and lines."""

    def __init__(self, repository: Repository, git: Git) -> None:
        self.entries: Sequence[Entry] = git.diff_trees(
            repository.oid("HEAD~1^{tree}"), repository.oid("HEAD^{tree}")
        )
        self.lines = Lines(git)

    def added(self, *expressions: str) -> list[tuple[str, int, str, int]]:
        found = self.lines.added([Expression(text) for text in expressions], self.entries)
        return sorted((one.path.decode(), one.line, one.text, one.which) for one in found)


@pytest.fixture
def repo(repository: Repository) -> Repository:
    repository.commit("start")
    return repository


def test_only_added_lines_count_and_each_expression_is_for_itself(repository: Repository, git: Git) -> None:
    repository.commit(files={"a": "bad 1\nx\nbad 2\ny\n", "b": "bad\n"})
    repository.commit(files={"a": "x\nbad 3\nbad 2\nz\ny\nbad 4", "c/new": "ok\nbad\n"}, delete=["b"])
    assert Changed(repository, git).added("bad", "(?P<n>b)ad 4", "(?P<n>k)") == [
        ("a", 2, "bad 3", 0),
        ("a", 6, "bad 4", 0),
        ("a", 6, "bad 4", 1),
        ("c/new", 1, "ok", 2),
        ("c/new", 2, "bad", 0),
    ]


def test_a_line_is_matched_by_itself(repository: Repository, git: Git) -> None:
    text = "\ufeffab\n\nx\ny\r\nb\r\nabc\n\ncaf\u00e9"
    repository.commit(files={"old": "another\n"})
    repository.commit(files={"new": text})
    new = Changed(repository, git)
    repository.commit(files={"old": text})
    for changed in (new, Changed(repository, git)):
        for expression, expected in recorded(__file__, "matches").items():
            assert [line for _, line, _, _ in changed.added(expression)] == expected, expression


def test_bytes_that_are_not_utf8_hide_nothing(repository: Repository, git: Git) -> None:
    repository.commit(files={"a": b"ok\nbad\xff\xfething\r\nbad\xc3\nmore bad\x85x\xe2\x80\xa8y\n"})
    assert Changed(repository, git).added("bad.*thing", "^bad.$", "bad.x") == [
        ("a", 2, "bad\udcff\udcfething", 0),
        ("a", 3, "bad\udcc3", 1),
        ("a", 4, "more bad\udc85x\u2028y", 2),
    ]
    # As many as their substitute stay in the text, too.
    repository.commit(files={"a": b"bad\xf0\x9f\x98thing\n", "b": b"bad\xff\r\n\r\n"})
    found = [text for _, _, text, _ in Changed(repository, git).added("bad")]
    assert found == ["bad\udcf0\udc9f\udc98thing", "bad\udcff"]


def test_binary_files_are_skipped_and_counted(repository: Repository, git: Git) -> None:
    repository.commit(files={"a": b"bad\n", "c": b"\0bin\n"})
    files = {"a": b"\x89P\n\0\nbad\n", "b": b"x" * 8000 + b"\0\nbad\n", "c": b"bad\n", "h.gif": b"G\0\nbad\n"}
    files |= {"d.ps1": "\nbad\n".encode("utf-16"), "e.sh": b"\x89\0\nbad\n", "f": b"#!\0\nb\0ad\n"}
    repository.commit(files=files)
    changed = Changed(repository, git)
    found = " ".join(f"{path}:{line}" for path, line, _, _ in changed.added("^bad"))
    assert (found, changed.lines.skipped) == ("b:2 c:1 d.ps1:2 e.sh:2 f:2", {b"a", b"d.ps1", b"h.gif"})
    assert changed.lines.account() == "3 binary files skipped"


def test_links_submodules_and_changed_types(repository: Repository, git: Git) -> None:
    repository.commit(files={"file": "bad\n", "was": "bad\n"})
    repository.symlink("link", "bad")
    repository.delete("was")
    repository.symlink("was", "bad")
    repository.submodule("sub")
    repository.executable("file")
    repository.commit()
    assert Changed(repository, git).added("bad") == []
    repository.delete("was")
    repository.commit(files={"was": "bad\n"})
    assert Changed(repository, git).added("bad") == [("was", 1, "bad", 0)]


def test_attributes_hide_nothing_and_the_repository_is_left_as_it_was(
    repository: Repository, git: Git
) -> None:
    repository.commit(files={".gitattributes": "* -diff -text binary\n", "a": "x\n"})
    repository.commit(files={"a": "x\nbad\n"})
    before = repository.git("count-objects")
    changed = Changed(repository, git)
    assert changed.added("bad") == [("a", 2, "bad", 0)]
    assert changed.lines.totals(changed.entries).added == 1
    assert repository.git("count-objects") == before


def test_hunks_and_totals(repository: Repository, git: Git) -> None:
    repository.commit(files={"a": "1\n2\n3\n4\n5\n", "gone": "x\ny", "empty": ""})
    repository.commit(
        files={"a": b"0\n1\n2\nthree\nfour\n5\n", "bin": b"\0\0", "new": b"n\n"}, delete=["gone", "empty"]
    )
    changed = Changed(repository, git)
    found = {entry.path: hunks for entry, hunks in changed.lines.compare(changed.entries)}
    hunks = [(h.old_start, h.removed, h.new_start, h.added) for h in found[b"a"]]
    assert hunks == [(0, [], 1, [b"0"]), (3, [b"3", b"4"], 4, [b"three", b"four"])]
    assert [h.removed for h in found[b"gone"]] == [[b"x", b"y"]]
    assert b"empty" not in found
    totals = changed.lines.totals(changed.entries)
    assert (totals.added, totals.removed) == (4, 4)


def test_a_missing_object_is_a_missing_fact(repository: Repository, git: Git) -> None:
    repository.commit(files={"a": "bad\n"})
    entries = Changed(repository, git).entries
    oid = entries[0].new
    loose(repository, oid).unlink()
    changed = Changed(repository, git)
    with pytest.raises(MissingFact, match=f"^a: object {oid} cannot be read"):
        changed.added("bad")
    with pytest.raises(MissingFact):
        changed.lines.totals(entries)
    with pytest.raises(MissingFact):
        list(changed.lines.compare(entries))


def test_what_is_too_large_is_refused_by_name(
    repository: Repository, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit(files={"a": "bad\n"})
    repository.commit(files={"a": b"bad\n" * 100, "b": b"\0" * 4000, "c": b"bad\n"})
    changed = Changed(repository, git)
    monkeypatch.setattr(lines, "TEXT_LIMIT", 300)
    with pytest.raises(MissingFact, match="a has 400 bytes, and at most 300 are read"):
        changed.added("bad")
    monkeypatch.setattr(lines, "COMPARE_LIMIT", 300)
    assert list(changed.lines.compare_known(changed.entries)) == [b"c"]
    changed.entries = [entry for entry in changed.entries if entry.path != b"a"]
    for few in (8, 0):
        monkeypatch.setattr(lines, "SINGLE_READS", few)
        assert changed.added("bad") == [("c", 1, "bad", 0)]
        assert changed.lines.skipped == {b"b"}
    monkeypatch.setattr(lines, "TEXT_LIMIT", 1 << 20)
    monkeypatch.setattr(object_store, "LINE_LIMIT", 1000)
    repository.commit(files={"d": "x" * 5000})
    with pytest.raises(MissingFact, match="d has a line of more than 1000 bytes"):
        Changed(repository, git).added("bad")


def test_large_contents_come_in_blocks(repository: Repository, git: Git) -> None:
    rows = [f"row {number} {'x' * (number % 97)}" for number in range(60_000)]
    repository.commit(files={"a": "\n".join(rows) + "\n"})
    for number in range(0, 60_000, 7):
        rows[number] = f"changed {number}"
    repository.commit(files={"a": "\n".join(rows) + "\n", "b": "\n".join(rows)})
    expected = [number + 1 for number in range(0, 60_000, 7) if number % 5 == 0]
    found = Changed(repository, git).added("^changed .*[05]$")
    assert [(path, line) for path, line, _, _ in found] == [
        (path, line) for path in "ab" for line in expected
    ]


ROWS = (
    b"bad", b"bad", b"bad\r", b"ok", b"ok\r", b"", b"\r", b"-bad", b"+bad", b"- ok", b"@@ -1 +1 @@ bad",
    b"\\ No newline", b"bad\xff", b"bad\xf0\x9f\x98", b"diff --git a/00000001 b/00000001", b"bad and more",
    b"x" * 100,
)  # fmt: skip


@pytest.mark.parametrize(("many", "held"), [(100, 1000), (4, 20), (3, 1), (400, 1)])
def test_added_lines_are_those_of_a_diff_of_every_file(
    repository: Repository, git: Git, monkeypatch: pytest.MonkeyPatch, many: int, held: int
) -> None:
    monkeypatch.setattr(lines, "MATCHES_TO_DIFF", many)
    monkeypatch.setattr(lines, "HELD_MATCHES", held)
    chance = random.Random(f"{many} {held}")
    before: dict[str, str | bytes] = {}
    after: dict[str, str | bytes] = {}
    for number in range(150):
        old = chance.choices(chance.sample(ROWS, 6), k=chance.randrange(12))
        new = [row for row in old if chance.random() < 0.8]
        for _ in range(chance.randrange(4)):
            new.insert(chance.randrange(len(new) + 1), chance.choice(ROWS))
        ends = [b"", b"\n", b"\r\n", b"\n\n"]
        # Git takes some of the files for binary, because of what they were.
        begin = b"\0\n" if number % 16 == 0 else b""
        before[f"{number:03}"] = begin + b"\n".join(old) + chance.choice(ends)
        after[f"{number:03}"] = b"\n".join(new) + chance.choice(ends)
    repository.commit(files=before)
    repository.commit(files={**after, "new": b"bad\n\nbad"})
    changed = Changed(repository, git)
    expressions = ["bad", "^$", r"^-", "[kx]$", "(?i)BAD$"]
    expected = [
        (entry.path.decode(), hunk.new_start + offset, text, which)
        for entry, hunks in changed.lines.compare(changed.entries)
        for hunk in hunks
        for offset, row in enumerate(hunk.added)
        for text in [row.removesuffix(b"\r").decode("utf-8", "surrogateescape")]
        for which, expression in enumerate(expressions)
        if any(re.search(expression, one) for one in (text, *re.split("[\r\x85\u2028\u2029]", text)))
    ]
    assert len(expected) > 100
    assert changed.added(*expressions) == sorted(expected)


def test_the_walker_does_not_depend_on_how_a_diff_is_cut(repository: Repository) -> None:
    chance = random.Random(7)
    old = [f"{chance.randrange(5)}" for _ in range(200)]
    new = [row for row in old if chance.random() < 0.9] + ["@@ -1 +1 @@", "diff --git a/1 b/1"]
    repository.commit(files={"1": "\n".join(old), "2": "x\n"})
    repository.commit(files={"1": "\n".join(new) + "\n", "2": "y"})
    diff = repository.git("diff-tree", "-p", "-U0", "--text", "HEAD~1", "HEAD").encode() + b"\n"
    rows = diff.splitlines(keepends=True)[:]

    def content(blocks: list[bytes]) -> list[tuple[int, str, int, bytes]]:
        return [
            (piece.number, piece.side, piece.line + offset, row)
            for piece in parse_diff(blocks)
            if piece.side
            for offset, row in enumerate(piece.block.split(b"\n"))
        ]

    whole = content([diff])
    assert content(rows) == whole
    assert sum(side == "+" for _, side, _, _ in whole) > 2
    for size in (2, 3, 7):
        assert content([b"".join(rows[at : at + size]) for at in range(0, len(rows), size)]) == whole
