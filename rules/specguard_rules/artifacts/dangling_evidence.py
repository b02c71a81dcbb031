"""ART005: cited files and lines that do not exist."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class DanglingEvidence(Rule):
    r"""An artifact cites a file or a line as evidence that does not exist in the judged tree.

    A line that was made up looks like any other. Every place that an artifact's evidence cites (see ART004)
    is looked up in the tree that is judged: the file must be a regular file there, with as many lines as
    are cited. Line 0, a range that ends before it begins, and a path that climbs out of the repository are
    never there. Where `anchors = "path"`, a path without lines may be a file or a folder.

    **Where a path leads.** A relative path is read from the repository's root, and where nothing is there
    from the artifact's own folder. An absolute path, or a web address, is read from the root where one of
    the `roots` of `[artifacts.<name>.evidence]` stands before it; in these `*` is any one name, as in
    `/home/me/worktrees/*`, and `**` at the end is any folder. One that is outside of all of them cannot be
    looked up: that is a warning, and an error with `unresolvable = "error"`, as in the preset `runbook`. A
    file in a submodule cannot be looked up either, which is a warning.

    **The end of a path**, such as `auth.py:12`, stands for the only file whose path ends so, or for the one
    of several that the artifact also cites by its whole path. Its lines are counted, and a warning says that
    the path is cut short. Where it may be one of several, it is a finding.

    What is cited and was right when it was written, and has gone since, is judged when the artifact is
    touched again. With `resolve = false` nothing is looked up.

    How to put it right: cite the place where it is now, or take out the claim.

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
