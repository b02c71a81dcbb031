"""PTH009: paths that may grow but not lose, and added lines that weaken them."""

from __future__ import annotations

from specguard.rules import Covering, Finding, Rule, path_text, setting
from specguard_rules.paths._guarded import Moves

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.change.lines import Hunk
    from specguard.rules import Base, Entry, Expression, Lines, Stage

MOST: Final = 100
"""So many places of one file are named; one more finding counts the rest."""


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
        under = [
            (entries[position], index) for position, index in self.paths.find_each([e.path for e in entries])
        ]
        judged: list[Entry] = []
        moves: Moves | None = None
        setting: dict[bytes, str] = {}
        for entry, index in under:
            setting[entry.path] = f"paths.{index}"
            if entry.added or (entry.is_file and entry.status != "T"):
                if entry.is_file and entry.old != entry.new:
                    judged.append(entry)
                continue
            moves = moves or Moves(entries)
            yield self._gone(entry, moves, base, setting[entry.path])
        modified = [entry for entry in judged if not entry.added]
        for entry, hunks in lines.compare(modified):
            yield from self._losses(entry, hunks, setting[entry.path])
        yield from self._weakened(judged, lines)

    def _gone(self, entry: Entry, moves: Moves, base: Base, setting: str) -> Finding:
        from specguard_rules.steps import put_back

        return Finding(
            f"{path_text(entry.path)} was {moves.happened(entry)}; it may grow and not lose",
            help=f"{put_back(entry, base, moved=moves.other(entry))}, or ask for an approval of {self.code}.",
            path=entry.path,
            side="base" if entry.deleted else None,
            key="gone",
            setting=setting,
        )

    def _losses(self, entry: Entry, hunks: Sequence[Hunk], setting: str) -> Iterator[Finding]:
        """A finding for each place at which a file loses lines."""
        help_ = f"Bring it back, or ask for an approval of {self.code}."
        losses = [(hunk, lost) for hunk in hunks if (lost := _lost(hunk))]
        for hunk, (first, gone) in losses[:MOST]:
            text = gone.decode("utf-8", "backslashreplace").strip()
            count = len(hunk.removed) - (first - hunk.old_start)
            lines = f"line {first}" if count == 1 else f"{count} lines from line {first} on"
            yield Finding(
                f"{path_text(entry.path)} loses {lines}: {text[:120]}",
                help=help_,
                path=entry.path,
                line=max(hunk.new_start, 1),
                end_line=max(hunk.new_start + len(hunk.added) - 1, hunk.new_start, 1),
                key=" ".join(text.split()),
                setting=setting,
            )
        if len(losses) > MOST:
            message = f"{path_text(entry.path)} loses lines at {len(losses) - MOST} more places"
            yield Finding(message, help=help_, path=entry.path, key="more", setting=setting)

    def _weakened(self, judged: Sequence[Entry], lines: Lines) -> Iterator[Finding]:
        """A finding for each added line that matches a pattern of weakening."""
        if not self.patterns:
            return
        counts: dict[bytes, int] = {}
        for added in lines.added(self.patterns, judged):
            counts[added.path] = counts.get(added.path, 0) + 1
            if counts[added.path] > MOST:
                continue
            text = added.text.strip()
            yield Finding(
                f"the added line takes force away from {path_text(added.path)}: {text[:120]}",
                help=f"Take the line out, or ask for an approval of {self.code}.",
                path=added.path,
                line=added.line,
                key=" ".join(text.split()),
                setting=f"patterns.{added.which}",
            )
        for path, count in counts.items():
            if count > MOST:
                message = f"{count - MOST} more added lines take force away from {path_text(path)}"
                step = f"Take the lines out, or ask for an approval of {self.code}."
                yield Finding(message, help=step, path=path, key="more", setting="patterns")


def _lost(hunk: Hunk) -> tuple[int, bytes] | None:
    """The first line that a hunk loses, by its number before the change, and its text."""
    for position, line in enumerate(hunk.removed):
        # Only the newline at the file's end can make a removed line equal to the added one in its place.
        if line.strip() and hunk.added[position : position + 1] != [line]:
            return hunk.old_start + position, line
    return None
