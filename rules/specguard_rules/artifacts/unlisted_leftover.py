"""ART021: files that are left where an artifact says what is left."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class UnlistedLeftover(Rule):
    r"""A folder that was cleaned up holds a file that its closure list does not name.

    A pass leaves drafts, logs and copies behind, and whoever comes next takes them for the truth. `closure`
    of `[artifacts.<name>]` are folders, as templates of paths with the artifact's own placeholders: once such
    an artifact is there, they hold only what it lists, and itself.

    Paths are listed as ART011 reads them: list items, tables and blocks of code that begin with a path, from
    the root or from the artifact's folder, where a folder covers what lies below it. What stands below a
    heading such as *Removed* is not listed as left; nor is the closed folder as a whole.

    It is judged where the change touches the artifact, and for what a later change adds to the folder.

    How to put it right: remove the file, or list it with what it is for.

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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
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
