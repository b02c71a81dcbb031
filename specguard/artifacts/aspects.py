"""Everything that a contract can find wrong with an artifact, aspect by aspect."""

from __future__ import annotations

from specguard.artifacts.members import missing_companions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.model import Finding

ASPECTS: Final[tuple[Callable[[Artifact], Iterator[Finding]], ...]] = (missing_companions,)
"""In the order of the rules' codes; what needs the change itself is judged by its rule alone."""
