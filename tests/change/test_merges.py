"""What a merge brings of its own is told from what merging its parents gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.change.ranges import Merges
from specguard.errors import MissingFact
from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.changes import git_of

if TYPE_CHECKING:
    from pathlib import Path

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


def test_a_clean_merge_of_both_sides_in_one_file_brings_nothing(sides: Repository) -> None:
    oid = sides.merge("two")
    assert redo(sides) == [(oid, [], [])]


def test_a_merge_that_differs_nowhere_from_a_parent_is_not_done_again(sides: Repository) -> None:
    sides.checkout("main")
    sides.merge("two")
    assert redo(sides) == []


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [("new", "nobody's\n", "A"), ("g", "nobody's\n", "M"), ("f", NINE.replace("5", "five"), "M")],
)
def test_content_of_its_own_is_found(sides: Repository, path: str, content: str, status: str) -> None:
    oid = sides.merge("two", files={path: content})
    assert redo(sides) == [(oid, [path.encode()], [])]
    with git_of(sides) as git:
        [redone] = Merges(git).redo([git.commit(oid)])
        assert [entry.status for entry in redone.own] == [status]


def test_a_deletion_and_a_mode_of_its_own_are_found(sides: Repository) -> None:
    sides.git("merge", "-q", "--no-commit", "two")
    sides.delete("g")
    sides.executable("dir/h")
    oid = sides.commit("Merge")
    assert redo(sides) == [(oid, [b"dir/h", b"g"], [])]


def test_a_resolution_is_told_apart(sides: Repository) -> None:
    sides.branch("three", "main")
    sides.commit("three", files={"f": NINE.replace("1", "uno")})
    sides.checkout("one")
    oid = sides.merge("three", files={"f": NINE.replace("1", "first"), "new": "x\n"})
    assert redo(sides) == [(oid, [b"new"], [b"f"])]


def test_a_resolution_that_takes_one_side_has_nothing_of_its_own(sides: Repository) -> None:
    sides.branch("three", "main")
    sides.commit("three", files={"f": NINE.replace("1", "uno")})
    sides.checkout("one")
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


def test_an_octopus_is_done_again(sides: Repository) -> None:
    sides.branch("three", "main")
    sides.commit("three", files={"f": NINE.replace("5", "five")})
    sides.checkout("one")
    clean = sides.merge("two", "three")
    assert len(sides.git("rev-list", "--parents", "-1", clean).split()) == 4
    assert redo(sides) == [(clean, [], [])]
    sides.git("reset", "-q", "--hard", "HEAD^")
    evil = sides.merge("two", "three", files={"g": "nobody's\n"})
    assert redo(sides) == [(evil, [b"g"], [])]


def test_a_merge_of_very_many_is_refused(sides: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    sides.branch("three", "main")
    sides.commit("three", files={"f": NINE.replace("5", "five")})
    sides.checkout("one")
    sides.merge("two", "three", files={"g": "nobody's\n"})
    monkeypatch.setattr("specguard.change.ranges.JOINED", 2)
    with pytest.raises(MissingFact, match="more than 2 parents together"):
        redo(sides)


def test_several_merges_in_one_go(sides: Repository) -> None:
    first = sides.merge("two", files={"x": "x\n"})
    sides.branch("three", "main")
    sides.commit("three", files={"f": NINE.replace("5", "five")})
    sides.checkout("one")
    second = sides.merge("three")
    third = sides.commit("no merge", files={"y": "y\n"})
    sides.branch("four", "main")
    sides.commit("four", files={"g": "four\n"})
    sides.checkout("one")
    fourth = sides.merge("four", files={"z": "z\n"})
    assert redo(sides, first, second, fourth) == [
        (first, [b"x"], []),
        (second, [], []),
        (fourth, [b"z"], []),
    ]
    assert third != fourth


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


def test_the_repository_gets_no_object(sides: Repository) -> None:
    def objects() -> set[str]:
        return {str(path) for path in (sides.git_dir / "objects").rglob("*")}

    sides.merge("two", files={"f": "own\n"})
    before = objects()
    assert redo(sides)[0][1] == [b"f"]
    assert objects() == before


def test_an_older_git_gives_no_answer(sides: Repository, tmp_path: Path) -> None:
    sides.merge("two", files={"x": "x\n"})
    folder = tmp_path / "bin"
    folder.mkdir()
    real = sides.git("--exec-path") + "/git"
    (folder / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *merge-tree*) echo usage >&2; exit 129;; esac\nexec {real} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    with git_of(sides, PATH=f"{folder}:{clean_environment()['PATH']}") as git:
        commit = git.commit(sides.oid())
        with pytest.raises(MissingFact, match=r"only git 2\.39"):
            list(Merges(git).redo([commit]))
