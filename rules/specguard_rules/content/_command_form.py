"""Forms of commands, such as `git push --force`, and which commands have them."""

from __future__ import annotations

import re

from specguard_rules.content._shell import commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard_rules.content._shell import Command

# These run a command that stands among their arguments.
_CARRIERS: Final = frozenset(
    ["docker", "docker-compose", "podman", "kubectl", "npx", "find", "parallel", "watch"]
)
_CARRIED: Final = 40
_SHORT: Final = re.compile(r"-[A-Za-z]")


class CommandForm:
    """A command of which some words are given.

    The first word is the program. Words that are no options must be the command's first ones, in this order,
    though options with a value may stand between (`git -C lib push`). Options may stand anywhere before `--`;
    `--force` is also `--force=…`, and `-f` is found in `-fu`.

    Args:
        text: the form as it is written.
        unless: options or words of which any one makes it another command.
    """

    def __init__(self, text: str, unless: Sequence[str] = ()) -> None:
        words = [word for command in commands(text) for word in command.words]
        self.program = words[0] if words else ""
        self._names = [word for word in words[1:] if not word.startswith("-")]
        self._options = [word for word in words[1:] if word.startswith("-")]
        self._unless = unless

    def may_be_in(self, data: bytes) -> bool:
        """Whether a text has the program and the other words that are no options at all; False is certain."""
        return all(word.encode() in data for word in (self.program, *self._names))

    def matches(self, command: Command) -> bool:
        """Whether a command, or the one that it carries, has this form."""
        words = command.unwrapped()
        if self._is(words):
            return True
        if words and words[0].rpartition("/")[2] in _CARRIERS:
            return any(self._is(words[at:]) for at in range(1, min(len(words), _CARRIED)))
        return False

    def _is(self, words: Sequence[str]) -> bool:
        if not words or not self.program or words[0].rpartition("/")[2] != self.program:
            return False
        arguments = list(words[1:])
        if "--" in arguments:
            options = arguments[: arguments.index("--")]
        else:
            options = arguments
        if not self._named(arguments):
            return False
        if not all(any(_given(option, word) for word in options) for option in self._options):
            return False
        return not any(_given(excuse, word) for excuse in self._unless for word in arguments)

    def _named(self, arguments: Sequence[str]) -> bool:
        wanted = iter(self._names)
        name = next(wanted, None)
        previous = ""
        for word in arguments:
            if name is None:
                break
            if word == name:
                name = next(wanted, None)
            elif not word.startswith("-") and (not previous.startswith("-") or "=" in previous):
                return False
            previous = word
        return name is None


def _given(option: str, word: str) -> bool:
    """Whether a word of a command is an option, by itself, with a value or in a group of letters."""
    if word == option or word.startswith(f"{option}="):
        return True
    if _SHORT.fullmatch(option) and re.fullmatch(r"-[A-Za-z]+", word):
        return option[1] in word[1:]
    return False
