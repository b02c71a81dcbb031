"""ART008: findings that must be closed, in a review that is."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


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
