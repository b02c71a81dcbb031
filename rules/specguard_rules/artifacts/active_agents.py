"""Rules about active agents: how many there may be, and the sweep that each pass must begin with."""

from __future__ import annotations

import itertools
import re

from specguard.rules import Finding, Record, Rule, path_text, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, ClassVar, Final

    from specguard.artifacts.artifacts import AgentWork, Artifact
    from specguard.documents.blocks import Row, Section
    from specguard.rules import Artifacts

    Sweep = tuple[Artifact, Section, list[Row]]
    """The artifact and section that record a sweep, and the section's rows that are not empty."""


_LONGEST: Final = 2000
"""The number of characters of a row that are read."""

# These are compiled on first use, since a hook may import the rule only for its settings. A box or strike
# in front stays, so that such a row says nothing.
_LEADING_TIME: Final = (
    r"(?i)^(?!\s*(?:\[ |~~))\W*(?:[0-9]{4}(?:-[0-9]{2}){2}\S*(?:\s+[0-9]{1,2}:\S+)?|[0-9]{1,2}:[0-9]{2}\S*)"
    r"(?:\s+(?:utc|gmt|[+-][0-9:]+)\b)?[\s:\])\u2013\u2014-]*"
)
_AFTER_NAMES: Final = r":\s|\s[-\u2013\u2014]\s"
_BETWEEN_NAMES: Final = r",|\band\b"
# A box stays, so that an item with one names nobody.
_NO_NAME: Final = r"(?i)^\W*agents?\b|\s*\(.*|[^\w\[]+|_"
_BETWEEN_WORDS: Final = r"[.,;]\s|\s[-\u2013\u2014]\s"

_CLOSED: Final = "closed"
_COMPACTED: Final = frozenset({"/compact", "/compact sent", "compacted"})


def words_of(text: str) -> list[str]:
    """Return what a text says, in lower case: the parts between its commas, full stops and dashes."""
    return [part.strip(" `*_.").casefold() for part in re.split(_BETWEEN_WORDS, text[:_LONGEST])]


def entry_words(row: Row) -> list[str]:
    """Return what an entry of a log says behind its time."""
    return words_of(re.sub(_LEADING_TIME, "", " - ".join(row.cells)[:_LONGEST]))


def words_about(agent: str, rows: Iterable[Row]) -> tuple[int, set[str]]:
    """Return the first line about an agent, and the words of all rows about it; 0 without any.

    A table's row names its agent in the first cell, other rows before a colon or dash. Several agents may
    share a row: `P1, P2: aligned`. Signs and what is in parentheses do not belong to a name.

    Args:
        agent: the agent's name, as it is in paths.
        rows: the rows of a document.
    """
    name = _plain_name(agent)
    line, words = 0, set[str]()
    for row in rows if name else ():
        first, *others = row.cells or [""]
        first = re.sub(_LEADING_TIME, "", first[:_LONGEST])
        names, *said = [first] if row.header else re.split(_AFTER_NAMES, first, maxsplit=1)
        # A strike that begins at a name and ends behind it takes the row out.
        if names.count("~~") != 1 and name in map(_plain_name, re.split(_BETWEEN_NAMES, names)):
            line = line or row.line
            words.update(word for text in (*said, *others) for word in words_of(text))
    return line, words


def _plain_name(text: str) -> str:
    return re.sub(_NO_NAME, "", text).casefold()


class Pass(Record, frozen=False):
    """A pass with its agents and the artifacts that may contain its sweep.

    Attributes:
        folder: the path of its folder.
        agents: the artifacts that each agent left in it, by the agent's lower-case name.
        sweep_files: the artifacts in it that may contain its sweep.
    """

    folder: bytes
    agents: dict[str, AgentWork] = {}
    sweep_files: list[Artifact] = []

    @property
    def name(self) -> str:
        """The pass's name in messages."""
        return path_text(self.folder) or "the repository's root"

    @property
    def touched(self) -> bool:
        """True if the change touches its agents' artifacts or its sweep."""
        works = self.agents.values()
        return any(work.touched for work in works) or any(artifact.touched for artifact in self.sweep_files)

    @property
    def date(self) -> str:
        """The date in the folder's name; empty if it has none."""
        date = re.search(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", path_text(self.folder.rpartition(b"/")[2]))
        return date[0] if date else ""

    @property
    def sort_key(self) -> Any:
        """The folder's name as a sort key, with its numbers compared by value."""
        parts = re.split(r"([0-9]{1,18})", path_text(self.folder.rpartition(b"/")[2]))
        return [(int(part), "") if position % 2 else (0, part) for position, part in enumerate(parts)]


def read_passes(artifacts: Artifacts, names: Sequence[str], sweep: str) -> list[list[Pass]]:
    """Return the passes of each folder, sorted by the dates in their names if all have one, then by name.

    Args:
        artifacts: all artifacts.
        names: the contracts of agents' artifacts.
        sweep: the contract of the artifacts that contain sweeps.
    """
    found = {one.path: Pass(one.path) for one in artifacts.passes}
    for work in artifacts.agent_works(names):
        found.setdefault(work.folder, Pass(work.folder)).agents[work.agent.casefold()] = work
    for artifact in artifacts.named(sweep):
        folder = artifact.pass_folder
        if artifact.is_file:
            found.setdefault(folder, Pass(folder)).sweep_files.append(artifact)
    sequences: dict[bytes, list[Pass]] = {}
    for one in found.values():
        sequences.setdefault(one.folder.rpartition(b"/")[0], []).append(one)
    for passes in sequences.values():
        dated = all(one.date for one in passes)
        passes.sort(key=lambda one: (one.date if dated else "", one.sort_key))
    return [passes for _, passes in sorted(sequences.items())]


class TooManyAgents(Rule):
    r"""Too many agents of one pass are active at once.

    An agent is active from the first to the last time in its scratchpads: artifacts with `timestamps` and
    `{agent}` in their path. Times without an offset are UTC. A pass is a folder that matches `root` of
    `[artifacts.<name>]`, else the scratchpad's own.

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
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.timestamps",)
    condition: ClassVar[str] = "no more than {max} agents of a pass are active at once"

    max: int = setting(6, "the most at once", ge=1, tightens="lower")

    def check(self, artifacts: Artifacts, whole: bool) -> Iterator[Finding]:
        """Count the active agents of each pass."""
        names = [name for name in artifacts.agent_contracts if artifacts.contracts[name].timestamps]
        for folder, works in itertools.groupby(artifacts.agent_works(names), key=lambda work: work.folder):
            agents = list(works)
            if len(agents) > self.max and (whole or any(work.touched for work in agents)):
                yield from self._judge(folder, agents)

    def _judge(self, folder: bytes, agents: Sequence[AgentWork]) -> Iterator[Finding]:
        """Count the agents that are active whenever an agent of the pass begins."""
        place = path_text(folder) if folder else "the repository"
        # ART010 reports those without times.
        known = sorted((one for one in agents if one.times), key=lambda one: (one.times[0][0], one.agent))
        for begin in (work.times[0][0] for work in known):
            active = [one for one in known if one.is_active(begin)]
            if len(active) > self.max:
                names = ", ".join(sorted(one.agent for one in active))
                when = f"at once at {begin.isoformat()} ({names})"
                message = f"{len(active)} agents of {place} are active {when}, and {self.max} may be"
                step, (_, path, stamp) = "Close agents before others begin.", active[self.max].times[0]
                yield Finding(message, step, path, stamp.at, key=f"agents of {place}", setting="max")
                return


class MissingCompaction(Rule):
    r"""A pass's agents are not swept, closed or compacted.

    The sweep is a section of the artifact `sweep`, in the pass's folder. It calls every earlier open agent
    aligned or stale: `- P1: aligned, /compact sent`, `- P2: stale, closed`. A stale one is closed there or in
    its scratchpad. One that continues is compacted before its second entry. An agent's artifacts are those
    with `{agent}` in their path.

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
    message = "lacks agents of docs/pass-01: P3"

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
    requires: ClassVar[tuple[str, ...]] = ("sweep",)
    condition: ClassVar[str] = "every pass begins with a sweep, which closes or compacts the agents there are"

    sweep: str = setting("", "the contract with the sweep", tightens=[""], names=["artifacts"])
    sections: list[str] = setting(["Agent Sweep", "Agent Registry"], "its titles", min_length=1)

    def check(self, artifacts: Artifacts, whole: bool) -> Iterator[Finding]:
        """Follow the agents through the passes of each folder, in order."""
        names = [name for name in artifacts.agent_contracts if name != self.sweep]
        if not (whole or {one.name for one in artifacts.judged} & {self.sweep, *names}):
            return
        for passes in read_passes(artifacts, names, self.sweep):
            if whole or any(one.touched for one in passes):
                yield from self._judge(passes, whole=whole)

    def _judge(self, passes: Sequence[Pass], *, whole: bool) -> Iterator[Finding]:
        """Yield the findings in the judged passes of a folder; agents are followed through all of them."""
        # The last work of each agent that is still there, by the agent's lower-case name.
        alive: dict[str, AgentWork] = {}
        for one in passes:
            sweeps = [sweep for holder in one.sweep_files for sweep in self._sweeps(holder)]
            found = list(_late_findings(one, sweeps)) if sweeps else [self._missing_sweep(one)]
            unswept: list[AgentWork] = []
            for name, last in sorted(alive.items()) if sweeps else ():
                line, words = words_about(last.agent, (row for _, _, entries in sweeps for row in entries))
                if not line:
                    unswept.append(last)
                elif _states(words) == ["stale"] and _is_closed(words, last, one.agents.get(name)):
                    del alive[name]
                else:
                    found += _agent_findings(last, one, sweeps[0][0], line, words)
            if unswept:
                found.append(_unswept_finding(unswept, one, sweeps[0]))
            yield from found if whole or one.touched else ()
            for name, work in one.agents.items():
                rows = (row for holder in one.sweep_files for row in holder.document.rows())
                alive[name] = work
                if _is_closed(words_about(work.agent, rows)[1], work):
                    del alive[name]

    def _sweeps(self, holder: Artifact) -> Iterator[Sweep]:
        """Yield the sections of an artifact that have one of the titles and rows with content."""
        for section in holder.document.entitled(*self.sections):
            if text := [row for row in holder.document.rows(section) if row.says()]:
                yield holder, section, text

    def _missing_sweep(self, one: Pass) -> Finding:
        works = sorted(one.agents.values(), key=lambda work: not work.touched)
        places = [artifact.path for artifact in (*one.sweep_files, *(work.artifacts[0] for work in works))]
        where = f"a section {self.sections[0]!r} of its {self.sweep}"
        step = f"Record in {where} every agent that is still there, as aligned or stale."
        message, place = f"{one.name} has no sweep of its agents", (places or [one.folder])[0]
        return Finding(message, step, place, key=f"sweep {one.name}", setting="sweep")


def _agent_findings(
    last: AgentWork, one: Pass, sweep: Artifact, line: int, words: set[str]
) -> Iterator[Finding]:
    """Yield the finding for an earlier pass's agent that is not closed.

    Args:
        last: its work in the earlier pass.
        one: this pass.
        sweep: the artifact with the sweep.
        line: the sweep's first row about the agent.
        words: what the rows about the agent say.
    """
    agent, now, before = last.agent, one.agents.get(last.agent.casefold()), Pass(last.folder).name
    path, states = sweep.path, _states(words)
    if states == ["stale"]:
        key, message = "open", f"the agent {agent} is stale, and nothing says that it was closed"
        step = f"Close it, and write so: `{agent}: stale, closed`."
    elif states != ["aligned"]:
        key, step = "state", f"Say which it is in its item, between commas: `- {agent}: aligned`."
        message = f"the sweep of {one.name} does not have the agent {agent} as either aligned or stale"
    elif now is None or not words.isdisjoint(_COMPACTED) or _is_compacted(now):
        return
    else:
        key = "compaction"
        message = f"the agent {agent}, of {before}, is reused in {one.name} without a compaction"
        step = f"Record it in the sweep, `- {agent}: aligned, /compact sent`, or before its first work here."
        path, line = now.logs[0].path, 0
    yield Finding(message, step, path, line or None, key=f"{key} {agent}", setting="sweep")


def _states(words: set[str]) -> list[str]:
    # A text such as `but stale in fact` makes it unclear which of them an agent is.
    return [word for word in words if re.search("(?<!not )(?<!~~)(?:aligned|stale)", word)]


def _is_closed(words: set[str], *works: AgentWork | None) -> bool:
    """True if the rows about an agent say that it is closed, or an entry of its own logs begins so."""
    own = (row for work in works if work is not None for log in work.logs for row in log.document.rows())
    return _CLOSED in words or any(entry_words(row)[0] == _CLOSED for row in own)


def _is_compacted(work: AgentWork) -> bool:
    """True if an agent's logs say before their second entry that it was compacted."""
    for artifact in work.logs:
        second = sorted(stamp.at for stamp in artifact.document.stamps)[1:2]
        rows = (row for row in artifact.document.rows() if not second or row.line <= second[0])
        if any(not _COMPACTED.isdisjoint(entry_words(row)) for row in rows):
            return True
    return False


def _unswept_finding(works: Sequence[AgentWork], one: Pass, sweep: Sweep) -> Finding:
    """Build the finding about agents of earlier passes that a sweep does not mention."""
    names = ", ".join(sorted(work.agent for work in works))
    earlier = " and ".join(sorted({Pass(work.folder).name for work in works}))
    message = f"the sweep of {one.name} lacks agents of {earlier}: {names}"
    path, line, step = sweep[0].path, sweep[1].line, f"Add each: `- {works[0].agent}: aligned`, or stale."
    return Finding(message, step, path, line, key=f"unswept {one.name}", setting="sweep")


def _late_findings(one: Pass, sweeps: Sequence[Sweep]) -> Iterator[Finding]:
    """Yield findings for agents whose first entry is certainly earlier than the sweep."""
    stamps = ((section, stamp) for artifact, section, _ in sweeps for stamp in artifact.document.stamps)
    within = (one for section, one in stamps if section.line <= one.at <= section.end and one.moment.tzinfo)
    sweep = min(within, key=lambda stamp: stamp.moment, default=None)
    if sweep is None:
        return
    for work in one.agents.values():
        times = [(path, at) for _, path, at in work.times if at.moment.tzinfo and at.last < sweep.moment]
        for path, first in times[:1]:
            message = f"the agent {work.agent} begins before the sweep of {one.name}, at {sweep.text}"
            step = "Sweep the agents before the pass begins."
            yield Finding(message, step, path, first.at, key=f"late {work.agent}", setting="sweep")
