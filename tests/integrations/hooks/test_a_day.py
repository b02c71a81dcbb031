"""Events of a coding agent's day: nobody is told what they cannot use, and all in few words."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository
from tests.integrations.hooks.asking import Asked, Session, begun, call, guarded
from tests.integrations.hooks.shell.running import COMMANDS
from tests.rows import recorded, rows


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = guarded(tmp_path_factory.mktemp("day") / "repository", policy=recorded(__file__, "policy"))
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
    events = [("Bash", {"command": command}) for command in COMMANDS["lists"]["silent"]]
    events += rows(__file__, "silent")
    said = {str(given): asked.stdout for tool, given in events if (asked := before(day, tool, given)).stdout}
    assert not said
    assert day.after().kind == "pass"


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_a_refusal_is_short(agent: str, repository: Repository) -> None:
    day = begun(repository, agent)
    for tool, given, part in rows(__file__, "refused"):
        refusal = before(day, tool, given).refusal
        assert part in refusal
        assert "next: " in refusal
        assert len(refusal.split()) <= 70, refusal


@pytest.mark.parametrize(("agent", "command", "part"), rows(__file__, "done"))
def test_the_end_of_a_turn_is_short(
    agent: str, command: str, part: str, repository: Repository, tmp_path: Path
) -> None:
    clone = repository.clone(tmp_path / "clone")
    day = begun(clone, agent)
    subprocess.run(["bash", "-c", command], cwd=clone.path, check=True)
    for said in (day.after().refusal, day.stop().refusal):
        assert part in said
        assert len(said.split()) <= 120, said
