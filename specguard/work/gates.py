"""The gates of a work item: those of its kind in the policy, and those in its document in the base.

In a document's sections on gates, a list item names a command by the code span that it begins with. A label
with a colon may come first. A table has a column *Command*, and a fenced shell block has one command per
line. Other text that could name a command is reported. The front matter can list gates, too.
"""

from __future__ import annotations

import re
import shlex
from itertools import takewhile

from specguard.declaration.patterns import Covering, PatternError
from specguard.documents.blocks import ENCLOSING, Fence, Heading, Html, List, Paragraph, Table, texts
from specguard.documents.document import Document
from specguard.documents.fields import bold_words, find_key, near_section, normal_title
from specguard.documents.list_items import without_box
from specguard.errors import SpecguardError, usage
from specguard.model import TYPE_CHECKING, Origin, Record, path_text, shortened
from specguard.work.kinds import Gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final, Literal, TypeAlias

    from specguard.change.entries import Entry
    from specguard.documents.blocks import AnyBlock, Text
    from specguard.documents.data import Data
    from specguard.work.item import WorkItem
    from specguard.work.kinds import WorkKind

    Kind = Literal["gate", "format", "teardown"]

    Read: TypeAlias = "PlannedGate | NotRead"


LONGEST_NAME: Final = 40
"""The limit in characters for a gate's name, since log files are named after gates."""

_LONGEST_TEXT: Final = 1000
_MOST_SHOWN: Final = 200
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=\S*\Z")
_WORD: Final = re.compile(r"[A-Za-z][\w.-]*\Z")


class PlannedGate(Gate):
    """A command that a change must pass: a gate of the policy, or of that form, with the place that names it.

    Attributes:
        source: the origin of the gate.
        path: the file that names the gate; empty for a flag.
        line: the line in `path`, from 1; 0 if unknown.
        also: a second place that names the gate, such as `docs/phase-12.md:14`; empty if there is none.
        timeout: the time limit, such as `20m`; empty if the gate has no limit of its own.
    """

    source: Literal["policy", "document", "plan", "flag", "run"]
    path: str = ""
    line: int = 0
    also: str = ""
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
        return not self.when and len(self.on) == 3 and not self.each and not _FILE_HOLDER.search(self.run)

    def check_quotes(self) -> None:
        """Check that a shell reads each file name that is filled in as a word of its own.

        Raises:
            SpecguardError: the placeholder is in quotation marks, where a name could be run as shell code.
        """
        run = _QUOTED.sub(r"\2", self.run)
        if any(_FILE_HOLDER.search(text) for text in _QUOTES.findall(run)):
            message = f"the gate {self.name} has its place for files within quotation marks: {run}"
            help = "leave the quotation marks out: names are quoted where they are filled in"
            path, line = self.path or None, self.line or None
            raise SpecguardError(message, help=help, path=path, line=line, code="incomplete-policy")

    def replace(self, **values: Any) -> PlannedGate:
        """Return a copy with other values."""
        return PlannedGate(**{**self.__dict__, **values})


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
        # A default timeout of the policy does not count as the gate's own limit.
        timeout = gate.timeout if f"{key}.timeout" in origins else ""
        values: dict[str, Any] = {**vars(gate), **(vars(origin) if origin else {}), "timeout": timeout}
        found.append(PlannedGate(**values, source="policy"))
    return found


def flag_gates(commands: Iterable[str]) -> list[PlannedGate]:
    """Return the gates that `--command` requests.

    Raises:
        SpecguardError: one of them is empty.
    """
    texts = [one.strip() for one in commands]
    if "" in texts:
        raise usage("--command names no command", "give one, or leave it out")
    return [PlannedGate(name=name_of(one), run=one, source="flag") for one in texts]


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
            one = one.replace(when=Covering(), on=("added", "modified", "deleted"))
        found[place] = one.replace(also=one.also or gate.named)
    used_names: set[str] = set()
    return [gate.replace(name=_unique(gate.name, used_names)) for gate in found]


def name_of(command: str) -> str:
    """Return a name for a command without one: its program and the words after it."""
    words = [word for word in command.split() if not word.startswith("-") and not _ASSIGNMENT.match(word)]
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

_FILE_HOLDER: Final = re.compile(r"(?<!\$)\{(file|changed_files)\}")
# An escaped character is not a quotation mark; an unclosed quotation extends to the end.
_QUOTES: Final = re.compile(r"""\\.|'[^']*(?:'|\Z)|"(?:\\.|[^"\\])*(?:"|\Z)""", re.DOTALL)
_QUOTED: Final = re.compile(r"""(["'])((?<!\$)\{(?:file|changed_files)\})\1""")


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


def select_gates(gates: Iterable[PlannedGate], entries: Sequence[Entry]) -> list[Chosen]:
    """Select the gates that run for a change.

    Args:
        gates: the gates.
        entries: the paths that the change adds, modifies and deletes.

    Returns:
        Each gate in its order, with its commands or with the reason why it is skipped.

    Raises:
        SpecguardError: a gate has its placeholder for files within quotation marks.
    """
    return [_select_gate(gate, entries) for gate in gates]


def _select_gate(gate: PlannedGate, entries: Sequence[Entry]) -> Chosen:
    run = _QUOTED.sub(r"\2", gate.run)
    places = {match[1] for match in _FILE_HOLDER.finditer(run)}
    if gate.is_unconditional:
        return Chosen(gate, [run])
    counted = [entry for entry in entries if change_kind(entry) in gate.on]
    if gate.when:
        counted = [entry for entry in counted if gate.when.matches(entry.path)]
    if not counted:
        return Chosen(gate, skipped=_skip_reason(gate))
    if not places and not gate.each:
        return Chosen(gate, [run])
    files = [entry.path for entry in counted if not entry.deleted and not entry.is_submodule]
    if not files:
        return Chosen(gate, skipped=f"{_skip_reason(gate)} that is still there")
    gate.check_quotes()
    if gate.each or "file" in places:
        # Without a placeholder, the file is the last word.
        text = run if "file" in places else f"{run} {{file}}"
        return Chosen(gate, [_fill_files(text, "file", [file]) for file in files])
    return Chosen(gate, _split_commands(run, files))


def change_kind(entry: Entry) -> str:
    """Return what a change does to a path, as `on` of a gate has it."""
    return "added" if entry.added else "deleted" if entry.deleted else "modified"


def _skip_reason(gate: PlannedGate) -> str:
    what = " or ".join(gate.on) if len(gate.on) < 3 else "changed"
    return f"no file of {', '.join(gate.when.patterns)} was {what}" if gate.when else f"no file was {what}"


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
    return _FILE_HOLDER.sub(lambda place: words if place[1] == name else place[0], run)


def quote_path(path: bytes) -> str:
    """Return a path as one shell word that is neither an option nor looked up in PATH."""
    return shlex.quote(f"./{path.decode('utf-8', 'surrogateescape')}")


_SHELL: Final = frozenset({"sh", "bash", "shell", "zsh", "console"})
# The beginning of a heading, label or line above a list of commands that must not be run.
_EXCLUDED: Final = re.compile(
    r"(?:out of scope|not|excluded|skip|manual(?:ly)?|optional(?:ly)?|by hand|non goals|do not|don t|never"
    r"|must not|forbidden|avoid|examples?|expected|sample|results?|outputs?|evidence|troubleshooting"
    r"|rollback|rolling back)\b"
)
_FORMAT: Final = re.compile(r"(?:auto ?)?format(?:s|ting|ter|ters)?\b|code style\b")
_TEARDOWN: Final = re.compile(r"(?:tear ?down|clean ?up|take down|taking down|shut ?down|stop|afterwards?)\b")
# A command that takes a composition down runs whether the gates passed or not.
_COMPOSE_DOWN: Final = re.compile(r"(?:^|&&\s)(?:docker|podman)[ -]compose\b[^;&|]*\sdown\b")
_FORMATTING: Final = ("Formatting", "Format", "Formatters", "Code style", "Code formatting")
_WHOLE_REPO: Final = re.compile(
    r"(?!.*(?:\b(?:not|never|only|than|instead|avoid|without)\b|n't\b))"
    r".*\b(?:(?:whole|entire) (?:repository|repo|code ?base|tree|project)\b|(?:all|every) files?\b(?!\s+\w))",
    re.IGNORECASE | re.DOTALL,
)

_PROGRAM: Final = re.compile(r"(?:\.{1,2}/)?\w[\w.+-]*(?:/[\w.+-]+)*\Z", re.ASCII)
_OPERATORS: Final = frozenset(["=", "==", "===", "!=", "->", "=>", ":=", "<=", ">=", "<", "+", "-", "*", "/"])
_PLACEHOLDER: Final = re.compile(r"(?<![<\w&])<[A-Za-z](?:[A-Za-z0-9_ |/.-]{0,40}[A-Za-z0-9_.])?>(?!=)")
_AND: Final = re.compile(r"[\s,;]*(?:and|then|,)\s*(?:then\s*)?", re.IGNORECASE)
_LONGEST_LABEL: Final = 60
_SENTENCE: Final = "it is in a sentence, and in no list item of its own"

_SHELL_STATE: Final = frozenset(["cd", "pushd", "popd", "export", "source", ".", "set", "unset", "alias"])
_COMPOUND: Final = frozenset(["if", "for", "while", "until", "case", "select", "function", "{", "("])
# `set -e` ignores a failure before `&&` and after `!`. A test before what it prepares, as in
# `[ -f .env ] && . ./.env`, may fail.
_UNSEEN: Final = re.compile(
    r"(?s)(?!#|(?:if|elif|for|while|until|case|select)\s|(?:\[+|test)\s.*&&\s*(?:source|\.|cd|export|set)\s"
    r"|.*;;\Z)(?:!\s|.*&&)"
)
_BASH: Final = re.compile(
    r"\[\[|<\(|<<<|&>|\(\(|\$'|\bpipefail\b|(?:^|[\s;&|])(?:source|declare|local|shopt|function|mapfile)\s"
    r"|\$\{[^{}]*(?:/|\^|,,|\[)[^{}]*\}|\{[^{}\s]*(?:\.\.|,)[^{}\s]*\}"
)
_SETTINGS: Final = {
    "name": r"\S.*",
    "run": r"\S.*",
    "kind": "gate|format|teardown",
    "timeout": "[1-9][0-9]*[smh]",
}
"""The settings of a gate in front matter that are texts, each with its pattern; `when` is a list."""


def read_gates(text: str, titles: Sequence[str], path: str) -> Gates:
    """Read the gates that a document states.

    Args:
        text: the document.
        titles: the titles of its sections on gates.
        path: the document's path, for people.

    Raises:
        MissingFact: the document cannot be read.
    """
    document = Document(text)
    read: list[Read] = list(_read_front_matter(document.properties))
    sections = sorted(document.entitled(*titles), key=lambda section: section.line)
    seen: set[int] = set()
    for section in sections:
        blocks = [block for block in section.blocks if id(block) not in seen]
        seen.update(map(id, blocks))
        own = list(_read_blocks(blocks, "gate"))
        read += own or [NotRead(section.line, section.heading.text.plain, "the section names no command")]
    if titles and not sections and (near := near_section(document, *titles)):
        read.append(NotRead(near.line, near.text, f"it is not a section on gates: it is {near.reason}"))
    gates = [one.replace(path=path) for one in read if isinstance(one, PlannedGate)]
    others = [(one, one.text[:_LONGEST_TEXT]) for one in read if isinstance(one, NotRead)]
    not_read = [NotRead(one.line, shortened(text, _MOST_SHOWN), one.why, path) for one, text in others]
    return Gates(gates, not_read, _find_format_all(document, path))


def _read_blocks(blocks: Sequence[AnyBlock], kind: Kind, why: str = "") -> Iterator[Read]:
    """Yield the gates of blocks; with `why`, or under "Manual checks" and "Do not run:", only report them."""
    level, block_kind, excluded, note = 0, kind, why, ""
    for block in blocks:
        rank, words = (block.level, block.text.plain) if isinstance(block, Heading) else (7, "")
        if isinstance(block, Paragraph):
            words = bold_words(block.text)
        if words:
            if not (level and rank > level):
                excluded = why or (f"it is under {words!r}" if _is_excluded(words) else "")
                block_kind, note = _named_kind(words, kind), ""
                level = rank if excluded or block_kind != kind else 0
        elif isinstance(block, Paragraph):
            line = block.text.plain.rpartition("\n")[2]
            note = f"it is under {line!r}" if line.rstrip().endswith(":") and _is_excluded(line) else ""
            if not note:
                yield from _read_text(block.text, block_kind, excluded or _SENTENCE)
        else:
            yield from _read_block(block, block_kind, excluded or note)
            note = ""


def _is_excluded(words: str) -> bool:
    """Return True if a heading, a label or a line introduces commands that are not to be run."""
    return _EXCLUDED.match(normal_title(words)) is not None


def _named_kind(words: str, kind: Kind = "gate") -> Kind:
    """Return the kind of gate that a heading or label names; a kind other than `gate` is kept."""
    title = normal_title(words)
    if kind != "gate":
        return kind
    return "format" if _FORMAT.match(title) else "teardown" if _TEARDOWN.match(title) else "gate"


_ENCLOSED: Final = "it is in a quote, in HTML or in a footnote"


def _read_block(block: AnyBlock, kind: Kind, why: str) -> Iterator[Read]:
    if isinstance(block, List):
        for item in block.items:
            plain = item.text.plain
            below = why or (f"it is under {plain!r}" if item.rest and _is_excluded(plain) else "")
            found = list(_read_text(item.text, kind, why))
            found += _read_blocks(item.rest, _named_kind(plain.rstrip(": "), kind), below)
            if not found and not why:
                found = [NotRead(item.line, plain or "an item", "it names no command")]
            yield from found
    elif isinstance(block, Table) and not why:
        yield from _read_table(block, kind)
    elif isinstance(block, Fence):
        yield from _read_fence(block, kind, why)
    elif isinstance(block, ENCLOSING):
        for one in block.blocks:
            yield from _read_block(one, kind, why or _ENCLOSED)
    elif isinstance(block, Html) and "<code" in block.content.lower():
        yield NotRead(block.line, block.text, why or _ENCLOSED)
    else:
        for text in texts([block]):
            yield from _read_text(text, kind, why)


def _read_text(text: Text, kind: Kind, why: str = "") -> Iterator[Read]:
    """Yield the command that an item begins with, after an optional label, and those joined by "and"."""
    raw, end, label, is_run = text.raw, 0, "", False
    for number, span in enumerate(text.codes):
        between = raw[end : span.start]
        if number == 0:
            label = without_box(between).strip("*_ \t\n([")
            is_run = not label or (label.endswith(":") and len(label) <= _LONGEST_LABEL)
        else:
            is_run = is_run and bool(_AND.fullmatch(between))
        end = span.end
        command = " ".join(span.content.split())
        if not _is_command(command, alone=number > 0 or not raw[end:].strip("*_ .)]")):
            is_run = False
            continue
        line = text.line + raw.count("\n", 0, span.start)
        if why or _is_excluded(label):
            yield NotRead(line, command, why or f"it follows {label!r}")
        elif is_run:
            name = label[:-1].strip("*_ ")
            yield _gate(command, line, _named_kind(name, kind), name)
        elif " " in command:
            yield NotRead(line, command, "it is not what its item begins with")


def _is_command(text: str, *, alone: bool = False) -> bool:
    """True if a code span looks like a command, not a path, value or expression; a word only if `alone`."""
    words = text.split()
    while words and _ASSIGNMENT.match(words[0]):
        del words[0]
    if not words or not _PROGRAM.match(words[0]) or (len(words) > 1 and words[1] in _OPERATORS):
        return False
    program = words[0]
    if program.startswith(("./", "../")) or ("/" in program and program.endswith((".sh", ".bash"))):
        return True
    if program[:1].isupper() or ("/" in program and "." in program):
        return False
    return len(words) > 1 or (alone and "/" not in program and "." not in program)


def _read_table(table: Table, kind: Kind) -> Iterator[Read]:
    """Yield the commands in the column *Command*, named by the first column; report ignored cells."""
    titles = [normal_title(cell.plain) for cell in table.header]
    for row in table.rows:
        cells = dict(zip(titles, row, strict=False))
        cell = cells.get("command")
        found: list[Read] = list(_read_text(cell, kind)) if cell is not None else []
        if not any(isinstance(one, PlannedGate) for one in found):
            line = row[0].line if row else table.line
            yield NotRead(line, " | ".join(one.plain for one in row), "the row names no command")
            continue
        name = row[0].plain.strip() if row[0] is not cell else ""
        for one in found:
            if isinstance(one, PlannedGate):
                one = one.replace(name=name or one.name, kind=_named_kind(name, one.kind))
            yield one
        for title in ("when", "timeout"):
            setting = cells.get(title)
            if setting is not None and setting.plain.strip().casefold() not in {"", "-", "always"}:
                why = f"here the command runs without it; `gates` in front matter has `{title}`"
                yield NotRead(setting.line, setting.plain, why)


def _read_fence(fence: Fence, kind: Kind, why: str) -> Iterator[Read]:
    """Yield one command per line, or the whole block if a line continues or affects those after it."""
    language = fence.info.split(None, 1)[0].strip("{}.").casefold() if fence.info.split() else ""
    if why or language not in _SHELL:
        shown = fence.content.strip().partition("\n")[0] if why else f"```{fence.info}"
        yield NotRead(fence.line, shown, why or "it is not a block of shell")
        return
    lines = [(number, line.strip()) for number, line in enumerate(fence.content.split("\n"), fence.first)]
    whole = fence.content.rstrip()
    if any(line.startswith("$ ") for _, line in lines):
        lines = [(number, line[2:].strip()) for number, line in lines if line.startswith("$ ")]
        whole = "\n".join(line for _, line in lines)
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    own = [line for _, line in lines if line.split()[0] not in _SHELL_STATE and not _ASSIGNMENT.match(line)]
    if lines and not own:
        yield NotRead(*lines[-1], "nothing follows that it is for")
    elif all(_is_complete(line) for _, line in lines):
        for number, line in lines:
            text = line if "'" in line or '"' in line else re.sub(r"\s+#\s.*", "", line)
            yield _gate(text, number, kind)
    else:
        if "<<" in whole and "&&" in whole:
            yield NotRead(lines[0][0], "&&", "a failure before it ends no block with a here-document")
        yield _gate(_end_on_failure(whole), lines[0][0], kind, name_of(own[0]))


def _end_on_failure(block: str) -> str:
    """Return the script of a block that the failure of any of its lines ends."""
    lines, command = ["set -e"], ""
    has_documents = "<<" in block
    for line in block.split("\n"):
        lines.append(line)
        command = f"{command}\n{line}".strip()
        if len(command) > _LONGEST_TEXT or _goes_on(command):
            continue
        if not has_documents and _UNSEEN.match(command):
            lines.append("(exit $?)")
        command = ""
    return "\n".join(lines).removesuffix("\n(exit $?)")


def _goes_on(command: str) -> bool:
    """Return True if a command goes on in the next line."""
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return command.endswith(("&&", "|"))


def _is_complete(line: str) -> bool:
    """Return True if a line is a complete command."""
    first = line.split()[0]
    is_part = _goes_on(line) or line.endswith(("{", "(")) or "<<" in line or first.startswith("(")
    is_part = is_part or first in _SHELL_STATE | _COMPOUND
    return not (is_part or all(map(_ASSIGNMENT.match, shlex.split(line, comments=True))))


def _gate(command: str, line: int, kind: Kind, name: str = "") -> Read:
    if _PLACEHOLDER.search(command):
        return NotRead(line, command, "it has a place for words that nothing fills in")
    # Commands run in /bin/sh; a command that needs bash is passed to bash.
    bash = _BASH.search(re.sub("'[^']*'", "_", command))
    return PlannedGate(
        name=name or name_of(command),
        run=f"bash -c {shlex.quote(command)}" if bash else command,
        source="document",
        line=line,
        kind="teardown" if kind == "gate" and _COMPOSE_DOWN.search(command) else kind,
        each="{file}" in command,
    )


def _find_format_all(document: Document, path: str) -> str:
    """Return the place where the section on formatting asks for the whole repository; empty if nowhere."""
    found = (text for section in document.entitled(*_FORMATTING) for text in texts(section.blocks))
    asks = (one for text in found for one in text.sentences() if _WHOLE_REPO.match(one.plain))
    return next((f"{path}:{one.line}" for one in asks), "")


def _read_front_matter(properties: Data) -> Iterator[Read]:
    """Yield the gates in a front matter's `gates`: a list of commands, or of tables with `run`.

    An entry without a command is not a gate. A setting that is not understood is reported and ignored.
    """
    if properties.problem is not None:
        yield NotRead(properties.problem.line or 1, "front matter", properties.problem.message)
    key, gates = find_key(properties.value or {}, ["gates"]) or ("gates", None)
    if not isinstance(gates, list | None):
        yield NotRead(properties.line((key,)) or 1, f"{key}: {gates}", "it is not a list")
        return
    for number, entry in enumerate(gates or ()):
        line = properties.line((key, number)) or 1
        table = entry if isinstance(entry, dict) else {"run": entry}
        run = table.get("run")
        if not isinstance(run, str) or not run.strip():
            yield NotRead(line, str(entry), "it has no command, as `run`")
            continue
        given: dict[str, Any] = {"name": name_of(run), "each": "{file}" in run}
        for name, value in table.items():
            read = _parse_setting(name, value)
            if read is None:
                yield NotRead(line, f"{name}: {value}", "it is not a setting of a gate that is read here")
            else:
                given[name] = read
        yield PlannedGate(**given, source="document", line=line)


def _parse_setting(key: str, value: Any) -> Any:
    """Return the value of a gate's setting in its parsed form; None if it is not understood."""
    patterns = [value] if isinstance(value, str) else value
    if key == "when" and isinstance(patterns, list) and all(isinstance(one, str) for one in patterns):
        try:
            return Covering(patterns)
        except PatternError:
            return None
    text = value.strip() if isinstance(value, str) else ""
    return text if key in _SETTINGS and re.fullmatch(_SETTINGS[key], text, re.DOTALL) else None
