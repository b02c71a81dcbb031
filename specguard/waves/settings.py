"""`[wave]`: the stages of a wave, each with what it must leave behind before the next one opens."""

from __future__ import annotations

from specguard.declaration.patterns import Covering
from specguard.declaration.rule import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from pydantic import Field

    from specguard.declaration.patterns import Selecting


class WaveStage(Settings):
    """A stage of a wave."""

    name: Annotated[str, Field(min_length=1, description="what reports call it")]
    opens_after: Annotated[
        list[str],
        Field(
            description="the stages that must be complete before it opens",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    requires: Annotated[
        list[str],
        Field(
            description="the artifacts, by the names of their contracts, that must be there and fulfil "
            "their contracts for the stage to be complete",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    fields: Annotated[
        dict[str, str | list[str]],
        Field(description="the values that fields of these artifacts must have for the stage to be complete"),
    ] = {}
    items: Annotated[
        str,
        Field(
            description="the kind of work item, or `tasks` for the tasks of plans, all of which must "
            "be closed for the stage to be complete"
        ),
    ] = ""
    branch: Annotated[
        Selecting | None, Field(description="the branches on which the stage's changes are made")
    ] = None
    paths: Annotated[
        Covering, Field(description="the only paths that a change of the stage touches; empty: any")
    ] = Covering()


class WaveSettings(Settings):
    """Stages that open in order."""

    stages: Annotated[list[WaveStage], Field(description="the stages, in order")] = []
    by: Annotated[
        list[str],
        Field(
            description="the placeholders of the artifacts' paths that tell one wave from another, such as "
            '`["x"]` or `["name"]`; empty: there is one wave'
        ),
    ] = []

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        names = [stage.name for stage in self.stages]
        seen: set[str] = set()
        for stage in self.stages:
            if stage.name in seen:
                return f"two stages are called {stage.name!r}"
            for earlier in stage.opens_after:
                if earlier not in seen:
                    known = "stands behind it" if earlier in names else "is no stage"
                    return f"the stage {stage.name!r} opens after {earlier!r}, which {known}"
            seen.add(stage.name)
        return ""
