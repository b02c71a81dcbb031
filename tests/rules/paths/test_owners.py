"""`owners` of locked-path: an owner's signature or review opens their own area, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from specguard.change.change import BASELINE
from specguard.change.repository import Repository as UserRepository
from specguard.executor.check import check_run
from specguard.testing import run_here as run

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.model import Stage
    from specguard.testing import Outcome, Repository

DOC = "docs/api/x.yaml"


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    found = {name: tmp_path / name for name in ("dora", "mallory")}
    for file in found.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return found


@pytest.fixture
def repo(repository: Repository, keys: dict[str, Path]) -> Repository:
    """A repository whose documents are Dora's, and a branch of it."""
    public = keys["dora"].with_suffix(".pub").read_text().strip()
    authority = f"""# Authority

```toml specguard
[rules.locked-path]
paths = ["docs/", "docs/secret/", "ci/", "SPEC_AUTHORITY.md", "CODEOWNERS", "jobs/", ".specguard/"]

[rules.locked-path.owners]
"docs/" = ["dora"]
"SPEC_AUTHORITY.md" = ["dora"]
"CODEOWNERS" = ["dora"]
"jobs/" = ["dora"]
".specguard/" = ["dora"]

[[approvals.approver]]
name = "dora"
emails = ["dora@example.org"]
logins = ["dora-at-work"]
key = "{public}"
may = ["CMT"]
```
"""
    repository.commit(
        "chore: start",
        files={
            "SPEC_AUTHORITY.md": authority, DOC: "a\n", "docs/secret/s": "s\n", "ci/run": "make\n",
            "CODEOWNERS": "* @x\n", "jobs/a.yml": "run: specguard check\n", "jobs/b.yml": "run: make\n",
            "src/a": "a\n",
        },
    )  # fmt: skip
    repository.branch("work")
    return repository


def signed(repository: Repository, key: Path, files: dict[str, str], message: str = "feat: x") -> None:
    for path, text in files.items():
        repository.write(path, text)
    repository.stage()
    repository.git(*config(key), "commit", "-q", "-S", "-m", message)


def config(key: Path) -> tuple[str, ...]:
    return ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}")


def check(repository: Repository, *words: str) -> Outcome:
    words = words or ("--enforce", "--base=main")
    return run("check", "--output-format", "json", *words, directory=repository.path)


def locked(repository: Repository, *words: str) -> bool:
    outcome = check(repository, *words)
    assert outcome.exit_code in (0, 1), outcome
    return any((one["code"], one["state"]) == ("PTH002", "open") for one in outcome.report["findings"])


def test_an_owner_changes_their_own_area(repo: Repository, keys: dict[str, Path]) -> None:
    signed(repo, keys["dora"], {DOC: "b\n", "src/a": "b\n"})
    repo.commit("feat: unsigned beside it", files={"src/a": "c\n"})
    outcome = check(repo)
    assert (outcome.exit_code, outcome.report["verdict"]) == (0, "accepted"), outcome
    assert outcome.state("PTH002") == "approved"
    assert (
        f"Changed by an owner: {DOC}; dora, whose key signed each commit that touches it."
        in outcome.report["notes"]
    )


@pytest.mark.parametrize("before", [True, False])
def test_one_unsigned_commit_locks_it(repo: Repository, keys: dict[str, Path], before: bool) -> None:
    if before:
        repo.commit("feat: x", files={DOC: "evil\n"})
    signed(repo, keys["dora"], {DOC: "b\n"})
    if not before:
        repo.commit("feat: x", files={DOC: "evil\n"})
    assert locked(repo)


def test_another_key_an_approvals_signature_and_a_name_prove_nothing(
    repo: Repository, keys: dict[str, Path]
) -> None:
    signed(repo, keys["mallory"], {DOC: "b\n"})
    assert locked(repo)
    authority = repo.read("SPEC_AUTHORITY.md").decode()
    mine = keys["mallory"].with_suffix(".pub").read_text().strip()
    theirs = keys["dora"].with_suffix(".pub").read_text().strip()
    signed(repo, keys["mallory"], {"SPEC_AUTHORITY.md": authority.replace(theirs, mine)})
    assert locked(repo)
    repo.git("reset", "-q", "--hard", "main")
    repo.commit("feat: x", files={DOC: "b\n"}, author="dora <dora@example.org>")
    assert locked(repo)


@pytest.mark.parametrize(
    "path",
    ["docs/secret/s", "ci/run", "SPEC_AUTHORITY.md", "CODEOWNERS", "jobs/a.yml", BASELINE.decode(),
     ".specguard/approvals/x"],
)  # fmt: skip
def test_what_is_not_the_owners_stays_locked(repo: Repository, keys: dict[str, Path], path: str) -> None:
    before = repo.path.joinpath(path)
    text = before.read_text() if before.exists() else ""
    signed(repo, keys["dora"], {path: f"{text}\n", DOC: "b\n"})
    outcome = check(repo)
    assert outcome.exit_code in (1, 2), outcome
    if outcome.exit_code == 1:
        open_ones = [
            one for one in outcome.report["findings"] if one["state"] == "open" and one["code"] == "PTH002"
        ]
        assert [one["location"]["path"] for one in open_ones] == [path], outcome


@pytest.mark.parametrize("to", ["ci/x.yaml", "docs/secret/x.yaml"])
def test_a_move_out_of_the_area_stays_locked(repo: Repository, keys: dict[str, Path], to: str) -> None:
    repo.rename(DOC, to)
    repo.stage()
    repo.git(*config(keys["dora"]), "commit", "-q", "-S", "-m", "feat: move")
    assert locked(repo)


def test_a_merge_cannot_take_the_owners_change_back(repo: Repository, keys: dict[str, Path]) -> None:
    signed(repo, keys["dora"], {DOC: "b\n"})
    signed(repo, keys["dora"], {DOC: "c\n"})
    repo.git("checkout", "-q", "-b", "side", "HEAD~1")
    repo.commit("feat: side", files={"src/b": "b\n"})
    repo.git("merge", "-q", "--no-ff", "-s", "ours", "-m", "merge work", "work")
    assert locked(repo)


def reviewed(repository: Repository, author: str, login: str = "dora-at-work", commit: str = "") -> Outcome:
    head = repository.oid()
    request = {
        "head": {"sha": head, "ref": "work"}, "base": {"ref": "main", "sha": repository.oid("main")},
        "number": 1, "title": "feat: x", "body": "", "user": {"login": author},
    }  # fmt: skip
    event = repository.path.parent / "event.json"
    event.write_text(json.dumps({"pull_request": request, "repository": {"default_branch": "main"}}))
    said = {"user": {"login": login, "type": "User"}, "state": "APPROVED", "commit_id": commit or head}
    reviews = repository.path.parent / "reviews.json"
    reviews.write_text(json.dumps([said]))
    return check(repository, "--enforce", "--pr-event", str(event), "--pr-reviews", str(reviews))


def test_an_owners_review_of_this_head_opens_it(repo: Repository) -> None:
    repo.commit("feat: x", files={DOC: "b\n"}, author="Cleo <cleo@example.org>")
    first = repo.oid()
    outcome = reviewed(repo, "cleo")
    assert outcome.exit_code == 0, outcome
    assert any("dora, who approved this head on the platform" in note for note in outcome.report["notes"])
    assert reviewed(repo, "cleo", "mallory").exit_code == 1
    repo.commit("feat: y", files={DOC: "c\n"}, author="Cleo <cleo@example.org>")
    assert reviewed(repo, "cleo", commit=first).exit_code == 1


@pytest.mark.parametrize(
    ("author", "by"),
    [
        ("Dora-at-work", "Cleo <cleo@example.org>"),
        ("cleo", "x <dora@example.org>"),
        ("", "Cleo <c@example.org>"),
    ],
)
def test_nobody_reviews_their_own_change(repo: Repository, author: str, by: str) -> None:
    repo.commit("feat: x", files={DOC: "b\n"}, author=by)
    assert reviewed(repo, author).exit_code != 0


@pytest.mark.parametrize("words", [("--staged",), ("--worktree",)])
def test_no_hook_lets_an_owner_through(
    repo: Repository, keys: dict[str, Path], words: tuple[str, ...]
) -> None:
    signed(repo, keys["dora"], {DOC: "b\n"})
    repo.write(DOC, "c\n")
    repo.stage()
    assert locked(repo, *words)


@pytest.mark.parametrize("stage", ["run", "range"])
def test_no_run_has_an_owner(repo: Repository, keys: dict[str, Path], stage: Stage) -> None:
    signed(repo, keys["dora"], {DOC: "b\n"})
    user = UserRepository.locate(str(repo.path), os.environ)
    objects = str(repo.path / ".git" / "objects")
    base = repo.oid("main")
    verdict = check_run(
        user, objects=objects, base="main", base_oid=base, head=repo.oid(), branch="work", stage=stage
    )
    assert [one.state for one in verdict.findings if one.code == "PTH002"] == ["open"]


def test_two_persons_are_two_and_what_no_approval_lifts_stays(
    repo: Repository, keys: dict[str, Path]
) -> None:
    for old, new in (("[[approvals", '[approvals]\ntwo_persons = ["PTH"]\n\n[[approvals'),
                     ("[rules.locked-path]", "[rules.locked-path]\napprovable = false")):  # fmt: skip
        repo.git("checkout", "-q", "main")
        before = repo.read("SPEC_AUTHORITY.md").decode()
        repo.commit("chore: more", files={"SPEC_AUTHORITY.md": before.replace(old, new, 1)})
        repo.git("checkout", "-q", "-B", "work")
        signed(repo, keys["dora"], {DOC: f"{new}\n"})
        assert locked(repo)
        repo.git("checkout", "-q", "main")
        repo.commit("chore: less", files={"SPEC_AUTHORITY.md": before})


def test_a_job_that_begins_or_ceases_to_run_specguard_stays_locked(
    repo: Repository, keys: dict[str, Path]
) -> None:
    signed(repo, keys["dora"], {"jobs/b.yml": "run: make all\n"})
    assert not locked(repo)
    signed(repo, keys["dora"], {"jobs/b.yml": "run: specguard --version\n"})
    assert locked(repo)


def test_a_merge_that_touches_it_is_signed_too(repo: Repository, keys: dict[str, Path]) -> None:
    signed(repo, keys["dora"], {DOC: "b\n"})
    repo.git("checkout", "-q", "-b", "side", "main")
    repo.commit("feat: side", files={"src/b": "b\n"})
    repo.git("checkout", "-q", "work")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "side")
    repo.write(DOC, "evil\n")
    repo.stage()
    repo.git("commit", "-q", "-m", "merge side")
    assert locked(repo)
    repo.git(*config(keys["dora"]), "commit", "-q", "--amend", "-S", "-m", "merge side")
    assert not locked(repo)


def test_owners_that_are_new_are_told_of(repo: Repository, keys: dict[str, Path]) -> None:
    text = (
        repo.read("SPEC_AUTHORITY.md")
        .decode()
        .replace('"docs/" = ["dora"]', '"docs/" = ["dora"]\n"ci/" = ["dora"]')
    )
    signed(repo, keys["dora"], {"SPEC_AUTHORITY.md": text})
    outcome = check(repo)
    assert outcome.exit_code == 1
    assert {"PTH002", "PTH004"} <= set(outcome.codes)
