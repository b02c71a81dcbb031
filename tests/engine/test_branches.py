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

```toml specguard
[work.slice]
source = "plan/PHASE_*.yaml"
branch = "phase-{phase}-{number}"

[work.phase]
pointer = ["NEXT.json"]
branch = "fix-{number}-{slug}"
```
"""
PLAN = """phase: d
slices:
  - {id: D1, owner: ann, files: [src/a/**]}
  - {id: D2, owner: bob, files: [src/b/**, shared]}
"""
LINES = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
FIRST = {"SPEC_AUTHORITY.md": POLICY, "plan/PHASE_D.yaml": PLAN, "f": LINES, "shared": LINES}


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


def told(here: Repository, *args: str, **more: Any) -> dict[str, Any]:
    """What a program is told."""
    words = ("status", "--branches", "--output-format", "json", "--today", "2026-01-11", *args)
    found: dict[str, Any] = json.loads(ended(run_here(*words, directory=here.path, **more)).stdout)
    assert found["schema"] == "specguard.branches/1"
    return found


def text(here: Repository) -> str:
    """What a person reads."""
    return ended(run_here("status", "--branches", "--today", "2026-01-11", directory=here.path)).stdout


def each(found: Mapping[str, Any], field: str) -> dict[str, Any]:
    """A field of every branch, by its name."""
    return {branch["name"]: branch[field] for branch in found["branches"]}


def conflicts(found: Mapping[str, Any]) -> dict[str, Any]:
    """Where each pair conflicts, by its names in the order of the alphabet."""
    return {" ".join(sorted(pair["branches"])): pair["conflicts"] for pair in found["pairs"]}


def test_branches_that_change_the_same_file_with_and_without_a_conflict(here: Repository) -> None:
    open_branch(here, "top", {"f": LINES.replace("1", "one"), "a": "a"}, author="Tia Top <t@x>")
    open_branch(here, "other-top", {"f": LINES.replace("1", "uno")})
    open_branch(here, "end", {"f": LINES.replace("9", "nine"), "a": "a"})
    open_branch(here, "apart", {"b": "b"})
    found = told(here)
    assert found["base"]["name"] == "main"
    assert conflicts(found) == {"end top": [], "end other-top": [], "other-top top": ["f"]}
    shared = [(pair["shared"], pair["files"]) for pair in found["pairs"]]
    assert shared == [(2, ["a", "f"]), (1, ["f"]), (1, ["f"])]
    [top] = [branch for branch in found["branches"] if branch["name"] == "top"]
    named = {"name": "top", "refs": ["refs/heads/top"], "head": here.oid("top"), "owner": "Tia Top <t@x>"}
    told_of = {"item": None, "age_days": 10, "files": ["a", "f"], "stands_on": [], "problem": ""}
    assert top == {**named, **told_of}
    said = text(here)
    assert re.search(r"(?m)^  10 days     top +Tia Top +2 files$", said), said
    conflict = said.index("conflict    other-top and top: both change f; conflicts in f")
    assert conflict < said.index("no conflict")
    assert "branches  4 open, 0 with nothing that main lacks" in said
    page = (Path(__file__).parent.parent.parent / "docs" / "status.md").read_text(encoding="utf-8")
    fields = set(re.findall("`([a-z_]+)`", page.partition("## Open branches")[2].partition("\n## ")[0]))
    assert {*found, *top, *found["pairs"][0], *found["base"]} <= fields


def test_branches_of_one_item_and_files_of_a_slice_from_outside(here: Repository) -> None:
    open_branch(here, "phase-d-1", {"src/a/x": "1"})
    open_branch(here, "phase-d-01", {"src/a/y": "1"})
    open_branch(here, "phase-d-2", {"src/b/x": "1", "src/a/z": "2"})
    open_branch(here, "tidy", {"shared": "tidy\n", "README": "r"})
    open_branch(here, "fix-7-one", {"c": "1"})
    open_branch(here, "fix-07-two", {"d": "1"})
    found = told(here)
    items = each(found, "item")
    assert items["phase-d-2"] == {"kind": "slice", "id": "D2"}
    assert items["fix-07-two"] == {"kind": "phase", "id": "7"}
    assert items["tidy"] is None
    pairs = {" ".join(sorted(pair["branches"])): pair for pair in found["pairs"]}
    across = ["phase-d-01 phase-d-2", "phase-d-1 phase-d-2", "phase-d-2 tidy"]
    assert sorted(pairs) == ["fix-07-two fix-7-one", "phase-d-01 phase-d-1", *across]
    assert {name for name, pair in pairs.items() if pair["same_item"]} == pairs.keys() - {*across}
    assert pairs["phase-d-2 tidy"]["shared"] == 0
    outside = [{"branch": "tidy", "item": "slice D2", "files": ["shared"]}]
    assert pairs["phase-d-2 tidy"]["outside"] == outside
    outside = [{"branch": "phase-d-2", "item": "slice D1", "files": ["src/a/z"]}]
    assert pairs["phase-d-1 phase-d-2"]["outside"] == outside
    said = text(here)
    assert "both are for slice D1" in said
    assert "tidy changes files of slice D2: shared" in said


def test_what_a_remote_has_of_a_branch_is_that_branch_unless_it_went_apart(here: Repository) -> None:
    here.publish(head=True)
    open_branch(here, "here", {"a": "1"})
    here.publish("here")
    here.publish("named-otherwise", "here")
    open_branch(here, "behind", {"b": "1"})
    here.publish("behind")
    here.checkout("behind")
    here.commit("more", files={"b": "2"})
    for name, files in (("there", {"c": "1"}), ("topic", {"f": "theirs\n"})):
        here.publish(name, open_branch(here, name, files))
        here.git("branch", "-q", "-D", name)
    open_branch(here, "topic", {"f": "mine\n"})
    found = told(here)
    assert found["base"]["name"] == "origin/main"
    remote = "refs/remotes/origin/"
    assert each(found, "refs") == {
        "here": ["refs/heads/here", f"{remote}here", f"{remote}named-otherwise"],
        "behind": ["refs/heads/behind", f"{remote}behind"],
        "origin/there": [f"{remote}there"],
        "origin/topic": [f"{remote}topic"],
        "topic": ["refs/heads/topic"],
    }
    assert found["landed"] == 0
    assert conflicts(found) == {"origin/topic topic": ["f"]}
    assert each(found, "head")["behind"] == here.oid("behind")


def test_what_has_landed_is_counted(here: Repository) -> None:
    open_branch(here, "merged", {"a": "1"})
    here.merge("merged")
    open_branch(here, "squashed", {"b": "1"}, at="main~1")
    here.commit("squashed (#1)", files={"b": "1"})
    here.branch("new", checkout=False)
    open_branch(here, "partly", {"b": "1", "c": "1"}, at="main~2")
    found = told(here)
    assert (each(found, "files"), found["landed"]) == ({"partly": ["c"]}, 3)
    assert "1 open, 3 with nothing that main lacks" in text(here)


def test_a_branch_that_merged_the_base_has_its_own_files_alone(here: Repository) -> None:
    open_branch(here, "long", {"a": "1"})
    for at in range(2):
        here.checkout("main")
        here.commit(f"main {at}", files={"m": f"{at}\n", f"m{at}": "1"})
        here.checkout("long")
        here.merge("main")
        here.commit(f"long {at}", files={f"l{at}": "1"})
    here.checkout("main")
    here.commit("main again", files={"m": "again\n", "m0": "2"})
    assert each(told(here), "files") == {"long": ["a", "l0", "l1"]}


def test_only_what_two_branches_do_themselves_is_a_conflict(here: Repository) -> None:
    open_branch(here, "phase-d-1", {"src/a/x": "1"})
    open_branch(here, "phase-d-2", {"src/b/x": "1"}, at="phase-d-1")
    open_branch(here, "third", {"src/a/x": "3"})
    open_branch(here, "old", {"shared": "old\n", "a": LINES})
    here.branch("moves")
    here.rename("f", "moved")
    here.commit("move", files={"moved": LINES.replace("5", "five")})
    here.orphan("pages")
    here.commit("pages", files={"f": "page"})
    here.checkout("main")
    here.commit("later", files={"shared": "later\n"})
    open_branch(here, "edits", {"f": LINES.replace("5", "V")})
    open_branch(here, "young", {"a": LINES, "b": "1"})
    found = told(here)
    assert {name: on for name, on in each(found, "stands_on").items() if on} == {"phase-d-2": ["phase-d-1"]}
    assert conflicts(found) == {
        "phase-d-1 third": ["src/a/x"],
        "phase-d-2 third": ["src/a/x"],
        "old phase-d-2": [],
        "old young": [],
        "edits moves": ["moved"],
    }
    problems = {name: problem for name, problem in each(found, "problem").items() if problem}
    assert problems == {"pages": "it has no commit in common with the base"}
    said = text(here)
    assert "stands on phase-d-1" in said
    assert "it has no commit in common with the base" in said


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
    assert set(each(found, "item").values()) == {None}
    assert conflicts(found) == {"phase-d-01 phase-d-1": ["f"]}
    assert found["notes"][0].startswith("No items are known: there is no authority: main has neither")
    assert "note      No items are known" in text(repository)


def test_names_are_not_obeyed(here: Repository) -> None:
    path = b"p\x1b[2J\xfe"
    for ref in (b"refs/heads/od\xffd\xe2\x80\xae", b"refs/heads/plain"):
        here.checkout("main", detach=True)
        here.commit("odd", files={path: str(ref)}, author="A\u202eB\x1b <a@x>")
        here.ref(ref)
    here.checkout("main")
    found = told(here)
    assert set(each(found, "name")) == {"od\\xffd\u202e", "plain"}
    assert [pair["files"] for pair in found["pairs"]] == [["p\x1b[2J\\xfe"]]
    said = text(here)
    assert all(name in said for name in ("od\\xffd\\u202e", "p\\x1b[2J\\xfe", "A\\u202eB"))
    assert not re.search("[\x1b\u202e]", said)


def test_two_hundred_pairs_are_asked_those_with_most_shared_files_first(
    here: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specguard.engine.branches.ASKED", 2)
    for name, files in {"one": "fg", "two": "f", "six": "fg", "ten": "f"}.items():
        open_branch(here, name, dict.fromkeys(files, name))
    found = told(here)
    asked = [pair["branches"] for pair in found["pairs"] if pair["conflicts"] is not None]
    assert asked[0] == ["six", "one"]
    assert (len(asked), len(found["pairs"])) == (2, 6)
    assert found["notes"] == ["Only 2 of 6 pairs were asked about conflicts, those with most shared files."]
    assert text(here).count("\n  not asked   ") == 4


def test_many_branches_take_no_more_processes_than_two(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    start = Process.__init__

    def count(self: Process, program: str, arguments: Any, *more: Any, **named: Any) -> None:
        started.append(arguments)
        start(self, program, arguments, *more, **named)

    monkeypatch.setattr(Process, "__init__", count)

    def processes(number: int) -> int:
        work = [{"parents": ["base"], "files": {"f": str(at)}, "id": f"b{at}"} for at in range(number)]
        main: dict[str, Any] = {"parents": ["base"], "files": {"g": "g"}, "id": "main"}
        steps = [Step(message="x", **step) for step in ({"files": {"f": "f"}, "id": "base"}, *work, main)]
        repository.add_commits(steps, refs={f"refs/heads/b{at}": f"b{at}" for at in range(number)})
        started.clear()
        found = told(repository)
        asked = [pair for pair in found["pairs"] if pair["conflicts"] is not None]
        every = number * (number - 1) // 2
        assert (len(found["branches"]), len(found["pairs"])) == (number, every)
        assert len(asked) == min(200, every)
        return len(started)

    assert processes(2) == processes(30)


def test_the_base_that_the_policy_names(here: Repository) -> None:
    here.commit(files={"SPEC_AUTHORITY.md": POLICY.replace("[work.slice]", 'base = "develop"\n[work.slice]')})
    here.branch("develop")
    here.commit("ahead", files={"d": "1"})
    here.checkout("main")
    open_branch(here, "topic", {"t": "1"}, at="develop")
    for words, name, files in (((), "develop", ["t"]), (("--base", "main"), "main", ["d", "t"])):
        found = told(here, *words)
        assert (found["base"]["name"], each(found, "files")["topic"]) == (name, files)


def test_an_older_git_is_not_asked(here: Repository, tmp_path: Path) -> None:
    open_branch(here, "one", {"f": "1"})
    open_branch(here, "two", {"f": "2"})
    older = tmp_path / "git"
    refusing = 'case "$*" in *merge-tree*) echo usage >&2; exit 129;; esac'
    older.write_text(f'#!/bin/sh\n{refusing}\nexec {here.git("--exec-path")}/git "$@"\n')
    older.chmod(0o755)
    found = told(here, env={"PATH": f"{tmp_path}:{clean_environment()['PATH']}"})
    assert conflicts(found) == {"one two": None}
    assert found["notes"] == ["No pair was asked about conflicts: that takes git 2.39 or later."]


def test_what_cannot_be_read_is_said_and_hides_no_other(here: Repository) -> None:
    here.commit("plan", files={"plan/PHASE_D.yaml": PLAN.replace("src/a/**", '"src/["')})
    open_branch(here, "phase-d-1", {"src/a/f": "1"})
    lost = open_branch(here, "lost", {"src/a/f": "2"})
    tree = here.git("rev-parse", f"{lost}:src/a")
    (here.git_dir / "objects" / tree[:2] / tree[2:]).unlink()
    found = told(here)
    assert each(found, "files")["phase-d-1"] == ["src/a/f"]
    assert each(found, "item")["phase-d-1"] == {"kind": "slice", "id": "D1"}
    problems = each(found, "problem")
    assert "plan/PHASE_D.yaml:3 has a file of" in problems["phase-d-1"]
    assert "what branches change cannot be read" in problems["lost"]


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
    empty = Repository(tmp_path / "empty")
    unshallow, nothing = "git fetch --unshallow origin", "there is no base to compare with"
    for place, said in ((shallow, unshallow), (empty, nothing)):
        done = ended(run_here("status", "--branches", directory=place.path), 2)
        assert (done.stdout, said in done.stderr) == ("", True), done
