"""Judging one CI file: the calls of the host in its steps, and in the scripts that they run."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact
from specguard_rules.content._called_scripts import called_scripts
from specguard_rules.content._ci_files import steps
from specguard_rules.content._local_hosts import Shell, code_literals, literal, mentions
from specguard_rules.content._scripts import language
from specguard_rules.content._shell import commands
from specguard_rules.content._yaml_nodes import YamlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Final

    from specguard.rules import Severity, Tree
    from specguard_rules.content._called_scripts import Called
    from specguard_rules.content._ci_files import Step
    from specguard_rules.content._yaml_nodes import Node

_HELP: Final = (
    "Call it within the container network (docker compose exec SERVICE ...), or give the job a container."
)
_SHOWN: Final = 10


def mentions_host(path: bytes, files: Tree) -> bool:
    """Whether a file has a name of the host itself in it, or is too large to tell."""
    try:
        data = files.read(path)
    except MissingFact:
        return True  # whether that matters shows when a CI file runs it
    return data is not None and mentions(data)


def judge(path: bytes, files: Tree, scripts: Collection[bytes] | None, setting: str) -> Iterator[Finding]:
    """The findings of one CI file.

    Args:
        path: the CI file.
        files: the files to judge.
        scripts: judge nothing but these scripts, where it runs them; None: the file itself and all it runs.
        setting: the setting to cite.
    """
    data = files.read(path) or b""
    file = _CiFile(path, data, files, scripts)
    try:
        for step in steps(data):
            file.look_at(step)
    except YamlError as error:
        if scripts is None:
            yield Finding(
                f"the CI file cannot be read: {error}",
                help="Correct the file, so that its steps can be judged.",
                path=path,
                line=error.line,
                key="unreadable",
                setting=setting,
            )
    for (place, line, called), (message, severity) in sorted(file.found.items()):
        yield Finding(
            message, help=_HELP, path=place, line=line, key=called, severity=severity, setting=setting
        )
    if file.unfollowed and scripts is None:
        names = [f"{name} (line {line})" for line, name in sorted(file.unfollowed)]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield Finding(
            f"not followed from this file: {', '.join(names[:_SHOWN])}{more}",
            help="See for yourself that they call nothing on the CI host.",
            path=path,
            key="not followed",
            severity="info",
            setting=setting,
        )


class _CiFile:
    """Collects what one CI file calls: `found` by place and line, and `unfollowed` with the lines."""

    def __init__(self, path: bytes, data: bytes, files: Tree, scripts: Collection[bytes] | None) -> None:
        self._path = path
        self._rows = data.split(b"\n")
        self._files = files
        self._scripts = scripts
        self.found: dict[tuple[bytes, int, str], tuple[str, Severity | None]] = {}
        self.unfollowed: set[tuple[int, str]] = set()

    def look_at(self, step: Step) -> None:
        """Judge one step, and the scripts that it runs."""
        if step.contained:
            return
        for name, text, line in step.inputs:
            if literal(text):
                self.unfollowed.add((line, f"{step.uses} with {name}: {literal(text)}"))
        program = step.shell.split(" ")[0].rpartition("/")[2]
        if program and program.startswith(("python", "node", "ruby", "perl")):
            for part in step.script:
                for number, called in code_literals(
                    part.text, ".py" if program[:2] == "py" else f".{program}"
                ):
                    self._call(step, self._path, self._line(part, number, called), called)
            return
        # One shell reads all the parts: each is given lines of its own, so that they are told apart.
        starts: list[int] = []
        found = []
        start = 1
        for part in step.script:
            starts.append(start)
            found += commands(part.text, start)
            start += part.text.count("\n") + 1

        def file_line(line: int, text: str) -> int:
            index = sum(1 for begin in starts if begin <= line) - 1
            return self._line(step.script[index], line - starts[index] + 1, text)

        shell = Shell(found, step.variables)
        for line, called in shell.calls():
            self._call(step, self._path, file_line(line, called), called)
        folder = self._path.rpartition(b"/")[0].decode("utf-8", "surrogateescape")
        for script in called_scripts(shell, step.folder.removeprefix("./"), folder):
            self._script(step, script, file_line(script.line, script.name))

    def _line(self, part: Node, number: int, text: str) -> int:
        """The file's line for a line of a script, from 1; of folded lines the first that has a text."""
        if part.style != "|":
            wanted = text.encode("utf-8", "surrogateescape")
            for line in range(part.line, part.end_line + 1):
                if wanted in self._rows[line - 1]:
                    return line
        return part.text_line(number - 1)

    def _call(self, step: Step, place: bytes, line: int, called: str, through: int = 0) -> None:
        if self._scripts is not None and place not in self._scripts:
            return
        where = f"job {step.job!r}" if step.job else "a composite action"
        by = f", run at {self._path.decode('utf-8', 'backslashreplace')}:{through}," if through else ""
        message = f"{where}{by} calls {called} from the CI host"
        severity: Severity | None = None
        if step.contained is None:
            message += ", unless an included file gives it an image"
            severity = "warning"
        known = self.found.get((place, line, called))
        if known is None or known[1] is not None:
            self.found[place, line, called] = message, severity

    def _script(self, step: Step, script: Called, line: int) -> None:
        data = self._files.read(script.path) if script.path is not None else None
        if data is None or script.path is None:
            # Without a suffix it is a program that was installed, such as `node_modules/.bin/tool`.
            if script.target or "." in script.name.rpartition("/")[2]:
                self.unfollowed.add((line, script.name))
            return
        if self._scripts is not None and script.path not in self._scripts:
            return
        text = data.decode("utf-8", "surrogateescape")
        suffix = language(script.path, data)
        if suffix == ".sh":
            shell = Shell(commands(text), step.variables)
            calls = list(shell.calls())
            for inner in called_scripts(shell, step.folder):
                self.unfollowed.add((line, f"{script.name}: {inner.name}"))
        elif suffix:
            calls = list(code_literals(text, suffix))
        else:
            self.unfollowed.add((line, script.name))
            return
        for number, called in calls:
            self._call(step, script.path, number, called, line)
