"""Calls to the CI host in the steps of CI files: in their shell commands and the scripts that they run."""

from __future__ import annotations

import posixpath
import re

from specguard.rules import Finding
from specguard_rules.content._commands_in_files import Step, Text, YamlError, language, read_yaml, steps
from specguard_rules.content._shell import SHELLS, Command, base_name, parse_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.rules import Severity, Tree

_HELP: Final = "Call it within the container network (docker compose exec), or give the job a container."
_MOST_LISTED: Final = 10

_LOCAL: Final = r"(?:(?:ip6-|[\w.-]{1,63}\.)?localhost|host\.(?:docker|containers)\.internal)"
_HOST: Final = rf"(?:{_LOCAL}|127(?:\.[0-9]{{1,3}}){{3}}|(?<![^/]/)127(?:\.0)?\.1|\[::1\]|0\.0\.0\.0)"
_END: Final = r"(?![\w-]|\.\w)"
_URL: Final = re.compile(
    rf"\b[a-z][a-z0-9+.-]{{0,20}}://(?:[^\s/@'\"]{{0,200}}@)?{_HOST}(?::[0-9]{{1,5}})?{_END}", re.IGNORECASE
)
# A port follows, no address as in `--add-host`, or it is in a connection string: `host=localhost user=x`.
# Without a scheme, a program listens at `0.0.0.0:80`.
_HOST_PORT: Final = re.compile(
    rf"(?<![\w.-])(?!0\.0\.0\.0){_HOST}:(?:[0-9]{{1,5}}(?![0-9]*\.[0-9])|\$)|(?-i:(?<=[Hh]ost=)|"
    rf"(?<=[Ss]erver=)|(?<=[Ss]ource=)){_HOST}(?=(?:,[0-9]{{1,5}})?(?:;$|[ ;] ?\w[\w ]{{0,30}}=))",
    re.IGNORECASE,
)
# Some clients take a port by itself for one of this host: `http :8080/x`, `wait-on tcp:8080`.
_BARE: Final = re.compile(rf"(?i)(?:(?<![\w.-])|(?<=^-h)){_HOST}{_END}|^::1$|^(?:tcp)?:[0-9]{{2,5}}(?=/|$)")
# Variables with the host of a service, whose port has a default.
_SERVICE: Final = re.compile(r"(?i)(?:PG|\w*(?:DB|DATABASE|SQL|POSTGRES|MONGO|REDIS|MQ|KAFKA)_)HOST(?:NAME)?")
_DEVICE: Final = re.compile(rf"/dev/(?:tcp|udp)/{_HOST}/", re.IGNORECASE)

_CLIENTS: Final = frozenset([
    "ab", "curl", "dockerize", "fetch", "grpcurl", "hey", "http", "httpie", "https", "httpx", "kafkacat",
    "kcat", "mongo", "mongosh", "mysql", "mysqladmin", "nc", "ncat", "netcat", "nmap", "pg_isready", "ping",
    "psql", "redis-cli", "siege", "telnet", "vegeta", "wait-for", "wait-for-it", "wait-for-it.sh",
    "wait-for.sh", "wait-on", "websocat", "wget", "wrk", "xh",
])  # fmt: skip
# These read what they call from their environment, too.
_CLIENTS_BY_ENVIRONMENT: Final = frozenset([
    "clickhouse-client", "cqlsh", "createdb", "dropdb", "grpc_health_probe", "mongodump", "mosquitto_pub",
    "mosquitto_sub", "mysqldump", "nats", "pg_dump", "pg_restore", "redis-benchmark", "sqlcmd",
])  # fmt: skip
_OFFLINE: Final = frozenset([
    ":", "[", "[[", "alias", "awk", "basename", "cat", "cd", "chmod", "chown", "cp", "cut", "declare",
    "dirname", "echo", "egrep", "envsubst", "eval", "export", "false", "fgrep", "find", "for", "grep",
    "head", "jq", "let", "local", "logger", "ls", "mkdir", "mv", "printf", "read", "readonly", "return",
    "rg", "rm", "sed", "set", "sort", "ssh", "tail", "tee", "test", "touch", "tr", "trap", "true",
    "typeset", "unset", "yq", "case", "select", "sleep", "exit", "done", "esac", "fi", "}",
    "break", "continue", "date", "df", "id", "kill", "mktemp", "popd", "ps", "pushd", "pwd", "seq", "shift",
    "shopt", "stat", "tar", "type", "umask", "uname", "uniq", "unzip", "wait", "wc", "which",
])  # fmt: skip
_CONTAINERS: Final = frozenset(["docker", "docker-compose", "podman", "podman-compose", "nerdctl", "kubectl"])
# What these call is in their arguments, not in their environment.
_PASSIVE: Final = _OFFLINE | _CLIENTS | _CONTAINERS | frozenset([
    "apt", "apt-get", "bundle install", "composer install", "gh", "git", "go mod", "npm ci", "npm install",
    "pip", "pip3", "pnpm install", "poetry install", "rustup", "uv sync", "yarn install",
])  # fmt: skip
_INSIDE: Final = re.compile(r"^\S+(?: (?:compose|container|-\S+(?: [^\s-]\S*)??))*? (?:exec|run)\b")
_ON_HOST: Final = re.compile(r" --net(?:work)?[ =]host\b")
_NO_CALL: Final = re.compile(
    r"\S*\b(?:docker|podman|nerdctl)(?: -\S+)* (?:build|buildx|tag|rmi|images)\b"
    r"|(?:git|npm|pip|yarn|pnpm)(?: \S+)?(?: \S+)? config\b"
)
# The values of these options are data for the called server, or file names.
_DATA: Final = re.compile(
    r"-[dHFeowA]|--(?:data[\w-]*|json|header|form|referer|output|write-out|post-data|body-data|user-agent)"
)
_LISTEN_OPTION: Final = re.compile(
    r"-{1,2}[\w.-]*(?:bind|listen|advertise|addr|publish|host)[\w.-]*|-[bplLSR]", re.IGNORECASE
)
_ADVERTISE_OPTION: Final = re.compile(r"-{1,2}[\w.-]*(?:bind|listen|advertise|origin)[\w.-]*", re.IGNORECASE)
_VARIABLE: Final = re.compile(
    r"\$\{\{\s*(?:(?:env|vars)\.)?(matrix\.\w+|\w+)\s*\}\}|\$\{(\w+)(?:\[[@*0-9]+\])?(?::?[-=]([^}]*))?\}|\$(\w+)"
)
_LONGEST_VALUE: Final = 10_000

_INTERPRETERS: Final = re.compile(r"(?:python[0-9.]*|pypy3?|node|deno|bun|ruby|perl|php|pwsh|tsx|ts-node)$")
# Options after which the program is not a file, but its text, a module, or standard input.
_SHELL_TEXT: Final = re.compile(r"-|-[a-z]*[cs]")
_CODE_TEXT: Final = re.compile(r"-|-[a-z]*[cemp]|--eval|--print")
# Programs that start another program from their arguments, and those that read commands from their files.
_STARTERS: Final = ("npx", "uv", "poetry", "pipenv", "pdm", "rye", "hatch", "bundle", "run", "exec")
_RUNNERS: Final = re.compile(
    r"(?:g?make|just|task|rake|tox|nox|invoke)\b|(?:npm|pnpm|yarn) (?:run|test|start|exec)\b"
)
_WORKSPACE: Final = re.compile(
    r"^(?:\$\{?(?:GITHUB_WORKSPACE|CI_PROJECT_DIR|PWD)\}?|\$\{\{\s*github\.workspace\s*\}\}"
    r"|(?P<action>\$\{?GITHUB_ACTION_PATH\}?|\$\{\{\s*github\.action_path\s*\}\}))/"
)

# The beginning of a line that prints, or of a comment.
_PRINTS: Final = re.compile(
    r"\s*(?:(?:console\.\w+|print\w*|puts|echo|say|die|warn|Write-(?:Host|Output)|log(?:ger|ging)?\.\w+)\b"
    r"|#|//|\*|/\*)"
)
_QUOTED: Final = re.compile(r"[\"'`]([^\"'`]*)")


def judge_ci_file(path: bytes, files: Tree, setting: str) -> Iterator[Finding]:
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
        file.read()
    except YamlError as error:
        reason, line = error.args
        message = f"the CI file cannot be read: {reason}"
        help = "Correct it, so that its steps can be judged."
        yield Finding(message, help, path, line, key="unreadable", setting=setting)
    for (place, line, key), (message, severity) in sorted(file.calls.items()):
        yield Finding(message, _HELP, place, line, key=key, setting=setting, severity=severity)
    if file.unfollowed:
        names = [f"{name} (line {line})" for line, name in sorted(file.unfollowed)]
        more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
        message = f"not followed from this file: {', '.join(names[:_MOST_LISTED])}{more}"
        help = "See for yourself that nothing there calls the CI host."
        yield Finding(message, help, path, key="not followed", severity="info", setting=setting)


class _CiFile:
    """The results for a CI file: calls by their place, and the parts that are not followed by their line."""

    def __init__(self, path: bytes, files: Tree) -> None:
        self._path = path
        self._files = files
        self.calls: dict[tuple[bytes, int, str], tuple[str, Severity | None]] = {}
        self.unfollowed: set[tuple[int, str]] = set()

    def read(self) -> None:
        top = read_yaml(self._files.read(self._path) or b"")
        if not isinstance(top, dict) or not top:
            raise YamlError("it is not a mapping", 1)
        for step in steps(top):
            if not step.in_container:
                self._read_step(step)

    def _read_step(self, step: Step) -> None:
        for name, text in step.inputs.items():
            if isinstance(text, Text) and (address := host_address(text)):
                self.unfollowed.add((text.line, f"{step.uses} with {name}: {address}"))
        if step.shell.split(" ")[0].rpartition("/")[2].startswith(("python", "node", "ruby", "perl")):
            for part in step.script:
                for line, address in code_addresses(part, part.line + part.literal):
                    self._add_call(step, self._path, line if part.literal else part.line, address)
            return
        # One shell reads all parts of the script.
        shell = Shell([command for part in step.script for command in part.commands()], step.variables)
        folder = self._path.rpartition(b"/")[0].decode("utf-8", "surrogateescape")
        for line, name, place in shell.scripts(step.folder, folder):
            if not self._read_script(step, name, place, line):
                shell.programs.discard(name)
        for line, address in [*shell.calls(), *shell.environment_calls(step.variables)]:
            self._add_call(step, self._path, line, address)

    def _add_call(self, step: Step, place: bytes, line: int, address: str, via_line: int = 0) -> None:
        where = f"job {step.job!r}" if step.job else "a composite action"
        by = f", run at {self._path.decode('utf-8', 'backslashreplace')}:{via_line}," if via_line else ""
        message = f"{where}{by} calls {address} from the CI host"
        if step.in_container is None:
            unless = message + ", unless an included file gives it an image"
            self.calls.setdefault((place, line, address), (unless, "warning"))
        elif self.calls.get((place, line, address), ("", "warning"))[1]:
            self.calls[place, line, address] = message, None

    def _read_script(self, step: Step, name: str, place: str, line: int) -> bool:
        """Read a script that a step runs, but not its own scripts; False if its environment calls nothing."""
        path = place.encode("utf-8", "surrogateescape")
        if (data := self._files.read(path)) is None:
            # A name without a suffix is an installed program, such as `node_modules/.bin/tool`.
            if " " in name or _RUNNERS.match(name) or "." in name.rpartition("/")[2]:
                self.unfollowed.add((line, name))
            return True
        text, kind = data.decode("utf-8-sig", "surrogateescape"), language(path, data)
        shell = Shell(parse_commands(text) if kind == "shell" else (), step.variables)
        inner = [(line, f"{name}: {one}") for _, one, _ in shell.scripts(step.folder)]
        self.unfollowed.update(inner if kind else [(line, name)])
        for number, address in code_addresses(text) if kind == "code" else shell.calls():
            self._add_call(step, path, number, address, line)
        return kind != "shell" or bool(shell.programs)


def host_address(text: str) -> str:
    """Return the first address of the host with a scheme or a port in a text; empty if there is none."""
    match = _URL.search(text) or _HOST_PORT.search(text)
    return match[0] if match else ""


def code_addresses(text: str, line: int = 1) -> Iterator[tuple[int, str]]:
    """Yield the host addresses in a program's string literals, except in comments and printed texts."""
    for number, row in enumerate(text.split("\n"), start=line):
        address = next(filter(None, map(host_address, _QUOTED.findall(row))), "")
        if address and not _PRINTS.match(row):
            yield number, address


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
                self._variables[name] = f"{self._variables.get(name, '')} {value}".lstrip()[:_LONGEST_VALUE]
        # These may call what their environment names.
        self.programs = set(filter(None, map(self._environment_user, found)))
        self.programs -= {command.program for command in found if command.ending == "("}

    def _environment_user(self, command: Command) -> str:
        """Return the script or program that a command runs, if it may call what its environment names."""
        words = [self._expand(word) for word in command.unwrap()]
        program, script = base_name(words), _script_name(words)
        passive = command.ending == ")" or program[:1] in "-+]" or (program in SHELLS and not script)
        return "" if passive or {program, " ".join([program, *words[1:2]])} & _PASSIVE else script or program

    def _expand(self, word: str) -> str:
        for _ in range(3):
            if "$" in word and len(word) <= _LONGEST_VALUE:
                word = _VARIABLE.sub(self._value, word)
        return word

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[4]
        return self._variables.get(name, match[3] if match[3] is not None else match[0])

    def calls(self) -> Iterator[tuple[int, str]]:
        """Yield the addresses of the host that commands call, each with its line."""
        for command in self._commands:
            if address := self._called_address(command):
                yield command.line, address
            else:
                yield from self._heredoc_calls(command)

    def _called_address(self, command: Command) -> str:
        if device := _DEVICE.search(self._expand(" ".join(command.targets))):
            return device[0]
        words = [self._expand(word) for word in command.unwrap()]
        program = base_name(words)
        passed_on = any("GITHUB_ENV" in target for target in command.targets)
        offline = program in _OFFLINE and not passed_on and not (program == "export" and self.programs)
        if not words or offline or _runs_inside(words) or _NO_CALL.match(" ".join(words)):
            return ""
        for name, value in command.variables:
            if address := self._given_address(name, value):
                return address
        if program in SHELLS and not _script_name(words):
            return ""
        # Another program may start the client: `npx --yes wait-on`.
        started = words[1:3] if program in (*_STARTERS, "bunx", "npm", "pnpm", "yarn") else ()
        client = not {program, *started}.isdisjoint(_CLIENTS | _CLIENTS_BY_ENVIRONMENT)
        for option, word in zip(["", *words[1:]], words[1:], strict=False):
            is_data = client and _DATA.fullmatch(option)
            if not is_data and (address := _argument(word, option, client=client)):
                return address
        # The program itself may be a URL, as in a template that fills in the rest.
        return host_address(words[0])

    def environment_calls(self, given: Mapping[str, str]) -> Iterator[tuple[int, str]]:
        """Yield the addresses of the host in the environment that programs get, each with its line."""
        postgres = {"psql", "pg_isready"} & {base_name(command.unwrap()) for command in self._commands}
        for name, value in given.items():
            # These clients read their own variables, and no others.
            used = self.programs or (postgres and name.startswith("PG"))
            if used and isinstance(value, Text) and (address := self._given_address(name, value)):
                yield value.line, address

    def _given_address(self, name: str, value: str) -> str:
        """Return the host's address in a variable, unless the variable says where a program listens."""
        value = "" if _ADVERTISE_OPTION.fullmatch(f"--{name}") else self._expand(value)
        return value if _SERVICE.fullmatch(name) and _BARE.fullmatch(value) else host_address(value)

    def _heredoc_calls(self, command: Command) -> Iterator[tuple[int, str]]:
        program = base_name(command.unwrap())
        if _INTERPRETERS.match(program):
            yield from code_addresses(command.heredoc, command.heredoc_line)
        elif program in ("done", "xargs", "parallel") or program in _CLIENTS:
            for number, row in enumerate(command.heredoc.split("\n")):
                if (address := host_address(self._expand(row))) and not row.lstrip().startswith("#"):
                    yield command.heredoc_line + number, address

    def scripts(self, folder: str, action: str = "") -> Iterator[tuple[int, str, str]]:
        """Yield the scripts that the commands run: the line, the name, and the path, where no file need be.

        Args:
            folder: the working directory, relative to the root.
            action: the folder of a composite action's own file.
        """
        for command in self._commands:
            words = [word if "matrix." in word else self._expand(word) for word in command.unwrap()]
            if words[:1] == ["cd"] and len(words) > 1:
                place = _resolve_path(words[1], folder, action)
                # Of a folder that is unknown or outside, nothing is read.
                folder = folder if place.startswith(("..", "/")) or {"$", "~"} & {*place} else place
            elif _RUNNERS.match(" ".join([base_name(words), *words[1:2]])):
                yield command.line, " ".join(words[:3]), ""
            elif name := _script_name(words):
                yield command.line, name, _resolve_path(name, folder, action)


def _argument(word: str, option: str, *, client: bool) -> str:
    """Return the address that an argument behind a word, such as an option, calls.

    Without a scheme it needs a port, or a client program.
    """
    name, equals, value = word.partition("=")
    if equals and name.startswith("-"):
        option, word = name, value
    found = _URL.search(word)
    own = _ADVERTISE_OPTION if found else _LISTEN_OPTION
    found = found or (_BARE if client else _HOST_PORT).search(word)
    return found[0] if found and (client or not own.fullmatch(option)) else ""


def _runs_inside(words: Sequence[str]) -> bool:
    """True if a command runs another one inside a container."""
    text = " ".join(words)
    return bool(base_name(words) in _CONTAINERS and _INSIDE.match(text) and not _ON_HOST.search(text))


def _script_name(words: Sequence[str]) -> str:
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
    first = "".join(words[:1])
    no_path = first.startswith(("/", "~")) or any(sign in first for sign in ("://", "*", "?"))
    return first if "/" in first and not no_path else ""


def _resolve_path(name: str, folder: str, action: str) -> str:
    """Return a name as a path from the repository's root, `.`; it may have a variable, or lead outside."""
    if start := _WORKSPACE.match(name):
        name, folder = name[start.end() :], action if start["action"] else ""
    path = posixpath.join(folder, name)
    # A variable may hold several folders, so where `..` after it leads is not known.
    return path if "$" in path or name.startswith("~") else posixpath.normpath(path)
