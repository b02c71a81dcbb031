"""`specguard policy`: what was understood of the authority."""

from __future__ import annotations

import os

import click

from specguard.authority.load import PYPROJECT, SETTINGS
from specguard.authority.schema import policy_schema, within_pyproject
from specguard.change.request import Request
from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.engine.plugins import known_rules
from specguard.engine.policies import TRY, open_policy
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters.escape import json_text
from specguard.reporters.policy import as_json, as_text, as_toml


@click.command("policy", short_help="Show how the authority was understood.")
@in_directory
@click.option("--base", metavar="REF", default="", help="Use the policy of REF.")
@click.option("--authority", metavar="FILE", type=FILE, default="", help="Use the policy in FILE.")
@click.option("--coverage", is_flag=True, help="List the sentences that command, with their rules.")
@click.option("--strict", is_flag=True, help="End with 1 if something was not understood.")
@click.option(
    "--schema",
    metavar="FILE",
    type=click.Choice((SETTINGS, PYPROJECT)),
    is_flag=False,
    flag_value=SETTINGS,
    help="Print the JSON Schema of specguard.toml or pyproject.toml.",
)
@click.option(
    "--output-format", type=click.Choice(("text", "toml", "json")), default="text", help="What is printed."
)
def command(
    directory: str,
    base: str,
    authority: str,
    coverage: bool,
    strict: bool,
    schema: str | None,
    output_format: str,
) -> int:
    """Show how the authority was understood: each setting with its line, and what was not read.

    It reads that of the base, else of HEAD or the working tree.
    """
    if schema:
        made = policy_schema(known_rules(directory))
        click.echo(json_text(within_pyproject(made) if schema == PYPROJECT else made))
        return EXIT_PASSED
    policy = open_policy(Request(environment=os.environ, directory=directory, base=base, authority=authority))
    if output_format == "json":
        text = as_json(policy)
    elif output_format == "toml":
        text = as_toml(policy)
    else:
        text = as_text(policy, coverage=coverage)
    click.echo(text, nl=False)
    if policy.ref is None and not authority and output_format == "text":
        click.echo(f"\nnote: this is not on the base yet: {TRY}")
    return EXIT_FAILED if strict and policy.unread else EXIT_PASSED
