"""Which files a rule reads."""

import pytest

from specguard.declaration.patterns import Selecting
from specguard_rules.artifacts.texts import may_match

PATTERNS = [
    "**/*.sh", "a/b.sh", "/a/b.sh", "**", "*", "a/**", "a/**/b", "**/x/**", "x/*y*/z.md", "t[0-9]k.md",
    "**/t[ab]/c", "[!a]b", "a\\*b", "a?c", "\\#x", "\u00e4/*.md",
]  # fmt: skip
PATHS = [
    "a.sh", "b/a.sh", "a/b.sh", "a/b", "a/c/d/b", "ab", "x/y", "w/x/y", "x", "x/ayb/z.md", "x/y/z.md",
    "t5k.md", "ta/c", "z/tb/c", "bb", "a*b", "abc", "#x", "\u00e4/o.md", "src/a.py",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_quick_look_misses_nothing(pattern: str) -> None:
    patterns = Selecting([pattern])
    matched = [path for path in PATHS if patterns.find(path.encode()) is not None]
    assert matched
    for path in matched:
        assert may_match(patterns, [path.encode()])


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("**/*.sh", "a.py"), ("a/**", "b/a"), ("**/x/**", "x"), ("**/x/**", "src/ax/b"), ("t[0-9].md", "a.md")],
)
def test_the_quick_look_tells_most_others(pattern: str, path: str) -> None:
    assert not may_match(Selecting([pattern]), [path.encode()])
