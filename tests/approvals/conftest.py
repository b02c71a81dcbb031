"""Keys that sign, and records that are signed."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

MakeKey = Callable[..., "Key"]


class Key:
    """A pair of keys made by `ssh-keygen`: its private file, and the public key as the policy has it."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)
        self.public = file.with_suffix(".pub").read_text().strip()

    def sign(self, content: bytes, namespace: str = "specguard-approval@v1") -> bytes:
        """A signature of any namespace, made without specguard."""
        words = ["ssh-keygen", "-Y", "sign", "-f", self.file, "-n", namespace]
        return subprocess.run(words, input=content, capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def make_key(tmp_path_factory: pytest.TempPathFactory) -> MakeKey:
    """Makes keys."""

    def make(kind: str = "ed25519", *, passphrase: str = "", name: str = "key") -> Key:
        file = tmp_path_factory.mktemp("keys") / name
        words = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "a comment", "-f", str(file)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
        return Key(file)

    return make


@pytest.fixture(scope="session")
def alice(make_key: MakeKey) -> Key:
    """The key of an approver."""
    return make_key()


@pytest.fixture(scope="session")
def mallory(make_key: MakeKey) -> Key:
    """The key of somebody else."""
    return make_key()
