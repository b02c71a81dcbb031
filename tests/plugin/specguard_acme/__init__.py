"""ACME's rule and format of reports, for a policy that says `plugins = ["specguard-acme"]`."""

from __future__ import annotations

from specguard_acme.shouted_path import ShoutedPath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.rules import Registry

specguard_api = 2


def specguard_register(registry: Registry) -> None:
    """Add ACME's rule and its format of reports."""
    registry.add_rule(ShoutedPath)
    registry.add_format("acme-table", "specguard_acme.table:render")
