"""What a work item's document says of gates: in its sections on them, and in its front matter.

A list item, a table's row or a paragraph names a command as a code span, a fenced block of shell has one a
line. The Markdown that people write says much else in such sections; whatever could be meant as a command
and is not taken as one is told.

A line may be all there is of a command, or a loop may go over several of them. `cd backend` or `export A=b`
on a line of its own is for the lines after it, and goes before each of them.
"""

from __future__ import annotations

import re

from specguard.documents.blocks import Fence, Footnote, Heading, Html, List, Paragraph, Quote, Table, Text
from specguard.documents.document import Document
from specguard.documents.titles import BOLD_LEVEL, bold_words, find_sections, near_section, normal_title
from specguard.work.gate_words import (
    PLACEHOLDER,
    Named,
    commands_in,
    front_matter_gates,
    kind_named,
    owes_words,
    row_gates,
    shape,
)
from specguard.work.gates import NotRead, PlannedGate, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock
    from specguard.work.gate_words import Kind

    Read = PlannedGate | NotRead


_SHELL: Final = frozenset(
    ("sh", "bash", "shell", "zsh", "ksh", "dash", "console", "shellsession", "shell-session", "sh-session",
     "bash-session", "terminal", "session", "shellscript", "shell-script", "cmd"),
)  # fmt: skip
_UNTOLD: Final = frozenset({"", "text", "txt", "plain", "plaintext"})
_APART: Final = re.compile(
    r"^(?:out of scope|not (?:run|included|required|needed|in scope)|excluded|skipped|manual|optional|by hand"
    r"|non goals|do not|don t|never|must not|forbidden|examples?|expected|sample|results?|outputs?|evidence"
    r"|troubleshooting|rollback|rolling back)\b"
)
_OUTPUT: Final = re.compile(
    r"(?:expected|outputs?|prints?|results?|looks? like|shows?|says?|example|returns?|log)[^.:]{0,60}:\s*\Z",
    re.IGNORECASE,
)
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


# In a block that is no shell's, what stands apart in brackets: `make check    (two minutes)`.
_REMARK: Final = re.compile(r"\s{2,}\([^()]*\)\Z")
# What takes a composition down again does so whether the gates passed or not.
_DOWN: Final = re.compile(r"(?:^|&&\s)(?:docker|podman)[ -]compose\b[^;&|]*\sdown\b")


class Sections:
    """What a document says of gates.

    Attributes:
        gates: the gates, in order.
        not_read: what is not run, or not as it is said.
        format_all: where its section on formatting asks for the whole repository; empty: nowhere.
    """

    __slots__ = ("format_all", "gates", "not_read")

    def __init__(self, gates: Sequence[PlannedGate], not_read: Sequence[NotRead], format_all: str) -> None:
        self.gates = gates
        self.not_read = not_read
        self.format_all = format_all


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
    read: list[Read] = list(front_matter_gates(document.properties))
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
        if near is not None and near.why != "in the front matter":
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
    """The gates of blocks; those below a heading such as "Manual checks" stand apart and are only told."""
    apart = said = ""
    level = 0
    under = kind
    output = False
    for block in blocks:
        heading = _heading(block)
        if heading:
            deep, words = heading
            if level and deep > level:
                continue
            apart = words if _APART.match(normal_title(words)) else ""
            level = deep if apart or kind_named(words) != "gate" else 0
            under = kind_named(words) if kind == "gate" else kind
            said = ""
        elif isinstance(block, Paragraph):
            line = block.text.plain.rpartition("\n")[2]
            says = normal_title(line) if line.rstrip().endswith(":") else ""
            output = bool(_OUTPUT.search(line))
            said = line if _APART.match(says) and not output else ""
            if not said and not apart:
                yield from _of_text(block.text, under, listed=False)
        elif output and isinstance(block, Fence):
            output = False
        elif apart or said:
            yield from _told(block, f"it stands under {apart or said!r}")
            said = ""
        else:
            yield from _of_block(block, under)


def _heading(block: AnyBlock) -> tuple[int, str] | None:
    """The level and the words of a heading, or of a bold line that stands for one."""
    if isinstance(block, Heading):
        return block.level, block.text.plain
    words = bold_words(block.text) if isinstance(block, Paragraph) else ""
    return (BOLD_LEVEL, words) if words and "`" not in words else None


def _of_block(block: AnyBlock, kind: Kind) -> Iterator[Read]:
    if isinstance(block, List):
        for item in block.items:
            named = list(_of_text(item.text, kind, listed=True))
            apart = _APART.match(normal_title(item.text.plain))
            below: list[Read] = []
            if apart and item.rest:
                below = [
                    one for part in item.rest for one in _told(part, f"it stands under {item.text.plain!r}")
                ]
            elif item.rest:
                title = kind if kind != "gate" else kind_named(item.text.plain.rstrip(": "))
                below = list(_of(item.rest, title))
            if not named and not below:
                named = [NotRead(item.line, item.text.plain or "an item", "it names no command")]
            yield from named
            yield from below
    elif isinstance(block, Table):
        yield from row_gates(block, kind)
    elif isinstance(block, Fence):
        yield from _of_fence(block, kind)
    elif isinstance(block, Quote | Html | Footnote):
        yield from _told(block, "it stands in a quote, in HTML or in a footnote")


def _of_text(text: Text, kind: Kind, *, listed: bool) -> Iterator[Read]:
    found, passed = commands_in(text, listed=listed, kind=kind)
    for one in found:
        yield _gate(one)
    yield from passed


def _of_fence(fence: Fence, kind: Kind) -> Iterator[Read]:
    language = fence.info.split(None, 1)[0].strip("{}.").casefold() if fence.info.split() else ""
    if language not in _SHELL and language not in _UNTOLD:
        yield NotRead(fence.line, f"```{fence.info}", "it is no block of shell")
        return
    for line in shell_lines(fence.content, fence.first):
        if line.problem:
            yield NotRead(line.line, line.text, line.problem)
        elif language in _UNTOLD and not shape(line.own):
            yield NotRead(line.line, line.text, "it does not look like a command")
        elif owes_words(line.text):
            yield NotRead(line.line, line.text, PLACEHOLDER)
        else:
            text = _REMARK.sub("", line.text) if language in _UNTOLD else line.text
            yield _gate(Named(text, line.line, name_of(line.own), kind))


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
        if any(shape(span) for span in block.text.spans):
            yield NotRead(block.line, block.text.plain, why)
    elif isinstance(block, Quote | Footnote):
        for one in block.blocks:
            yield from _told(one, why)
    elif isinstance(block, Fence):
        yield NotRead(block.line, block.content.strip().partition("\n")[0], why)
    elif isinstance(block, Html) and re.search("<(?:code|pre)", block.content, re.IGNORECASE):
        yield NotRead(block.line, block.text, why)


def _gate(named: Named) -> PlannedGate:
    # What runs it is /bin/sh; a text that this would not understand names its shell.
    run = named.text
    if needs_bash(run):
        import shlex

        run = f"bash -c {shlex.quote(run)}"
    down = named.kind == "gate" and _DOWN.search(named.text)
    return PlannedGate(
        name=named.name or name_of(named.text),
        run=run,
        source="document",
        line=named.line,
        kind="teardown" if down else named.kind,
        each="{file}" in run,
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


_LONGEST: Final = 100
_PROMPT: Final = re.compile(r"\s*(?:\([^()]*\)\s*)?(?:[\w.@~:/-]*[$%\u276f])\s+(?=\S)")
_CONTINUED: Final = re.compile(r"\s*>\s?")
_LASTS: Final = re.compile(
    r"(?:cd|pushd|popd|export|source|\.|set|unset|umask|ulimit|shopt|alias)\s[^;&|\n]*\Z|cd\Z"
    r"|(?:[A-Za-z_]\w*=(?:[^\s;&|\"'()]|\"[^\"]*\"|'[^']*')*\s*)+\Z"
)
_HEREDOC: Final = re.compile(r"<<-?\s*(?P<quote>[\"']?)(?P<word>\w+)(?P=quote)")
_TOKEN: Final = re.compile(r"[;&|(){}\n]|[^\s;&|(){}]+")
_OPENING: Final = frozenset({"if", "for", "while", "until", "case", "select", "{"})
_CLOSING: Final = frozenset({"fi", "done", "esac", "}"})
_BEFORE_COMMAND: Final = frozenset({";", "&", "|", "(", "{", "\n", "do", "then", "else", "elif", "!"})
_BASH: Final = re.compile(
    r"\[\[|<\(|<<<|&>|\(\(|\$'|\bpipefail\b|(?:^|[\s;&|])(?:source|declare|local|shopt|function|mapfile)\s"
    r"|\$\{[^{}]*(?:/|\^|,,|\[)[^{}]*\}|\{[^{}\s]*(?:\.\.|,)[^{}\s]*\}"
)


class Line:
    """A command of a block.

    Attributes:
        line: where it begins, from 1.
        text: the command; what lasts from the lines before it stands before it.
        own: the same without that.
        problem: why it is none; empty where it is one.
    """

    __slots__ = ("line", "own", "problem", "text")

    def __init__(self, line: int, text: str, own: str, problem: str = "") -> None:
        self.line = line
        self.text = text
        self.own = own
        self.problem = problem

    def __repr__(self) -> str:
        return f"Line({self.line}, {self.text!r}, {self.problem!r})"


def shell_lines(content: str, first: int) -> Iterator[Line]:
    """The commands of a block.

    Args:
        content: its text.
        first: the line of its first line.
    """
    lasting: list[tuple[int, str]] = []
    used = True
    for number, text in _commands(content.split("\n"), first):
        if text.count("\n") >= _LONGEST or not _has_ended(text):
            yield Line(number, text, text, "it does not come to an end")
        elif _LASTS.match(text):
            lasting.append((number, text))
            used = False
        else:
            used = True
            yield Line(number, " && ".join([*(one for _, one in lasting), text]), text)
    if not used:
        number, text = lasting[-1]
        yield Line(number, text, text, "nothing follows that it is for")


def needs_bash(command: str) -> bool:
    """Whether a command has what only bash and its like understand."""
    return bool(_BASH.search(re.sub("'[^']*'", "_", command)))


def _commands(lines: Sequence[str], first: int) -> Iterator[tuple[int, str]]:
    """Each command with the line that it begins on; of a session what stands behind a prompt alone."""
    prompted = any(_PROMPT.match(line) for line in lines)
    pending: list[str] = []
    begins = first
    for number, line in enumerate(lines, first):
        if not pending:
            prompt = _PROMPT.match(line) if prompted else None
            if prompted and prompt is None:
                continue
            text = line[prompt.end() :] if prompt else line.strip()
            text = _without_comment(text)
            if not text:
                continue
            begins = number
        else:
            text = _CONTINUED.sub("", line, count=1) if prompted else line
        pending.append(text.rstrip())
        whole = "\n".join(pending)
        # One that is longer is not looked at again and again: it takes all that follows.
        if len(pending) <= _LONGEST and _has_ended(whole):
            yield begins, _on_one_line(whole)
            pending = []
    if pending:
        yield begins, "\n".join(pending).rstrip()


def _on_one_line(text: str) -> str:
    """A command without the marks of lines that go on; other lines stay."""
    return re.sub(r"[ \t]*\\\n[ \t]*", " ", text).strip() if "<<" not in text else text


def _without_comment(text: str) -> str:
    """A line without the comment at its end."""
    shown = _unquoted(text)
    comment = re.search(r"(?:^|\s)#", shown)
    return (text[: comment.start()] if comment else text).strip()


def _unquoted(text: str) -> str:
    """A text with each quoted character replaced, so that it is as long as before; an open quote stays."""
    found: list[str] = []
    quote = ""
    skip = False
    for char in text:
        if skip:
            skip = False
            found.append("_" if char != "\n" else " ")
        elif char == "\\" and quote != "'":
            skip = True
            found.append("_")
        elif quote:
            if char == quote:
                quote = ""
            found.append("_")
        elif char in "\"'":
            quote = char
            found.append("_")
        else:
            found.append(char)
    if quote or skip:
        found.append("\0")
    return "".join(found)


def _has_ended(text: str) -> bool:
    """Whether nothing more belongs to a command."""
    heredoc = _HEREDOC.search(text)
    if heredoc and "<<<" not in text:
        ends = [line.strip() for line in text.split("\n")[1:]]
        if heredoc["word"] not in ends:
            return False
        text = text[: heredoc.start()]
    bare = _unquoted(text)
    if "\0" in bare or re.search(r"(?:&&|\|\|?)\s*\Z", bare):
        return False
    depth = cases = 0
    at_command = True
    for token in _TOKEN.findall(bare):
        if at_command and token in _OPENING:
            depth += 1
            cases += token == "case"  # noqa: S105 - a word of shell
        elif at_command and token in _CLOSING:
            depth -= 1
            cases -= token == "esac"  # noqa: S105
        elif token == "(":  # noqa: S105
            depth += 1
        elif token == ")" and not cases:  # noqa: S105
            depth -= 1
        at_command = token in _BEFORE_COMMAND
    return depth <= 0
