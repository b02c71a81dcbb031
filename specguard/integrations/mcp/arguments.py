"""What each tool may be asked, as types: nothing here loosens a verdict or names another authority."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_LONGEST_NAME = 1_000
_LONGEST_PATH = 4_096
_LONGEST_TEXT = 200_000
_MOST_NAMES = 200


def _readable(text: str) -> str:
    """A text that can be a name or a message."""
    if "\0" in text:
        raise ValueError("it has a NUL, which no name and no message may have")
    return text


Name = Annotated[str, Field(max_length=_LONGEST_NAME), AfterValidator(_readable)]
Path = Annotated[str, Field(max_length=_LONGEST_PATH), AfterValidator(_readable)]
Text = Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(_readable)]
Names = Annotated[list[Name], Field(max_length=_MOST_NAMES)]


class Arguments(BaseModel):
    """The arguments of a tool; what is not named here is refused, and not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(Arguments):
    """The arguments of `check`."""

    what: Literal["worktree", "staged", "branch"] = Field(
        "worktree",
        description="worktree: what is not committed yet, untracked files included. staged: what the next "
        "commit would have. branch: the commits since the branch left the base.",
    )
    head: Name = Field("", description="With `branch`: the branch or commit that is judged, and not HEAD.")
    commit_message: Text | None = Field(
        None, description="Judge this text as the message of the next commit, in place of `what`."
    )
    title: Text | None = Field(None, description="With `branch`: the title that the pull request will have.")
    body: Text | None = Field(None, description="With `branch`: the text that the pull request will have.")
    whole_tree: bool = Field(
        False, description="Judge the whole tree, where a rule can, and not the change alone."
    )
    strict: bool = Field(False, description="Count warnings as errors.")
    select: Names = Field(
        [], description="Run these rules alone: codes, families (`PTH`) or names; empty: all that are on."
    )
    every_rule: bool = Field(
        False,
        description="List the rules that passed, are off or do not apply, too; `counts` has them anyway.",
    )


class Why(Arguments):
    """The arguments of `why`."""

    path: Path = Field(description="The path from the repository's root, as git writes it: docs/api/x.yaml.")


class Policy(Arguments):
    """The arguments of `policy`: none."""


class Brief(Arguments):
    """The arguments of `brief`."""

    kind: Name = Field("", description="The kind of work item; may be left out where there is one alone.")
    item: Name = Field("", description="The item's id; left out: the current one.")
    plan: Path = Field(
        "", description="The list or plan that the item is in, by its path from the repository's root."
    )


class Status(Arguments):
    """The arguments of `status`."""

    worktree: bool = Field(False, description="Look at the working tree, and not at HEAD.")
    waves: Names = Field([], description="Look at these waves alone.")


class Rule(Arguments):
    """The arguments of `rule`."""

    rule: Name = Field("", description="The rule's code or name: PTH001; left out: all rules are listed.")


class RunStatus(Arguments):
    """The arguments of `run_status`."""

    run: Name = Field(
        "",
        description="The run's id, or what it begins with; left out: the runs under way, else the last one.",
    )
