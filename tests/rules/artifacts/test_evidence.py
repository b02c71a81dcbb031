"""What the rules about evidence and findings make of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Step
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[artifacts.report]
path = "*_REPORT.md"

[artifacts.report.evidence]
roots = ["/home/me/project"]
"""


def test_what_cannot_be_looked_up_is_neither_there_nor_missing(tmp_path: Path) -> None:
    files = {"A_REPORT.md": "- `/home/you/project/a:1`\n- `/opt/b.py:3`\n- `a.py:1`\n", "a.py": "1\n"}
    judge(
        "ART005",
        tmp_path,
        policy=POLICY,
        commits=[Step("docs: report", files=files)],
        expect=[{"severity": "warning", "message": "2 cited places cannot be looked up", "line": 1}],
        states={"ART005": "warned"},
        exit_code=0,
    )
    judge(
        "ART005",
        tmp_path / "error",
        policy=POLICY + 'unresolvable = "error"\n',
        commits=[Step("docs: report", files=files)],
        expect=[{"severity": "error", "message": "2 cited places cannot be looked up", "line": 1}],
        exit_code=1,
    )


@pytest.mark.parametrize("roots", ["**", "/home/**"])
def test_any_folder_may_be_the_root(tmp_path: Path, roots: str) -> None:
    cited = ["/home/you/code/project/src/a.py:1", "/home/a.py:1", "/home/you/src/a.py:2", "/opt/src/a.py:1"]
    text = "".join(f"- `{place}`\n" for place in cited)
    expect: list[dict[str, Any]] = [
        {"severity": "error", "message": "/home/a.py:1 does not exist", "line": 2},
        {
            "severity": "error",
            "message": "/home/you/src/a.py:2 does not exist: src/a.py has 1 line",
            "line": 3,
        },
    ]
    if roots != "**":
        expect.append({"severity": "error", "message": "/opt/src/a.py:1 is outside", "line": 4})
    judge(
        "ART005",
        tmp_path,
        policy=POLICY.replace("/home/me/project", roots) + 'unresolvable = "error"\n',
        commits=[Step("docs: report", files={"A_REPORT.md": text, "src/a.py": "1\n"})],
        expect=expect,
        exit_code=1,
    )


@pytest.mark.parametrize(("cited", "wrong"), [("/home/me/wt/src/a.py:1", False), ("/etc/hosts:1", True)])
def test_the_runbook_preset_looks_evidence_up_on_any_machine(tmp_path: Path, cited: str, wrong: bool) -> None:
    final = f"## Evidence Map\n\n- `{cited}`\n"
    judge(
        "ART005",
        tmp_path,
        policy='extends = ["runbook"]\n',
        commits=[Step("docs: final", files={"p/AGENT_A_FINAL_x.md": final, "src/a.py": "1\n"})],
        expect=[{"severity": "error", "message": "/etc/hosts:1 does not exist"}] if wrong else [],
        exit_code=1 if wrong else 0,
    )


def test_what_the_change_leaves_alone_is_judged_where_the_whole_tree_is(tmp_path: Path) -> None:
    base = [Step("chore: base", files={"A_REPORT.md": "`a.py:2`\n", "a.py": "1\n2\n"})]
    commits = [Step("fix: a", files={"a.py": "1\n"})]
    judge("ART005", tmp_path / "change", policy=POLICY, base=base, commits=commits)
    finding = {"path": "A_REPORT.md", "message": "a.py has 1 line"}
    judge(
        "ART005",
        tmp_path / "all",
        policy=POLICY,
        base=base,
        commits=commits,
        args=("--all",),
        expect=[finding],
    )


def test_a_repository_without_contracts_has_nothing_to_judge(tmp_path: Path) -> None:
    case = {"policy": "", "commits": [Step("docs: x", files={"A_REPORT.md": "x\n"})]}
    codes = ("ART004", "ART005", "ART006", "ART007", "ART008", "ART010")
    states = dict.fromkeys(codes, "not-applicable")
    judge(",".join(codes), tmp_path, **case | {"policy": 'base = "main"\n'}, states=states)
