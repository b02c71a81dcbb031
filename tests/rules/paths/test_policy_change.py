"""PTH004: which files it reads, and when settings of agents switch hooks off."""

from pathlib import Path

import pytest

from specguard.testing import Step
from specguard_rules.paths.policy_change import switches_off
from tests.rules.paths.setting import judged

PLACES = [
    ".pre-commit-config.yaml", ".githooks/pre-commit", ".githooks/x/y", ".husky/pre-push", "lefthook.yml",
    ".claude/settings.json", ".claude/settings.local.json", ".codex/hooks.json", ".codex/config.toml",
    ".gemini/settings.json", ".cursor/hooks.json", ".ci/check", ".ci/x/y", ".github/workflows/a.yml",
    ".github/actions/x/a.yml", ".gitlab-ci.yml", ".gitlab/ci/x.yml", ".circleci/config.yml",
    ".buildkite/pipeline.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml", "Jenkinsfile",
]  # fmt: skip
RUNS: dict[str | bytes, str | bytes] = dict.fromkeys(PLACES, "specguard check --staged\n")
ELSEWHERE: dict[str | bytes, str | bytes] = {f"elsewhere/{path}": RUNS[path] for path in PLACES}
THERE = Step("chore: base", files={**RUNS, **ELSEWHERE})


@pytest.mark.parametrize(
    ("base", "change", "severity", "message"),
    [
        (THERE, Step(files=dict.fromkeys(THERE.files, "true\n")), "error", "no longer runs specguard"),
        (THERE, Step(delete=[*THERE.files]), "error", "no longer runs specguard"),
        (Step(), Step(files=THERE.files), "info", "runs specguard from now on"),
    ],
)
def test_each_place_that_hooks_and_jobs_are_kept_in(
    base: Step, change: Step, severity: str, message: str
) -> None:
    expect = [{"severity": severity, "message": f"{path} {message}"} for path in PLACES]
    judged("PTH004", change, base=base, expect=expect)


def test_a_project_file_without_settings_is_no_policy(tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text("# Authority\n")
    base = Step("chore: base", files={"pyproject.toml": "[project]\n"})
    change = Step("chore: x", files={"pyproject.toml": "[project]\nname = 'x'\n"})
    judged("PTH004", change, base=base, policy="", args=("--authority", str(other)), expect=())


@pytest.mark.parametrize(
    ("text", "off"),
    [
        ('{"disableAllHooks": true}', True),
        ('{"a": 1, "disableAllHook\\u0073" :\n true}', True),
        ('{"disableAllHooks": false, "permissions": {}}', False),
        ("[features]\nhooks = false\n", True),
        ("features = {hooks=false}\n", True),
        ("[features]\n'codex_hooks' = false\n", True),
        ("[features]\nhooks = true\n# hooks = false\n", False),
        ("model = 'x'\n", False),
    ],
)
def test_what_switches_hooks_off(text: str, *, off: bool) -> None:
    assert switches_off(text) is off
