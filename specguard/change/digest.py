"""The two hashes of git's object ids, without `hashlib`, whose import a hook would wait for."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha1, sha256
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

__all__ = ["object_id", "sha1", "sha256"]


def object_id(kind: str, content: bytes, digits: int) -> str:
    """The object id that git gives to this content.

    Args:
        kind: `blob`, `tree`, `commit` or `tag`.
        content: the object's bytes.
        digits: 40 for a repository of SHA-1, 64 for one of SHA-256.
    """
    state = (sha256 if digits == 64 else sha1)(b"%s %d\0" % (kind.encode(), len(content)))
    state.update(content)
    return state.hexdigest()
