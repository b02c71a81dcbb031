"""APR007: an approval of more than the policy lets be approved."""

from __future__ import annotations

from specguard.rules import Rule
from specguard_rules.approvals._said import refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Approvals, Finding, Stage


class BroadApproval(Rule):
    """An approval covers too much, or what nobody can lift.

    It names rules by code and files by path, not patterns or folders. No approval lifts PTH001, rules about
    approvals, or rules with `approvable = false`. `scopes` in `[approvals]` lists the allowed scopes.

    Why is this bad? It lets through what nobody has seen.

    How to fix it: ask for an approval of certain rules and files.

    ```text
    error: .specguard/approvals/f936c8a507.json:11: approval f936c8a507 by alice does not count: it
      names docs/**, which is no file
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    may = ["PTH"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", paths = ["docs/api/x.yaml", "docs/**"]}]
    args = ["--select=PTH002"]

    [[expect]]
    code = "APR007"
    path = ".specguard/approvals/{approval}.json"
    message = "it names docs/**, which is no file"

    [[expect]]
    code = "PTH002"
    state = "open"
    ```

    ```toml passes
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    may = ["PTH"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", paths = ["docs/api/x.yaml"]}]
    ```
    """

    code: ClassVar[str] = "APR007"
    name: ClassVar[str] = "broad-approval"
    approvable: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every approval names rules and files that the policy lets be approved"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Say which do not."""
        yield from refused(approvals, "broad", {"scope": "approvals.scopes"})
