"""`specguard status --branches`: what is open at the same time, and what of it touches the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from specguard.change.process import Process
from specguard.testing import Repository, Step, run_here
from specguard.testing.repository import clean_environment
from tests.outcomes import ended

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICY = """# Authority

~~~toml specguard
[work.slice]
source = "plan/PHASE_*.yaml"
branch = "phase-{phase}-{number}"

[work.phase]
pointer = ["NEXT.json"]
branch = "fix-{number}-{slug}"
~~~
"""
PLAN = """phase: d
slices:
  - {id: D1, owner: ann, files: [src/a/**]}
  - {id: D2, owner: bob, files: [src/b/**, shared]}
"""
FIRST = {
    "SPEC_AUTHORITY.md": POLICY.replace("~~~", "```"),
    "plan/PHASE_D.yaml": PLAN,
    "f": "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
    "shared": "s\n",
}


@pytest.fixture
def here(repository: Repository) -> Repository:
    """`main`, with an authority and a list of slices."""
    repository.commit("base", files=FIRST)
    return repository


def open_branch(here: Repository, name: str, files: Mapping[str, str], at: str = "main", **more: Any) -> str:
    """A branch with one commit of its own; `main` is checked out again."""
    here.branch(name, at)
    oid = here.commit(f"work on {name}", files=files, **more)
    here.checkout("main")
    return oid


def told(here: Repository, *args: str) -> dict[str, Any]:
    """What a program is told."""
    words = ("status", "--branches", "--output-format", "json", "--today", "2026-01-11", *args)
    found: dict[str, Any] = json.loads(ended(run_here(*words, directory=here.path)).stdout)
    assert found["schema"] == "specguard.branches/1"
    return found


def text(here: Repository) -> str:
    """What a person reads."""
    return ended(run_here("status", "--branches", "--today", "2026-01-11", directory=here.path)).stdout


def names(found: Mapping[str, Any]) -> set[str]:
    return {branch["name"] for branch in found["branches"]}


def conflicts(found: Mapping[str, Any]) -> dict[str, Any]:
    """Where each pair conflicts, by its names in the order of the alphabet."""
    return {" ".join(sorted(pair["branches"])): pair["conflicts"] for pair in found["pairs"]}


def test_branches_that_change_the_same_file_with_and_without_a_conflict(here: Repository) -> None:
    open_branch(here, "top", {"f": FIRST["f"].replace("1", "one"), "a": "a"}, author="Tia Top <t@x>")
    open_branch(here, "other-top", {"f": FIRST["f"].replace("1", "uno")})
    open_branch(here, "end", {"f": FIRST["f"].replace("9", "nine"), "a": "a"})
    open_branch(here, "apart", {"b": "b"})
    found = told(here)
    assert found["base"]["name"] == "main"
    assert conflicts(found) == {"end top": [], "end other-top": [], "other-top top": ["f"]}
    assert [(pair["shared"], pair["files"]) for pair in found["pairs"]] == [
        (2, ["a", "f"]), (1, ["f"]), (1, ["f"]),
    ]  # fmt: skip
    [top] = [branch for branch in found["branches"] if branch["name"] == "top"]
    assert top == {
        "name": "top",
        "refs": ["refs/heads/top"],
        "head": here.oid("top"),
        "item": None,
        "owner": "Tia Top <t@x>",
        "age_days": 10,
        "files": ["a", "f"],
        "stands_on": [],
        "problem": "",
    }
    said = text(here)
    assert re.search(r"(?m)^  10 days     top +Tia Top +2 files$", said), said
    assert said.index("conflict    other-top and top: both change f; conflicts in f") < said.index(
        "no conflict"
    )
    assert "branches  4 open, 0 with nothing that main lacks" in said


def test_branches_of_one_item_and_files_of_a_slice_from_outside(here: Repository) -> None:
    open_branch(here, "phase-d-1", {"src/a/x": "1"})
    open_branch(here, "phase-d-01", {"src/a/y": "1"})
    open_branch(here, "phase-d-2", {"src/b/x": "1", "src/a/z": "2"})
    open_branch(here, "tidy", {"shared": "tidy\n", "README": "r"})
    open_branch(here, "fix-7-one", {"c": "1"})
    open_branch(here, "fix-07-two", {"d": "1"})
    found = told(here)
    items = {branch["name"]: branch["item"] for branch in found["branches"]}
    assert items["phase-d-2"] == {"kind": "slice", "id": "D2"}
    assert items["fix-07-two"] == {"kind": "phase", "id": "7"}
    assert items["tidy"] is None
    pairs = {frozenset(pair["branches"]): pair for pair in found["pairs"]}
    assert {" ".join(sorted(pair)) for pair in pairs} == {
        "phase-d-01 phase-d-1", "phase-d-1 phase-d-2", "phase-d-01 phase-d-2", "phase-d-2 tidy",
        "fix-07-two fix-7-one",
    }  # fmt: skip
    assert pairs[frozenset({"phase-d-1", "phase-d-01"})]["same_item"] is True
    assert pairs[frozenset({"fix-7-one", "fix-07-two"})]["same_item"] is True
    beside = pairs[frozenset({"phase-d-2", "tidy"})]
    assert (beside["same_item"], beside["shared"]) == (False, 0)
    assert beside["outside"] == [{"branch": "tidy", "item": "slice D2", "files": ["shared"]}]
    across = pairs[frozenset({"phase-d-2", "phase-d-1"})]["outside"]
    assert across == [{"branch": "phase-d-2", "item": "slice D1", "files": ["src/a/z"]}]
    said = text(here)
    assert "both are for slice D1" in said
    assert "tidy changes files of slice D2: shared" in said


def test_what_a_remote_has_of_a_branch_is_that_branch(here: Repository) -> None:
    here.publish(head=True)
    open_branch(here, "here", {"a": "1"})
    here.publish("here")
    here.publish("named-otherwise", "here")
    behind = open_branch(here, "behind", {"b": "1"})
    here.publish("behind")
    here.checkout("behind")
    here.commit("more", files={"b": "2"})
    here.publish("there", open_branch(here, "there", {"c": "1"}))
    here.git("branch", "-q", "-D", "there")
    found = told(here)
    assert found["base"]["name"] == "origin/main"
    refs = {branch["name"]: branch["refs"] for branch in found["branches"]}
    remote = "refs/remotes/origin/"
    assert refs == {
        "here": ["refs/heads/here", f"{remote}here", f"{remote}named-otherwise"],
        "behind": ["refs/heads/behind", f"{remote}behind"],
        "origin/there": [f"{remote}there"],
    }
    assert (found["landed"], found["pairs"]) == (0, [])
    assert behind not in {branch["head"] for branch in found["branches"]}


def test_one_that_has_gone_apart_from_its_remote_is_two(here: Repository) -> None:
    here.publish(head=True)
    here.publish("topic", open_branch(here, "topic", {"f": "theirs\n"}))
    here.git("branch", "-q", "-D", "topic")
    open_branch(here, "topic", {"f": "mine\n"})
    assert conflicts(told(here)) == {"origin/topic topic": ["f"]}


def test_what_has_landed_is_counted(here: Repository) -> None:
    open_branch(here, "merged", {"a": "1"})
    here.merge("merged")
    open_branch(here, "squashed", {"b": "1"}, at="main~1")
    here.commit("squashed (#1)", files={"b": "1"})
    here.branch("new", checkout=False)
    open_branch(here, "partly", {"b": "1", "c": "1"}, at="main~2")
    found = told(here)
    assert (names(found), found["landed"]) == ({"partly"}, 3)
    assert found["branches"][0]["files"] == ["c"]
    assert "1 open, 3 with nothing that main lacks" in text(here)


def test_a_branch_that_merged_the_base_has_its_own_files_alone(here: Repository) -> None:
    open_branch(here, "long", {"a": "1"})
    for at in range(3):
        here.checkout("main")
        here.commit(f"main {at}", files={"m": f"{at}\n", f"m{at}": "1"})
        here.checkout("long")
        here.merge("main")
        here.commit(f"long {at}", files={f"l{at}": "1"})
    here.checkout("main")
    here.commit("main again", files={"m": "again\n", "m0": "2"})
    [long] = told(here)["branches"]
    assert long["files"] == ["a", "l0", "l1", "l2"]


def test_what_stands_on_a_branch_is_no_pair_with_it(here: Repository) -> None:
    open_branch(here, "phase-d-1", {"src/a/x": "1"})
    open_branch(here, "phase-d-2", {"src/b/x": "1"}, at="phase-d-1")
    open_branch(here, "third", {"src/a/x": "3"})
    found = told(here)
    on = {branch["name"]: branch["stands_on"] for branch in found["branches"]}
    assert on == {"phase-d-1": [], "phase-d-2": ["phase-d-1"], "third": []}
    assert conflicts(found) == {"phase-d-1 third": ["src/a/x"], "phase-d-2 third": ["src/a/x"]}
    assert "stands on phase-d-1" in text(here)


def test_a_conflict_with_the_base_is_not_the_pair_s(here: Repository) -> None:
    open_branch(here, "old", {"f": "old\n", "a": FIRST["f"].replace("1", "one")})
    here.commit("later", files={"f": "later\n"})
    open_branch(here, "young", {"a": FIRST["f"].replace("1", "one"), "b": "1"})
    assert conflicts(told(here)) == {"old young": []}


def test_a_conflict_in_a_file_that_one_side_renames(here: Repository) -> None:
    here.branch("moves")
    here.rename("f", "moved")
    here.commit("move", files={"moved": FIRST["f"].replace("5", "five")})
    here.checkout("main")
    here.commit("later", files={"g": "1"})
    open_branch(here, "edits", {"f": FIRST["f"].replace("5", "V")})
    assert conflicts(told(here)) == {"edits moves": ["moved"]}


def test_a_history_of_its_own(here: Repository) -> None:
    open_branch(here, "topic", {"f": "f"})
    here.orphan("pages")
    here.commit("pages", files={"f": "page"})
    here.checkout("main")
    found = told(here)
    problems = {branch["name"]: branch["problem"] for branch in found["branches"]}
    assert problems == {"topic": "", "pages": "it has no commit in common with the base"}
    assert found["pairs"] == []
    assert "it has no commit in common with the base" in text(here)


def test_head_has_no_say(here: Repository, tmp_path: Path) -> None:
    open_branch(here, "one", {"f": "1"})
    open_branch(here, "phase-d-1", {"f": "2"})
    whole = told(here)
    here.checkout("one", detach=True)
    assert told(here) == whole
    bare = here.clone(tmp_path / "bare.git", bare=True)
    assert told(bare) == whole
    (bare.path / "HEAD").write_text("ref: refs/heads/gone\n")
    assert told(bare) == whole


def test_without_an_authority_no_items_are_known(repository: Repository) -> None:
    repository.commit("base", files={"f": "1"})
    open_branch(repository, "phase-d-1", {"f": "2"})
    open_branch(repository, "phase-d-01", {"f": "3"})
    found = told(repository)
    assert [branch["item"] for branch in found["branches"]] == [None, None]
    assert conflicts(found) == {"phase-d-01 phase-d-1": ["f"]}
    assert found["notes"][0].startswith("No items are known: there is no authority: main has neither")
    assert "note      No items are known" in text(repository)


def test_names_are_not_obeyed(here: Repository) -> None:
    odd = b"refs/heads/od\xffd\xe2\x80\xae"
    path = b"p\x1b[2J\xfe"
    for ref in (odd, b"refs/heads/plain"):
        here.checkout("main", detach=True)
        here.commit("odd", files={path: str(ref)}, author="A\u202eB\x1b <a@x>")
        here.ref(ref)
    here.checkout("main")
    found = told(here)
    assert names(found) == {"od\\xffd\u202e", "plain"}
    assert [pair["files"] for pair in found["pairs"]] == [["p\x1b[2J\\xfe"]]
    said = text(here)
    assert "od\\xffd\\u202e" in said
    assert "p\\x1b[2J\\xfe" in said
    assert "A\\u202eB" in said
    assert not re.search("[\x1b\u202e]", said)


def test_two_hundred_pairs_are_asked_those_with_most_shared_files_first(
    here: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specguard.engine.branches.ASKED", 2)
    open_branch(here, "one", {"f": "1", "g": "1"})
    open_branch(here, "two", {"f": "2"})
    open_branch(here, "six", {"f": "3", "g": "3"})
    open_branch(here, "ten", {"f": "4"})
    found = told(here)
    asked = [pair["branches"] for pair in found["pairs"] if pair["conflicts"] is not None]
    assert asked[0] == ["six", "one"]
    assert (len(asked), len(found["pairs"])) == (2, 6)
    assert found["notes"] == ["Only 2 of 6 pairs were asked about conflicts, those with most shared files."]
    assert text(here).count("\n  not asked   ") == 4


def test_a_hundred_branches_take_no_more_processes_than_two(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    start = Process.__init__

    def count(self: Process, program: str, arguments: Any, *more: Any, **named: Any) -> None:
        started.append(arguments)
        start(self, program, arguments, *more, **named)

    monkeypatch.setattr(Process, "__init__", count)

    def processes(number: int) -> int:
        steps = [
            Step(message="work", parents=["base"], files={"f": str(at)}, id=f"b{at}") for at in range(number)
        ]
        steps = [Step(message="base", files={"f": "f"}, id="base"), *steps]
        steps.append(Step(message="main", parents=["base"], files={"g": "g"}, id="main"))
        refs = {f"refs/heads/b{at}": f"b{at}" for at in range(number)}
        repository.add_commits(steps, refs=refs)
        started.clear()
        found = told(repository)
        asked = [pair for pair in found["pairs"] if pair["conflicts"] is not None]
        every = number * (number - 1) // 2
        assert (len(found["branches"]), len(found["pairs"])) == (number, every)
        assert len(asked) == min(200, every)
        return len(started)

    assert processes(2) == processes(100)


def test_the_base_that_the_policy_names(here: Repository) -> None:
    named = FIRST["SPEC_AUTHORITY.md"].replace("[work.slice]", 'base = "develop"\n[work.slice]', 1)
    here.commit("base", files={"SPEC_AUTHORITY.md": named})
    here.branch("develop")
    here.commit("ahead", files={"d": "1"})
    here.checkout("main")
    open_branch(here, "topic", {"t": "1"}, at="develop")
    for words, name, files in (((), "develop", ["t"]), (("--base", "main"), "main", ["d", "t"])):
        found = told(here, *words)
        assert found["base"]["name"] == name
        assert {one["name"]: one["files"] for one in found["branches"]}["topic"] == files


def test_an_older_git_is_not_asked(here: Repository, tmp_path: Path) -> None:
    open_branch(here, "one", {"f": "1"})
    open_branch(here, "two", {"f": "2"})
    older = tmp_path / "bin" / "git"
    older.parent.mkdir()
    real = here.git("--exec-path") + "/git"
    older.write_text(
        f'#!/bin/sh\ncase "$*" in *merge-tree*) echo usage >&2; exit 129;; esac\nexec {real} "$@"\n'
    )
    older.chmod(0o755)
    path = f"{older.parent}:{clean_environment()['PATH']}"
    words = ("status", "--branches", "--output-format", "json")
    found = json.loads(ended(run_here(*words, directory=here.path, env={"PATH": path})).stdout)
    assert conflicts(found) == {"one two": None}
    assert found["notes"] == ["No pair was asked about conflicts: that takes git 2.39 or later."]


def test_a_branch_that_cannot_be_read_hides_no_other(here: Repository) -> None:
    open_branch(here, "one", {"src/a/f": "1"})
    lost = open_branch(here, "lost", {"src/a/f": "2"})
    tree = here.git("rev-parse", f"{lost}:src/a")
    (here.git_dir / "objects" / tree[:2] / tree[2:]).unlink()
    found = {branch["name"]: branch for branch in told(here)["branches"]}
    assert found["one"]["files"] == ["src/a/f"]
    assert "what branches change cannot be read" in found["lost"]["problem"]


def test_a_slice_whose_files_cannot_be_read_is_said(here: Repository) -> None:
    here.commit("plan", files={"plan/PHASE_D.yaml": PLAN.replace("src/a/**", '"src/["')})
    open_branch(here, "phase-d-1", {"src/a/x": "1"})
    [branch] = told(here)["branches"]
    assert branch["item"] == {"kind": "slice", "id": "D1"}
    assert "plan/PHASE_D.yaml:3 has a file of D1 that no path matches" in branch["problem"].replace(
        "slice ", ""
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--wave", "d"], "--branches does not go with --worktree, --wave or --require"),
        (["--base", "nothing"], "the base cannot be found"),
        (["--today", "soon"], "is no date"),
    ],
)
def test_what_is_refused(here: Repository, words: list[str], said: str) -> None:
    done = run_here("status", "--branches", *words, directory=here.path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("specguard: error") == 1


def test_a_shallow_clone_and_an_empty_repository_are_said(here: Repository, tmp_path: Path) -> None:
    open_branch(here, "one", {"f": "1"})
    here.commit("later", files={"g": "1"})
    shallow = here.clone(tmp_path / "shallow", depth=1)
    shallow.git("fetch", "-q", "--depth=1", "origin", "one:one")
    done = run_here("status", "--branches", directory=shallow.path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "git fetch --unshallow origin" in done.stderr
    done = run_here("status", "--branches", directory=Repository(tmp_path / "empty").path)
    assert done.exit_code == 2
    assert "there is no base to compare with" in done.stderr


def test_every_field_is_on_its_page(here: Repository) -> None:
    open_branch(here, "one", {"f": "1"})
    open_branch(here, "two", {"f": "2"})
    page = (Path(__file__).parent.parent.parent / "docs" / "status.md").read_text(encoding="utf-8")
    said = set(re.findall("`([a-z_]+)`", page.partition("## Open branches")[2].partition("\n## ")[0]))
    found = told(here)
    assert {*found, *found["branches"][0], *found["pairs"][0], *found["base"]} <= said
