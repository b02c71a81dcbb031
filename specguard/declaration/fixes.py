"""How a finding can be put right without a person's thought: what a rule's method `fix` returns."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Fix: TypeAlias = "RenameBranch | RewordMessage | EditFile"
    """Any of them."""


class RenameBranch:
    """The branch gets another name.

    Attributes:
        name: the name.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class RewordMessage:
    """A commit's message, or the one being written, gets other words.

    Attributes:
        commit: the commit's object id; None for the one being written.
        edit: gives the new message for the present one, or the same where it cannot be put right. It may be
            given one that another finding's fix has altered already.
    """

    __slots__ = ("commit", "edit")

    def __init__(self, commit: str | None, edit: Callable[[str], str]) -> None:
        self.commit = commit
        self.edit = edit


class EditFile:
    """A file gets other content.

    Attributes:
        path: its path.
        edit: gives the new text for the present one, or the same where it cannot be put right. It may be
            given one that another finding's fix has altered already.
    """

    __slots__ = ("edit", "path")

    def __init__(self, path: bytes, edit: Callable[[str], str]) -> None:
        self.path = path
        self.edit = edit
