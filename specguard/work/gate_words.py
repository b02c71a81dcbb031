"""Gates as documents write them: in code spans, in tables, and in front matter."""

from __future__ import annotations

import re

from specguard.declaration.patterns import Covering, PatternError
from specguard.documents.content import without_box
from specguard.documents.titles import normal_title
from specguard.work.gates import NotRead, PlannedGate, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final, Literal

    from specguard.documents.blocks import Table, Text
    from specguard.documents.data import Data

    Kind = Literal["gate", "format", "teardown"]


_PROGRAMS: Final = frozenset(
    """
    actionlint ansible ansible-lint ant bandit bash bats bazel bazelisk biome black buf bun bundle bunx cargo
    clang-format clang-tidy cmake codespell composer coverage ctest curl cypress dart deno docker
    docker-compose dotnet eslint flake8 flutter git gitleaks go gofmt goimports golangci-lint gosec gotestsum
    govulncheck gradle gradlew grep grype hadolint hatch helm hypothesis invoke isort jest jq just k6 ktlint
    kubeconform kubectl kubeval lint-imports make markdownlint markdownlint-cli2 meson mix mocha mvn mvnw
    mypy ninja node nox npm npx openapi-generator openspec packer pdm perl phpstan phpunit pip pip-audit
    playwright pnpm podman podman-compose poetry pre-commit prettier promtool protoc psql pulumi pylint
    pyright pytest python python3 rake redocly rg rspec rubocop ruby ruff rustc rustfmt sbt scalafmt semgrep
    sh shellcheck shfmt skaffold specguard spectral sphinx-build sqlfluff standard staticcheck stylelint swift
    swiftlint syft task terraform terragrunt test tflint tofu tox trivy trufflehog ts-node tsc turbo uv uvx
    vale vet vite vitest vulture xcodebuild xmllint yamllint yarn yq zsh
    """.split()  # noqa: SIM905 - as a list it would take two pages
)
"""Programs that tests and checks are made with: behind other words, too, a code span with one is a command.
"""

_NOT_ALONE: Final = frozenset(
    """
    bash bun cargo curl dart deno docker docker-compose dotnet flutter git go grep helm jq kubectl node npm
    npx perl pip pnpm podman poetry psql python python3 rg ruby rustc sh swift terraform test tofu uv uvx vet
    yq zsh
    """.split()  # noqa: SIM905
)
"""Those of which the name alone, without arguments, is only a name."""

_PROGRAM: Final = re.compile(r"(?:\.{1,2}/)?[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_.+-]+)*\Z")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=\S*\Z")
_SCRIPT: Final = re.compile(r"\.(?:sh|bash|zsh)\Z")
_OPERATORS: Final = frozenset({"=", "==", "===", "!=", "->", "=>", ":=", "<=", ">=", "<", "+", "-", "*", "/"})
_PLACEHOLDER: Final = re.compile(r"(?<![<\w&])<[A-Za-z](?:[A-Za-z0-9_ |/.-]{0,40}[A-Za-z0-9_.])?>(?!=)")
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+|\n\s*\n")
_NEGATED: Final = re.compile(
    r"\b(?:not|never|no longer|cannot|without|instead of|rather than|avoid|except|forbidden|prohibited"
    r"|out of scope|skip)\b|n't\b",
    re.IGNORECASE,
)
_OPTIONAL: Final = re.compile(r"\b(?:optional(?:ly)?|manual(?:ly)?|by hand|nice to have)\b", re.IGNORECASE)
_RESULT: Final = re.compile(
    r"(?:\b(?:prints?|printed|returns?|outputs?|output|exits?(?: with)?|shows?|says?|gives?|reports?|yields?"
    r"|expect(?:ed|s)?|result(?:s|ing)?(?: in)?|status|code|contains?|equals?|be|is|are|file|in|to)"
    r"|->|=>|\u2192|\u21d2)[\s:*_(]*\Z",
    re.IGNORECASE,
)
_OR: Final = re.compile(
    r"^[\s,(]*(?:or|alternatively|resp\.)\b[\s:,*_]*(?:use|run|with)?\s*\Z", re.IGNORECASE
)
_AND: Final = re.compile(
    r"^[\s)]*(?:,|;|&|\+|&&|/|\u2192|->|(?:,\s*)?(?:and|then|followed by|as well as|after that|plus)\b)"
    r"(?:\s*(?:also|and|then|finally|run|execute)\b)*[\s:]*\Z",
    re.IGNORECASE,
)
_VERB: Final = re.compile(
    r"(?:\b(?:run|runs|running|execute[sd]?|with|via|using|by|pass(?:es)?|call|invoke|verify|check|command)"
    r"|[:(\u2013\u2014]|(?:^|\s)-|->|\u2192)[\s*_(]*\Z",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(r"[\s*_]*(?P<words>[^`:]{1,60}?)[\s*_]*(?::|\u2013|\u2014|\s-|->|\u2192)[\s*_]*\Z")
# So many characters before a code span have a say in what it is.
_NEAR: Final = 400
_VERBS_ALONE: Final = re.compile(
    r"(?:please |then |and |now |finally )*(?:run|execute|with|via|using|command|commands|check|verify)\Z"
)
_CONDITION: Final = re.compile(
    r"\b(?:if|whenever|when(?! (?:you|done|finished|all|everything|complete))|unless"
    r"|only (?:for|on)|in case|provided|where applicable|for changes)\b",
    re.IGNORECASE,
)
_FORMAT: Final = re.compile(r"^(?:auto ?)?format(?:s|ting|ter|ters)?\b|^code style\b")
_TEARDOWN: Final = re.compile(
    r"^(?:tear ?down|clean ?up|take down|taking down|shut ?down|stop|afterwards?)\b"
)


UNCONDITIONAL: Final = "its condition is not read: it runs whatever is changed"
"""What is told of a command that the document names for some changes only."""


PLACEHOLDER: Final = "it has a place for words that nothing fills in"
"""What is told of a command such as `make run-<name>`."""


class Named:
    """A command that a document names.

    Attributes:
        text: the command.
        line: its line, from 1.
        name: what the document calls it; empty: nothing.
        kind: what it is, as far as its name says.
    """

    __slots__ = ("kind", "line", "name", "text")

    def __init__(self, text: str, line: int, name: str = "", kind: Kind = "gate") -> None:
        self.text = text
        self.line = line
        self.name = name
        self.kind = kind

    def __repr__(self) -> str:
        return f"Named({self.text!r}, {self.line})"


def kind_named(words: str) -> Kind:
    """The kind of gate that a heading or label speaks of."""
    title = normal_title(words)
    if _FORMAT.match(title):
        return "format"
    return "teardown" if _TEARDOWN.match(title) else "gate"


def shape(text: str) -> Literal["sure", "maybe", ""]:
    """How much a text looks like a command.

    Returns:
        `sure` for a known program with its arguments, or a script; `maybe` for what a command may look like;
        empty for what none does, such as a path, a value or an expression.
    """
    words = plain_command(text).split()
    while words and _ASSIGNMENT.match(words[0]):
        del words[0]
    if not words or not _PROGRAM.match(words[0]) or any(word in _OPERATORS for word in words[1:2]):
        return ""
    name = words[0].rpartition("/")[2]
    if "/" in words[0] and (words[0].startswith("./") or _SCRIPT.search(name)):
        return "sure"
    if name in _PROGRAMS:
        if len(words) > 1:
            return "sure"
        return "" if name in _NOT_ALONE else "maybe"
    if len(words) == 1 or name[:1].isupper() or ("/" in words[0] and "." in name):
        return ""
    return "maybe"


def plain_command(text: str) -> str:
    """A code span's command without the prompt before it."""
    return " ".join(re.sub(r"^\s*[$%]\s+", "", text).split())


def owes_words(command: str) -> bool:
    """Whether a command has a place for words that a person fills in, as `runs/<name>/`."""
    return bool(_PLACEHOLDER.search(command))


def commands_in(text: Text, *, listed: bool, kind: Kind = "gate") -> tuple[list[Named], list[NotRead]]:
    """The commands that a text names in code spans.

    The first span of an item is a command where it may be one. Behind it those are that are joined to it, or
    that a known program begins. What a sentence says not to run, what it calls an alternative and what it
    says comes of a command are none.

    Args:
        text: an item's, a cell's or a paragraph's.
        listed: whether it is an item or a cell, which exists to name something.
        kind: what the section names.

    Returns:
        The commands, and what could be one and is not taken.
    """
    found: list[Named] = []
    passed: list[NotRead] = []
    raw = text.raw
    end = 0
    joined = False
    for number, span in enumerate(text.codes):
        command = plain_command(span.content)
        line = text.line + raw.count("\n", 0, span.start)
        before = raw[max(end, span.start - _NEAR) : span.start]
        sentence = _SENTENCE.split(raw[max(0, span.start - _NEAR) : span.start])[-1]
        first, after_taken = number == 0, joined
        end, joined = span.end, False
        form = shape(command)
        alone = first and listed and without_box(raw).strip("*_ .") == raw[span.start : span.end]
        if alone and not form and _PROGRAM.match(command) and "/" not in command and "." not in command:
            form = "maybe"
        if not form or (not first and _RESULT.search(before) and form != "sure"):
            continue
        label = _LABEL.match(without_box(raw[: span.start])) if first and span.start <= _NEAR else None
        begins = listed and first and (bool(label) or not without_box(before).strip("*_ ("))
        takes = form == "sure" or begins or bool(first and _VERB.search(before))
        why = ""
        if _NEGATED.search(sentence):
            why = "the sentence says not to"
        elif owes_words(command):
            why = PLACEHOLDER
        elif _OPTIONAL.search(sentence):
            why = "it is not a command's to do, or need not be done"
        elif after_taken and _OR.match(before):
            why = "it is an alternative to the one before it"
        elif not takes and not (after_taken and _AND.match(before)):
            if " " not in command:
                continue
            why = "nothing says that it is a command to run"
        if why:
            passed.append(NotRead(line, command, why))
            continue
        name = _name(label["words"]) if label else ""
        found.append(Named(command, line, name, kind if kind != "gate" else kind_named(name)))
        joined = True
    if found and _CONDITION.search(_prose(text)):
        passed.append(NotRead(text.line, text.plain, UNCONDITIONAL))
    return found, passed


def _name(words: str) -> str:
    plain = words.strip("*_ \t\n([")
    return "" if _VERBS_ALONE.match(plain.casefold()) or "\n" in plain else plain


def _prose(text: Text) -> str:
    """A text without its code spans."""
    raw = text.raw
    for span in reversed(text.codes):
        raw = raw[: span.start] + raw[span.end :]
    return raw


_TABLE_TIMEOUT: Final = re.compile("[1-9][0-9]*[smh]")
_KEYS: Final = ("name", "run", "when", "on", "each", "kind", "timeout", "wrapper")
_CHANGES: Final = ("added", "modified", "deleted")
_KINDS: Final = ("gate", "format", "teardown")


def front_matter_gates(properties: Data) -> Iterator[PlannedGate | NotRead]:
    """The gates of a front matter.

    Args:
        properties: the front matter.

    Returns:
        The gates, and what is wrong with them: an entry without a command is none, and a setting that is not
        understood is left at what makes the gate run.
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
        yield from _table_gate(entry, properties.line(path) or 1)


def _of_pair(name: str, value: Any) -> Any:
    """An entry of a mapping of names to commands or tables."""
    if isinstance(value, str):
        return {"name": name, "run": value}
    return {"name": name, **value} if isinstance(value, dict) else value


def _table_gate(entry: Any, line: int) -> Iterator[PlannedGate | NotRead]:
    if isinstance(entry, str):
        entry = {"run": entry}
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
    if key == "timeout" and isinstance(value, str) and _TABLE_TIMEOUT.fullmatch(value):
        return value
    if key == "wrapper" and isinstance(value, list) and listed:
        return tuple(value)
    return None


_COMMAND: Final = re.compile(r"\b(?:commands?|cmd|run|how|invocation|script)\b", re.IGNORECASE)
_NAME: Final = re.compile(r"\b(?:name|gate|check|step|test|what|id|verification)\b", re.IGNORECASE)
_WHEN: Final = re.compile(
    r"\b(?:when|paths?|files?|applies to|condition|trigger|only for|if)\b", re.IGNORECASE
)
_TIMEOUT_COLUMN: Final = re.compile(r"\b(?:timeout|time limit|limit)\b", re.IGNORECASE)
_DURATION: Final = re.compile(r"([1-9][0-9]*)\s*(s|m|h)(?:ec(?:onds?)?|in(?:utes?)?|ours?)?\Z", re.IGNORECASE)
_ALWAYS: Final = frozenset({"", "-", "\u2013", "\u2014", "always", "any", "all", "every change", "yes"})


def row_gates(table: Table, kind: Kind) -> Iterator[PlannedGate | NotRead]:
    """The gates of a table: of each row the commands in the column for them, else in its first cell with any.

    Args:
        table: the table.
        kind: what its section names.
    """
    titles = [cell.plain for cell in table.header]
    command = _column(titles, _COMMAND)
    name = _column([title if number != command else "" for number, title in enumerate(titles)], _NAME)
    for row in table.rows:
        cells = [row[command]] if command is not None and command < len(row) else row
        gates: list[PlannedGate] = []
        for cell in cells:
            found, passed = commands_in(cell, listed=True, kind=kind)
            if not found and command is not None and not cell.codes and shape(cell.plain) == "sure":
                gates = [_row_gate(plain_command(cell.plain), cell.line, kind)]
            gates += [_row_gate(one.text, one.line, one.kind) for one in found]
            yield from passed
            if gates:
                break
        if not gates:
            line = row[0].line if row else table.line
            yield NotRead(line, " | ".join(cell.plain for cell in row), "the row names no command")
            continue
        called = row[name].plain.strip() if name is not None and name < len(row) else ""
        own = kind_named(called) if kind == "gate" else kind
        when, unread = _when(titles, row)
        if unread is not None:
            yield unread
        timeout = _timeout(titles, row)
        for gate in gates:
            yield gate.but(
                name=called or gate.name,
                kind=own if own != "gate" else gate.kind,
                when=when,
                timeout=timeout,
            )


def _row_gate(command: str, line: int, kind: Kind) -> PlannedGate:
    return PlannedGate(
        name=name_of(command),
        run=command,
        source="document",
        line=line,
        kind=kind,
        each="{file}" in command,
    )


def _column(titles: Sequence[str], wanted: re.Pattern[str]) -> int | None:
    return next((number for number, title in enumerate(titles) if wanted.search(title)), None)


def _when(titles: Sequence[str], row: Sequence[Text]) -> tuple[Covering, NotRead | None]:
    column = _column(titles, _WHEN)
    if column is None or column >= len(row):
        return Covering(), None
    cell = row[column]
    if cell.plain.strip().casefold() in _ALWAYS:
        return Covering(), None
    spans = cell.spans
    rest = re.sub("`+[^`]*`+", "", cell.raw)
    try:
        if spans and not re.sub(r"\b(?:and|or)\b|[\s,;]", "", rest):
            return Covering(spans), None
    except PatternError:
        pass
    return Covering(), NotRead(cell.line, cell.plain, UNCONDITIONAL)


def _timeout(titles: Sequence[str], row: Sequence[Text]) -> str:
    column = _column(titles, _TIMEOUT_COLUMN)
    found = _DURATION.match(row[column].plain.strip()) if column is not None and column < len(row) else None
    return f"{found[1]}{found[2].lower()}" if found else ""
