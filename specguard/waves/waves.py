"""Waves with their artifacts and items, the progress of each stage, and what it lacks."""

from __future__ import annotations

from functools import cached_property

from specguard.artifacts.artifacts import Pass
from specguard.artifacts.fields import choice, find_statements, related_items, value_problem
from specguard.documents.fields import Field, find_fields, normal_name
from specguard.errors import MissingFact, nearest
from specguard.model import TYPE_CHECKING, Finding, Record, cached_method, folders_of, grouped, path_text
from specguard.work.item import Papers
from specguard.work.kinds import natural_key, normal_id
from specguard.work.name_templates import PathTemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.artifacts.contracts import WaveSettings, WaveStage
    from specguard.plans.plans import Plan, Plans
    from specguard.work.item_lists import Listed, Source, Sources

    _Placed = TypeVar("_Placed", Artifact, Source, Plan)


class Waves(Record, frozen=False):
    """The waves of one tree.

    Attributes:
        settings: the policy's `[wave]`.
        artifacts: the tree's artifacts.
        log_folder: the folder of the log of approvals, which does not belong to any stage.
        sources: the tree's files that list work items.
        plans: the tree's plans.
        trusted: returns the waves of the trusted base, whose open items reserve their files.
        known_waves, known_groups: caches of `wave` and `placed`.
    """

    settings: WaveSettings
    artifacts: Artifacts
    log_folder: bytes
    sources: Sources
    plans: Plans
    trusted: Callable[[], Waves] | None = None
    known_waves: dict[tuple[tuple[str, str], ...], Wave] = {}
    known_groups: dict[str, Mapping[Wave, Sequence[Any]]] = {}

    @cached_property
    def all(self) -> Sequence[Wave]:
        """The waves that have any file in the tree, in order.

        Raises:
            MissingFact: the tree cannot be read, or `by` has a placeholder that no path has.
        """
        return self.touched(self.artifacts.documents.tree.paths())

    def wave(self, fields: Mapping[str, str]) -> Wave:
        """Return the wave with these values, even if it has no files; each wave is one object."""
        own = {name: fields[name].casefold() for name in self.settings.by if name in fields}
        return self.known_waves.setdefault(tuple(own.items()), Wave(self, own))

    def touched(self, paths: Sequence[bytes]) -> Sequence[Wave]:
        """Return the waves that have artifacts, item lists or plans at some of these paths, in order.

        The paths need not exist, so a removed file touches its wave too.

        Raises:
            MissingFact: the tree cannot be read, or `by` has a placeholder that no path has.
        """
        self._check_placeholders()
        found = [(paths[at], fields) for one in self._templates for at, fields in one.find(paths)]
        waves = {wave for path, fields in found if (wave := self.wave_of(path, fields))}
        return sorted(waves, key=lambda wave: [natural_key(value) for value in wave.fields.values()])

    def is_paper(self, path: bytes) -> bool:
        """Return True if a path is a paper of the plan, such as a wave's artifact, or a filed approval."""
        of_wave = any(template.read(path) is not None for template in self._templates)
        return of_wave or path.startswith(self.log_folder) or bool(self._papers.at(path))

    @property
    def kept(self) -> Sequence[Listed]:
        """The items with files that the trusted base lists and that are not closed, deferred or superseded.

        Other changes must not touch their files, even before the stage opens.

        Raises:
            MissingFact: a required file or object is missing, or a file that lists items cannot be read.
        """
        trusted = self.trusted() if self.trusted is not None else self
        stages = [stage for wave in trusted.all for stage in wave.stages if stage.kind]
        for source in (one for stage in stages for one in stage.wave.sources(stage.kind) if one.problem):
            raise MissingFact(f"{path_text(source.path)} {source.problem}", code="item-unready")
        begun = (stage for stage in stages if stage.open_items)
        items = (item for stage in begun for item in stage.items if item.files and not item.deferred)
        return [item for item in items if not trusted.sources.closed(item)]

    @cached_property
    def owners(self) -> Mapping[str, WaveStage]:
        """The stage that owns each contract's artifacts: the first that requires or leaves them."""
        stages = grouped((name, stage) for stage in self.settings.stages for name in stage.artifacts)
        return {name: found[0] for name, found in stages.items()}

    def kind_of(self, items: str) -> str | None:
        """Return the kind of work item that a stage's `items` name, in the singular or with an `s`.

        Returns:
            An empty text for the tasks of plans; None if no such kind exists.
        """
        if items == "tasks" and self.plans.kinds:
            return ""
        return next((kind for kind in (items, items.removesuffix("s")) if kind in self.sources.kinds), None)

    def _stages_of(self, source: Source) -> Sequence[WaveStage]:
        return [one for one in self.settings.stages if self.kind_of(one.items) == source.kind]

    def stage_of(self, item: Listed) -> WaveStage | None:
        """Return the stage of an entry: the one that its field `stage` names, else the first of its kind."""
        stages = self._stages_of(item.source)
        named = normal_name(item.text("stage"))
        return next((one for one in stages if normal_name(one.name) == named), stages[0] if stages else None)

    def unknown_stages(self, source: Source) -> Iterator[Finding]:
        """Yield a finding for each entry of a source whose field `stage` names no stage of its kind."""
        known = [one.name for one in self._stages_of(source)]
        for item, named in [(one, said) for one in source.items for said in one.stated("stage")]:
            if known and normal_name(named.text) not in map(normal_name, known):
                message = f"{item} names the stage {named.text!r}, which has no {source.kind}s"
                step, key = nearest(named.text, known), f"{item.id} stage"
                yield Finding(message, step, source.path, named.line, key=key, setting="wave.stages")

    def out_of_order(self, *work: Any, landed: bool) -> Iterator[Finding]:
        """Yield findings about the parts of a change in stages that are not open.

        Args:
            work: the other arguments of `specguard.waves.stage_order.out_of_order`.
            landed: as there.

        Raises:
            MissingFact: a required file or object is missing.
        """
        from specguard.waves.stage_order import out_of_order

        return out_of_order(self, *work, landed=landed)

    def wave_of(self, path: bytes, fields: Mapping[str, str]) -> Wave | None:
        """Return the wave that a file belongs to; None if a value of `by` is unknown.

        Args:
            path: the file; its pass's folder or its content may have values that its own fields lack.
            fields: the fields from its path or its content.
        """
        by = self.settings.by
        for one in () if all(map(fields.get, by)) else self.artifacts.passes:
            if path.startswith(one.path + b"/"):
                fields = {**one.fields, **fields}
        if not all(map(fields.get, by)) and (source := self.sources.by_path.get(path)):
            fields = {**source.fields, **fields}
        return self.wave(fields) if all(map(fields.get, by)) else None

    def placed(self, what: str, found: Callable[[], Sequence[_Placed]], wave: Wave) -> Sequence[_Placed]:
        """Return one wave's artifacts of a contract, lists or plans, without superseded ones.

        Args:
            what: the cache key of the group, which is loaded once.
            found: returns the group for all waves.
            wave: the wave.
        """
        if what not in self.known_groups:
            known = ((self.wave_of(one.path, one.fields), one) for one in found())
            placed = ((own, one) for own, one in known if own is not None and not self.superseded(one.path))
            self.known_groups[what] = grouped(placed)
        return self.known_groups[what].get(wave, ())

    def superseded(self, path: bytes) -> bool:
        """Return True if a path is in the folder of a pass that a later pass of its wave supersedes."""
        return bool(self._superseded) and not self._superseded.isdisjoint({path, *folders_of(path)})

    @cached_method
    def flaws(self, artifact: Artifact) -> Sequence[Finding]:
        """Return the findings about an artifact, without warnings.

        Raises:
            MissingFact: a required file or object is missing.
        """
        found = (flaw for one in (artifact, *artifact.members) for flaw in one.flaws())
        return [flaw for flaw in found if flaw.severity in (None, "error")]

    @cached_property
    def _superseded(self) -> frozenset[bytes]:
        """The folders of all passes except the last of each wave and contract."""
        return self.artifacts.wave_passes.superseded(self.artifacts.documents.tree.paths())

    @cached_property
    def _papers(self) -> Papers:
        templates = {name: one.template for name, one in self.artifacts.contracts.items()}
        return Papers(self.sources.kinds, templates)

    @cached_property
    def _templates(self) -> Sequence[PathTemplate]:
        """The templates of all files that belong to a wave; for a pass, the template of its members."""
        contracts = self.artifacts.contracts
        texts = [contracts[name].template for name in self.owners if name in contracts]
        for stage in self.settings.stages:
            kind = self.kind_of(stage.items)
            if kind:
                texts += self.sources.kinds[kind].sources
            elif kind is not None:
                texts += [kind.task_file.text for kind in self.plans.kinds.values()]
        return [PathTemplate(text) for text in dict.fromkeys(texts)]

    def _check_placeholders(self) -> None:
        """Raise if `by` has a placeholder that no path has, since then no file would belong to a wave."""
        if any(kind.sources for kind in self.sources.kinds.values()):
            # The content of a file that lists items can have the value, too.
            return
        texts = [one.path or one.root for one in self.artifacts.contracts.values()]
        texts += [kind.folder for kind in self.plans.kinds.values()]
        known = {name for text in texts for name in PathTemplate(text).names}
        for name in self.settings.by:
            if name not in known:
                step = nearest(name, known) or "there is none"
                why = f"`wave.by` names {name!r}, which is not a placeholder of a path: {step}"
                raise MissingFact(why, code="incomplete-policy")


class StageState(Record):
    """A stage of a wave.

    Attributes:
        wave: the stage's wave.
        settings: the stage in the policy.
    """

    wave: Wave
    settings: WaveStage

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.settings.name

    @cached_property
    def artifacts(self) -> Sequence[Artifact]:
        """The stage's own artifacts, by path: those of contracts that no earlier stage requires or leaves."""
        owners = self.wave.waves.owners
        contracts = (name for name in self.settings.artifacts if owners[name] is self.settings)
        found = [artifact for contract in contracts for artifact in self.wave.artifacts(contract)]
        return sorted(found, key=lambda one: one.path)

    @cached_property
    def items(self) -> Sequence[Listed]:
        """The stage's items.

        Raises:
            MissingFact: a file that lists them cannot be read.
        """
        items = self.wave.items(self.kind) if self.kind else ()
        return [item for item in items if self.wave.waves.stage_of(item) is self.settings]

    @property
    def kind(self) -> str:
        """The kind of work item whose items belong to the stage; empty if there is none."""
        return self.wave.waves.kind_of(self.settings.items) or ""

    @cached_property
    def needed(self) -> bool:
        """True if the wave needs the stage: always, unless `when` makes it depend on an artifact's field.

        Raises:
            MissingFact: the artifact cannot be read.
        """
        for key, values in self.settings.when.items():
            contract, _, name = key.rpartition(".")
            if any(choice(field.value, values) for _, field in self._find_field(contract, name)):
                return True
        return not self.settings.when

    @cached_property
    def predecessors(self) -> Sequence[StageState]:
        """All stages that must be complete before this stage opens, directly or indirectly, in order."""
        wanted = set(self.settings.opens_after)
        found: list[StageState] = []
        for stage in reversed(self.wave.stages):
            if stage.name in wanted:
                found.insert(0, stage)
                wanted.update(stage.settings.opens_after)
        return found

    @cached_property
    def waits_for(self) -> Sequence[StageState]:
        """The stages before this one that are incomplete.

        Raises:
            MissingFact: a required file or object is missing.
        """
        return [stage for stage in self.predecessors if not stage.complete]

    @property
    def complete(self) -> bool:
        """True if nothing is missing, or the wave does not need the stage.

        Raises:
            MissingFact: a required file or object is missing.
        """
        return not self.needed or not self.missing

    @property
    def state(self) -> str:
        """`complete`, `open`, `waiting` (for another stage), or `not needed`.

        Raises:
            MissingFact: a required file or object is missing.
        """
        if self.needed and not self.waits_for:
            return "complete" if self.complete else "open"
        return "waiting" if self.needed else "not needed"

    @cached_property
    def missing(self) -> Sequence[Finding]:
        """Everything that the stage still needs for its completion.

        Raises:
            MissingFact: a required file or object is missing.
        """
        contracts = self.settings.artifacts
        return [*self._artifact_gaps(contracts), *self._field_gaps(contracts), *self._item_gaps()]

    @cached_property
    def unmet(self) -> Sequence[Finding]:
        """Everything that the stage's work still needs before it begins, without its own artifacts.

        Raises:
            MissingFact: a required file or object is missing.
        """
        return [*self._artifact_gaps(self.settings.requires), *self._field_gaps(self.settings.requires)]

    def _artifact_gaps(self, contracts: Sequence[str]) -> Iterator[Finding]:
        """Yield the contracts without an artifact, and the artifacts that do not fulfil their contracts."""
        waves = self.wave.waves
        reported: set[tuple[bytes | None, str]] = set()
        for contract in contracts:
            declared = waves.artifacts.contracts[contract]
            artifacts = self.wave.artifacts(contract)
            if not artifacts:
                yield Finding(f"there is no {contract} ({self.wave.fill(declared.path or declared.root)})")
            else:
                yield from self._unnamed_items(declared.author_not.partition(".")[0], artifacts)
            for artifact in artifacts:
                for flaw in [*waves.flaws(artifact), *self._list_flaws(artifact.path)]:
                    # A flaw of a pass's member may be reported for the pass and for the member.
                    if (flaw.path, flaw.message) not in reported:
                        reported.add((flaw.path, flaw.message))
                        yield flaw

    def _unnamed_items(self, kind: str, artifacts: Sequence[Artifact]) -> Iterator[Finding]:
        """Yield the closed items that no artifact is about, of a kind whose owners may not be its author.

        An item of this stage is the review itself, and one of a later stage follows it. Those of the
        first stage that has any are always reviewed.
        """
        waves, sources = self.wave.waves, self.wave.waves.sources
        others = [stage for stage in self.wave.stages if waves.kind_of(stage.settings.items) == kind][1:]
        later = [stage.settings for stage in others if stage is self or self in stage.predecessors]
        items = self.wave.items(kind) if kind in sources.kinds else ()
        items = [item for item in items if waves.stage_of(item) not in later]
        closed = [item for item in items if sources.closed(item) and (item.closed or not sources.assumed)]
        work = waves.artifacts.work() if closed else None
        named = {normal_id(own.id) for one in artifacts if work for own in related_items(one, work, kind)[0]}
        for item in closed:
            if normal_id(item.id) not in named:
                yield Finding(f"{item} is closed, and the review is not about it", path=artifacts[0].path)

    def _list_flaws(self, path: bytes) -> Iterator[Finding]:
        """Yield findings about an artifact that is a plan or lists work items."""
        waves, plans, sources = self.wave.waves, self.wave.waves.plans, self.wave.waves.sources
        if plan := plans.at(path):
            yield from plans.flaws(plan)
            yield from plan.dependency_flaws()
        elif source := sources.by_path.get(path):
            yield from sources.flaws(source)
            yield from sources.broken(source)
            yield from waves.unknown_stages(source)

    def _field_gaps(self, contracts: Sequence[str]) -> Iterator[Finding]:
        """Yield the required fields that no artifact has, and those with a wrong value."""
        for key, values in self.settings.fields.items():
            contract, dot, name = key.rpartition(".")
            if dot and contract not in contracts:
                continue
            among = [contract] if contract else contracts
            found = [pair for one in among for pair in self._find_field(one, name)]
            wanted = " or ".join([values] if isinstance(values, str) else values)
            declared = [self.wave.waves.artifacts.contracts[one] for one in among if self.wave.artifacts(one)]
            # If a contract requires the field, its flaws have been reported already.
            if not found and declared and not any(name in one.fields for one in declared):
                yield Finding(f"{' and '.join(among)} has no field {name!r}, which must be {wanted}")
            for path, field in found:
                if problem := value_problem(field.value, values):
                    yield Finding(f"{path_text(path)}: {field.name} {problem}", "", path, field.line)

    def _find_field(self, contract: str, name: str) -> Iterator[tuple[bytes, Field]]:
        """Yield a field of each of the wave's artifacts of a contract; for a pass, of each member."""
        documents = self.wave.waves.artifacts.documents
        for artifact in self.wave.artifacts(contract):
            if isinstance(artifact, Pass):
                found = [(path, find_fields(documents.fields(path), name)) for path in artifact.files]
            else:
                found = [(artifact.path, find_statements(artifact, name))]
            yield from ((path, field) for path, fields in found for field in fields[:1])

    @cached_property
    def open_items(self) -> Sequence[Listed]:
        """The items that are not closed, without deferred ones, and conditional ones that nobody began.

        Raises:
            MissingFact: a required file or object is missing.
        """
        sources = self.wave.waves.sources
        open_items = [item for item in self.items if not (item.deferred or sources.closed(item))]
        begun = [] if sources.assumed else [item for item in open_items if sources.done(item)]
        return [item for item in open_items if not item.conditional or item in begun]

    def _item_gaps(self) -> Iterator[Finding]:
        """Yield the items still to be done, and missing or unreadable files that should list items."""
        if not self.settings.items:
            return
        kind = self.wave.waves.kind_of(self.settings.items)
        sources = self.wave.waves.sources
        if kind is None:
            yield Finding(f"the policy has no [work.{self.settings.items}] with a source")
            return
        if not kind:
            yield from () if self.wave.plans else [Finding("there is no plan")]
            yield from (gap for plan in self.wave.plans for gap in plan.gaps())
            return
        files = self.wave.sources(kind)
        if not files:
            places = " or ".join(map(self.wave.fill, sources.kinds[kind].sources))
            yield Finding(f"no file lists the {kind}s ({places})")
        for source in (one for one in files if one.problem):
            yield Finding(f"{path_text(source.path)} {source.problem}", path=source.path)
        for item in self.open_items:
            status = f"its status is {sources.status_of(item)}" if item.status else "it has no status"
            yield Finding(f"{item} is not closed: {status}", "", item.source.path, item.line)


class Wave(Record):
    """One run through the stages.

    Attributes:
        waves: all waves.
        fields: the known values of `by`, which identify the wave; empty if there is only one.
    """

    waves: Waves
    fields: Mapping[str, str]

    @property
    def name(self) -> str:
        """The wave's name in messages: `wave d`, or `the wave` if there is only one, or no value is known."""
        return f"wave {' '.join(self.fields.values())}" if self.fields else "the wave"

    def fill(self, template: str) -> str:
        """Return a path template for people: the values of the wave, and a star for what is not known."""
        return PathTemplate(template).show(self.fields)

    @cached_property
    def stages(self) -> Sequence[StageState]:
        """The wave's stages, in order."""
        return [StageState(self, settings) for settings in self.waves.settings.stages]

    def artifacts(self, contract: str) -> Sequence[Artifact]:
        """Return the wave's artifacts of a contract, by path, without those that a later pass supersedes."""
        waves = self.waves
        return waves.placed(f"artifacts.{contract}", lambda: waves.artifacts.named(contract), self)

    def sources(self, kind: str) -> Sequence[Source]:
        """Return the wave's files that list the items of a kind."""
        return self.waves.placed(f"work.{kind}", lambda: self.waves.sources.of(kind), self)

    def items(self, kind: str) -> Sequence[Listed]:
        """Return the wave's items of a kind, in listed order."""
        return [listed for source in self.sources(kind) for listed in source.items]

    @property
    def plans(self) -> Sequence[Plan]:
        """The wave's plans, by path."""
        return self.waves.placed("plans", lambda: self.waves.plans.all, self)

    def __repr__(self) -> str:
        return f"Wave({dict(self.fields)!r})"
