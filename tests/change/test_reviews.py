"""Reviews of the platform: who approves exactly the judged head, in every form that tells of it.

The files in `platform` have the fields of what GitHub and GitLab send, with names and ids of their own.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.change import platform_event as reviews_module
from specguard.change.entries import read_commit_time
from specguard.change.platform_event import NEVER, SubmittedReview, approving, read_event, read_reviews
from specguard.errors import SpecguardError
from specguard.testing import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

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
        ([], set()),
        ([said("approved")], {"alice"}),
        ([said("approved", commit=OTHER)], set()),
        ([said("approved", commit="")], set()),
        ([said("approved", commit=HEAD[:12])], set()),
        ([said("approved", by="")], set()),
        ([said("commented")], set()),
        ([said("approved"), said("commented", commit=OTHER)], {"alice"}),
        ([said("approved"), said("changes_requested")], set()),
        ([said("approved"), said("changes_requested", commit="")], set()),
        ([said("approved"), said("dismissed", commit=OTHER)], set()),
        ([said("changes_requested"), said("approved")], {"alice"}),
        ([said("dismissed"), said("approved")], {"alice"}),
        # A newer approval of another commit is the newest verdict all the same.
        ([said("approved"), said("approved", commit=OTHER)], set()),
        # An account is the same in either case, and another person's word changes nothing.
        ([said("approved", by="Alice"), said("changes_requested", by="aLICE")], set()),
        ([said("approved", by="alice"), said("approved", by="Alice")], {"Alice"}),
        ([said("approved"), said("changes_requested", by="bob")], {"alice"}),
        ([said("approved"), said("approved", by="bob")], {"alice", "bob"}),
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


def test_a_time_that_is_missing_leaves_the_order_of_others_reviews_alone() -> None:
    early, late = "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"
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


@pytest.mark.parametrize(
    ("commit", "expected"),
    [
        (b"tree x\ncommitter Ann <a@x.org> 1772445600 +0100\n\nm\n", 1_772_445_600),
        (b"tree x\ncommitter > 5 +0000 <a@x.org> 1772445600 -0000\n\nm\n", 1_772_445_600),
        (b"tree x\ncommitter Ann <a@x.org> x +0100\n\nm\n", None),
        (b"tree x\ncommitter Ann <a@x.org> 99999999999999999999 +0100\n\nm\n", None),
        (b"tree x\ncommitter Ann <a@x.org>\ncommitter B <b> 1 +0000\n\nm\n", None),
        (b"tree x\n\ncommitter Ann <a@x.org> 1772445600 +0100\n", None),
        (b"", None),
    ],
)
def test_a_commit_says_when_it_was_made(commit: bytes, expected: int | None) -> None:
    assert read_commit_time(commit) == expected


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
    joined = json.dumps(first) + "\n" + json.dumps(second)
    assert read_reviews(write(joined.encode())) == expected
    assert read_reviews(write(joined.replace("\n", "").encode())) == expected
    assert read_reviews(write([])) == read_reviews(write([[]])) == read_reviews(write([[], []])) == []


def test_an_event_about_a_review_is_read_as_reviews_and_as_an_event() -> None:
    file = str(PLATFORM / "pull-request-review.json")
    assert approving(read_reviews(file), HEAD) == {"alice"}
    event = read_event(file)
    assert (event.kind, event.head, event.branch, event.base) == ("pull_request", HEAD, "cart", "main")
    assert (event.title, event.body, event.number) == ("feat: a cart", "Adds the cart.\n", 12)
    assert event.author == "dave"
    assert event.reviews == read_reviews(file)


def test_an_event_about_a_dismissal_takes_an_approval_back(write: Write) -> None:
    event = json.loads((PLATFORM / "pull-request-review.json").read_text())
    event["action"] = event["review"]["state"] = "dismissed"
    assert approving(read_reviews(write(event)), HEAD) == set()
    assert approving(read_event(write(event)).reviews, HEAD) == set()
    event["review"]["state"] = "pending"
    assert read_event(write(event)).reviews == []


@pytest.mark.parametrize(
    "user",
    [
        None,
        {"login": "alice", "type": "Bot"},
        {"login": "alice", "type": "Mannequin"},
        {"login": "alice", "type": "Organization"},
        {"login": "alice", "type": ""},
        {"login": "alice[bot]"},
        {"login": "Ghost", "type": "User"},
        {"login": None, "type": "User"},
        {"type": "User"},
        {},
    ],
)
def test_a_bot_and_an_account_that_is_gone_never_count(write: Write, user: object) -> None:
    found = read_reviews(write([item(by=user)]))
    assert [review.login for review in found] == [""]
    assert approving(found, HEAD) == set()


def test_a_review_that_another_forge_calls_dismissed_is_dismissed(write: Write) -> None:
    assert approving(read_reviews(write([item(dismissed=False)])), HEAD) == {"alice"}
    assert approving(read_reviews(write([item(dismissed=True)])), HEAD) == set()


def test_a_repository_of_sha256_has_longer_ids(write: Write) -> None:
    head = "ab" * 32
    assert approving(read_reviews(write([item(commit=head)])), head) == {"alice"}
    assert approving(read_reviews(write([item(commit=head[:40])])), head) == set()


# What cannot count


@pytest.mark.parametrize("name", ["gitlab-approvals", "state", "rules"])
def test_gitlab_s_approvals_name_no_commit(write: Write, name: str) -> None:
    approvals = json.loads((PLATFORM / "gitlab-approvals.json").read_text())
    rule = {"id": 1, "name": "x", "rule_type": "regular", "approved_by": [], "approved": True}
    content = {
        "gitlab-approvals": approvals,
        "state": {"approval_rules_overwritten": False, "rules": [rule]},
        "rules": [rule],
    }[name]
    with pytest.raises(SpecguardError, match="do not say which commit was approved") as caught:
        read_reviews(write(content))
    assert "sign" in caught.value.help


DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the reviews file is not JSON"),
        (b" \n", "is not JSON"),
        (b"[", "is not JSON"),
        (b"[]x", "is not JSON"),
        (b"[] [", "is not JSON"),
        (b"[]" * 1_000_000, "is not JSON"),
        (b"\xff\xfe[\x00]\x00", "is not JSON"),
        (DEEP, "is not JSON"),
        (b'[{"user": ' + DEEP, "is not JSON"),
        (b"[NaN]", "is not JSON"),
        (b"[" + b"9" * 10_000 + b"]", "is not JSON"),
        (b'[{"state": "DISMISSED", "state": "APPROVED"}]', "is not JSON"),
        (b"12", "is not a list of reviews"),
        (b"null", "is not a list of reviews"),
        (b'"APPROVED"', "is not a list of reviews"),
        (b"[] {}", "is not a list of reviews"),
        (b"{} {}", "is not a list of reviews"),
        (b"{}", "is another kind: it has nothing"),
        (b'{"message": "Not Found", "status": "404"}', "is another kind: it has message, status"),
        (b'{"a\\ud800": 1}', "is another kind: it has a"),
        (b'{"reviews": {}}', "is another kind: it has reviews"),
        (b'{"pull_request": {}}', "is another kind: it has pull_request"),
        (b'{"pull_request": {}, "review": []}', "review in the reviews file is not an object"),
        (b'{"pull_request": {}, "review": null}', "review.state in the reviews file is not one"),
        (b"[12]", "[0] in the reviews file is not an object"),
        (b"[null]", "[0] in the reviews file is not an object"),
        (b"[[12]]", "[0] in the reviews file is not an object"),
        (b"[[[]]]", "[0] in the reviews file is not an object"),
        (b"[{}, []]", "[0].state in the reviews file is not one"),
        (b'{"reviews": [12]}', "is another kind: it has reviews"),
        (json.dumps([item(), item(None)]).encode(), "[1].state in the reviews file is not one"),
        (json.dumps([item(True)]).encode(), "[0].state in the reviews file is not text"),
        (json.dumps([item("REQUEST_CHANGES")]).encode(), "[0].state in the reviews file is not one"),
        (json.dumps([item(by=["alice"])]).encode(), "[0].user in the reviews file is not an object"),
        (json.dumps([item(by={"login": 7})]).encode(), "[0].user.login in the reviews file is not text"),
        (json.dumps([item(by="a\ud800")]).encode(), "[0].user.login in the reviews file is not an acc"),
        (json.dumps([item(by="alice\n")]).encode(), "[0].user.login in the reviews file is not an acc"),
        (json.dumps([item(by="\u017fam")]).encode(), "[0].user.login in the reviews file is not an acc"),
        (json.dumps([item(by={"login": "a", "type": 1})]).encode(), "[0].user.type in the reviews file"),
        (b'[{"state": "APPROVED", "commit_id": null}]', "[0].user in the reviews file is not there"),
        (json.dumps([item(commit="main")]).encode(), "[0].commit_id in the reviews file is not an obj"),
        (json.dumps([item(commit=HEAD[:12])]).encode(), "[0].commit_id in the reviews file is not an"),
        (json.dumps([item(commit=HEAD.upper())]).encode(), "[0].commit_id in the reviews file is not an"),
        (json.dumps([item(commit=[HEAD])]).encode(), "[0].commit_id in the reviews file is not text"),
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


def test_a_file_that_is_too_large_or_not_there_is_an_error(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(50 << 20)
    with pytest.raises(SpecguardError, match="may have 25 MiB"):
        read_reviews(str(tmp_path / "huge"))
    monkeypatch.setattr(reviews_module, "REVIEWS_LIMIT", 100)
    with pytest.raises(SpecguardError, match="this one is larger"):
        read_reviews(write([item()]))
    for name in (tmp_path / "none", tmp_path, "nul\0"):
        with pytest.raises(SpecguardError, match="cannot be read"):
            read_reviews(str(name))


KEYS = st.sampled_from(
    ["reviews", "review", "pull_request", "user", "author", "login", "type", "state", "commit", "commit_id",
     "oid", "submitted_at", "dismissed", "approved_by"]
)  # fmt: skip
VALUES = st.sampled_from([HEAD, "alice", "APPROVED", "DISMISSED", "User", "Bot", "", "2026-03-02T10:00:00Z"])
CONTENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | VALUES,
    lambda inner: st.dictionaries(KEYS, inner) | st.lists(inner),
)


@given(CONTENTS)
def test_whatever_the_file_holds_there_are_reviews_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: Any
) -> None:
    file = tmp_path_factory.getbasetemp() / "content.json"
    file.write_text(json.dumps(content))
    with suppress(SpecguardError):
        assert {review.state for review in read_reviews(str(file))} <= {
            "approved", "changes_requested", "dismissed", "commented",
        }  # fmt: skip


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


def test_a_range_has_those_who_approve_its_head(repo: Repository, change: Open, write: Write) -> None:
    file = write([item(commit=repo.names["head"]), item(by="bob", commit=repo.names["base"])])
    assert change(repo, reviews_file=file).reviewers == {"alice"}
    assert change(repo, reviews_file=file, head="work").reviewers == {"alice"}
    assert change(repo, reviews_file=file, range="main..work").reviewers == {"alice"}
    repo.commit("feat: two", files={"c": "c\n"})
    assert change(repo, reviews_file=file).reviewers == set()
    assert change(repo, reviews_file=file, head="work~1").reviewers == {"alice"}
    assert change(repo).reviewers == set()
    assert change(repo, reviews_file=file).author_login == ""


def test_reviews_need_no_event_and_make_no_pull_request(repo: Repository, change: Open, write: Write) -> None:
    assert change(repo, reviews_file=write([])).stage == "range"
    found = change(
        repo, reviews_file=write([item(commit=repo.names["head"])]), event_file=event_of(repo, write)
    )
    assert (found.stage, set(found.reviewers), found.author_login) == ("pull-request", {"alice"}, "Dave")


def test_only_commits_can_have_been_reviewed(repo: Repository, change: Open, write: Write) -> None:
    event = event_of(repo, write, by="alice")
    file = write([item(commit=repo.names["head"])])
    for kind in ({"staged": True}, {"worktree": True}):
        found = change(repo, reviews_file=file, event_file=event, **kind)
        assert (set(found.reviewers), found.author_login) == (set(), "")


def test_an_event_s_review_counts_until_a_newer_file_is_given(
    repo: Repository, change: Open, write: Write
) -> None:
    event = event_of(repo, write, by="alice")
    found = change(repo, event_file=event)
    assert (set(found.reviewers), found.author_login) == ({"alice"}, "Dave")
    withdrawn = write([item("DISMISSED", commit=repo.names["head"])])
    assert change(repo, event_file=event, reviews_file=withdrawn).reviewers == set()
    assert change(repo, event_file=event, reviews_file=write([])).reviewers == set()


def test_on_the_platform_an_event_about_a_review_is_one_of_a_pull_request(
    repo: Repository, change: Open, write: Write
) -> None:
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request_review",
        "GITHUB_EVENT_PATH": event_of(repo, write, by="alice"),
    }
    found = change(repo, env=env)
    assert (found.stage, set(found.reviewers), found.pull_request.title) == (
        "pull-request",
        {"alice"},
        "feat: one",
    )
    # A broken review leaves out the event, and no more than its variables are known.
    env["GITHUB_EVENT_PATH"] = event_of(repo, write, by="alice", submitted_at="now")
    found = change(repo, env={**env, "GITHUB_BASE_REF": "main"})
    assert (found.stage, set(found.reviewers), found.pull_request.title) == ("pull-request", set(), None)


def test_a_review_that_was_moved_to_a_later_commit_does_not_count(
    repo: Repository, change: Open, write: Write
) -> None:
    """Where a branch is rebased, GitHub says of an older review that it is of the new head."""
    late = repo.commit("feat: two", files={"c": "c\n"}, date=1_772_445_600)
    before = item(commit=late, submitted_at="2026-03-02T09:00:00Z")
    after = item(commit=late, by="bob", submitted_at="2026-03-02T10:00:01Z")
    assert change(repo, reviews_file=write([before, after])).reviewers == {"bob"}


def test_a_commit_without_a_time_is_reviewed_by_nobody(repo: Repository, change: Open, write: Write) -> None:
    tree = repo.git("rev-parse", "HEAD^{tree}").strip()
    raw = (
        f"tree {tree}\nparent {repo.names['head']}\nauthor A <a@x.org> 1 +0000\ncommitter A <a@x.org>\n\nx\n"
    )
    oid = repo.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw.encode()).strip()
    repo.git("update-ref", "refs/heads/work", oid)
    file = write([item(commit=oid, submitted_at="2026-03-02T10:00:00Z")])
    assert change(repo, reviews_file=file).reviewers == set()


def test_a_file_of_reviews_that_cannot_be_read_ends_the_check(
    repo: Repository, change: Open, write: Write
) -> None:
    with pytest.raises(SpecguardError, match="reviews file cannot be read"):
        change(repo, reviews_file="/nowhere/reviews.json")
    with pytest.raises(SpecguardError, match="reviews file is not JSON"):
        change(repo, reviews_file=write(b"{"))
