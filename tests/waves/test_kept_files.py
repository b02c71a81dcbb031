"""The files of slices that are to be done, which are kept for them, and what shows that one was done."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from specguard.change.git import Git, History
from specguard.change.repository import Repository as Located
from specguard.testing import Case, Grant, Outcome, Step, run_case
from specguard.testing.repository import Repository, clean_environment

POLICY = """
[artifacts.packet]
path = "waves/{x}-{nn}/PACKET.md"

[artifacts.pass]
root = "waves/{x}-{nn}/"
members = ["PACKET.md"]

[artifacts.review]
path = "closing/{x}/REVIEW.md"

[artifacts.cleanup]
path = "closing/{x}/CLEANUP.md"
agrees_with = "deletions"

[work.slice]
source = "waves/{x}-{nn}/slices.yaml"
branch = "wave-{x}-{id}"

[wave]
by = ["x"]

[[wave.stages]]
name = "planning"
leaves = ["pass", "packet"]
branch = "plan-{x}"
paths = ["waves/{x}-*/"]

[[wave.stages]]
name = "implementation"
opens_after = ["planning"]
items = "slice"

[[wave.stages]]
name = "review"
opens_after = ["implementation"]
leaves = ["review", "cleanup"]
items = "slice"
branch = "close-{x}"
paths = ["waves/{x}-*/", "closing/{x}/"]

[[approvals.approver]]
name = "alice"
key = "{key}"
may = ["PLN010"]
"""
SLICES = """
slices:
  - {id: d1, files: [src/cart.ts, tests/], status: open}
  - {id: d2, files: [src/till.ts], status: deferred}
  - {id: d3, files: [src/slow.ts], conditional: it is slow, status: open}
  - {id: d5, files: [docs/guide.md], stage: review, status: open}
"""
PLANNED = {"waves/d-01/PACKET.md": "Go.\n", "waves/d-01/slices.yaml": SLICES, "src/other.ts": "1"}
KEPT = {"code": "PLN010", "path": "src/cart.ts", "message": "src/cart.ts is a file of slice d1"}
ALONE = ["--select=PLN010"]


def judged(
    directory: Path,
    files: Mapping[str, str],
    *,
    base: Mapping[str, str] | Sequence[Step] = PLANNED,
    expect: Sequence[Mapping[str, Any]] = (),
    message: str = "feat: x",
    delete: Sequence[str] = (),
    **more: Any,
) -> Outcome:
    steps = [Step(files=base)] if isinstance(base, Mapping) else base
    commits = [Step(message, files=files, delete=delete)] if files or delete else ()
    known = {"policy": POLICY.replace("{key}", ""), "branch": "tidy-up", "args": ["--select=PLN"]}
    more = {**known, "exit_code": 1 if expect else 0, **more}
    return run_case(Case(base=steps, commits=commits, expect=expect, **more), directory, installed=False)


@pytest.mark.parametrize("branch", ["tidy-up", "main-2", "wave-d", "d1", "feature/wave-d-d1"])
def test_a_file_of_a_slice_is_kept_whatever_the_branch_is_called(tmp_path: Path, branch: str) -> None:
    judged(tmp_path, {"src/cart.ts": "2", "src/other.ts": "2"}, branch=branch, expect=[KEPT])


def test_the_slice_itself_and_what_is_nobodys_are_free(tmp_path: Path) -> None:
    judged(tmp_path / "1", {"src/cart.ts": "2"}, branch="wave-d-d1")
    judged(tmp_path / "2", {"src/other.ts": "2"})
    judged(tmp_path / "3", {"src/till.ts": "2"})
    judged(tmp_path / "4", {}, staged=Step("", files={"src/cart.ts": "2"}), expect=[KEPT], args=ALONE)


def test_what_is_added_deleted_and_of_a_conditional_or_later_slice_is_kept(tmp_path: Path) -> None:
    base = {**PLANNED, "src/cart.ts": "1"}
    added = {"code": "PLN010", "path": "tests/new.ts"}
    gone = {"code": "PLN010", "path": "src/cart.ts", "side": "base"}
    slow = {"code": "PLN010", "path": "src/slow.ts", "message": "a file of slice d3"}
    guide = {"code": "PLN010", "path": "docs/guide.md", "message": "a file of slice d5"}
    files = dict.fromkeys(["tests/new.ts", "src/slow.ts", "docs/guide.md"], "1")
    judged(tmp_path, files, base=base, delete=["src/cart.ts"], expect=[guide, gone, slow, added])


def test_no_change_frees_the_files_that_it_takes(tmp_path: Path) -> None:
    done = SLICES.replace("status: open", "status: done")
    files = {"src/cart.ts": "2", "waves/d-01/slices.yaml": done}
    judged(tmp_path / "1", files, expect=[KEPT], args=ALONE)
    message = "changed together with waves/d-01/PACKET.md"
    planning = {"code": "PLN008", "path": "src/cart.ts", "message": message}
    packet = {"src/cart.ts": "2", "waves/d-01/PACKET.md": "Gone.\n"}
    judged(tmp_path / "2", packet, expect=[planning, KEPT])
    # A pass that supersedes the one that lists the slice must be in the base first.
    later = {"waves/d-02/slices.yaml": "slices: []\n", "src/cart.ts": "2"}
    judged(tmp_path / "3", later, expect=[KEPT], args=ALONE)


def test_a_status_alone_in_the_base_frees_no_file(tmp_path: Path) -> None:
    done = {"waves/d-01/slices.yaml": SLICES.replace("tests/], status: open", "tests/], status: done")}
    steps = [Step(files=PLANNED), Step("docs: say so", files=done)]
    judged(tmp_path / "said", {"src/cart.ts": "2"}, base=steps, expect=[KEPT], args=ALONE, message="fix: x")
    steps.append(Step("feat: cart", files={"src/cart.ts": "1"}))
    judged(tmp_path / "done", {"src/cart.ts": "2"}, base=steps, args=ALONE, message="fix: x")


def test_a_later_pass_supersedes_what_an_earlier_one_lists(tmp_path: Path) -> None:
    slices = SLICES.replace("cart.ts", "bag.ts")
    later = {"waves/d-02/PACKET.md": "Go on.\n", "waves/d-02/slices.yaml": slices}
    judged(tmp_path, {"src/cart.ts": "2"}, base={**PLANNED, **later})


def test_an_approval_lifts_it(tmp_path: Path) -> None:
    grants = [Grant(rules=["PLN010"], approver="alice", expires=10, sign="key")]
    more: dict[str, Any] = {"expect": [{**KEPT, "state": "approved"}], "exit_code": 0}
    judged(tmp_path, {"src/cart.ts": "2"}, approvals=grants, policy=POLICY, args=[], **more)


def test_the_base_holds_what_slices_brought_and_a_fork_that_is_called_like_it_does_not(
    tmp_path: Path,
) -> None:
    push = {"ref": "refs/heads/main", "before": "{base}", "after": "{head}", "deleted": False}
    event = {**push, "repository": {"default_branch": "main"}}
    judged(tmp_path / "landed", {"src/cart.ts": "2"}, event=event)
    fork = ["--select=PLN", "--branch=main", "--pr-title=x"]
    judged(tmp_path / "fork", {"src/cart.ts": "2"}, args=fork, expect=[KEPT])


def test_a_change_of_papers_touches_nothing_else_whatever_it_is_called(tmp_path: Path) -> None:
    papers = {"waves/d-01/PACKET.md": "Go!\n", "closing/d/REVIEW.md": "Good.\n"}
    judged(tmp_path / "1", {"waves/d-01/PACKET.md": "Go!\n"})
    message = "changed together with waves/d-01/PACKET.md"
    mixed = {"code": "PLN008", "path": "src/other.ts", "message": message}
    judged(tmp_path / "2", {"waves/d-01/PACKET.md": "Go!\n", "src/other.ts": "2"}, expect=[mixed])
    told = {"code": "PLN008", "path": "src/other.ts", "message": "the branch of the stage review"}
    closed = {**PLANNED, "waves/d-01/slices.yaml": "slices: []\n"}
    judged(tmp_path / "3", {**papers, "src/other.ts": "2"}, base=closed, branch="close-d", expect=[told])


def test_a_cleanup_removes_what_its_manifest_lists(tmp_path: Path) -> None:
    base = {**PLANNED, "waves/d-01/slices.yaml": "slices: []\n", "old.md": "1", "older.md": "1"}
    manifest = {"closing/d/CLEANUP.md": "## Removed\n\n- `old.md`: superseded by the guide\n"}
    args = ["--select=PLN008"]
    judged(tmp_path / "1", manifest, base=base, delete=["old.md"], args=args)
    told = {"code": "PLN008", "path": "older.md", "side": "base"}
    judged(tmp_path / "2", manifest, base=base, delete=["old.md", "older.md"], args=args, expect=[told])


LETTERED = """
slices:
  - {id: C5, title: Sum it up, files: [src/a.ts], status: done}
  - {id: C5A, title: Fix it, stage: review, files: [src/b.ts], status: open}
  - {id: C7, title: Write it down, stage: Docs, files: [guide.md], status: open}
"""
BY_ID = """
[artifacts.packet]
path = "waves/{x}/PACKET.md"

[work.slice]
source = "waves/{x}/slices.yaml"
ids = "[a-z]?[0-9]+[a-z]?"
branch = "phase-{x}-{id:lower}-{slug}"
commit = "feat({id}): {text}"

[wave]
by = ["x"]
stages = [
  {name = "planning", leaves = ["packet"]},
  {name = "implementation", opens_after = ["planning"], items = "slice"},
  {name = "review", opens_after = ["implementation"], items = "slice"},
  {name = "docs", opens_after = ["review"], items = "slice"},
]
"""


LISTED = [
    Step(files={"waves/c/PACKET.md": "Go.\n", "waves/c/slices.yaml": LETTERED}),
    Step("feat(C5): sum it up", files={"src/a.ts": "1"}),
]


def lettered(
    directory: Path, branch: str, path: str, subject: str, *expect: Mapping[str, str], **more: Any
) -> None:
    more = {"base": LISTED, "args": ["--select=PLN,BRN,WRK003,CMT"], "policy": BY_ID, **more}
    judged(directory, {path: "2"}, branch=branch, message=subject, expect=expect, **more)


def test_ids_of_letters_and_digits_are_whole_words(tmp_path: Path) -> None:
    own = {"change": {"work_item": {"kind": "slice", "id": "C5A", "slug": "fix-it"}}}
    lettered(tmp_path / "1", "phase-c-c5a-fix-it", "src/b.ts", "feat(C5A): fix it", report=own)
    kept = {"code": "PLN010", "path": "src/b.ts", "message": "it belongs to slice C5A"}
    lettered(tmp_path / "2", "phase-c-c5-sum-it-up", "src/b.ts", "feat(C5): more", kept)
    other = [{"code": "WRK003", "message": "C5A"}, {"code": "CMT002"}]
    lettered(tmp_path / "3", "phase-c-c5-sum-it-up", "src/a.ts", "feat(C5A): more", *other)


def test_slices_of_a_later_stage_wait_for_it(tmp_path: Path) -> None:
    early = {"code": "PLN008", "field": "work_item", "message": "slice C7 is for the stage docs"}
    change = ("phase-c-c7-write-it-down", "guide.md", "feat(C7): write it down")
    lettered(tmp_path / "1", *change, early)
    opened = [
        *LISTED,
        Step("feat(C5A): fix it", files={"src/b.ts": "1"}),
        Step("docs: close it", files={"waves/c/slices.yaml": LETTERED.replace("open", "done", 1)}),
    ]
    lettered(tmp_path / "2", *change, base=opened)


def test_a_change_of_a_waves_papers_is_upkeep_and_needs_no_item(tmp_path: Path) -> None:
    policy = "require_work_item = true\n" + POLICY.replace("{key}", "")
    args = ["--select=WRK001,PLN008,PLN010"]
    papers = {"waves/d-01/slices.yaml": SLICES + "# d1 is next\n", "waves/d-01/PACKET.md": "Go!\n"}
    judged(tmp_path / "1", papers, policy=policy, args=args, states={"WRK001": "passed"})
    more = {**papers, "src/other.ts": "2"}
    expect = [{"code": "WRK001"}, {"code": "PLN008", "path": "src/other.ts"}]
    judged(tmp_path / "2", more, policy=policy, args=args, expect=expect)


# What shows that a slice was done

OPEN = "slices:\n  - {id: d1, files: [src/cart.ts], status: open}\n"
DONE = OPEN.replace("open", "done")
CLOSED = {"waves/d-01/slices.yaml": DONE, "closing/d/REVIEW.md": "Good.\n"}
NOT_SHOWN = {
    "code": "PLN008",
    "path": "closing/d/REVIEW.md",
    "message": "slice d1 is not closed: its status is done, and no commit or run of it shows that",
}


def shown(directory: Path, *base: Step, subject: str = "", **more: Any) -> None:
    """Judge a change that closes the slice, after some commits."""
    policy = POLICY.replace("{key}", "").replace("[wave]", '[runs]\nkeep = "tree"\n\n[wave]')
    if subject:
        policy = policy.replace('wave-{x}-{id}"', f'wave-{{x}}-{{id}}"\ncommit = "{subject}"')
    steps = [Step(files={**PLANNED, "waves/d-01/slices.yaml": OPEN, "src/cart.ts": "0"}), *base]
    more = {"message": "docs: close", "args": ["--select=PLN008"], **more}
    judged(directory, more.pop("closing", CLOSED), base=steps, policy=policy, **more)


def test_a_status_alone_closes_no_slice(tmp_path: Path) -> None:
    shown(tmp_path / "1", expect=[NOT_SHOWN])
    shown(tmp_path / "2", Step("docs: more", files={"README.md": "2"}), expect=[NOT_SHOWN])
    there = Step("feat: cart", files={"src/cart.ts": "1"})
    shown(tmp_path / "3", there)
    # What was taken back shows nothing.
    shown(tmp_path / "4", there, Step("fix: no", files={"src/cart.ts": "0"}), expect=[NOT_SHOWN])


def test_where_subjects_tell_they_must(tmp_path: Path) -> None:
    change = {"src/cart.ts": "1"}
    shown(tmp_path / "1", Step("feat: cart", files=change), subject="do {id}: {text}", expect=[NOT_SHOWN])
    shown(tmp_path / "2", Step("do d1: cart", files=change), subject="do {id}: {text}")
    # Naming the slice is not enough: a commit of it changes a file of it.
    for number, step in enumerate((Step("do d1: report", files={"README.md": "2"}), Step("do d1: nothing"))):
        place = tmp_path / f"names-it-{number}"
        shown(place, step, subject="do {id}: {text}", expect=[NOT_SHOWN])


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
    shown(tmp_path, run, expect=() if shows else [NOT_SHOWN])


def test_a_later_pass_keeps_what_was_done_under_an_earlier_one(tmp_path: Path) -> None:
    code = Step("feat: cart", files={"src/cart.ts": "1"})
    later = {"waves/d-02/PACKET.md": "Go on.\n", "waves/d-02/slices.yaml": DONE}
    closing = {"closing/d/REVIEW.md": "Good.\n"}
    shown(tmp_path / "1", code, Step("docs: plan again", files=later), closing=closing)
    shown(tmp_path / "2", Step("docs: plan again", files=later), closing=closing, expect=[NOT_SHOWN])


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
