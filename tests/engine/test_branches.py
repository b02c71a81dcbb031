"""`specguard status --branches`: what is open at the same time, and what of it touches the same."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository, Step, run_here
from tests.changes import loose, older_git
from tests.outcomes import ended
from tests.taking import noted_processes

SCENARIOS = tomllib.loads(Path(__file__).with_name("branches.toml").read_text("utf-8"))
FIRST = SCENARIOS["files"]
LINES = FIRST["f"]


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


def step(here: Repository, *, branch: str = "", on: str = "", orphan: str = "", **does: Any) -> None:
    """Do what a step of a scenario says; `main` is checked out again."""
    if branch:
        here.branch(branch, does.get("at", "main"))
    elif orphan:
        here.orphan(orphan)
    else:
        here.checkout(on)
    if "merge" in does:
        here.merge(does["merge"])
    for old, new in does.get("rename", {}).items():
        here.rename(old, new)
    if "files" in does:
        here.commit(files=does["files"])
    for name in does.get("publish", ()):
        here.publish(name, branch or on)
    here.checkout("main")
    if does.get("gone"):
        here.git("branch", "-q", "-D", branch)


@pytest.mark.parametrize("scenario", SCENARIOS["scenarios"], ids=lambda scenario: scenario["name"])
def test_what_branches_do_is_told(scenario: dict[str, Any], here: Repository) -> None:
    if "remote" in scenario:
        here.publish(head=True)
    for one in scenario["steps"]:
        step(here, **one)
    found = told(here, *scenario.get("args", ()))
    whole = {"base": found["base"]["name"], "landed": found["landed"], "conflicts": conflicts(found)}
    told_of = ("same_item", "shared", "outside")
    pairs = {" ".join(sorted(pair["branches"])): pair for pair in found["pairs"]}
    whole["pairs"] = {name: {key: pair[key] for key in told_of} for name, pair in pairs.items()}
    for name, expected in scenario["expect"].items():
        there = whole[name] if name in whole else {at: own for at, own in each(found, name).items() if own}
        assert there == expected, name
    said = text(here)
    assert all(part in said for part in scenario.get("says", ())), said


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
    monkeypatch.setattr("specguard.engine.open_branches.LIMIT", 2)
    for name, files in {"one": "fg", "two": "f", "six": "fg", "ten": "f"}.items():
        open_branch(here, name, dict.fromkeys(files, name))
    found = told(here)
    asked = [pair["branches"] for pair in found["pairs"] if pair["conflicts"] is not None]
    assert (asked[0], len(asked), len(found["pairs"])) == (["six", "one"], 2, 6)
    assert found["notes"] == ["Only 2 of 6 pairs were asked about conflicts, those with most shared files."]
    monkeypatch.setattr("specguard.reporters.status.SHOWN", 6)
    assert text(here).count("\n  not asked   ") == 4


def test_many_branches_take_no_more_processes_than_two(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = noted_processes(monkeypatch)

    def taken(number: int) -> int:
        work = [{"parents": ["base"], "files": {"f": str(at)}, "id": f"b{at}"} for at in range(number)]
        main: dict[str, Any] = {"parents": ["base"], "files": {"g": "g"}, "id": "main"}
        steps = [Step(message="x", **step) for step in ({"files": {"f": "f"}, "id": "base"}, *work, main)]
        repository.add_commits(steps, refs={f"refs/heads/b{at}": f"b{at}" for at in range(number)})
        processes.clear()
        found = told(repository)
        asked = [pair for pair in found["pairs"] if pair["conflicts"] is not None]
        every = number * (number - 1) // 2
        assert (len(found["branches"]), len(found["pairs"])) == (number, every)
        assert len(asked) == min(200, every)
        return len(processes)

    assert taken(2) == taken(30)


def test_an_older_git_is_not_asked(here: Repository, tmp_path: Path) -> None:
    open_branch(here, "one", {"f": "1"})
    open_branch(here, "two", {"f": "2"})
    found = told(here, env={"PATH": older_git(here, tmp_path)})
    assert conflicts(found) == {"one two": None}
    assert found["notes"] == ["No pair was asked about conflicts: that takes git 2.39 or later."]


def test_a_branch_that_cannot_be_read_hides_no_other(here: Repository) -> None:
    open_branch(here, "one", {"src/a/f": "1"})
    lost = open_branch(here, "lost", {"src/a/f": "2"})
    loose(here, f"{lost}:src/a").unlink()
    found = told(here)
    assert each(found, "files")["one"] == ["src/a/f"]
    assert "what branches change cannot be read" in each(found, "problem")["lost"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--worktree"], "--branches does not go with --worktree or --require"),
        (["--base", "nothing"], "the base cannot be found"),
        (["--today", "soon"], "is not a date"),
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
