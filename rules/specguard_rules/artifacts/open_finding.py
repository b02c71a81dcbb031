"""ART008: findings that must be closed, in a review that is."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class OpenFinding(Rule):
    """A closed review has a blocking or high finding that is not fixed and verified again.

    A review that is approved with a blocking finding in it was not read to its end. In
    `[artifacts.<name>.findings]` `must_close` are the severities whose findings must be dealt with before a
    review is closed, and `closed` the words that say so: **each** of them must be said of the finding, so
    with the default, `["fixed", "re-verified"]`, one that is fixed and not looked at again is open.
    `aliases` of the contract has words that stand for them.

    **Where they are said**: behind `Status:`, `Resolution:`, `Action:`, `Verification:` and such, in a
    column of these names, behind a label that is the word itself (`Re-verified: 2026-01-31`), in a ticked
    item below the finding, or set off in its title: `(fixed, re-verified)`, `: **fixed** in 6b83860`. A
    part of the document that begins with the finding's name (`HIGH-01: fixed in ...`) counts, too.

    **What takes them back**: `not`, `never`, `to be`, `pending`, `partially`, `reopened`, a box that is not
    ticked, an answer such as `Fixed: no`, and what is struck out. `unfixed` and `fixed-size` are other
    words.

    **A review is closed** unless its verdict says that it is open: the last field or section outside of its
    findings that `verdict` names (`Disposition: changes requested`) begins with one of `verdict_open`. With
    any other verdict, and with none, its findings are judged, and the message says what to write while it
    is open.

    How to put it right: fix it, have it looked at again, and write both down at the finding.

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
