"""The commands that the documents give for other platforms, with the variables that these set."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.ci.conftest import host
from tests.ci.jobs import RIGHT, ROOT, WRONG, Hosting, Machine
from tests.rows import rows

pytestmark = pytest.mark.xdist_group("workflows")

PAGE = (ROOT / "docs" / "ci.md").read_text().partition("## Elsewhere\n")[2].partition("\n## ")[0]
COMMANDS = dict(re.findall(r"(?ms)^\*\*([\w ]+)\*\*.*?^```bash\n(.*?)^```$", PAGE))

VARIABLES = {one["name"]: one["variables"] for one in rows(__file__, "platforms")}


def test_every_platform_of_the_page_has_its_variables() -> None:
    assert set(COMMANDS) == set(VARIABLES)
    for name, script in COMMANDS.items():
        assert set(re.findall(r"\$\{?([A-Z_]+)", script)) <= set(VARIABLES[name])
        # A value that could be anything is one word.
        assert not re.search(r'(?<!")\$\{?[A-Z_]+(?!.*")', script)


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hosting, dict[int, str]]:
    """A remote with a right and a wrong change, by the exit code of each."""
    hosting = host(tmp_path_factory.mktemp("elsewhere"))
    return hosting, {0: hosting.push(RIGHT, branch="right"), 1: hosting.push(WRONG, branch="wrong")}


@pytest.mark.parametrize("name", list(VARIABLES))
@pytest.mark.parametrize("code", [0, 1])
def test_the_commands_judge(
    name: str, code: int, machine: Machine, pushed: tuple[Hosting, dict[int, str]], tmp_path: Path
) -> None:
    hosting, heads = pushed
    workspace = hosting.checkout(tmp_path / "workspace", heads[code])
    if "git fetch" in COMMANDS[name]:
        workspace.git("update-ref", "-d", "refs/remotes/origin/main")
    # What a job installs is beside the point here.
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "specguard").symlink_to(f"{os.path.dirname(sys.executable)}/specguard")
    env = {key: value.replace("HEAD_OID", heads[code]) for key, value in VARIABLES[name].items()}
    done = machine.run(COMMANDS[name], workspace.path, {**env, "PATH": f"{programs}:{os.environ['PATH']}"})
    assert done.code == code, done.said
    assert ("PTH001" in done.said) is bool(code)
