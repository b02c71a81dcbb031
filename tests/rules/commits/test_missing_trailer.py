"""CMT006: trailers that are there, that only look so, and that can be read in two ways."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from tests.rules.items import judge, step

if TYPE_CHECKING:
    from pathlib import Path

WORK_ITEM = "[[rules.missing-trailer.require]]\nkey = 'Work-Item'\nvalue = '^A-[0-9]+$'\n"
SIGNED = "[[rules.missing-trailer.require]]\nkey = 'Signed-off-by'\nby_author = true\n"
AGENT = "[[rules.missing-trailer.require]]\nkey = 'Assisted-by'\nauthors = 'bot@'\n"
ANN = "Ann Example <ann@example.org>"
BOT = "A Bot <bot@example.org>"
UNKNOWN = "who makes the commit is not known yet"
SQUASH = "the platform writes the message's body"
judged = partial(judge, "CMT006")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Work-Item: A-1", ""),
        ("work-item: A-1", ""),
        ("text\n\nReviewed-by: Ann\nWork-Item: A-1", ""),
        ("", "has no trailer Work-Item"),
        ("Work-Item: B-1", "with 'B-1', which does not match '^A-[0-9]+$'"),
        ("Work-Item:", "which does not match"),
        ("Work-Item: A-1\n\ntext", "has Work-Item in line 3, which is not in a last paragraph"),
        ("text\nWork-Item: A-1", "has Work-Item in line 4"),
        ("Work-Item: A-1\nWork-Item: A-2", "more than once, in the lines 3, 4"),
        ("Work-Item: A-1\nWork-Item: A-1", "more than once, in the lines 3, 4"),
        ("Work-Item: A-1\n\nWork-Item: A-2", "more than once, in the lines 3, 5"),
        ("Work-Item: A-1\n\n---\n\nWork-Item: A-2", "line 5 begins with '---'"),
        ("Work-Item: A-1\n\n---\n\ndiff", "line 5 begins with '---'"),
        ("W\u043erk-Item: A-1", "has no trailer Work-Item"),
        ("WI: A-1", "has no trailer Work-Item"),
    ],
)
def test_one_trailer_that_says_one_thing(body: str, said: str, tmp_path: Path) -> None:
    expect = [{"message": said, "field": "commit.body"}] if said else []
    judged(tmp_path, policy=WORK_ITEM, commits=[step(f"feat: x\n\n{body}\n")], expect=expect)


def test_a_repositorys_configuration_is_not_heeded(tmp_path: Path) -> None:
    from specguard.testing import Case

    case = Case(policy=WORK_ITEM, commits=[step("feat: x\n\nWI: A-1\n")], args=["--select=CMT006"])
    repository = case.build(tmp_path / "repository")
    repository.git("config", "trailer.wi.key", "Work-Item: ")
    repository.git("config", "trailer.separators", "=")
    from specguard.testing import run

    outcome = run("check", "--select=CMT006", "--output-format=json", directory=repository.path)
    assert outcome.codes == ["CMT006"]


@pytest.mark.parametrize(
    ("author", "body", "said"),
    [
        (ANN, f"Signed-off-by: {ANN}", ""),
        (ANN, "Signed-off-by: A. Example <ANN@example.org>", ""),
        (ANN, f"Signed-off-by: {ANN}\nSigned-off-by: {BOT}", ""),
        (ANN, f"Signed-off-by: {BOT}", "has no trailer Signed-off-by of its author, Ann Example"),
        (ANN, "", "has no trailer Signed-off-by"),
    ],
)
def test_a_sign_off_is_the_authors(author: str, body: str, said: str, tmp_path: Path) -> None:
    expect = [{"message": said}] if said else []
    commits = [step(f"feat: x\n\n{body}\n", author=author)]
    judged(tmp_path, policy=SIGNED, commits=commits, expect=expect)


@pytest.mark.parametrize(
    ("author", "committer", "body", "fails"),
    [
        (ANN, "", "", False),
        (BOT, "", "", True),
        (ANN, BOT, "", True),
        (BOT, "", "Assisted-by: A Bot", False),
    ],
)
def test_agents_say_so(author: str, committer: str, body: str, fails: bool, tmp_path: Path) -> None:
    commits = [step(f"feat: x\n\n{body}\n", author=author, committer=committer)]
    judged(tmp_path, policy=AGENT, commits=commits, expect=[{}] if fails else [])


def test_merges_need_none(tmp_path: Path) -> None:
    body = "\n\nWork-Item: A-1\n"
    commits = [
        step(f"feat: one{body}", id="one"),
        step(f"feat: two{body}", "two", parents=["base"], id="two"),
        Step("Merge two", parents=["one", "two"]),
    ]
    judged(tmp_path, policy=WORK_ITEM, commits=commits)


def test_a_message_being_written(tmp_path: Path) -> None:
    message = "feat: x\n"
    judged(tmp_path / "1", policy=WORK_ITEM, commit_message=message, found={"commit": None})
    judged(tmp_path / "2", policy=AGENT, commit_message=message, state="not-applicable", notes=[UNKNOWN])


def test_with_squash_the_body_is_the_platforms(tmp_path: Path) -> None:
    policy = f"merge = 'squash'\n{WORK_ITEM}"
    judged(
        tmp_path,
        policy=policy,
        commits=[step("wip")],
        title="feat: x",
        state="not-applicable",
        notes=[SQUASH],
    )


def test_a_plain_repository_needs_none(tmp_path: Path) -> None:
    judged(tmp_path, commits=[step("x")], state="not-applicable")
