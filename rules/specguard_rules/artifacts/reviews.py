"""ART010 and ART011: findings of reviews without a rank, and those that are still open."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class UnrankedFinding(Rule):
    """A finding of a review lacks its severity or line.

    `[artifacts.<name>.findings]` names the `severities`, worst first, and what each finding cites: a `line`,
    a `path` or `none`. Findings are in `section`, or below a heading about findings or issues. Forms are
    headings (`### [HIGH] ...`), list items (`1. **High** - ...`), table rows, and a line `Severity: high`. A
    review without findings says so: `No findings.`

    Why is this bad? Who fixes them must know where and which first.

    How to fix it: begin it with its severity, and cite its line.

    See also: `open-finding`

    ```text
    error: REVIEW_REPORT.md:7: the finding '2) The cache never expires' has no severity
    ```

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


class OpenFinding(Rule):
    """A closed review has an open blocking finding.

    A finding of a severity in `must_close` of `[artifacts.<name>.findings]` says each word of `closed`:
    `Status: fixed, re-verified`. `not`, `pending`, `partially` or an unticked box takes it back. A review is
    open while its `verdict` field begins with one of `verdict_open`.

    Why is this bad? The approver did not read the review to its end.

    How to fix it: fix it, have it checked again, and write both down.

    See also: `unranked-finding`

    ```text
    error: REVIEW.md:5: the high finding 'High - the lock is taken twice, src/lock.py:12' is fixed, and
      not re-verified, in a review whose verdict is 'approve'
    ```

    ```toml fails
    policy = '''
    [artifacts.review]
    path = "**/*REVIEW*.md"
    findings = {severities = ["blocking", "high", "low"], must_close = ["blocking", "high"]}
    '''

    [[commits]]
    message = "docs: review"

    [commits.files]
    "REVIEW.md" = '''
    Disposition: approve

    ## Findings

    1. **High** - the lock is taken twice, `src/lock.py:12`
       - Status: fixed in 6b83860, not yet re-verified
    2. **Low** - a name says nothing, `src/lock.py:3`
    '''

    [[expect]]
    code = "ART008"
    line = 5
    message = "is fixed, and not re-verified, in a review whose verdict is 'approve'"
    ```

    ```toml passes
    policy = '''
    [artifacts.review]
    path = "**/*REVIEW*.md"
    findings = {severities = ["blocking", "high", "low"], must_close = ["blocking", "high"]}
    '''

    [[commits]]
    message = "docs: review"

    [commits.files]
    "FIRST_REVIEW.md" = '''
    Disposition: changes requested

    ## Findings

    - [HIGH] the lock is taken twice, `src/lock.py:12`
    '''
    "SECOND_REVIEW.md" = '''
    ## Findings

    - [HIGH] the lock is taken twice, `src/lock.py:12`
      - Status: fixed in 6b83860, re-verified by the steward

    ## Disposition

    `approve`
    '''
    ```
    """

    code: ClassVar[str] = "ART008"
    name: ClassVar[str] = "open-finding"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.findings.must_close",)
    condition: ClassVar[str] = "no closed review has a finding open that must be closed"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Read what became of the findings."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)
