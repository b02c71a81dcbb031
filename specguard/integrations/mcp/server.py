"""The server: what clients ask on standard input is answered on standard output, each in a thread."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

import anyio
from mcp import MCPError, stdio_server, types
from mcp.server import Server
from pydantic import ValidationError

from specguard import __version__
from specguard.authority.schema import rule_options
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.engine.plugins import find_rule, known_rules
from specguard.engine.policies import open_policy
from specguard.errors import MissingFact, SpecguardError, internal_error, nearest
from specguard.integrations.mcp.tools import TOOLS
from specguard.model import path_text
from specguard.reporters import manual
from specguard.reporters.escape import cut, json_text, legible
from specguard.reporters.json import errors, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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
        return types.ListToolsResult(tools=[_told(name) for name in TOOLS])

    async def call_tool(
        _context: ServerRequestContext[Any], asked: types.CallToolRequestParams
    ) -> types.CallToolResult:
        return await apart(lambda: answer(asked.name, asked.arguments or {}, directory))

    async def list_resources(_context: ServerRequestContext[Any], _asked: Any) -> types.ListResourcesResult:
        found = await apart(lambda: _protected(lambda: pages(directory)))
        return types.ListResourcesResult(resources=list(found))

    async def list_templates(
        _context: ServerRequestContext[Any], _asked: Any
    ) -> types.ListResourceTemplatesResult:
        templates = ((f"{RULE}{{code}}", "A rule's page"), (f"{AUTHORITY}{{+path}}", "A document"))
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(uri_template=one, name=name, mime_type=MARKDOWN)
                for one, name in templates
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
        asked = _arguments(name, given)
        data = bounded(TOOLS[name].answer(asked, directory))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one question must never end the server
        return _refusal(error)
    page = data.get(TOOLS[name].page)
    text = legible(page) if page else json_text(data, indent=None)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=data)


def _arguments(name: str, given: Mapping[str, Any]) -> Any:
    """The arguments of a tool as their type.

    Raises:
        SpecguardError: there is no such tool, or they are not of the type; all that is wrong is named.
    """
    if name not in TOOLS:
        shown = cut(name, 60)
        raise SpecguardError(f"there is no tool {shown!r}", help=nearest(shown, TOOLS), code="unknown-name")
    arguments = TOOLS[name].arguments
    try:
        return arguments.model_validate(given)
    except ValidationError as error:
        said = [
            f"{cut('.'.join(map(str, one['loc'])), 60)!r}: {cut(one['msg'], 200)}"
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise SpecguardError(
            f"the arguments of {name} are wrong: {'; '.join(said[:5])}",
            help=f"it takes {', '.join(arguments.model_fields) or 'no arguments'}",
            code="usage",
        ) from None


def _refusal(error: Exception | SystemExit) -> types.CallToolResult:
    """An error as the answer of a tool: what is wrong, and the next step."""
    known = error if isinstance(error, SpecguardError) else internal_error(error)
    data = bounded({"errors": errors(known)}, _LONGEST_REFUSAL)
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
    except (Exception, SystemExit) as error:
        [said] = _refusal(error).content
        assert isinstance(said, types.TextContent)  # noqa: S101 - what `_refusal` makes
        raise MCPError(code=types.INVALID_PARAMS, message=said.text) from error


def _told(name: str) -> types.Tool:
    """A tool with the JSON Schema of its arguments in few words."""
    tool = TOOLS[name]
    schema = tool.arguments.model_json_schema()
    schema["properties"] = {name: _plain(one) for name, one in schema["properties"].items()}
    known = ("type", "properties", "required", "additionalProperties")
    return types.Tool(
        name=name,
        description=tool.description,
        input_schema={key: schema[key] for key in known if key in schema},
        annotations=types.ToolAnnotations(read_only_hint=True),
    )


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    # What may be null may as well be left out.
    [kind] = [one for one in schema.pop("anyOf", [{}]) if one.get("type") != "null"]
    kept = {key: value for key, value in {**kind, **schema}.items() if key not in _UNSAID}
    return {**kept, "items": _plain(kept["items"])} if "items" in kept else kept


AUTHORITY: Final = "specguard://authority/"
"""What the address of a document of the authority begins with; its path follows, with `%` as in any URI."""

RULE: Final = "specguard://rule/"
"""What the address of a rule's page begins with; its code or name follows."""

MARKDOWN: Final = "text/markdown"


def pages(directory: str) -> Sequence[types.Resource]:
    """All that can be read here; without a policy, the pages of the rules alone.

    Args:
        directory: the folder to look for the repository in.
    """
    rules = sorted(known_rules(directory).rules.values(), key=lambda one: one.rule.code)
    try:
        documents = [path for path, _ in _documents(directory)]
    except SpecguardError:
        documents = []
    return [
        *(
            types.Resource(
                uri=AUTHORITY + quote(path.encode("utf-8", "surrogateescape")),
                name=_shown(path),
                description="A document of the authority, as the trusted base has it.",
                mime_type=_kind(path),
            )
            for path in documents
        ),
        *(
            types.Resource(
                uri=RULE + entry.rule.code,
                name=f"{entry.rule.code} {entry.rule.name}",
                description=manual.summary(entry),
                mime_type=MARKDOWN,
            )
            for entry in rules
        ),
    ]


def read_page(uri: str, directory: str) -> tuple[str, str]:
    """A page's text and media type.

    Args:
        uri: its address.
        directory: the folder to look for the repository in.

    Raises:
        SpecguardError: there is no such page.
    """
    if uri.startswith(RULE):
        entry = find_rule(known_rules(directory), unquote(uri.removeprefix(RULE)))
        return manual.page(entry, rule_options(entry.rule)), MARKDOWN
    if uri.startswith(AUTHORITY):
        asked = unquote(uri.removeprefix(AUTHORITY), errors="surrogateescape")
        for path, oid in _documents(directory):
            if path == asked:
                return _read(oid, directory), _kind(path)
        raise SpecguardError(
            f"{_shown(asked)!r} is no document of the authority",
            help="list the resources to see which are",
            code="unknown-name",
        )
    raise SpecguardError(
        f"there is no resource {cut(uri)!r}",
        help=f"ask for {RULE}CODE or {AUTHORITY}PATH",
        code="unknown-name",
    )


def _documents(directory: str) -> Sequence[tuple[str, str]]:
    """The path and object id of each document that was read from a commit."""
    policy = open_policy(Request(environment=os.environ, directory=directory))
    return [(path, oid) for path, oid in policy.documents if oid]


def _read(oid: str, directory: str) -> str:
    with Git(Repository.locate(directory, os.environ)) as git:
        try:
            _, content = git.object(oid)
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
    return cut(content.decode("utf-8", "replace"), LONGEST_PAGE)


def _kind(path: str) -> str:
    return "application/toml" if path.endswith(".toml") else MARKDOWN


def _shown(path: str) -> str:
    return path_text(path.encode("utf-8", "surrogateescape"))


MOST: Final = 60_000
"""How many characters of JSON one answer has; clients warn of, or cut, what is longer."""

LONGEST_PAGE: Final = 1_000_000
"""How many characters of one document are given as a resource."""

_MOST_TOLD: Final = 20
_LEFT_OUT: Final = "left_out"


def bounded(data: Mapping[str, Any], most: int = MOST) -> dict[str, Any]:
    """An answer of a bounded size, whose texts can be written as UTF-8.

    Args:
        data: the answer, as JSON can hold it.
        most: how many characters it may have as JSON.

    Returns:
        The answer; where lists had to be shortened, with `left_out`: how many elements each lacks.
    """
    shown: dict[str, Any] = {}
    # How many elements of each list are kept: the first at which all fits.
    for elements in (1 << 30, 1_000, 300, 100, 50, 20, 10, 3, 1, 0):
        left: dict[str, int] = {}
        shown = _shortened(data, elements, max(50, elements * 40), "", left)
        if left:
            shown[_LEFT_OUT] = dict(list(left.items())[:_MOST_TOLD])
        if len(json_text(shown, indent=None)) <= most:
            break
    return shown


def _shortened(value: Any, elements: int, characters: int, place: str, left: dict[str, int]) -> Any:
    """A value whose lists have so many elements at most, and its texts so many characters."""
    if isinstance(value, str):
        return cut(plain(value), characters)
    if not isinstance(value, dict | list | tuple):
        return value
    most = max(elements, _MOST_TOLD) if isinstance(value, dict) else elements
    if len(value) > most and (place or not isinstance(value, dict)):
        left[place] = left.get(place, 0) + len(value) - most
    else:
        most = len(value)
    if not isinstance(value, dict):
        return [_shortened(inner, elements, characters, f"{place}[]", left) for inner in value[:most]]
    return {
        cut(plain(str(name)), characters): _shortened(
            inner, elements, characters, f"{place}.{cut(plain(str(name)), 50)}".lstrip("."), left
        )
        for name, inner in list(value.items())[:most]
    }
