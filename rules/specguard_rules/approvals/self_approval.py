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
    """The approver is an author, committer or co-author of the change, or opened its pull request.

    Nobody approves their own change, and no agent that of its run. Whoever is named in a commit is compared
    with the approver by address (in any case, with or without `+tag`, and as the platform writes one that it
    hides), by account, by the key that the commit is signed with, and by name. Whoever only files an approval
    has no part in the change. Where a commit does not say whose it is, the rule is indeterminate.

    How to put it right: ask somebody who had no part in the change.

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
