"""The built-in plugin: every rule of the family folders, the tables that they read, and the presets."""

from __future__ import annotations

import importlib
import os

import specguard_rules
from specguard.rules import Declaration, Rule
from specguard_rules.artifacts._tables import Assets, Checklists, Grounding, Invariant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from specguard.rules import Registry

specguard_api = 2

_DECLARATIONS: Final = (
    Declaration("checklists", Checklists, fact="checklists"),
    Declaration("grounding", Grounding, fact="grounding"),
    Declaration("invariants", Invariant, shape="list", fact="invariants"),
    Declaration("assets", Assets, fact="assets"),
)
"""The tables at the top of a policy that rules of this plugin alone read."""


def specguard_register(registry: Registry) -> None:
    """Register what is found: a rule is a class of a module in a family's folder, a preset a TOML file.

    A module whose name begins with an underscore belongs to the rules beside it and has none of its own.
    """
    # Their facts must be known before the rules that ask for them.
    for declaration in _DECLARATIONS:
        registry.add_declaration(declaration)
    root = os.path.dirname(specguard_rules.__file__)
    for family in _names(root):
        for name in _names(os.path.join(root, family), ".py"):
            module = importlib.import_module(f"specguard_rules.{family}.{name}")
            for value in vars(module).values():
                if (
                    isinstance(value, type)
                    and issubclass(value, Rule)
                    and value.__module__ == module.__name__
                ):
                    registry.add_rule(value)
    presets = os.path.join(root, "presets")
    for name in _names(presets, ".toml"):
        with open(os.path.join(presets, f"{name}.toml"), encoding="utf-8") as file:
            registry.add_preset(name, file.read())


def _names(folder: str, ending: str = "") -> Iterator[str]:
    """The public names in a folder without their ending, sorted; without an ending, those of folders."""
    for name in sorted(os.listdir(folder)):
        wanted = name.endswith(ending) if ending else os.path.isdir(os.path.join(folder, name))
        if wanted and not name.startswith("_"):
            yield name.removesuffix(ending)
