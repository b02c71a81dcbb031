"""The gates of a work item, and their choice for a change: those of its kind, and those in its document."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile

from specguard.declaration.patterns import Covering
from specguard.errors import SpecguardError
from specguard.model import TYPE_CHECKING, Origin, Record, path_text
from specguard.work.kinds import Gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final, Literal, TypeAlias

    from specguard.change.entries import Entry
    from specguard.work.item import WorkItem
    from specguard.work.kinds import WorkKind

    Read: TypeAlias = "PlannedGate | NotRead"


LONGEST_NAME: Final = 40
"""The limit in characters for a gate's name, since log files are named after gates."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=\S*\Z")
"""A variable that is set, which may precede a command."""

_WORD: Final = re.compile(r"[A-Za-z][\w.-]*\Z")


class PlannedGate(Gate):
    """A command that a change must pass: a gate of the policy, or of that form, with the place that names it.

    Attributes:
        source: the origin of the gate.
        path: the file that names the gate; empty for a flag.
        line: the line in `path`, from 1; 0 if unknown.
        timeout: the time limit, such as `20m`; empty if the gate has no limit of its own.
    """

    source: Literal["policy", "document", "plan", "flag", "run"]
    path: str = ""
    line: int = 0
    timeout: str = ""

    @property
    def origin(self) -> Origin | None:
        """The place that names the gate; None for a flag."""
        return Origin(self.path, self.line) if self.path else None

    @property
    def named(self) -> str:
        """The place that names the gate, for people: `docs/phase-12.md:14`, `--command`."""
        return str(self.origin or ("--command" if self.source == "flag" else f"by the {self.source}"))

    @property
    def command(self) -> str:
        """The command, with its wrapper in front."""
        return f"{shlex.join(self.wrapper)} {self.run}" if self.wrapper else self.run

    @property
    def is_unconditional(self) -> bool:
        """True if the gate runs whatever the change touches."""
        return not self.when and len(self.on) == 3 and not self.each and not FILE_HOLDER.search(self.run)

    def check_quotes(self) -> None:
        """Check that a shell reads each file name that is filled in as a word of its own.

        Raises:
            SpecguardError: the placeholder is in quotation marks, where a name could be run as shell code.
        """
        if any(FILE_HOLDER.search(text) for text in QUOTES.findall(self.run)):
            message = f"the gate {self.name} has its place for files within quotation marks: {self.run}"
            help = "leave the quotation marks out: names are quoted where they are filled in"
            path, line = self.path or None, self.line or None
            raise SpecguardError(message, help=help, path=path, line=line, code="incomplete-policy")

    def select(self, entries: Sequence[Entry]) -> Chosen:
        """Return the gate's commands for a change, or the reason why it is skipped.

        Args:
            entries: the paths that the change adds, modifies and deletes.

        Raises:
            SpecguardError: the gate has its placeholder for files within quotation marks.
        """
        places = {match[1] for match in FILE_HOLDER.finditer(self.run)}
        if self.is_unconditional:
            return Chosen(self, [self.run])
        counted = [entry for entry in entries if change_kind(entry) in self.on]
        if self.when:
            counted = [entry for entry in counted if self.when.matches(entry.path)]
        what = " or ".join(self.on) if len(self.on) < 3 else "changed"
        of = f" of {', '.join(self.when.patterns)}" if self.when else ""
        reason = f"no file{of} was {what}"
        if not counted:
            return Chosen(self, skipped=reason)
        if not places and not self.each:
            return Chosen(self, [self.run])
        files = [entry.path for entry in counted if not entry.deleted and not entry.is_submodule]
        if not files:
            return Chosen(self, skipped=f"{reason} that is still there")
        self.check_quotes()
        if self.each or "file" in places:
            # Without a placeholder, the file is the last word.
            text = self.run if "file" in places else f"{self.run} {{file}}"
            return Chosen(self, [_fill_files(text, "file", [file]) for file in files])
        return Chosen(self, _split_commands(self.run, files))


class NotRead(Record):
    """A statement about gates in a document that is not run, or not as it is written.

    Attributes:
        line: the line, from 1.
        text: the statement, on one line.
        why: the reason, as a clause.
        path: the document.
    """

    line: int
    text: str
    why: str
    path: str = ""


class Gates(Record):
    """The planned gates.

    Attributes:
        gates: the gates; those of each kind are in the order in which they run.
        not_read: the document's statements that are not run.
        format_all: the place where a document asks that formatters work on the whole repository, such as
            `docs/phase-12.md:20`. Empty if they work only on the changed files.
    """

    gates: Sequence[PlannedGate]
    not_read: Sequence[NotRead] = ()
    format_all: str = ""

    def with_more(self, read: Iterable[Read]) -> Gates:
        """Return a copy with further gates, each command once, and with what is not run."""
        more = list(read)
        gates = [one for one in more if isinstance(one, PlannedGate)]
        not_read = [one for one in more if isinstance(one, NotRead)]
        return Gates(merge_gates([*self.gates, *gates]), [*self.not_read, *not_read], self.format_all)


def gates_of(item: WorkItem, origins: Mapping[str, Origin]) -> Gates:
    """Return the gates of an item.

    Args:
        item: the item, resolved in the trusted base, from which its document is read.
        origins: the places of the policy's settings, by dotted key.

    Returns:
        The gates of the item's kind in the policy, then those that its document names.

    Raises:
        MissingFact: the document cannot be read.
    """
    gates = gates_of_kind(item.kind, item.settings, origins)
    path, text = item.document, item.document_text
    if path is None or text is None:
        return Gates(merge_gates(gates))
    from specguard.work.document_gates import read_gates

    named = read_gates(text, item.settings.gate_sections, path_text(path))
    return Gates(merge_gates([*gates, *named.gates]), named.not_read, named.format_all)


def gates_of_kind(kind: str, settings: WorkKind, origins: Mapping[str, Origin]) -> list[PlannedGate]:
    """Return the gates that the policy declares for a kind of work item.

    Args:
        kind: the kind's name.
        settings: the kind's table.
        origins: the places of the policy's settings, by dotted key.
    """
    found = []
    for number, gate in enumerate(settings.gates):
        key = f"work.{kind}.gates.{number}"
        places = (f"{key}.run", key, f"work.{kind}.gates")
        origin = next((origins[one] for one in places if one in origins), None)
        found.append(PlannedGate(**vars(gate), **(vars(origin) if origin else {}), source="policy"))
    return found


def flag_gates(commands: Iterable[str]) -> list[PlannedGate]:
    """Return the gates that `--command` requests."""
    return [PlannedGate(name=name_of(one), run=one, source="flag") for one in map(str.strip, commands)]


def merge_gates(gates: Iterable[PlannedGate]) -> list[PlannedGate]:
    """Return gates with each command once, and with unique names that fit into file names.

    The policy's gates are kept as they are. If a document or a flag names a policy gate's command again, that
    gate was requested. Its `when` and `on` then no longer restrict when it runs, unless one of the two gates
    works on files. A formatter or teardown keeps its `when`, too.
    """
    found: list[PlannedGate] = []
    places: dict[str, int] = {}
    for gate in gates:
        place = places.setdefault(" ".join(gate.run.split()), len(found))
        if place == len(found) or gate.source == "policy":
            found.append(gate)
            continue
        one = found[place]
        if gate.is_unconditional and one.kind == "gate" and not one.each:
            found[place] = one.with_values(when=Covering(), on=("added", "modified", "deleted"))
    used_names: set[str] = set()
    return [gate.with_values(name=_unique(gate.name, used_names)) for gate in found]


def name_of(command: str) -> str:
    """Return a name for a command without one: its program and the words after it."""
    words = [word for word in command.split() if not word.startswith("-") and not ASSIGNMENT.match(word)]
    program, *rest = words or [""]
    return safe_name("-".join([program.rpartition("/")[2], *takewhile(_WORD.match, rest[:2])]))


def normal_gate(text: str) -> str:
    """Return a gate's name or command in a normal form, for comparison."""
    return " ".join(text.replace("`", "").casefold().split()).rstrip(" ;&|")


def safe_name(name: str) -> str:
    """Return a name in a form that can be part of a file name."""
    return _UNSAFE.sub("-", name).strip("-.")[:LONGEST_NAME].rstrip("-.") or "gate"


def _unique(name: str, used_names: set[str]) -> str:
    name = wanted = safe_name(name)
    number = 1
    while name.casefold() in used_names:
        number += 1
        name = f"{wanted[: LONGEST_NAME - len(str(number)) - 1]}-{number}"
    used_names.add(name.casefold())
    return name


LONGEST: Final = 96 * 1024
"""The limit in bytes for a command with file names filled in; Linux accepts 128 KiB for one argument."""

FILE_HOLDER: Final = re.compile(r"(?<!\$)\{(file|changed_files)\}")
"""The placeholders of a gate's command."""

# An escaped character is not a quotation mark; an unclosed quotation extends to the end.
QUOTES: Final = re.compile(r"""\\.|'[^']*(?:'|\Z)|"(?:\\.|[^"\\])*(?:"|\Z)""", re.DOTALL)
"""The parts of a command within quotation marks."""


class Chosen(Record):
    """A gate with its commands, or with the reason why it is skipped.

    Attributes:
        gate: the gate.
        commands: the commands, with file names filled in.
        skipped: the reason why the gate does not run, as a clause; empty if it runs.
    """

    gate: PlannedGate
    commands: Sequence[str] = ()
    skipped: str = ""


def change_kind(entry: Entry) -> str:
    """Return what a change does to a path, as `on` of a gate has it."""
    return "added" if entry.added else "deleted" if entry.deleted else "modified"


def _split_commands(run: str, files: Sequence[bytes]) -> list[str]:
    """Return the command with all files filled in, split into several if one would be too long."""
    room = LONGEST - len(run.encode("utf-8", "surrogateescape"))
    groups: list[list[bytes]] = [[]]
    used = 0
    for file in files:
        size = len(quote_path(file).encode("utf-8", "surrogateescape")) + 1
        if used + size > room and groups[-1]:
            groups.append([])
            used = 0
        groups[-1].append(file)
        used += size
    return [_fill_files(run, "changed_files", some) for some in groups]


def _fill_files(run: str, name: str, files: Sequence[bytes]) -> str:
    words = " ".join(map(quote_path, files))
    return FILE_HOLDER.sub(lambda place: words if place[1] == name else place[0], run)


def quote_path(path: bytes) -> str:
    """Return a path as one shell word that is neither an option nor looked up in PATH."""
    return shlex.quote(f"./{path.decode('utf-8', 'surrogateescape')}")
