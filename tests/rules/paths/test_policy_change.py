"""PTH004: what a change does to the policy and to what runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Step
from tests.rules.paths.setting import judged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from specguard.testing import Outcome

POLICY = """\
base = "main"

[rules.locked-path]
paths = ["docs/api/", "LICENSE"]

[rules.oversized-change]
entries = 20
"""
WORKFLOW = """\
on: [pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: make test
  guard:
    runs-on: ubuntu-latest
    steps:
      - run: specguard check --enforce
"""


def document(policy: str, prose: str = "") -> str:
    return f"# Authority\n{prose}\n```toml specguard\n{policy}```\n"


def judge(files: Mapping[str, str], *, base: Mapping[str, str] | None = None, **step: object) -> Outcome:
    """Judge one commit by PTH004 alone, on top of the policy and these files."""
    before = Step("chore: base", files={"SPEC_AUTHORITY.md": document(POLICY), **(base or {})})
    change = Step("chore: x", files=files, **step)  # type: ignore[arg-type]  # the fields of a step
    return judged("PTH004", change, base=before, policy="")


def said(outcome: Outcome) -> list[tuple[str, str]]:
    return [(finding["severity"], finding["message"]) for finding in outcome.report["findings"]]


@pytest.mark.parametrize(
    ("old", "new", "severity", "key"),
    [
        ('"LICENSE"]', '"LICENSE", "ci/"]', "warning", "rules.locked-path.paths"),
        (', "LICENSE"]', "]", "error", "rules.locked-path.paths"),
        ('"docs/api/", ', '"docs/", ', "warning", "rules.locked-path.paths"),
        ("entries = 20", "entries = 10", "warning", "rules.oversized-change.entries"),
        ("entries = 20", "entries = 30", "error", "rules.oversized-change.entries"),
        ("entries = 20", "entries = 0", "error", "rules.oversized-change.entries"),
        ("entries = 20", 'entries = 20\nexclude = ["vendor/"]', "error", "rules.oversized-change.exclude"),
        ("[rules.l", '[rules.locked-path]\nseverity = "info"\n#', "error", "rules.locked-path.severity"),
        ('base = "main"', 'base = "dev"', "error", "base"),
        ('base = "main"', 'base = "main"\nmerge = "squash"', "error", "merge"),
        ("base", "rules.policy-change.severity = 'off'\nbase", "error", "rules.policy-change.severity"),
    ],
)  # fmt: skip
def test_a_setting_is_compared(old: str, new: str, severity: str, key: str) -> None:
    assert old in POLICY
    outcome = judge({"SPEC_AUTHORITY.md": document(POLICY.replace(old, new))})
    matching = [found for found in said(outcome) if f": {key} " in found[1]]
    assert [found[0] for found in matching] == [severity], outcome
    assert outcome.exit_code == (1 if any(found[0] == "error" for found in said(outcome)) else 0)


def test_of_a_list_only_what_goes_and_comes_is_said() -> None:
    new = POLICY.replace('"docs/api/", "LICENSE"', '"LICENSE", "a/", "b/", "c/", "d/"')
    ((severity, message),) = said(judge({"SPEC_AUTHORITY.md": document(new)}))
    assert severity == "error"
    assert message.endswith('rules.locked-path.paths drops "docs/api/" and adds "a/", "b/", "c/" and 1 more')


def test_a_difference_cites_the_line_of_the_base_and_stands_at_that_of_the_head() -> None:
    outcome = judge({"SPEC_AUTHORITY.md": document(POLICY.replace("20", "30"), prose="\nMore words.\n")})
    (finding,) = outcome.report["findings"]
    assert finding["authority"] == {"path": "SPEC_AUTHORITY.md", "line": 10}
    assert finding["location"]["line"] == 12
    assert "from 20 to 30" in finding["message"]


def test_prose_alone_is_information() -> None:
    outcome = judge({"SPEC_AUTHORITY.md": document(POLICY, prose="\nMore words.\n")})
    assert [found[0] for found in said(outcome)] == ["info"]
    assert outcome.exit_code == 0


def test_a_policy_that_cannot_be_read_is_an_error() -> None:
    outcome = judge({"SPEC_AUTHORITY.md": document("[rules.locked-path]\npathz = []\n")})
    assert ("error", True) in [(severity, "cannot be read" in text) for severity, text in said(outcome)]
    assert outcome.exit_code == 1


@pytest.mark.parametrize(
    ("files", "step"),
    [
        pytest.param({}, {}, id="taken away"),
        pytest.param(
            {"other.md": document(POLICY)}, {"symlinks": {"SPEC_AUTHORITY.md": "other.md"}}, id="a link"
        ),
    ],
)
def test_without_an_authority_in_its_place_it_is_an_error(
    files: dict[str, str], step: dict[str, Any]
) -> None:
    outcome = judge(files, delete=["SPEC_AUTHORITY.md"], **step)
    assert "error" in [severity for severity, _ in said(outcome)]


def test_settings_in_another_place_count() -> None:
    outcome = judge({"specguard.toml": '[rules.locked-path]\nexclude = ["docs/api/x/"]\n'})
    assert [found[0] for found in said(outcome)] == ["error"]
    assert outcome.report["findings"][0]["location"]["path"] == "specguard.toml"


def test_a_project_file_counts_by_its_settings_alone() -> None:
    base = {"pyproject.toml": '[project]\nname = "x"\n'}
    assert said(judge({"pyproject.toml": '[project]\nname = "y"\n'}, base=base)) == []
    loosened = '[project]\nname = "x"\n[tool.specguard.rules.locked-path]\nexclude = ["docs/api/x/"]\n'
    assert [found[0] for found in said(judge({"pyproject.toml": loosened}, base=base))] == ["error"]


def test_a_project_file_without_settings_is_no_policy(tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text(document(POLICY))
    base = Step("chore: base", files={"pyproject.toml": "[project]\n"})
    change = Step("chore: x", files={"pyproject.toml": "[project]\nname = 'x'\n"})
    judged("PTH004", change, base=base, policy="", args=("--authority", str(other)), expect=())


def test_a_first_authority_loosens_nothing() -> None:
    files = {"SPEC_AUTHORITY.md": document(POLICY), ".github/workflows/guard.yml": WORKFLOW}
    base = Step("chore: base", files={"a": "a"})
    outcome = judged("PTH004", Step("chore: adopt", files={**files}), base=base, policy="")
    assert {severity for severity, _ in said(outcome)} <= {"info"}
    assert outcome.exit_code == 0


@pytest.mark.parametrize("path", ["src/specguard.toml", "docs/SPEC_AUTHORITY.md", "src/.specguard/x"])
def test_what_is_not_at_the_root_is_no_policy(path: str) -> None:
    assert said(judge({path: "[rules.locked-path]\n"})) == []


# Hooks and CI


@pytest.mark.parametrize(
    ("old", "new", "severities"),
    [
        ("make test", "make tests", []),
        (" --enforce", "", ["error"]),
        ("  guard:\n", "  guard:\n    if: false\n", ["error"]),
        ("[pull_request]", "[workflow_dispatch]", ["error"]),
        ("      - run: specguard check --enforce\n", "      - run: true\n", ["error"]),
    ],
)
def test_a_workflow_that_runs_specguard(old: str, new: str, severities: list[str]) -> None:
    path = ".github/workflows/ci.yml"
    assert old in WORKFLOW
    outcome = judge({path: WORKFLOW.replace(old, new)}, base={path: WORKFLOW})
    assert [severity for severity, _ in said(outcome)] == severities


def test_a_workflow_that_is_deleted_or_moved_away() -> None:
    path = ".github/workflows/ci.yml"
    outcome = judge({}, base={path: WORKFLOW}, rename={path: "old/ci.yml"})
    assert said(outcome) == [("error", f"{path} no longer runs specguard")]


def test_a_hook_that_loses_its_executable_bit() -> None:
    hook = ".githooks/pre-push"
    files: dict[str | bytes, str | bytes] = {hook: "specguard check --push\n"}
    again = (Step("chore: x", delete=[hook]), Step("chore: y", files=files))
    outcome = judged(
        "PTH004", *again, base=Step("chore: base", files=files, executable=[hook]), policy=POLICY
    )
    assert [severity for severity, _ in said(outcome)] == ["error"]


@pytest.mark.parametrize("target", ["", "/bin/true"], ids=["deleted", "other target"])
def test_a_hook_that_is_a_symbolic_link(target: str) -> None:
    hook = ".githooks/pre-commit"
    base = Step("chore: base", symlinks={hook: "../tools/specguard-hook"})
    change = Step("chore: x", symlinks={hook: target}) if target else Step("chore: x", delete=[hook])
    outcome = judged("PTH004", change, base=base, policy=POLICY)
    assert said(outcome) == [("error", f"{hook} no longer runs specguard")]


@pytest.mark.parametrize(
    "path",
    [
        ".pre-commit-config.yaml", ".githooks/pre-commit", ".githooks/x/y", ".husky/pre-push", "lefthook.yml",
        ".claude/settings.json", ".claude/settings.local.json", ".codex/hooks.json", ".codex/config.toml",
        ".gemini/settings.json", ".cursor/hooks.json", ".ci/check", ".ci/x/y", ".github/workflows/a.yml",
        ".github/actions/x/a.yml",
        ".gitlab-ci.yml", ".gitlab/ci/x.yml", ".circleci/config.yml", ".buildkite/pipeline.yml",
        "azure-pipelines.yml", "bitbucket-pipelines.yml", "Jenkinsfile",
    ],
)  # fmt: skip
def test_each_place_that_hooks_and_jobs_are_kept_in(path: str) -> None:
    runs = {path: "specguard check --staged\n"}
    removed = [("error", f"{path} no longer runs specguard")]
    assert said(judge({path: "true\n"}, base=runs)) == removed
    assert said(judge({"other": "x"}, base=runs, delete=[path])) == removed
    assert said(judge(runs)) == [("info", f"{path} runs specguard from now on")]
    assert said(judge({f"elsewhere/{path}": "true\n"}, base={f"elsewhere/{path}": runs[path]})) == []


def test_a_comment_in_a_hook_is_free() -> None:
    path = ".githooks/pre-push"
    base = {path: "# quick\nspecguard check --push\n"}
    assert said(judge({path: "# slow\n\nspecguard check --push\n"}, base=base)) == []
    assert said(judge({path: "exit 0\nspecguard check --push\n"}, base=base)) == [
        ("error", f"{path} changes how specguard is run, which cannot be compared")
    ]


def test_files_that_do_not_name_specguard_are_free() -> None:
    base = {".pre-commit-config.yaml": "repos: []\n", ".github/workflows/a.yml": "on: [push]\n"}
    assert said(judge(dict.fromkeys(base, "# specguard\nx: 1\n"), base=base)) == []


@pytest.mark.parametrize("pattern", ["Makefile", "/Makefile", "M*e", "[LM]akefile"])
def test_a_file_that_the_policy_adds(pattern: str) -> None:
    policy = f"[rules.policy-change]\nfiles = ['{pattern}']\n"
    base = Step("chore: base", files={"Makefile": "check:\n\tspecguard check\n"})
    change = Step("chore: x", files={"Makefile": "check:\n\ttrue\n"})
    expect = ({"code": "PTH004", "path": "Makefile"},)
    judged("PTH004", change, base=base, policy=policy, expect=expect)


# The baseline and what else is in specguard's folder


@pytest.mark.parametrize(
    ("old", "new", "severity"),
    [
        ({"CNT001": {"a": 2}}, {"CNT001": {"a": 1}}, "warning"),
        ({"CNT001": {"a": 2}}, {}, "warning"),
        ({"CNT001": {"a": 2}}, {"CNT001": {"a": 3}}, "error"),
        ({"CNT001": {"a": 2}}, {"CNT001": {"a": 2, "b": 1}}, "error"),
        ({"CNT001": {"a": 2}}, {"CNT001": {"a": "2"}}, "error"),
        ({"CNT001": {"a": 2}}, ["CNT001"], "error"),
        (None, {"CNT001": {"a": 1}}, "error"),
    ],
)
def test_a_baseline_is_compared_by_its_counts(old: object, new: object, severity: str) -> None:
    path = ".specguard/baseline.json"
    base = {} if old is None else {path: json.dumps(old)}
    assert [found[0] for found in said(judge({path: json.dumps(new)}, base=base))] == [severity]


MALLORY = """may = ["PTH002", "SPC"]

[[approvals.approver]]
name = "mallory"
may = ["SPC"]
"""
APPROVALS = """
[approvals]
max_days = 30
two_persons = ["PTH002"]

[[approvals.approver]]
name = "alice"
emails = ["alice@example.org"]
may = ["PTH002", "SPC"]
"""


@pytest.mark.parametrize(
    ("old", "new", "severity", "key"),
    [
        ("= 30", "= 20", "warning", "approvals.max_days"),
        ("= 30", "= 31", "error", "approvals.max_days"),
        ('= ["PTH002"]', '= ["PTH002", "PTH003"]', "warning", "approvals.two_persons"),
        ('two_persons = ["PTH002"]\n', "", "error", "approvals.two_persons"),
        ("max_days", 'scopes = ["change"]\nmax_days', "warning", "approvals.scopes"),
        ("max_days", 'log = "src/"\nmax_days', "error", "approvals.log"),
        ('may = ["PTH002", "SPC"]', 'may = ["PTH", "SPC"]', "error", "approvals.approver"),
        ('"alice@example.org"', '"a@example.org"', "error", "approvals.approver"),
        ("may", 'logins = ["alice"]\nmay', "error", "approvals.approver"),
        ('may = ["PTH002", "SPC"]', MALLORY, "error", "approvals.approver"),
        (APPROVALS[APPROVALS.index("[[") :], "", "warning", "approvals.approver"),
    ],
)
def test_who_may_approve_is_policy(old: str, new: str, severity: str, key: str) -> None:
    assert old in APPROVALS
    base, head = (document(POLICY + text) for text in (APPROVALS, APPROVALS.replace(old, new)))
    found = said(judge({"SPEC_AUTHORITY.md": head}, base={"SPEC_AUTHORITY.md": base}))
    assert [(one, f": {key} " in text) for one, text in found] == [(severity, True)]


def test_approvals_are_added_and_never_altered() -> None:
    path = ".specguard/approvals/1.json"
    assert said(judge({path: "{}"})) == []
    assert [found[0] for found in said(judge({path: "[]"}, base={path: "{}"}))] == ["error"]


@pytest.mark.parametrize(
    ("path", "runner", "text"),
    [
        (".claude/settings.local.json", ".claude/settings.json", '{"disableAllHooks": true}'),
        (
            ".claude/settings.local.json",
            ".claude/settings.json",
            '{"a": 1, "disableAllHook\\u0073" :\n true}',
        ),
        (".codex/config.toml", ".codex/hooks.json", "[features]\nhooks = false\n"),
        (".codex/config.toml", ".codex/hooks.json", "features = {hooks=false}\n"),
        (".codex/config.toml", ".codex/hooks.json", "[features]\n'codex_hooks' = false\n"),
    ],
)
def test_switching_off_the_hooks_of_an_agent(path: str, runner: str, text: str) -> None:
    runs = {runner: '{"hooks": {"x": "specguard hook"}}'}
    found = [("error", f"{path} switches off the hooks of {runner}, specguard's with them")]
    assert said(judge({path: text}, base=runs)) == found
    assert said(judge({path: text}, base={**runs, path: "model = 1\n"})) == found
    # Where specguard is none of them, and where it was so already, nothing changes for it.
    assert said(judge({path: text})) == []
    assert said(judge({path: text + "\n"}, base={**runs, path: text})) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".claude/settings.local.json", '{"disableAllHooks": false, "permissions": {}}'),
        (".codex/config.toml", "[features]\nhooks = true\n# hooks = false\n"),
        (".codex/config.toml", "model = 'x'\n"),
    ],
)
def test_an_agents_own_settings_are_no_policy(path: str, text: str) -> None:
    runs = dict.fromkeys((".claude/settings.json", ".codex/hooks.json"), "specguard hook")
    assert said(judge({path: text}, base=runs)) == []
