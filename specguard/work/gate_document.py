"""What a work item's document says of gates: in its sections on them, and in its front matter.

A list item names a command as the code span that it begins with, behind a label with a colon or none; a table
has a column *Command*, a fenced block of shell a command a line. Whatever else could be meant is told.
"""

from __future__ import annotations

import re
import shlex

from specguard.declaration.patterns import Covering, PatternError
from specguard.declaration.rule import Record
from specguard.documents.blocks import Fence, Heading, Html, List, Paragraph, Quote, Table, fences, texts
from specguard.documents.content import without_box
from specguard.documents.document import Document
from specguard.documents.fields import elements
from specguard.documents.titles import bold_words, find_sections, near_section, normal_title
from specguard.work.gates import NotRead, PlannedGate, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final, Literal

    from specguard.documents.blocks import AnyBlock, Text
    from specguard.documents.data import Data

    Kind = Literal["gate", "format", "teardown"]
    Read = PlannedGate | NotRead

_SHELL: Final = frozenset({"sh", "bash", "shell", "zsh", "console"})
# How a heading, a label or a line before a list begins that names what is not to be run.
_APART: Final = re.compile(
    r"(?:out of scope|not|excluded|skip|manual(?:ly)?|optional(?:ly)?|by hand|non goals|do not|don t|never"
    r"|must not|forbidden|avoid|examples?|expected|sample|results?|outputs?|evidence|troubleshooting"
    r"|rollback|rolling back)\b"
)
_FORMAT: Final = re.compile(r"(?:auto ?)?format(?:s|ting|ter|ters)?\b|code style\b")
_TEARDOWN: Final = re.compile(r"(?:tear ?down|clean ?up|take down|taking down|shut ?down|stop|afterwards?)\b")
# What takes a composition down again does so whether the gates passed or not.
_DOWN: Final = re.compile(r"(?:^|&&\s)(?:docker|podman)[ -]compose\b[^;&|]*\sdown\b")
_FORMATTING: Final = ("Formatting", "Format", "Formatters", "Code style", "Code formatting")
_WHOLE: Final = re.compile(
    r"(?!.*(?:\b(?:not|never|only|than|instead|avoid|without)\b|n't\b))"
    r".*\b(?:(?:whole|entire) (?:repository|repo|code ?base|tree|project)\b|(?:all|every) files?\b(?!\s+\w))",
    re.IGNORECASE | re.DOTALL,
)

_PROGRAM: Final = re.compile(r"(?:\.{1,2}/)?\w[\w.+-]*(?:/[\w.+-]+)*\Z", re.ASCII)
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=\S*\Z")
_OPERATORS: Final = frozenset(["=", "==", "===", "!=", "->", "=>", ":=", "<=", ">=", "<", "+", "-", "*", "/"])
_PLACEHOLDER: Final = re.compile(r"(?<![<\w&])<[A-Za-z](?:[A-Za-z0-9_ |/.-]{0,40}[A-Za-z0-9_.])?>(?!=)")
_JOINED: Final = re.compile(r"[\s,;]*(?:and|then|,)\s*(?:then\s*)?", re.IGNORECASE)
_LONGEST_LABEL: Final = 60
_SENTENCE: Final = "it stands in a sentence, and in no list item of its own"

_LASTING: Final = frozenset(["cd", "pushd", "popd", "export", "source", ".", "set", "unset", "alias"])
_COMPOUND: Final = frozenset(["if", "for", "while", "until", "case", "select", "function", "{", "("])
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
"""The settings of a gate in front matter that are texts, each with what it can be; there is `when`, too."""


class Sections(Record):
    """What a document says of gates.

    Attributes:
        gates: the gates, in order.
        not_read: what is not run, or not as it is said.
        format_all: where its section on formatting asks for the whole repository; empty: nowhere.
    """

    gates: Sequence[PlannedGate]
    not_read: Sequence[NotRead]
    format_all: str


def read_gates(text: str, titles: Sequence[str], path: str) -> Sections:
    """What a document says of gates.

    Args:
        text: the document.
        titles: the titles of its sections on gates.
        path: its path, for a person.

    Raises:
        MissingFact: it cannot be read.
    """
    document = Document(text)
    read: list[Read] = list(_of_front_matter(document.properties))
    found = find_sections(document, titles[0], aliases=titles[1:]) if titles else ()
    sections = sorted(found, key=lambda section: section.line)
    seen: set[int] = set()
    for section in sections:
        blocks = [block for block in section.blocks if id(block) not in seen]
        seen.update(map(id, blocks))
        own = list(_of(blocks, "gate"))
        read += own or [NotRead(section.line, section.heading.text.plain, "the section names no command")]
    near = near_section(document, titles[0], aliases=titles[1:]) if titles and not sections else None
    if near is not None:
        read.append(NotRead(near.line, near.text, f"it is no section on gates: it is {near.why}"))
    gates = [one.but(path=path) for one in read if isinstance(one, PlannedGate)]
    not_read = [NotRead(one.line, one.text, one.why, path) for one in read if isinstance(one, NotRead)]
    return Sections(gates, not_read, _whole(document, path))


def _of(blocks: Sequence[AnyBlock], kind: Kind, why: str = "") -> Iterator[Read]:
    """The gates of blocks; with `why`, or under "Manual checks" and "Do not run:", all is only told."""
    level, under, apart, said = 0, kind, why, ""
    for block in blocks:
        deep = block.level if isinstance(block, Heading) else 7
        words = block.text.plain if isinstance(block, Heading) else ""
        if isinstance(block, Paragraph):
            words = bold_words(block.text)
        if words:
            if not (level and deep > level):
                apart = why or (f"it stands under {words!r}" if _is_apart(words) else "")
                under, said = _kind_named(words, kind), ""
                level = deep if apart or under != kind else 0
        elif isinstance(block, Paragraph):
            line = block.text.plain.rpartition("\n")[2]
            said = f"it stands under {line!r}" if line.rstrip().endswith(":") and _is_apart(line) else ""
            if not said:
                yield from _of_text(block.text, under, apart or _SENTENCE)
        else:
            yield from _of_block(block, under, apart or said)
            said = ""


def _is_apart(words: str) -> bool:
    """Whether a heading, a label or a line names what is not to be run."""
    return _APART.match(normal_title(words)) is not None


def _kind_named(words: str, kind: Kind = "gate") -> Kind:
    """The kind of gate that a heading or label speaks of, below one that is of a kind already."""
    title = normal_title(words)
    if kind != "gate":
        return kind
    return "format" if _FORMAT.match(title) else "teardown" if _TEARDOWN.match(title) else "gate"


def _of_block(block: AnyBlock, kind: Kind, why: str) -> Iterator[Read]:
    if isinstance(block, List):
        for item in block.items:
            plain = item.text.plain
            below = why or (f"it stands under {plain!r}" if item.rest and _is_apart(plain) else "")
            found = list(_of_text(item.text, kind, why))
            found += _of(item.rest, _kind_named(plain.rstrip(": "), kind), below)
            yield from found or (
                [] if why else [NotRead(item.line, plain or "an item", "it names no command")]
            )
    elif isinstance(block, Table) and not why:
        yield from _of_table(block, kind)
    elif isinstance(block, Fence):
        yield from _of_fence(block, kind, why)
    else:
        why = why or "it stands in a quote, in HTML or in a footnote"
        for one in block.blocks if isinstance(block, Quote) else ():
            yield from _of_block(one, kind, why)
        for text in texts([block]):
            yield from _of_text(text, kind, why)
        for fence in fences([block]):
            yield from _of_fence(fence, kind, why)
        if isinstance(block, Html) and "<code" in block.content.lower():
            yield NotRead(block.line, block.text, why)


def _of_text(text: Text, kind: Kind, why: str = "") -> Iterator[Read]:
    """The command that an item begins with, behind a label or none, and those that "and" joins to it."""
    raw, end, label, taken = text.raw, 0, "", False
    for number, span in enumerate(text.codes):
        between = raw[end : span.start]
        if number == 0:
            label = without_box(between).strip("*_ \t\n([")
            taken = not label or (label.endswith(":") and len(label) <= _LONGEST_LABEL)
        else:
            taken = taken and bool(_JOINED.fullmatch(between))
        end = span.end
        command = _plain(span.content)
        if not _is_command(command, alone=number > 0 or not raw[end:].strip("*_ .)]")):
            taken = False
            continue
        line = text.line + raw.count("\n", 0, span.start)
        if why or _is_apart(label):
            yield NotRead(line, command, why or f"it stands behind {label!r}")
        elif taken:
            named = label[:-1].strip("*_ ")
            yield _gate(command, line, _kind_named(named, kind), named)
        elif " " in command:
            yield NotRead(line, command, "it is not what its item begins with")


def _is_command(text: str, *, alone: bool = False) -> bool:
    """Whether a code span looks like a command, and no path, value or expression; a word only if alone."""
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


def _plain(text: str) -> str:
    """A code span's command without the prompt before it."""
    return " ".join(re.sub(r"^\s*[$%]\s+", "", text).split())


def _of_table(table: Table, kind: Kind) -> Iterator[Read]:
    """The commands in the column *Command*, with what *When* and *Timeout* say, named by the first column."""
    titles = [normal_title(cell.plain) for cell in table.header]
    for row in table.rows:
        cells = dict(zip(titles, row, strict=False))
        cell = cells.get("command")
        found: list[Read] = list(_of_text(cell, kind)) if cell is not None else []
        if not any(isinstance(one, PlannedGate) for one in found):
            line = row[0].line if row else table.line
            yield NotRead(line, " | ".join(one.plain for one in row), "the row names no command")
            continue
        called = row[0].plain.strip() if row[0] is not cell else ""
        limit = cells["timeout"].plain.strip() if "timeout" in cells else ""
        when, unread = _when(cells.get("when"))
        for one in found:
            if isinstance(one, PlannedGate):
                own = _kind_named(called, one.kind)
                timeout = limit if re.fullmatch(_SETTINGS["timeout"], limit) else ""
                one = one.but(name=called or one.name, kind=own, when=when, timeout=timeout)
            yield one
        yield from unread


def _when(cell: Text | None) -> tuple[Covering, list[NotRead]]:
    """The patterns in the column *When*: code spans; nothing, or *always*, is any change."""
    if cell is None or cell.plain.strip().casefold() in {"", "-", "always"}:
        return Covering(), []
    rest = re.sub("`+[^`]*`+|[\\s,;]", "", cell.raw)
    try:
        if cell.spans and not rest:
            return Covering(cell.spans), []
    except PatternError:
        pass
    why = "its condition is not read: it runs whatever is changed"
    return Covering(), [NotRead(cell.line, cell.plain, why)]


def _of_fence(fence: Fence, kind: Kind, why: str) -> Iterator[Read]:
    """A command a line; all of a block as one where a line goes on, or is there for those after it."""
    language = fence.info.split(None, 1)[0].strip("{}.").casefold() if fence.info.split() else ""
    if why or language not in _SHELL:
        shown = fence.content.strip().partition("\n")[0] if why else f"```{fence.info}"
        yield NotRead(fence.line, shown, why or "it is no block of shell")
        return
    lines = [(number, line.strip()) for number, line in enumerate(fence.content.split("\n"), fence.first)]
    whole = fence.content.rstrip()
    if any(line.startswith("$ ") for _, line in lines):
        lines = [(number, line[2:].strip()) for number, line in lines if line.startswith("$ ")]
        whole = "\n".join(line for _, line in lines)
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    own = [line for _, line in lines if line.split()[0] not in _LASTING and not _ASSIGNMENT.match(line)]
    if lines and not own:
        yield NotRead(*lines[-1], "nothing follows that it is for")
    elif all(_is_whole(line) for _, line in lines):
        for number, line in lines:
            text = re.sub(r"\s+#\s.*", "", line) if not re.search("[\"']", line) else line
            yield _gate(text, number, kind)
    else:
        yield _gate(f"set -e\n{whole}", lines[0][0], kind, name_of(own[0]))


def _is_whole(line: str) -> bool:
    """Whether a line is a command by itself."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return False
    first = line.split()[0]
    goes_on = line.endswith(("\\", "&&", "|", "{", "(")) or "<<" in line or first.startswith("(")
    return not goes_on and first not in _LASTING | _COMPOUND and not all(map(_ASSIGNMENT.match, words))


def _gate(command: str, line: int, kind: Kind, name: str = "") -> Read:
    if _PLACEHOLDER.search(command):
        return NotRead(line, command, "it has a place for words that nothing fills in")
    # What runs it is /bin/sh; a text that this would not understand names its shell.
    bash = _BASH.search(re.sub("'[^']*'", "_", command))
    return PlannedGate(
        name=name or name_of(command),
        run=f"bash -c {shlex.quote(command)}" if bash else command,
        source="document",
        line=line,
        kind="teardown" if kind == "gate" and _DOWN.search(command) else kind,
        each="{file}" in command,
    )


def _whole(document: Document, path: str) -> str:
    """Where the section on formatting asks for the whole repository."""
    for section in find_sections(document, _FORMATTING[0], aliases=_FORMATTING[1:]):
        for text in texts(section.blocks):
            for sentence in text.sentences():
                if _WHOLE.match(sentence.plain):
                    return f"{path}:{sentence.line}"
    return ""


def _of_front_matter(properties: Data) -> Iterator[Read]:
    """The gates of `gates` in a front matter: a list of commands, or of tables with `run`.

    An entry without a command is no gate; a setting that is not understood is as if it were not there.
    """
    if properties.problem is not None:
        yield NotRead(properties.problem.line or 1, "front matter", properties.problem.message)
    value = properties.value.get("gates") if isinstance(properties.value, dict) else None
    if not isinstance(value, list | None):
        yield NotRead(properties.line(("gates",)) or 1, f"gates: {value}", "it is no list")
        return
    for number, entry in elements(value):
        line = properties.line(("gates", number)) or 1
        table = entry if isinstance(entry, dict) else {"run": entry}
        run = table.get("run")
        if not isinstance(run, str) or not run.strip():
            yield NotRead(line, str(entry), "it has no command, as `run`")
            continue
        values = {key: _setting(key, value) for key, value in table.items()}
        for key, read in values.items():
            if read is None:
                yield NotRead(line, f"{key}: {table[key]}", "it is no setting of a gate that is read here")
        given = {key: read for key, read in values.items() if read is not None}
        yield PlannedGate(
            **{"name": name_of(run), "each": "{file}" in run, **given}, source="document", line=line
        )


def _setting(key: str, value: Any) -> Any:
    """The value of a setting as gates have it; None where it is not understood."""
    patterns = [value] if isinstance(value, str) else value
    if key == "when" and isinstance(patterns, list) and all(isinstance(one, str) for one in patterns):
        try:
            return Covering(patterns)
        except PatternError:
            return None
    text = value.strip() if isinstance(value, str) else ""
    return text if key in _SETTINGS and re.fullmatch(_SETTINGS[key], text, re.DOTALL) else None
