"""`[runs]`: where runs are kept, whether they are part of the tree, and what a run may take."""

from __future__ import annotations

import re

from specguard.declaration.rule import Record, Settings, required, setting
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal


_CI: Final = 'no file tells that CI ran it: write grade = "re-run", and have the platform require its jobs'


def check_root(text: str) -> str:
    """A path that can be filled in wherever its variables have values.

    Raises:
        ValueError: it has something else in it that is to be filled in.
    """
    from specguard.runs.files import VARIABLE, expanded

    names = [one or other for one, other, _ in VARIABLE.findall(text)]
    try:
        filled = expanded(text, dict.fromkeys([*names, "HOME"], "/"))
    except SpecguardError as error:
        raise ValueError(f"{error.message}: {error.help}") from None
    name, brace, _ = filled.partition("{")[2].partition("}")
    if brace:
        raise ValueError(f"{text!r} has {{{name}}}, which is no variable: write ${{{name}}}")
    return text


class RunSettings(Settings):
    """Where a run leaves its manifest, logs and evidence, and what it may take."""

    path: str = setting(".runs", "the folder of runs", min_length=1)
    root: str = setting(
        "",
        "a folder outside the repository instead, with `~`, `$VAR`, `${VAR}` and `${VAR:-default}`",
        check=check_root,
    )
    keep: Literal["local", "tree"] = setting(
        "local", "`tree`: runs are committed", tightens=["local", "tree"]
    )
    succeeded: list[str] = setting(["succeeded", "success", "passed"], "succeeded runs", min_length=1)
    require: list[str] = setting(
        [], "the kinds whose commits must name a run", tightens="more", names=["work"]
    )
    trailer: str = setting("Run", "the trailer that names the run")
    grade: Literal["", "claimed", "observed", "re-run"] = setting(
        "",
        "the least evidence: an agent's word, a runner's record, or specguard's run. "
        "Empty asks nothing of items, and `re-run` of gates",
        tightens=["", "claimed", "observed", "re-run"],
        refused={"ci": _CI},
    )
    gates: list[str] = setting([], "more gates for every run", tightens="more")
    quick_gates: list[str] = setting([], "gates for each commit's tree", tightens="more")
    full_gates: list[str] = setting(
        [], "gates for the change's last tree, and before `full_before`", tightens="more"
    )
    full_before: list[str] = setting(
        [], "the contracts that come after the full gates", tightens="more", names=["artifacts"]
    )
    max_attempts: int = setting(3, "the agent's rounds", ge=1, tightens="lower")
    timeout: str = setting("2h", "the longest run", pattern="^[1-9][0-9]*[smh]$")
    command_timeout: str = setting("20m", "the longest command", pattern="^[1-9][0-9]*[smh]$")
    stale_after: str = setting("5m", "after such silence it is dead", pattern="^[1-9][0-9]*[smh]$")
    output_limit: int = setting(64, "the MiB of a command's output", ge=1, tightens="lower")
    place_limit: int = setting(2048, "by how many MiB its place may grow", ge=1, tightens="lower")
    environment: list[str] = setting(
        [],
        "variables besides PATH, HOME, USER, SHELL, LANG, TERM, TMPDIR and SPECGUARD_FLOOR; a final "
        "`*` is any rest",
        tightens="fewer",
    )
    sandbox: list[str] = setting([], "words before the agent's command; `{place}` is the run's place")
    approval_policies: list[str] = setting(
        ["untrusted", "on-request", "on-failure"], "allowed values of `--approval-policy`", tightens="fewer"
    )
    layouts: list[Literal["meta"]] = setting([], "more files: `meta` is meta.json")

    @property
    def folder(self) -> bytes:
        """What the paths in the folder of runs begin with, a slash at its end."""
        return self.path.strip("/").encode("utf-8", "surrogateescape") + b"/"


def check_versions(text: str) -> str:
    """A text that says which versions may be used; empty: any.

    Raises:
        VersionError: it does not.
    """
    _clauses(text)
    return text


class AgentSettings(Settings):
    """An agent's command line, by the name that `--agent` takes."""

    command: list[str] = required("it reads the brief from standard input or `{brief}`", min_length=1)
    version: str = setting("", "allowed versions, such as `>=0.40,<0.50`", check=check_versions)
    allow_flags: list[str] = setting(
        [], "high-trust words that it may have, such as `danger-full-access`", tightens="fewer"
    )
    model: str = setting("", "the model it calls")


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
