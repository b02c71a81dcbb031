"""What a shell command is made of: words, redirections, commands, lists; nothing is run or expanded."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal


class Unreadable(ValueError):
    """A text that is no shell command as far as this reads them; the message is a clause."""


class Part:
    """A piece of a word.

    Attributes:
        kind: `text`; `name` for `$name`; `output` for a command substitution; `process` for `<(…)` and
            `>(…)`; `odd` for what is not worked out, such as `${name%.*}` or `$((1 + 2))`; `again` for what
            may be run besides, and is not known.
        text: the text, or the variable's name; of what is odd the variable that it may set, else nothing; of
            what is evaluated again its source.
        quoted: whether it is in quotes, so that it is neither split nor a pattern.
        scripts: the commands that are run to make it.
    """

    __slots__ = ("kind", "quoted", "scripts", "text")

    def __init__(
        self,
        kind: Literal["text", "name", "output", "process", "odd", "again"],
        text: str = "",
        *,
        quoted: bool = False,
        scripts: Sequence[Script] = (),
    ) -> None:
        self.kind = kind
        self.text = text
        self.quoted = quoted
        self.scripts = scripts


class Word:
    """A word as it is written.

    Attributes:
        parts: its pieces in order.
        raw: its source text.
    """

    __slots__ = ("parts", "raw")

    def __init__(self, parts: Sequence[Part], raw: str) -> None:
        self.parts = parts
        self.raw = raw

    def literal(self) -> str | None:
        """Its text where it has no expansion but patterns; None otherwise."""
        if any(part.kind != "text" for part in self.parts):
            return None
        return "".join(part.text for part in self.parts)


class Redirect:
    """A redirection.

    Attributes:
        mark: `<`, `>`, `>>`, `>|`, `>&`, `&>`, `&>>`, `<>`, `<&`, `<<<` or `<<`.
        number: the file descriptor that is written before it; empty where none is.
        word: its target, or the text of a here-document.
    """

    __slots__ = ("mark", "number", "word")

    def __init__(self, mark: str, number: str, word: Word) -> None:
        self.mark = mark
        self.number = number
        self.word = word


class Simple:
    """A program with its arguments.

    Attributes:
        words: the program and its arguments.
        assigned: variables set before it: the name, the value, and whether it is appended.
        redirects: its redirections in order.
    """

    __slots__ = ("assigned", "redirects", "words")

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.assigned: list[tuple[str, Word, bool]] = []
        self.redirects: list[Redirect] = []


class Group:
    """Commands in braces or parentheses."""

    __slots__ = ("body", "redirects", "subshell")

    def __init__(self, body: Script, *, subshell: bool) -> None:
        self.body = body
        self.subshell = subshell
        self.redirects: list[Redirect] = []


class Branches:
    """`if` and `case`: scripts of which some may run, in order; the first of an `if` runs in any case.

    Attributes:
        words: the words that are compared, of which substitutions are run.
        first: what is run in any case.
        rest: what may be run.
    """

    __slots__ = ("first", "redirects", "rest", "words")

    def __init__(self, words: Sequence[Word], first: Script, rest: Sequence[Script]) -> None:
        self.words = words
        self.first = first
        self.rest = rest
        self.redirects: list[Redirect] = []


class Loop:
    """`for`, `select`, `while` and `until`.

    Attributes:
        name: the variable of a `for`; empty for the others.
        words: the words that it takes; None for `while`, for `for ((…))` and for the positional parameters.
        body: what is repeated.
    """

    __slots__ = ("body", "name", "redirects", "words")

    def __init__(self, name: str, words: Sequence[Word] | None, body: Script) -> None:
        self.name = name
        self.words = words
        self.body = body
        self.redirects: list[Redirect] = []


class Function:
    """A function's definition."""

    __slots__ = ("body", "name", "redirects")

    def __init__(self, name: str, body: Command) -> None:
        self.name = name
        self.body = body
        self.redirects: list[Redirect] = []


class Test:
    """`[[ … ]]` and `(( … ))`: words that are only looked at."""

    __slots__ = ("redirects", "words")

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.redirects: list[Redirect] = []


class Line:
    """Pipelines that are joined by `&&` and `||`.

    Attributes:
        pipelines: the mark before each (empty for the first) and its commands.
        background: whether it ends with `&`.
    """

    __slots__ = ("background", "pipelines")

    def __init__(self, pipelines: Sequence[tuple[str, Sequence[Command]]], *, background: bool) -> None:
        self.pipelines = pipelines
        self.background = background


if TYPE_CHECKING:
    Command = Simple | Group | Branches | Loop | Function | Test
    Script = Sequence[Line]
