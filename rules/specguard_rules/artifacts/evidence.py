"""ART004 and ART005: evidence that is missing, and that does not exist."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class MissingEvidence(Rule):
    """An artifact cites no evidence, or in a refused form.

    `[artifacts.<name>.evidence]` says where and how it cites: in a `section`, with lines (`anchors`),
    absolute `paths`, in `every` list item and table row. Of each pattern in `inputs` it cites one file. Forms
    are `path:12`, `path:12-40`, `path#L12-L40` and links.

    Why is this bad? A claim that cites no line must be believed.

    How to fix it: put the file and line behind each claim.

    See also: `dangling-evidence`

    ```text
    error: AGENT_3_FINAL_AUTH.md cites no **/EXECUTION_PACKET.md, which is one of its inputs
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    inputs = ["**/EXECUTION_PACKET.md"]

    [artifacts.agent-final.evidence]
    section = "Evidence Map"
    paths = "absolute"
    '''
    base = {files = {"src/a.py" = "1", "plan/EXECUTION_PACKET.md" = "# Packet"}}

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## Evidence Map

    - The cache is read first: `src/a.py:1`
    '''
    "AGENT_4_FINAL_AUTH.md" = '''
    Read: [packet](plan/EXECUTION_PACKET.md)

    ## Evidence Map

    - The cache is read first: `/home/me/project/src/a.py`
    '''

    [[expect]]
    code = "ART004"
    path = "AGENT_3_FINAL_AUTH.md"
    message = "cites no **/EXECUTION_PACKET.md, which is one of its inputs"

    [[expect]]
    code = "ART004"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 3
    message = "src/a.py:1 is a relative path, where evidence is cited by absolute paths"

    [[expect]]
    code = "ART004"
    path = "AGENT_4_FINAL_AUTH.md"
    line = 5
    message = "cites /home/me/project/src/a.py without a line of it"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    inputs = ["**/EXECUTION_PACKET.md"]

    [artifacts.agent-final.evidence]
    section = "Evidence Map"
    every = true
    '''
    base = {files = {"src/a.py" = "1", "plan/EXECUTION_PACKET.md" = "# Packet"}}

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## 4) Evidence map (paths and lines)

    | Claim | Evidence |
    | --- | --- |
    | The cache is read first | `src/a.py` (line 1) |
    | as planned | plan/EXECUTION_PACKET.md:1 |
    '''
    ```
    """

    code: ClassVar[str] = "ART004"
    name: ClassVar[str] = "missing-evidence"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.evidence", "artifacts.*.inputs")
    condition: ClassVar[str] = "every artifact cites its evidence and its inputs as its contract asks"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look for what is cited."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)


class DanglingEvidence(Rule):
    r"""An artifact cites a file or line that does not exist.

    In the judged tree, relative paths start from the repository's root, then the artifact's folder. Absolute
    paths and web addresses are below one of `roots` of `[artifacts.<name>.evidence]`. Others are warnings, or
    errors with `unresolvable = "error"`. `resolve = false` turns this off.

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
