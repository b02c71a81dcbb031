"""The layers of a policy: the settings from one source each, and how they are merged.

A nested authority, the document of a folder, is a layer that may only guard paths below that folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from specguard.authority.load import AuthoritySource
from specguard.authority.policy import Unread
from specguard.authority.prose import SectionPath, read_sections
from specguard.declaration.patterns import Guarding
from specguard.documents.blocks import Fence, fences
from specguard.documents.data import DataError, UnreadableDocument, dotted, elements, place_of, value_at
from specguard.documents.document import Document
from specguard.documents.toml import KeyPath, read_toml
from specguard.errors import SpecguardError
from specguard.model import Origin, Record, shortened
from specguard.work.name_templates import escape


class SettingProblem(SpecguardError):
    """One problem in the settings.

    Args:
        message: the problem, in one sentence.
        origin: where the setting is written.
        help: the next step.
    """

    code = "broken-authority"

    def __init__(self, message: str, origin: Origin, help: str = "") -> None:
        super().__init__(message, help=help, path=origin.path, line=origin.line or None)
        self.origin = origin


BLOCK_INFO: Final = ("toml", "specguard")
"""The info string of a fenced block of settings, as words."""

TESTS: Final = ("should-fail", "should-pass")
"""Tables in which a project states what it expects of its policy. Only `specguard test` reads them."""

GUARDING: Final = ("locked-path", "forbidden-path")
"""The meanings of sections that guard paths. Each is a rule whose `paths` a nested authority may extend."""

_ONLY_GUARDS: Final = "a nested authority only locks and forbids paths"
"""The reason why the other sections of a nested authority are not read."""

_GUARDS: Final = frozenset(("rules", name, "paths") for name in GUARDING)
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)")
# Compiled at its first use: most policies have neither front matter nor blocks of others.
_OWN: Final = (
    r"(?im)^[ \t\[{\"'-]*(?:(?:rules|work|approvals)\.[\w\"'.-]+\s*[\]=]|(?:authority|approvals|runs)\]"
    r"|(?:locked|forbidden|protected)(?:[-_ ]?(?:branch|file|folder|path|zone)\w*)?"
    r"(?:\]|\.paths|[\"']?\s*[:=](?!\s*(?:true|false|yes|no)\b))"
    r"|rules[\"']?:[\s{\"']*[a-z]+(?:-[a-z]+)+[\"']?:\s*[\n{]"
    r"|extends[\"']?\s*[:=][\s\[\"'-]*[a-z-]+[\"']?\s*[\],\n]|merge[\"']?\s*[:=]\W*(?:rebase|squash)\b).*"
)
"""How lines of a policy begin, also as YAML or JSON; they tell its blocks from those of other tools."""


class Layer(Record):
    """Settings from one source, with the line of each.

    Attributes:
        data: the settings, and the tables of `TESTS`, as TOML has them.
        path: the document, or `preset:NAME`.
        lines: the line in that document of each key and array element.
    """

    data: dict[str, Any]
    path: str
    lines: Mapping[KeyPath, int]

    def origin(self, path: KeyPath) -> Origin:
        """Return the place of a key, or of the nearest key above it that has a line."""
        return Origin(self.path, place_of(self.lines, path) or 0)


class Part:
    """One document of an authority, with the layers, unread text and problems that were read from it.

    Args:
        source: the document.

    Attributes:
        source: the document.
        document: its text as Markdown; None for TOML.
        layers: its settings.
        unread: blocks that look like settings and are not read, and unread text of known sections.
        problems: what is wrong with its settings.

    Raises:
        SettingProblem: it cannot be read as Markdown.
    """

    def __init__(self, source: AuthoritySource) -> None:
        self.source = source
        self.document: Document | None = None
        self.layers: list[Layer] = []
        self.unread: list[Unread] = []
        self.problems: list[SettingProblem] = []
        if source.path.endswith(".toml"):
            self._add_settings(source.text.removeprefix("\ufeff"))
            return
        try:
            self.document = Document(source.text)
        except UnreadableDocument as error:
            message = f"the authority cannot be read: {error.problem.message}"
            raise SettingProblem(message, Origin(source.path, error.problem.line or 0)) from None
        front = self.document.front_matter or ""
        found = re.search(_OWN, front) if front else None
        # A document that begins with a rule across the page has its first sections in front matter.
        begin = found.start() if found else f"\n{front}".find("\n## ")
        if begin >= 0:
            line, text = front.count("\n", 0, begin) + 2, front[begin:].partition("\n")[0].strip()
            why = "settings are not read in front matter" if found else "`---` before it begins front matter"
            self.unread.append(Unread(source.path, line, "", text, why, "" if found else "hidden"))
        for fence in fences(self.document.blocks):
            end = fence.first + fence.content.count("\n")
            # Only a block between fences has an end of its own, and content that begins behind its line.
            closed = fence.line < fence.first and (fence.nested or end <= self.document.last_line)
            if tuple(fence.info.split()) == BLOCK_INFO:
                step = "" if closed else f"end the block of line {fence.line} with a fence too; "
                self._add_settings(fence.content, fence.first, step)
            else:
                self._note_block(fence, closed=closed)

    def _add_settings(self, text: str, first: int = 1, step: str = "") -> None:
        """Read the settings in TOML text from a line on; of `pyproject.toml` only `[tool.specguard]`."""
        source = self.source
        try:
            layer = toml_layer(text, source.path, first=first, step=step)
        except SettingProblem as problem:
            if not source.is_pyproject or "specguard" in text:
                self.problems.append(problem)
            return
        if source.is_pyproject:
            table = value_at(layer.data, ("tool", "specguard"))
            if table is None:
                return
            if not isinstance(table, dict):
                origin, step = layer.origin(("tool", "specguard")), "write a table [tool.specguard]"
                self.problems.append(SettingProblem("`tool.specguard` is not read", origin, step))
                return
            lines = {key[2:]: line for key, line in layer.lines.items() if key[:2] == ("tool", "specguard")}
            layer = Layer(table, source.path, lines)
        self.layers.append(layer)

    def _note_block(self, fence: Fence, *, closed: bool) -> None:
        """Record that a block of code is not read, if it looks like settings or swallows a block of them."""
        path = self.source.path
        if _seems_settings(fence):
            reason = "the words behind its fence are not `toml specguard`"
            self.unread.append(Unread(path, fence.line, "", f"```{fence.info}", reason))
        if (swallowed := _find_swallowed_block(fence.content, closed=closed)) is not None:
            reason = f"the block of line {fence.line} is indented, or not closed before it"
            line, text = fence.first + swallowed, f"```{' '.join(BLOCK_INFO)}"
            self.unread.append(Unread(path, line, "", text, reason))

    def read_prose(self, sections: Mapping[str, str], *, guards_only: bool = False) -> None:
        """Read the known sections of the document; their layer precedes those of its blocks.

        Args:
            sections: the meaning of each known section.
            guards_only: True to read only the sections that lock and forbid paths.
        """
        if self.document is None:
            return
        path = self.source.path
        read, unread = read_sections(self.document, path, sections)
        if guards_only:
            others = [one for one in read if one.meaning not in GUARDING]
            read = [one for one in read if one.meaning in GUARDING]
            unread += [Unread(path, one.line, "", one.path, _ONLY_GUARDS, one.meaning) for one in others]
        self.layers.insert(0, prose_layer(read, path))
        known = {one.line for one in self.unread}
        self.unread += [one for one in unread if one.line not in known]
        self.unread.sort(key=lambda one: one.line)

    def confine(self, folder: str, above: Merged, named_at: Origin) -> Iterator[SettingProblem]:
        """Prefix the patterns of a nested authority with its folder, and yield what may not be in it.

        Unread items of a guarding section are reported only if a path leaves the folder by `..`; others may
        not be paths.

        Args:
            folder: the folder of the nested authority.
            above: the settings of the authority above it.
            named_at: where the authority above names the folder.
        """
        step = f"write it from {folder}/, which is all that {named_at} lets it guard"
        for layer in self.layers:
            for path, value in _iterate_settings(layer.data):
                origin, key = layer.origin(path), dotted(path)
                if path not in _GUARDS:
                    message = f"`{key}` is set in a nested authority, which may only lock and forbid paths"
                    where = f"say it where it holds for all: {above.origins.get(path, named_at)}"
                    yield SettingProblem(message, origin, where)
                elif not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                    yield SettingProblem(f"`{key}` must be a list of strings", origin)
                else:
                    for index, pattern in enumerate(value):
                        if problem := _pattern_problem(pattern, folder):
                            yield SettingProblem(problem, layer.origin((*path, index)), step)
                        value[index] = f"{escape(folder)}/{pattern}"
        for one in self.unread:
            if one.meaning in GUARDING and "'..'" in one.reason:
                message = f"the item {shortened(one.text)!r} reaches beyond {folder}/"
                yield SettingProblem(message, Origin(one.path, one.line), step)


def _seems_settings(fence: Fence) -> bool:
    """True if a block with other words behind its fence names specguard, or has data like a policy's."""
    from difflib import get_close_matches

    info = fence.info.casefold()
    if BLOCK_INFO[1] in info or get_close_matches(info, [" ".join(BLOCK_INFO)], cutoff=0.8):
        return True
    is_data = info.partition(" ")[0] in ("", "toml", "yaml", "yml", "json") and "```" not in fence.content
    return is_data and re.search(_OWN, fence.content) is not None


def _find_swallowed_block(content: str, *, closed: bool) -> int | None:
    """Return the line, from 0, at which a code block swallows a block of settings; None if it swallows none.

    Settings that are closed within a closed code block are an example, and do not count.
    """
    begins: int | None = None
    mark = ""
    for number, line in enumerate(content.split("\n")):
        fence = _FENCE.fullmatch(line)
        if fence and begins is None and tuple(fence[2].split()) == BLOCK_INFO:
            begins, mark = number, fence[1]
        elif fence and closed and begins is not None and fence[1].startswith(mark) and not fence[2].strip():
            begins = None
    return begins


def toml_layer(text: str, path: str, *, first: int = 1, step: str = "") -> Layer:
    """Parse settings from TOML text that begins on line `first` of a document.

    Raises:
        SettingProblem: the text is not valid TOML; its next step begins with `step`.
    """
    try:
        data, lines = read_toml(text, first=first)
    except DataError as error:
        how = "write strings in quotes, tables in [brackets] and each key once: https://toml.io"
        if str(error).startswith("unescaped"):
            how = r"in double quotes write \\ for a backslash, or use single quotes"
        step += how
        raise SettingProblem(f"this is not TOML: {error}", Origin(path, error.line or 0), step) from None
    return Layer(data, path, lines)


def prose_layer(paths: Sequence[SectionPath], path: str) -> Layer:
    """Return the settings that the known sections of a document give."""
    data: dict[str, Any] = {}
    lines: dict[KeyPath, int] = {}
    for one in paths:
        guards = one.meaning in GUARDING
        key: KeyPath = ("rules", one.meaning, "paths") if guards else ("authority", one.meaning)
        inner: Any = data
        for end, part in enumerate(key, start=1):
            inner = inner.setdefault(part, {} if end < len(key) else [])
            lines.setdefault(key[:end], one.line)
        if one.path not in inner:
            lines[*key, len(inner)] = one.line
            inner.append(one.path)
    return Layer(data, path, lines)


UNITED_LISTS: Final[frozenset[KeyPath]] = frozenset(
    {*_GUARDS, ("rules", "protected-branch", "branches"), ("authority", "normative")}
)
"""The lists whose elements add up over presets and documents, since each guards or names by itself."""


class Merged:
    """Settings from several layers, merged.

    Attributes:
        data: the settings.
        origins: where each key and each list element comes from.
        problems: values that two layers of the project give differently.
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        """Merge layers; the project's values override a preset's, and a later preset's an earlier one's."""
        self.data: dict[str, Any] = {}
        self.origins: dict[KeyPath, Origin] = {}
        self.problems: list[SettingProblem] = []
        for layer in layers:
            settings = {key: value for key, value in layer.data.items() if key not in TESTS}
            self._merge(self.data, settings, (), layer)

    def _merge(self, target: dict[str, Any], source: Mapping[str, Any], above: KeyPath, layer: Layer) -> None:
        """Merge a table of a layer into the merged table with the same keys above it."""
        for key, value in source.items():
            path, known = (*above, key), target.get(key)
            unites = path in UNITED_LISTS and isinstance(known, (list, type(None)))
            if unites and isinstance(value, list):
                self._unite_lists(target.setdefault(key, []), value, path, layer)
            elif isinstance(value, dict) and isinstance(known, dict):
                if self._is_of_preset(path) and layer.origin(path).is_file:
                    self.origins[path] = layer.origin(path)
                self._merge(known, value, path, layer)
            elif unites or key not in target or self._is_of_preset(path):
                self._set(target, key, value, above, layer)
            # In TOML, `1`, `1.0` and `true` differ.
            elif layer.origin(path).is_file and (type(known), repr(known)) != (type(value), repr(value)):
                first, second = self.origins[path], layer.origin(path)
                text = f"`{dotted(path)}` has another value than in {first}"
                self.problems.append(SettingProblem(text, second, f"keep one of them: {first} or {second}"))

    def _is_of_preset(self, path: KeyPath) -> bool:
        return path in self.origins and not self.origins[path].is_file

    def _set(self, target: dict[str, Any], key: str, value: Any, above: KeyPath, layer: Layer) -> None:
        """Set a key of a table that has no value yet, or that of a preset, which goes with all below it."""
        path = (*above, key)
        if key in target:
            self.origins = {one: place for one, place in self.origins.items() if one[: len(path)] != path}
        self.origins[path] = layer.origin(path)
        if isinstance(value, dict):
            target[key] = {}
            self._merge(target[key], value, path, layer)
        else:
            target[key] = value
            self._record_origins(value, path, layer)

    def _record_origins(self, value: Any, path: KeyPath, layer: Layer) -> None:
        """Record the origin of each element of a list, and of everything in it."""
        for key, element in elements(value):
            self.origins[*path, key] = layer.origin((*path, key))
            self._record_origins(element, (*path, key), layer)

    def _unite_lists(self, known: list[Any], value: list[Any], path: KeyPath, layer: Layer) -> None:
        self.origins.setdefault(path, layer.origin(path))
        seen = set(map(repr, known))
        for index, element in enumerate(value):
            if repr(element) not in seen:
                self.origins[*path, len(known)] = layer.origin((*path, index))
                known.append(element)
                seen.add(repr(element))

    def origin(self, path: KeyPath) -> Origin:
        """Return the place of a key, or of the nearest key above it; its path is empty if there is none."""
        return place_of(self.origins, path) or Origin("", 0)


def _iterate_settings(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """Yield each setting with its key; an empty table counts as a setting."""
    for key, value in data.items():
        for name, inner in value.items() if isinstance(value, dict) and value else [("", value)]:
            if key == "rules" and isinstance(inner, dict) and inner:
                yield from (((key, name, field), one) for field, one in inner.items())
            else:
                yield ((key, name) if name else (key,)), inner


def _pattern_problem(pattern: str, folder: str) -> str:
    """Return why a pattern cannot be used in a folder; empty if it can."""
    if pattern.startswith("/") or ".." in pattern.split("/"):
        return f"the pattern {pattern!r} reaches beyond {folder}/"
    return Guarding.problem_in(pattern, f"{escape(folder)}/{pattern}")
