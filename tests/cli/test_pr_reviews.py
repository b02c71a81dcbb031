"""An approval that nobody signed, and the platform's reviews: from `approve` to a verdict that is final."""

import json
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository
from specguard.testing.running import Outcome, run_here
from tests.outcomes import ended
from tests.threats.cases import threat

AUTHORITY = """# Authority

```toml specguard
[rules.locked-path]
paths = ["locked/"]

[[approvals.approver]]
name = "alice"
logins = ["Alice-H"]
may = ["PTH002"]
```
"""


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """`main`, and `work`, which changes a locked file and files alice's approval of that."""
    repository.names["base"] = repository.commit(
        "chore: zero", files={"SPEC_AUTHORITY.md": AUTHORITY, "locked/a": "a\n"}
    )
    repository.branch("work")
    repository.names["before"] = repository.commit("feat: one", files={"locked/a": "b\n"})
    words = ["--path", "locked/a", "--approved-by", "alice", "--reason", "the vendor's file was wrong"]
    ended(run_here("approve", "PTH002", *words, "--base", "main", directory=repository.path))
    repository.names["head"] = repository.commit("chore: file an approval")
    return repository


def review(commit: str, login: str = "alice-h", state: str = "APPROVED", **user: str) -> dict[str, Any]:
    return {"user": {"login": login, "type": "User", **user}, "state": state, "commit_id": commit}


def judged(repo: Repository, tmp_path: Path, *reviews: dict[str, Any], **more: Any) -> Outcome:
    """The verdict with these reviews, in a list, or with `event` in an event about the one that there is."""
    if more:
        head = {"sha": repo.oid("work"), "ref": "work"}
        base = {"sha": repo.names["base"], "ref": "main"}
        fields = {"title": "feat: one", "body": "", "head": head, "base": base, **more["event"]}
        content: Any = {"action": "submitted", "pull_request": fields, "review": reviews[0]}
    else:
        content = reviews
    (tmp_path / "given.json").write_text(json.dumps(content))
    option = "--pr-event" if more else "--pr-reviews"
    words = ["check", "--enforce", option, str(tmp_path / "given.json")]
    return run_here(*words, *([] if more else ["--base", "main"]), directory=repo.path)


def test_a_review_of_the_head_makes_the_approval_count(repo: Repository, tmp_path: Path) -> None:
    head = repo.names["head"]
    assert "PTH002" in ended(judged(repo, tmp_path), 1).stdout
    assert "alice" in ended(judged(repo, tmp_path, review(head))).stdout
    early = {**review(head), "submitted_at": "2001-01-31T12:00:00Z"}
    said = ended(judged(repo, tmp_path, early, {**early, "user": {"login": "mallory"}}), 1).stdout
    assert "The review by alice-h is older than the commit" in said
    assert "mallory" not in said
    # So does the event about it, without a list.
    assert judged(repo, tmp_path, review(head, state="approved"), event={}).exit_code == 0


@threat("T102", "reviews of other commits, by others, by bots, dismissed or withdrawn", "exit 1: PTH002")
def test_a_review_that_is_no_approval_of_this_head_by_an_approver_does_not(
    repo: Repository, tmp_path: Path
) -> None:
    head, before = repo.names["head"], repo.names["before"]
    for reviews in (
        [review(before)],
        [review(head, "mallory")],
        [review(head, state="COMMENTED")],
        [review(head, state="DISMISSED")],
        [review(head), review(head, "ALICE-H", "CHANGES_REQUESTED")],
        [review(head), review(before)],
        [review(head, type="Bot")],
        [review(head, "alice-h[bot]")],
        [{**review(head), "user": None}],
        [{**review(head), "commit_id": None}],
    ):
        done = judged(repo, tmp_path, *reviews)
        assert done.exit_code == 1, reviews
        assert "PTH002" in done.stdout
    assert judged(repo, tmp_path, review(head, state="dismissed"), event={}).exit_code == 1


@threat("T98", "a review by the author of the pull request, in another case", "exit 1: PTH002")
def test_the_author_s_own_review_does_not(repo: Repository, tmp_path: Path) -> None:
    head = repo.names["head"]
    done = ended(judged(repo, tmp_path, review(head), event={"user": {"login": "ALICE-h"}}), 1)
    assert "the author of the pull request" in done.stdout
    assert judged(repo, tmp_path, review(head), event={"user": {"login": "bob"}}).exit_code == 0


@threat(
    "T93",
    "a review of the head before this one, and a review of this one for the old record",
    "exit 1: PTH002",
)
def test_with_the_next_push_nobody_has_approved_anything(repo: Repository, tmp_path: Path) -> None:
    given = review(repo.names["head"])
    repo.commit("feat: two", files={"locked/a": "c\n"})
    assert judged(repo, tmp_path, given).exit_code == 1
    # Not even a review of the new head is one of what the record approves.
    assert judged(repo, tmp_path, review(repo.oid("work"))).exit_code == 1


@threat("T68", "a list of reviews that is broken after an approval", "exit 2")
def test_a_list_that_is_broken_is_no_verdict(repo: Repository, tmp_path: Path) -> None:
    done = judged(repo, tmp_path, review(repo.names["head"]), review("main"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "[1].commit_id in the reviews file is not an object id" in done.stderr
