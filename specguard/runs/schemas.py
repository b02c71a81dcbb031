"""The JSON Schemas of what a run leaves, for readers in any language, and of what an agent hands over."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from specguard.runs.model import Manifest, Response, State

if TYPE_CHECKING:
    from collections.abc import Mapping


SCHEMA = "specguard.results/1"


class Ran(BaseModel):
    """A command that the agent says it has run.

    Attributes:
        command: the command.
        exit_code: what it ended with.
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    command: str
    exit_code: int


class Results(BaseModel):
    """What an agent says of a task.

    Attributes:
        task: the task's id.
        status: `done`; or `blocked` where somebody has to decide something first.
        summary: what was done, or what is in the way, in a few sentences.
        files: the paths that were changed, from the repository's root.
        commands: what was run to see that it works.
        notes: what whoever goes on should know.
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    schema_: Literal["specguard.results/1"] = Field(default="specguard.results/1", alias="schema")
    task: str
    status: Literal["done", "blocked"]
    summary: Annotated[str, Field(pattern=r"\S", max_length=10_000)]
    files: list[str] = []
    commands: list[Ran] = []
    notes: list[str] = []


_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TITLES: Final = {
    "run": "The manifest of a run: manifest.json",
    "command": "The result of one of a run's commands: commands/NN-name.json",
    "run-error": "Why a run ended early: error.json",
    "heartbeat": "The sign that a run is alive: control/heartbeat.json",
    "results": "What an agent hands over for a task: SPECGUARD_RESULTS.json",
}


class RunError(BaseModel):
    """`error.json`, `specguard.run-error/1`.

    Attributes:
        run_id: of which run.
        step: the step that it ended in.
        state: how the run stands then.
        error: the name of the kind of error, which `specguard error` explains; empty in older files.
        reason: why, in one sentence.
        exit_code: that of specguard.
        command: the number of the command that failed; None without one.
        tail: the end of that command's output; empty without one.
        suggestion: the command or step that mends it; empty where there is none.
    """

    model_config = ConfigDict(extra="forbid")

    schema_: str = Field(alias="schema", pattern="^specguard\\.run-error/1$")
    run_id: str
    step: str
    state: State
    error: str = ""
    reason: str
    exit_code: int
    command: int | None
    tail: str
    suggestion: str


class Heartbeat(BaseModel):
    """`control/heartbeat.json`.

    Attributes:
        time: when it was written, in UTC.
        pid: the process that runs the run.
        step: the step that it is in.
    """

    model_config = ConfigDict(extra="allow")

    time: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")
    pid: int
    step: str


_ATTRIBUTE: Final = re.compile(r"^    (\w+): ((?:.+\n)(?: {5,}.+\n)*)", re.MULTILINE)
_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "run": Manifest,
    "command": Response,
    "run-error": RunError,
    "heartbeat": Heartbeat,
    "results": Results,
}


def run_schemas() -> Mapping[str, dict[str, Any]]:
    """The schema of each file, by its name: that of `run.schema.json` is `run`."""
    return {name: _schema(name, model) for name, model in _MODELS.items()}


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    made = _readable(model.model_json_schema(by_alias=True, mode="serialization"))
    for base in model.__mro__[1:]:
        _describe(made, cleandoc(base.__doc__ or ""))
    if "schema" in made["properties"] and "schema" not in made["required"]:
        made["required"] = ["schema", *made["required"]]
    return {"$schema": _DIALECT, "title": _TITLES[name], **made}


def _readable(schema: Any) -> Any:
    """The same for readers of any language: what Python's documentation says stands with each property.

    Fields are only ever added, so further ones are not refused.
    """
    if isinstance(schema, list):
        return [_readable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _readable(value) for key, value in schema.items()}
    for key in ("title", "additionalProperties"):
        # A property may have that name.
        if isinstance(made.get(key), (str, bool)):
            del made[key]
    text = made.get("description")
    if isinstance(text, str):
        made["description"] = text.partition("\n\nAttributes:\n")[0]
        _describe(made, text)
    return made


def _describe(schema: dict[str, Any], text: str) -> None:
    """Add to the properties of a schema what the documentation of a class says of them."""
    rest = text.partition("\n\nAttributes:\n")[2]
    for name, told in _ATTRIBUTE.findall(f"{rest}\n"):
        if name in schema.get("properties", {}):
            schema["properties"][name].setdefault("description", " ".join(told.split()).rstrip("."))
