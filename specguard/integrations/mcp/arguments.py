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
        description="worktree: all that is not committed. staged: the next commit. branch: since the base.",
    )
    head: Name = Field("", description="With branch: judge this one, not HEAD.")
    commit_message: Text | None = Field(None, description="Judge this commit message, and nothing else.")
    title: Text | None = Field(None, description="With branch: the pull request's title.")
    body: Text | None = Field(None, description="With branch: its text.")
    whole_tree: bool = Field(False, description="Judge the whole tree where a rule can.")
    strict: bool = Field(False, description="Count warnings as errors.")
    select: Names = Field([], description="Only these rules: codes, families or names.")


class Why(Arguments):
    """The arguments of `why`."""

    path: Path = Field(description="From the root: docs/api/x.yaml.")


class Policy(Arguments):
    """The arguments of `policy`: none."""


class Brief(Arguments):
    """The arguments of `brief`."""

    kind: Name = Field("", description="The kind of item, where there are several.")
    item: Name = Field("", description="Its id; else the current one.")
    plan: Path = Field("", description="The plan that it is in.")


class Status(Arguments):
    """The arguments of `status`."""

    worktree: bool = Field(False, description="Look at the working tree, not HEAD.")
    waves: Names = Field([], description="Only these waves.")


class Rule(Arguments):
    """The arguments of `rule`."""

    rule: Name = Field("", description="Its code or name.")


class RunStatus(Arguments):
    """The arguments of `run_status`."""

    run: Name = Field(
        "",
        description="Its id, or how that begins; else those under way, or the last.",
    )
