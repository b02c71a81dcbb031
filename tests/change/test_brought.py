"""Files that say who the change is from and who approves it: under `--enforce` none comes from the change."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from specguard.errors import SpecguardError
from specguard.testing import Repository
from specguard.testing.running import run
from tests.changes import Open, on_github, pull_request
from tests.outcomes import ended
from tests.threats.cases import threat

AUTHORITY = '# Authority\n\n```toml specguard\n[rules.locked-path]\npaths = ["locked/"]\n```\n'


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """`main` with a locked file, and `work` that changes it and brings an event and reviews with it."""
    repository.names["base"] = repository.commit(
        "chore: zero", files={"SPEC_AUTHORITY.md": AUTHORITY, "locked/a": "a\n"}
    )
    repository.branch("work")
    repository.commit("feat: one", files={"locked/a": "b\n"})
    repository.names["head"] = head = repository.oid("work")
    brought = {
        "reviews.json": json.dumps(reviews(head)),
        "event.json": json.dumps(event(repository, head)),
        "ci/reviews.json": json.dumps(reviews(head)),
    }
    repository.names["brought"] = repository.commit("feat: two", files=brought)
    return repository


def reviews(head: str) -> Any:
    return [{"user": {"login": "alice", "type": "User"}, "state": "APPROVED", "commit_id": head}]


def event(repo: Repository, head: str) -> Any:
    return pull_request(repo.names["base"], head)


def refused(repo: Repository, change: Open, **options: Any) -> str:
    with pytest.raises(SpecguardError, match="the change could have written it") as caught:
        change(repo, enforce=True, **options)
    assert "outside the checkout" in caught.value.help
    return caught.value.message


def test_what_a_commit_has_in_the_working_tree_is_refused(
    repo: Repository, change: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    for name in ("reviews.json", "./reviews.json", "ci/../reviews.json", str(repo.path / "reviews.json")):
        said = refused(repo, change, base="main", reviews_file=name)
        assert said.startswith("the reviews file is in the judged tree, as reviews.json,")
    assert "as ci/reviews.json," in refused(repo, change, base="main", reviews_file="ci/reviews.json")
    assert refused(repo, change, event_file="event.json").startswith("the event file is in the judged tree")
    # Without --enforce the caller answers for it.
    assert change(repo, base="main", reviews_file="reviews.json").reviewers == set()
    assert change(repo, base="main", head="work~1", reviews_file="reviews.json").reviewers == {"alice"}


def test_a_file_that_no_commit_has_may_be_in_the_working_tree_or_anywhere(
    repo: Repository, change: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    head = repo.oid("work")
    repo.write("ci/built.json", json.dumps(reviews(head)))
    repo.write("new/event.json", json.dumps(event(repo, head)))
    (tmp_path / "reviews.json").write_text(json.dumps(reviews(head)))
    for name in ("ci/built.json", "../reviews.json", str(tmp_path / "reviews.json")):
        found = change(repo, enforce=True, event_file="new/event.json", reviews_file=name)
        assert found.reviewers == {"alice"}
    bare = repo.clone(tmp_path / "bare.git", bare=True)
    found = change(bare, enforce=True, base="main", head="work", reviews_file=str(tmp_path / "reviews.json"))
    assert found.reviewers == {"alice"}


def test_an_event_cannot_name_a_head_that_does_not_have_it(repo: Repository, change: Open) -> None:
    """The file says what is judged, so it is looked for in what is checked out as well."""
    repo.write("event.json", json.dumps(event(repo, repo.names["base"])))
    repo.commit("feat: three")
    refused(repo, change, event_file=str(repo.path / "event.json"))
    pushed = {"ref": "refs/heads/work", "before": repo.names["base"], "after": "0" * 40, "deleted": True}
    repo.write("event.json", json.dumps(pushed))
    repo.commit("feat: four")
    refused(repo, change, event_file=str(repo.path / "event.json"))
    # Nor does it help that another commit is checked out, and its files are not.
    name = str(repo.path / "reviews.json")
    content = repo.git("show", "work:reviews.json")
    repo.checkout("main")
    repo.write("reviews.json", content)
    refused(repo, change, base="main", head="work", reviews_file=name)


def test_what_is_about_to_be_committed_is_judged_too(repo: Repository, change: Open) -> None:
    repo.write("next.json", json.dumps(reviews(repo.names["head"])))
    repo.git("add", "next.json")
    for kind in ("staged", "worktree"):
        refused(repo, change, base="main", reviews_file=str(repo.path / "next.json"), **{kind: True})


def test_a_link_that_a_commit_has_leads_nowhere(
    repo: Repository, change: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "reviews.json").write_text("[]")
    # To a file outside, as a file and as a folder on the way; back again from outside; and in a circle.
    repo.symlink("link.json", str(outside / "reviews.json"))
    repo.symlink("folder", str(outside))
    repo.symlink("circle", "circle")
    repo.commit("feat: links", stage=True)
    os.symlink(repo.path / "reviews.json", outside / "back.json")
    os.symlink(repo.path, outside / "checkout")
    for name, inside in (
        ("link.json", "link.json"),
        ("folder/reviews.json", "folder"),
        ("ci/../folder/../outside/reviews.json", "folder"),
        ("circle", "circle"),
        (str(outside / "back.json"), "reviews.json"),
        (str(outside / "checkout" / "reviews.json"), "reviews.json"),
        (str(outside / "checkout" / "folder" / "reviews.json"), "folder"),
    ):
        assert f"as {inside}," in refused(repo, change, base="main", reviews_file=name)


def test_a_file_of_a_submodule_and_of_another_spelling_are_refused(
    repo: Repository, change: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system may take `CI` for `ci`; what a submodule has is the commit's to choose."""
    monkeypatch.chdir(repo.path)
    repo.submodule("module")
    repo.commit("feat: a submodule", stage=False)
    for name in ("module/reviews.json", "CI/Reviews.json"):
        refused(repo, change, base="main", reviews_file=name)
    # A name that is none is an error about the file.
    for name in ("nul\0", "x" * 5000, "/nowhere/x"):
        with pytest.raises(SpecguardError, match="reviews file cannot be read"):
            change(repo, enforce=True, base="main", reviews_file=name)


def test_the_platform_s_own_file_is_no_exception(repo: Repository, change: Open) -> None:
    env = on_github(repo.path / "event.json")
    refused(repo, change, env=env)
    assert change(repo, env=env).stage == "pull-request"
    del env["GITHUB_ACTIONS"]
    assert change(repo, env=env, enforce=True, base="main").stage == "range"


@threat("T102", "an event or a list of reviews that the change brings with it", "exit 2")
def test_the_command_refuses_it_and_takes_one_from_outside(repo: Repository, tmp_path: Path) -> None:
    words = ["check", "--enforce", "--base", "main"]
    done = run(*words, "--pr-reviews", "reviews.json", directory=repo.path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "error: reviews.json: the reviews file is in the judged tree" in done.stderr
    assert "next: Keep it outside the checkout" in done.stderr
    for option in ("--pr-event", "--pr-reviews"):
        done = ended(run(*words, f"{option}=event.json", directory=repo.path), 2)
    outside = tmp_path / "reviews.json"
    outside.write_text(json.dumps(reviews(repo.oid("work"))))
    done = ended(run(*words, "--pr-reviews", str(outside), directory=repo.path), 1)
    assert "locked/a" in done.stdout
