"""What a new user does: init, a phase branch that passes, and each way in which it can go wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from specguard.testing import run_here
from tests.outcomes import ended

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from specguard.testing import Repository

POINTER = json.dumps({"plan_version": "v1", "next": 12})
MESSAGE = "feat(phase12): implement phase 12"


@pytest.fixture
def adopted(repository: Repository) -> Repository:
    """A repository with a plan, whose authority was written by `init` and is on the base."""
    repository.write("docs/api/users.yaml", "get: users\n")
    repository.write("LICENSE", "mine\n")
    repository.write("configs/NEXT_PHASE.json", POINTER)
    repository.write("docs/plan/v1/phases/phase-12.md", "# Phase 12\n")
    repository.write("docs/plan/v1/phases/phase-13.md", "# Phase 13\n")
    repository.commit("chore: start")
    ended(run_here("init", "--preset", "phase-runner", directory=repository.path))
    repository.stage()
    repository.commit("docs: state what may change")
    repository.branch("phase-12")
    repository.write("src/main.go", "package main\n")
    return repository


def test_a_phase_with_one_right_commit_passes(adopted: Repository) -> None:
    adopted.commit(MESSAGE)
    outcome = ended(run_here("check", directory=adopted.path))
    assert outcome.stdout.startswith("specguard: passed (range, 1 commit, 1 file)")


def edit_locked(repository: Repository) -> None:
    repository.write("LICENSE", "yours\n")
    repository.commit(MESSAGE)


def second_commit(repository: Repository) -> None:
    repository.commit(MESSAGE)
    repository.write("src/more.go", "package main\n")
    repository.commit("feat(phase12): implement phase 12")


def wrong_message(repository: Repository) -> None:
    repository.commit("feat: implement phase 12")


def wrong_branch(repository: Repository) -> None:
    repository.branch("phase-12-persistence")
    repository.commit(MESSAGE)


def other_document(repository: Repository) -> None:
    repository.write("docs/plan/v1/phases/phase-13.md", "# Phase 13, easier\n")
    repository.commit(MESSAGE)


def moved_out(repository: Repository) -> None:
    repository.rename("docs/api/users.yaml", "docs/users.yaml")
    repository.commit(MESSAGE)


@pytest.mark.parametrize(
    ("misstep", "code", "said"),
    [
        (edit_locked, "PTH002", "LICENSE"),
        (second_commit, "CMT001", "phase 12 has exactly 1 commit"),
        (wrong_message, "CMT002", MESSAGE),
        (wrong_branch, "BRN001", "phase-12"),
        (other_document, "WRK005", "docs/plan/v1/phases/phase-13.md"),
        (moved_out, "PTH001", "docs/api/users.yaml"),
    ],
)
def test_each_misstep_fails_with_its_rule_its_line_and_its_next_step(
    adopted: Repository, misstep: Callable[[Repository], None], code: str, said: str
) -> None:
    misstep(adopted)
    outcome = ended(run_here("check", "--output-format", "json", directory=adopted.path), 1)
    found = [one for one in outcome.report["findings"] if one["code"] == code]
    assert found, outcome
    assert any(said in one["message"] + one["help"] for one in found)
    for one in found:
        assert one["help"]
        assert one["authority"]["line"]
    text = run_here("check", directory=adopted.path)
    assert code in text.stdout
    assert "next " in text.stdout
    assert text.exit_code == 1


def test_init_never_overwrites(adopted: Repository) -> None:
    before = adopted.read("SPEC_AUTHORITY.md")
    assert "never overwritten" in ended(run_here("init", directory=adopted.path), 2).stderr
    assert adopted.read("SPEC_AUTHORITY.md") == before
    adopted.write("SPEC_AUTHORITY.md", "# A\n\n```toml specguard\nbas = 1\n```\n")
    assert "SPEC_AUTHORITY.md:4: " in ended(run_here("init", directory=adopted.path), 2).stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "/.runs/\n"),
        ("build", "build\n/.runs/\n"),
        ("build/\n", "build/\n/.runs/\n"),
        (".runs\n", ".runs\n"),
        ("x\n.runs/\n", "x\n.runs/\n"),
    ],
)
def test_init_has_git_ignore_runs(repository: Repository, before: str | None, after: str) -> None:
    if before is not None:
        repository.write(".gitignore", before)
    outcome = ended(run_here("init", directory=repository.path))
    assert (repository.path / ".gitignore").read_text() == after
    assert ("git add SPEC_AUTHORITY.md .gitignore &&" in outcome.stdout) == (before != after)


def test_init_has_git_ignore_what_is_local_of_committed_runs(repository: Repository) -> None:
    outcome = ended(run_here("init", "--preset", "orchestrator", directory=repository.path))
    assert not (repository.path / ".gitignore").exists()
    assert "git add SPEC_AUTHORITY.md .runs/.gitignore &&" in outcome.stdout
    ignored = ("phase-1/.0123456789ab.lock", "phase-1/x/control/asked.json", ".plan-0123456789ab.lock")
    kept = ("phase-1/x/manifest.json", "phase-1/x/control/heartbeat.json", "phase-1/x/commands/01-a.log")
    for name in (*ignored, *kept):
        repository.write(f".runs/{name}", "")
    repository.git("add", ".runs")
    staged = repository.git("diff", "--cached", "--name-only", "--", ".runs").split()
    assert sorted(staged) == sorted(f".runs/{name}" for name in (*kept, ".gitignore"))


@pytest.mark.parametrize("before", [".runs/\n", "*.pyc\n/.runs\n"])
def test_init_has_git_see_runs_that_are_committed(repository: Repository, before: str) -> None:
    repository.write(".gitignore", before)
    run_here("init", "--preset", "orchestrator", directory=repository.path)
    assert (repository.path / ".gitignore").read_text() == before + "!/.runs/\n"
    repository.write(".runs/a/1/manifest.json", "{}")
    assert ".runs/a/1/manifest.json" in repository.git("status", "--porcelain", "-uall")


@pytest.mark.parametrize(
    ("preset", "off"),
    [
        ("runbook", ["RUN009", "ART014"]),
        ("orchestrator", ["RUN007", "SPC003", "RUN010"]),
        ("phase-runner", ["RUN001"]),
    ],
)
def test_what_a_preset_leaves_off_is_named_with_the_line_that_turns_it_on(
    repository: Repository, preset: str, off: list[str]
) -> None:
    wrote = run_here("init", "--preset", preset, directory=repository.path)
    told = [line for line in wrote.stdout.splitlines() if line.startswith("off: ")]
    assert len(told) == len(off)
    assert all(f"({code}" in line for code, line in zip(off, told, strict=True))
    # Kept on one machine, runs are not asked for where there are none.
    assert all('keep = "tree" and' in line for line in told if "RUN009" in line)
    repository.stage()
    repository.commit("docs: state what may change")
    assert (
        run_here("doctor", directory=repository.path).stdout.count(
            "RUN00" if preset == "phase-runner" else off[0]
        )
        >= 1
    )
    # Each line is typed in as it is said.
    file = repository.path / "SPEC_AUTHORITY.md"
    lines = []
    for line in told:
        table, _, settings = line.partition("under [")[2].partition("] write ")
        settings, _, ignored = settings.partition("; and in .gitignore, as its last line, ")
        settings = settings.partition(", with your")[0]
        if ignored:
            listed = repository.read(".gitignore").decode()
            repository.write(".gitignore", f"{listed}{ignored}\n")
            repository.write(".runs/a/1/manifest.json", "{}")
            assert ".runs/a/1/manifest.json" in repository.git("status", "--porcelain", "-uall")
            repository.delete(".runs/a/1/manifest.json")
        lines.append(f"[{table}]\n" + "\n".join(settings.split(" and ")))
    text = file.read_text().rstrip("`\n") + "\n" + "\n\n".join(lines) + "\n```\n"
    file.write_text(text)
    repository.stage()
    repository.commit("docs: turn it on")
    outcome = run_here("doctor", directory=repository.path)
    assert not [line for line in outcome.stdout.splitlines() if line.startswith("off")], outcome


def test_gates_that_are_asked_only_beside_a_folder_of_runs_are_named(repository: Repository) -> None:
    policy = 'extends = ["runbook"]\n\n[runs]\nquick_gates = ["lint"]\nfull_gates = ["lint"]\n'
    said = '(RUN009): under [runs] write keep = "tree"; and in .gitignore, as its last line, !/.runs/\n'
    for keep, told in (("", True), ('keep = "tree"\n', False)):
        text = f"# Authority\n\n```toml specguard\n{policy}{keep}```\n"
        repository.commit("docs: policy", files={"SPEC_AUTHORITY.md": text})
        outcome = run_here("doctor", directory=repository.path)
        assert (said in outcome.stdout) is told, outcome


def test_init_follows_no_link_to_what_git_ignores(repository: Repository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("x\n")
    (repository.path / ".gitignore").symlink_to(other)
    assert "note: add /.runs/ to .gitignore" in ended(run_here("init", directory=repository.path)).stdout
    assert other.read_text() == "x\n"


def test_what_init_writes_passes_on_the_repository_as_it_is(repository: Repository) -> None:
    repository.write(".github/workflows/ci.yml", "on: push\n")
    repository.commit("chore: start")
    assert run_here("init", directory=repository.path).exit_code == 0
    repository.stage()
    repository.commit("docs: state what may change")
    outcome = ended(
        run_here(
            "check",
            "--range",
            "HEAD~1..HEAD",
            "--authority",
            "SPEC_AUTHORITY.md",
            "--strict",
            directory=repository.path,
        ),
        1,
    )
    # Adopting an authority is a change of the policy, and nothing else is wrong.
    assert "PTH004" in outcome.stdout or "PTH002" in outcome.stdout
    head = ended(run_here("check", "--range", "HEAD..HEAD", "--strict", directory=repository.path))
    assert "nothing to judge" in head.stdout


def test_init_refuses_a_pattern_that_could_never_match(repository: Repository) -> None:
    ended(run_here("init", "--lock", "./docs", directory=repository.path), 2)
    assert not (repository.path / "SPEC_AUTHORITY.md").exists()


def test_a_doctor_says_that_squashing_leaves_trailers_unasked(repository: Repository) -> None:
    asked = '[[rules.missing-trailer.require]]\nkey = "Signed-off-by"\nby_author = true\n'
    said = '(CMT006): take out merge = "squash"\n'
    for merge, off in (("squash", True), ("rebase", False)):
        text = f'# Authority\n\n```toml specguard\nmerge = "{merge}"\n{asked}```\n'
        repository.commit("docs: policy", files={"SPEC_AUTHORITY.md": text})
        outcome = run_here("doctor", directory=repository.path)
        assert (said in outcome.stdout) is off, outcome


def test_an_authority_that_is_tried_before_it_is_committed_locks_itself(repository: Repository) -> None:
    repository.commit("chore: start", files={"LICENSE": "a"})
    run_here("init", directory=repository.path)
    outcome = ended(run_here("check", "--authority", "SPEC_AUTHORITY.md", directory=repository.path))
    assert "CFG002" not in outcome.stdout


def test_init_names_the_nearest_preset(repository: Repository) -> None:
    outcome = run_here("init", "--preset", "phase-runer", directory=repository.path)
    assert outcome.exit_code == 2
    assert "phase-runner" in outcome.stderr
    assert not (repository.path / "SPEC_AUTHORITY.md").exists()


def test_init_print_writes_nothing(repository: Repository) -> None:
    outcome = run_here("init", "--print", "--forbid", "docs/api/", directory=repository.path)
    assert outcome.exit_code == 0
    assert "- `docs/api/`" in outcome.stdout
    assert not (repository.path / "SPEC_AUTHORITY.md").exists()
