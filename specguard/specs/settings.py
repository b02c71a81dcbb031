"""`[specs]`: which documents are specs, and what a policy asks of them."""

from __future__ import annotations

from specguard.declaration.patterns import Covering, Selecting
from specguard.declaration.rule import Settings
from specguard.errors import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from pydantic import Field


class ApprovalFields(Settings):
    """How the record of an approval is written."""

    who: Annotated[list[str], Field(min_length=1, description="the names of the field that says who")] = [
        "reviewer",
        "approver",
        "by",
    ]
    when: Annotated[list[str], Field(min_length=1, description="the names of the field that says when")] = [
        "date",
        "approved_on",
    ]


class SpecSettings(Settings):
    """Specs: where they and their index are, how long a review holds, and which statuses they go through."""

    files: Annotated[Selecting, Field(description="the specs", json_schema_extra={"tightens": "more"})] = (
        Selecting()
    )
    index: Annotated[
        str, Field(description="the JSON or YAML file that lists them; empty: there is none")
    ] = ""
    entries: Annotated[
        list[str], Field(description="the lists of the index that hold specs, as dotted keys")
    ] = ["items", "specs"]
    mirrors: Annotated[
        Selecting, Field(description="documents whose tables or lists repeat the statuses of the index")
    ] = Selecting()
    review: Annotated[
        str, Field(description="the name of the field that holds the date of the last review; empty: none")
    ] = ""
    max_age_days: Annotated[
        int,
        Field(
            ge=1,
            description="how many UTC calendar days a review holds",
            json_schema_extra={"tightens": "lower"},
        ),
    ] = 30
    warn_days: Annotated[
        int,
        Field(
            ge=0,
            description="how many days before the end of that a warning is given",
            json_schema_extra={"tightens": "higher"},
        ),
    ] = 7
    status: Annotated[str, Field(description="the name of the field that holds the status")] = "status"
    statuses: Annotated[list[str], Field(description="the statuses there are; empty: any")] = []
    terminal: Annotated[
        list[str],
        Field(
            description="the statuses of a spec that is done with and reviewed no more",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = ["done", "archived", "cancelled", "completed", "closed", "superseded"]
    transitions: Annotated[
        dict[str, list[str]],
        Field(description="the statuses that may follow a status; empty: any; a status not named: none"),
    ] = {}
    code: Annotated[
        Covering,
        Field(description="a change here needs a change of a spec", json_schema_extra={"tightens": "more"}),
    ] = Covering()
    spec_paths: Annotated[
        Covering,
        Field(
            description="what counts as a change of a spec; empty: `files` and `index`",
        ),
    ] = Covering()
    trailer: Annotated[
        str,
        Field(description="the trailer of a commit message that says why no spec changes, with its reason"),
    ] = "Spec-Impact"
    binding: Annotated[
        Literal["date", "content"],
        Field(
            description="`content`: a review also records the object ids of the files that the spec "
            "governs, and is stale when they have changed",
            json_schema_extra={"tightens": ["date", "content"]},
        ),
    ] = "date"
    reviewed: Annotated[
        str, Field(description="the name of the field that holds these object ids, by path")
    ] = "reviewed_objects"
    approvals: Annotated[
        str, Field(description="the name of the field, or title of the section, that holds approvals")
    ] = "approvals"
    approval_needed: Annotated[
        list[str],
        Field(
            description="the statuses that need a recorded approval", json_schema_extra={"tightens": "more"}
        ),
    ] = []
    approval_fields: Annotated[ApprovalFields, Field(description="how an approval says who and when")] = (
        ApprovalFields()
    )
    governs: Annotated[
        dict[str, Selecting],
        Field(
            description="which specs govern which paths, by the pattern of the paths: a stale spec blocks a "
            "change of these, and one that governs none only warns, with `--all`; absent: a spec governs "
            "what its own text lists under `governs`",
        ),
    ] = {}

    def problem(self) -> str:
        """What in these settings cannot be, as a clause."""
        from specguard.declaration.globs import PatternError
        from specguard.documents.fields import normal_name
        from specguard.documents.kinds import data_kind

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
