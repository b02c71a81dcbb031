"""ART003: sections that are there and say nothing."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class EmptySection(Rule):
    """A required section of an artifact says nothing.

    Comments, hidden text and placeholders are no content: `TODO`, `TBD`, `<...>`, `[fill in]`, empty labels,
    and `placeholders` of `[artifacts.<name>]`. `None` or `N/A` needs a reason:
    `None: every path is covered by tests`. Subsections count, unless required too.

    Why is this bad? Nobody can tell whether somebody looked.

    How to fix it: write what belongs there, or why there is nothing.

    See also: `missing-section`

    ```text
    error: AGENT_3_FINAL_AUTH.md:1: the section 'Assumptions' is empty to a reader: what is hidden or in
      a comment does not count
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    sections = ["Assumptions", "Risks", "Unresolved Questions"]
    '''

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## Assumptions

    <!-- what did you take for granted? -->

    ## Risks

    - TBD

    ## Unresolved Questions

    None
    '''

    [[expect]]
    code = "ART003"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 1
    message = "'Assumptions' is empty"

    [[expect]]
    code = "ART003"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 7
    message = "'Risks' only has a placeholder: 'TBD'"

    [[expect]]
    code = "ART003"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 11
    message = "'Unresolved Questions' only says 'None'"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    sections = ["Assumptions", "Unresolved Questions"]
    '''

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## Assumptions

    ### The cache

    It is warm.

    ## Unresolved Questions

    None: the owner answered both, see `NOTES.md`.
    '''
    ```
    """

    code: ClassVar[str] = "ART003"
    name: ClassVar[str] = "empty-section"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.sections",)
    condition: ClassVar[str] = "every section that an artifact must have says something"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look into the sections."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)
