"""What a merge or a pick brings from the trusted base is nobody's doing; what its author makes of it is."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Repository
from specguard.testing.running import run_here
from tests.integrations.hooks.asking import ask

CASE = Case.load(Path(__file__).with_suffix(".toml"))
"""`main` and `work` in conflict in `notes`; `main` has other locked files and code since they parted."""


@pytest.fixture
def parted(tmp_path: Path) -> Repository:
    return CASE.build(tmp_path / "repository")


def found(repository: Repository) -> list[str]:
    """The code and path of each finding of what is staged and, where that says the same, of the files."""
    told = [paths(repository, word) for word in ("--staged", "--worktree")]
    assert told[0] == told[1]
    return told[0]


def findings(repository: Repository, *words: str) -> list[dict[str, Any]]:
    outcome = run_here(
        "check", "--select=PTH002,PTH007", "--output-format=json", *words, directory=repository.path
    )
    report: list[dict[str, Any]] = outcome.report["findings"]
    assert "indeterminate" not in {rule["state"] for rule in outcome.report["rules"]}
    return report


def paths(repository: Repository, *words: str) -> list[str]:
    return [f"{one['code']} {one['location']['path']}" for one in findings(repository, *words)]


def merging(repository: Repository, *commits: str) -> None:
    """Begin a merge that ends in a conflict, and resolve that."""
    repository.process("merge", "--no-commit", "--no-ff", *(commits or ("main",)))
    repository.write("notes", "both\n")
    repository.stage("notes")


def typed(repository: Repository, finding: dict[str, Any]) -> None:
    command = re.findall(r"`([^`]*)`", finding["help"])[0]
    subprocess.run(["bash", "-c", command], cwd=repository.path, check=True, capture_output=True)


def test_what_a_merge_of_the_base_brings_is_not_its_authors(parted: Repository) -> None:
    start = parted.oid()
    merging(parted)
    assert found(parted) == []
    parted.git("commit", "-q", "-m", "Merge main")
    assert paths(parted) == []
    # Nor is a file that was moved here and changed there.
    parted.git("reset", "-q", "--hard", start)
    parted.rename("src", "lib")
    parted.commit("refactor: move", files={"docs/a": "2\n"})
    merging(parted)
    parted.stage()
    assert found(parted) == []


def test_what_the_author_leaves_out_of_a_merge_is_found(parted: Repository) -> None:
    merging(parted)
    for words in (
        ("checkout", "work", "--", "ci/run"),
        ("checkout", "work", "--", "ci/gone"),
        ("rm", "-q", "-f", "ci/new"),
        ("update-index", "--cacheinfo", f"100644,{parted.blob('another')},ci/run"),
    ):
        parted.git(*words)
        [finding] = findings(parted, "--staged")
        assert finding["location"]["path"] == words[-1].rpartition(",")[2]
        typed(parted, finding)
        assert paths(parted, "--staged") == []
    parted.git("commit", "-q", "-m", "Merge main")
    assert paths(parted) == []


def test_a_locked_file_in_conflict_is_the_authors_until_it_is_as_the_base_has_it(parted: Repository) -> None:
    parted.commit("ci: x", files={"ci/run": "work\n"})
    merging(parted)
    parted.write("ci/run", "both\n")
    parted.stage("ci/run")
    [finding] = findings(parted, "--staged")
    typed(parted, finding)
    assert parted.read("ci/run") == b"2\n"
    assert found(parted) == []
    parted.git("checkout", "work", "--", "ci/run")
    assert found(parted) == [], "that stands in the branch's own commit, where it is found"


@pytest.mark.parametrize("merged", [["main", "other"], ["other"]])
def test_of_a_merged_branch_only_the_bases_is_not_the_authors(merged: list[str], parted: Repository) -> None:
    parted.branch("other", "main~1")
    parted.commit("ci: other", files={"ci/other": "1\n"})
    parted.branch("third", "work~1")
    parted.commit("feat: third", files={"docs/third": "1\n"})
    parted.process("merge", "--no-commit", "--no-ff", *merged)
    assert found(parted) == ["PTH002 ci/other"]


def test_a_merge_that_is_made_up_brings_nothing(parted: Repository) -> None:
    parted.git("merge", "-q", "-X", "ours", "main", "-m", "Merge main")
    parted.commit("feat: x", files={"docs/x": "1\n"})
    older, old = parted.oid("main~2"), parted.oid("main~1")
    parted.write("ci/run", "1\n")
    parted.stage()
    for forged in (older, f"{old}\n{older}", parted.blob("x"), "no id", "1" * 40):
        (parted.git_dir / "MERGE_HEAD").write_text(f"{forged}\n")
        assert found(parted) == ["PTH002 ci/run"]


def test_an_older_state_of_the_base_is_not_taken_for_a_newer_one(parted: Repository) -> None:
    parted.checkout("main")
    parted.branch("side", "main~2")
    parted.commit("feat: side", files={"docs/side": "1\n"})
    parted.checkout("main")
    parted.merge("side")
    parted.checkout("work")
    parted.git("merge", "-q", "-X", "ours", "main~1", "-m", "Merge main")
    parted.process("merge", "--no-commit", "--no-ff", "side")
    assert found(parted) == []
    parted.git("checkout", "side", "--", "ci/run")
    assert found(parted) == ["PTH002 ci/run"]


def test_only_a_pick_from_the_base_is_not_the_authors(parted: Repository) -> None:
    parted.process("cherry-pick", "main~1")
    parted.write("notes", "both\n")
    parted.stage("notes")
    assert found(parted) == []
    parted.git("checkout", "work", "--", "ci/run")
    assert found(parted) == [], "a part of it can be left out"
    parted.write("ci/run", "another\n")
    parted.stage("ci/run")
    assert found(parted) == ["PTH002 ci/run"]
    parted.process("cherry-pick", "--abort")
    parted.branch("other", "main~2")
    parted.commit("ci: other", files={"ci/other": "1\n", "notes": "other\n"})
    parted.checkout("work")
    parted.process("cherry-pick", "other")
    parted.write("notes", "both\n")
    parted.stage("notes")
    assert found(parted) == ["PTH002 ci/other"]


def test_a_picked_commit_of_the_base_is_not_the_branchs(parted: Repository) -> None:
    parted.process("cherry-pick", "-X", "ours", "main~1")
    parted.commit("docs: x", files={"docs/x": "1\n"})
    assert paths(parted) == []
    parted.commit("ci: x", files={"ci/run": "3\n"})
    parted.commit("ci: y", files={"ci/run": "2\n"})
    [finding] = findings(parted)
    assert "and put back later" in finding["message"]


def test_a_branch_that_is_rebased_answers_for_its_own_commits(parted: Repository) -> None:
    parted.process("rebase", "main")
    assert parted.oid("REBASE_HEAD")
    parted.write("notes", "both\n")
    parted.stage("notes")
    assert found(parted) == []
    parted.write("ci/run", "another\n")
    parted.stage("ci/run")
    assert found(parted) == ["PTH002 ci/run"]


def test_to_take_back_what_the_base_has_is_the_authors_deed(parted: Repository) -> None:
    parted.git("merge", "-q", "-X", "ours", "main", "-m", "Merge main")
    parted.process("revert", "--no-commit", "main~1")
    parted.git("checkout", "work", "--", "notes", "src/a")
    assert "PTH002 ci/run" in found(parted)
    # To take back what the branch did is no violation.
    parted.git("reset", "-q", "--hard", "HEAD")
    parted.commit("ci: x", files={"ci/run": "work\n"})
    parted.process("revert", "--no-commit", "HEAD")
    assert found(parted) == []


def test_the_end_of_a_turn_tells_a_merge_of_the_pinned_base(parted: Repository, tmp_path: Path) -> None:
    event = {"hook_event_name": "Stop", "session_id": "s", "cwd": str(parted.path)}
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert ask("claude", event, parted.path, environment=environment).kind == "pass"
    merging(parted)
    assert ask("claude", event, parted.path, environment=environment).kind == "pass"
    parted.git("checkout", "work", "--", "ci/run")
    assert "PTH002 locked-path: ci/run" in ask("claude", event, parted.path, environment=environment).refusal
    parted.write("ci/run", "mine\n")
    parted.stage()
    tree = parted.git("write-tree")
    parted.git("update-ref", "refs/heads/main", parted.git("commit-tree", "-p", "main", "-m", "x", tree))
    (parted.git_dir / "MERGE_HEAD").write_text(parted.git("rev-parse", "main"))
    told = ask("claude", event, parted.path, environment=environment).refusal
    assert "PTH002" in told, "that main is not the one that the session began with"
    assert "ci/run" in told
