"""The settings that one place holds: a block, a settings file, a preset, or the sections of a document."""

from __future__ import annotations

import re

from specguard.authority.problems import Problem
from specguard.authority.unread import Unread
from specguard.documents.blocks import fences
from specguard.documents.toml import TomlError, read_toml
from specguard.model import Origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.authority.prose import Read
    from specguard.authority.sources import Source
    from specguard.documents.document import Document
    from specguard.documents.toml import KeyPath

INFO: Final = ("toml", "specguard")
"""The words behind the fence of a block of settings."""

TESTS: Final = ("should-fail", "should-pass")
"""Tables in which a project says what its policy is to find: `specguard test` reads them, no check does."""

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)")


class Layer:
    """Settings from one place, with the line of each.

    Attributes:
        data: the settings, as TOML has them.
        path: the document, or `preset:NAME`.
        lines: the line in that document of each key and array element.
        first: the line on which its text begins.
        preset: whether a project's own values go before these.
        tests: what stands in the tables of `TESTS`, which are no settings; their lines are in `lines`.
    """

    __slots__ = ("data", "first", "lines", "path", "preset", "tests")

    def __init__(
        self,
        data: dict[str, Any],
        path: str,
        lines: Mapping[KeyPath, int],
        *,
        first: int = 1,
        preset: bool = False,
    ) -> None:
        self.data = data
        self.path = path
        self.lines = lines
        self.first = first
        self.preset = preset
        self.tests: dict[str, Any] = {}

    def without_tests(self) -> Layer:
        """The same with what is expected of the policy taken out of the settings."""
        self.tests = {name: self.data.pop(name) for name in TESTS if name in self.data}
        return self

    def origin(self, path: KeyPath) -> Origin:
        """Where a key is, or the nearest one above it that has a line."""
        while path and path not in self.lines:
            path = path[:-1]
        return Origin(self.path, self.lines.get(path, 0))


def blocks_of(document: Document, path: str) -> tuple[list[Layer], list[Unread], list[Problem]]:
    """The blocks of settings in a Markdown document, those that only look like one, and what is no TOML."""
    layers: list[Layer] = []
    unread: list[Unread] = []
    problems: list[Problem] = []
    for fence in fences(document.blocks):
        words = tuple(fence.info.split())
        if words != INFO:
            if "specguard" in fence.info.casefold():
                reason = "the block is not read: the words behind its fence are not `toml specguard`"
                unread.append(Unread(path, fence.line, "", f"```{fence.info}", reason))
            closed = fence.nested or fence.first + fence.content.count("\n") <= document.last_line
            swallowed = _swallowed(fence.content, closed=closed)
            if swallowed is not None:
                reason = f"the block is not read: that of line {fence.line} is not closed before it"
                unread.append(Unread(path, fence.first + swallowed, "", f"```{' '.join(INFO)}", reason))
            continue
        try:
            layers.append(toml_layer(fence.content, path, first=fence.first).without_tests())
        except TomlError as error:
            problems.append(_no_toml(error, path, fence.first))
    return layers, unread, problems


def _swallowed(content: str, *, closed: bool) -> int | None:
    """On which line of a block of code settings begin that were to be read, from 0; None where none are.

    Settings that end in a block that is closed are an example.
    """
    if INFO[1] not in content:
        return None
    begins: int | None = None
    mark = ""
    for number, line in enumerate(content.split("\n")):
        fence = _FENCE.fullmatch(line)
        if fence and begins is None and tuple(fence[2].split()) == INFO:
            begins, mark = number, fence[1]
        elif fence and closed and begins is not None and fence[1].startswith(mark) and not fence[2].strip():
            begins = None
    return begins


def settings_file(source: Source) -> tuple[list[Layer], list[Problem]]:
    """The settings of `specguard.toml` or another TOML document; of `pyproject.toml` those of its table."""
    try:
        layer = toml_layer(source.text.removeprefix("\ufeff"), source.path)
    except TomlError as error:
        if source.is_pyproject and "specguard" not in source.text:
            return [], []
        return [], [_no_toml(error, source.path)]
    if not source.is_pyproject:
        return [layer.without_tests()], []
    tools = layer.data.get("tool")
    table = tools.get("specguard") if isinstance(tools, dict) else None
    if table is None:
        return [], []
    if not isinstance(table, dict):
        return [], [Problem("[tool.specguard] is no table", origin=layer.origin(("tool", "specguard")))]
    lines = {path[2:]: line for path, line in layer.lines.items() if path[:2] == ("tool", "specguard")}
    return [Layer(table, source.path, lines).without_tests()], []


def preset_layer(name: str, text: str) -> Layer:
    """The settings of a preset.

    Raises:
        TomlError: it is no TOML.
    """
    layer = toml_layer(text, f"preset:{name}")
    layer.preset = True
    return layer


def toml_layer(text: str, path: str, *, first: int = 1) -> Layer:
    """Settings from TOML text that begins on the line `first` of a document.

    Raises:
        TomlError: it is no TOML.
    """
    data, lines = read_toml(text)
    return Layer(data, path, {key: line + first - 1 for key, line in lines.items()}, first=first)


def prose_layer(read: Sequence[Read], path: str) -> Layer:
    """The settings that known sections of a document come to."""
    data: dict[str, Any] = {}
    lines: dict[KeyPath, int] = {}
    for one in read:
        key: KeyPath = ("authority", one.meaning)
        if one.meaning in {"locked-path", "forbidden-path"}:
            key = ("rules", one.meaning, "paths")
        table = data
        for end, part in enumerate(key[:-1], start=1):
            table = table.setdefault(str(part), {})
            lines.setdefault(key[:end], one.line)
        values = table.setdefault(str(key[-1]), [])
        lines.setdefault(key, one.line)
        if one.path not in values:
            lines[*key, len(values)] = one.line
            values.append(one.path)
    return Layer(data, path, lines)


def _no_toml(error: TomlError, path: str, first: int = 1) -> Problem:
    message = str(error)
    return Problem(
        f"this is not TOML: {message[:1].lower()}{message[1:]}",
        origin=Origin(path, error.line + first - 1),
        help="strings stand in quotes, tables in [brackets]: https://toml.io",
    )
