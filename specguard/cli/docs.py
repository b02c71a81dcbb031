"""`specguard docs`: the pages that are made from the code, and the check that they are up to date."""

from __future__ import annotations

import json
import os

import click

from specguard.authority.schema import (
    common_options,
    declaration_options,
    policy_schema,
    rule_options,
    top_level_options,
)
from specguard.cli.app import app
from specguard.cli.completion import DIRECTORY
from specguard.cli.error import errors_text
from specguard.cli.limits import limits_page
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError
from specguard.executor.schemas import run_schemas
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters import manual

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from specguard.declaration.registry import Registry


@click.command("docs", short_help="Generate the reference pages of the documents.")
@click.option(
    "--directory", metavar="DIR", type=DIRECTORY, default="docs", help="The pages' folder (default: docs)."
)
@click.option("--check", "check", is_flag=True, help="Write nothing; end with 1 if a page is stale.")
def command(directory: str, check: bool) -> int:
    """Generate the pages of rules, errors, limits, settings and commands, and the JSON Schemas."""
    pages = reference(load_registry())
    stale = [name for name, text in pages.items() if _read(os.path.join(directory, name)) != text]
    leftover = sorted(_pages_of_rules(directory) - set(pages))
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
    pages["errors.md"] = errors_text()
    pages["limits.md"] = limits_page()
    pages["commands.md"] = _commands()
    pages["policy.schema.json"] = json.dumps(policy_schema(registry), indent=2) + "\n"
    for name, schema in run_schemas().items():
        pages[f"schemas/{name}.schema.json"] = json.dumps(schema, indent=2) + "\n"
    return pages


def _settings(registry: Registry) -> str:
    lines = [
        "# Settings",
        "",
        "The keys of a policy, as they stand in `toml specguard` blocks and in the files of settings;",
        "[authority.md](authority.md) says how several sources become one policy. The same for editors:",
        "[policy.schema.json](policy.schema.json).",
        "",
    ]
    lines += ["## Top level", "", *manual.table(top_level_options())]
    for declaration in sorted(registry.declarations.values(), key=lambda one: one.name):
        title = {"table": "[{}]", "tables": "[{}.<name>]", "list": "[[{}]]"}[declaration.shape].format(
            declaration.name
        )
        lines += [f"## `{title}`", "", *manual.table(declaration_options(declaration))]
    lines += ["## `[rules.<name>]`", "", "Every rule takes these; its own settings are on its page.", ""]
    lines += [*manual.table(common_options()), "| code | table |", "| --- | --- |"]
    for entry in sorted(registry.rules.values(), key=lambda one: one.rule.code):
        lines.append(f"| {entry.rule.code} | [`[rules.{entry.rule.name}]`](rules/{entry.rule.name}.md) |")
    return "\n".join(lines) + "\n"


_WIDTH: Final[Mapping[str, int]] = {"max_content_width": 100, "terminal_width": 100}

_COMMANDS_HEAD = """\
# Commands

Each command's help, as `specguard COMMAND --help` prints it. `specguard --version` prints the version.

`-C DIR` stands behind a command or, as with git, before it; files that are named are seen from there. The
repository needs no Python and gets no files but its settings: specguard runs from wherever it is installed,
by a link as well, and imports nothing of the repository. Where the script is not on the path:
`python -P -m specguard`, whose `-P` keeps a folder `specguard` of the repository from standing in for it.

Every command ends with 0, with 1 where what it was asked for does not hold (findings of a check, a page that
is out of date, something missing), with 2 where it cannot say, and with 130 where it was interrupted; `run`
also with 3 where the agent or a gate failed, and with 4 where the agent asked to stop. Errors go to standard
error: one sentence with the [name of the error](errors.md), and the next step.

"""

_COMMANDS_TAIL = """\
## Completion

Commands, options, rules and presets are completed by the shell, with this line in the file it reads first:

- bash, in `~/.bashrc`: `eval "$(_SPECGUARD_COMPLETE=bash_source specguard)"`
- zsh, in `~/.zshrc`: `eval "$(_SPECGUARD_COMPLETE=zsh_source specguard)"`
- fish, in `~/.config/fish/config.fish`: `_SPECGUARD_COMPLETE=fish_source specguard | source`
"""


def _commands() -> str:
    """Every command's help, as the command prints it, at a width that does not depend on the terminal."""
    context = app.make_context("specguard", [], None, resilient_parsing=True, **_WIDTH)
    lines = _helps(app, context, "specguard")
    return _COMMANDS_HEAD + "\n".join(lines) + "\n" + _COMMANDS_TAIL


def _helps(group: click.Group, context: click.Context, above: str) -> list[str]:
    """The help of each command of a group, and below it of those that it has itself."""
    lines: list[str] = []
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if found is not None:
            inner = found.make_context(name, [], context, resilient_parsing=True, **_WIDTH)
            title = f"{above} {name}"
            lines += [f"## {title}", "", "```text", *inner.get_help().split("\n"), "```", ""]
            lines += _helps(found, inner, title) if isinstance(found, click.Group) else []
    return lines


def _pages_of_rules(directory: str) -> set[str]:
    """The pages in the folder that has only generated ones."""
    folder = os.path.join(directory, "rules")
    names = os.listdir(folder) if os.path.isdir(folder) else ()
    return {f"rules/{name}" for name in names if name.endswith(".md")}


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
        raise SpecguardError(
            f"the page cannot be written: {error.strerror}", path=file, code="unwritable-file"
        ) from error
