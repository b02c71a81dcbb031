"""APR003: an approval whose time is over, too long, or still to come."""

from __future__ import annotations

from specguard.rules import Rule
from specguard_rules.approvals._said import refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Approvals, Finding, Stage


class ExpiredApproval(Rule):
    """An approval has expired, lasts too long or starts later.

    It may last `max_days` of `[approvals]`. Days are UTC. If the clock is not set, the rule is indeterminate.

    Why is this bad? Exceptions end.

    How to fix it: ask for a new approval, and take this one out.

    ```text
    error: .specguard/approvals/4139458dd8.json:3: approval 4139458dd8 by alice does not count: it held
      until 2026-11-20
    ```

    ```toml fails
    policy = '''
    [approvals]
    max_days = 10

    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    may = ["PTH002"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", issued = -9, expires = -1}]
    args = ["--select=PTH002"]

    [[expect]]
    code = "APR003"
    path = ".specguard/approvals/{approval}.json"
    line = 3
    message = "it held until"
    authority = "SPEC_AUTHORITY.md:5"

    [[expect]]
    code = "PTH002"
    state = "open"
    ```

    ```toml passes
    policy = '''
    [approvals]
    max_days = 10

    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    may = ["PTH002"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", issued = -9, expires = 1}]
    ```
    """

    code: ClassVar[str] = "APR003"
    name: ClassVar[str] = "expired-approval"
    approvable: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every approval holds now, and for no longer than the policy lets it"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Say of which approvals that is not so."""
        settings = dict.fromkeys(("issued_at", "expires_at"), "approvals.max_days")
        yield from refused(approvals, "expired", settings)
