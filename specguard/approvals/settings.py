"""`[approvals]`: who may lift what, for how long, where that is written down, and by which keys."""

from __future__ import annotations

import binascii

from specguard.declaration.rule import Settings, required, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Final, Literal


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


class Approver(Settings):
    """A person who may approve."""

    name: str = required("the name for `--approved-by`", min_length=1)
    emails: list[str] = setting([], "commit addresses")
    logins: list[str] = setting([], "platform accounts")
    key: str | list[str] = setting("", "public SSH keys, as in a `.pub` file")
    may: list[str] = required(
        "what they may lift: codes (`PTH002`), names, or families (`PTH`). Rules that "
        "need a signature must be named",
        min_length=1,
        tightens="fewer",
        selectors=True,
    )

    def problem(self) -> str:
        """What is wrong with the keys, as a clause; empty where nothing is."""
        return next((said for key in self.keys if (said := key_problem(key))), "")

    @property
    def keys(self) -> Sequence[str]:
        """The public keys as they are written."""
        if isinstance(self.key, str):
            return [self.key] if self.key else []
        return self.key

    def covers(self, code: str, name: str, *, by_name: bool = False) -> bool:
        """Whether the person may lift a rule's findings.

        Args:
            code: the rule's code.
            name: its name.
            by_name: whether the rule itself must be named, and not only its family.
        """
        named = {code, name} if by_name else {code, name, code[:3]}
        return not named.isdisjoint(self.may)


class ApprovalSettings(Settings):
    """Approvals: their log, their limits, and who may give them."""

    log: str = setting(".specguard/approvals/", "the folder of the log", min_length=1)
    max_days: int = setting(30, "the most days an approval lasts", ge=1, tightens="lower")
    scopes: list[Literal["change", "paths"]] = setting(
        ["change", "paths"], "what an approval may be bound to", min_length=1, tightens="fewer"
    )
    two_persons: list[str] = setting(
        [], "rules or families that need two persons", tightens="more", selectors=True
    )
    approver: list[Approver] = setting([], "the people who may approve", tightens="fewer")

    def named(self, name: str) -> Approver | None:
        """The approver of this name."""
        return next((approver for approver in self.approver if approver.name == name), None)

    def persons_for(self, code: str, name: str) -> int:
        """How many persons must approve a rule's findings."""
        return 1 if {code, name, code[:3]}.isdisjoint(self.two_persons) else 2


def problems(settings: Any) -> Iterable[tuple[tuple[str | int, ...], str, str]]:
    """What the table's values have against each other: one person must not be able to pass for two.

    Yields:
        The key, what is wrong, as a clause, and the next step.
    """
    log = settings.log.strip("/")
    if not log or any(part in ("", ".", "..") for part in log.split("/")):
        yield (
            ("log",),
            f"{settings.log!r} is no folder of the repository",
            "write it as .specguard/approvals/",
        )
    seen: dict[tuple[str, str], int] = {}
    for index, approver in enumerate(settings.approver):
        for what, value in _identities(approver):
            other = seen.setdefault((what, value), index)
            if other != index:
                yield (
                    ("approver", index),
                    f"has the {what} of {settings.approver[other].name!r}",
                    "give each person one table, with all their addresses and keys",
                )


def _identities(approver: Approver) -> Iterator[tuple[str, str]]:
    yield "name", approver.name.casefold()
    yield from (("address", email.casefold()) for email in approver.emails)
    yield from (("login", login.casefold()) for login in approver.logins)
    yield from (("key", public_part(key)) for key in approver.keys)
