"""One path that a change adds, modifies or deletes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SYMLINK: Final = 0o120000
SUBMODULE: Final = 0o160000
EXECUTABLE: Final = 0o100755


class Entry:
    """One path that a change adds, modifies or deletes; a rename is a deletion and an addition.

    Attributes:
        path: the name as git has it, in bytes.
        status: `A` added, `D` deleted, `M` content or mode modified, `T` type changed, `U` unmerged.
        old_mode: the mode before (0 where it is added), e.g. `0o100644`.
        new_mode: the mode after (0 where it is deleted).
        old: the object id before, in full; zeros where it is added.
        new: the object id after, in full; zeros where it is deleted.
    """

    __slots__ = ("new", "new_mode", "old", "old_mode", "path", "status")

    def __init__(self, path: bytes, status: str, old_mode: int, new_mode: int, old: str, new: str) -> None:
        self.path = path
        self.status = status
        self.old_mode = old_mode
        self.new_mode = new_mode
        self.old = old
        self.new = new

    @property
    def added(self) -> bool:
        """Whether the path is new."""
        return self.status == "A"

    @property
    def deleted(self) -> bool:
        """Whether the path is gone."""
        return self.status == "D"

    @property
    def is_file(self) -> bool:
        """Whether the path is a regular file after the change."""
        return self.new_mode & 0o170000 == 0o100000

    @property
    def is_symlink(self) -> bool:
        """Whether the path is a symbolic link after the change."""
        return self.new_mode == SYMLINK

    @property
    def is_submodule(self) -> bool:
        """Whether the path is a submodule (gitlink) after the change."""
        return self.new_mode == SUBMODULE

    def __repr__(self) -> str:
        return f"Entry({self.status} {self.path!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and all(getattr(self, n) == getattr(other, n) for n in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.path, self.status, self.new))
