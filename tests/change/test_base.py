"""What names of commits mean, whatever refs shadow them; and which one the base is, never from the head."""

from pathlib import Path
from typing import Any

import pytest

from specguard.change.base import FoundBase, find_base, named_base
from specguard.change.check_request import Request, base_refs, resolve
from specguard.change.git import Git
from specguard.change.platform_event import Event
from specguard.errors import MissingFact, SpecguardError
from specguard.testing import Repository
from tests.changes import git_of


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """Commits 1 to 4; no branch but `work`, on the last one."""
    repository.git("symbolic-ref", "HEAD", "refs/heads/work")
    for number in range(1, 5):
        repository.names[str(number)] = repository.commit(f"c{number}", files={"f": f"{number}\n"})
    return repository


def find(repo: Repository, event: Event | None = None, *, without: str = "", **more: Any) -> FoundBase:
    remote = more.pop("remote", "origin")
    with git_of(repo) as git:
        request = Request(environment=git.repository.environment, **more)
        return find_base(git, request, event, remote=remote, without=without)


def number(repo: Repository, found: FoundBase) -> str:
    return next(number for number, oid in repo.names.items() if oid == found.oid)


def point(repo: Repository, ref: str, commit: str) -> None:
    repo.ref(ref, repo.names[commit])


def test_the_usual_places_are_tried_in_order(repo: Repository) -> None:
    assert not find(repo)
    steps = [
        ("refs/heads/master", "1", "master"),
        ("refs/remotes/origin/master", "2", "origin/master"),
        ("refs/heads/main", "3", "main"),
        ("refs/remotes/origin/main", "4", "origin/main"),
    ]
    for ref, commit, name in steps:
        point(repo, ref, commit)
        found = find(repo)
        assert (number(repo, found), found.name, found.how, found.ref) == (commit, name, "usual", ref)
        assert (found.trusted, found.given) == (True, False)
    point(repo, "refs/remotes/origin/trunk", "1")
    repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    found = find(repo)
    assert (number(repo, found), found.name, found.ref) == ("1", "origin/trunk", "refs/remotes/origin/trunk")


def test_no_ref_shadows_a_branch(repo: Repository) -> None:
    repo.tag("main", repo.names["1"])
    assert not find(repo), "a tag is no base"
    point(repo, "refs/heads/main", "3")
    assert [number(repo, find(repo, base=base)) for base in ("", "main")] == ["3", "3"]
    point(repo, "refs/remotes/origin/main", "2")
    for shadow in ("refs/heads/origin/main", "refs/tags/origin/main", "refs/origin/main"):
        point(repo, shadow, "4")
        assert {number(repo, find(repo, base=base)) for base in ("", "main", "origin/main")} == {"2"}


def test_a_remote_s_head_that_leads_nowhere_is_passed_over(repo: Repository) -> None:
    # A branch that somebody called `HEAD` is fetched as that.
    point(repo, "refs/remotes/origin/HEAD", "1")
    assert not find(repo)
    repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    point(repo, "refs/heads/master", "3")
    assert number(repo, find(repo)) == "3"


def test_what_the_caller_names_comes_first(repo: Repository) -> None:
    point(repo, "refs/remotes/origin/main", "4")
    point(repo, "refs/heads/release", "2")
    event = Event("pull_request", base="main")
    found = find(repo, event, base="release")
    assert (number(repo, found), found.name, found.how, found.given) == ("2", "release", "option", True)
    assert number(repo, find(repo, base=repo.names["1"])) == "1"
    assert number(repo, find(repo, base="HEAD~2")) == "2"
    with pytest.raises(SpecguardError, match="the base cannot be found: there is no branch") as caught:
        find(repo, event, base="relaese")
    assert caught.value.help.endswith("Or fetch it: `git fetch origin relaese:refs/remotes/origin/relaese`.")


def test_then_what_the_platform_names(repo: Repository) -> None:
    point(repo, "refs/heads/main", "4")
    point(repo, "refs/heads/release", "3")
    event = Event("pull_request", base="release", base_oid=repo.names["1"])
    # It was not fetched as the remote's branch: the commit that the platform names is its tip then.
    found = find(repo, event)
    assert (number(repo, found), found.name, found.how) == ("1", "release", "event")
    point(repo, "refs/remotes/origin/release", "2")
    found = find(repo, event)
    assert (number(repo, found), found.name) == ("2", "origin/release")
    assert (found.given, found.trusted) == (True, True)
    assert number(repo, find(repo, Event("pull_request", base="release"))) == "2"
    # A branch that is here alone may be what it names, and an exact commit is taken.
    found = find(repo, Event("pull_request", base="main"))
    assert (found.how, found.ref, found.given) == ("event", "refs/heads/main", True)
    event = Event("merge_group", base="release", base_oid=repo.names["3"], exact=True)
    found = find(repo, event)
    assert (number(repo, found), found.how, found.ref, found.given) == ("3", "event", "", True)
    with pytest.raises(SpecguardError, match="'gone' that the platform names was not fetched") as caught:
        find(repo, Event("pull_request", base="gone"))
    assert "`git fetch origin gone:refs/remotes/origin/gone`" in caught.value.help


def test_with_enforce_nothing_is_guessed(repo: Repository, tmp_path: Path) -> None:
    point(repo, "refs/remotes/origin/main", "1")
    repo.publish("main", repo.names["1"], head=True)
    new = Repository(tmp_path / "new")
    for place, bootstrap in ((repo, False), (repo, True), (new, False)):
        with pytest.raises(SpecguardError, match="--enforce"):
            find(place, enforce=True, bootstrap=bootstrap)
    assert number(repo, find(repo, enforce=True, base="main")) == "1"
    assert number(repo, find(repo, Event("pull_request", base="main"), enforce=True)) == "1"
    # Before the first commit there is nothing to give.
    assert not find(new, enforce=True, bootstrap=True)


def test_another_remote_has_its_own_branches(repo: Repository) -> None:
    point(repo, "refs/remotes/origin/main", "1")
    point(repo, "refs/remotes/up/main", "2")
    assert number(repo, find(repo, remote="up")) == "2"
    assert number(repo, find(repo, remote="up", base="main")) == "2"
    point(repo, "refs/heads/main", "3")
    assert number(repo, find(repo, remote="third")) == "3"


def test_the_branch_that_is_pushed_is_not_its_own_base(repo: Repository) -> None:
    point(repo, "refs/heads/main", "4")
    assert not find(repo, without="refs/heads/main")
    point(repo, "refs/heads/master", "1")
    assert number(repo, find(repo, without="refs/heads/main")) == "1"
    # Nor is it by another name.
    repo.git("symbolic-ref", "refs/heads/master", "refs/heads/main")
    assert not find(repo, without="refs/heads/main")
    point(repo, "refs/heads/trunk", "1")
    repo.git("symbolic-ref", "--delete", "refs/heads/master")
    repo.git("update-ref", "-d", "refs/heads/main")
    repo.git("symbolic-ref", "refs/heads/main", "refs/heads/trunk")
    assert not find(repo, without="refs/heads/main")


def test_a_base_that_is_no_commit_is_an_error(repo: Repository, git: Git) -> None:
    repo.git("update-ref", "refs/tags/blob", repo.oid("HEAD:f"))
    with pytest.raises(SpecguardError, match="is a blob"):
        named_base(git, "refs/tags/blob", "option")


AUTHORITY = '# Authority\n\n```toml specguard\nbase = "trunk"\n```\n'


def test_without_a_usual_name_the_only_branch_with_an_authority_stands_in(repo: Repository) -> None:
    repo.branch("trunk")
    repo.commit("docs: state it", files={"SPEC_AUTHORITY.md": AUTHORITY})
    found = find(repo)
    assert (found.name, found.how, found.trusted) == ("trunk", "local", False)
    assert not find(repo, without="refs/heads/trunk")
    for name in ("feature", "another"):
        repo.branch(name, at="trunk")
        assert find(repo).name == "trunk"
    with pytest.raises(SpecguardError, match="--enforce"):
        find(repo, enforce=True)
    repo.commit("docs: mine", files={"SPEC_AUTHORITY.md": AUTHORITY.replace("trunk", "another")})
    assert not find(repo)


def test_the_default_branch_of_the_users_settings_stands_in_but_not_of_the_repositorys(
    repo: Repository, tmp_path: Path
) -> None:
    for name in ("trunk", "evil"):
        repo.branch(name)
    repo.git("config", "init.defaultBranch", "evil")
    assert not find(repo)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[init]\n\tdefaultBranch = trunk\n")
    with git_of(repo, HOME=str(home)) as git:
        found = find_base(git, Request(environment=git.repository.environment))
    assert found is not None
    assert (found.name, found.how) == ("trunk", "local")


# Names


@pytest.fixture
def named(repo: Repository) -> Repository:
    """The same commits, on `main`."""
    repo.git("branch", "-q", "-m", "main")
    return repo


def meant(repo: Repository, text: str, *, base: bool = False) -> tuple[str, str]:
    """The number of the commit that a name means, and the ref it was found under."""
    with git_of(repo) as git:
        revision = resolve(git, text, base_refs) if base else resolve(git, text)
    numbers = {oid: number for number, oid in repo.names.items()}
    return numbers[revision.oid], revision.ref


def test_names_and_their_ancestors_are_meant(named: Repository) -> None:
    oid = named.names["2"]
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
        assert meant(named, text) == expected
    # An annotated tag means its commit, a replaced commit is still itself, and a name may look like an id.
    named.tag("v1", oid, message="one")
    assert meant(named, "v1") == ("2", "refs/tags/v1")
    assert meant(named, "refs/tags/v1~1") == ("1", "")
    named.git("replace", named.names["4"], named.names["1"])
    assert meant(named, "HEAD~1") == ("3", "")
    named.ref("refs/heads/feedbeef", named.names["1"])
    assert meant(named, "feedbeef") == ("1", "refs/heads/feedbeef")


def test_a_head_is_a_local_branch_before_a_remote_s_and_a_tag_comes_last(named: Repository) -> None:
    named.tag("x", named.names["1"])
    assert meant(named, "x") == ("1", "refs/tags/x")
    named.publish("x", named.names["2"])
    assert meant(named, "x") == ("2", "refs/remotes/origin/x")
    named.ref("refs/heads/x", named.names["3"])
    assert meant(named, "x") == ("3", "refs/heads/x")


def test_a_base_is_the_remote_s_branch_before_the_local_one_and_never_a_tag(named: Repository) -> None:
    named.tag("x", named.names["1"])
    with pytest.raises(SpecguardError, match="no branch, tag or commit 'x'"):
        meant(named, "x", base=True)
    named.ref("refs/heads/x", named.names["3"])
    assert meant(named, "x", base=True) == ("3", "refs/heads/x")
    named.publish("x", named.names["2"])
    assert meant(named, "x", base=True) == ("2", "refs/remotes/origin/x")


def test_a_remote_s_branch_is_not_hidden_by_a_local_one_of_that_name(named: Repository) -> None:
    named.publish("main", named.names["2"])
    named.ref("refs/heads/origin/main", named.names["1"])
    named.ref("refs/tags/origin/main", named.names["1"])
    assert meant(named, "origin/main", base=True) == ("2", "refs/remotes/origin/main")
    assert meant(named, "origin/main") == ("1", "refs/heads/origin/main")


def test_a_branch_named_like_an_abbreviation_is_ambiguous(named: Repository) -> None:
    short = named.names["2"][:8]
    named.ref(f"refs/heads/{short}", named.names["1"])
    with pytest.raises(SpecguardError, match="also the name of refs/heads"):
        meant(named, short)
    assert meant(named, f"refs/heads/{short}") == ("1", f"refs/heads/{short}")
    named.ref(f"refs/heads/{named.names['2']}", named.names["1"])
    assert meant(named, named.names["2"]) == ("2", "")
    named.ref(f"refs/heads/{named.names['3'][:7]}", named.names["3"])
    assert meant(named, named.names["3"][:7])[0] == "3"


def test_a_name_of_anything_else_is_an_error(named: Repository, tmp_path: Path) -> None:
    for text in (
        "mian", "", "-x", "--output=x", "HEAD@{1}", "HEAD^{tree}", "HEAD:f", ":/c1", "main..HEAD", "a b",
        "f" * 40, "0" * 40, "ffffffff", "refs/heads", "heads/main", "m*n", "FETCH_HEAD", "main\0", "a\nb",
        "stash@{0}", "@{-1}", "head", "Main~1~x",
    ):  # fmt: skip
        with pytest.raises((SpecguardError, MissingFact)):
            meant(named, text)
    for text in ("HEAD~4", "HEAD^2", "HEAD~99999999999", "HEAD^0^9"):
        with pytest.raises(SpecguardError, match="no such ancestor"):
            meant(named, text)
    with pytest.raises(SpecguardError) as caught:
        meant(named.clone(tmp_path / "shallow", depth=2), "HEAD~3")
    assert "git fetch --unshallow" in caught.value.help


def test_the_nearest_name_is_offered(named: Repository) -> None:
    helped = {"mian": "did you mean 'main'?", "zzz": "Give HEAD, an object id, a branch or a tag"}
    for text, said in helped.items():
        with pytest.raises(SpecguardError) as caught:
            meant(named, text)
        assert caught.value.help.startswith(said)


def test_before_the_first_commit_there_is_no_head(repository: Repository) -> None:
    with pytest.raises(SpecguardError, match="HEAD has no commit yet") as caught:
        meant(repository, "HEAD")
    assert "--staged" in caught.value.help
