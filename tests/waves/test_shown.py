"""What shows that a slice was done, beside its status: a commit of it, or a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from specguard.change.git import Git, History
from specguard.change.repository import Repository as Located
from specguard.testing import Case, Step, run_case
from specguard.testing.repository import Repository, clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

POLICY = """
[artifacts.packet]
path = "waves/{x}-{nn}/PACKET.md"

[artifacts.pass]
root = "waves/{x}-{nn}/"
members = ["PACKET.md"]

[artifacts.review]
path = "closing/{x}/REVIEW.md"

[work.slice]
source = "waves/{x}-{nn}/slices.yaml"
branch = "wave-{x}-{id}"
SUBJECT

[runs]
keep = "tree"

[wave]
by = ["x"]
stages = [
  {name = "planning", leaves = ["pass", "packet"]},
  {name = "implementation", opens_after = ["planning"], items = "slice"},
  {name = "review", opens_after = ["implementation"], leaves = ["review"]},
]
"""
OPEN = "slices:\n  - {id: d1, files: [src/cart.ts], status: open}\n"
DONE = OPEN.replace("open", "done")
PLANNED = {
    "waves/d-01/PACKET.md": "Go.\n",
    "waves/d-01/slices.yaml": OPEN,
    "src/cart.ts": "0",
    "README.md": "1",
}
CLOSED = {"waves/d-01/slices.yaml": DONE, "closing/d/REVIEW.md": "Good.\n"}
NOT_SHOWN = {
    "code": "PLN008",
    "path": "closing/d/REVIEW.md",
    "message": "slice d1 is not closed: its status is done, and no commit or run of it shows that",
}


def judged(
    directory: Path,
    *base: Step,
    closing: Mapping[str, str] = CLOSED,
    subject: str = "",
    expect: Sequence[Mapping[str, Any]] = (),
) -> None:
    case = Case(
        policy=POLICY.replace("SUBJECT", f'commit = "{subject}"' if subject else ""),
        base=[Step(files=PLANNED), *base],
        commits=[Step("docs: close", files=closing)],
        branch="close-it",
        args=["--select=PLN008"],
        expect=expect,
        exit_code=1 if expect else 0,
    )
    run_case(case, directory, installed=False)


def test_a_status_alone_closes_no_slice(tmp_path: Path) -> None:
    judged(tmp_path / "1", expect=[NOT_SHOWN])
    judged(tmp_path / "2", Step("docs: more", files={"README.md": "2"}), expect=[NOT_SHOWN])
    judged(tmp_path / "3", Step("feat: cart", files={"src/cart.ts": "1"}))


def test_a_commit_that_was_taken_back_shows_nothing(tmp_path: Path) -> None:
    there = Step("feat: cart", files={"src/cart.ts": "1"})
    judged(tmp_path, there, Step("fix: no", files={"src/cart.ts": "0"}), expect=[NOT_SHOWN])


def test_where_subjects_tell_they_must(tmp_path: Path) -> None:
    change = {"src/cart.ts": "1"}
    judged(tmp_path / "1", Step("feat: cart", files=change), subject="do {id}: {text}", expect=[NOT_SHOWN])
    judged(tmp_path / "2", Step("do d1: cart", files=change), subject="do {id}: {text}")
    # Naming the slice is not enough: a commit of it changes a file of it.
    for number, step in enumerate((Step("do d1: report", files={"README.md": "2"}), Step("do d1: nothing"))):
        place = tmp_path / f"names-it-{number}"
        judged(place, step, subject="do {id}: {text}", expect=[NOT_SHOWN])


@pytest.mark.parametrize(
    ("manifest", "shows"),
    [
        ({"task_id": "d1", "status": "succeeded"}, True),
        ({"task_id": "d1", "status": "failed"}, False),
        ({"task_id": "d2", "status": "succeeded"}, False),
    ],
)
def test_a_run_of_it_shows_it(tmp_path: Path, manifest: Mapping[str, str], shows: bool) -> None:
    folder = f".runs/slice-{manifest['task_id']}/1"
    run = Step("chore: run", files={f"{folder}/manifest.json": json.dumps(manifest)})
    judged(tmp_path, run, expect=() if shows else [NOT_SHOWN])


def test_a_later_pass_keeps_what_was_done_under_an_earlier_one(tmp_path: Path) -> None:
    code = Step("feat: cart", files={"src/cart.ts": "1"})
    later = {"waves/d-02/PACKET.md": "Go on.\n", "waves/d-02/slices.yaml": DONE}
    closing = {"closing/d/REVIEW.md": "Good.\n"}
    judged(tmp_path / "1", code, Step("docs: plan again", files=later), closing=closing)
    judged(tmp_path / "2", Step("docs: plan again", files=later), closing=closing, expect=[NOT_SHOWN])


def test_what_the_base_had_before_the_list_was_merged_shows_nothing(tmp_path: Path) -> None:
    made = Repository(tmp_path)
    made.commit("chore: start", files={"src/cart.ts": "0"})
    made.branch("plan")
    made.commit("docs: plan", files={"slices.yaml": OPEN})
    made.checkout("main")
    made.commit("fix: cart", files={"src/cart.ts": "1"})
    made.merge("plan")
    with Git(Located.locate(str(tmp_path), clean_environment())) as git:
        listed = History(git, made.oid())
        assert listed.changed_since([b"slices.yaml"]) == []
        assert not listed.changed_since([b"none.yaml"])
        made.commit("feat: cart", files={"src/cart.ts": "2"})
        [entry] = History(git, made.oid()).changed_since([b"slices.yaml"])
        assert entry.path == b"src/cart.ts"
