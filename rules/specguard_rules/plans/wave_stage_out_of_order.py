"""PLN008: what belongs to a stage of a wave while an earlier one is not complete."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Branch, Commit, Entry, Finding, Stage, Waves, WorkItem


class WaveStageOutOfOrder(Rule):
    r"""A stage's artifacts are there, or its work is done, while an earlier stage is not complete.

    `[[wave.stages]]` says in which order a wave goes: planning, drift check, implementation and so on; or
    research, options, review, plan, task. A stage is *complete* when the artifacts that it `requires` and
    `leaves` are there and fulfil their contracts, their `fields` have the values that are asked for, and its
    `items` are closed: their status says so, and a commit or a run of each shows it. It is *open* when the
    stages in `opens_after`, and those before them, are complete. A stage with `when` counts only where an
    artifact says so, such as a realignment where drift was found. Of several passes of one wave the last one
    counts.

    What is a finding:

    - an artifact of a stage that is not open, in each wave that the change touches (`--all`: in every one);
      of several stages that wait for the same one the first is the finding, and names the others;
    - a change on a stage's `branch`, or for one of its `items`, while the stage is not open, or while
      something that it `requires` is missing; what only brings that about is none;
    - an entry outside a stage's `paths`, on its branch, or beside one of its artifacts in a change that names
      neither a stage nor an item;
    - an artifact of a stage with a branch of its own, added on the branch of a later stage;
    - an artifact that completes a stage, committed after the work of a later stage began.

    The finding names what is missing; `specguard status` lists all of it.

    How to put it right: complete the earlier stage first, on its own branch where it has one.

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
