"""`specguard mcp`: answer agents over the Model Context Protocol."""

from __future__ import annotations

import click

from specguard.cli.extras import needing
from specguard.cli.options import in_directory


@click.command("mcp", short_help="Serve agents over MCP.")
@in_directory
def command(directory: str) -> None:
    """Serve check, why, policy, brief, status, rule and run_status to an agent, on standard input and output.

    It needs the extra `specguard[mcp]`.
    """
    with needing("mcp", "mcp", "mcp_types", "anyio"):
        from specguard.integrations.mcp.server import serve
    serve(directory)
