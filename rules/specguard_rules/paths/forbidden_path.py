"""PTH001: entries under a forbidden pattern."""

from __future__ import annotations

from specguard.rules import Guarding, Rule, setting
from specguard_rules.paths._guarded import findings, landing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Commit, Entry, Finding, Policy, Stage


class ForbiddenPath(Rule):
    """A change touches a path that nobody may change.

    Added, modified, deleted, moved and linked files count, and changes of mode. Case and Unicode forms do not
    matter. Each commit is judged too, unless `merge = "squash"`.

    Why is this bad? The authority says that these paths never change.

    How to fix it: put the file back with the command in the finding.

    See also: `locked-path`, `link-into-guarded-path`

    ```text
    error: docs/api/x.yaml was modified; docs/api/ is forbidden
    ```

    ```toml fails
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]
    '''
    base = {files = {"docs/api/x.yaml" = "a", "docs/api/y.yaml" = "b"}}

    [[commits]]
    message = "feat: x"
    files = {"docs/api/x.yaml" = "b"}
    rename = {"docs/api/y.yaml" = "src/y.yaml"}

    [[expect]]
    code = "PTH001"
    path = "docs/api/x.yaml"
    message = "docs/api/x.yaml was modified; docs/api/ is forbidden"
    authority = "SPEC_AUTHORITY.md:5"

    [[expect]]
    code = "PTH001"
    path = "docs/api/y.yaml"
    side = "base"
    message = "moved to src/y.yaml"
    ```

    ```toml passes
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "docs: x", files = {"docs/guide.md" = "b", "src/docs/api/x.yaml" = "c"}}]
    ```
    """

    code: ClassVar[str] = "PTH001"
    name: ClassVar[str] = "forbidden-path"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    approvable: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("paths",)
    condition: ClassVar[str] = "nothing under {paths} is added, changed or removed"

    paths: Guarding = setting(Guarding(), "files, and folders with all below")

    def check(
        self,
        entries: Sequence[Entry],
        base: Base,
        policy: Policy,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Compare every path of the change with the patterns."""
        return findings(self.paths, entries, landing(commits, policy), base, policy, word="forbidden")
