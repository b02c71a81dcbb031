"""`check --fix`, with the command on real repositories."""

from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository, run
from specguard.testing.repository import clean_environment
from tests.cli.no_foo import install_plugin
from tests.cli.running import on_a_terminal
from tests.outcomes import ended
from tests.rows import rows
from tests.scripts import play, scripts

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_put_right_and_what_is_left(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)


@pytest.mark.parametrize(("answer", "branch"), [("y\n", "phase-12"), ("\n", "phase-12-cart")])
def test_a_person_is_asked_on_a_terminal(repository: Repository, answer: str, branch: str) -> None:
    files = {"SPEC_AUTHORITY.md": (DATA / "fixes.md").read_text(), "NEXT.json": '{"next": 12}'}
    repository.commit("docs: state what may change", files=files)
    repository.branch("phase-12-cart")
    repository.commit("feat(phase12): implement phase 12", files={"src/a.py": "a = 1\n"})
    path, env = repository.path, clean_environment()
    code, shown = on_a_terminal("check", "--fix", directory=path, env=env, question="[y/N]", answer=answer)
    assert code == (0 if branch == "phase-12" else 1), shown
    assert "git branch -m phase-12-cart phase-12" in shown
    assert repository.git("symbolic-ref", "--short", "HEAD").strip() == branch


PLUGIN = (DATA / "plugin_of_fixes.txt").read_text()


def fix_files(repository: Repository, place: Path, *names: str) -> str:
    """Put a file for each name in the working tree, let the plugin fix them, and return what is printed."""
    install_plugin(place, PLUGIN)
    authority = '```toml specguard\nplugins = ["acme"]\nbase = "main"\n```\n'
    repository.commit("docs: state what may change", files={"SPEC_AUTHORITY.md": authority})
    repository.branch("work")
    for name in names:
        repository.write(f"{name}.txt", "a foo\n")
    words, env = ("check", "--fix", "--yes", "--worktree"), {"PYTHONPATH": str(place)}
    return ended(run(*words, directory=repository.path, env=env), 1).stdout


def test_a_plugins_fix_is_done_and_one_that_does_harm_is_not(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = (repository.git_dir / "config").read_text()
    names = [part.partition('"')[0] for part in PLUGIN.split('if "')[1:]]
    shown = fix_files(repository, tmp_path_factory.mktemp("plugin"), "good", *names)
    assert "+harm" not in shown.split("not possible")[0]
    assert "not possible: git takes no branch of the name --harm" in shown
    assert "not possible: it is part of what changes are judged by" in shown
    assert repository.read("good.txt") == b"a bar\n"
    assert {repository.read(f"{name}.txt") for name in ("half", "none", "text")} == {b"a foo\n"}
    assert not repository.git("diff", "HEAD", "--", "SPEC_AUTHORITY.md")
    assert (repository.git_dir / "config").read_text() == config
    assert repository.git("symbolic-ref", "--short", "HEAD").strip() == "work"
    assert not (repository.path.parent / "outside").exists()


@pytest.mark.parametrize(("name", "said"), rows(__file__, "crashes"))
def test_a_plugins_fix_that_crashes_is_told_with_its_rule(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory, name: str, said: str
) -> None:
    shown = fix_files(repository, tmp_path_factory.mktemp("plugin"), name, "good")
    assert f"fix (ACM001): edit {name}.txt\n  not possible: the rule's fix crashed: {said}" in shown
    assert repository.read("good.txt") == b"a bar\n"
