"""Manual pages of rules as Markdown, for `specguard rule` and `docs/rules/`, made from the rules alone."""

from __future__ import annotations

import inspect
import re

from specguard.declaration.registry import FAMILIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from specguard.authority.schema import Option
    from specguard.declaration.registry import Registered

_EXAMPLE = re.compile(r"^```toml (fails|passes)$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_REMEDY = "How to put it right:"
_TITLES = {"fails": "This change fails:", "passes": "This change passes:"}


def page(entry: Registered, options: Sequence[Option]) -> str:
    """The manual page of one rule, ending in a newline.

    Args:
        entry: the rule and its plugin.
        options: its settings, without those that every rule has.
    """
    rule = entry.rule
    text = inspect.cleandoc(rule.__doc__ or "")
    prose, examples = _split(text)
    condition = _PLACEHOLDER.sub(r"`\1`", rule.condition)
    lines = [
        f"# {rule.name} ({rule.code})",
        "",
        *prose.split("\n"),
        "",
        "| | |",
        "| --- | --- |",
        f"| severity | {rule.severity} |",
        f"| stages | {', '.join(rule.stages)} |",
        f"| an approval can lift it | {'yes' if rule.approvable else 'no'} |",
        *([f"| can be fixed | `specguard check --fix` {_cell(rule.fixes)} |"] if rule.fixes else []),
        f"| holds when it passes | {_cell(condition)} |",
        "",
        "## Settings",
        "",
        *_settings(rule.name, options),
        "## Examples",
        "",
    ]
    for kind, block in examples:
        lines += [_TITLES[kind], "", "```toml", *block.strip("\n").split("\n"), "```", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def summary(entry: Registered) -> str:
    """The first sentence of a rule's page."""
    first = inspect.cleandoc(entry.rule.__doc__ or "").split("\n\n", 1)[0]
    return " ".join(first.split("\n"))


def data(entry: Registered) -> dict[str, Any]:
    """What the list of rules says of one, as JSON can hold it."""
    rule = entry.rule
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity,
        "stages": list(rule.stages),
        "approvable": rule.approvable,
        "plugin": entry.plugin,
        "summary": summary(entry),
    }


def index(entries: Iterable[Registered]) -> str:
    """The list of rules by family, with links to their pages."""
    lines = ["# Rules", ""]
    family = ""
    for entry in sorted(entries, key=lambda one: one.rule.code):
        if entry.rule.family() != family:
            family = entry.rule.family()
            title = FAMILIES.get(family, family)
            lines += [
                "",
                f"## {family}: {title}",
                "",
                "| code | name | severity | flags |",
                "| --- | --- | --- | --- |",
            ]
        rule = entry.rule
        lines.append(
            f"| {rule.code} | [{rule.name}]({rule.name}.md) | {rule.severity} | {_cell(summary(entry))} |"
        )
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def prose(text: str) -> str:
    """A rule's docstring without its examples."""
    return _split(inspect.cleandoc(text))[0]


def remedy(text: str) -> str:
    """What a rule's docstring says of how to put a finding right, on one line; empty without it."""
    parts = prose(text).split("\n\n")
    start = next((number for number, part in enumerate(parts) if part.startswith(_REMEDY)), len(parts))
    said = " ".join(" ".join(parts[start:]).split()).removeprefix(_REMEDY).strip()
    return said[:1].upper() + said[1:]


def _split(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A docstring's prose, and its examples with their kind."""
    prose: list[str] = []
    examples: list[tuple[str, str]] = []
    block: list[str] | None = None
    kind = ""
    for line in text.split("\n"):
        opened = _EXAMPLE.fullmatch(line)
        if block is None and opened:
            kind, block = opened[1], []
        elif block is not None and line == "```":
            examples.append((kind, "\n".join(block)))
            block = None
        elif block is not None:
            block.append(line)
        else:
            prose.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(prose)).strip("\n"), examples


def _settings(name: str, options: Sequence[Option]) -> list[str]:
    """A rule's own settings, and those that every rule has by name."""
    common = "`severity`, `stages`, `exclude` and `approvable`"
    if not options:
        return [f"None of its own; `[rules.{name}]` takes {common}, as every rule's table does.", ""]
    return [f"In `[rules.{name}]`, which also takes {common}.", "", *table(options)]


def table(options: Sequence[Option]) -> list[str]:
    """A table of settings, ending in an empty line."""
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for option in options:
        cells = (f"`{option.name}`", option.type, option.default, option.description)
        rows.append(f"| {' | '.join(map(_cell, cells))} |")
    return [*rows, ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
