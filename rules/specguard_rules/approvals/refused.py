"""Approvals that do not count: without a reason, too broad, expired, or the author's own."""

from __future__ import annotations

from specguard.rules import Finding, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import ClassVar, Literal

    from specguard.approvals.approvals import Decision
    from specguard.rules import Approvals, Stage

    Kind = Literal["untrusted", "expired", "self", "replayed", "broad", "reason"]


def refused(approvals: Approvals, kind: Kind, settings: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """A finding for each thing of a kind that speaks against an approval.

    Args:
        approvals: those of the change.
        kind: the kind.
        settings: the setting that is cited, by the field of the record; the approver's own table where it is
            `approvals.approver`.

    Raises:
        MissingFact: after all findings, where it could not be told of every approval.
    """
    for decision, refusal in approvals.refused(kind):
        setting = (settings or {}).get(refusal.field, "approvals")
        if setting == "approvals.approver":
            setting = _table(approvals, decision)
        yield Finding(
            f"{called(decision)} does not count: {refusal.reason}",
            help=refusal.help,
            path=decision.path,
            line=line_of(decision, refusal.field),
            field=refusal.field or None,
            key=f"{decision.filed.id} {refusal.field}",
            setting=setting,
        )
    missing = approvals.missing(kind)
    if missing is not None:
        raise missing


def called(decision: Decision) -> str:
    """How an approval is called in messages."""
    return f"approval {decision.filed.id[:12]} by {decision.approval.approver}"


def line_of(decision: Decision, field: str) -> int | None:
    """The line of a field in the approval's file; None where it is about none."""
    start = f'  "{field}": '.encode()
    for number, line in enumerate(decision.approval.content.split(b"\n"), start=1):
        if line.startswith(start):
            return number
    return None


def _table(approvals: Approvals, decision: Decision) -> str:
    """The key of the approver's table, or of the list of them where there is none of that name."""
    names = [approver.name for approver in approvals.settings.approver]
    name = decision.approval.approver
    return f"approvals.approver.{names.index(name)}" if name in names else "approvals.approver"


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


class BroadApproval(Rule):
    """An approval covers too much, or what nobody can lift.

    It names rules by code and files by path, not patterns or folders. No approval lifts PTH001, rules about
    approvals, or rules with `approvable = false`. `scopes` in `[approvals]` lists the allowed scopes.

    Why is this bad? It lets through what nobody has seen.

    How to fix it: ask for an approval of certain rules and files.

    ```text
    error: .specguard/approvals/f936c8a507.json:11: approval f936c8a507 by alice does not count: it
      names docs/**, which is no file
    ```

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
