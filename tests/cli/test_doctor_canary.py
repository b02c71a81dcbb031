"""`specguard doctor --canary`: each active rule catches a change, does not fire, or cannot be provoked."""

import json
from pathlib import Path

import pytest

from specguard.engine.plugins import load_registry
from specguard.reporters.manual import ON
from specguard.testing import Outcome, Repository, run, run_here
from tests.cli.no_foo import install_no_foo

OFF = {
    f"[rules.{entry.rule.name}]": 'severity = "off"\n'
    for entry in load_registry().rules.values()
    if entry.rule.code in ON
}
"""Settings that turn off what judges without any, so that there are few rules to provoke."""


def canaries(
    repository: Repository, settings: str, *, alone: bool = True, **more: str
) -> tuple[dict[str, dict[str, str]], Outcome]:
    """What is said of each rule, by its code, under settings; `canaries` sums up."""
    if alone:
        off = (f"{table}\n{line}" for table, line in OFF.items() if table not in settings)
        settings = f"{settings}\n{''.join(off)}"
    text = f"# Authority\n\n```toml specguard\n{settings}\n```\n"
    repository.commit("chore: start", files={"SPEC_AUTHORITY.md": text})
    # A plugin is found by a process of its own alone.
    asked = run if more else run_here
    done = asked("doctor", "--canary", "--output-format=json", directory=repository.path, env=more)
    said = [one for one in json.loads(done.stdout) if one["subject"].startswith("canar")]
    return {one["subject"].partition(" ")[2].partition(" ")[0] or "all": one for one in said}, done


def test_each_rule_is_provoked_by_the_policys_own_settings_where_they_say_what_it_is_for(
    repository: Repository,
) -> None:
    said, done = canaries(
        repository,
        """
[rules.forbidden-path]
paths = ["gen/**/*.[ch]", "docs/api/"]
[rules.locked-path]
paths = ["LICENSE", "docs/"]
[rules.commit-message]
conventional = true
[rules.merge-commit]
severity = "off"
""",
        alone=False,
    )
    assert done.exit_code == 0, done
    assert said["PTH001"]["said"] == "caught a change that touches gen/canary/canary.c, docs/api/canary"
    assert said["PTH002"]["said"] == "caught a change that touches LICENSE, docs/canary"
    assert said["CMT002"]["said"].startswith("caught the example 1 of its page, ")
    assert all(one["status"] == "ok" for one in said.values()), said
    assert said["all"]["said"].endswith("caught their change, 0 did not fire, 0 could not be provoked")
    assert "CMT004" not in said, "a rule that is off has no canary"
    # Nothing of the repository is written.
    assert repository.git("status", "--porcelain", "--ignored") == ""
    assert repository.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_a_rule_that_its_settings_mute_did_not_fire(repository: Repository) -> None:
    said, done = canaries(repository, '[rules.forbidden-path]\npaths = ["gen/"]\nexclude = ["**"]\n')
    assert done.exit_code == 1, done
    assert said["PTH001"]["status"] == "missing"
    told = "did not fire: the example 1 of its page, with this policy's severity"
    assert said["PTH001"]["said"].startswith(told)
    assert said["PTH001"]["help"] == "specguard rule PTH001"
    assert said["all"]["status"] == "missing"
    assert ", 1 did not fire, " in said["all"]["said"]


def test_what_cannot_be_provoked_is_never_counted_as_caught(repository: Repository) -> None:
    said, done = canaries(
        repository,
        '[rules.commit-form]\nstages = ["push"]\n',
    )
    assert done.exit_code == 0, done
    assert said["CMT003"]["status"] == "note"
    assert said["CMT003"]["said"].startswith("not provoked, so nothing is shown: ")
    total = len(said) - 1
    told = f"{total - 1} of {total} active rules caught their change, 0 did not fire, 1 could not be provoked"
    assert said["all"]["said"] == told


@pytest.mark.parametrize(("seen", "code"), [('b"foo" in entry.path', 0), ("False", 1)])
def test_a_plugins_rule_is_tried_by_its_own_example(
    repository: Repository, tmp_path: Path, seen: str, code: int
) -> None:
    install_no_foo(tmp_path, seen)
    said, done = canaries(
        repository, 'plugins = ["acme"]\n[rules.locked-path]\npaths = ["x"]', PYTHONPATH=str(tmp_path)
    )
    assert done.exit_code == code, done
    assert said["ACM001"]["status"] == ("missing" if code else "ok")
