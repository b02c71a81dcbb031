"""`[wave]`: the stages of a wave, each with what it must leave behind before the next one opens."""

from __future__ import annotations

from specguard.declaration.rule import Settings, required, setting
from specguard.errors import nearest
from specguard.work.name_templates import check_path_template


class WaveStage(Settings):
    """A stage of a wave.

    A stage is complete when the artifacts that it requires and leaves behind are there and fulfil their
    contracts, their fields have the values of `fields`, and its items are closed. It is open when the stages
    in `opens_after` are complete.
    """

    name: str = required("its name in reports", min_length=1)
    opens_after: list[str] = setting([], "the stages to complete first", tightens="more")
    requires: list[str] = setting([], "the contracts to fulfil before", tightens="more", names=["artifacts"])
    leaves: list[str] = setting([], "the contracts to fulfil in it", tightens="more", names=["artifacts"])
    fields: dict[str, str | list[str]] = setting(
        {},
        "values of these artifacts' fields; `\"execution-packet.status\"` is one artifact's",
        names=["artifacts"],
        dotted=True,
    )
    when: dict[str, str | list[str]] = setting(
        {},
        'when it is necessary: `{"drift-check.drift" = ["found"]}`; by default always',
        names=["artifacts"],
        dotted=True,
    )
    items: str = setting(
        "", "items (a kind, or `tasks`) to close, except conditional and deferred ones", names=["work"]
    )
    branch: str | list[str] = setting(
        [], "its branches, with globs and placeholders of `by`", check=check_path_template
    )
    paths: list[str] = setting([], "the only paths for its branch", check=check_path_template)

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

    stages: list[WaveStage] = setting([], "the stages, in order")
    by: list[str] = setting([], 'what tells waves apart, such as `["name"]`; empty: there is one wave')

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
