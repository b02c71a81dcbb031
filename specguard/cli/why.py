"""`specguard why`: which rules and lines govern a path."""

from __future__ import annotations

import os

import click

from specguard.change.request import Request
from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.engine.govern import Governing, governing, governing_specs
from specguard.engine.policies import open_policy
from specguard.errors import SpecguardError
from specguard.reporters.escape import cut, cut_path, json_text, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("why", short_help="Show which rules and lines govern a path.")
@click.argument("path", type=FILE)
@in_directory
@click.option("--base", metavar="REF", default="", help="Ask the policy of REF.")
@click.option("--authority", metavar="FILE", type=FILE, default="", help="Ask the policy of FILE.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(path: str, directory: str, base: str, authority: str, output_format: str) -> None:
    """Show which rules and which lines of the authority govern PATH, given from the repository's root."""
    plain = path.strip("/")
    if {"", ".", ".."} & set(plain.split("/")):
        raise SpecguardError(
            f"{path!r} is no path from the repository's root", help="write it as git does: docs/api/x.yaml"
        )
    request = Request(environment=os.environ, directory=directory, base=base, authority=authority)
    policy = open_policy(request)
    found = governing(policy, os.fsencode(plain))
    found += governing_specs(request, policy, os.fsencode(plain))
    if output_format == "json":
        click.echo(json_text([_data(one) for one in found]))
    else:
        _print(path, found)


def _data(one: Governing) -> dict[str, object]:
    return {
        "code": one.code,
        "name": one.name,
        "severity": one.severity,
        "setting": one.setting,
        "pattern": one.pattern,
        "effect": one.effect,
        "authority": None
        if one.origin is None
        else {"path": one.origin.path, "line": one.origin.line or None},
    }


def _print(path: str, found: Sequence[Governing]) -> None:
    if not found:
        name = visible(cut_path(path))
        click.echo(f"no pattern of the policy names {name}; the rules without patterns judge it too")
        return
    for one in found:
        origin = f"  {visible(cut_path(str(one.origin)))}" if one.origin else ""
        click.echo(
            f"{one.code} {one.name} ({one.severity}): {one.effect}: {visible(cut(one.pattern))}{origin}"
        )
