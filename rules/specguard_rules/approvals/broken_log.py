"""APR001: a log of approvals that something was done to besides adding records."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text
from specguard_rules.next_steps import brought_back, put_back, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar

    from specguard.rules import Approvals, Base, Commit, Entry, Policy, Tree


class BrokenLog(Rule):
    """An approval's record is altered or removed.

    A record in the log (`[approvals] log`) is a file named by its content's sha256, beside its signature. It
    may not be edited, deleted, renamed or replaced, and no other file added. You may take out an approval
    that your branch added, but no revocation.

    Why is this bad? A rewritten approval proves nothing.

    How to fix it: type the command in the finding. `specguard approvals revoke` ends an approval early.

    See also: `replayed-approval`

    ```text
    error: .specguard/approvals/because-i-say-so.json is no record: its name is not a record's
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
    name: ClassVar[str] = "broken-log"
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
        """Look at what the change does there, at what is there now, and at what its commits took away."""
        told: set[bytes] = set()
        entries = {entry.path: entry for entry in approvals.entries}
        for path, entry in entries.items():
            old = path in approvals.old or _is_own(entry, base, start_files)
            done = "" if old else _done(entry, policy)
            if done:
                told.add(path)
                yield _finding(path, done, put_back(entry, base), side=entry.side)
        for broken in sorted(approvals.broken, key=lambda broken: (broken.path, broken.place == "local")):
            path = broken.path
            if path not in told:
                told.add(path)
                step = f"Take it out with `rm -- {quoted(path)}`"
                step = put_back(entries[path], base) if path in entries else step
                yield _finding(
                    path,
                    f"is no record: {broken.reason}",
                    f"{step}; other files belong in another folder",
                    severity="warning" if broken.place == "local" else None,
                )
        for path, oid in approvals.removed if commits and policy.merge != "squash" else ():
            if path not in told:
                told.add(path)
                what = f"is a revocation, and commit {oid[:12]} takes it away"
                step = f"Put it back with `{brought_back(path, oid, commits or ())}`"
                yield _finding(path, what, step, side="base", commit=oid)


def _is_own(entry: Entry, base: Base, before: Tree) -> bool:
    """Whether an entry takes out an approval of the branch, with which what is staged is compared."""
    if not entry.deleted or not base.has(entry):
        return False
    record = before.read(entry.path.removesuffix(b".sig"))
    return record is not None and b'"revokes"' not in record


def _done(entry: Entry, policy: Policy) -> str:
    """What an entry does to the log besides adding to it; empty where that is nothing."""
    if not entry.path.startswith(policy.log_folder):
        return "takes the place of the log of approvals"
    if not policy.is_record(entry.path) or policy.is_filed(entry):
        # What is no record and new is told of with its reason, and nothing is lost with what is old.
        return ""
    if entry.deleted:
        return "is deleted, and nothing is ever taken out of the log of approvals"
    if not entry.is_file:
        return "is no plain file" if entry.added else "is no plain file any more"
    if entry.added:
        return "is executable, and a record is a plain file"
    return "is modified, and nothing in the log of approvals is ever edited"


def _finding(path: bytes, what: str, step: str, **more: Any) -> Finding:
    message = f"{path_text(path)} {what}"
    return Finding(message, help=f"{step}.", path=path, key="log", setting="approvals.log", **more)
