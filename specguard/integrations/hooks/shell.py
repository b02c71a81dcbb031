"""What a shell command would do, told before it runs.

The command is read as bash reads it (`shell_reader`) and followed program by program without running any:
where it goes with `cd`, what its variables hold, which branch may be taken. What a program writes is known
for the programs of `shell_programs` and `shell_git`; of any other program it is said that it is not known.
Nothing that cannot be told is passed over: what is in no edit, message or bypass is in `undecided`, unless
the program only reads.
"""

from __future__ import annotations

import os
import re

from specguard.integrations.hooks.deeds import Deeds
from specguard.integrations.hooks.shell_builtins import BUILTINS
from specguard.integrations.hooks.shell_call import Call
from specguard.integrations.hooks.shell_fields import Piece, fields
from specguard.integrations.hooks.shell_programs import run_program
from specguard.integrations.hooks.shell_reader import read_script
from specguard.integrations.hooks.shell_settings import tell_setting
from specguard.integrations.hooks.shell_state import Field, State, as_bytes
from specguard.integrations.hooks.shell_telling import Telling, TooMuch
from specguard.integrations.hooks.shell_words import (
    Branches,
    Function,
    Group,
    Loop,
    Simple,
    Test,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell_words import Command, Line, Part, Redirect, Script, Word

SIZE: Final = 4_000_000
"""Commands of more characters than this are not read."""
NESTED: Final = 12
"""Texts that are commands within commands, such as those of `sh -c`, are followed so deep."""
_INDEX: Final = re.compile(r"\[[^\]]*(?:\$\(|`)")
"""An array's index is expanded where a builtin takes the name of a variable, whatever its quotes."""
VALUE: Final = 100_000
"""What a variable holds of more characters than this is taken as unknown."""
TURNS: Final = 200
"""A loop over more words than this is told for an unknown word."""


def read_command(text: str, directory: bytes, environment: Mapping[str, str] | None = None) -> Deeds:
    """What a shell command would do.

    Args:
        text: the command, as `bash -c` takes it.
        directory: the folder in which it would run, absolute.
        environment: the variables that it would see; those of this process where they are not given. Only
            `HOME` is believed.
    """
    telling = Telling(directory, os.environ if environment is None else environment)
    if len(text) > SIZE:
        return Deeds(undecided=["the command is too long to be read"])
    if "\0" in text:
        return Deeds(undecided=["the command holds a NUL, which no command can"])
    shell = Shell(telling)
    try:
        shell.run_text(text, State())
    except TooMuch:
        telling.undecided("the command does more than can be followed")
    except RecursionError:
        telling.undecided("the command is nested too deeply to be followed")
    return telling.deeds()


class Shell:
    """Follows commands; what they do goes to `telling`."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling

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
        given, targets = self._redirected(command.redirects, state, given)
        if isinstance(command, Group):
            printed = self.run(command.body, state.copy() if command.subshell else state, given)
        elif isinstance(command, Branches):
            printed = self._branches(command, state, given)
        elif isinstance(command, Loop):
            printed = self._loop(command, state)
        else:
            assert isinstance(command, Test)  # noqa: S101 -- the last of the union
            for word in command.words:
                self.expand(word, state)
            printed = ""
        return self._written(targets, printed)

    def _branches(self, command: Branches, state: State, given: str | None) -> str | None:
        for word in command.words:
            self.expand(word, state)
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
                values += self.telling.fields(state, self.expand(word, state))
        elif command.words is not None:
            for word in command.words:
                self.expand(word, state)
        elif command.name and state.arguments is not None:
            values = list(state.arguments)
        before = state.copy()
        known = values is not None and len(values) <= TURNS and all(not each.several for each in values)
        if values is not None and known:
            for value in values:
                state.variables[command.name] = value.text
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
            words += self.expand(word, state)
        given, targets = self._redirected(command.redirects, state, given)
        assigned = [
            (name, self._value(word, state, name if more else "")) for name, word, more in command.assigned
        ]
        if not command.words:
            state.variables.update(assigned)
            self._settings(assigned)
            if assigned and targets:
                # Shells differ in whether the redirection sees the new value.
                targets = [*targets, *self._redirected(command.redirects, state, given)[1]]
            return self._written(targets, "")
        call = Call(self, state, words, given, dict(assigned))
        self._settings(assigned)
        printed = self.run_call(call)
        if words and words[0].text == "exec":
            # What is redirected stays so, and what comes later is written there.
            printed = None
        return self._written(targets, printed)

    def _settings(self, assigned: Sequence[tuple[str, str | None]]) -> None:
        for name, value in assigned:
            tell_setting(self.telling, name, value)

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

    # Redirections

    def _redirected(
        self, redirects: Sequence[Redirect], state: State, given: str | None
    ) -> tuple[str | None, list[tuple[bytes, bool, bool]]]:
        """What a command reads, and the files that it writes: whether at their end, and its output alone."""
        telling = self.telling
        targets: list[tuple[bytes, bool, bool]] = []
        read: list[bytes] = []
        for redirect in redirects:
            mark = redirect.mark
            if mark == "<<":
                given = self.text_of(redirect.word, state)
                continue
            if mark == "<<<":
                text = self.text_of(redirect.word, state)
                given = None if text is None else text + "\n"
                continue
            found = self.expand(redirect.word, state)
            if mark == "<&" or (mark == ">&" and len(found) == 1 and _is_number(found[0].text)):
                given = None if mark == "<&" else given
                continue
            paths: list[bytes] = []
            for field in found:
                if field.text == "!":
                    telling.undecided("`>!` is not the same in every shell")
                paths += telling.paths(state, field, "is redirected to" if mark != "<" else "is read")
            if mark == "<":
                content = telling.content(paths[0]) if len(paths) == 1 else None
                given = None if content is None else content.decode("utf-8", "surrogateescape")
                read += paths
                continue
            alone = redirect.number in ("", "1") and mark in (">", ">|", ">>")
            targets += [(path, mark in (">>", "&>>", "<>"), alone) for path in paths]
        if any(path in read for path, _, _ in targets):
            # It reads what it writes.
            given = None
        return given, targets

    def _written(self, targets: Sequence[tuple[bytes, bool, bool]], printed: str | None) -> str | None:
        """Tell the files of redirections; gives what is left to be printed."""
        telling = self.telling
        left = printed
        for index, (path, appended, alone) in enumerate(targets):
            content = None if printed is None or not alone or index + 1 < len(targets) else as_bytes(printed)
            if appended and content is not None:
                before = telling.content(path)
                if before is None and not telling.is_missing(path):
                    content = None
                else:
                    content = (before or b"") + content
            telling.write(path, content, known=content is not None)
            if alone:
                left = ""
        return left

    # Words

    def expand(self, word: Word, state: State) -> list[Field]:
        """The fields of a word, whose substitutions are followed."""
        self.telling.step()
        parts = [part for part in word.parts if part.kind != "text" or part.text]
        if len(parts) == 1 and parts[0].kind == "name" and parts[0].text == "@" and parts[0].quoted:
            if state.arguments is not None:
                return list(state.arguments)
            return [Field(None, word.raw, several=True)]
        home = state.value("HOME", self.telling.directory, self.telling.environment)
        found = fields(word, self._pieces(word.parts, state), home)
        self.telling.step(len(found), size=sum(len(field.start) for field in found))
        return found

    def text_of(self, word: Word, state: State) -> str | None:
        """A word's text where it is neither split nor a pattern; None where it is not known."""
        pieces = self._pieces(word.parts, state)
        texts = [piece.text for piece in pieces]
        if None in texts:
            return None
        self.telling.step(size=sum(len(text or "") for text in texts))
        return "".join(text for text in texts if text is not None)

    def _value(self, word: Word, state: State, appended: str) -> str | None:
        text = self.text_of(word, state)
        first = word.parts[0] if word.parts else None
        if text is not None and first is not None and not first.quoted and text.startswith("~"):
            home = state.value("HOME", self.telling.directory, self.telling.environment)
            if home is None or not (text == "~" or text.startswith("~/")):
                return None
            text = home + text[1:]
        if appended and text is not None:
            before = state.value(appended, self.telling.directory, self.telling.environment)
            text = None if before is None else before + text
        return text if text is None or len(text) <= VALUE else None

    def _pieces(self, parts: Sequence[Part], state: State) -> list[Piece]:
        made: list[Piece] = []
        for part in parts:
            self.telling.step()
            if part.kind == "text":
                made.append(Piece(part.text, quoted=part.quoted, written=not part.quoted))
            elif part.kind == "name":
                made.append(Piece(self._variable(part.text, state), quoted=part.quoted))
            elif part.kind == "output":
                printed = self.run(part.scripts[0], state.copy())
                made.append(Piece(None if printed is None else printed.rstrip("\n"), quoted=part.quoted))
            elif part.kind == "process":
                self.run(part.scripts[0], state.copy())
                made.append(Piece("/dev/fd/63", quoted=True))
            else:
                for script in part.scripts:
                    self.run(script, state.copy())
                if part.text:
                    state.variables[part.text] = None
                made.append(Piece(None, quoted=part.quoted))
        return made

    def _variable(self, name: str, state: State) -> str | None:
        if name.isdigit() and name != "0":
            if state.arguments is None or any(each.several for each in state.arguments):
                return None
            number = int(name)
            return state.arguments[number - 1].text if number <= len(state.arguments) else ""
        if name in ("@", "*") and state.arguments is not None and "IFS" not in state.variables:
            texts = [each.text for each in state.arguments]
            return None if None in texts else " ".join(text for text in texts if text is not None)
        return state.value(name, self.telling.directory, self.telling.environment)


def _is_number(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"[0-9]*-?", text) is not None
