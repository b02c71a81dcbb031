"""ART002 and ART003: sections that are missing, and those that say nothing."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Fix, Stage


class MissingSection(Rule):
    r"""An artifact has a missing, double or forbidden section.

    `sections` and `forbidden_sections` of `[artifacts.<name>]` list headings, `aliases` other titles;
    `"Risks of *"` accepts any ending. Case, numbering, level, punctuation and emoji do not matter. Headings
    in comments, code, quotations, lists and hidden HTML do not count.

    Why is this bad? Readers find sections by their titles.

    How to fix it: add it with its content, or an honest "None" with a reason.

    See also: `empty-section`

    ```text
    error: AGENT_3_FINAL_AUTH.md:6: has no section 'Unresolved Questions'; line 6 has '## Unresolved
      Questions', which is no heading there
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    sections = ["Risks", "Unresolved Questions"]
    forbidden_sections = ["Rollback"]
    '''

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## 1. RISKS (open)

    The cache is cold.

    <!--
    ## Unresolved Questions

    None: all were answered.
    -->

    ## Rollback plan

    Revert.
    '''

    [[expect]]
    code = "ART002"
    path = "AGENT_3_FINAL_AUTH.md"
    message = "no section 'Unresolved Questions'"

    [[expect]]
    code = "ART002"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 11
    message = "'Rollback plan', which it must not have"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    sections = ["Risks", "Unresolved Questions"]
    aliases = {"Unresolved Questions" = ["Open questions"]}
    '''

    [[commits]]
    message = "docs: report"
    files = {"AGENT_3_FINAL_AUTH.md" = "# Report\n\n### Risks:\n\nNone yet.\n\nOpen questions\n---\n\nWhy?\n"}
    ```
    """

    code: ClassVar[str] = "ART002"
    name: ClassVar[str] = "missing-section"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.sections", "artifacts.*.forbidden_sections")
    condition: ClassVar[str] = "every artifact has its sections, once each, and none that is forbidden"
    fixes: ClassVar[str] = "adds the heading, with a gap for its content"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look for the sections."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)

    def fix(self, finding: Finding, artifacts: Artifacts) -> Fix | None:
        """The heading, where there is nothing in the file that might be meant for it."""
        from specguard.rules import EditFile

        if finding.path is None or finding.line is not None:
            return None
        for artifact in artifacts.contracted(finding.path):
            edit = artifact.adding(finding.setting)
            if edit is not None:
                return EditFile(finding.path, edit)
        return None


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
