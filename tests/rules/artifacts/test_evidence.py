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
