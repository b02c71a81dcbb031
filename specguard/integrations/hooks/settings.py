"""The agents' settings files: their places, the hooks that run specguard, and the trust in them.

The formats are those of https://code.claude.com/docs/en/hooks, https://developers.openai.com/codex/hooks,
docs/hooks/reference.md of google-gemini/gemini-cli and https://cursor.com/docs/agent/hooks.

From outside, only a part of the conditions under which an agent's program runs hooks is visible. Codex is
asked itself (`hooks/list` of its app server), as it trusts a digest in a private format. Claude Code and
Gemini CLI keep a list of folders in the home folder. Cursor reveals nothing.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

from specguard.change.repository import find_program
from specguard.documents.data import JsonWalk, read_data, value_at
from specguard.integrations.hooks.dialects import MOMENTS, PROJECTS, WRITING
from specguard.integrations.hooks.session_pins import PROBE_ID, object_of
from specguard.integrations.hooks.tool_calls import read_beginning, with_parents
from specguard.model import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.integrations.hooks.dialects import Agent


SOON: Final = 30
LATE: Final = 60
"""The agent's time limits before an edit and at a turn's end, in seconds; longer than the hook's own."""

_HOOK_CALL: Final = re.compile(r"\bspecguard['\"]?\s+hook\s")


class Host(Record, kw_only=True):
    """The settings format of an agent's program.

    Attributes:
        agent: the agent.
        file: the settings of a project, relative to its root.
        program: the agent's own command.
        events: the names of the events that need a hook; the first is the one before a tool.
        editors: the tools that write files.
        shells: the tools that run commands.
        mcp_prefix: the prefix of the names of MCP servers' tools.
        time_units: the number of its time units in a second.
        constant: what all its hooks have, whatever they are for.
        flat: True if hooks are directly in the list of their event, not in groups.
    """

    agent: Agent
    file: str
    program: str
    events: Sequence[str]
    editors: Sequence[str]
    shells: Sequence[str]
    mcp_prefix: str = "mcp__"
    time_units: int = 1
    constant: Mapping[str, str] = {"type": "command"}
    flat: bool = False


HOSTS: Final[Mapping[Agent, Host]] = {
    "claude": Host(
        agent="claude", file=".claude/settings.json", program="claude",
        events=("PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop", "SubagentStop", "SessionStart"),
        editors=("Edit", "MultiEdit", "NotebookEdit", "Write"), shells=("Bash", "Monitor", "PowerShell"),
    ),
    "codex": Host(
        agent="codex", file=".codex/hooks.json", program="codex", editors=("Edit", "Write", "apply_patch"),
        events=("PreToolUse", "PostToolUse", "Stop", "SubagentStop", "SessionStart"),
        shells=("Bash", "exec_command", "local_shell", "shell", "write_stdin"),
    ),
    "gemini": Host(
        agent="gemini", file=".gemini/settings.json", program="gemini", editors=("replace", "write_file"),
        events=("BeforeTool", "AfterTool", "AfterAgent", "SessionStart"), shells=("run_shell_command",),
        mcp_prefix="mcp_", time_units=1000, constant={"name": "specguard", "type": "command"},
    ),
    "cursor": Host(
        agent="cursor", file=".cursor/hooks.json", program="cursor-agent", shells=("Shell",),
        events=("preToolUse", "beforeShellExecution", "postToolUse", "stop", "subagentStop", "sessionStart"),
        editors=("Delete", "Edit", "EditNotebook", "NotebookEdit", "StrReplace", "Write"),
        mcp_prefix="MCP:", constant={}, flat=True,
    ),
}  # fmt: skip
"""The agents that run hooks."""


class Hook(Record, kw_only=True):
    """A hook that an agent's settings need.

    Attributes:
        event: the event of the hook.
        matcher: a regular expression for the tools; empty for all tools.
        handler: what runs, as the settings have it: the command, the agent's time limit and other keys.
        guards: True if it runs before something that it may refuse.
    """

    event: str
    matcher: str
    handler: Mapping[str, Any]
    guards: bool


class FoundHooks(Record):
    """The hooks of specguard in settings.

    Attributes:
        missing: the events whose hook is missing or wrong.
        commands: the commands of the existing hooks, by event.
        switched_off: the setting in the file that switches hooks off; empty if hooks are on.
    """

    missing: Sequence[str]
    commands: Mapping[str, str]
    switched_off: str = ""


def wanted_hooks(host: Host, program: str, *, on_failure: bool = False) -> Iterator[Hook]:
    """Yield the hooks that an agent's settings need.

    Args:
        host: the agent.
        program: the shell words that call specguard.
        on_failure: True to make Claude Code refuse if a hook fails, which needs version 2.1.295.
    """
    moments = {event: MOMENTS[event.lower()] for event in host.events}
    mcp_words = "|".join(f"[{word[0].upper()}{word[0]}]{word[1:]}" for word in WRITING)
    # Some agents have another event for commands.
    shells = () if "command" in moments.values() else host.shells
    tools = {"before": [*host.editors, *shells, f"{host.mcp_prefix}.*({mcp_words}).*"], "after": host.shells}
    for event, moment in moments.items():
        guards = moment in ("before", "command")
        # Agents treat every code but 2 as a failed hook and continue, even if the program is missing.
        command = f"{program} hook {host.agent}" + (" || exit 2" if guards else "")
        seconds = SOON if guards or moment == "start" else LATE
        handler = {**host.constant, "command": command, "timeout": seconds * host.time_units}
        if guards and (host.flat or on_failure):
            handler |= {"failClosed": True} if host.flat else {"onFailure": "block"}
        matcher = f"^({'|'.join(tools[moment])})$" if moment in tools else ""
        yield Hook(event=event, matcher=matcher, handler=handler, guards=guards)


def merge(text: str, host: Host, program: str, *, on_failure: bool = False) -> str:
    """Return settings with all needed hooks; the rest of the file stays unchanged.

    Args:
        text: the current settings; empty without any.
        host: the agent.
        program: the shell words that call specguard.
        on_failure: True to make Claude Code refuse if a hook fails.

    Raises:
        JsonTextError: the text is not JSON, or its hooks have another shape.
    """
    text = text if text.strip() else "{}\n"
    data = _object_of(text)
    hooks = data.get("hooks", {})
    before = json.dumps(hooks)
    for hook in wanted_hooks(host, program, on_failure=on_failure):
        if not isinstance(groups := hooks.setdefault(hook.event, []), list):
            raise JsonTextError(f"`hooks.{hook.event}` is not a list")
        if not any(_has_hook(host, group, hook, hook.handler["command"]) for group in groups):
            position = next((at for at, group in enumerate(groups) if _is_ours(group)), len(groups))
            wanted: dict[str, Any] = {"matcher": hook.matcher} if hook.matcher else {}
            wanted |= hook.handler if host.flat else {"hooks": [hook.handler]}
            groups[position : position + 1] = [wanted]
    if host.flat and "version" not in data:
        text = _set_member(text, "version", 1)
    return text if json.dumps(hooks) == before else _set_member(text, "hooks", hooks)


def find_hooks(text: str, host: Host, program: str) -> FoundHooks:
    """Find the hooks of specguard in settings, and those that are missing.

    Raises:
        JsonTextError: the settings are not JSON, or their hooks have another shape.
    """
    root = _object_of(text)
    hooks = root.get("hooks", {})
    commands: dict[str, str] = {}
    missing: list[str] = []
    for hook in wanted_hooks(host, program):
        groups = hooks[hook.event] if isinstance(hooks.get(hook.event), list) else []
        # The hook may call specguard by other words; everything else has to match.
        handlers = [handler for group in groups for handler in _handlers(group)]
        calls = [one for handler in handlers if _HOOK_CALL.search(one := str(handler.get("command")))]
        if calls:
            commands[hook.event] = calls[0]
        closed = [call for call in calls if not hook.guards or re.search(r"\|\|\s*exit\s+2\s*$", call)]
        if not any(_has_hook(host, group, hook, hook.handler["command"], *closed) for group in groups):
            missing.append(hook.event)
    return FoundHooks(missing, commands, _disabling_setting(root, host))


def _disabling_setting(root: Mapping[str, Any], host: Host) -> str:
    """Return the setting that switches hooks off; empty if hooks are on."""
    if host.agent == "claude" and root.get("disableAllHooks") is True:
        return "disableAllHooks"
    if host.agent == "gemini" and value_at(root, "hooksConfig.enabled") is False:
        return "hooksConfig.enabled = false"
    disabled = value_at(root, "hooksConfig.disabled") if host.agent == "gemini" else ()
    return "hooksConfig.disabled" if isinstance(disabled, list) and "specguard" in disabled else ""


def _has_hook(host: Host, group: Any, hook: Hook, *commands: str) -> bool:
    """True if a group of settings has a hook with one of these commands; it may have further keys."""
    matchers = (hook.matcher,) if hook.matcher else ("", "*")
    is_for_these = isinstance(group, dict) and group.get("matcher", "") in matchers
    wanted = [{**hook.handler, "command": command}.items() for command in commands]
    handlers = [group] if host.flat else _handlers(group)
    return is_for_these and any(one <= found.items() for found in handlers for one in wanted)


def _is_ours(group: object) -> bool:
    """True if a group has only hooks of specguard."""
    commands = [handler.get("command") for handler in _handlers(group)]
    return bool(commands) and all(isinstance(one, str) and _HOOK_CALL.search(one) for one in commands)


def _handlers(group: object) -> Iterator[dict[str, Any]]:
    if isinstance(group, dict):
        inner = group.get("hooks", [group])
        yield from (one for one in inner if isinstance(one, dict)) if isinstance(inner, list) else ()


class JsonTextError(ValueError):
    """A text that is not valid JSON, with the problem as a clause."""


def _object_of(text: str) -> dict[str, Any]:
    """Parse settings as a JSON object, with an object under `hooks`.

    Raises:
        JsonTextError: the text is not JSON (a comment, a trailing comma, a duplicate key), or has another
            shape.
    """
    if (read := read_data(text, "json")).problem is not None:
        where = f"line {read.problem.line}: " if read.problem.line else ""
        raise JsonTextError(f"{where}{read.problem.message}; it may have no comment and no comma at an end")
    data = read.value
    # Agents' programs read the byte order mark as a character.
    if text.startswith("\ufeff") or not isinstance(data, dict) or not isinstance(data.get("hooks", {}), dict):
        raise JsonTextError("it is not an object, has invalid `hooks` or begins with a byte-order mark")
    return data


def _set_member(text: str, name: str, value: object) -> str:
    """Return the text of a JSON object with a new value of a member; other members stay unchanged."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    unit = found[1] if found else "  "
    newline = "\r\n" if "\r\n" in text else "\n"
    written = json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", newline + unit)
    if span := JsonWalk(text).spans.get((name,)):
        _, start, end = span
        return text[:start] + written + text[end:]
    last = text.rindex("}")
    before = text[:last].rstrip()
    comma = "" if before.endswith("{") else ","
    return f"{before}{comma}{newline}{unit}{json.dumps(name)}: {written}{newline}{text[last:]}"


NAME: Final = "specguard"

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./@+,=-]+")


def call_words(environment: Mapping[str, str]) -> str:
    """Return the shell words that call the running specguard.

    A program on everyone's path is called by its name. A program in a virtual environment, which may be
    inactive when an agent starts, is called with its folder at the end of `PATH`. So people with another
    installation can share the settings.

    Args:
        environment: has `PATH` and `VIRTUAL_ENV`.
    """
    found = find_program(NAME, environment)
    virtual = environment.get("VIRTUAL_ENV", "")
    if found is not None and not (virtual and found.startswith(virtual.rstrip("/") + "/")):
        return NAME
    script = found or _running_script()
    return _script_call(script) if script else _module_call()


def known_calls(environment: Mapping[str, str]) -> list[str]:
    """Return all shell words that can call the running specguard or the one on the path."""
    scripts = [script for script in (find_program(NAME, environment), _running_script()) if script]
    return [NAME, *map(_script_call, scripts), _module_call()]


def _running_script() -> str:
    """Return the path of the running script; empty if a module is running."""
    script = os.path.abspath(sys.argv[0])
    return script if os.path.basename(script) == NAME and os.access(script, os.X_OK) else ""


def _script_call(script: str) -> str:
    folder = os.path.dirname(script)
    return f'PATH="$PATH:{folder}" {NAME}' if _PLAIN.fullmatch(folder) else shlex.quote(script)


def _module_call() -> str:
    # Without -P, a folder in the working tree could replace this program.
    return f"{shlex.quote(sys.executable)} -P -m {NAME}"


_CODEX_SECONDS: Final = 20.0
"""The time limit for an answer of Codex, in seconds."""

_LARGEST: Final = 16 << 20


class Trust(Record):
    """The trust of an agent in the hooks of a project.

    Attributes:
        trusted: True if it is known that the agent runs the hooks.
        reason: the reason.
        help: the next step for a person.
    """

    trusted: bool = False
    reason: str = ""
    help: str = ""


def trust_of(host: Host, program: str | None, top: str, environment: Mapping[str, str]) -> Trust:
    """Determine whether an agent's program trusts the hooks of a project; Cursor has no way to ask.

    Args:
        host: the agent, other than Cursor.
        program: the path of its program; None if it is missing.
        top: the project's folder.
        environment: has the home folder and the program's own variables.
    """
    if host.agent == "codex":
        return _codex(program or host.program, top, environment)
    # Neither looks in the folders above: https://github.com/anthropics/claude-code/issues/86187.
    if not os.path.exists(host.file):
        return Trust(False, f"it finds no {host.file} if it starts in this folder", f"start it in {top}")
    home = environment.get("HOME", "/nonexistent")
    claude = environment.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude")
    gemini = os.path.join(environment.get("GEMINI_CLI_HOME") or home, ".gemini")
    files = [f"{claude}/settings.json", f"{top}/.claude/settings.local.json"]
    for file in files if host.agent == "claude" else [f"{gemini}/settings.json"]:
        if text := _disabling_setting(_read_json(file), host):
            return Trust(False, f"{file} switches hooks off by {text}", f"take {text} out of it")
    return _claude(home, top, environment) if host.agent == "claude" else _gemini(gemini, top, environment)


def _claude(home: str, top: str, environment: Mapping[str, str]) -> Trust:
    state = _read_json(os.path.join(environment.get("CLAUDE_CONFIG_DIR") or home, ".claude.json"))
    # Trust in a folder includes the folders in it.
    keys = (("projects", place, "hasTrustDialogAccepted") for place in with_parents(top))
    if any(value_at(state, key) is True for key in keys):
        return Trust(True, "the folder is trusted")
    reason = "nobody has trusted this folder in Claude Code yet, which asks when it starts here"
    return Trust(reason=f"{reason}; `claude -p` runs hooks without that")


def _gemini(folder: str, top: str, environment: Mapping[str, str]) -> Trust:
    enabled = value_at(_read_json(os.path.join(folder, "settings.json")), "security.folderTrust.enabled")
    if environment.get("GEMINI_CLI_TRUST_WORKSPACE") == "true" or enabled is False:
        return Trust(True, "folders need no trust here")
    file = environment.get("GEMINI_CLI_TRUSTED_FOLDERS_PATH") or os.path.join(folder, "trustedFolders.json")
    places = {
        os.path.dirname(place) if trust == "TRUST_PARENT" else place: trust
        for place, trust in _read_json(file).items()
    }
    # The innermost known folder decides.
    decision = next((places[place] for place in with_parents(top) if place in places), None)
    if decision in ("TRUST_FOLDER", "TRUST_PARENT"):
        return Trust(True, "the folder is trusted")
    step = "start gemini here and trust the folder; without a person set GEMINI_CLI_TRUST_WORKSPACE=true"
    return Trust(False, "the folder is not trusted, so its hooks do not run", step)


def _codex(program: str, top: str, environment: Mapping[str, str]) -> Trust:
    step = "start codex here, trust the folder and its /hooks"
    try:
        hooks = [
            hook
            for each in ask_codex(program, top, environment)["data"]
            for hook in each["hooks"]
            if "specguard" in str(hook.get("command") or hook) and hook["source"] == "project"
        ]
        states = {str(hook["trustStatus"]) if hook.get("enabled", True) else "disabled" for hook in hooks}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Trust(False, "codex did not say whether it trusts them", step)
    if not hooks:
        why = "the folder is not trusted, it has hooks off, or (in a linked worktree) the main tree"
        return Trust(False, f"codex does not see them: {why} lacks them", step)
    if untrusted := sorted(states - {"trusted", "managed"}):
        step += "; without a person: codex exec --dangerously-bypass-hook-trust"
        return Trust(False, f"codex passes over them without a word: {', '.join(untrusted)}", step)
    return Trust(True, "codex trusts them")


def ask_codex(program: str, top: str, environment: Mapping[str, str]) -> Any:
    """Ask Codex's app server for the hooks that are active in a folder.

    Raises:
        OSError: the program cannot be run, or does not answer in time.
        ValueError: the answer is not JSON.
    """
    requests: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "specguard", "version": "1"}}},
        {"method": "initialized"},
        {"id": 2, "method": "hooks/list", "params": {"cwds": [top]}},
    ]
    process = subprocess.Popen(
        [program, "app-server"], env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    ending = Timer(_CODEX_SECONDS, process.kill)
    ending.start()
    try:
        process.stdin.write("".join(json.dumps({"jsonrpc": "2.0"} | one) + "\n" for one in requests).encode())
        process.stdin.flush()
        while line := process.stdout.readline(_LARGEST):
            if (data := json.loads(line)).get("id") == 2:
                return data["result"]
        raise OSError("it ended")
    finally:
        ending.cancel()
        process.kill()
        process.communicate()


def _read_json(file: str) -> dict[str, Any]:
    """Read a JSON object from a file; empty if the file does not hold one."""
    return object_of(read_beginning(os.fsencode(file), _LARGEST))


REFUSED: Final = "specguard refuses this edit"
"""The beginning of a refusal after an edit was judged; an edit that cannot be judged gets another text."""

_REFUSALS: Final = {"gemini": ("decision", "reason"), "cursor": ("permission", "agent_message")}
"""The keys of a refusal and its reason; other agents use the format of Claude Code."""


class Probe(Record, kw_only=True):
    """The result of a probe.

    Attributes:
        state: `refused` as expected, `broken` if it was refused because it could not be judged, or `passed`
            if the agent's program would have continued.
        reason: the reason of the refusal, or the problem.
        repair: the repair command that it suggests; empty without one.
        seconds: the duration.
    """

    state: str
    reason: str
    repair: str = ""
    seconds: float


def probe(host: Host, command: str, top: str, environment: Mapping[str, str], limit: float) -> Probe:
    """Run a hook's command as the agent's program does, with an edit that would remove the hook.

    Args:
        host: the agent.
        command: the command in its settings.
        top: the root of the working tree.
        environment: the environment variables of the process.
        limit: the time limit of the agent, in seconds.
    """
    variables = {**environment, **dict.fromkeys(PROJECTS.get(host.agent, ()), top)}
    if host.agent == "gemini":
        variables["GEMINI_SESSION_ID"] = PROBE_ID
    start = time.monotonic()
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=top, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        stdout, stderr = process.communicate(json.dumps(probe_event(host, top)).encode(), timeout=limit)
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        text = f"it took more than {limit:g} seconds, and then the agent goes on"
        return Probe(state="passed", reason=text, seconds=time.monotonic() - start)
    seconds = time.monotonic() - start
    refused, text = read_answer(host, process.returncode, stdout, stderr)
    repair = re.search(r"To repair the guard: `([^`]+)`", text)
    state = "passed" if not refused else "refused" if text.startswith(REFUSED) else "broken"
    return Probe(state=state, reason=text, repair=repair[1] if repair else "", seconds=seconds)


def probe_event(host: Host, top: str) -> dict[str, Any]:
    """Return the event before an edit that empties the agent's settings, in the agent's dialect."""
    event: dict[str, Any] = {"session_id": PROBE_ID, "cwd": top, "hook_event_name": host.events[0]}
    if host.agent == "codex":
        patch = f"*** Begin Patch\n*** Delete File: {host.file}\n*** End Patch"
        return event | {"turn_id": PROBE_ID, "tool_name": "apply_patch", "tool_input": {"command": patch}}
    if host.agent == "cursor":
        event |= {"conversation_id": PROBE_ID, "generation_id": PROBE_ID, "workspace_roots": [top]}
    if host.agent == "gemini":
        event["timestamp"] = "1970-01-01T00:00:00Z"
    tool = "write_file" if host.agent == "gemini" else "Write"
    return event | {"tool_name": tool, "tool_input": {"file_path": f"{top}/{host.file}", "content": "{}\n"}}


def read_answer(host: Host, code: int, stdout: bytes, stderr: bytes) -> tuple[bool, str]:
    """Return whether the agent's program reads an answer as a refusal, and the reason or the problem."""
    reason = stderr.decode("utf-8", "replace").strip()
    if code == 2:
        return True, reason or "it gives no reason"
    if code:
        return False, f"it ended with exit code {code}{f': {reason}' if reason else ''}"
    decision, why = _REFUSALS.get(host.agent, ("permissionDecision", "permissionDecisionReason"))
    try:
        data = json.loads(stdout)
        data = data if host.agent in _REFUSALS else data["hookSpecificOutput"]
        return data[decision] == "deny" and bool(data[why]), str(data[why])
    except (ValueError, KeyError, TypeError):
        return False, "it let a guarded edit through"
