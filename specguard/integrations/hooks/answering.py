"""Read one event from standard input and answer it; every failure becomes an answer, too.

An agent's program treats every exit code but 2 as a failed hook, and continues. So this module never ends
with another code, or without a reason: it refuses what it cannot judge.
"""

from __future__ import annotations

import os
import re

from specguard.errors import TYPE_CHECKING, SpecguardError, as_specguard_error
from specguard.integrations.hooks import dialects
from specguard.integrations.hooks.tool_calls import work_tree_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.change.repository import Lookup
    from specguard.integrations.hooks.dialects import Agent, HookEvent


TIME_LIMITS: Final = {"edit": 20, "command": 20, "start": 20, "other": 20, "after": 50, "stop": 50}
"""The time limit of each moment, in seconds, after which the event is refused.

It is shorter than the agents' own limits, after which they continue.
"""

REPAIR: Final = "specguard doctor"
"""The command that diagnoses the guard, if an error suggests no better one."""

_CANNOT_JUDGE: Final = "specguard cannot judge this"

_EVENT_NAME: Final = rb'"hook_event_name"\s*:\s*"([A-Za-z]{1,40})"'
_REPAIR_COMMANDS: Final = (
    r"specguard (?:doctor|init|policy|status)(?: [A-Za-z0-9_./-]+)*"
    r"|git fetch(?: --(?:unshallow|refetch|no-filter|all))*(?: \w[\w./-]*)*"
    r"|chmod -R u\+rX \."
)
"""The commands that may be suggested for repair; they contain nothing special to a shell."""


class _Timeout(KeyboardInterrupt):
    """The time limit has passed; not an `Exception`, so that code which continues after errors stops."""


def answer(words: Sequence[str]) -> int:
    """Answer the event on standard input.

    Args:
        words: the command line after `hook`: the agent's name.

    Returns:
        The exit code: 0, or 2 if the dialect has no other way to refuse; never another code.
    """
    answers = 1
    try:
        # What a plugin prints must not mix with the answer.
        answers = os.dup(1)
        os.dup2(2, 1)
        output = _answer(words)
    except BaseException as error:  # noqa: BLE001 - no failure may let the call through
        reason = f"{_CANNOT_JUDGE}: internal error: {type(error).__name__}"
        output = dialects.HookOutput(stderr=f"{reason}\nTo repair the guard: `{REPAIR}`\n", code=2)
    try:
        for stream, text in ((answers, output.stdout), (2, output.stderr)):
            # Always UTF-8: the encoding of the environment may be invalid for JSON.
            with open(stream, "wb", closefd=stream > 2) as file:
                file.write(text.encode("utf-8", "backslashreplace"))
    except BaseException:  # noqa: BLE001 - the output may be closed, so the code must do
        return 2
    return output.code


def _answer(words: Sequence[str]) -> dialects.HookOutput:
    if (agent := next((one for one in dialects.AGENTS if list(words) == [one]), None)) is None:
        wrong = f"takes one of {', '.join(dialects.AGENTS)}, and was called with: {' '.join(words)[:200]!r}"
        step = "specguard init --agent NAME writes the settings"
        return dialects.HookOutput(stderr=f"specguard: `specguard hook` {wrong}\n  next: {step}\n", code=2)
    _set_time_limit(TIME_LIMITS["other"])
    raw = b""
    try:
        raw = _read_stdin()
        data = dialects.parse(raw)
        event = dialects.read(data, os.environ, dialects.agent_of(data, os.environ, agent))
    except (Exception, SystemExit, _Timeout) as error:  # noqa: BLE001 - the event is refused
        return _refuse_unread(agent, raw, _reason(error))
    return dialects.write(event, _judge(event, _start_git(event)))


def _start_git(event: HookEvent) -> dict[bytes, Lookup]:
    """Start git for the repository that judges, by its working tree's root."""
    try:
        tree = work_tree_at(os.fsencode(os.environ.get("CLAUDE_PROJECT_DIR", "")) or os.getcwdb())
        # Most commands do nothing that is judged, so two more processes would be wasted.
        if tree is not None and event.moment in ("edit", "after", "stop"):
            from specguard.change.repository import Lookup

            # The base that is pinned judges the edits of a session.
            bases = event.moment != "edit" or not event.session
            return {tree.root: Lookup(os.fsdecode(tree.root), os.environ, bases=bases)}
    except (OSError, SpecguardError):
        # The event's judge reports the same error.
        pass
    return {}


def _judge(event: HookEvent, looking: dict[bytes, Lookup]) -> dialects.Reply:
    """Judge an event; failures become answers."""
    if event.moment == "other":
        return dialects.Reply()
    _set_time_limit(TIME_LIMITS[event.moment])
    try:
        if event.moment in ("edit", "command"):
            from specguard.integrations.hooks.judging import judge

            return judge(event, looking)
        from specguard.integrations.hooks.turn_end import JUDGES

        return JUDGES[event.moment](event, looking)
    except dialects.UnreadableError as error:
        return dialects.Reply("refuse", _reason(error))
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - the event is refused
        return _answer_broken(event, error)
    finally:
        _set_time_limit(0)
        for unused in looking.values():
            unused.stop()


def _answer_broken(event: HookEvent, error: BaseException) -> dialects.Reply:
    """Return the answer if the guard is broken: a repair command passes, others are refused with its name."""
    help_ = error.help if isinstance(error, SpecguardError) else ""
    words = (help_, *re.findall(r"`([^`]+)`", help_))
    repair = next((one for one in words if re.fullmatch(_REPAIR_COMMANDS, one, re.ASCII)), REPAIR)
    # Whatever else is broken, none of these commands writes guarded files.
    values = [event.input[name] for name in dialects.COMMAND_KEYS if name in event.input]
    # If there are several commands, the one that the program runs is unknown.
    command = values[0].strip() if len(values) == 1 and isinstance(values[0], str) else ""
    if event.moment == "command" and re.fullmatch(_REPAIR_COMMANDS, command, re.ASCII):
        return dialects.Reply()
    text = f"{_reason(error)}\nTo repair the guard: `{repair}` (this command is never refused)."
    # An agent that was informed already may be unable to fix the guard.
    is_informed = event.moment == "stop" and event.continued
    return dialects.Reply("tell" if is_informed else "refuse", text)


def _reason(error: BaseException) -> str:
    """Return the reason of a failure, in one or two lines."""
    from specguard.reporters.escape import cut, cut_path, visible

    if isinstance(error, dialects.UnreadableError):
        return f"specguard cannot read this event, so it is refused: {error}"
    if isinstance(error, (Exception, SystemExit)):
        known = as_specguard_error(error)
    else:
        known = SpecguardError(f"it was stopped: {error or type(error).__name__}")
    place = f"{cut_path(known.place)}: " if known.path else ""
    # The help of an internal error applies to other commands only.
    help_ = f"\n  next: {visible(cut(known.help))}" if known is error and known.help else ""
    return f"{_CANNOT_JUDGE}: {visible(place + cut(known.message))}{help_}"


def _refuse_unread(agent: Agent, raw: bytes, reason: str) -> dialects.HookOutput:
    """Refuse an event that could not be read, in the form for the event name in it, if it has just one."""
    names = {name.decode("ascii") for name in re.findall(_EVENT_NAME, raw[: dialects.LIMIT])}
    if len(names) == 1:
        name = names.pop()
        return dialects.refusal(dialects.agent_of({"hook_event_name": name}, os.environ, agent), name, reason)
    return dialects.HookOutput(stderr=reason + "\n", code=2)


def _read_stdin() -> bytes:
    """Read standard input up to one byte more than `parse` accepts.

    Raises:
        UnreadableError: standard input cannot be read.
    """
    try:
        with open(0, "rb", closefd=False) as stream:
            return stream.read(dialects.LIMIT + 1)
    except OSError as error:
        raise dialects.UnreadableError(f"standard input cannot be read: {error.strerror}") from None


def _set_time_limit(seconds: int) -> None:
    """Raise `_Timeout` after a number of seconds; 0 switches the timer off."""
    # `signal` imports `enum` and more; `_signal` is part of the interpreter.
    import _signal  # type: ignore[import-not-found]  # typeshed only has the public name

    def end(number: int, frame: object) -> None:  # noqa: ARG001 - the interpreter passes it
        raise _Timeout(f"it took more than {seconds} seconds")

    _signal.signal(_signal.SIGALRM, end)
    _signal.alarm(seconds)
