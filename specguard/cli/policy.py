"""`specguard policy`: what was understood of the authority."""

from __future__ import annotations

import os
import re
import shlex
from functools import partial

import click

from specguard.authority.load import PYPROJECT, SETTINGS
from specguard.authority.schema import policy_schema, within_pyproject
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli.options import FILE, in_directory
from specguard.engine.plugins import known_rules
from specguard.engine.policies import TRY, open_policy
from specguard.engine.why import explain, quoted, what_governs
from specguard.errors import SpecguardError, nearest
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters.escape import cut, cut_path, json_text, visible
from specguard.reporters.policy import as_json, as_text, as_toml, explanation_data, explanation_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.authority.policy import Policy, RuleInPolicy
    from specguard.engine.why import Governing


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


_CODE: Final = re.compile(r"[A-Za-z]{3}[0-9]{3}")


@click.command("why", short_help="Show which rules and lines govern a path.")
@click.argument("words", nargs=-1, required=True, metavar="[RULE] [PATH]", type=FILE)
@in_directory
@click.option("--base", metavar="REF", default="", help="Use the policy of REF.")
@click.option("--authority", metavar="FILE", type=FILE, default="", help="Use the policy in FILE.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def why_command(
    words: tuple[str, ...], directory: str, base: str, authority: str, output_format: str
) -> None:
    """Show which rules and lines of the authority govern PATH, from the repository's root.

    With RULE, show its settings, the authority's words, approvers and next steps. With both, show why this
    rule judges this path. Write ./PATH for a path named like a rule.
    """
    request = Request(environment=os.environ, directory=directory, base=base, authority=authority)
    if len(words) > 2:
        raise SpecguardError(
            f"a rule and a path are asked about, and {len(words)} words are given",
            help="put a name with spaces between quotes",
            code="usage",
        )
    policy = open_policy(request)
    rule = _rule(policy, words[0], sure=len(words) == 2)
    if rule is None or len(words) == 2:
        _from_the_root(request, words[-1])
    if rule is None:
        path = words[0].removeprefix("./")
        found = what_governs(request, path)
        if output_format == "json":
            click.echo(json_text([one.data for one in found]))
        else:
            _print(path, found)
        return
    explained = explain(request, policy, rule, words[1].removeprefix("./") if len(words) == 2 else "")
    show = partial(quoted, request, policy)
    if output_format == "json":
        click.echo(json_text(explanation_data(explained, show)))
    else:
        click.echo(explanation_text(explained, show), nl=False)


def _rule(policy: Policy, word: str, *, sure: bool) -> RuleInPolicy | None:
    """The rule that a word names, in letters of either case; None where it is a path.

    Raises:
        SpecguardError: there is no such rule, and it can be no path.
    """
    rule = policy.rule(word.upper()) or policy.rule(word.lower())
    if rule is None and (sure or (_CODE.fullmatch(word) and not os.path.lexists(word))):
        names = [name for one in policy.rules for name in (one.code, one.name)]
        by_code = nearest(word.upper(), names, "`specguard rule` lists them")
        raise SpecguardError(
            f"there is no rule {word!r}", help=nearest(word, names, by_code), code="unknown-name"
        )
    return rule


def _from_the_root(request: Request, word: str) -> None:
    """Refuse a path that only is one from the folder that is worked in: of another one nothing would be said.

    Raises:
        SpecguardError: with the path that is meant.
    """
    root = Repository.locate(request.directory, request.environment).work_tree_if_any()
    if root is None:
        return
    here, top = os.path.realpath(request.directory or "."), os.path.realpath(root)
    meant = os.path.relpath(os.path.normpath(os.path.join(here, word)), top)
    if here == top or meant.startswith("..") or os.path.isabs(word):
        return
    if os.path.lexists(os.path.join(here, word)) and not os.path.lexists(os.path.join(top, word)):
        raise SpecguardError(
            f"there is no {word!r} in the repository's root, which paths are given from",
            help=f"the one in this folder is {shlex.quote(meant)}",
            code="usage",
        )


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
        if one.asks:
            click.echo(f"    {visible(cut(one.asks))}")
