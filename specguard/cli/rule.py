"""`specguard rule`: a rule's manual page, a search in all of them, or the list of rules."""

from __future__ import annotations

import click

from specguard.authority.schema import rule_options
from specguard.cli.completion import complete_rules
from specguard.cli.pages import show_markdown
from specguard.engine.plugins import find_rule, load_registry
from specguard.errors import SpecguardError, nearest
from specguard.reporters import manual
from specguard.reporters.escape import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.declaration.registry import Registered


@click.command("rule", short_help="Show a rule's manual page, search the rules, or list them.")
@click.argument("selector", metavar="[CODE|NAME|WORD]", required=False, shell_complete=complete_rules)
@click.option("--cases", is_flag=True, help="Show the rule's test cases.")
@click.option("--plugin", "plugins", multiple=True, metavar="NAME", help="Include this plugin's rules.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(selector: str | None, cases: bool, plugins: tuple[str, ...], output_format: str) -> None:
    """Show a rule's manual page, list all rules, or those whose page has WORD."""
    registry = load_registry(plugins)
    if cases and not selector:
        raise SpecguardError(
            "--cases needs a rule", help="name one, as `specguard rule` lists them", code="usage"
        )
    chosen = sorted(registry.rules.values(), key=lambda one: one.rule.code)
    page = None
    if selector:
        try:
            page = find_rule(registry, selector)
            chosen = [page]
        except SpecguardError:
            if cases:
                raise
            everything, chosen = chosen, [one for one in chosen if _has(one, selector.casefold())]
            if not chosen:
                known = {word for one in everything for word in _names(one)}
                raise SpecguardError(
                    f"no rule has the code or name {selector!r}, or the words in its text or settings",
                    help=nearest(selector.casefold(), known, "`specguard rule` lists them"),
                    code="unknown-name",
                ) from None
    if output_format == "json":
        click.echo(json_text([manual.data(entry) for entry in chosen]))
    elif page is not None:
        show_markdown(manual.cases(page) if cases else manual.page(page, rule_options(page.rule)))
    else:
        width = max(len(entry.rule.name) for entry in chosen)
        for entry in chosen:
            click.echo(f"{entry.rule.code}  {entry.rule.name:{width}}  {manual.summary(entry)}")


def _names(entry: Registered) -> set[str]:
    """What a rule may be looked for by: its code, its name and the words of it, and its settings."""
    rule = entry.rule
    options = (option.name for option in rule_options(rule))
    return {rule.code.casefold(), rule.name, *rule.name.split("-"), *options}


def _has(entry: Registered, word: str) -> bool:
    """Whether a rule's page has a word, its example left out."""
    rule = entry.rule
    said = (rule.code, rule.name, " ".join(manual.prose(rule.__doc__ or "").split()), *rule.tables)
    settings = (text for option in rule_options(rule) for text in (option.name, option.description))
    return any(word in text.casefold() for text in (*said, *settings))
