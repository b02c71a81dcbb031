"""What a work item's document says of gates: in its sections on them, and in its front matter.

A list item names a command as the code span that it begins with, behind a label or none; a table has a column
*Command*, a fenced block of shell a command a line. Whatever else could be meant as a command is told.
"""

from __future__ import annotations

import re
import shlex

from specguard.declaration.patterns import Covering, PatternError
from specguard.declaration.rule import Record
from specguard.documents.blocks import Fence, Footnote, Heading, Html, List, Paragraph, Quote, Table, Text
from specguard.documents.content import without_box
from specguard.documents.document import Document
from specguard.documents.titles import BOLD_LEVEL, bold_words, find_sections, near_section, normal_title
from specguard.work.gates import NotRead, PlannedGate, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final, Literal

    from specguard.documents.blocks import AnyBlock
    from specguard.documents.data import Data

    Kind = Literal["gate", "format", "teardown"]
    Read = PlannedGate | NotRead

_SHELL: Final = frozenset({"sh", "bash", "shell", "zsh", "console"})
_APART: Final = re.compile(
    r"(?:out of scope|not|excluded|skip|manual(?:ly)?|optional(?:ly)?|by hand|non goals|do not|don t|never"
    r"|must not|forbidden|avoid|examples?|expected|sample|results?|outputs?|evidence|troubleshooting"
    r"|rollback|rolling back)\b"
)
"""How a heading, a label or a line before a list begins that names what is not to be run."""

_FORMAT: Final = re.compile(r"(?:auto ?)?format(?:s|ting|ter|ters)?\b|code style\b")
_TEARDOWN: Final = re.compile(r"(?:tear ?down|clean ?up|take down|taking down|shut ?down|stop|afterwards?)\b")
# What takes a composition down again does so whether the gates passed or not.
_DOWN: Final = re.compile(r"(?:^|&&\s)(?:docker|podman)[ -]compose\b[^;&|]*\sdown\b")
_FORMATTING: Final = ("Formatting", "Format", "Formatters", "Code style", "Code formatting")
_WHOLE: Final = re.compile(
    r"\b(?:whole|entire|complete|full) (?:repo(?:sitory)?|code ?base|tree|project|module)\b"
    r"|\brepo(?:sitory)?[- ]wide\b|\b(?:all|every) files?\b(?!\s+(?:\w+\s+)?(?:that|which|you|touched|changed"
    r"|edited|modified|in|under|of|below|listed|the))",
    re.IGNORECASE,
)
_NOT_WHOLE: Final = re.compile(
    r"\b(?:not|never|only|rather than|instead of|avoid|without)\b|n't\b", re.IGNORECASE
)

_PROGRAM: Final = re.compile(r"(?:\.{1,2}/)?\w[\w.+-]*(?:/[\w.+-]+)*\Z", re.ASCII)
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=\S*\Z")
_OPERATORS: Final = frozenset({"=", "==", "===", "!=", "->", "=>", ":=", "<=", ">=", "<", "+", "-", "*", "/"})
_PLACEHOLDER: Final = re.compile(r"(?<![<\w&])<[A-Za-z](?:[A-Za-z0-9_ |/.-]{0,40}[A-Za-z0-9_.])?>(?!=)")
_JOINED: Final = re.compile(r"[\s,;]*(?:and|then|,)\s*(?:then\s*)?", re.IGNORECASE)
_LABEL: Final = re.compile(r"\A(?:(?:run|execute)?|.*[:\u2013\u2014-])\Z", re.IGNORECASE | re.DOTALL)
_LABEL_ENDS: Final = (":", "-", "\u2013", "\u2014")
_LONGEST_LABEL: Final = 60

_LASTING: Final = frozenset(("cd", "pushd", "popd", "export", "source", ".", "set", "unset", "alias"))
_COMPOUND: Final = frozenset(("if", "for", "while", "until", "case", "select", "function", "{", "("))
_BASH: Final = re.compile(
    r"\[\[|<\(|<<<|&>|\(\(|\$'|\bpipefail\b|(?:^|[\s;&|])(?:source|declare|local|shopt|function|mapfile)\s"
    r"|\$\{[^{}]*(?:/|\^|,,|\[)[^{}]*\}|\{[^{}\s]*(?:\.\.|,)[^{}\s]*\}"
)

_DURATION: Final = re.compile(r"([1-9][0-9]*)\s*(s|m|h)(?:ec(?:onds?)?|in(?:utes?)?|ours?)?\Z", re.IGNORECASE)
_ALWAYS: Final = frozenset({"", "-", "\u2013", "\u2014", "always", "any", "all", "every change", "yes"})

_TIMEOUT: Final = re.compile("[1-9][0-9]*[smh]")
_KEYS: Final = ("name", "run", "when", "on", "each", "kind", "timeout", "wrapper")
_CHANGES: Final = ("added", "modified", "deleted")
_KINDS: Final = ("gate", "format", "teardown")


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
    sections = sorted(
        find_sections(document, titles[0], aliases=titles[1:], bold=True) if titles else (),
        key=lambda section: section.line,
    )
    seen: set[int] = set()
    for section in sections:
        blocks = [block for block in section.blocks if id(block) not in seen]
        seen.update(map(id, blocks))
        own = list(_of(blocks, "gate"))
        read += own or [NotRead(section.line, section.heading.text.plain, "the section names no command")]
    if titles and not sections:
        near = near_section(document, titles[0], aliases=titles[1:])
        if near is not None:
            read.append(NotRead(near.line, near.text, f"it is no section on gates: it is {near.why}"))
    gates, not_read = [], []
    for one in read:
        if isinstance(one, PlannedGate):
            gates.append(one.but(path=path))
        else:
            one.path = path
            not_read.append(one)
    return Sections(gates, not_read, _whole(document, path))


def _of(blocks: Sequence[AnyBlock], kind: Kind) -> Iterator[Read]:
    """The gates of blocks; what stands under "Manual checks" or behind "Do not run:" is only told."""
    apart = said = ""
    level = 0
    under = kind
    for block in blocks:
        heading = _heading(block)
        if heading:
            deep, words = heading
            if level and deep > level:
                continue
            apart = words if _APART.match(normal_title(words)) else ""
            under = _kind_named(words, kind)
            level = deep if apart or _kind_named(words) != "gate" else 0
            said = ""
        elif apart or said:
            yield from _told(block, f"it stands under {apart or said!r}")
            said = ""
        elif isinstance(block, Paragraph):
            line = block.text.plain.rpartition("\n")[2]
            said = line if line.rstrip().endswith(":") and _APART.match(normal_title(line)) else ""
            yield from () if said else _of_text(block.text, under)
        else:
            yield from _of_block(block, under)


def _heading(block: AnyBlock) -> tuple[int, str] | None:
    """The level and the words of a heading, or of a bold line that stands for one."""
    if isinstance(block, Heading):
        return block.level, block.text.plain
    words = bold_words(block.text) if isinstance(block, Paragraph) else ""
    return (BOLD_LEVEL, words) if words and "`" not in words else None


def _kind_named(words: str, kind: Kind = "gate") -> Kind:
    """The kind of gate that a heading or label speaks of, below one that is of a kind already."""
    title = normal_title(words)
    if kind != "gate":
        return kind
    return "format" if _FORMAT.match(title) else "teardown" if _TEARDOWN.match(title) else "gate"


def _of_block(block: AnyBlock, kind: Kind) -> Iterator[Read]:
    if isinstance(block, List):
        for item in block.items:
            plain = item.text.plain
            found = list(_of_text(item.text, kind))
            if item.rest and _APART.match(normal_title(plain)):
                found += [one for part in item.rest for one in _told(part, f"it stands under {plain!r}")]
            else:
                found += _of(item.rest, _kind_named(plain.rstrip(": "), kind))
            yield from found or [NotRead(item.line, plain or "an item", "it names no command")]
    elif isinstance(block, Table):
        yield from _of_table(block, kind)
    elif isinstance(block, Fence):
        yield from _of_fence(block, kind)
    else:
        yield from _told(block, "it stands in a quote, in HTML or in a footnote")


def _of_text(text: Text, kind: Kind) -> Iterator[Read]:
    """The command that an item begins with, behind a label or none, and those that "and" joins to it."""
    raw, end, label, taken = text.raw, 0, "", False
    for number, span in enumerate(text.codes):
        between = raw[end : span.start]
        if number == 0:
            label = without_box(between).strip("*_ \t\n([")
            taken = _LABEL.search(label) is not None and len(label) <= _LONGEST_LABEL
        else:
            taken = taken and bool(_JOINED.fullmatch(between))
        end = span.end
        command = _plain(span.content)
        if not _is_command(command, alone=number > 0 or not raw[end:].strip("*_ .)]")):
            taken = False
            continue
        line = text.line + raw.count("\n", 0, span.start)
        if _APART.match(normal_title(label)):
            yield NotRead(line, command, f"it stands behind {label!r}")
        elif taken:
            named = label[:-1].strip("*_ ") if label.endswith(_LABEL_ENDS) else ""
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

    def cell_of(row: Sequence[Text], *names: str) -> Text | None:
        at = next((number for number, title in enumerate(titles) if title in names), len(row))
        return row[at] if at < len(row) else None

    for row in table.rows:
        cell = cell_of(row, "command", "commands")
        found: list[Read] = list(_of_text(cell, kind)) if cell is not None else []
        if not any(isinstance(one, PlannedGate) for one in found):
            line = row[0].line if row else table.line
            yield NotRead(line, " | ".join(one.plain for one in row), "the row names no command")
            continue
        called = row[0].plain.strip() if row[0] is not cell else ""
        when, unread = _when(cell_of(row, "when", "paths"))
        limit = cell_of(row, "timeout", "time limit")
        took = _DURATION.match(limit.plain.strip()) if limit is not None else None
        own = _kind_named(called, kind)
        for one in found:
            if isinstance(one, PlannedGate):
                yield one.but(
                    name=called or one.name,
                    kind=own if own != "gate" else one.kind,
                    when=when,
                    timeout=f"{took[1]}{took[2].lower()}" if took else "",
                )
            else:
                yield one
        if unread is not None:
            yield unread


def _when(cell: Text | None) -> tuple[Covering, NotRead | None]:
    if cell is None or cell.plain.strip().casefold() in _ALWAYS:
        return Covering(), None
    rest = re.sub("`+[^`]*`+", "", cell.raw)
    try:
        if cell.spans and not re.sub(r"\b(?:and|or)\b|[\s,;]", "", rest):
            return Covering(cell.spans), None
    except PatternError:
        pass
    return Covering(), NotRead(
        cell.line, cell.plain, "its condition is not read: it runs whatever is changed"
    )


def _of_fence(fence: Fence, kind: Kind) -> Iterator[Read]:
    """A command a line; all of a block as one where a line goes on, or is there for those after it."""
    language = fence.info.split(None, 1)[0].strip("{}.").casefold() if fence.info.split() else ""
    if language not in _SHELL:
        yield NotRead(fence.line, f"```{fence.info}", "it is no block of shell")
        return
    lines = [(number, line.strip()) for number, line in enumerate(fence.content.split("\n"), fence.first)]
    whole = fence.content.rstrip()
    if any(line.startswith("$ ") for _, line in lines):
        lines = [(number, line[2:].strip()) for number, line in lines if line.startswith("$ ")]
        whole = "\n".join(line for _, line in lines)
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        return
    if all(_is_whole(line) for _, line in lines):
        for number, line in lines:
            text = re.sub(r"\s+#\s.*", "", line) if not re.search("[\"']", line) else line
            yield _gate(text, number, kind)
        return
    own = [line for _, line in lines if line.split()[0] not in _LASTING and not _ASSIGNMENT.match(line)]
    if own:
        yield _gate(f"set -e\n{whole}", lines[0][0], kind, name_of(own[0]))
    else:
        yield NotRead(*lines[-1], "nothing follows that it is for")


def _is_whole(line: str) -> bool:
    """Whether a line is a command by itself."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return False
    first = line.split()[0]
    return not (
        line.endswith(("\\", "&&", "|", "{", "("))
        or "<<" in line
        or first in _LASTING | _COMPOUND
        or first.startswith("(")
        or all(_ASSIGNMENT.match(word) for word in words)
    )


def _told(block: AnyBlock, why: str) -> Iterator[NotRead]:
    """What could be meant as a command in a block that is not read for commands."""
    if isinstance(block, List):
        for item in block.items:
            for one in item.blocks:
                yield from _told(one, why)
    elif isinstance(block, Table):
        for row in block.rows:
            for cell in row:
                yield from _told(Paragraph(cell), why)
    elif isinstance(block, Paragraph):
        if any(_is_command(_plain(span)) for span in block.text.spans):
            yield NotRead(block.line, block.text.plain, why)
    elif isinstance(block, Quote | Footnote):
        for one in block.blocks:
            yield from _told(one, why)
    elif isinstance(block, Fence):
        yield NotRead(block.line, block.content.strip().partition("\n")[0], why)
    elif isinstance(block, Html) and re.search("<(?:code|pre)", block.content, re.IGNORECASE):
        yield NotRead(block.line, block.text, why)


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
    for section in find_sections(document, _FORMATTING[0], aliases=_FORMATTING[1:], bold=True):
        for block in section.blocks:
            texts = [item.text for item in block.items] if isinstance(block, List) else ()
            for text in (block.text,) if isinstance(block, Paragraph) else texts:
                for sentence in text.sentences():
                    if _WHOLE.search(sentence.plain) and not _NOT_WHOLE.search(sentence.plain):
                        return f"{path}:{sentence.line}"
    return ""


def _of_front_matter(properties: Data) -> Iterator[Read]:
    """The gates of `gates` in a front matter, and what is wrong with them.

    An entry without a command is no gate; a setting that is not understood is as if it were not there.
    """
    if properties.problem is not None:
        yield NotRead(properties.problem.line or 1, "front matter", properties.problem.message)
        return
    value = properties.value.get("gates") if isinstance(properties.value, dict) else None
    if value is None:
        return
    if isinstance(value, str):
        value = [value]
    if isinstance(value, dict):
        entries = [(("gates", key), _of_pair(key, one)) for key, one in value.items()]
    elif isinstance(value, list):
        entries = [(("gates", number), one) for number, one in enumerate(value)]
    else:
        yield NotRead(properties.line(("gates",)) or 1, f"gates: {value}", "it is no list")
        return
    for path, entry in entries:
        yield from _of_entry({"run": entry} if isinstance(entry, str) else entry, properties.line(path) or 1)


def _of_pair(name: str, value: Any) -> Any:
    """An entry of a mapping of names to commands or tables."""
    if isinstance(value, str):
        return {"name": name, "run": value}
    return {"name": name, **value} if isinstance(value, dict) else value


def _of_entry(entry: Any, line: int) -> Iterator[Read]:
    run = entry.get("run") if isinstance(entry, dict) else None
    if not isinstance(run, str) or not run.strip():
        yield NotRead(line, str(entry), "it has no command, as `run`")
        return
    values: dict[str, Any] = {}
    for key, value in entry.items():
        read = _setting(key, value)
        if read is None:
            why = "it is no setting of a gate" if key not in _KEYS else "it is not understood, and left out"
            yield NotRead(line, f"{key}: {value}", why)
        else:
            values[key] = read
    values.setdefault("name", name_of(run))
    values.setdefault("each", "{file}" in run)
    yield PlannedGate(source="document", line=line, **values)


def _setting(key: str, value: Any) -> Any:
    """The value of a setting as gates have it; None where it is not understood."""
    texts = [value] if isinstance(value, str) else value
    listed = isinstance(texts, list) and all(isinstance(one, str) for one in texts)
    if key in ("name", "run"):
        return value.strip() if isinstance(value, str) and value.strip() else None
    if key == "when" and listed:
        try:
            return Covering(texts)
        except PatternError:
            return None
    if key == "on" and listed and texts and all(one in _CHANGES for one in texts):
        return tuple(texts)
    if key == "each" and (isinstance(value, bool) or value in ("true", "false")):
        return value in (True, "true")
    if key == "kind" and value in _KINDS:
        return value
    if key == "timeout" and isinstance(value, str) and _TIMEOUT.fullmatch(value):
        return value
    if key == "wrapper" and isinstance(value, list) and listed:
        return tuple(value)
    return None
