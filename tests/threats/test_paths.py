"""Paths and trees that git itself would not write; the others are in `tests/cases/threats/paths.toml`."""

import pytest

from specguard.testing import Repository, run_here
from tests.threats.cases import threat
from tests.threats.guarded import LOCKED, check, fails, guarded, passes, undecided


@pytest.fixture
def repo(repository: Repository) -> Repository:
    guarded(repository)
    return repository


def literal(repo: Repository, kind: str, content: bytes) -> str:
    """Write an object byte for byte."""
    return repo.git("hash-object", "-w", "--literally", "-t", kind, "--stdin", stdin=content)


def entry(repo: Repository, mode: bytes, name: bytes, oid: str = "") -> bytes:
    """Return a line of a tree object; without an object id, that of a new blob."""
    return mode + b" " + name + b"\0" + bytes.fromhex(oid or repo.blob("x"))


def crafted(repo: Repository, *entries: bytes, folder: bytes = b"t") -> None:
    """Move the branch to a commit that adds a tree of these entries to the base's files."""
    tree = literal(repo, "tree", b"".join(entries))
    root = repo.process("cat-file", "tree", "main^{tree}").stdout + entry(repo, b"40000", folder, tree)
    commit = repo.git("commit-tree", "-p", "main", "-m", "feat: x", literal(repo, "tree", root))
    repo.git("update-ref", "refs/heads/work", commit)


@threat("T20", "the executable bit of a locked file", "exit 1: PTH002")
def test_a_mode_alone(repo: Repository) -> None:
    repo.git("config", "core.fileMode", "false")
    repo.git("update-index", "--chmod=+x", "locked/p")
    for words in (["--staged"], []):
        outcome = check(repo, *words)
        fails(outcome, LOCKED)
        assert "made executable" in outcome.report["findings"][0]["message"]
        repo.commit("feat: x", stage=False)


def test_a_name_is_shown_and_never_obeyed(repo: Repository) -> None:
    odd = [b"src/a\nlocked.md", b"src/e\x1b[31m\x07\x9b.md", b"src/\xff.md", "src/a\u202ec\u200b.md".encode()]
    for name in odd:
        repo.git("update-index", "--add", "--cacheinfo", b"100644,%s,%s" % (repo.blob("x\n").encode(), name))
    repo.commit("feat: x", stage=False)
    assert check(repo).stdout.isascii()
    outcome = run_here("check", "--select=PTH005", "--output-format=text", directory=repo.path)
    assert outcome.stdout.count("error") >= len(odd), outcome
    assert not any((char < " " and char != "\n") or char in "\x7f\x9b\u202e\u200b" for char in outcome.stdout)


# Trees


@pytest.mark.parametrize(
    "segment", [b"..", b".", b".git", b".GIT", b"git~1", b".git.", ".g\u200cit".encode()]
)
@threat("T32", "a tree with a name that git keeps for itself (`..`, `.git`)", "exit 1: PTH005")
def test_a_crafted_tree(repo: Repository, segment: bytes) -> None:
    crafted(repo, entry(repo, b"100644", segment))
    fails(check(repo), ("PTH005", f"t/{segment.decode()}"))


@threat("T32", "a tree with an empty name", "exit 2")
def test_a_crafted_tree_with_an_empty_name(repo: Repository) -> None:
    crafted(repo, entry(repo, b"100644", b""))
    undecided(check(repo), "git")
    crafted(repo, entry(repo, b"100644", b"x"), folder=b"")
    undecided(check(repo), "git")
    # Nor is a file one that is said to be a folder.
    crafted(repo, entry(repo, b"40000", b"x"))
    undecided(check(repo), "git")


@threat("T32", "a tree with one name twice", "exit 1: PTH005")
def test_a_crafted_tree_with_one_name_twice(repo: Repository) -> None:
    crafted(repo, *(entry(repo, b"100644", b"x", repo.blob(text)) for text in ("1", "2")))
    fails(check(repo), ("PTH005", "t/x"))
    # The other folder of that name is the base's.
    crafted(repo, entry(repo, b"100644", b"x"), folder=b"locked")
    undecided(check(repo, "--enforce", "--base=main"), "has a name twice")


@threat("T33", "a file with a mode that git does not write", "exit 0")
def test_odd_modes_are_read_as_git_reads_them(repo: Repository) -> None:
    crafted(repo, entry(repo, b"100600", b"a"), entry(repo, b"100666", b"b"), entry(repo, b"100777", b"c"))
    passes(check(repo))
    crafted(repo, entry(repo, b"120777", b"link", repo.blob("../locked/p")))
    fails(check(repo), ("PTH006", "t/link"))


def test_an_unsorted_tree_hides_nothing(repo: Repository) -> None:
    crafted(repo, *(entry(repo, b"100644", name) for name in (b"z", b"CON", b"b", b"NUL")))
    fails(check(repo), ("PTH005", "t/CON"), ("PTH005", "t/NUL"))


def test_a_link_whose_text_has_a_nul(repo: Repository) -> None:
    crafted(repo, entry(repo, b"120000", b"d", repo.blob(b"../locked\0/../src")))
    fails(check(repo), ("PTH006", "t/d"))


@threat("T84", "a gigantic file", "exit 1: PTH008")
def test_a_gigantic_file_is_measured_and_not_read(repo: Repository) -> None:
    size = 104 << 20
    stream = b"blob\nmark :1\ndata %d\n" % size + b"\0" * size + b"\n"
    marks = repo.path / "marks"
    limit = ("-c", "core.bigFileThreshold=1m")
    repo.git(*limit, "fast-import", "--quiet", f"--export-marks={marks}", stdin=stream)
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{marks.read_text().split()[1]},big")
    repo.commit("feat: x", stage=False)
    outcome = check(repo)
    fails(outcome, ("PTH008", "big"))
    assert "109,051,904 bytes" in outcome.report["findings"][0]["message"]
