"""The pointer of a kind, the document of an item, and every way in which one is none."""

import pytest

from specguard.change.tree import Documents, Tree
from specguard.testing import Repository
from specguard.work.document_search import BadShape, DocumentSearch, follow, points_to, read_pointer, text_at
from specguard.work.kinds import WorkKind
from tests.rows import rows
from tests.work.conftest import Grow

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
    assert pointer.problem == "there is no configs/NEXT.json or docs/NEXT.json with 'next'"
    assert read_pointer(KIND, Documents(tree({"docs/NEXT.json": '{\n  "v": 1,\n  "next": 7\n}'}))).line == 3
    pointer = read_pointer(KIND, Documents(tree({"configs/NEXT.json": "{", "docs/NEXT.json": '{"next": 1}'})))
    assert pointer.path == b"configs/NEXT.json"
    assert "configs/NEXT.json cannot be read: it is not JSON" in pointer.problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not JSON"),
        ("[1]", "has no number in 'next', which should hold the number"),
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
        with pytest.raises(BadShape):
            text_at(data, path)


# The document of an item


PHASE = WorkKind(document=["docs/plan/{plan_version}/phases/phase-{number}.md"], branch="phase-{number}")
TRACK = WorkKind(
    document=["{doc}", "docs/plan/{plan_version}/tracks/track-{number}-*.md"],
    index=["docs/plan/{plan_version}/tracks/INDEX.md"],
    legacy=["docs/plan/tracks/track-{number}-*.md"],
    branch="track-{number}-{slug}",
)
TRACKS = "docs/plan/v1/tracks"


def phase(tree: Tree, number: int = 7) -> DocumentSearch:
    fields = {"kind": "phase", "plan_version": "v1", "number": str(number), "id": str(number)}
    return DocumentSearch(PHASE, fields, number, tree)


def track(tree: Tree, **fields: str) -> DocumentSearch:
    known = {"kind": "track", "id": "5", "number": "5", "plan_version": "v1", **fields}
    return DocumentSearch(TRACK, known, 5, tree)


def test_a_whole_name_is_exact_and_a_padded_one_a_near_miss(tree: Grow) -> None:
    found = phase(tree({"docs/plan/v1/phases/phase-07.md": "# 7"}))
    assert found.path is None
    assert [str(tried) for tried in found.tried] == ["docs/plan/v1/phases/phase-7.md is not there"]
    assert found.near_misses == [
        "docs/plan/v1/phases/phase-07.md pads the number otherwise, which number_format could allow"
    ]
    assert phase(tree({"docs/plan/v1/phases/phase-08.md/a.md": ""}), 8).near_misses == []
    assert phase(tree({"docs/plan/v1/phases/phase-7.md": "# 7"})).path == b"docs/plan/v1/phases/phase-7.md"
    # A padded name is right where the policy says so.
    kind = WorkKind(
        document=["p/phase-{number}.md"], number_format=["{n}", "{n:02}"], branch="phase-{number}"
    )
    assert DocumentSearch(kind, {"number": "7"}, 7, tree({"p/phase-07.md": "# 7"})).path == b"p/phase-07.md"


def test_a_pattern_takes_padded_numbers_and_no_other_one(tree: Grow) -> None:
    others = ("track-55-x.md", "track-15-x.md", "track-5.md", "track-5-x/y.md")
    assert track(tree({f"{TRACKS}/{name}": "# Track" for name in others})).path is None
    assert track(tree({f"{TRACKS}/track-005-x.md": "# x"})).path == f"{TRACKS}/track-005-x.md".encode()


def test_the_field_of_the_pointer_goes_first(tree: Grow) -> None:
    files = tree({"elsewhere/five.md": "# Track", f"{TRACKS}/track-5-a.md": "# a"})
    assert track(files, doc="elsewhere/five.md").path == b"elsewhere/five.md"
    assert track(files, doc="./elsewhere/five.md").path == b"elsewhere/five.md"

    # It is not a pattern, and leads nowhere else.
    for doc in ("../x.md", "elsewhere/[five].md", "/", "elsewhere//five.md", "*"):
        assert track(files, doc=doc).path == f"{TRACKS}/track-5-a.md".encode()


@pytest.mark.parametrize(
    "index",
    [
        "| No | Track | Document |\n|---|---|---|\n| 4 | x | [x](four.md) |\n| 5 | 2FA | [five](five.md) |",
        "| Order | Track | Document |\n|---|---|---|\n| 5 | 4 | four.md |\n| 6 | Track 05 | `five.md` |",
        "- [ ] **Track 5** - Add it (`docs/plan/v1/tracks/five.md`)",
        "- Tracks\n  - track-05: five.md",
        "4. [x](four.md)\n5. [2FA](./five.md#scope)",
        "- [Cache](old/track-05-cache.md)",
    ],
)
def test_an_index_maps_the_number(tree: Grow, index: str) -> None:
    named = {"five.md": "# Five", "four.md": "#", "old/track-05-cache.md": "# Cache"}
    files = {f"{TRACKS}/{name}": text for name, text in named.items()}
    found = track(tree({f"{TRACKS}/INDEX.md": f"# Tracks\n\n{index}\n", **files}))
    meant = "old/track-05-cache.md" if "Cache" in index else "five.md"
    assert found.path == f"{TRACKS}/{meant}".encode()


def test_an_index_that_maps_to_no_document_is_a_near_miss_and_to_two_an_error(tree: Grow) -> None:
    found = track(tree({f"{TRACKS}/INDEX.md": "- 5: [x](gone.md)"}))
    assert found.near_misses == [f"{TRACKS}/INDEX.md:1 names 'gone.md' for it, which is not there"]
    index = "- 5: [x](a.md)\n- 5: [y](b.md)"
    found = track(tree({f"{TRACKS}/INDEX.md": index, f"{TRACKS}/a.md": "a", f"{TRACKS}/b.md": "b"}))
    assert "2 documents" in found.problem
    assert f"{TRACKS}/a.md and {TRACKS}/b.md" in found.problem


def test_an_older_place_is_tried_last(tree: Grow) -> None:
    found = track(tree({"docs/plan/tracks/track-5-x.md": "# Track 5\n\nDo it."}))
    assert found.path == b"docs/plan/tracks/track-5-x.md"
    assert found.legacy == f"{TRACKS}/"
    assert [str(tried) for tried in found.tried] == [
        "{doc} needs {doc}, which is not known",
        f"{TRACKS}/track-5-*.md matches no file",
        f"{TRACKS}/INDEX.md is not there",
        "docs/plan/tracks/track-5-x.md was found",
    ]


def test_what_is_no_document_is_named(tree: Grow, repository: Repository) -> None:
    for stub, problem in (
        ("See `gone.md`.", "only points to 'gone.md', which is not there"),
        ("See `track-5-x.md`.", "which is not followed any more"),
        ("Superseded by `track-6-y.md`.", "track-6-y.md, the document of another item"),
    ):
        found = track(tree({f"{TRACKS}/track-5-x.md": stub, f"{TRACKS}/track-6-y.md": "# Y"}))
        assert found.path is None
        assert problem in found.problem
    assert phase(tree({"docs/plan/v1/phases/phase-7.md": " \n"})).problem.endswith("phase-7.md is empty")
    repository.delete("docs/plan/v1/phases/phase-7.md")
    repository.symlink("docs/plan/v1/phases/phase-7.md", "../../../x.md")
    assert "is a symbolic link" in phase(tree({"x.md": "# x"})).problem


@pytest.mark.parametrize(("text", "target"), rows(__file__, "what_a_stub_points_to"))
def test_a_stub_is_told_from_a_document(text: str, target: str) -> None:
    assert points_to(text) == target


def test_links_stay_in_the_repository() -> None:
    assert follow(b"a/b", "c.md") == b"a/b/c.md"
    assert follow(b"a/b", "../c.md#x") == b"a/c.md"
    assert follow(b"a", "/c.md") == b"c.md"
    for folder, link in ((b"a", "../../c.md"), (b"", "https://example.org/c.md"), (b"", "#top")):
        assert follow(folder, link) is None
