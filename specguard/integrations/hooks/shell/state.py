"""What is known of a shell between two commands: where it stands, its variables, its functions."""

from __future__ import annotations

from specguard.integrations.hooks.pathnames import as_bytes, joined, normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.field import Field
    from specguard.integrations.hooks.shell.syntax import Command

PLACES: Final = 8
"""More folders than this in which a shell may stand are as good as unknown."""


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

    def enter(self, folder: Field) -> None:
        """Stand in a folder from now on; where it is not known which one that is, that is forgotten."""
        if folder.text is None:
            self.places = None
        elif self.places is not None:
            path = as_bytes(folder.text)
            self.places = tuple(dict.fromkeys(normal(joined(place, path)) for place in self.places))


def _same(values: Sequence[str | None]) -> str | None:
    return values[0] if all(value == values[0] for value in values) else None
