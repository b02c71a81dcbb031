"""WRK006: a work item that is in the base already, or has another branch."""

from __future__ import annotations

from specguard.rules import Finding, Rule
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import History, Ref, Stage, Work, WorkItem


class RepeatedWorkItem(Rule):
    """The work item has landed already, or another branch works on it.

    An item has landed if a subject in the base fits `commit` or `pull_request` of its `[work.<kind>]`.
    ` (#12)` does not matter, and a revert lifts it. Another branch works on it if its name is like the item's
    (`phase-12-again`), locally or on a remote.

    Why is this bad? An item is done once, by one pull request.

    How to fix it: take the pointer's item, or delete the unused branch.

    ```text
    error: commit 2a558e69d7: phase 12 is in the base already: commit 2a558e69d7 'feat(phase12):
      implement phase 12 (#7)'
    ```

    ```toml fails
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat(phase12): implement phase 12", files = {"y.txt" = "y"}}]
    expect = [{code = "WRK006", field = "commit.subject"}]

    [[base]]
    message = "feat(phase12): implement phase 12 (#7)"
    files = {"x.txt" = "x"}
    ```

    ```toml passes
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat(phase12): implement phase 12", files = {"y.txt" = "y"}}]

    [[base]]
    message = "feat(phase11): implement phase 11"
    files = {"x.txt" = "x"}
    ```
    """

    code: ClassVar[str] = "WRK006"
    name: ClassVar[str] = "repeated-work-item"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "the work item is not in the base yet, and no other branch works on it"

    def check(
        self, work_item: WorkItem, work: Work, history: History, refs: Sequence[Ref]
    ) -> Iterator[Finding]:
        """Read back the base's subjects, then the branches."""
        items = [item for _, item in work.each if item.resolved]
        landings = [(item, landed) for item in items if (landed := work.landed(item, history)) is not None]
        for item, landed in landings:
            yield Finding(
                f"{item} is in the base already: commit {landed.oid[:10]} {quoted(landed.subject)}",
                help="Take up the current item, or revert that commit first.",
                commit=landed.oid,
                field="commit.subject",
                key="landed" if item is work_item else f"landed {item}",
                setting=item.setting("commit"),
            )
        if not work.branch:
            return
        others: dict[str, Ref] = {}
        for ref in refs:
            naming = work.names.read("branch", ref.short) if ref.short != work.branch else None
            if naming is not None and work_item.told_by(naming):
                others.setdefault(ref.short, ref)
        for short, ref in others.items():
            remote = ref.name.startswith("refs/remotes/")
            shown = ref.name.removeprefix("refs/remotes/" if remote else "refs/heads/")
            message = f"another branch works on {work_item}: {quoted(shown)}"
            step = "Go on there, or delete it if it is not used."
            yield Finding(message, help=step, field="branch", key=short, setting=work_item.setting("branch"))
