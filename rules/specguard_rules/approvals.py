"""Rules about approvals: their log is intact, and each was given for this change by an approver who may."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text
from specguard_rules.finding_texts import put_back, shell_quote, undo_removal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, ClassVar, Final, Literal

    from specguard.approvals.approvals import Decision
    from specguard.rules import Approvals, Base, Commit, Entry, Policy, Severity, Stage, Tree

    Kind = Literal["untrusted", "expired", "self", "replayed", "broad", "reason"]


class BrokenLog(Rule):
    """An approval's record is altered or removed.

    A record in the log (`[approvals] log`) is a file named by its content's sha256, beside its signature. It
    may not be edited, deleted, renamed or replaced, and no other file added. You may take out an approval
    that your branch added, but no revocation.

    Why is this bad? A rewritten approval proves nothing.

    How to fix it: type the command in the finding. `specguard approvals revoke` ends an approval early.

    See also: `replayed-approval`

    ```text
    error: .specguard/approvals/because-i-say-so.json is not a record: its name is not a record's
    ```

    ```toml fails
    base = {files = {"src/a.py" = "a"}}

    [[commits]]
    message = "chore: approve"
    files = {".specguard/approvals/because-i-say-so.json" = "{}"}

    [[expect]]
    code = "APR001"
    path = ".specguard/approvals/because-i-say-so.json"
    message = "its name is not a record's"
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
    ```
    """

    code: ClassVar[str] = "APR001"
    approvable: ClassVar[bool] = False
    condition: ClassVar[str] = "records are added to the log of approvals, and nothing else is done to it"

    def check(
        self,
        approvals: Approvals,
        policy: Policy,
        base: Base,
        start_files: Tree,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Yield findings for altered or removed entries, broken records and removed revocations."""
        found: dict[bytes, Finding] = {}
        entries = {entry.path: entry for entry in approvals.entries}
        for path, entry in entries.items():
            allowed = path in approvals.old or _removes_own(entry, base, start_files)
            if not allowed and (flaw := _log_flaw(entry, policy)):
                found[path] = _finding(path, flaw, put_back(entry, base), side=entry.side)
        altered = set(found)
        for broken in sorted(approvals.broken, key=lambda broken: (broken.path, broken.place == "local")):
            # A signature has its record again once that one is put back.
            path, record, local = broken.path, broken.path.removesuffix(b".sig"), broken.place == "local"
            step = f"Take it out with `rm -r -- {shell_quote(path)}`"
            inside = (one for name, one in entries.items() if (b"%b/" % name).startswith(b"%b/" % path))
            if local and record in map(approvals.log.path, approvals.log.filed):
                step = f"Put it back with `git checkout HEAD -- {shell_quote(record)}`"
            elif added := next(inside, None):
                step = put_back(added, base)
            what = f"is not a record: {broken.reason}"
            if record not in altered:
                found.setdefault(path, _finding(path, what, step, severity="warning" if local else None))
        yield from found.values()
        for path, oid in approvals.removed if commits and policy.merge != "squash" else ():
            if path not in found:
                what = f"is a revocation, and commit {oid[:12]} takes it away"
                step = f"Put it back with `{undo_removal(path, oid, commits or ())}`"
                yield _finding(path, what, step, side="base", commit=oid)


def _removes_own(entry: Entry, base: Base, start_files: Tree) -> bool:
    """True if an entry deletes an approval, not a revocation, that the branch has and the base does not.

    Staged changes are compared with the branch, so its approvals may be deleted there.
    """
    if not entry.deleted or not base.has(entry):
        return False
    record = start_files.read(entry.path.removesuffix(b".sig"))
    return record is not None and b'"revokes"' not in record


def _log_flaw(entry: Entry, policy: Policy) -> str:
    """Return how an entry changes the log other than by adding to it; empty if it only adds."""
    if not entry.path.startswith(policy.log_folder):
        return "takes the place of the log of approvals"
    if not policy.is_record(entry.path) or policy.is_filed(entry):
        # A new file that is not a record is reported below with its reason; removing an old one loses
        # nothing.
        return ""
    is_special = not entry.is_file or entry.added
    alteration = "deleted" if entry.deleted else "a link or executable" if is_special else "modified"
    return f"is {alteration}, and the log of approvals only gets new plain files"


def _finding(path: bytes, what: str, step: str, **more: Any) -> Finding:
    return Finding(f"{path_text(path)} {what}", f"{step}.", path, key="log", setting="approvals.log", **more)


_APPROVER: Final = "approvals.approver"


class _RefusedApproval:
    """A rule about one kind of reason for which an approval does not count.

    Attributes:
        kind: the kind of reason.
        cited: the setting that a finding cites, by the name of the record's field.
    """

    approvable: ClassVar[bool] = False
    kind: ClassVar[Kind]
    cited: ClassVar[Mapping[str, str]] = {}

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Yield a finding for each approval refused for this kind of reason; raise any missing fact last."""
        for decision, refusal in approvals.refused(self.kind):
            setting = self.cited.get(refusal.field or "record", "approvals")
            names = [approver.name for approver in approvals.settings.approver]
            if setting == _APPROVER and decision.approval.approver in names:
                setting = f"{_APPROVER}.{names.index(decision.approval.approver)}"
            message = f"{_label(decision)} does not count: {refusal.reason}"
            yield _field_finding(decision, message, refusal.help, refusal.field, f" {refusal.field}", setting)
        if (missing := approvals.undecided.get(self.kind)) is not None:
            raise missing


def _label(decision: Decision) -> str:
    return f"approval {decision.filed.id[:12]} by {decision.approval.approver}"


def _field_finding(
    decision: Decision, message: str, step: str, field: str, key: str = "", setting: str = "approvals"
) -> Finding:
    """Build a finding about a field of an approval's file; an empty field cites no line."""
    start = f'  "{field}": '.encode()
    lines = decision.approval.content.split(b"\n")
    key, path = f"{decision.filed.id}{key}", decision.filed.path
    at = next((number for number, line in enumerate(lines, 1) if line.startswith(start)), None)
    return Finding(message, step, path, at, field=field or None, key=key, setting=setting)


class UntrustedApproval(_RefusedApproval, Rule):
    """An approval is not proven, or its giver may not approve.

    Approvers are in `[[approvals.approver]]` of the base. With `--enforce`, as in CI, proof is their key's
    signature, the platform's review of this head (`--pr-reviews`), or presence in the base. Otherwise
    unsigned approvals count, except for rules that need a signature, such as PTH004. An agent may not
    write one.

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
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every approval was given by somebody who may, as far as that must be proven"
    kind: ClassVar[Kind] = "untrusted"
    cited: ClassVar[Mapping[str, str]] = dict.fromkeys(("record", "approver", "rules"), _APPROVER)

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Yield findings about untrusted revocations and signatures first, then about refused approvals."""
        for path, what, step in approvals.strangers:
            message, how = f"{path_text(path)} {what}", f"{step} Take this out of the branch."
            yield Finding(message, how, path, key="stranger", setting=_APPROVER)
        yield from super().check(approvals)


class ExpiredApproval(_RefusedApproval, Rule):
    """An approval has expired, lasts too long or starts later.

    It may last `max_days` of `[approvals]`. Days are UTC. If the clock is not set, the rule is indeterminate.

    Why is this bad? Exceptions end.

    How to fix it: ask for a new approval, or take this one out.

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
    condition: ClassVar[str] = "every approval holds now, and for no longer than the policy lets it"
    kind: ClassVar[Kind] = "expired"
    cited: ClassVar[Mapping[str, str]] = dict.fromkeys(("issued_at", "expires_at"), "approvals.max_days")


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
    severity: ClassVar[Severity] = "warning"
    approvable: ClassVar[bool] = False
    condition: ClassVar[str] = "every approval that the change brings matches a finding of it"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Yield a finding for each added approval that counts but matches no finding of its rules."""
        for decision in approvals.decisions:
            if decision.added and decision.counts and decision.judged and not decision.matches:
                message = f"{_label(decision)} matches no finding of {' or '.join(decision.approval.rules)}"
                yield _field_finding(decision, message, "Take it out of the branch.", "findings")


class SelfApproval(_RefusedApproval, Rule):
    """The approver had a part in the change.

    Authors, committers, co-authors and who opened the pull request are compared with the approver by address,
    account, signing key and name. Filing the approval is no part, nor is merging the base without conflicts.
    If a commit does not say who made it, the rule is indeterminate.

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
    condition: ClassVar[str] = "nobody approves a change that they had a part in"
    kind: ClassVar[Kind] = "self"
    cited: ClassVar[Mapping[str, str]] = {"approver": _APPROVER}


class ReplayedApproval(_RefusedApproval, Rule):
    """An approval is a copy, or was made for something else.

    It is bound to the change's content, target branch, policy, repository and work item; with the scope
    `paths`, to its files' content. Rebases, rewording and squashes do not matter. One changed byte ends it.
    What its target branch has is no copy, if signed or for `base`.

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
    condition: ClassVar[str] = "every approval was given for this change, its target and its policy"
    kind: ClassVar[Kind] = "replayed"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Yield findings for records with the nonce of another, then for approvals of something else."""
        for filed, other in approvals.log.copies:
            if "base" not in filed.places:
                message = f"record {filed.id[:12]} has the nonce of {other[:12]}, so it is a copy of it"
                key, path = f"{filed.id} copy", filed.path
                step = "Take it out of the branch."
                yield Finding(message, step, path, field="nonce", key=key, setting="approvals")
        yield from super().check(approvals)


class BroadApproval(_RefusedApproval, Rule):
    """An approval covers too much, or what nobody can lift.

    It names rules by code and files by path, not patterns or folders. No approval lifts PTH001, rules about
    approvals, or rules with `approvable = false`. `scopes` in `[approvals]` lists the allowed scopes.

    Why is this bad? It lets through what nobody has seen.

    How to fix it: ask for an approval of certain rules and files.

    ```text
    error: .specguard/approvals/f936c8a507.json:11: approval f936c8a507 by alice does not count: it
      names docs/**, which is not a file
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
    message = "it names docs/**, which is not a file"

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
    condition: ClassVar[str] = "every approval names rules and files that the policy lets be approved"
    kind: ClassVar[Kind] = "broad"
    cited: ClassVar[Mapping[str, str]] = {"scope": "approvals.scopes"}


class ApprovalWithoutReason(_RefusedApproval, Rule):
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
    condition: ClassVar[str] = "every approval says why it was given"
    kind: ClassVar[Kind] = "reason"
