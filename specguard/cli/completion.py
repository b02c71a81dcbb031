"""What a shell may complete: files, folders, rules, presets, artifacts and what can be imported."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

FILE: Final = click.Path(readable=False)
"""A file's name, which is looked at no further here: what reads the file says what is wrong with it."""

DIRECTORY: Final = click.Path(file_okay=False, readable=False)
"""A folder's name."""


def complete_rules(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The codes and names of rules that begin like this."""
    known = _rules()
    return [CompletionItem(name, help=known[name]) for name in _beginning(known, incomplete)]


def complete_selectors(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The codes, names and families of rules that begin like this; after a comma, like what follows it."""
    from specguard.declaration.registry import FAMILIES

    before, comma, word = incomplete.rpartition(",")
    known = _rules()
    known.update({code[:3]: FAMILIES[code[:3]] for code in known if code[:3] in FAMILIES})
    return [CompletionItem(f"{before}{comma}{name}", help=known[name]) for name in _beginning(known, word)]


def complete_presets(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The presets that begin like this."""
    from specguard.engine.plugins import load_registry

    return [CompletionItem(name) for name in sorted(load_registry().presets) if name.startswith(incomplete)]


def complete_artifacts(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The artifacts of the policy that begin like this; none where there is no policy that can be read."""
    import os

    from specguard.change.request import Request
    from specguard.engine.policies import open_policy
    from specguard.errors import SpecguardError

    given = context.params
    request = Request(
        environment=os.environ,
        directory=given.get("directory") or "",
        base=given.get("base") or "",
        authority=given.get("authority") or "",
    )
    try:
        contracts = open_policy(request).declared("contracts")
    except SpecguardError:
        return []
    return [
        CompletionItem(name, help=contract.path or contract.root)
        for name, contract in contracts.items()
        if name.startswith(incomplete)
    ]


def complete_sources(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What can be imported and begins like this."""
    from specguard.cli.import_ import SOURCES

    return [CompletionItem(name) for name in SOURCES if name.startswith(incomplete)]


def _rules() -> dict[str, str]:
    """Each built-in rule's code and name, with what it flags."""
    from specguard.engine.plugins import load_registry
    from specguard.reporters.manual import summary

    entries = load_registry().rules.values()
    return {name: summary(entry) for entry in entries for name in (entry.rule.code, entry.rule.name)}


def _beginning(names: Iterable[str], text: str) -> list[str]:
    return [name for name in sorted(names) if name.startswith((text, text.upper()))]
