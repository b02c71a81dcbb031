"""Waves: which there are, which artifacts and items are whose, and how far each stage is."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.documents.fields import normal_name
from specguard.errors import MissingFact, nearest
from specguard.waves.stage import Wave
from specguard.work.item import Papers
from specguard.work.templates import PathTemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeVar

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.change.entries import Commit, Entry
    from specguard.model import Finding
    from specguard.plans.plans import Plan, Plans
    from specguard.waves.settings import WaveSettings, WaveStage
    from specguard.waves.stage import Key
    from specguard.work.item import WorkItem
    from specguard.work.sources import Listed, Source, Sources

    _Placed = TypeVar("_Placed", Artifact, Source, Plan)


class Waves:
    """The waves of one tree.

    Args:
        settings: the policy's `[wave]`.
        artifacts: the tree's.
        sources: the tree's files that list work items; None where the policy has no kind with a source.
        plans: the tree's plans; None where the policy has none.
        log_folder: the folder of the log of approvals, which is no work of any stage.
        trusted: gives the waves of the trusted base, whose open items keep their files to themselves.
    """

    def __init__(
        self,
        settings: WaveSettings,
        *,
        artifacts: Artifacts,
        sources: Sources | None = None,
        plans: Plans | None = None,
        log_folder: bytes,
        trusted: Callable[[], Waves] | None = None,
    ) -> None:
        self.settings = settings
        self._trusted = trusted
        self.log_folder = log_folder
        self.artifacts = artifacts
        self.sources = sources
        self.plans = plans
        self._made: dict[Key, Wave] = {}
        self._artifacts: dict[str, Mapping[Key, Sequence[Artifact]]] = {}
        self._sources: dict[str, Mapping[Key, Sequence[Source]]] = {}
        self._flaws: dict[tuple[str, bytes], Sequence[Finding]] = {}

    @cached_property
    def all(self) -> Sequence[Wave]:
        """The waves of which anything is there, by what tells them apart.

        Raises:
            MissingFact: the tree cannot be read, or nothing in it could tell one wave from another.
        """
        self._refuse_untold()
        found: dict[Key, Wave] = {}
        for contract in self.owners:
            for artifact in self.artifacts.named(contract):
                self._note(found, artifact.path, artifact.fields)
        for items in {stage.items for stage in self.settings.stages if stage.items}:
            kind = self.kind_of(items)
            if self.sources is not None and kind:
                for source in self.sources.of(kind):
                    self._note(found, source.path, source.fields)
            elif self.plans is not None and kind is not None:
                for plan in self.plans.all:
                    self._note(found, plan.path, plan.fields)
        return [found[key] for key in sorted(found, key=lambda key: [natural(part) for part in key])]

    def wave(self, fields: Mapping[str, str]) -> Wave:
        """The wave of these values, be there anything of it or not."""
        own = {name: fields[name].casefold() for name in self.settings.by}
        return self._made.setdefault(self.key_of(own), Wave(self, own))

    def touched(self, paths: Iterable[bytes]) -> Sequence[Wave]:
        """The waves that have artifacts, files that list items, or plans at some of these paths, in order.

        Whether anything is there still does not count, so what is removed touches its wave too.

        Raises:
            MissingFact: the tree cannot be read, or nothing in it could tell one wave from another.
        """
        self._refuse_untold()
        found: dict[Key, Wave] = {}
        listed = list(paths)
        for template in self._templates:
            for position, fields in template.find(listed):
                self._note(found, listed[position], fields)
        return [found[key] for key in sorted(found, key=lambda key: [natural(part) for part in key])]

    def belongs(self, path: bytes) -> bool:
        """Whether a path is that of an artifact of any stage, in a pass, or of a file that lists items."""
        return any(template.read(path) is not None for template in self._templates)

    def is_paper(self, path: bytes) -> bool:
        """Whether a path is a paper of the plan, such as a wave's artifact, or in the log of approvals."""
        return path.startswith(self.log_folder) or self.belongs(path) or bool(self._papers.at(path))

    @property
    def kept(self) -> Sequence[Listed]:
        """The items that the trusted base lists with files, and that are not done, put off or superseded.

        Nobody else changes their files until all of their stage is done, be it open yet or not.

        Raises:
            MissingFact: something that must be read is not there.
        """
        trusted = self._trusted() if self._trusted is not None else self
        sources = trusted.sources
        kinds = {kind for stage in self.settings.stages if (kind := trusted.kind_of(stage.items))}
        if sources is None:
            return []
        return [
            item
            for kind in sorted(kinds)
            for key in trusted.sources_by_key(kind)
            for stage in trusted.wave(dict(zip(self.settings.by, key, strict=True))).stages
            if trusted.kind_of(stage.settings.items) == kind and stage.owed
            for item in stage.items
            if item.files and not item.deferred and not sources.done(item)
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
            An empty text where the tasks of plans are meant; None where nothing is, or nothing can be.
        """
        if items == "tasks" and self.plans is not None:
            return ""
        kinds = self.sources.kinds if self.sources is not None else {}
        return next((kind for kind in (items, items.removesuffix("s")) if kind in kinds), None)

    def stage_of(self, item: Listed) -> WaveStage | None:
        """The stage whose item an entry is: the one that it names as `stage`, else the first of its kind."""
        stages = [one for one in self.settings.stages if self.kind_of(one.items) == item.source.kind]
        named = normal_name(item.text("stage"))
        return next((one for one in stages if normal_name(one.name) == named), stages[0] if stages else None)

    def key_of(self, fields: Mapping[str, str]) -> Key:
        """What tells the wave of these values from others."""
        return tuple(fields[name].casefold() for name in self.settings.by)

    def key_at(self, path: bytes, fields: Mapping[str, str]) -> Key | None:
        """The key of the wave that a file belongs to; None where nothing tells it; see `fields_at`."""
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
        """Everything of a change that belongs to a stage which is not open; see `specguard.waves.order`.

        Raises:
            MissingFact: something that must be read is not there.
        """
        from specguard.waves.order import out_of_order

        yield from out_of_order(
            self, entries=entries, commits=commits, branch=branch, item=item, landed=landed, whole=whole
        )

    def fields_at(self, path: bytes, fields: Mapping[str, str]) -> Mapping[str, str] | None:
        """The values of `by` for a file, and others; None where one of them is not told.

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
        if not all(known.get(name) for name in by) and self.sources is not None:
            source = self.sources.at(path)
            known = {**(source.fields if source else {}), **known}
        return known if all(known.get(name) for name in by) else None

    def artifacts_by_key(self, contract: str) -> Mapping[Key, Sequence[Artifact]]:
        """The artifacts of a contract by the waves they belong to; superseded ones left out."""
        if contract not in self._artifacts:
            self._artifacts[contract] = self._grouped(self.artifacts.named(contract))
        return self._artifacts[contract]

    def sources_by_key(self, kind: str) -> Mapping[Key, Sequence[Source]]:
        """The files that list items of a kind by the waves they belong to; superseded ones left out."""
        if kind not in self._sources:
            known = self.sources is not None and kind in self.sources.kinds
            self._sources[kind] = self._grouped(self.sources.of(kind) if self.sources and known else ())
        return self._sources[kind]

    @cached_property
    def plans_by_key(self) -> Mapping[Key, Sequence[Plan]]:
        """The plans by the waves they belong to."""
        return self._grouped(self.plans.all if self.plans is not None else ())

    def _grouped(self, found: Sequence[_Placed]) -> Mapping[Key, Sequence[_Placed]]:
        groups: dict[Key, list[_Placed]] = {}
        for one in found:
            key = self.key_at(one.path, one.fields)
            if key is not None and not self.superseded(one.path):
                groups.setdefault(key, []).append(one)
        return groups

    def superseded(self, path: bytes) -> bool:
        """Whether a path lies in the folder of a pass that a later one of its wave supersedes."""
        if not self._superseded:
            return False
        end = len(path)
        while end > 0:
            if path[:end] in self._superseded:
                return True
            end = path.rfind(b"/", 0, end)
        return False

    def flaws(self, artifact: Artifact) -> Sequence[Finding]:
        """What is wrong with an artifact beyond a warning.

        Raises:
            MissingFact: something that must be read is not there.
        """
        known = self._flaws.get((artifact.name, artifact.path))
        if known is None:
            known = [flaw for flaw in artifact.flaws() if flaw.severity in (None, "error")]
            self._flaws[artifact.name, artifact.path] = known
        return known

    @cached_property
    def _superseded(self) -> frozenset[bytes]:
        """The folders of all passes but the last of each wave and contract, last by the order of numbers."""
        latest: dict[tuple[str, Key], bytes] = {}
        for one in self.artifacts.passes:
            key = self.key_at(one.path, one.fields)
            if key is not None:
                known = latest.get((one.name, key))
                if known is None or natural(_text(known)) < natural(_text(one.path)):
                    latest[one.name, key] = one.path
        kept = set(latest.values())
        return frozenset(
            one.path
            for one in self.artifacts.passes
            if one.path not in kept and self.key_at(one.path, one.fields) is not None
        )

    @cached_property
    def _papers(self) -> Papers:
        kinds = self.sources.kinds if self.sources is not None else {}
        return Papers(kinds, {name: one.template for name, one in self.artifacts.contracts.items()})

    @cached_property
    def _templates(self) -> Sequence[PathTemplate]:
        """The templates of everything that belongs to a wave; of a pass that of what is in it."""
        contracts = self.artifacts.contracts
        texts = [contracts[name].template for name in self.owners if name in contracts]
        for stage in self.settings.stages:
            kind = self.kind_of(stage.items)
            if self.sources is not None and kind:
                texts += self.sources.kinds[kind].sources
            elif self.plans is not None and kind is not None:
                texts += [f"{kind.folder}/{kind.plan}" for kind in self.plans.kinds.values()]
        return [PathTemplate(text) for text in dict.fromkeys(texts)]

    def _refuse_untold(self) -> None:
        """Refuse a placeholder in `by` that no path has: no file would be of any wave, and none be judged."""
        if self.sources is not None and any(kind.sources for kind in self.sources.kinds.values()):
            # What a file lists its items under may tell it, too.
            return
        contracts = self.artifacts.contracts.values()
        plans = self.plans.kinds.values() if self.plans is not None else ()
        texts = [*(one.path or one.root for one in contracts), *(kind.folder for kind in plans)]
        known = {name for text in texts for name in PathTemplate(text).names}
        for name in self.settings.by:
            if name not in known:
                step = nearest(name, known) or "there is none"
                raise MissingFact(
                    f"`wave.by` names {name!r}, which is no placeholder of a path: {step}",
                    code="incomplete-policy",
                )

    def _note(self, found: dict[Key, Wave], path: bytes, fields: Mapping[str, str]) -> None:
        known = self.fields_at(path, fields)
        if known is not None:
            wave = self.wave(known)
            found[wave.key] = wave


def natural(text: str) -> list[tuple[int, str]]:
    """A text for sorting: numbers in it by their value, all else whatever its case."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split("([0-9]{1,18})", text.casefold())
        if part
    ]


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
