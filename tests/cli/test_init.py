"""`specguard init`: what it proposes, writes and adopts, and that what it advises works."""

from pathlib import Path
from typing import Any

import pytest

from specguard.audit.judging import PastChange, PastGit, judge_as_merged
from specguard.authority.policy import Policy
from specguard.errors import SpecguardError
from specguard.model import Verdict
from specguard.testing import Outcome, Repository, run_here
from specguard.testing.repository import clean_environment
from tests.cli.running import on_a_terminal
from tests.outcomes import ended
from tests.rows import rows
from tests.scripts import DATA, play, scripts

FILE = "SPEC_AUTHORITY.md"
JOB = ".github/workflows/t.yml"
BOT = "renovate[bot] <bot@users.noreply.github.com>"


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_proposed_and_adopted(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)


def init(repository: Repository, *words: str) -> Outcome:
    return ended(run_here("init", *words, directory=repository.path))


def test_on_a_terminal_it_asks_who_may_approve(repository: Repository) -> None:
    repository.commit("chore: start", files={"a": "a\n"})
    code, shown = on_a_terminal(
        "init",
        directory=repository.path,
        env=clean_environment(),
        question="Who may approve",
        answer=f"alice\n{DATA}/alice.pub\n",
    )
    assert code == 0, shown
    assert 'name = "alice"' in repository.read(FILE).decode()


def test_a_setting_that_was_only_tried_is_not_written(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(22):
        repository.commit(f"ci: set {number}", files={"Jenkinsfile": f"{number}\n"})

    def judge(git: PastGit, policy: Policy, change: PastChange) -> Verdict:
        if "rules.locked-path.pins" in policy.origins:
            raise SpecguardError("the disk is gone")
        return judge_as_merged(git, policy, change)

    monkeypatch.setattr("specguard.cli.proposed_authority.judge_as_merged", judge)
    assert "not looked at: the disk is gone" in init(repository).stdout
    assert "pins" not in repository.read(FILE).decode()


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


# What it makes of a repository's last changes


def history(repository: Repository, ending: str = " (#{0})") -> None:
    """Forty changes: a long subject in every fifth, a pin in every eighth, a job in every twentieth."""
    repository.commit(
        "chore: start", files={JOB: "steps:\n- uses: a/b@v0\n- run: make\n", "LICENSE": "mine\n"}
    )
    for number in range(1, 40):
        files = {"src/a.py": f"{number}\n"}
        subject = f"feat: change {number}{'x' * 90 if number % 5 == 0 else ''}"[:98]
        if number % 8 == 0:
            files = {JOB: f"steps:\n- uses: a/b@v{number}\n- run: make\n"}
        if number % 20 == 0:
            files = {JOB: f"steps:\n- uses: a/b@v{number}\n- run: make {number}\n"}
        repository.commit(subject + ending.format(number), files=files)


def test_it_says_what_would_have_failed_and_proposes_what_fits(repository: Repository) -> None:
    history(repository)
    said = init(repository, "--preset", "phase-runner").stdout
    assert "past changes: 11 of the last 39 would have failed (CMT003 7, PTH002 .github/workflows/ 5)" in said
    assert "past changes: 2 of the last 39 would have failed (PTH002 .github/workflows/ 2) by what is" in said
    text = repository.read(FILE).decode()
    assert 'work.phase.pull_request = "feat(phase{number}): implement phase {number}"\n' in text
    assert '# 39 of the last 39 changes landed as one numbered commit\nmerge = "squash"\n' in text
    assert "# 3 of the last 39 changes altered only pinned versions" in text
    assert 'rules.locked-path.pins = "allow"\nbase = "main"\n```\n' in text
    assert "severity" not in text


def test_a_convention_that_is_none_yet_is_a_warning_and_a_lock_never_is(repository: Repository) -> None:
    history(repository, "xxxx")
    said = init(repository).stdout
    assert "by what is proposed" in said
    text = repository.read(FILE).decode()
    assert '# 7 of the last 39 changes break it\nrules.commit-form.severity = "warning"\n' in text
    assert "rules.locked-path.severity" not in text
    assert "merge" not in text.split("```")[1]


def test_bots_are_proposed_by_the_account_that_the_platform_knows(repository: Repository) -> None:
    repository.commit("chore: start", files={"a": "a\n"})
    for number in range(30):
        repository.commit("Bump\nx\n" if number % 3 else "fix: x", files={"a": f"{number}\n"}, author=BOT)
    init(repository)
    text = repository.read(FILE).decode()
    assert '[authors.renovate]\nlogins = ["renovate[bot]"]\n' in text
    assert "severity" not in text
    assert run_here("policy", "--authority", FILE, directory=repository.path).exit_code == 0


def test_merges_are_judged_as_the_branch_that_they_brought(repository: Repository) -> None:
    repository.commit("chore: start", files={"LICENSE": "mine\n"})
    for number in range(25):
        repository.branch(f"b{number}", at="main")
        repository.commit("feat: one", files={f"src/{number}": "a\n"})
        if number == 7:
            repository.commit("bad\nform\n", files={"LICENSE": "yours\n"})
        repository.checkout("main")
        repository.git("merge", "-q", "--no-ff", "-m", f"Merge {number}", f"b{number}")
    said = init(repository).stdout
    assert "past changes: 1 of the last 25 would have failed (" in said
    assert "PTH002 LICENSE 1" in said
    assert "CMT003 1" in said


def test_a_slow_past_is_looked_at_for_less(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    history(repository)
    monkeypatch.setattr("specguard.cli.proposed_authority.monotonic", iter(range(0, 999, 2)).__next__)
    assert "of the last 20 would have failed" in init(repository).stdout


@pytest.mark.parametrize("depth", [10, 60])
def test_a_shallow_clone_says_what_it_could_not_look_at(repository: Repository, depth: int) -> None:
    history(repository)
    place = repository.clone(repository.path.parent / "clone", depth=depth).path
    assert ("would have failed" in ended(run_here("init", directory=place)).stdout) == (depth == 60)


def test_an_authority_that_is_adopted_is_tried_on_the_past(repository: Repository) -> None:
    history(repository)
    repository.commit(
        "docs: ways", files={FILE: "# Ways\n\nNever change `LICENSE` or `.github/workflows/t.yml`.\n"}
    )
    said = init(repository, "--adopt").stdout
    # The change that brings the authority is not held to it.
    assert "past changes: 11 of the last 40 would have failed (CMT003 7, PTH002 " in said
    assert "PTH004" not in said
    assert "PTH002 .github/workflows/t.yml 5" in said
    assert "past changes" not in init(repository, "--adopt", "--print").stdout
