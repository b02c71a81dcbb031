"""`specguard docs`: the pages that are made from the code, and the check that they are up to date."""

from __future__ import annotations

import json
import os

import click

from specguard.authority.schema import declaration_options, policy_schema, rule_options, top_level_options
from specguard.cli.app import COMMANDS, app
from specguard.cli.completion import DIRECTORY
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters import manual

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.declaration.registry import Registry


@click.command("docs", short_help="Generate the reference pages of the documents.")
@click.option(
    "--directory", metavar="DIR", type=DIRECTORY, default="docs", help="Where the pages are (default: docs)."
)
@click.option("--check", "check", is_flag=True, help="Write nothing; end with 1 where a page is out of date.")
def command(directory: str, check: bool) -> int:
    """Generate the rule pages, the settings and command reference, and the policy's JSON Schema."""
    pages = reference(load_registry())
    stale = [name for name, text in pages.items() if _read(os.path.join(directory, name)) != text]
    leftover = sorted(_rule_pages(directory) - set(pages))
    if check:
        for name in (*stale, *leftover):
            click.echo(f"{os.path.join(directory, name)} is out of date")
        if stale or leftover:
            click.echo(f"run: specguard docs --directory {directory}", err=True)
            return EXIT_FAILED
        return EXIT_PASSED
    for name in stale:
        _write(os.path.join(directory, name), pages[name])
    for name in leftover:
        os.remove(os.path.join(directory, name))
    click.echo(f"{len(pages)} pages, {len(stale)} written, {len(leftover)} removed", err=True)
    return EXIT_PASSED


def reference(registry: Registry) -> Mapping[str, str]:
    """Every generated page by its path below the documents' folder."""
    pages = {
        f"rules/{entry.rule.name}.md": manual.page(entry, rule_options(entry.rule))
        for entry in registry.rules.values()
    }
    pages["rules/index.md"] = manual.index(registry.rules.values())
    pages["settings.md"] = _settings(registry)
    pages["commands.md"] = _commands()
    pages["policy.schema.json"] = json.dumps(policy_schema(registry), indent=2) + "\n"
    return pages


def _settings(registry: Registry) -> str:
    lines = [
        "# Settings",
        "",
        "The keys of a policy; `docs/policy.schema.json` has the same for editors.",
        "",
    ]
    lines += ["## Top level", "", *manual.table(top_level_options())]
    for declaration in sorted(registry.declarations.values(), key=lambda one: one.name):
        title = {"table": "[{}]", "tables": "[{}.<name>]", "list": "[[{}]]"}[declaration.shape].format(
            declaration.name
        )
        lines += [f"## `{title}`", "", *manual.table(declaration_options(declaration))]
    lines += ["## Rules", "", "Each rule's own settings are on its page:", ""]
    for entry in sorted(registry.rules.values(), key=lambda one: one.rule.code):
        lines.append(f"- [`[rules.{entry.rule.name}]`](rules/{entry.rule.name}.md)")
    return "\n".join(lines) + "\n"


def _commands() -> str:
    """Every command's help, as the command prints it, at a width that does not depend on the terminal."""
    lines = ["# Commands", ""]
    context = click.Context(app, info_name="specguard", max_content_width=100, terminal_width=100)
    for name in COMMANDS:
        found = app.get_command(context, name)
        if found is None:
            continue
        with click.Context(
            found, info_name=name, parent=context, max_content_width=100, terminal_width=100
        ) as inner:
            lines += [f"## specguard {name}", "", "```text", *found.get_help(inner).split("\n"), "```", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _rule_pages(directory: str) -> set[str]:
    folder = os.path.join(directory, "rules")
    if not os.path.isdir(folder):
        return set()
    return {f"rules/{name}" for name in os.listdir(folder) if name.endswith(".md")}


def _read(file: str) -> str | None:
    try:
        with open(file, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _write(file: str, text: str) -> None:
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise SpecguardError(f"the page cannot be written: {error.strerror}", path=file) from error
