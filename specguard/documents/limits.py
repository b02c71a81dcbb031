"""How large and how deep a Markdown document may be, found out in linear time before it is parsed.

markdown-it-py takes time in proportion to a document's length, but for one thing: every line costs once more
for each list and quote that it stands in, also where it only continues a paragraph of one. Short lines are
the dear ones. Within these limits the worst document takes a few seconds, an ordinary one of its size one.
"""

from __future__ import annotations

import re

from specguard.documents.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

MAX_CHARACTERS: Final = 4 << 20
"""How many characters a document may have."""

MAX_LINES: Final = 100_000
"""How many lines a document may have."""

MAX_CELLS: Final = 200_000
"""How many bars (`|`) a document with tables may have."""

MAX_NESTING: Final = 200
"""How deep quotes and the items of lists may be nested, a list and its item counted as two.

What is deeper is refused: markdown-it drops it without a word, and without a limit it and the reader of its
tokens would end in a `RecursionError`.
"""

MAX_LEVELS: Final = 1_000_000
"""How many levels of lists and quotes all lines of a document may stand in together.

A mark that opens one counts `MARK` times, since it costs so much more than a line that only stands in it.
"""

MARK: Final = 8

_SMALL: Final = (100_000, 5000)
"""So many characters and lines cannot be beyond `MAX_LEVELS`."""

_DELIMITERS: Final = re.compile(r"(?=[^|]*+\|)[-+*>0-9.) \t]*+[-:|\s]*+")
_DEEPEST: Final = MAX_NESTING // 2
_PREFIX: Final = re.compile(r"(?:[ \t]*+(?:>|(?:[-+*]|[0-9]{1,9}[.)])(?=[ \t]|$)))*+[ \t]*+")
_MARK: Final = re.compile(r"[-+*>]|[.)]")


def beyond_limits(lines: Sequence[str]) -> Problem | None:
    """Why a document is not parsed; None where it can be.

    Args:
        lines: its lines.
    """
    if len(lines) > MAX_LINES:
        return Problem(f"it has more than {MAX_LINES} lines", MAX_LINES + 1)
    size = bars = full = 0
    for number, line in enumerate(lines, start=1):
        size += len(line) + 1
        if "|" in line:
            bars += line.count("|")
            full = full or (number if bars > MAX_CELLS else 0)
        if size > MAX_CHARACTERS:
            return Problem(f"it has more than {MAX_CHARACTERS} characters", number)
    if full and any(_DELIMITERS.fullmatch(line) for line in lines):
        return Problem(f"its tables have more than {MAX_CELLS} cells", full)
    return None if size < _SMALL[0] and len(lines) < _SMALL[1] else _beyond_levels(lines)


def _beyond_levels(lines: Sequence[str]) -> Problem | None:
    """Whether the lines stand in too many lists and quotes, counted so that it is rather too many."""
    total = depth = 0
    blank = True
    for number, line in enumerate(lines, start=1):
        found = _PREFIX.match(line)
        prefix = found[0] if found else ""
        marks = len(_MARK.findall(prefix)) if prefix else 0
        if len(prefix) == len(line) and not marks:
            blank = True
            continue
        # By its indentation a line stands in what is open; without a blank line it may do so with none.
        own = marks + min(len(prefix.expandtabs(4)) // 2, depth)
        depth = min(own if blank else max(own, depth), _DEEPEST)
        blank = False
        total += depth + MARK * marks
        if total > MAX_LEVELS:
            return Problem("its lists and quotes are nested too deeply over too many lines", number)
    return None
