"""The tables `[runs]`, `[agents]` and `[models]`: the folder and limits of runs, the agents and models."""

from __future__ import annotations

import re

from specguard.declaration.rule import Settings, required, setting
from specguard.errors import TYPE_CHECKING, SpecguardError

if TYPE_CHECKING:
    from typing import Final, Literal

    from specguard.declaration.regular_expressions import Expression


def check_root(text: str) -> None:
    """Check that all placeholders of a path can be expanded.

    Raises:
        ValueError: the path has shell syntax that is not a variable.
    """
    from specguard.runs.files import VARIABLE, expand_path

    names = [one or other for one, other, _ in VARIABLE.findall(text)]
    try:
        expand_path(text, dict.fromkeys([*names, "HOME"], "/"))
    except SpecguardError as error:
        raise ValueError(f"{error.message}: {error.help}") from None


class RunSettings(Settings):
    """The folder of a run's manifest, logs and evidence, and its limits."""

    path: str = setting(".runs", "the folder of runs", min_length=1, path="folder")
    root: str = setting(
        "",
        "a folder outside the repository instead, with `~`, `$VAR`, `${VAR}` and `${VAR:-default}`",
        check=check_root,
    )
    keep: Literal["local", "tree"] = setting("local", "`tree`: runs are committed", tightens=["local"])
    succeeded: list[str] = setting(["succeeded", "success", "passed"], "succeeded runs", min_length=1)
    require: list[str] = setting(
        [], "the kinds whose commits must name a run", tightens="more", names=["work"]
    )
    trailer: str = setting("Run", "the trailer that names the run", pattern="^[A-Za-z0-9][A-Za-z0-9-]*$")
    grade: Literal["", "claimed", "observed", "re-run"] = setting(
        "",
        "the least evidence: an agent's word, a runner's record, or specguard's run. "
        "Empty asks nothing of items, and `re-run` of gates",
        tightens=["", "claimed", "observed", "re-run"],
    )
    gates: list[str] = setting([], "gates that every run needs", tightens="more", names=["gates"])
    quick_gates: list[str] = setting([], "gates for each commit's tree", tightens="more", names=["gates"])
    full_gates: list[str] = setting(
        [], "gates for the change's last tree, and before `full_before`", tightens="more", names=["gates"]
    )
    full_before: list[str] = setting(
        [], "the contracts that come after the full gates", tightens="more", names=["artifacts"]
    )
    max_attempts: int = setting(3, "the agent's rounds", ge=1, tightens="lower")
    timeout: str = setting("2h", "the longest run", pattern="^[1-9][0-9]*[smh]$")
    command_timeout: str = setting("20m", "the longest gate or hook", pattern="^[1-9][0-9]*[smh]$")
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
        """The path of the folder of runs, with a slash at its end."""
        return self.path.strip("/").encode("utf-8", "surrogateescape") + b"/"


# Not compiled here: each hook imports this module, as settings name it.
_CLAUSE: Final = r"(?:==|(?P<by>>=|<))?\s*v?(?P<version>[0-9]+(?:\.[0-9]+){0,5})"


def version_clauses(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """Return the operator and the bound of each clause in a text such as `>=0.40,<0.50`.

    Raises:
        ValueError: a clause is invalid.
    """
    clauses = []
    for clause in text.split(",") if text.strip() else ():
        found = re.fullmatch(_CLAUSE, clause.strip())
        if found is None:
            raise ValueError(
                f"{clause.strip()!r} does not say which versions may be used: write it as in '>=0.40,<0.50'"
            )
        clauses.append((found["by"] or "==", _numbers(found["version"])))
    return clauses


class AgentSettings(Settings):
    """An agent's command line, by the name that `--agent` takes."""

    command: list[str] = required("it reads the brief from standard input or `{brief}`", min_length=1)
    version: str = setting("", "allowed versions, such as `>=0.40,<0.50`", check=version_clauses)
    allow_flags: list[str] = setting(
        [], "high-trust words that it may have, such as `danger-full-access`", tightens="fewer"
    )
    model: str = setting("", "the model it calls")


def seconds(text: str) -> int:
    """Return the number of seconds in a duration such as `20m`."""
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


# A number with at least one dot, and the mark of a pre-release: `0.50.0-alpha.3`, `1.0rc1`.
_VERSION: Final = (
    r"(?<![0-9A-Za-z.])v?(?P<numbers>[0-9]+(?:\.[0-9]+){1,5})"
    r"(?P<before>-[0-9A-Za-z][0-9A-Za-z.-]*|(?:a|b|rc|\.?dev)[0-9]+)?(?P<after>\+[0-9A-Za-z.-]+)?"
)


def version_in(output: str, wanted: str = "") -> str:
    """Find the first version in the output of `--version`, and return it if it is allowed.

    A pre-release of 0.50 is neither below 0.50 nor equal to it. So a clause allows it only if 0.50 is not its
    bound.

    Args:
        output: the output of the tool.
        wanted: the allowed versions; empty: any.

    Returns:
        The version as the tool prints it; empty if the output has none, or one that is not allowed.

    Raises:
        ValueError: `wanted` has an invalid clause.
    """
    found = re.search(_VERSION, output)
    if found is None:
        return ""
    numbers, is_prerelease = _numbers(found["numbers"]), found["before"] is not None
    fits = all(_is_allowed(numbers, is_prerelease, by, bound) for by, bound in version_clauses(wanted))
    return found[0].removeprefix("v") if fits else ""


def _is_allowed(numbers: tuple[int, ...], is_prerelease: bool, by: str, bound: tuple[int, ...]) -> bool:
    length = max(len(numbers), len(bound))
    mine, other = (one + (0,) * (length - len(one)) for one in (numbers, bound))
    if mine == other:
        return by != "<" and not is_prerelease
    return by == (">=" if mine > other else "<")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


ROLES: Final = {"research": "researcher", "review": "reviewer", "plan-review": "reviewer"}
"""The roles of kinds of runs, and of the contracts of their documents; all others have the role `coder`."""


class RoleModels(Settings):
    """The models that may be used in one role, beside those of every role."""

    allow: list[Expression] = setting([], "allowed models")
    default: str = setting("", "if none is named")


class Models(Settings):
    """The models that may be used, by expressions over their names; denied ones stay denied."""

    allow: list[Expression] = setting([], "allowed models; by default any", tightens="only")
    deny: list[Expression] = setting([], "denied models", tightens="more")
    default: str = setting("", "if none is named")
    reviewer: RoleModels = setting(RoleModels(), "reviewing options")
    researcher: RoleModels = setting(RoleModels(), "doing research")
    coder: RoleModels = setting(RoleModels(), "doing tasks and items")

    def role_of(self, what: str, otherwise: str = "") -> str:
        """Return the role in which a kind of run or artifact uses a model."""
        return ROLES.get(what, otherwise)

    def of(self, role: str) -> RoleModels:
        """Return the settings of a role; empty settings if the role is empty, which means unknown."""
        settings: RoleModels = getattr(self, role) if role else RoleModels()
        return settings

    def named_by(self, role: str) -> str:
        """Return the key of the list that a role's model must be on; empty if any model is allowed."""
        return f"models.{role}.allow" if self.of(role).allow else "models.allow" if self.allow else ""

    def suggested(self, role: str) -> str:
        """Return the default model of a role; empty if it is unknown."""
        return self.of(role).default or self.default

    def refusal(self, *names: str, role: str = "") -> tuple[str, str] | None:
        """Return the reason why a model is not allowed; None if it is.

        Args:
            names: its name, as written and in other forms; one match with a list is enough.
            role: the model's use: `reviewer`, `researcher` or `coder`; empty if it is unknown.

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
        if not all(map(str.isascii, names)):
            return "a model's name has only ASCII letters", "models.allow"
        return None

    def problem(self) -> str:
        """Return the problem with the table as a whole; empty without a problem."""
        for role in ("", *dict.fromkeys(ROLES.values()), "coder"):
            default = self.of(role).default if role else self.default
            if default and (refused := self.refusal(default, role=role)):
                key = f"{role}.default" if role else "default"
                table = f"[models.{role}]" if role else "[models]"
                write = f"write {table} with an `allow` and a `default` of your own"
                return f"`{key}` is {default!r}, but {refused[0]}; {write}"
        return ""
