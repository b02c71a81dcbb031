"""The run's own place: a disposable repository that borrows the user's objects."""

from __future__ import annotations


class Place:
    """The place of a run.

    Attributes:
        path: the folder of its working files.
        base: the pinned commit.
    """

    def __init__(self, path: str, *, base: str) -> None:
        self.path = path
        self.base = base
