"""`[plans.<name>]` and `[models]`: where plans are and what they hold, and which models may be used."""

from __future__ import annotations

from specguard.declaration.rule import Settings
from specguard.errors import nearest
from specguard.work.path_templates import check_path_template
from specguard.work.templates import check_template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Final, Literal

    from pydantic import AfterValidator, Field

    from specguard.declaration.expressions import Expression

KEYS: Final = {
    "id": ("id", "task_id"),
    "title": ("title",),
    "domain": ("domain",),
    "status": ("status",),
    "depends_on": ("depends_on",),
    "expected_files": ("expected_files",),
    "verify": ("verify",),
    "done_criteria": ("done_criteria",),
    "verification": ("verification", "verified", "evidence"),
}
"""What a plan says of a task, each with the keys under which it is found unless `keys` has others."""


class PlanKind(Settings):
    """A kind of plan: a folder for each plan, with a file that lists its tasks."""

    folder: Annotated[
        str,
        AfterValidator(check_path_template),
        Field(description="the folder of a plan; a placeholder is the plan's name"),
    ] = ".plans/{name}"
    plan: Annotated[
        str,
        Field(min_length=1, description="the file of the folder that lists the tasks: JSON, YAML or TOML"),
    ] = "plan.json"
    branch: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="the branch on which a plan's papers are made: research and the review of options"),
    ] = "plan-{name}"
    code: Annotated[
        str, Field(description="the folder that `expected_files` are relative to; empty: the root")
    ] = ""
    tasks: Annotated[
        str,
        Field(description="the field that holds the tasks, as a dotted key; empty: the file is the list"),
    ] = "tasks"
    keys: Annotated[
        dict[str, str | list[str]],
        Field(
            description="other keys of a task for what is read of it: `id`, `title`, `domain`, `status`, "
            "`depends_on`, `expected_files`, `verify`, `done_criteria`, `verification`; e.g. `{depends_on = "
            '"dependencies"}`'
        ),
    ] = {}
    required: Annotated[
        list[
            Literal[
                "id", "title", "domain", "status", "depends_on", "expected_files", "verify", "done_criteria"
            ]
        ],
        Field(description="what each task must have", json_schema_extra={"tightens": "more"}),
    ] = ["id", "title", "status", "depends_on", "expected_files", "verify", "done_criteria"]
    id_format: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="the template of a task's id; `{number}` takes any number of digits"),
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
        list[str],
        Field(min_length=1, description="the statuses that need evidence of the task's verification"),
    ] = ["done"]
    option: Annotated[
        str,
        Field(description="the field of the plan that names the option it was made from; empty: none"),
    ] = ""
    options: Annotated[
        str,
        Field(description="the file of the folder that describes the options, of which `option` is one"),
    ] = ""
    log: Annotated[
        list[str],
        Field(
            description="files of the folder to which a line may be added when a task is done, such as "
            "`MASTER.md`",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = []
    unit: Annotated[
        Literal["change", "commit"],
        Field(
            description="what a task is: a change of its own, or a commit of its own on a branch that holds "
            "several",
            json_schema_extra={"tightens": ["commit", "change"]},
        ),
    ] = "change"
    trusted: Annotated[
        Literal["base", "branch"],
        Field(
            description='whose plan a change is held to: the base\'s; with `branch` and `unit = "commit"`, '
            "where the base has none, that of the branch's first commit, which touches its folder alone",
            json_schema_extra={"tightens": ["branch", "base"]},
        ),
    ] = "base"

    def keys_of(self, name: str) -> tuple[str, ...]:
        """The keys of a task under which something of it is looked for, in order; see `KEYS`."""
        own = self.keys.get(name)
        if own is None:
            return KEYS[name]
        return (own,) if isinstance(own, str) else tuple(own)

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        unknown = next((name for name in self.keys if name not in KEYS), None)
        if unknown is not None:
            return f"`keys` has {unknown!r}, which is none of {', '.join(KEYS)}"
        for name in ("started", "done"):
            for status in getattr(self, name):
                if status not in self.statuses:
                    near = nearest(status, self.statuses)
                    return f"`{name}` has {status!r}, which is none of `statuses`: {near}"
        return "`options` without `option` says nothing" if self.options and not self.option else ""


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

    def refusal(self, *names: str) -> tuple[str, str] | None:
        """Why a model may not be used; None where it may.

        Args:
            names: its name, as written and in other forms: it is denied where one of them is, and allowed
                where one of them is.

        Returns:
            The reason, as a clause, and the key of the setting, such as `models.deny.0`.
        """
        for position, expression in enumerate(self.deny):
            if any(expression.search(name) for name in names):
                return f"{expression.text!r} denies it", f"models.deny.{position}"
        if not self.allow or any(expression.search(name) for expression in self.allow for name in names):
            return None
        wanted = " or ".join(repr(expression.text) for expression in self.allow)
        return f"the models that may be used match {wanted}", "models.allow"

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        refused = self.refusal(self.default) if self.default else None
        return f"`default` is {self.default!r}, but {refused[0]}" if refused else ""
