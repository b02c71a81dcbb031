"""APR004: an approval that lifts nothing."""

from __future__ import annotations

from specguard.rules import Finding, Rule
from specguard_rules.approvals._said import called, line_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Approvals, Severity, Stage


class UnusedApproval(Rule):
    """An approval that the change brings matches no finding of it.

    What lifts nothing can only be there by mistake, or for something that is still to be done under its
    cover. It is a warning. Said is it only where every rule that the approval names was judged, so not with
    `--select`, and not of a commit that does nothing but file approvals.

    How to put it right: take the approval out of the branch.

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    may = ["PTH002"]
    '''
    base = {files = {"src/a.py" = "a"}}
    commits = [{message = "feat: x", files = {"src/a.py" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", paths = ["docs/api/x.yaml"]}]
    args = ["--select=PTH002"]

    [[expect]]
    code = "APR004"
    path = ".specguard/approvals/{approval}.json"
    severity = "warning"
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
    approvals = [{rules = ["PTH002"], approver = "alice"}]
    args = ["--select=PTH002"]
    expect = [{code = "PTH002", state = "approved"}]
    ```
    """

    code: ClassVar[str] = "APR004"
    name: ClassVar[str] = "unused-approval"
    severity: ClassVar[Severity] = "warning"
    approvable: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every approval that the change brings matches a finding of it"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Look for approvals that could lift something, and do not."""
        for decision in approvals.decisions:
            if decision.added and decision.counts and decision.judged and not decision.matches:
                yield Finding(
                    f"{called(decision)} matches no finding of {' or '.join(decision.approval.rules)}",
                    help="Take it out of the branch.",
                    path=decision.path,
                    line=line_of(decision, "findings"),
                    field="findings",
                    key=decision.filed.id,
                    setting="approvals",
                )
