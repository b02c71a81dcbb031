"""The agents' own settings: where they stand, what they need to run specguard, and what they have of it.

The formats are those of https://code.claude.com/docs/en/hooks, https://developers.openai.com/codex/hooks,
docs/hooks/reference.md of google-gemini/gemini-cli and https://cursor.com/docs/agent/hooks.

Whether the agent's program runs the hooks is told as far as that is seen from outside. Codex is asked itself
(`hooks/list` of its app server): what it trusts is a digest whose making is its own affair. Claude Code and
Gemini CLI keep a list of folders in the home folder. Cursor tells nobody.
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
from specguard.declaration.rule import Record
from specguard.documents.data import members, read_data
from specguard.integrations.hooks.dialects import PROJECTS
from specguard.integrations.hooks.session_pins import PROBE, object_of
from specguard.integrations.hooks.tool_calls import WRITING, above, beginning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.integrations.hooks.dialects import Agent


SOON: Final = 30
LATE: Final = 60
"""How many seconds an agent waits before an edit, and at the end of a turn: longer than the hook takes."""

_OURS: Final = re.compile(r"\bspecguard['\"]?\s+hook\s")


class Host(Record, kw_only=True):
    """The settings files of an agent's program.

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
    """The hooks of specguard in settings.

    Attributes:
        missing: the events whose hook is not there, or not as it should be.
        commands: the commands of the hooks that are there, by their events.
        switched_off: by what the file switches hooks off; empty if it does not.
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
    call = {"command": command or hook.command, "timeout": hook.seconds * host.unit}
    matcher = {"matcher": hook.matcher} if hook.matcher else {}
    if host.flat:
        return call | matcher | ({"failClosed": True} if hook.guards else {})
    named = {"name": "specguard"} if host.named else {}
    closed = {"onFailure": "block"} if on_failure and hook.guards else {}
    return matcher | {"hooks": [named | {"type": "command"} | call | closed]}


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
    """The hooks of specguard in settings, and those that are missing.

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
    """The setting that switches hooks off."""
    if host.agent == "claude" and root.get("disableAllHooks") is True:
        return "disableAllHooks"
    if host.agent == "gemini" and _dig(root, "hooksConfig", "enabled") is False:
        return "hooksConfig.enabled = false"
    disabled = _dig(root, "hooksConfig", "disabled") if host.agent == "gemini" else ()
    return "hooksConfig.disabled" if isinstance(disabled, list) and "specguard" in disabled else ""


def _serves(group: object, data: Mapping[str, Any]) -> bool:
    """True if a group of settings does what one that is wanted does; further keys of it may say more."""
    if not isinstance(group, dict) or any(
        group.get(key) != value for key, value in data.items() if key != "hooks"
    ):
        return False
    if "hooks" not in data:
        return True
    every = "matcher" in data or group.get("matcher", "") in ("", "*")
    wanted = data["hooks"][0].items()
    return every and any(all(one.get(key) == value for key, value in wanted) for one in _handlers(group))


def _is_ours(group: object) -> bool:
    """True if a group has specguard's hooks alone."""
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
    read = read_data(text, "json")
    if read.problem is not None:
        where = f"line {read.problem.line}: " if read.problem.line else ""
        raise JsonTextError(f"{where}{read.problem.message}; it may have no comment and no comma at an end")
    data = read.value
    # Agents' programs take the mark for a character of the text.
    marked = text.startswith("\ufeff")
    if marked or not isinstance(data, dict) or not isinstance(data.get("hooks", {}), dict):
        raise JsonTextError("it is no object, has something else as `hooks` or begins with a byte-order mark")
    return data


def _with(text: str, name: str, value: object) -> str:
    """The text of an object with another value of a member; the other members stay as they are."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    unit = found[1] if found else "  "
    newline = "\r\n" if "\r\n" in text else "\n"
    written = json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", newline + unit)
    for key, _, start, end in members(text, text.index("{")):
        if key == name:
            return text[:start] + written + text[end:]
    last = text.rindex("}")
    before = text[:last].rstrip()
    comma = "" if before.endswith("{") else ","
    return f"{before}{comma}{newline}{unit}{json.dumps(name)}: {written}{newline}{text[last:]}"


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
    """The script that is running; empty if it is a module that runs."""
    script = os.path.abspath(sys.argv[0])
    return script if os.path.basename(script) == NAME and os.access(script, os.X_OK) else ""


def _by_script(script: str) -> str:
    folder = os.path.dirname(script)
    return f'PATH="$PATH:{folder}" {NAME}' if _PLAIN.fullmatch(folder) else shlex.quote(script)


def _by_module() -> str:
    # Without -P, a folder of the working tree could stand in for this program.
    return f"{shlex.quote(sys.executable)} -P -m {NAME}"


_PATIENCE: Final = 20.0
"""How many seconds Codex may take to answer."""

_LARGEST: Final = 16 << 20


class Trust(Record):
    """The state of an agent's trust.

    Attributes:
        trusted: whether it runs the hooks; None if that cannot be told.
        said: why.
        help: what a person does about it.
    """

    trusted: bool | None = None
    said: str = ""
    help: str = ""


def trust_of(host: Host, program: str | None, top: str, environment: Mapping[str, str]) -> Trust:
    """The trust of an agent's program in the hooks of a project; of Cursor's nobody can be asked.

    Args:
        host: the agent.
        program: the path of its program; None if it is not there.
        top: the project's folder.
        environment: where the home folder and the program's own are found.
    """
    if host.agent == "codex":
        return _codex(program or host.program, top, environment)
    home = environment.get("HOME", "/nonexistent")
    claude = environment.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude")
    gemini = os.path.join(environment.get("GEMINI_CLI_HOME") or home, ".gemini")
    files = {
        "claude": (f"{claude}/settings.json", f"{top}/.claude/settings.local.json"),
        "gemini": (f"{gemini}/settings.json",),
    }
    for file in files[host.agent]:
        if said := _switched_off(_read(file), host):
            return Trust(False, f"{file} switches hooks off by {said}", f"take {said} out of it")
    return _claude(home, top, environment) if host.agent == "claude" else _gemini(gemini, top, environment)


def _claude(home: str, top: str, environment: Mapping[str, str]) -> Trust:
    state = _read(os.path.join(environment.get("CLAUDE_CONFIG_DIR") or home, ".claude.json"))
    # A folder that is trusted makes those below it so.
    if any(_dig(state, "projects", place, "hasTrustDialogAccepted") is True for place in above(top)):
        return Trust(True, "the folder is trusted")
    return Trust(
        said="nobody has trusted this folder in Claude Code yet, which asks when it starts here; `claude -p` "
        "runs hooks without that"
    )


def _gemini(folder: str, top: str, environment: Mapping[str, str]) -> Trust:
    asked = _dig(_read(os.path.join(folder, "settings.json")), "security", "folderTrust", "enabled")
    if environment.get("GEMINI_CLI_TRUST_WORKSPACE") == "true" or asked is False:
        return Trust(True, "folders need no trust here")
    file = environment.get("GEMINI_CLI_TRUSTED_FOLDERS_PATH") or os.path.join(folder, "trustedFolders.json")
    places = {
        os.path.dirname(place) if said == "TRUST_PARENT" else place: said
        for place, said in _read(file).items()
    }
    # The innermost folder that is known decides.
    decided = next((places[place] for place in above(top) if place in places), None)
    if decided in ("TRUST_FOLDER", "TRUST_PARENT"):
        return Trust(True, "the folder is trusted")
    step = "start gemini here and trust the folder; without a person set GEMINI_CLI_TRUST_WORKSPACE=true"
    return Trust(False, "the folder is not trusted, so its hooks do not run", step)


def _codex(program: str, top: str, environment: Mapping[str, str]) -> Trust:
    step = "start codex here, trust the folder and its /hooks"
    try:
        answer = ask_codex(program, top, environment)
        hooks = [
            hook
            for each in answer["data"]
            for hook in each["hooks"]
            if "specguard" in str(hook.get("command") or hook) and hook["source"] == "project"
        ]
        states = {str(hook["trustStatus"]) if hook.get("enabled", True) else "disabled" for hook in hooks}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Trust(None, "codex did not say whether it trusts them", step)
    if not hooks:
        why = (
            "the folder is not trusted, it has hooks off, or (in a linked worktree) the main tree lacks them"
        )
        return Trust(False, f"codex does not see them: {why}", step)
    if passed_over := sorted(states - {"trusted", "managed"}):
        step += "; without a person: codex exec --dangerously-bypass-hook-trust"
        return Trust(False, f"codex passes over them without a word: {', '.join(passed_over)}", step)
    return Trust(True, "codex trusts them")


def ask_codex(program: str, top: str, environment: Mapping[str, str]) -> Any:
    """The answer of Codex's app server about the hooks that are active in a folder.

    Raises:
        OSError: it cannot be run, or does not answer in time.
        ValueError: it answers with something else.
    """
    asked: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "specguard", "version": "1"}}},
        {"method": "initialized"},
        {"id": 2, "method": "hooks/list", "params": {"cwds": [top]}},
    ]
    process = subprocess.Popen(
        [program, "app-server"], env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None  # noqa: S101 - they were asked for
    assert process.stdout is not None  # noqa: S101
    ending = Timer(_PATIENCE, process.kill)
    ending.start()
    try:
        process.stdin.write("".join(json.dumps({"jsonrpc": "2.0"} | one) + "\n" for one in asked).encode())
        process.stdin.flush()
        while line := process.stdout.readline(_LARGEST):
            data = json.loads(line)
            if data.get("id") == 2:
                return data["result"]
        raise OSError("it ended")
    finally:
        ending.cancel()
        process.kill()
        process.communicate()


def _dig(data: Mapping[str, Any], *keys: str) -> object:
    value: Any = data
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _read(file: str) -> dict[str, Any]:
    """The object that a file is; an empty one where it is none."""
    return object_of(beginning(os.fsencode(file), _LARGEST))


REFUSED: Final = "specguard refuses this edit"
"""How the refusal of an edit begins that was judged; one that could not be judged is refused otherwise."""

_REPAIR: Final = re.compile(r"To repair the guard: `([^`]+)`")
_REFUSALS: Final = {"gemini": ("decision", "reason"), "cursor": ("permission", "agent_message")}
"""The keys of a refusal and of its reason; others speak as Claude Code does."""

_SHELL: Final = "/bin/sh"


class Probe(Record, kw_only=True):
    """The result of a probe.

    Attributes:
        state: `refused` as it should be, `broken` where it was refused because it could not be judged, or
            `passed` where the agent's program would have gone on.
        said: the reason that was given, or what went wrong.
        repair: the command that it names for repairing the guard; empty if it names none.
        seconds: how long it took.
    """

    state: str
    said: str
    repair: str = ""
    seconds: float


def probe(host: Host, command: str, top: str, environment: Mapping[str, str], limit: float) -> Probe:
    """Run a hook's command as the agent's program does, with an edit that would take the hook away.

    Args:
        host: the agent.
        command: as its settings have it.
        top: the root of the working tree.
        environment: the variables of the process.
        limit: how many seconds the agent would wait.
    """
    given = json.dumps(probe_event(host, top)).encode()
    variables = {**environment, **dict.fromkeys(PROJECTS.get(host.agent, ()), top)}
    if host.agent == "gemini":
        variables["GEMINI_SESSION_ID"] = PROBE
    start = time.monotonic()
    process = subprocess.Popen(
        [_SHELL, "-c", command], cwd=top, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        stdout, stderr = process.communicate(given, timeout=limit)
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        said = f"it took more than {limit:g} seconds, and then the agent goes on"
        return Probe(state="passed", said=said, seconds=time.monotonic() - start)
    seconds = time.monotonic() - start
    refused, said = read_answer(host, process.returncode, stdout, stderr)
    repair = _REPAIR.search(said)
    state = "passed" if not refused else "refused" if said.startswith(REFUSED) else "broken"
    return Probe(state=state, said=said, repair=repair[1] if repair else "", seconds=seconds)


def probe_event(host: Host, top: str) -> dict[str, Any]:
    """The event before an edit that leaves nothing of the agent's settings, in the agent's dialect."""
    file = os.path.join(top, host.file)
    event: dict[str, Any] = {"session_id": PROBE, "cwd": top, "hook_event_name": host.before}
    if host.agent == "codex":
        patch = f"*** Begin Patch\n*** Delete File: {host.file}\n*** End Patch"
        return event | {"turn_id": PROBE, "tool_name": "apply_patch", "tool_input": {"command": patch}}
    if host.agent == "cursor":
        event |= {"conversation_id": PROBE, "generation_id": PROBE, "workspace_roots": [top]}
    if host.agent == "gemini":
        event["timestamp"] = "1970-01-01T00:00:00Z"
    tool = "write_file" if host.agent == "gemini" else "Write"
    return event | {"tool_name": tool, "tool_input": {"file_path": file, "content": "{}\n"}}


def read_answer(host: Host, code: int, stdout: bytes, stderr: bytes) -> tuple[bool, str]:
    """True if the agent's program takes an answer for a refusal, and the reason or the problem with it."""
    said = stderr.decode("utf-8", "replace").strip()
    if code == 2:
        return True, said or "it gives no reason"
    if code:
        return False, f"it ended with exit code {code}{f': {said}' if said else ''}"
    decision, why = _REFUSALS.get(host.agent, ("permissionDecision", "permissionDecisionReason"))
    try:
        data = json.loads(stdout)
        data = data if host.agent in _REFUSALS else data["hookSpecificOutput"]
        return data[decision] == "deny" and bool(data[why]), str(data[why])
    except (ValueError, KeyError, TypeError):
        return False, "it let a guarded edit through"
