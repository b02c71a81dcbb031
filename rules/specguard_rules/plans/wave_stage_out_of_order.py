"""PLN008: what belongs to a stage of a wave while an earlier one is not complete."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Branch, Commit, Entry, Finding, Stage, Waves, WorkItem


class WaveStageOutOfOrder(Rule):
    r"""A wave's stage begins before an earlier one is complete.

    A stage of `[[wave.stages]]` is complete when its `requires` and `leaves` artifacts fulfil their
    contracts, its `fields` have the right values, and its `items` are closed. Findings are artifacts,
    branches, items and paths of later stages. `specguard status` shows what is missing.

    Why is this bad? Such work rests on decisions that nobody has made.

    How to fix it: complete the earlier stage first.

    ```text
    error: the branch 'build-d' is for the stage implementation of wave d, and the stage planning is not
      complete: waves/d/PLAN.md: Status is 'draft', which is not one of ready
    ```

    ```toml fails
    policy = '''
    [artifacts.plan]
    path = "waves/{x}/PLAN.md"
    fields = {status = "any"}

    [artifacts.report]
    path = "waves/{x}/REPORT.md"

    [wave]
    by = ["x"]
    stages = [
      {name = "planning", leaves = ["plan"], fields = {status = "ready"}},
      {name = "implementation", opens_after = ["planning"], leaves = ["report"], branch = "build-{x}"},
    ]
    '''
    base = {files = {"waves/d/PLAN.md" = "Status: draft\n"}}
    branch = "build-d"
    commits = [{message = "feat: x", files = {"waves/d/REPORT.md" = "Done.\n", "src/a" = "1"}}]

    [[expect]]
    code = "PLN008"
    field = "branch"
    message = "Status is 'draft', which is not one of ready"

    [[expect]]
    code = "PLN008"
    path = "waves/d/REPORT.md"
    ```

    ```toml passes
    policy = '''
    [artifacts.plan]
    path = "waves/{x}/PLAN.md"
    fields = {status = "any"}

    [wave]
    by = ["x"]
    stages = [
      {name = "planning", leaves = ["plan"], fields = {status = "ready"}},
      {name = "implementation", opens_after = ["planning"], branch = "build-{x}"},
    ]
    '''
    base = {files = {"waves/d/PLAN.md" = "Status: ready\n"}}
    branch = "build-d"
    commits = [{message = "feat: x", files = {"src/a" = "1"}}]
    ```
    """

    code: ClassVar[str] = "PLN008"
    name: ClassVar[str] = "wave-stage-out-of-order"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("wave.stages",)
    condition: ClassVar[str] = "every stage of a wave is begun after the stages before it are complete"

    def check(
        self,
        waves: Waves,
        whole: bool,
        stage: Stage,
        entries: Sequence[Entry] | None = None,
        commits: Sequence[Commit] | None = None,
        branch: Branch | None = None,
        work_item: WorkItem | None = None,
        base: Base | None = None,
    ) -> Iterator[Finding]:
        """Look at the waves that the change touches, and at the stage that it is for."""
        yield from waves.out_of_order(
            entries=entries or (),
            commits=commits or (),
            branch=branch.name if branch else "",
            item=work_item,
            landed=bool(base and branch and base.is_branch(branch, stage)),
            whole=whole,
        )
