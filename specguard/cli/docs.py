"""`specguard docs`, `specguard rule` and `specguard error`: pages that are made from the code."""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from specguard.authority.schema import (
    common_options,
    declaration_options,
    policy_schema,
    rule_options,
    top_level_options,
)
from specguard.cli.app import app
from specguard.cli.options import DIRECTORY, complete_rules
from specguard.engine.plugins import find_rule, load_registry
from specguard.errors import SpecguardError, nearest
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters import manual
from specguard.reporters.escape import json_text
from specguard.runs.model import run_schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.declaration.registry import Registered, Registry


def show_markdown(text: str) -> None:
    """Print a page of Markdown, through rich where a person reads it on a terminal."""
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))


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
    top = top_level_options()
    within = [option for option in top if option.name.startswith("authority.")]
    lines = [_SETTINGS_HEAD, "## Top level", "", *manual.listed([one for one in top if one not in within])]
    lines += ["## authority", "", "`[authority]`", "", *manual.listed(within)]
    for declaration in sorted(registry.declarations.values(), key=lambda one: one.name):
        title = {"table": "[{}]", "tables": "[{}.<name>]", "list": "[[{}]]"}[declaration.shape]
        lines += [f"## {declaration.name}", "", f"`{title.format(declaration.name)}`", ""]
        lines += manual.listed(declaration_options(declaration))
    lines += [
        "## rules",
        "",
        "Each `[rules.<name>]` also takes these.",
        "",
    ]
    lines += manual.listed(common_options())
    return "\n".join(lines).rstrip("\n") + "\n"


_SETTINGS_HEAD = """\
# Settings

These are the keys of a policy. A plural type is a list. Without a default, a setting is empty or off.
[Authority](authority.md) says how several sources become one policy. For editors,
[policy.schema.json](policy.schema.json) has all defaults in full. [Rules](rules/index.md) have more settings.
"""

_WIDTH: Final = 100

_COMMON: Final = ("-C", "--help", "--run-root", "--output-format")
"""Options that are told of once, unless a command's own has more to choose from."""

_COMMON_ROWS: Final = (
    ("--base REF", "Use the policy of REF."),
    ("--authority FILE", "Use the policy in FILE."),
)
"""Options of several commands that say the same in each of them."""

_RANGE: Final = re.compile(r"  \[[x\d<>=]+\]$")
"""What click says of an option's numbers."""

_ALIKE: Final = 5
"""So many options that are those of another command are only named."""

_COMMANDS_HEAD = """\
# Commands

Each is typed behind `specguard`, or `python -P -m specguard` if the script is not on the path. `--help`
prints the same, with the options that many commands have:

- `-C DIR` runs as if started in `DIR`. As with git, it may also be before the command.
- `--output-format [text|json]` chooses what is printed.
- `--run-root DIR` keeps runs in `DIR`, and not where the policy says.
- `--base REF` and `--authority FILE` use the policy of `REF` or in `FILE`.

Exit codes: 0 all is well, 1 something does not hold (such as findings), 2 no answer,
130 interrupted. `run` also has 3 and 4. [Errors](errors.md) go to standard error.

"""

_COMMANDS_TAIL = """\
## Completion

Add this line to your shell's start file:

- bash, `~/.bashrc`: `eval "$(_SPECGUARD_COMPLETE=bash_source specguard)"`
- zsh, `~/.zshrc`: `eval "$(_SPECGUARD_COMPLETE=zsh_source specguard)"`
- fish, `~/.config/fish/config.fish`: `_SPECGUARD_COMPLETE=fish_source specguard | source`
"""


def _commands() -> str:
    """Every command's help, as the command prints it, at a width that does not depend on the terminal."""
    context = app.make_context("specguard", [], None, resilient_parsing=True)
    lines = _helps(app, context, "")
    return _COMMANDS_HEAD + "\n".join(lines) + "\n" + _COMMANDS_TAIL


def _helps(group: click.Group, context: click.Context, above: str) -> list[str]:
    """The help of each command of a group, and below it of those that it has itself.

    A heading has the command's name and arguments, and the help is a block below it.
    """
    lines: list[str] = []
    known: dict[str, Mapping[str, str]] = {}
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if found is not None:
            inner = found.make_context(name, [], context, resilient_parsing=True)
            title = f"{above} {name}".strip()
            words = [word for word in found.collect_usage_pieces(inner) if word != "[OPTIONS]"]
            told = _help(found, inner, known).split("\n")
            lines += [f"## {' '.join((title, *words))}", "", *(f"  {line}".rstrip() for line in told), ""]
            lines += _helps(found, inner, title) if isinstance(found, click.Group) else []
    return lines


def _help(command: click.Command, context: click.Context, known: dict[str, Mapping[str, str]]) -> str:
    """A command's help, without what every command has, and what one of those known has to say alike."""
    formatter = click.HelpFormatter(width=_WIDTH)
    command.format_help_text(context, formatter)
    rows = [
        (row[0], _RANGE.sub("", row[1]))
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option) and not _is_common(parameter)
        for row in (parameter.get_help_record(context),)
        if row and row not in _COMMON_ROWS
    ]
    alike = {name: [row for row in rows if told.get(row[0]) == row[1]] for name, told in known.items()}
    like = max(alike, key=lambda name: len(alike[name]), default="")
    same = alike.get(like, [])
    if len(same) < _ALIKE:
        same = []
    known[context.command_path] = dict(rows)
    formatter.write_paragraph()
    with formatter.indentation():
        if len(rows) > len(same):
            formatter.write_dl([row for row in rows if row not in same])
        if same:
            formatter.write_text(
                f"As for {like}: {', '.join(row[0].split()[0].rstrip(',') for row in same)}."
            )
    return formatter.getvalue().rstrip("\n")


def _is_common(option: click.Option) -> bool:
    choices = getattr(option.type, "choices", ("text", "json"))
    return bool({*option.opts} & {*_COMMON}) and tuple(choices) == ("text", "json")


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


_ENTRY: Final = re.compile(
    r"^### (?P<name>[\w-]+)\n\n"
    r"(?P<text>\*\*(?P<title>.+?)[.,]?\*\*(?P<meaning>.*?)\n\n"
    r"> (?P<example>.+?)\n\n"
    r"Fix: (?P<remedy>.+?\n))(?=\n#|\Z)",
    re.MULTILINE | re.DOTALL,
)


class ErrorKind(NamedTuple):
    """One kind of error.

    Attributes:
        name: its name, as it stands in brackets behind a message; it never changes.
        title: what has happened, as a heading.
        meaning: more about it, in Markdown; may be empty.
        example: a message of this kind, without the place before it.
        remedy: how to fix it, in Markdown.
    """

    name: str
    title: str
    meaning: str
    example: str
    remedy: str


def errors_text() -> str:
    """The page of errors."""
    return (files("specguard") / "texts" / "errors.md").read_text(encoding="utf-8")


def error_kinds() -> Mapping[str, ErrorKind]:
    """Every kind by its name, in the order of the page."""
    return {
        found["name"]: ErrorKind(*(" ".join(found[field].split()) for field in ErrorKind._fields))
        for found in _ENTRY.finditer(errors_text())
    }


def _complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [name for name in error_kinds() if name.startswith(begun)]


@click.command("error", short_help="Show what an error means, or list the errors.")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=_complete)
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def error_command(name: str | None, output_format: str) -> None:
    """Show what an error means and how to fix it, by the name in brackets after its message."""
    known = error_kinds()
    wanted = (name or "").strip("[]")
    if name and wanted not in known:
        raise SpecguardError(
            f"no error is called {name!r}",
            help=nearest(wanted, known, "`specguard error` lists them"),
            code="unknown-name",
        )
    if output_format == "json":
        chosen = [known[wanted]] if name else known.values()
        click.echo(json_text([kind._asdict() for kind in chosen]))
    elif name:
        text = next(found["text"] for found in _ENTRY.finditer(errors_text()) if found["name"] == wanted)
        show_markdown(f"# {wanted}\n\n{text}")
    else:
        width = max(map(len, known))
        for kind in known.values():
            click.echo(f"{kind.name:{width}}  {kind.title}")


_NUMBER: Final = re.compile(r"\{(?P<target>[\w.]+:[\w.]+)(?: (?P<unit>\w+))?\}")


def limits_page() -> str:
    """The page, ending in a newline."""
    return _NUMBER.sub(lambda found: shown(*found.groups("")), limits_text())


def limits_text() -> str:
    """The page with `{module:CONSTANT unit}` for each number.

    A number may also be `module:CONSTANT.key`, or `module:Class.field` for the default of a setting.
    """
    return (files("specguard") / "texts" / "limits.md").read_text(encoding="utf-8")


def targets() -> list[tuple[str, str]]:
    """Where each number of the page is, with its unit; empty where the text, or the number itself, has it."""
    return [(found["target"], found["unit"] or "") for found in _NUMBER.finditer(limits_text())]


def shown(target: str, unit: str) -> str:
    """A number with its unit.

    Args:
        target: where it is.
        unit: bytes, MiB, seconds or characters; empty for none.
    """
    value = value_of(target)
    if isinstance(value, str):
        # The pattern of the setting has made sure of its form.
        number, of = int(value[:-1]), {"s": "second", "m": "minute", "h": "hour"}[value[-1]]
        return f"{number} {of}" + ("" if number == 1 else "s")
    if unit == "seconds":
        days, rest = divmod(value, 86400)
        return f"{days:g} days" if days and not rest else f"{value:g} seconds"
    if unit == "bytes":
        for size, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
            if value >= size and value % size == 0:
                return f"{int(value) // size} {name}"
    return f"{int(value):,} {unit}".rstrip()


def value_of(target: str) -> float | str:
    """The number that a target names; of a setting's default it may be text with its unit.

    Raises:
        LookupError, AttributeError, TypeError: it names none.
    """
    module, _, name = target.partition(":")
    name, _, key = name.partition(".")
    value = getattr(importlib.import_module(module), name)
    if key:
        value = value[key] if isinstance(value, dict) else getattr(value, key)
    if not isinstance(value, (int, float, str)):
        raise TypeError(f"{target} is no limit")
    return value


@click.command("rule", short_help="Show a rule's manual page, search the rules, or list them.")
@click.argument("selector", metavar="[CODE|NAME|WORD]", required=False, shell_complete=complete_rules)
@click.option("--cases", is_flag=True, help="Show the rule's test cases.")
@click.option("--plugin", "plugins", multiple=True, metavar="NAME", help="Include this plugin's rules.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def rule_command(selector: str | None, cases: bool, plugins: tuple[str, ...], output_format: str) -> None:
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
                    help=nearest(selector, known, "`specguard rule` lists them"),
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
    return {rule.code, rule.name, *rule.name.split("-"), *options}


def _has(entry: Registered, word: str) -> bool:
    """Whether a rule's page has a word, its example left out."""
    rule = entry.rule
    said = (rule.code, rule.name, " ".join(manual.prose(rule.__doc__ or "").split()), *rule.tables)
    settings = (text for option in rule_options(rule) for text in (option.name, option.description))
    return any(word in text.casefold() for text in (*said, *settings))
