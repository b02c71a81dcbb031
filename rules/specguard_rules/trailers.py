"""Trailers at the end of a commit message, read so that nothing which only looks like one counts.

Trailers are the lines `Key: value` of the last paragraph, as `git interpret-trailers` describes them. Git
itself also takes a paragraph with other text in it, lets the repository's configuration rename keys and
separators, and stops at a line `---` in some commands and not in others; here a paragraph is trailers or it
is not.
"""

from __future__ import annotations

import re

from specguard.rules import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.rules import Commit, PullRequest

_TRAILER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)[ \t]*:(.*)", re.DOTALL)
# `git cherry-pick -x` puts this among the trailers.
_PICKED = re.compile(r"\(cherry picked from commit [0-9a-f]+\)")
# What `git am` and `git interpret-trailers` take for the end of the message.
_DIVIDER = re.compile(r"---(\s|$)")


class Trailer(Record, frozen=False):
    """One trailer.

    Attributes:
        key: as it is written; keys are compared without regard to case.
        value: without the white space around it; a folded value is one line.
        line: its line in the message, from 1.
    """

    key: str
    value: str
    line: int


class Trailers:
    """The trailers of a message, and what looks like one elsewhere in it.

    Args:
        lines: the message's lines, the subject first.

    Attributes:
        found: the trailers.
        elsewhere: lines of the form of a trailer that are none, because of where they stand.
        divided: the line of a divider `---` that makes other commands read other trailers; 0 without one.
    """

    __slots__ = ("divided", "elsewhere", "found")

    def __init__(self, lines: Sequence[str]) -> None:
        self.found = _read(lines)
        self.divided = 0
        for position, line in enumerate(lines[1:], start=1):
            if _DIVIDER.match(line):
                before = [(one.key, one.value) for one in _read(lines[:position])]
                if before != [(one.key, one.value) for one in self.found]:
                    self.divided = position + 1
                break
        taken = {trailer.line for trailer in self.found}
        self.elsewhere = [
            Trailer(match[1], match[2].strip(), number)
            for number, line in enumerate(lines[1:], start=2)
            if number not in taken and (match := _TRAILER.fullmatch(line))
        ]

    def of(self, key: str) -> list[Trailer]:
        """The trailers of a key."""
        return [trailer for trailer in self.found if trailer.key.lower() == key.lower()]

    def misplaced(self, key: str) -> list[Trailer]:
        """The lines that would be trailers of a key, stood they in the last paragraph."""
        return [trailer for trailer in self.elsewhere if trailer.key.lower() == key.lower()]


def in_change(commits: Sequence[Commit], pull_request: PullRequest | None) -> Iterator[Trailers]:
    """The trailers of each commit's message and of the pull request's text."""
    for commit in commits:
        yield Trailers(commit.message.lines)
    if pull_request is not None and pull_request.body:
        # The body stands below the title, as it does in the message of a merge.
        yield Trailers(["", "", *pull_request.body.split("\n")])


def _read(lines: Sequence[str]) -> list[Trailer]:
    """The trailers of the last paragraph; none where it is the subject's or has other lines."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    start = end
    while start and lines[start - 1].strip():
        start -= 1
    if start == 0:
        return []
    found: list[Trailer] = []
    for position in range(start, end):
        line = lines[position]
        match = _TRAILER.fullmatch(line)
        if match:
            found.append(Trailer(match[1], match[2].strip(), position + 1))
        elif line[0] in " \t" and found:
            found[-1].value = f"{found[-1].value} {line.strip()}".strip()
        elif not _PICKED.fullmatch(line.strip()):
            return []
    return found
