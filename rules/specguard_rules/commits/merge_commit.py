"""CMT004: merge commits where none are wanted, and what merges bring that no parent had."""

from __future__ import annotations

from collections import Counter

from specguard.rules import Finding, MissingFact, NotApplicable, Rule, setting
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar, Final, Literal

    from specguard.change.lines import Hunk
    from specguard.rules import Base, Commit, Entry, Lines, Merges, Policy, Severity, Stage

_MARKS: Final = (b"<<<<<<<", b"=======", b">>>>>>>")
"""How the lines begin by which git parts the sides of a conflict."""


class MergeCommit(Rule):
    """A merge commit is in a linear history, or adds content.

    Each merge is repeated with git (2.39 or later), and every difference reported. `resolutions` says whether
    resolved conflicts pass. `linear = true` refuses every merge commit, except with `merge = "squash"`.

    Why is this bad? Content hides well in merges: `git log -p` does not show it.

    How to fix it: make the change in its own commit; for a linear history, `git rebase origin/main`.

    ```text
    error: c.md: the merge 041d4e6d49 'Merge two' adds this file, which merging its parents does not
      give
    ```

    ```toml fails
    base = {files = {"a.md" = "a", "b.md" = "b"}}

    [[commits]]
    id = "one"
    message = "feat: change a"
    files = {"a.md" = "aa"}

    [[commits]]
    id = "two"
    parents = ["base"]
    message = "feat: change b"
    files = {"b.md" = "bb"}

    [[commits]]
    parents = ["one", "two"]
    message = "Merge two"
    files = {"c.md" = "nobody wrote this"}

    [[expect]]
    code = "CMT004"
    path = "c.md"
    ```

    ```toml fails
    policy = '''
    [rules.merge-commit]
    linear = true
    '''
    base = {files = {"a.md" = "a", "b.md" = "b"}}

    [[commits]]
    id = "one"
    message = "feat: change a"
    files = {"a.md" = "aa"}

    [[commits]]
    id = "two"
    parents = ["base"]
    message = "feat: change b"
    files = {"b.md" = "bb"}

    [[commits]]
    parents = ["one", "two"]
    message = "Merge two"

    [[expect]]
    code = "CMT004"
    field = "commit.subject"
    ```

    ```toml passes
    base = {files = {"a.md" = "a", "b.md" = "b"}}

    [[commits]]
    id = "one"
    message = "feat: change a"
    files = {"a.md" = "aa"}

    [[commits]]
    id = "two"
    parents = ["base"]
    message = "feat: change b"
    files = {"b.md" = "bb"}

    [[commits]]
    parents = ["one", "two"]
    message = "Merge two"
    ```
    """

    code: ClassVar[str] = "CMT004"
    name: ClassVar[str] = "merge-commit"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    condition: ClassVar[str] = "no merge brings content that none of its parents had (linear: {linear})"

    linear: bool = setting(False, "refuse all merge commits", tightens="higher")
    resolutions: Literal["allow", "warn", "forbid"] = setting(
        "warn", "resolved conflicts", tightens=["allow", "warn", "forbid"]
    )

    def check(
        self, commits: Sequence[Commit], base: Base, policy: Policy, merges: Merges, lines: Lines
    ) -> Iterator[Finding]:
        """Look for merges, and do those again that differ from all their parents."""
        found = [commit for commit in commits if commit.is_merge]
        if not found:
            raise NotApplicable("the change has no merge commit")
        for commit in found if self.linear and policy.merge != "squash" else ():
            step = f"Rebase the branch instead of merging: `git rebase {base.name}`"
            what, field = "is a merge commit, and the history is linear", "commit.subject"
            yield _about(commit, what, step, "linear", field=field, setting="linear")
        for redone in merges.redo(found):
            for entry in redone.own:
                what = "has content here that merging its parents does not give"
                if entry.deleted:
                    what = "deletes this file, which merging its parents keeps"
                elif entry.added:
                    what = "adds this file, which merging its parents does not give"
                step = "Bring the change in a commit of its own, and merge without it."
                yield _about(redone.commit, what, step, "own", path=entry.path, side=entry.side)
            resolved = redone.resolved if self.resolutions != "allow" else ()
            severity: Severity | None = "warning" if self.resolutions == "warn" else None
            kept = _kept(resolved, lines) if resolved and severity else set()
            for entry in resolved:
                if entry.path not in kept:
                    step = (
                        f"Look at what became of it: git show --cc {redone.commit.oid[:10]}. A rebase would "
                        "leave no such merge."
                    )
                    what = "resolves a conflict here in a way of its own"
                    told = _about(redone.commit, what, step, "resolved", path=entry.path, side=entry.side)
                    told.severity, told.setting = severity, "resolutions"
                    yield told


def _about(commit: Commit, what: str, step: str, key: str, **more: Any) -> Finding:
    message = f"the merge {commit.oid[:10]} {quoted(commit.message.subject)} {what}"
    return Finding(message, help=step, commit=commit.oid, key=key, **more)


def _kept(resolved: Sequence[Entry], lines: Lines) -> set[bytes]:
    """Of files in which a conflict was resolved those that keep every line of both sides."""
    try:
        return {entry.path for entry, hunks in lines.compare(resolved) if _keeps_both(hunks)}
    except MissingFact:
        # Files too large to compare are shown as if they did not.
        return set()


def _keeps_both(hunks: Sequence[Hunk]) -> bool:
    """Whether a resolution takes away git's marks alone, as many of each."""
    removed = Counter(line for hunk in hunks for line in hunk.removed)
    added = Counter(line for hunk in hunks for line in hunk.added)
    marks = Counter(line.partition(b" ")[0] for line in (removed - added).elements())
    return not added - removed and marks.keys() <= {*_MARKS} and len({marks[mark] for mark in _MARKS}) == 1
