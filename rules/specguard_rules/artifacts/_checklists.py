"""`[checklists]`: lists of tasks whose checked items must prove themselves."""

from __future__ import annotations

from specguard.rules import Selecting, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from pydantic import AfterValidator, Field


def as_patterns(value: Selecting | str) -> Selecting:
    """Patterns, of which a single one may stand without a list.

    Raises:
        PatternError: it is malformed.
    """
    return Selecting([value]) if isinstance(value, str) else value


class Checklists(Settings):
    """Documents with checklists, and what proves that a checked item was done."""

    files: Annotated[
        Selecting,
        Field(description="the documents with checklists", json_schema_extra={"tightens": "more"}),
    ] = Selecting()
    evidence: Annotated[
        Selecting | str,
        AfterValidator(as_patterns),
        Field(description="what proves a ticked item, such as `.runs/**/manifest.json`"),
    ] = Selecting()

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
