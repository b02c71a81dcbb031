"""What platforms say of a change, and what becomes of files and variables that say something else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.change import platform_event as events
from specguard.change.platform_event import Event, find_event, read_event
from specguard.change.request import Request, read_body
from specguard.errors import SpecguardError
from tests.outcomes import there

if TYPE_CHECKING:
    from pathlib import Path

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


def test_a_fork_that_was_deleted_has_no_branch(read: Any) -> None:
    event = read(pull_request(head={"sha": A, "ref": None, "repo": None}))
    assert (event.head, event.branch) == (A, None)
    assert read(pull_request(head=None)).head is None


def test_a_merge_queue_s_group_is_read(read: Any) -> None:
    expected = {"kind": "merge_group", "head": A, "base": "main", "base_oid": B, "exact": True}
    assert shown(read(GROUP)) == expected


def test_a_push_to_the_base_is_judged_against_what_was_there(read: Any) -> None:
    assert shown(read(PUSH)) == {
        "kind": "push", "head": B, "branch": "main", "base": "main", "base_oid": A, "exact": True,
    }  # fmt: skip


def test_any_other_push_is_judged_against_the_base(read: Any) -> None:
    expected = {"kind": "push", "head": B, "branch": "work", "base": "main"}
    assert shown(read({**PUSH, "ref": "refs/heads/work"})) == expected
    tag = read({**PUSH, "ref": "refs/tags/main"})
    assert (tag.branch, tag.base, tag.exact) == (None, "main", False)


def test_a_first_push_and_a_deletion_are_told_apart(read: Any) -> None:
    first = read({**PUSH, "before": ZERO})
    assert (first.base, first.base_oid, first.exact) == ("main", None, False)
    gone = read({**PUSH, "after": ZERO, "deleted": True})
    assert (gone.head, gone.deleted) == (None, True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"12", "not a JSON object"),
        (b"{}", "another kind: it has nothing"),
        (b'{"action": "opened", "issue": {}}', "another kind: it has action, issue"),
        (b'{"object_kind": "merge_request"}', "another kind"),
        (b'{"pull_request": []}', "pull_request in the event file is not an object"),
        (b'{"pull_request": {"title": 12}}', "pull_request.title in the event file is not text"),
        (b'{"pull_request": {"number": "12"}}', "not a number"),
        (b'{"pull_request": {"number": true}}', "not a number"),
        (
            b'{"pull_request": {"head": {"sha": "main"}}}',
            "pull_request.head.sha in the event file is not an obj",
        ),
        (b'{"pull_request": {"head": {"sha": "--output=x"}}}', "not an object id"),
        (b'{"pull_request": {"base": {"ref": "a\\u0000b"}}}', "not a branch's name"),
        (b'{"pull_request": {"base": {"ref": "a\\nb"}}}', "not a branch's name"),
        (b'{"merge_group": null, "ref": 1, "before": 2, "after": 3}', ""),
    ],
)
def test_a_file_of_another_form_is_an_error_that_names_it(read: Any, content: bytes, message: str) -> None:
    if not message:
        assert shown(read(content)) == {"kind": "merge_group"}
        return
    with pytest.raises(SpecguardError) as caught:
        read(content)
    assert message in caught.value.message
    assert (caught.value.path or "").endswith("event.json")


def test_a_byte_order_mark_is_no_matter(read: Any) -> None:
    assert read(b"\xef\xbb\xbf" + json.dumps(PUSH).encode()).kind == "push"


def test_half_characters_become_text_that_can_be_written(read: Any) -> None:
    event = read(b'{"pull_request": {"title": "a\\ud800b", "head": {"ref": "x\\udc80"}}}')
    assert event.title is not None
    assert event.branch is not None
    (event.title + event.branch).encode()


def test_a_file_that_is_too_large_or_not_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Any
) -> None:
    monkeypatch.setattr(events, "EVENT_LIMIT", 1 << 20)
    with pytest.raises(SpecguardError, match="may have 1 MiB"):
        read(pull_request(body="x" * (1 << 20)))
    for name in (tmp_path / "none", tmp_path, "nul\0"):
        with pytest.raises(SpecguardError, match="cannot be read"):
            read_event(str(name))


KEYS = st.sampled_from(
    ["pull_request", "merge_group", "ref", "before", "after", "head", "base", "sha", "title"]
)
PAYLOADS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(KEYS, inner)
)


@given(PAYLOADS)
def test_whatever_the_file_holds_there_is_an_event_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, payload: Any
) -> None:
    file = tmp_path_factory.getbasetemp() / "payload.json"
    file.write_text(json.dumps(payload))
    with suppress(SpecguardError):
        assert read_event(str(file)).kind


def test_a_body_is_read_with_plain_newlines(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
def test_on_github_the_event_is_found(tmp_path: Path, name: str) -> None:
    event = there(of(github(tmp_path, pull_request(), name)))
    assert (event.kind, event.title, event.head) == ("pull_request", "Phase 12", A)


def test_elsewhere_variables_of_a_platform_say_nothing(tmp_path: Path) -> None:
    environment = github(tmp_path, pull_request())
    del environment["GITHUB_ACTIONS"]
    assert of(environment) is None
    assert of({"CI_MERGE_REQUEST_IID": "1"}) is None
    assert of({}) is None


def test_other_events_of_github_are_none(tmp_path: Path) -> None:
    assert of(github(tmp_path, {"schedule": "0 0 * * *"}, "schedule")) is None
    assert of(github(tmp_path, {"ref": "main"}, "workflow_dispatch")) is None


@pytest.mark.parametrize("payload", [None, [], {}, PUSH, {"pull_request": {"title": 1}}])
def test_an_event_of_github_that_cannot_be_used_leaves_what_the_variables_say(
    tmp_path: Path, payload: object
) -> None:
    names = {"GITHUB_BASE_REF": "main", "GITHUB_HEAD_REF": "phase-12"}
    event = of(github(tmp_path, payload, **names))
    assert shown(event) == {"kind": "pull_request", "base": "main", "branch": "phase-12", "merge": B}
    event = of({**github(tmp_path, payload, **names), "GITHUB_EVENT_PATH": "/dev/null"})
    assert shown(event) == {"kind": "pull_request", "base": "main", "branch": "phase-12", "merge": B}


def test_a_named_file_is_used_on_any_platform(tmp_path: Path) -> None:
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


def test_on_gitlab_a_merged_result_is_not_the_head() -> None:
    assert there(of({**GITLAB, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": B})).head == B


def test_on_gitlab_a_description_that_was_cut_is_not_known() -> None:
    assert there(of({**GITLAB, "CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED": "true"})).body is None


def test_on_gitlab_a_merge_train_is_a_queue_and_a_branch_pipeline_no_event() -> None:
    event = there(of({**GITLAB, "CI_MERGE_REQUEST_EVENT_TYPE": "merge_train"}))
    assert (event.kind, event.branch) == ("merge_group", None)
    assert of({"GITLAB_CI": "true", "CI_COMMIT_SHA": A}) is None
