"""Calls of services on the host itself, in shell commands and in the literals of other languages."""

from __future__ import annotations

import re

from specguard_rules.content._shell import SHELLS, commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard_rules.content._shell import Command

_HOST: Final = r"(?:localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\]|0\.0\.0\.0)"
_END: Final = r"(?![\w-]|\.\w)"
_URL: Final = re.compile(
    rf"\b[a-z][a-z0-9+.-]{{0,20}}://(?:[^\s/@'\"]{{0,200}}@)?{_HOST}(?::[0-9]{{1,5}})?{_END}", re.IGNORECASE
)
_HOST_PORT: Final = re.compile(rf"(?<![\w.-]){_HOST}:(?:[0-9]{{1,5}}|\$)", re.IGNORECASE)
_BARE: Final = re.compile(rf"(?<![\w.-]){_HOST}{_END}", re.IGNORECASE)
_DEVICE: Final = re.compile(rf"/dev/(?:tcp|udp)/{_HOST}/", re.IGNORECASE)
_WORDS: Final = re.compile(rb"localhost|127\.[0-9]|\[::1\]|0\.0\.0\.0", re.IGNORECASE)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLIENTS: Final = _names("""
    ab curl curlie dockerize fetch grpcurl h2load hey http http-prompt httpie https httpx k6 lwp-request mongo
    mongosh mysql mysqladmin nc ncat netcat nmap oha pg_isready ping psql redis-cli siege telnet vegeta
    wait-for wait-for-it wait-for-it.sh wait-for.sh wait-on websocat wget wrk xh xhs
""")
"""Programs for which a host's name alone, without scheme or port, is a call."""

_SILENT: Final = _names("""
    : [ [[ alias awk basename cat cd chmod chown cp cut declare dirname echo egrep envsubst export false fgrep
    find for grep gsed head jq let local logger ls mkdir mv printf read readonly return rg rm sed set sort ssh
    tail tee test touch tr trap true typeset uniq unset yq case select
""")
"""Programs and words of the shell whose arguments are text or names, or are for another host (`ssh`)."""

_CONTAINERS: Final = frozenset(["docker", "docker-compose", "podman", "podman-compose", "nerdctl", "kubectl"])
_CONTAINER_VALUED: Final = _names("""
    -f --file -p --project-name --project-directory --env-file --profile -H --host -c --context --config -l
    --log-level -n --namespace
""")
# What follows these is data for the server that is called, or the name of a file.
_DATA: Final = _names("""
    -d --data --data-raw --data-binary --data-urlencode --json -H --header -F --form -e --referer -o --output
    -w --write-out --post-data --body-data -A --user-agent
""")
_LISTENS: Final = re.compile(
    r"-{1,2}[\w.-]*(?:bind|listen|advertise|addr|publish|host)[\w.-]*|-[bplLSR]", re.IGNORECASE
)
_ADVERTISES: Final = re.compile(r"-{1,2}[\w.-]*(?:bind|listen|advertise)[\w.-]*", re.IGNORECASE)
_VARIABLE: Final = re.compile(
    r"\$\{\{\s*(?:env|vars)\.(\w+)\s*\}\}|\$\{(\w+)(?:\[[@*0-9]+\])?(?::?[-=]([^}]*))?\}|\$(\w+)"
)
_LONGEST: Final = 10_000


def mentions(data: bytes) -> bool:
    """Whether a file has the name of the host itself anywhere."""
    return _WORDS.search(data) is not None


def literal(text: str) -> str:
    """The first URL, or host and port, of the host itself in a text; empty where there is none."""
    match = _URL.search(text) or _HOST_PORT.search(text)
    return match[0] if match else ""


class Shell:
    """What the commands of one shell call, with the variables that they set.

    Variables have all the values that are given to them anywhere in the text: which of them is set when is
    not followed.

    Args:
        found: the commands.
        variables: those set before.
    """

    def __init__(self, found: Sequence[Command], variables: Mapping[str, str]) -> None:
        self.commands = found
        self._variables = dict(variables)
        for command in found:
            for name, value in command.assigned:
                self._assign(name, value)
            words = command.words
            if command.program in ("export", "declare", "local", "readonly", "typeset"):
                for word in words[1:]:
                    name, equals, value = word.partition("=")
                    if equals:
                        self._assign(name, value)
            elif command.program in ("for", "select") and len(words) > 3:
                self._assign(words[1], " ".join(words[3:]))

    def _assign(self, name: str, value: str) -> None:
        known = self._variables.get(name)
        self._variables[name] = (value if known is None else f"{known} {value}")[:_LONGEST]

    def expand(self, word: str) -> str:
        """A word with the variables that are known replaced, and those in their values."""
        for _ in range(3):
            if "$" not in word or len(word) > _LONGEST:
                break
            word = _VARIABLE.sub(self._value, word)
        return word

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[4]
        return self._variables.get(name, match[3] if match[3] is not None else match[0])

    def calls(self) -> Iterator[tuple[int, str]]:
        """The line of each command that calls the host itself, and what it calls."""
        for command in self.commands:
            called = self._called(command)
            if called:
                yield command.line, called
            elif command.here and not inside(command.unwrapped()):
                yield from self._here(command)

    def _called(self, command: Command) -> str:
        for target in command.targets:
            device = _DEVICE.search(self.expand(target))
            if device:
                return device[0]
        words = [self.expand(word) for word in command.unwrapped()]
        if not words or inside(words) or _names_only(words):
            return ""
        program = words[0].rpartition("/")[2]
        if program in _SILENT:
            return ""
        for name, value in (*command.assigned, *_assigned_by_env(command.words)):
            called = "" if _ADVERTISES.fullmatch(f"--{name}") else literal(self.expand(value))
            if called:
                return called
        if program in SHELLS or program == "eval":
            return ""
        previous = ""
        for word in words[1:]:
            skipped = previous in _DATA and program in _CLIENTS
            option = previous if previous.startswith("-") and "=" not in previous else ""
            called = "" if skipped else _argument(word, option, client=program in _CLIENTS)
            if called:
                return called
            previous = word
        # A URL as the program itself, as in a template that fills in the rest.
        return literal(words[0])

    def _here(self, command: Command) -> Iterator[tuple[int, str]]:
        program = next(iter(command.unwrapped()), "").rpartition("/")[2]
        if program in SHELLS:
            yield from Shell(commands(command.here, command.here_line), self._variables).calls()
        elif program.startswith(("python", "node", "ruby", "perl", "php", "deno", "bun")):
            for number, text in code_literals(command.here, "." + program):
                yield command.here_line + number - 1, text
        elif program in ("done", "xargs", "parallel") or program in _CLIENTS:
            for number, row in enumerate(command.here.split("\n")):
                called = literal(self.expand(row))
                if called and not row.lstrip().startswith("#"):
                    yield command.here_line + number, called


def _assigned_by_env(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The variables that `env A=b ...` sets, of a command's words as they are written."""
    if any(word.rpartition("/")[2] == "env" for word in words):
        for word in words:
            name, equals, value = word.partition("=")
            if equals and name.isidentifier():
                yield name, value


def _argument(word: str, option: str, *, client: bool) -> str:
    """What an argument calls, if it does; `option` is the option before it whose value it may be."""
    name, equals, value = word.partition("=")
    if equals and name.startswith("-"):
        option, word = name, value
    url = _URL.search(word)
    if url:
        return "" if _ADVERTISES.fullmatch(option) and not client else url[0]
    if client:
        bare = _BARE.search(word)
        return bare[0] if bare else "::1" if word == "::1" else ""
    address = _HOST_PORT.search(word)
    return address[0] if address and not _LISTENS.fullmatch(option) else ""


def _subcommand(words: Sequence[str]) -> str:
    """The subcommand of a container tool, `compose` and `container` passed over."""
    at = 1
    while at < len(words):
        word = words[at]
        if word.startswith("-"):
            at += 2 if word in _CONTAINER_VALUED else 1
        elif word in ("compose", "container"):
            at += 1
        else:
            return word
    return ""


def inside(words: Sequence[str]) -> bool:
    """Whether a command's arguments run within a container, and not one in the host's network."""
    if not words or words[0].rpartition("/")[2] not in _CONTAINERS:
        return False
    if _subcommand(words) not in ("exec", "run"):
        return False
    text = " ".join(words)
    return not re.search(r" --net(?:work)?[ =]host\b", text)


def _names_only(words: Sequence[str]) -> bool:
    """Whether a program is only given a name: of an image whose registry is on the host, or of a setting."""
    program = words[0].rpartition("/")[2]
    if program in _CONTAINERS:
        return _subcommand(words) in ("build", "buildx", "tag", "rmi", "images")
    return program in ("git", "npm", "pip", "yarn", "pnpm") and "config" in words[1:4]


_PRINTS: Final = re.compile(
    r"\s*(?:console\.\w+|print\w*|puts|echo|say|die|warn|Write-(?:Host|Output)|log(?:ger|ging)?\.\w+)\b"
)
_LOGS: Final = frozenset(
    ["print", "debug", "info", "warning", "error", "exception", "critical", "log", "echo"]
)


def code_literals(text: str, suffix: str) -> Iterator[tuple[int, str]]:
    """The line and text of each URL, or host and port, of the host itself in a program.

    Comments and what is only printed are left out.

    Args:
        text: the program.
        suffix: its file name's suffix, such as `.py`.
    """
    if suffix.startswith(".py"):
        found = _python_literals(text)
        if found is not None:
            yield from found
            return
    block = False
    for number, row in enumerate(text.split("\n"), start=1):
        code, block = _without_comments(
            row, block, hashes=suffix not in (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
        )
        called = literal(code)
        if called and not _PRINTS.match(code):
            yield number, called


def _python_literals(text: str) -> list[tuple[int, str]] | None:
    """The same for Python, by its grammar; None where it does not parse."""
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes, which are not ours to mend
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    left_out: set[int] = set()
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            words = [*node.args, *(k.value for k in node.keywords)] if name in _LOGS else []
            words += [k.value for k in node.keywords if k.arg in ("help", "description", "epilog")]
            left_out.update(id(inner) for word in words for inner in ast.walk(word))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            for number, row in enumerate(node.value.split("\n")):
                called = literal(row)
                if called:
                    found.append((node.lineno + number, called))
    return sorted(found)


def _without_comments(row: str, block: bool, *, hashes: bool) -> tuple[str, bool]:
    """A line without its comments, and whether it ends within a `/* */`."""
    kept = ""
    while row:
        if block:
            _, closed, row = row.partition("*/")
            block = not closed
            continue
        # `//` of a URL and `/*` of a glob have something before them.
        mark = re.search(
            r"(?:^|(?<=[\s;{}()]))(?://|/\*|#)" if hashes else r"(?:^|(?<=[\s;{}()]))(?://|/\*)", row
        )
        if mark is None:
            return kept + row, False
        kept += row[: mark.start()]
        if mark[0] != "/*":
            return kept, False
        block, row = True, row[mark.end() :]
    return kept, block
