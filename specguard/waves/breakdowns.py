"""The items that work breakdowns list, with what other documents say of them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.change.documents import Documents
    from specguard.model import Finding
    from specguard.runs.runs import Runs
    from specguard.waves.waves import Waves
    from specguard.work.sources import Listed, Source, Sources


class Breakdowns:
    """The listed items of one tree.

    Args:
        sources: the files that list them.
        documents: the documents of the tree.
        whole: whether the whole tree is judged, and not only what the change touches.
        artifacts: the tree's; None where the policy has no contracts.
        waves: the tree's; None where the policy has none.
        runs: the manifests of runs.

    Attributes:
        sources: the same.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        documents: Documents,
        whole: bool,
        artifacts: Artifacts | None,
        waves: Waves | None,
        runs: Runs,
    ) -> None:
        self.sources = sources
        self.documents = documents
        self.whole = whole
        self.artifacts = artifacts
        self.waves = waves
        self.runs = runs

    def conditional(self, contracts: Sequence[str]) -> Iterator[tuple[Artifact, Sequence[Listed]]]:
        """The artifacts of some contracts, each with the conditional items of its wave, if it has any.

        Raises:
            MissingFact: something that must be read is not there.
        """
        if self.artifacts is None:
            return
        for artifact in (one for name in contracts for one in self.artifacts.named(name)):
            items = [
                item
                for source in self.sources.all
                if self._belong(artifact, source)
                for item in source.items
                if item.conditional
            ]
            if items:
                yield artifact, items

    def undisposed(self, contracts: Sequence[str], setting: str) -> Iterator[Finding]:
        """The conditional items that are neither done nor put off in a readiness document that is judged.

        Args:
            contracts: the names of the contracts of such documents.
            setting: the key of the setting that names them.

        Raises:
            MissingFact: something that must be read is not there.
        """
        from specguard.waves.dispositions import undisposed

        touched = self.sources.touched
        for artifact, items in self.conditional(contracts):
            if self.whole or artifact.touched or any(item.source.path in touched for item in items):
                yield from undisposed(
                    artifact, [item for item in items if not self.sources.done(item)], setting
                )

    def _belong(self, artifact: Artifact, source: Source) -> bool:
        """Whether an artifact is about the items of a source: of one wave, or with the same fields."""
        if self.waves is not None:
            if self.waves.superseded(source.path):
                return False
            key = self.waves.key_at(artifact.path, artifact.fields)
            other = self.waves.key_at(source.path, source.fields)
            if key is not None and other is not None:
                return key == other
        fields = source.fields
        common = artifact.fields.keys() & fields.keys()
        return all(artifact.fields[name].casefold() == fields[name].casefold() for name in common)
