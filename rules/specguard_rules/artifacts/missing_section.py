"""ART002: artifacts without a section that they must have."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Fix, Stage


class MissingSection(Rule):
    r"""An artifact lacks a section that its contract asks for, has it twice, or has one it must not have.

    `sections` of `[artifacts.<name>]` are the titles of the headings there must be. They match as people
    write headings: case, numbering, level, punctuation, emoji and what stands in brackets or behind a dash
    or colon do not count. `aliases` are other titles that stand for one, in which `*` stands for any words:
    `"Risks of *"`. With `bold_headings` a paragraph that is bold as a whole is a heading, too.

    A heading that a reader of the page does not see is none: in a comment, in a block of code, in hidden
    HTML, in front matter. Nor is one in a quotation or a list; letters that only look like others spell
    another word, and one with a soft hyphen or other characters that cannot be seen does not count. What
    comes near is named in the message.

    A section that is there twice at the same level is a finding, since the second could contradict the first;
    the same title below other headings, at a deeper level, is none, and neither are `Risks: servers` and
    `Risks: clients`. Titles in `forbidden_sections` are those
    that no heading may begin with: where *Rollback* is forbidden, so is *Rollback plan*.

    How to put it right: add the heading with what belongs below it, or an honest "None" with its reason.

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
