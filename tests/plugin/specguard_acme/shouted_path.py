"""ACM001: paths in capital letters."""

from __future__ import annotations

from specguard.rules import Finding, Rule, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Entry, Severity, Stage


class ShoutedPath(Rule):
    """A new file whose name is in capital letters alone.

    ACME's tools sort such names apart from all others. Rename the file, or list its name in `allowed`.

    ```toml fails
    commits = [{files = {"docs/SHOUT.md" = ""}}]
    expect = [{path = "docs/SHOUT.md", severity = "warning"}]
    ```

    ```toml passes
    policy = '''
    plugins = ["specguard-acme"]
    [rules.shouted-path]
    allowed = ["README"]
    '''
    commits = [{files = {"README.md" = "", "docs/quiet.md" = ""}}]
    ```
    """

    code: ClassVar[str] = "ACM001"
    name: ClassVar[str] = "shouted-path"
    severity: ClassVar[Severity] = "warning"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "range", "pull-request")
    condition: ClassVar[str] = "no new name is in capital letters"
    allowed: list[str] = setting([], "names, without their ending, that may be")

    def check(self, entries: Sequence[Entry]) -> Iterator[Finding]:
        """Look at the name of each added path."""
        for entry in entries:
            stem = entry.path.rpartition(b"/")[2].partition(b".")[0].decode("utf-8", "surrogateescape")
            if entry.added and stem.isupper() and stem not in self.allowed:
                yield Finding(
                    f"the name {stem} is in capital letters",
                    help="rename it in small letters, or add it to `allowed`",
                    path=entry.path,
                    key=stem,
                )
