"""One wave: its stages, with the artifacts, items and plans that are its own."""

from __future__ import annotations

from functools import cached_property

from specguard.waves.stage import StageState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.plans.plan import Plan
    from specguard.waves.waves import Waves
    from specguard.work.listed import Listed
    from specguard.work.sources import Source

    Key = tuple[str, ...]

UNKNOWN: Final = "?"
"""What stands for a value that tells a wave from others where nothing says which one is meant."""


class Wave:
    """One run through the stages.

    Attributes:
        waves: all of them.
        fields: the values of `by` that tell it from others; empty where there is one wave.
    """

    def __init__(self, waves: Waves, fields: Mapping[str, str]) -> None:
        self.waves = waves
        self.fields = fields

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
