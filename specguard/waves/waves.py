"""Waves: which there are, which artifacts and items are whose, how far each stage is and what it lacks."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.artifacts.fields import chosen, stated, value_problem
from specguard.artifacts.files import above
from specguard.declaration.rule import Record
from specguard.documents.fields import Field, find_fields, normal_name
from specguard.errors import MissingFact, nearest
from specguard.model import Finding, path_text
from specguard.work.item import Papers, WorkItem
from specguard.work.name_templates import PathTemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final, TypeVar

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.artifacts.contracts import WaveSettings, WaveStage
    from specguard.change.entries import Commit, Entry
    from specguard.plans.plans import Plan, Plans
    from specguard.work.item_lists import Listed, Source, Sources

    Key = tuple[str, ...]
    _Placed = TypeVar("_Placed", Artifact, Source, Plan)


class Waves(Record, frozen=False):
    """The waves of one tree.

    Attributes:
        settings: the policy's `[wave]`.
        artifacts: the tree's.
        log_folder: the folder of the log of approvals, which is no work of any stage.
        sources: the tree's files that list work items.
        plans: the tree's plans.
        trusted: gives the waves of the trusted base, whose open items keep their files to themselves.
        known_waves, known_groups, known_flaws: what was found before.
    """

    settings: WaveSettings
    artifacts: Artifacts
    log_folder: bytes
    sources: Sources
    plans: Plans
    trusted: Callable[[], Waves] | None = None
    known_waves: dict[Key, Wave] = {}
    known_groups: dict[str, Mapping[Key, Sequence[Any]]] = {}
    known_flaws: dict[tuple[str, bytes], Sequence[Finding]] = {}

    @cached_property
    def all(self) -> Sequence[Wave]:
        """The waves of which anything is there, by what tells them apart.

        Raises:
            MissingFact: the tree cannot be read, or nothing in it could tell one wave from another.
        """
        return self.touched(self.artifacts.documents.tree.paths())

    def wave(self, fields: Mapping[str, str]) -> Wave:
        """The wave of these values, be there anything of it or not."""
        own = {name: fields[name].casefold() for name in self.settings.by}
        return self.known_waves.setdefault(self.key_of(own), Wave(self, own))

    def touched(self, paths: Iterable[bytes]) -> Sequence[Wave]:
        """The waves that have artifacts, files that list items, or plans at some of these paths, in order.

        Whether anything is there still does not count, so what is removed touches its wave too.

        Raises:
            MissingFact: the tree cannot be read, or nothing in it could tell one wave from another.
        """
        self._refuse_untold()
        listed = list(paths)
        found = [(listed[at], fields) for one in self._templates for at, fields in one.find(listed)]
        known = [self.fields_at(path, fields) for path, fields in found]
        waves = {wave.key: wave for wave in (self.wave(fields) for fields in known if fields is not None)}
        return [waves[key] for key in sorted(waves, key=lambda key: [natural(part) for part in key])]

    def is_paper(self, path: bytes) -> bool:
        """True if a path is a paper of the plan, such as a wave's artifact, or in the log of approvals."""
        of_wave = any(template.read(path) is not None for template in self._templates)
        return of_wave or path.startswith(self.log_folder) or bool(self._papers.at(path))

    @property
    def kept(self) -> Sequence[Listed]:
        """The items that the trusted base lists with files, and that are not done, put off or superseded.

        Nobody else changes their files until all of their stage is done, be it open yet or not.

        Raises:
            MissingFact: something that must be read is not there.
        """
        trusted = self.trusted() if self.trusted is not None else self
        if not trusted.sources.kinds:
            return []
        return [
            item
            for wave in trusted.all
            for stage in wave.stages
            if trusted.kind_of(stage.settings.items) and stage.owed
            for item in stage.items
            if item.files and not item.deferred and not trusted.sources.done(item)
        ]

    @cached_property
    def owners(self) -> Mapping[str, WaveStage]:
        """The stage whose artifact a contract's is: the first that requires or leaves it."""
        found: dict[str, WaveStage] = {}
        for stage in self.settings.stages:
            for contract in stage.artifacts:
                found.setdefault(contract, stage)
        return found

    def kind_of(self, items: str) -> str | None:
        """The kind of work item that a stage's `items` mean: by its name, or by that with an `s`.

        Returns:
            An empty text where the tasks of plans are meant; None if nothing is, or nothing can be.
        """
        if items == "tasks" and self.plans.kinds:
            return ""
        return next((kind for kind in (items, items.removesuffix("s")) if kind in self.sources.kinds), None)

    def stage_of(self, item: Listed) -> WaveStage | None:
        """The stage whose item an entry is: the one that it names as `stage`, else the first of its kind."""
        stages = [one for one in self.settings.stages if self.kind_of(one.items) == item.source.kind]
        named = normal_name(item.text("stage"))
        return next((one for one in stages if normal_name(one.name) == named), stages[0] if stages else None)

    def key_of(self, fields: Mapping[str, str]) -> Key:
        """The fields that identify the wave with these values."""
        return tuple(fields[name].casefold() for name in self.settings.by)

    def key_at(self, path: bytes, fields: Mapping[str, str]) -> Key | None:
        """The key of the wave that a file belongs to; None if nothing tells it; see `fields_at`."""
        known = self.fields_at(path, fields)
        return None if known is None else self.key_of(known)

    def out_of_order(
        self,
        *,
        entries: Sequence[Entry],
        commits: Sequence[Commit] = (),
        branch: str = "",
        item: WorkItem | None = None,
        landed: bool = False,
        whole: bool = False,
    ) -> Iterator[Finding]:
        """The parts of a change that belong to a stage which is not open; see `specguard.waves.stage_order`.

        Raises:
            MissingFact: something that must be read is not there.
        """
        from specguard.waves.stage_order import out_of_order

        yield from out_of_order(
            self, entries=entries, commits=commits, branch=branch, item=item, landed=landed, whole=whole
        )

    def fields_at(self, path: bytes, fields: Mapping[str, str]) -> Mapping[str, str] | None:
        """The values of `by` for a file, and others; None if one of them is not told.

        Args:
            path: the file; what its own fields do not tell, the folder of its pass may, or its content.
            fields: what its path or its content tells.
        """
        by = self.settings.by
        if all(fields.get(name) for name in by):
            return fields
        known = dict(fields)
        for one in self.artifacts.passes:
            if path.startswith(one.path + b"/"):
                known = {**one.fields, **known}
        if not all(known.get(name) for name in by):
            source = self.sources.at(path)
            known = {**(source.fields if source else {}), **known}
        return known if all(known.get(name) for name in by) else None

    def placed(self, what: str, found: Callable[[], Sequence[_Placed]], key: Key) -> Sequence[_Placed]:
        """Of all artifacts of a contract, lists or plans those of one wave; superseded ones left out.

        Args:
            what: what they are; they are found once.
            found: gives all of them.
            key: what tells the wave.
        """
        if what not in self.known_groups:
            groups: dict[Key, list[_Placed]] = {}
            for one in found():
                own = self.key_at(one.path, one.fields)
                if own is not None and not self.superseded(one.path):
                    groups.setdefault(own, []).append(one)
            self.known_groups[what] = groups
        return self.known_groups[what].get(key, ())

    def superseded(self, path: bytes) -> bool:
        """True if a path lies in the folder of a pass that a later one of its wave supersedes."""
        return bool(self._superseded) and not self._superseded.isdisjoint({path, *above([path])})

    def flaws(self, artifact: Artifact) -> Sequence[Finding]:
        """Findings about an artifact, without warnings.

        Raises:
            MissingFact: something that must be read is not there.
        """
        known = self.known_flaws.get((artifact.name, artifact.path))
        if known is None:
            found = (flaw for one in (artifact, *artifact.members) for flaw in one.flaws())
            known = [flaw for flaw in found if flaw.severity in (None, "error")]
            self.known_flaws[artifact.name, artifact.path] = known
        return known

    @cached_property
    def _superseded(self) -> frozenset[bytes]:
        """The folders of all passes but the last of each wave and contract, last by the order of numbers."""
        passes: dict[tuple[str, Key], list[bytes]] = {}
        for one in self.artifacts.passes:
            key = self.key_at(one.path, one.fields)
            if key is not None:
                passes.setdefault((one.name, key), []).append(one.path)
        kept = {
            max(paths, key=lambda path: natural(path.decode("utf-8", "surrogateescape")))
            for paths in passes.values()
        }
        return frozenset(path for paths in passes.values() for path in paths if path not in kept)

    @cached_property
    def _papers(self) -> Papers:
        templates = {name: one.template for name, one in self.artifacts.contracts.items()}
        return Papers(self.sources.kinds, templates)

    @cached_property
    def _templates(self) -> Sequence[PathTemplate]:
        """The templates of everything that belongs to a wave; of a pass that of what is in it."""
        contracts = self.artifacts.contracts
        texts = [contracts[name].template for name in self.owners if name in contracts]
        for stage in self.settings.stages:
            kind = self.kind_of(stage.items)
            if kind:
                texts += self.sources.kinds[kind].sources
            elif kind is not None:
                texts += [f"{kind.folder}/{kind.plan}" for kind in self.plans.kinds.values()]
        return [PathTemplate(text) for text in dict.fromkeys(texts)]

    def _refuse_untold(self) -> None:
        """Refuse a placeholder in `by` that no path has: no file would be of any wave, and none be judged."""
        if any(kind.sources for kind in self.sources.kinds.values()):
            # What a file lists its items under may tell it, too.
            return
        contracts = self.artifacts.contracts.values()
        plans = [kind.folder for kind in self.plans.kinds.values()]
        texts = [*(one.path or one.root for one in contracts), *plans]
        known = {name for text in texts for name in PathTemplate(text).names}
        for name in self.settings.by:
            if name not in known:
                step = nearest(name, known) or "there is none"
                why = f"`wave.by` names {name!r}, which is no placeholder of a path: {step}"
                raise MissingFact(why, code="incomplete-policy")


def natural(text: str) -> list[tuple[int, str]]:
    """A text for sorting: numbers in it by their value, all else whatever its case."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split("([0-9]{1,18})", text.casefold())
        if part
    ]


class Missing(Record):
    """Something that stands between a stage and its completion.

    Attributes:
        what: what is missing or wrong, as a clause.
        path: the file it is about; None if there is none yet.
        line: its line, from 1; None if none can be told.
    """

    what: str
    path: bytes | None = None
    line: int | None = None


class StageState(Record):
    """A stage of a wave.

    Attributes:
        wave: whose it is.
        settings: what the policy says of it.
    """

    wave: Wave
    settings: WaveStage

    @property
    def name(self) -> str:
        """What it is called."""
        return self.settings.name

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
        """True if the wave needs it: always, unless `when` makes it depend on what an artifact says.

        Raises:
            MissingFact: such an artifact cannot be read.
        """
        for key, values in self.settings.when.items():
            contract, _, name = key.rpartition(".")
            # Where nobody can say that it is not needed, it is.
            if contract not in self.wave.waves.artifacts.contracts or any(
                chosen(field.value, values) for _, field in self._field_of(contract, name)
            ):
                return True
        return not self.settings.when

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
        """True if all stages before it are complete.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return not self.waits_for

    @property
    def complete(self) -> bool:
        """True if nothing is missing, or the wave does not need it.

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
        if self.needed and self.open:
            return "complete" if self.complete else "open"
        return "waiting" if self.needed else "not needed"

    @cached_property
    def missing(self) -> Sequence[Missing]:
        """The missing things that keep it from completion.

        Raises:
            MissingFact: something that must be read is not there.
        """
        known = self.wave.waves.artifacts.contracts
        unknown = [name for key in self.settings.when if (name := key.rpartition(".")[0]) not in known]
        contracts = [*unknown, *self.settings.artifacts]
        return [*self._unfulfilled(contracts), *self._unstated(contracts), *self._unclosed()]

    @cached_property
    def lacking(self) -> Sequence[Missing]:
        """The missing things that its work needs before it begins; not those that it makes itself.

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
        """Findings about an artifact that is a plan or lists work items."""
        plans, sources = self.wave.waves.plans, self.wave.waves.sources
        if plan := plans.at(path):
            found = [*plans.flaws(plan), *plan.broken()]
            yield from (flaw for flaw in found if flaw.severity in (None, "error"))
        elif source := sources.at(path):
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
            found = [pair for one in among for pair in self._field_of(one, name)]
            wanted = " or ".join([values] if isinstance(values, str) else values)
            declared = [self.wave.waves.artifacts.contracts[one] for one in among if self.wave.artifacts(one)]
            # Where a contract asks for the field, what is wrong with it has been said already.
            if not found and declared and not any(name in one.fields for one in declared):
                yield Missing(f"{' and '.join(among)} has no field {name!r}, which must be {wanted}")
            for path, field in found:
                problem = value_problem(field.value, values)
                if problem:
                    yield Missing(f"{path_text(path)}: {field.name} {problem}", path, field.line)

    def _field_of(self, contract: str, name: str) -> Iterator[tuple[bytes, Field]]:
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
        return [item for item in self.items if not (item.deferred or item.conditional or sources.done(item))]

    def _unclosed(self) -> Iterator[Missing]:
        """The items that are owed, and the files that should list them and do not."""
        if not self.settings.items:
            return
        kind = self.wave.waves.kind_of(self.settings.items)
        sources = self.wave.waves.sources
        if kind is None:
            yield Missing(f"the policy has no [work.{self.settings.items}] with a source")
            return
        if not kind:
            yield from self._undone()
            return
        files = self.wave.sources(kind)
        if not files:
            places = " or ".join(sources.kinds[kind].sources)
            yield Missing(f"no file lists the {kind}s ({places})")
        for source in (one for one in files if one.problem):
            yield Missing(f"{path_text(source.path)} {source.problem}", source.path)
        for item in self.owed:
            status = f"its status is {sources.status_of(item)}" if item.status else "it has no status"
            yield Missing(f"{item} is not closed: {status}", item.source.path, item.line)

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


UNKNOWN: Final = "?"
"""What stands for a value that tells a wave from others where nothing says which one is meant."""


class Wave(Record):
    """One run through the stages.

    Attributes:
        waves: all of them.
        fields: the values of `by` that tell it from others; empty if there is one wave.
    """

    waves: Waves
    fields: Mapping[str, str]

    @property
    def key(self) -> Key:
        """The fields that identify it."""
        return self.waves.key_of(self.fields)

    @property
    def name(self) -> str:
        """Its name in messages: `wave d`, or `the wave` if there is only one."""
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
        """True if every stage that it needs is.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return all(stage.complete for stage in self.stages)

    @property
    def current(self) -> StageState | None:
        """The first stage that is open and not complete; None if there is none.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return next((stage for stage in self.stages if stage.open and not stage.complete), None)

    def artifacts(self, contract: str) -> Sequence[Artifact]:
        """Its artifacts of a contract, by path; those in a folder that a later pass supersedes left out."""
        waves = self.waves
        return waves.placed(f"artifacts.{contract}", lambda: waves.artifacts.named(contract), self.key)

    def sources(self, kind: str) -> Sequence[Source]:
        """Its files that list the items of a kind."""
        return self.waves.placed(f"work.{kind}", lambda: self.waves.sources.of(kind), self.key)

    def items(self, kind: str) -> Sequence[Listed]:
        """Its items of a kind, in the order in which they are listed."""
        return [listed for source in self.sources(kind) for listed in source.items]

    @property
    def plans(self) -> Sequence[Plan]:
        """Its plans, by path."""
        return self.waves.placed("plans", lambda: self.waves.plans.all, self.key)

    def __repr__(self) -> str:
        return f"Wave({dict(self.fields)!r})"
