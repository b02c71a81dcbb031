"""APR008: an approval that does not say why."""

from __future__ import annotations

from specguard.rules import Rule
from specguard_rules.approvals._said import refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Approvals, Finding, Stage


class ApprovalWithoutReason(Rule):
    """An approval gives no reason, or one that says nothing.

    A placeholder (`TBD`, `n/a`), the rule's name, or *approved as requested* is no reason.

    Why is this bad? Later readers have only the reason to judge by.

    How to fix it: ask for an approval that says why.

    ```text
    error: .specguard/approvals/b6caf677cc.json:17: approval b6caf677cc by alice does not count: its
      reason, 'Approved: locked path', says nothing
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    may = ["PTH002"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", reason = "Approved: locked path"}]
    args = ["--select=PTH002"]

    [[expect]]
    code = "APR008"
    path = ".specguard/approvals/{approval}.json"
    field = "reason"

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
    may = ["PTH002"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", reason = "the partner needs version two"}]
    ```
    """

    code: ClassVar[str] = "APR008"
    name: ClassVar[str] = "approval-without-reason"
    approvable: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every approval says why it was given"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Say which do not."""
        yield from refused(approvals, "reason")
