"""Objects by their id: how large they are, and what they hold."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.change.git import Git

LINK_LIMIT: Final = 4096
"""The most bytes that the text of a symbolic link may have, as on Linux (PATH_MAX)."""


class Objects:
    """The objects that a change's entries name.

    Args:
        git: the repository's private git directory.
    """

    __slots__ = ("_git",)

    def __init__(self, git: Git) -> None:
        self._git = git

    def sizes(self, oids: Sequence[str]) -> Mapping[str, int]:
        """The size of each object in bytes; none of them is read.

        Args:
            oids: full object ids.

        Raises:
            MissingFact: one of them is not there.
        """
        return self._git.sizes(oids)

    def read(self, oid: str, *, limit: int = LINK_LIMIT) -> bytes:
        """What an object holds.

        Args:
            oid: a full object id.
            limit: how many bytes are too many; by default as many as the text of a symbolic link can have.

        Raises:
            MissingFact: it is not there, is larger than `limit`, or has another content than its id says.
        """
        return self._git.object(oid, limit=limit)[1]
