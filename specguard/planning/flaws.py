"""What is wrong with a change folder, with its line and with what OpenSpec's own validator makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Literal

    Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong.

    Attributes:
        path: the file or folder, from the repository's root.
        line: its line, from 1; 0 where it is about the whole of it.
        message: what is wrong, in one sentence.
        help: the next step.
        level: an error, for which `plan validate` ends with 1, or a warning, for which it does if `--strict`.
        openspec: what `openspec validate` makes of it: an error, a warning (an error with its `--strict`), or
            nothing: empty. Everything that OpenSpec calls an error is one here.
    """

    path: str
    line: int
    message: str
    help: str
    level: Level = "error"
    openspec: Literal["error", "warning", ""] = ""

    @property
    def data(self) -> dict[str, Any]:
        """The same for a report."""
        return {
            "level": self.level,
            "path": self.path,
            "line": self.line or None,
            "message": self.message,
            "help": self.help,
            "openspec": self.openspec or None,
        }
