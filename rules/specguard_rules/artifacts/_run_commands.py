"""The commands that files hold for somebody to run: scripts, CI files, briefs, plans and hooks' settings.

What shells, makefiles, CI files and Markdown hold is read as CNT003 reads it. Read here besides: scripts of
Windows, the commands that other languages start by a text, and the commands in data, by their keys.
"""

from __future__ import annotations

import re

from specguard.rules import MissingFact, path_text
from specguard_rules.content._markdown_code import markdown_commands
from specguard_rules.content._scripts import language
from specguard_rules.content._shell import Command, commands
from specguard_rules.content._written_commands import written_commands
from specguard_rules.content._yaml_nodes import YamlError, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Final

    from specguard.rules import Documents
    from specguard_rules.content._yaml_nodes import Node

_WINDOWS: Final = (b".ps1", b".psm1", b".bat", b".cmd")
# Instructions of agents that are Markdown by another name.
_PROSE: Final = re.compile(rb"\.(?:mdc|prompt|txt)$|(?:^|/)\.[a-z]*rules$")
# The keys of data under which commands stand: in plans, hooks' settings, work breakdowns, package.json.
_KEYS: Final = frozenset(
    [
        "check", "checks", "cleanup", "cmd", "command", "commands", "exec", "gate", "gates", "run", "script",
        "scripts", "setup", "shell", "start", "stop", "task", "teardown", "test", "verification", "verify",
    ]
)  # fmt: skip
# What starts a command in a language of its own, up to the text or the first word of a list.
_CALL: Final = re.compile(
    r"\b(?:system|popen|Popen|run|call|check_call|check_output|getoutput|getstatusoutput|exec|execSync|execFile"
    r"|execFileSync|execa|execaSync|execaCommand|spawn|spawnSync|shell|shell_exec|passthru|create_subprocess_exec"
    r"|create_subprocess_shell|sh)"
    r"\s*\(\s*(?:\[\s*)?[fFrRbBuU]{0,2}(?=[\"'`])"
)
_TEXT: Final = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`", re.DOTALL)
_NEXT: Final = re.compile(r"\s*,\s*(?:\[\s*)?[fFrRbBuU]{0,2}(?=[\"'`])")
# What goes on after a text, and is none itself.
_MORE: Final = re.compile(r"\s*,\s*[\w*(]")
# So much of the line before a call is looked at to see whether it is a comment.
_BEFORE: Final = 400
_BACKQUOTED: Final = re.compile(r"(?<![\w`])`([^`\n]*)`")


def run_commands(path: bytes, content: bytes, documents: Documents) -> Iterator[Command]:
    """The commands of a file, with their lines in it; those that a document only speaks of are not told.

    Raises:
        MissingFact: the file is data that cannot be read.
    """
    name = path.lower()
    if name.endswith((b".yaml", b".yml")):
        found = list(written_commands(path, content))
        yield from found or _yaml_commands(path, content)
        return
    if name.endswith((b".json", b".toml")):
        data = documents.data(path)
        if data is not None and data.problem is not None:
            raise MissingFact(f"{path_text(path)} cannot be read: {data.problem.message}")
        if data is not None:
            yield from _data_commands(data.value, data.line, [], told=False)
        return
    text = content.decode("utf-8", "surrogateescape")
    if name.endswith(_WINDOWS):
        yield from commands(_as_shell(text, powershell=name.endswith((b".ps1", b".psm1"))))
        return
    if _PROSE.search(name):
        yield from markdown_commands(text)
        return
    kind = language(path, content)
    if kind and kind != ".sh":
        yield from _called(text)
        if kind in (".rb", ".ruby", ".pl", ".perl", ".php"):
            for number, line in enumerate(text.split("\n"), start=1):
                for inner in _BACKQUOTED.findall(line):
                    yield from commands(inner, number)
        return
    yield from written_commands(path, content)


def _as_shell(text: str, *, powershell: bool) -> str:
    """A script of Windows in a form in which a shell's words can be read; every line stays where it is."""
    text = text.replace("\\", "/")
    if not powershell:
        return re.sub(r"^[ \t]*@?[ \t]*(?:rem\b|::).*$", "", text, flags=re.IGNORECASE | re.MULTILINE)
    parts: list[str] = []
    at = 0
    while (start := text.find("<#", at)) >= 0:
        end = text.find("#>", start)
        end = len(text) if end < 0 else end + 2
        parts += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end
    return "".join([*parts, text[at:]]).replace("`", " ")


def _called(text: str) -> Iterator[Command]:
    """The commands that a program starts by a text that is written in it, or by a list of words."""
    line = 1
    counted = 0
    end = 0
    for call in _CALL.finditer(text):
        before = text[max(0, call.start() - _BEFORE) : call.start()].rpartition("\n")[2]
        if call.start() < end or before.lstrip().startswith(("#", "//", "*")):
            continue
        words: list[str] = []
        end = call.end()
        while literal := _TEXT.match(text, end):
            words.append(next(part for part in literal.groups() if part is not None))
            end = literal.end()
            following = _NEXT.match(text, end)
            if following is None:
                words += ["$()"] if _MORE.match(text, end) else []
                break
            end = following.end()
        if not words:
            continue
        line += text.count("\n", counted, call.start())
        counted = call.start()
        yield from commands(words[0], line)
        if len(words) > 1:
            listed = Command(line)
            listed.words = words
            yield listed


def _yaml_commands(path: bytes, content: bytes) -> Iterator[Command]:
    """The commands of YAML, whose anchors and tags are taken for what they stand for."""
    try:
        top = read(content)
    except YamlError as error:
        raise MissingFact(f"{path_text(path)} cannot be read: {error}") from None

    def line(place: Sequence[str | int]) -> int:
        node = top
        for part in place:
            node = node.items[part] if isinstance(part, int) else node.fields[part]
        return node.line

    yield from _data_commands(_value(top), line, [], told=False)


def _value(node: Node) -> Any:
    """A node as plain data."""
    if node.kind == "list":
        return [_value(item) for item in node.items]
    if node.kind == "mapping":
        return {key: _value(field) for key, field in node.fields.items()}
    return node.text


def _data_commands(
    value: Any, line_of: Callable[[Sequence[str | int]], int | None], path: list[str | int], *, told: bool
) -> Iterator[Command]:
    """The commands of structured data: what stands under the key of a command, each on its key's line."""
    if isinstance(value, str):
        if told:
            line = line_of(path) or 1
            for command in commands(value):
                command.line = command.end_line = line
                yield command
    elif isinstance(value, list):
        texts = [part for part in value if isinstance(part, str)]
        if told and len(texts) == len(value) > 1:
            # It may also be one command as a list of words.
            listed = Command(line_of(path) or 1)
            listed.words = texts
            yield listed
        for position, part in enumerate(value):
            yield from _data_commands(part, line_of, [*path, position], told=told and isinstance(part, str))
    elif isinstance(value, dict):
        for key, part in value.items():
            word = key.lower().replace("-", "_").rpartition("_")[2]
            # A table of commands by name, such as the `scripts` of a package.json, has texts alone.
            yield from _data_commands(
                part, line_of, [*path, key], told=word in _KEYS or (told and isinstance(part, str))
            )
