"""PLN001: plans that have not the shape of a plan."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Finding, Plans, Sources, Stage


class InvalidPlan(Rule):
    r"""A plan is unreadable, or its tasks have the wrong shape.

    `[plans.<name>]` says where plans are (JSON, YAML or TOML). `tasks` are a list or a table by id, with the
    keys in `required`:

    - `id`: unique, of the form `id_format`
    - `title`, `domain`: text
    - `status`: one of `statuses`
    - `depends_on`: ids
    - `expected_files`: relative paths and patterns
    - `verify`: commands
    - `done_criteria`: at least one text

    `keys` renames them; keys of other names are not read. With `option`, the plan names its
    option. Work breakdowns (`source` of `[work.<kind>]`) need unique ids and their own `required` keys.

    Why is this bad? A typo hides a task, or calls it done.

    How to fix it: correct the line of each finding.

    ```text
    error: .plans/cart/plan.json:2: task_001 has no depends_on
    ```

    ```toml fails
    policy = '''
    [plans.default]
    '''

    [[commits]]
    message = "docs: plan the cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "title": "Add the cart", "status": "finished", "depend_on": [],
       "expected_files": ["../cart.py"], "verify": "pytest -q", "done_criteria": ["the cart holds items"]}
    ]}
    '''

    [[expect]]
    code = "PLN001"
    path = ".plans/cart/plan.json"
    line = 2
    field = "tasks.0.status"
    message = "task_001 has the status 'finished'"

    [[expect]]
    code = "PLN001"
    path = ".plans/cart/plan.json"
    line = 2
    message = "task_001 has no depends_on"

    [[expect]]
    code = "PLN001"
    path = ".plans/cart/plan.json"
    line = 3
    field = "tasks.0.expected_files.0"

    [[expect]]
    code = "PLN001"
    path = ".plans/cart/plan.json"
    line = 3
    field = "tasks.0.verify"
    ```

    ```toml passes
    policy = '''
    [plans.default]
    '''

    [[commits]]
    message = "docs: plan the cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "title": "Add the cart", "status": "pending", "depends_on": [],
       "expected_files": ["src/cart.py"], "verify": ["pytest -q"], "done_criteria": ["the cart holds items"]}
    ]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN001"
    name: ClassVar[str] = "invalid-plan"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("plans", "work.*.source")
    condition: ClassVar[str] = "every plan can be read, and its tasks have the shape of tasks"

    def check(self, plans: Plans | None = None, sources: Sources | None = None) -> Iterator[Finding]:
        """Read the plans, and the work breakdowns."""
        if plans is not None:
            for plan in plans.judged:
                yield from plans.flaws(plan)
        if sources is not None:
            for source in sources.judged:
                if plans is None or plans.at(source.path) is None:
                    yield from sources.flaws(source)
