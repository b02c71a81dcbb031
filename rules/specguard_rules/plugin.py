"""The built-in plugin: every rule of the families' modules, the tables that they read, and the presets."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import specguard_rules
from specguard.rules import Declaration, Rule
from specguard_rules.artifacts.architecture_shift import Invariant
from specguard_rules.artifacts.asset_index import Assets
from specguard_rules.artifacts.contents import Checklists
from specguard_rules.artifacts.required_reading import Grounding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.rules import Registry

specguard_api = 2


def specguard_register(registry: Registry) -> None:
    """Register every rule class of the families' modules and every preset, a TOML file of `presets/`.

    A family of many rules is a folder of modules. A module whose name begins with an underscore is a helper
    of the rules in its folder, and is not searched for rules.
    """
    # The tables at the top of a policy that only rules of this plugin read; their facts must be known before
    # the rules that ask for them.
    registry.add_declaration(Declaration("checklists", Checklists, fact="checklists"))
    registry.add_declaration(Declaration("grounding", Grounding, fact="grounding"))
    registry.add_declaration(Declaration("invariants", Invariant, shape="list", fact="invariants"))
    registry.add_declaration(Declaration("assets", Assets, fact="assets"))
    for rule in sorted(_rules(), key=lambda rule: rule.code):
        registry.add_rule(rule)
    for path in sorted((Path(specguard_rules.__path__[0]) / "presets").glob("*.toml")):
        registry.add_preset(path.stem, path.read_text(encoding="utf-8"))


def _rules() -> Iterator[type[Rule]]:
    for found in pkgutil.walk_packages(specguard_rules.__path__, "specguard_rules."):
        if "._" not in found.name:
            for value in vars(importlib.import_module(found.name)).values():
                if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == found.name:
                    yield value
