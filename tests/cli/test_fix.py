"""`check --fix`, with the command on real repositories."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository, run, run_here
from specguard.testing.repository import clean_environment
from tests.cli.no_foo import install_plugin
from tests.cli.running import on_a_terminal
from tests.outcomes import ended
from tests.scripts import play, scripts

DATA = Path(__file__).parent / "data"
AUTHORITY = (DATA / "fixes.md").read_text()


@pytest.fixture
def project(repository: Repository) -> Repository:
    files = {"SPEC_AUTHORITY.md": AUTHORITY, "NEXT.json": '{"next": 12}'}
    repository.commit("docs: state what may change", files=files)
    repository.git("config", "user.name", "Ann")
    repository.git("config", "user.email", "ann@example.org")
    return repository


def work(
    repository: Repository, branch: str = "phase-12-cart", message: str = "feat(phase12): implement phase 12"
) -> str:
    repository.branch(branch)
    return repository.commit(message, files={"src/a.py": "a = 1\n"})


def head(repository: Repository) -> str:
    return repository.git("symbolic-ref", "--short", "HEAD").strip()


def message(repository: Repository) -> str:
    return repository.git("log", "-1", "--format=%B").rstrip("\n")


def fixing(repository: Repository, *words: str, code: int = 0, **env: str) -> str:
    outcome = ended(run_here("check", "--fix", *words, directory=repository.path, env=env), code)
    return outcome.stdout + outcome.stderr


# The branch


def test_a_branch_gets_its_items_name_once_yes_is_said(project: Repository) -> None:
    oid = work(project)
    shown = (
        "fix (BRN001): rename the branch phase-12-cart to phase-12\n  git branch -m phase-12-cart phase-12\n"
    )
    text = fixing(project, code=1)
    assert shown in text
    assert "nothing of this was done: add --yes" in text
    text = fixing(project, "--dry-run", "--yes")
    assert shown in text
    assert "would block" in text
    assert head(project) == "phase-12-cart"
    words = ("check", "--fix", "--yes", "--output-format", "json")
    outcome = ended(run_here(*words, directory=project.path))
    assert shown in outcome.stderr
    assert json.loads(outcome.stdout)["change"]["branch"] == "phase-12"
    assert (head(project), project.oid()) == ("phase-12", oid)
    assert fixing(project, "--yes").startswith("nothing here can be put right without a person's thought")


# Messages


def test_the_newest_commit_gets_its_items_subject_and_keeps_the_rest(project: Repository) -> None:
    work(project, "phase-12", "feat(phase-12): the cart.\nNo blank line.\n# and no comment\n")
    tree = project.oid("HEAD^{tree}")
    project.write("src/b.py", "staged")
    project.stage("src/b.py")
    text = fixing(project, "--yes")
    assert "fix (CMT002, CMT003): reword the newest commit" in text
    assert "  -feat(phase-12): the cart.\n  +feat(phase12): implement phase 12\n" in text
    assert message(project) == "feat(phase12): implement phase 12\n\nNo blank line.\n# and no comment"
    assert project.oid("HEAD^{tree}") == tree
    assert project.git("diff", "--cached", "--name-only").strip() == "src/b.py"


# Files


REPORT = "# Report\n\n## Summary\n\nAll is well.\n\n## Questions\n\nNone: all were answered.\n"


def test_a_missing_heading_is_added_where_its_contract_has_it_and_its_content_stays_owed(
    project: Repository,
) -> None:
    project.branch("phase-12")
    project.write("reports/a.md", REPORT)
    project.write("reports/b.md", "# Report\r\n\r\n### Questions\r\n\r\nWhy?")
    os.chmod(project.path / "reports/a.md", 0o640)
    text = fixing(project, "--worktree", "--yes", code=1)
    assert "fix (ART002): edit reports/a.md" in text
    assert project.read("reports/a.md").decode() == REPORT.replace(
        "## Questions", "## Risks\n\nTODO\n\n## Questions"
    )
    # The heading alone is no section: what belongs there is a person's to write.
    assert "ART003" in text
    before, _, after = text.rpartition("  done\n")
    assert ("ART002" in before, "ART002" in after) == (True, False)
    # The ends of lines, the mode and the folder stay as they were.
    assert project.read("reports/b.md") == (
        b"# Report\r\n\r\n### Summary\r\n\r\nTODO\r\n\r\n### Risks\r\n\r\nTODO\r\n\r\n"
        b"### Questions\r\n\r\nWhy?"
    )
    assert os.stat(project.path / "reports/a.md").st_mode & 0o777 == 0o640
    assert sorted(os.listdir(project.path / "reports")) == ["a.md", "b.md"]


def test_what_is_staged_is_put_right_in_the_index_too(project: Repository) -> None:
    project.branch("phase-12")
    for name in ("a", "b", "locked/a"):
        project.write(f"reports/{name}.md", REPORT)
    project.stage("reports")
    project.write("reports/b.md", REPORT + "\nmore\n")
    text = fixing(project, "--staged", "--yes", code=1)
    assert "git add -- :/reports/a.md" in text
    assert "TODO" in project.read("reports/a.md").decode()
    assert project.git("show", ":reports/a.md") == project.read("reports/a.md").decode().rstrip("\n")
    # Not what is staged in part, or locked.
    assert "not possible: the file in the working tree is another one than the one that was judged" in text
    assert project.read("reports/b.md").decode() == REPORT + "\nmore\n"
    assert "not possible: PTH002 locked-path keeps it as it is" in text
    assert project.read("reports/locked/a.md").decode() == REPORT


def test_it_works_from_a_folder_and_in_a_linked_worktree(
    project: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    linked = project.worktree(tmp_path_factory.mktemp("linked") / "there", "phase-12")
    linked.write("reports/a.md", REPORT)
    linked.stage("reports/a.md")
    # A folder that is named is the one that is meant.
    env = {"GIT_DIR": str(project.git_dir), "GIT_WORK_TREE": str(project.path)}
    fixing(project, "--staged", "--yes", "-C", str(linked.path / "reports"), code=1, **env)
    assert "TODO" in linked.git("show", ":reports/a.md")
    assert not (project.path / "reports/a.md").exists()


# Asking


@pytest.mark.parametrize(("answer", "branch"), [("y\n", "phase-12"), ("\n", "phase-12-cart")])
def test_a_person_is_asked_on_a_terminal(project: Repository, answer: str, branch: str) -> None:
    work(project)
    path, env = project.path, clean_environment()
    code, shown = on_a_terminal("check", "--fix", directory=path, env=env, question="[y/N]", answer=answer)
    assert code == (0 if branch == "phase-12" else 1), shown
    assert "git branch -m phase-12-cart phase-12" in shown
    assert head(project) == branch


PLUGIN = (DATA / "plugin_of_fixes.txt").read_text()


def test_a_plugins_fix_is_done_and_one_that_does_harm_is_not(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("plugin")
    install_plugin(place, PLUGIN)
    authority = '```toml specguard\nplugins = ["acme"]\nbase = "main"\n```\n'
    repository.commit("docs: state what may change", files={"SPEC_AUTHORITY.md": authority})
    repository.branch("work")
    for name in ("crash", "exit", "odd", "outside", "git", "authority", "half", "commit", "branch", "good"):
        repository.write(f"{name}.txt", "a foo\n")
    config = (repository.git_dir / "config").read_text()
    words, env = ("check", "--fix", "--yes", "--worktree"), {"PYTHONPATH": str(place)}
    outcome = ended(run(*words, directory=repository.path, env=env), 1)
    assert "+harm" not in outcome.stdout.split("not possible")[0]
    assert "not possible: git takes no branch of the name --harm" in outcome.stdout
    assert "not possible: it is part of what changes are judged by" in outcome.stdout
    assert repository.read("good.txt") == b"a bar\n"
    assert repository.read("half.txt") == b"a foo\n"
    assert repository.read("SPEC_AUTHORITY.md").decode() == authority
    assert (repository.git_dir / "config").read_text() == config
    assert head(repository) == "work"
    assert not (repository.path.parent / "outside").exists()


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_put_right_and_what_is_left(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)
