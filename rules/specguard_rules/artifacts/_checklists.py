"""`[checklists]`: lists of tasks whose checked items must prove themselves."""

from __future__ import annotations

from specguard.rules import Selecting, Settings, setting


def as_patterns(value: Selecting | str) -> Selecting:
    """Patterns, of which a single one may stand without a list.

    Raises:
        PatternError: it is malformed.
    """
    return Selecting([value]) if isinstance(value, str) else value


class Checklists(Settings):
    """Documents with checklists, and what proves that a checked item was done."""

    files: Selecting = setting(Selecting(), "the documents with checklists", tightens="more")
    evidence: Selecting | str = setting(
        Selecting(), "what proves a ticked item, such as `.runs/**/manifest.json`", check=as_patterns
    )

    @property
    def proofs(self) -> Selecting:
        """The patterns of `evidence`."""
        return as_patterns(self.evidence)

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        if self.files and not self.proofs:
            return (
                "`files` says where checklists are, and `evidence` is missing, which says what proves an item"
            )
        return ""
