"""Where a place that is cited stands; `forms.md` and the page have the forms of places."""

from specguard.documents.citations import citations, plain_path
from specguard.documents.document import Document


def test_a_place_has_its_own_line_and_kind() -> None:
    found = list(
        citations(Document("# T\n\nSee `a/b.py:1`\nand `/c/d.py:2`\n\n| x |\n|---|\n| `~/e.py:3` |\n").blocks)
    )
    assert [(one.at, one.path, one.kind, one.absolute) for one in found] == [
        (3, "a/b.py", "relative", False),
        (4, "/c/d.py", "absolute", True),
        (8, "~/e.py", "absolute", True),
    ]


def test_a_path_has_no_dots() -> None:
    for path, plain in {
        b"a/b.py": b"a/b.py",
        b"./a//b/./c/": b"a/b/c",
        b"a/../b": b"b",
        b"a/b/../../c": b"c",
        b"/a/b": b"a/b",
        b"..a/...": b"..a/...",
    }.items():
        assert plain_path(path) == plain
    for path in (b"..", b"a/../../b", b"a/..", b"", b"./"):
        assert plain_path(path) is None
