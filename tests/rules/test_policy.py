"""CFG001 to CFG003: what the policy says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.testing import Step
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

PROSE = """\
# Authority

Agents must ask. Never guess. Only people merge, and they do not hurry. Do it slowly. Don't stop.

## Locked zones

These must never change.

- `docs/api/`
- all that matters
"""
FILES = [Step("chore: base", files={"docs/api/x": "a", "docs/api/y.md": "b"})]


def test_unread_items_are_warnings_with_their_lines(tmp_path: Path) -> None:
    outcome = judge(
        "CFG001",
        tmp_path,
        policy=PROSE,
        base=FILES,
        commits=[Step(files={"z": "z"})],
        expect=[
            {"path": "SPEC_AUTHORITY.md", "line": 10, "severity": "warning", "message": "all that matters"}
        ],
        states={"CFG001": "warned"},
        exit_code=0,
    )
    assert outcome.report["findings"][0]["authority"] == {"path": "SPEC_AUTHORITY.md", "line": 10}


def test_unread_items_are_said_at_a_commit_too(tmp_path: Path) -> None:
    case = {"policy": PROSE, "base": FILES, "staged": Step(files={"z": "z"}), "exit_code": 0}
    judge("CFG001", tmp_path, **case, expect=[{"line": 10}])
    for code in ("CFG002", "CFG003"):
        judge(code, tmp_path / code, **case, states={code: "not-applicable"})


UNTIDY = """\
# Authority

## Conflict resolution

1. the schema
2. the prose

## Locked zones

- `docs/api/`
- all that matters
- what we sell
- what we buy
"""


def test_a_change_elsewhere_is_not_told_all_of_an_untidy_authority(tmp_path: Path) -> None:
    case = {"policy": UNTIDY, "base": FILES, "commits": [Step(files={"z": "z"})], "exit_code": 0}
    expect = [
        {"line": None, "severity": "info", "message": "2 more", "help": "specguard policy"},
        *({"line": line, "severity": "warning"} for line in (11, 12, 13)),
    ]
    judge("CFG001", tmp_path, **case, expect=expect)
    every = [*({"line": line, "severity": "info"} for line in (5, 6)), *expect[1:]]
    judge("CFG001", tmp_path / "all", **case, args=("--all",), expect=every)
    case["commits"] = [Step(files={"SPEC_AUTHORITY.md": UNTIDY + "- z\n"})]
    judge("CFG001", tmp_path / "own", **case, expect=every)


def test_an_authority_that_sets_no_rule_says_so_at_each_check(tmp_path: Path) -> None:
    policy = "# 规范\n\n## 冻结\n\n- `docs/api/`\n\n## Normative documents\n\n- `a.md`\n"
    case = {"base": FILES, "commits": [Step(files={"z": "z"})], "exit_code": 0}
    silent = {
        "line": 1,
        "severity": "warning",
        "message": "the authority guards nothing",
        "help": "specguard init --adopt",
    }
    judge("CFG001", tmp_path, policy=policy, **case, expect=[silent])
    listed = {"line": 5, "severity": "info", "message": "under '冻结'", "help": "[authority] sections"}
    judge("CFG001", tmp_path / "all", policy=policy, **case, args=("--all",), expect=[silent, listed])
    known = policy + '\n```toml specguard\n[authority]\nsections = {"冻结" = "locked-path"}\n```\n'
    judge("CFG001", tmp_path / "known", policy=known, **case, states={"CFG001": "passed"})


def test_a_list_of_paths_under_a_title_that_guards_is_a_warning(tmp_path: Path) -> None:
    policy = PROSE.replace("- all that matters\n", "\n## Protected files\n\n- `z`\n")
    case = {"base": FILES, "commits": [Step(files={"y": "y"})], "exit_code": 0}
    expect = [
        {"line": 13, "severity": "warning", "message": "the list under 'Protected files' guards nothing"}
    ]
    judge("CFG001", tmp_path, policy=policy, **case, expect=expect)
    silenced = policy + '\n```toml specguard\nauthority.sections = {"Protected files" = "nothing"}\n```\n'
    judge("CFG001", tmp_path / "silenced", policy=silenced, **case, states={"CFG001": "passed"})


def test_a_block_with_other_words_is_told_how_it_is_to_begin(tmp_path: Path) -> None:
    policy = '# A\n\n```toml spec-guard specguard\nbase = "main"\n```\n\n## Locked zones\n\n- `docs/api/`\n'
    expect = [{"line": 3, "severity": "warning", "help": "Begin the block with ```toml specguard"}]
    case = {"base": FILES, "commits": [Step(files={"z": "z"})], "exit_code": 0}
    judge("CFG001", tmp_path, policy=policy, **case, expect=expect)


def test_a_list_that_only_explains_is_information(tmp_path: Path) -> None:
    policy = """\
# A

## Locked zones

- `docs/api/`

Rules:

- They must not be changed.
- Ask first.

## Forbidden paths

- what we sell
"""
    case = {"base": FILES, "commits": [Step(files={"z": "z"})], "exit_code": 0}
    expect = [{"line": line, "severity": "info"} for line in (9, 10)]
    expect.append({"line": 14, "severity": "warning"})
    judge("CFG001", tmp_path, policy=policy, **case, args=("--all",), expect=expect)
    counted = [{"line": None, "severity": "info", "message": "2 more items"}, expect[-1]]
    judge("CFG001", tmp_path / "counted", policy=policy, **case, expect=counted)
    named = policy.replace("Ask first", "Ask first, and never touch docs/x/y")
    expect = [{"line": line, "severity": "warning"} for line in (9, 10, 14)]
    judge("CFG001", tmp_path / "named", policy=named, **case, expect=expect)


def test_a_change_elsewhere_is_told_how_many_statements_nothing_holds(tmp_path: Path) -> None:
    case = {"policy": PROSE, "base": FILES, "commits": [Step(files={"z": "z"})], "exit_code": 0}
    expect = [{"line": None, "message": "bound to 4 sentences that command", "help": "specguard policy"}]
    judge("CFG003", tmp_path, **case, expect=expect)
    judge("CFG003", tmp_path / "all", **case, args=("--all",), expect=[{"line": 3}] * 4)


def test_statements_that_nothing_holds(tmp_path: Path) -> None:
    edit = Step(files={"SPEC_AUTHORITY.md": PROSE + "\nAnd more.\n"})
    case = {"policy": PROSE, "base": FILES, "commits": [edit], "exit_code": 0}
    expect = [
        {"line": 3, "severity": "info", "message": "Agents must ask."},
        {"line": 3, "message": "Never guess."},
        {"line": 3, "message": "Only people merge"},
        {"line": None, "message": "1 more", "help": "specguard policy --coverage"},
    ]
    judge("CFG003", tmp_path, **case, expect=expect)
    settings = "\n```toml specguard\n[rules.unenforced-statement]\nshown = 9\n```\n"
    case["policy"] = PROSE + settings
    judge("CFG003", tmp_path / "all", **case, expect=[{"line": 3, "severity": "info"}] * 4)


def test_a_section_of_nothing_within_one_that_guards_holds_no_statement(tmp_path: Path) -> None:
    policy = PROSE + "\n### Background\n\nThese must never change.\n"
    case = {"base": FILES, "commits": [Step(files={"z": "z"})], "exit_code": 0, "args": ("--all",)}
    judge("CFG003", tmp_path, policy=policy, **case, expect=[{"line": 3}] * 4)
    policy += '\n```toml specguard\nauthority.sections = {"Background" = "nothing"}\n```\n'
    judge("CFG003", tmp_path / "nothing", policy=policy, **case, expect=[*[{"line": 3}] * 4, {"line": 14}])


PATTERNS = """
extends = ["phase-runner"]

[rules.forbidden-path]
paths = ["docs/api/", "docs/apl/", "**/*.pem", "dosc/**", "docs/api/y.md"]
exclude = ["docs/api/x", "docs/api/z"]

[rules.protected-branch]
branches = ["release/**"]
exclude = ["gone/"]

[rules.locked-path]
paths = ["**/*.md", "**/*.yaml", "DOCS/API/X"]

[[rules.forbidden-content.forbid]]
pattern = "x"
paths = ["src/"]
exclude = ["docs/"]
"""


def test_patterns_that_match_nothing(tmp_path: Path) -> None:
    keys = [
        "rules.forbidden-path.paths.1",
        "rules.forbidden-path.paths.3",
        "rules.forbidden-path.exclude.1",
        "rules.protected-branch.exclude.0",
        "rules.locked-path.paths.1",
        "rules.forbidden-content.forbid.0.paths.0",
    ]
    case = {"policy": PATTERNS, "base": FILES, "commits": [Step(files={"z": "z"})], "exit_code": 0}
    outcome = judge("CFG002", tmp_path, **case, expect=[{"path": "SPEC_AUTHORITY.md"}] * len(keys))
    found = outcome.report["findings"]
    assert sorted(finding["location"]["field"] for finding in found) == sorted(keys)
    lines = {finding["location"]["field"]: finding["location"]["line"] for finding in found}
    assert lines["rules.forbidden-path.paths.1"] == lines["rules.forbidden-path.paths.3"]
    assert all(finding["severity"] == "warning" for finding in found)


def test_the_files_before_and_after_the_change_count(tmp_path: Path) -> None:
    policy = '[rules.locked-path]\npaths = ["docs/api/", "new/", "nowhere/"]\n'
    steps = [Step(files={"new/a": "a"}, delete=["docs/api/x", "docs/api/y.md"])]
    judge(
        "CFG002",
        tmp_path,
        policy=policy,
        base=FILES,
        commits=steps,
        expect=[{"message": "'nowhere/'"}],
        exit_code=0,
    )
