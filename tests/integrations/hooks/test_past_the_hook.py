"""Ways past an agent's hook that lead round it: other settings, other programs, other names of the event."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from specguard.integrations.hooks import answering
from specguard.testing import Repository
from specguard.testing.running import command
from tests.integrations.hooks.asking import Session, ask, edit, guarded, write

SETTINGS = '{"hooks": {"PreToolUse": [{"hooks": [{"command": "specguard hook claude || exit 2"}]}]}}\n'


@pytest.mark.threat(
    "T127", "another specguard or git in a folder of `PATH`, or among its packages", "refused"
)
def test_what_the_hook_consists_of_is_not_written(project: Repository, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    for path in (programs / "specguard", programs / "git", f"{packages}/click/core.py", command()):
        asked = edit(project, path, environment=environment)
        assert asked.kind == "refuse", path
    asked = edit(project, str(programs / "other"))
    assert asked.kind == "pass"


@pytest.mark.threat("T128", "a file of the guarded tree, from a repository made within it", "refused")
def test_a_repository_within_does_not_lead_out(project: Repository) -> None:
    inner = guarded(project.path / "inner", policy='# A\n\n```toml specguard\nbase = "main"\n```\n')
    for path in ("../docs/api/x.yaml", f"{project.path}/docs/api/x.yaml"):
        event = {**write(path, inner.path), "turn_id": "1"}
        assert ask("codex", event, inner.path).kind == "refuse"
    assert ask("codex", {**write("a", inner.path), "turn_id": "1"}, inner.path).kind == "pass"
    # A repository around that has no authority is nobody's business.
    (project.path / "SPEC_AUTHORITY.md").unlink()
    shutil.rmtree(project.path / ".git")
    assert ask("codex", {**write("../a", inner.path), "turn_id": "1"}, inner.path).kind == "pass"


@pytest.mark.threat("T129", "an event of a name that is not known, or as another agent's", "refused")
@pytest.mark.parametrize("agent", ["claude", "codex", "gemini", "cursor"])
def test_a_call_of_an_unknown_event_is_judged(agent: str, project: Repository) -> None:
    for name in ("PRETOOLUSE", "pre_tool_use", "PreToolUse ", "ToolUse", "PreToolUse"):
        event = {**write("docs/api/x.yaml", project.path), "hook_event_name": name, "timestamp": "now"}
        asked = ask(agent, event, project.path, environment={"GEMINI_SESSION_ID": "x"})
        assert asked.kind == "refuse", name
    after = {**event, "hook_event_name": "PostToolUseFailure"}
    assert ask(agent, after, project.path).kind == "pass"


@pytest.mark.threat("T129", "what is remembered of a session, forged", "refused three times at most")
def test_a_forged_count_holds_nobody_up_for_ever(project: Repository) -> None:
    project.write("docs/api/x.yaml", "changed\n")
    session = Session(project)
    assert session.stop(again=True).kind == "refuse"
    [file] = (project.path / ".git/specguard/sessions").iterdir()
    file.write_text(json.dumps({"stops": -1000, "told": []}))
    kinds = [session.stop(again=True).kind for _ in range(4)]
    assert kinds == ["refuse", "refuse", "refuse", "tell"]


def test_what_ends_a_hook_in_time_is_no_error_that_a_rule_could_have() -> None:
    assert not issubclass(answering._Late, Exception)


@pytest.mark.threat("T129", "an encoding of the answer that no agent's program reads", "refused")
def test_the_answer_is_in_utf8_whatever_the_environment_says(project: Repository) -> None:
    event = write("docs/api/\u00e9.yaml", project.path)
    for encoding in ("utf-16", "utf-32", "ascii", "cp037"):
        environment = {"PYTHONIOENCODING": encoding}
        assert ask("claude", event, project.path, environment=environment).kind == "refuse"
        asked = ask("claude", b"\xff", project.path, environment=environment)
        assert (asked.code, "not UTF-8" in asked.stderr) == (2, True), encoding
