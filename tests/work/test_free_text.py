"""`{text}`: whatever a subject or a title goes on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Step
from specguard.work.name_templates import Template
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[work.task]
source = ".plans/{name}/plan.json"
items = "tasks"
number = "id"
number_format = ["{n:03}"]
branch = "pr/{name}/{number}"
commit = "task_{number}: {text}"
pull_request = "Task {number}: {text}"
"""
BASE = [Step("chore: base", files={".plans/cart/plan.json": '{"tasks": [{"id": "task_001", "title": "x"}]}'})]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("task_003: add it", {"number": "003", "text": "add it"}),
        ("task_003: move a/b.py to c/d.py: done", {"number": "003", "text": "move a/b.py to c/d.py: done"}),
        ("task_003: ", None),
        ("task_003", None),
        ("task_003: a\nb", None),
    ],
)
def test_any_text_is_read_on_one_line(text: str, fields: dict[str, str] | None) -> None:
    assert Template("task_{number}: {text}").read(text) == fields


@pytest.mark.parametrize(
    "subject", ["task_001: add it", "task_001: move a/b to c/d", "task_001: task_002: x"]
)
def test_a_subject_goes_on_as_it_likes(tmp_path: Path, subject: str) -> None:
    judged(tmp_path, "CMT002", subject, states={"CMT002": "passed"})


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("add it", "task_001 has 'task_001: ...'"),
        ("task_1: add it", "task_001 has 'task_001: ...'"),
        ("task_001 - add it", "task_001 has 'task_001: ...'"),
        ("task_002: add it", "task_001 has 'task_001: ...'"),
    ],
)
def test_what_tells_of_the_item_is_fixed(tmp_path: Path, subject: str, message: str) -> None:
    judged(tmp_path, "CMT002", subject, expect=[{"field": "commit.subject", "message": message}])


def test_a_title_goes_on_as_it_likes_too(tmp_path: Path) -> None:
    judged(tmp_path / "a", "PRQ001", "task_001: x", title="Task 001: y/z", states={"PRQ001": "passed"})
    expect = [{"field": "pull_request.title", "message": "task_001 has 'Task 001: ...'"}]
    judged(tmp_path / "b", "PRQ001", "task_001: x", title="Task 1: y", expect=expect)


def test_a_branch_alone_resolves_the_item(tmp_path: Path) -> None:
    judged(tmp_path, "WRK001", "wip", states={"WRK001": "passed"})


def judged(directory: Path, code: str, subject: str, **case: Any) -> None:
    commits = [Step(subject, files={"a": "1"})]
    judge(code, directory, policy=POLICY, base=BASE, commits=commits, branch="pr/cart/001", **case)
