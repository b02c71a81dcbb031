"""Branches and remotes that no case can state: names in bytes, detached heads, configurations of git."""

from pathlib import Path

import pytest

from specguard.testing import Case, Outcome, Repository, run_here
from tests.rows import rows
from tests.rules.items import step

CANONICAL = "https://example.org/team/repo.git"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"a$(touch${IFS}ran)", "has '$', "),
        (b"a`id`", "has '`', "),
        (b"a;b", "has ';', "),
        (b"a'b", 'has "\'", '),
        ("a\u202eb".encode(), "has '\\u202e', "),
        ("a\u200bb".encode(), "has '\\u200b', "),
        (b"a\xffb", "has '\\xff', "),
        (b"--output=x", "has '-', "),
        ("caf\u00e9/#12-user@example+x=y".encode(), ""),
    ],
)
def test_names_that_are_unsafe(name: bytes, said: str, tmp_path: Path) -> None:
    repository = Case(commits=[step()]).build(tmp_path / "repository")
    repository.ref(b"refs/heads/" + name)
    repository.git("symbolic-ref", "HEAD", b"refs/heads/" + name)
    outcome = run_here("check", "--select=BRN001", "--output-format=json", directory=repository.path)
    messages = [finding["message"] for finding in outcome.report["findings"]]
    assert len(messages) == bool(said), outcome
    assert said in "".join(messages)
    assert outcome.exit_code == bool(said)
    assert not (repository.path / "ran").exists()
    assert not (repository.path / "x").exists()


def test_a_detached_head_has_no_name(tmp_path: Path) -> None:
    repository = Case(commits=[step()]).build(tmp_path / "repository")
    repository.checkout("HEAD", detach=True)
    for words, exit_code, state in (
        ((), 2, "indeterminate"),
        (("--branch=work",), 0, "passed"),
        (("--branch=a;b",), 1, "failed"),
    ):
        outcome = run_here(
            "check", "--select=BRN001", "--output-format=json", *words, directory=repository.path
        )
        assert (outcome.exit_code, outcome.state("BRN001")) == (exit_code, state)


def test_the_first_commit_of_a_repository_may_be_on_a_protected_branch(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    policy = '```toml specguard\n[rules.protected-branch]\nbranches = ["main"]\n```\n'
    repository.write("SPEC_AUTHORITY.md", policy)
    repository.git("add", ".")
    words = ("check", "--staged", "--select=BRN004", "--output-format=json")
    assert run_here(*words, directory=repository.path).exit_code == 0
    first = repository.commit("docs: state what may change")
    repository.write("a.md", "a")
    repository.git("add", ".")
    assert run_here(*words, directory=repository.path).exit_code == 1
    repository.git("update-ref", "refs/remotes/origin/main", first)
    repository.git("update-ref", "-d", "refs/heads/main")
    assert run_here(*words, directory=repository.path).exit_code == 1


def pushed(repository: Repository, branch: str = "work") -> Outcome:
    """The judgement of a push by the rule about where origin leads."""
    stdin = f"refs/heads/{branch} {repository.oid()} refs/heads/{branch} {'0' * 40}\n"
    words = ("check", "--push", "--select=BRN003", "--output-format=json")
    return run_here(*words, directory=repository.path, stdin=stdin)


@pytest.mark.parametrize(("settings", "said"), rows(__file__, "origins"))
def test_what_the_configuration_makes_of_the_origin(settings: list[str], said: str, tmp_path: Path) -> None:
    repository = Case(policy=f"remote = '{CANONICAL}'", commits=[step()]).build(tmp_path / "repository")
    for setting in settings:
        repository.git("config", *setting.split("=", 1))
    outcome = pushed(repository)
    messages = [finding["message"] for finding in outcome.report["findings"]]
    assert len(messages) == bool(said), outcome
    assert said in "".join(messages)
    assert not (repository.path / "ran").exists()


def test_a_push_where_no_remote_is_called_origin(tmp_path: Path) -> None:
    repository = Case(commits=[step()]).build(tmp_path / "repository")
    repository.git("remote", "rename", "origin", "up")
    repository.git("update-ref", "refs/remotes/up/main", repository.names["base"])
    # Of several none is guessed.
    for other, base in (("up", repository.names["base"]), ("fork", None)):
        repository.git("config", f"remote.{other}.url", "../other")
        assert pushed(repository, "main").report["change"]["base"] == base
