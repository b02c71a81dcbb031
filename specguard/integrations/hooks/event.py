"""What an agent's program says that is about to happen, and what it is answered."""

from __future__ import annotations

import json
import os

from specguard.declaration.rule import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Literal

    Agent = Literal["claude", "codex", "gemini", "cursor"]
    Moment = Literal["edit", "command", "after", "stop", "start", "other"]
    Kind = Literal["pass", "refuse", "tell"]

AGENTS: Final[Sequence[Agent]] = ("claude", "codex", "gemini", "cursor")
"""The agents whose dialects are spoken."""

LIMIT: Final = 64 << 20
"""How large an event may be, in bytes: the content of a file that is written is part of it."""


class UnreadableError(Exception):
    """An event that cannot be understood, with the reason as a clause."""


class Event(Record):
    """One event.

    Attributes:
        agent: who speaks, and in whose dialect the answer is.
        name: the event's name, as the agent gave it.
        moment: what it is: before an `edit`, before a `command`, `after` a command, the end of a turn
            (`stop`), the `start` of a session, or something `other` that is not judged.
        directory: the folder in which the call runs, as an absolute path.
        projects: the folders that the agent's program says it works in, as absolute paths.
        tool: the tool's name; empty where there is none.
        input: what the tool is called with.
        session: what tells the session from others; empty where nothing does.
        again: whether the agent goes on already because a hook asked it to; None where nothing says so.
        loops: how often it did so in a row, where the program counts that; else None.
        foreign: whether it came by another agent's configuration, so that both ways to answer are used.
    """

    agent: Agent
    name: str
    moment: Moment
    directory: bytes
    projects: Sequence[bytes] = ()
    tool: str = ""
    input: Mapping[str, Any] = {}
    session: str = ""
    again: bool | None = None
    loops: int | None = None
    foreign: bool = False


class Answer(Record):
    """What the agent is answered.

    Attributes:
        kind: `pass` lets it go on, `refuse` stops it with a reason, `tell` lets it go on and tells it
            something.
        text: the reason, or what is told.
    """

    kind: Kind = "pass"
    text: str = ""


class Said(Record):
    """What a process says to the agent's program.

    Attributes:
        stdout, stderr: the two texts.
        code: the exit code.
    """

    stdout: str = ""
    stderr: str = ""
    code: int = 0


def parse(raw: bytes) -> Mapping[str, Any]:
    """The object that an event is.

    Raises:
        UnreadableError: it is none: too large, no JSON, too deep, a key twice, not UTF-8.
    """
    if len(raw) > LIMIT:
        raise UnreadableError(f"the event has more than {LIMIT >> 20} MiB")
    try:
        # Some programs begin with a byte order mark; the codec that takes it away is one more import.
        text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableError("the event is not UTF-8") from None
    if not text.strip():
        raise UnreadableError("the event is empty")
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise UnreadableError("the event is nested too deeply") from None
    except ValueError as error:
        raise UnreadableError(f"the event is no JSON: {error}") from None
    if not isinstance(data, dict):
        raise UnreadableError("the event is no JSON object")
    return data


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are there once: two readers may take a key that is there twice differently."""
    data = dict(pairs)
    if len(data) != len(pairs):
        raise UnreadableError("the event has a key twice")
    return data


def text_of(data: Mapping[str, Any], *names: str, what: str = "the event") -> str:
    """The text under the first of these names that is there.

    Raises:
        UnreadableError: none is there, or it is no text.
    """
    for name in names:
        if name in data:
            value = data[name]
            if not isinstance(value, str):
                raise UnreadableError(f"`{name}` of {what} is no text")
            return value
    raise UnreadableError(f"{what} has no `{names[0]}`")


def optional(data: Mapping[str, Any], name: str) -> str:
    """The text under a name; empty where there is none, or null.

    Raises:
        UnreadableError: it is no text.
    """
    return "" if data.get(name) is None else text_of(data, name)


def path_bytes(text: str) -> bytes:
    """A path of an event as the system takes it.

    Raises:
        UnreadableError: it is empty, or has a NUL or half a character, which programs take differently.
    """
    if not text or "\0" in text:
        raise UnreadableError("a path is empty or has a NUL")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise UnreadableError("a path has half a character") from None


def directory_of(data: Mapping[str, Any]) -> bytes:
    """The folder in which the call runs; the hook's own where the event does not say.

    Raises:
        UnreadableError: it is no absolute path.
    """
    said = optional(data, "cwd")
    if not said:
        return os.getcwdb()
    path = path_bytes(said)
    if not path.startswith(b"/"):
        raise UnreadableError("`cwd` of the event is no absolute path")
    return path


def input_of(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a tool is called with.

    Raises:
        UnreadableError: it is no object.
    """
    value = data.get("tool_input", {})
    if not isinstance(value, dict):
        raise UnreadableError("`tool_input` of the event is no object")
    return value


def projects_of(environment: Mapping[str, str], *names: str) -> list[bytes]:
    """The project folders that variables of the agent's program name; relative ones are passed over."""
    found = [os.fsencode(environment.get(name, "")) for name in names]
    return [path for path in found if path.startswith(b"/")]


def written(data: Mapping[str, Any]) -> str:
    """An answer as one line of JSON in ASCII, which every reader takes."""
    return json.dumps(data, ensure_ascii=True) + "\n"
