"""Items of lists: ticked boxes, and the paths at the beginning.

Leading paths are read from the source instead of the rendered text, since `**` and `_` in a bare path are not
emphasis.
"""

from __future__ import annotations

import re
from itertools import pairwise

from specguard.documents.blocks import ENCLOSING, Fence, Heading, Html, List, Paragraph, Table, Text
from specguard.documents.inline import html_text, unescaped
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock


# Everything that a reader takes for a tick, even if Markdown does not make it a checkbox: letters, words and
# signs in a box, or a sign by itself. A cross by itself means failure.
_CHECK: Final = r"(?:[☑✅✓✔🗸🗹]\ufe0f?|:(?:(?:white|heavy)_check_mark|ballot_box_with_check):)"
_TICK: Final = re.compile(
    r"[*_`]{0,3}(?:\\?\[ {0,3}(?P<mark>[^\[\]\s\\\ufe0f]{1,9})\ufe0f? {0,3}\\?\](?!\()"
    rf"|(?P<sign>{_CHECK}|<input checked>))"
)
_TICK_MARKS: Final = frozenset(
    "xvy\u00d7\u221a\u03c7\u04b3\u0445\u2611\u2612\u22a0\u2327\u2705\u2713\u2714\u2715\u2716\u2717\u2718\u2a09\u2a2f\u2bbd"
    "\u2bbe\U0001f5f4\U0001f5f5\U0001f5f6\U0001f5f7\U0001f5f8\U0001f5f9"
)
_DONE: Final = frozenset({"checked", "complete", "completed", "done", "finished", "ok", "ticked", "yes"})
# In bold, as a whole line before a remark, or as a sign, maybe with its word, that ends the first line,
# but not behind a colon, and not among alternatives. Compiled at its first use: a policy does not need it.
_STATED_DONE: Final = (
    rf"(?i)(?<![\w*])\*\*status(?::\*\*|\*\*:) {{1,3}}(?:{_CHECK} ?)?(?:completed?|done)\b"
    rf"|(?m:^)[*_]{{0,3}}status: {{1,3}}(?:{_CHECK} ?)?(?:completed?|done)[*_.]{{0,4}}+"
    r"(?! ?[^\W\d]| ?[/|?]|,(?: ?[^\W\d]+,)* ?(?:[^\W\d]+ )?or\b)"
    rf"|^[^\n]*[^:\s] ?{_CHECK}[*_ ]{{0,4}}(?:(?:completed?|done)[*_. ]{{0,4}})?(?:\n|$)"
)
_EMPTY_BOX: Final = re.compile(r"\[ \](?!\()")
# Everything that a reader takes for a box that is empty, has another mark than a tick, or means "no".
_OPEN_BOX: Final = re.compile(
    r"[*_`]{0,3}(?:\\?\[[^\[\]\n]{0,3}\\?\](?!\()|[\u2610\u25a1\u25fb\u26d4\u274c\u274e\u2717\u2718\u2b1c\U0001f532\U0001f6ab])"
)
_HTML_BOX: Final = re.compile(r"<input\b(?=[^<>]*\schecked[\s=/>])[^<>]*>", re.IGNORECASE)
_SEPARATOR: Final = re.compile(r"[\s`\"'<>()\[\],;|*{}\u201c\u201d\u2018\u2019]+")


MOST_TEXT: Final = 1 << 17
"""The maximum number of characters read from an item, including the text below it."""


class Ticked(Record):
    """A ticked item of a checklist, or a ticked row of a table.

    Attributes:
        line: its line, from 1.
        words: its own words, without box and marks.
        blocks: its content.
        above: the words of the items that contain it and of the headings above, innermost first.
    """

    line: int
    words: str
    blocks: Sequence[AnyBlock]
    above: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All text of the item on one line, without nested items that are not ticked.

        The text is built on each access and not cached, because items are nested.
        """
        text = ""
        for part in _item_texts(self.blocks):
            text += f" {part}"
            if len(text) > MOST_TEXT:
                break
        return " ".join(text[:MOST_TEXT].split())

    @property
    def names(self) -> Iterator[str]:
        """The texts of the item that may be paths, without surrounding marks; for a test, its file."""
        # Imported late: most checks of a commit meet no ticked item.
        from specguard.documents.citations import parse_path

        for word in _SEPARATOR.split(self.text):
            name = word.rstrip(".:!?").partition("::")[0]
            # A line or an anchor behind a path is no part of its name.
            for text in dict.fromkeys((unescaped(name), name, *(parse_path(name, True) or ())[:1])):
                path = text.replace("\\", "/").removeprefix("/")
                if "/" in path or "." in path:
                    yield path


def ticked_items(
    blocks: Sequence[AnyBlock], above: tuple[str, ...] = (), *, stated: bool = True
) -> Iterator[Ticked]:
    """Yield the ticked items among blocks in order, including those in tables, quotes and HTML.

    Code blocks have no ticked items.

    Args:
        blocks: the blocks.
        above: the words of what contains the blocks, innermost first.
        stated: True if an item without a box may state that it is done; below a ticked one, that is said of
            the same.
    """
    for block in blocks:
        if isinstance(block, List):
            for item in block.items:
                done, words = is_ticked(item.text), _own_words(item.text)
                may_state = stated and not is_open(item.text)
                if done or (may_state and re.search(_STATED_DONE, item.text.raw.strip())):
                    yield Ticked(item.line, words, item.blocks, above)
                yield from ticked_items(item.rest, (words, *above), stated=not done)
        elif isinstance(block, Table):
            for row in block.rows:
                if any(map(is_ticked, row)):
                    cells = [" ".join(cell.plain.split()) for cell in row]
                    words = ", ".join(cell for cell in cells if cell and _tick_of(cell) != cell)
                    yield Ticked(row[0].line, without_box(words), [Table(row, (), row[0].line)], above)
        elif isinstance(block, Html):
            for number, line in enumerate(block.content.split("\n"), block.line):
                text = Text(html_text(_HTML_BOX.sub("[x] ", line)), number)
                if is_ticked(text):
                    yield Ticked(number, _own_words(text), [Paragraph(text)], above)
        elif isinstance(block, ENCLOSING):
            yield from ticked_items(block.blocks, above)


def is_open(text: Text) -> bool:
    """True if a text begins with an unticked box, or with a sign for "no"."""
    raw = text.raw.strip()
    box = _OPEN_BOX.match(raw) or (raw[:1] in {"&", "<", "\\"} and _OPEN_BOX.match(text.rendered.strip()))
    return bool(box) and not is_ticked(text)


def is_ticked(text: Text) -> bool:
    """True if a text begins with a tick, in its source or on the rendered page."""
    raw = text.raw.strip()
    return bool(raw) and bool(_tick_of(raw) or (raw[0] in "&<\\[" and _tick_of(text.rendered.strip())))


def _tick_of(text: str) -> str:
    """Return the tick that a text begins with; empty if there is none."""
    found = _TICK.match(text)
    if found is None or found["sign"]:
        return found[0] if found else ""
    mark = found["mark"].casefold()
    if mark in _TICK_MARKS or mark in _DONE:
        return found[0]
    if len(mark) > 1 or mark.isascii():
        return ""
    from specguard.declaration.look_alikes import reading

    return found[0] if reading(mark) in {"x", "v"} else ""


def without_box(raw: str) -> str:
    """Return a text without the ticked or empty box at its beginning."""
    text = raw.strip()
    empty = _EMPTY_BOX.match(text)
    return (text[empty.end() :] if empty else text.removeprefix(_tick_of(text))).strip()


def _own_words(text: Text) -> str:
    """Return the words of the first line of a ticked text."""
    shown = text.plain if _tick_of(text.plain.strip()) else text.rendered
    return " ".join(without_box(shown.strip().partition("\n")[0]).split())


def _item_texts(blocks: Sequence[AnyBlock]) -> Iterator[str]:
    """Yield all visible text of an item, without nested items that are not ticked."""
    for block in blocks:
        if isinstance(block, Paragraph | Heading):
            yield block.text.raw
            # The target of `[run][1]` is in its definition.
            yield from (one.target for one in block.text.references if one.target not in block.text.raw)
        elif isinstance(block, List):
            for item in block.items:
                if not is_open(item.text):
                    yield from _item_texts(item.blocks)
        elif isinstance(block, Table):
            yield from (cell.raw for row in (block.header, *block.rows) for cell in row)
        elif isinstance(block, Fence):
            yield block.content
        elif isinstance(block, ENCLOSING):
            yield from _item_texts(block.blocks)


LINE_SUFFIX: Final = re.compile(r"(?::[0-9]+(?:[-:][0-9]+)?|#L[0-9]+(?:-L?[0-9]+)?)$")
"""The line number behind a path: `src/x.py:12`, `src/x.py#L3-L9`."""

_PATH_REMARK: Final = re.compile(
    r"(?<!\s)\s+(?:\([^()]*\)|\[[^\[\]]*\]|(?:#|//|\u2190|<-).*|(?:--?|\u2013|\u2014)\s.*)$"
)


def without_remark(entry: str) -> str:
    """Return the path in an entry without marks, lines and a remark: `src/x.py (new)`, `src/x.py:12`."""
    path = _PATH_REMARK.sub("", entry.strip(), count=1).strip("`'\"")
    return LINE_SUFFIX.sub("", path).strip("`'\"")


_BRANCHES: Final = frozenset("\u2502\u251c\u2514\u2570|`+\\")
_TREE: Final = re.compile(r"^(?:[\u2502\u251c\u2514\u2570\u2500\s]|[|`+\\](?=\s|-|$)|(?<=[|`+\\-])-)*")
"""What draws a tree of files before a name."""


def tree_lines(content: str) -> Iterator[str]:
    """Yield the lines of a code block; those of a tree of files without its lines, behind their folders.

    The line of a folder with something drawn below it is empty.
    """
    rows = [("", 0)]
    for line in reversed(content.split("\n")):
        name = _TREE.sub("", line)
        drawn = line.removesuffix(name)
        # A line that only draws belongs to the next one.
        rows.append((name.rstrip(), rows[-1][1] if not name else len(drawn) * bool(_BRANCHES & {*drawn})))
    above: dict[int, str] = {}
    for (name, depth), (_, below) in pairwise(reversed(rows)):
        above = {at: folder for at, folder in above.items() if at < depth}
        yield "" if below > depth or not name else "".join([*above.values(), name])
        above[depth] = without_remark(name).rstrip("/") + "/"


CODE: Final = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
"""A code span, with its marks and its content as groups."""
LINK: Final = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\([^()\s]*(?:\s+[\"'][^()]*|\s*)\)")
"""A link, with its text as a group."""

BARE_WORD: Final = re.compile(r"(?:\{(?:[^\s`;{}]|\{[^\s`;{}]*\})*\}|[^\s`,;])+")
"""A word of a list of paths, which commas separate, but for those of a choice in braces, or of one in it."""

_BRACKETS: Final = re.compile(r"\s*\([^()]*\)")
_JOINT: Final = re.compile(r"\s*(?:,?<br ?/?>|,\s*(?:and\b|or\b|&)?|[;&+]|\band\b|\bor\b|/(?=\s|`))\s*(?=\S)")
# A dash, a colon, a bracket, an arrow, a hash, an equals sign, a bar or the end of the line begins a comment.
_COMMENT: Final = re.compile(
    r"\s*(?:$|[-\u2013\u2014]+(?:\s|$)|[:\uff1a(\[#|=]|->|=>|\u2192|\u2190|\.(?:\s|$)|\n)"
)
_EXTENSION: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]*$")
_STRESS_MARKS: Final = ("***", "**", "__", "*", "_")
_END_MARKS: Final = ":.!?)\u3002"
LONGEST_ITEM: Final = 20_000
"""A longer text, in characters, is not searched for leading paths: nobody lists that many in one item."""

_PUNCTUATION: Final = frozenset("\u3001\u3002\uff0c\uff1a\uff1b\uff08\uff09\u300c\u300d")
_NO_PATH_START: Final = frozenset("@$<~-\"'\u00ab\u2018\u2019\u201c\u201d\u201e")


class LeadingPaths(Record):
    """The paths at the beginning of a text.

    Attributes:
        paths: the paths in order; empty if the text begins with something else.
        rest: the unparsed text after the paths, which may name more paths; empty if nothing follows, or only
            a comment or a plain sentence.
        in_sentence: True if the last path is a bare word of a longer sentence: "a.sh/b.sh remove the rest".
    """

    paths: list[str]
    rest: str
    in_sentence: bool = False


def plain_underscores(raw: str) -> str:
    r"""Return a text with each `_` that an editor has escaped outside of code: src/my\_mod/."""
    # What is between two marks of code stays as it is.
    parts = raw.split("`")
    return "`".join(part if at % 2 else part.replace("\\_", "_") for at, part in enumerate(parts))


def leading_paths(raw: str) -> LeadingPaths:
    """Parse the paths at the beginning of a text: code spans or bare paths, joined by commas, "and", `<br>`.

    Text after a dash, a colon or in brackets is a comment. If the text continues with a comma or "and", or
    names more code, the remainder becomes `rest`: further paths may be in it.
    """
    text = without_box(plain_underscores(raw))
    found = _leading_path(text) if len(raw) <= LONGEST_ITEM else None
    if found is None:
        return LeadingPaths([], "")
    paths: list[str] = []
    while found is not None:
        path, rest = found
        is_bare = text.startswith(path)
        paths.append(path)
        bracket = _BRACKETS.match(rest)
        after = rest[bracket.end() :] if bracket else rest
        separator = _JOINT.match(after)
        text = after[separator.end() :] if separator else ""
        found = _leading_path(text)
    if _COMMENT.match(after):
        return LeadingPaths(paths, "")
    return LeadingPaths(paths, after.strip() if separator or CODE.search(after) else "", is_bare)


def looks_like_path(text: str) -> bool:
    """True if a word is a path and not prose: it has a slash, a wildcard, an extension or a leading dot."""
    if text.rstrip("/") in {"*", "**"}:
        return True
    # If quotation marks belong to a name, the author has to use a code span.
    if "://" in text or text[:1] in _NO_PATH_START or not _PUNCTUATION.isdisjoint(text):
        return False
    if text.startswith("*") and not text.startswith("**/"):
        # Emphasis begins with a star too; a pattern needs more signs of a path.
        rest = text[1:]
        return rest[0] != "*" and (rest[0] in "._-/" or "*" not in rest) and looks_like_path(rest)
    if not any(char.isalnum() for char in text):
        return False
    return "/" in text or "*" in text or bool(_EXTENSION.search(text)) or (text[0] == "." and len(text) > 2)


def _leading_path(text: str) -> tuple[str, str] | None:
    """Return the path that a text begins with and the text after it; None if it begins otherwise."""
    if code := CODE.match(text):
        path = code[2].replace("\n", " ").strip()
        # A code span of several words is a command, unless it has other signs of a path.
        return (path, text[code.end() :]) if path and (" " not in path or looks_like_path(path)) else None
    if link := LINK.match(text):
        inner = _leading_path(link[1])
        return (inner[0], text[link.end() :]) if inner and not inner[1].strip() else None
    for mark in _STRESS_MARKS:
        # A mark followed by a dot, a star or a slash is a pattern, not emphasis.
        if text.startswith(mark) and (text[len(mark) :][:1].isalnum() or text.startswith("`", len(mark))):
            # A mark in a code span does not close emphasis.
            span = CODE.match(text, len(mark))
            end = text.find(mark, span.end() if span else len(mark))
            words, after = text[len(mark) : end], text[end + len(mark) :]
            if span:
                return _leading_path(words + after) if end > 0 else None
            inner = _leading_path(words) if end > 0 else None
            if inner is not None and (_COMMENT.match(inner[1]) or not inner[1].strip(_END_MARKS)):
                return inner[0], after
    word = BARE_WORD.match(text)
    if word is None:
        return None
    path = word[0].rstrip(_END_MARKS) or word[0]
    rest = text[len(path) :]
    is_path = path.endswith("/") or "*" in path or ("/" in path and bool(_EXTENSION.search(path)))
    ends = is_path or _COMMENT.match(rest) or _JOINT.match(rest)
    is_short = path[1:2] == rest[:1] == "."  # `e.g.`, `i.e.`
    return (path, rest) if ends and looks_like_path(path) and not is_short else None
