"""Pointers: the first that exists, its number, and every way in which one is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.change.tree import Documents
from specguard.work.kinds import WorkKind
from specguard.work.locate import Shape, read_pointer, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from specguard.change.tree import Tree
    from specguard.testing import Repository

    Grow = Callable[[Mapping[str, str | bytes]], Tree]

KIND = WorkKind(pointer=["configs/NEXT.json", "docs/NEXT.json"], number="next", branch="phase-{number}")


@pytest.mark.parametrize(
    ("text", "item_id", "number"),
    [
        ('{"next": 12, "plan_version": "v1"}', "12", 12),
        ('{"next": "12"}', "12", 12),
        ('{"next": "012"}', "012", 12),
        ('{"next": 0}', "0", 0),
        ('{"next": "task_003"}', "task_003", 3),
        ('\ufeff{\r\n  "next": 7\r\n}', "7", 7),
    ],
)
def test_a_pointer_names_a_number(tree: Grow, text: str, item_id: str, number: int) -> None:
    pointer = read_pointer(KIND, Documents(tree({"docs/NEXT.json": text})))
    assert pointer.problem == ""
    assert (pointer.path, pointer.id, pointer.number) == (b"docs/NEXT.json", item_id, number)
    assert [str(tried) for tried in pointer.tried] == ["configs/NEXT.json is not there"] or len(
        pointer.tried
    ) == 2


def test_the_first_that_exists_is_read_even_if_it_is_wrong(tree: Grow) -> None:
    pointer = read_pointer(KIND, Documents(tree({"configs/NEXT.json": "{", "docs/NEXT.json": '{"next": 1}'})))
    assert pointer.path == b"configs/NEXT.json"
    assert "configs/NEXT.json cannot be read: it is no JSON" in pointer.problem


def test_the_line_of_the_number_is_known(tree: Grow) -> None:
    assert read_pointer(KIND, Documents(tree({"docs/NEXT.json": '{\n  "v": 1,\n  "next": 7\n}'}))).line == 3


def test_none_that_exists_names_all(tree: Grow) -> None:
    pointer = read_pointer(KIND, Documents(tree({"x": ""})))
    assert pointer.path is None
    assert pointer.problem == "none of configs/NEXT.json, docs/NEXT.json exists"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no JSON"),
        ("[1]", "holds no JSON object"),
        ("12", "holds no JSON object"),
        ('{"next": null}', "has no 'next'"),
        ("{}", "has no 'next'"),
        ('{"next": true}', "has true in 'next'"),
        ('{"next": -1}', "has -1 in 'next'"),
        ('{"next": 1.5}', "has 1.5 in 'next'"),
        ('{"next": "1.5"}', "in 'next'"),
        ('{"next": "soon"}', "in 'next'"),
        ('{"next": "\u0661"}', "in 'next'"),
        ('{"next": [12]}', "in 'next'"),
        ('{"next": 12, "next": 13}', "it has the key 'next' twice"),
        ('{"next": 12,}', "is no JSON"),
        ("[" * 100_000, "is nested more than"),
        ('{"next": ' + "9" * 5000 + "}", "too long"),
        (b'{"next": "\xff"}', "is not UTF-8"),
    ],
)
def test_what_is_no_pointer_is_named(tree: Grow, text: str | bytes, problem: str) -> None:
    pointer = read_pointer(KIND, Documents(tree({"docs/NEXT.json": text})))
    assert problem in pointer.problem
    assert pointer.number is None


def test_a_link_is_no_pointer(tree: Grow, repository: Repository) -> None:
    repository.symlink("docs/NEXT.json", "../secret.json")
    pointer = read_pointer(KIND, Documents(tree({"secret.json": '{"next": 1}'})))
    assert pointer.problem == "docs/NEXT.json is a symbolic link, not a file"


def test_a_directory_is_no_pointer(tree: Grow) -> None:
    assert "is a directory" in read_pointer(KIND, Documents(tree({"docs/NEXT.json/x": ""}))).problem


def test_fields_are_dotted_paths() -> None:
    data = {"tracks": {"5": {"slug": "add-cache", "n": 4, "x": {}, "bad": "a\nb", "none": None}}}
    assert text_at(data, "tracks.5.slug") == "add-cache"
    assert text_at(data, "tracks.5.n") == "4"
    assert text_at(data, "tracks.5.none") is None
    assert text_at(data, "tracks.5.slug.more") is None
    assert text_at(data, "tracks.6.slug") is None
    for path in ("tracks.5.x", "tracks.5.bad"):
        with pytest.raises(Shape):
            text_at(data, path)
