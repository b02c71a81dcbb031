"""The two hashes of git's object ids, without `hashlib`, whose import a hook would wait for.

`hashlib` has those of OpenSSL, which are several times as fast: they are taken once there was much to hash.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import _Hash, sha1
    from typing import Any, Final
else:
    try:
        from _sha1 import sha1
    except ImportError:
        from hashlib import sha1

MUCH: Final = 1 << 20
"""After so many bytes, `hashlib` saves more time than its import costs."""

__all__ = ["object_id", "sha1", "sha256"]


class _Hashes:
    """The hashes of objects, and how much was hashed."""

    __slots__ = ("_left", "_sha1", "_sha256")

    def __init__(self) -> None:
        self._sha1: Any = sha1
        # Few checks need it, and its import would cost each of them.
        self._sha256: Any = None
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
        hashed = self.sha256 if digits == 64 else self._sha1
        state = hashed(b"%s %d\0" % (kind.encode(), len(content)), usedforsecurity=False)
        state.update(content)
        return str(state.hexdigest())

    def sha256(self, content: bytes = b"", *, usedforsecurity: bool = True) -> _Hash:
        """The state of a SHA-256 of this content, as that of `hashlib`."""
        if self._sha256 is None:
            self._sha256 = _find_sha256()
        state: _Hash = self._sha256(content, usedforsecurity=usedforsecurity)
        return state


def _find_sha256() -> Any:
    for module in ("_sha2", "_sha256", "hashlib"):
        try:
            return __import__(module).sha256
        except ImportError:
            continue
    raise ImportError("this Python has no SHA-256")


_hashes: Final = _Hashes()
object_id = _hashes.object_id
sha256 = _hashes.sha256
