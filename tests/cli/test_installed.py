"""Each command, installed, answers what its entry point answers in the tests' own process."""

from pathlib import Path

import pytest

from specguard.testing import Repository, Step, run, run_here
from tools.pages import normal

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
LINES = (
    "check --output-format=json", "hook claude", "approvals list", "brief phase", "rule PTH001", "run list",
    "status",
)  # fmt: skip
"""Words of commands of each way into the program: with and without click, alone and in a group."""


@pytest.mark.parametrize("line", LINES)
def test_the_installed_command_answers_the_same(line: str, tmp_path: Path) -> None:
    answers = []
    for runner in (run, run_here):
        # Each has a repository of its own: some commands leave something in it.
        repository = Repository(tmp_path / runner.__name__)
        repository.add_commits([Step("chore: base", files=FILES)])
        repository.branch("phase-12")
        repository.commit("feat: change", files={"docs/api/x": "b\n"})
        done = runner(
            *line.split(),
            directory=repository.path,
            env={"XDG_CACHE_HOME": str(tmp_path / "cache")},
        )  # fmt: skip
        said = normal(f"{done.exit_code}\n{done.stdout}\n{done.stderr}")
        answers.append(said.replace(str(repository.path), "<repository>"))
    assert answers[0] == answers[1]
