"""Asking the command about an event, as an agent's program does, and reading its answer."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specguard.testing import Repository, run, run_here
from tests.rows import recorded

POLICY = recorded(__file__, "policy")


@dataclass(frozen=True)
class Asked:
    """What a hook's process said.

    Attributes:
        code: its exit code.
        stdout, stderr: what it printed.
    """

    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object that is all of standard output; empty where nothing was printed."""
        data = json.loads(self.stdout) if self.stdout else {}
        assert isinstance(data, dict)
        return data

    @property
    def refusal(self) -> str:
        """The reason of a refusal, in whichever dialect; empty where the event is let through."""
        data = self.data
        special = data.get("hookSpecificOutput", {})
        if special.get("permissionDecision") == "deny":
            return str(special["permissionDecisionReason"])
        if data.get("decision") in ("block", "deny"):
            return str(data["reason"])
        if data.get("permission") == "deny":
            return str(data["agent_message"])
        if data.get("followup_message"):
            return str(data["followup_message"])
        return self.stderr if self.code == 2 else ""

    @property
    def told(self) -> str:
        """What is told without a refusal."""
        data = self.data
        special = data.get("hookSpecificOutput", {})
        return str(
            special.get("additionalContext") or data.get("systemMessage") or data.get("agent_message", "")
        )

    @property
    def kind(self) -> str:
        """`refuse`, `tell` or `pass`; the exit code and the streams are looked at too."""
        assert self.code in (0, 2)
        assert self.code == 0 or (self.stderr.strip() and not self.stdout)
        assert "Traceback" not in self.stdout + self.stderr
        if self.refusal:
            return "refuse"
        return "tell" if self.told else "pass"


def guarded(path: Path, *, policy: str = POLICY) -> Repository:
    """A repository with a policy, one guarded file and one that may be edited, on a branch of its own."""
    repository = Repository(path)
    repository.commit(
        "feat: begin",
        files={
            "SPEC_AUTHORITY.md": policy,
            "docs/api/x.yaml": "a\n",
            "src/a.py": "x = 1\n",
            "configs/c": "1\n",
        },
    )
    repository.branch("work")
    return repository


def ask(
    agent: str,
    event: Mapping[str, Any] | str | bytes,
    directory: Path,
    *,
    environment: Mapping[str, str] | None = None,
    words: Sequence[str] = (),
    installed: bool = False,
) -> Asked:
    """What the command answers.

    Args:
        agent: the word after `hook`.
        event: the event; text and bytes are sent as they are.
        directory: where the hook runs.
        environment: variables to add.
        words: further words of the command line.
        installed: whether the installed command is run, or its entry point in this process.
    """
    if not isinstance(event, (str, bytes)):
        event = json.dumps(event)
    runner = run if installed else run_here
    done = runner("hook", agent, *words, directory=directory, env=environment, stdin=event)
    return Asked(done.exit_code, done.stdout, done.stderr)


def call(tool: str, given: Mapping[str, Any], root: Path, **more: Any) -> dict[str, Any]:
    """An event of Claude Code before a tool is called."""
    return {
        "session_id": "s",
        "cwd": str(root),
        "hook_event_name": "PreToolUse",
        "tool_name": tool,
        "tool_input": given,
        **more,
    }


def write(path: str, root: Path, content: str = "new\n") -> dict[str, Any]:
    """An event before a file is written as a whole."""
    return call("Write", {"file_path": path, "content": content}, root)


def edit(repository: Repository, path: object, content: str = "new\n", **more: Any) -> Asked:
    """What is answered before Claude Code writes a file as a whole; `more` as for `ask`."""
    return ask("claude", write(str(path), repository.path, content), repository.path, **more)


def bash(repository: Repository, text: str, **more: Any) -> Asked:
    """What is answered before Claude Code runs a command; `more` as for `ask`."""
    return ask("claude", call("Bash", {"command": text}, repository.path), repository.path, **more)


class Session:
    """A session of a program that speaks as Claude Code does.

    Args:
        repository: where it works.
        agent: the program.
        environment: variables to add.
    """

    def __init__(
        self, repository: Repository, agent: str = "claude", environment: Mapping[str, str] | None = None
    ) -> None:
        self.repository = repository
        self.agent = agent
        self.environment = environment

    def ask(self, event: Mapping[str, Any], session: str = "s") -> Asked:
        path = self.repository.path
        more = {"turn_id": "t"} if self.agent == "codex" else {}
        event = {"cwd": str(path), **event, **more, "session_id": session}
        return ask(self.agent, event, path, environment=self.environment)

    def start(self, source: str = "startup") -> Asked:
        return self.ask({"hook_event_name": "SessionStart", "source": source})

    def edit(self, path: str = "docs/api/x.yaml", content: str = "new\n") -> Asked:
        return self.ask(write(path, self.repository.path, content))

    def before(self, command: str) -> Asked:
        return self.ask(call("Bash", {"command": command}, self.repository.path))

    def after(self, command: str = "x", event: str = "PostToolUse", folder: str = "") -> Asked:
        given = {"tool_name": "Bash", "tool_input": {"command": command}, "tool_response": {}}
        return self.ask({"hook_event_name": event, "cwd": str(self.repository.path / folder), **given})

    def stop(self, again: bool | None = False) -> Asked:
        """What is said at the end of a turn; `again`: whether it goes on already because it was held up."""
        name = "AfterAgent" if self.agent == "gemini" else "Stop"
        return self.ask({"hook_event_name": name} | ({} if again is None else {"stop_hook_active": again}))

    def run(self, command: str) -> Asked:
        """What is said after a command that the hook lets through."""
        before = self.before(command)
        assert before.kind == "pass", (command, before.refusal)
        subprocess.run(["bash", "-c", command], cwd=self.repository.path, check=True, capture_output=True)
        return self.after(command)


def begun(repository: Repository, agent: str = "claude") -> Session:
    """A session that has begun in the repository as it is."""
    session = Session(repository, agent)
    session.start()
    return session
