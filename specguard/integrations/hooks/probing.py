"""A live probe of a hook: the very command of an agent's settings, given an edit that it has to refuse."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from specguard.declaration.rule import Record
from specguard.integrations.hooks.firing import PROBE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.integrations.hooks.settings import Host

REFUSED: Final = "specguard refuses this edit"
"""How the refusal of an edit begins that was judged; one that could not be judged is refused otherwise."""

_REPAIR: Final = re.compile(r"To repair the guard: `([^`]+)`")
_SHELL: Final = "/bin/sh"


class Probe(Record):
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
        return False, f"it ended with exit code {code}: {said}" if said else f"it ended with exit code {code}"
    try:
        data = json.loads(stdout)
        if host.agent in ("claude", "codex"):
            decided = data["hookSpecificOutput"]
            refused, reason = decided["permissionDecision"] == "deny", decided["permissionDecisionReason"]
        elif host.agent == "gemini":
            refused, reason = data["decision"] == "deny", data["reason"]
        else:
            refused, reason = data["permission"] == "deny", data["agent_message"]
    except (ValueError, KeyError, TypeError):
        return False, "it let a guarded edit through"
    return bool(refused and reason), str(reason)
