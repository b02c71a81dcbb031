"""What a merge brings of its own is told from what merging its parents gives."""

from pathlib import Path

import pytest

from specguard.change.entries import Entry
from specguard.change.ranges import Merges
from specguard.errors import MissingFact
from specguard.testing import Repository
from tests.changes import git_of, older_git

NINE = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
Paths = list[bytes]


@pytest.fixture
def sides(repository: Repository) -> Repository:
    """Two branches, `one` and `two`, that change both ends of `f`, and one file each besides."""
    repository.commit("base", files={"f": NINE, "g": "g\n", "dir/h": "h\n"})
    repository.branch("two")
    repository.commit("two", files={"f": NINE.replace("9", "nine"), "two": "2\n"})
    repository.branch("one", "main")
    repository.commit("one", files={"f": NINE.replace("1", "one"), "one": "1\n"})
    return repository


def redo(repository: Repository, *oids: str) -> list[tuple[str, Paths, Paths]]:
    with git_of(repository) as git:
        commits = git.commits(oids or [repository.oid()])
        return [
            (one.commit.oid, [e.path for e in one.own], [e.path for e in one.resolved])
            for one in Merges(git).redo(commits)
        ]


def test_clean_merges_bring_nothing(sides: Repository) -> None:
    oid = sides.merge("two")
    assert redo(sides) == [(oid, [], [])]
    # One that differs nowhere from a parent is not done again.
    sides.checkout("main")
    sides.merge("two")
    assert redo(sides) == []


def test_content_a_deletion_and_a_mode_of_its_own_are_found(sides: Repository) -> None:
    sides.git("merge", "-q", "--no-commit", "two")
    sides.delete("g")
    sides.executable("dir/h")
    sides.write("f", NINE.replace("5", "five"))
    sides.write("new", "nobody's\n")
    oid = sides.commit("Merge")
    with git_of(sides) as git:
        [redone] = Merges(git).redo([git.commit(oid)])
    found = [(entry.status, entry.path) for entry in redone.own]
    assert found == [("M", b"dir/h"), ("M", b"f"), ("D", b"g"), ("A", b"new")]
    # Each finding asks for all of them.
    assert redone.commit.own_entries is redone.commit.own_entries
    assert list(redone.resolved) == []


def test_a_resolution_is_told_apart(sides: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    # To compare each entry with each would take long.
    monkeypatch.setattr(Entry, "__eq__", None)
    sides.branch("three", "main")
    sides.commit("three", files={"f": NINE.replace("1", "uno")})
    sides.checkout("one")
    oid = sides.merge("three", files={"f": NINE.replace("1", "first"), "new": "x\n"})
    assert redo(sides) == [(oid, [b"new"], [b"f"])]
    # One that takes a side has nothing of its own.
    sides.git("reset", "-q", "--hard", "HEAD^")
    sides.merge("three", files={"f": NINE.replace("1", "uno")})
    assert redo(sides) == []


def test_a_file_that_one_side_renames_and_the_other_changes(sides: Repository) -> None:
    sides.branch("moved", "main")
    sides.rename("f", "moved")
    sides.commit("move")
    oid = sides.merge("two")
    assert redo(sides) == [(oid, [], [])]
    oid = sides.commit("Merge", files={"moved": "own\n"}, amend=True)
    assert redo(sides) == [(oid, [b"moved"], [])]


def test_an_octopus_is_done_again(sides: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    sides.branch("three", "main")
    sides.commit("three", files={"f": NINE.replace("5", "five")})
    sides.checkout("one")
    clean = sides.merge("two", "three")
    assert len(sides.git("rev-list", "--parents", "-1", clean).split()) == 4
    assert redo(sides) == [(clean, [], [])]
    sides.git("reset", "-q", "--hard", "HEAD^")
    evil = sides.merge("two", "three", files={"g": "nobody's\n"})
    assert redo(sides) == [(evil, [b"g"], [])]
    monkeypatch.setattr(Merges, "_seconds", -1)
    with pytest.raises(MissingFact, match="git needs more than 60 seconds to merge"):
        redo(sides)
    monkeypatch.setattr("specguard.change.ranges.PARENTS_MAX", 2)
    with pytest.raises(MissingFact, match="more than 2 parents together"):
        redo(sides)


def test_several_merges_in_one_go_leave_the_repository_without_an_object_more(sides: Repository) -> None:
    def objects() -> set[str]:
        return {str(path) for path in (sides.git_dir / "objects").rglob("*")}

    first = sides.merge("two", files={"x": "x\n"})
    sides.branch("three", "main")
    sides.commit("three", files={"f": NINE.replace("5", "five")})
    sides.checkout("one")
    second = sides.merge("three", files={"f": "own\n"})
    before = objects()
    assert redo(sides, first, second) == [(first, [b"x"], []), (second, [b"f"], [])]
    assert objects() == before


def test_a_history_that_is_put_into_a_folder_brings_nothing(sides: Repository, tmp_path: Path) -> None:
    sides.orphan("other")
    sides.commit("other", files={"lib/a": "a\n", "b": "b\n"})
    sides.checkout("one")
    sides.git("merge", "-q", "-s", "ours", "--no-commit", "--allow-unrelated-histories", "other")
    sides.git("read-tree", "--prefix=vendor/", "-u", "other")
    oid = sides.commit("Add vendor")
    assert redo(sides) == [(oid, [], [])]
    sides.write("vendor/lib/a", "changed\n")
    oid = sides.commit("Add vendor", amend=True)
    assert redo(sides) == [(oid, [b"vendor/lib/a"], [])]


def test_hostile_names_and_settings_change_nothing(sides: Repository) -> None:
    sides.write(b"a\n:100644 \xff", "x\n")
    sides.write(".gitattributes", "* merge=ours\nf merge=evil\n")
    sides.commit("names")
    sides.git("config", "merge.evil.driver", "touch .git/ran; false")
    sides.git("config", "merge.renames", "false")
    # The driver fails, so git leaves a conflict that there is none of without it.
    assert sides.process("merge", "-q", "--no-commit", "two").returncode == 1
    sides.write("f", NINE.replace("1", "one").replace("9", "nine"))
    sides.write(b"b\n:100644 \xff", "own\n")
    oid = sides.commit("Merge")
    (sides.git_dir / "ran").unlink()
    assert redo(sides) == [(oid, [b"b\n:100644 \xff"], [])]
    assert not (sides.git_dir / "ran").exists()


def test_an_older_git_gives_no_answer(sides: Repository, tmp_path: Path) -> None:
    sides.merge("two", files={"x": "x\n"})
    older = git_of(sides, PATH=older_git(sides, tmp_path))
    with older as git, pytest.raises(MissingFact, match=r"only git 2\.39"):
        list(Merges(git).redo([git.commit(sides.oid())]))
