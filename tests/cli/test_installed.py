"""Each command, installed, answers what its entry point answers in the tests' own process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.cli.app import COMMANDS
from specguard.testing import Repository, Step, run, run_here
from tools.pages import normal

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITY = """# Authority

```toml specguard
base = "main"

[rules.forbidden-path]
paths = ["docs/api/"]

[work.phase]
pointer = ["NEXT.json"]
number = "next"
branch = "phase-{number}"
```
"""
FILES = {"SPEC_AUTHORITY.md": AUTHORITY, "NEXT.json": '{"next": 12}\n', "docs/api/x": "a\n"}
ARGUMENTS = {
    "approvals": ["list"],
    "approve": [],
    "baseline": [],
    "audit": ["--store=audits.sqlite"],
    "brief": ["phase"],
    "check": ["--output-format=json"],
    "docs": ["--directory=pages", "--check"],
    "doctor": [],
    "error": ["no-base"],
    "eval": ["--help"],
    "hook": ["claude"],
    "import": ["--help"],
    "init": ["--help"],
    "lsp": ["--help"],
    "mcp": ["--help"],
    "new": ["--help"],
    "plan": ["check"],
    "policy": [],
    "rule": ["PTH001"],
    "run": ["list"],
    "status": [],
    "test": [],
    "why": ["docs/api/x"],
}


def test_no_command_is_missing() -> None:
    assert set(ARGUMENTS) == set(COMMANDS)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_the_installed_command_answers_the_same(command: str, tmp_path: Path) -> None:
    answers = []
    for runner in (run, run_here):
        # Each has a repository of its own: some commands leave something in it.
        repository = Repository(tmp_path / runner.__name__)
        repository.add_commits([Step("chore: base", files=FILES)])
        repository.branch("phase-12")
        repository.commit("feat: change", files={"docs/api/x": "b\n"})
        done = runner(
            command, *ARGUMENTS[command],
            directory=repository.path,
            env={"XDG_CACHE_HOME": str(tmp_path / "cache")},
        )  # fmt: skip
        said = normal(f"{done.exit_code}\n{done.stdout}\n{done.stderr}")
        answers.append(said.replace(str(repository.path), "<repository>"))
    assert answers[0] == answers[1]
