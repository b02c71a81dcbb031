"""Where a rule's manual page is, and what of its text a report has."""

from __future__ import annotations

from specguard import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.model import RuleResult

HOME: Final = "https://github.com/specguard/specguard"
"""Where specguard is from."""


def page_url(name: str) -> str:
    """The address of a built-in rule's manual page, of this version."""
    return f"{HOME}/blob/v{__version__}/docs/rules/{name}.md"


def url_of(result: RuleResult) -> str | None:
    """The address of a rule's manual page; None for a plugin's rule, whose pages are its author's."""
    return page_url(result.name) if result.plugin == "specguard" else None
