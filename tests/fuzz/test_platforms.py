"""What a platform says of a change and of who approved it, in any state: never more than stands in it."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from specguard.change.check_request import Request
from specguard.change.platform_event import Event, approvers, find_event, read_event, read_reviews
from specguard.errors import SpecguardError
from specguard.testing import Repository
from tests.fuzz.damage import DRAWN, damaged, few
from tests.fuzz.verdicts import checked

OID = st.sampled_from(["a" * 40, "b" * 40, "0" * 40, "c" * 64])
NAME = st.sampled_from(["main", "work", "refs/heads/main", "phase-12", "a/b", "\u00e9", "x\u202ey"])
TEXT = st.sampled_from(
    [None, "", "feat: a title", "Phase 12", "a\r\nb\r\n", "\u202e", "\udc80", "\U0001f600"]
)
SIDE = st.fixed_dictionaries({"sha": OID, "ref": NAME}, optional={"repo": st.none(), "label": TEXT})
PULL_REQUESTS = st.fixed_dictionaries(
    {"head": SIDE, "base": SIDE}, optional={"title": TEXT, "body": TEXT, "number": st.integers()}
).map(lambda fields: {"action": "opened", "number": 12, "pull_request": fields})
GROUPS = st.fixed_dictionaries({"head_sha": OID, "base_sha": OID, "base_ref": NAME, "head_ref": NAME}).map(
    lambda fields: {"action": "checks_requested", "merge_group": fields}
)
PUSHES = st.fixed_dictionaries(
    {"ref": NAME, "before": OID, "after": OID, "deleted": st.booleans()},
    optional={"repository": st.fixed_dictionaries({"default_branch": NAME})},
)
EVENTS = (PULL_REQUESTS | GROUPS | PUSHES).map(lambda event: json.dumps(event, indent=1).encode())


def at(event: Any, *path: str) -> Any:
    for key in path:
        event = event.get(key) if isinstance(event, dict) else None
    return event


def whole(text: str | None) -> str | None:
    """A text as it can be written: half characters, which JSON can spell, are none."""
    return None if text is None else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


@few(200)
@given(damaged(EVENTS, most=2) | EVENTS)
def test_an_event_says_what_stands_in_its_file_and_nothing_else(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    try:
        event = read_event(str(file))
    except SpecguardError:
        return
    there = json.loads(content.decode("utf-8-sig"))
    if event.kind == "pull_request":
        of = there["pull_request"]
        assert event.title == whole(at(of, "title"))
        assert event.number == at(of, "number")
        assert (event.body or "") == (whole(at(of, "body")) or "").replace("\r\n", "\n")
        ends = (at(of, "head", "sha"), at(of, "head", "ref"), at(of, "base", "sha"), at(of, "base", "ref"))
    elif event.kind == "merge_group":
        of = there["merge_group"]
        ends = (at(of, "head_sha"), None, at(of, "base_sha"), at(of, "base_ref"))
    else:
        ends = (there["after"], there["ref"], there["before"], at(there, "repository", "default_branch"))
        assert event.deleted == bool(there.get("deleted"))
    head, branch, base_oid, base = ends
    assert event.head == (head if head and head.strip("0") else None)
    assert event.base_oid in {base_oid, None}
    for said, stands in ((event.branch, branch), (event.base, base)):
        if said is not None:
            assert whole(stands) in {said, f"refs/heads/{said}", f"refs/remotes/{said}", f"refs/tags/{said}"}
    for oid in (event.head, event.base_oid):
        assert oid is None or (len(oid) in {40, 64} and set(oid) <= set("0123456789abcdef"))


VARIABLE = damaged(
    st.sampled_from([b"true", b"12", b"main", b"a" * 40, b"refs/pull/1/merge", b"pull_request"]), 1
)
VARIABLES = st.dictionaries(
    st.sampled_from(DRAWN["variables"]),
    VARIABLE.map(lambda value: value.replace(b"\0", b"").decode("utf-8", "surrogateescape")),
)


@few(150)
@given(
    VARIABLES, st.sampled_from(["pull_request", "pull_request_target", "merge_group", "push", "x", "gitlab"])
)
def test_variables_are_repeated_and_never_a_crash(variables: dict[str, str], platform: str) -> None:
    named = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": platform}
    environment = {**variables, **({"GITLAB_CI": "true"} if platform == "gitlab" else named)}
    event = find_event(Request(environment=environment))
    if event is None:
        return
    for name in ("head", "branch", "base", "title", "merge"):
        assert getattr(event, name) in {None, *variables.values()}, name


def event_of(red: Repository) -> bytes:
    """The event of a pull request of the branch."""
    head, base = red.names["head"], red.names["base"]
    ends = {"head": {"sha": head, "ref": "phase-12"}, "base": {"sha": base, "ref": "main"}}
    request = {"number": 1, "title": "Feat", "body": "", **ends}
    return json.dumps({"pull_request": request}, indent=1).encode()


@few(40)
@given(st.data())
def test_no_broken_event_turns_a_red_change_green(red: Repository, file: Path, data: st.DataObject) -> None:
    head, base = red.names["head"], red.names["base"]
    file.write_bytes(data.draw(damaged(st.just(event_of(red)))))
    platform = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(file)}
    if data.draw(st.booleans()):
        outcome = checked(red, "--enforce", f"--pr-event={file}")
    else:
        outcome = checked(red, "--enforce", f"--base={base}", f"--head={head}", env=platform)
    if outcome.exit_code == 1:
        assert "PTH002" in outcome.codes
        return
    # Without a verdict, or where the file still is an event and names another head.
    assert outcome.exit_code == 2 or read_event(str(file)).head != head


def test_the_undamaged_event_is_red(red: Repository, file: Path) -> None:
    file.write_bytes(event_of(red))
    outcome = checked(red, "--enforce", f"--pr-event={file}")
    assert (outcome.exit_code, outcome.codes) == (1, ["PRQ001", "PTH002"])
    assert isinstance(read_event(str(file)), Event)


HEAD, OTHER = "a" * 40, "b" * 40
LOGIN = st.sampled_from(["alice", "Alice", "bob", "ghost", "ci[bot]"])
STATE = st.sampled_from(["APPROVED", "CHANGES_REQUESTED", "DISMISSED", "COMMENTED", "PENDING"])
TIME = st.sampled_from(["2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", "2026-01-02T00:00:00.5Z", None])
BY_API = st.builds(
    lambda login, state, commit, time, kind: {
        "user": {"login": login, "type": kind}, "state": state, "commit_id": commit, "submitted_at": time,
    },
    LOGIN, STATE, st.sampled_from([HEAD, OTHER, None]), TIME, st.sampled_from(["User", "Bot"]),
)  # fmt: skip
PAGES = st.lists(BY_API, max_size=4)
FILES = st.one_of(
    PAGES.map(lambda page: json.dumps(page, indent=1)),
    st.lists(PAGES, min_size=1, max_size=3).map(json.dumps),
    BY_API.map(lambda review: json.dumps({"action": "submitted", "review": review, "pull_request": {}})),
).map(str.encode)


def reviews_in(text: str) -> list[dict[str, Any]]:
    """Every object of a file that has a state, in its order, by a plain reading of it."""
    found: list[dict[str, Any]] = []
    waiting = [json.loads(text)]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict) and isinstance(one.get("state"), str):
            found.append(one)
        elif isinstance(one, dict | list):
            waiting = [*(one.values() if isinstance(one, dict) else one), *waiting]
    return found


@few(200)
@given(FILES | damaged(FILES, most=2), st.sampled_from([0, 1_767_261_600, 2_000_000_000]))
def test_nobody_approves_who_did_not(file: Path, content: bytes, committed: int) -> None:
    file.write_bytes(content)
    try:
        reviews = read_reviews(str(file))
    except SpecguardError:
        return
    there = reviews_in(content.decode("utf-8-sig"))
    for login in approvers(reviews, HEAD, committed):
        assert not login.endswith("[bot]")
        verdicts = [
            one for one in there
            if who(one) == login.casefold() and one["state"].upper() not in {"COMMENTED", "PENDING"}
        ]  # fmt: skip
        times = [str(one.get("submitted_at") or "")[:19] for one in verdicts]
        # Without a time the last one in the file is the newest.
        newest = [
            one
            for one, time in zip(verdicts, times, strict=True)
            if (time == max(times) if all(times) else one is verdicts[-1])
        ]
        assert any(one["state"].upper() == "APPROVED" and one.get("commit_id") == HEAD for one in newest)


def who(review: dict[str, Any]) -> str:
    """The person whose review it is; a bot is none."""
    user = review.get("user") or {}
    return "" if user.get("type") not in {None, "User"} else str(user.get("login")).casefold()
