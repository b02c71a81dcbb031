"""`[plans.<name>]` and `[models]`: where plans are and what they hold, and which models may be used."""

from __future__ import annotations

from specguard.declaration.rule import Settings
from specguard.work.templates import check_template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from pydantic import AfterValidator, Field

    from specguard.declaration.expressions import Expression


class PlanKind(Settings):
    """A kind of plan: a folder for each plan, with a file that lists its tasks."""

    folder: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="the folder of a plan; a placeholder is the plan's name"),
    ] = ".plans/{name}"
    plan: Annotated[str, Field(description="the file of the folder that lists the tasks")] = "plan.json"
    code: Annotated[
        str, Field(description="the folder that `expected_files` are relative to; empty: the root")
    ] = ""
    tasks: Annotated[str, Field(description="the field that holds the tasks, as a dotted key")] = "tasks"
    id_format: Annotated[
        str, Field(description="the template of a task's id; `{number}` takes any number of digits")
    ] = "task_{number}"
    statuses: Annotated[list[str], Field(min_length=1, description="the statuses of a task")] = [
        "pending",
        "in_progress",
        "agent_done",
        "done",
        "deferred",
        "blocked",
    ]
    started: Annotated[
        list[str], Field(description="the statuses of a task that was begun: what it needs must be done")
    ] = ["in_progress", "agent_done", "done"]
    done: Annotated[
        list[str], Field(description="the statuses that need evidence of the task's verification")
    ] = ["done"]
    option: Annotated[
        str,
        Field(description="the field of the plan that names the option it was made from; empty: none"),
    ] = ""


class Models(Settings):
    """Which models may be used, by expressions over their names; what is denied stays denied."""

    allow: Annotated[list[Expression], Field(description="the models that may be used; empty: any")] = []
    deny: Annotated[
        list[Expression],
        Field(
            description="the models that may not, whatever `allow` says",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    default: Annotated[str, Field(description="the model that is used where none is named")] = ""
