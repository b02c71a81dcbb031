"""ART005: cited files and lines that do not exist."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class DanglingEvidence(Rule):
    r"""An artifact cites a file or line that does not exist.

    In the judged tree, relative paths start from the repository's root, then the artifact's folder. Absolute
    paths and web addresses are below one of `roots` of `[artifacts.<name>.evidence]`. Others are warnings, or
    errors with `unresolvable = "error"`. The end of a path, such as `auth.py:12`, counts if only one file has
    it. `resolve = false` turns this off.

    Why is this bad? A made-up line looks like any other.

    How to fix it: cite the current place, or take out the claim.

    See also: `missing-evidence`

    ```text
    error: docs/CACHE_REPORT.md:3: /home/me/worktrees/cache/src/a.py:2-5 does not exist: src/a.py has 3
      lines
    ```

    ```toml fails
    policy = '''
    [artifacts.report]
    path = "docs/*_REPORT.md"

    [artifacts.report.evidence]
    section = "Evidence"
    roots = ["/home/me/worktrees/*"]
    '''
    base = {files = {"src/a.py" = "1\n2\n3\n", "src/lib/b.py" = "1\n"}}

    [[commits]]
    message = "docs: report"

    [commits.files]
    "docs/CACHE_REPORT.md" = '''
    ## Evidence

    - `/home/me/worktrees/cache/src/a.py:2-5`
    - `lib/c.py:1`
    - `../../etc/passwd:1`
    '''

    [[expect]]
    code = "ART005"
    line = 3
    message = "does not exist: src/a.py has 3 lines"

    [[expect]]
    code = "ART005"
    line = 4
    message = "lib/c.py:1 does not exist: there is no such file"

    [[expect]]
    code = "ART005"
    line = 5
    message = "leads out of the repository"
    ```

    ```toml passes
    policy = '''
    [artifacts.report]
    path = "docs/*_REPORT.md"

    [artifacts.report.evidence]
    section = "Evidence"
    roots = ["/home/me/worktrees/*"]
    '''
    base = {files = {"src/a.py" = "1\n2\n3\n", "docs/PLAN.md" = "# Plan\n"}}

    [[commits]]
    message = "docs: report"

    [commits.files]
    "docs/CACHE_REPORT.md" = '''
    ## Evidence

    - `/home/me/worktrees/cache/src/a.py:2-3`
    - [the plan](PLAN.md#L1)
    '''
    ```
    """

    code: ClassVar[str] = "ART005"
    name: ClassVar[str] = "dangling-evidence"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.evidence",)
    condition: ClassVar[str] = "every file and line that artifacts cite as evidence exists in the judged tree"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look up what is cited."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)
