"""ART003: sections that are there and say nothing."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class EmptySection(Rule):
    """A section that an artifact must have says nothing to a reader.

    What a reader of the page does not see is no content: comments, hidden HTML, characters that show as
    nothing. Nor is what only holds a place: `TODO` and what follows it on its line, `TBD`, `FIXME`, `<...>`,
    `[fill in]`, `{{...}}`, `___`, an ellipsis, "lorem ipsum", "to be determined", a label with nothing or
    such a text behind it, a table's row with a first cell alone, and the texts in `placeholders` of the
    contract, such as the instructions of a team's template.

    An honest "None" is content where it has its reason: `None: every path is covered by tests`. `None` or
    `N/A` alone is not, since it reads the same whether somebody looked or not.

    Subsections are content of their section; another section that must be there itself is not.

    How to put it right: write what belongs there, or why there is nothing.

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
