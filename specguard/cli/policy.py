"""`specguard policy`, `why` and `import`: show what an authority means, and import other tools' settings."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import click

from specguard.authority.load import AUTHORITY
from specguard.authority.policy import Policy
from specguard.authority.validate import policy_schema
from specguard.change.check_request import Request
from specguard.cli import options as opt
from specguard.cli.authority_file import AuthorityFile, append_block
from specguard.cli.options import say, show, usage
from specguard.engine.plugins import known_rules, open_with_plugins
from specguard.engine.trusted_policy import TRY, open_policy
from specguard.engine.why import find_governing, to_root_path
from specguard.errors import unknown_rule
from specguard.importers import Imported, commitlint, required_files
from specguard.model import EXIT_FAILED, EXIT_PASSED, counted
from specguard.reporters import policy as report
from specguard.reporters.escape import cut, json_text, text_lines


@opt.command("policy")
@opt.policy
@opt.flag("--coverage", help="List the sentences that command, with their rules.")
@opt.flag("--strict", help="End with 1 if something was not understood.")
@opt.flag("--schema", help="Print the JSON Schema of specguard.toml.")
@opt.choice("--output-format", words=("text", "toml", "json"), default="text", help="What is printed.")
def command(coverage: bool, strict: bool, schema: bool, output_format: str, **given: Any) -> int:
    """Show how the authority was understood: each setting with its line, and what was not read.

    It reads that of the base, else of HEAD or the working tree.
    """
    if schema:
        click.echo(json_text(policy_schema(known_rules(""))))
        return EXIT_PASSED
    policy = open_policy(Request(environment=os.environ, **given))
    if output_format == "toml":
        click.echo(report.as_toml(policy), nl=False)
    else:
        show(output_format, report.as_data(policy), report.as_text(policy, coverage=coverage))
        if output_format == "text" and policy.ref is None and not given["authority"]:
            click.echo(f"\nnote: this is not on the base yet: {TRY}")
    return EXIT_FAILED if strict and policy.unread else EXIT_PASSED


_CODE: Final = re.compile(r"[A-Z]{3}[0-9]{2,4}|[A-Za-z]{3}[0-9]{3}")


@opt.command("why", json=True)
@click.argument("words", nargs=-1, required=True, metavar="[RULE] [PATH]", type=opt.FILE)
@opt.policy
def why_command(words: tuple[str, ...], output_format: str, **given: Any) -> None:
    """Show which rules and lines of the authority govern PATH, from the repository's root.

    With RULE, show its settings, the authority's words, approvers and next steps. With both, show why this
    rule judges this path. ./PATH is from your folder, never a rule.
    """
    request = Request(environment=os.environ, **given)
    if len(words) > 2:
        message = f"a rule and a path are asked about, and {len(words)} words are given"
        raise usage(message, "put a name with spaces between quotes")
    policy = open_with_plugins(request)
    word = words[0]
    rule = policy.rule(word.upper()) or policy.rule(word.lower())
    if rule is None and (len(words) == 2 or (_CODE.fullmatch(word) and not os.path.lexists(word))):
        raise unknown_rule(word, [name for one in policy.rules for name in (one.code, one.name)])
    path = to_root_path(request, words[-1]) if rule is None or len(words) == 2 else ""
    found = find_governing(request, path, policy) if path or rule is None else []
    if rule is None:
        elsewhere = path == word and os.path.lexists(path) and to_root_path(request, f"./{path}") != path
        lines = text_lines("governing.txt", governing=found, path=path, elsewhere=elsewhere)
        show(output_format, [one.data for one in found], lines)
        return
    data = report.explanation_data(policy, rule, path, found, request)
    show(output_format, data, report.explanation_lines(data))


SOURCES: Final[Mapping[str, Callable[[Imported, str], None]]] = {
    "commitlint": commitlint.import_commitlint,
    "openspec": required_files.import_openspec,
    "repolinter": required_files.import_repolinter,
    "spec-kit": required_files.import_speckit,
}
"""The importers by source; `commitlint` and `repolinter` read a file."""

TITLE: Final = "## Imported settings"


@opt.command("import", json=True)
@click.argument("sources", metavar="[SOURCE|SOURCE=FILE]...", nargs=-1)
@opt.flag("--write", help=f"Add the settings to {AUTHORITY}.")
def import_command(sources: tuple[str, ...], write: bool, output_format: str) -> None:
    """Read settings of commitlint, OpenSpec, repolinter and spec-kit into an authority.

    Without SOURCE it reads all that it finds. It runs no code: of a script, name the file that
    `commitlint --print-config json` wrote. Standard error lists what was not carried over.
    """
    authority = AuthorityFile(opt.find_repository())
    selected = _select_sources(authority.top, sources) if sources else _find_sources(authority.top)
    if not selected:
        message = f"there is nothing to import here of {', '.join(SOURCES)}"
        raise usage(message, "name a file: specguard import repolinter=rules/ruleset.json")
    imported = Imported(authority.top)
    for source, file in selected.items():
        SOURCES[source](imported, file)
    if (policy := authority.compile()) is not None:
        _drop_set_keys(imported, policy)
    imported.tables = {table: keys for table, keys in imported.tables.items() if keys}
    read = ", ".join(f"`{file or source}`" for source, file in selected.items())
    text = f"{TITLE}\n\nRead from {read}.\n\n```toml specguard\n{imported.toml()}```\n"
    if imported.tables:
        after = authority.change(lambda old: append_block(old.rstrip(), f"\n\n{text}"), write=write)
    if output_format == "json":
        left = [
            {"path": origin.path, "line": origin.line or None, "what": what, "why": why}
            for origin, what, why in imported.skipped
        ]
        data = {"settings": imported.settings, "section": text if imported.tables else None, "left": left}
        click.echo(json_text(data))
        return
    if not imported.tables:
        click.echo("there is no setting to add", err=True)
    elif write:
        number = counted(sum(map(len, imported.tables.values())), "setting")
        click.echo(f"{AUTHORITY}: {number} added; {authority.commit_advice(policy)}:")
        say(authority.commit_step(after, [AUTHORITY], "docs: import settings"))
    else:
        click.echo(text, nl=False)
    if imported.skipped:
        click.echo(f"{len(imported.skipped)} not carried over, or not as they were:", err=True)
    for origin, what, why in imported.skipped:
        say(f"  {cut(f'{origin}: {what}: {why}')}", err=True)


def _find_sources(top: str, wanted: Collection[str] = SOURCES) -> dict[str, str]:
    """Return the wanted sources that are here, each with its file; empty for a source without a file."""
    # To see whether a package.json is a source it is read, which may fail.
    configured = commitlint.FILES if "commitlint" in wanted else ()
    present = {
        "commitlint": next((one for one in configured if commitlint.has_configuration(top, one)), None),
        "openspec": "" if os.path.isdir(f"{top}/{required_files.OPENSPEC}") else None,
        "repolinter": next((one for one in required_files.RULESETS if os.path.isfile(f"{top}/{one}")), None),
        "spec-kit": "" if os.path.isdir(f"{top}/{required_files.SPECKIT}") else None,
    }
    return {source: file for source, file in present.items() if file is not None}


def _select_sources(top: str, sources: Sequence[str]) -> dict[str, str]:
    """Return the named sources; a source without a file takes the one that is found here.

    Raises:
        SpecguardError: the source is unknown, is not here, or is named twice.
    """
    present = _find_sources(top, sources)
    selected: dict[str, str] = {}
    for word in sources:
        source, separator, file = word.partition("=")
        if source not in SOURCES or (separator and source in ("openspec", "spec-kit")):
            raise usage(f"{word!r} cannot be imported", f"name one of {', '.join(SOURCES)}")
        if not separator and source not in present:
            raise usage(f"there is no {source} here", "without a name all that is here is read")
        if source in selected:
            raise usage(f"{source} is named twice", "import one file after the other")
        # A file is named from the current folder, and read from the root.
        named = file if os.path.isabs(file) else os.path.relpath(file or ".", top)
        selected[source] = named if separator else present[source]
    return selected


def _drop_set_keys(imported: Imported, policy: Policy) -> None:
    """Remove imported settings that the authority sets itself, and record them as left out."""
    own = {key: origin for key, origin in policy.origins.items() if origin.is_file}
    for table, keys in imported.tables.items():
        for key, value in list(keys.items()):
            name = f"{table}.{key}"
            origin = next((own[one] for one in own if one == name or one.startswith(f"{name}.")), None)
            if origin is not None:
                imported.skip(value.origins[0], name, f"{origin} sets it already")
                del keys[key]
