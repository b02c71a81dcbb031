"""PLN002: dependencies between tasks that do not hold."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Finding, Plans, Sources, Stage, Work


class BrokenDependency(Rule):
    r"""A task's dependency is missing, circular or not done in time.

    A task starts with a status in `started` of `[plans.<name>]`, or a change for it. The tasks it needs must
    then be `done`. In breakdowns (`[work.<kind>]`), closed items and the change's own need their dependencies
    closed, landed, deferred or conditional.

    Why is this bad? A task that starts too early builds on nothing.

    How to fix it: correct the dependency, or finish the other task first.

    ```text
    error: .plans/cart/plan.json:2: tasks need each other in a circle: task_001 -> task_002 -> task_001
    ```

    ```toml fails
    policy = '''
    [plans.default]
    required = ["id", "status"]
    '''

    [[commits]]
    message = "docs: plan the cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "pending", "depends_on": ["task_002"]},
      {"id": "task_002", "status": "pending", "depends_on": ["task_001"]},
      {"id": "task_003", "status": "in_progress", "depends_on": ["task_001", "task_4"]},
      {"id": "task_004", "status": "pending", "depends_on": ["task_05"]}
    ]}
    '''

    [[expect]]
    code = "PLN002"
    path = ".plans/cart/plan.json"
    line = 2
    message = "task_001 -> task_002 -> task_001"

    [[expect]]
    code = "PLN002"
    line = 4
    field = "tasks.2.depends_on.0"
    message = "task_003 is in_progress, and needs task_001, which is pending"

    [[expect]]
    code = "PLN002"
    line = 4
    message = "needs task_004, which is pending"

    [[expect]]
    code = "PLN002"
    line = 5
    message = "task_004 needs 'task_05', which is no task of this plan"
    ```

    ```toml passes
    policy = '''
    [plans.default]
    required = ["id", "status"]
    '''

    [[commits]]
    message = "docs: plan the cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "done", "depends_on": []},
      {"id": "task_002", "status": "in_progress", "depends_on": ["task_001"]},
      {"id": "task_003", "status": "pending", "depends_on": ["task_002"]}
    ]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN002"
    name: ClassVar[str] = "broken-dependency"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("plans", "work.*.source")
    condition: ClassVar[str] = "what a task needs exists, is no circle, and is done before it is begun"

    def check(
        self, plans: Plans | None = None, work: Work | None = None, sources: Sources | None = None
    ) -> Iterator[Finding]:
        """Follow the dependencies."""
        if plans is not None:
            for plan in plans.judged:
                yield from plan.broken()
            if work is not None:
                yield from plans.too_early(work)
        if sources is not None:
            if work is not None and work.naming is not None:
                listed = work.item.listed
                if listed is not None and (plans is None or plans.holding(listed.source.path) is None):
                    yield from sources.too_early(listed)
            for source in sources.judged:
                if plans is None or plans.at(source.path) is None:
                    yield from sources.broken(source)
