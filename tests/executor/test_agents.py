"""Agents: which ones the policy lets run, and how their work ends. They are small programs."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from specguard.errors import SpecguardError
from specguard.executor.agent import AgentCommand, resolve_agent, run_agent
from specguard.executor.place import Place
from specguard.executor.run import Run, RunEnded, RunOptions
from tests.executor.one_run import one_run, policy_of
from tests.executor.places import DATA, program
from tests.rows import rows

POLICY = DATA.joinpath("agents.toml").read_text()


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs, which is the path."""
    folder = tmp_path / "bin"
    program(folder / "codex", "echo codex-cli 0.46.0")
    for name in ("codex-wild", "tame", "old-agent", "other", "npx"):
        program(folder / name, "echo other 9.9")
    return folder


def resolved(programs: Path, *command: str, policy: str = POLICY, **options: Any) -> AgentCommand:
    environment = {"PATH": f"{programs}:/usr/bin:/bin"}
    return resolve_agent(policy_of(policy), RunOptions(environment=environment, command=command, **options))


def test_which_agent_it_is(programs: Path) -> None:
    """By its name in the policy, or its command; what the policy says of an agent holds for both."""
    agent = resolved(programs, agent="codex", approval_policy="on-request")
    assert agent.name == agent.display_name == "codex"
    assert agent.words == ["codex", "exec", "--sandbox", "workspace-write", "-"]
    assert agent.version == "0.46.0"
    agent = resolved(programs, "other", "--model", "gpt-5", "-")
    assert (agent.name, agent.display_name, agent.version) == ("", "other", None)
    assert resolved(programs, "codex", "exec", "-").version == "0.46.0"
    assert resolved(programs, "env", "X=1", f"{programs}/codex", "exec", "-").name == "codex"
    assert resolved(programs, "tame", "--approval-mode=yolo").name == "tame"
    with pytest.raises(SpecguardError, match="does not allow the agent's --yolo"):
        # Of two that one program is, the first counts.
        resolved(programs, "tame", "--yolo")
    policy = '[runs]\napproval_policies = ["never"]'
    assert resolved(programs, "other", policy=policy, approval_policy="never").name == ""
    # A path is meant from where the caller is.
    other = programs / "other"
    assert resolved(programs, os.path.relpath(other), directory="repo").words == [str(other)]


@pytest.mark.parametrize(("command", "options", "said"), rows(__file__, "what_the_policy_does_not_let_run"))
def test_what_the_policy_does_not_let_run(
    command: tuple[str, ...], options: dict[str, Any], said: str, programs: Path
) -> None:
    with pytest.raises(SpecguardError, match=said) as raised:
        resolved(programs, *command, **options)
    assert raised.value.help


@pytest.mark.parametrize(("script", "said"), rows(__file__, "another_version_or_none_stops_here"))
def test_another_version_or_none_stops_here(
    script: str, said: str, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sleep" in script:
        monkeypatch.setattr("specguard.executor.agent.LIMIT", 0.3)
    program(programs / "codex", script)
    with pytest.raises(SpecguardError) as raised:
        resolved(programs, agent="codex")
    assert raised.value.message.startswith(said)
    assert raised.value.code == "agent-version"
    assert ">=0.40,<0.50" in f"{raised.value.message} {raised.value.help}"
    assert raised.value.line is not None


def test_versions_of_what_is_started_otherwise(programs: Path) -> None:
    """A grandchild keeps the output open; a launcher has no version of the agent."""
    program(programs / "codex", "sleep 5 & echo codex-cli 0.46.0")
    assert resolved(programs, agent="codex").version == "0.46.0"
    (programs / "codex").unlink()
    with pytest.raises(SpecguardError, match="codex --version: it cannot be run"):
        resolved(programs, "npx", "-y", "@openai/codex", "exec", "-")
    with pytest.raises(SpecguardError, match="does not say which versions may be used"):
        policy_of('[agents.x]\ncommand = ["x"]\nversion = "latest"')


# Its work


def ended(run: Run) -> RunEnded:
    with pytest.raises(RunEnded) as raised:
        run_agent(run)
    return raised.value


def a_run(tmp_path: Path, script: str, policy: str = "", **options: Any) -> Run:
    """A run whose agent is a shell script, in a place of its own."""
    place = tmp_path / "place"
    place.mkdir()
    words = options.pop("command", ("sh", "-c", script))
    run = one_run(tmp_path / "runs", policy, command=words, **options)
    run.made_place = Place(str(place), base="0" * 40)
    run.manifest.attempts = 1
    run.folder.write("brief.md", "# Do this\n")
    return run


def test_later_rounds_read_what_is_to_be_mended_and_the_brief(tmp_path: Path) -> None:
    run = a_run(tmp_path, "cat > got; pwd > where")
    record = run_agent(run)
    place = tmp_path / "place"
    assert (place / "got").read_text() == "# Do this\n"
    assert (place / "where").read_text().strip() == str(place)
    assert (record.kind, record.source, record.grade, record.name) == ("agent", "flag", "claimed", "sh")
    run.manifest.attempts = 2
    run.feedback += ["## Tests fail\n\nE assert 1 == 2\n", "## Rules that the change breaks\n"]
    run_agent(run)
    got = (place / "got").read_text()
    assert got.startswith("# Mend this: round 2 of 3\n")
    assert got.index("E assert 1 == 2") < got.index("## Rules that") < got.index("# Do this")
    assert "SPECGUARD_STOP.md" in got
    assert run.feedback == []
    assert Path(run.folder.file("mend-2.md")).read_text() == got


def test_the_brief_as_a_file_and_a_stop_note_of_the_base(tmp_path: Path) -> None:
    """That note is none."""
    run = a_run(tmp_path, "", command=("sh", "-c", 'cat "$1" > got; cat >> got', "agent", "{brief}"))
    (tmp_path / "place" / "SPECGUARD_STOP.md").write_text("committed by mistake\n")
    run_agent(run)
    assert (tmp_path / "place" / "got").read_text() == "# Do this\n"


def test_a_sandbox_stands_before_the_agent(tmp_path: Path) -> None:
    wrapper = program(tmp_path / "wrap", 'echo "in $1"; shift; exec "$@"')
    policy = f'[runs]\nsandbox = ["{wrapper}", "{{place}}"]'
    run = a_run(tmp_path, "echo here; cat", policy)
    record = run_agent(run)
    log = Path(run.folder.file(record.log)).read_text()
    assert log == f"in {tmp_path}/place\nhere\n# Do this\n"


def test_an_agent_that_stops_says_why(tmp_path: Path) -> None:
    note = "# Stop\\n\\nThe document and the schema\\ncontradict each other.\\n"
    run = a_run(tmp_path, f"printf '{note}' > SPECGUARD_STOP.md; exit 7")
    end = ended(run)
    assert (end.state, end.exit_code) == ("stopped", 4)
    assert end.message == "sh stopped: The document and the schema contradict each other."
    assert not (tmp_path / "place" / "SPECGUARD_STOP.md").exists()
    assert "contradict" in Path(run.folder.file("stop.md")).read_text()


@pytest.mark.parametrize("script", rows(__file__, "a_stop_that_is_no_text_is_one_too"))
def test_a_stop_that_is_no_text_is_one_too(script: str, tmp_path: Path) -> None:
    end = ended(a_run(tmp_path, script))
    assert end.state == "stopped"
    assert "root" not in end.message
    assert not os.path.lexists(tmp_path / "place" / "SPECGUARD_STOP.md")


@pytest.mark.parametrize("row", rows(__file__, "how_an_agents_work_fails"))
def test_how_an_agents_work_fails(row: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, policy, options, state, said = row
    monkeypatch.setattr("specguard.executor.process._AGENT_LEFTOVER_WAIT", 0.2)
    end = ended(a_run(tmp_path, script, policy, **options))
    assert (end.state, end.exit_code, end.command) == (state, 3, 1)
    assert end.message.startswith(said)
    unprinted = "it printed nothing: try it by hand, then: specguard run resume "
    assert end.help.startswith(unprinted) == ("$$" in script)
    assert "exit 9" not in script or end.tail == "no"


def test_a_script_of_the_caller_s_folder_that_the_place_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "agent.sh", "exit 0")
    monkeypatch.chdir(tmp_path)
    end = ended(a_run(tmp_path, "", command=("sh", "agent.sh")))
    assert end.help == "it works in a folder of its own, without agent.sh: give its absolute path"


def test_an_agent_may_end_its_servers_for_a_moment(tmp_path: Path) -> None:
    run = a_run(tmp_path, "setsid sleep 0.8 & exit 0")
    assert run_agent(run).leftovers == []


def test_secrets_in_the_command_stay_out_of_the_manifest(tmp_path: Path) -> None:
    environment = {**os.environ, "MODEL_TOKEN": "q7RtZw9xKe2LmVb4"}
    run = a_run(
        tmp_path, "", command=(sys.executable, "-c", "", "--key=q7RtZw9xKe2LmVb4"), environment=environment
    )
    record = run_agent(run)
    agent = resolve_agent(run.policy, run.options).to_record(run)
    assert agent.command[3] == "--key=[redacted: MODEL_TOKEN]"
    assert "q7RtZw9xKe2LmVb4" not in record.command + Path(run.folder.file("manifest.json")).read_text()
