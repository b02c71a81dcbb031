"""Calls to the CI host in the steps of CI files: in their shell commands and the scripts that they run."""

from __future__ import annotations

import posixpath
import re

from specguard.rules import Finding
from specguard_rules.content._commands_in_files import Step, Text, YamlError, language, read_yaml, steps
from specguard_rules.content._shell import SHELLS, Command, base_name, commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.rules import Severity, Tree

_HELP: Final = "Call it within the container network (docker compose exec), or give the job a container."
_SHOWN: Final = 10

_HOST: Final = r"(?:localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\]|0\.0\.0\.0)"
_END: Final = r"(?![\w-]|\.\w)"
_URL: Final = re.compile(
    rf"\b[a-z][a-z0-9+.-]{{0,20}}://(?:[^\s/@'\"]{{0,200}}@)?{_HOST}(?::[0-9]{{1,5}})?{_END}", re.IGNORECASE
)
_HOST_PORT: Final = re.compile(rf"(?<![\w.-]){_HOST}:(?:[0-9]{{1,5}}|\$)", re.IGNORECASE)
_BARE: Final = re.compile(rf"(?<![\w.-]){_HOST}{_END}|^::1$", re.IGNORECASE)
_DEVICE: Final = re.compile(rf"/dev/(?:tcp|udp)/{_HOST}/", re.IGNORECASE)

_CLIENTS: Final = frozenset([
    "ab", "curl", "dockerize", "fetch", "grpcurl", "hey", "http", "httpie", "https", "httpx", "k6",
    "mongo", "mongosh", "mysql", "mysqladmin", "nc", "ncat", "netcat", "nmap", "pg_isready", "ping",
    "psql", "redis-cli", "siege", "telnet", "vegeta", "wait-for", "wait-for-it", "wait-for-it.sh",
    "wait-for.sh", "wait-on", "websocat", "wget", "wrk", "xh",
])  # fmt: skip
_SILENT: Final = frozenset([
    ":", "[", "[[", "alias", "awk", "basename", "cat", "cd", "chmod", "chown", "cp", "cut", "declare",
    "dirname", "echo", "egrep", "envsubst", "eval", "export", "false", "fgrep", "find", "for", "grep",
    "head", "jq", "let", "local", "logger", "ls", "mkdir", "mv", "printf", "read", "readonly", "return",
    "rg", "rm", "sed", "set", "sort", "ssh", "tail", "tee", "test", "touch", "tr", "trap", "true",
    "typeset", "unset", "yq", "case", "select",
])  # fmt: skip
_CONTAINERS: Final = frozenset(["docker", "docker-compose", "podman", "podman-compose", "nerdctl", "kubectl"])
_INSIDE: Final = re.compile(r"^\S+(?: (?:compose|container|-\S+(?: [^\s-]\S*)??))*? (?:exec|run)\b")
_ON_HOST: Final = re.compile(r" --net(?:work)?[ =]host\b")
_NAMES_ONLY: Final = re.compile(
    r"\S*\b(?:docker|podman|nerdctl)(?: -\S+)* (?:build|buildx|tag|rmi|images)\b"
    r"|(?:git|npm|pip|yarn|pnpm)(?: \S+)?(?: \S+)? config\b"
)
# The values of these options are data for the called server, or file names.
_DATA: Final = re.compile(
    r"-[dHFeowA]|--(?:data[\w-]*|json|header|form|referer|output|write-out|post-data|body-data|user-agent)"
)
_LISTENS: Final = re.compile(
    r"-{1,2}[\w.-]*(?:bind|listen|advertise|addr|publish|host)[\w.-]*|-[bplLSR]", re.IGNORECASE
)
_ADVERTISES: Final = re.compile(r"-{1,2}[\w.-]*(?:bind|listen|advertise)[\w.-]*", re.IGNORECASE)
_VARIABLE: Final = re.compile(
    r"\$\{\{\s*(?:env|vars)\.(\w+)\s*\}\}|\$\{(\w+)(?:\[[@*0-9]+\])?(?::?[-=]([^}]*))?\}|\$(\w+)"
)
_LONGEST: Final = 10_000

_INTERPRETERS: Final = re.compile(r"(?:python[0-9.]*|pypy3?|node|deno|bun|ruby|perl|php|pwsh|tsx|ts-node)$")
# Options after which the program is not a file, but its text, a module, or standard input.
_SHELL_TEXT: Final = re.compile(r"-|-[a-z]*[cs]")
_CODE_TEXT: Final = re.compile(r"-|-[a-z]*[cemp]|--eval|--print")
# Programs that start another program from their arguments, and those that read commands from their files.
_STARTERS: Final = frozenset(
    ["npx", "uv", "poetry", "pipenv", "pdm", "rye", "hatch", "bundle", "run", "exec"]
)
_RUNNERS: Final = re.compile(
    r"(?:g?make|just|task|rake|tox|nox|invoke)\b|(?:npm|pnpm|yarn) (?:run|test|start|exec)\b"
)
_START: Final = re.compile(
    r"^(?:\$\{?(?:GITHUB_WORKSPACE|CI_PROJECT_DIR|PWD)\}?|\$\{\{\s*github\.workspace\s*\}\}"
    r"|(?P<action>\$\{?GITHUB_ACTION_PATH\}?|\$\{\{\s*github\.action_path\s*\}\}))/"
)

# The beginning of a line that prints, or of a comment.
_SAYS: Final = re.compile(
    r"\s*(?:(?:console\.\w+|print\w*|puts|echo|say|die|warn|Write-(?:Host|Output)|log(?:ger|ging)?\.\w+)\b"
    r"|#|//|\*|/\*)"
)
_QUOTED: Final = re.compile(r"[\"'`]([^\"'`]*)")


def judge(path: bytes, files: Tree, setting: str) -> Iterator[Finding]:
    """Yield findings for the calls of a CI file's steps, and of the scripts that they run.

    Args:
        path: the path of the CI file.
        files: the judged tree.
        setting: the key of the pattern that the file matches.

    Raises:
        MissingFact: the file or a script is too large, or missing.
    """
    file = _CiFile(path, files)
    try:
        file.look()
    except YamlError as error:
        reason, line = error.args
        message = f"the CI file cannot be read: {reason}"
        help = "Correct it, so that its steps can be judged."
        yield Finding(message, help=help, path=path, line=line, key="unreadable", setting=setting)
    for (place, line, called), (message, severity) in sorted(file.found.items()):
        found = Finding(message, help=_HELP, path=place, line=line, key=called, setting=setting)
        found.severity = severity
        yield found
    if file.unfollowed:
        names = [f"{name} (line {line})" for line, name in sorted(file.unfollowed)]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        message = f"not followed from this file: {', '.join(names[:_SHOWN])}{more}"
        help = "See for yourself that they call nothing on the CI host."
        yield Finding(message, help=help, path=path, key="not followed", severity="info", setting=setting)


class _CiFile:
    """The results for a CI file: calls by their place, and the parts that are not followed by their line."""

    def __init__(self, path: bytes, files: Tree) -> None:
        self._path = path
        self._files = files
        self.found: dict[tuple[bytes, int, str], tuple[str, Severity | None]] = {}
        self.unfollowed: set[tuple[int, str]] = set()

    def look(self) -> None:
        top = read_yaml(self._files.read(self._path) or b"")
        if not isinstance(top, dict) or not top:
            raise YamlError("it is no mapping", 1)
        for step in steps(top):
            if not step.contained:
                self._look_at(step)

    def _look_at(self, step: Step) -> None:
        for name, text in step.inputs.items():
            if isinstance(text, Text) and (called := literal(text)):
                self.unfollowed.add((text.line, f"{step.uses} with {name}: {called}"))
        if step.shell.split(" ")[0].rpartition("/")[2].startswith(("python", "node", "ruby", "perl")):
            for part in step.script:
                for line, called in code_literals(part, part.line + part.literal):
                    self._call(step, self._path, line if part.literal else part.line, called)
            return
        # One shell reads all parts of the script.
        shell = Shell([command for part in step.script for command in part.commands()], step.variables)
        for line, called in shell.calls():
            self._call(step, self._path, line, called)
        folder = self._path.rpartition(b"/")[0].decode("utf-8", "surrogateescape")
        for line, name, place in shell.scripts(step.folder.removeprefix("./"), folder):
            self._script(step, name, place, line)

    def _call(self, step: Step, place: bytes, line: int, called: str, through: int = 0) -> None:
        where = f"job {step.job!r}" if step.job else "a composite action"
        by = f", run at {self._path.decode('utf-8', 'backslashreplace')}:{through}," if through else ""
        message = f"{where}{by} calls {called} from the CI host"
        if step.contained is None:
            unless = message + ", unless an included file gives it an image"
            self.found.setdefault((place, line, called), (unless, "warning"))
        elif self.found.get((place, line, called), ("", "warning"))[1]:
            self.found[place, line, called] = message, None

    def _script(self, step: Step, name: str, place: str | None, line: int) -> None:
        """Read a script that a step runs, but not the scripts that this script runs."""
        path = (place or "").encode("utf-8", "surrogateescape")
        data = self._files.read(path) if path else None
        if data is None:
            # A name without a suffix is an installed program, such as `node_modules/.bin/tool`.
            if " " in name or _RUNNERS.match(name) or "." in name.rpartition("/")[2]:
                self.unfollowed.add((line, name))
        else:
            text, kind = data.decode("utf-8", "surrogateescape"), language(path, data)
            shell = Shell(commands(text) if kind == "shell" else (), step.variables)
            inner = [(line, f"{name}: {one}") for _, one, _ in shell.scripts(step.folder)]
            self.unfollowed.update(inner if kind else [(line, name)])
            for number, called in code_literals(text) if kind == "code" else shell.calls():
                self._call(step, path, number, called, line)


def literal(text: str) -> str:
    """Return the first address of the host with a scheme or a port in a text; empty if there is none."""
    match = _URL.search(text) or _HOST_PORT.search(text)
    return match[0] if match else ""


def code_literals(text: str, line: int = 1) -> Iterator[tuple[int, str]]:
    """Yield the host addresses in a program's string literals, except in comments and printed texts."""
    for number, row in enumerate(text.split("\n"), start=line):
        called = next(filter(None, map(literal, _QUOTED.findall(row))), "")
        if called and not _SAYS.match(row):
            yield number, called


class Shell:
    """The commands of one shell and its variables; a variable has all the values assigned to it anywhere."""

    def __init__(self, found: Sequence[Command], variables: Mapping[str, str]) -> None:
        self._commands = found
        self._variables = dict(variables)
        for command in found:
            words, given = command.words, command.variables
            if command.program in ("for", "select") and len(words) > 3:
                given = [(words[1], " ".join(words[3:]))]
            for name, value in given:
                known = f"{self._variables[name]} " if name in self._variables else ""
                self._variables[name] = f"{known}{value}"[:_LONGEST]

    def _expand(self, word: str) -> str:
        for _ in range(3):
            if "$" not in word or len(word) > _LONGEST:
                break
            word = _VARIABLE.sub(self._value, word)
        return word

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[4]
        return self._variables.get(name, match[3] if match[3] is not None else match[0])

    def calls(self) -> Iterator[tuple[int, str]]:
        """Yield the addresses of the host that commands call, each with its line."""
        for command in self._commands:
            called = self._called(command)
            if called:
                yield command.line, called
            elif command.here and not _inside(command.unwrapped()):
                yield from self._here(command)

    def _called(self, command: Command) -> str:
        device = next(filter(None, (_DEVICE.search(self._expand(one)) for one in command.targets)), None)
        if device:
            return device[0]
        words = [self._expand(word) for word in command.unwrapped()]
        program = base_name(words)
        if not words or program in _SILENT or _inside(words) or _NAMES_ONLY.match(" ".join(words)):
            return ""
        for name, value in command.variables:
            called = "" if _ADVERTISES.fullmatch(f"--{name}") else literal(self._expand(value))
            if called:
                return called
        if program in SHELLS:
            return ""
        client, previous = program in _CLIENTS, ""
        for word in words[1:]:
            option = previous if previous.startswith("-") and "=" not in previous else ""
            called = "" if client and _DATA.fullmatch(previous) else _argument(word, option, client=client)
            if called:
                return called
            previous = word
        # The program itself may be a URL, as in a template that fills in the rest.
        return literal(words[0])

    def _here(self, command: Command) -> Iterator[tuple[int, str]]:
        program = base_name(command.unwrapped())
        if program in SHELLS:
            yield from Shell(commands(command.here, command.here_line), self._variables).calls()
        elif _INTERPRETERS.match(program):
            yield from code_literals(command.here, command.here_line)
        elif program in ("done", "xargs", "parallel") or program in _CLIENTS:
            for number, row in enumerate(command.here.split("\n")):
                called = literal(self._expand(row))
                if called and not row.lstrip().startswith("#"):
                    yield command.here_line + number, called

    def scripts(self, folder: str, action: str = "") -> Iterator[tuple[int, str, str | None]]:
        """Yield the scripts that the commands run: the line, the name, and the path; None if it is unknown.

        Args:
            folder: the working directory, relative to the root.
            action: the folder of a composite action's own file.
        """
        for command in self._commands:
            words = [self._expand(word) for word in command.unwrapped()]
            if not words or _inside(words):
                continue
            if words[0] == "cd" and len(words) > 1:
                folder = _place(words[1], folder, action) or folder
            elif _RUNNERS.match(" ".join([base_name(words), *words[1:2]])):
                yield command.line, " ".join(words[:3]), None
            elif name := _script(words):
                yield command.line, name, _place(name, folder, action)


def _argument(word: str, option: str, *, client: bool) -> str:
    """Return the address that an argument calls; without a scheme it needs a port, or a client program."""
    name, equals, value = word.partition("=")
    if equals and name.startswith("-"):
        option, word = name, value
    found = _URL.search(word)
    own = _ADVERTISES if found else _LISTENS
    found = found or (_BARE if client else _HOST_PORT).search(word)
    return found[0] if found and (client or not own.fullmatch(option)) else ""


def _inside(words: Sequence[str]) -> bool:
    """True if a command runs another one inside a container."""
    text = " ".join(words)
    return (
        base_name(words) in _CONTAINERS and _INSIDE.match(text) is not None and _ON_HOST.search(text) is None
    )


def _script(words: Sequence[str]) -> str:
    """Return the script that a command runs, as it is written; empty if it runs none."""
    while base_name(words) in _STARTERS and len(words) > 1:
        words = words[1:]
        while len(words) > 1 and words[0].startswith("-"):
            words = words[1:]
    program = base_name(words)
    shell = program in SHELLS or program in ("source", ".")
    for word in words[1:] if shell or _INTERPRETERS.match(program) else ():
        if (_SHELL_TEXT if shell else _CODE_TEXT).fullmatch(word):
            return ""
        if not word.startswith(("-", "+")) and word != "run":
            return word
    # A pattern of `case` looks like a program too.
    first = words[0]
    no_path = first.startswith(("/", "~")) or any(sign in first for sign in ("://", "*", "?"))
    return first if "/" in first and not no_path else ""


def _place(name: str, folder: str, action: str) -> str | None:
    """Return a name as a path from the repository's root; None if it has a variable or leads outside."""
    start = _START.match(name)
    if start:
        name, folder = name[start.end() :], action if start["action"] else ""
    path = posixpath.normpath(posixpath.join(folder or ".", name or "."))
    if "$" in name + folder or name.startswith(("/", "~")) or path == ".." or path.startswith(("../", "/")):
        return None
    return "" if path == "." else path
