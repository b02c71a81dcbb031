"""`specguard error`: what a kind of error means, or the list of them, from the page of errors."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from specguard.cli.pages import show_markdown
from specguard.errors import SpecguardError, nearest
from specguard.reporters.escape import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

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
def command(name: str | None, output_format: str) -> None:
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
