"""ART018: passes that begin without a sweep of the agents there are."""

from __future__ import annotations

from specguard.rules import Rule, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import ClassVar

    from specguard.rules import Artifacts, Contract, Finding, Stage


class MissingCompaction(Rule):
    r"""A pass's agents are not swept, closed or compacted.

    The sweep is a section of the artifact `sweep`, in the pass's folder. It calls every earlier open agent
    aligned or stale: `- P1: aligned, /compact sent`, `- P2: stale, closed`. A stale one is closed there or in
    its scratchpad. One that continues is compacted before its second entry.

    Why is this bad? An agent that remembers another task mixes them up.

    How to fix it: record what was done, or do it.

    ```text
    error: docs/pass-02/AGENT_P1_SCRATCHPAD.md: the agent P1, of docs/pass-01, is reused in docs/pass-02
      without a compaction
    ```

    ```toml fails
    policy = '''
    [artifacts.scratchpad]
    path = "**/AGENT_{agent}_SCRATCHPAD.md"

    [artifacts.orchestrator]
    path = "**/ORCHESTRATOR.md"

    [rules.missing-compaction]
    sweep = "orchestrator"
    '''

    [base.files]
    "docs/pass-01/AGENT_P1_SCRATCHPAD.md" = "- 2026-01-31T10:00:00Z: begin\n"
    "docs/pass-01/AGENT_P2_SCRATCHPAD.md" = "- 2026-01-31T10:00:00Z: begin\n"
    "docs/pass-01/AGENT_P3_SCRATCHPAD.md" = "- 2026-01-31T10:00:00Z: begin\n"
    "docs/pass-01/ORCHESTRATOR.md" = "## Agent Sweep\n\nNo agents yet.\n"

    [[commits]]
    message = "docs: pass 2"

    [commits.files]
    "docs/pass-02/AGENT_P1_SCRATCHPAD.md" = "- 2026-02-01T10:00:00Z: begin\n"
    "docs/pass-02/ORCHESTRATOR.md" = "## Agent Sweep\n\n- P1: aligned\n- P2: stale\n"
    "docs/pass-03/ORCHESTRATOR.md" = "## Notes\n"
    "docs/pass-03/AGENT_P4_SCRATCHPAD.md" = "- 2026-02-02T10:00:00Z: begin\n"

    [[expect]]
    code = "ART018"
    path = "docs/pass-02/AGENT_P1_SCRATCHPAD.md"
    message = "reused in docs/pass-02 without a compaction"

    [[expect]]
    code = "ART018"
    path = "docs/pass-02/ORCHESTRATOR.md"
    message = "P2 is stale, and nothing says that it was closed"

    [[expect]]
    code = "ART018"
    path = "docs/pass-02/ORCHESTRATOR.md"
    message = "P3, of docs/pass-01, is not in the sweep"

    [[expect]]
    code = "ART018"
    path = "docs/pass-03/ORCHESTRATOR.md"
    message = "docs/pass-03 has no sweep of its agents"
    ```

    ```toml passes
    policy = '''
    [artifacts.scratchpad]
    path = "**/AGENT_{agent}_SCRATCHPAD.md"

    [artifacts.orchestrator]
    path = "**/ORCHESTRATOR.md"

    [rules.missing-compaction]
    sweep = "orchestrator"
    '''

    [base.files]
    "docs/pass-01/AGENT_P1_SCRATCHPAD.md" = "- 2026-01-31T10:00:00Z: begin\n"
    "docs/pass-01/AGENT_P2_SCRATCHPAD.md" = "- 2026-01-31T10:00:00Z: begin\n"
    "docs/pass-01/ORCHESTRATOR.md" = "## Agent Sweep\n\nNo agents yet.\n"

    [[commits]]
    message = "docs: pass 2"

    [commits.files]
    "docs/pass-02/AGENT_P1_SCRATCHPAD.md" = "- 2026-02-01T10:00:00Z: `/compact`\n- 2026-02-01T10:01:00Z: begin\n"
    "docs/pass-02/ORCHESTRATOR.md" = "## Agent Sweep\n\n| Agent | State |\n|---|---|\n| P1 | aligned |\n| P2 | stale, closed |\n"
    ```
    """  # noqa: E501 (an example's file is one string)

    code: ClassVar[str] = "ART018"
    name: ClassVar[str] = "missing-compaction"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("sweep",)
    condition: ClassVar[str] = "every pass begins with a sweep, which closes or compacts the agents there are"

    sweep: str = setting("", "the contract with the sweep", names=["artifacts"])
    sections: list[str] = setting(["Agent Sweep", "Agent Registry"], "its titles", min_length=1)
    scratchpads: list[str] = setting(
        [], "agents' contracts; by default all whose path names an agent", names=["artifacts"]
    )
    agent: str = setting("agent", "the placeholder of paths that names the agent", min_length=1)
    aligned: list[str] = setting(["aligned"], "words for an agent that may continue", min_length=1)
    stale: list[str] = setting(["stale"], "words for an agent that may not", min_length=1)
    closing: list[str] = setting(["closed", "closing entry"], "words for a closed agent", min_length=1)
    compaction: list[str] = setting(["/compact", "compacted"], "words for a compacted agent", min_length=1)

    def check(
        self, contracts: Mapping[str, Contract], whole: bool, artifacts: Artifacts | None = None
    ) -> Iterator[Finding]:
        """Go through the passes in their order, with the agents that are still there."""
        from specguard_rules.artifacts._passes import contracts_of_agents, known, read_passes
        from specguard_rules.artifacts._sweeping import Sweeping

        known(contracts, "rules.missing-compaction.sweep", [self.sweep])
        known(contracts, "rules.missing-compaction.scratchpads", self.scratchpads)
        names = self.scratchpads or [
            name for name in contracts_of_agents(contracts, self.agent) if name != self.sweep
        ]
        if artifacts is None:
            return
        if not whole and not any(artifact.name in (self.sweep, *names) for artifact in artifacts.judged):
            return
        for passes in read_passes(artifacts, names, self.sweep, self.agent):
            if whole or any(one.touched for one in passes):
                yield from Sweeping(self, passes).judge(whole=whole)
