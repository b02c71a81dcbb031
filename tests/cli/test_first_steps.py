"""What a new user does: init, a phase branch that passes, and each way in which it can go wrong."""

import json
from pathlib import Path

import pytest

from specguard.testing import Repository, run_here
from tests.outcomes import ended
from tests.rows import rows

POINTER = json.dumps({"plan_version": "v1", "next": 12})
MESSAGE = "feat(phase12): implement phase 12"


@pytest.fixture
def adopted(repository: Repository) -> Repository:
    """A repository with a plan, whose authority was written by `init` and is on the base."""
    files = {"docs/api/users.yaml": "get: users\n", "LICENSE": "mine\n", "configs/NEXT_PHASE.json": POINTER}
    plan = {f"docs/plan/v1/phases/phase-{number}.md": f"# Phase {number}\n" for number in (12, 13)}
    repository.commit("chore: start", files={**files, **plan})
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


def test_a_misstep_fails_with_its_rule_its_line_and_its_next_step(adopted: Repository) -> None:
    """The others are cases of `tests/cases/work/`."""
    adopted.commit(MESSAGE, files={"LICENSE": "yours\n"})
    outcome = ended(run_here("check", "--output-format", "json", directory=adopted.path), 1)
    [locked] = [one for one in outcome.report["findings"] if one["code"] == "PTH002"]
    assert locked["location"]["path"] == "LICENSE"
    assert locked["help"]
    assert locked["authority"]["line"]
    text = ended(run_here("check", directory=adopted.path), 1)
    assert "PTH002" in text.stdout
    assert "next " in text.stdout


def test_init_never_overwrites_and_writes_nothing_where_it_is_refused_or_only_printed(
    adopted: Repository,
) -> None:
    before = adopted.read("SPEC_AUTHORITY.md")
    assert "never overwritten" in ended(run_here("init", directory=adopted.path), 2).stderr
    assert adopted.read("SPEC_AUTHORITY.md") == before
    adopted.write("SPEC_AUTHORITY.md", "# A\n\n```toml specguard\nbas = 1\n```\n")
    assert "SPEC_AUTHORITY.md:4: " in ended(run_here("init", directory=adopted.path), 2).stderr
    adopted.delete("SPEC_AUTHORITY.md")
    ended(run_here("init", "--lock", "./docs", directory=adopted.path), 2)
    outcome = ended(run_here("init", "--preset", "phase-runer", directory=adopted.path), 2)
    assert "phase-runner" in outcome.stderr
    outcome = ended(run_here("init", "--print", "--forbid", "docs/api/", directory=adopted.path))
    assert "- `docs/api/`" in outcome.stdout
    assert not (adopted.path / "SPEC_AUTHORITY.md").exists()


def test_init_has_git_ignore_runs(repository: Repository, tmp_path: Path) -> None:
    ignored = repository.path / ".gitignore"
    for before, after in rows(__file__, "ignored"):
        if before:
            ignored.write_text(before)
        outcome = ended(run_here("init", directory=repository.path))
        assert ignored.read_text() == after
        assert ("git add SPEC_AUTHORITY.md .gitignore &&" in outcome.stdout) == (before != after)
        repository.delete("SPEC_AUTHORITY.md")
    # No link is followed.
    (tmp_path / "other").write_text("x\n")
    ignored.unlink()
    ignored.symlink_to(tmp_path / "other")
    assert "note: add /.runs/ to .gitignore" in ended(run_here("init", directory=repository.path)).stdout
    assert (tmp_path / "other").read_text() == "x\n"


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


@pytest.mark.parametrize(("preset", "off"), rows(__file__, "presets"))
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
    named = "RUN00" if preset == "phase-runner" else off[0]
    assert named in run_here("doctor", directory=repository.path).stdout
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


def test_a_doctor_says_what_a_setting_leaves_unasked(repository: Repository) -> None:
    for row in rows(__file__, "unasked"):
        text = f"# Authority\n\n```toml specguard\n{row['policy']}```\n"
        repository.commit("docs: policy", files={"SPEC_AUTHORITY.md": text})
        outcome = run_here("doctor", directory=repository.path)
        assert (row["said"] + "\n" in outcome.stdout) is row["off"], outcome


def test_what_init_writes_passes_on_the_repository_as_it_is(repository: Repository) -> None:
    repository.commit("chore: start", files={".github/workflows/ci.yml": "on: push\n", "LICENSE": "a"})
    ended(run_here("init", directory=repository.path))
    # Tried before it is committed, it locks itself.
    words = ("check", "--authority", "SPEC_AUTHORITY.md")
    assert "CFG002" not in ended(run_here(*words, directory=repository.path)).stdout
    repository.stage()
    repository.commit("docs: state what may change")
    outcome = ended(run_here(*words, "--range=HEAD~1..HEAD", "--strict", directory=repository.path), 1)
    # Adopting an authority is a change of the policy, and nothing else is wrong.
    assert "PTH004" in outcome.stdout or "PTH002" in outcome.stdout
    head = ended(run_here("check", "--range", "HEAD..HEAD", "--strict", directory=repository.path))
    assert "nothing to judge" in head.stdout
