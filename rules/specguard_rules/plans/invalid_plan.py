"""PLN001: plans that have not the shape of a plan."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Finding, Plans, Sources, Stage


class InvalidPlan(Rule):
    r"""A plan's file cannot be read, or its tasks have not the shape that tasks have.

    Agents take the next task from the plan, and everything else about plans rests on what it says: which task
    needs which, what a task may touch, how it is verified. A typo in a status or a key is a task that nobody
    takes up, or one that is taken for done.

    A plan is the file `plan` (`plan.json`; YAML and TOML will do) in a folder that `folder` of
    `[plans.<name>]` describes. It holds its tasks under `tasks`, as a list or by id:

    | key | what it holds |
    | --- | --- |
    | `id` | text of the form `id_format`, `task_001`; each once, however its number is padded |
    | `title`, `domain` | text that is not empty |
    | `status` | one of `statuses`, written in whatever way: `in_progress`, `In progress` |
    | `depends_on` | a list of ids |
    | `expected_files` | a list of files, folders and patterns in the folder `code` |
    | `verify` | a list of commands |
    | `done_criteria` | a list of texts, at least one |

    An expected file is no absolute path, leads out of no folder with `..`, and is not simply everything.
    Which of these keys a task must have says `required`; `keys` has other names for them. An element of a
    list may be a mapping that holds the text: `{"path": ...}`, `{"command": ...}`. Keys of your own are
    welcome; one that is nearly one of these, such as `depend_on`, is a warning, since it is not read.

    Where `option` is set, the plan names the option that it was made from, and the file `options` of its
    folder describes it.

    **Work breakdowns**, the files that `source` of `[work.<kind>]` names, are held to less: they can be read
    and list items with ids, each once, and every entry says what `required` of its kind asks for, such as
    `owner`, `files` and `acceptance`. What stands at the top of the file is said of all of them.

    How to put it right: each finding has the line and the key; `specguard check --select PLN` shows the
    others.

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
    message = "task_001 has no depends_on; it has 'depend_on'"

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
