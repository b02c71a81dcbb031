"""APR005: an approval by somebody who had a part in the change."""

from __future__ import annotations

from specguard.rules import Rule
from specguard_rules.approvals._said import refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Approvals, Finding, Stage


class SelfApproval(Rule):
    """The approver had a part in the change.

    Authors, committers, co-authors and who opened the pull request are compared with the approver by address,
    account, signing key and name. Filing the approval is no part. If a commit does not say who made it, the
    rule is indeterminate.

    Why is this bad? Nobody reviews their own change, and no agent its own run.

    How to fix it: ask somebody else.

    See also: `untrusted-approval`

    ```text
    error: .specguard/approvals/74a47e150c.json:2: approval 74a47e150c by alice does not count: alice is
      the author of commit a8bbf1f934, by the address Alice+work@example.org
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    emails = ["alice@example.org"]
    may = ["PTH002"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    approvals = [{rules = ["PTH002"], approver = "alice"}]
    args = ["--select=PTH002"]

    [[commits]]
    message = "feat: x"
    author = "A. Liddell <Alice+work@example.org>"
    files = {"docs/api/x.yaml" = "b"}

    [[expect]]
    code = "APR005"
    path = ".specguard/approvals/{approval}.json"
    line = 2
    message = "by the address Alice+work@example.org"
    authority = "SPEC_AUTHORITY.md:7"

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
    emails = ["alice@example.org"]
    may = ["PTH002"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    approvals = [{rules = ["PTH002"], approver = "alice"}]

    [[commits]]
    message = "feat: x"
    author = "Bob <bob@example.org>"
    files = {"docs/api/x.yaml" = "b"}
    ```
    """

    code: ClassVar[str] = "APR005"
    name: ClassVar[str] = "self-approval"
    approvable: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "nobody approves a change that they had a part in"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Say who does."""
        yield from refused(approvals, "self", {"approver": "approvals.approver"})
