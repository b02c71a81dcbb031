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

    from specguard.integrations.hooks.dialects import Agent


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


class FoundHooks(Record):
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


def written_hook(host: Host, hook: Wanted, *, on_failure: bool = False, command: str = "") -> dict[str, Any]:
    """A hook as the agent's settings have it, with its group where there is one.

    Args:
        host: the agent.
        hook: the hook.
        on_failure: whether Claude Code is told to refuse where it fails, which it knows from 2.1.295 on.
        command: what is run in place of the hook's own command.
    """
    timeout, command = hook.seconds * host.unit, command or hook.command
    if host.flat:
        data: dict[str, Any] = {"command": command, "timeout": timeout}
        if hook.matcher:
            data["matcher"] = hook.matcher
        if hook.guards:
            data["failClosed"] = True
        return data
    inner: dict[str, Any] = {"name": "specguard"} if host.named else {}
    inner |= {"type": "command", "command": command, "timeout": timeout}
    if on_failure and hook.guards:
        inner["onFailure"] = "block"
    return ({"matcher": hook.matcher} if hook.matcher else {}) | {"hooks": [inner]}


def merged(text: str, host: Host, program: str, *, on_failure: bool = False) -> str:
    """Settings with all hooks that they should have; of the rest of the file nothing changes.

    Args:
        text: what is there; empty for nothing.
        host: the agent.
        program: how specguard is called.
        on_failure: whether Claude Code is told to refuse where a hook fails.

    Raises:
        JsonTextError: it is no JSON, or has something else where hooks stand.
    """
    text = text if text.strip() else "{}\n"
    data = _object_of(text)
    hooks = data.get("hooks", {})
    before = json.dumps(hooks)
    for hook in wanted_hooks(host, program):
        wanted = written_hook(host, hook, on_failure=on_failure)
        groups = hooks.setdefault(hook.event, [])
        if not isinstance(groups, list):
            raise JsonTextError(f"`hooks.{hook.event}` is no list")
        if not any(_serves(group, wanted) for group in groups):
            mine = next((at for at, group in enumerate(groups) if _is_ours(group)), len(groups))
            groups[mine : mine + 1] = [wanted]
    if host.flat and "version" not in data:
        text = _with(text, "version", 1)
    return text if json.dumps(hooks) == before else _with(text, "hooks", hooks)


def look(text: str, host: Host, program: str) -> FoundHooks:
    """What settings have of specguard, and what they lack.

    Raises:
        JsonTextError: they are no JSON, or have something else where hooks stand.
    """
    root = _object_of(text)
    hooks = root.get("hooks", {})
    commands: dict[str, str] = {}
    missing: list[str] = []
    for hook in wanted_hooks(host, program):
        groups = hooks[hook.event] if isinstance(hooks.get(hook.event), list) else []
        # Another program may be called there; all else has to be as it should.
        handlers = [handler for group in groups for handler in _handlers(group)]
        calls = [one for handler in handlers if _OURS.search(one := str(handler.get("command")))]
        if calls:
            commands[hook.event] = calls[0]
        closed = [call for call in calls if not hook.guards or re.search(r"\|\|\s*exit\s+2\s*$", call)]
        wanted = [written_hook(host, hook, command=command) for command in (hook.command, *closed)]
        if not any(_serves(group, data) for group in groups for data in wanted):
            missing.append(hook.event)
    return FoundHooks(missing, commands, _switched_off(root, host))


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


class JsonTextError(ValueError):
    """A text that is no JSON; it says what is wrong, as a clause."""


def _object_of(text: str) -> dict[str, Any]:
    """The object that settings are, with an object under `hooks`.

    Raises:
        JsonTextError: they are no JSON: a comment, a comma at the end, a key twice; or of another shape.
    """

    def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        data = dict(pairs)
        if len(data) != len(pairs):
            raise JsonTextError("it has a key for the second time")
        return data

    def refuse(word: str) -> Any:
        raise JsonTextError(f"{word} is no JSON")

    try:
        data = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except json.JSONDecodeError as error:
        comment = text.startswith(("//", "/*"), error.pos)
        wrong = "has a comment, which JSON does not know" if comment else f"is no JSON: {error.msg}"
        raise JsonTextError(f"line {error.lineno} {wrong}") from None
    except RecursionError:
        raise JsonTextError("it is nested too deeply") from None
    if not isinstance(data, dict) or not isinstance(data.get("hooks", {}), dict):
        raise JsonTextError("it is no object, or has something else as `hooks`")
    return data


def _member(text: str, name: str) -> tuple[int, int]:
    """Where the value of a member of an object begins and ends; twice the object's end where it has none."""

    def next_value(at: int) -> int:
        while text[at] in " \t\r\n:,":
            at += 1
        return at

    decoder = json.JSONDecoder()
    at = text.index("{") + 1
    while text[at := next_value(at)] == '"':
        key, at = decoder.raw_decode(text, at)
        start = next_value(at)
        _, at = decoder.raw_decode(text, start)
        if key == name:
            return start, at
    return at, at


def _with(text: str, name: str, value: object) -> str:
    """The text of an object with another value of a member; the other members stay as they are."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    unit = found[1] if found else "  "
    newline = "\r\n" if "\r\n" in text else "\n"
    written = json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", newline + unit)
    start, end = _member(text, name)
    if start != end:
        return text[:start] + written + text[end:]
    before = text[:start].rstrip()
    comma = "" if before.endswith("{") else ","
    return f"{before}{comma}{newline}{unit}{json.dumps(name)}: {written}{newline}{text[start:]}"


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
