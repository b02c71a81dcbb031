"""Trees that share their directories: few objects with more paths than any machine can list."""

import hashlib
import resource
import zlib
from collections.abc import Sequence
from unittest.mock import Mock

import pytest

from specguard.change import git as walk
from specguard.change import process
from specguard.errors import MissingFact
from specguard.testing import Repository
from tests.changes import git_of
from tests.taking import noted_processes
from tests.threats.cases import threat
from tests.threats.guarded import authority, check, guarded, passes, undecided

COVERED = '[rules.forbidden-content]\nforbid = [{pattern = "EVIL"}]\n'
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
LIMITS = {
    "shared": "'max_entries' of the base's policy",
    "empty": "'max_entries' of the base's policy",
    "long names": "'max_entries' of the base's policy",
    "deep": "the limit of depth",
}


def tree(repo: Repository, entries: Sequence[tuple[str, str, str]]) -> str:
    """Write a tree object; each entry is `blob` or `tree`, an object id and a name."""
    modes = {"blob": "100644", "tree": "40000"}
    rows = [f"{modes[kind]} {name}\0".encode() + bytes.fromhex(oid) for kind, oid, name in entries]
    content = b"".join(rows)
    content = b"tree %d\0" % len(content) + content
    oid = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    file = repo.path / ".git" / "objects" / oid[:2] / oid[2:]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(zlib.compress(content))
    return oid


def shared(repo: Repository, oid: str, kind: str, levels: int, names: Sequence[str]) -> str:
    """Write a tree with several levels, in each of which all names are the same object."""
    for _ in range(levels):
        oid, kind = tree(repo, [(kind, oid, name) for name in names]), "tree"
    return oid


def bomb(repo: Repository, form: str) -> str:
    """Write a small tree that no machine can list."""
    blob = repo.blob("x\n")
    repo.git("hash-object", "-w", "--stdin", stdin=b"x\n")
    repo.git("mktree", stdin=b"")
    ten = [str(number) for number in range(10)]
    if form == "shared":
        return shared(repo, blob, "blob", 10, ten)
    if form == "empty":
        return shared(repo, EMPTY, "tree", 10, ten)
    if form == "long names":
        return shared(repo, shared(repo, blob, "blob", 14, "ab"), "tree", 900, ["n" * 250])
    return shared(repo, blob, "blob", 1500, "d")


def add_tree(repo: Repository, folder: str, *parents: str) -> str:
    """Commit a tree in a folder of the base's files, and move `HEAD` to the commit."""
    rows = repo.git("ls-tree", "-z", "main").encode()
    root = repo.git("mktree", "-z", stdin=rows + f"040000 tree {folder}\tbig\0".encode())
    words = [word for parent in parents or ("HEAD",) for word in ("-p", parent)]
    commit = repo.git("commit-tree", root, *words, "-m", "feat: more")
    repo.git("update-ref", "HEAD", commit)
    return commit


@pytest.fixture
def repo(repository: Repository) -> Repository:
    guarded(repository, COVERED)
    return repository


@threat("T49", "ten trees that share their directories: 10^10 paths", "exit 2")
@pytest.mark.parametrize(
    ("form", "how"),
    [
        *((form, []) for form in LIMITS),
        *((form, ["--all"]) for form in ("shared", "deep")),
        ("empty", ["--enforce", "--base=main"]),
        ("long names", ["--push"]),
    ],
    ids=str,
)
def test_no_change_is_too_large_to_be_refused(repo: Repository, form: str, how: list[str]) -> None:
    add_tree(repo, bomb(repo, form))
    stdin = ""
    if how == ["--push"]:
        stdin = f"refs/heads/work {repo.oid()} refs/heads/work {'0' * 40}\n"
    undecided(check(repo, *how, stdin=stdin), LIMITS[form])
    # The largest of all processes that were waited for, git's included, in KiB.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2 << 20


@threat("T49", "such trees in a commit of the change, and gone in the next", "exit 2")
@pytest.mark.parametrize("form", ["shared", "deep"])
def test_what_a_later_commit_takes_away_is_limited_too(repo: Repository, form: str) -> None:
    add_tree(repo, bomb(repo, form))
    root = repo.oid("main^{tree}")
    repo.git("update-ref", "HEAD", repo.git("commit-tree", root, "-p", "HEAD", "-m", "fix: less"))
    undecided(check(repo), LIMITS[form])


@threat("T49", "such trees in `HEAD`, judged from the index and the working tree", "exit 2")
@pytest.mark.parametrize(
    ("form", "how"),
    [("shared", "--staged"), ("deep", "--staged"), ("empty", "--worktree"), ("long names", "--patch")],
)
def test_what_head_has_is_limited_too(repo: Repository, form: str, how: str) -> None:
    add_tree(repo, bomb(repo, form))
    patch = repo.path.parent / "x.patch"
    patch.write_text("--- a/src/a\n+++ b/src/a\n@@ -1 +1 @@\n-a\n+b\n")
    undecided(check(repo, how, *([str(patch)] if how == "--patch" else [])), LIMITS[form])


@threat("T49", "such trees on both sides of a merge", "exit 2")
def test_a_merge_is_limited_too(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = noted_processes(monkeypatch)
    one = add_tree(repo, bomb(repo, "shared"))
    other = add_tree(repo, shared(repo, repo.oid("HEAD:src/a"), "blob", 10, "abcdefghij"), "main")
    add_tree(repo, bomb(repo, "empty"), one, other)
    undecided(check(repo), LIMITS["shared"])
    # Nobody limits a command that is started before its output is read.
    assert not any("ls-tree" in arguments for arguments in processes)


def test_the_policy_of_the_base_sets_how_many_there_may_be(repository: Repository) -> None:
    repository.commit("x", files={"SPEC_AUTHORITY.md": "```toml specguard\nmax_entries = 12\n```\n"})
    repository.branch("work")
    repository.commit("feat: a", files={f"a/{number}": "" for number in range(11)})
    passes(check(repository, "--all"))
    repository.commit("feat: b", files={"b/1": "", "b/2": ""})
    undecided(check(repository), "more than 12 entries, the limit, which 'max_entries'")


def test_a_comparison_that_takes_long_goes_on_where_it_is_within_the_limits(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tree(repo, shared(repo, repo.oid("HEAD:src/a"), "blob", 4, "abcdefghij"))
    monkeypatch.setattr(process, "WATCH_DELAY", 0.0)
    with git_of(repo) as git:
        assert len(git.diff_trees(repo.oid("main"), repo.oid())) == 10_000
        assert len(git.list_tree(repo.oid(), "it", "--name-only")) == 10_004
        assert len(git.commits([repo.oid()])[0].diffs[0]) == 10_000


@threat("T49", "a large directory in place of many small ones", "exit 2, in bounded memory and time")
def test_pairs_are_counted_as_they_are_read(repository: Repository) -> None:
    text = authority(COVERED).replace('"main"\n', '"main"\nmax_entries = 100_000\n', 1)
    guarded(repo := repository, files={"SPEC_AUTHORITY.md": text})
    blob = repo.oid("HEAD:src/a")
    small = tree(repo, [("blob", blob, "f")])
    large = tree(repo, [("tree", small, f"{number:06}") for number in range(100_000)])
    names = [f"{number:04}" for number in range(400)]
    ones = [tree(repo, [("blob", blob, name)]) for name in names]
    first = add_tree(repo, tree(repo, [("tree", one, name) for name, one in zip(names, ones, strict=True)]))
    add_tree(repo, tree(repo, [("tree", large, name) for name in names]), first)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    undecided(check(repo, "--enforce", "--base=main"), LIMITS["shared"])
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1 << 20
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 30


def test_a_tree_is_measured_once_for_all_rules(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Mock(wraps=walk.measure)
    monkeypatch.setattr(walk, "measure", measured)
    pair = "", bomb(repo, "shared")
    with git_of(repo) as git:
        for limit in (10, 10, 11):
            git.max_entries = limit
            with pytest.raises(MissingFact, match=f"more than {limit} "):
                git.measure([pair], "it")
    assert measured.call_count == 2


def test_directories_that_are_read_in_vain_are_limited_too(repo: Repository) -> None:
    blob = repo.oid("HEAD:src/a")
    many = [("blob", blob, f"{number:03}") for number in range(90)]
    pairs = [(tree(repo, [*many, ("blob", blob, f"a{one}")]), tree(repo, many)) for one in range(90)]
    with git_of(repo) as git:
        git.max_entries = 100
        git.measure(pairs[:30], "it")
        with pytest.raises(MissingFact, match="more than 6,400 entries in what is compared"):
            git.measure(pairs, "it")
