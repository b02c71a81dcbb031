"""ART001: artifacts that are not beside another one, or not in their pass."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.companions", "artifacts.*.members")
    condition: ClassVar[str] = "every artifact has its companions, and every pass its members"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look beside the artifacts, and into the passes."""
        for artifact in [*artifacts.judged, *artifacts.orphans, *artifacts.judged_passes]:
            yield from artifact.own_flaws(self.name)
