"""Which files a rule reads, and what cannot be read: it proves nothing and holds nothing."""

from pathlib import Path

import pytest

from specguard.declaration.patterns import Selecting
from specguard.testing import Step
from specguard_rules.artifacts.hidden_text_and_secrets import may_match
from tests.rules.artifacts.setting import drawn
from tests.rules.items import judge

POLICY = """
checklists = {files = ["*.md"], evidence = ["out/*.json"]}
runs.keep = "tree"
"""
UNREADABLE = {
    "1.md": (b"- [x] B\xfcild\n", "it is not UTF-8"),
    "2.md": (b"- [x] Build\n\0", "it is a binary file"),
    "3.md": ("- [x] Build\n".encode("utf-16"), "it is a binary file"),
    "4.md": (b"- [x] Build\n" + b">" * 300 + b" x\n", "nested too deeply"),
    "5.md": (b"- [x] Build\n" + b"\n" * 100_001, "it has more than 100000 lines"),
}


def test_a_checklist_that_cannot_be_read_proves_nothing(tmp_path: Path) -> None:
    files = {path: content for path, (content, _) in UNREADABLE.items()}
    expect = [{"path": path, "message": message} for path, (_, message) in UNREADABLE.items()]
    commits = [Step("docs: tick", files=files)]
    judge("ART006", tmp_path, policy=POLICY, commits=commits, expect=expect)


def test_a_brief_that_is_no_text_is_searched_for_secrets(tmp_path: Path) -> None:
    content = b"\xff\xfe\x00 " + b"ghp_" + drawn(36).encode() + b"\n"
    commits = [Step("feat: x", files={"AGENTS.md": content})]
    judge("ART016", tmp_path, commits=commits, expect=[{"path": "AGENTS.md", "line": 1}])


def test_a_line_that_is_too_long_for_an_invariant_is_no_pass(tmp_path: Path) -> None:
    commits = [Step("feat: x", files={"src/z.ts": "/api/" + "x" * 6000, "src/n.ts": "/api/"})]
    judge(
        "ART019",
        tmp_path,
        policy='[[invariants]]\npaths = ["src/*.ts"]\npattern = "/api/"\n',
        base=[Step("chore: base", files={"src/z.ts": "/api/"})],
        commits=commits,
        states={"ART019": "indeterminate"},
        exit_code=2,
        notes=["6005 bytes"],
        expect=[{"path": "src/n.ts"}],
    )


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
