"""Programs that apply a patch: `patch` and `apply_patch`."""

from __future__ import annotations

import re

from specguard.integrations.hooks.pathnames import joined
from specguard.integrations.hooks.shell.files import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from specguard.integrations.hooks.shell.call import Call


def _patch(call: Call) -> str | None:
    arguments = call.arguments(
        "piordzBDFVgxY",
        ["strip", "input", "output", "directory", "reject-file", "suffix", "prefix", "ifdef", "fuzz"],
        flags=["dry-run"],
    )
    if arguments.has("dry-run", "version", "help"):
        return None
    operands = named(call, arguments)
    state = call.state
    if arguments.has("d", "directory"):
        call.undecided("where `patch -d` writes is not known")
        return None
    for field in (*operands[:1], *arguments.values("o", "output", "r", "reject-file")):
        call.write(field)
    files = [*operands[1:2], *arguments.values("i", "input")]
    text = call.text_of(files[-1]) if files else call.given
    if operands and text is not None:
        return None
    if text is None or state.places is None:
        call.undecided("what `patch` writes is not known")
        return None
    strip = arguments.values("p", "strip")
    number = strip[-1].text if strip else ""
    if number is None or not re.fullmatch(r"[0-9]{0,3}", number):
        call.undecided("what `patch -p` leaves of names is not known")
        return None
    if not strip:
        call.undecided("which of its names `patch` without -p takes is not known")
        return None
    tell_patch(call, text, diff=True, strip=int(number or 0))
    return None


def tell_patch(call: Call, text: str, *, diff: bool, strip: int = 1) -> None:
    """Tell what a patch would do in the folder in which the shell stands.

    Args:
        call: the program that applies it.
        text: the patch.
        diff: whether it is a unified diff and nothing else.
        strip: how many folders are taken off the names of a diff.
    """
    from specguard.integrations.hooks.patches import read_patch

    telling = call.shell.telling
    for place in call.state.places or ():
        deeds = read_patch(text, place, telling.content, diff=diff, strip=strip)
        for edit in deeds.edits:
            path = joined(place, edit.path)
            if edit.known and edit.content is None:
                telling.remove(path)
            else:
                telling.write(path, edit.content, known=edit.known)
        for clause in deeds.undecided:
            telling.undecided(clause)


def _apply_patch(call: Call) -> str | None:
    words = call.words[1:]
    text = words[0].text if words else call.given
    if text is None or call.state.places is None:
        call.undecided("what `apply_patch` writes is not known")
        return None
    tell_patch(call, text, diff=False)
    return None


PATCHING: Final[Mapping[str, Callable[[Call], str | None]]] = {
    **dict.fromkeys(["patch", "gpatch"], _patch),
    **dict.fromkeys(["apply_patch", "applypatch"], _apply_patch),
}
"""Programs of this module by their names."""
