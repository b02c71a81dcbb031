"""Citations in a document: paths as people write them in a sentence, with their lines.

A citation is a code span, a link or a bare word that is a path. Its lines are part of the path (`path:12-40`,
`path#L12`) or behind it (`path`:12, `path` (lines 12-40)). `docs/documents.md` lists the forms.
"""

from __future__ import annotations

import re

from specguard.declaration.characters import strip_invisible
from specguard.documents.blocks import AnyBlock, Heading, Paragraph, Table, Text, flatten
from specguard.documents.inline import STRUCK, LineCounter, Reference, unescaped
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final, Literal

    Kind = Literal["absolute", "relative", "url", "shortened"]


LONGEST: Final = 1000
"""A longer word or code span, in characters, is not a path."""

LINE: Final = r"L?[0-9]{1,9}(?::[0-9]{1,9})?(?:C[0-9]{1,9})?"
"""The pattern of one line: `12` or `L12`, with or without a column."""

RANGE: Final = rf"{LINE}(?:[-\u2013\u2014]{LINE})?"
"""The pattern of a line or a range of lines."""

URL: Final = re.compile(r"[a-z][a-z0-9+.-]{1,20}://", re.IGNORECASE)
"""The beginning of a web address."""

DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")
"""The beginning of a Windows path."""

EXTENSION: Final = re.compile(
    r"[^.]\.(?:[a-z][a-z0-9]{0,11}|[A-Z][A-Z0-9]{0,11})$|^\.[A-Za-z][\w.-]*$", re.ASCII
)
"""A file extension at the end of a name, or a name that begins with a dot."""

_RANGES: Final = rf"(?P<lines>{RANGE}(?:(?:, ?|/):?{RANGE})*)"
# The end of a path: its lines, behind which may be search output (`:`) or another script.
# What a lookahead has read is final, as in an atomic group, which early Pythons 3.11 read wrong.
_COLON: Final = re.compile(rf"(?=(:{_RANGES}(?![A-Za-z0-9_/])))\1(?=\Z|:|[^\0-\x7f])")
_FRAGMENT: Final = re.compile(rf"(?=(#(?=L[0-9]){_RANGES}(?![A-Za-z0-9_])))\1(?=\Z|:|[^\0-\x7f])")
# `tickets/{id}.json` is a naming scheme, like `tickets/*.json`.
_PLACEHOLDER: Final = re.compile(r"\{[^{}/]{1,60}\}")
# The end of emphasis; a folder's own name (`__tests__/`) or a file's (`__init__.py`) does not end any.
_EMPHASIS_END: Final = re.compile(r"(?<=[^\s\\_])_++(?![\w/]|\.\w)")
_PATH_SIGN: Final = re.compile(r"[/.:#\\]")
_NOT_IN_PATH: Final = re.compile(r"[\n*?$<>|=\0]")
_BLOB: Final = re.compile(r"/(?:-/)?(?:blob|tree|raw|src/branch|src/commit|blame)/")
_HOST: Final = re.compile(
    r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?:[\w-]+\.)*(?:localhost|[\w-]+\.(?:com|org|net|io|dev|local|internal|cloud|app|ai|edu|gov)))$",
    re.IGNORECASE,
)
_PLAIN_NAMES: Final = frozenset({
    "AUTHORS", "BUILD", "Brewfile", "CHANGELOG", "CODEOWNERS", "CONTRIBUTING", "COPYING", "Caddyfile",
    "Containerfile", "Dockerfile", "Earthfile", "Gemfile", "Jenkinsfile", "Justfile", "LICENSE", "Makefile",
    "NOTICE", "Procfile", "README", "Rakefile", "Tiltfile", "VERSION", "Vagrantfile", "WORKSPACE", "justfile",
})  # fmt: skip


def parse_path(text: str, marked: bool) -> tuple[str, str] | None:
    """Parse a possible citation.

    Args:
        text: a code span, the target of a link, a table cell or a word.
        marked: False for a bare word, True for the others.

    Returns:
        The path and its lines (empty if it has no lines); None if the text is not a path.
    """
    word = text if marked else text.lstrip("*!?:").rstrip("*_.!?:")
    # Agents mention a file as `@/home/me/a.py`.
    word = word[1:] if word.startswith(("@/", "@~/", "@./", "@../")) else word
    # Every path has one of these signs, except for a few known names; most words have none.
    if not _PATH_SIGN.search(word) and word not in _PLAIN_NAMES:
        return None
    if len(word) > LONGEST or _NOT_IN_PATH.search(word) or ("{" in word and _PLACEHOLDER.search(word)):
        return None
    lines = ""
    fragment = _FRAGMENT.search(word)
    if anchor := fragment or _COLON.search(word):
        word, lines = word[: anchor.start()], anchor["lines"]
    else:
        # A test is named by its file and its own name.
        word = word.partition("::")[0]
        word = word.partition("#")[0] if marked and "#" in word[1:] else word
    # A path with slashes has no Windows backslashes: `a/b\_c.py` is Markdown that was escaped twice.
    path = (unescaped(word) if "/" in word else word).replace("\\", "/")
    return (path, lines) if path and _is_path(path, bool(lines), bool(fragment), marked) else None


def _is_path(path: str, lines: bool, fragment: bool, marked: bool) -> bool:
    """True if a text is a path, not a command, a route, a host with a port or prose."""
    if URL.match(path):
        return bool(_BLOB.search(path))
    name = path.rstrip("/").rpartition("/")[2]
    if " " in path and not (lines and "/" in path.partition(" ")[0] and EXTENSION.search(name)):
        return False
    if not any(char.isalpha() for char in name) or "@" in path.partition("/")[0][1:]:
        return False
    if fragment or name in _PLAIN_NAMES or EXTENSION.search(name):
        return "/" in path or not _HOST.match(path)
    deep = path.startswith(("/", "./", "../")) or path.count("/") > 1
    return lines and (deep or (marked and "/" in path)) and not _HOST.match(path.partition("/")[0] or "-")


_SPOKEN_RANGE: Final = rf"{RANGE}(?:\s?(?:-|\u2013|\u2014|to|through)\s?L?[0-9]{{1,9}})?"
_LINES_AFTER: Final = re.compile(
    rf"(?:[*_`]{{0,3}}(?::(?=L?[0-9])|#(?=L[0-9]))|[*_]{{0,3}}[,:]?\s{{1,3}}"
    rf"(?:\(|at |on |[-\u2013\u2014] |@ ?)?(?:lines?\s{{1,2}}(?=L?[0-9])|(?=L[0-9]))"
    rf"|\((?:lines?\s{{1,2}}(?=L?[0-9])|(?=L[0-9]))|(?:, ?|,? (?:and|&) )`:(?=L?[0-9]))"
    rf"(?P<lines>{_SPOKEN_RANGE}(?:`?(?:, ?|,? (?:and|&) )`?:?{_SPOKEN_RANGE})*)"
    r"(?![A-Za-z0-9_])(?!\s(?:of|in)\s(?:the file\s)?[*_]{0,3}[`\[])",
    re.IGNORECASE,
)
_SPACED: Final = re.compile(r"(?<=[0-9])\s?(?:[-\u2013\u2014]|to|through)\s?(?=L?[0-9])", re.IGNORECASE)
_SINGLE_RANGE: Final = re.compile(
    r"L?([0-9]+)(?::[0-9]+)?(?:C[0-9]+)?(?:[-\u2013\u2014]L?([0-9]+)(?::[0-9]+)?(?:C[0-9]+)?)?", re.IGNORECASE
)

# A word ends at brackets, but for those of a folder (`app/[slug]/(auth)/page.tsx`, `runs/{id}/log.txt`), and
# at what Chinese and Japanese put between words: commas, stops, brackets, colons.
_WORD: Final = re.compile(
    "(?:[^\\s`<>\"'()\\[\\]{},;|\u201c\u201d\u2018\u2019\u3001\u3002\u3008-\u3011\u3014-\u301b"
    "\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\u0000]"
    r"|(?<=/)(?:\[[\w.-]{1,60}\]|\([\w.-]{1,60}\))(?=[/.])|(?<=[\w/.-])\{[\w.-]{1,60}\})+"
    r"(?:, ?:?[0-9][0-9:-]*(?![\w.]))*"
)
_CELL: Final = re.compile(rf"[*_`(]*(?:lines?\s)?(?P<lines>{RANGE}(?:, ?{RANGE})*)[)*_`]*", re.IGNORECASE)
# An ellipsis in place of a part of a path; `[...slug]` is a folder's own name.
_ELLIPSIS: Final = re.compile(r"(?:^|/)(?:\.{3}|\u2026)|(?:\.{3}|\u2026)(?:/|$)")


class Citation(Record):
    """A place that a document cites.

    Attributes:
        path: the file as it is written, without marks and lines, with `/` for each backslash.
        line: the first cited line; None for the whole file.
        end_line: the last cited line; equal to `line` for a single line.
        at: the line of the citation in the document.
    """

    path: str
    line: int | None
    end_line: int | None
    at: int

    @property
    def kind(self) -> Kind:
        """The kind of path: absolute, relative, a web address, or shortened with an ellipsis."""
        if URL.match(self.path):
            return "url"
        if _ELLIPSIS.search(self.path):
            return "shortened"
        return "absolute" if self.path.startswith(("/", "~/")) or DRIVE.match(self.path) else "relative"

    def __str__(self) -> str:
        if self.line is None:
            return self.path
        return f"{self.path}:{self.line}" + ("" if self.end_line == self.line else f"-{self.end_line}")


def citations(blocks: Sequence[AnyBlock]) -> Iterator[Citation]:
    """Yield all citations of blocks in order. Quotes, code blocks and HTML have none."""
    for block in flatten(blocks):
        if isinstance(block, Heading | Paragraph):
            yield from citations_in(block.text)
        elif isinstance(block, Table):
            titles = [cell.plain.strip().casefold() in {"line", "lines"} for cell in block.header]
            for row in (block.header, *block.rows):
                yield from _row_citations(row, titles)


def citations_in(text: Text) -> Iterator[Citation]:
    """Yield all citations of a text in order."""
    raw = text.raw
    places = LineCounter(raw, text.line)
    for start, end, part, marked in _candidates(text):
        if found := parse_path(part, marked):
            path, lines = found
            nearby = _LINES_AFTER.match(raw, end)
            lines = ", ".join(filter(None, (lines, nearby["lines"] if nearby else "")))
            if lines or marked or "/" in path.strip("/"):
                yield from _each_range(path, lines, places.line_at(start))


def _each_range(path: str, lines: str, at: int) -> Iterator[Citation]:
    """Yield one citation per listed line or range; a single one without lines if none is listed."""
    if not lines:
        yield Citation(path, None, None, at)
    for one in _SINGLE_RANGE.finditer(_SPACED.sub("-", lines)):
        first = int(one[1])
        yield Citation(path, first, int(one[2] or first), at)


def _row_citations(row: Sequence[Text], titles: Sequence[bool]) -> Iterator[Citation]:
    """Return the citations in a table row; a separate column may hold the lines of the only path."""
    found = [one for cell in row for one in _cell_citations(cell)]
    lines = ""
    if len(found) == 1 and found[0].line is None:
        texts = ((cell.raw.strip(), is_lines) for cell, is_lines in zip(row, titles, strict=False))
        cells = [text for text, is_lines in texts if is_lines or text.lstrip("*_`(")[:1] in {"L", "l"}]
        lines = next((match["lines"] for cell in cells if (match := _CELL.fullmatch(cell[:LONGEST]))), "")
    yield from _each_range(found[0].path, lines, found[0].at) if lines else found


def _cell_citations(cell: Text) -> Iterator[Citation]:
    """Yield the citations in a cell; a path that fills the cell counts as if in a code span."""
    found = None if cell.codes or cell.references else parse_path(unescaped(cell.raw.strip()), True)
    if found and not found[1] and EXTENSION.search(found[0]):
        yield Citation(found[0], None, None, cell.line)
    else:
        yield from citations_in(cell)


def _candidates(text: Text) -> Iterator[tuple[int, int, str, bool]]:
    """Yield the parts of a text that may be paths, as (start, end, text, marked)."""
    raw = text.raw
    marked = [(code.start, code.end, code.content.replace("\n", " ").strip()) for code in text.codes]
    marked += [(link.start, link.end, _link_place(raw, link)) for link in text.references]
    marked += [(*struck.span(), "") for struck in STRUCK.finditer(raw)]
    end = 0
    emphasis_end = max((mark.end() for mark in _EMPHASIS_END.finditer(raw)), default=0)
    for start, stop, part in [*sorted(marked), (len(raw), len(raw), "")]:
        # A code span may be inside a link.
        if start >= end:
            for word in _WORD.finditer(raw, end, start):
                # A name begins with `_` where no emphasis that it could begin ends.
                name = word[0].lstrip("*_") if word.start() < emphasis_end else word[0]
                yield word.start(), word.end(), unescaped(name), False
            yield start, stop, part, True
            end = stop


def _link_place(raw: str, link: Reference) -> str:
    """Return the place that a link leads to; its text may contribute the lines. Empty if nobody sees it."""
    text = Text(STRUCK.sub("", raw[link.text_start : link.text_end]), 1)
    words, place = strip_invisible(text.rendered).strip(), parse_path(link.target, True)
    # A picture shows a file, and no line of it.
    if not (words or text.has_pictures or (link.picture and place and not place[1])):
        return ""
    inner = parse_path(words, True)
    if inner and inner[1] and place and not place[1]:
        return f"{place[0]}:{inner[1]}"
    return link.target
