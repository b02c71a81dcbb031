"""Which gates run for a change, as which commands, and why the others do not."""

from __future__ import annotations

import re
import shlex

from specguard.errors import SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from specguard.change.entries import Entry
    from specguard.work.gates import PlannedGate

LONGEST: Final = 96 * 1024
"""How many bytes a command with the names of files has at most; Linux takes 128 KiB for one text."""

_PLACE: Final = re.compile(r"(?<!\$)\{(file|changed_files)\}")
_QUOTED: Final = re.compile(r"""(["'])((?<!\$)\{(?:file|changed_files)\})\1""")


class Chosen:
    """A gate that runs.

    Attributes:
        gate: the gate.
        calls: its commands, with the names of files filled in.
        skipped: why it does not run, as a clause; empty where it does.
    """

    __slots__ = ("calls", "gate", "skipped")

    def __init__(self, gate: PlannedGate, calls: Sequence[str] = (), skipped: str = "") -> None:
        self.gate = gate
        self.calls = calls
        self.skipped = skipped

    def __repr__(self) -> str:
        return f"Chosen({self.gate.name!r}, {self.skipped or list(self.calls)!r})"


def selected(gates: Iterable[PlannedGate], entries: Sequence[Entry]) -> list[Chosen]:
    """What becomes of each gate for a change.

    Args:
        gates: the gates.
        entries: what the change adds, modifies and deletes.

    Returns:
        Each gate in its order, with its calls or with why it has none.

    Raises:
        SpecguardError: a gate has its place for files within quotation marks.
    """
    return [_selected(gate, entries) for gate in gates]


def _selected(gate: PlannedGate, entries: Sequence[Entry]) -> Chosen:
    run = _QUOTED.sub(r"\2", gate.run)
    places = {match[1] for match in _PLACE.finditer(run)}
    if gate.always and not places:
        return Chosen(gate, [run])
    counted = [entry for entry in entries if _change(entry) in gate.on]
    if gate.when:
        paths = [entry.path for entry in counted]
        counted = [counted[position] for position, _ in gate.when.find_each(paths)]
    if not counted:
        return Chosen(gate, skipped=_why(gate))
    if not places and not gate.each:
        return Chosen(gate, [run])
    files = [entry.path for entry in counted if not entry.deleted and not entry.is_submodule]
    if not files:
        return Chosen(gate, skipped=f"{_why(gate)} that is still there")
    _check_quotes(gate, run)
    if gate.each or "file" in places:
        # Without a place for the file it is the last word.
        text = run if "file" in places else f"{run} {{file}}"
        return Chosen(gate, [_filled(text, "file", [file]) for file in files])
    return Chosen(gate, _calls(run, files))


def _change(entry: Entry) -> str:
    return "added" if entry.added else "deleted" if entry.deleted else "modified"


def _why(gate: PlannedGate) -> str:
    what = " or ".join(gate.on) if len(gate.on) < 3 else "changed"
    return f"no file of {', '.join(gate.when.patterns)} was {what}" if gate.when else f"no file was {what}"


def _calls(run: str, files: Sequence[bytes]) -> list[str]:
    """The command with all files, as several where they are too many for one."""
    room = LONGEST - len(run.encode("utf-8", "surrogateescape"))
    calls: list[list[bytes]] = [[]]
    used = 0
    for file in files:
        size = len(quoted(file).encode("utf-8", "surrogateescape")) + 1
        if used + size > room and calls[-1]:
            calls.append([])
            used = 0
        calls[-1].append(file)
        used += size
    return [_filled(run, "changed_files", some) for some in calls]


def _filled(run: str, name: str, files: Sequence[bytes]) -> str:
    words = " ".join(map(quoted, files))

    def place(match: re.Match[str]) -> str:
        # A file that is run itself and is in no folder would be looked for on the path.
        alone = "/" not in words and not run[: match.start()].strip()
        return f"./{words}" if alone else words

    return re.sub(rf"(?<!\$)\{{{name}\}}", place, run)


def quoted(path: bytes) -> str:
    """A path as one word for a shell, which no command takes for an option."""
    text = path.decode("utf-8", "surrogateescape")
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _check_quotes(gate: PlannedGate, run: str) -> None:
    """See that a shell will take what is filled in for words of their own.

    Raises:
        SpecguardError: it stands within quotation marks, where a name could be more than a name.
    """
    quote = ""
    position = 0
    while position < len(run):
        char = run[position]
        if char == "\\" and quote != "'":
            position += 1
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        elif quote and _PLACE.match(run, position):
            raise SpecguardError(
                f"the gate {gate.name} has its place for files within quotation marks: {run}",
                help="leave the quotation marks out: names are quoted where they are filled in",
                path=path_text(gate.path.encode("utf-8", "surrogateescape")) if gate.path else None,
                line=gate.line or None,
                code="incomplete-policy",
            )
        position += 1
