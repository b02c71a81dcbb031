"""What a platform says about the change: an event file of GitHub, or the variables of GitHub and GitLab."""

from __future__ import annotations

import os

from specguard.change.fields import Fields, is_object_id, plain, read_values
from specguard.change.given import read_bounded
from specguard.change.reviews import read_review
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.change.request import Request
    from specguard.change.reviews import Review

EVENT_LIMIT: Final = 25 << 20
"""How large an event file may be, in bytes: GitHub sends no larger payload."""

_EVENTS: Final = ("pull_request", "pull_request_target", "pull_request_review", "merge_group", "push")
"""The names of the events that tell of a change."""

_KINDS: Final = "a pull request, a merge queue or a push"


class Event:
    """A pull request, a merge queue's group or a push, as the platform tells of it.

    Attributes:
        kind: `pull_request`, `merge_group` or `push`.
        head: the object id of the commit to judge; None where the platform does not say.
        branch: the short name of the judged branch, or None; a merge queue's own branches are nobody's.
        base: the short name of the branch it is to be merged into, or None.
        base_oid: the object id that the platform gives for the base, or None.
        exact: whether the base is that commit, and not the tip of the branch.
        merge: the object id of a merge that the platform made to check it out; its second parent is the head.
        title, body, number: of the pull request; None where the source does not have them.
        author: the login of the pull request's author; None where the source does not say.
        reviews: the review that the event is about, if it is about one.
        deleted: whether a push deletes its branch.
        default: the short name of the repository's default branch, or None.
    """

    __slots__ = (
        "author",
        "base",
        "base_oid",
        "body",
        "branch",
        "default",
        "deleted",
        "exact",
        "head",
        "kind",
        "merge",
        "number",
        "reviews",
        "title",
    )

    def __init__(
        self,
        kind: str,
        *,
        head: str | None = None,
        branch: str | None = None,
        base: str | None = None,
        base_oid: str | None = None,
        exact: bool = False,
        merge: str | None = None,
        title: str | None = None,
        body: str | None = None,
        number: int | None = None,
        author: str | None = None,
        reviews: Sequence[Review] = (),
        deleted: bool = False,
        default: str | None = None,
    ) -> None:
        self.kind = kind
        self.head = head
        self.branch = branch
        self.base = base
        self.base_oid = base_oid
        self.exact = exact
        self.merge = merge
        self.title = title
        self.body = body
        self.number = number
        self.author = author
        self.reviews = reviews
        self.deleted = deleted
        self.default = default

    def __repr__(self) -> str:
        return f"Event({self.kind!r}, head={self.head!r}, base={self.base!r})"


def find_event(request: Request) -> Event | None:
    """The event that a request names, or the one of the platform that it runs on; None where there is none.

    An event file that the platform names and that cannot be used leaves out what it would have said, so that
    only the rules that need it miss it; one that the caller names must be right.

    Raises:
        SpecguardError: the file that the caller names is not there, too large, or of another kind.
    """
    environment = request.environment
    if request.event_file:
        return read_event(request.event_file)
    if environment.get("GITHUB_ACTIONS") == "true":
        return _of_github(environment)
    if environment.get("GITLAB_CI") == "true" and environment.get("CI_MERGE_REQUEST_IID"):
        return _of_gitlab(environment)
    return None


def read_event(file: str) -> Event:
    """Read an event file of GitHub.

    Raises:
        SpecguardError: it is not there, too large, no JSON, or of another kind.
    """
    data = read_bounded(file, EVENT_LIMIT, "an event file")
    try:
        event, *others = read_values(data)
    except (ValueError, RecursionError) as error:
        raise SpecguardError(
            "the event file is not JSON",
            path=file,
            help="Give the file that GITHUB_EVENT_PATH names.",
            code="unreadable-event",
        ) from error
    if others or not isinstance(event, dict):
        raise SpecguardError(
            "the event file is not a JSON object",
            path=file,
            help=f"Give that of {_KINDS}.",
            code="unreadable-event",
        )
    fields = Fields(event, file, "the event file")
    default = fields.at("repository").name("default_branch")
    if "pull_request" in event:
        reviews = [read_review(fields.at("review"))] if "review" in event else []
        given = [review for review in reviews if review is not None]
        return _pull_request(fields.at("pull_request"), given, default)
    if "merge_group" in event:
        return _merge_group(fields.at("merge_group"), default)
    if "ref" in event and "before" in event and "after" in event:
        return _push(fields)
    known = ", ".join(sorted(str(key) for key in event)[:6]) or "nothing"
    raise SpecguardError(
        f"the event file is another kind: it has {plain(known)}",
        path=file,
        help=f"Give one of {_KINDS}.",
        code="unreadable-event",
    )


def _pull_request(fields: Fields, reviews: Sequence[Review], default: str | None) -> Event:
    head, base = fields.at("head"), fields.at("base")
    body = fields.text("body")
    if body is None and fields.has("body"):
        # GitHub writes null for a body that nobody wrote.
        body = ""
    return Event(
        "pull_request",
        head=head.oid("sha"),
        branch=head.name("ref"),
        base=base.name("ref"),
        base_oid=base.oid("sha"),
        title=fields.text("title"),
        body=None if body is None else body.replace("\r\n", "\n"),
        number=fields.number("number"),
        author=fields.at("user").text("login"),
        reviews=reviews,
        default=default,
    )


def _merge_group(fields: Fields, default: str | None) -> Event:
    # The base of a group holds the groups before it in the queue, which are not this one's to answer for.
    return Event(
        "merge_group",
        head=fields.oid("head_sha"),
        base=fields.name("base_ref"),
        base_oid=fields.oid("base_sha"),
        exact=fields.oid("base_sha") is not None,
        default=default,
    )


def _push(fields: Fields) -> Event:
    ref = fields.text("ref") or ""
    branch = fields.name("ref") if ref.startswith("refs/heads/") else None
    default = fields.at("repository").name("default_branch")
    before = fields.oid("before")
    # What is pushed to the base itself is judged against what was there; all else against the base.
    direct = branch is not None and branch == default
    return Event(
        "push",
        head=fields.oid("after"),
        branch=branch,
        base=default,
        base_oid=before if direct else None,
        exact=direct and before is not None,
        deleted=fields.truth("deleted"),
    )


def _of_github(environment: Mapping[str, str]) -> Event | None:
    name = environment.get("GITHUB_EVENT_NAME", "")
    if name not in _EVENTS:
        return None
    event = None
    file = environment.get("GITHUB_EVENT_PATH", "")
    if file and os.path.isabs(file):
        try:
            event = read_event(file)
        except SpecguardError:
            event = None
    kind = "pull_request" if name.startswith("pull_request") else name
    if event is not None and event.kind == kind:
        return event
    if kind != "pull_request":
        return None
    merged = environment.get("GITHUB_REF", "").endswith("/merge")
    return Event(
        "pull_request",
        merge=environment.get("GITHUB_SHA") if merged else None,
        branch=environment.get("GITHUB_HEAD_REF") or None,
        base=environment.get("GITHUB_BASE_REF") or None,
    )


def _of_gitlab(environment: Mapping[str, str]) -> Event:
    cut = environment.get("CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED") == "true"
    body = None if cut else environment.get("CI_MERGE_REQUEST_DESCRIPTION", "")
    # A pipeline for merged results checks out a merge that the platform made; its source is what is judged.
    head = environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environment.get("CI_COMMIT_SHA") or ""
    number = environment.get("CI_MERGE_REQUEST_IID", "")
    train = environment.get("CI_MERGE_REQUEST_EVENT_TYPE") == "merge_train"
    return Event(
        "merge_group" if train else "pull_request",
        head=head if is_object_id(head) else None,
        branch=None if train else environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or None,
        base=environment.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or None,
        title=environment.get("CI_MERGE_REQUEST_TITLE"),
        default=environment.get("CI_DEFAULT_BRANCH") or None,
        body=None if body is None else body.replace("\r\n", "\n"),
        number=int(number) if number.isascii() and number.isdigit() else None,
    )
