"""ART015: more agents at once than the policy allows."""

from __future__ import annotations

from specguard.rules import Finding, Record, Rule, path_text, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Artifacts
    from specguard_rules.artifacts._pass_sweeps import Work


class TooManyAgents(Rule):
    r"""Too many agents of one pass are active at once.

    An agent is active from the first to the last time in its scratchpad. A pass is a folder that matches
    `root` of `[artifacts.<name>]`.

    Why is this bad? Nobody steers ten agents at once.

    How to fix it: close agents before others begin, in further passes.

    ```text
    error: pass/AGENT_2_SCRATCHPAD.md:1: 2 agents of pass are active at once at
      2026-01-31T11:00:00+00:00 (1, 2), and 1 may be
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-scratchpad]
    path = "**/AGENT_{agent}_SCRATCHPAD.md"
    timestamps = "ascending"

    [rules.too-many-agents]
    max = 1
    '''

    [[commits]]
    message = "docs: pass"

    [commits.files]
    "pass/AGENT_1_SCRATCHPAD.md" = "- 2026-01-31T10:00:00Z: begin\n- 2026-01-31T12:00:00Z: end\n"
    "pass/AGENT_2_SCRATCHPAD.md" = "- 2026-01-31T11:00:00Z: begin\n- 2026-01-31T13:00:00Z: end\n"

    [[expect]]
    code = "ART015"
    path = "pass/AGENT_2_SCRATCHPAD.md"
    line = 1
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-scratchpad]
    path = "**/AGENT_{agent}_SCRATCHPAD.md"
    timestamps = "ascending"

    [rules.too-many-agents]
    max = 1
    '''

    [[commits]]
    message = "docs: pass"

    [commits.files]
    "pass/AGENT_1_SCRATCHPAD.md" = "- 2026-01-31T10:00:00Z: begin\n- 2026-01-31T12:00:00Z: end\n"
    "pass/AGENT_2_SCRATCHPAD.md" = "- 2026-01-31T13:00:00+01:00: begin\n- 2026-01-31T14:00:00+01:00: end\n"
    ```
    """

    code: ClassVar[str] = "ART015"
    name: ClassVar[str] = "too-many-agents"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.timestamps",)
    condition: ClassVar[str] = "no more than {max} agents of a pass are active at once"

    max: int = setting(6, "the most at once", ge=1, tightens="lower")
    scratchpads: list[str] = setting(
        [], "their contracts; by default all with `timestamps` whose path names an agent", names=["artifacts"]
    )
    agent: str = setting("agent", "the placeholder of paths that names the agent", min_length=1)
    offset: str = setting(
        "Z",
        "that of times without one",
        pattern=r"^(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])$",
        refused={"": 'times without an offset may be those of any clock: write "Z" for UTC'},
    )

    def check(self, artifacts: Artifacts, whole: bool) -> Iterator[Finding]:
        """Count the agents of each pass."""
        from specguard_rules.artifacts._pass_sweeps import contracts_of_agents, known, work_of_agents

        contracts = artifacts.contracts
        known(contracts, "rules.too-many-agents.scratchpads", self.scratchpads)
        names = self.scratchpads or [
            name for name in contracts_of_agents(contracts, self.agent) if contracts[name].timestamps
        ]
        passes: dict[bytes, list[Work]] = {}
        for work in work_of_agents(artifacts, names, self.agent):
            passes.setdefault(work.folder, []).append(work)
        for folder, agents in passes.items():
            if len(agents) > self.max and (whole or any(work.touched for work in agents)):
                yield from self._judge(folder, agents)

    def _judge(self, folder: bytes, agents: Sequence[Work]) -> Iterator[Finding]:
        """Look who is active whenever an agent of one pass begins."""
        from datetime import datetime

        place = path_text(folder) if folder else "the repository"
        zone = datetime.fromisoformat(f"2000-01-01T00:00{self.offset}").tzinfo
        spans: list[_Span] = []
        unknown: list[Work] = []
        for work in agents:
            times = [
                (
                    stamp.moment if stamp.moment.tzinfo else stamp.moment.replace(tzinfo=zone),
                    artifact.path,
                    stamp.at,
                )
                for artifact in work.artifacts
                for stamp in artifact.document.stamps
            ]
            if times:
                spans.append(_Span(*min(times, key=lambda one: one[0]), max(times)[0], work.agent))
            else:
                unknown.append(work)
        spans.sort(key=lambda one: (one.first, one.agent))
        most = 0
        for begin in (span.first for span in spans):
            # An agent that ends at this moment makes room, but for one that has this moment alone.
            active = [one for one in spans if one.first == begin or one.first < begin < one.last]
            most = max(most, len(active))
            if most > self.max:
                names = ", ".join(sorted(one.agent for one in active))
                yield Finding(
                    f"{most} agents of {place} are active at once at {begin.isoformat()} ({names}), "
                    f"and {self.max} may be",
                    help="Close agents before others begin.",
                    path=active[self.max].path,
                    line=active[self.max].line,
                    key=f"agents of {place}",
                    setting="max",
                )
                return
        if unknown and most + len(unknown) > self.max:
            names = ", ".join(sorted(work.agent for work in unknown))
            yield Finding(
                f"it cannot be told whether more than {self.max} agents of {place} are active at once: "
                f"there are no times of {names}",
                help="Write when each began and ended, such as 2026-01-31T12:00:00Z.",
                severity="warning",
                path=unknown[0].artifacts[0].path,
                key=f"unknown agents of {place}",
                setting="max",
            )


class _Span(Record):
    """From when to when an agent is active, and where the first of its times stands."""

    first: datetime.datetime
    path: bytes
    line: int
    last: datetime.datetime
    agent: str
