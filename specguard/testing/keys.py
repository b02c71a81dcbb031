"""Two pairs of SSH keys that sign the approvals of cases, made once a session and thrown away after it."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from specguard.testing.reading import CaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = ("key", "other")
"""Their names: `{key}` in a case's policy is the public half of one."""

_NAMESPACE = "specguard-approval@v1"


@cache
def private_key(name: str) -> Path:
    """The file of one of this session's keys.

    Raises:
        CaseError: there is no key of this name, or no `ssh-keygen` to make it.
    """
    if name not in KEYS:
        raise CaseError(f"there is no key {name!r}: keys are {', '.join(KEYS)}")
    file = _folder() / name
    _keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file))
    return file


def public_key(name: str) -> str:
    """The public half of one of this session's keys, as a policy has it.

    Raises:
        CaseError: as `private_key`.
    """
    words = private_key(name).with_suffix(".pub").read_text(encoding="ascii").split()
    return " ".join(words[:2])


def sign(content: bytes, name: str) -> bytes:
    """The signature of a record by one of this session's keys, made without specguard.

    Raises:
        CaseError: as `private_key`.
    """
    return _keygen("-Y", "sign", "-f", str(private_key(name)), "-n", _NAMESPACE, stdin=content)


def _keygen(*words: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["ssh-keygen", *words], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise CaseError("there is no ssh-keygen to sign with") from None
    if done.returncode:
        raise CaseError(f"ssh-keygen: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


def filled(policy: str) -> Iterator[tuple[str, str]]:
    """The placeholders of keys in a policy, with what they stand for."""
    for name in KEYS:
        if f"{{{name}}}" in policy:
            yield name, public_key(name)


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="specguard-keys-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
