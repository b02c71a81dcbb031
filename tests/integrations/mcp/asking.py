"""The SDK's own client, on the installed command, in a repository."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters, stdio_client, types

from specguard.testing import Repository
from specguard.testing.repository import clean_environment

COMMAND = str(Path(sys.executable).parent / "specguard")
_LONGEST = 120


@asynccontextmanager
async def connected(directory: Path | str, *words: str, **variables: str) -> AsyncIterator[Client]:
    """A client of a server that was started in a folder."""
    environment = {**clean_environment(), "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"], **variables}
    parameters = StdioServerParameters(
        command=COMMAND, args=["mcp", *words], env=environment, cwd=str(directory)
    )
    with open(os.devnull, "w") as nowhere:
        async with Client(stdio_client(parameters, errlog=nowhere)) as client:
            yield client


def asking(repository: Repository, ask: Callable[[Client], Awaitable[None]], *words: str) -> None:
    """Ask a server in a repository."""

    async def session() -> None:
        with anyio.fail_after(_LONGEST):
            async with connected(repository.path, *words) as client:
                await ask(client)

    try:
        anyio.run(session)
    except BaseExceptionGroup as group:
        # Each task group of the client wraps what went wrong once more.
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


async def call(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers, which the client has held against the tool's schema."""
    result = await client.call_tool(name, arguments)
    assert isinstance(result, types.CallToolResult)
    assert not result.is_error, text_of(result)
    found: dict[str, Any] = result.structured_content
    return found


async def refused(client: Client, name: str, **arguments: Any) -> str:
    """The text by which a tool refuses to answer."""
    result = await client.call_tool(name, arguments)
    assert isinstance(result, types.CallToolResult)
    assert result.is_error, result.structured_content
    assert result.structured_content["errors"]
    return text_of(result)


def text_of(result: types.CallToolResult) -> str:
    """The text of an answer."""
    [content] = result.content
    assert isinstance(content, types.TextContent)
    return content.text
