"""What platforms say of a change, and what becomes of files and variables that say something else."""

import json
from pathlib import Path
from typing import Any

import pytest

from specguard.change import platform_event as events
from specguard.change.check_request import Request, read_body
from specguard.change.platform_event import Event, find_event, read_event
from specguard.errors import SpecguardError
from tests.outcomes import there

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40


def pull_request(**changes: Any) -> dict[str, Any]:
    return {
        "action": "opened",
        "number": 12,
        "pull_request": {
            "number": 12,
            "title": "Phase 12",
            "body": "one\r\ntwo\r\n",
            "head": {"sha": A, "ref": "phase-12", "repo": None},
            "base": {"sha": B, "ref": "main"},
            **changes,
        },
    }


PUSH = {
    "ref": "refs/heads/main",
    "before": A,
    "after": B,
    "deleted": False,
    "repository": {"default_branch": "main"},
}
GROUP = {
    "action": "checks_requested",
    "merge_group": {
        "head_sha": A,
        "head_ref": "refs/heads/gh-readonly-queue/main/pr-1",
        "base_sha": B,
        "base_ref": "refs/heads/main",
    },
}


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read_one(content: object) -> Event:
        file = tmp_path / "event.json"
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return read_event(str(file))

    return read_one


def shown(event: Event | None) -> dict[str, Any]:
    values = {name: getattr(there(event), name) for name in Event._fields}
    return {name: value for name, value in values.items() if value not in (None, False, [], ())}


def test_a_pull_request_is_read(read: Any) -> None:
    assert shown(read(pull_request())) == {
        "kind": "pull_request", "head": A, "branch": "phase-12", "base": "main", "base_oid": B,
        "title": "Phase 12", "body": "one\ntwo\n", "number": 12,
    }  # fmt: skip


def test_a_body_that_nobody_wrote_is_empty_and_one_that_is_absent_is_not_known(read: Any) -> None:
    assert read(pull_request(body=None)).body == ""
    payload = pull_request()
    del payload["pull_request"]["body"]
    del payload["pull_request"]["title"]
    assert (read(payload).body, read(payload).title) == (None, None)
    # A fork that was deleted has no branch.
    event = read(pull_request(head={"sha": A, "ref": None, "repo": None}))
    assert (event.head, event.branch) == (A, None)
    assert read(pull_request(head=None)).head is None


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
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"action": "opened", "issue": {}}', "another kind: it has action, issue"),
        (b'{"pull_request": []}', "pull_request in the event file is not an object"),
        (b'{"pull_request": {"title": 12}}', "pull_request.title in the event file is not text"),
        (b'{"pull_request": {"number": "12"}}', "not a number"),
        (b'{"pull_request": {"head": {"sha": "main"}}}', "pull_request.head.sha in the event file is not an"),
        (b'{"pull_request": {"base": {"ref": "a\\u0000b"}}}', "not a branch's name"),
    ],
)
def test_a_file_of_another_form_is_an_error_that_names_it(read: Any, content: bytes, message: str) -> None:
    with pytest.raises(SpecguardError) as caught:
        read(content)
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
        read(pull_request(body="x" * (1 << 20)))
    for name in (tmp_path / "none", tmp_path, "nul\0"):
        with pytest.raises(SpecguardError, match="cannot be read"):
            read_event(str(name))
    # A body is read with plain newlines.
    (tmp_path / "body").write_bytes(b"one\r\n\xff\r\n")
    assert read_body(str(tmp_path / "body")) == "one\n\udcff\n"


# Variables


def of(environment: dict[str, str], event_file: str = "") -> Event | None:
    return find_event(Request(environment=environment, event_file=event_file))


def github(tmp_path: Path, payload: object, name: str = "pull_request", **more: str) -> dict[str, str]:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(payload))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(file),
        "GITHUB_REF": "refs/pull/12/merge",
        "GITHUB_SHA": B,
        **more,
    }


def test_on_github_and_nowhere_else_the_event_is_found(tmp_path: Path) -> None:
    for name in ("pull_request", "pull_request_target"):
        event = there(of(github(tmp_path, pull_request(), name)))
        assert (event.kind, event.title, event.head) == ("pull_request", "Phase 12", A)
    environment = github(tmp_path, pull_request())
    del environment["GITHUB_ACTIONS"]
    assert of(environment) is None
    assert of({"CI_MERGE_REQUEST_IID": "1"}) is None
    assert of({}) is None
    # Nor are other events of GitHub one.
    assert of(github(tmp_path, {"schedule": "0 0 * * *"}, "schedule")) is None
    assert of(github(tmp_path, {"ref": "main"}, "workflow_dispatch")) is None


def test_an_event_of_github_that_cannot_be_used_leaves_what_the_variables_say(tmp_path: Path) -> None:
    names = {"GITHUB_BASE_REF": "main", "GITHUB_HEAD_REF": "phase-12"}
    payloads: tuple[object, ...] = (None, [], {}, PUSH, {"pull_request": {"title": 1}})
    for payload in payloads:
        given = github(tmp_path, payload, **names)
        for environment in (given, {**given, "GITHUB_EVENT_PATH": "/dev/null"}):
            told = shown(of(environment))
            assert told == {"kind": "pull_request", "base": "main", "branch": "phase-12", "merge": B}
    # A file that is named is used on any platform.
    environment = github(tmp_path, pull_request())
    other = tmp_path / "other.json"
    other.write_text(json.dumps(GROUP))
    assert there(of(environment, str(other))).kind == "merge_group"


GITLAB = {
    "GITLAB_CI": "true",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_MERGE_REQUEST_TITLE": "Phase 12",
    "CI_MERGE_REQUEST_DESCRIPTION": "one\r\ntwo",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "phase-12",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    "CI_COMMIT_SHA": A,
}


def test_on_gitlab_the_variables_are_the_event() -> None:
    assert shown(of(GITLAB)) == {
        "kind": "pull_request", "head": A, "branch": "phase-12", "base": "main", "title": "Phase 12",
        "body": "one\ntwo", "number": 7,
    }  # fmt: skip
    assert there(of({**GITLAB, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": B})).head == B
    assert there(of({**GITLAB, "CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED": "true"})).body is None
    # A merge train is a queue, and a branch's pipeline no event.
    event = there(of({**GITLAB, "CI_MERGE_REQUEST_EVENT_TYPE": "merge_train"}))
    assert (event.kind, event.branch) == ("merge_group", None)
    assert of({"GITLAB_CI": "true", "CI_COMMIT_SHA": A}) is None
