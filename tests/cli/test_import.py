"""`specguard import`: what it finds, prints and adds, and what it leaves alone."""

import json
from pathlib import Path

import pytest

from specguard.testing import Case, Outcome, Repository, Step, run_here
from specguard.testing.repository import clean_environment
from tests.outcomes import data_of, ended
from tests.rows import rows

DATA = Path(__file__).parent / "data"
COMMITLINT = (DATA / "commitlint.json").read_text()
REPOLINTER = (DATA / "repolinter.json").read_text()


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    """A repository with nothing in it but a file."""
    return Case(policy="", base=(Step("chore: base", files={"a": "a"}),), branch="main").build(tmp_path / "p")


def imported(project: Repository, *args: str, **files: str) -> Outcome:
    for name, text in files.items():
        project.write({"commitlint": ".commitlintrc.json", "repolinter": "repolinter.json"}[name], text)
    project.stage()
    return run_here("import", *args, directory=project.path)


def test_it_prints_and_writes_nothing(project: Repository) -> None:
    outcome = imported(project, commitlint=COMMITLINT)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert outcome.stdout == (DATA / "imported.md").read_text()
    assert not (project.path / "SPEC_AUTHORITY.md").exists()


def test_everything_that_is_there_is_read(project: Repository) -> None:
    project.write("openspec/specs/a/spec.md", "x")
    project.write("specs/001-a/spec.md", "x")
    outcome = imported(project, commitlint=COMMITLINT, repolinter=REPOLINTER)
    assert "Read from `.commitlintrc.json`, `openspec`, `repolinter.json`, `spec-kit`." in outcome.stdout
    tables = "rules.commit-form rules.forbidden-path artifacts.openspec-spec artifacts.feature-spec"
    assert all(f"[{table}]" in outcome.stdout for table in tables.split())
    project.rename("repolinter.json", "rules/ours.json")
    only = imported(project, "repolinter=rules/ours.json")
    assert 'paths = ["**/*.exe"]' in only.stdout
    assert "commit-form" not in only.stdout


def test_a_path_is_seen_wherever_it_begins(project: Repository) -> None:
    project.write("a.exe", "x")
    project.write("sub/b", "x")
    imported(project, repolinter=REPOLINTER)
    told = {**clean_environment(), "GIT_DIR": "../.git", "GIT_WORK_TREE": ".."}
    for folder, environment in ((".", None), ("sub", None), ("sub", told)):
        assert "a.exe is there" in run_here("import", directory=project.path / folder, env=environment).stderr


def test_it_is_added_below_what_is_there_and_overrules_nothing(project: Repository) -> None:
    own = "```toml specguard\n[rules.commit-form]\nsubject_max = 50\n```\n\n## Forbidden paths\n\n- `b/`\n"
    project.write("SPEC_AUTHORITY.md", f"# Ours\n\n{own}\n\n")
    outcome = imported(project, "--write", commitlint=COMMITLINT, repolinter=REPOLINTER)
    assert outcome.stdout == "SPEC_AUTHORITY.md: 3 settings added\n"
    said = ".commitlintrc.json:1: rules.commit-form.subject_max: SPEC_AUTHORITY.md:5 sets it already\n"
    assert f"  {said}" in outcome.stderr
    text = project.read("SPEC_AUTHORITY.md").decode()
    assert text.startswith(f"# Ours\n\n{own}\n## Imported settings\n")
    assert "subject_max = 60" not in text
    assert 'trailing_dot = "forbid"' in text
    settings = data_of(project, "policy", "--authority=SPEC_AUTHORITY.md")["settings"]
    # Paths are added to those that are guarded.
    values = [one["value"] for one in settings if "forbidden-path" in one["key"]]
    assert values == ["b/", "**/*.exe"]
    again = imported(project, "--write")
    assert (again.exit_code, "there is no setting to add\n" in again.stderr) == (0, True)
    assert project.read("SPEC_AUTHORITY.md").decode() == text


def test_as_json(project: Repository) -> None:
    text = json.dumps({"rules": {"body-case": [2, "always"]}})
    data = json.loads(imported(project, "--output-format=json", commitlint=text).stdout)
    assert data["left"] == [
        {"path": ".commitlintrc.json", "line": 1, "what": "body-case", "why": "there is no setting for it"}
    ]
    assert data["settings"]["rules.commit-form"] == {"subject_max": 0, "blank_line": "optional"}
    assert "```toml specguard" in data["section"]


def test_what_cannot_be_imported(project: Repository, tmp_path: Path) -> None:
    for words, said in rows(__file__, "refused"):
        assert said in ended(imported(project, *words), 2).stderr
    project.write("SPEC_AUTHORITY.md", "# Ours\n\n```toml specguard\nnonsense = 1\n```\n")
    outcome = ended(imported(project, "--write", commitlint=COMMITLINT), 2)
    assert "SPEC_AUTHORITY.md:4" in outcome.stderr
    # A link is not written to.
    project.delete("SPEC_AUTHORITY.md")
    (tmp_path / "other.md").write_text("# Other\n\n## Locked zones\n\n- `a`\n")
    project.symlink("SPEC_AUTHORITY.md", str(tmp_path / "other.md"))
    assert "it is a link" in ended(imported(project, "--write"), 2).stderr
    assert "## Imported settings" in ended(imported(project)).stdout
    assert (tmp_path / "other.md").read_text().endswith("- `a`\n")


def test_a_script_is_not_run(project: Repository) -> None:
    project.write("commitlint.config.js", "module.exports = {}")
    project.write("node_modules/.bin/commitlint", "#!/bin/sh\ntouch run\n")
    (project.path / "node_modules/.bin/commitlint").chmod(0o755)
    for outcome in (imported(project), imported(project, "commitlint")):
        assert "there is no setting to add" in outcome.stderr
        assert "it is a script, which is not run; " in outcome.stderr
    assert not (project.path / "run").exists()


@pytest.mark.parametrize("files", rows(__file__, "hostile"))
def test_texts_cannot_leave_their_block(project: Repository, files: dict[str, str]) -> None:
    outcome = imported(project, "--write", **files)
    assert outcome.exit_code in (0, 2)
    if outcome.exit_code == 0 and (project.path / "SPEC_AUTHORITY.md").exists():
        assert run_here("policy", "--authority=SPEC_AUTHORITY.md", directory=project.path).exit_code == 0
