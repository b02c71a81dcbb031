"""Real agents' programs, driven without a model, run hooks that `specguard init` writes, and obey them."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from specguard.integrations.hooks.dialects import MOMENTS
from specguard.integrations.hooks.settings import HOSTS, ask_codex, trust_of
from specguard.testing import Outcome, run
from specguard.testing.repository import clean_environment
from specguard.testing.running import command
from tests.integrations.agents.model import Model
from tests.integrations.hooks.asking import guarded

PROGRAMS: Final = "SPECGUARD_TEST_AGENTS"
"""The variable that names a folder of agents' programs, such as `node_modules/.bin`."""

# Each test starts with an environment that says nothing.
_PATH: Final = f"{os.environ.get(PROGRAMS, '')}:{os.environ.get('PATH', '')}"

SECONDS: Final = 120


def program(agent: str) -> str:
    """The path of an agent's program; the test is skipped where there is none."""
    found = shutil.which(HOSTS[agent].program, path=_PATH)  # type: ignore[index]  # one of the names
    if found is None:
        pytest.skip(f"{agent} is not installed: it is looked for in ${PROGRAMS} and on the path")
    return os.path.abspath(found)


class Driven:
    """An agent's program in a guarded repository, with a home folder of its own.

    Args:
        agent: its name.
        folder: an empty folder for the repository and the home folder.

    Attributes:
        repository: the repository.
        root: the folder in which the program works.
        home: the home folder.
    """

    def __init__(self, agent: str, folder: Path) -> None:
        self.agent = agent
        self.program = program(agent)
        self.repository = guarded(folder / "work")
        self.root = Path(self.repository.path).resolve()
        self.home = folder / "home"
        self.home.mkdir()
        done = self.specguard("init", "--agent", agent)
        assert done.exit_code == 0, done

    def environment(self, *, found: bool = True) -> dict[str, str]:
        """The variables of the program; specguard is on the path, or is not."""
        node = shutil.which("node", path=_PATH)
        folders = [
            os.path.dirname(self.program),
            *([os.path.dirname(node)] if node else []),
            "/usr/bin",
            "/bin",
        ]
        if found:
            folders.insert(0, os.path.dirname(command()))
        clean = {key: value for key, value in clean_environment().items() if key != "CODEX_HOME"}
        return {**clean, "HOME": str(self.home), "PATH": ":".join(folders), "TERM": "dumb"}

    def specguard(self, *words: str) -> Outcome:
        """Run the installed command beside the agent."""
        return run(*words, directory=self.root, env=self.environment())

    def doctor(self) -> dict[str, Any]:
        """What `specguard doctor` says of each subject."""
        said = self.specguard("doctor", "--output-format", "json")
        return {one["subject"]: one for one in json.loads(said.stdout)}

    def record(self, file: Path) -> None:
        """Have every event recorded too, by hooks beside specguard's."""
        place = self.root / HOSTS[self.agent].file  # type: ignore[index]  # one of the names
        data = json.loads(place.read_text())
        recorder = {"type": "command", "command": f"cat >> '{file}'; echo >> '{file}'"}
        for groups in data["hooks"].values():
            groups.append({"hooks": [recorder]})
        place.write_text(json.dumps(data))

    def writing(self, path: str, content: str) -> tuple[str, Mapping[str, Any]]:
        """The call by which the model writes a new file."""
        if self.agent == "codex":
            lines = "".join(f"+{line}\n" for line in content.splitlines())
            patch = f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n"
            return "apply_patch", {"input": patch}
        tool = "Write" if self.agent == "claude" else "write_file"
        return tool, {"file_path": str(self.root / path), "content": content}

    def running(self, text: str) -> tuple[str, Mapping[str, Any]]:
        """The call by which the model runs a command."""
        if self.agent == "codex":
            return "exec_command", {"cmd": text}
        tool = "Bash" if self.agent == "claude" else "run_shell_command"
        return tool, {"command": text, "description": "a command"}

    def work(self, *calls: tuple[str, Mapping[str, Any]], trusting: bool = True, found: bool = True) -> Model:
        """Have the program do what the model calls, and end.

        Args:
            calls: what the model has it do.
            trusting: whether the program is told to trust the project's hooks without a person.
            found: whether specguard is on its path.

        Returns:
            The model, with all that it was told.
        """
        with Model(*calls) as model:
            words, variables = getattr(self, f"_{self.agent}")(model, trusting)
            done = subprocess.run(
                [self.program, *words],
                cwd=self.root,
                env={**self.environment(found=found), **variables},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        assert model.requests, done
        return model

    def _claude(self, model: Model, trusting: bool) -> tuple[Sequence[str], Mapping[str, str]]:
        variables = {
            "ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
        }  # fmt: skip
        off = [] if trusting else ["--settings", '{"disableAllHooks": true}']
        words = ["-p", "go", "--permission-mode", "acceptEdits", "--allowedTools", "Bash,Write"]
        return [*words, *off], variables

    def _gemini(self, model: Model, trusting: bool) -> tuple[Sequence[str], Mapping[str, str]]:
        folder = self.home / ".gemini"
        folder.mkdir(exist_ok=True)
        settings = {
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "privacy": {"usageStatisticsEnabled": False},
            "general": {"disableAutoUpdate": True, "enableAutoUpdate": False},
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        variables = {"GOOGLE_GEMINI_BASE_URL": model.url, "GEMINI_API_KEY": "none"}
        if trusting:
            variables["GEMINI_CLI_TRUST_WORKSPACE"] = "true"
        words = ["-p", "go", "--approval-mode", "yolo", "-m", "gemini-2.5-flash"]
        return [*words, *([] if trusting else ["--skip-trust"])], variables

    def _codex(self, model: Model, trusting: bool) -> tuple[Sequence[str], Mapping[str, str]]:
        self.configure_codex(model.url)
        words = ["exec", "--sandbox", "danger-full-access"]
        if trusting:
            words.append("--dangerously-bypass-hook-trust")
        return [*words, "go"], {"STAND_IN_KEY": "none"}

    def configure_codex(self, url: str = "http://127.0.0.1:9", more: str = "") -> None:
        """Write the user's settings of Codex: the model's address, and that the folder is trusted."""
        folder = self.home / ".codex"
        folder.mkdir(exist_ok=True)
        kept = folder / "trusted.toml"
        if more:
            kept.write_text(more)
        (folder / "config.toml").write_text(
            # The model has to be one that Codex knows to have `apply_patch`.
            'model = "gpt-5.5"\nmodel_provider = "stand-in"\n'
            f'[model_providers.stand-in]\nname = "stand-in"\nbase_url = "{url}/v1"\n'
            'env_key = "STAND_IN_KEY"\nwire_api = "responses"\n'
            f'[projects."{self.root}"]\ntrust_level = "trusted"\n'
            + (kept.read_text() if kept.exists() else "")
        )


EACH = pytest.mark.parametrize("agent", ["claude", "codex", "gemini"])

KEEP = os.environ.get("SPECGUARD_KEEP_EVENTS", "")
"""A folder into which the events that the programs send are written, to become test data."""


@EACH
def test_what_is_guarded_is_not_written_and_all_else_is(agent: str, tmp_path: Path) -> None:
    driven = Driven(agent, tmp_path)
    events = tmp_path / "events"
    driven.record(events)
    model = driven.work(
        driven.writing("docs/api/new.yaml", "x\n"),
        driven.running("sed -i s/a/b/ docs/api/x.yaml"),
        driven.writing("src/new.py", "y = 1\n"),
    )
    assert not (driven.root / "docs/api/new.yaml").exists()
    assert (driven.root / "docs/api/x.yaml").read_text() == "a\n"
    assert (driven.root / "src/new.py").read_text() == "y = 1\n"
    heard = model.heard
    assert "specguard refuses this edit" in heard
    assert "specguard refuses this command" in heard
    assert "docs/api/ is forbidden" in heard
    # At the start of the session.
    assert "specguard guards this repository" in heard
    assert driven.doctor()[f"hooks of {agent}"]["status"] == "ok"
    names = {json.loads(line)["hook_event_name"] for line in events.read_text().splitlines() if line}
    assert {"before", "stop", "start"} <= {MOMENTS[name.lower()] for name in names}
    if KEEP:
        Path(KEEP, f"{agent}.jsonl").write_text(events.read_text())


@EACH
def test_what_could_not_be_told_is_told_afterwards_and_holds_up_the_end(agent: str, tmp_path: Path) -> None:
    driven = Driven(agent, tmp_path)
    script = "import pathlib; pathlib.Path('docs/' + 'api/x.yaml').write_text('z')"
    model = driven.work(driven.running(f"python3 -c {shlex.quote(script)}"))
    assert (driven.root / "docs/api/x.yaml").read_text() == "z"
    heard = model.heard
    assert "After this command specguard has 1 new finding" in heard
    assert "specguard has checked the working tree; 1 finding left" in heard
    assert "said 3 of 3 times" in heard
    assert len(model.requests) < 12


@EACH
def test_without_specguard_nothing_is_written(agent: str, tmp_path: Path) -> None:
    driven = Driven(agent, tmp_path)
    driven.work(driven.writing("src/new.py", "y = 1\n"), found=False)
    assert not (driven.root / "src/new.py").exists()


@pytest.mark.parametrize("agent", ["codex", "gemini"])
def test_hooks_that_are_not_trusted_do_not_run_and_doctor_says_so(agent: str, tmp_path: Path) -> None:
    driven = Driven(agent, tmp_path)
    driven.work(driven.writing("docs/api/new.yaml", "x\n"), trusting=False)
    assert (driven.root / "docs/api/new.yaml").exists()
    said = driven.doctor()
    assert said[f"trust of {agent}"]["status"] == "note"
    assert said[f"trust of {agent}"]["help"]


def test_hooks_that_codex_trusts_run_and_doctor_says_so(tmp_path: Path) -> None:
    driven = Driven("codex", tmp_path)
    driven.configure_codex()
    (said,) = ask_codex(driven.program, str(driven.root), driven.environment())["data"]
    listed = said["hooks"]
    assert (said["warnings"], said["errors"], len(listed)) == ([], [], 5)
    trusted = "".join(
        f'[hooks.state."{one["key"]}"]\ntrusted_hash = "{one["currentHash"]}"\n' for one in listed
    )
    driven.configure_codex(more=trusted)
    driven.work(driven.writing("docs/api/new.yaml", "x\n"), trusting=False)
    assert not (driven.root / "docs/api/new.yaml").exists()
    assert driven.doctor()["trust of codex"]["status"] == "ok"
    # Whoever changes a hook has to have it trusted anew.
    place = driven.root / ".codex/hooks.json"
    place.write_text(place.read_text().replace('"timeout": 30', '"timeout": 31'))
    trust = trust_of(HOSTS["codex"], driven.program, str(driven.root), driven.environment())
    assert trust.trusted is False
    assert "modified" in trust.reason
