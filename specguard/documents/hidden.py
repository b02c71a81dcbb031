"""What a reader of the rendered page does not see."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.documents.blocks import AnyBlock


def has_content(blocks: Sequence[AnyBlock], placeholders: Sequence[str]) -> bool:
    """Whether a reader sees content in blocks."""
    from specguard.documents.blocks import Heading

    return not all(isinstance(block, Heading) for block in blocks)
