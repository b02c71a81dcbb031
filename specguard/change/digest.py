"""The two hashes of git's object ids, without `hashlib`, whose import a hook would wait for.

`hashlib` has those of OpenSSL, which are several times as fast: they are taken once there was much to hash.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha1, sha256
    from typing import Final
else:
    try:
        from _sha1 import sha1
    except ImportError:
        from hashlib import sha1
    try:
        from _sha2 import sha256
    except ImportError:
        try:
            from _sha256 import sha256
        except ImportError:
            from hashlib import sha256

MUCH: Final = 1 << 20
"""After so many bytes, `hashlib` saves more time than its import costs."""

__all__ = ["object_id", "sha1", "sha256"]


class _Hashes:
    """The hashes of objects, and how much was hashed."""

    __slots__ = ("_left", "_sha1", "_sha256")

    def __init__(self) -> None:
        self._sha1, self._sha256 = sha1, sha256
        self._left = MUCH

    def object_id(self, kind: str, content: bytes, digits: int) -> str:
        """The object id that git gives to this content.

        Args:
            kind: `blob`, `tree`, `commit` or `tag`.
            content: the object's bytes.
            digits: 40 for a repository of SHA-1, 64 for one of SHA-256.
        """
        if self._left > 0:
            self._left -= len(content)
            if self._left <= 0:
                import hashlib

                self._sha1, self._sha256 = hashlib.sha1, hashlib.sha256
        hashed = self._sha256 if digits == 64 else self._sha1
        state = hashed(b"%s %d\0" % (kind.encode(), len(content)), usedforsecurity=False)
        state.update(content)
        return state.hexdigest()


object_id = _Hashes().object_id
