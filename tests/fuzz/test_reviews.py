"""Reviews in any state: nobody approves a commit who does not do so in the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from specguard.change.platform_event import approving, read_reviews
from specguard.errors import SpecguardError
from tests.fuzz.damage import damaged, few

if TYPE_CHECKING:
    from pathlib import Path

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
BY_GH = st.builds(
    lambda login, state, commit, time: {
        "author": {"login": login}, "state": state, "commit": {"oid": commit}, "submittedAt": time,
    },
    LOGIN, STATE, st.sampled_from([HEAD, OTHER, ""]), TIME,
)  # fmt: skip
PAGES = st.lists(BY_API, max_size=4)
FILES = st.one_of(
    PAGES.map(lambda page: json.dumps(page, indent=1)),
    st.lists(PAGES, min_size=1, max_size=3).map(json.dumps),
    st.lists(PAGES, min_size=1, max_size=3).map(lambda pages: "".join(map(json.dumps, pages))),
    st.lists(BY_GH, max_size=4).map(lambda reviews: json.dumps({"reviews": reviews}, indent=1)),
    BY_API.map(lambda review: json.dumps({"action": "submitted", "review": review, "pull_request": {}})),
).map(str.encode)


def reviews_in(text: str) -> list[dict[str, Any]]:
    """Every object of a file that has a state, in its order, by a plain reading of it."""
    found: list[dict[str, Any]] = []
    at = 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = json.JSONDecoder().raw_decode(text, at)
        waiting = [value]
        while waiting:
            one = waiting.pop(0)
            if isinstance(one, dict) and isinstance(one.get("state"), str):
                found.append(one)
            elif isinstance(one, dict | list):
                waiting = [*(one.values() if isinstance(one, dict) else one), *waiting]
    return found


@few(200)
@given(FILES | damaged(FILES, most=2), st.sampled_from([None, 0, 1_767_261_600, 2_000_000_000]))
def test_nobody_approves_who_did_not(file: Path, content: bytes, committed: int | None) -> None:
    file.write_bytes(content)
    try:
        reviews = read_reviews(str(file))
    except SpecguardError:
        return
    there = reviews_in(content.decode("utf-8-sig"))
    for login in approving(reviews, HEAD, committed):
        assert not login.endswith("[bot]")
        verdicts = [
            one for one in there
            if who(one) == login.casefold() and one["state"].upper() not in {"COMMENTED", "PENDING"}
        ]  # fmt: skip
        times = [str(one.get("submitted_at") or one.get("submittedAt") or "")[:19] for one in verdicts]
        # Without a time the last one in the file is the newest.
        newest = [
            one
            for one, time in zip(verdicts, times, strict=True)
            if (time == max(times) if all(times) else one is verdicts[-1])
        ]
        assert any(
            one["state"].upper() == "APPROVED"
            and HEAD in (one.get("commit_id"), (one.get("commit") or {}).get("oid"))
            for one in newest
        )


def who(review: dict[str, Any]) -> str:
    """The person whose review it is; a bot is none."""
    user = review.get("user") or review.get("author") or {}
    return "" if user.get("type") not in {None, "User"} else str(user.get("login")).casefold()
