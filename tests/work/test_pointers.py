"""Pointers: the first that exists, its number, and every way in which one is none."""

import pytest

from specguard.change.tree import Documents
from specguard.testing import Repository
from specguard.work.document_search import Shape, read_pointer, text_at
from specguard.work.kinds import WorkKind
from tests.work.trees import Grow

KIND = WorkKind(pointer=["configs/NEXT.json", "docs/NEXT.json"], number="next", branch="phase-{number}")


def test_a_pointer_names_a_number(tree: Grow) -> None:
    for text, item_id, number in (
        ('{"next": 12, "plan_version": "v1"}', "12", 12),
        ('{"next": "012"}', "012", 12),
        ('{"next": 0}', "0", 0),
        ('{"next": "task_003"}', "task_003", 3),
        ('\ufeff{\r\n  "next": 7\r\n}', "7", 7),
    ):
        pointer = read_pointer(KIND, Documents(tree({"docs/NEXT.json": text})))
        assert pointer.problem == ""
        assert (pointer.path, pointer.id, pointer.number) == (b"docs/NEXT.json", item_id, number)
        assert str(pointer.tried[0]) == "configs/NEXT.json is not there"


def test_the_first_that_exists_is_read_even_if_it_is_wrong(tree: Grow) -> None:
    pointer = read_pointer(KIND, Documents(tree({"x": ""})))
    assert pointer.path is None
    assert pointer.problem == "none of configs/NEXT.json, docs/NEXT.json exists"
    assert read_pointer(KIND, Documents(tree({"docs/NEXT.json": '{\n  "v": 1,\n  "next": 7\n}'}))).line == 3
    pointer = read_pointer(KIND, Documents(tree({"configs/NEXT.json": "{", "docs/NEXT.json": '{"next": 1}'})))
    assert pointer.path == b"configs/NEXT.json"
    assert "configs/NEXT.json cannot be read: it is no JSON" in pointer.problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no JSON"),
        ("[1]", "has no 'next', which should hold the number"),
        ('{"next": true}', "has true in 'next'"),
        ('{"next": "soon"}', "in 'next'"),
        ('{"next": "\u0661"}', "in 'next'"),
        ('{"next": 12, "next": 13}', "it has the key 'next' twice"),
        ("[" * 100_000, "is nested more than"),
        ('{"next": ' + "9" * 5000 + "}", "too long"),
        (b'{"next": "\xff"}', "is not UTF-8"),
    ],
)
def test_what_is_no_pointer_is_named(tree: Grow, text: str | bytes, problem: str) -> None:
    pointer = read_pointer(KIND, Documents(tree({"docs/NEXT.json": text})))
    assert problem in pointer.problem
    assert pointer.number is None


def test_a_link_and_a_directory_are_no_pointers(tree: Grow, repository: Repository) -> None:
    assert "is a directory" in read_pointer(KIND, Documents(tree({"configs/NEXT.json/x": ""}))).problem
    repository.delete("configs")
    repository.symlink("docs/NEXT.json", "../secret.json")
    pointer = read_pointer(KIND, Documents(tree({"secret.json": '{"next": 1}'})))
    assert pointer.problem == "docs/NEXT.json is a symbolic link, not a file"


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
