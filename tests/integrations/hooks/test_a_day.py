"""Events of a coding agent's day: nobody is told what they cannot use, and all in few words."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.integrations.hooks.asking import Asked, Session, begun, call, guarded
from tests.integrations.hooks.shell.running import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Repository

POLICY = """# Authority

```toml specguard
base = "main"

[rules.forbidden-path]
paths = ["api/"]

[rules.locked-path]
paths = ["docs/", "SPEC_AUTHORITY.md"]

[rules.commit-form]
subject_max = 60

[[rules.forbidden-content.forbid]]
pattern = "DO NOT COMMIT"
paths = ["src/**"]
message = "left over"
```
"""

TOOLS: list[tuple[str, dict[str, Any]]] = [
    ("Read", {"file_path": "api/x.yaml"}),
    ("Grep", {"pattern": "x", "path": "docs"}),
    ("Write", {"file_path": "src/b.py", "content": "y = 1\n"}),
    ("Edit", {"file_path": "src/a.py", "old_string": "x = 1", "new_string": "x = 2"}),
    ("Edit", {"file_path": "src/a.py", "old_string": "not there", "new_string": "x = 2"}),
    ("NotebookEdit", {"notebook_path": "src/n.ipynb", "new_source": "1", "cell_id": "c"}),
    ("mcp__github__create_pull_request", {"title": "feat: x", "body": "y"}),
    ("mcp__playwright__browser_click", {"ref": "e1"}),
]

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Write", {"file_path": "docs/1.md", "content": "new\n"}, "PTH002"),
    ("Edit", {"file_path": "api/x.yaml", "old_string": "a", "new_string": "b"}, "PTH001"),
    ("Write", {"file_path": "src/b.py", "content": "DO NOT COMMIT\n" * 30}, "CNT001"),
    ("Bash", {"command": "rm -rf docs"}, "PTH002"),
    ("Bash", {"command": "git mv docs manual"}, "PTH002"),
    ("Bash", {"command": "rm -rf api docs && rm SPEC_AUTHORITY.md"}, "PTH001"),
    ("Bash", {"command": f'git commit -m "feat: {"reconfiguration " * 6}"'}, "CMT"),
    ("Bash", {"command": "git commit --no-verify -m x"}, "--no-verify"),
    ("Bash", {"command": "git push origin HEAD:main"}, "base of this session"),
    ("Bash", {"command": "rm -rf .git"}, "git's own folder"),
]

DONE: list[tuple[str, str]] = [
    ("rm -rf docs", "git checkout"),
    ("git mv docs manual", "PTH002 locked-path (32 findings)"),
    (
        "mkdir -p api/gen && for n in $(seq 31); do echo $n > api/gen/$n.py; done",
        "PTH001 forbidden-path (31 findings)",
    ),
    (
        'for n in $(seq 20); do echo x > "api/a file whose name has as many words as this $n"; done',
        "PTH001 forbidden-path (20 findings)",
    ),
    ("for f in docs/*.md; do echo more >> $f; done; git add -A", "git checkout"),
    ("echo 'DO NOT COMMIT' >> src/a.py; echo x > docs/x.md; echo x > api/x.yaml", "CNT001"),
]
"""What commands leave that are not certain before they run, and a part of what is said after them."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = guarded(tmp_path_factory.mktemp("day") / "repository", policy=POLICY)
    made.checkout("main")
    files = {f"docs/{number}.md": f"{number}\n" for number in range(31)}
    made.commit("docs: more", files={**files, "api/x.yaml": "a\n", "README.md": "x\n"})
    made.git("branch", "-f", "work", "main")
    made.checkout("work")
    return made


def before(session: Session, tool: str, given: dict[str, Any]) -> Asked:
    path = session.repository.path
    given = {key: str(path / one) if key.endswith("_path") else one for key, one in given.items()}
    return session.ask(call(tool, given, path))


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_ordinary_events_are_answered_by_silence(agent: str, repository: Repository) -> None:
    day = begun(repository, agent)
    events = [("Bash", {"command": command}) for command in COMMANDS["lists"]["silent"]] + TOOLS
    said = {str(given): asked.stdout for tool, given in events if (asked := before(day, tool, given)).stdout}
    assert not said
    assert day.after().kind == "pass"


@pytest.mark.parametrize("agent", ["claude", "codex"])
@pytest.mark.parametrize(("tool", "given", "part"), REFUSED)
def test_a_refusal_is_short(
    agent: str, tool: str, given: dict[str, Any], part: str, repository: Repository
) -> None:
    refusal = before(begun(repository, agent), tool, given).refusal
    assert part in refusal
    assert "next: " in refusal
    assert len(refusal.split()) <= 70, refusal


@pytest.mark.parametrize("agent", ["claude", "codex"])
@pytest.mark.parametrize(("command", "part"), DONE)
def test_the_end_of_a_turn_is_short(
    agent: str, command: str, part: str, repository: Repository, tmp_path: Path
) -> None:
    repository.git("clone", "-q", "--no-hardlinks", str(repository.path), str(tmp_path / "clone"))
    clone = type(repository)(tmp_path / "clone")
    day = begun(clone, agent)
    subprocess.run(["bash", "-c", command], cwd=clone.path, check=True)
    for said in (day.after().refusal, day.stop().refusal):
        assert part in said
        assert len(said.split()) <= 120, said
