"""What platforms say of a change, and reviews: who approves exactly the judged head, in every form.

The files in `platform` have the fields of what GitHub and GitLab send, with names and ids of their own.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specguard.change import platform_event as events
from specguard.change.change import Change
from specguard.change.check_request import Request, read_body
from specguard.change.platform_event import (
    NEVER,
    Event,
    SubmittedReview,
    approvers,
    find_event,
    read_event,
    read_reviews,
)
from specguard.errors import SpecguardError
from specguard.testing import Repository
from tests.changes import Open, on_github, pull_request
from tests.outcomes import there
from tests.rows import recorded, rows

Write = Callable[..., str]

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40
PAYLOADS = recorded(__file__, "payloads")
PUSH, GROUP, GITLAB = (PAYLOADS[name] for name in ("push", "group", "gitlab"))
PLATFORM = Path(__file__).parent / "platform"
HEAD = "c3d0be41ecbe669545ee3e94d31ed9a4bc91ee3c"
OTHER = "2f1a7d3c9b5e48a0d6c1f7e2b39485a6c0d1e2f3"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file that a platform might, and gives its name."""

    def write_one(content: object, name: str = "reviews.json") -> str:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(file)

    return write_one


@pytest.fixture
def read(write: Write) -> Callable[[object], Event]:
    return lambda content: read_event(write(content, "event.json"))


def shown(event: Event | None) -> dict[str, Any]:
    values = {name: getattr(there(event), name) for name in Event._fields}
    return {name: value for name, value in values.items() if value not in (None, False, [], ())}


def test_a_pull_request_is_read(read: Any) -> None:
    assert shown(read(pull_request(B, A, body="one\r\ntwo\r\n"))) == {
        "kind": "pull_request", "head": A, "branch": "work", "base": "main", "base_oid": B,
        "title": "feat: one", "body": "one\ntwo\n", "number": 7,
    }  # fmt: skip


def test_a_body_that_nobody_wrote_is_empty_and_one_that_is_absent_is_not_known(read: Any) -> None:
    assert read(pull_request(B, A, body=None)).body == ""
    payload = pull_request(B, A)
    del payload["pull_request"]["body"]
    del payload["pull_request"]["title"]
    assert (read(payload).body, read(payload).title) == (None, None)
    # A fork that was deleted has no branch.
    event = read(pull_request(B, A, head={"sha": A, "ref": None, "repo": None}))
    assert (event.head, event.branch) == (A, None)
    assert read(pull_request(B, A, head=None)).head is None


def test_a_group_and_pushes_are_read(read: Any) -> None:
    exact = {"base": "main", "exact": True}
    assert shown(read(GROUP)) == {"kind": "merge_group", "head": A, "base_oid": B, **exact}
    # A push to the base is judged against what was there, and any other one against the base.
    assert shown(read(PUSH)) == {"kind": "push", "head": B, "branch": "main", "base_oid": A, **exact}
    expected = {"kind": "push", "head": B, "branch": "work", "base": "main"}
    assert shown(read({**PUSH, "ref": "refs/heads/work"})) == expected
    tag = read({**PUSH, "ref": "refs/tags/main"})
    assert (tag.branch, tag.base, tag.exact) == (None, "main", False)
    first = read({**PUSH, "before": ZERO})
    assert (first.base, first.base_oid, first.exact) == ("main", None, False)
    gone = read({**PUSH, "after": ZERO, "deleted": True})
    assert (gone.head, gone.deleted) == (None, True)


@pytest.mark.parametrize(
    ("content", "message"), [*rows(__file__, "broken_events"), ("[" * 100_000, "not JSON")]
)
def test_an_event_of_another_form_is_an_error_that_names_it(read: Any, content: str, message: str) -> None:
    with pytest.raises(SpecguardError) as caught:
        read(content.encode())
    assert message in caught.value.message
    assert (caught.value.path or "").endswith("event.json")


def test_odd_bytes_are_no_matter(read: Any) -> None:
    assert read(b"\xef\xbb\xbf" + json.dumps(PUSH).encode()).kind == "push"
    assert shown(read(b'{"merge_group": null, "ref": 1, "before": 2, "after": 3}')) == {"kind": "merge_group"}
    # Half characters become text that can be written.
    event = read(b'{"pull_request": {"title": "a\\ud800b", "head": {"ref": "x\\udc80"}}}')
    (event.title + event.branch).encode()


def test_a_file_that_is_too_large_or_not_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Any
) -> None:
    monkeypatch.setattr(events, "LIMIT", 1 << 20)
    with pytest.raises(SpecguardError, match="may have 1 MiB"):
        read(pull_request(B, A, body="x" * (1 << 20)))
    for name in (tmp_path / "none", tmp_path, "nul\0"):
        with pytest.raises(SpecguardError, match="cannot be read"):
            read_event(str(name))
    # A body is read with plain newlines.
    (tmp_path / "body").write_bytes(b"one\r\n\xff\r\n")
    assert read_body(str(tmp_path / "body")) == "one\n\udcff\n"


# Variables


def of(environment: dict[str, str], event_file: str = "") -> Event | None:
    return find_event(Request(environment=environment, event_file=event_file))


def test_on_github_and_nowhere_else_the_event_is_found(write: Write) -> None:
    for name in ("pull_request", "pull_request_target"):
        event = there(of(on_github(write(pull_request(B, A)), name)))
        assert (event.kind, event.title, event.head) == ("pull_request", "feat: one", A)
    environment = on_github(write(pull_request(B, A)))
    del environment["GITHUB_ACTIONS"]
    assert of(environment) is None
    assert of({"CI_MERGE_REQUEST_IID": "1"}) is None
    assert of({}) is None
    # Nor are other events of GitHub one.
    assert of(on_github(write({"schedule": "0 0 * * *"}), "schedule")) is None
    assert of(on_github(write({"ref": "main"}), "workflow_dispatch")) is None


def test_an_event_of_github_that_cannot_be_used_leaves_what_the_variables_say(write: Write) -> None:
    names = {"GITHUB_BASE_REF": "main", "GITHUB_HEAD_REF": "phase-12"}
    merge = {"GITHUB_REF": "refs/pull/12/merge", "GITHUB_SHA": B}
    payloads: tuple[object, ...] = (None, [], {}, PUSH, {"pull_request": {"title": 1}})
    for payload in payloads:
        given = on_github(write(payload), **names, **merge)
        for environment in (given, {**given, "GITHUB_EVENT_PATH": "/dev/null"}):
            told = shown(of(environment))
            assert told == {"kind": "pull_request", "base": "main", "branch": "phase-12", "merge": B}
    # A file that is named is used on any platform.
    environment = on_github(write(pull_request(B, A)))
    assert there(of(environment, write(GROUP, "other.json"))).kind == "merge_group"


def test_on_gitlab_the_variables_are_the_event() -> None:
    assert shown(of(GITLAB)) == {
        "kind": "pull_request", "head": A, "branch": "phase-12", "base": "main", "title": "Phase 12",
        "body": "one\ntwo", "number": 7,
    }  # fmt: skip
    assert there(of({**GITLAB, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": B})).head == B
    for title in ("Draft: Phase 12", "[Draft] Phase 12", "(draft) Phase 12"):
        assert there(of({**GITLAB, "CI_MERGE_REQUEST_TITLE": title})).title == "Phase 12"
    assert there(of({**GITLAB, "CI_MERGE_REQUEST_TITLE": "Drafting a plan"})).title == "Drafting a plan"
    assert there(of({**GITLAB, "CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED": "true"})).body is None
    # A merge train is a queue that tells the branch, and a pipeline of another source no event.
    event = there(of({**GITLAB, "CI_MERGE_REQUEST_EVENT_TYPE": "merge_train"}))
    assert (event.kind, event.branch) == ("merge_group", "phase-12")
    assert of({"GITLAB_CI": "true", "CI_COMMIT_SHA": A}) is None


# Reviews: who approves


def said(state: str, *, by: str = "alice", commit: str = HEAD, at: str = "") -> SubmittedReview:
    return SubmittedReview(login=by, state=state, commit=commit, submitted=at)


def item(state: object = "APPROVED", *, by: object = "alice", commit: object = HEAD, **more: object) -> Any:
    user = {"login": by, "type": "User"} if isinstance(by, str) else by
    return {"user": user, "state": state, "commit_id": commit, **more}


@pytest.mark.parametrize(("found", "expected"), rows(__file__, "verdicts"))
def test_the_newest_verdict_of_each_account_counts(found: list[list[str]], expected: list[str]) -> None:
    commits = {"H": HEAD, "O": OTHER}
    reviews = [said(state, by=by, commit=commits[commit]) for by, state, commit in found]
    assert approvers(reviews, HEAD) == set(expected)


def test_times_say_what_is_newest_where_all_have_one() -> None:
    early, late = "2026-03-02T09:59:59.9Z", "2026-03-02T10:00:00Z"
    assert approvers([said("changes_requested", at=late), said("approved", at=early)], HEAD) == set()
    assert approvers([said("approved", at=late), said("changes_requested", at=early)], HEAD) == {"alice"}
    # Without a time the order is the file's.
    assert approvers([said("changes_requested", at=late), said("approved")], HEAD) == {"alice"}
    assert approvers([said("approved", at=late), said("changes_requested")], HEAD) == set()
    # What is no verdict needs none.
    found = [said("approved", at=late), said("commented"), said("changes_requested", at=early)]
    assert approvers(found, HEAD) == {"alice"}
    # A time that is missing leaves the order of others' reviews alone.
    found = [said("changes_requested", at=late), said("approved", at=early), said("approved", by="bob")]
    assert approvers(found, HEAD) == {"bob"}


def test_a_review_from_before_the_commit_is_not_about_it() -> None:
    found = [said("approved", at="2026-03-02T10:00:00Z")]
    ten = 1_772_445_600
    assert approvers(found, HEAD, ten) == {"alice"}
    assert approvers(found, HEAD, ten + 300) == {"alice"}
    assert approvers(found, HEAD, ten + 301) == set()
    assert approvers(found, HEAD, NEVER) == approvers(found, HEAD, 10**18 - 1) == set()
    assert approvers(found, HEAD, 0) == {"alice"}


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
    assert found[0].submitted == "2026-03-02T09:00:00+00:00"
    assert approvers(found, HEAD) == {"alice"}
    assert approvers(found, OTHER) == set()


def test_pages_are_one_list_however_they_are_joined(write: Write) -> None:
    whole = json.loads((PLATFORM / "reviews.json").read_text())
    expected = read_reviews(str(PLATFORM / "reviews.json"))
    first, second = whole[:3], whole[3:]
    assert read_reviews(write([first, second])) == expected
    assert read_reviews(write([whole])) == read_reviews(write([whole, []])) == expected
    assert read_reviews(write([])) == read_reviews(write([[]])) == read_reviews(write([[], []])) == []


def test_an_event_about_a_review_is_read_as_reviews_and_as_an_event(write: Write) -> None:
    file = str(PLATFORM / "pull-request-review.json")
    assert approvers(read_reviews(file), HEAD) == {"alice"}
    event = read_event(file)
    assert (event.kind, event.head, event.branch, event.base) == ("pull_request", HEAD, "cart", "main")
    assert (event.title, event.number, event.author) == ("feat: a cart", 12, "dave")
    assert event.reviews == read_reviews(file)
    # One about a dismissal takes an approval back.
    told = json.loads((PLATFORM / "pull-request-review.json").read_text())
    told["action"] = told["review"]["state"] = "dismissed"
    assert approvers(read_reviews(write(told)), HEAD) == set()
    assert approvers(read_event(write(told)).reviews, HEAD) == set()
    told["review"]["state"] = "pending"
    assert read_event(write(told)).reviews == []


def test_a_bot_and_an_account_that_is_gone_never_count(write: Write) -> None:
    for user in (None, {"login": None, "type": "User"}, *rows(__file__, "nobodies")):
        found = read_reviews(write([item(by=user)]))
        assert [review.login for review in found] == [""]
        assert approvers(found, HEAD) == set()


def test_what_another_forge_calls_dismissed_is_dismissed_and_ids_of_sha256_are_longer(write: Write) -> None:
    assert approvers(read_reviews(write([item(dismissed=False)])), HEAD) == {"alice"}
    assert approvers(read_reviews(write([item(dismissed=True)])), HEAD) == set()
    head = "ab" * 32
    assert approvers(read_reviews(write([item(commit=head)])), head) == {"alice"}
    assert approvers(read_reviews(write([item(commit=head[:40])])), head) == set()


def test_the_words_and_times_of_gitea_are_read(write: Write) -> None:
    asked, at = item("REQUEST_REVIEW", by=None), "2026-03-02T11:59:59+02:00"
    assert approvers(read_reviews(write([item(submitted_at=at), item("COMMENT"), asked])), HEAD) == {"alice"}
    assert approvers(read_reviews(write([item(), item("REQUEST_CHANGES")])), HEAD) == set()
    assert approvers(read_reviews(write([item(submitted_at=at)])), HEAD, 1_772_445_600 + 300) == set()


# What cannot count


def test_gitlab_s_approvals_name_no_commit(write: Write) -> None:
    approvals = json.loads((PLATFORM / "gitlab-approvals.json").read_text())
    for content, message in ((approvals, "is another kind"), ([approvals], "[0].state")):
        with pytest.raises(SpecguardError, match=re.escape(message)) as caught:
            read_reviews(write(content))
        assert message in caught.value.message


BROKEN = [
    (json.dumps([item(), {**item(), key: value}]), said)
    for key, value, said in rows(__file__, "broken_items")
]


@pytest.mark.parametrize(("content", "message"), [*rows(__file__, "broken_reviews"), *BROKEN])
def test_reviews_that_are_broken_anywhere_are_one_error_and_no_approval(
    write: Write, content: str, message: str
) -> None:
    with pytest.raises(SpecguardError) as caught:
        read_reviews(write(content.encode()))
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
    payload = pull_request(repo.names["base"], repo.names["head"], user={"login": "Dave"})
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
    env = on_github(event_of(repo, write, by="alice"), "pull_request_review")
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
