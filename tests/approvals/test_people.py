"""Whom a policy knows: authors by their keys, and the first approvers, where a change names them alone.

Attacks within the authority are in `tests/cases/approvals/first-approvers.toml`.
"""

import tomllib
from pathlib import Path

import pytest

from specguard.testing import Outcome, Repository, run_here
from specguard.testing.case import private_key, public_key


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """A branch of a repository that knows a bot by its key."""
    policy = f"[authors.bump]\nkeys = ['{public_key('key')}']\n"
    repository.commit("chore: start", files={"specguard.toml": policy, "a": "a\n"})
    repository.branch("bump")
    return repository


def signed(repository: Repository, key: str, message: str, text: str) -> None:
    repository.write("a", text)
    repository.stage()
    config = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={private_key(key)}")
    repository.git(*config, "commit", "-q", "-S", "-m", message)


def test_a_signature_of_each_commit_exempts(repo: Repository) -> None:
    signed(repo, "key", "Bump\nx", "b\n")
    assert judged(repo).exit_code == 0
    repo.commit("Bump\nx\n", files={"a": "c\n"})
    assert judged(repo).exit_code == 1
    repo.git("reset", "-q", "--hard", "HEAD~1")
    signed(repo, "other", "Bump\nx", "d\n")
    assert judged(repo).exit_code == 1


def test_a_signature_of_another_commit_does_not(repo: Repository) -> None:
    signed(repo, "key", "fix: x", "b\n")
    content = repo.process("cat-file", "commit", "HEAD").stdout
    forged = content.replace(b"\n\nfix: x", b"\n\nBump\nx")
    oid = repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged)
    repo.git("reset", "-q", "--hard", oid)
    assert judged(repo).exit_code == 1


FILE = "SPEC_AUTHORITY.md"
CASES = Path(__file__).parent.parent / "cases" / "approvals" / "first-approvers.toml"
SHARED = tomllib.loads(CASES.read_text("utf-8"))
AUTHORITY: str = SHARED["policy"]
NAMED: str = SHARED["commits"]["files"][FILE]
ALICE = NAMED[len(AUTHORITY) + len("\n```toml specguard") : -len("```\n")]


def block(tables: str = ALICE) -> str:
    return f"{AUTHORITY}\n```toml specguard{tables}```\n"


@pytest.fixture
def named(repository: Repository) -> Repository:
    """A branch of a repository whose authority locks itself and names nobody."""
    repository.commit("chore: start", files={FILE: AUTHORITY, "ci/run": "make\n", "src/a.py": "a\n"})
    repository.branch("approver")
    return repository


def judged(repository: Repository, *words: str) -> Outcome:
    return run_here("check", "--output-format", "json", *words, directory=repository.path)


def test_once_one_is_named_the_next_one_needs_an_approval(named: Repository) -> None:
    named.commit("docs: name an approver", files={FILE: block()})
    named.checkout("main")
    named.git("merge", "-q", "--ff-only", "approver")
    named.branch("mallory")
    named.commit(
        "docs: more", files={FILE: block() + block(ALICE.replace("alice", "m").replace("M2", "M4"))[-250:]}
    )
    assert judged(named, "--enforce", "--base", "main", "--bootstrap").exit_code == 1
    assert judged(named).exit_code == 1


@pytest.mark.parametrize("name", ["mode", "link"])
def test_another_mode_beside_it_is_not_accepted(named: Repository, name: str) -> None:
    named.write("other.md", block())
    named.write(FILE, block())
    if name == "mode":
        (named.path / FILE).chmod(0o755)
    else:
        (named.path / FILE).unlink()
        (named.path / FILE).symlink_to("other.md")
    named.stage()
    assert judged(named, "--staged").exit_code == 1
    named.commit("docs: name an approver")
    found = judged(named, "--enforce", "--base", "main", "--bootstrap")
    assert (found.exit_code, found.report["verdict"]) == (1, "failed"), found


@pytest.mark.parametrize(
    "first",
    [
        {FILE: AUTHORITY.replace("- `ci/`\n", "")},
        {FILE: block(ALICE.replace("PTH004", "PTH"))},
        {FILE: block(), "ci/run": "true\n"},
    ],
)
def test_a_commit_that_does_more_and_is_undone_is_not_accepted(
    named: Repository, first: dict[str, str]
) -> None:
    named.commit("docs: loosen", files=first)
    named.commit("docs: name an approver", files={FILE: block(), "ci/run": "make\n"})
    assert judged(named).exit_code == 1


def test_other_rules_go_on_judging(named: Repository) -> None:
    named.commit("no type and " + "very " * 30, files={FILE: block(), "src/a.py": "b\n"})
    found = judged(named)
    assert found.exit_code == 1
    assert [one["state"] for one in found.report["findings"] if one["code"] == "PTH002"] == ["approved"]


def test_what_no_approval_lifts_this_does_not_lift_either(named: Repository) -> None:
    named.checkout("main")
    strict = AUTHORITY.replace('"main"\n', '"main"\nrules.policy-change.approvable = false\n')
    named.commit("docs: be strict", files={FILE: strict})
    named.branch("late")
    named.commit("docs: name one", files={FILE: strict + block()[len(AUTHORITY) :]})
    assert judged(named).exit_code == 1


def test_an_agents_hook_never_accepts_it(named: Repository) -> None:
    from tests.integrations.hooks.asking import ask, write

    asked = ask("claude", write(FILE, named.path, block()), named.path)
    assert asked.kind == "refuse"
