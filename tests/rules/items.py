"""What the tests of rules share: a way to judge by one rule, and to type what is told next."""

import subprocess
from pathlib import Path
from typing import Any

from specguard.testing import Case, Outcome, Repository, Step, run_case
from specguard.testing.repository import clean_environment


def judge(code: str, directory: Path, *, state: Any = "", found: Any = None, **case: Any) -> Outcome:
    """Judge a case by one rule; `args` are added to the selection.

    `state` is the rule's own, which ends with 2 where it is indeterminate; `found` is its only finding,
    which ends with 0 where it is a warning. With `expect=None` nothing is compared.
    """
    if state:
        case["states"] = {code: state}
    if found:
        case["expect"] = [found]
    if state == "indeterminate" or (found and found.get("severity") == "warning"):
        case.setdefault("exit_code", 2 if state else 0)
    args = (f"--select={code}", *case.pop("args", ()))
    expect = case.pop("expect", ())
    if expect is not None:
        expect = [{"code": code, **finding} for finding in expect]
    return run_case(Case(args=args, expect=expect, **case), directory, installed=False)


def step(message: str | bytes = "feat: change", path: str = "a", content: str = "b\n", **more: Any) -> Step:
    """A commit that changes one file."""
    return Step(message, files={path: content}, **more)


def identity(repository: Repository) -> dict[str, str]:
    """Who types: the author of the last commit, with no editor at hand."""
    person = repository.git("log", "-1", "--format=%an%n%ae").split("\n")
    variables = {**clean_environment(), "EDITOR": "false"}
    for name, value in zip(("NAME", "EMAIL"), person, strict=True):
        variables |= {f"GIT_AUTHOR_{name}": value, f"GIT_COMMITTER_{name}": value}
    return variables


def type_in(repository: Repository, command: str) -> None:
    """Type a command in a shell, where it has to succeed."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=repository.path, env=identity(repository), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (command, done.stdout, done.stderr)
