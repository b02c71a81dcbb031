"""`specguard lsp`: a language server for authority documents and artifacts."""

from __future__ import annotations

import click

from specguard.cli.extras import needing
from specguard.cli.options import in_directory


@click.command("lsp", short_help="Serve an editor over LSP.")
@in_directory
@click.option("--stdio", is_flag=True, help="Does nothing; some editors add it.")
def command(directory: str, stdio: bool) -> None:  # noqa: ARG001 - see its help
    """Serve an editor over the Language Server Protocol, on standard input and output.

    It shows errors, findings and rules' pages, and needs the extra `specguard[lsp]`.
    """
    with needing("lsp", "pygls", "lsprotocol"):
        from specguard.integrations.lsp import serve
    serve()
