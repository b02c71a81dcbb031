"""What `specguard init` makes of a repository's last changes."""

import pytest

from specguard.testing import Outcome, Repository, run_here
from tests.outcomes import ended

FILE = "SPEC_AUTHORITY.md"
JOB = ".github/workflows/t.yml"
BOT = "renovate[bot] <bot@users.noreply.github.com>"


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


def init(repository: Repository, *words: str) -> Outcome:
    return ended(run_here("init", *words, directory=repository.path))


def test_it_says_what_would_have_failed_and_proposes_what_fits(repository: Repository) -> None:
    history(repository)
    said = init(repository).stdout
    assert "past changes: 11 of the last 39 would have failed (CMT003 7, PTH002 .github/workflows/ 5)" in said
    assert (
        "past changes: 2 of the last 39 would have failed (PTH002 .github/workflows/ 2) by what is proposed"
        in said
    )
    text = repository.read(FILE).decode()
    assert '# 39 of the last 39 changes landed as one numbered commit\nmerge = "squash"\n' in text
    assert "# 3 of the last 39 changes altered only pinned versions" in text
    assert 'rules.locked-path.pins = "allow"\n' in text
    assert "severity" not in text


def test_a_convention_that_is_none_yet_is_a_warning_and_a_lock_never_is(repository: Repository) -> None:
    history(repository, "xxxx")
    said = init(repository, "--lock", "src/").stdout
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


def test_a_short_past_says_nothing(repository: Repository) -> None:
    repository.commit("Bad\nform\n", files={"a": "a\n"})
    assert "past changes" not in init(repository).stdout


@pytest.mark.parametrize("depth", [10, 60])
def test_a_shallow_clone_says_what_it_could_not_look_at(repository: Repository, depth: int) -> None:
    history(repository)
    place = repository.path.parent / "clone"
    repository.git("clone", "-q", f"--depth={depth}", f"file://{repository.path}", str(place))
    assert ("would have failed" in ended(run_here("init", directory=place)).stdout) == (depth == 60)


def test_an_authority_that_is_adopted_is_tried_on_the_past(repository: Repository) -> None:
    history(repository)
    repository.commit(
        "docs: ways", files={FILE: "# Ways\n\nNever change `LICENSE` or `.github/workflows/t.yml`.\n"}
    )
    said = init(repository, "--adopt").stdout
    assert "past changes: 12 of the last 40 would have failed (CMT003 7, PTH002 " in said
    assert "PTH002 .github/workflows/t.yml 5" in said
    assert "past changes" not in init(repository, "--adopt", "--print").stdout
