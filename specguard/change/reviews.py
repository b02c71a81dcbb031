"""What reviewers said on the platform, and of which commit, in the forms that GitHub gives it.

Those are the list of a pull request's reviews (https://docs.github.com/en/rest/pulls/reviews), as one page or
several, what `gh pr view --json reviews` prints, and the event `pull_request_review`.
"""

from __future__ import annotations

import re
import time

from specguard.change.fields import Fields, is_object_id, plain, read_values
from specguard.change.given import read_bounded
from specguard.declaration.record import Record
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

REVIEWS_LIMIT: Final = 25 << 20
"""How large a file with reviews may be, in bytes."""

CLOCKS: Final = 300
"""By how many seconds the clock of whoever committed may be ahead of the platform's."""

NEVER: Final = 253_402_300_799
"""The last second of the year 9999: for a commit whose time is not known, so that no review is later."""

_STATES: Final = ("approved", "changes_requested", "dismissed", "commented")
_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")
_GITLAB: Final = frozenset(("approved_by", "approvals_required", "approval_rules_overwritten", "rule_type"))
_WHAT: Final = "the reviews file"
_GIVE: Final = (
    "Give what `gh api --paginate --slurp repos/OWNER/NAME/pulls/NUMBER/reviews` prints, "
    "or the file of a pull_request_review event."
)


class Review(Record):
    """One review that was submitted.

    Attributes:
        login: the reviewer's account; empty where it is gone, or is no person's.
        state: `approved`, `changes_requested`, `dismissed` or `commented`.
        commit: the full object id of the commit that was reviewed; empty where the platform does not say.
        submitted: when, in UTC, as `2026-01-31T12:00:00Z`; empty where the platform does not say.
    """

    login: str
    state: str
    commit: str
    submitted: str = ""


def read_reviews(file: str) -> Sequence[Review]:
    """The reviews in a file that a job got from the platform, in the file's order.

    Raises:
        SpecguardError: it cannot be read, is too large, or is of no form in which reviews name their commit.
    """
    data = read_bounded(file, REVIEWS_LIMIT, _WHAT)
    try:
        values = read_values(data)
    except (ValueError, RecursionError) as error:
        raise SpecguardError(
            f"{_WHAT} is not JSON", path=file, help=_GIVE, code="unreadable-event"
        ) from error
    found = [read_review(fields) for fields in _fields(values, file)]
    return [review for review in found if review is not None]


def read_review(fields: Fields) -> Review | None:
    """One review of any of the forms; None for one that is not submitted yet.

    Raises:
        SpecguardError: it is of no such form.
    """
    state = (fields.text("state") or "").lower()
    if state == "pending":
        return None
    if state not in _STATES:
        raise fields.wrong("state", "one that a review has")
    if fields.truth("dismissed"):
        # What Gitea and Forgejo say beside the state.
        state = "dismissed"
    by_gh = fields.has("author")
    who = "author" if by_gh else "user"
    if not fields.has(who):
        raise fields.wrong(who, "there")
    return Review(
        login=_person(fields.at(who)),
        state=state,
        commit=_oid(fields.at("commit"), "oid") if by_gh else _oid(fields, "commit_id"),
        submitted=_time(fields, "submittedAt" if by_gh else "submitted_at"),
    )


def approving(reviews: Sequence[Review], head: str, committed: int | None = None) -> frozenset[str]:
    """Who approves a commit: the accounts whose newest verdict is an approval of exactly this one.

    What is no verdict, a comment, changes nothing. A verdict on another commit is a newer one all the same.

    Args:
        reviews: what was said; those of an account oldest first, where one of them has no time.
        head: the commit's full object id.
        committed: when it was made, in seconds since 1970. GitHub moves a review to the new head where a
            branch is rebased, so that one given before there was that commit is not about it.

    Returns:
        Logins as the platform has them.
    """
    verdicts: dict[str, list[Review]] = {}
    for review in reviews:
        if review.login and review.state != "commented":
            verdicts.setdefault(review.login.casefold(), []).append(review)
    for own in verdicts.values():
        # That one of somebody else's has no time says nothing of the order of these.
        if all(review.submitted for review in own):
            own.sort(key=_second)
    since = "" if committed is None else _written(committed - CLOCKS)
    return frozenset(
        review.login
        for review in (own[-1] for own in verdicts.values())
        if review.state == "approved"
        and is_object_id(review.commit)
        and review.commit == head
        and (not review.submitted or _second(review) >= since)
    )


def _second(review: Review) -> str:
    return review.submitted[:19]


def _written(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(min(max(seconds, 0), NEVER)))


def _person(fields: Fields) -> str:
    """The login of a person's account; empty for a bot's, and for one that is gone."""
    login = fields.text("login") or ""
    kind = fields.text("type")
    if login.endswith("[bot]") or login.lower() in ("", "ghost") or kind not in (None, "User"):
        return ""
    if not _LOGIN.fullmatch(login):
        raise fields.wrong("login", "an account's name")
    return login


def _oid(fields: Fields, key: str) -> str:
    # What is not known is null for GitHub, and empty for gh.
    return (fields.oid(key) or "") if fields.text(key) else ""


def _time(fields: Fields, key: str) -> str:
    value = fields.text(key) or ""
    if value and not _TIME.fullmatch(value):
        raise fields.wrong(key, "a time in UTC")
    return value


def _fields(values: Sequence[Any], file: str) -> Iterator[Fields]:
    """Each review of a file, whatever its form."""
    if len(values) == 1 and isinstance(values[0], dict):
        whole = values[0]
        if isinstance(whole.get("reviews"), list):
            yield from _listed(whole["reviews"], file, "reviews")
        elif "review" in whole and "pull_request" in whole:
            yield Fields(whole, file, _WHAT).at("review")
        else:
            raise _of_another_kind(whole, file)
    elif all(isinstance(value, list) for value in values):
        pages = [page for value in values for page in (value if _is_slurped(value) else [value])]
        yield from _listed([item for page in pages for item in page], file)
    else:
        raise SpecguardError(
            f"{_WHAT} is not a list of reviews", path=file, help=_GIVE, code="unreadable-event"
        )


def _is_slurped(value: Sequence[Any]) -> bool:
    """Whether it is a list of pages."""
    return bool(value) and all(isinstance(page, list) for page in value)


def _listed(items: Sequence[Any], file: str, name: str = "") -> Iterator[Fields]:
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            raise SpecguardError(
                f"{name}[{position}] in {_WHAT} is not an object",
                path=file,
                help=_GIVE,
                code="unreadable-event",
            )
        if not _GITLAB.isdisjoint(item):
            raise _of_another_kind(item, file)
        yield Fields(item, file, _WHAT, f"{name}[{position}].")


def _of_another_kind(values: dict[str, Any], file: str) -> SpecguardError:
    if not _GITLAB.isdisjoint(values):
        return SpecguardError(
            "GitLab's approvals do not say which commit was approved, so none of them can count",
            path=file,
            help="Let the approver sign: `specguard approvals sign ID --key FILE`.",
            code="unreadable-event",
        )
    known = ", ".join(sorted(values)[:6]) or "nothing"
    return SpecguardError(
        f"{_WHAT} is another kind: it has {plain(known)}", path=file, help=_GIVE, code="unreadable-event"
    )
