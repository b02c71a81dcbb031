"""The arguments of a program, read as options and operands."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from specguard.integrations.hooks.shell.field import Field


class Arguments:
    """Arguments read as options and operands.

    Attributes:
        options: each option's name, without its dashes, with its value; None where it has none.
        operands: what is no option.
        odd: the first argument of which it is not known whether it is an option; None where there is none.
    """

    __slots__ = ("odd", "operands", "options")

    def __init__(self) -> None:
        self.options: list[tuple[str, Field | None]] = []
        self.operands: list[Field] = []
        self.odd: Field | None = None

    def has(self, *names: str) -> bool:
        """Whether one of these options is given."""
        return any(name in names for name, _ in self.options)

    def values(self, *names: str) -> list[Field]:
        """The values of these options, in order."""
        return [value for name, value in self.options if name in names and value is not None]


def read_arguments(
    words: Sequence[Field],
    valued: str = "",
    longs: Collection[str] = (),
    *,
    optional: str = "",
    flags: Collection[str] = (),
    first: bool = False,
) -> Arguments:
    """Arguments as the usual parser of options reads them; see `Call.arguments`."""
    found = Arguments()
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        text = word.start
        if text == "--" and word.text is not None:
            found.operands += words[at:]
            break
        if text.startswith("--"):
            name, equals, rest = text[2:].partition("=")
            name = _full(name, longs, flags)
            value: Field | None = None
            if equals:
                value = _rest(word, rest)
            elif name in longs and at < len(words):
                value = words[at]
                at += 1
            if word.text is None and not equals:
                found.odd = found.odd or word
            found.options.append((name, value))
        elif text.startswith("-") and len(text) > 1:
            at = _short(found, word, words, at, valued, optional)
        else:
            if word.option and text != "-":
                found.odd = found.odd or word
            found.operands.append(word)
            if first:
                found.operands += words[at:]
                break
    return found


def _short(found: Arguments, word: Field, words: Sequence[Field], at: int, valued: str, optional: str) -> int:
    text = word.start
    for index, letter in enumerate(text[1:], start=1):
        rest = text[index + 1 :]
        if letter in optional:
            found.options.append((letter, _rest(word, rest) if rest or word.text is None else None))
            return at
        if letter in valued:
            if rest or word.text is None:
                found.options.append((letter, _rest(word, rest)))
                return at
            value = words[at] if at < len(words) else None
            found.options.append((letter, value))
            return at + 1
        found.options.append((letter, None))
    if word.text is None:
        found.odd = found.odd or word
    return at


def _full(name: str, longs: Collection[str], flags: Collection[str]) -> str:
    """The long option that a name or its beginning stands for; the name where none of those known does."""
    if name in longs or name in flags or not name:
        return name
    meant = [full for full in (*longs, *flags) if full.startswith(name)]
    return meant[0] if meant else name


def _rest(word: Field, rest: str) -> Field:
    """The end of a word as a word."""
    return type(word)(None if word.text is None else rest, word.raw, start=rest, several=word.several)
