"""PTH009: paths that may grow but not lose, and added lines that weaken them."""

from __future__ import annotations

from specguard.rules import Covering, Finding, Rule, path_text, setting
from specguard_rules.paths.guarded_path import Moves

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.change.lines import Hunk
    from specguard.rules import Base, Entry, Expression, Lines, Stage

MOST: Final = 100
"""So many places of one file are named; one more finding counts the rest."""

_APPROVED: Final = ", or ask for an approval of PTH009."


class WeakenedPath(Rule):
    r"""A file that may only grow loses lines or is weakened.

    Under `paths`, you may add lines and new files. Removed or changed lines, deletions, moves and links are
    findings. Blank lines do not count. No added line may match `patterns`, such as a skip marker.

    Why is this bad? Deleting a test is the quickest way to pass it.

    How to fix it: bring the lines back, or ask for an approval.

    ```text
    error: tests/test_a.py:2: loses line 2: assert a() == 1
    ```

    ```toml fails
    policy = '''
    [rules.weakened-path]
    paths = ["tests/"]
    patterns = ['@pytest\.mark\.(skip|xfail)']
    '''
    base = {files = {"tests/test_a.py" = "def test_a():\n    assert a() == 1\n\ndef test_b():\n    pass\n"}}

    [[commits]]
    message = "fix: x"

    [commits.files]
    "tests/test_a.py" = "def test_a():\n    assert a()\n\n@pytest.mark.skip\ndef test_b():\n    pass\n"

    [[expect]]
    code = "PTH009"
    path = "tests/test_a.py"
    line = 2
    message = "loses line 2: assert a() == 1"

    [[expect]]
    code = "PTH009"
    path = "tests/test_a.py"
    line = 4
    message = "@pytest.mark.skip"
    ```

    ```toml passes
    policy = '''
    [rules.weakened-path]
    paths = ["tests/", "docs/log.md"]
    patterns = ['@pytest\.mark\.skip']
    '''
    base = {files = {"docs/log.md" = "- 2026-01-01 began", "tests/test_a.py" = "def test_a():\n    a()\n"}}

    [[commits]]
    message = "test: x"

    [commits.files]
    "docs/log.md" = "- 2026-01-01 began\n- 2026-01-02 went on\n"
    "tests/test_a.py" = "import a\n\n\ndef test_a():\n    a()\n    assert a.b\n"
    "tests/test_b.py" = "def test_b():\n    assert b()\n"
    ```
    """

    code: ClassVar[str] = "PTH009"
    name: ClassVar[str] = "weakened-path"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("paths",)
    condition: ClassVar[str] = "nothing under {paths} loses a line or gains one that matches {patterns}"

    paths: Covering = setting(Covering(), "files, and folders with all below", tightens="more")
    patterns: list[Expression] = setting([], "what no line added there may match (RE2)", tightens="more")

    def check(self, entries: Sequence[Entry], lines: Lines, base: Base) -> Iterator[Finding]:
        """Look for what the files lose, then for what weakens them."""
        judged: list[Entry] = []
        moves: Moves | None = None
        setting: dict[bytes, str] = {}
        for position, index in self.paths.find_each([entry.path for entry in entries]):
            entry = entries[position]
            setting[entry.path] = f"paths.{index}"
            if entry.added or (entry.is_file and entry.status != "T"):
                if entry.is_file and entry.old != entry.new:
                    judged.append(entry)
                continue
            from specguard_rules.next_steps import put_back

            moves = moves or Moves(entries)
            message = f"{path_text(entry.path)} was {moves.happened(entry)}; it may grow and not lose"
            step = f"{put_back(entry, base, moved=moves.other(entry))}{_APPROVED}"
            yield Finding(
                message, help=step, path=entry.path, side=entry.side, key="gone", setting=f"paths.{index}"
            )
        grown = lines.compare([entry for entry in judged if not entry.added])
        losses = (one for entry, hunks in grown for one in _losses(entry, hunks, setting[entry.path]))
        yield from _capped(losses, "{path} loses lines at {count} more places", "paths")
        more = "{count} more added lines take force away from {path}"
        yield from _capped(self._weakened(judged, lines), more, "patterns")

    def _weakened(self, judged: Sequence[Entry], lines: Lines) -> Iterator[Finding]:
        """A finding for each added line that matches a pattern of weakening."""
        for added in lines.added(self.patterns, judged) if self.patterns else ():
            path, text = added.path, added.text.strip()
            message = f"the added line takes force away from {path_text(path)}: {text[:120]}"
            step = f"Take the line out{_APPROVED}"
            key, setting = " ".join(text.split()), f"patterns.{added.which}"
            yield Finding(message, help=step, path=path, line=added.line, key=key, setting=setting)


def _capped(findings: Iterator[Finding], more: str, setting: str) -> Iterator[Finding]:
    """Of each file the first findings, and one that counts the rest."""
    counts: dict[bytes | None, int] = {}
    for one in findings:
        counts[one.path] = counts.get(one.path, 0) + 1
        if counts[one.path] <= MOST:
            yield one
    for path, count in counts.items():
        if count > MOST:
            message = more.format(path=path_text(path or b""), count=count - MOST)
            step = f"Take that back{_APPROVED}"
            yield Finding(message, help=step, path=path, key="more", setting=setting)


def _losses(entry: Entry, hunks: Sequence[Hunk], setting: str) -> Iterator[Finding]:
    """A finding for each place at which a file loses lines."""
    for hunk in hunks:
        first, gone = _lost(hunk)
        text = gone.decode("utf-8", "backslashreplace").strip()
        count = len(hunk.removed) - (first - hunk.old_start)
        lines = f"line {first}" if count == 1 else f"{count} lines from line {first} on"
        if gone:
            yield Finding(
                f"{path_text(entry.path)} loses {lines}: {text[:120]}",
                help=f"Bring it back{_APPROVED}",
                path=entry.path,
                line=max(hunk.new_start, 1),
                end_line=max(hunk.new_start + len(hunk.added) - 1, hunk.new_start, 1),
                key=" ".join(text.split()),
                setting=setting,
            )


def _lost(hunk: Hunk) -> tuple[int, bytes]:
    """The first line that a hunk loses, by its number before the change, and its text; empty without one."""
    for position, line in enumerate(hunk.removed):
        # Only the newline at the file's end can make a removed line equal to the added one in its place.
        if line.strip() and hunk.added[position : position + 1] != [line]:
            return hunk.old_start + position, line
    return 0, b""
