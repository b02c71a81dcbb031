"""`[wave]`: the stages of a wave, each with what it must leave behind before the next one opens."""

from __future__ import annotations

from specguard.declaration.rule import Settings
from specguard.errors import nearest
from specguard.work.templates import check_path_template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from pydantic import AfterValidator, Field


class WaveStage(Settings):
    """A stage of a wave.

    A stage is complete when the artifacts that it requires and leaves behind are there and fulfil their
    contracts, their fields have the values of `fields`, and its items are closed. It is open when the stages
    in `opens_after` are complete.
    """

    name: Annotated[str, Field(min_length=1, description="its name in reports")]
    opens_after: Annotated[
        list[str],
        Field(
            description="the stages to complete first",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    requires: Annotated[
        list[str],
        Field(
            description="the contracts to fulfil before",
            json_schema_extra={"tightens": "more", "names": ["artifacts"]},
        ),
    ] = []
    leaves: Annotated[
        list[str],
        Field(
            description="the contracts to fulfil in it",
            json_schema_extra={"tightens": "more", "names": ["artifacts"]},
        ),
    ] = []
    fields: Annotated[
        dict[str, str | list[str]],
        Field(
            description="values of these artifacts' fields; `\"execution-packet.status\"` is one artifact's",
            json_schema_extra={"names": ["artifacts"], "dotted": True},
        ),
    ] = {}
    when: Annotated[
        dict[str, str | list[str]],
        Field(
            description='when it is necessary: `{"drift-check.drift" = ["found"]}`; by default always',
            json_schema_extra={"names": ["artifacts"], "dotted": True},
        ),
    ] = {}
    items: Annotated[
        str,
        Field(
            description="items (a kind, or `tasks`) to close, except conditional and deferred ones",
            json_schema_extra={"names": ["work"]},
        ),
    ] = ""
    branch: Annotated[
        Annotated[str, AfterValidator(check_path_template)]
        | list[Annotated[str, AfterValidator(check_path_template)]],
        Field(description="its branches, with globs and placeholders of `by`"),
    ] = []
    paths: Annotated[
        list[Annotated[str, AfterValidator(check_path_template)]],
        Field(description="the only paths for its branch"),
    ] = []

    @property
    def branches(self) -> list[str]:
        """`branch` as a list."""
        return [self.branch] if isinstance(self.branch, str) else self.branch

    @property
    def artifacts(self) -> list[str]:
        """The contracts of `requires` and `leaves`."""
        return list(dict.fromkeys([*self.requires, *self.leaves]))

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        for key in self.when:
            if "." not in key:
                return f"`when` names no artifact in {key!r}: write it as `contract.field`"
        if self.paths and not self.branches:
            return f"the stage {self.name!r} has `paths`, which are judged on its `branch`, and no branch"
        return ""


class WaveSettings(Settings):
    """Stages that open in order."""

    stages: Annotated[list[WaveStage], Field(description="the stages, in order")] = []
    by: Annotated[
        list[str],
        Field(description='what tells waves apart, such as `["name"]`; empty: there is one wave'),
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
                    said = f"the stage {stage.name!r} opens after {earlier!r}, which"
                    if earlier in names:
                        return f"{said} stands behind it"
                    near = nearest(earlier, seen)
                    return f"{said} is no stage{f': {near}' if near else ''}"
            seen.add(stage.name)
        return ""
