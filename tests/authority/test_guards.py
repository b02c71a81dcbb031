"""Every forbidden and locked path of a policy, asked in one place."""

from __future__ import annotations

from specguard.authority.policy import Guard, Guards
from specguard.declaration.patterns import Covering, Guarding

FORBIDDEN = ("PTH001", "forbidden-path", Guarding.of("docs/api/", "**/*.pem"), None)
LOCKED = ("PTH002", "locked-path", Guarding.of("Docs/", "a/b/*.md", "LICENSE"), Covering.of("docs/notes/"))


def shown(guard: Guard | None) -> tuple[str, str, str, str] | None:
    return None if guard is None else (guard.code, guard.rule, guard.pattern, guard.key)


def test_what_is_forbidden_comes_before_what_is_locked() -> None:
    guards = Guards([FORBIDDEN, LOCKED])
    assert shown(guards.find(b"docs/api/x")) == (
        "PTH001",
        "forbidden-path",
        "docs/api/",
        "rules.forbidden-path.paths.0",
    )
    assert shown(guards.find(b"DOCS/x")) == ("PTH002", "locked-path", "Docs/", "rules.locked-path.paths.0")
    assert shown(guards.find(b"k/x.pem")) == (
        "PTH001",
        "forbidden-path",
        "**/*.pem",
        "rules.forbidden-path.paths.1",
    )
    assert guards.find(b"src/x") is None


def test_an_exception_is_its_own_rule_s_alone() -> None:
    assert Guards([LOCKED]).find(b"docs/notes/x") is None
    assert Guards([LOCKED]).find(b"docs/other/x") is not None
    other = Guards([LOCKED, ("PTH001", "forbidden-path", Guarding.of("docs/notes/"), None)])
    assert shown(other.find(b"docs/notes/x")) == (
        "PTH001",
        "forbidden-path",
        "docs/notes/",
        "rules.forbidden-path.paths.0",
    )


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
    assert [wild.below(folder) is not None for folder in (b"x", b"x/a", b"y1", b"w", b"w/u")] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_policy_without_such_paths_guards_nothing() -> None:
    guards = Guards([("PTH001", "forbidden-path", Guarding.of(), None)])
    assert not guards
    assert not list(guards.all)
    assert guards.find(b"a") is None
    assert guards.below(b"a") is None
    assert Guards([FORBIDDEN])
    assert [guard.key for guard in Guards([FORBIDDEN, LOCKED]).all] == [
        "rules.forbidden-path.paths.0",
        "rules.forbidden-path.paths.1",
        "rules.locked-path.paths.0",
        "rules.locked-path.paths.1",
        "rules.locked-path.paths.2",
    ]
