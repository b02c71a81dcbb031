"""What came of an evaluation: each sample against what was expected of it, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.evaluation.samples import Sample

SCHEMA: Final = "specguard.evaluation/1"


@dataclass
class Evaluated:
    """A sample with what came of it.

    Attributes:
        sample: the sample.
        object_id: the commit that the snapshot is; empty where it could not be read.
        missing: expected findings that are not there, in words.
        unexpected: findings that nobody expects, in words.
        others: what else is not as expected.
        commands: what each command came to.
        warnings: what does not count, such as a snapshot that is old.
        problem: why nothing can be said of it; empty where something can.
        found: how many findings there are.
        updated: whether what is found is what is expected from now on.
    """

    sample: Sample
    object_id: str = ""
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problem: str = ""
    found: int = 0
    updated: bool = False

    @property
    def state(self) -> str:
        """`as-expected`, `different`, or `unknown` where nothing can be said of it."""
        if self.problem:
            return "unknown"
        return "different" if self.missing or self.unexpected or self.others else "as-expected"

    @property
    def data(self) -> dict[str, Any]:
        """All of it, as `evaluation.json` has it."""
        sample = self.sample
        return {
            "name": sample.name,
            "path": sample.path,
            "version": sample.version or None,
            "source": sample.source or None,
            "revision": sample.revision or None,
            "object_id": self.object_id or None,
            "declared_object_id": sample.object_id or None,
            "refresh_by": sample.refresh_by.isoformat() if sample.refresh_by else None,
            "state": self.state,
            "problem": self.problem or None,
            "findings": self.found,
            "missing": self.missing,
            "unexpected": self.unexpected,
            "others": self.others,
            "commands": self.commands,
            "warnings": self.warnings,
            "updated": self.updated,
        }


@dataclass(frozen=True)
class Evaluation:
    """A whole evaluation.

    Attributes:
        run_id: of the run that it is kept as.
        manifest: the path of that run's manifest.
        state: how the run ended.
        evaluated: each sample.
    """

    run_id: str
    manifest: str
    state: str
    evaluated: Sequence[Evaluated]

    @property
    def data(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "schema": SCHEMA,
            "run_id": self.run_id,
            "manifest": self.manifest,
            "state": self.state,
            "samples": [one.data for one in self.evaluated],
        }
