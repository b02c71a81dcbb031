"""What is said of a guarded path: what happened to it, in which commit, and what puts it back."""

from __future__ import annotations

import subprocess
from functools import partial

import pytest

from specguard.testing import Repository, Step, run_here
from tests.rules.paths.setting import findings

POLICY = "[rules.locked-path]\npaths = ['kept/']\n"
OTHER_COMMIT = "1" * 40
A_FILE = Step(files={"kept/a": "a\n"})
judge = partial(findings, "PTH002", policy=POLICY)


@pytest.mark.parametrize(
    ("base", "change", "happened"),
    [
        (A_FILE, Step(files={"kept/a": "b\n"}), "modified"),
        (A_FILE, Step(executable=["kept/a"]), "made executable"),
        (A_FILE, Step(files={"kept/a": "b\n"}, executable=["kept/a"]), "modified and made executable"),
        (A_FILE, Step(delete=["kept/a"]), "deleted"),
        (A_FILE, Step(rename={"kept/a": "src/a"}), "moved to src/a"),
        (Step(files={"kept/a": ""}), Step(rename={"kept/a": "src/a"}), "deleted"),
        (Step(files={"src/a": "a\n"}), Step(rename={"src/a": "kept/a"}), "moved here from src/a"),
        (Step(files={"src/a": ""}), Step(rename={"src/a": "kept/a"}), "added"),
        (None, Step(files={"kept/a": "a\n"}), "added"),
        (None, Step(symlinks={"kept/a": "b"}), "added as a symbolic link"),
        (None, Step(submodules={"kept/a": OTHER_COMMIT}), "added as a submodule"),
        (A_FILE, Step(symlinks={"kept/a": "b"}), "replaced by a symbolic link"),
        (A_FILE, Step(submodules={"kept/a": OTHER_COMMIT}), "replaced by a submodule"),
        (Step(symlinks={"kept/a": "b"}), Step(files={"kept/a": "a\n"}), "replaced by a file"),
        (Step(symlinks={"kept/a": "b"}), Step(symlinks={"kept/a": "c"}), "pointed elsewhere"),
        (
            Step(submodules={"kept/a": OTHER_COMMIT}),
            Step(submodules={"kept/a": "2" * 40}),
            "set to another commit",
        ),
    ],
)
def test_what_happened_is_said(base: Step | None, change: Step, happened: str) -> None:
    [found] = judge(change, base=base)
    assert found["message"] == f"kept/a was {happened}; kept/ is locked"


def test_a_script_that_is_no_longer_executable(repository: Repository) -> None:
    repository.write("SPEC_AUTHORITY.md", f"# Authority\n\n```toml specguard\n{POLICY}```\n")
    repository.write("kept/a", "a\n")
    repository.executable("kept/a")
    repository.commit("chore: base")
    repository.branch("work")
    repository.executable("kept/a", on=False)
    repository.commit("fix: a")
    outcome = run_here("check", "--select=PTH002", "--output-format=json", directory=repository.path)
    assert [found["message"] for found in outcome.report["findings"]] == [
        "kept/a was made not executable; kept/ is locked"
    ]


@pytest.mark.parametrize(
    "path", [b"kept/a", b"kept/a b", b"kept/[a]*?", b":(top)kept", b"kept/it's", b"kept/\\a\n", b"kept/\xff"]
)
@pytest.mark.parametrize("done", ["added", "modified", "deleted"])
def test_the_command_that_puts_it_back_does_that(repository: Repository, path: bytes, done: str) -> None:
    policy = "[rules.locked-path]\npaths = ['kept/', '/:(top)kept']\n"
    repository.write("SPEC_AUTHORITY.md", f"# Authority\n\n```toml specguard\n{policy}```\n")
    # A pattern of git's would take these too.
    repository.write("kept/aa", "a\n")
    if done != "added":
        repository.write(path, "a\n")
    repository.commit("chore: base")
    repository.branch("work")
    if done == "deleted":
        repository.delete(path)
    else:
        repository.write(path, "b\n")
    repository.stage()
    words = ("check", "--staged", "--select=PTH002", "--output-format=json")
    [found] = run_here(*words, directory=repository.path).report["findings"]
    step, command, rest = found["help"].split("`")
    assert step == ("Take it out with " if done == "added" else "Put it back with ")
    assert "commit" not in rest
    subprocess.run(["bash", "-c", command], cwd=repository.path, check=True, capture_output=True)
    outcome = run_here(*words, directory=repository.path)
    assert (outcome.exit_code, outcome.report["findings"]) == (0, [])


def test_where_each_commit_lands_the_one_that_did_it_is_changed() -> None:
    changes = (Step(files={"kept/a": "b\n", "b": "1"}), Step(files={"c": "1"}))
    [found] = judge(*changes, base=A_FILE)
    assert " -- kept/a && git commit --only --fixup=" in found["help"]
    [found] = judge(*changes, base=A_FILE, policy=f"merge = 'squash'\n{POLICY}")
    assert " -- kept/a && git commit --amend --no-edit" in found["help"]


def test_what_is_forbidden_is_not_said_to_be_locked_too() -> None:
    policy = f"{POLICY}[rules.forbidden-path]\npaths = ['kept/not/']\n"
    change = Step(files={"kept/a": "a\n", "kept/not/a": "a\n"})
    found = findings("PTH001,PTH002", change, policy=policy)
    assert sorted((one["code"], one["location"]["path"]) for one in found) == [
        ("PTH001", "kept/not/a"),
        ("PTH002", "kept/a"),
    ]
    assert [one["code"] for one in judge(change, policy=policy)] == ["PTH002"]


def test_a_path_that_is_locked_by_its_own_name_is_not_said_twice() -> None:
    [found] = judge(
        Step(files={"LICENSE": "b"}),
        base=Step(files={"LICENSE": "a"}),
        policy="[rules.locked-path]\npaths = ['/LICENSE']\n",
    )
    assert found["message"] == "LICENSE was modified; it is locked"


BROUGHT = Step("feat: b", files={"kept/b": "b\n", "src/c": "c\n"})
TAKEN_BACK = Step("fix: no b", delete=["kept/b"])


def test_what_one_commit_brings_and_another_takes_back_lands_with_both() -> None:
    [found] = judge(Step("feat: a", files={"src/a": "a\n"}), BROUGHT, TAKEN_BACK)
    commit = found["location"]["commit"]
    assert found["message"] == (
        f"kept/b was added in commit {commit[:12]} and put back later; kept/ is locked"
    )
    assert found["help"].startswith("Take it out of that commit with `")


def test_it_does_not_land_where_a_merge_squashes() -> None:
    assert not judge(
        Step("feat: a", files={"src/a": "a\n"}), BROUGHT, TAKEN_BACK, policy=f"merge = 'squash'\n{POLICY}"
    )
