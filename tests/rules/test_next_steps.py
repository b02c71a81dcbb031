"""What findings tell to do next is typed in, from the state in which it is told, and puts them right."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Case, Step, run_case
from specguard.testing.repository import clean_environment
from specguard.testing.running import run_here
from tests.rules.items import PHASES, PLAN, SUBJECT

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Repository

COMMAND = re.compile(r"`((?:git|rm|mkdir|FILTER\w*=1) [^`]*)`")
MOVED = {"configs/NEXT_PHASE.json": '{"next": 13}'}
FOREIGN = {"docs/phase-13.md": "# 13\n"}
CI = Step("chore: base", files={"ci/a": "1"})
LATER = Step("feat: later", files={"later": "1"})
LATER_STILL = Step("feat: later still", files={"more": "1"})
LOCKED = '[rules.locked-path]\npaths = ["ci/"]\n'
SIGNED = '[[rules.missing-trailer.require]]\nkey = "Signed-off-by"\nby_author = true\n'
SIGNED_OFF = "feat: later\n\nSigned-off-by: Ann Example <ann@example.org>\n"
REVERTED = (
    'Revert "feat: a"\n\nThis reverts commit 1234567.\n\nSigned-off-by: Ann Example <ann@example.org>\n'
)
SHARED = """
require_work_item = ["pr/*"]

[plans.default]
unit = "commit"

[work.task]
source = ".plans/{name}/plan.json"
items = "tasks"
number = "id"
number_format = ["{n:03}"]
branch = "pr/{name}"
commit = "task_{number}: {text}"
"""
FORMED = '[rules.commit-message]\npattern = "^feat: "\n'


def typed(repository: Repository, help_: str, subject: str = "feat: one") -> None:
    """Type the command of a next step, without an editor."""
    found = COMMAND.search(help_)
    assert found, help_
    command = (
        found[1]
        .replace("<name>", "another")
        .replace("SUBJECT", f"'{subject}'")
        .replace("NEW_NAME", "renamed")
    )
    environment = {
        **clean_environment(),
        "EDITOR": "false",
        "GIT_COMMITTER_NAME": "n",
        "GIT_COMMITTER_EMAIL": "n@example.org",
        "GIT_AUTHOR_NAME": "n",
        "GIT_AUTHOR_EMAIL": "n@example.org",
    }
    words = ["bash", "-c", command]
    done = subprocess.run(
        words, cwd=repository.path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stderr)


def judged(repository: Repository, code: str, *words: str) -> list[dict[str, Any]]:
    """The findings of one rule."""
    pushed = f"refs/heads/work {repository.oid()} refs/heads/work {'0' * 40}\n"
    outcome = run_here(
        "check", f"--select={code}", "--output-format=json", *words,
        directory=repository.path, stdin=pushed if "--push" in words else "",
    )  # fmt: skip
    found: list[dict[str, Any]] = outcome.report["findings"]
    return found


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "a branch of an item": ("BRN001", {"branch": "phase-12-x", "commits": [Step(SUBJECT, files={"b": "1"})]}),
    "a remote elsewhere": (
        "BRN003",
        {"policy": 'remote = "https://example.org/team/other.git"\n'},
    ),
    "two commits": (
        "CMT001",
        {
            "policy": "[rules.commit-count]\nexactly = 1\n",
            "commits": [Step("feat: a", files={"b": "1"}), Step("feat: b", files={"c": "1"})],
        },
    ),
    "two of four commits, before a record": (
        "CMT001",
        {
            "policy": "[rules.commit-count]\nat_most = 2\n",
            "commits": [
                *(Step(f"feat: {name}", files={name: "1"}) for name in "bcde"),
                Step("chore: approve", files={f".specguard/approvals/{'1' * 64}.json": "{}"}),
            ],
        },
    ),
    "an earlier commit of no item": (
        "WRK001",
        {
            "policy": SHARED,
            "base": [Step("docs: plan", files={".plans/cart/plan.json": '{"tasks": [{"id": "task_001"}]}'})],
            "branch": "pr/cart",
            "commits": [Step("docs: a\n\nWhy.", files={"b": "1"}), Step("task_001: b", files={"c": "1"})],
        },
    ),
    "the last message": ("CMT002", {"policy": FORMED, "commits": [Step("a", files={"b": "1"})]}),
    "an earlier message": (
        "CMT002",
        {"policy": FORMED, "commits": [Step("a", files={"b": "1"}), Step("feat: b", files={"c": "1"})]},
    ),
    "a fixup": (
        "CMT005",
        {"commits": [Step("feat: a", files={"b": "1"}), Step("fixup! feat: a", files={"b": "2"})]},
    ),
    **{
        f"a revert that is signed off, with {len(later)} after it": (
            "CMT005,CMT006",
            {"policy": SIGNED, "commits": [Step(REVERTED, files={"b": "1"}), *later]},
        )
        for later in ([], [replace(LATER, message=SIGNED_OFF)])
    },
    "an empty commit": (
        "CMT005",
        {"commits": [Step("feat: a", files={"b": "1"}), Step("feat: b"), Step("feat: c", files={"c": "2"})]},
    ),
    "an empty commit before a merge that resolves a conflict": (
        "CMT005",
        {
            "base": [Step("chore: base", files={"a": "1"}), Step("feat: theirs", files={"a": "2"})],
            "commits": [
                Step("feat: mine", files={"a": "3"}, parents=("start",)),
                Step("chore: run again", id="empty"),
                Step("Merge main", files={"a": "4"}, parents=("empty", "base")),
            ],
        },
    ),
    "a message before a merge that resolves a conflict": (
        "CMT002",
        {
            "policy": FORMED,
            "base": [Step("chore: base", files={"a": "1"}), Step("feat: theirs", files={"a": "2"})],
            "commits": [
                Step("mine\n\nIt's so.", files={"a": "3"}, parents=("start",), id="mine"),
                Step("Merge main", files={"a": "4"}, parents=("mine", "base")),
            ],
        },
    ),
    "a pointer": ("WRK004", {"branch": "phase-12", "commits": [Step(SUBJECT, files=dict(MOVED))]}),
    "a new document": ("WRK005", {"branch": "phase-12", "commits": [Step(SUBJECT, files=dict(FOREIGN))]}),
    "a pointer that is staged": ("WRK004", {"branch": "phase-12", "staged": Step("", files=dict(MOVED))}),
    "a document that is staged": ("WRK005", {"branch": "phase-12", "staged": Step("", files=dict(FOREIGN))}),
    "a pointer in the tree": ("WRK004", {"branch": "phase-12", "worktree": Step("", files=dict(MOVED))}),
    "a document in the tree": ("WRK005", {"branch": "phase-12", "worktree": Step("", files=dict(FOREIGN))}),
    "a base that moved": (
        "BRN002",
        {
            "policy": '[rules.stale-base]\nrequire = "contains"\n',
            "base": [Step("chore: base", files={"a": "1"}), Step("feat: more", files={"b": "1"})],
            "commits": [Step("feat: x", files={"x": "1"}, parents=("start",))],
        },
    ),
    "a base that moved, without a remote": (
        "BRN002",
        {
            "policy": '[rules.stale-base]\nrequire = "contains"\n',
            "base": [Step("chore: base", files={"a": "1"}), Step("feat: more", files={"b": "1"})],
            "commits": [Step("feat: x", files={"x": "1"}, parents=("start",))],
            "origin": "",
        },
    ),
    "a guarded file of an earlier commit": (
        "PTH002",
        {"policy": LOCKED, "base": [CI], "commits": [Step("a", files={"ci/a": "2", "b": "1"}), LATER]},
    ),
    "a guarded file that an earlier commit adds beside another": (
        "PTH002",
        {"policy": LOCKED, "commits": [Step("feat: a", files={"ci/new": "2", "b": "1"}), LATER]},
    ),
    "a guarded file of an earlier commit that has nothing else": (
        "PTH002",
        {"policy": LOCKED, "base": [CI], "commits": [Step("a", files={"ci/a": "2"}), LATER]},
    ),
    "a guarded file of several commits": (
        "PTH002",
        {
            "policy": LOCKED,
            "base": [CI],
            "commits": [
                Step("a", files={"ci/it's": "1"}),
                Step("b", files={"ci/it's": "2", "b": "1"}),
                LATER,
            ],
        },
    ),
    "a guarded file that was put back later": (
        "PTH002",
        {
            "policy": LOCKED,
            "base": [CI],
            "commits": [Step("a", files={"ci/a": "2", "b": "1"}), Step("b", files={"ci/a": "1"}), LATER],
        },
    ),
    "a guarded file that was moved away": (
        "PTH002",
        {
            "policy": LOCKED,
            "base": [CI],
            "commits": [Step("a", rename={"ci/a": "b"}, files={"d": "1"}), LATER],
        },
    ),
    "a guarded file that was moved there": (
        "PTH002",
        {
            "policy": LOCKED,
            "base": [Step("b", files={"lib/d/a": "here"})],
            "commits": [Step("a", rename={"lib/d/a": "ci/a"})],
        },
    ),
    "a guarded file where commits are squashed": (
        "PTH002",
        {
            "policy": 'merge = "squash"\n' + LOCKED,
            "base": [CI],
            "commits": [Step("a", files={"ci/a": "2", "b": "1"}), LATER],
        },
    ),
    "a guarded file on a merged branch": (
        "PTH002",
        {
            "policy": LOCKED,
            "base": [CI],
            "commits": [
                Step("a", id="a", files={"ci/a": "2", "b": "1"}),
                Step("b", id="b", files={"d": "1"}, parents=("base",)),
                Step("Merge", files={"d": "1"}, parents=("a", "b")),
            ],
        },
    ),
    "an earlier message with a body": (
        "CMT002",
        {"policy": FORMED, "commits": [Step("a\n\nIt's so.", files={"b": "1"}), LATER, LATER_STILL]},
    ),
    "an earlier trailer": (
        "CMT006",
        {"policy": SIGNED, "commits": [Step("a", files={"b": "1"}), replace(LATER, message=SIGNED_OFF)]},
    ),
    "four commits of two": (
        "CMT001",
        {
            "policy": "[rules.commit-count]\nat_most = 2\n",
            "commits": [Step(str(n), files={str(n): "1"}) for n in range(4)],
        },
    ),
    "a merge in a linear history": (
        "CMT004",
        {
            "policy": "[rules.merge-commit]\nlinear = true\n",
            "commits": [
                Step("a", id="a", files={"b": "1"}),
                Step("b", id="b", files={"d": "1"}, parents=("base",)),
                Step("Merge", files={"d": "1"}, parents=("a", "b")),
            ],
        },
    ),
    "work on the base's own branch": (
        "BRN001",
        {
            "policy": '[rules.branch-name]\npattern = "^another$"\n',
            "branch": "main",
            "commits": [],
            "staged": LATER,
        },
    ),
    "a name that the last commit brings": (
        "PTH005",
        {"commits": [LATER, Step("feat: a", files={"docs/con.md": "1", "b": "1"})]},
    ),
    "a name that an earlier commit brings": (
        "PTH005",
        {"commits": [Step("feat: a", files={"docs/con.md": "1", "b": "1"}), LATER]},
    ),
    "a protected branch": (
        "BRN004",
        {"policy": '[rules.protected-branch]\nbranches = ["next"]\n', "branch": "next"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_told_next_puts_it_right(name: str, tmp_path: Path) -> None:
    code, given = CASES[name]
    case = Case(**{"policy": PHASES, "base": [PLAN], "commits": [Step("feat: x", files={"x": "1"})], **given})
    repository = case.build(tmp_path / "repository")
    words = ["--staged"] if case.staged else ["--worktree"] if case.worktree else []
    if code in ("BRN002", "BRN003"):
        words = ["--push"]
    if code != "BRN003" and case.origin:
        repository.git("remote", "set-url", "origin", str(repository.path))

    [finding] = judged(repository, code, *words)
    kept = {branch: repository.oid(branch) for branch in ("main", "origin/main") if case.origin}
    files = {
        name
        for name in repository.git("ls-files").split("\n")
        if not name.startswith(("ci", "docs", "configs"))
    }
    typed(repository, finding["help"], subject="task_001: a" if code == "WRK001" else "feat: one")
    assert {branch: repository.oid(branch) for branch in kept} == kept
    assert files - {"b"} <= set(repository.git("ls-files").split("\n"))
    if not words and code.startswith("WRK"):
        repository.git("commit", "-q", "--amend", "--no-edit", "--allow-empty")
    assert judged(repository, code, *words) == []


OF_COMMITS = [name for name, (_, given) in CASES.items() if not given.keys() & {"staged", "worktree"}]


@pytest.mark.parametrize("name", OF_COMMITS)
def test_what_is_not_committed_stays_so_beside_a_step_for_a_commit(name: str, tmp_path: Path) -> None:
    code, given = CASES[name]
    first, *base = given.get("base", [PLAN])
    base = [replace(first, files={**first.files, "notes": "1\n"}), *base]
    commits = [Step("feat: x", files={"x": "1"})]
    repository = Case(**{"policy": PHASES, "commits": commits, **given, "base": base}).build(tmp_path / "r")
    if code != "BRN003" and given.get("origin", True):
        repository.git("remote", "set-url", "origin", str(repository.path))
    repository.write("notes", "put aside before\n")
    repository.git("stash", "push", "-q")
    for path in ("notes", "new"):
        repository.write(path, "staged\n")
        repository.git("add", path)
        repository.write(path, "not staged\n")

    def uncommitted() -> list[str]:
        asked = ("status", "--porcelain", "--untracked-files=no"), ("stash", "list", "--format=%s")
        shown = ("show", ":notes"), ("show", ":new")
        return [repository.git(*words) for words in (*asked, *shown)]

    words = ["--push"] if code in ("BRN002", "BRN003") else []
    [finding] = judged(repository, code, *words)
    before = uncommitted()
    typed(repository, finding["help"], subject="task_001: a" if code == "WRK001" else "feat: one")
    assert uncommitted() == before
    assert repository.read("notes") == repository.read("new") == b"not staged\n"
    assert "new" not in repository.git("log", "--format=", "--name-only").split("\n")
    assert judged(repository, code, *words) == []


def test_a_file_is_renamed_in_the_commit_that_brings_it(tmp_path: Path) -> None:
    _, given = CASES["a name that an earlier commit brings"]
    repository = Case(base=[PLAN], **given).build(tmp_path / "repository")
    [finding] = judged(repository, "PTH005")
    typed(repository, finding["help"])
    assert repository.git("log", "--format=%s", "--name-only", "-2").split() == [
        "feat:", "later", "later", "feat:", "a", "b", "renamed"
    ]  # fmt: skip


def guarded_by_both(path: Path) -> Repository:
    """A guarded file that the last commit changes beside another one, and further work on both of them."""
    commits = [Step("feat: a", files={"ci/a": "2\n", "b": "1\n"})]
    repository = Case(policy=LOCKED, base=[CI], commits=commits).build(path / "repository")
    repository.write("ci/a", "not committed\n")
    repository.write("b", "not committed\n")
    return repository


def test_what_is_not_committed_in_the_same_file_is_kept_by_git(tmp_path: Path) -> None:
    repository = guarded_by_both(tmp_path)
    [finding] = judged(repository, "PTH002")
    with pytest.raises(AssertionError, match="git stash pop"):
        typed(repository, finding["help"])
    assert judged(repository, "PTH002") == []
    kept = [repository.git("show", f"stash@{{0}}:{path}") for path in ("ci/a", "b")]
    assert kept == ["not committed", "not committed"]


@pytest.mark.parametrize("environment", [{"CI": "true"}, {}])
def test_a_step_puts_aside_nothing_where_nothing_is_or_it_is_another_machines(
    environment: dict[str, str], tmp_path: Path
) -> None:
    repository = guarded_by_both(tmp_path)
    if not environment:
        repository.git("checkout", "-q", "--", ".")
        (repository.path / "b").touch()
        repository.write("untracked", "1\n")
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{repository.oid()},module")
    outcome = run_here("check", directory=repository.path, env=environment)
    assert "&& git commit --amend --no-edit --allow-empty`" in outcome.stdout
    assert "stash" not in outcome.stdout


def test_a_step_that_was_kept_follows_what_is_not_committed(tmp_path: Path) -> None:
    repository = guarded_by_both(tmp_path)
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = ("check", "--all", "--base=main")
    assert "git stash" in run_here(*words, directory=repository.path, env=cache).stdout
    repository.git("checkout", "-q", "--", ".")
    later = run_here(*words, directory=repository.path, env=cache).stdout
    assert "--amend" in later
    assert "stash" not in later


def test_a_branch_that_is_named_rightly_is_not_told_to_be_renamed(tmp_path: Path) -> None:
    policy = """
require_work_item = ["pr/*"]
[work.task]
source = ".plans/{name}/plan.json"
items = "tasks"
number = "id"
branch = "pr/{name}"
commit = "task_{number}: {text}"
"""
    plan = {".plans/cart/plan.json": '{"tasks": [{"id": "task_001"}]}'}
    expect = [{"code": "WRK001", "help": "Begin a commit's subject as 'task_{number}: {text}' says."}]
    base = [Step("chore: base", files=dict(plan))]
    case = Case(
        policy=policy, base=base, branch="pr/cart", commits=[Step("x", files={"a": "1"})], expect=expect
    )
    run_case(case, tmp_path, installed=False)


def test_a_place_that_only_the_pointer_could_tell_is_told_by_its_field(tmp_path: Path) -> None:
    policy = PHASES.replace(
        'document = ["', 'fields = {doc = ["doc", "phases.{number}.doc"]}\ndocument = ["{doc}", "no/'
    )
    base = [PLAN]
    told = (
        "(tried: {doc} is not told: there is no doc or phases.{number}.doc; no/docs/phase-12.md is not there)"
    )
    case = Case(
        policy=policy,
        base=base,
        branch="phase-12",
        commits=[Step(SUBJECT, files={"b": "1"})],
        args=["--select=WRK002"],
        expect=[{"code": "WRK002", "message": told}],
    )
    run_case(case, tmp_path, installed=False)
