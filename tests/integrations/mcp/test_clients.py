"""The agents' own programs, where they are installed, connect to the server; no model is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from specguard.testing.repository import clean_environment
from tests.integrations.mcp.asking import COMMAND

if TYPE_CHECKING:
    from specguard.testing import Repository

AGENTS = {
    "claude": (["mcp", "add", "specguard", "--", "specguard", "mcp"], ["mcp", "list"]),
    "gemini": (["mcp", "add", "specguard", "specguard", "mcp"], ["mcp", "list"]),
}


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_connects(agent: str, repository: Repository, tmp_path: Path) -> None:
    program = shutil.which(agent)
    if program is None:
        pytest.skip(f"{agent} is not installed")
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **clean_environment(),
        "HOME": str(home),
        "PATH": f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    said = ""
    for words in AGENTS[agent]:
        done = subprocess.run(
            [program, *words],
            cwd=repository.path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
    [line] = [one for one in said.splitlines() if "specguard" in one]
    assert "Connected" in line
