"""The shell that follows commands: where it goes, which branch may be taken, what each program is given."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.builtins import BUILTINS
from specguard.integrations.hooks.shell.call import Call
from specguard.integrations.hooks.shell.expansion import Expansion
from specguard.integrations.hooks.shell.programs import run_program
from specguard.integrations.hooks.shell.redirections import Redirections
from specguard.integrations.hooks.shell.script_reader import read_script
from specguard.integrations.hooks.shell.syntax import Branches, Function, Group, Loop, Simple, Test
from specguard.integrations.hooks.shell.variables import runs, tell_arguments, tell_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.field import Field
    from specguard.integrations.hooks.shell.state import State
    from specguard.integrations.hooks.shell.syntax import Command, Line, Script
    from specguard.integrations.hooks.shell.telling import Telling

NESTED: Final = 12
"""Texts that are commands within commands, such as those of `sh -c`, are followed so deep."""
TURNS: Final = 200
"""A loop over more words than this is told for an unknown word."""
_INDEX: Final = re.compile(r"\[[^\]]*(?:\$\(|`)")
"""An array's index is expanded where a builtin takes the name of a variable, whatever its quotes."""


class Shell:
    """Follows commands; what they do goes to `telling`."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.words = Expansion(self)
        self.files = Redirections(telling, self.words)

    def run_text(self, text: str, state: State) -> str | None:
        """Follow a text that is run as a command; gives what it prints, None where that is not known."""
        telling = self.telling
        if telling.depth >= NESTED:
            telling.undecided("the command is nested too deeply to be followed")
            return None
        telling.depth += 1
        telling.step(size=len(text))
        script, trouble = read_script(text)
        printed = self.run(script, state)
        telling.depth -= 1
        if trouble:
            telling.undecided(f"the command cannot be read: {trouble}")
            return None
        return printed

    # Lists

    def run(self, script: Script, state: State, given: str | None = None) -> str | None:
        """Follow commands in turn.

        Args:
            script: the commands.
            state: the shell, which they change.
            given: what they read from their standard input; None where that is not known.

        Returns:
            What they print, None where that is not known.
        """
        printed: list[str] | None = []
        for line in script:
            self.telling.step()
            out = self._line(line, state, given)
            if out is None:
                printed = None
            elif printed is not None:
                printed.append(out)
        if printed is None:
            return None
        self.telling.step(size=sum(map(len, printed)))
        return "".join(printed)

    def _line(self, line: Line, state: State, given: str | None) -> str | None:
        if line.background:
            state = state.copy()
        skipped: list[State] = []
        printed: str | None = ""
        for mark, commands in line.pipelines:
            if mark:
                other = state.copy()
                if state.left is not None:
                    # `cd` came before: where one stands shows whether it has failed.
                    if mark == "&&":
                        other.places = state.left
                    else:
                        state.places = state.left
                skipped.append(other)
            state.left = None
            out = self._pipeline(commands, state, given)
            printed = out if not mark else None
        if skipped:
            state.become([*skipped, state])
            printed = None
        elif state.left is not None and state.places is not None:
            # Nobody asks whether `cd` has failed.
            state.places = tuple(dict.fromkeys([*state.places, *state.left]))
            state.left = None
        return printed

    def _pipeline(self, commands: Sequence[Command], state: State, given: str | None) -> str | None:
        if len(commands) == 1:
            return self._command(commands[0], state, given)
        for command in commands[:-1]:
            given = self._command(command, state.copy(), given)
        last = state.copy()
        printed = self._command(commands[-1], last, given)
        # Some shells run the last one themselves.
        state.become([state.copy(), last])
        return printed

    # Commands

    def _command(self, command: Command, state: State, given: str | None) -> str | None:
        self.telling.step()
        if isinstance(command, Simple):
            return self._simple(command, state, given)
        if isinstance(command, Function):
            state.functions[command.name] = [command.body]
            return ""
        given, targets = self.files.opened(command.redirects, state, given)
        if isinstance(command, Group):
            printed = self.run(command.body, state.copy() if command.subshell else state, given)
        elif isinstance(command, Branches):
            printed = self._branches(command, state, given)
        elif isinstance(command, Loop):
            printed = self._loop(command, state)
        else:
            assert isinstance(command, Test)  # noqa: S101 -- the last of the union
            for word in command.words:
                for field in self.words.fields(word, state):
                    if _INDEX.search(field.start):
                        self.telling.undecided(f"what is run in `{field.raw}` is not known")
            printed = ""
        return self.files.written(targets, printed)

    def _branches(self, command: Branches, state: State, given: str | None) -> str | None:
        for word in command.words:
            self.words.fields(word, state)
        self.run(command.first, state, given)
        ends = [state.copy()]
        for script in command.rest:
            branch = state.copy()
            self.run(script, branch, given)
            ends.append(branch)
        state.become(ends)
        return None

    def _loop(self, command: Loop, state: State) -> str | None:
        values: list[Field] | None = None
        if command.words is not None and command.name:
            values = []
            for word in command.words:
                values += self.telling.fields(state, self.words.fields(word, state))
        elif command.words is not None:
            for word in command.words:
                self.words.fields(word, state)
        elif command.name and state.arguments is not None:
            values = list(state.arguments)
        before = state.copy()
        known = values is not None and len(values) <= TURNS and all(not each.several for each in values)
        if values is not None and known:
            for value in values:
                state.variables[command.name] = value.text
                if runs(value.start):
                    self.telling.undecided(f"what `{value.raw}` holds would be run where it is evaluated")
                self.run(command.body, state, None)
            state.become([before, state.copy()])
            return None
        if command.name:
            state.variables[command.name] = None
        once = state.copy()
        self.run(command.body, once, None)
        if state.forget(once):
            again = state.copy()
            self.run(command.body, again, None)
            state.forget(again)
        return None

    def _simple(self, command: Simple, state: State, given: str | None) -> str | None:
        words: list[Field] = []
        for word in command.words:
            words += self.words.fields(word, state)
        given, targets = self.files.opened(command.redirects, state, given)
        assigned = [
            (name, self.words.value(word, state, name if more else ""))
            for name, word, more in command.assigned
        ]
        if not command.words:
            state.variables.update(assigned)
            self._tell(assigned)
            if assigned and targets:
                # Shells differ in whether the redirection sees the new value.
                targets = [*targets, *self.files.opened(command.redirects, state, given)[1]]
            return self.files.written(targets, "")
        call = Call(self, state, words, given, dict(assigned))
        self._tell(assigned)
        printed = self.run_call(call)
        if words and words[0].text == "exec":
            # What is redirected stays so, and what comes later is written there.
            printed = None
        return self.files.written(targets, printed)

    def run_call(self, call: Call) -> str | None:
        """Follow a program, a function or a builtin with its arguments."""
        telling = self.telling
        telling.step()
        if not call.words:
            return ""
        first = call.words[0]
        if first.text is None:
            telling.undecided(f"what `{first.raw}` runs is not known")
            return None
        bodies = call.state.functions.get(first.text)
        if bodies:
            return self._call_function(bodies, call)
        builtin = BUILTINS.get(first.text)
        if builtin is not None:
            for word in call.words[1:]:
                if first.text not in ("echo", "eval", "trap") and _INDEX.search(word.start):
                    telling.undecided(f"what `{first.text}` runs in `{word.raw}` is not known")
            return builtin(call)
        return run_program(call)

    def _call_function(self, bodies: Sequence[Command], call: Call) -> str | None:
        telling = self.telling
        if telling.depth >= NESTED:
            telling.undecided(f"what the function `{call.words[0].raw}` does is not followed so deeply")
            return None
        telling.depth += 1
        state = call.state
        tell_arguments(telling, call.words[1:])
        arguments = state.arguments
        ends: list[State] = []
        printed: str | None = None
        for body in bodies:
            one = state.copy()
            one.arguments = call.words[1:]
            one.variables.update(call.assigned)
            printed = self._command(body, one, call.given)
            one.ended = False
            ends.append(one)
        state.become(ends)
        state.arguments = arguments
        telling.depth -= 1
        return printed if len(bodies) == 1 else None

    def _tell(self, assigned: Sequence[tuple[str, str | None]]) -> None:
        for name, value in assigned:
            tell_setting(self.telling, name, value)
