"""`[plans.<name>]` and `[models]`: where plans are and what they hold, and which models may be used."""

from __future__ import annotations

import re

from specguard.declaration.rule import Settings, setting
from specguard.errors import nearest
from specguard.work.name_templates import check_path_template, check_template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final, Literal

    from specguard.declaration.expressions import Expression


KEYS: Final = (
    "id", "title", "domain", "status", "depends_on", "expected_files", "verify", "done_criteria",
    "verification",
)  # fmt: skip
"""What a plan says of a task, and the key of each unless `keys` has another."""


class PlanKind(Settings):
    """A kind of plan: a folder for each plan, with a file that lists its tasks."""

    folder: str = setting(".plans/{name}", "a plan's folder", check=check_path_template)
    plan: str = setting("plan.json", "the file with the tasks", min_length=1)
    branch: str = setting("plan-{name}", "for research and reviews", check=check_template)
    code: str = setting("", "where `expected_files` start")
    tasks: str = setting("tasks", "the tasks' key; empty: the file is the list")
    keys: dict[str, str] = setting({}, 'other keys of a task: `{depends_on = "dependencies"}`')
    required: list[
        Literal["id", "title", "domain", "status", "depends_on", "expected_files", "verify", "done_criteria"]
    ] = setting(
        ["id", "title", "status", "depends_on", "expected_files", "verify", "done_criteria"],
        "what each task must have",
        tightens="more",
    )
    id_format: str = setting("task_{number}", "the form of ids", check=check_template)
    statuses: list[str] = setting(
        ["pending", "in_progress", "agent_done", "done", "deferred", "blocked"], "all statuses", min_length=1
    )
    started: list[str] = setting(["in_progress", "agent_done", "done"], "started tasks")
    done: list[str] = setting(["done"], "those that need evidence", min_length=1)
    option: str = setting("", "the field that names the plan's option")
    options: str = setting("", "the file that describes the options")
    log: list[str] = setting([], "what a finished task may append to, such as `MASTER.md`", tightens="fewer")
    unit: Literal["change", "commit"] = setting("change", "what a task is", tightens=["commit", "change"])
    trusted: Literal["base", "branch"] = setting(
        "base",
        "whose plan counts. `branch`: without one in the base, that of a first commit that "
        "touches only its folder",
        tightens=["branch", "base"],
    )

    def key_of(self, name: str) -> str:
        """The key of a task under which something of it stands; see `KEYS`."""
        return self.keys.get(name, name)

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

    allow: list[Expression] = setting([], "allowed models")
    default: str = setting("", "if none is named")


class Models(Settings):
    """Which models may be used, by expressions over their names; what is denied stays denied."""

    allow: list[Expression] = setting([], "allowed models; by default any", tightens="only")
    deny: list[Expression] = setting([], "denied models", tightens="more")
    default: str = setting("", "if none is named")
    reviewer: RoleModels = setting(RoleModels(), "reviewing options")
    researcher: RoleModels = setting(RoleModels(), "doing research")
    coder: RoleModels = setting(RoleModels(), "doing tasks and items")

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


AGENTS: Final = frozenset(
    {"aider", "claude", "codex", "copilot", "crush", "gemini", "goose", "llm", "opencode", "qwen"}
)
"""Programs whose option `-m` names a model; of most others it means something else."""

UNNAMED: Final = frozenset(
    {
        "", "-", "default", "false", "inherit", "n/a", "na", "no", "none", "null", "optional", "required",
        "str", "string", "tba", "tbd", "text", "todo", "true", "unknown", "yes",
    }
)  # fmt: skip
"""What stands where no model is named, also in a table that describes what a field may be."""

LONGEST: Final = 300
"""A value of more characters is prose, and names no model."""

HOLE: Final = re.compile(r"[$<{]|\.{3}|\u2026")
"""What stands for a name that is filled in later."""

_OPTION: Final = re.compile(r"--(?:[a-z]+-)?model(?:-name|-id)?(?:=(?P<value>.*))?", re.DOTALL)


def forms_of(name: str) -> list[str]:
    """A model's name and how else it could be written: without a provider, with hyphens for spaces."""
    return list(dict.fromkeys((name, name.rpartition("/")[2], "-".join(name.lower().split()))))


def is_agent(words: Sequence[str]) -> bool:
    """Whether a command runs an agent, itself or through another program."""
    return any(word.rpartition("/")[2] in AGENTS for word in words[:4])


def models_in(words: Sequence[str]) -> Iterator[str]:
    """The models that a command's words name, in order."""
    agent = is_agent(words)
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        value: str | None = None
        if word.startswith("--"):
            option = _OPTION.fullmatch(word)
            if option is not None:
                value = following if option["value"] is None else option["value"]
        elif agent and word == "-m":
            value = following
        elif agent and word.startswith("-m") and len(word) > 3:
            value = word[2:].removeprefix("=")
        elif agent and word.startswith("model="):
            value = word[6:]
        name = None if value is None else model_named(value)
        if name is not None:
            yield name


def model_named(value: str) -> str | None:
    """The model that the value of an option or a variable names; None where it names none."""
    name = value.strip().strip("'\"")
    if name.casefold() in UNNAMED or name.startswith("-") or HOLE.match(name):
        return None
    return name[:LONGEST]
