"""PLN007: fewer options than a plan must weigh."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


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
