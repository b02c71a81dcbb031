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
    """An approval in the change matches no finding.

    It is judged only if all rules that it names were, without `--select`, and not in commits that only file
    approvals.

    Why is this bad? It is a mistake, or waits for an unseen change.

    How to fix it: take it out of the branch.

    ```text
    warning: .specguard/approvals/d1b984620d.json:4: approval d1b984620d by alice matches no finding of
      PTH002
    ```

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
