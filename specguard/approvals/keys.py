"""Public SSH keys as `.pub` files and authorised-keys files have them: `type base64 comment`."""

from __future__ import annotations

import binascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

KEY_TYPES: Final = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
"""The types that `ssh-keygen -Y` signs with."""


def key_problem(key: str) -> str:
    """What is wrong with a public key, as a clause; empty where nothing is."""
    kind, _, rest = key.partition(" ")
    if kind not in KEY_TYPES:
        return f"the key {key[:40]!r} does not begin with a type such as {KEY_TYPES[0]}"
    if any(char < " " for char in key):
        return f"the key {key[:40]!r} is more than one line"
    if not is_of_kind(key_blob(key), kind):
        return f"what follows {kind} in the key {rest[:20]!r} is no such key"
    return ""


def public_part(key: str) -> str:
    """A key without its comment."""
    return " ".join(key.split()[:2])


def key_blob(key: str) -> bytes:
    """The bytes of a key; empty where it is none."""
    words = key.split()
    try:
        return binascii.a2b_base64(words[1].encode("ascii"), strict_mode=True) if len(words) > 1 else b""
    except (binascii.Error, UnicodeEncodeError):
        return b""


def is_of_kind(blob: bytes, kind: str) -> bool:
    """Whether the bytes begin with the key's type, as RFC 4253 section 6.6 has it, and go on after it."""
    name = kind.encode()
    head = len(name).to_bytes(4, "big") + name
    return blob.startswith(head) and len(blob) > len(head) + 8
