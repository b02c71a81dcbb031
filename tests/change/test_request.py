"""What names of commits mean, whatever other refs stand in front of them."""

from pathlib import Path

import pytest

from specguard.change.check_request import base_refs, resolve
from specguard.errors import MissingFact, SpecguardError
from specguard.testing import Repository
from tests.changes import git_of


@pytest.fixture
def repo(repository: Repository) -> Repository:
    for number in range(1, 5):
        repository.names[str(number)] = repository.commit(f"c{number}", files={"f": f"{number}\n"})
    return repository


def found(repo: Repository, text: str, *, base: bool = False) -> tuple[str, str]:
    """The number of the commit that a name means, and the ref it was found under."""
    with git_of(repo) as git:
        revision = resolve(git, text, base_refs) if base else resolve(git, text)
    numbers = {oid: number for number, oid in repo.names.items()}
    return numbers[revision.oid], revision.ref


def test_names_and_their_ancestors_are_found(repo: Repository) -> None:
    oid = repo.names["2"]
    for text, expected in {
        "HEAD": ("4", ""),
        "@": ("4", ""),
        "HEAD~": ("3", ""),
        "HEAD^": ("3", ""),
        "HEAD~2^": ("1", ""),
        "main": ("4", "refs/heads/main"),
        "main~3": ("1", ""),
        "refs/heads/main": ("4", "refs/heads/main"),
        oid: ("2", ""),
        oid[:10]: ("2", ""),
        f"{oid[:10]}~1": ("1", ""),
    }.items():
        assert found(repo, text) == expected
    # An annotated tag means its commit, a replaced commit is still itself, and a name may look like an id.
    repo.tag("v1", oid, message="one")
    assert found(repo, "v1") == ("2", "refs/tags/v1")
    assert found(repo, "refs/tags/v1~1") == ("1", "")
    repo.git("replace", repo.names["4"], repo.names["1"])
    assert found(repo, "HEAD~1") == ("3", "")
    repo.ref("refs/heads/feedbeef", repo.names["1"])
    assert found(repo, "feedbeef") == ("1", "refs/heads/feedbeef")


def test_a_head_is_a_local_branch_before_a_remote_s_and_a_tag_comes_last(repo: Repository) -> None:
    repo.tag("x", repo.names["1"])
    assert found(repo, "x") == ("1", "refs/tags/x")
    repo.publish("x", repo.names["2"])
    assert found(repo, "x") == ("2", "refs/remotes/origin/x")
    repo.ref("refs/heads/x", repo.names["3"])
    assert found(repo, "x") == ("3", "refs/heads/x")


def test_a_base_is_the_remote_s_branch_before_the_local_one_and_never_a_tag(repo: Repository) -> None:
    repo.tag("x", repo.names["1"])
    with pytest.raises(SpecguardError, match="no branch, tag or commit 'x'"):
        found(repo, "x", base=True)
    repo.ref("refs/heads/x", repo.names["3"])
    assert found(repo, "x", base=True) == ("3", "refs/heads/x")
    repo.publish("x", repo.names["2"])
    assert found(repo, "x", base=True) == ("2", "refs/remotes/origin/x")


def test_a_remote_s_branch_is_not_hidden_by_a_local_one_of_that_name(repo: Repository) -> None:
    repo.publish("main", repo.names["2"])
    repo.ref("refs/heads/origin/main", repo.names["1"])
    repo.ref("refs/tags/origin/main", repo.names["1"])
    assert found(repo, "origin/main", base=True) == ("2", "refs/remotes/origin/main")
    assert found(repo, "origin/main") == ("1", "refs/heads/origin/main")


def test_a_branch_named_like_an_abbreviation_is_ambiguous(repo: Repository) -> None:
    short = repo.names["2"][:8]
    repo.ref(f"refs/heads/{short}", repo.names["1"])
    with pytest.raises(SpecguardError, match="also the name of refs/heads"):
        found(repo, short)
    assert found(repo, f"refs/heads/{short}") == ("1", f"refs/heads/{short}")
    repo.ref(f"refs/heads/{repo.names['2']}", repo.names["1"])
    assert found(repo, repo.names["2"]) == ("2", "")
    repo.ref(f"refs/heads/{repo.names['3'][:7]}", repo.names["3"])
    assert found(repo, repo.names["3"][:7])[0] == "3"


def test_anything_else_is_an_error(repo: Repository, tmp_path: Path) -> None:
    for text in (
        "mian", "", "-x", "--output=x", "HEAD@{1}", "HEAD^{tree}", "HEAD:f", ":/c1", "main..HEAD", "a b",
        "f" * 40, "0" * 40, "ffffffff", "refs/heads", "heads/main", "m*n", "FETCH_HEAD", "main\0", "a\nb",
        "stash@{0}", "@{-1}", "head", "Main~1~x",
    ):  # fmt: skip
        with pytest.raises((SpecguardError, MissingFact)):
            found(repo, text)
    for text in ("HEAD~4", "HEAD^2", "HEAD~99999999999", "HEAD^0^9"):
        with pytest.raises(SpecguardError, match="no such ancestor"):
            found(repo, text)
    with pytest.raises(SpecguardError) as caught:
        found(repo.clone(tmp_path / "shallow", depth=2), "HEAD~3")
    assert "git fetch --unshallow" in caught.value.help


def test_the_nearest_name_is_offered(repo: Repository) -> None:
    helped = {"mian": "did you mean 'main'?", "zzz": "Give HEAD, an object id, a branch or a tag"}
    for text, said in helped.items():
        with pytest.raises(SpecguardError) as caught:
            found(repo, text)
        assert caught.value.help.startswith(said)


def test_before_the_first_commit_there_is_no_head(repository: Repository) -> None:
    with pytest.raises(SpecguardError, match="HEAD has no commit yet") as caught:
        found(repository, "HEAD")
    assert "--staged" in caught.value.help
