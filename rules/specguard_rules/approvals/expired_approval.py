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
    """An approval is past its date, was given for longer than the policy lets, or is from a time to come.

    An approval is for an exception, and an exception ends. Each has a last day, at most `max_days` of
    `[approvals]` after the day on which it was given; days are those of UTC. A clock that was never set
    decides nothing: where nobody can tell the time, the rule is indeterminate.

    How to put it right: ask for a new approval, and take the old one out of the branch.

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
