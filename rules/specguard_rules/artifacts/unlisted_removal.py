"""ART011: manifests that do not agree with what a change removes."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Artifacts, Documents, Entry, Finding, Stage


class UnlistedRemoval(Rule):
    """A change removes a path that its manifest does not name with a reason, or the reverse.

    A cleanup that takes one file more than it says is how work gets lost. An artifact whose contract has
    `agrees_with = "deletions"` names every path that the change removes, each with a reason, and no path that
    the change leaves. A move is a removal of the old path.

    **What is listed**: the paths at the beginning of list items, of a table's cells and of lines in a block
    of code, alone or behind a word such as *Removed:*; in JSON, YAML and TOML, elements, keys, or the `path`
    of an element. A folder covers what lies below it, and a pattern what it matches; `**` names nothing.
    Paths are read from the root or from the manifest's folder. What else the item or the row says is the
    reason, or what the item above it says, or the heading, where a word of it gives one (`Deleted (superseded
    drafts)`); *removed*, *cleanup* or `TBD` are none.

    **What is kept**: paths below a heading or a label with a word such as *Kept*, *Retained* or *Remaining*,
    with such a word at the beginning of their reason, or with anything but a removal in a column *Action*
    (`update`, `retain`), are not said to be removed. Where headings say what was removed, other lists of the
    manifest speak of something else.

    Only a manifest that the change adds or modifies is compared, since another one speaks of another change.
    A line that was in it before is left alone while its path stays away.

    How to put it right: list the path with its reason, or take one of the two back.

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
