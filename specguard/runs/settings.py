"""`[runs]`: where runs are kept, whether they are part of the tree, and what a run may take."""

from __future__ import annotations

from specguard.declaration.rule import Settings
from specguard.runs.versions import check_versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Any, Literal

    from pydantic import AfterValidator, BeforeValidator, Field


def _no_ci(value: Any) -> Any:
    """A grade that evidence in a repository can have.

    Raises:
        ValueError: it is `ci`, which the author of a change can put on any check's result.
    """
    if value == "ci":
        raise ValueError(
            'no file tells that CI ran it: write grade = "re-run", and have the platform require its jobs'
        )
    return value


class RunSettings(Settings):
    """Where a run leaves its manifest, logs and evidence, and what it may take."""

    path: Annotated[str, Field(min_length=1, description="the folder of runs")] = ".runs"
    root: Annotated[
        str,
        Field(
            description="a folder outside the repository instead, with `~`, `$VAR`, `${VAR}` and "
            "`${VAR:-default}`"
        ),
    ] = ""
    keep: Annotated[
        Literal["local", "tree"],
        Field(
            description="`tree`: runs are committed",
            json_schema_extra={"tightens": ["local", "tree"]},
        ),
    ] = "local"
    succeeded: Annotated[list[str], Field(min_length=1, description="succeeded runs")] = [
        "succeeded",
        "success",
        "passed",
    ]
    require: Annotated[
        list[str],
        Field(
            description="the kinds whose commits must name a run",
            json_schema_extra={"tightens": "more", "names": ["work"]},
        ),
    ] = []
    trailer: Annotated[str, Field(description="the trailer that names the run")] = "Run"
    grade: Annotated[
        Literal["", "claimed", "observed", "re-run"],
        BeforeValidator(_no_ci),
        Field(
            description="the least evidence: an agent's word, a runner's record, or specguard's run. "
            "Empty asks nothing of items, and `re-run` of gates",
            json_schema_extra={"tightens": ["", "claimed", "observed", "re-run"]},
        ),
    ] = ""
    gates: Annotated[
        list[str],
        Field(
            description="more gates for every run",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    quick_gates: Annotated[
        list[str],
        Field(
            description="gates for each commit's tree",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    full_gates: Annotated[
        list[str],
        Field(
            description="gates for the change's last tree, and before `full_before`",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    full_before: Annotated[
        list[str],
        Field(
            description="the contracts that come after the full gates",
            json_schema_extra={"tightens": "more", "names": ["artifacts"]},
        ),
    ] = []
    max_attempts: Annotated[
        int,
        Field(
            ge=1,
            description="the agent's rounds",
            json_schema_extra={"tightens": "lower"},
        ),
    ] = 3
    timeout: Annotated[str, Field(pattern="^[1-9][0-9]*[smh]$", description="the longest run")] = "2h"
    command_timeout: Annotated[
        str,
        Field(pattern="^[1-9][0-9]*[smh]$", description="the longest command"),
    ] = "20m"
    stale_after: Annotated[
        str,
        Field(
            pattern="^[1-9][0-9]*[smh]$",
            description="after such silence it is dead",
        ),
    ] = "5m"
    output_limit: Annotated[
        int,
        Field(
            ge=1,
            description="the MiB of a command's output",
            json_schema_extra={"tightens": "lower"},
        ),
    ] = 64
    place_limit: Annotated[
        int,
        Field(
            ge=1,
            description="by how many MiB its place may grow",
            json_schema_extra={"tightens": "lower"},
        ),
    ] = 2048
    environment: Annotated[
        list[str],
        Field(
            description="variables besides PATH, HOME, USER, SHELL, LANG, TERM and TMPDIR; a final `*` "
            "is any rest",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = []
    sandbox: Annotated[
        list[str],
        Field(description="words before the agent's command; `{place}` is the run's place"),
    ] = []
    approval_policies: Annotated[
        list[str],
        Field(
            description="allowed values of `--approval-policy`",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = ["untrusted", "on-request", "on-failure"]
    layouts: Annotated[
        list[Literal["meta"]],
        Field(description="more files: `meta` is meta.json"),
    ] = []

    @property
    def folder(self) -> bytes:
        """What the paths in the folder of runs begin with, a slash at its end."""
        return self.path.strip("/").encode("utf-8", "surrogateescape") + b"/"


class AgentSettings(Settings):
    """An agent's command line, by the name that `--agent` takes."""

    command: Annotated[
        list[str],
        Field(
            min_length=1,
            description="it reads the brief from standard input or `{brief}`",
        ),
    ]
    version: Annotated[
        str,
        AfterValidator(check_versions),
        Field(description="allowed versions, such as `>=0.40,<0.50`"),
    ] = ""
    allow_flags: Annotated[
        list[str],
        Field(
            description="high-trust words that it may have, such as `danger-full-access`",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = []
    model: Annotated[str, Field(description="the model it calls")] = ""


def seconds(text: str) -> int:
    """How many seconds a duration such as `20m` is."""
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]
