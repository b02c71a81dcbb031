"""WRK007: one change that works on two items."""

from __future__ import annotations

from specguard.rules import Finding, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Stage, Work


class MixedWorkItems(Rule):
    """The commits of one change name different work items.

    By `[work.<kind>]`, `feat(track-05): x` names track 5. Merge commits and commits that name no item are
    skipped. With `unit = "commit"` of `[plans.<name>]`, one branch holds all tasks of a plan.

    Why is this bad? Two items in one change cannot be reviewed or reverted apart.

    How to fix it: move the other item's commits to their own branch (`git cherry-pick`). If yours stands on
    an old state of theirs, rebase it.

    See also: `work-item-mismatch`

    ```text
    error: commit 1784184974 'fix(phase-13): begin' works on phase 13, and commit dfd1b801e4
      'feat(phase12): implement phase 12' on phase 12
    ```

    ```toml fails
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"

    [[commits]]
    message = "feat(phase12): implement phase 12"
    files = {"x.txt" = "x"}

    [[commits]]
    message = "fix(phase-13): begin"
    files = {"y.txt" = "y"}

    [[expect]]
    code = "WRK007"
    field = "commit.subject"
    ```

    ```toml passes
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"

    [[commits]]
    message = "feat(phase12): implement phase 12"
    files = {"x.txt" = "x"}

    [[commits]]
    message = "docs: tell"
    files = {"y.txt" = "y"}
    ```
    """

    code: ClassVar[str] = "WRK007"
    name: ClassVar[str] = "mixed-work-items"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "all commits that name a work item name the same one"

    def check(self, work: Work) -> Iterator[Finding]:
        """Compare the commits' items with the first one's."""
        work.named()
        commits = work.commits
        reported: set[str] = set()
        for other in commits[1:]:
            together = other.kind == commits[0].kind and other.kind in work.shared
            if together or other.same_item(commits[0]) or other.item in reported:
                continue
            reported.add(other.item)
            step = f"Take the commits for {other.item} to a branch of their own."
            if work.naming is not None and other.same_item(work.naming):
                last = [one for one in commits if one.same_item(commits[0])][-1]
                step = (
                    f"Take the commits for {commits[0].item} to a branch of their own; where this one stands "
                    f"on theirs, restack it: git rebase --onto BRANCH {(last.commit or '')[:12]}"
                )
            yield Finding(
                f"{other.label} works on {other.item}, and {commits[0].label} on {commits[0].item}",
                help=step,
                commit=other.commit,
                field=other.field,
                key=other.item,
                setting=f"work.{other.kind}.commit",
            )
