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
        Field(description="a plan's folder"),
    ] = ".plans/{name}"
    plan: Annotated[
        str,
        Field(min_length=1, description="the file with the tasks"),
    ] = "plan.json"
    branch: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="for research and reviews"),
    ] = "plan-{name}"
    code: Annotated[str, Field(description="where `expected_files` start")] = ""
    tasks: Annotated[
        str,
        Field(description="the tasks' key; empty: the file is the list"),
    ] = "tasks"
    keys: Annotated[
        dict[str, str | list[str]],
        Field(description='other keys of a task: `{depends_on = "dependencies"}`'),
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
        Field(description="the form of ids"),
    ] = "task_{number}"
    statuses: Annotated[list[str], Field(min_length=1, description="all statuses")] = [
        "pending",
        "in_progress",
        "agent_done",
        "done",
        "deferred",
        "blocked",
    ]
    started: Annotated[list[str], Field(description="started tasks")] = [
        "in_progress",
        "agent_done",
        "done",
    ]
    done: Annotated[
        list[str],
        Field(min_length=1, description="those that need evidence"),
    ] = ["done"]
    option: Annotated[
        str,
        Field(description="the field that names the plan's option"),
    ] = ""
    options: Annotated[
        str,
        Field(description="the file that describes the options"),
    ] = ""
    log: Annotated[
        list[str],
        Field(
            description="what a finished task may append to, such as `MASTER.md`",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = []
    unit: Annotated[
        Literal["change", "commit"],
        Field(
            description="what a task is",
            json_schema_extra={"tightens": ["commit", "change"]},
        ),
    ] = "change"
    trusted: Annotated[
        Literal["base", "branch"],
        Field(
            description="whose plan counts. `branch`: without one in the base, that of a first commit that "
            "touches only its folder",
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
            return f"`keys` has {unknown!r}, which is not one of {', '.join(KEYS)}"
        for name in ("started", "done"):
            for status in getattr(self, name):
                if status not in self.statuses:
                    near = nearest(status, self.statuses)
                    return f"`{name}` has {status!r}, which is not one of `statuses`: {near}"
        return "`options` without `option` says nothing" if self.options and not self.option else ""


ROLES: Final = {"research": "researcher", "review": "reviewer", "plan-review": "reviewer"}
"""The roles of kinds of runs, and of the contracts of what these write; in all others a model is a coder."""


class RoleModels(Settings):
    """Which models may be used in one role, beside what holds for every role."""

    allow: Annotated[list[Expression], Field(description="allowed models")] = []
    default: Annotated[str, Field(description="if none is named")] = ""


class Models(Settings):
    """Which models may be used, by expressions over their names; what is denied stays denied."""

    allow: Annotated[list[Expression], Field(description="allowed models; by default any")] = []
    deny: Annotated[
        list[Expression],
        Field(
            description="denied models",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    default: Annotated[str, Field(description="if none is named")] = ""
    reviewer: Annotated[RoleModels, Field(description="reviewing options")] = RoleModels()
    researcher: Annotated[RoleModels, Field(description="doing research")] = RoleModels()
    coder: Annotated[RoleModels, Field(description="doing tasks and items")] = RoleModels()

    def role_of(self, what: str, otherwise: str = "") -> str:
        """The role in which a kind of run, or of artifact, has a model."""
        return ROLES.get(what, otherwise)

    def of(self, role: str) -> RoleModels:
        """What holds in a role beside what holds in every one; an empty role is no certain one."""
        settings: RoleModels = getattr(self, role) if role else RoleModels()
        return settings

    def named_by(self, role: str) -> str:
        """The key of the list that a model has to be on in a role; empty where it may be any."""
        return f"models.{role}.allow" if self.of(role).allow else "models.allow" if self.allow else ""

    def suggested(self, role: str) -> str:
        """The model that may be used in a role where none is named; empty where none is known."""
        return self.of(role).default or self.default

    def refusal(self, *names: str, role: str = "") -> tuple[str, str] | None:
        """Why a model may not be used; None where it may.

        Args:
            names: its name, as written and in other forms: it is denied where one of them is, and allowed
                where one of them is.
            role: what it is used for: `reviewer`, `researcher` or `coder`; empty where that is not known.

        Returns:
            The reason, as a clause, and the key of the setting, such as `models.deny.0`.
        """
        for position, expression in enumerate(self.deny):
            if any(expression.search(name) for name in names):
                return f"{expression.text!r} denies it", f"models.deny.{position}"
        for key, allowed, what in (
            ("models.allow", self.allow, "the models that may be used"),
            (f"models.{role}.allow", self.of(role).allow, f"the models of a {role}"),
        ):
            if allowed and not any(expression.search(name) for expression in allowed for name in names):
                wanted = " or ".join(repr(expression.text) for expression in allowed)
                return f"{what} match {wanted}", key
        return None

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        for role in ("", *dict.fromkeys(ROLES.values()), "coder"):
            default = self.of(role).default if role else self.default
            refused = self.refusal(default, role=role) if default else None
            if refused:
                key = f"{role}.default" if role else "default"
                table = f"[models.{role}]" if role else "[models]"
                write = f"write {table} with an `allow` and a `default` of your own"
                return f"`{key}` is {default!r}, but {refused[0]}; {write}"
        return ""
