"""`specguard baseline`: what it records, what it takes back, and what it asks for before it accepts more."""

import json
from pathlib import Path

import pytest

from specguard.testing import Case, Outcome, Repository, Step, run_here
from tests.outcomes import data_of, ended

FILE = ".specguard/baseline.json"
ONE, TWO = ".github/workflows/one.yml", ".github/workflows/two.yml"
POLICY = '[rules.host-network-call]\nfiles = [".github/workflows/*.yml"]\n'


def workflow(calls: int) -> str:
    steps = "".join(f"      - run: curl http://localhost:{8000 + number}\n" for number in range(calls))
    return f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: true\n{steps}"


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    """A repository on main with two findings in one file and one in another."""
    return Case(
        policy=POLICY, base=(Step("chore: base", files={ONE: workflow(2), TWO: workflow(1)}),), branch="main"
    ).build(tmp_path / "project")


def baseline(project: Repository, *args: str) -> Outcome:
    return run_here("baseline", *args, directory=project.path)


def recorded(project: Repository) -> object:
    return json.loads(project.read(FILE))


def test_the_first_time_everything_is_recorded(project: Repository) -> None:
    outcome = ended(baseline(project))
    assert recorded(project) == {"CNT002": {ONE: 2, TWO: 1}}
    assert f"CNT002 {ONE}: 2 found, 2 accepted\n" in outcome.stdout
    assert "accepts 3 errors in 2 files, once it is on the base branch" in outcome.stdout
    project.stage()
    project.git("commit", "-q", "-m", "chore: begin")
    project.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert run_here("check", "--all", directory=project.path).exit_code == 0
    assert "stays as it is" in baseline(project).stdout
    assert baseline(project, "--check").exit_code == 0
    assert not project.git("status", "--porcelain")


def test_it_shrinks_and_does_not_grow(project: Repository) -> None:
    baseline(project)
    project.write(ONE, workflow(1))
    project.write(TWO, workflow(4))
    project.write(".github/workflows/three.yml", workflow(1))
    assert f"CNT002 {ONE}: 1 found, 1 accepted instead of 2" in ended(baseline(project, "--check"), 1).stdout
    assert recorded(project) == {"CNT002": {ONE: 2, TWO: 1}}
    outcome = ended(baseline(project))
    assert f"CNT002 {TWO}: 4 found, 1 accepted" in outcome.stdout
    assert "three.yml: 1 found, 0 accepted" in outcome.stdout
    assert "--grow accepts it" in outcome.stdout
    assert recorded(project) == {"CNT002": {ONE: 1, TWO: 1}}
    assert baseline(project, "--check").exit_code == 0
    grown = baseline(project, "--grow")
    assert f"CNT002 {TWO}: 4 found, 4 accepted instead of 1" in grown.stdout
    assert recorded(project) == {"CNT002": {ONE: 1, ".github/workflows/three.yml": 1, TWO: 4}}
    assert baseline(project, "--grow", "--check").exit_code == 2


def test_it_is_taken_away_when_nothing_is_left(project: Repository) -> None:
    baseline(project)
    project.write(ONE, workflow(0))
    project.delete(TWO)
    for _ in range(2):
        assert "is not needed\n" in ended(baseline(project, "--check"), 1).stdout
        assert "and is removed" in baseline(project).stdout
        assert not (project.path / FILE).exists()
        assert ended(baseline(project)).stdout == f"nothing is to be accepted: {FILE} is not needed\n"
        assert not (project.path / FILE).exists()
        assert baseline(project, "--check").exit_code == 0
        # One that is empty is not needed either.
        project.write(FILE, "{}")


def test_a_rule_that_is_off_or_gone_needs_no_record(project: Repository) -> None:
    project.write(FILE, json.dumps({"CNT002": {ONE: 2}, "ART999": {"a": 1}}))
    project.write("specguard.toml", 'rules.host-network-call.severity = "off"\n')
    outcome = baseline(project)
    assert "ART999 a: 0 found, 0 accepted instead of 1" in outcome.stdout
    assert not (project.path / FILE).exists()


def test_what_could_not_be_judged_stays_recorded(project: Repository) -> None:
    """A workflow that cannot be read leaves the rule undecided: nobody knows what would go."""
    baseline(project)
    project.write(ONE, "a" * (17 << 20))
    outcome = ended(baseline(project), 2)
    assert "CNT002 could not be judged, and its counts stay as they were" in outcome.stdout
    assert recorded(project) == {"CNT002": {ONE: 2, TWO: 1}}
    assert baseline(project, "--check").exit_code == 2


def test_the_working_trees_own_authority_is_asked(project: Repository) -> None:
    """A branch that adds a rule records what that rule finds, although the base does not know it yet."""
    # Rules about what a change adds have no past, so nothing of a change is recorded.
    added = '[[rules.forbidden-content.forbid]]\npattern = "secret"\n'
    project.write("a", "secret\n")
    for settings, said in (
        ("[rules]\n", "is not needed"),
        (added, "is not needed"),
        (f'{POLICY}stages = ["pull-request"]\n', "3 errors"),
    ):
        project.write("SPEC_AUTHORITY.md", f"# A\n\n```toml specguard\n{settings}```\n")
        assert said in baseline(project).stdout
    assert recorded(project) == {"CNT002": {ONE: 2, TWO: 1}}


def test_as_json(project: Repository) -> None:
    baseline(project)
    project.write(ONE, workflow(1))
    assert data_of(project, "baseline", "--check", code=1) == {
        "path": FILE,
        "written": False,
        "needed": True,
        "entries": [
            {"code": "CNT002", "path": ONE, "before": 2, "after": 1, "found": 1},
            {"code": "CNT002", "path": TWO, "before": 1, "after": 1, "found": 1},
        ],
        "undecided": [],
    }
    assert data_of(project, "baseline")["written"] is True


@pytest.mark.parametrize("link", [FILE, ".specguard"])
def test_it_is_not_written_through_a_link(project: Repository, tmp_path: Path, link: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    project.symlink(link, str(tmp_path / "elsewhere"))
    assert FILE in ended(baseline(project), 2).stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_one_that_is_broken_or_that_git_ignores_is_refused(project: Repository) -> None:
    project.write(FILE, '{\n"CNT002": 1}')
    assert f"{FILE}:2: the baseline has no object of paths" in ended(baseline(project), 2).stderr
    project.delete(FILE)
    project.write(".gitignore", ".specguard/\n")
    baseline(project)
    assert "ignored by git" in ended(baseline(project), 2).stderr
