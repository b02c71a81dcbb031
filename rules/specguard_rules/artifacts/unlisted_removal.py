"""ART011: manifests that do not agree with what a change removes."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Artifacts, Documents, Entry, Finding, Stage


class UnlistedRemoval(Rule):
    """Removed paths and the manifest that lists them differ.

    With `agrees_with = "deletions"` in `[artifacts.<name>]`, it lists every removed path with a reason, and
    no other. A move removes the old path. List items, table cells, code blocks and data files are read, but
    nothing under *Kept* or *Retained*. A folder covers all below it, except `**`. *removed*, *cleanup* and
    `TBD` are no reasons. Only a manifest that the change adds or edits is compared.

    Why is this bad? A cleanup of one file too many loses work.

    How to fix it: list the path with its reason, or restore the file.

    ```text
    error: C6_CLEANUP_MANIFEST.md:5: old is listed as removed, and old/b.md is still there
    ```

    ```toml fails
    policy = '''
    [artifacts.cleanup]
    path = "**/*_CLEANUP_MANIFEST.md"
    agrees_with = "deletions"
    '''
    base = {files = {"old/a.md" = "a", "old/b.md" = "b", "c.py" = "c", "d.py" = "d", "e.py" = "e"}}

    [[commits]]
    message = "chore: clean up"
    delete = ["old/a.md", "c.py", "d.py"]

    [commits.files]
    "C6_CLEANUP_MANIFEST.md" = '''
    # Cleanup

    ## Removed

    - `old/`: replaced by the new pages
    - `c.py`
    - `e.py`: nobody imports it

    ## Kept

    - `b.py`: still used
    '''

    [[expect]]
    code = "ART011"
    path = "C6_CLEANUP_MANIFEST.md"
    line = 5
    message = "old is listed as removed, and old/b.md is still there"

    [[expect]]
    code = "ART011"
    path = "C6_CLEANUP_MANIFEST.md"
    line = 6
    message = "c.py is listed without a reason"

    [[expect]]
    code = "ART011"
    path = "C6_CLEANUP_MANIFEST.md"
    line = 7
    message = "e.py is listed as removed, and is still there"

    [[expect]]
    code = "ART011"
    path = "d.py"
    message = "d.py is removed, and C6_CLEANUP_MANIFEST.md does not say so"
    ```

    ```toml passes
    policy = '''
    [artifacts.cleanup]
    path = "**/*_CLEANUP_MANIFEST.md"
    agrees_with = "deletions"
    '''
    base = {files = {"old/a.md" = "a", "old/b.md" = "b", "c.py" = "c", "e.py" = "e"}}

    [[commits]]
    message = "chore: clean up"
    delete = ["old/a.md", "old/b.md", "c.py"]

    [commits.files]
    "C6_CLEANUP_MANIFEST.md" = '''
    | Path | Action | Reason |
    | --- | --- | --- |
    | `old/*.md` | removed | the new pages say all of it |
    | c.py | removed | nobody imports it |
    | e.py | kept | the tests import it |
    '''
    ```
    """

    code: ClassVar[str] = "ART011"
    name: ClassVar[str] = "unlisted-removal"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.agrees_with",)
    condition: ClassVar[str] = "the manifests of the change and what it removes agree"

    def check(
        self, artifacts: Artifacts, entries: Sequence[Entry], start_documents: Documents
    ) -> Iterator[Finding]:
        """Compare what is listed with what is gone."""
        yield from artifacts.disagreements(entries, start_documents)
