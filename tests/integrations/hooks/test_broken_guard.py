"""A guard that is broken lets nothing through, names what repairs it, and does not stand in its way."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specguard.integrations.hooks.answering import TIME_LIMITS
from specguard.testing import Repository
from tests.executor.places import program
from tests.integrations.hooks.asking import POLICY, Session, ask, bash, edit, guarded, write
from tests.scripts import play, scripts


def without_authority(repository: Repository, _: Path) -> dict[str, str]:
    repository.checkout("main")
    repository.commit("chore: x", delete=["SPEC_AUTHORITY.md"])
    return {}


def policy(repository: Repository, old: str, new: str) -> dict[str, str]:
    """Have another text in the authority of the base."""
    repository.checkout("main")
    repository.commit("chore: x", files={"SPEC_AUTHORITY.md": POLICY.replace(old, new)})
    return {}


def unreadable_policy(repository: Repository, _: Path) -> dict[str, str]:
    return policy(repository, "[rules.locked", "[rules.loked")


def lost_policy(repository: Repository, _: Path) -> dict[str, str]:
    oid = repository.oid("main:SPEC_AUTHORITY.md")
    os.unlink(repository.git_dir / "objects" / oid[:2] / oid[2:])
    return {}


BROKEN: dict[str, Callable[[Repository, Path], dict[str, str]]] = {
    "no authority": without_authority,
    "unreadable policy": unreadable_policy,
    "lost policy": lost_policy,
    "no git": lambda _, folder: {"PATH": str(folder)},
    "no temporary folder": lambda _, folder: {"TMPDIR": str(folder / "missing")},
    "missing plugin": lambda repository, _: policy(
        repository, 'base = "main"', 'base = "main"\nplugins = ["gone"]'
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_guard_refuses_every_edit_and_says_so_at_the_end_of_a_turn(
    broken: str, project: Repository, tmp_path: Path
) -> None:
    environment = BROKEN[broken](project, tmp_path)
    event = write("src/a.py", project.path)
    other = {"hook_event_name": "BeforeTool", "tool_name": "write_file"}
    for agent, more in (("claude", {}), ("gemini", other)):
        asked = ask(agent, event | more, project.path, environment=environment)
        assert asked.kind == "refuse", asked
        assert "To repair the guard: `" in asked.refusal
    repair = asked.refusal.partition("To repair the guard: `")[2].partition("`")[0]
    assert bash(project, repair, environment=environment).kind != "refuse"
    assert bash(project, f"{repair}; echo x > src/a.py", environment=environment).kind == "refuse"

    session = Session(project, environment=environment)
    first = session.stop()
    if first.kind == "pass":
        # What is broken for edits need not be for the working tree.
        assert broken in ("no authority", "lost policy")
        return
    assert first.refusal.startswith("specguard cannot judge this: ")
    assert session.stop(again=True).kind == "tell", "it is said once"


def test_an_edit_that_cannot_be_compared_is_refused(project: Repository, tmp_path: Path) -> None:
    (project.git_dir / "HEAD").write_text("0" * 40 + "\n")
    asked = edit(project, "src/a.py")
    assert "could not be judged" in asked.refusal
    assert "next: restore the objects from another clone" in asked.refusal
    other = guarded(tmp_path / "other")
    # The tree that the policy is read from is not there any more.
    tree = other.oid("work^{tree}")
    os.unlink(other.git_dir / "objects" / tree[:2] / tree[2:])
    assert edit(other, "src/a.py").kind == "refuse"


def test_outside_of_a_repository_edits_are_refused(tmp_path: Path) -> None:
    asked = ask("claude", write("a.py", tmp_path), tmp_path)
    assert asked.kind == "refuse"
    assert "no git repository" in asked.refusal


def test_a_folder_that_is_gone_is_no_way_through(project: Repository, tmp_path: Path) -> None:
    asked = ask("claude", write(f"{project.path}/docs/api/x.yaml", tmp_path / "gone"), project.path)
    assert "PTH001" in asked.refusal


def test_a_git_that_never_answers_is_refused_in_time(
    project: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = program(tmp_path / "bin/git", "exec sleep 60").parent
    path = f"{programs}:{os.path.dirname(shutil.which('sleep') or '/bin/sleep')}"
    assert TIME_LIMITS["edit"] <= 20
    monkeypatch.setitem(TIME_LIMITS, "edit", 1)
    asked = edit(project, "src/a.py", environment={"PATH": path})
    assert asked.kind == "refuse"
    assert "seconds" in asked.refusal


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_may_be_done_all_the_same(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)
