"""`specguard rule`: a rule's manual page, or the list of rules."""

from __future__ import annotations

import click

from specguard.authority.schema import rule_options
from specguard.cli.completion import complete_rules
from specguard.cli.pages import show_markdown
from specguard.engine.plugins import find_rule, load_registry
from specguard.reporters import manual
from specguard.reporters.escape import json_text


@click.command("rule", short_help="Show a rule's manual page, or list the rules.")
@click.argument("selector", metavar="[CODE|NAME]", required=False, shell_complete=complete_rules)
@click.option(
    "--plugin", "plugins", multiple=True, metavar="NAME", help="Include this installed plugin's rules."
)
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(selector: str | None, plugins: tuple[str, ...], output_format: str) -> None:
    """Show the manual page of a rule, by its code or name; without one, list all rules."""
    registry = load_registry(plugins)
    chosen = (
        [find_rule(registry, selector)]
        if selector
        else sorted(registry.rules.values(), key=lambda one: one.rule.code)
    )
    if output_format == "json":
        click.echo(json_text([manual.data(entry) for entry in chosen]))
    elif selector:
        show_markdown(manual.page(chosen[0], rule_options(chosen[0].rule)))
    else:
        width = max(len(entry.rule.name) for entry in chosen)
        for entry in chosen:
            click.echo(f"{entry.rule.code}  {entry.rule.name:{width}}  {manual.summary(entry)}")
