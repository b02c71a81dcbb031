"""git's own hooks, with the commands that the page about CI gives for them, in a real push and commit."""

import os
import re
import sys
from pathlib import Path

import pytest

from specguard.testing import Case, Repository

PAGE = Path(__file__).parent.parent / "docs" / "ci.md"
CASE = """
policy = '''
base = "main"

[rules.forbidden-path]
paths = ["docs/api/"]

[rules.commit-form]
subject_max = 50
'''
base = {files = {"docs/api/x.yaml" = "a", "src/a" = "a"}}
"""


@pytest.fixture
def hooked(tmp_path: Path) -> Repository:
    """A repository with the three hooks and a bare remote."""
    repository = Case.from_toml(CASE).build(tmp_path / "repository")
    remote = repository.clone(tmp_path / "remote.git", bare=True)
    repository.git("config", "remote.origin.url", f"file://{remote.path}")
    said = re.findall(
        r"`(specguard check --[^`]+)` in\s+`(pre-commit|commit-msg|pre-push)`", PAGE.read_text()
    )
    assert len(said) == 3
    hooks = repository.git_dir / "hooks"
    hooks.mkdir(exist_ok=True)
    for command, hook in said:
        (hooks / hook).write_text(f"#!/bin/sh\n{command}\n")
        (hooks / hook).chmod(0o755)
    return repository


def git(repository: Repository, *arguments: str) -> tuple[int, str]:
    """Run git with its hooks, as a person does."""
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    cache = f"{repository.path}.cache"
    done = repository.process(*arguments, environment={"PATH": path, "XDG_CACHE_HOME": cache}, hooks=True)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_a_right_change_is_committed_and_pushed_and_each_hook_stops_what_is_its_own(
    hooked: Repository,
) -> None:
    hooked.write("src/a", "b")
    hooked.stage()
    assert git(hooked, "commit", "-m", "feat: go on")[0] == 0
    code, said = git(hooked, "push", "origin", "work")
    assert code == 0, said
    assert "specguard: passed (range, 1 commit, 1 file)" in said
    hooked.write("docs/api/x.yaml", "b")
    hooked.stage()
    code, said = git(hooked, "commit", "-m", "feat: go on")
    assert code != 0
    assert "PTH001" in said
    assert git(hooked, "commit", "--no-verify", "-m", "feat: go on")[0] == 0
    code, said = git(hooked, "push", "origin", "work")
    assert code != 0
    assert "PTH001" in said
    hooked.git("reset", "-q", "--hard", "main")
    hooked.write("src/a", "b")
    hooked.stage()
    code, said = git(hooked, "commit", "-m", "feat: a subject that goes on and on until nobody reads it")
    assert code != 0
    assert "CMT003" in said
