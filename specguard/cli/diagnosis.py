"""One thing that `specguard doctor` looked at."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Status = Literal["ok", "note", "missing"]


class Diagnosis:
    """One thing that was looked at.

    Attributes:
        subject: what.
        status: `ok`, `note` (a check works without it) or `missing` (it does not).
        said: what is there.
        help: the remedy; empty where nothing is to be done.
    """

    __slots__ = ("help", "said", "status", "subject")

    def __init__(self, subject: str, status: Status, said: str, help: str = "") -> None:
        self.subject = subject
        self.status = status
        self.said = said
        self.help = help
