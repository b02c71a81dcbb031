"""ART007: findings of a review without a severity or a place."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class UnrankedFinding(Rule):
    """A finding of a review has no severity, or cites no line; or a review says nothing of findings.

    Who has to fix the findings of a review must know which come first, and where they are. In
    `[artifacts.<name>.findings]` `severities` are the words that rank them, the worst first (`aliases` of
    the contract has others that stand for them), and `anchors` says what each cites: a `line`, a `path`, or
    `none`.

    **Where findings stand**: in `section`; where that is empty, below every heading that speaks of findings
    or issues, and where none does, wherever a severity is written. Below such a heading each list item,
    numbered heading and table row is a finding, with a severity or without. An earlier review's findings,
    closures and summaries (*Previous findings*, *Resolution*) are not judged by this rule.

    **Forms**: headings (`### [HIGH] ...`, `### 1) High - ...`, `### HIGH-01: ...`, all below `### High`),
    list items (`1. **High** - ...`), rows of a table with a column *Severity*, and a line `Severity: high`
    below any of them. Details below a finding belong to it, and so do the places that they cite.
    `docs/documents.md` has all forms. That there are none is said in words: `None.`, `No findings.`, `high:
    none`; a placeholder in place of them does not say it.

    How to put it right: begin the finding with its severity, and cite the line that shows it.

    ```toml fails
    policy = '''
    [artifacts.review]
    path = "**/*REVIEW_REPORT*.md"
    findings = {severities = ["blocking", "high", "medium", "low"]}
    '''

    [[commits]]
    message = "docs: review"

    [commits.files]
    "REVIEW_REPORT.md" = '''
    ## Findings

    ### 1) HIGH - The lock is taken twice

    - Evidence: `src/lock.py:12-14`

    ### 2) The cache never expires

    - Evidence: `src/cache.py:3`

    ### 3) Severity: major

    The timeout is fixed.
    '''

    [[expect]]
    code = "ART007"
    line = 7
    message = "'2) The cache never expires' has no severity"

    [[expect]]
    code = "ART007"
    line = 11
    message = "has no severity"

    [[expect]]
    code = "ART007"
    line = 11
    message = "cites no line"
    ```

    ```toml passes
    policy = '''
    [artifacts.review]
    path = "**/*REVIEW_REPORT*.md"
    findings = {severities = ["blocking", "high", "medium", "low"]}
    aliases = {medium = ["major"]}
    '''

    [[commits]]
    message = "docs: review"

    [commits.files]
    "REVIEW_REPORT.md" = '''
    ## Findings (by severity)

    ### Blocking

    None.

    ### High

    1. **The lock is taken twice** (`src/lock.py:12-14`)
       - Impact: it waits for itself.

    ### Major and low

    | # | Severity | Place | Finding |
    | --- | --- | --- | --- |
    | 1 | Major | `src/cache.py:3` | The cache never expires |
    | 2 | low | `src/cache.py` L9 | A name says nothing |
    '''
    ```
    """

    code: ClassVar[str] = "ART007"
    name: ClassVar[str] = "unranked-finding"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.findings",)
    condition: ClassVar[str] = "every finding of a review has its severity and cites its place"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Read the findings."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)
