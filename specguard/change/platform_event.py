"""A platform's event: the change and its reviews, in the formats of GitHub and GitLab.

Reviews come from the list of a pull request's reviews (https://docs.github.com/en/rest/pulls/reviews), as one
page or several, or from the event `pull_request_review`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from specguard.change.check_request import Event as Event
from specguard.change.check_request import Request, read_bounded, unique
from specguard.change.repository import is_oid, short_name
from specguard.errors import SpecguardError
from specguard.model import Record, grouped

LIMIT: Final = 25 << 20
"""The maximum size of a platform's file, in bytes: GitHub sends no larger payload."""


def _read_json(file: str, what: str, step: str) -> Any:
    """Return the parsed JSON of a file."""
    data = read_bounded(file, LIMIT, what)
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise _event_error(f"{what} is not JSON", file, step) from error


class Fields(Record):
    """A JSON object of a file that a platform wrote.

    Attributes:
        values: the object.
        file: the file's name, for messages.
        what: the kind of file, such as `the event file`.
        prefix: the prefix of its fields' names in messages.
    """

    values: Mapping[str, Any]
    file: str
    what: str
    prefix: str = ""

    def child(self, key: str) -> Fields:
        """Return the object under a key; an empty one if it is null or absent."""
        return Fields(self.value(key, dict, "an object") or {}, self.file, self.what, f"{self.prefix}{key}.")

    def text(self, key: str) -> str | None:
        """Return the text under a key; None if it is null or absent."""
        value: str | None = self.value(key, str, "text")
        # JSON can escape lone surrogates, which encodings cannot write.
        return None if value is None else value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")

    def oid(self, key: str) -> str | None:
        """Return the object id under a key; None if it is null, absent or all zeros."""
        value: str | None = self.value(key, str, "an object id")
        if value is not None and not is_object_id(value):
            raise self.field_error(key, "an object id")
        return None if value is None or not value.strip("0") else value

    def name(self, key: str) -> str | None:
        """Return the branch name under a key, without `refs/heads/`; None if it is null or absent."""
        value = self.text(key)
        if value is not None and any(char < " " for char in value):
            raise self.field_error(key, "a branch's name")
        return short_name(value) if value else None

    def field_error(self, key: str, what: str) -> SpecguardError:
        """Return the error about a field with an invalid value."""
        step = "Give the file as the platform wrote it."
        return _event_error(f"{self.prefix}{key} in {self.what} is not {what}", self.file, step)

    def value(self, key: str, kind: type, what: str) -> Any:
        """Return the value under a key, checked for its type; None if it is null or absent."""
        value = self.values.get(key)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise self.field_error(key, what)
        return value


def is_object_id(text: str) -> bool:
    """True if the text is a full object id of either format."""
    return is_oid(text, 40) or is_oid(text, 64)


CLOCK_SKEW: Final = 300
"""The maximum number of seconds by which a committer's clock may be ahead of the platform's."""

NEVER: Final = 253_402_300_799
"""The last second of the year 9999: the time of a commit with an unknown one, so that no review is later."""

_STATES: Final = ("approved", "changes_requested", "dismissed", "commented", "request_changes", "comment")
"""The states of submitted reviews; the last two are Gitea's and Forgejo's words for what GitHub has too."""

_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_DRAFT: Final = re.compile(r"^(Draft:|\[Draft\]|\(Draft\)) *", re.IGNORECASE)
"""What marks a merge request of GitLab as a draft, at the start of its title."""

_REVIEWS: Final = "the reviews file"
_REVIEWS_HELP: Final = (
    "Give what `gh api --paginate --slurp repos/OWNER/NAME/pulls/NUMBER/reviews` prints, "
    "or the file of a pull_request_review event. GitLab's approvals name no commit: let the approver sign."
)


class SubmittedReview(Record):
    """A review that was submitted.

    Attributes:
        login: the reviewer's account; empty if it was deleted, or is not a person's.
        state: one of `_STATES`.
        commit: the full object id of the commit that was reviewed; empty if the platform does not name it.
        submitted: the time in UTC, as `2026-01-31T12:00:00+00:00`; empty if the platform does not give it.
    """

    login: str
    state: str
    commit: str
    submitted: str = ""


def read_reviews(file: str) -> Sequence[SubmittedReview]:
    """Read the reviews from a file that a job got from the platform, in the file's order.

    Raises:
        SpecguardError: the file cannot be read, is too large, or its format does not name the commits of
            reviews.
    """
    content = _read_json(file, _REVIEWS, _REVIEWS_HELP)
    if isinstance(content, dict) and "review" in content and "pull_request" in content:
        reviews = [Fields(content, file, _REVIEWS).child("review")]
    elif isinstance(content, list):
        # A list of reviews, or a list of pages (`--slurp`).
        paged = content and all(isinstance(page, list) for page in content)
        items = [item for page in content for item in page] if paged else content
        whole = Fields({f"[{at}]": item for at, item in enumerate(items)}, file, _REVIEWS)
        reviews = [whole.child(name) for name in whole.values]
    else:
        raise _event_error(f"{_REVIEWS} is another kind", file, _REVIEWS_HELP)
    return [review for fields in reviews if (review := read_review(fields)) is not None]


def read_review(fields: Fields) -> SubmittedReview | None:
    """Parse one review in any of the formats; return None for one that is not submitted yet.

    Raises:
        SpecguardError: it has another format.
    """
    state = (fields.text("state") or "").lower()
    if state in ("pending", "request_review"):
        return None
    if state not in _STATES:
        raise fields.field_error("state", "one that a review has")
    if fields.value("dismissed", bool, "true or false"):
        # Gitea and Forgejo have this field in addition to the state.
        state = "dismissed"
    if "user" not in fields.values:
        raise fields.field_error("user", "there")
    return SubmittedReview(
        login=_read_login(fields.child("user")),
        state=state,
        commit=(fields.oid("commit_id") or "") if fields.text("commit_id") else "",
        submitted=_time(fields, "submitted_at"),
    )


def approvers(reviews: Sequence[SubmittedReview], head: str, committed: int = 0) -> frozenset[str]:
    """Return the approvers of a commit: the accounts whose newest verdict is an approval of exactly this one.

    A comment is not a verdict and changes nothing. A verdict on another commit counts as a newer one too.

    Args:
        reviews: the reviews. If one of an account has no time, that account's reviews must come oldest first.
        head: the commit's full object id.
        committed: the commit's time, in seconds since 1970. GitHub moves a review to the new head when a
            branch is rebased. So a review from before that time is not about this commit.

    Returns:
        Logins as the platform spells them.
    """
    judging = (one for one in reviews if one.login and one.state not in ("commented", "comment"))
    verdicts = grouped((one.login.casefold(), one) for one in judging)
    for own in verdicts.values():
        # A review without a time affects only the order of the same account's reviews.
        if all(review.submitted for review in own):
            own.sort(key=lambda review: review.submitted[:19])
    since = datetime.fromtimestamp(min(max(committed - CLOCK_SKEW, 0), NEVER), UTC).isoformat()
    return frozenset(
        review.login
        for review in (own[-1] for own in verdicts.values())
        if review.state == "approved"
        and is_object_id(review.commit)
        and review.commit == head
        and (not review.submitted or review.submitted >= since)
    )


def _read_login(fields: Fields) -> str:
    """Return the login of a person's account; empty for a bot's, and for a deleted one."""
    login = fields.text("login") or ""
    kind = fields.text("type")
    if login.endswith("[bot]") or login.lower() in ("", "ghost") or kind not in (None, "User"):
        return ""
    if not _LOGIN.fullmatch(login):
        raise fields.field_error("login", "an account's name")
    return login


def _time(fields: Fields, key: str) -> str:
    value = fields.text(key) or ""
    try:
        # Gitea writes its server's time zone.
        return value and datetime.fromisoformat(value).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise fields.field_error(key, "a time") from error


def _event_error(message: str, file: str, help: str) -> SpecguardError:
    return SpecguardError(message, path=file, help=help, code="unreadable-event")


EVENTS: Final = ("pull_request", "pull_request_target", "pull_request_review", "merge_group", "push")
"""The names of the events that describe a change."""

_EVENT_HELP: Final = "Give that of a pull request, a merge queue or a push, as GITHUB_EVENT_PATH names it."


def find_event(request: Request) -> Event | None:
    """Return the event that a request names, or the current platform's; None if there is none.

    An unusable event file from the platform only leaves its values unknown, so that only the rules that need
    them are indeterminate. A file that the caller names must be valid.

    Raises:
        SpecguardError: the file that the caller names is not there, too large, or of another kind.
    """
    environment = request.environment
    if request.event_file:
        return read_event(request.event_file)
    if environment.get("GITHUB_ACTIONS") == "true":
        return _github_event(environment)
    if environment.get("GITLAB_CI") != "true":
        return None
    if environment.get("CI_MERGE_REQUEST_IID"):
        return _gitlab_event(environment)
    return _gitlab_push(environment) if environment.get("CI_PIPELINE_SOURCE") == "push" else None


def read_event(file: str) -> Event:
    """Read an event file of GitHub.

    Raises:
        SpecguardError: the file is not there, too large, not JSON, or of another kind.
    """
    event = _read_json(file, "the event file", _EVENT_HELP)
    if not isinstance(event, dict):
        raise _event_error("the event file is not a JSON object", file, _EVENT_HELP)
    fields = Fields(event, file, "the event file")
    default = fields.child("repository").name("default_branch")
    if "pull_request" in event:
        # Gitea and Forgejo write null here, and a review without who gave it, its state and its commit.
        told = fields.child("review")
        review = read_review(told) if "state" in told.values else None
        return _pull_request(fields.child("pull_request"), [review] if review else [], default)
    if "merge_group" in event:
        return _merge_group(fields.child("merge_group"), default)
    if "ref" in event and "before" in event and "after" in event:
        return _push(fields, default)
    raise _event_error("the event file is another kind", file, _EVENT_HELP)


def _pull_request(fields: Fields, reviews: Sequence[SubmittedReview], default: str | None) -> Event:
    head, base = fields.child("head"), fields.child("base")
    # GitHub writes null for a body that nobody wrote.
    body = (fields.text("body") or "").replace("\r\n", "\n") if "body" in fields.values else None
    return Event(
        "pull_request",
        head=head.oid("sha"),
        branch=head.name("ref"),
        base=base.name("ref"),
        base_oid=base.oid("sha"),
        title=fields.text("title"),
        body=body,
        number=fields.value("number", int, "a number"),
        author=fields.child("user").text("login"),
        reviews=reviews,
        default=default,
    )


def _merge_group(fields: Fields, default: str | None) -> Event:
    # The group's base contains the groups before it in the queue, whose changes are not judged with it.
    return Event(
        "merge_group",
        head=fields.oid("head_sha"),
        base=fields.name("base_ref"),
        base_oid=fields.oid("base_sha"),
        exact=fields.oid("base_sha") is not None,
        default=default,
    )


def _push(fields: Fields, default: str | None) -> Event:
    branch = fields.name("ref") if (fields.text("ref") or "").startswith("refs/heads/") else None
    before = fields.oid("before")
    # A push to the default branch is judged against its old tip; any other push against that branch.
    direct = branch is not None and branch == default
    return Event(
        "push",
        head=fields.oid("after"),
        branch=branch,
        base=default,
        base_oid=before if direct else None,
        exact=direct and before is not None,
        deleted=bool(fields.value("deleted", bool, "true or false")),
    )


def _github_event(environment: Mapping[str, str]) -> Event | None:
    name = environment.get("GITHUB_EVENT_NAME", "")
    if name not in EVENTS:
        return None
    file = environment.get("GITHUB_EVENT_PATH", "")
    kind = "pull_request" if name.startswith("pull_request") else name
    with suppress(SpecguardError):
        if os.path.isabs(file) and (event := read_event(file)).kind == kind:
            return event
    if kind != "pull_request":
        return None
    return Event(
        "pull_request",
        merge=environment.get("GITHUB_SHA") if environment.get("GITHUB_REF", "").endswith("/merge") else None,
        branch=environment.get("GITHUB_HEAD_REF") or None,
        base=environment.get("GITHUB_BASE_REF") or None,
    )


def _gitlab_event(environment: Mapping[str, str]) -> Event:
    title = environment.get("CI_MERGE_REQUEST_TITLE")
    truncated = environment.get("CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED") == "true"
    body = None if truncated else environment.get("CI_MERGE_REQUEST_DESCRIPTION", "").replace("\r\n", "\n")
    # A pipeline for merged results checks out a merge that the platform made; its source is judged.
    head = environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environment.get("CI_COMMIT_SHA") or ""
    number = environment.get("CI_MERGE_REQUEST_IID", "")
    train = environment.get("CI_MERGE_REQUEST_EVENT_TYPE") == "merge_train"
    return Event(
        "merge_group" if train else "pull_request",
        head=head if is_object_id(head) else None,
        branch=environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or None,
        base=environment.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or None,
        title=title and _DRAFT.sub("", title),
        default=environment.get("CI_DEFAULT_BRANCH") or None,
        body=body,
        number=int(number) if number.isascii() and number.isdigit() else None,
    )


def _gitlab_push(environment: Mapping[str, str]) -> Event:
    # Only the pipeline of a branch, and not that of a tag, has this variable.
    branch = environment.get("CI_COMMIT_BRANCH")
    values = {
        "ref": branch and f"refs/heads/{branch}",
        "before": environment.get("CI_COMMIT_BEFORE_SHA"),
        "after": environment.get("CI_COMMIT_SHA"),
    }
    return _push(Fields(values, "", "GitLab's variables"), environment.get("CI_DEFAULT_BRANCH") or None)
