from __future__ import annotations

import pytest

from specguard.documents.citations import plain_path


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        (b"a/b.py", b"a/b.py"),
        (b"./a//b/./c/", b"a/b/c"),
        (b"a/../b", b"b"),
        (b"a/b/../../c", b"c"),
        (b"/a/b", b"a/b"),
        (b"..a/...", b"..a/..."),
        (b"..", None),
        (b"a/../../b", None),
        (b"a/..", None),
        (b"", None),
        (b"./", None),
    ],
)
def test_a_path_has_no_dots(path: bytes, plain: bytes | None) -> None:
    assert plain_path(path) == plain
