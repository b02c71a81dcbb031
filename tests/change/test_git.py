"""Objects, histories and comparisons through the private directory, and what is left of it."""

import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from specguard.change import entries
from specguard.change.git import Git, History, measure
from specguard.errors import MissingFact, SpecguardError
from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.changes import git_of, locate, loose


@pytest.fixture
def repo(repository: Repository) -> Repository:
    repository.commit("one", files={"a": "a\n", "dir/b": "b\n"})
    return repository


# The directory


def test_the_private_directory_is_removed_and_the_repository_s_store_not_written_to(
    repo: Repository, tmp_path: Path
) -> None:
    before = sorted(os.walk(repo.path / ".git"))
    with git_of(repo, TMPDIR=str(tmp_path)) as git:
        assert os.path.dirname(git.folder) == str(tmp_path)
        assert sorted(os.listdir(git.folder)) == [".gitignore", "HEAD", "config", "refs"]
        assert os.stat(git.folder).st_mode & 0o777 == 0o700
        assert git.use_scratch() == git.use_scratch()
        oid = git.read(git.start("hash-object", "-w", "--stdin", stdin=b"new"), "x").decode().strip()
        assert git.object(oid) == ("blob", b"new")
        assert git.object(repo.oid("HEAD:a")) == ("blob", b"a\n")
    assert not os.path.exists(git.folder)
    git.close()
    assert sorted(os.walk(repo.path / ".git")) == before
    with pytest.raises(SpecguardError, match="no temporary folder"):
        Git(locate(repo.path, TMPDIR=f"{repo.path}/a"))


@pytest.mark.parametrize("number", [signal.SIGINT, None])
def test_an_interrupted_or_forgetful_caller_leaves_nothing_behind(
    repo: Repository, tmp_path: Path, number: int | None
) -> None:
    script = (
        "import contextlib, os, resource, sys, time\n"
        "from specguard.change.git import Git\nfrom specguard.change.repository import Repository\n"
        # At first no file can be written, as where the temporary folder is full.
        "for size in (0, -1):\n    resource.setrlimit(resource.RLIMIT_FSIZE, (size, -1))\n"
        "    with contextlib.suppress(Exception): git = Git(Repository.locate(sys.argv[1], os.environ))\n"
        "talking = git.start('cat-file', '--batch', keep_input=True)\n"
        "print(talking.pid, flush=True)\n" + ("time.sleep(60)\n" if number else "")
    )
    folder = tmp_path / "tmp"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(repo.path)],
        env={**clean_environment(), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # A shell's background job, such as these tests may be, ignores interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.stdout.close()
    if number:
        process.send_signal(number)
    process.wait(timeout=30)
    assert os.listdir(folder) == []
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{child}") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not os.path.exists(f"/proc/{child}")


# Objects


def test_objects_are_read_with_their_kind_and_above_the_limit_not_at_all(
    repo: Repository, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [git.object(repo.oid(name))[0] for name in ("HEAD", "HEAD:dir")] == ["commit", "tree"]
    big = repo.blob(b"x" * 5_000_000)
    with pytest.raises(MissingFact, match="5000000 bytes"):
        git.object(big, limit=1000)
    assert git.object(repo.oid("HEAD:a")) == ("blob", b"a\n")
    assert len(git.object(big)[1]) == 5_000_000
    # Much was hashed: from now on the faster hashes are taken.
    monkeypatch.setattr(entries, "sha1", None)
    assert git.object(repo.oid("HEAD:a")) == ("blob", b"a\n")


def test_many_objects_come_in_the_order_asked_for(repo: Repository, git: Git) -> None:
    big = repo.blob(b"x" * 3_000_000)
    mixed = [big, repo.oid("HEAD:a")] * 10
    assert [content for _, content in git.blobs(mixed, limit=1000)] == [None, b"a\n"] * 10
    assert {len(content) for _, _, content in git.objects(mixed)} == {3_000_000, 2}
    for count in (1, 500):
        oids = [repo.oid("HEAD:a"), repo.oid("HEAD:dir/b"), repo.oid("HEAD:a")] * count
        assert [content for _, _, content in git.objects(oids)] == [b"a\n", b"b\n", b"a\n"] * count
        assert (git.sizes(oids), git.sizes([])) == ({oids[0]: 2, oids[1]: 2}, {})


@pytest.mark.parametrize("count", [1, 20])
def test_a_missing_a_forged_and_a_broken_object_are_missing_facts(
    repo: Repository, git: Git, count: int
) -> None:
    oids = ["1" * 40] * count
    for read in (lambda: list(git.objects(oids)), lambda: git.sizes(oids), lambda: git.object(oids[0])):
        with pytest.raises(MissingFact, match="not in the object store") as caught:
            read()
        assert caught.value.command == "restore the objects from another clone"
    for name, made in (("HEAD:a", zlib.compress(b"blob 5\0evil\n")), ("HEAD:dir/b", b"rubbish")):
        loose(repo, name).write_bytes(made)
        with pytest.raises(MissingFact, match=r"forged or broken|not in the object store"):
            list(git.objects([repo.oid(name)] * count))
    assert git.object(git.empty_tree) == ("tree", b"")


def test_a_commit_is_found_behind_tags_and_nothing_else_is_one(repo: Repository, git: Git) -> None:
    repo.tag("v1", message="one")
    repo.tag("v2", "v1", message="two")
    assert git.commit(repo.oid("refs/tags/v2")).oid == repo.oid()
    with pytest.raises(SpecguardError, match="is a blob and no commit"):
        git.commit(repo.oid("HEAD:a"))
    with pytest.raises(MissingFact):
        git.commits([repo.oid("HEAD:a")])


# Histories


def test_each_of_many_commits_has_its_own_entries(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specguard.change.git.PER_PROCESS", 2)
    oids = [repo.commit(files={f"f{number}": "f\n"}) for number in range(13)]
    # More processes than work ahead, fewer, and a last one with all or with one of its commits.
    for many in (13, 12, 3, 2, 1):
        with git_of(repo) as git:
            found = [[entry.path for entry in one.own_entries] for one in git.commits(oids[:many])]
        assert found == [[b"f%d" % number] for number in range(many)]


def test_revisions_put_every_parent_before_its_children(repo: Repository, git: Git) -> None:
    base = repo.oid()
    repo.branch("side")
    # Dates say nothing: the child is older than its parent.
    side = repo.commit("side", files={"s": "s"}, date=2_000_000_000)
    repo.checkout("main")
    main = repo.commit("main", files={"m": "m"}, date=1_000_000_000)
    merge = repo.merge("side")
    found = git.revisions(merge, base)
    assert sorted(found) == sorted([side, main, merge])
    assert (found[-1], git.revisions(merge, None)[0]) == (merge, base)
    assert git.revisions(base, merge) == git.revisions(base, base) == []


def test_merge_bases_are_all_there_and_none_for_unrelated_histories(repo: Repository, git: Git) -> None:
    base = repo.oid()
    repo.branch("one")
    one = repo.commit("one", files={"1": "1"})
    repo.branch("two", base)
    two = repo.commit("two", files={"2": "2"})
    assert git.merge_bases(one, two) == [base]
    assert git.merge_bases(one, one) == [one]
    repo.branch("cross", one)
    left = repo.merge("two")
    repo.branch("cross2", two)
    right = repo.merge("one")
    assert sorted(git.merge_bases(left, right)) == sorted([one, two])
    assert git.merge_bases(left, right)[0] == repo.git("merge-base", left, right)
    repo.orphan("un")
    assert git.merge_bases(repo.commit("un"), base) == []


def test_commits_come_with_what_they_change_against_each_parent(repo: Repository, git: Git) -> None:
    base = repo.oid()
    repo.branch("side")
    repo.commit("side", files={"s": "s"})
    repo.checkout("main")
    repo.commit("main", files={"m": "m"}, delete=["a"])
    repo.merge("side", files={"evil": "e"})
    empty = repo.commit("empty")
    commits = {commit.message.subject: commit for commit in git.commits(git.revisions(empty, None))}

    def shown(subject: str) -> list[list[str]]:
        return [[f"{e.status} {e.path.decode()}" for e in diff] for diff in commits[subject].diffs]

    assert shown("one") == [["A a", "A dir/b"]]
    assert shown("side") == [["A s"]]
    assert shown("main") == [["D a", "A m"]]
    assert shown("Merge branch") == [["A evil", "A s"], ["D a", "A evil", "A m"]]
    assert shown("empty") == [[]]
    assert [e.path for e in commits["Merge branch"].own_entries] == [b"evil"]
    assert commits["empty"].is_empty
    assert not commits["main"].is_empty
    assert git.commit(base).diffs == commits["one"].diffs
    assert git.commits([]) == []
    assert git.resolve(empty[:8]) == git.resolve(empty) == empty
    assert git.resolve(f"{empty}~3") == git.resolve(f"{empty}^^^") == base
    for nothing in (f"{empty}^2", "f" * 40, repo.oid("HEAD:dir/b")):
        assert git.resolve(nothing) is None


# Comparisons


def test_alterations_of_a_folder_are_found_in_a_history(repo: Repository, git: Git) -> None:
    """Each against the parent that had it; a merge that drops a side's file takes it away."""
    repo.commit("add", files={"log/a": "a", "log/b": "b", "logs": "x", "dir/c": "c"})
    edit = repo.commit("edit", files={"log/a": "A"})
    rename = repo.commit("rename", files={"log/B": "b"}, delete=["log/b", "logs"])
    repo.branch("side")
    repo.commit("add", files={"log/side": "s"})
    repo.checkout("main")
    repo.commit("add", files={"log/own": "o"})
    merge = repo.merge("side", delete=["log/side", "log/own"])
    repo.commit("add", files={"log/side": "s"})
    found = git.find_alterations(repo.oid(), b"log/")
    assert [(oid, [(entry.status, entry.path) for entry in entries]) for oid, entries in found] == [
        (merge, [("D", b"log/own")]),
        (merge, [("D", b"log/side")]),
        (rename, [("D", b"log/b")]),
        (edit, [("M", b"log/a")]),
    ]
    assert list(git.find_alterations(repo.oid(), b"dir")) == []
    assert list(git.find_alterations(repo.oid(), b"l*g/")) == []


def test_a_link_is_the_folder_s_end_and_a_shallow_clone_cannot_tell(
    repo: Repository, git: Git, tmp_path: Path
) -> None:
    repo.commit("add", files={"log/a": "a"})
    repo.delete("log")
    repo.symlink("log", "dir")
    gone = repo.commit("link")
    [(oid, [entry])] = git.find_alterations(gone, b"log/")
    assert (oid, entry.status, entry.path) == (gone, "D", b"log/a")
    clone = repo.clone(tmp_path / "shallow", depth=1)
    with git_of(clone) as other:
        with pytest.raises(MissingFact, match="the history cannot be read") as caught:
            list(other.find_alterations(clone.oid(), b"log/"))
        assert caught.value.command == "git fetch --unshallow origin"


def test_trees_are_compared_whatever_a_configuration_says(repo: Repository, git: Git) -> None:
    old = repo.oid()
    new = repo.commit("two", files={"a": "b\n", "c": "c\n"}, delete=["dir/b"])
    found = git.diff_trees(old, new)
    assert [(e.status, e.path) for e in found] == [("M", b"a"), ("A", b"c"), ("D", b"dir/b")]
    assert found[0].old == repo.oid(f"{old}:a")
    assert found[0].new == repo.oid(f"{new}:a")
    assert (found[1].old, found[1].old_mode, found[1].new_mode) == ("0" * 40, 0, 0o100644)
    assert git.diff_trees(old, old) == []
    with pytest.raises(MissingFact):
        git.diff_trees("1" * 40, new)


def test_the_index_is_compared_and_left_as_it_is(repo: Repository, git: Git) -> None:
    index = repo.path / ".git/index"
    repo.write("new", "n\n")
    repo.stage()
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    [entry] = git.index_diff(repo.oid())
    assert (entry.status, entry.path, entry.new) == ("A", b"new", repo.blob("n\n"))
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before
    # A split one is read whole, and a broken one is no empty change.
    repo.git("update-index", "--split-index")
    repo.write("other", "o\n")
    repo.git("add", "other")
    assert [e.path for e in git.index_diff(repo.oid())] == [b"new", b"other"]
    index.write_bytes(b"rubbish")
    with pytest.raises(MissingFact, match="entries cannot be read"):
        git.index_diff(repo.oid())
    denied = git.missing("the index", f"{index}: index file open failed: Permission denied")
    assert denied.command == f"chmod u+rw {index}"


def test_other_stores_are_read_in_the_same_way(repo: Repository, tmp_path: Path) -> None:
    longer = Repository(tmp_path / "r", object_format="sha256")
    old = longer.commit("one", files={"a": "a\n"})
    new = longer.commit("two", files={"a": "b\n"})
    with git_of(longer) as git:
        assert [e.path for e in git.diff_trees(old, new)] == [b"a"]
        assert [e.path for e in git.diff_trees(git.empty_tree, new)] == [b"a"]
        assert [c.diffs[0][0].status for c in git.commits([old, new])] == ["A", "M"]
        git.use_scratch()
        assert git.object(longer.oid("HEAD:a")) == ("blob", b"b\n")
    # Borrowed objects are found.
    other = Repository(tmp_path / "other")
    (other.path / ".git/objects/info/alternates").write_text(f"{repo.path}/.git/objects\n")
    with git_of(other) as git:
        assert git.object(repo.oid("HEAD:a")) == ("blob", b"a\n")
        git.use_scratch()
        assert git.object(repo.oid("HEAD:a")) == ("blob", b"a\n")
    # To fetch what was borrowed is not enough.
    (longer.path / ".git/objects/info/alternates").write_text("/gone\n")
    with git_of(longer) as git, pytest.raises(MissingFact) as caught:
        list(git.diff_trees(old, new))
    assert f"drop it from {longer.path}/.git/objects/info/alternates" in caught.value.command


# Trees that differ: every directory is read and compared with its id


@pytest.fixture
def differing(repo: Repository) -> Repository:
    """Trees of `old` and `main` that differ in what is in them, beside what is the same."""
    files = {"same/deep/x": "s\n", "other/deep/x": "x\n", "gone/deep/x": "g\n", "file/x": "f\n"}
    repo.commit("one", files=files)
    repo.ref("refs/heads/old")
    repo.delete("gone")
    repo.delete("file")
    repo.commit("two", files={"other/deep/x": "y\n", "new/deep/er/x": "n\n", "file": "now a file\n"})
    return repo


def verify(repo: Repository, *pair: str) -> None:
    with git_of(repo) as git:
        measure(git, [(pair[0], pair[1])], "the trees")


def test_honest_trees_are_what_they_say(differing: Repository) -> None:
    old, new = differing.oid("old^{tree}"), differing.oid("main^{tree}")
    for one, other in ((old, new), (new, old), (new, new), (new, "4b825dc642cb6eb9a060e54bf8d69288fbee4904")):
        verify(differing, one, other)


@pytest.mark.parametrize("how", ["other content", "missing"])
def test_each_differing_directory_is_compared_with_its_id(differing: Repository, how: str) -> None:
    pair = differing.oid("old^{tree}"), differing.oid("main^{tree}")
    other = loose(differing, "main:same/deep").read_bytes()
    for tree in (
        "main^{tree}", "main:other", "main:other/deep", "main:new", "main:new/deep/er", "old:gone/deep",
        "old:file", "old:other/deep",
    ):  # fmt: skip
        path = loose(differing, tree)
        before = path.read_bytes()
        path.unlink()
        if how != "missing":
            path.write_bytes(other)
        with pytest.raises(MissingFact):
            verify(differing, *pair)
        path.unlink(missing_ok=True)
        path.write_bytes(before)
    verify(differing, *pair)


# Words in the base's history


@pytest.fixture
def past(repo: Repository) -> Iterator[Git]:
    """Git on a history whose commits name phases."""
    repo.commit("feat(phase1): implement phase 1")
    repo.commit("chore: x\n\nMentions Phase 2 in its body.\n")
    repo.commit(b"feat: \xff phase 1\n")
    repo.commit("feat: other\n\nfeat.phase1")
    with git_of(repo) as git:
        yield git


def mentioning(git: Git, *words: str) -> list[str]:
    tip = git.repository.head
    return [past.message for past in History(git, tip).mentioning(words)]


def test_any_of_the_words_is_found_newest_first_whatever_its_case(past: Git) -> None:
    assert mentioning(past, "PHASE 1") == ["feat: \u00ff phase 1", "feat(phase1): implement phase 1"]
    assert mentioning(past, "phase 2", "phase1") == [
        "feat: other\n\nfeat.phase1",
        "chore: x\n\nMentions Phase 2 in its body.",
        "feat(phase1): implement phase 1",
    ]


def test_words_are_plain_text(past: Git) -> None:
    assert mentioning(past, "feat.phase1") == ["feat: other\n\nfeat.phase1"]
    assert mentioning(past, "(phase1)") == ["feat(phase1): implement phase 1"]
    for word in ("^feat", ".*", "--output=x", "-x", "\\", "["):
        assert mentioning(past, word) == []


def test_no_word_and_no_base_find_nothing_and_a_reader_may_stop_early(past: Git) -> None:
    assert mentioning(past) == mentioning(past, "") == []
    assert list(History(past, None).mentioning(["phase"])) == []
    assert next(iter(History(past, past.repository.head).mentioning(["phase"]))).subject == "feat: other"


def test_a_history_that_is_not_all_there_is_a_missing_fact(
    past: Git, repo: Repository, tmp_path: Path
) -> None:
    shallow = repo.clone(tmp_path / "shallow", depth=2)
    with git_of(shallow) as other:
        with pytest.raises(MissingFact) as caught:
            mentioning(other, "phase")
        assert caught.value.command == "git fetch --unshallow origin"
