"""Paths that try to hide: additions, modifications and deletions are reported all the same."""

import os
from pathlib import Path

import pytest

from specguard.change.change import Change
from specguard.testing import Repository
from tests.changes import Open
from tests.rows import recorded, rows
from tests.threats.guarded import variables_of_git

NAMES = [
    b"Locked/policy.md", "docs/cafe\u0301.md".encode(), "l\u043ecked/p".encode(),
    "\uff4cocked\uff0f..".encode(), b"locked./policy.md ", b"locked/p::$DATA", b"LOCKED~1", b"CON",
    b"src/a\nlocked.md", b"src/\ta", b"src/e\x1b[31m\x07.md", b"src/\xff.md", b":100644 100644 x", b"-rf",
    b":(exclude)locked", b'"quoted"', b"\\", b"*", b" ",
]  # fmt: skip


@pytest.fixture
def repo(repository: Repository) -> Repository:
    files: dict[str, str | bytes] = {"locked/p": "policy\n", "locked/q": "q\n", "src/a": "a\n"}
    repository.commit("chore: base", files=files)
    repository.publish(head=True)
    repository.branch("work")
    return repository


def entries(change: Change) -> list[tuple[str, bytes]]:
    return [(entry.status, entry.path) for entry in change.entries]


def put(repo: Repository, mode: str, path: bytes, oid: str) -> None:
    """Stage a path that a file system may not be able to store."""
    repo.git("update-index", "--add", "--cacheinfo", b"%s,%s,%s" % (mode.encode(), oid.encode(), path))


def test_a_name_is_its_bytes_and_hides_no_other(repo: Repository, change: Open) -> None:
    for path in NAMES:
        put(repo, "100644", path, repo.blob("x\n"))
    put(repo, "100644", b"locked/q", repo.blob("EVIL\n"))
    expected = sorted([("M", b"locked/q"), *(("A", path) for path in NAMES)], key=lambda row: row[1])
    staged = change(repo, staged=True)
    assert entries(staged) == expected
    fingerprint = staged.fingerprint()
    repo.commit("feat: x", stage=False)
    # What is staged and then committed is the same change.
    found = change(repo)
    assert (entries(found), found.fingerprint()) == (expected, fingerprint)
    assert {found.head_files.read(path) for path in NAMES} == {b"x\n"}


def test_an_entry_tells_modes_and_objects(repo: Repository, change: Open) -> None:
    repo.git("config", "core.fileMode", "false")
    repo.git("update-index", "--chmod=+x", "src/a")
    put(repo, "160000", b"sub", "1" * 40)
    put(repo, "120000", b"link", repo.blob("/etc/passwd"))
    repo.git("rm", "-q", "-r", "--cached", "locked")
    put(repo, "120000", b"locked", repo.blob("src"))
    repo.commit("feat: x", stage=False)
    found = change(repo)
    assert entries(found) == [
        ("A", b"link"), ("A", b"locked"), ("D", b"locked/p"), ("D", b"locked/q"), ("M", b"src/a"),
        ("A", b"sub"),
    ]  # fmt: skip
    link, _, gone, _, mode, sub = found.entries
    assert (link.new_mode, found.head_files.read(b"link")) == (0o120000, b"/etc/passwd")
    assert (gone.new_mode, gone.new) == (0, "0" * 40)
    assert (mode.old_mode, mode.new_mode) == (0o100644, 0o100755)
    assert mode.old == mode.new
    assert (sub.is_submodule, sub.new) == (True, "1" * 40)
    # Nothing is looked up through a link.
    assert found.head_files.find(b"locked/a") is None


@pytest.mark.parametrize(
    ("mode", "read"),
    [(b"100666", 0o100644), (b"100777", 0o100755), (b"120777", 0o120000), (b"100600", 0o100644)],
)
def test_odd_modes_and_a_name_twice_are_read_as_git_reads_them(
    repo: Repository, change: Open, mode: bytes, read: int
) -> None:
    lines = [mode + b" odd\0" + bytes.fromhex(repo.blob(text)) for text in ("one", "other")]
    tree = repo.git("hash-object", "-w", "--literally", "-t", "tree", "--stdin", stdin=b"".join(lines))
    found = change(repo, head=repo.git("commit-tree", "-p", repo.oid("main"), "-m", "feat: x", tree))
    odd = [entry.new_mode for entry in found.entries if entry.path == b"odd"]
    item = found.head_files.find(b"odd")
    assert item is not None
    assert odd == [read, read] == [item.mode, item.mode]
    assert found.head_files.read(b"odd") == b"one"


def hostile(repo: Repository, ran: Path) -> None:
    """Write configuration, attributes and files that would make git run a program or leave something out."""
    for key in rows(__file__, "programs"):
        repo.git("config", key, f"touch {ran}; false #")
    for key, value in recorded(__file__, "settings").items():
        repo.git("config", key, value.replace("{ran}", str(ran)))
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
    put(repo, "100644", b"src/\xff\n", repo.blob("x\n"))
    repo.commit("feat: x", stage=False)
    repo.write("locked/q", "EVIL\n")
    repo.git("add", "locked/q")
    ran = tmp_path / "ran"
    asked: list[dict[str, bool]] = [{}, {"staged": True}, {"root": True}]
    before = [change(repo, **options).summary() for options in asked]
    hostile(repo, ran)
    environment = variables_of_git(ran, tmp_path)
    assert [change(repo, env=environment, **options).summary() for options in asked] == before
    [commit] = change(repo, env=environment).commits
    own = [b"locked/p", b"locked/sub", b"src/p", b"src/\xff\n"]
    assert [entry.path for entry in commit.own_entries] == own
    assert ("M", b"locked/q") in entries(change(repo, env=environment, worktree=True))
    assert not ran.exists()
    assert not [name for name in os.listdir(tmp_path) if name.startswith("specguard-")]
