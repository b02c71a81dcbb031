"""Which part of a CI or hook file decides whether specguard runs."""

from __future__ import annotations

import pytest

from specguard.documents.data import data_of
from specguard_rules.paths.policy_change import deciding, mentions

WORKFLOW = """\
name: checks
on: [pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: make test
  guard:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: specguard check --enforce
"""

PRE_COMMIT = """\
repos:
- repo: https://example.org/ruff
  rev: v1
  hooks:
  - id: ruff
- repo: https://example.org/specguard
  rev: v0.1.0
  hooks:
  - id: specguard
"""

GITLAB = """\
stages: [test]
unit:
  script: make test
guard:
  script: specguard check --enforce
"""


NEEDING = (
    WORKFLOW.replace("  guard:\n", "  guard:\n    needs:\n    - test\n    - build\n")
    + """\
  build:
    needs: [fetch]
    steps:
      - run: make
  fetch:
    steps:
      - run: make fetch
  other:
    steps:
      - run: make other
"""
)

EXTENDING = (
    GITLAB.replace("guard:\n", "guard:\n  extends: [unit, setup]\n")
    + """\
setup:
  script: make setup
other:
  script: make other
"""
)

AZURE = """\
jobs:
- job: build
  steps:
  - script: make
- job: guard
  dependsOn: build
  steps:
  - script: specguard check
- job: other
  steps:
  - script: make other
"""


def same(before: str, after: str) -> bool:
    """Whether two files have the same deciding part; one that cannot be read has none."""
    old, new = data_of(before.encode(), "yaml"), data_of(after.encode(), "yaml")
    return old.problem is None and new.problem is None and deciding(old.value) == deciding(new.value)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (WORKFLOW, "make test", "make tests"),
        (WORKFLOW, "name: checks", "name: all checks"),
        (WORKFLOW, "name: checks", "name: checks\ndescription: of pull requests"),
        (WORKFLOW, "    steps:\n      - run: make test", "    if: false\n    steps:\n      - run: make test"),
        (WORKFLOW, "  guard:", "  # runs specguard\n\n  guard:"),
        (WORKFLOW, "jobs:\n", "jobs:\n  lint:\n    runs-on: x\n    steps:\n    - run: ruff\n"),
        (PRE_COMMIT, "rev: v1\n", "rev: v2\n"),
        (PRE_COMMIT, "  - id: ruff\n", "  - id: ruff\n  - id: ruff-format\n"),
        (GITLAB, "script: make test", "script: make tests"),
        (NEEDING, "make other", "make others"),
        (EXTENDING, "make other", "make others"),
        (AZURE, "make other", "make others"),
        (AZURE, "- job: other", "- job: more\n  steps: []\n- job: other"),
        (WORKFLOW.replace("\n  ", "\n "), "make test", "make tests"),
    ],
)
def test_a_change_beside_it_leaves_it(text: str, old: str, new: str) -> None:
    assert text.replace(old, new) != text
    assert same(text, text.replace(old, new))


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (WORKFLOW, " --enforce", ""),
        (WORKFLOW, "      - run: specguard check --enforce\n", ""),
        (WORKFLOW, "  guard:\n", "  guard:\n    if: false\n"),
        (WORKFLOW, "  guard:\n", "  guard:\n    continue-on-error: true\n"),
        (WORKFLOW, "specguard check", "specguard check || true #"),
        (WORKFLOW, "      - run: specguard", "      # - run: specguard"),
        (WORKFLOW, "[pull_request]", "[workflow_dispatch]"),
        (WORKFLOW, "on: [pull_request]\n", "on: [pull_request]\nenv:\n  PATH: ./bin\n"),
        (WORKFLOW, "on: [pull_request]", "'on':\n  pull_request:\n    paths: [nowhere]"),
        (PRE_COMMIT, "rev: v0.1.0", "rev: v0.0.1"),
        (PRE_COMMIT, "  - id: specguard\n", "  - id: specguard\n    stages: [manual]\n"),
        (PRE_COMMIT, "repos:\n", "exclude: .*\nrepos:\n"),
        (GITLAB, "guard:\n", "guard:\n  allow_failure: true\n"),
        (GITLAB, "stages: [test]\n", "stages: [test]\n.base:\n  when: never\n"),
        (GITLAB, "unit:\n", "unit: &all\n"),
        (GITLAB, "stages: [test]\n", "stages: [test]\nworkflow:\n  rules: []\n"),
        # A job that others need: where it is skipped, so are they.
        (NEEDING, "  test:\n", "  test:\n    if: false\n"),
        (NEEDING, "  build:\n", "  build:\n    if: false\n"),
        (NEEDING, "  fetch:\n", "  fetch:\n    if: false\n"),
        (AZURE, "- job: build\n", "- job: build\n  condition: false\n"),
        (EXTENDING, "unit:\n", "unit:\n  when: never\n"),
        (EXTENDING, "make setup", "exit 0"),
        # A job's name that a job which counts says anywhere may be that job.
        (NEEDING.replace("    - build\n", "    - build\n    name: other\n"), "make other", "make others"),
        # What stands for something else is not read.
        (GITLAB.replace("guard:\n", "guard:\n  before_script: !reference [x]\n"), "make test", "make tests"),
        # Of two keys that are the same many readers take the last.
        (WORKFLOW, "  guard:\n", "  guard:\n    steps: []\n  guard:\n"),
        (GITLAB, "unit:\n", "guard:\n  script: 'true'\nunit:\n"),
        (GITLAB, "unit:\n", "'guard' :\n  script: 'true'\nunit:\n"),
        (GITLAB, "unit:\n", '"g\\x75ard":\n  script: "true"\nunit:\n'),
        (GITLAB, "unit:\n", "? guard\n: {script: 'true'}\nunit:\n"),
        (GITLAB, "unit:\n", "!!str guard:\n  script: 'true'\nunit:\n"),
        (GITLAB, "unit:\n", "<<: {guard: {script: 'true'}}\nunit:\n"),
        (GITLAB, "unit:\n", "---\nunit:\n"),
        (GITLAB, "unit:\n", "name: {extends: guard}\nunit:\n"),
        # Items of a list may stand as far out as its key.
        (f"include:\n- local: a.yml\n{GITLAB}", "a.yml", "b.yml"),
        (f"include:\n-\n  local: a.yml\n{GITLAB}", "a.yml", "b.yml"),
    ],
)
def test_a_change_of_it_is_seen(text: str, old: str, new: str) -> None:
    assert text.replace(old, new) != text
    assert not same(text, text.replace(old, new))


@pytest.mark.parametrize(
    "key",
    [
        # GitHub Actions
        "on", "env", "defaults", "permissions", "concurrency",
        # GitLab CI
        "workflow", "stages", "variables", "default", "include", "before_script", "after_script", "image",
        "services", ".hidden",
        # pre-commit, lefthook
        "exclude", "files", "fail_fast", "default_stages", "default_install_hook_types", "ci", "extends",
        "remotes", "remote", "rc", "source_dir", "lefthook",
        # Azure Pipelines, CircleCI
        "trigger", "pr", "pool", "parameters", "resources", "version", "setup", "workflows", "orbs",
        "commands", "executors",
    ],
)  # fmt: skip
def test_a_key_that_holds_for_every_job_counts(key: str) -> None:
    text = f"{key}:\n  x: y\n{GITLAB}"
    assert not same(GITLAB, text)
    assert not same(text, text.replace("x: y", "x: z"))
    assert same(GITLAB, f"{key}-job:\n  script: y\n{GITLAB}")


@pytest.mark.parametrize(
    "key",
    [
        "commands", "default", "env", "executors", "inputs", "on", "orbs", "outputs", "parameters",
        "templates", "variables", "workflows",
    ],
)  # fmt: skip
def test_a_table_of_any_names_is_no_job(key: str) -> None:
    for name in ("script", "trigger", "steps", "commands", "scripts", "jobs"):
        text = f"{key}:\n  {name}: a\n  RULES: strict\n{GITLAB}"
        assert not same(text, text.replace("strict", "--help"))


def test_a_mark_of_the_byte_order_hides_nothing() -> None:
    assert same(f"\ufeff{WORKFLOW}", WORKFLOW)
    assert not mentions("\ufeff# run: specguard check\n")


def test_a_comment_is_no_mention() -> None:
    assert mentions("run: specguard check")
    assert not mentions("# run: specguard check\n")


@pytest.mark.parametrize(
    "text", ["", "\n", "jobs:", "jobs:\n", "- a\n- b", "jobs:\n  a:\n  b:", "repos:\n- x\n-\n"]
)
def test_any_data_can_be_read(text: str) -> None:
    assert same(text, text)
