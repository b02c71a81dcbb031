"""The settings at the top of a policy, and those of the authority itself."""

from __future__ import annotations

from specguard.change.git import MAX_ENTRIES
from specguard.declaration.patterns import Covering
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

    extends: Annotated[
        list[str], Field(description="presets to begin with; a later one goes before an earlier one")
    ] = []
    base: Annotated[
        str | None,
        Field(min_length=1, description="the branch that changes are merged into; absent: it is found"),
    ] = None
    documents: Annotated[
        list[str], Field(description="more documents of the authority, by their paths from the root")
    ] = []
    merge: Annotated[
        Literal["rebase", "merge", "squash"],
        Field(description="how a change lands: its commits, its commits and a merge commit, or one commit"),
    ] = "rebase"
    require_work_item: Annotated[
        bool | Selecting,
        Field(description="whether a change must name a work item; or the branches that must, as patterns"),
    ] = False
    remote: Annotated[
        str | None, Field(min_length=1, description="the URL of the canonical repository; absent: any")
    ] = None
    plugins: Annotated[
        list[str], Field(description="installed distributions whose rules and presets are used")
    ] = []

    max_entries: Annotated[
        int,
        Field(
            ge=1,
            le=20_000_000,
            description="how many files a tree, and how many entries a change, may have to be judged",
        ),
    ] = MAX_ENTRIES


class AuthorityKey(Settings):
    """Something that several documents state, and on which a lower one must not contradict a higher one."""

    name: Annotated[str, Field(min_length=1, description="what it is called, e.g. `canonical_root`")]
    form: Annotated[
        Literal["Key: value", "front matter"] | None,
        Field(
            description="where a document states it: in a field of any form, which is the default, or in its "
            "front matter alone"
        ),
    ] = None
    pattern: Annotated[
        Expression | None,
        Field(
            description="instead of a form: what a line that states it matches; its one group is the value"
        ),
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
        Field(description="titles of sections in any language, and what the paths they list are"),
    ] = {}
    normative: Annotated[
        list[str], Field(description="the normative documents; naming one locks nothing")
    ] = []
    order: Annotated[
        list[str],
        Field(description="the documents by authority, as paths or patterns, the highest first"),
    ] = []
    keys: Annotated[
        list[AuthorityKey],
        Field(
            description="what a lower document of the order must not state otherwise than a higher one",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []

    def problem(self) -> str:
        """What cannot be, as a clause."""
        from specguard.declaration.globs import PatternError

        for pattern in self.order:
            try:
                Covering.translate(pattern)
            except PatternError as error:
                return f"of `order`, {error}"
        return ""


class RuleTable(Settings):
    """The keys that every rule's table has."""

    severity: Annotated[
        Severity | None, Field(description="the most a finding of the rule can be; `off` turns it off")
    ] = None
    stages: Annotated[
        list[Stage] | None, Field(min_length=1, description="the moments of a check at which it runs")
    ] = None
    exclude: Annotated[Covering, Field(description="paths that the rule leaves alone")] = Covering()
    approvable: Annotated[
        bool, Field(description="`false`: no approval lifts its findings, whatever the rule says")
    ] = True
