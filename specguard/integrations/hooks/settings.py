"""The agents' own settings: where they stand, what they need to run specguard, and what they have of it.

The formats are those of https://code.claude.com/docs/en/hooks, https://developers.openai.com/codex/hooks,
docs/hooks/reference.md of google-gemini/gemini-cli and https://cursor.com/docs/agent/hooks.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any, Final

from specguard.change.repository import find_program
from specguard.declaration.rule import Record
from specguard.integrations.hooks.calls import WRITING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.integrations.hooks.calls import Agent


SOON: Final = 30
LATE: Final = 60
"""How many seconds an agent waits before an edit, and at the end of a turn: longer than the hook takes."""

_OURS: Final = re.compile(r"\bspecguard['\"]?\s+hook\s")


class Host(Record, kw_only=True):
    """What an agent's program wants written where.

    Attributes:
        agent: whose.
        file: the settings of a project, from its root.
        program: the agent's own command.
        before, after, stop, start: the names of the events before a tool, after a command, at the end of a
            turn and at the start of a session.
        command: the event before a command, where that is another one.
        editors: its tools that write files.
        shells: its tools that run commands.
        foreign: how the names of tools of MCP servers begin.
        unit: how many of its units of time a second has.
        flat: whether a hook stands in the list of its event by itself, and not in a group.
        named: whether a hook has a name.
    """

    agent: Agent
    file: str
    program: str
    before: str
    after: str
    stop: Sequence[str]
    start: str
    command: str = ""
    editors: Sequence[str]
    shells: Sequence[str]
    foreign: str = "mcp__"
    unit: int = 1
    flat: bool = False
    named: bool = False


HOSTS: Final[Mapping[Agent, Host]] = {
    "claude": Host(
        agent="claude", file=".claude/settings.json", program="claude", before="PreToolUse",
        after="PostToolUse", stop=("Stop", "SubagentStop"), start="SessionStart",
        editors=("Edit", "MultiEdit", "NotebookEdit", "Write"), shells=("Bash", "Monitor", "PowerShell"),
    ),
    "codex": Host(
        agent="codex", file=".codex/hooks.json", program="codex", before="PreToolUse", after="PostToolUse",
        stop=("Stop", "SubagentStop"), start="SessionStart", editors=("Edit", "Write", "apply_patch"),
        shells=("Bash", "exec_command", "local_shell", "shell", "write_stdin"),
    ),
    "gemini": Host(
        agent="gemini", file=".gemini/settings.json", program="gemini", before="BeforeTool",
        after="AfterTool", stop=("AfterAgent",), start="SessionStart", editors=("replace", "write_file"),
        shells=("run_shell_command",), foreign="mcp_", unit=1000, named=True,
    ),
    "cursor": Host(
        agent="cursor", file=".cursor/hooks.json", program="cursor-agent", before="preToolUse",
        after="postToolUse", stop=("stop", "subagentStop"), start="sessionStart",
        command="beforeShellExecution", editors=("Delete", "Edit", "NotebookEdit", "StrReplace", "Write"),
        shells=("Shell",), foreign="MCP:", flat=True,
    ),
}  # fmt: skip
"""The agents that run hooks."""


class Wanted(Record, kw_only=True):
    """A hook that an agent's settings should have.

    Attributes:
        event: on which event.
        matcher: for which tools, as a regular expression; empty for all.
        command: what is run.
        seconds: how long the agent waits for it.
        guards: whether it comes before something that it may refuse.
    """

    event: str
    matcher: str = ""
    command: str
    seconds: int
    guards: bool = False


class Found(Record):
    """What settings have of specguard.

    Attributes:
        missing: the events whose hook is not there, or not as it should be.
        commands: the commands of the hooks that are there, by their events.
        switched_off: by what the file switches hooks off; empty where it does not.
    """

    missing: Sequence[str]
    commands: Mapping[str, str]
    switched_off: str = ""


def wanted_hooks(host: Host, program: str) -> list[Wanted]:
    """The hooks that an agent's settings should have.

    Args:
        host: the agent.
        program: how specguard is called, as words of a shell.
    """
    plain = f"{program} hook {host.agent}"
    # An agent takes every code but 2 for a hook that failed, and goes on: also that of a missing program.
    closed = f"{plain} || exit 2"
    foreign = "|".join(f"[{word[0].upper()}{word[0]}]{word[1:]}" for word in WRITING)
    tools = [*host.editors, *(() if host.command else host.shells), f"{host.foreign}.*({foreign}).*"]
    hooks = [Wanted(event=host.before, matcher=_one_of(tools), command=closed, seconds=SOON, guards=True)]
    if host.command:
        hooks.append(Wanted(event=host.command, command=closed, seconds=SOON, guards=True))
    hooks.append(Wanted(event=host.after, matcher=_one_of(host.shells), command=plain, seconds=LATE))
    hooks += [Wanted(event=event, command=plain, seconds=LATE) for event in host.stop]
    hooks.append(Wanted(event=host.start, command=plain, seconds=SOON))
    return hooks


def _one_of(tools: Sequence[str]) -> str:
    return f"^({'|'.join(tools)})$"


def written_hook(host: Host, hook: Wanted, *, on_failure: bool = False) -> dict[str, Any]:
    """A hook as the agent's settings have it, with its group where there is one.

    Args:
        host: the agent.
        hook: the hook.
        on_failure: whether Claude Code is told to refuse where it fails, which it knows from 2.1.295 on.
    """
    timeout = hook.seconds * host.unit
    if host.flat:
        data: dict[str, Any] = {"command": hook.command, "timeout": timeout}
        if hook.matcher:
            data["matcher"] = hook.matcher
        if hook.guards:
            data["failClosed"] = True
        return data
    inner: dict[str, Any] = {"name": "specguard"} if host.named else {}
    inner |= {"type": "command", "command": hook.command, "timeout": timeout}
    if on_failure and hook.guards:
        inner["onFailure"] = "block"
    return ({"matcher": hook.matcher} if hook.matcher else {}) | {"hooks": [inner]}


def merged(text: str, host: Host, program: str, *, on_failure: bool = False) -> str:
    """Settings with all hooks that they should have; what else is in them stays as it is.

    Args:
        text: what is there; empty for nothing.
        host: the agent.
        program: how specguard is called.
        on_failure: whether Claude Code is told to refuse where a hook fails.

    Raises:
        JsonTextError: it is no JSON, or has something else where hooks stand.
    """
    if not text.strip():
        text = "{}\n"
    if host.flat and "version" not in _need_object(read_places(text), "the file").members:
        text = put_member(text, [], "version", 1)
    for hook in wanted_hooks(host, program):
        data = written_hook(host, hook, on_failure=on_failure)
        root = read_places(text)
        hooks = _need_object(root, "the file").members.get("hooks")
        if hooks is None:
            text = put_member(text, [], "hooks", {hook.event: [data]})
            continue
        groups = _need_object(hooks, "`hooks`").members.get(hook.event)
        if groups is None:
            text = put_member(text, ["hooks"], hook.event, [data])
            continue
        if not isinstance(groups.value, list):
            raise JsonTextError(f"`hooks.{hook.event}` is no list")
        if any(_serves(group.value, data) for group in groups.items):
            continue
        mine = next((group for group in groups.items if _is_ours(group.value)), None)
        text = put_item(text, ["hooks", hook.event], data) if mine is None else replace(text, mine, data)
    return text


def look(text: str, host: Host, program: str) -> Found:
    """What settings have of specguard, and what they lack.

    Raises:
        JsonTextError: they are no JSON, or have something else where hooks stand.
    """
    root = _need_object(read_places(text), "the file").value
    hooks = root.get("hooks", {})
    if not isinstance(hooks, dict):
        raise JsonTextError("`hooks` is no object")
    commands: dict[str, str] = {}
    missing: list[str] = []
    for hook in wanted_hooks(host, program):
        groups = hooks.get(hook.event, [])
        groups = groups if isinstance(groups, list) else []
        data = written_hook(host, hook)
        # Another program may be called there; all else has to be as it should.
        for group in groups:
            for handler in _handlers(group):
                command = handler.get("command")
                if isinstance(command, str) and _OURS.search(command):
                    commands.setdefault(hook.event, command)
                    data = _with_command(data, command) if _closed_as(command, hook) else data
            if _serves(group, data):
                break
        else:
            missing.append(hook.event)
    return Found(missing=missing, commands=commands, switched_off=_switched_off(root, host))


def _switched_off(root: Mapping[str, Any], host: Host) -> str:
    """What in these settings switches hooks off."""
    if host.agent == "claude" and root.get("disableAllHooks") is True:
        return "disableAllHooks"
    if host.agent == "gemini":
        config = root.get("hooksConfig")
        if isinstance(config, dict) and config.get("enabled") is False:
            return "hooksConfig.enabled = false"
        disabled = config.get("disabled", []) if isinstance(config, dict) else []
        if isinstance(disabled, list) and "specguard" in disabled:
            return "hooksConfig.disabled"
    return ""


def _closed_as(command: str, hook: Wanted) -> bool:
    return not hook.guards or bool(re.search(r"\|\|\s*exit\s+2\s*$", command))


def _with_command(data: Mapping[str, Any], command: str) -> dict[str, Any]:
    changed = json.loads(json.dumps(data))
    for handler in _handlers(changed):
        handler["command"] = command
    return dict(changed)


def _serves(group: object, data: Mapping[str, Any]) -> bool:
    """Whether a group of settings does what one that is wanted does; further keys of it may say more."""
    if not isinstance(group, dict):
        return False
    if any(group.get(key) != value for key, value in data.items() if key != "hooks"):
        return False
    if "hooks" not in data:
        return True
    if "matcher" in group and "matcher" not in data and group["matcher"] not in ("", "*"):
        return False
    wanted = data["hooks"][0]
    return any(all(one.get(key) == value for key, value in wanted.items()) for one in _handlers(group))


def _is_ours(group: object) -> bool:
    """Whether a group has specguard's hooks alone."""
    commands = [handler.get("command") for handler in _handlers(group)]
    return bool(commands) and all(isinstance(one, str) and _OURS.search(one) for one in commands)


def _handlers(group: object) -> Iterator[dict[str, Any]]:
    if isinstance(group, dict):
        inner = group.get("hooks", [group])
        yield from (one for one in inner if isinstance(one, dict)) if isinstance(inner, list) else ()


def _need_object(place: Place, what: str) -> Place:
    if not isinstance(place.value, dict):
        raise JsonTextError(f"{what} is no object")
    return place


_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCALAR: Final = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DEEPEST: Final = 100


class JsonTextError(ValueError):
    """A text that is no JSON; it says what is wrong, as a clause."""


class Place(Record):
    """A value and where it stands.

    Attributes:
        start, end: where it begins and ends in the text.
        value: what it is.
        members: the values of an object, by their keys.
        items: the values of a list.
    """

    start: int
    end: int
    value: Any
    members: Mapping[str, Place] = {}
    items: Sequence[Place] = ()


def read_places(text: str) -> Place:
    """The value that a text is, with the places of all that is in it.

    Raises:
        JsonTextError: it is no JSON: a comment, a comma at the end, a key twice, nested too deeply.
    """
    place = _value(text, _skip(text, 0), 0)
    end = _skip(text, place.end)
    if end != len(text):
        raise _wrong(text, end)
    return place


def put_member(text: str, path: Sequence[str], key: str, value: object) -> str:
    """The text with a member more in the object that a path of keys leads to; at its end.

    Raises:
        JsonTextError: the text is no JSON.
    """
    return _put(text, _at(read_places(text), path), f"{json.dumps(key)}: ", value)


def put_item(text: str, path: Sequence[str], value: object) -> str:
    """The text with an item more in the list that a path of keys leads to; at its end.

    Raises:
        JsonTextError: the text is no JSON.
    """
    return _put(text, _at(read_places(text), path), "", value)


def replace(text: str, place: Place, value: object) -> str:
    """The text with another value in the place of one."""
    return text[: place.start] + _written(text, value, _margin(text, place.start)) + text[place.end :]


def _at(place: Place, path: Sequence[str]) -> Place:
    for key in path:
        place = place.members[key]
    return place


def _put(text: str, into: Place, begins: str, value: object) -> str:
    inner = list(into.members.values()) or list(into.items)
    end = into.end - 1
    if not _unit(text):
        comma = ", " if inner else ""
        after = inner[-1].end if inner else end
        return text[:after] + comma + begins + _written(text, value, "") + text[after:]
    margin = _margin(text, into.start)
    indent = margin + _unit(text)
    after = inner[-1].end if inner else into.start + 1
    added = f"{',' if inner else ''}{_newline(text)}{indent}{begins}{_written(text, value, indent)}"
    rest = text[after:end]
    # The bracket gets a line of its own where it had none.
    tail = rest if inner and "\n" in rest else f"{_newline(text)}{margin}"
    return text[:after] + added + tail + text[end:]


def _written(text: str, value: object, margin: str) -> str:
    """A value as it is written at a margin of this text."""
    unit = _unit(text)
    if not unit:
        return json.dumps(value, ensure_ascii=False)
    written = json.dumps(value, indent=unit, ensure_ascii=False)
    return written.replace("\n", _newline(text) + margin)


def _unit(text: str) -> str:
    """By what a text indents: two spaces where it has one value alone, nothing where it has but one line."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    if found:
        return found[1]
    return "  " if "\n" in text.strip() or text.strip() in ("{}", "") else ""


def _margin(text: str, position: int) -> str:
    """The white space at the beginning of a position's line."""
    start = text.rfind("\n", 0, position) + 1
    found = re.match(r"[ \t]*", text[start:position])
    return found[0] if found else ""


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _value(text: str, start: int, depth: int) -> Place:
    if depth > _DEEPEST:
        raise JsonTextError("it is nested too deeply")
    begins = text[start : start + 1]
    if begins == "{":
        return _object(text, start, depth)
    if begins == "[":
        return _list(text, start, depth)
    if begins == '"':
        value, end = _string(text, start)
        return Place(start=start, end=end, value=value)
    found = _SCALAR.match(text, start)
    if found is None:
        raise _wrong(text, start)
    return Place(start=start, end=found.end(), value=json.loads(found[0]))


def _string(text: str, start: int) -> tuple[str, int]:
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except ValueError as error:
        raise _wrong(text, start) from error
    return str(value), end


def _object(text: str, start: int, depth: int) -> Place:
    members: dict[str, Place] = {}
    position = _skip(text, start + 1)
    while text[position : position + 1] != "}" or members:
        if text[position : position + 1] != '"':
            raise _wrong(text, position)
        key, end = _string(text, position)
        if key in members:
            raise JsonTextError(f"line {_line(text, position)} has the key {key!r} for the second time")
        position = _skip(text, end)
        if text[position : position + 1] != ":":
            raise _wrong(text, position)
        members[key] = _value(text, _skip(text, position + 1), depth + 1)
        position = _skip(text, members[key].end)
        if text[position : position + 1] == "}":
            break
        if text[position : position + 1] != ",":
            raise _wrong(text, position)
        position = _skip(text, position + 1)
    value = {key: place.value for key, place in members.items()}
    return Place(start=start, end=position + 1, value=value, members=members)


def _list(text: str, start: int, depth: int) -> Place:
    items: list[Place] = []
    position = _skip(text, start + 1)
    while text[position : position + 1] != "]" or items:
        items.append(_value(text, position, depth + 1))
        position = _skip(text, items[-1].end)
        if text[position : position + 1] == "]":
            break
        if text[position : position + 1] != ",":
            raise _wrong(text, position)
        position = _skip(text, position + 1)
    return Place(start=start, end=position + 1, value=[place.value for place in items], items=items)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _wrong(text: str, position: int) -> JsonTextError:
    line = _line(text, position)
    if text.startswith(("//", "/*"), position):
        return JsonTextError(f"line {line} has a comment, which JSON does not know")
    if position >= len(text):
        return JsonTextError("it ends too early")
    return JsonTextError(f"line {line} is no JSON")


NAME: Final = "specguard"

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./@+,=-]+")


def call_words(environment: Mapping[str, str]) -> str:
    """The words of a shell that call the specguard that is running.

    A program that is on the path for everyone is called by its name. One that is there in a virtual
    environment alone, which need not be active when an agent starts, is looked for in its folder after the
    path; so what is written can be shared with people who have it elsewhere.

    Args:
        environment: with `PATH` and `VIRTUAL_ENV`.
    """
    found = find_program(NAME, environment)
    virtual = environment.get("VIRTUAL_ENV", "")
    if found is not None and not (virtual and found.startswith(virtual.rstrip("/") + "/")):
        return NAME
    script = found or _script()
    return _by_script(script) if script else _by_module()


def known_calls(environment: Mapping[str, str]) -> list[str]:
    """All words by which the specguard that is running, or the one on the path, may be called."""
    scripts = [script for script in (find_program(NAME, environment), _script()) if script]
    return [NAME, *map(_by_script, scripts), _by_module()]


def _script() -> str:
    """The script that is running; empty where it is a module that runs."""
    script = os.path.abspath(sys.argv[0])
    return script if os.path.basename(script) == NAME and os.access(script, os.X_OK) else ""


def _by_script(script: str) -> str:
    folder = os.path.dirname(script)
    return f'PATH="$PATH:{folder}" {NAME}' if _PLAIN.fullmatch(folder) else shlex.quote(script)


def _by_module() -> str:
    # Without -P, a folder of the working tree could stand in for this program.
    return f"{shlex.quote(sys.executable)} -P -m {NAME}"
