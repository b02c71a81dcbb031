"""Artifacts that are missing, and what is left or removed without being listed."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Artifacts, Documents, Entry, Finding


class MissingArtifact(Rule):
    """An artifact lacks its companions, or a pass its members.

    `companions` of `[artifacts.<name>]` lists files beside such an artifact, `members` those in a folder that
    matches `root`. Placeholders take the values of the artifact's path: `AGENT_3_FINAL_AUTH.md` needs
    `AGENT_3_PLAN_VERBATIM.md`. Links, submodules and empty files do not count. Files listed as removed
    (`agrees_with`) are not missed.

    Why is this bad? A report without its plan is based on nothing.

    How to fix it: add what is missing; `specguard new` writes it.

    See also: `missing-section`

    ```text
    error: out/AGENT_3_FINAL_AUTH.md: AGENT_3_PLAN_VERBATIM.md is missing beside AGENT_3_FINAL_AUTH.md
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    companions = ["AGENT_{agent}_PLAN_VERBATIM.md", "AGENT_{agent}_SCRATCHPAD.md"]
    '''

    [[commits]]
    message = "docs: report"

    [commits.files]
    "out/AGENT_3_FINAL_AUTH.md" = "x"
    "out/AGENT_3_SCRATCHPAD.md" = "x"
    "out/AGENT_4_PLAN_VERBATIM.md" = "x"

    [[expect]]
    code = "ART001"
    path = "out/AGENT_3_FINAL_AUTH.md"
    message = "AGENT_3_PLAN_VERBATIM.md is missing"
    authority = "SPEC_AUTHORITY.md:6"
    ```

    ```toml fails
    policy = '''
    [artifacts.planning-pass]
    root = "**/_phase-{x}-planning-pass-{nn}-{date}/"
    members = ["ORCHESTRATOR_PLAN_VERBATIM.md", "PHASE_{X}_EXECUTION_PACKET.md"]
    '''

    [[commits]]
    message = "docs: plan"

    [commits.files]
    "docs/_phase-c-planning-pass-01-2026-01-31/ORCHESTRATOR_PLAN_VERBATIM.md" = "x"

    [[expect]]
    code = "ART001"
    path = "docs/_phase-c-planning-pass-01-2026-01-31"
    message = "PHASE_C_EXECUTION_PACKET.md is missing"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    companions = ["AGENT_{agent}_PLAN_VERBATIM.md"]
    '''
    base = {files = {"out/AGENT_3_PLAN_VERBATIM.md" = "x", "out/AGENT_4_FINAL_DB.md" = "x"}}
    commits = [{message = "docs: report", files = {"out/AGENT_3_FINAL_AUTH.md" = "x"}}]
    ```
    """

    code: ClassVar[str] = "ART001"
    name: ClassVar[str] = "missing-artifact"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.companions", "artifacts.*.members")
    condition: ClassVar[str] = "every artifact has its companions, and every pass its members"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look beside the artifacts, and into the passes."""
        for artifact in [*artifacts.judged, *artifacts.orphans, *artifacts.judged_passes]:
            yield from artifact.own_flaws(self.name)


class UnlistedLeftover(Rule):
    r"""A cleaned-up folder holds a file that is not listed.

    `closure` of `[artifacts.<name>]` lists folders. Once such an artifact exists, they hold only it and the
    files that it lists. Lists are read as in ART011, but not below headings such as *Removed*.

    Why is this bad? Leftover drafts look like the truth.

    How to fix it: remove the file, or list it with its purpose.

    See also: `unlisted-removal`

    ```text
    error: docs/PHASE_C/draft.md is left in docs/PHASE_C/, and docs/PHASE_C/CLEANUP_MANIFEST.md does not
      list it
    ```

    ```toml fails
    policy = '''
    [artifacts.cleanup]
    path = "docs/PHASE_{x}/CLEANUP_MANIFEST.md"
    closure = ["docs/PHASE_{x}/"]
    '''
    base = {files = {"docs/PHASE_C/PACKET.md" = "a", "docs/PHASE_C/draft.md" = "b"}}

    [[commits]]
    message = "chore: clean up"

    [commits.files]
    "docs/PHASE_C/CLEANUP_MANIFEST.md" = '''
    ## Kept

    - `PACKET.md`: what was agreed
    '''

    [[expect]]
    code = "ART021"
    path = "docs/PHASE_C/draft.md"
    authority = "SPEC_AUTHORITY.md:6"
    ```

    ```toml passes
    policy = '''
    [artifacts.cleanup]
    path = "docs/PHASE_{x}/CLEANUP_MANIFEST.md"
    closure = ["docs/PHASE_{x}/"]
    '''
    base = {files = {"docs/PHASE_C/PACKET.md" = "a", "docs/PHASE_D/draft.md" = "b"}}

    [[commits]]
    message = "chore: clean up"
    files = {"docs/PHASE_C/CLEANUP_MANIFEST.md" = "- docs/PHASE_C/PACKET.md: what was agreed\n"}
    ```
    """

    code: ClassVar[str] = "ART021"
    name: ClassVar[str] = "unlisted-leftover"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.closure",)
    condition: ClassVar[str] = "folders that were cleaned up hold only what is listed"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look for what is left."""
        brought = {entry.path for entry in artifacts.entries if not entry.deleted}
        reported: set[bytes | None] = set()
        for name, contract in artifacts.contracts.items():
            for artifact in artifacts.named(name) if contract.closure else ():
                for finding in artifact.flaws(self.name):
                    judged = artifacts.whole or artifact.touched or finding.path in brought
                    if judged and finding.path not in reported:
                        reported.add(finding.path)
                        yield finding


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
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.agrees_with",)
    condition: ClassVar[str] = "the manifests of the change and what it removes agree"

    def check(
        self, artifacts: Artifacts, entries: Sequence[Entry], start_documents: Documents
    ) -> Iterator[Finding]:
        """Compare what is listed with what is gone."""
        yield from artifacts.disagreements(entries, start_documents)
