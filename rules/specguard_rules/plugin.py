"""The built-in plugin: every rule of the family folders, and the presets."""

from __future__ import annotations

import importlib
import importlib.resources
import pkgutil

import specguard_rules
from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.rules import Registry

specguard_api = 1


def specguard_register(registry: Registry) -> None:
    """Register what is found: a rule is a class of a module in a family's folder, a preset a TOML file."""
    for family in pkgutil.iter_modules(specguard_rules.__path__):
        if not family.ispkg:
            continue
        package = importlib.import_module(f"specguard_rules.{family.name}")
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            for value in vars(module).values():
                if (
                    isinstance(value, type)
                    and issubclass(value, Rule)
                    and value.__module__ == module.__name__
                ):
                    registry.add_rule(value)
    for preset in (importlib.resources.files(specguard_rules) / "presets").iterdir():
        if preset.name.endswith(".toml"):
            registry.add_preset(preset.name.removesuffix(".toml"), preset.read_text(encoding="utf-8"))
