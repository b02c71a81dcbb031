"""The files that a task is expected to touch, as plans write them."""

from __future__ import annotations

import re

from specguard.declaration.patterns import Covering, PatternError
from specguard.work.path_templates import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_REMARK: Final = re.compile(r"(?<!\s)\s+(?:\([^()]*\)|#.*|(?:--?|\u2013|\u2014)\s.*)$")
_LINES: Final = re.compile(r"(?::[0-9]+(?:[-:][0-9]+)?|#L[0-9]+(?:-L?[0-9]+)?)$")
_PROBES: Final = (b"\x01", b"\x01/\x02", b"\x02/\x01/\x02")
LONGEST: Final = 1000
"""How many characters an expected path has at most."""


class Expectation:
    """What one entry of `expected_files` covers.

    Attributes:
        text: the entry as it is written.
        paths: patterns from the repository's root; empty where the entry means none.
        problem: why it means none, as a clause; empty where it does.
    """

    __slots__ = ("paths", "problem", "text")

    def __init__(self, text: str, paths: Covering, problem: str = "") -> None:
        self.text = text
        self.paths = paths
        self.problem = problem


def expectation(text: str, code: str = "") -> Expectation:
    """What an entry of `expected_files` covers: a file, a folder with all below it, or a pattern.

    A name is also taken as it stands, so that `app/[id]/page.tsx` is that file. A remark behind the path
    (`src/x.py (new)`) and a line (`src/x.py:12`) are left out.

    Args:
        text: the entry.
        code: the folder that it is relative to; empty for the repository's root.
    """
    path = text.strip()
    if len(path) <= LONGEST:
        path = _LINES.sub("", _REMARK.sub("", path, count=1)).strip("`'\"")
    problem = _problem(path)
    if problem:
        return Expectation(text, Covering(), problem)
    while path.startswith("./"):
        path = path[2:]
    folder = code.strip("/")
    if path in {"", "."}:
        return Expectation(text, Covering([escape(folder)] if folder else ["**"]))
    ahead = f"{escape(folder)}/" if folder else ""
    patterns = [ahead + escape(path)]
    problem = ""
    try:
        Covering.translate(ahead + path)
    except PatternError as error:
        # As a name it may still be one; as a pattern it is none.
        problem = "" if _is_name(path) else _clause(error)
    else:
        patterns.append(ahead + path)
    try:
        return Expectation(text, Covering(patterns), problem)
    except PatternError as error:
        return Expectation(text, Covering(), _clause(error))


def expected_paths(texts: Sequence[str], code: str = "") -> Covering:
    """What a task's `expected_files` cover together; entries that mean nothing are left out."""
    patterns = [pattern for text in texts for pattern in expectation(text, code).paths.patterns]
    return Covering(list(dict.fromkeys(patterns)))


def expects_all(expected: Expectation) -> bool:
    """Whether an entry covers every file there is."""
    if not any("*" in pattern for pattern in expected.paths.patterns):
        return False
    return all(expected.paths.find(probe) is not None for probe in _PROBES)


def _problem(path: str) -> str:
    if not path:
        return "is no path"
    if len(path) > LONGEST:
        return f"has more than {LONGEST} characters"
    if path.startswith(("/", "~")) or re.match("[A-Za-z]:[\\\\/]", path):
        return "is an absolute path, which is another one on every machine"
    if ".." in path.split("/"):
        return "climbs out of the folder that it is relative to"
    if "\\" in path and "/" not in path:
        return "is written with backslashes"
    if any(char < " " or char == "\x7f" for char in path):
        return "has a control character"
    return ""


def _is_name(path: str) -> bool:
    return not any(char in path for char in "*?")


def _clause(error: PatternError) -> str:
    """What is wrong with a pattern, without the pattern."""
    text = str(error)
    return text.partition("' ")[2] or text
