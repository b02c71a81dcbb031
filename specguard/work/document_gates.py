"""The gates that a document states.

In a document's sections on gates, a list item names a command by the code span that it begins with. A label
with a colon may come first. A table has a column *Command*, and a fenced shell block has one command per
line. Other text that could name a command is reported. The front matter can list gates, too.
"""

from __future__ import annotations

import re
import shlex
from itertools import dropwhile

from specguard.documents.blocks import ENCLOSING, Fence, Heading, Html, List, Paragraph, Table, texts
from specguard.documents.document import Document
from specguard.documents.fields import bold_words, find_key, near_section, normal_title
from specguard.documents.list_items import without_box
from specguard.model import TYPE_CHECKING, shortened
from specguard.work.gates import ASSIGNMENT, Gates, NotRead, PlannedGate, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final, Literal

    from specguard.documents.blocks import AnyBlock, Text
    from specguard.documents.data import Data
    from specguard.work.gates import Read

    Kind = Literal["gate", "format", "teardown"]


_LONGEST_TEXT: Final = 1000
_MOST_SHOWN: Final = 200
_SHELL: Final = frozenset({"sh", "bash", "shell", "zsh", "console"})
# The beginning of a heading, label or line above a list of commands that must not be run.
_EXCLUDED: Final = re.compile(
    r"(?:out of scope|not|excluded|skip|manual(?:ly)?|optional(?:ly)?|by hand|non goals|do not|don t|never"
    r"|must not|forbidden|avoid|examples?|expected|sample|results?|outputs?|evidence|troubleshooting"
    r"|rollback|rolling back|(?:after(?: the)?|post) (?:merg|deploy|releas)\w*|later|deferred|nice to have)\b"
)
_FORMAT: Final = re.compile(r"(?:auto ?)?format(?:s|ting|ter|ters)?\b|code style\b")
_TEARDOWN: Final = re.compile(r"(?:tear ?down|clean ?up|take down|taking down|shut ?down|stop|afterwards?)\b")
# A command that takes a composition down runs whether the gates passed or not.
_COMPOSE_DOWN: Final = re.compile(r"(?:^|&&\s)(?:docker|podman)[ -]compose\b[^;&|]*\sdown\b")
_FORMATTING: Final = ("Formatting", "Format", "Formatters", "Code style", "Code formatting")
_WHOLE_REPO: Final = re.compile(
    r"(?!.*(?:\b(?:not(?! only| just)|never|(?<!not )only|avoid|without)\b|n['\u2019]t\b))"
    r"(?:(?!\b(?:than|instead)\b).)*\b(?:(?:whole|entire) (?:repository|repo|code ?base|tree|project)\b"
    r"|(?:all|every) files?\b(?!\s+\w))",
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

_WITHOUT: Final = "here the command runs without it; settings of a gate belong in the policy"


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
    gates = [one.with_values(path=path) for one in read if isinstance(one, PlannedGate)]
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
    title = normal_title(words) if kind == "gate" else ""
    return "format" if _FORMAT.match(title) else "teardown" if _TEARDOWN.match(title) else kind


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


def _read_text(text: Text, kind: Kind, why: str = "", title: str = "") -> Iterator[Read]:
    """Yield the command that an item begins with, after an optional label, and those joined by "and".

    The title of a table's row names its commands; without one, the label does.
    """
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
            yield _gate(command, line, _named_kind(title, _named_kind(name, kind)), title or name)
        elif " " in command:
            yield NotRead(line, command, "it is not what its item begins with")


def _is_command(text: str, *, alone: bool = False) -> bool:
    """True if a code span looks like a command, not a path, value or expression; a word only if `alone`."""
    words = list(dropwhile(ASSIGNMENT.match, text.split()))
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
        title = row[0].plain.strip() if row[0] is not cell else ""
        found = list(_read_text(cell, kind, title=title)) if cell is not None else []
        if not any(isinstance(one, PlannedGate) for one in found):
            text = " | ".join(one.plain for one in row)
            yield NotRead(row[0].line, text, "its column 'Command' names no command")
            continue
        yield from found
        for name in ("when", "timeout"):
            setting = cells.get(name)
            if setting is not None and setting.plain.strip().casefold() not in {"", "-", "always"}:
                yield NotRead(setting.line, setting.plain, _WITHOUT)


def _read_fence(fence: Fence, kind: Kind, why: str) -> Iterator[Read]:
    """Yield one command per line, or the whole block if a line continues or affects those after it."""
    language = fence.info.split(None, 1)[0].strip("{}.").casefold() if fence.info.split() else ""
    if why or language not in _SHELL:
        shown = fence.content.strip().partition("\n")[0] if why else f"```{fence.info}"
        yield NotRead(fence.line, shown, why or "it is not a block of shell")
        return
    lines = [(number, line.strip()) for number, line in enumerate(fence.content.split("\n"), fence.first)]
    typed = list(_typed(fence))
    whole = "\n".join(line for _, line in typed) or fence.content.rstrip()
    lines = [(number, line) for number, line in typed or lines if line and not line.startswith("#")]
    own = [line for _, line in lines if line.split()[0] not in _SHELL_STATE and not ASSIGNMENT.match(line)]
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


def _typed(fence: Fence) -> Iterator[tuple[int, str]]:
    """Yield the lines behind the prompts of a session, and those in which a command goes on.

    There, a `>` is a prompt where the line begins with it; farther in, it redirects what the command says.
    """
    last = ""
    for number, line in enumerate(fence.content.split("\n"), fence.first):
        if line.strip().startswith("$ ") or (last[:1] != "#" and last.endswith(("\\", "&&", "|"))):
            last = line.removeprefix("> ").strip().removeprefix("$ ").strip()
            yield number, last


def _end_on_failure(block: str) -> str:
    """Return the script of a block that the failure of any of its lines ends."""
    lines, command = ["set -e"], ""
    has_documents = "<<" in block
    for line in block.split("\n"):
        lines.append(line)
        command = f"{command}\n{line}".strip()
        goes_on = len(command) > _LONGEST_TEXT or _goes_on(command)
        if not (goes_on or has_documents) and _UNSEEN.match(command):
            lines.append("(exit $?)")
        command = command if goes_on else ""
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
    return not (is_part or all(map(ASSIGNMENT.match, shlex.split(line, comments=True))))


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
    """Yield the commands of a front matter's `gates`: texts, or `run` of tables; report other keys."""
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
            yield NotRead(line, str(entry), "it has no command, as text or as `run`")
            continue
        yield _gate(run.strip(), line, "gate")
        yield from (NotRead(line, f"{name}: {one}", _WITHOUT) for name, one in table.items() if name != "run")
