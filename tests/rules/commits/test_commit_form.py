"""CMT003: each part of a message's form, by itself."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from tests.rules.items import judge, step

if TYPE_CHECKING:
    from pathlib import Path
judged = partial(judge, "CMT003")


@pytest.mark.parametrize(
    ("message", "settings", "said"),
    [
        ("x" * 100, "", ""),
        ("x" * 101, "", "101 characters, and 100 are allowed"),
        ("\u00e9" * 100, "", ""),
        ("x" * 101, "subject_max = 0", ""),
        (f'Revert "{"x" * 100}"\n\nwhy', "", ""),
        (f'Revert "{"x" * 101}"\n\nwhy', "", "101 characters"),
        ("feat: x\n\nbody", "", ""),
        ("feat: x\nbody", "", "the second line is not blank: 'body'"),
        ("feat: x\nbody", "blank_line = 'optional'", ""),
        ("feat: x\r\n\r\nbody\r\n", "", ""),
        ("feat: x.", "", ""),
        ("feat: x.", "trailing_dot = 'forbid'", "ends with a dot"),
        ("feat: x...", "trailing_dot = 'forbid'", ""),
        (f"feat: x\n\n{'word ' * 20}", "", ""),
        (f"feat: x\n\n{'word ' * 20}", "body_width = 72", "line 3 of the message has 100 characters"),
        (f"feat: x\n\n{'w' * 100}\n    {'word ' * 20}", "body_width = 72", ""),
        ("", "", "the subject is empty"),
        ("\n\nbody", "", "the subject is empty"),
        ("", "empty = 'allow'", ""),
        ("feat: \x1b[31mred", "", "U+001B"),
        ("feat: a\rb", "", "U+000D"),
        ("feat: \u202eabc", "", "U+202E"),
        ("feat: a\n\nb\u2028c", "", "line 3 of the message has the character U+2028"),
        ("feat: \u202eabc", "control = 'allow'", ""),
        ("feat: family \U0001f468\u200d\U0001f469\u200d\U0001f467", "", ""),
        ("feat: tab\tand \u05d0\u200f text", "", ""),
        (b"feat: \xe9t\xe9", "", "is not UTF-8"),
        (b"feat: \xe9t\xe9", "encoding = 'any'", ""),
        (f"feat: x\n\n{'w' * 70000}", "", "the message has 700"),
        (f"feat: x\n\n{'w' * 70000}", "message_max = 0", ""),
    ],
)
def test_the_form_of_a_message(message: str | bytes, settings: str, said: str, tmp_path: Path) -> None:
    expect = [{"message": said}] if said else []
    policy = f"[rules.commit-form]\n{settings}"
    judged(tmp_path, policy=policy, commits=[step(message)], expect=expect)


def test_a_commit_that_names_another_encoding(tmp_path: Path) -> None:
    commits = [Step(b"feat: \xe9", files={"a": "b"}, encoding="ISO-8859-1")]
    said = {"message": "its encoding is 'ISO-8859-1'", "field": "commit.subject"}
    judged(tmp_path / "1", commits=commits, expect=[said])
    policy = "[rules.commit-form]\nencoding = 'any'"
    judged(tmp_path / "2", policy=policy, commits=commits)


def test_of_a_merge_only_bytes_are_judged(tmp_path: Path) -> None:
    commits = [
        step("feat: one", id="one"),
        step("feat: two", "two", parents=["base"], id="two"),
        Step("Merge " + "x" * 200 + "\ntext", parents=["one", "two"], id="merge"),
        Step("Merge \x1b[0m", parents=["merge", "two"]),
    ]
    judged(tmp_path, commits=commits, found={"message": "U+001B"})


def test_a_huge_message_is_reported_short(tmp_path: Path) -> None:
    outcome = judged(tmp_path, commits=[step("feat: x" * 3000)], found={"message": "(20900 more characters)"})
    findings = json.dumps(outcome.report["findings"])
    assert len(findings) < 2_000


@pytest.mark.parametrize(
    ("author", "committer", "found"),
    [
        ("Ann <ann@example.org>", "", []),
        ("Root <root@evil.net>", "Ann <ann@example.org>", ["author"]),
        ("Ann <ann@example.org>", "Root <root@evil.net>", ["committer"]),
        ("Root <root@evil.net>", "", ["author", "committer"]),
    ],
)
def test_people_are_those_the_commit_records(
    author: str, committer: str, found: list[str], tmp_path: Path
) -> None:
    mailmap = "Ann <ann@example.org> <root@evil.net>\n"
    judged(
        tmp_path,
        policy="[rules.commit-form]\nauthors = ['@example[.]org>$']",
        base=[Step("chore: base", files={".mailmap": mailmap})],
        commits=[step(author=author, committer=committer)],
        expect=[{"message": f"the {role} 'Root", "field": "commit.author"} for role in found],
    )


def test_a_message_being_written(tmp_path: Path) -> None:
    expect = [{"message": "second line", "commit": None}]
    judged(tmp_path, commit_message="feat: x\ntext\n# comment\n", expect=expect)
