"""Like findings are told as one, with one next step that works as it is typed."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specguard.change.check_request import Request
from specguard.engine.check import check
from specguard.model import Verdict
from specguard.reporters.text import Fold, fold
from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.integrations.hooks.asking import guarded
from tests.reporters.verdicts import judged
from tests.rows import rows

POLICY = '# Authority\n\n```toml specguard\nbase = "main"\n[rules.locked-path]\npaths = ["docs/"]\n```\n'


def many(path: Path) -> Repository:
    repository = guarded(path, policy=POLICY)
    repository.checkout("main")
    files = {f"docs/{number // 6}/{number}.md": f"{number}\n" for number in range(30)}
    files |= {"docs/ü 1.md": "ü\n", "docs/it's.md": "'\n"}
    repository.commit("docs: more", files={**files, "docs/api/own.txt": "a person's\n"})
    repository.checkout("work")
    repository.git("merge", "-q", "--ff-only", "main")
    return repository


def verdict_of(repository: Repository, kind: str = "worktree") -> Verdict:
    """The verdict on what is committed (`range`), staged or in the working tree."""
    more: dict[str, Any] = {} if kind == "range" else {kind: True}
    request = Request(environment=clean_environment(), directory=str(repository.path), **more)
    return check(request)[0]


def folds(repository: Repository, kind: str = "worktree") -> list[Fold]:
    verdict = verdict_of(repository, kind)
    [result] = [one for one in verdict.results if one.code == "PTH002"]
    return fold(result.findings, verdict)


def typed(repository: Repository, step: str) -> None:
    """Type the one command of a next step."""
    [command] = re.findall(r"`([^`]+)`", step)
    subprocess.run(["bash", "-c", command], cwd=repository.path, check=True, capture_output=True)


def delete(repository: Repository) -> None:
    shutil.rmtree(repository.path / "docs")


def move(repository: Repository) -> None:
    (repository.path / "docs").rename(repository.path / "manual")


def add(repository: Repository) -> None:
    for number in range(31):
        repository.write(f"docs/api/gen/{number}.md", f"new {number}\n")


def change(repository: Repository) -> None:
    for number in range(30):
        repository.write(f"docs/{number // 6}/{number}.md", "other\n")


@pytest.mark.parametrize("kind", ["worktree", "staged"])
@pytest.mark.parametrize("do", [delete, move, add, change])
def test_one_cause_is_one_text_and_one_step(
    do: Callable[[Repository], None], kind: str, tmp_path: Path
) -> None:
    repository = many(tmp_path / "repository")
    do(repository)
    repository.write("other/mine.txt", "mine\n")
    if kind == "staged":
        repository.stage()
    [one] = folds(repository, kind)
    assert one.count >= 30
    assert one.others.endswith(" more")
    assert len(f"{one.others} {one.help}".split()) < 60
    typed(repository, one.help)
    assert not folds(repository, kind)
    assert (repository.path / "other/mine.txt").exists()
    assert (repository.path / "docs/api/own.txt").exists()


@pytest.mark.parametrize("do", [delete, move, add, change])
def test_what_is_not_committed_stays_so_beside_one_step_for_many(
    do: Callable[[Repository], None], tmp_path: Path
) -> None:
    repository = many(tmp_path / "repository")
    do(repository)
    repository.commit("feat: alter them", files={"other/mine.txt": "mine\n"})
    for path in ("other/mine.txt", "new.txt"):
        repository.write(path, "staged\n")
        repository.git("add", path)
        repository.write(path, "not staged\n")
    [one] = folds(repository, "range")
    assert one.count >= 30
    before = repository.git("diff", "--cached"), repository.git("diff")
    typed(repository, one.help)
    assert (repository.git("diff", "--cached"), repository.git("diff")) == before
    assert repository.git("diff", "--name-only", "main", "HEAD").split() == ["other/mine.txt"]
    assert not folds(repository, "range")
    assert (repository.path / "docs/api/own.txt").exists()


def test_what_an_earlier_commit_has_moved_is_put_back_in_one_step(tmp_path: Path) -> None:
    repository = many(tmp_path / "repository")
    (repository.path / "docs/0").rename(repository.path / "manual")
    repository.commit("feat: move them")
    repository.commit("feat: later", files={"later.txt": "x\n"})
    [one] = folds(repository, "range")
    assert one.count == 6
    typed(repository, one.help)
    assert not folds(repository, "range")
    assert repository.git("diff", "--name-only", "main", "HEAD") == "later.txt"


def test_a_step_leaves_alone_what_is_no_finding(tmp_path: Path) -> None:
    repository = many(tmp_path / "repository")
    change(repository)
    shutil.rmtree(repository.path / "docs/1")
    found = folds(repository)
    assert [one.count for one in found] == [24, 6]
    assert "-- docs/1/10.md docs/1/11.md docs/1/6.md " in found[1].help
    assert "-- docs/0 docs/2 docs/3 docs/4`" in found[0].help


def test_what_others_have_changed_in_the_folder_is_left_out_by_name(tmp_path: Path) -> None:
    repository = many(tmp_path / "repository")
    repository.checkout("main")
    delete(repository)
    repository.write("docs/3/20.md", "mine\n")
    repository.write("docs/mine/1.md", "mine\n")
    [one] = [one for one in folds(repository) if one.count > 1]
    assert "-- docs ':!docs/3/20.md' ':!docs/mine'`" in one.help
    typed(repository, one.help)
    assert (repository.path / "docs/3/20.md").read_text() == "mine\n"
    assert [one.count for one in folds(repository)] == [1, 1]


def test_few_are_named_one_by_one_and_a_move_within_what_is_guarded_is_told_once(tmp_path: Path) -> None:
    repository = many(tmp_path / "repository")
    for name in ("docs/0/1.md", "docs/3/20.md"):
        repository.write(name, "other\n")
    [one] = folds(repository)
    assert one.others == "; likewise docs/3/20.md"
    assert one.help.startswith("Put them back with `git checkout ")
    assert "-- docs/0/1.md docs/3/20.md`" in one.help
    typed(repository, one.help)
    repository.git("mv", "docs/0/1.md", "docs/one.md")
    assert len(verdict_of(repository).findings) == 2, "each path keeps its finding"
    [one] = folds(repository)
    assert "moved to docs/one.md" in one.first.finding.message


TWO = "`mkdir -p -- docs && git mv -- src/{0} docs/{0}`"


@pytest.mark.parametrize(("step", "count", "joined"), rows(__file__, "steps"))
def test_what_follows_the_paths_stays(step: str, count: int, joined: str) -> None:
    paths = [f"docs/{number}" for number in range(count)]
    names = [path[5:] if step == TWO else path for path in paths]
    found = [
        judged(
            f"{path} was changed", help=f"Undo it with {step.format(name, '')}.", path=path.encode(),
            moved=f"src/{name}".encode() if step == TWO else None,
        )
        for path, name in zip(paths, names, strict=True)
    ]  # fmt: skip
    touched = [path.encode() for path in paths]
    [one] = fold(found, Verdict(change={"source": "range"}, authority={}, results=[], touched=touched))
    assert one.help.removesuffix(".").partition(" with ")[2] == joined
