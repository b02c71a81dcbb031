"""Paths and trees that try not to be seen: what a change adds, modifies and deletes is told all the same."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from specguard.errors import MissingFact
from specguard.testing import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.change.sources import Change
    from tests.changes import Open


Row = tuple[str, bytes]


@pytest.fixture
def repo(repository: Repository) -> Repository:
    files: dict[str, str | bytes] = {"locked/p": "policy\n", "locked/q": "q\n", "src/a": "a\n"}
    repository.commit("chore: base", files=files)
    repository.publish(head=True)
    repository.branch("work")
    return repository


def rows(change: Change) -> list[Row]:
    return [(entry.status, entry.path) for entry in change.entries]


def put(repo: Repository, mode: str, path: bytes, content: str = "x\n") -> None:
    """Stage a path that a disk need not be able to hold."""
    oid = content if mode == "160000" else repo.blob(content)
    repo.git("update-index", "--add", "--cacheinfo", b"%s,%s,%s" % (mode.encode(), oid.encode(), path))


def both(repo: Repository, change: Open, expected: list[Row]) -> None:
    """What is staged and then committed is the same change."""
    staged = change(repo, staged=True)
    assert rows(staged) == sorted(expected, key=lambda row: row[1])
    fingerprint = staged.fingerprint()
    repo.commit("feat: x", stage=False)
    assert rows(change(repo)) == sorted(expected, key=lambda row: row[1])
    assert change(repo).fingerprint() == fingerprint


def test_t01_a_rename_is_a_deletion_and_an_addition(repo: Repository, change: Open) -> None:
    repo.git("config", "diff.renames", "copies")
    repo.git("mv", "locked/p", "src/p")
    both(repo, change, [("D", b"locked/p"), ("A", b"src/p")])


def test_t03_a_copy_is_an_addition(repo: Repository, change: Open) -> None:
    repo.write("src/p", "policy\n")
    repo.stage()
    both(repo, change, [("A", b"src/p")])


@pytest.mark.parametrize(
    "path",
    [
        b"Locked/policy.md",
        "docs/cafe\u0301.md".encode(),
        "l\u043ecked/p".encode(),
        "\uff4cocked\uff0f..".encode(),
        b"locked./policy.md ",
        b"locked/p::$DATA",
        b"LOCKED~1",
        b"CON",
        b"src/a\nlocked.md",
        b"src/\ta",
        b"src/e\x1b[31m\x07.md",
        b"src/\xff.md",
        b":100644 100644 x",
        b"-rf",
        b":(exclude)locked",
        b'"quoted"',
        b"\\",
        b"*",
        b" ",
    ],
)
def test_t04_to_t13_a_name_is_its_bytes_and_hides_no_other(
    repo: Repository, change: Open, path: bytes
) -> None:
    put(repo, "100644", path)
    repo.write("locked/q", "EVIL\n")
    repo.git("add", "locked/q")
    both(repo, change, [("A", path), ("M", b"locked/q")])
    assert change(repo).head_files.read(path) == b"x\n"


def test_t15_a_folder_replaced_by_a_link_is_seen_whole(repo: Repository, change: Open) -> None:
    repo.delete("locked")
    repo.symlink("locked", "src")
    repo.stage()
    both(repo, change, [("A", b"locked"), ("D", b"locked/p"), ("D", b"locked/q")])
    assert change(repo).entries[0].new_mode == 0o120000
    assert change(repo).head_files.find(b"locked/a") is None


def test_t16_and_t17_the_text_of_a_link_is_its_content(repo: Repository, change: Open) -> None:
    for name, target in (("src/d", "../locked"), ("src/x", "/etc/passwd"), ("src/y", "../../../o")):
        repo.symlink(name, target)
    repo.stage()
    both(repo, change, [("A", b"src/d"), ("A", b"src/x"), ("A", b"src/y")])
    assert change(repo).head_files.read(b"src/x") == b"/etc/passwd"


@pytest.mark.parametrize("file_mode", ["true", "false"])
def test_t20_a_mode_alone_is_a_modification(repo: Repository, change: Open, file_mode: str) -> None:
    repo.git("config", "core.fileMode", file_mode)
    repo.git("update-index", "--chmod=+x", "locked/p")
    both(repo, change, [("M", b"locked/p")])
    [entry] = change(repo).entries
    assert (entry.old_mode, entry.new_mode) == (0o100644, 0o100755)
    assert entry.old == entry.new


def test_t21_a_deletion_is_an_entry(repo: Repository, change: Open) -> None:
    repo.git("rm", "-q", "locked/p")
    both(repo, change, [("D", b"locked/p")])
    [entry] = change(repo).entries
    assert (entry.new_mode, entry.new) == (0, "0" * 40)


def test_t22_a_submodule_without_its_folder_is_an_entry(repo: Repository, change: Open) -> None:
    put(repo, "160000", b"locked/sub", "1" * 40)
    both(repo, change, [("A", b"locked/sub")])
    [entry] = change(repo).entries
    assert (entry.is_submodule, entry.new) == (True, "1" * 40)


@pytest.mark.parametrize("where", ["configuration", "tree", "diff.ignoreSubmodules"])
def test_t23_a_submodule_s_move_is_not_hidden(repo: Repository, change: Open, where: str) -> None:
    put(repo, "160000", b"locked/sub", "1" * 40)
    repo.write(".gitmodules", '[submodule "s"]\n\tpath = locked/sub\n\turl = x\n\tignore = all\n')
    repo.git("add", ".gitmodules")
    repo.commit("chore: sub", stage=False)
    repo.ref("refs/remotes/origin/main")
    if where == "configuration":
        repo.git("config", "submodule.s.ignore", "all")
    elif where == "diff.ignoreSubmodules":
        repo.git("config", "diff.ignoreSubmodules", "all")
    put(repo, "160000", b"locked/sub", "2" * 40)
    both(repo, change, [("M", b"locked/sub")])


def test_t25_attributes_hide_no_path_and_no_content(repo: Repository, change: Open) -> None:
    repo.write(".gitattributes", "locked/** -diff binary export-ignore\n* merge=ours\n")
    repo.write("locked/p", "EVIL\n")
    repo.stage()
    both(repo, change, [("A", b".gitattributes"), ("M", b"locked/p")])
    assert change(repo).head_files.read(b"locked/p") == b"EVIL\n"


def test_t26_what_a_filter_made_is_judged_as_it_is_stored(repo: Repository, change: Open) -> None:
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text("* filter=lie\n")
    repo.git("config", "filter.lie.clean", "sed s/EVIL/ok/")
    repo.write("locked/p", "EVIL\n")
    repo.git("add", "locked/p")
    staged = change(repo, staged=True)
    assert rows(staged) == [("M", b"locked/p")]
    assert staged.head_files.read(b"locked/p") == b"ok\n"
    assert change(repo, worktree=True).head_files.read(b"locked/p") == b"EVIL\n"


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_t27_a_flag_of_the_index_hides_nothing_of_the_working_tree(
    repo: Repository, change: Open, flag: str
) -> None:
    repo.git("update-index", flag, "locked/p")
    repo.write("locked/p", "EVIL\n")
    assert rows(change(repo, worktree=True)) == [("M", b"locked/p")]


def test_t28_what_is_to_be_added_later_is_no_part_of_the_commit(repo: Repository, change: Open) -> None:
    repo.write("src/new", "EVIL\n")
    repo.git("add", "--intent-to-add", "src/new")
    repo.write("src/a", "b\n")
    repo.git("add", "src/a")
    both(repo, change, [("M", b"src/a")])
    assert rows(change(repo, worktree=True)) == [("A", b"src/new")]


def test_t29_a_private_list_of_ignored_files_hides_nothing(repo: Repository, change: Open) -> None:
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/exclude").write_text("*.sh\n")
    repo.write("src/e.sh", "x")
    assert rows(change(repo, worktree=True)) == [("A", b"src/e.sh")]


def test_t31_an_unmerged_path_is_a_missing_fact_that_names_it(repo: Repository, change: Open) -> None:
    oid = repo.blob("other\n")
    stages = b"0 %s\tlocked/p\0" % (b"0" * 40)
    stages += b"".join(b"100644 %s %d\tlocked/p\0" % (oid.encode(), stage) for stage in (1, 2, 3))
    repo.git("update-index", "-z", "--index-info", stdin=stages)
    found = change(repo, staged=True)
    for fact in ("entries", "head_files"):
        with pytest.raises(MissingFact, match="locked/p is not merged") as caught:
            getattr(found, fact)
        assert caught.value.command
    assert not found.empty
    assert found.summary()["entries"] is None


def tree(repo: Repository, *entries: bytes) -> str:
    """A commit of a tree object with exactly these entries, as `mktree` writes them."""
    oid = repo.git("mktree", "--missing", stdin=b"".join(entry + b"\n" for entry in entries))
    return repo.git("commit-tree", "-p", repo.oid("main"), "-m", "feat: crafted", oid)


def raw_tree(repo: Repository, *entries: tuple[bytes, bytes, str]) -> str:
    """The same with a tree object byte for byte."""
    data = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
    oid = repo.git("hash-object", "-w", "--literally", "-t", "tree", "--stdin", stdin=data)
    return repo.git("commit-tree", "-p", repo.oid("main"), "-m", "feat: crafted", oid)


@pytest.mark.parametrize("name", [b"..", b".git", b".", b".GIT", b"a b"])
def test_t32_names_that_git_takes_for_its_own_are_entries(
    repo: Repository, change: Open, name: bytes
) -> None:
    oid = repo.blob("x\n")
    head = tree(repo, b"100644 blob %s\t%s" % (oid.encode(), name))
    found = change(repo, head=head)
    assert ("A", name) in rows(found)
    assert ("D", b"locked/p") in rows(found)
    assert name in found.head_files.names(b"")
    assert name in found.head_files.paths()


def test_t32_a_tree_that_git_cannot_read_is_a_missing_fact(repo: Repository, change: Open) -> None:
    one = repo.blob("one\n")
    for broken in ((b"100644", b"", one), (b"40000", b"locked", one)):
        head = raw_tree(repo, broken, (b"100644", b"z", one))
        with pytest.raises(MissingFact):
            _ = change(repo, head=head).entries
        with pytest.raises(MissingFact):
            _ = change(repo, head=head).commits[0].diffs


def test_t32_a_name_that_is_there_twice_hides_no_other(repo: Repository, change: Open) -> None:
    one, other = repo.blob("one\n"), repo.blob("other\n")
    head = raw_tree(repo, (b"100644", b"a", one), (b"100644", b"a", other))
    found = change(repo, head=head)
    assert rows(found).count(("A", b"a")) == 2
    assert ("D", b"locked/p") in rows(found)
    # As git looks a name up.
    assert found.head_files.read(b"a") == b"one\n"


def test_t32_an_unsorted_tree_hides_nothing(repo: Repository, change: Open) -> None:
    one = repo.blob("one\n")
    head = raw_tree(repo, (b"100644", b"z", one), (b"100644", b"b", one), (b"100644", b"a", one))
    found = rows(change(repo, head=head))
    assert {("A", b"a"), ("A", b"b"), ("A", b"z"), ("D", b"locked/p")} <= set(found)


@pytest.mark.parametrize(
    ("mode", "read"),
    [(b"100666", 0o100644), (b"100777", 0o100755), (b"120777", 0o120000), (b"100600", 0o100644)],
)
def test_t33_odd_modes_are_read_as_git_reads_them(
    repo: Repository, change: Open, mode: bytes, read: int
) -> None:
    head = raw_tree(repo, (mode, b"odd", repo.blob("x\n")))
    found = change(repo, head=head)
    [entry] = [entry for entry in found.entries if entry.path == b"odd"]
    item = found.head_files.find(b"odd")
    assert item is not None
    assert entry.new_mode == item.mode == read


# Everything at once


def hostile(repo: Repository, ran: Path) -> None:
    """Configuration, attributes and files that would have git run something or leave something out."""
    for key in (
        "core.fsmonitor", "core.hooksPath", "core.pager", "core.sshCommand", "core.editor", "gpg.program",
        "diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge",
    ):  # fmt: skip
        repo.git("config", key, f"touch {ran}; false #")
    for key, value in (
        ("diff.renames", "copies"), ("diff.noprefix", "true"), ("diff.relative", "true"),
        ("core.abbrev", "4"), ("diff.ignoreSubmodules", "all"), ("diff.orderFile", "order"),
        ("diff.dirstat", "bogus"), ("log.showSignature", "true"), ("log.mailmap", "true"),
        ("color.ui", "always"),
        ("core.quotePath", "false"), ("core.useReplaceRefs", "true"), ("core.bigFileThreshold", "1"),
        ("core.fileMode", "false"), ("i18n.logOutputEncoding", "UTF-16"), ("core.attributesFile", "evil"),
        ("core.logAllRefUpdates", "true"), ("core.commitGraph", "true"), ("alias.diff-tree", f"!touch {ran}"),
    ):  # fmt: skip
        repo.git("config", key, value)
    info = repo.path / ".git/info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text("* diff=evil filter=evil -text\n")
    (info / "exclude").write_text("*\n")
    (repo.path / ".git/order").write_text("zzz\n")


def test_a_repository_that_does_all_it_can_changes_no_fact_and_runs_nothing(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    repo.git("mv", "locked/p", "src/p")
    put(repo, "160000", b"locked/sub", "1" * 40)
    put(repo, "100644", b"src/\xff\n")
    repo.commit("feat: x", stage=False)
    repo.write("locked/q", "EVIL\n")
    repo.git("add", "locked/q")
    ran = tmp_path / "ran"
    before = [change(repo, **options).summary() for options in ({}, {"staged": True}, {"root": True})]
    hostile(repo, ran)
    environment = {
        "GIT_EXTERNAL_DIFF": f"touch {ran}",
        "GIT_PAGER": f"touch {ran}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": f"touch {ran}",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(tmp_path),
        "GIT_ICASE_PATHSPECS": "1",
        "GIT_TRACE": str(ran),
        "GIT_OBJECT_DIRECTORY": str(tmp_path),
        "GIT_REPLACE_REF_BASE": "refs/heads/",
        "GIT_DIFF_OPTS": "-u0",
        "PYTHONPATH": str(tmp_path),
    }
    after = [
        change(repo, env=environment, **options).summary()
        for options in ({}, {"staged": True}, {"root": True})
    ]
    assert after == before
    commits = change(repo, env=environment).commits
    assert [[entry.path for entry in commit.own_entries] for commit in commits] == [
        [b"locked/p", b"locked/sub", b"src/p", b"src/\xff\n"]
    ]
    found = change(repo, env=environment, worktree=True)
    assert ("M", b"locked/q") in rows(found)
    assert not ran.exists()
    assert shutil.which("git") is not None
    assert not [name for name in os.listdir(tmp_path) if name.startswith("specguard-")]
