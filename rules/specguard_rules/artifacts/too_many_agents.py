"""ART015: more agents at once than the policy allows."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, path_text, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.artifacts.artifacts import Artifact
    from specguard.rules import Artifacts, Stage
    from specguard_rules.artifacts._passes import Work


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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
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
        from specguard_rules.artifacts._passes import contracts_of_agents, known, work_of_agents

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
                yield from self._judge(folder, [_Active(work, self._zone()) for work in agents])

    def _zone(self) -> datetime.timezone:
        """The clock of times without an offset."""
        import datetime

        match = re.fullmatch(r"([+-])([0-9]{2}):([0-9]{2})", self.offset)
        if match is None:
            return datetime.UTC
        shift = datetime.timedelta(hours=int(match[2]), minutes=int(match[3]))
        return datetime.timezone(-shift if match[1] == "-" else shift)

    def _judge(self, folder: bytes, agents: Sequence[_Active]) -> Iterator[Finding]:
        """Count the agents of one pass by going through their beginnings and ends in order."""
        place = path_text(folder) if folder else "the repository"
        events: list[tuple[datetime.datetime, int, _Active]] = []
        for agent in agents:
            if agent.first is not None and agent.last is not None:
                # At one moment ends go before beginnings, but for the end of an agent that has one moment.
                events.append((agent.first, 1, agent))
                events.append((agent.last, 2 if agent.first == agent.last else 0, agent))
        active: list[_Active] = []
        most = 0
        for moment, kind, agent in sorted(events, key=lambda event: (*event[:2], event[2].work.agent)):
            if kind != 1:
                active.remove(agent)
                continue
            active.append(agent)
            most = len(active)
            if most > self.max:
                names = ", ".join(sorted(one.work.agent for one in active))
                yield Finding(
                    f"{most} agents of {place} are active at once at {moment.isoformat()} ({names}), "
                    f"and {self.max} may be",
                    help="Close agents before others begin.",
                    path=agent.path,
                    line=agent.line,
                    key=f"agents of {place}",
                    setting="max",
                )
                return
        unknown = [agent for agent in agents if agent.first is None]
        if unknown and _most(events) + len(unknown) > self.max:
            names = ", ".join(sorted(agent.work.agent for agent in unknown))
            yield Finding(
                f"it cannot be told whether more than {self.max} agents of {place} are active at once: "
                f"there are no times of {names}",
                help="Write when each began and ended, such as 2026-01-31T12:00:00Z.",
                severity="warning",
                path=unknown[0].path,
                key=f"unknown agents of {place}",
                setting="max",
            )


class _Active:
    """When one agent of a pass is active.

    Attributes:
        work: what it left.
        first, last: from when to when; None where it has no times.
        path, line: where the first of these times stands.
    """

    def __init__(self, work: Work, zone: datetime.timezone) -> None:
        self.work = work
        self.first: datetime.datetime | None = None
        self.last: datetime.datetime | None = None
        self.path = work.artifacts[0].path
        self.line: int | None = None
        for artifact in work.artifacts:
            for moment, line in _moments(artifact, zone):
                if self.first is None or moment < self.first:
                    self.first, self.path, self.line = moment, artifact.path, line
                if self.last is None or moment > self.last:
                    self.last = moment


def _moments(artifact: Artifact, zone: datetime.timezone) -> Iterator[tuple[datetime.datetime, int]]:
    """The times of an artifact, each with its line."""
    for stamp in artifact.document.stamps:
        moment = stamp.moment
        yield moment if moment.tzinfo is not None else moment.replace(tzinfo=zone), stamp.at


def _most(events: Sequence[tuple[datetime.datetime, int, _Active]]) -> int:
    """The most agents that are active at one moment."""
    active = most = 0
    for _, kind, _ in sorted(events, key=lambda event: event[:2]):
        active += 1 if kind == 1 else -1
        most = max(most, active)
    return most
