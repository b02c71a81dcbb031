"""Templates of two kinds of work item that read one name equally well, which a policy must not have."""

from __future__ import annotations

from specguard.work.naming import TELLING
from specguard.work.templates import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from specguard.work.kinds import WorkKind

    Key = tuple[str, str, str]


class _Atom:
    """One character of a template's expression, or one class of characters that may be repeated."""

    __slots__ = ("chars", "loops", "optional")

    def __init__(self, chars: str, *, loops: bool = False, optional: bool = False) -> None:
        self.chars = chars
        self.loops = loops
        self.optional = optional

    def takes(self, char: str) -> bool:
        """Whether it takes a character; `/` alone stands for all that is none."""
        return char != "/" if self.chars == "/" and self.loops else char in self.chars


_DIGITS = "0123456789"
_SMALL = "abcdefghijklmnopqrstuvwxyz"


def clashes(kinds: Mapping[str, WorkKind]) -> Iterator[tuple[Key, str, str]]:
    """What templates of two kinds have against each other.

    Args:
        kinds: the policy's kinds by name.

    Yields:
        The key of the second of two templates, what is wrong with it, as a clause that names the first, and
        the next step.
    """
    for keys in (("branch",), ("commit", "pull_request")):
        templates = [
            (("work", name, key), Template(getattr(kind, key)))
            for name, kind in kinds.items()
            for key in keys
            if getattr(kind, key)
        ]
        for position, (second, other) in enumerate(templates):
            for first, one in templates[:position]:
                if first[1] != second[1] and _clash(one, other):
                    yield (
                        second,
                        f"reads names that `{'.'.join(first)}` reads equally well",
                        "give one of the two templates more literal text, or another word before the number",
                    )


def _clash(one: Template, other: Template) -> bool:
    """Whether some text is read by both, exactly or leniently, and neither has more literal characters."""
    if one.literal != other.literal or not (one.names & TELLING and other.names & TELLING):
        return False
    return (one.word != "" and one.word == other.word) or _overlap(_atoms(one), _atoms(other))


def _overlap(one: Sequence[_Atom], other: Sequence[_Atom]) -> bool:
    """Whether one text fulfils both; a name that stands in a template twice counts as two."""
    # Every class has the digit, so no other character than a literal one can tell them apart.
    literals = {atom.chars for atom in (*one, *other) if len(atom.chars) == 1 and not atom.loops}
    alphabet = {"0", *literals}
    ends = len(one), len(other)
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        places = waiting.pop()
        if places == ends:
            return True
        if places in seen:
            continue
        seen.add(places)
        left, right = places
        waiting.extend((after, right) for after in _skipped(one, left))
        waiting.extend((left, after) for after in _skipped(other, right))
        for char in alphabet:
            rights = _after(other, right, char)
            waiting.extend((after, far) for after in _after(one, left, char) for far in rights)
    return False


def _skipped(atoms: Sequence[_Atom], place: int) -> Iterable[int]:
    return (place + 1,) if place < len(atoms) and atoms[place].optional else ()


def _after(atoms: Sequence[_Atom], place: int, char: str) -> Sequence[int]:
    """The places behind a character that is read at a place."""
    if place == len(atoms) or not atoms[place].takes(char):
        return ()
    return (place, place + 1) if atoms[place].loops else (place + 1,)


def _atoms(template: Template) -> list[_Atom]:
    atoms: list[_Atom] = []
    for part in template.parts:
        if isinstance(part, str):
            atoms += map(_Atom, part)
        elif part.name == "number":
            atoms.append(_Atom(_DIGITS, loops=True))
        elif part.name == "slug":
            letters = _DIGITS + (_SMALL.upper() if part.upper else _SMALL)
            atoms += [_Atom(letters), _Atom(letters + "-", loops=True, optional=True)]
        else:
            atoms.append(_Atom("/", loops=True))
    return atoms
