"""One event from standard input to the answer; whatever goes wrong is an answer too.

An agent's program takes every exit code but 2 for a hook that has failed, and goes on. So nothing in here
may end with another one, or without a reason: what cannot be judged is refused.
"""

from __future__ import annotations

import os
import re

from specguard.declaration.rule import Record
from specguard.errors import SpecguardError, internal_error
from specguard.integrations.hooks.calls import (
    AGENTS,
    COMMANDS,
    LIMIT,
    Answer,
    Said,
    UnreadableError,
    note_firing,
    parse,
)
from specguard.integrations.hooks.places import WorkTree, work_tree_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType
    from typing import Any, Final, Self

    from specguard.change.repository import Looking
    from specguard.integrations.hooks.calls import Agent, Event


SECONDS: Final = {"edit": 20, "command": 20, "start": 20, "other": 20, "after": 50, "stop": 50}
"""How long a moment may take before it is refused; the agents' own limits, which let go on, are longer."""

REPAIR: Final = "specguard doctor"
"""The command that tells what is wrong with the guard, where nothing better is known."""

_UNJUDGED: Final = "specguard cannot judge this, so it is refused"
_UNABLE: Final = {
    "after": "specguard cannot check the working tree",
    "stop": "specguard cannot check the working tree",
    "start": "specguard cannot tell what is guarded here",
}
"""What a failure means where nothing is refused; elsewhere it is `_UNJUDGED`."""

_NAME: Final = rb'"hook_event_name"\s*:\s*"([A-Za-z]{1,40})"'
_COMMAND: Final = r"`([^`]+)`"
_REPAIRS: Final = (
    r"specguard (?:doctor|init|policy|status)(?: [A-Za-z0-9_./-]+)*"
    r"|git fetch(?: --(?:unshallow|refetch|no-filter|all))*(?: \w[\w./-]*)*"
    r"|chmod -R u\+rX \."
)
"""What may be named as a command that repairs: nothing in it means anything to a shell."""


class _TooLateError(SpecguardError):
    """It took too long."""

    code = "time-limit"


class _Late(KeyboardInterrupt):
    """The time is over; no error, so that nothing that goes on after errors, as the engine does, goes on."""

    def __init__(self, error: SpecguardError) -> None:
        super().__init__()
        self.error = error


def answer(words: Sequence[str]) -> int:
    """Answer the event on standard input.

    Args:
        words: the command line after `hook`: the agent's name.

    Returns:
        The exit code: 0, or 2 where the dialect has no other way to refuse; never another one.
    """
    try:
        said = _answer(words)
    except BaseException as error:  # noqa: BLE001 - whatever it is, nothing is let through by it
        said = _last_words(error)
    try:
        _put(1, said.stdout)
        _put(2, said.stderr)
    except BaseException:  # noqa: BLE001 - nobody may read it, and the code alone has to do
        return 2
    return said.code


def _put(stream: int, text: str) -> None:
    """Write a text to a stream as UTF-8: an encoding that the environment asks for may be none of JSON's."""
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(stream, data) :]


def _answer(words: Sequence[str]) -> Said:
    agent = next((one for one in AGENTS if list(words) == [one]), None)
    if agent is None:
        return Said(
            stderr=f"specguard: `specguard hook` takes one of {', '.join(AGENTS)}, and was called with: "
            f"{' '.join(words)[:200]!r}\n  next: specguard init --agent NAME writes the settings\n",
            code=2,
        )
    _limit(SECONDS["other"])
    raw = b""
    try:
        raw = _read()
        data = parse(raw)
        speaking = speaker(data, os.environ, agent)
        event = dialect(speaking).read(data, os.environ)
    except UnreadableError as error:
        return _refuse_unread(agent, raw, f"specguard cannot read this event, so it is refused: {error}")
    except _Late as late:
        return _refuse_unread(agent, raw, _reason(late.error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is refused
        return _refuse_unread(agent, raw, _reason(error))
    # Most commands do nothing that is judged, and two more processes would be started for nothing.
    early = Early.here(os.environ, look=event.moment in ("edit", "after", "stop"))
    if early is not None:
        note_firing(event, early.tree)
    said: Said = dialect(event.agent).say(event, _judge(event, early))
    return said


def _judge(event: Event, early: Early | None) -> Answer:
    """The answer to an event, in which every failure is one."""
    if event.moment == "other":
        return Answer()
    _limit(SECONDS[event.moment])
    try:
        return _judged(event, os.environ, early)
    except UnreadableError as error:
        return Answer(kind="refuse", text=f"specguard cannot read this event, so it is refused: {error}")
    except _Late as late:
        return _broken(event, late.error)
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - it is refused
        return _broken(event, error)
    finally:
        _limit(0)


def _judged(event: Event, environment: Mapping[str, str], early: Early | None) -> Answer:
    if event.moment == "start":
        from specguard.integrations.hooks.ending import greet

        return greet(event, environment)
    if event.moment in ("stop", "after"):
        from specguard.integrations.hooks import ending

        judge_now = ending.judge_end if event.moment == "stop" else ending.judge_after
        return judge_now(event, environment, early)
    from specguard.integrations.hooks.judging import judge

    return judge(event, environment, early)


def _broken(event: Event, error: BaseException) -> Answer:
    """The answer where the guard itself is broken: what repairs it is let through, and named."""
    repair = _repair(error)
    # Whatever else is broken: none of these writes what is guarded.
    if event.moment == "command" and re.fullmatch(_REPAIRS, _asked(event), re.ASCII):
        return Answer()
    meaning = _UNABLE.get(event.moment, _UNJUDGED)
    text = f"{_reason(error, meaning)}\nTo repair the guard: `{repair}` (this command is never refused)."
    if event.moment == "stop" and (event.again or (event.loops or 0) > 0):
        # The agent was told, and may be unable to do anything about it.
        return Answer(kind="tell", text=text)
    return Answer(kind="refuse", text=text)


def _asked(event: Event) -> str:
    given = [event.input[name] for name in COMMANDS if name in event.input]
    # Of several it is not known which one the program runs.
    return given[0].strip() if len(given) == 1 and isinstance(given[0], str) else ""


def _repair(error: BaseException) -> str:
    """The one command that repairs what an error is about."""
    help_ = error.help if isinstance(error, SpecguardError) else ""
    for words in (help_, *re.findall(_COMMAND, help_)):
        if re.fullmatch(_REPAIRS, words, re.ASCII):
            return str(words)
    return REPAIR


def _reason(error: BaseException, meaning: str = _UNJUDGED) -> str:
    """What a failure means, and why, in one or two lines."""
    from specguard.reporters.escape import cut, cut_path, visible

    if isinstance(error, SpecguardError):
        known = error
    elif isinstance(error, (Exception, SystemExit)):
        known = internal_error(error)
    else:
        known = SpecguardError(f"it was stopped: {type(error).__name__}")
    place = ""
    if known.path:
        place = f"{cut_path(known.path)}:{known.line}: " if known.line else f"{cut_path(known.path)}: "
    # How an internal error is shown with its traceback holds for other commands.
    help_ = f"\n  next: {visible(cut(known.help))}" if known is error and known.help else ""
    return f"{meaning}: {visible(place + cut(known.message))}{help_}"


def _refuse_unread(agent: Agent, raw: bytes, reason: str) -> Said:
    """The refusal of an event that could not be read, as far as its beginning tells what it is."""
    names = {name.decode("ascii") for name in re.findall(_NAME, raw[:LIMIT])}
    if len(names) == 1:
        name = names.pop()
        data: dict[str, Any] = {"hook_event_name": name}
        refused: Said = dialect(speaker(data, os.environ, agent)).refusal(name, reason)
        return refused
    return Said(stderr=reason + "\n", code=2)


def _last_words(error: BaseException) -> Said:
    """A refusal in all dialects, where nothing else can be said."""
    return Said(
        stderr=f"{_UNJUDGED}: internal error: {type(error).__name__}\nTo repair the guard: `{REPAIR}`\n",
        code=2,
    )


def _read() -> bytes:
    """Standard input to its end.

    Raises:
        UnreadableError: it is too large, or cannot be read.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := os.read(0, 1 << 20):
            pieces.append(piece)
            size += len(piece)
            if size > LIMIT:
                raise UnreadableError(f"the event has more than {LIMIT >> 20} MiB")
    except OSError as error:
        raise UnreadableError(f"standard input cannot be read: {error.strerror}") from None
    return b"".join(pieces)


def _limit(seconds: int) -> None:
    """End what is under way with an error after so many seconds; 0: never."""
    # `signal` imports `enum` and more; its own core is part of the interpreter.
    import _signal  # type: ignore[import-not-found]  # typeshed has its public name alone

    def end(number: int, frame: object) -> None:  # noqa: ARG001 - as the interpreter calls it
        raise _Late(
            _TooLateError(
                f"it took more than {seconds} seconds", help="`specguard doctor` shows what takes so long"
            )
        )

    _signal.signal(_signal.SIGALRM, end)
    _signal.alarm(seconds)


_GEMINI: Final = frozenset(
    {
        "BeforeTool", "AfterTool", "BeforeAgent", "AfterAgent", "BeforeModel", "AfterModel", "PreCompress",
        "BeforeToolSelection",
    }
)  # fmt: skip
_SHARED: Final = frozenset({"SessionStart", "SessionEnd", "Notification"})
"""Names that Gemini CLI and Claude Code both have."""

_CURSOR_FIELDS: Final = ("cursor_version", "conversation_id", "generation_id", "workspace_roots")


def speaker(data: Mapping[str, Any], environment: Mapping[str, str], expected: Agent) -> Agent:
    """The agent whose event this is.

    Args:
        data: the event.
        environment: the hook's environment, which some agents mark.
        expected: the agent that the command line names; it is believed where nothing says otherwise.
    """
    name = data.get("hook_event_name")
    name = name if isinstance(name, str) else ""
    if name[:1].islower() or any(field in data for field in _CURSOR_FIELDS):
        return "cursor"
    if name in _GEMINI:
        return "gemini"
    # Only a name that both have may be told by more: an edit that nobody reads would be let through.
    if name in _SHARED and environment.get("GEMINI_SESSION_ID") and "timestamp" in data:
        return "gemini"
    if "turn_id" in data:
        return "codex"
    if expected in ("claude", "codex"):
        return expected
    # Names such as `PreToolUse` are of Claude Code and those that speak as it does.
    return "gemini" if expected == "gemini" and not name.endswith("ToolUse") else "claude"


def dialect(agent: Agent) -> ModuleType:
    """The module that reads and answers events of an agent: `read`, `say` and `refusal`."""
    # Written out, since importlib would cost a hook more than the module itself.
    if agent == "cursor":
        from specguard.integrations.hooks import cursor

        return cursor
    if agent == "gemini":
        from specguard.integrations.hooks import gemini

        return gemini
    if agent == "codex":
        from specguard.integrations.hooks import codex

        return codex
    from specguard.integrations.hooks import claude

    return claude


class Early(Record):
    """What is known, or under way, before the event is judged.

    Attributes:
        tree: the working tree of the agent's project, or else of this process's folder.
        looking: git looking for its repository, where the event will surely be judged by it; else None.
    """

    tree: WorkTree
    looking: Looking | None = None

    @classmethod
    def here(cls, environment: Mapping[str, str], *, look: bool) -> Self | None:
        """Find the working tree, and begin to look where that is asked for.

        None where there is nothing to look for, of which the event's judge will tell.
        """
        try:
            folder = os.fsencode(environment.get("CLAUDE_PROJECT_DIR", "")) or os.getcwdb()
            tree = work_tree_at(folder)
            if tree is None:
                return None
            if not look:
                return cls(tree=tree)
            from specguard.change.repository import Looking

            return cls(tree=tree, looking=Looking(os.fsdecode(tree.root), environment))
        except (OSError, SpecguardError):
            return None
