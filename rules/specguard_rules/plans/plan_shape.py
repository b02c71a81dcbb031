"""Plans that cannot be read, and tasks that are not as their plan needs them."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Plans, RunProof, Sources, Stage, Work


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


class UnverifiedDone(Rule):
    r"""Nothing shows that a done task was verified.

    A done task of `[plans.<name>]` has evidence under `verification`, `verified` or `evidence`:

    - `{"command": "pytest -q", "exit_code": 0}`: every command of `verify` ended with 0
    - `{"manifest": ".runs/task_001/1/manifest.json"}`: the run succeeded and belongs to this task
    - `{"note": "works", "by": "Ann Lee", "at": "2026-01-31"}`: a person signed, with all three

    Without a person, it needs `verify` commands that can fail. With `[runs] keep = "local"` and no runs here,
    only exit codes count.

    Why is this bad? An agent's "done" is a claim.

    How to fix it: run the commands and record their exit codes, or take the status back.

    See also: `uncovered-item`

    ```text
    error: .plans/cart/plan.json:2: task_001 is done, and nothing says how that was verified
    ```

    ```toml fails
    policy = '''
    [plans.default]
    required = ["id", "status"]
    '''

    [[commits]]
    message = "docs: cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "done", "verify": ["pytest -q"]},
      {"id": "task_002", "status": "done", "verify": ["pytest -q"],
       "verification": [{"command": "pytest -q", "exit_code": 1}]},
      {"id": "task_003", "status": "done", "verify": ["pytest -q"], "verified": true},
      {"id": "task_004", "status": "done", "verify": []},
      {"id": "task_005", "status": "done", "verify": ["pytest -q"],
       "verified_by": "manual", "verified_at": "2026-01-31T12:00:00Z", "verified_note": "device ok"}
    ]}
    '''

    [[expect]]
    code = "PLN003"
    path = ".plans/cart/plan.json"
    line = 2
    field = "tasks.0.status"

    [[expect]]
    code = "PLN003"
    line = 4
    message = "'pytest -q' ended with 1"

    [[expect]]
    code = "PLN003"
    line = 5
    message = "what its `verified` says is no evidence"

    [[expect]]
    code = "PLN003"
    line = 6
    message = "has no verify commands"

    [[expect]]
    code = "PLN003"
    line = 8
    message = "names 'manual', who is no person"
    ```

    ```toml passes
    policy = '''
    [plans.default]
    required = ["id", "status"]

    [runs]
    keep = "tree"
    '''

    [[commits]]
    message = "docs: cart"

    [commits.files]
    ".runs/task_002/1/manifest.json" = '{"status": "succeeded"}'
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "done", "verify": ["pytest -q"],
       "verification": [{"command": "pytest -q", "exit_code": 0}]},
      {"id": "task_002", "status": "done", "verify": ["pytest -q"],
       "verification": {"manifest": ".runs/task_002/1/manifest.json"}},
      {"id": "task_003", "status": "done", "verify": [],
       "verification": {"note": "works on the device", "by": "Ann Lee", "at": "2020-01-31"}},
      {"id": "task_004", "status": "agent_done", "verify": []}
    ]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN003"
    name: ClassVar[str] = "unverified-done"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "every task that is done has evidence of its verification"

    def check(self, plans: Plans, run_proof: RunProof, today: date) -> Iterator[Finding]:
        """Weigh the evidence of every task that is done."""
        yield from plans.unverified(run_proof, today)


class MissingOption(Rule):
    """A document lacks an option that it must describe.

    `options` of `[artifacts.<name>]` lists them, such as `["A", "B", "C"]`. Each is a heading, list item,
    bold label, or table's row or column of that name, with words of its own and no placeholder.

    Why is this bad? Whoever considers one way weighs nothing.

    How to fix it: describe the missing option.

    ```text
    error: .plans/x/preplan/PLAN_OPTIONS.md has no option C
    ```

    ```toml fails
    policy = '''
    [artifacts.plan-options]
    path = ".plans/{name}/preplan/PLAN_OPTIONS.md"
    options = ["A", "B", "C"]
    '''

    [[commits]]
    message = "docs: options"

    [commits.files]
    ".plans/x/preplan/PLAN_OPTIONS.md" = '''
    ## Option A: keep the queue

    It works, and is slow.

    ## Option B: a new queue

    - TBD
    '''

    [[expect]]
    code = "PLN007"
    line = 5
    message = "option B is named, and nothing is said of it"

    [[expect]]
    code = "PLN007"
    message = "has no option C"
    authority = "SPEC_AUTHORITY.md:6"
    ```

    ```toml passes
    policy = '''
    [artifacts.plan-options]
    path = ".plans/{name}/preplan/PLAN_OPTIONS.md"
    options = ["A", "B", "C"]
    '''

    [[commits]]
    message = "docs: options"

    [commits.files]
    ".plans/x/preplan/PLAN_OPTIONS.md" = '''
    ## 1. Option A: keep the queue

    It works, and is slow.

    **Alternative B** - a new queue, which nobody has run yet.

    ### C) No queue

    - calls are direct
    '''
    ```
    """

    code: ClassVar[str] = "PLN007"
    name: ClassVar[str] = "missing-option"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.options",)
    condition: ClassVar[str] = "every document of options describes those that it must"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look for the options."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)
