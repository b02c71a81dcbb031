"""`specguard docs`, `specguard rule` and `specguard error`: pages that are generated from the code."""

from __future__ import annotations

import glob
import importlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.resources import files
from typing import Final

import click

from specguard.authority import validate
from specguard.cli import options as opt
from specguard.cli.app import app
from specguard.cli.options import show, show_markdown, usage
from specguard.declaration.registry import Registered, Registry
from specguard.engine.plugins import find_rule, known_rules, load_registry
from specguard.errors import SpecguardError, unknown
from specguard.model import EXIT_FAILED, EXIT_PASSED, counted
from specguard.reporters import manual
from specguard.reporters.file_writing import exists_error, replace_file, writing
from specguard.reporters.status import align_rows
from specguard.runs.manifests import run_schemas

_MARKER_PAGE: Final = "policy.schema.json"
"""The page that identifies a folder as one of generated pages."""


@click.command("docs")
@opt.folder("--directory", default="docs", help="The pages' folder (default: docs).")
@opt.flag("--check", help="Write nothing; end with 1 if a page is stale.")
def command(directory: str, check: bool) -> int:
    """Generate the pages of rules, errors, limits, settings and commands, and the JSON Schemas."""
    pages = reference_pages(load_registry())
    stale = [name for name, page in pages.items() if _read(os.path.join(directory, name)) != page]
    leftover = sorted({*glob.glob("rules/*.md", root_dir=directory)} - {*pages})
    places = [os.path.join(directory, name) for name in (*stale, *leftover)]
    if check:
        for place in places:
            click.echo(f"{place} is out of date")
        if places:
            click.echo(f"run: specguard docs --directory {directory}", err=True)
        return EXIT_FAILED if places else EXIT_PASSED
    for place in places:
        if os.path.lexists(place) and not os.path.exists(os.path.join(directory, _MARKER_PAGE)):
            raise exists_error(place, "name a folder of their own: specguard docs --directory FOLDER")
    for name, place in zip(stale, places, strict=False):
        replace_file(place, pages[name], writing(place, what="the page"), with_folder=True)
    for place in places[len(stale) :]:
        os.remove(place)
    click.echo(f"{len(pages)} pages, {len(stale)} written, {len(leftover)} removed", err=True)
    return EXIT_PASSED


def _read(file: str) -> str | None:
    with suppress(OSError, UnicodeDecodeError), open(file, encoding="utf-8") as stream:
        return stream.read()
    return None


def reference_pages(registry: Registry) -> Mapping[str, str]:
    """Return every generated page by its path below the folder of the documents."""
    # This page comes first, so that a folder is recognised even if writing was interrupted.
    pages = {_MARKER_PAGE: json.dumps(validate.policy_schema(registry), indent=2) + "\n"}
    pages |= {f"rules/{entry.rule.name}.md": manual.page(entry) for entry in registry.rules.values()}
    pages["rules/index.md"] = manual.index(registry.rules.values())
    pages["settings.md"] = manual.settings_page(registry, _read_text("settings.md"))
    pages["errors.md"] = errors_text()
    pages["limits.md"] = TARGET.sub(lambda found: limit_text(*found.groups("")), _read_text("limits.md"))
    context = app.make_context("specguard", [], None, resilient_parsing=True)
    helps = "\n".join(_all_help(app, context, ""))
    pages["commands.md"] = _read_text("commands.md").replace("{commands}", helps)
    for name, schema in run_schemas().items():
        pages[f"schemas/{name}.schema.json"] = json.dumps(schema, indent=2) + "\n"
    return pages


_WIDTH: Final = 100

_COMMON_OPTIONS: Final = ("-C", "--help", "--run-root", "--output-format")
"""Options that are described only once, unless a command offers more choices for its own."""

_RANGE: Final = re.compile(r"  \[[x\d<>=]+\]$")
"""The range that click appends to the help of a numeric option."""


def _all_help(group: click.Group, context: click.Context, parent: str) -> Iterator[str]:
    """Yield the help of each command of a group, and of its subcommands below it.

    A heading has the command's name and arguments; the help is a code block below it.
    """
    for name in group.list_commands(context):
        if (subcommand := group.get_command(context, name)) is not None:
            inner = subcommand.make_context(name, [], context, resilient_parsing=True)
            title = f"{parent} {name}".strip()
            words = [word for word in subcommand.collect_usage_pieces(inner) if word != "[OPTIONS]"]
            lines = _help_text(subcommand, inner).split("\n")
            yield from (f"## {' '.join((title, *words))}", "", *(f"  {line}".rstrip() for line in lines), "")
            if isinstance(subcommand, click.Group):
                yield from _all_help(subcommand, inner, title)


def _help_text(command: click.Command, context: click.Context) -> str:
    """Return a command's help, without the options that every command has."""
    formatter = click.HelpFormatter(width=_WIDTH)
    command.format_help_text(context, formatter)
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    records = [one.get_help_record(context) for one in options if not _is_common(one)]
    if rows := [(name, _RANGE.sub("", text)) for name, text in filter(None, records)]:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_dl(rows)
    return formatter.getvalue().rstrip("\n")


def _is_common(option: click.Option) -> bool:
    choices = getattr(option.type, "choices", ("text", "json"))
    return bool({*option.opts} & {*_COMMON_OPTIONS}) and tuple(choices) == ("text", "json")


_ENTRY: Final = re.compile(
    r"^### (?P<name>[\w-]+)\n\n"
    r"(?P<text>\*\*(?P<title>.+?)[.,]?\*\*(?P<meaning>.*?)\n\n"
    r"> (?P<example>.+?)\n\n"
    r"Fix: (?P<remedy>.+?\n))(?=\n#|\Z)",
    re.MULTILINE | re.DOTALL,
)


def _read_text(name: str) -> str:
    return (files("specguard") / "texts" / name).read_text(encoding="utf-8")


def errors_text() -> str:
    """Return the page of errors, in Markdown."""
    return _read_text("errors.md")


def error_kinds() -> Mapping[str, dict[str, str]]:
    """Return every kind of error by its name, in the order of the page.

    Returns:
        For each name a dict. `name` is printed in brackets after a message, and never changes. `title` says
        what has happened, and `meaning` more about it, if there is more. `example` is a message without its
        file and line. `remedy` says how to fix it.
    """
    found = [one.groupdict() for one in _ENTRY.finditer(errors_text())]
    kinds = ({key: " ".join(text.split()) for key, text in one.items() if key != "text"} for one in found)
    return {kind["name"]: kind for kind in kinds}


@click.command("error")
@click.argument("name", metavar="[NAME]", required=False)
@opt.output_format
def error_command(name: str | None, output_format: str) -> None:
    """Show what an error means and how to fix it, by the name in brackets after its message."""
    known = error_kinds()
    wanted = (name or "").strip("[]")
    if name and wanted not in known:
        raise unknown("error", name, known, "`specguard error` lists them")
    if name and output_format == "text":
        page = next(found["text"] for found in _ENTRY.finditer(errors_text()) if found["name"] == wanted)
        show_markdown(f"# {wanted}\n\n{page}")
        return
    chosen = [known[wanted]] if name else list(known.values())
    show(output_format, chosen, align_rows([(kind["name"], kind["title"]) for kind in chosen]))


TARGET: Final = re.compile(r"\{(?P<target>[\w.]+:[\w.]+)(?: (?P<unit>\w+))?\}")
"""A number of the page of limits: a constant, a mapping's value (`CONSTANT.key`), or a setting's default.

The unit is missing if the page's text, or the number itself, has one.
"""


def limit_text(target: str, unit: str) -> str:
    """Return a number as text, with its unit.

    Args:
        target: the constant, as `limit_value` takes it.
        unit: bytes, MiB, seconds or characters; empty for none.
    """
    value = limit_value(target)
    if isinstance(value, str):
        # The setting's pattern ensures the form: digits and a unit.
        return counted(int(value[:-1]), {"s": "second", "m": "minute", "h": "hour"}[value[-1]])
    if unit == "seconds":
        days, rest = divmod(value, 86400)
        return f"{days:g} days" if days and not rest else f"{value:g} seconds"
    if unit == "bytes":
        for size, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
            if value >= size and value % size == 0:
                return f"{int(value) // size} {name}"
    return f"{int(value):,} {unit}".rstrip()


def limit_value(target: str) -> float | str:
    """Return the number that a target names; for the default of a setting it may be text with its unit.

    Raises:
        LookupError, AttributeError, TypeError: the target does not name a number.
    """
    module, _, name = target.partition(":")
    name, _, key = name.partition(".")
    value = getattr(importlib.import_module(module), name)
    if key:
        value = value[key] if isinstance(value, dict) else getattr(value, key)
    if not isinstance(value, (int, float, str)):
        raise TypeError(f"{target} is not a limit")
    return value


@click.command("rule")
@click.argument("selector", metavar="[CODE|NAME|WORD]", required=False)
@opt.flag("--cases", help="Show the rule's test cases.")
@opt.repeated("--plugin", "plugins", metavar="NAME", help="Include this plugin's rules.")
@opt.output_format
def rule_command(selector: str | None, cases: bool, plugins: tuple[str, ...], output_format: str) -> None:
    """Show a rule's manual page, list all rules, or those whose page has WORD."""
    registry = known_rules("", plugins)
    if cases and not selector:
        raise usage("--cases needs a rule", "name one, as `specguard rule` lists them")
    chosen = sorted(registry.rules.values(), key=lambda one: one.rule.code)
    page = None
    if selector:
        try:
            page = find_rule(registry, selector)
            chosen = [page]
        except SpecguardError:
            chosen = [one for one in chosen if _mentions(one, selector.casefold())]
            if cases or not chosen:
                raise
    if page is not None and output_format == "text":
        show_markdown(manual.cases(page) if cases else manual.page(page))
        return
    rows = [(one.rule.code, one.rule.name, manual.summary(one)) for one in chosen]
    show(output_format, [manual.data(one) for one in chosen], align_rows(rows))


def _mentions(entry: Registered, word: str) -> bool:
    """Return True if a rule's page, without its example, contains a word."""
    rule = entry.rule
    texts = (rule.code, rule.name, " ".join(manual.Docstring(rule.__doc__).prose.split()), *rule.tables)
    settings = (text for option in validate.options_of(rule) for text in (option.name, option.description))
    return any(word in text.casefold() for text in (*texts, *settings))
