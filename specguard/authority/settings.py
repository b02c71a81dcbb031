"""The settings at the top of a policy, and those of the authority itself."""

from __future__ import annotations

from specguard.change.git import MAX_ENTRIES
from specguard.declaration.patterns import Covering, PatternError
from specguard.declaration.rule import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from pydantic import Field

    from specguard.declaration.expressions import Expression
    from specguard.declaration.patterns import Selecting
    from specguard.model import Severity, Stage


class TopLevel(Settings):
    """The keys of a policy that stand in no table."""

    extends: Annotated[list[str], Field(description="presets to start from; later ones win")] = []
    base: Annotated[
        str | None,
        Field(min_length=1, description="the branch that changes go into; by default it is detected"),
    ] = None
    documents: Annotated[list[str], Field(description="more documents of the authority")] = []
    merge: Annotated[
        Literal["rebase", "merge", "squash"],
        Field(description="how changes land"),
    ] = "rebase"
    require_work_item: Annotated[
        bool | Selecting,
        Field(description="changes, or branches, that must name a work item"),
    ] = False
    remote: Annotated[str | None, Field(min_length=1, description="the URL of the canonical repository")] = (
        None
    )
    plugins: Annotated[list[str], Field(description="installed distributions to use")] = []

    max_entries: Annotated[
        int,
        Field(
            ge=1,
            le=20_000_000,
            description="the most files of a tree or change",
        ),
    ] = MAX_ENTRIES


class AuthorityKey(Settings):
    """Something that several documents state, and on which a lower one must not contradict a higher one."""

    name: Annotated[str, Field(min_length=1, description="its name, such as `canonical_root`")]
    form: Annotated[
        Literal["Key: value", "front matter"] | None,
        Field(description="where it is stated: by default in any field"),
    ] = None
    pattern: Annotated[
        Expression | None,
        Field(description="instead of `form`: what such a line matches, with one group for the value"),
    ] = None

    def problem(self) -> str:
        """What cannot be, as a clause."""
        if self.pattern is None:
            return ""
        if self.form is not None:
            return "it has both a `form` and a `pattern`"
        if self.pattern.group_count != 1:
            return f"its `pattern` has {self.pattern.group_count} groups, and one is to hold the value"
        return ""


class AuthoritySettings(Settings):
    """What the authority's prose comes to."""

    sections: Annotated[
        dict[str, Literal["locked-path", "forbidden-path", "normative", "order", "nothing"]],
        Field(description="titles of sections, and what their paths mean"),
    ] = {}
    normative: Annotated[list[str], Field(description="the normative documents (this locks nothing)")] = []
    order: Annotated[
        list[str],
        Field(description="documents, highest first: paths or patterns"),
    ] = []
    keys: Annotated[
        list[AuthorityKey],
        Field(
            description="what lower documents must not contradict",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []

    def problem(self) -> str:
        """What cannot be, as a clause."""
        for pattern in self.order:
            try:
                Covering.translate(pattern)
            except PatternError as error:
                return f"of `order`, {error}"
        return ""


class RuleTable(Settings):
    """The keys that every rule's table has."""

    severity: Annotated[
        Severity | None, Field(description="the most severe findings; `off` turns it off")
    ] = None
    stages: Annotated[list[Stage] | None, Field(min_length=1, description="when it runs")] = None
    exclude: Annotated[Covering, Field(description="paths that the rule skips")] = Covering()
    approvable: Annotated[bool, Field(description="`false`: no approval lifts its findings")] = True
