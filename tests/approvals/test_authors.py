"""`[authors]`: who is known by the platform or a key is exempt of conventions, and of nothing else."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from specguard.testing import run_here as run

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Outcome, Repository

BAD = "Bump\nx\n"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "bot"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return file


@pytest.fixture
def repo(repository: Repository, key: Path) -> Repository:
    """A repository that knows a bot by its account and its key, and a branch of it."""
    public = key.with_suffix(".pub").read_text().strip()
    authority = f"""# Authority

## Locked zones

- `LICENSE`

## Settings

```toml specguard
[authors.bump]
logins = ["bump[bot]"]
keys = ["{public}"]
```
"""
    repository.commit("chore: start", files={"SPEC_AUTHORITY.md": authority, "LICENSE": "mine\n", "a": "a\n"})
    repository.branch("bump")
    return repository


def judged(repository: Repository, login: str = "", *words: str) -> Outcome:
    if login:
        file = repository.path.parent / "event.json"
        head = {"sha": repository.oid(), "ref": "bump"}
        request = {
            "head": head, "base": {"ref": "main", "sha": repository.oid("main")}, "number": 1,
            "title": "Bump", "body": "", "user": {"login": login},
        }  # fmt: skip
        file.write_text(json.dumps({"pull_request": request, "repository": {"default_branch": "main"}}))
        words = ("--pr-event", str(file), *words)
    return run("check", "--output-format", "json", *words, directory=repository.path)


def signed(repository: Repository, key: Path, message: str, files: dict[str, str]) -> None:
    for path, text in files.items():
        repository.write(path, text)
    repository.stage()
    config = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}")
    repository.git(*config, "commit", "-q", "-S", "-m", message)


def test_the_platforms_word_exempts_and_is_told(repo: Repository) -> None:
    repo.commit(BAD, files={"a": "b\n"})
    for words in ((), ("--enforce",)):
        found = judged(repo, "Bump[bot]", *words)
        assert (found.exit_code, found.report["verdict"]) == (0, "passed"), found
    rule = next(one for one in found.report["rules"] if one["code"] == "CMT003")
    assert rule["state"] == "not-applicable"
    assert "bump made the change, as the platform's event shows" in rule["reason"]


@pytest.mark.parametrize("login", ["", "mallory", "bump"])
def test_a_name_and_an_address_prove_nothing(repo: Repository, login: str) -> None:
    repo.commit(BAD, files={"a": "b\n"}, author="bump[bot] <1+bump[bot]@users.noreply.github.com>")
    assert judged(repo, login).exit_code == 1


def test_what_guards_holds_for_everybody(repo: Repository) -> None:
    repo.commit(BAD, files={"LICENSE": "yours\n"})
    found = judged(repo, "bump[bot]")
    assert (found.exit_code, found.codes) == (1, ["PTH002"])


def test_a_signature_of_each_commit_exempts(repo: Repository, key: Path, tmp_path: Path) -> None:
    signed(repo, key, "Bump\nx", {"a": "b\n"})
    assert judged(repo).exit_code == 0
    repo.commit(BAD, files={"a": "c\n"})
    assert judged(repo).exit_code == 1
    repo.git("reset", "-q", "--hard", "HEAD~1")
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    signed(repo, other, "Bump\nx", {"a": "d\n"})
    assert judged(repo).exit_code == 1


def test_a_signature_of_another_commit_does_not(repo: Repository, key: Path) -> None:
    signed(repo, key, "fix: x", {"a": "b\n"})
    content = repo.process("cat-file", "commit", "HEAD").stdout
    forged = content.replace(b"\n\nfix: x", b"\n\nBump\nx")
    oid = repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged)
    repo.git("reset", "-q", "--hard", oid)
    assert judged(repo).exit_code == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('logins = ["x"]\nexempt = ["PTH002"]', "an author is exempt only of CMT and PRQ"),
        ('exempt = ["CMT"]', "neither `logins` nor `keys`"),
        ('keys = ["x"]', "does not begin with a type"),
        ('emails = ["x"]', "emails"),
    ],
)
def test_what_cannot_be_is_refused(repository: Repository, table: str, said: str) -> None:
    repository.commit("chore: start", files={"specguard.toml": f"[authors.x]\n{table}\n"})
    outcome = run("check", directory=repository.path)
    assert (outcome.exit_code, said in outcome.stderr) == (2, True), outcome
