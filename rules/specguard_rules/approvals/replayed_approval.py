"""APR006: an approval that was given for something else."""

from __future__ import annotations

from specguard.rules import Finding, Rule
from specguard_rules.approvals._said import refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Approvals, Stage


class ReplayedApproval(Rule):
    """An approval is a copy, or was made for something else.

    It is bound to the change's content, target branch, policy, repository and work item; with the scope
    `paths`, to its files' content. A rebase, a reworded message or a squash does not matter. One changed byte
    ends it.

    Why is this bad? The approver did not see this change.

    How to fix it: ask for an approval of the change as it is now, or take this one out.

    ```text
    error: .specguard/approvals/1e8416b4de.json:24: approval 1e8416b4de by alice does not count: it is
      for release, not for main
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
    approvals = [{rules = ["PTH002"], approver = "alice", target = "release"}]
    args = ["--select=PTH002"]

    [[expect]]
    code = "APR006"
    path = ".specguard/approvals/{approval}.json"
    message = "it is for release, not for main"

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
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b", "src/a.py" = "a"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", scope = "paths"}]
    ```
    """

    code: ClassVar[str] = "APR006"
    name: ClassVar[str] = "replayed-approval"
    approvable: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every approval was given for this change, its target and its policy"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Say what each was given for, and find those that are copies."""
        yield from _copies(approvals)
        yield from refused(approvals, "replayed")


def _copies(approvals: Approvals) -> Iterator[Finding]:
    """The records that came after another one with the same number of its own."""
    log = approvals.log
    first: dict[str, str] = {}
    for filed in sorted(
        log.filed.values(), key=lambda filed: ("base" not in filed.places, filed.record.issued_at, filed.id)
    ):
        other = first.setdefault(filed.record.nonce, filed.id)
        if other != filed.id and "base" not in filed.places:
            yield Finding(
                f"record {filed.id[:12]} has the nonce of {other[:12]}, so it is a copy of it",
                help="Take it out of the branch; every record is made anew.",
                path=log.path(filed.id),
                field="nonce",
                key=f"{filed.id} copy",
                setting="approvals",
            )
