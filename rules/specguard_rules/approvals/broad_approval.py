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
    """An approval is of more than named findings, of what nothing lifts, or has a scope the policy refuses.

    An approval is for named findings: of rules by their codes, in files by their paths. A pattern or a folder
    would approve what nobody has seen. Some rules no approval lifts: PTH001, those about approvals, and each
    with `approvable = false`. What an approval may be bound to is `scopes` in `[approvals]`.

    How to put it right: ask for an approval that names the rules and files that are meant.

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
