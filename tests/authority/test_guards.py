"""Every forbidden and locked path of a policy, asked in one place."""

from specguard.authority.policy import Guards
from specguard.declaration.patterns import Covering, Guarding

FORBIDDEN = ("PTH001", "forbidden-path", Guarding.of("docs/api/", "**/*.pem"), None)
LOCKED = ("PTH002", "locked-path", Guarding.of("Docs/", "a/b/*.md", "LICENSE"), Covering.of("docs/notes/"))


def test_a_folder_that_guarded_paths_lie_in() -> None:
    guards = Guards([FORBIDDEN, LOCKED])
    for folder, pattern in {
        b"docs": "docs/api/",
        b"DOCS": "docs/api/",
        b"a": "a/b/*.md",
        b"a/b": "a/b/*.md",
        b"A/B": "a/b/*.md",
    }.items():
        guard = guards.below(folder)
        assert guard is not None, folder
        assert guard.pattern == pattern
    # What is guarded itself, what has no guarded path, and what a wildcard alone may reach.
    for folder in (b"docs/api", b"a/b/c", b"src", b"LICENSE", b"k"):
        assert guards.below(folder) is None, folder
    wild = Guards([("PTH001", "forbidden-path", Guarding.of("x/[ab]/c/", "y?/z/", "w/**/v/"), None)])
    folders = (b"x", b"x/a", b"y1", b"w", b"w/u")
    assert [folder for folder in folders if wild.below(folder) is not None] == [b"x", b"w"]
