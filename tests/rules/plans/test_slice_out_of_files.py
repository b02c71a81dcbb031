"""PLN010: the files of a slice, and its own branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Step
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[work.slice]
source = "plan/PHASE_*_WORKBREAKDOWN.yaml"
branch = "phase-{phase}-{number}-{slug}"

[rules.slice-out-of-files]
also = ["plan/reports/"]
"""
BREAKDOWN = """\
phase: D
slices:
  - id: D1
    files: [src/a, "./src/b.ts", {path: "tests/*.ts"}]
  - id: D2
    files: [src/c/]
  - id: D3
    files: [src/c/]
  - id: D4
  - id: D5
    slug: cart
    files: ["**"]
"""


def judged(directory: Path, *paths: str, branch: str = "phase-d-1-x", **more: Any) -> None:
    values: dict[str, Any] = {
        "policy": POLICY,
        "base": [Step(files={"plan/PHASE_D_WORKBREAKDOWN.yaml": BREAKDOWN, "old": "1"})],
        "commits": [Step("feat: x", files=dict.fromkeys(paths, "1"))],
        "branch": branch,
        **more,
    }
    judge("PLN010", directory, **values)


@pytest.mark.parametrize(
    "path",
    ["src/a", "src/a/b/c.ts", "src/b.ts", "tests/x.ts", "plan/reports/D1.md", ".specguard/approvals/x.json"],
)
def test_what_a_slice_may_touch(tmp_path: Path, path: str) -> None:
    judged(tmp_path, path)


@pytest.mark.parametrize(
    ("path", "message", "help"),
    [
        ("src/ab", "not one of the files of slice D1 (src/a, src/b.ts, tests/*.ts)", "list it for slice D1"),
        ("tests/x/y.ts", "not one of the files", "list it"),
        ("SRC/A", "not one of the files", "list it"),
        ("plan/PHASE_D_WORKBREAKDOWN.yaml", "not one of the files", "list it"),
        # It is the file of two other slices, so whose it is cannot be told.
        ("src/c/d.ts", "not one of the files", "list it"),
    ],
)
def test_what_a_slice_may_not_touch(tmp_path: Path, path: str, message: str, help: str) -> None:
    expect = [
        {"path": path, "message": message, "help": help, "authority": "plan/PHASE_D_WORKBREAKDOWN.yaml:3"}
    ]
    text = BREAKDOWN.replace('["**"]', "[src/z]")
    base = [Step(files={"plan/PHASE_D_WORKBREAKDOWN.yaml": text})]
    judged(tmp_path, path, base=base, expect=expect, exit_code=1)


def test_whose_a_file_is_is_said(tmp_path: Path) -> None:
    text = BREAKDOWN.replace('["**"]', "[src/z]").replace("  - id: D3\n    files: [src/c/]\n", "")
    base = [Step(files={"plan/PHASE_D_WORKBREAKDOWN.yaml": text})]
    expect = [{"path": "src/c/d", "message": "it belongs to slice D2", "help": "on the branch of slice D2"}]
    judged(tmp_path, "src/c/d", base=base, expect=expect, exit_code=1)


def test_what_is_removed_is_touched(tmp_path: Path) -> None:
    commits = [Step("feat: x", delete=["old"])]
    judged(tmp_path, commits=commits, expect=[{"path": "old", "side": "base"}], exit_code=1)


def test_the_breakdown_of_the_change_widens_nothing(tmp_path: Path) -> None:
    files = {"plan/PHASE_D_WORKBREAKDOWN.yaml": BREAKDOWN.replace("src/a", "src/z"), "src/z": "1"}
    expect = [{"path": "plan/PHASE_D_WORKBREAKDOWN.yaml"}, {"path": "src/z"}]
    judged(tmp_path, commits=[Step("feat: x", files=files)], expect=expect, exit_code=1)


def test_a_slice_that_lists_no_files_is_not_judged(tmp_path: Path) -> None:
    judged(tmp_path, "src/z", branch="phase-d-4-x", states={"PLN010": "not-applicable"})


def test_a_slice_is_done_on_its_own_branch(tmp_path: Path) -> None:
    judged(tmp_path / "1", "src/z", branch="phase-d-5-cart")
    expect = [{"field": "branch", "message": "phase-d-5-cart"}]
    judged(tmp_path / "2", "src/z", branch="phase-d-5-till", expect=expect, exit_code=1)


def test_files_that_are_no_patterns_leave_it_open(tmp_path: Path) -> None:
    base = [Step(files={"plan/PHASE_D_WORKBREAKDOWN.yaml": BREAKDOWN.replace("src/a,", '"src/[a",')})]
    judged(tmp_path, "src/a", base=base, states={"PLN010": "indeterminate"}, exit_code=2)
