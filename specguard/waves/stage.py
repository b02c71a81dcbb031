"""One stage of one wave: its artifacts and items, whether it is open and complete, and what is missing."""

from __future__ import annotations

from functools import cached_property

from specguard.artifacts.fields import chosen, stated, value_problem
from specguard.declaration.rule import Record
from specguard.documents.fields import find_fields
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.fields import Field
    from specguard.model import Finding
    from specguard.plans.plans import Plan
    from specguard.waves.settings import WaveStage
    from specguard.waves.waves import Waves
    from specguard.work.sources import Listed, Source

    Key = tuple[str, ...]


class Missing(Record):
    """Something that stands between a stage and its completion.

    Attributes:
        what: what is missing or wrong, as a clause.
        path: the file it is about; None where there is none yet.
        line: its line, from 1; None where none can be told.
    """

    what: str
    path: bytes | None = None
    line: int | None = None

    def __str__(self) -> str:
        return self.what

    def __repr__(self) -> str:
        return f"Missing({self.what!r})"


class StageState:
    """A stage of a wave.

    Attributes:
        wave: whose it is.
        settings: what the policy says of it.
        name: what it is called.
    """

    def __init__(self, wave: Wave, settings: WaveStage) -> None:
        self.wave = wave
        self.settings = settings
        self.name = settings.name

    @cached_property
    def artifacts(self) -> Sequence[Artifact]:
        """Its own artifacts: those of contracts that no earlier stage requires or leaves, by path."""
        owners = self.wave.waves.owners
        found = [
            artifact
            for contract in self.settings.artifacts
            if owners[contract] is self.settings
            for artifact in self.wave.artifacts(contract)
        ]
        return sorted(found, key=lambda one: one.path)

    @cached_property
    def items(self) -> Sequence[Listed]:
        """Its items.

        Raises:
            MissingFact: a file that lists them cannot be read.
        """
        waves = self.wave.waves
        kind = waves.kind_of(self.settings.items)
        items = self.wave.items(kind) if kind else ()
        return [item for item in items if waves.stage_of(item) is self.settings]

    @cached_property
    def needed(self) -> bool:
        """Whether the wave needs it: always, unless `when` makes it depend on what an artifact says.

        Raises:
            MissingFact: such an artifact cannot be read.
        """
        conditions = self.settings.when
        contracts = self.wave.waves.artifacts.contracts
        # Where nobody can say that it is not needed, it is.
        return (
            any(key.rpartition(".")[0] not in contracts for key in conditions)
            or not conditions
            or any(
                chosen(field.value, [values] if isinstance(values, str) else values)
                for key, values in conditions.items()
                for _, field in self._fields(*key.rsplit(".", 1))
            )
        )

    @cached_property
    def before(self) -> Sequence[StageState]:
        """The stages that must be complete before it opens, and those before them, in order."""
        wanted = set(self.settings.opens_after)
        found: list[StageState] = []
        for stage in reversed(self.wave.stages):
            if stage.name in wanted:
                found.insert(0, stage)
                wanted.update(stage.settings.opens_after)
        return found

    @cached_property
    def waits_for(self) -> Sequence[StageState]:
        """Of the stages before it those that are not complete.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return [stage for stage in self.before if not stage.complete]

    @property
    def open(self) -> bool:
        """Whether all stages before it are complete.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return not self.waits_for

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, or the wave does not need it.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return not self.needed or not self.missing

    @property
    def state(self) -> str:
        """`complete`, `open`, `waiting` (for another stage), or `not needed`.

        Raises:
            MissingFact: something that must be read is not there.
        """
        if not self.needed:
            return "not needed"
        return "complete" if self.complete and self.open else "open" if self.open else "waiting"

    @cached_property
    def missing(self) -> Sequence[Missing]:
        """What stands between it and its completion.

        Raises:
            MissingFact: something that must be read is not there.
        """
        known = self.wave.waves.artifacts.contracts
        unknown = [name for key in self.settings.when if (name := key.rpartition(".")[0]) not in known]
        contracts = [*unknown, *self.settings.artifacts]
        return [*self._unfulfilled(contracts), *self._unstated(contracts), *self._unclosed()]

    @cached_property
    def lacking(self) -> Sequence[Missing]:
        """What must be there before its work begins: what it requires, leaving aside what it leaves.

        Raises:
            MissingFact: something that must be read is not there.
        """
        contracts = self.settings.requires
        return [*self._unfulfilled(contracts), *self._unstated(contracts)]

    def _unfulfilled(self, contracts: Sequence[str]) -> Iterator[Missing]:
        """The contracts without an artifact, and the artifacts that do not fulfil theirs."""
        waves = self.wave.waves
        said: set[tuple[bytes | None, str]] = set()
        for contract in contracts:
            declared = waves.artifacts.contracts.get(contract)
            if declared is None:
                yield Missing(f"the policy has no [artifacts.{contract}]")
                continue
            artifacts = self.wave.artifacts(contract)
            if not artifacts:
                yield Missing(f"there is no {contract} ({declared.path or declared.root})")
            for artifact in artifacts:
                for flaw in [*waves.flaws(artifact), *self._misshapen(artifact.path)]:
                    # What is wrong with a member of a pass may be said of the pass and of itself.
                    if (flaw.path, flaw.message) not in said:
                        said.add((flaw.path, flaw.message))
                        yield Missing(flaw.message, flaw.path or artifact.path, flaw.line)

    def _misshapen(self, path: bytes) -> Iterator[Finding]:
        """What is wrong with an artifact that is a plan, or else lists work items."""
        plans = self.wave.waves.plans
        plan = plans.at(path) if plans is not None else None
        if plans is not None and plan is not None:
            found = [*plans.flaws(plan), *plan.broken()]
            yield from (flaw for flaw in found if flaw.severity in (None, "error"))
            return
        sources = self.wave.waves.sources
        source = sources.at(path) if sources is not None else None
        if sources is not None and source is not None:
            yield from sources.flaws(source)
            yield from sources.broken(source)

    def _unstated(self, contracts: Sequence[str]) -> Iterator[Missing]:
        """The fields that none of these artifacts has, and those with another value than they must have."""
        for key, values in self.settings.fields.items():
            contract, dot, name = key.rpartition(".")
            if not dot or contract not in self.wave.waves.artifacts.contracts:
                contract, name = "", key
            elif contract not in contracts:
                continue
            among = [contract] if contract else contracts
            found = [pair for one in among for pair in self._fields(one, name)]
            wanted = " or ".join([values] if isinstance(values, str) else values)
            declared = [self.wave.waves.artifacts.contracts[one] for one in among if self.wave.artifacts(one)]
            # Where a contract asks for the field, what is wrong with it has been said already.
            if not found and declared and not any(name in one.fields for one in declared):
                yield Missing(f"{' and '.join(among)} has no field {name!r}, which must be {wanted}")
            for path, field in found:
                problem = value_problem(field.value, values)
                if problem:
                    yield Missing(f"{path_text(path)}: {field.name} {problem}", path, field.line)

    def _fields(self, contract: str, name: str) -> Iterator[tuple[bytes, Field]]:
        """A field of each of the wave's artifacts of a contract; of a pass that of each of its members."""
        artifacts = self.wave.waves.artifacts
        for artifact in self.wave.artifacts(contract):
            if not artifact.contract.root:
                for field in stated(artifact, name)[:1]:
                    yield artifact.path, field
                continue
            for template in artifact.contract.members:
                for path in artifacts.places.files_beside(artifact.path, template, artifact.fields):
                    for field in find_fields(artifacts.documents.fields(path), name)[:1]:
                        yield path, field

    @cached_property
    def owed(self) -> Sequence[Listed]:
        """The items that must be done and are not: conditional ones and those that are put off left out.

        Raises:
            MissingFact: something that must be read is not there.
        """
        sources = self.wave.waves.sources
        return [
            item
            for item in self.items
            if sources is None or not (item.deferred or item.conditional or sources.done(item))
        ]

    def _unclosed(self) -> Iterator[Missing]:
        """The items that are owed, and the files that should list them and do not."""
        if not self.settings.items:
            return
        kind = self.wave.waves.kind_of(self.settings.items)
        sources = self.wave.waves.sources
        if kind is None:
            yield Missing(f"the policy has no [work.{self.settings.items}] with a source")
            return
        if sources is None or not kind:
            yield from self._undone()
            return
        files = self.wave.sources(kind)
        if not files:
            places = " or ".join(sources.kinds[kind].sources)
            yield Missing(f"no file lists the {kind}s ({places})")
        for source in files:
            if source.problem:
                yield Missing(f"{path_text(source.path)} {source.problem}", source.path)
            for item in self.owed:
                if item.source is not source:
                    continue
                status = f"its status is {sources.status_of(item)}" if item.status else "it has no status"
                yield Missing(f"{item} is not closed: {status}", source.path, item.line)

    def _undone(self) -> Iterator[Missing]:
        """The tasks of plans that are not done."""
        plans = self.wave.plans
        if not plans:
            yield Missing("there is no plan")
        for plan in plans:
            if not plan.tasks:
                yield Missing(f"{path_text(plan.path)} lists no tasks", plan.path)
            for task in plan.tasks:
                if not task.done and not task.deferred:
                    status = task.status or "without a status"
                    yield Missing(f"{task.name} of {plan.name} is {status}", plan.path, task.line)

    def __repr__(self) -> str:
        return f"StageState({self.name!r}, {dict(self.wave.fields)!r})"


UNKNOWN: Final = "?"
"""What stands for a value that tells a wave from others where nothing says which one is meant."""


class Wave(Record):
    """One run through the stages.

    Attributes:
        waves: all of them.
        fields: the values of `by` that tell it from others; empty where there is one wave.
    """

    waves: Waves
    fields: Mapping[str, str]

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.waves.key_of(self.fields)

    @property
    def name(self) -> str:
        """What messages call it: `wave d`, or `the wave` where there is one alone."""
        known = [value for value in self.fields.values() if value != UNKNOWN]
        return f"wave {' '.join(known)}" if known else "the wave"

    @cached_property
    def stages(self) -> Sequence[StageState]:
        """Its stages, in order."""
        return [StageState(self, settings) for settings in self.waves.settings.stages]

    @cached_property
    def by_name(self) -> Mapping[str, StageState]:
        """Its stages by their names."""
        return {stage.name: stage for stage in self.stages}

    @property
    def complete(self) -> bool:
        """Whether every stage that it needs is.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return all(stage.complete for stage in self.stages)

    @property
    def current(self) -> StageState | None:
        """The first stage that is open and not complete; None where there is none.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return next((stage for stage in self.stages if stage.open and not stage.complete), None)

    @property
    def begun(self) -> bool:
        """Whether anything of it is there."""
        return any(stage.artifacts for stage in self.stages)

    def artifacts(self, contract: str) -> Sequence[Artifact]:
        """Its artifacts of a contract, by path; those in a folder that a later pass supersedes left out."""
        return self.waves.artifacts_by_key(contract).get(self.key, ())

    def sources(self, kind: str) -> Sequence[Source]:
        """Its files that list the items of a kind."""
        return self.waves.sources_by_key(kind).get(self.key, ())

    def items(self, kind: str) -> Sequence[Listed]:
        """Its items of a kind, in the order in which they are listed."""
        return [listed for source in self.sources(kind) for listed in source.items]

    @property
    def plans(self) -> Sequence[Plan]:
        """Its plans, by path."""
        return self.waves.plans_by_key.get(self.key, ())

    def __repr__(self) -> str:
        return f"Wave({dict(self.fields)!r})"
