"""Programs that apply a patch: `patch` and `apply_patch`."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell_files import named
from specguard.integrations.hooks.shell_state import as_bytes, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.deeds import Deeds
    from specguard.integrations.hooks.shell_call import Call
    from specguard.integrations.hooks.shell_state import Field


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
    text = _patch_text(call, [*operands[1:2], *arguments.values("i", "input")])
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
        from specguard.integrations.hooks.unified import header_names

        # Without -p the program looks which of several names there is.
        for place in state.places:
            for name in header_names(as_bytes(text)):
                call.shell.telling.write(joined(place, name), None, known=False)
        call.undecided("which of its names `patch` without -p takes is not known")
        return None
    tell_patch(call, lambda place: _read(call, text, place, diff=True, strip=int(number or 0)))
    return None


def _patch_text(call: Call, fields: Sequence[Field]) -> str | None:
    """A patch out of a file, or from the standard input where none is named."""
    if not fields or fields[-1].text == "-":
        return call.given
    paths = call.paths(fields[-1], "reads")
    content = call.shell.telling.content(paths[0]) if len(paths) == 1 else None
    return None if content is None else content.decode("utf-8", "surrogateescape")


def _read(call: Call, text: str, place: bytes, *, diff: bool, strip: int = 1) -> Deeds:
    from specguard.integrations.hooks.patches import read_patch

    return read_patch(text, place, call.shell.telling.content, diff=diff, strip=strip)


def tell_patch(call: Call, read: Callable[[bytes], Deeds]) -> None:
    """Tell what a patch would do in the folder in which the shell stands."""
    telling = call.shell.telling
    for place in call.state.places or ():
        deeds = read(place)
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
    tell_patch(call, lambda place: _read(call, text, place, diff=False))
    return None


PATCHING: Final[Mapping[str, Callable[[Call], str | None]]] = {
    **dict.fromkeys(["patch", "gpatch"], _patch),
    **dict.fromkeys(["apply_patch", "applypatch"], _apply_patch),
}
"""Programs of this module by their names."""
