"""PLN007: fewer options than a plan must weigh."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class MissingOption(Rule):
    """A document of options lacks one that it must describe.

    Whoever weighs one way only has not weighed. `options` of `[artifacts.<name>]` are the options that such
    a document describes, e.g. `["A", "B", "C"]`. Each is a heading (`## Option A: keep the queue`, `### A)`),
    a list item, a bold label, a row or a column of a table that begins with its name, alone or behind a word
    such as *option*, *alternative* or *approach*, with something said of it below or behind: a title alone
    describes nothing, and a placeholder neither. An option in the words of another one is no second option.

    How to put it right: describe the option that is missing.

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
