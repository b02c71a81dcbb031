"""Objects by their id: how large they are, and what they hold."""

from __future__ import annotations

import re

from specguard.change.store import FEW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Final

    from specguard.change.git import Git

LINK_LIMIT: Final = 4096
"""The most bytes that the text of a symbolic link may have, as on Linux (PATH_MAX)."""

_ABSENT: Final = rb"(?m)^([0-9a-f]+) (?:missing|ambiguous)$"


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

    def larger(self, oids: Collection[str], limit: int) -> Mapping[str, int]:
        """The size in bytes of those objects that are larger than a limit; none of them is read.

        For thousands of objects of which hardly any is large this takes a small part of the time of `sizes`.

        Args:
            oids: full object ids.
            limit: how many bytes are not too many.

        Raises:
            MissingFact: one of them is not there.
        """
        if len(oids) <= FEW:
            return {oid: size for oid, size in self._git.sizes(list(oids)).items() if size > limit}
        process = self._git.start(
            "cat-file", "--batch-check=%(objectsize) %(objectname)", "--buffer",
            stdin="\n".join([*oids, ""]).encode("ascii"),
        )  # fmt: skip
        said = self._git.read(process, "the objects' sizes")
        absent = re.search(_ABSENT, said)
        if absent or said.count(b"\n") != len(oids):
            named = absent[1].decode("ascii") if absent else "of the change"
            raise self._git.missing(f"object {named}", "it is not in the object store")
        # Only sizes with as many digits as the limit has are looked at.
        found = re.finditer(rb"(?m)^([0-9]{%d,}) ([0-9a-f]+)$" % len(str(limit)), said)
        return {match[2].decode("ascii"): int(match[1]) for match in found if int(match[1]) > limit}

    def read(self, oid: str, *, limit: int = LINK_LIMIT) -> bytes:
        """What an object holds.

        Args:
            oid: a full object id.
            limit: how many bytes are too many; by default as many as the text of a symbolic link can have.

        Raises:
            MissingFact: it is not there, is larger than `limit`, or has another content than its id says.
        """
        return self._git.object(oid, limit=limit)[1]
