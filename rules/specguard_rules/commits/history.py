"""Rules about the history of a change: the number of its commits, and the content that merges add."""

from __future__ import annotations

from specguard.rules import Commits, Finding, NotApplicable, Rule, setting
from specguard_rules.finding_texts import SHORT, quote, shell_quote, squash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar, Final

    from specguard.change.lines import Hunk
    from specguard.rules import Base, Bookkeeping, Commit, Lines, Merges, Policy, Stage, Work, WorkItem


MOST_LISTED: Final = 10
"""The number of commits that a finding names; it counts the rest."""


_LIMITS: Final = ("exactly", "at_most", "at_least")


class CommitCount(Commits, Rule):
    """A change has too many or too few commits.

    `commits` in `[work.<kind>]` counts for work items, the settings here for everything else. Commits that
    only file approvals or runs do not count, nor do merges onto the base's tip. With `merge = "squash"` the
    rule does not apply.

    Why is this bad? One commit is easy to read and revert.

    How to fix it: squash them with the command in the finding.

    ```text
    error: a change has exactly 1 commit, and this one has 2: e70ecc1f53 'feat: add a page', 9ee3bc2ef7
      'fix: mend the page'
    ```

    ```toml fails
    policy = '''
    [rules.commit-count]
    exactly = 1
    '''

    [[commits]]
    message = "feat: add a page"
    files = {"a.md" = "a"}

    [[commits]]
    message = "fix: mend the page"
    files = {"a.md" = "b"}

    [[expect]]
    code = "CMT001"
    message = "exactly 1 commit"
    ```

    ```toml passes
    policy = '''
    [rules.commit-count]
    at_most = 1
    ignore = ["^fixup! "]
    '''

    [[commits]]
    message = "feat: add a page"
    files = {"a.md" = "a"}

    [[commits]]
    message = "fixup! feat: add a page"
    files = {"a.md" = "b"}
    ```
    """

    code: ClassVar[str] = "CMT001"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("exactly", "at_most", "at_least", "work")
    condition: ClassVar[str] = "the change has as many commits as its work item or the policy says"

    def check(
        self,
        commits: Sequence[Commit],
        base: Base,
        bookkeeping: Bookkeeping,
        policy: Policy,
        work_item: WorkItem | None = None,
        work: Work | None = None,
    ) -> Iterator[Finding]:
        """Count the commits of the change."""
        if bookkeeping.squash:
            raise NotApplicable("with merge = 'squash' the commits of a branch land as one")
        limits, owner, setting = self._limits(work_item)
        work_commits = [commit for commit in commits if not bookkeeping.is_all_of(commit)]
        if not work_commits:
            raise NotApplicable("the change has no commit but those that file approvals and runs")
        counted = [
            commit
            for commit in work_commits
            if not (commit.is_merge and (limits.merges == "ignore" or commit.parents[0] == base.tip))
            and not any(expression.search(commit.message.subject) for expression in limits.ignore)
        ]
        groups: dict[str, Sequence[Commit]] = {owner: counted}
        items = {one.item for one in work.commits} if work else set()
        if work and work_item and owner == str(work_item) and work_item.kind in work.shared:
            groups, items = _by_item(work, counted), set()
        for owner, group in groups.items():
            if limits.accepts(len(group)):
                continue
            many = f"{len(group)}" if len(group) == len(work_commits) else f"{len(group)} counted"
            message = f"{owner} has {limits.wanted}, and this one has {many}{_list_commits(group)}"
            step = _remedy(limits, group, len(group) == len(counted), base, work_item)
            if len(items) > 1:
                step = "Keep the commits for one item, and take the others to branches of their own."
            key = "count" if len(groups) < 2 else f"count {owner}"
            right = limits.accepts(sum(not commit.message.squashes for commit in group))
            same_as = ["CMT005 autosquash"] if right else []
            yield Finding(message, step, key=key, setting=setting, same_as=same_as)
        held = policy.held(self, setting) if setting not in _LIMITS else None
        if held and any(getattr(held, limit) is not None for limit in _LIMITS):
            yield from held.check(commits, base, bookkeeping, policy)

    def _limits(self, item: WorkItem | None) -> tuple[Commits, str, str]:
        """Return the limits that apply, the owner of the limits as text, and their setting.

        Raises:
            NotApplicable: neither the item nor the policy has limits.
        """
        stated = item.commits if item else None
        if item and stated and any(getattr(stated, limit) is not None for limit in _LIMITS):
            return stated, str(item), item.setting("commits")
        for limit in _LIMITS:
            if getattr(self, limit) is not None:
                return self, "a change", limit
        raise NotApplicable("neither the work item nor the policy says how many commits a change has")


def _by_item(work: Work, commits: Sequence[Commit]) -> dict[str, Sequence[Commit]]:
    """Group the commits of a branch by its items, without commits that change only the plan's folder."""
    found: dict[str, Sequence[Commit]] = {}
    for naming, item in work.each:
        if item.resolved:
            folder = (item.pointer.path or b"").rpartition(b"/")[0] + b"/"
            named = {one.commit for one in work.commits if one.same_item(naming)}
            own = [commit for commit in commits if commit.oid in named]
            group = [one for one in own if not all(each.path.startswith(folder) for each in one.own_entries)]
            if group:
                found[str(item)] = group
    return found


def _list_commits(commits: Sequence[Commit]) -> str:
    named = [f"{commit.oid[:10]} {quote(commit.message.subject)}" for commit in commits[:MOST_LISTED]]
    more = [f"and {len(commits) - MOST_LISTED} more"] if len(commits) > MOST_LISTED else []
    return f": {', '.join(named + more)}" if named else ""


def _remedy(limits: Commits, group: Sequence[Commit], whole: bool, base: Base, item: WorkItem | None) -> str:
    count, most = len(group), limits.exactly if limits.at_most is None else limits.at_most
    if most is None or count < most:
        missing = (limits.exactly or limits.at_least or 0) - count
        return f"Make {missing} more {'commit' if missing == 1 else 'commits'} of the change."
    if base.start and not base.change.entries:
        return f"Nothing is left of them; take them back with `git reset --keep {base.start[:SHORT]}`."
    if most == 1 and whole and base.start:
        message = f"-C {group[0].oid[:SHORT]}"
        if item and item.commit_messages:
            right = [one.oid for one in group if item.allows("commit", one.message.subject)]
            message = f"-C {right[0][:SHORT]}" if right else f"-m {shell_quote(item.named_by('commit'))}"
        return f"Squash them: `git reset --soft {base.start[:SHORT]} && git commit {message}`"
    if how := squash(group, count - most, base.commits):
        return f"Squash the last: `{how}`"
    return f"Squash {count - most} of them; merges or other commits are between, so no one command does it."


_MARKS: Final = (b"<<<<<<<", b"=======", b">>>>>>>")
"""The beginnings of the lines with which git separates the sides of a conflict."""


class MergeCommit(Rule):
    """A merge commit is in a linear history, or adds content.

    Files that are as in no parent are merged again by git (2.39 or later), and differences reported. A
    resolved conflict is a warning. `linear = true` refuses every merge commit, except with
    `merge = "squash"`.

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
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    condition: ClassVar[str] = "no merge brings content that none of its parents had (linear: {linear})"

    linear: bool = setting(False, "refuse all merge commits", tightens="higher")

    def check(
        self, commits: Sequence[Commit], base: Base, policy: Policy, merges: Merges, lines: Lines
    ) -> Iterator[Finding]:
        """Look for merge commits, and redo those that differ from all their parents."""
        if not (found := [commit for commit in commits if commit.is_merge]):
            raise NotApplicable("the change has no merge commit")
        for commit in found if self.linear and policy.merge != "squash" else ():
            step = f"Rebase the branch instead of merging: `git rebase {shell_quote(base.name)}`"
            what, field = "is a merge commit, and the history is linear", "commit.subject"
            yield _finding(commit, what, step, "linear", field=field, setting="linear")
        for redone in merges.redo(found):
            for entry in (one for one in redone.own if not policy.is_filed(one)):
                verb = "deletes" if entry.deleted else "adds" if entry.added else "changes"
                what = f"{verb} this file, which merging its parents does not give"
                step = "Bring the change in a commit of its own, and merge without it."
                yield _finding(redone.commit, what, step, "own", path=entry.path, side=entry.side)
            step = f"Look at what became of it: git show --cc {redone.commit.oid[:10]}."
            # Files that are too large to compare are reported as if they lost lines.
            compared = lines.compare_known(redone.resolved)
            lossless = {path for path, hunks in compared.items() if _keeps_both(hunks)}
            for entry in (one for one in redone.resolved if one.path not in lossless):
                what = "resolves a conflict here in a way of its own"
                place = {"path": entry.path, "side": entry.side, "severity": "warning"}
                yield _finding(redone.commit, what, step, "resolved", **place)


def _finding(commit: Commit, what: str, step: str, key: str, **more: Any) -> Finding:
    message = f"the merge {commit.oid[:10]} {quote(commit.message.subject)} {what}"
    return Finding(message, step, commit=commit.oid, key=key, **more)


def _keeps_both(hunks: Sequence[Hunk]) -> bool:
    """True if a resolution removes only git's conflict marks, the same number of each."""
    from collections import Counter

    removed = Counter(line for hunk in hunks for line in hunk.removed)
    added = Counter(line for hunk in hunks for line in hunk.added)
    marks = Counter(line.partition(b" ")[0] for line in (removed - added).elements())
    return not added - removed and marks.keys() <= {*_MARKS} and len({marks[mark] for mark in _MARKS}) == 1
