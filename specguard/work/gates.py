"""The gates of a work item: those of its kind in the policy, and those that its document names in the base.

What a document says of gates is read by `specguard.work.gate_document`.
"""

from __future__ import annotations

import re
import shlex

from specguard.declaration.patterns import Covering
from specguard.declaration.rule import Record
from specguard.errors import SpecguardError
from specguard.model import path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.change.entries import Entry
    from specguard.model import Origin
    from specguard.work.item import WorkItem
    from specguard.work.kinds import WorkKind


LONGEST_NAME: Final = 40
"""How many characters the name of a gate has at most: the names of its logs are made of it."""

_LONGEST_TEXT: Final = 1000
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=\S*\Z")
_WORD: Final = re.compile(r"[A-Za-z][\w.-]*\Z")


class PlannedGate(Record):
    """A command that a change has to get through.

    Attributes:
        name: what reports and logs call it; no other gate of the same plan has it.
        run: the command, a text for a shell.
        source: what names it.
        path: the file that names it; empty for a flag.
        line: the line there, from 1; 0 where it is not known.
        also: where else it is named, as `docs/phase-12.md:14`; empty: nowhere.
        when: it runs where the change touches one of these paths; empty: always.
        on: which changes of these paths count.
        each: whether it runs once for each of the files, as `{file}`.
        kind: `format` gets the changed files; `teardown` runs whatever became of the others.
        timeout: when it is ended, as `20m`; empty: it has no limit of its own.
        wrapper: words put before the command.
    """

    name: str
    run: str
    source: Literal["policy", "document", "plan", "flag", "run"]
    path: str = ""
    line: int = 0
    also: str = ""
    when: Covering = Covering()
    on: Sequence[str] = ("added", "modified", "deleted")
    each: bool = False
    kind: Literal["gate", "format", "teardown"] = "gate"
    timeout: str = ""
    wrapper: Sequence[str] = ()

    @property
    def named(self) -> str:
        """Where it is named, for a person: `docs/phase-12.md:14`, `--command`."""
        if not self.path:
            return "--command" if self.source == "flag" else f"by the {self.source}"
        return f"{self.path}:{self.line}" if self.line else self.path

    @property
    def always(self) -> bool:
        """Whether it runs whatever the change touches."""
        return not self.when and len(self.on) == 3 and not self.each and "{changed_files}" not in self.run

    def but(self, **values: Any) -> PlannedGate:
        """The same with other values."""
        return PlannedGate(**{**self.__dict__, **values})


class NotRead:
    """Something that a document says of gates and that is not run, or not as it is said.

    Attributes:
        path: the document.
        line: the line, from 1.
        text: what stands there, on one line.
        why: why it is not, as a clause.
    """

    __slots__ = ("line", "path", "text", "why")

    def __init__(self, line: int, text: str, why: str, path: str = "") -> None:
        self.path = path
        self.line = line
        self.text = shortened(text[:_LONGEST_TEXT], 200)
        self.why = why

    def __repr__(self) -> str:
        return f"NotRead({self.line}, {self.text!r}, {self.why!r})"


class Gates:
    """What is planned.

    Attributes:
        gates: the gates, in the order in which they run within their kind.
        not_read: what a document says and is not run.
        format_all: where a document asks that formatters work on the whole repository, as
            `docs/phase-12.md:20`; empty: they work on what the change touches.
    """

    __slots__ = ("format_all", "gates", "not_read")

    def __init__(
        self, gates: Iterable[PlannedGate], not_read: Sequence[NotRead] = (), format_all: str = ""
    ) -> None:
        self.gates: Sequence[PlannedGate] = joined(gates)
        self.not_read = not_read
        self.format_all = format_all

    def and_also(self, gates: Iterable[PlannedGate]) -> Gates:
        """The same with further gates."""
        return Gates([*self.gates, *gates], self.not_read, self.format_all)


def gates_of(item: WorkItem, origins: Mapping[str, Origin]) -> Gates:
    """The gates of an item.

    Args:
        item: the item, resolved in the trusted base, which its document is read from.
        origins: where the settings of the policy are written, by their dotted keys.

    Returns:
        Those of its kind in the policy, then those that its document names.

    Raises:
        MissingFact: the document cannot be read.
    """
    gates = gates_of_kind(item.kind, item.settings, origins)
    path, text = item.document, item.document_text
    if path is None or text is None:
        return Gates(gates)
    from specguard.work.gate_document import read_gates

    named = read_gates(text, item.settings.gate_sections, path_text(path))
    return Gates([*gates, *named.gates], named.not_read, named.format_all)


def gates_of_kind(kind: str, settings: WorkKind, origins: Mapping[str, Origin]) -> list[PlannedGate]:
    """The gates that the policy has for a kind of work item.

    Args:
        kind: its name.
        settings: its table.
        origins: where the settings of the policy are written, by their dotted keys.
    """
    found = []
    for number, gate in enumerate(settings.gates):
        key = f"work.{kind}.gates.{number}"
        origin = next(
            (origins[one] for one in (f"{key}.run", key, f"work.{kind}.gates") if one in origins), None
        )
        found.append(
            PlannedGate(
                name=gate.name,
                run=gate.run,
                source="policy",
                path=origin.path if origin else "",
                line=origin.line if origin else 0,
                when=gate.when,
                on=tuple(gate.on),
                each=gate.each,
                kind=gate.kind,
                # What the policy leaves at its default is no limit of the gate's own.
                timeout=gate.timeout if f"{key}.timeout" in origins else "",
                wrapper=tuple(gate.wrapper),
            )
        )
    return found


def flag_gates(commands: Iterable[str]) -> list[PlannedGate]:
    """The gates that `--command` asks for."""
    return [PlannedGate(name=name_of(one), run=one.strip(), source="flag") for one in commands if one.strip()]


def joined(gates: Iterable[PlannedGate]) -> list[PlannedGate]:
    """Gates with each command once, and with names that are unique and fit for file names.

    The policy's gates are kept as they are. Where a document or a flag names the command of one again, that
    one gate also runs where its `when` alone would not have it: it was asked for.
    """
    found: list[PlannedGate] = []
    for gate in gates:
        at = next((number for number, one in enumerate(found) if _same(one, gate)), None)
        if at is None:
            found.append(gate)
            continue
        one = found[at]
        if gate.always and one.kind == "gate" and not one.each and "{changed_files}" not in one.run:
            one = one.but(when=Covering(), on=("added", "modified", "deleted"))
        found[at] = one.but(also=one.also or gate.named)
    taken: set[str] = set()
    return [gate.but(name=_unique(gate.name, taken)) for gate in found]


def name_of(command: str) -> str:
    """A name for a command that has none: its program, and the words that follow it."""
    words = command.split()
    while words and _ASSIGNMENT.match(words[0]):
        del words[0]
    if not words:
        return "gate"
    name = [words[0].rpartition("/")[2]]
    for word in words[1:]:
        if len(name) == 3 or (not _WORD.match(word) and not word.startswith("-")):
            break
        if not word.startswith("-"):
            name.append(word)
    return fit("-".join(name))


def fit(name: str) -> str:
    """A name as a part of the name of a file."""
    return _UNFIT.sub("-", name).strip("-.")[:LONGEST_NAME].rstrip("-.") or "gate"


def _same(one: PlannedGate, other: PlannedGate) -> bool:
    if one.source == "policy" and other.source == "policy":
        return False
    return one.run.split() == other.run.split()


def _unique(name: str, taken: set[str]) -> str:
    name = wanted = fit(name)
    number = 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted[: LONGEST_NAME - len(str(number)) - 1]}-{number}"
    taken.add(name.casefold())
    return name


LONGEST: Final = 96 * 1024
"""How many bytes a command with the names of files has at most; Linux takes 128 KiB for one text."""

_PLACE: Final = re.compile(r"(?<!\$)\{(file|changed_files)\}")
_QUOTED: Final = re.compile(r"""(["'])((?<!\$)\{(?:file|changed_files)\})\1""")


class Chosen(Record):
    """A gate that runs.

    Attributes:
        gate: the gate.
        calls: its commands, with the names of files filled in.
        skipped: why it does not run, as a clause; empty where it does.
    """

    gate: PlannedGate
    calls: Sequence[str] = ()
    skipped: str = ""

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
