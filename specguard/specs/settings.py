"""`[specs]`: which documents are specs, and what a policy asks of them."""

from __future__ import annotations

from specguard.declaration.patterns import Covering, PatternError, Selecting
from specguard.declaration.rule import Settings
from specguard.errors import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from pydantic import Field


class ApprovalFields(Settings):
    """How the record of an approval is written."""

    who: Annotated[list[str], Field(min_length=1, description="who")] = ["reviewer", "approver", "by"]
    when: Annotated[list[str], Field(min_length=1, description="when")] = ["date", "approved_on"]


class SpecSettings(Settings):
    """Specs: where they and their index are, how long a review holds, and which statuses they go through."""

    files: Annotated[Selecting, Field(description="the specs", json_schema_extra={"tightens": "more"})] = (
        Selecting()
    )
    index: Annotated[str, Field(description="the JSON or YAML file with all")] = ""
    entries: Annotated[list[str], Field(description="its lists' keys")] = ["items", "specs"]
    mirrors: Annotated[Selecting, Field(description="documents that repeat the index's statuses")] = (
        Selecting()
    )
    review: Annotated[str, Field(description="the field with the last review")] = ""
    max_age_days: Annotated[
        int,
        Field(
            ge=1, description="how long a review holds, in UTC days", json_schema_extra={"tightens": "lower"}
        ),
    ] = 30
    warn_days: Annotated[
        int, Field(ge=0, description="when to warn before its end", json_schema_extra={"tightens": "higher"})
    ] = 7
    status: Annotated[str, Field(description="the field with the status")] = "status"
    statuses: Annotated[list[str], Field(description="all statuses; by default any")] = []
    terminal: Annotated[
        list[str], Field(description="which need no more reviews", json_schema_extra={"tightens": "fewer"})
    ] = ["done", "archived", "cancelled", "completed", "closed", "superseded"]
    transitions: Annotated[
        dict[str, list[str]], Field(description="which may follow each; by default any")
    ] = {}
    code: Annotated[
        Covering,
        Field(description="code whose changes need a spec change", json_schema_extra={"tightens": "more"}),
    ] = Covering()
    spec_paths: Annotated[
        Covering, Field(description="what counts as a spec change; by default `files` and `index`")
    ] = Covering()
    trailer: Annotated[str, Field(description="says why no spec changes")] = "Spec-Impact"
    binding: Annotated[
        Literal["date", "content"],
        Field(
            description="`content`: a review records the governed files' object ids",
            json_schema_extra={"tightens": ["date", "content"]},
        ),
    ] = "date"
    reviewed: Annotated[str, Field(description="the field with these ids, by path")] = "reviewed_objects"
    approvals: Annotated[str, Field(description="where approvals are")] = "approvals"
    approval_needed: Annotated[
        list[str],
        Field(description="the statuses that need an approval", json_schema_extra={"tightens": "more"}),
    ] = []
    approval_fields: Annotated[ApprovalFields, Field(description="the fields of an approval")] = (
        ApprovalFields()
    )
    governs: Annotated[
        dict[str, Selecting],
        Field(description="the paths of specs, by pattern; by default their own `governs`"),
    ] = {}

    def problem(self) -> str:
        """What in these settings cannot be, as a clause."""
        from specguard.documents.data import data_kind
        from specguard.documents.fields import normal_name

        if self.index and data_kind(self.index) is None:
            return f"`index` is {self.index!r}, which is neither JSON nor YAML nor TOML"
        for pattern in self.governs:
            try:
                Covering.translate(pattern)
            except PatternError as error:
                return f"of a key of `governs`, {error}"
        known = {normal_name(name) for name in (*self.statuses, *self.terminal)}
        following = [name for names in self.transitions.values() for name in names]
        for key, names in (
            ("transitions", [*self.transitions, *following]),
            ("approval_needed", self.approval_needed),
        ):
            for name in names:
                if self.statuses and normal_name(name) not in known:
                    near = nearest(name, (*self.statuses, *self.terminal))
                    return f"`{key}` has the status {name!r}, which `statuses` does not have: {near}"
        return ""
