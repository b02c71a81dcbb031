from __future__ import annotations

from specguard.documents.citations import plain_path


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
