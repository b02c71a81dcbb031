"""Approvals of another change, of people who may not give them, and those that match nothing."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text
from specguard_rules.approvals.refused import called, line_of, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Approvals, Severity, Stage


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


class UntrustedApproval(Rule):
    """An approval is not proven, or its giver may not approve.

    Approvers are in `[[approvals.approver]]` of the base. With `--enforce`, as in CI, proof is their key's
    signature, the platform's review of this head (`--pr-reviews`), or presence in the base. Otherwise
    unsigned approvals count, except for rules that need a signature, such as PTH004.

    Why is this bad? A change could approve itself.

    How to fix it: the approver runs `specguard approvals sign ID --key FILE` and commits the signature, or
    another one approves.

    See also: `self-approval`

    ```text
    error: .specguard/approvals/7440b5164b.json:19: approval 7440b5164b by alice does not count: alice
      may not approve PTH002
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    may = ["SPC"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice"}]
    args = ["--select=PTH002"]

    [[expect]]
    code = "APR002"
    path = ".specguard/approvals/{approval}.json"
    message = "alice may not approve PTH002"
    authority = "SPEC_AUTHORITY.md:7"

    [[expect]]
    code = "PTH002"
    ```

    ```toml passes
    policy = '''
    base = "main"

    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    key = "{key}"
    may = ["PTH002"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", sign = "key"}]
    args = ["--select=PTH002"]
    expect = [{code = "PTH002", state = "approved"}]
    ```
    """

    code: ClassVar[str] = "APR002"
    name: ClassVar[str] = "untrusted-approval"
    approvable: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every approval was given by somebody who may, as far as that must be proven"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Say of which approvals that is not so."""
        settings = dict.fromkeys(("", "approver", "rules"), "approvals.approver")
        yield from refused(approvals, "untrusted", settings)
        for path, what, step in approvals.strangers:
            message = f"{path_text(path)} {what}"
            how = f"{step} Take this out of the branch."
            yield Finding(message, help=how, path=path, key="stranger", setting="approvals.approver")


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
