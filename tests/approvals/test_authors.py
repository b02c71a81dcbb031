"""`[authors]`: who signs each commit with a key that the policy knows is exempt of conventions."""

import pytest

from specguard.testing import Repository, run_here
from specguard.testing.case import private_key, public_key


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """A branch of a repository that knows a bot by its key."""
    policy = f"[authors.bump]\nkeys = ['{public_key('key')}']\n"
    repository.commit("chore: start", files={"specguard.toml": policy, "a": "a\n"})
    repository.branch("bump")
    return repository


def judged(repository: Repository) -> int:
    return run_here("check", directory=repository.path).exit_code


def signed(repository: Repository, key: str, message: str, text: str) -> None:
    repository.write("a", text)
    repository.stage()
    config = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={private_key(key)}")
    repository.git(*config, "commit", "-q", "-S", "-m", message)


def test_a_signature_of_each_commit_exempts(repo: Repository) -> None:
    signed(repo, "key", "Bump\nx", "b\n")
    assert judged(repo) == 0
    repo.commit("Bump\nx\n", files={"a": "c\n"})
    assert judged(repo) == 1
    repo.git("reset", "-q", "--hard", "HEAD~1")
    signed(repo, "other", "Bump\nx", "d\n")
    assert judged(repo) == 1


def test_a_signature_of_another_commit_does_not(repo: Repository) -> None:
    signed(repo, "key", "fix: x", "b\n")
    content = repo.process("cat-file", "commit", "HEAD").stdout
    forged = content.replace(b"\n\nfix: x", b"\n\nBump\nx")
    oid = repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged)
    repo.git("reset", "-q", "--hard", oid)
    assert judged(repo) == 1
