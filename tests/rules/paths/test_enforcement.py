"""Which part of a CI or hook file decides whether specguard runs."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from specguard.documents.data import data_of
from specguard_rules.paths.policy_change import deciding, mentions

FILES = tomllib.loads(Path(__file__).with_name("enforcement.toml").read_text(encoding="utf-8"))["files"]
GUARD = "guard:\n  script: specguard check --enforce\n"


def same(before: str, after: str) -> bool:
    """Whether two files have the same deciding part; one that cannot be read has none."""
    old, new = data_of(before.encode(), "yaml"), data_of(after.encode(), "yaml")
    return old.problem is None and new.problem is None and deciding(old.value) == deciding(new.value)


@pytest.mark.parametrize("file", FILES)
def test_a_change_beside_it_leaves_it_and_one_of_it_is_seen(file: dict[str, Any]) -> None:
    text = file["text"]
    assert same(text, text)
    for old, new in [*file.get("beside", []), *file["seen"]]:
        changed = text.replace(old, new)
        assert changed != text
        assert same(text, changed) == ([old, new] not in file["seen"]), (old, new)


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
    text = f"{key}:\n  x: y\n{GUARD}"
    assert not same(GUARD, text)
    assert not same(text, text.replace("x: y", "x: z"))
    assert same(GUARD, f"{key}-job:\n  script: y\n{GUARD}")


@pytest.mark.parametrize(
    "key",
    [
        "commands", "default", "env", "executors", "inputs", "on", "orbs", "outputs", "parameters",
        "templates", "variables", "workflows",
    ],
)  # fmt: skip
def test_a_table_of_any_names_is_no_job(key: str) -> None:
    for name in ("script", "trigger", "steps", "commands", "scripts", "jobs"):
        text = f"{key}:\n  {name}: a\n  RULES: strict\n{GUARD}"
        assert not same(text, text.replace("strict", "--help"))


def test_a_comment_is_no_mention() -> None:
    assert mentions("run: specguard check")
    assert not mentions("# run: specguard check\n")
    assert not mentions("\ufeff# run: specguard check\n")


@pytest.mark.parametrize("text", ["", "\n", "jobs:", "- a\n- b", "jobs:\n  a:\n  b:", "repos:\n- x\n-\n"])
def test_any_data_can_be_read(text: str) -> None:
    assert same(text, text)
