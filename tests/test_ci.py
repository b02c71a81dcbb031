"""`.ci/check` judges something on every checkout, says what, and fails where that fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from specguard.testing import Repository, Step
from specguard.testing.repository import clean_environment

SCRIPT = Path(__file__).parent.parent / ".ci" / "check"
AUTHORITY = """# Authority

## Locked zones

- `LICENSE`

```toml specguard
base = "main"

[rules.commit-form]
subject_max = 50
```
"""
LONG = "feat: a subject that goes on and on until nobody reads it"


def check(repository: Repository, cache: Path) -> tuple[int, str]:
    """The script's exit code, and all it printed."""
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [SCRIPT],
        cwd=repository.path,
        env={**clean_environment(), "PATH": path, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(repository: Repository) -> Repository:
    """A project with some history, the last commit of which changed what is locked."""
    repository.add_commits(
        [
            Step("feat: begin", files={"SPEC_AUTHORITY.md": AUTHORITY, "LICENSE": "1"}),
            Step("feat: go on", files={"a": "1"}),
            Step("docs: change the licence", files={"LICENSE": "2"}),
        ],
        refs={"refs/remotes/origin/main": "2"},
    )
    return repository


def test_the_base_itself_and_a_commit_alone_are_judged_by_the_newest_commits(
    project: Repository, tmp_path: Path
) -> None:
    newest = "check: the newest 2 commits of the base"
    code, said = check(project, tmp_path)
    assert code == 0, said
    assert said.startswith(newest)
    project.commit(LONG)
    project.publish()
    code, said = check(project, tmp_path)
    assert code == 1
    assert "CMT003" in said
    project.checkout("main~1", detach=True)
    project.git("branch", "-q", "-D", "main")
    project.git("update-ref", "-d", "refs/remotes/origin/main")
    code, said = check(project, tmp_path)
    assert code == 0, said
    assert said.startswith(newest)


def test_a_branch_is_judged_since_it_left_the_base(project: Repository, tmp_path: Path) -> None:
    project.branch("topic", "main~1")
    project.commit("feat: more", files={"b": "1"})
    code, said = check(project, tmp_path)
    assert code == 0, said
    assert said.startswith("check: this branch, since it left origin/main")
    project.commit("docs: change the licence", files={"LICENSE": "3"})
    code, said = check(project, tmp_path)
    assert code == 1
    assert "PTH002" in said


def test_a_shallow_clone_has_only_the_authority(project: Repository, tmp_path: Path) -> None:
    code, said = check(project.clone(tmp_path / "shallow", depth=2), tmp_path)
    assert code == 0, said
    assert said == "check: the authority alone, as this checkout has no history to judge\n"
    project.commit(
        "feat: break it", files={"SPEC_AUTHORITY.md": AUTHORITY.replace("commit-form", "comit-form")}
    )
    code, said = check(project.clone(tmp_path / "broken", depth=1), tmp_path)
    assert code == 2
    assert "comit-form" in said
