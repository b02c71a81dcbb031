"""`[runs]`: where runs are kept, whether they are part of the tree, and what a run may take."""

from __future__ import annotations

import re

from specguard.declaration.rule import Record, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Any, Final, Literal

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


# Not compiled here: settings name this module, and each hook reads those.
_CLAUSE: Final = r"(?P<by>>=|<=|==|!=|>|<|=)?\s*(?P<version>v?[0-9]+(?:\.[0-9]+){0,5})(?P<any>\.\*)?"
# A number with a dot at least, and what marks it as one before the release: `0.50.0-alpha.3`, `1.0rc1`.
_VERSION: Final = (
    r"(?<![0-9A-Za-z.])v?(?P<numbers>[0-9]+(?:\.[0-9]+){1,5})"
    r"(?P<before>-[0-9A-Za-z][0-9A-Za-z.-]*|(?:a|b|rc|\.?dev)[0-9]+)?(?P<after>\+[0-9A-Za-z.-]+)?"
)


class VersionError(ValueError):
    """A text that says nothing about versions; it says which, and how to write it."""


class Version(Record):
    """A version: its numbers, and whether it comes before the release of these numbers.

    Args:
        text: as the tool writes it.
        numbers: its numbers.
        early: whether it is an alpha, a preview or a candidate.
    """

    text: str
    numbers: tuple[int, ...]
    early: bool


def find_version(output: str) -> Version | None:
    """The version that a tool prints for `--version`; the first that stands there, None where none does."""
    found = re.search(_VERSION, output)
    if found is None:
        return None
    numbers = tuple(int(number) for number in found["numbers"].split("."))
    return Version(found[0].removeprefix("v"), numbers, early=found["before"] is not None)


def check_versions(text: str) -> str:
    """A text that says which versions may be used; empty: any.

    Raises:
        VersionError: it does not.
    """
    _clauses(text)
    return text


def fits(version: Version, wanted: str) -> bool:
    """Whether a version may be used.

    An alpha of 0.50 is neither below 0.50 nor 0.50 itself, so only a clause that lies on one side of both
    lets it pass.

    Raises:
        VersionError: `wanted` says nothing about versions.
    """
    return all(_fits(version, by, bound, any_=any_) for by, bound, any_ in _clauses(wanted))


def _fits(version: Version, by: str, bound: tuple[int, ...], *, any_: bool) -> bool:
    if by in ("=", "==", "!="):
        numbers = _same_length(version.numbers, bound)
        same = numbers[0][: len(bound)] == bound if any_ else numbers[0] == numbers[1]
        if by == "!=":
            return not same
        return same and (any_ or not version.early)
    mine, other = _same_length(version.numbers, bound)
    if mine == other and version.early:
        return False
    return {">": mine > other, ">=": mine >= other, "<": mine < other, "<=": mine <= other}[by]


def _same_length(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    length = max(len(one), len(other))
    return one + (0,) * (length - len(one)), other + (0,) * (length - len(other))


def _clauses(text: str) -> list[tuple[str, tuple[int, ...], bool]]:
    clauses = []
    for clause in text.split(",") if text.strip() else ():
        found = re.fullmatch(_CLAUSE, clause.strip())
        by = (found["by"] or "==") if found else ""
        if found is None or (found["any"] and by not in ("=", "==", "!=")):
            raise VersionError(
                f"{clause.strip()!r} does not say which versions may be used: write it as in '>=0.40,<0.50', "
                "'==2.1.*' or '!=0.41.2'"
            )
        numbers = tuple(int(number) for number in found["version"].removeprefix("v").split("."))
        clauses.append((by, numbers, found["any"] is not None))
    return clauses
