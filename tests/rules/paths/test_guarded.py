"""The command that puts a guarded path back does that, whatever the path's name."""

import re
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from specguard.change.entries import Entry
from specguard.change.lines import Hunk
from specguard.change.tree import Tree
from specguard.testing import Repository, run_here
from specguard_rules.paths.guarded import _PIN, _losses, _resolve
from tests.changes import git_of
from tests.taking import grows_with_length

POLICY = "rules.locked-path.paths = ['kept/', '/:(top)kept']\n"
NAMES = [b"a", b"a b", b"[a]*?", b"it's", b"\\a\n", b"\xff"]


@pytest.mark.parametrize("path", [*(b"kept/" + name for name in NAMES), b":(top)kept"])
@pytest.mark.parametrize("done", ["added", "modified", "deleted"])
def test_the_command_that_puts_it_back_does_that(repository: Repository, path: bytes, done: str) -> None:
    repository.write("SPEC_AUTHORITY.md", f"# Authority\n\n```toml specguard\n{POLICY}```\n")
    # A pattern of git's would take these too.
    repository.write("kept/aa", "a\n")
    if done != "added":
        repository.write(path, "a\n")
    repository.commit("chore: base")
    repository.branch("work")
    if done == "deleted":
        repository.delete(path)
    else:
        repository.write(path, "b\n")
    repository.stage()
    words = ("check", "--staged", "--select=PTH002", "--output-format=json")
    [found] = run_here(*words, directory=repository.path).report["findings"]
    step, command, rest = found["help"].split("`")
    assert step == ("Take it out with " if done == "added" else "Put it back with ")
    assert "commit" not in rest
    subprocess.run(["bash", "-c", command], cwd=repository.path, check=True, capture_output=True)
    outcome = run_here(*words, directory=repository.path)
    assert (outcome.exit_code, outcome.report["findings"]) == (0, [])


def test_a_link_is_followed_in_the_time_of_its_length(repository: Repository) -> None:
    with git_of(repository) as git:
        assert grows_with_length(lambda count: lambda: _resolve(b"a", b"x/" * count, Tree(git, None)), 1500)


def test_a_comment_behind_a_version_is_read_in_the_time_of_its_length() -> None:
    def read(count: int) -> None:
        assert not re.fullmatch(_PIN, b"\n".join([b"rev: 1 #" + b" " * count] * 2) + b"\xff")

    assert grows_with_length(lambda count: lambda: read(count), 50)


def test_a_line_that_git_shows_as_removed_and_added_in_its_place_is_kept(repository: Repository) -> None:
    repository.commit("test: base", files={"x": "a\nb\nc\n"})
    entry = Entry(b"x", "M", 0o100644, 0o100644, repository.oid("HEAD:x"), "")
    hunks = [Hunk(1, [b"a", b"b"], 1, [b"a", b"b", b"x"]), Hunk(1, [b"a", b"b"], 1, [b"a", b"x", b"b"])]
    with git_of(repository) as git:
        base: Any = SimpleNamespace(change=SimpleNamespace(git=git))
        assert [one.message for one in _losses(entry, hunks, "", base)] == ["x loses line 2: b"]
