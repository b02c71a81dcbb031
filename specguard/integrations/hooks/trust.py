"""Whether an agent's program runs the hooks of a project, as far as that can be told from outside.

Codex is asked itself (`hooks/list` of its app server): what it trusts is a digest whose making is its own
affair. Claude Code and Gemini CLI keep a list of folders in the home folder. Cursor tells nobody.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import PurePath
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

from specguard.declaration.rule import Record
from specguard.integrations.hooks.pins import PROBE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.integrations.hooks.settings import Host


_PATIENCE: Final = 20.0
"""How many seconds Codex may take to answer."""

_LARGEST: Final = 16 << 20


class Trust(Record):
    """What can be told of an agent's trust.

    Attributes:
        trusted: whether it runs the hooks; None where that cannot be told.
        said: why.
        help: what a person does about it.
    """

    trusted: bool | None = None
    said: str = ""
    help: str = ""


def trust_of(host: Host, program: str | None, top: str, environment: Mapping[str, str]) -> Trust:
    """Whether an agent's program runs the hooks of a project.

    Args:
        host: the agent.
        program: the path of its program; None where it is not there.
        top: the project's folder.
        environment: where the home folder and the program's own are found.
    """
    home = environment.get("HOME", "/nonexistent")
    if host.agent == "claude":
        return _claude(home, top, environment)
    if host.agent == "gemini":
        return _gemini(home, top, environment)
    if host.agent == "codex" and program is not None:
        return _codex(program, top, environment)
    return Trust(said="whether it is trusted cannot be told")


def _claude(home: str, top: str, environment: Mapping[str, str]) -> Trust:
    folder = environment.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude")
    local = os.path.join(top, ".claude", "settings.local.json")
    for file in (os.path.join(folder, "settings.json"), local):
        if _read(file).get("disableAllHooks") is True:
            return Trust(False, f"{file} has disableAllHooks", "take disableAllHooks out of it")
    state = environment.get("CLAUDE_CONFIG_DIR")
    projects = _read(os.path.join(state or home, ".claude.json")).get("projects")
    # A folder that is trusted makes those below it so.
    for place in _above(top):
        known = projects.get(place) if isinstance(projects, dict) else None
        if isinstance(known, dict) and known.get("hasTrustDialogAccepted") is True:
            return Trust(True, "the folder is trusted")
    return Trust(
        said="nobody has trusted this folder in Claude Code yet, which asks when it starts here; `claude -p` "
        "runs hooks without that"
    )


def _gemini(home: str, top: str, environment: Mapping[str, str]) -> Trust:
    folder = os.path.join(environment.get("GEMINI_CLI_HOME") or home, ".gemini")
    settings = _read(os.path.join(folder, "settings.json"))
    if _dig(settings, "hooksConfig", "enabled") is False:
        return Trust(False, f"{folder}/settings.json switches hooks off", "set hooksConfig.enabled there")
    asked = _dig(settings, "security", "folderTrust", "enabled")
    if environment.get("GEMINI_CLI_TRUST_WORKSPACE") == "true" or asked is False:
        return Trust(True, "folders need no trust here")
    file = environment.get("GEMINI_CLI_TRUSTED_FOLDERS_PATH") or os.path.join(folder, "trustedFolders.json")
    known = {
        os.path.dirname(place) if said == "TRUST_PARENT" else place: said
        for place, said in _read(file).items()
    }
    # The innermost folder that is known decides.
    decided = next((known[place] for place in _above(top) if place in known), None)
    if decided in ("TRUST_FOLDER", "TRUST_PARENT"):
        return Trust(True, "the folder is trusted")
    return Trust(
        False, "the folder is not trusted, so its hooks do not run",
        "start gemini here and trust the folder; without a person set GEMINI_CLI_TRUST_WORKSPACE=true "
        "(with --skip-trust the hooks do not run)",
    )  # fmt: skip


def _codex(program: str, top: str, environment: Mapping[str, str]) -> Trust:
    try:
        answer = ask_codex(program, top, environment)
        hooks = [
            hook
            for each in answer["data"]
            for hook in each["hooks"]
            if "specguard" in str(hook.get("command") or hook) and hook["source"] == "project"
        ]
        states = {str(hook["trustStatus"]) for hook in hooks if hook.get("enabled", True)}
        off = sum(not hook.get("enabled", True) for hook in hooks)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Trust(None, "codex did not say whether it trusts them", "start codex here and look at /hooks")
    if not hooks:
        return Trust(
            False,
            "codex does not see them: the folder is not trusted, it has hooks off, or the main "
            "working tree lacks them, whose hooks it takes in a linked worktree",
            "start codex here and trust the folder, then look at /hooks",
        )
    if off or not states <= {"trusted", "managed"}:
        said = ", ".join(sorted(states - {"trusted", "managed"}) + (["disabled"] if off else []))
        return Trust(
            False, f"codex passes over them without a word: {said}",
            "start codex here and trust them in /hooks; without a person: "
            "codex exec --dangerously-bypass-hook-trust",
        )  # fmt: skip
    return Trust(True, "codex trusts them")


def ask_codex(program: str, top: str, environment: Mapping[str, str]) -> Any:
    """What Codex's app server says of the hooks that hold in a folder.

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


def _above(folder: str) -> list[str]:
    """A folder and all above it, the innermost first."""
    return [folder, *map(str, PurePath(folder).parents)]


def _dig(data: Mapping[str, Any], *keys: str) -> object:
    value: Any = data
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _read(file: str) -> dict[str, Any]:
    """The object that a file is; an empty one where it is none."""
    try:
        with open(file, "rb") as stream:
            data = json.loads(stream.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


REFUSED: Final = "specguard refuses this edit"
"""How the refusal of an edit begins that was judged; one that could not be judged is refused otherwise."""

_REPAIR: Final = re.compile(r"To repair the guard: `([^`]+)`")
_REFUSALS: Final = {"gemini": ("decision", "reason"), "cursor": ("permission", "agent_message")}
"""The keys of a refusal and of its reason; others speak as Claude Code does."""

_SHELL: Final = "/bin/sh"


class Probe(Record, kw_only=True):
    """What came of a probe.

    Attributes:
        state: `refused` as it should be, `broken` where it was refused because it could not be judged, or
            `passed` where the agent's program would have gone on.
        said: the reason that was given, or what went wrong.
        repair: the command that it names for repairing the guard; empty where it names none.
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
    variables = dict(environment)
    if host.agent in ("claude", "gemini"):
        variables["CLAUDE_PROJECT_DIR"] = top
    if host.agent == "gemini":
        variables |= {"GEMINI_PROJECT_DIR": top, "GEMINI_CWD": top, "GEMINI_SESSION_ID": PROBE}
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
    """Whether the agent's program takes an answer for a refusal, and the reason or what is wrong with it."""
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
