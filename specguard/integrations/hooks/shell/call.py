"""A call of a program within a command."""

from __future__ import annotations

from specguard.integrations.hooks.shell.arguments import read_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from specguard.integrations.hooks.shell.arguments import Arguments
    from specguard.integrations.hooks.shell.field import Field
    from specguard.integrations.hooks.shell.shell import Shell
    from specguard.integrations.hooks.shell.state import State


class Call:
    """One call.

    Attributes:
        shell: follows the commands that it runs.
        state: the shell that makes it, which builtins change.
        words: the program and its arguments.
        given: what it reads from its standard input; None where that is not known.
        assigned: the variables set for it alone.
    """

    __slots__ = ("assigned", "given", "shell", "state", "words")

    def __init__(
        self,
        shell: Shell,
        state: State,
        words: Sequence[Field],
        given: str | None,
        assigned: Mapping[str, str | None],
    ) -> None:
        self.shell = shell
        self.state = state
        self.words = words
        self.given = given
        self.assigned = assigned

    @property
    def name(self) -> str:
        """The program's name without its folder."""
        return (self.words[0].text or "").rpartition("/")[2]

    def undecided(self, clause: str) -> None:
        """Say what cannot be told of it."""
        self.shell.telling.undecided(clause)

    def unknown(self) -> None:
        """Say that nothing is known of what it writes."""
        self.undecided(f"what `{self.name}` runs or writes is not known")

    def run(self, words: Sequence[Field], state: State | None = None) -> str | None:
        """Follow a program that it runs in its place."""
        state = self.state if state is None else state
        return self.shell.run_call(Call(self.shell, state, words, self.given, self.assigned))

    def run_text(self, text: str) -> str | None:
        """Follow a text that it runs as a command of its own shell, which keeps what it changes."""
        return self.shell.run_text(text, self.state)

    def resolved(self) -> list[Field]:
        """Its arguments, with the patterns among them resolved where they can be."""
        return self.shell.telling.fields(self.state, self.words[1:])

    def paths(self, field: Field, does: str = "writes") -> list[bytes]:
        """The pathnames that a word may be; where it cannot be told, that is said."""
        return self.shell.telling.paths(self.state, field, f"{self.name} {does}")

    def text_of(self, field: Field) -> str | None:
        """What a file that it reads holds, or its standard input for `-`; None where that is not known."""
        if field.text == "-":
            return self.given
        paths = self.paths(field, "reads")
        content = self.shell.telling.content(paths[0]) if len(paths) == 1 else None
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def write(self, field: Field, content: bytes | None = None, *, known: bool = False) -> None:
        """Tell that it writes a file."""
        for path in self.paths(field):
            self.shell.telling.write(path, content, known=known)

    def arguments(
        self,
        valued: str = "",
        longs: Collection[str] = (),
        *,
        optional: str = "",
        flags: Collection[str] = (),
        first: bool = False,
    ) -> Arguments:
        """Its arguments as the usual parser of options reads them.

        Args:
            valued: letters of options that take a value.
            longs: names of long options that take a value.
            optional: letters of options with a value only where it is attached.
            flags: names of other long options that count, so that an abbreviation of them is known.
            first: whether options end at the first operand.
        """
        return read_arguments(self.resolved(), valued, longs, optional=optional, flags=flags, first=first)
