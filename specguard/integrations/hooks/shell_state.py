"""What is known of a shell between two commands: where it stands, its variables, its functions."""

from __future__ import annotations

import os.path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell_words import Command

PLACES: Final = 8
"""More folders than this in which a shell may stand are as good as unknown."""


class Field:
    """A word after expansion.

    Attributes:
        text: its text; None where it is not known.
        start: as much of the text's beginning as is known.
        raw: the word as it is written, for clauses.
        several: whether it may be no word or several.
        pattern: the pattern of pathnames that it is; its pieces, of which every second is quoted. The text
            is not known then.
    """

    __slots__ = ("pattern", "raw", "several", "start", "text")

    def __init__(
        self,
        text: str | None,
        raw: str,
        *,
        start: str = "",
        several: bool = False,
        pattern: Sequence[tuple[str, bool]] = (),
    ) -> None:
        self.text = text
        self.raw = raw if len(raw) <= 60 else raw[:57] + "..."
        self.start = start if text is None else text
        self.several = several
        self.pattern = pattern

    @property
    def option(self) -> bool:
        """Whether it may be an option."""
        return self.start.startswith("-") or (self.text is None and not self.start)


class State:
    """A shell as it stands; the commands that are told change it.

    Attributes:
        places: the folders in which it may stand, from the one in which the command began; None where that
            is not known.
        before: those for `cd -`.
        left: those in which it stands if the command that was told last has failed; None where they are the
            same.
        stack: those of `pushd`, the latest last.
        variables: what variables of the command's own hold; None where it is not known.
        functions: the bodies that a function may have.
        arguments: the positional parameters; None where they are not known.
        ended: whether the shell has ended or left a function.
    """

    __slots__ = ("arguments", "before", "ended", "functions", "left", "places", "stack", "variables")

    def __init__(self, places: Sequence[bytes] | None = (b"",)) -> None:
        self.places = places
        self.before: Sequence[bytes] | None = None
        self.left: Sequence[bytes] | None = None
        self.stack: list[Sequence[bytes] | None] = []
        self.variables: dict[str, str | None] = {}
        self.functions: dict[str, Sequence[Command]] = {}
        self.arguments: Sequence[Field] | None = None
        self.ended = False

    def copy(self) -> State:
        """One that changes by itself."""
        other = State(self.places)
        other.before = self.before
        other.left = self.left
        other.stack = list(self.stack)
        other.variables = dict(self.variables)
        other.functions = dict(self.functions)
        other.arguments = self.arguments
        other.ended = self.ended
        return other

    def become(self, others: Sequence[State]) -> None:
        """Take what is the same in states of which any one may be the case, and forget the rest."""
        going = [other for other in others if not other.ended] or list(others)
        first = going[0]
        places: dict[bytes, None] | None = {}
        names: dict[str, None] = {}
        functions: dict[str, dict[Command, None]] = {}
        for other in going:
            if places is not None:
                places = None if other.places is None else {**places, **dict.fromkeys(other.places)}
            names.update(dict.fromkeys(other.variables))
            for name, bodies in other.functions.items():
                functions.setdefault(name, {}).update(dict.fromkeys(bodies))
        self.places = None if places is None or len(places) > PLACES else tuple(places)
        self.before = first.before if all(other.before == first.before for other in going) else None
        self.left = None
        self.stack = first.stack if all(other.stack == first.stack for other in going) else []
        self.variables = {name: _same([other.variables.get(name) for other in going]) for name in names}
        self.functions = {name: list(bodies) for name, bodies in functions.items()}
        same = all(other.arguments is first.arguments for other in going)
        self.arguments = first.arguments if same else None
        self.ended = False

    def forget(self, changed: State) -> bool:
        """Forget what is not the same in a state that it may have become; gives whether there is such."""
        was = (self.places, dict(self.variables))
        for name in {*self.variables, *changed.variables}:
            if name not in self.variables or self.variables[name] != changed.variables.get(name):
                self.variables[name] = None
        if self.places != changed.places:
            self.places = None
        if self.before != changed.before:
            self.before = None
        self.stack = []
        self.functions = {**changed.functions, **self.functions}
        return was != (self.places, self.variables)

    def value(self, name: str, directory: bytes, environment: Mapping[str, str]) -> str | None:
        """What a variable holds; None where it is not known."""
        if name in self.variables:
            return self.variables[name]
        if name == "HOME":
            return environment.get("HOME") or None
        if name == "PWD" and self.places is not None and len(self.places) == 1:
            place = normal(joined(directory, self.places[0]))
            return place.decode("utf-8", "surrogateescape")
        return None


def _same(values: Sequence[str | None]) -> str | None:
    return values[0] if all(value == values[0] for value in values) else None


def joined(directory: bytes, path: bytes) -> bytes:
    """A path from a folder; the path alone where it is absolute or the folder is empty."""
    if path.startswith(b"/") or not directory:
        return path
    return directory if not path else directory.rstrip(b"/") + b"/" + path


def normal(path: bytes) -> bytes:
    """A path without `.` and with `..` taken back, as `cd` does it; empty for the folder itself."""
    made = os.path.normpath(path) if path else b""
    return b"" if made == b"." else made


def as_bytes(text: str) -> bytes:
    """A text's bytes; lone surrogates that stand for bytes become these."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
