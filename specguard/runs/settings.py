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

    path: Annotated[
        str, Field(min_length=1, description="the folder of runs, from the repository's root")
    ] = ".runs"
    root: Annotated[
        str,
        Field(
            description="a folder outside of the repository that runs are kept in instead; `~`, `$VAR`, "
            "`${VAR}` and `${VAR:-default}` are expanded as a shell does"
        ),
    ] = ""
    keep: Annotated[
        Literal["local", "tree"],
        Field(
            description="`tree`: runs are committed, so what is not in the judged tree does not exist; "
            "`local`: they are files of whoever ran them, and elsewhere nobody can tell",
            json_schema_extra={"tightens": ["local", "tree"]},
        ),
    ] = "local"
    succeeded: Annotated[
        list[str], Field(min_length=1, description="the statuses of a manifest whose run succeeded")
    ] = ["succeeded", "success", "passed"]
    require: Annotated[
        list[str],
        Field(
            description="the kinds of work items whose commit must name a run",
            json_schema_extra={"tightens": "more", "names": ["work"]},
        ),
    ] = []
    trailer: Annotated[str, Field(description="the trailer of a commit that names its run")] = "Run"
    grade: Annotated[
        Literal["", "claimed", "observed", "re-run"],
        BeforeValidator(_no_ci),
        Field(
            description="the least that the evidence of what is done must be: an agent says so (`claimed`), "
            "a runner saw it (`observed`), specguard ran it (`re-run`); empty: nothing is asked of it, and "
            "a gate's result is at least `re-run`",
            json_schema_extra={"tightens": ["", "claimed", "observed", "re-run"]},
        ),
    ] = ""
    gates: Annotated[
        list[str],
        Field(
            description="the names of gates that every run must have got through, beside those that the "
            "policy and the document of its item name",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    quick_gates: Annotated[
        list[str],
        Field(
            description="the names of gates of which a run must have succeeded for the tree of each commit",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    full_gates: Annotated[
        list[str],
        Field(
            description="the names of gates of which a run must have succeeded for the tree that a change "
            "ends with, and before an artifact of `full_before` is committed",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    full_before: Annotated[
        list[str],
        Field(
            description="the contracts ([artifacts.<name>]) of what is written after the full gates: "
            "reviews, what says that findings are fixed, handoffs",
            json_schema_extra={"tightens": "more", "names": ["artifacts"]},
        ),
    ] = []
    max_attempts: Annotated[
        int,
        Field(
            ge=1,
            description="how often the agent may work on what gates and rules say",
            json_schema_extra={"tightens": "lower"},
        ),
    ] = 3
    timeout: Annotated[str, Field(pattern="^[1-9][0-9]*[smh]$", description="how long a run may take")] = "2h"
    command_timeout: Annotated[
        str,
        Field(
            pattern="^[1-9][0-9]*[smh]$", description="how long a command without a limit of its own may take"
        ),
    ] = "20m"
    stale_after: Annotated[
        str,
        Field(
            pattern="^[1-9][0-9]*[smh]$",
            description="after how long without a heartbeat a run that is running has died",
        ),
    ] = "5m"
    output_limit: Annotated[
        int,
        Field(
            ge=1,
            description="how many MiB of output of one command are kept; one that writes more is ended",
            json_schema_extra={"tightens": "lower"},
        ),
    ] = 64
    place_limit: Annotated[
        int,
        Field(
            ge=1,
            description="by how many MiB a run's place may grow",
            json_schema_extra={"tightens": "lower"},
        ),
    ] = 2048
    environment: Annotated[
        list[str],
        Field(
            description="the variables that the agent and the gates see, beside PATH, HOME, USER, SHELL, "
            "LANG, TERM and TMPDIR; `*` at the end of a name stands for any rest",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = []
    sandbox: Annotated[
        list[str],
        Field(
            description="words put before the agent's command, such as those of bwrap or a container; "
            "`{place}` is the run's place"
        ),
    ] = []
    approval_policies: Annotated[
        list[str],
        Field(
            description="what `--approval-policy` may say",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = ["untrusted", "on-request", "on-failure"]
    layouts: Annotated[
        list[Literal["meta"]],
        Field(description="further files that runs write for readers of older layouts: `meta` is meta.json"),
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
            description="the command and its words; it reads the brief from standard input, or as the file "
            "`{brief}`",
        ),
    ]
    version: Annotated[
        str,
        AfterValidator(check_versions),
        Field(description="the versions that may be used, as in `>=0.40,<0.50`; empty: any"),
    ] = ""
    allow_flags: Annotated[
        list[str],
        Field(
            description="words of high trust that its command may have, such as `danger-full-access`",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = []
    model: Annotated[str, Field(description="the model that it calls, which [models] must allow")] = ""


def seconds(text: str) -> int:
    """How many seconds a duration such as `20m` is."""
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]
