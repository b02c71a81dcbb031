"""What a reader of the rendered page does not see."""

from __future__ import annotations

from specguard.documents.characters import visible
from specguard.documents.content import has_content

__all__ = ["has_content", "visible"]
