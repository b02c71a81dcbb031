"""What the passes of a folder lack of the sweeps of their agents."""

from __future__ import annotations

from specguard.rules import Finding, path_text
from specguard_rules.artifacts._passes import Words, about, rows_of, sweeps_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import Row
    from specguard.documents.dates import Stamp
    from specguard_rules.artifacts._passes import Pass, Sweep, Work
    from specguard_rules.artifacts.missing_compaction import MissingCompaction


class Sweeping:
    """The passes of one folder, in their order."""

    def __init__(self, rule: MissingCompaction, passes: Sequence[Pass]) -> None:
        self._rule = rule
        self._passes = passes
        self._aligned = Words(rule.aligned)
        self._stale = Words(rule.stale)
        self._closed = Words(rule.closing)
        self._compacted = Words(rule.compaction)
        self._sweeps: dict[bytes, list[Sweep]] = {}

    def judge(self, *, whole: bool) -> Iterator[Finding]:
        """What is missing in the passes that are judged; agents are followed through all of them."""
        there: dict[str, Pass] = {}
        for one in self._passes:
            judged = whole or one.touched
            sweeps = self._of(one)
            if not sweeps and judged:
                yield self._none(one)
            elif judged:
                yield from _late(one, sweeps)
            unswept: list[str] = []
            for name in sorted(there) if sweeps else ():
                rows = self._about(there[name].agents[name].agent, sweeps)
                if not rows:
                    unswept.append(name)
                    continue
                finding, gone = self._agent(name, there[name], one, sweeps[0], rows)
                if finding is not None and judged:
                    yield finding
                if gone:
                    del there[name]
            if unswept and judged:
                yield _unswept([(there[name], name) for name in unswept], one, sweeps[0])
            for name, work in one.agents.items():
                there[name] = one
                if self._ends(work, one):
                    del there[name]

    def _of(self, one: Pass) -> list[Sweep]:
        """The sweep of a pass: its own, or one elsewhere that names its folder."""
        own = [sweep for holder in one.holders for sweep in self._in(holder)]
        name = path_text(one.folder.rpartition(b"/")[2])
        others = [sweep for other in self._passes for holder in other.holders for sweep in self._in(holder)]
        return own or [sweep for sweep in others if name and sweep.names(name)]

    def _in(self, holder: Artifact) -> list[Sweep]:
        if holder.path not in self._sweeps:
            self._sweeps[holder.path] = list(sweeps_in(holder, self._rule.sections))
        return self._sweeps[holder.path]

    def _none(self, one: Pass) -> Finding:
        works = sorted(one.agents.values(), key=lambda work: not work.touched)
        places = [holder.path for holder in one.holders] + [work.artifacts[0].path for work in works]
        where = path_text(one.holders[0].path) if one.holders else f"an artifact {self._rule.sweep!r}"
        message = f"{one.name} has no sweep of its agents"
        step = (
            f"Record in a section {self._rule.sections[0]!r} of {where} every agent that is still "
            "there, as aligned or stale."
        )
        place = places[0] if places else one.folder
        return Finding(message, help=step, path=place, key=f"sweep {one.name}", setting="sweep")

    def _about(self, agent: str, sweeps: Sequence[Sweep]) -> list[Row]:
        """What sweeps say of an agent."""
        is_about = about(agent)
        return [row for sweep in sweeps for row in sweep.rows if is_about(row)]

    def _agent(
        self, name: str, last: Pass, one: Pass, sweep: Sweep, rows: Sequence[Row]
    ) -> tuple[Finding | None, bool]:
        """What is missing of an agent of an earlier pass, and whether it is there no more."""
        agent = last.agents[name].agent
        path, line = sweep.artifact.path, rows[0].line
        aligned = any(self._aligned.said(row) for row in rows)
        stale = any(self._stale.said(row) for row in rows)
        key, message, help = "", "", ""
        if aligned == stale:
            which = "both aligned and stale" if aligned else "neither aligned nor stale"
            message = f"the sweep of {one.name} has the agent {agent} as {which}"
            key, help = "state", "Say which it is."
        elif stale:
            if any(self._closed.said(row) for row in rows) or self._closes(name, last, one):
                return None, True
            message = f"the agent {agent} is stale, and nothing says that it was closed"
            key = "open"
            help = f"Close it, and write so: `{agent}: {self._rule.stale[0]}, {self._rule.closing[0]}`."
        elif name in one.agents and not any(self._compacted.said(row) for row in rows):
            work = one.agents[name]
            if not self._begins_anew(work):
                message = f"the agent {agent}, of {last.name}, is reused in {one.name} without a compaction"
                logs = [artifact for artifact in work.artifacts if artifact.contract.timestamps]
                key, path, line = "compaction", (logs or work.artifacts)[0].path, 0
                help = f"Record its `{self._rule.compaction[0]}` before its first work, here or in the sweep."
        if not message:
            return None, False
        setting = "compaction" if key == "compaction" else "sweep"
        return Finding(
            message, help=help, path=path, line=line or None, key=f"{key} {agent}", setting=setting
        ), False

    def _closes(self, name: str, *passes: Pass) -> bool:
        """Whether an agent's own artifacts have an entry that closes it."""
        works = [one.agents[name] for one in passes if name in one.agents]
        return any(self._closed.begin(row) for work in works for row in rows_of(*work.artifacts))

    def _ends(self, work: Work, one: Pass) -> bool:
        """Whether an agent was closed at the end of the pass in which it worked."""
        is_about = about(work.agent)
        return self._closes(work.agent.casefold(), one) or any(
            is_about(row) and self._closed.said(row) for row in rows_of(*one.holders)
        )

    def _begins_anew(self, work: Work) -> bool:
        """Whether an agent's own artifacts say that it was compacted, before a second entry of theirs."""
        for artifact in work.artifacts:
            entries = sorted(stamp.at for stamp in _stamps(artifact))
            latest = entries[1] if len(entries) > 1 else None
            for row in rows_of(artifact):
                if (latest is None or row.line <= latest) and self._compacted.said(row):
                    return True
        return False


def _unswept(agents: Sequence[tuple[Pass, str]], one: Pass, sweep: Sweep) -> Finding:
    """That agents of earlier passes are not in a sweep."""
    names = sorted(last.agents[name].agent for last, name in agents)
    earlier = sorted({last.name for last, _ in agents})
    several = len(names) > 1
    return Finding(
        f"the agent{'s' if several else ''} {', '.join(names)}, of {' and '.join(earlier)}, "
        f"{'are' if several else 'is'} not in the sweep of {one.name}",
        help=f"Add {'them' if several else 'it'}, as aligned or stale.",
        path=sweep.artifact.path,
        line=sweep.line,
        key=f"unswept {one.name}",
        setting="sweep",
    )


def _late(one: Pass, sweeps: Sequence[Sweep]) -> Iterator[Finding]:
    """Where an agent's first entry is surely earlier than the sweep."""
    recorded = [
        stamp
        for sweep in sweeps
        for stamp in _stamps(sweep.artifact)
        if sweep.line <= stamp.at <= sweep.end and stamp.moment.tzinfo is not None
    ]
    if not recorded:
        return
    sweep = min(recorded, key=lambda stamp: stamp.moment)
    for work in one.agents.values():
        times = [
            (stamp.moment, artifact.path, stamp.at)
            for artifact in work.artifacts
            for stamp in _stamps(artifact)
            if stamp.moment.tzinfo is not None and stamp.last < sweep.moment
        ]
        if times:
            _, path, line = min(times)
            message = f"the agent {work.agent} begins before the sweep of {one.name}, at {sweep.text}"
            step = "Sweep the agents before the pass begins."
            yield Finding(message, help=step, path=path, line=line, key=f"late {work.agent}", setting="sweep")


def _stamps(artifact: Artifact) -> Sequence[Stamp]:
    return artifact.document.stamps
