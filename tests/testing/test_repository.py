"""The repository builder: what it makes is what it says, and nothing of the machine is in it."""

from pathlib import Path

import pytest

from specguard.testing import GitError, Repository, Step
from tests.executor.places import program

ENTRIES = [
    "D 000000 gone", "M 100755 mode", "D 000000 moved", "A 160000 sub", "A 100644 to/here",
    "A 120000 typed", "D 000000 typed/x",
]  # fmt: skip


def raw(repository: Repository, revision: str = "HEAD") -> list[str]:
    """The entries of a commit against its first parent, each as `status mode path`."""
    out = repository.git("diff-tree", "--root", "-r", "-z", "--no-renames", "--no-commit-id", revision)
    fields = out.split("\0")
    return [
        f"{meta.split()[4]} {meta.split()[1]} {path}"
        for meta, path in zip(fields[::2], fields[1::2], strict=False)
    ]


def test_the_same_steps_make_the_same_commits_one_by_one_or_at_once(tmp_path: Path) -> None:
    one = Repository(tmp_path / "one")
    one.commit("base", files={"a": "1", "b/c": "2"})
    last = one.commit("change", files={"a": "3"}, delete=["b/c"])

    two = Repository(tmp_path / "two")
    made = two.add_commits(
        [Step("base", files={"a": "1", "b/c": "2"}), Step("change", files={"a": "3"}, delete=["b"])]
    )

    assert made["1"] == last
    assert one.git("log", "-1", "--format=%an %ae %at %s") == "Ann Example ann@example.org 1767225660 change"


def test_nothing_of_the_machine_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks run only where they are asked for."""
    (tmp_path / ".gitconfig").write_text("[commit]\n\tgpgSign = true\n[core]\n\thooksPath = /nonexistent\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Someone Else")
    repository = Repository(tmp_path / "r")
    assert repository.git_dir == tmp_path / "r" / ".git"
    program(repository.git_dir / "hooks" / "post-commit", "echo ran > ran")
    repository.commit("feat: a", files={"a": ""})
    assert repository.git("log", "--format=%an %cn %G?") == "Ann Example Ann Example N"
    assert not (tmp_path / "r" / "ran").exists()
    repository.git("commit", "-q", "--allow-empty", "-m", "x", hooks=True)
    assert (tmp_path / "r" / "ran").exists()


@pytest.mark.parametrize("at_once", [True, False])
def test_every_kind_of_entry(tmp_path: Path, at_once: bool) -> None:
    repository = Repository(tmp_path)
    base = {"moved": "m", "mode": "x", "gone": "g", "typed/x": "t"}
    if at_once:
        change = Step(
            b"change \xff",
            files={b'src/\xff\n "': b"\x00"},
            rename={"moved": "to/here"},
            executable=["mode"],
            delete=["gone", "typed"],
            symlinks={"typed": "to"},
            submodules={"sub": "2" * 40},
            author="Bo <bo@example.org>",
            encoding="latin1",
        )
        repository.add_commits([Step("base", files=base), change])
        stored = repository.process("cat-file", "commit", "HEAD").stdout
        assert b"author Bo <bo@example.org> 1767225660 +0000\n" in stored
        assert b"\nencoding latin1\n" in stored
        assert stored.endswith(b"\n\nchange \xff\n")
    else:
        repository.commit("base", files=base)
        repository.rename("moved", "to/here")
        repository.executable("mode")
        repository.delete("gone")
        repository.delete("typed")
        repository.symlink("typed", "to")
        repository.submodule("sub", "2" * 40)
        repository.write(b'src/\xff\n "', b"\x00")
        repository.commit("change")
        assert repository.git("status", "--short") == ""
    assert raw(repository) == [*ENTRIES[:3], 'A 100644 src/\udcff\n "', *ENTRIES[3:]]


def test_a_partial_clone_lacks_what_its_filter_leaves_out(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "own")
    repository.commit("base", files={"a": "1"})
    clone = repository.clone(tmp_path / "partial", bare=True, partial="blob:none")
    assert "\nin-pack: 2\n" in clone.git("count-objects", "-v")


def test_merging_by_git_and_an_evil_merge(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("base", files={"a": "1"})
    repository.branch("side")
    repository.commit("side", files={"a": "2"})
    repository.checkout("main")
    repository.commit("main", files={"a": "3"})
    with pytest.raises(GitError):
        repository.merge("side")
    repository.git("merge", "--abort")
    repository.merge("side", files={"a": "4", "evil": "x"})
    assert repository.git("rev-list", "--count", "--min-parents=2", "HEAD") == "1"
    assert repository.read("evil") == b"x"
