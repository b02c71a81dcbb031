"""Templates of paths that hold globs beside placeholders: `**/AGENT_{agent}_FINAL_{objective}.md`.

The globs are those of `specguard.declaration.patterns`, the placeholders those of `specguard.work.templates`:
`{number}` is digits, any other one a part of a name. So is `{slug}`, though less in the name of a branch:
a file that is called otherwise would be passed over in silence. `{X}` is the capital form of `{x}`, as
`{x:upper}` is. A literal brace is doubled.
"""

from __future__ import annotations

import re

from specguard.declaration.patterns import CONTINUED, LONG_PATH, Selecting, translate
from specguard.work.templates import Hole, Template, TemplateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Final

_CAPITALS: Final = re.compile(r"\{\{|\}\}|\{([A-Z][A-Z0-9_]*)\}")
_GLOB: Final = re.compile(r"(?<!\\)[*?\[]")
_ESCAPED: Final = re.compile(r"\\(.)")
_SPECIAL: Final = re.compile(r"[*?\[\]\\]|^[!# ]| $")
# Characters of private use stand for placeholders while the globs are translated.
_FIRST: Final = 0xE000
_LAST: Final = 0xE0FF


class PathTemplate:
    """A path with globs and placeholders.

    Args:
        text: the template as it is written; a slash at its end, as a folder has it, does not count.

    Raises:
        TemplateError: a placeholder is malformed, or stands where none can.
        PatternError: a glob is malformed.
    """

    __slots__ = ("_exact", "_expression", "_pattern", "_template", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._template = Template(_CAPITALS.sub(_lowered, text.rstrip("/") or text))
        self._expression = _expression(self._template, text)
        self._pattern: Selecting | None = None
        self._exact: Callable[[bytes], Sequence[bytes] | None] | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of its placeholders, in small letters."""
        return self._template.names

    @property
    def pattern(self) -> Selecting:
        """A pattern that matches every path it reads: each placeholder is a `*`."""
        if self._pattern is None:
            self._pattern = Selecting([self.render({})])
        return self._pattern

    def read(self, path: bytes) -> dict[str, str] | None:
        """The values that its placeholders have in a path; None where it is no such path.

        A placeholder takes as little as it can. The value of one that is written in capitals alone is given
        in small letters. A name that stands in it twice must have the same value at both places.
        """
        found = self._texts(path)
        if found is None:
            return None
        holes = self._template.holes
        fields = {hole.name: text for hole, text in zip(holes, found, strict=True) if not hole.upper}
        for hole, text in zip(holes, found, strict=True):
            fields.setdefault(hole.name, text.lower())
        agrees = all(hole.write(fields[hole.name]) == text for hole, text in zip(holes, found, strict=True))
        return fields if agrees else None

    def key_of(self, path: bytes, names: Collection[str]) -> tuple[str, ...] | None:
        """The texts that some of its placeholders have in a path, to be compared with `key`.

        Args:
            path: the path.
            names: which placeholders count.

        Returns:
            None where it is no such path.
        """
        if self.read(path) is None:
            return None
        found = zip(self._template.holes, self._texts(path) or (), strict=True)
        return tuple(text for hole, text in found if hole.name in names)

    def key(self, fields: Mapping[str, str]) -> tuple[str, ...]:
        """The texts of the placeholders that have a value, in the order in which they stand in it."""
        return tuple(hole.write(fields[hole.name]) for hole in self._template.holes if hole.name in fields)

    def plain(self, fields: Mapping[str, str]) -> bytes | None:
        """The one path that it is with these values; None where it has globs, or a value is missing.

        No value has a slash in it where it comes from a path; here one that has is taken as it is.
        """
        if not self.names <= fields.keys():
            return None
        text = ""
        for part in self._template.parts:
            if isinstance(part, Hole):
                text += part.write(fields[part.name])
            elif _GLOB.search(part):
                return None
            else:
                text += _ESCAPED.sub(r"\1", part)
        return text.removeprefix("/").encode("utf-8", "surrogateescape")

    def show(self, fields: Mapping[str, str]) -> str:
        """The template for people, with the values that there are, and a star for each that is missing."""
        return "".join(
            part if isinstance(part, str) else part.write(fields.get(part.name) or "*")
            for part in self._template.parts
        )

    def find(self, paths: Sequence[bytes]) -> Iterator[tuple[int, dict[str, str]]]:
        """For each path that it reads: its position, and the values of the placeholders."""
        for position, _ in self.pattern.find_each(paths):
            fields = self.read(paths[position])
            if fields is not None:
                yield position, fields

    def render(self, fields: Mapping[str, str], *, other: str = "*") -> str:
        """The pattern that is left when placeholders get their values.

        Args:
            fields: values by name.
            other: what stands for a placeholder that has none.
        """
        text = ""
        for part in self._template.parts:
            if isinstance(part, str):
                text += part
            elif fields.get(part.name):
                text += escape(part.write(fields[part.name]))
            else:
                text += other
        return text

    def _texts(self, path: bytes) -> Sequence[str] | None:
        """The text of each placeholder in a path; None where it is no such path."""
        if self._exact is None:
            self._exact = self._matcher()
        groups = self._exact(path)
        return None if groups is None else [group.decode("utf-8", "surrogateescape") for group in groups]

    def _matcher(self) -> Callable[[bytes], Sequence[bytes] | None]:
        """What gives the text of each placeholder, in time that is linear where it could be long."""
        short = None
        if len(re.findall(r"[*+]", self._expression.replace(CONTINUED, ""))) <= 3:
            short = re.compile(self._expression.encode("ascii"))
        long = None

        def groups(path: bytes) -> Sequence[bytes] | None:
            nonlocal long
            if short is not None and len(path) <= LONG_PATH:
                match = short.fullmatch(path)
                return match.groups() if match else None
            if long is None:
                import re2

                options = re2.Options()
                options.encoding = re2.Options.Encoding.LATIN1
                options.log_errors = False
                long = re2.compile(self._expression.encode("ascii"), options)
            match = long.fullmatch(path)
            return match.groups() if match else None

        return groups

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PathTemplate) and self.text == other.text

    def __hash__(self) -> int:
        return hash((PathTemplate, self.text))

    def __repr__(self) -> str:
        return f"PathTemplate({self.text!r})"


def escape(value: str) -> str:
    """A value as a pattern that matches only it."""
    return _SPECIAL.sub(r"\\\g<0>", value)


def check_path_template(text: str) -> str:
    """A text that is a template of paths.

    Raises:
        TemplateError, PatternError: it is none.
    """
    PathTemplate(text)
    return text


def _lowered(token: re.Match[str]) -> str:
    return f"{{{token[1].lower()}:upper}}" if token[1] else token[0]


def _expression(template: Template, text: str) -> str:
    """The expression that matches the bytes of a path, with a group for each placeholder."""
    if any(_FIRST <= ord(char) <= _LAST for char in text) or len(template.holes) > _LAST - _FIRST:
        raise TemplateError(f"the template {text!r} has characters of private use or too many placeholders")
    plain = ""
    marks: list[str] = []
    for part in template.parts:
        if isinstance(part, Hole):
            mark = chr(_FIRST + len(marks))
            marks.append("".join(f"\\x{byte:02x}" for byte in mark.encode("utf-8")))
            plain += mark
        else:
            plain += part
    expression = translate(plain, covers=False, folds=False)
    for mark, hole in zip(marks, template.holes, strict=True):
        ahead = expression.partition(mark)[0]
        if ahead.endswith(("(?:", "|")) or mark not in expression:
            raise TemplateError(f"the template {text!r} has a placeholder within '[...]'")
        shortest = "[^/]+?" if hole.name == "slug" else hole.shortest
        expression = expression.replace(mark, f"({shortest})", 1)
    return expression
