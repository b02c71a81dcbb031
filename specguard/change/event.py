"""What a platform says about the change: an event file of GitHub, or the variables of GitHub and GitLab."""

from __future__ import annotations

import json
import os
import re

from specguard.change.repository import short_name
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from specguard.change.request import Request

EVENT_LIMIT: Final = 25 << 20
"""How large an event file may be, in bytes: GitHub sends no larger payload."""

BODY_LIMIT: Final = 1 << 20
"""How large the file of a pull request's body may be, in bytes; GitHub takes 65,536 characters."""

_OID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
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
        deleted: whether a push deletes its branch.
    """

    __slots__ = (
        "base",
        "base_oid",
        "body",
        "branch",
        "deleted",
        "exact",
        "head",
        "kind",
        "merge",
        "number",
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
        deleted: bool = False,
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
        self.deleted = deleted

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
        event = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SpecguardError(
            "the event file is not JSON", path=file, help="Give the file that GITHUB_EVENT_PATH names."
        ) from error
    if not isinstance(event, dict):
        raise SpecguardError(
            "the event file is not a JSON object", path=file, help=f"It must be of {_KINDS}."
        )
    fields = _Fields(event, file)
    if "pull_request" in event:
        return _pull_request(fields.at("pull_request"))
    if "merge_group" in event:
        return _merge_group(fields.at("merge_group"))
    if "ref" in event and "before" in event and "after" in event:
        return _push(fields)
    known = ", ".join(sorted(str(key) for key in event)[:6]) or "nothing"
    raise SpecguardError(
        f"the event file is of another kind: it has {_plain(known)}", path=file, help=f"Give one of {_KINDS}."
    )


def read_bounded(file: str, limit: int, what: str) -> bytes:
    """The content of a file that somebody named.

    Raises:
        SpecguardError: it cannot be read, or is larger than `limit` bytes.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SpecguardError(f"{what} cannot be read: {reason}", path=file, help="Check its name.") from error
    if len(data) > limit:
        raise SpecguardError(
            f"{what} may have {limit >> 20} MiB, and this one is larger",
            path=file,
            help="Check that it is the one that is meant.",
        )
    return data


def read_body(file: str) -> str:
    """A pull request's body from a file, with newlines alone at the ends of lines.

    Raises:
        SpecguardError: it cannot be read or is too large.
    """
    data = read_bounded(file, BODY_LIMIT, "the file with the pull request's body")
    return data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


class _Fields:
    """An object of an event file, read with the type that each field must have."""

    def __init__(self, values: Mapping[str, Any], file: str, name: str = "") -> None:
        self._values = values
        self._file = file
        self._name = name

    def at(self, key: str) -> _Fields:
        """The object under a key; an empty one where it is null or absent."""
        return _Fields(self._typed(key, dict, "an object") or {}, self._file, f"{self._name}{key}.")

    def text(self, key: str) -> str | None:
        """Text; None where it is null or absent."""
        value: str | None = self._typed(key, str, "text")
        return None if value is None else _plain(value)

    def oid(self, key: str) -> str | None:
        """An object id; None where it is null, absent or all zeros."""
        value: str | None = self._typed(key, str, "an object id")
        if value is not None and not _OID.fullmatch(value):
            raise self._wrong(key, "an object id")
        return None if value is None or not value.strip("0") else value

    def name(self, key: str) -> str | None:
        """The name of a branch, without `refs/heads/`; None where it is null or absent."""
        value = self.text(key)
        if value is not None and any(char < " " for char in value):
            raise self._wrong(key, "a branch's name")
        return short_name(value) if value else None

    def number(self, key: str) -> int | None:
        """A number; None where it is null or absent."""
        value: int | None = self._typed(key, int, "a number")
        return value

    def has(self, key: str) -> bool:
        """Whether there is such a field, be it null."""
        return key in self._values

    def truth(self, key: str) -> bool:
        """A truth value; False where it is null or absent."""
        return bool(self._typed(key, bool, "true or false"))

    def _typed(self, key: str, kind: type, what: str) -> Any:
        value = self._values.get(key)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise self._wrong(key, what)
        return value

    def _wrong(self, key: str, what: str) -> SpecguardError:
        return SpecguardError(
            f"{self._name}{key} in the event file is not {what}",
            path=self._file,
            help="Give the file as the platform wrote it.",
        )


def _pull_request(fields: _Fields) -> Event:
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
    )


def _merge_group(fields: _Fields) -> Event:
    # The base of a group holds the groups before it in the queue, which are not this one's to answer for.
    return Event(
        "merge_group",
        head=fields.oid("head_sha"),
        base=fields.name("base_ref"),
        base_oid=fields.oid("base_sha"),
        exact=fields.oid("base_sha") is not None,
    )


def _push(fields: _Fields) -> Event:
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
    if name not in ("pull_request", "pull_request_target", "merge_group", "push"):
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
        head=head if _OID.fullmatch(head) else None,
        branch=None if train else environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or None,
        base=environment.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or None,
        title=environment.get("CI_MERGE_REQUEST_TITLE"),
        body=None if body is None else body.replace("\r\n", "\n"),
        number=int(number) if number.isascii() and number.isdigit() else None,
    )


def _plain(text: str) -> str:
    """Text without half characters, which JSON can spell and no encoding can write."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
