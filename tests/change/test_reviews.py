"""Reviews of the platform: who approves exactly the judged head, in every form that tells of it.

The files in `platform` have the fields of what GitHub and GitLab send, with names and ids of their own.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specguard.change.platform_event import NEVER, SubmittedReview, approving, read_event, read_reviews
from specguard.change.sources import Change
from specguard.errors import SpecguardError
from specguard.testing import Repository
from tests.changes import Open

Write = Callable[..., str]

PLATFORM = Path(__file__).parent / "platform"
HEAD = "c3d0be41ecbe669545ee3e94d31ed9a4bc91ee3c"
OTHER = "2f1a7d3c9b5e48a0d6c1f7e2b39485a6c0d1e2f3"


def said(state: str, *, by: str = "alice", commit: str = HEAD, at: str = "") -> SubmittedReview:
    return SubmittedReview(login=by, state=state, commit=commit, submitted=at)


def item(state: object = "APPROVED", *, by: object = "alice", commit: object = HEAD, **more: object) -> Any:
    user = {"login": by, "type": "User"} if isinstance(by, str) else by
    return {"user": user, "state": state, "commit_id": commit, **more}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_one(content: object, name: str = "reviews.json") -> str:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(file)

    return write_one


# Who approves


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([said("approved")], {"alice"}),
        ([said("approved", commit=OTHER)], set()),
        ([said("approved", by="")], set()),
        ([said("approved"), said("changes_requested")], set()),
        ([said("approved"), said("dismissed", commit=OTHER)], set()),
        ([said("changes_requested"), said("approved")], {"alice"}),
        # A newer approval of another commit is the newest verdict all the same.
        ([said("approved"), said("approved", commit=OTHER)], set()),
        # An account is the same in either case, and another person's word changes nothing.
        ([said("approved", by="Alice"), said("changes_requested", by="aLICE")], set()),
        ([said("approved", by="alice"), said("approved", by="Alice")], {"Alice"}),
        ([said("approved"), said("changes_requested", by="bob")], {"alice"}),
    ],
)
def test_the_newest_verdict_of_each_account_counts(found: list[SubmittedReview], expected: set[str]) -> None:
    assert approving(found, HEAD) == expected


def test_times_say_what_is_newest_where_all_have_one() -> None:
    early, late = "2026-03-02T09:59:59.9Z", "2026-03-02T10:00:00Z"
    assert approving([said("changes_requested", at=late), said("approved", at=early)], HEAD) == set()
    assert approving([said("approved", at=late), said("changes_requested", at=early)], HEAD) == {"alice"}
    # Without a time the order is the file's.
    assert approving([said("changes_requested", at=late), said("approved")], HEAD) == {"alice"}
    assert approving([said("approved", at=late), said("changes_requested")], HEAD) == set()
    # What is no verdict needs none.
    found = [said("approved", at=late), said("commented"), said("changes_requested", at=early)]
    assert approving(found, HEAD) == {"alice"}
    # A time that is missing leaves the order of others' reviews alone.
    found = [said("changes_requested", at=late), said("approved", at=early), said("approved", by="bob")]
    assert approving(found, HEAD) == {"bob"}


def test_a_review_from_before_the_commit_is_not_about_it() -> None:
    found = [said("approved", at="2026-03-02T10:00:00Z")]
    ten = 1_772_445_600
    assert approving(found, HEAD, ten) == {"alice"}
    assert approving(found, HEAD, ten + 300) == {"alice"}
    assert approving(found, HEAD, ten + 301) == set()
    assert approving(found, HEAD, NEVER) == approving(found, HEAD, 10**18 - 1) == set()
    assert approving(found, HEAD, 0) == {"alice"}


# Forms


def test_the_list_of_the_platform_is_read() -> None:
    found = read_reviews(str(PLATFORM / "reviews.json"))
    assert [(review.login, review.state, review.commit) for review in found] == [
        ("alice", "changes_requested", OTHER),
        ("", "approved", HEAD),
        ("", "approved", HEAD),
        ("alice", "approved", HEAD),
        ("bob", "approved", ""),
        ("carol", "dismissed", HEAD),
        ("alice", "commented", HEAD),
    ]
    assert found[0].submitted == "2026-03-02T09:00:00Z"
    assert approving(found, HEAD) == {"alice"}
    assert approving(found, OTHER) == set()


def test_pages_are_one_list_however_they_are_joined(write: Write) -> None:
    whole = json.loads((PLATFORM / "reviews.json").read_text())
    expected = read_reviews(str(PLATFORM / "reviews.json"))
    first, second = whole[:3], whole[3:]
    assert read_reviews(write([first, second])) == expected
    assert read_reviews(write([whole])) == read_reviews(write([whole, []])) == expected
    assert read_reviews(write([])) == read_reviews(write([[]])) == read_reviews(write([[], []])) == []


def test_an_event_about_a_review_is_read_as_reviews_and_as_an_event(write: Write) -> None:
    file = str(PLATFORM / "pull-request-review.json")
    assert approving(read_reviews(file), HEAD) == {"alice"}
    event = read_event(file)
    assert (event.kind, event.head, event.branch, event.base) == ("pull_request", HEAD, "cart", "main")
    assert (event.title, event.number, event.author) == ("feat: a cart", 12, "dave")
    assert event.reviews == read_reviews(file)
    # One about a dismissal takes an approval back.
    told = json.loads((PLATFORM / "pull-request-review.json").read_text())
    told["action"] = told["review"]["state"] = "dismissed"
    assert approving(read_reviews(write(told)), HEAD) == set()
    assert approving(read_event(write(told)).reviews, HEAD) == set()
    told["review"]["state"] = "pending"
    assert read_event(write(told)).reviews == []


def test_a_bot_and_an_account_that_is_gone_never_count(write: Write) -> None:
    for user in (
        None,
        {"login": "alice", "type": "Bot"},
        {"login": "alice", "type": "Organization"},
        {"login": "alice", "type": ""},
        {"login": "alice[bot]"},
        {"login": "Ghost", "type": "User"},
        {"login": None, "type": "User"},
        {},
    ):
        found = read_reviews(write([item(by=user)]))
        assert [review.login for review in found] == [""]
        assert approving(found, HEAD) == set()


def test_what_another_forge_calls_dismissed_is_dismissed_and_ids_of_sha256_are_longer(write: Write) -> None:
    assert approving(read_reviews(write([item(dismissed=False)])), HEAD) == {"alice"}
    assert approving(read_reviews(write([item(dismissed=True)])), HEAD) == set()
    head = "ab" * 32
    assert approving(read_reviews(write([item(commit=head)])), head) == {"alice"}
    assert approving(read_reviews(write([item(commit=head[:40])])), head) == set()


# What cannot count


def test_gitlab_s_approvals_name_no_commit(write: Write) -> None:
    approvals = json.loads((PLATFORM / "gitlab-approvals.json").read_text())
    for content, message in ((approvals, "is another kind"), ([approvals], "[0].state")):
        with pytest.raises(SpecguardError, match=re.escape(message)) as caught:
            read_reviews(write(content))
        assert message in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"state": "DISMISSED", "state": "APPROVED"}]', "is not JSON"),
        (b"{}", "is another kind: it has nothing"),
        (b'{"pull_request": {}, "review": []}', "review in the reviews file is not an object"),
        (b'{"pull_request": {}, "review": null}', "review.state in the reviews file is not one"),
        (b"[12]", "[0] in the reviews file is not an object"),
        (b"[[], 12]", "[0] in the reviews file is not an object"),
        (json.dumps([item(), item(None)]).encode(), "[1].state in the reviews file is not one"),
        (json.dumps([item(by=["alice"])]).encode(), "[0].user in the reviews file is not an object"),
        (json.dumps([item(by="alice\n")]).encode(), "[0].user.login in the reviews file is not an acc"),
        (json.dumps([item(by={"login": "a", "type": 1})]).encode(), "[0].user.type in the reviews file"),
        (b'[{"state": "APPROVED", "commit_id": null}]', "[0].user in the reviews file is not there"),
        (json.dumps([item(commit="main")]).encode(), "[0].commit_id in the reviews file is not an obj"),
        (json.dumps([item(submitted_at="now")]).encode(), "[0].submitted_at in the reviews file is not"),
        (json.dumps([item(dismissed="no")]).encode(), "[0].dismissed in the reviews file is not true"),
    ],
)
def test_a_file_that_is_broken_anywhere_is_one_error_and_no_approval(
    write: Write, content: bytes, message: str
) -> None:
    with pytest.raises(SpecguardError) as caught:
        read_reviews(write(content))
    assert message in caught.value.message
    caught.value.message.encode()
    assert caught.value.help
    assert (caught.value.path or "").endswith("reviews.json")


# The judged head


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """`main`, and `work` with one commit more."""
    repository.names["base"] = repository.commit("chore: zero", files={"a": "a\n"})
    repository.branch("work")
    repository.names["head"] = repository.commit("feat: one", files={"b": "b\n"})
    return repository


def event_of(repo: Repository, write: Write, **review: object) -> str:
    payload: dict[str, Any] = {
        "pull_request": {
            "title": "feat: one",
            "user": {"login": "Dave"},
            "head": {"sha": repo.names["head"], "ref": "work"},
            "base": {"sha": repo.names["base"], "ref": "main"},
        }
    }
    if review:
        payload["review"] = item(commit=repo.names["head"], **review)
    return write(payload, "event.json")


def told(change: Change) -> tuple[str, set[str], str]:
    return change.stage, set(change.reviewers), change.author_login


def test_a_range_has_those_who_approve_its_head(repo: Repository, change: Open, write: Write) -> None:
    file = write([item(commit=repo.names["head"]), item(by="bob", commit=repo.names["base"])])
    assert change(repo, reviews_file=file).reviewers == {"alice"}
    assert change(repo, reviews_file=file, head="work").reviewers == {"alice"}
    assert change(repo, reviews_file=file, range="main..work").reviewers == {"alice"}
    repo.commit("feat: two", files={"c": "c\n"})
    assert change(repo, reviews_file=file).reviewers == set()
    assert change(repo, reviews_file=file, head="work~1").reviewers == {"alice"}
    assert told(change(repo)) == ("range", set(), "")
    for name, message in (("/nowhere/reviews.json", "cannot be read"), (write(b"{"), "is not JSON")):
        with pytest.raises(SpecguardError, match=f"reviews file {message}"):
            change(repo, reviews_file=name)


def test_reviews_need_no_event_and_an_event_s_counts_until_a_newer_file_is_given(
    repo: Repository, change: Open, write: Write
) -> None:
    head = repo.names["head"]
    assert told(change(repo, reviews_file=write([]))) == ("range", set(), "")
    found = change(repo, reviews_file=write([item(commit=head)]), event_file=event_of(repo, write))
    assert told(found) == ("pull-request", {"alice"}, "Dave")
    event = event_of(repo, write, by="alice")
    assert told(change(repo, event_file=event)) == ("pull-request", {"alice"}, "Dave")
    # Only commits can have been reviewed.
    file = write([item(commit=head)])
    for kind in ({"staged": True}, {"worktree": True}):
        assert told(change(repo, reviews_file=file, event_file=event, **kind))[1:] == (set(), "")
    for newer in ([item("DISMISSED", commit=head)], []):
        assert change(repo, event_file=event, reviews_file=write(newer)).reviewers == set()


def test_on_the_platform_an_event_about_a_review_is_one_of_a_pull_request(
    repo: Repository, change: Open, write: Write
) -> None:
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request_review",
        "GITHUB_EVENT_PATH": event_of(repo, write, by="alice"),
    }
    found = change(repo, env=env)
    assert told(found) == ("pull-request", {"alice"}, "Dave")
    assert found.pull_request.title == "feat: one"
    # A broken review leaves out the event, and no more than its variables are known.
    env["GITHUB_EVENT_PATH"] = event_of(repo, write, by="alice", submitted_at="now")
    found = change(repo, env={**env, "GITHUB_BASE_REF": "main"})
    assert told(found) == ("pull-request", set(), "")
    assert found.pull_request.title is None


def test_a_review_that_was_moved_to_a_later_commit_does_not_count(
    repo: Repository, change: Open, write: Write
) -> None:
    """Where a branch is rebased, GitHub says of an older review that it is of the new head."""
    late = repo.commit("feat: two", files={"c": "c\n"}, date=1_772_445_600)
    before = item(commit=late, submitted_at="2026-03-02T09:00:00Z")
    after = item(commit=late, by="bob", submitted_at="2026-03-02T10:00:01Z")
    assert change(repo, reviews_file=write([before, after])).reviewers == {"bob"}
    # A commit without a time is reviewed by nobody.
    tree = repo.git("rev-parse", "HEAD^{tree}").strip()
    raw = (
        f"tree {tree}\nparent {repo.names['head']}\nauthor A <a@x.org> 1 +0000\ncommitter A <a@x.org>\n\nx\n"
    )
    oid = repo.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw.encode()).strip()
    repo.git("update-ref", "refs/heads/work", oid)
    file = write([item(commit=oid, submitted_at="2026-03-02T10:00:00Z")])
    assert change(repo, reviews_file=file).reviewers == set()
