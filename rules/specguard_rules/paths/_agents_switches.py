"""Settings by which an agent's program runs no hooks at all, whatever its other settings say of them."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

RUNNERS: Final[Mapping[bytes, bytes]] = {
    b".claude/settings.local.json": b".claude/settings.json",
    b".codex/config.toml": b".codex/hooks.json",
}
"""Files that may switch off the hooks of others."""

_OFF: Final = re.compile(
    r'"disableAllHooks"\s*:\s*true|^[^#\n]*\b(?:codex_)?hooks["\']?\s*=\s*false', re.MULTILINE
)


def switches_off(text: str) -> bool:
    """Whether settings switch an agent's hooks off."""
    try:
        # However the names in it are written.
        plain = json.dumps(json.loads(text))
    except (ValueError, RecursionError):
        plain = text
    return _OFF.search(plain) is not None
