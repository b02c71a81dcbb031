"""Showing Markdown: rendered on a terminal, as it is elsewhere."""

from __future__ import annotations

import sys

import click


def show_markdown(text: str) -> None:
    """Print a page of Markdown, through rich where a person reads it on a terminal."""
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
