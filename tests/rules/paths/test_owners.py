"""`owners` of locked-path: an owner's signature opens their own area, and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from specguard.change.base import FoundBase
from specguard.change.change import BASELINE
from specguard.change.check_request import Request, Revision
from specguard.change.git import Git
from specguard.change.ranges import RunChange
from specguard.change.repository import Repository as UserRepository
from specguard.engine.check import judge_change
from specguard.engine.trusted_policy import Policies
from specguard.testing import run_here as run
from specguard.testing.case import private_key, public_key

if TYPE_CHECKING:
    from specguard.model import Stage
    from specguard.testing import Outcome, Repository

DOC = "docs/api/x.yaml"
FILES = {
    DOC: "a\n", "docs/api/y.yaml": "y\n", "docs/secret/s": "s\n", "ci/run": "make\n", "CODEOWNERS": "* @x\n",
    "jobs/a.yml": "run: specguard check\n", "jobs/b.yml": "run: make\n", "src/a": "a\n",
}  # fmt: skip
STRICTER = {
    "[[approvals": '[approvals]\ntwo_persons = ["PTH"]\n\n[[approvals',
    "[rules.locked-path]": "[rules.locked-path]\napprovable = false",
}


def authority() -> str:
    """The documents are Dora's."""
    return f"""# Authority

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
key = "{public_key("key")}"
may = ["CMT"]
```
"""


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """A branch of a repository whose documents are Dora's."""
    repository.commit("chore: start", files={"SPEC_AUTHORITY.md": authority(), **FILES})
    repository.branch("work")
    return repository


def signed(repository: Repository, files: dict[str, str], *words: str, key: str = "key") -> None:
    for path, text in files.items():
        repository.write(path, text)
    repository.stage()
    config = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={private_key(key)}")
    repository.git(*config, "commit", "-q", "-S", "-m", "feat: x", *words)


def check(repository: Repository, *words: str) -> Outcome:
    words = words or ("--enforce", "--base=main")
    return run("check", "--output-format", "json", *words, directory=repository.path)


def locked(repository: Repository, *words: str) -> list[str]:
    """The locked paths that nothing opens."""
    outcome = check(repository, *words)
    assert outcome.exit_code in (0, 1), outcome
    return [
        one["location"]["path"]
        for one in outcome.report["findings"]
        if (one["code"], one["state"]) == ("PTH002", "open")
    ]


def test_an_owner_changes_their_own_area_unless_one_commit_is_unsigned(repo: Repository) -> None:
    signed(repo, {DOC: "b\n", "src/a": "b\n"})
    repo.commit("feat: unsigned beside it", files={"src/a": "c\n"})
    outcome = check(repo)
    assert (outcome.exit_code, outcome.report["verdict"]) == (0, "accepted"), outcome
    assert outcome.state("PTH002") == "approved"
    note = f"Changed by an owner: {DOC}; dora, whose key signed each commit that touches it."
    assert note in outcome.report["notes"]
    repo.commit("feat: unsigned", files={DOC: "evil\n"})
    assert locked(repo)
    signed(repo, {DOC: "c\n"})
    assert locked(repo)


def test_another_key_an_approvals_signature_and_a_name_prove_nothing(repo: Repository) -> None:
    signed(repo, {DOC: "b\n"}, key="other")
    assert locked(repo)
    mine = authority().replace(public_key("key"), public_key("other"))
    signed(repo, {"SPEC_AUTHORITY.md": mine}, key="other")
    assert locked(repo)
    repo.git("reset", "-q", "--hard", "main")
    repo.commit("feat: x", files={DOC: "b\n"}, author="dora <dora@example.org>")
    assert locked(repo)


def test_what_is_not_the_owners_stays_locked(repo: Repository) -> None:
    others = ["CODEOWNERS", "ci/run", "docs/secret/s", "jobs/a.yml"]
    own = [".specguard/approvals/x", BASELINE.decode()]
    files = {path: f"{FILES[path]}\n" for path in others} | dict.fromkeys(own, "{}\n")
    signed(repo, {**files, DOC: "b\n"})
    assert locked(repo) == sorted([*own, *others])
    repo.git("reset", "-q", "--hard", "main")
    signed(repo, {"SPEC_AUTHORITY.md": f"{authority()}\n", DOC: "b\n"})
    assert locked(repo) == ["SPEC_AUTHORITY.md"]


def test_a_move_out_of_the_area_stays_locked(repo: Repository) -> None:
    repo.rename(DOC, "ci/x.yaml")
    repo.rename("docs/api/y.yaml", "docs/secret/y.yaml")
    signed(repo, {})
    assert {"ci/x.yaml", "docs/secret/y.yaml"} <= set(locked(repo))


def test_a_merge_is_signed_too_and_cannot_take_the_owners_change_back(repo: Repository) -> None:
    signed(repo, {DOC: "b\n"})
    signed(repo, {DOC: "c\n"})
    repo.git("checkout", "-q", "-b", "side", "HEAD~1")
    repo.commit("feat: side", files={"src/b": "b\n"})
    repo.git("merge", "-q", "--no-ff", "-s", "ours", "-m", "merge work", "work")
    assert locked(repo)
    repo.git("checkout", "-q", "work")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "side~1")
    repo.write(DOC, "evil\n")
    repo.stage()
    repo.git("commit", "-q", "-m", "merge side")
    assert locked(repo)
    signed(repo, {}, "--amend")
    assert not locked(repo)


def test_no_hook_and_no_run_lets_an_owner_through(repo: Repository) -> None:
    signed(repo, {DOC: "b\n"})
    user = UserRepository.locate(str(repo.path), os.environ)
    base = FoundBase("main", repo.oid("main"), "option", "refs/heads/main")
    stages: list[Stage] = ["run", "range"]
    request = Request(environment=user.environment, base=base.oid or "", enforce=True)
    for stage in stages:
        with Git(user) as git:
            head = Revision(repo.oid())
            change = RunChange(git, request, base, stage=stage, head=head, named=head.oid, pushed_to="work")
            verdict = judge_change(change, Policies(request, user))
        assert [one.state for one in verdict.findings if one.code == "PTH002"] == ["open"]
    repo.write(DOC, "c\n")
    repo.stage()
    assert locked(repo, "--staged")
    assert locked(repo, "--worktree")


@pytest.mark.parametrize("old", STRICTER)
def test_two_persons_are_two_and_what_no_approval_lifts_stays(repo: Repository, old: str) -> None:
    repo.git("checkout", "-q", "main")
    repo.commit("chore: more", files={"SPEC_AUTHORITY.md": authority().replace(old, STRICTER[old], 1)})
    repo.git("checkout", "-q", "-B", "work")
    signed(repo, {DOC: "b\n"})
    assert locked(repo)


def test_a_job_that_begins_or_ceases_to_run_specguard_stays_locked(repo: Repository) -> None:
    signed(repo, {"jobs/b.yml": "run: make all\n"})
    assert not locked(repo)
    signed(repo, {"jobs/b.yml": "run: specguard --version\n"})
    assert locked(repo)


def test_owners_that_are_new_are_told_of(repo: Repository) -> None:
    more = authority().replace('"docs/" = ["dora"]', '"docs/" = ["dora"]\n"ci/" = ["dora"]')
    signed(repo, {"SPEC_AUTHORITY.md": more})
    outcome = check(repo)
    assert outcome.exit_code == 1
    assert {"PTH002", "PTH004"} <= set(outcome.codes)
