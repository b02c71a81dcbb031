"""Which checks used an approval, as the logs of decisions tell."""

from __future__ import annotations

import json
import os
import stat

from specguard.declaration.rule import Record
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

SCHEMA: Final = "specguard.decision/1"

PLACE: Final = "specguard/decisions.jsonl"
"""Within the git directory that working trees share: the checks in which an approval lifted something."""

LONGEST: Final = 1 << 24
"""A longer line, in bytes, is no decision."""


class Use(Record):
    """A check in which an approval lifted something.

    Attributes:
        time: when, as it is written there.
        source: what was judged: `range`, `staged` and so on.
        stage: at which moment.
        enforce: whether the check was enforced.
        verdict: what came of it.
        head: the commit that was judged; empty for what was none.
        branch: the branch that was judged; empty where none is named.
        findings: how many findings it lifted.
    """

    time: str
    source: str
    stage: str
    enforce: bool
    verdict: str
    head: str
    branch: str
    findings: int


class Uses:
    """The uses that logs of decisions tell of.

    Args:
        common: the git directory whose own log is read, where there is one.
        files: more logs.

    Attributes:
        files: those that were read.
        broken: how many of their lines are no decisions.

    Raises:
        SpecguardError: one of the files cannot be read.
    """

    def __init__(self, common: str, files: Sequence[str] = ()) -> None:
        self.broken = 0
        self.files: list[str] = []
        self._found: dict[str, list[Use]] = {}
        taken: dict[bytes, int] = {}
        for file, wanted in [(f"{common}/{PLACE}", False), *((file, True) for file in files)]:
            here: dict[bytes, int] = {}
            for line in self._lines(file, wanted=wanted):
                here[line] = here.get(line, 0) + 1
                # What several logs have is one check; what one log has several times is several.
                if here[line] > taken.get(line, 0):
                    taken[line] = here[line]
                    self._take(line)
        for uses in self._found.values():
            uses.sort(key=lambda use: use.time)

    def of(self, name: str) -> Sequence[Use]:
        """The uses of the approval of this id, the oldest first."""
        return self._found.get(name, ())

    def _lines(self, file: str, *, wanted: bool) -> Iterator[bytes]:
        try:
            # Whoever can write to the git directory can put there what has no end, or never begins.
            if not wanted and not stat.S_ISREG(os.lstat(file).st_mode):
                raise SpecguardError(
                    "it is no regular file", path=file, help="remove it", code="unreadable-file"
                )
            with open(file, "rb") as stream:
                self.files.append(file)
                while line := stream.readline(LONGEST):
                    if line.strip():
                        yield line.strip()
        except FileNotFoundError as error:
            if wanted:
                raise _unread(file, error) from error
        except OSError as error:
            raise _unread(file, error) from error

    def _take(self, line: bytes) -> None:
        try:
            uses = list(_uses(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.broken += 1
            return
        for name, use in uses:
            self._found.setdefault(name, []).append(use)


def _uses(data: Any) -> Iterator[tuple[str, Use]]:
    """The approvals that a decision names, each with what it tells of the check."""
    if data["schema"] != SCHEMA:
        raise ValueError(data["schema"])
    change = data.get("change") or {}
    # A check that gave no verdict names none.
    for one in data.get("approvals", ()):
        yield (
            _text(one["id"]),
            Use(
                time=_text(data["time"]),
                source=_text(change.get("source")),
                stage=_text(change.get("stage")),
                enforce=bool(data.get("enforce")),
                verdict=_text(data["verdict"]),
                head=_text(change.get("head")),
                branch=_text(change.get("branch")),
                findings=len(one["findings"]),
            ),
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _unread(file: str, error: OSError) -> SpecguardError:
    return SpecguardError(
        f"it cannot be read: {error.strerror}",
        path=file,
        help="name a file that --log-decisions wrote",
        code="unreadable-file",
    )
