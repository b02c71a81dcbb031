"""CNT001: added lines that match a forbidden expression."""

from __future__ import annotations

from specguard.rules import Covering, Finding, Rule, Settings, required, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Entry, Expression, Lines, Stage

MOST: Final = 100
"""So many lines of one file are named for one expression; one more finding counts the rest."""


class Forbidden(Settings):
    """One expression, and where lines may not match it."""

    pattern: Expression = required("what no added line may match (RE2)")
    paths: Covering = setting(Covering(), "its files and folders; by default all")
    exclude: Covering = setting(Covering(), "files to skip")
    message: str = setting("", "what a finding says")


class ForbiddenContent(Rule):
    r"""An added line matches a forbidden expression.

    Each added line is judged by itself. Expressions are RE2. Links, submodules and binary files have no
    lines.

    Why is this bad? Debugging calls, conflict markers and private keys are wrong everywhere.

    How to fix it: change the line, or exempt the file with `exclude`.

    ```text
    error: src/a.ts:3: logging goes through src/log.ts
    ```

    ```toml fails
    policy = '''
    [[rules.forbidden-content.forbid]]
    pattern = '\bconsole\.log\('
    paths = ["src/"]
    exclude = ["src/debug/"]
    message = "logging goes through src/log.ts"
    '''
    base = {files = {"src/a.ts" = "console.log(0)\nlet a = 1\n"}}
    commits = [{message = "feat: x", files = {"src/a.ts" = "console.log(0)\nlet a = 1\n  console.log(a)\n"}}]
    expect = [{code = "CNT001", path = "src/a.ts", line = 3}]
    ```

    ```toml passes
    policy = '''
    [[rules.forbidden-content.forbid]]
    pattern = '\bconsole\.log\('
    paths = ["src/"]
    exclude = ["src/debug/"]
    '''
    base = {files = {"src/a.ts" = "console.log(0)\nlet a = 1\n"}}

    [[commits]]
    message = "feat: x"

    [commits.files]
    "src/a.ts" = "console.log(0)\nlet a = 2\n"
    "src/debug/b.ts" = "console.log(1)"
    "docs/c.md" = "`console.log(1)`"
    ```
    """

    code: ClassVar[str] = "CNT001"
    name: ClassVar[str] = "forbidden-content"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("forbid",)
    condition: ClassVar[str] = "no added line matches an expression that is forbidden in its file"

    forbid: list[Forbidden] = setting([], "the expressions and their files", tightens="more")

    def check(self, entries: Sequence[Entry], lines: Lines) -> Iterator[Finding]:
        """Look for each expression in the files it holds for."""
        files = [entry for entry in entries if entry.is_file and entry.old != entry.new]
        held: dict[bytes, set[int]] = {entry.path: set() for entry in files}
        paths = list(held)
        for which, forbidden in enumerate(self.forbid):
            excluded = {position for position, _ in forbidden.exclude.find_each(paths)}
            within = [position for position, _ in forbidden.paths.find_each(paths)]
            for position in within if forbidden.paths else range(len(paths)):
                if position not in excluded:
                    held[paths[position]].add(which)
        judged = [entry for entry in files if held[entry.path]]
        counts: dict[tuple[bytes, int], int] = {}
        for added in lines.added([forbidden.pattern for forbidden in self.forbid], judged):
            if added.which not in held[added.path]:
                continue
            place = added.path, added.which
            counts[place] = counts.get(place, 0) + 1
            if counts[place] <= MOST:
                yield self._finding(added.path, added.line, added.text, added.which)
        for (path, which), count in counts.items():
            if count > MOST:
                message = (
                    f"{count - MOST} more added lines of this file match {self.forbid[which].pattern.text!r}"
                )
                step = "Change these lines too, or take the file out with 'exclude'."
                key = f"more {self.forbid[which].pattern.text}"
                yield Finding(message, help=step, path=path, key=key, setting=f"forbid.{which}.pattern")

    def _finding(self, path: bytes, line: int, text: str, which: int) -> Finding:
        forbidden = self.forbid[which]
        return Finding(
            forbidden.message or f"the added line matches {forbidden.pattern.text!r}",
            help="Change the line, or take the file out with 'exclude'.",
            path=path,
            line=line,
            key=" ".join(text.split()),
            setting=f"forbid.{which}.pattern",
        )
