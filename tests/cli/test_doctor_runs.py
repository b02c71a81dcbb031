"""What `specguard doctor` says of runs."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.running import POLICY, Project, command
from tests.executor.pushed import Hosted

if TYPE_CHECKING:
    from pathlib import Path

AGENTS = """
[agents.pinned]
command = ["pinned-agent", "-"]
version = ">=0.40,<0.50"

[agents.absent]
command = ["absent-agent", "-"]
"""
VERSION = "#!/bin/sh\ntouch {ran}\necho pinned-agent {version}\n"


def found(where: Project | Hosted, code: int = 0, **variables: str) -> dict[str, Any]:
    """What is said of each subject."""
    done = subprocess.run(
        [command(), "doctor", "--output-format", "json"],
        cwd=where.user.path,
        env={**where.environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done
    return {one["subject"]: one for one in json.loads(done.stdout)}


def install(folder: Path, name: str, text: str) -> str:
    """Put a command on a path, which is returned."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_the_remote_the_platform_and_the_folder_of_runs(tmp_path: Path) -> None:
    project = Project(tmp_path)
    said = found(project)
    assert said["remote of runs"]["status"] == "ok"
    assert "on this machine" in said["pull requests"]["said"]
    assert said["runs"]["said"] == f"0 runs in {project.runs}"
    project.runs.write_text("a file")
    assert "cannot be written to" in found(project)["runs"]["said"]


def test_a_platform_that_is_signed_in_or_is_not(tmp_path: Path) -> None:
    hosted = Hosted(tmp_path, files={"SPEC_AUTHORITY.md": POLICY})
    for hosts, status in ((["github.com"], "ok"), ([], "note")):
        hosted.state = {**hosted.state, "signed_in": hosts}
        said = found(hosted)
        assert said["pull requests"]["status"] == status
        assert ("gh is signed in to github.com" in said["pull requests"]["said"]) == bool(hosts)


def test_a_remote_that_is_not_there(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.user.git("remote", "remove", "origin")
    said = found(project)["remote of runs"]
    assert said["status"] == "note"
    assert said["help"]


@pytest.mark.parametrize(("version", "code"), [("0.42.1", 0), ("0.51.0", 1)])
def test_the_version_of_an_agent(tmp_path: Path, version: str, code: int) -> None:
    project = Project(tmp_path, POLICY.replace("[work.phase]", f"{AGENTS}\n[work.phase]"))
    path = install(tmp_path / "tools", "pinned-agent", VERSION.format(ran=tmp_path / "ran", version=version))
    said = found(project, code, PATH=path)
    assert said["agent pinned"]["status"] == ("missing" if code else "ok")
    assert version in said["agent pinned"]["said"]
    assert said["agent absent"]["said"] == "absent-agent is not on the path"


def test_no_program_is_run_for_a_policy_that_is_not_on_the_base(tmp_path: Path) -> None:
    project = Project(tmp_path, "# Nothing yet\n\n```toml specguard\n```\n")
    project.user.git("rm", "-q", "SPEC_AUTHORITY.md")
    project.user.git("commit", "-q", "-m", "chore: none")
    project.user.git("push", "-q", "origin", "main")
    project.user.write("SPEC_AUTHORITY.md", POLICY.replace("[work.phase]", f"{AGENTS}\n[work.phase]"))
    path = install(tmp_path / "tools", "pinned-agent", VERSION.format(ran=tmp_path / "ran", version="9"))
    assert found(project, PATH=path)["agent pinned"]["status"] == "ok"
    assert not (tmp_path / "ran").exists()


def test_a_hook_framework_that_is_missing(tmp_path: Path) -> None:
    project = Project(tmp_path, files={".pre-commit-config.yaml": "repos: []\n"})
    git = install(tmp_path / "tools", "git", '#!/bin/sh\nexec /usr/bin/git "$@"\n').partition(":")[0]
    assert "pip install pre-commit" in found(project, PATH=git)["pre-commit"]["help"]


def test_nothing_is_said_without_work_items(tmp_path: Path) -> None:
    project = Project(tmp_path, '# Authority\n\n```toml specguard\nbase = "main"\n```\n')
    assert not {"runs", "remote of runs", "pull requests"} & set(found(project))
