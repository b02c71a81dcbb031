"""The results of a task, `specguard.results/1`: what an agent hands over when it is done, or cannot go on.

It claims; what counts is what specguard runs and judges afterwards.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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
