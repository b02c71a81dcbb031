"""A server of the Model Context Protocol with read-only tools for agents.

The server reads requests from stdin and answers on stdout, each in a thread. The arguments of a tool are the
parameters of its method. None of them loosens a verdict or names another authority.
"""

# ruff: noqa: B008 - pydantic reads the defaults of parameters

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Annotated, Any, Final, Literal, TypeVar, cast
from urllib.parse import quote, unquote

import anyio
from mcp import MCPError, stdio_server, types
from mcp.server import Server, ServerRequestContext
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic_core import ArgsKwargs

from specguard import __version__
from specguard.change.check_request import Request
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.engine.check import check
from specguard.engine.plugins import find_rule, known_rules, open_with_plugins
from specguard.engine.status import read_status
from specguard.engine.trusted_policy import open_policy
from specguard.engine.why import find_governing, to_root_path
from specguard.errors import Needed, SpecguardError, as_specguard_error, unknown, usage
from specguard.executor.run import RunOptions, open_store
from specguard.executor.steps import brief_of
from specguard.model import path_text
from specguard.reporters import manual
from specguard.reporters.escape import cut, json_text, visible_lines
from specguard.reporters.json import MAX_ANSWER, MAX_PAGE, error_data, json_safe, report
from specguard.reporters.policy import as_data as policy_data
from specguard.reporters.status import as_data as runs_data

_Value = TypeVar("_Value")
_Context = ServerRequestContext[Any]


def _readable(text: str) -> str:
    """Validate a text that can be a name or a message."""
    if "\0" in text:
        raise ValueError("it has a NUL, which no name and no message may have")
    return text


Name = Annotated[str, Field(max_length=1_000), AfterValidator(_readable)]
Path = Annotated[str, Field(max_length=4_096), AfterValidator(_readable)]
Text = Annotated[str, Field(max_length=200_000), AfterValidator(_readable)]


class Tools:
    """The tools for agents: each public method is a tool, with its docstring as the description.

    Descriptions are always in every agent's context. If an answer has a `page`, that is its text. Each looks
    for the repository in the working directory.
    """

    def check(
        self,
        *,
        what: Literal["worktree", "staged", "branch"] = Field(
            "worktree",
            description="worktree: what is not committed. staged: the next commit. branch: since the base.",
        ),
        commit_message: Text | None = Field(None, description="Judge this commit message, and nothing else."),
        title: Text | None = Field(None, description="With branch: the pull request's title."),
        body: Text | None = Field(None, description="With branch: its text."),
    ) -> Mapping[str, Any]:
        """Judges what was changed: each finding has its place, the line of the authority that decides, and
        the next step. Ask before a commit and when work is done.
        """  # noqa: D205 - this is the tool's description
        if (title or body) and (what != "branch" or commit_message is not None):
            raise usage("a title and a body are a branch's", 'ask with "what": "branch", no "commit_message"')
        with ExitStack() as files:
            verdicts = check(
                Request(
                    environment=os.environ,
                    worktree=what == "worktree" and commit_message is None,
                    staged=what == "staged" and commit_message is None,
                    message_file=_file(files, commit_message),
                    title=title,
                    body_file=_file(files, body),
                )
            )
        data = report(verdicts[0])
        # The command's report has all rules.
        rules = [one for one in data["rules"] if one["state"] not in ("passed", "not-applicable", "off")]
        return {**data, "rules": rules}

    def why(self, *, path: Path = Field(description="From the root: docs/api/x.yaml.")) -> Mapping[str, Any]:
        """The rules that apply to a path. Ask before you change a file."""
        request = Request(environment=os.environ)
        path = to_root_path(request, path)
        _stay_inside(path)
        found = find_governing(request, path, open_with_plugins(request))
        return {"path": path, "governing": [one.data for one in found]}

    def policy(self) -> Mapping[str, Any]:
        """The policy as it was understood: settings with their lines, rules."""
        data = policy_data(open_policy(Request(environment=os.environ)))
        return {**data, "rules": [rule for rule in data["rules"] if rule["active"]]}

    def brief(
        self,
        *,
        kind: Name = Field("", description="The kind of item, where there are several."),
        item: Name = Field("", description="Its id; else the current one."),
        plan: Path = Field("", description="The plan that it is in."),
    ) -> Mapping[str, Any]:
        """The brief of a work item: what may change, names, gates."""
        _stay_inside(plan)
        return {"page": brief_of(RunOptions(dict(os.environ), kind=kind, item=item, plan=plan))}

    def status(
        self,
        *,
        worktree: bool = Field(False, description="Look at the working tree, not HEAD."),
    ) -> Mapping[str, Any]:
        """The current item, the missing parts, and the next step."""
        return read_status(Request(environment=os.environ, worktree=worktree, all=True))

    def rule(self, *, rule: Name = Field("", description="Its code or name.")) -> Mapping[str, Any]:
        """A rule's page: what it flags, why, how to fix it. Without a name: all rules."""
        registry = known_rules("")
        if not rule:
            entries = sorted(registry.rules.values(), key=lambda one: one.rule.code)
            return {"rules": [manual.data(entry) for entry in entries]}
        entry = find_rule(registry, rule)
        return {"rules": [manual.data(entry)], "page": manual.page(entry)}

    def run_status(
        self,
        *,
        run: Name = Field("", description="Its id, or how that begins; else those under way, or the last."),
    ) -> Mapping[str, Any]:
        """The state of a run, its end, and how to go on."""
        _stay_inside(run)
        # Logs stay out: a record may name any file as its log.
        return runs_data(open_store().select(run))


TOOLS: Final = tuple(name for name in vars(Tools) if not name.startswith("_"))
"""The names of all tools, in the order of listing."""


def _file(files: ExitStack, text: str | None) -> str:
    """Return the path in this process of an unlinked temporary file with a text; empty for None."""
    if text is None:
        return ""
    file = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    file.write(text.encode("utf-8", "surrogateescape"))
    file.seek(0)
    return f"/dev/fd/{file.fileno()}"


def _stay_inside(path: str) -> None:
    """Refuse a path that leads out of the folder that it is resolved in."""
    if path.startswith("/") or ".." in path.split("/"):
        message = f"{path!r} leads out of the repository, and nothing there is looked at"
        help = "give the path from the repository's root: docs/api/x.yaml"
        raise SpecguardError(message, help=help, code="outside-repository")


_INSTRUCTIONS: Final = (
    "specguard judges changes to this repository by its authority, the documents in which its owners say "
    "what may change. Ask `why` before changing a file, `check` before a commit and when work is done, and "
    "`rule` about a finding's code. All of it only reads: only a person can approve what is forbidden."
)

_REFUSAL_SIZE: Final = 10_000
"""The largest JSON of an error, in characters."""

_OMITTED_KEYS: Final = ("title", "default", "maxLength")
"""Parts of a schema that an agent does not need."""


def serve() -> None:
    """Serve until stdin ends."""
    anyio.run(_serve)


async def _serve() -> None:
    # No more requests run at the same time; others wait.
    limiter = anyio.CapacityLimiter(4)

    async def in_thread(ask: Callable[[], _Value]) -> _Value:
        try:
            # Not abandoned if the client cancels: a check has to remove its temporary files.
            return await anyio.to_thread.run_sync(ask, limiter=limiter)
        except (Exception, SystemExit) as error:
            # Any other error would end the server.
            raise MCPError(code=types.INVALID_PARAMS, message=_refusal(error)[0]) from error

    async def list_tools(_: _Context, _asked: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_describe_tool(name) for name in TOOLS])

    async def call_tool(_: _Context, asked: types.CallToolRequestParams) -> types.CallToolResult:
        return await in_thread(lambda: answer(asked.name, asked.arguments or {}))

    async def list_resources(_: _Context, _asked: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=list(await in_thread(pages)))

    async def read_resource(_: _Context, asked: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(asked.uri)
        text, kind = await in_thread(lambda: read_page(uri))
        page = types.TextResourceContents(uri=uri, text=text, mime_type=kind)
        return types.ReadResourceResult(contents=[page])

    server: Server[Any] = Server(
        "specguard",
        version=__version__,
        title="specguard",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
    )
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def answer(name: str, given: Mapping[str, Any]) -> types.CallToolResult:
    """Call a tool and return its answer; a failure is an answer, too.

    Args:
        name: the tool's name.
        given: the arguments, as the client sent them.
    """
    try:
        data = limit_size(_call_tool(name, given))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a failed request must not end the server
        return _result(*_refusal(error), is_error=True)
    page = data.get("page")
    return _result(visible_lines(page) if page else json_text(data, indent=None), data)


def _result(text: str, data: dict[str, Any], *, is_error: bool = False) -> types.CallToolResult:
    content = types.TextContent(type="text", text=text)
    return types.CallToolResult(content=[content], structured_content=data, is_error=is_error)


def _call_tool(name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Call a tool and return its answer in full.

    Raises:
        SpecguardError: the tool is unknown, or the arguments are wrong; the message names all problems.
    """
    if name not in TOOLS:
        raise unknown("tool", cut(name, 60), TOOLS)
    tool: TypeAdapter[Any] = TypeAdapter(getattr(Tools(), name))
    try:
        return cast("Mapping[str, Any]", tool.validate_python(ArgsKwargs((), dict(given))))
    except ValidationError as error:
        flaws = [
            f"{cut('.'.join(map(str, one['loc'])), 60)!r}: {cut(one['msg'], 200)}"
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        step = f"it takes {', '.join(tool.json_schema()['properties']) or 'no arguments'}"
        raise usage(f"the arguments of {name} are wrong: {'; '.join(flaws[:5])}", step) from None


def _refusal(error: Exception | SystemExit) -> tuple[str, dict[str, Any]]:
    """Return an error as text (the problem and the next step), and as data."""
    data = limit_size({"errors": error_data(as_specguard_error(error))}, _REFUSAL_SIZE)
    lines = []
    for one in data["errors"]:
        place = one["location"] or {}
        where = f"{place['path']}:{place['line']}: " if place.get("line") else ""
        lines.append(where + cut(one["message"]))
        if one["help"]:
            lines.append(f"next: {cut(one['help'])}")
    return visible_lines("\n".join(lines)), data


def _describe_tool(name: str) -> types.Tool:
    """Return the description of a tool, with a short JSON Schema of its arguments."""
    method = getattr(Tools(), name)
    schema = TypeAdapter(method).json_schema()
    schema["properties"] = {name: _simplify(one) for name, one in schema["properties"].items()}
    known = ("type", "properties", "required", "additionalProperties")
    return types.Tool(
        name=name,
        description=" ".join((method.__doc__ or "").split()),
        input_schema={key: schema[key] for key in known if key in schema},
        annotations=types.ToolAnnotations(read_only_hint=True),
    )


def _simplify(schema: dict[str, Any]) -> dict[str, Any]:
    # Arguments that may be null may also be omitted.
    [kind] = [one for one in schema.pop("anyOf", [{}]) if one.get("type") != "null"]
    return {key: value for key, value in {**kind, **schema}.items() if key not in _OMITTED_KEYS}


AUTHORITY: Final = "specguard://authority/"
"""The prefix of the URI of an authority document, before its percent-encoded path."""

RULE: Final = "specguard://rule/"
"""The prefix of the URI of a rule's page, before its code or name."""

MARKDOWN: Final = "text/markdown"


def pages() -> Sequence[types.Resource]:
    """Return all resources: the documents of the policy, if there is one, and the pages of the rules."""
    found = []
    with suppress(SpecguardError):
        for path, _ in _documents():
            written, text = path.encode("utf-8", "surrogateescape"), "A document of the authority."
            uri, name = AUTHORITY + quote(written), path_text(written)
            found.append(types.Resource(uri=uri, name=name, description=text, mime_type=_media_type(path)))
    for entry in sorted(known_rules("").rules.values(), key=lambda one: one.rule.code):
        name, text = f"{entry.rule.code} {entry.rule.name}", manual.summary(entry)
        uri = RULE + entry.rule.code
        found.append(types.Resource(uri=uri, name=name, description=text, mime_type=MARKDOWN))
    return found


def read_page(uri: str) -> tuple[str, str]:
    """Return a resource's text and media type.

    Args:
        uri: its URI.

    Raises:
        SpecguardError: the resource is unknown.
    """
    if uri.startswith(RULE):
        return manual.page(find_rule(known_rules(""), unquote(uri.removeprefix(RULE)))), MARKDOWN
    if uri.startswith(AUTHORITY):
        asked = unquote(uri.removeprefix(AUTHORITY), errors="surrogateescape")
        for path, oid in _documents():
            if path == asked:
                with Git(Repository.locate("", os.environ)) as git, Needed():
                    _, content = git.object(oid)
                return cut(content.decode("utf-8", "replace"), MAX_PAGE), _media_type(path)
    step = f"ask for {RULE}CODE or {AUTHORITY}PATH, and list the resources to see which there are"
    raise SpecguardError(f"there is no resource {cut(uri)!r}", help=step, code="unknown-name")


def _documents() -> Sequence[tuple[str, str]]:
    """Return the path and object id of each document that was read from a commit."""
    return [(path, oid) for path, oid in open_policy(Request(environment=os.environ)).documents if oid]


def _media_type(path: str) -> str:
    return "application/toml" if path.endswith(".toml") else MARKDOWN


_MOST_KEYS: Final = 20


def limit_size(data: Mapping[str, Any], most: int = MAX_ANSWER) -> dict[str, Any]:
    """Limit the size of an answer, and make its texts valid UTF-8.

    Args:
        data: the answer as JSON-compatible data.
        most: the highest number of characters of its JSON.

    Returns:
        The answer. If lists were shortened, `left_out` has the number of omitted elements of each.
    """
    shown: dict[str, Any] = {}
    # The number of elements that each list keeps: the first one with which the answer fits.
    for elements in (1 << 30, 1_000, 300, 100, 50, 20, 10, 3, 1, 0):
        omitted: dict[str, int] = {}
        shown = _shorten(data, elements, max(50, elements * 40), "", omitted)
        if omitted:
            shown["left_out"] = dict(list(omitted.items())[:_MOST_KEYS])
        if len(json_text(shown, indent=None)) <= most:
            break
    return shown


def _shorten(value: Any, elements: int, characters: int, place: str, omitted: dict[str, int]) -> Any:
    """Shorten all lists in a value to a number of elements, and all texts to a number of characters."""
    if isinstance(value, str):
        return cut(json_safe(value), characters)
    if not isinstance(value, dict | list | tuple):
        return value
    # The outermost object keeps all its members.
    most = max(elements, _MOST_KEYS if place else len(value)) if isinstance(value, dict) else elements
    if len(value) > most:
        omitted[place] = omitted.get(place, 0) + len(value) - most
    if not isinstance(value, dict):
        return [_shorten(inner, elements, characters, f"{place}[]", omitted) for inner in value[:most]]
    return {
        cut(json_safe(str(name)), characters): _shorten(
            inner, elements, characters, f"{place}.{cut(json_safe(str(name)), 50)}".lstrip("."), omitted
        )
        for name, inner in list(value.items())[:most]
    }
