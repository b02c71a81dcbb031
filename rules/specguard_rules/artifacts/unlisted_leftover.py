"""ART021: files that are left where an artifact says what is left."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


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
