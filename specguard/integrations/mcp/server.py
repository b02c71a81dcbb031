"""The server: what clients ask on standard input is answered on standard output, each in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
from mcp import MCPError, stdio_server, types
from mcp.server import Server
from pydantic import ValidationError

from specguard import __version__
from specguard.errors import SpecguardError, internal_error, nearest
from specguard.integrations.mcp.bounds import bounded
from specguard.integrations.mcp.resources import AUTHORITY, MARKDOWN, RULE, pages, read_page
from specguard.integrations.mcp.tools import TOOLS, Tool
from specguard.reporters.escape import cut, json_text, legible
from specguard.reporters.json import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from mcp.server import ServerRequestContext

    _Answer = TypeVar("_Answer")

_INSTRUCTIONS: Final = (
    "specguard judges changes to this repository by its authority, the documents in which its owners say "
    "what may change. Ask `why` before changing a file, `check` before a commit and when work is done, and "
    "`rule` about a finding's code. All of it only reads: only a person can approve what is forbidden."
)
_AT_ONCE: Final = 4
"""So many questions are answered at a time; further ones wait."""

_LONGEST_REFUSAL: Final = 10_000
"""How many characters of JSON an error has."""

_UNSAID: Final = ("title", "default", "maxLength", "maxItems")
"""Parts of a schema that tell an agent nothing that it needs for a question."""


def serve(directory: str) -> None:
    """Answer until standard input ends.

    Args:
        directory: the folder to look for the repository in; empty: the working directory.
    """
    anyio.run(_serve, directory)


async def _serve(directory: str) -> None:
    server = _server(directory)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _server(directory: str) -> Server[Any]:
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def apart(ask: Callable[[], _Answer]) -> _Answer:
        # Not abandoned where the client cancels: a check removes what it made of its own.
        return await anyio.to_thread.run_sync(ask, limiter=limiter)

    async def list_tools(_context: ServerRequestContext[Any], _asked: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_told(tool) for tool in TOOLS.values()])

    async def call_tool(
        _context: ServerRequestContext[Any], asked: types.CallToolRequestParams
    ) -> types.CallToolResult:
        return await apart(lambda: answer(asked.name, asked.arguments or {}, directory))

    async def list_resources(_context: ServerRequestContext[Any], _asked: Any) -> types.ListResourcesResult:
        found = await apart(lambda: _protected(lambda: pages(directory)))
        return types.ListResourcesResult(
            resources=[
                types.Resource(
                    uri=page.uri, name=page.name, description=page.description, mime_type=page.kind
                )
                for page in found
            ]
        )

    async def list_templates(
        _context: ServerRequestContext[Any], _asked: Any
    ) -> types.ListResourceTemplatesResult:
        templates = ((f"{RULE}{{code}}", "A rule's page"), (f"{AUTHORITY}{{+path}}", "A document"))
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(uri_template=template, name=name, mime_type=MARKDOWN)
                for template, name in templates
            ]
        )

    async def read_resource(
        _context: ServerRequestContext[Any], asked: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(asked.uri)
        text, kind = await apart(lambda: _protected(lambda: read_page(uri, directory)))
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, text=text, mime_type=kind)]
        )

    return Server(
        "specguard",
        version=__version__,
        title="specguard",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )


def answer(name: str, given: Mapping[str, Any], directory: str) -> types.CallToolResult:
    """What a tool answers; that it cannot is an answer too.

    Args:
        name: the tool's name.
        given: the arguments as the client sent them.
        directory: the folder to look for the repository in.
    """
    try:
        tool = _find(name)
        data = bounded(tool.answer(_arguments(tool, given), directory))
    except SpecguardError as error:
        return _refusal(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one question must never end the server
        return _refusal(internal_error(error))
    page = data.get(tool.page)
    text = legible(page) if page else json_text(data, indent=None)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=data)


def _find(name: str) -> Tool:
    if name not in TOOLS:
        raise SpecguardError(
            f"there is no tool {cut(name, 60)!r}", help=nearest(cut(name, 60), TOOLS), code="unknown-name"
        )
    return TOOLS[name]


def _arguments(tool: Tool, given: Mapping[str, Any]) -> Any:
    """The arguments as their type.

    Raises:
        SpecguardError: they are not of it; all that is wrong is named.
    """
    try:
        return tool.arguments.model_validate(given)
    except ValidationError as error:
        known = ", ".join(tool.arguments.model_fields) or "no arguments"
        said = [
            f"{cut('.'.join(map(str, one['loc'])), 60)!r}: {cut(one['msg'], 200)}"
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise SpecguardError(
            f"the arguments of {tool.name} are wrong: {'; '.join(said[:5])}",
            help=f"it takes {known}",
            code="usage",
        ) from None


def _refusal(error: SpecguardError) -> types.CallToolResult:
    """An error as the answer of a tool: what is wrong, and the next step."""
    data = bounded({"errors": errors(error)}, _LONGEST_REFUSAL)
    lines = []
    for one in data["errors"]:
        place = one["location"] or {}
        where = f"{place['path']}:{place['line']}: " if place.get("line") else ""
        lines.append(where + cut(one["message"]))
        if one["help"]:
            lines.append(f"next: {cut(one['help'])}")
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=legible("\n".join(lines)))],
        structured_content=data,
        is_error=True,
    )


def _protected(ask: Callable[[], _Answer]) -> _Answer:
    """What is asked for; each error as one of the protocol, which ends no server."""
    try:
        return ask()
    except SpecguardError as error:
        known = error
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one question must never end the server
        known = internal_error(error)
    [said] = _refusal(known).content
    assert isinstance(said, types.TextContent)  # noqa: S101 - what `_refusal` makes
    raise MCPError(code=types.INVALID_PARAMS, message=said.text)


def _told(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=_schema(tool),
        annotations=types.ToolAnnotations(read_only_hint=True),
    )


def _schema(tool: Tool) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments, in few words."""
    schema = tool.arguments.model_json_schema()
    properties = {name: _plain(one) for name, one in schema["properties"].items()}
    required = {"required": schema["required"]} if "required" in schema else {}
    return {"type": "object", "properties": properties, **required, "additionalProperties": False}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    # What may be null may as well be left out.
    [kind] = [one for one in schema.pop("anyOf", [{}]) if one.get("type") != "null"]
    kept = {key: value for key, value in {**kind, **schema}.items() if key not in _UNSAID}
    return {**kept, "items": _plain(kept["items"])} if "items" in kept else kept
