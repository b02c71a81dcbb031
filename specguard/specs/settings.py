"""The table `[specs]`: specs and their index, reviews, statuses and approvals."""

from __future__ import annotations

from specguard.declaration.patterns import Covering, Selecting
from specguard.declaration.rule import Settings, setting
from specguard.documents.data import data_kind
from specguard.documents.fields import normal_name
from specguard.errors import TYPE_CHECKING, nearest

if TYPE_CHECKING:
    from typing import Final, Literal


EDIT_DATES: Final = (
    "updated", "last_updated", "updated_at", "modified", "last_modified", "date_modified", "next_review",
    "next_review_date", "review_by", "review_due", "due_for_review", "reviewed", "version",
)  # fmt: skip
"""Fields with the date of an edit or a review, or its number; a new value in them is not new content."""


class ApprovalFields(Settings):
    """The form of an approval's record."""

    who: list[str] = setting(["reviewer", "approver", "by"], "who", min_length=1)
    when: list[str] = setting(["date", "approved_on"], "when", min_length=1)


class SpecSettings(Settings):
    """Specs: where they and their index are, how long a review holds, and which statuses they go through."""

    files: Selecting = setting(Selecting(), "the specs", tightens="more")
    index: str = setting("", "the JSON or YAML file with all", path="file")
    entries: list[str] = setting(["items", "specs"], "its lists' keys", min_length=1)
    mirrors: Selecting = setting(Selecting(), "documents that repeat the index's statuses")
    review: str = setting("", "the field with the last review")
    max_age_days: int = setting(30, "how long a review holds, in UTC days", ge=1, tightens="lower")
    warn_days: int = setting(7, "when to warn before its end", ge=0, tightens="higher")
    status: str = setting("status", "the field with the status")
    statuses: list[str] = setting([], "all statuses; by default any")
    terminal: list[str] = setting(
        ["done", "archived", "cancelled", "completed", "closed", "superseded"],
        "which need no more reviews",
        tightens="fewer",
    )
    transitions: dict[str, list[str]] = setting({}, "which may follow each; by default any")
    code: Covering = setting(Covering(), "code whose changes need a spec change", tightens="more")
    spec_paths: Covering = setting(Covering(), "what counts as a spec change; by default `files` and `index`")
    trailer: str = setting("Spec-Impact", "says why no spec changes", pattern="^([A-Za-z0-9][A-Za-z0-9-]*)?$")
    binding: Literal["date", "content"] = setting(
        "date", "`content`: a review records the governed files' object ids", tightens=["date", "content"]
    )
    reviewed: str = setting("reviewed_objects", "the field with these ids, by path")
    approvals: str = setting("approvals", "where approvals are")
    approval_needed: list[str] = setting([], "the statuses that need an approval", tightens="more")
    approval_fields: ApprovalFields = setting(ApprovalFields(), "the fields of an approval")
    governs: dict[str, Selecting] = setting({}, "the specs of paths, by the paths' pattern")

    @property
    def review_names(self) -> tuple[str, ...]:
        """The names of the field for the last review: `last_review` can also be `last_reviewed`."""
        name = self.review
        if not normal_name(name).endswith(("review", "reviewed")):
            return (name,) if name else ()
        return (name, name.removesuffix("ed") if normal_name(name).endswith("ed") else f"{name}ed")

    @property
    def date_fields(self) -> tuple[str, ...]:
        """The fields whose dates carry no content of the spec."""
        return (*self.review_names, *EDIT_DATES)

    def problem(self) -> str:
        """Return the problem with these settings, as a clause; empty if there is none."""
        if self.index and data_kind(self.index) is None:
            return f"`index` is {self.index!r}, which is neither JSON nor YAML nor TOML"
        if problem := Covering.problem_in(*self.governs):
            return f"of a key of `governs`, {problem}"
        known = {normal_name(name) for name in (*self.statuses, *self.terminal)}
        following = [name for names in self.transitions.values() for name in names]
        named = {"transitions": [*self.transitions, *following], "approval_needed": self.approval_needed}
        for key, names in named.items():
            for name in names:
                if self.statuses and normal_name(name) not in known:
                    near = nearest(name, (*self.statuses, *self.terminal))
                    return f"`{key}` has the status {name!r}, which `statuses` does not have: {near}"
        return ""
