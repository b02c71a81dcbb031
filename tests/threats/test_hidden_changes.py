"""Changes that git is configured not to show: by attributes, filters, index flags and its own lists."""

import pytest

from specguard.testing import Repository
from tests.threats.cases import threat
from tests.threats.guarded import LOCKED, check, fails, guarded, passes, undecided

FORBID = '[[rules.forbidden-content.forbid]]\npattern = "EVIL"\n'


@pytest.fixture
def repo(repository: Repository) -> Repository:
    guarded(repository, FORBID)
    return repository


def locking(pattern: str) -> str:
    """Return an authority that locks one pattern."""
    return f'# A\n\n```toml specguard\nbase = "main"\n\n[rules.locked-path]\npaths = ["{pattern}"]\n```\n'


def info(repo: Repository, name: str, text: str) -> None:
    """Write a file into `.git/info`, which no commit shows."""
    folder = repo.path / ".git" / "info"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


@threat("T23", "a submodule moved that `ignore = all` hides from git", "exit 1: PTH002, PTH006")
@threat("T23", "a new submodule that `ignore = all` hides from git", "exit 1: PTH002, PTH006")
@pytest.mark.parametrize("where", ["tree", "submodule.s.ignore", "diff.ignoreSubmodules"])
def test_a_submodule_out_of_sight(repository: Repository, where: str) -> None:
    modules = '[submodule "s"]\n\tpath = locked/sub\n\turl = ./s\n'
    if where == "tree":
        modules += "\tignore = all\n"
    repository.submodule("locked/sub")
    repository.commit("chore: sub", files={".gitmodules": modules}, stage=False)
    guarded(repository)
    if where != "tree":
        repository.git("config", where, "all")
    repository.submodule("locked/sub", "2" * 40)
    fails(check(repository, "--staged"), ("PTH002", "locked/sub"), ("PTH006", "locked/sub"))
    repository.commit("feat: x", stage=False)
    # Git itself shows nothing of it.
    assert repository.git("diff", "--raw", "main", "work") == ""
    fails(check(repository), ("PTH002", "locked/sub"), ("PTH006", "locked/sub"))
    repository.submodule("locked/new")
    both = [(code, f"locked/{name}") for name in ("sub", "new") for code in ("PTH002", "PTH006")]
    repository.commit("feat: y", stage=False)
    fails(check(repository), *both)


@threat("T25", "attributes that make a diff say `Binary files differ`", "exit 1: PTH002, CNT001")
def test_attributes_hide_neither_a_path_nor_its_content(repo: Repository) -> None:
    repo.commit("feat: x", files={".gitattributes": "* -diff\n", "locked/p": "EVIL\n", "src/b": "EVIL\n"})
    assert "EVIL" not in repo.git("diff", "main", "work")
    fails(check(repo), LOCKED, ("CNT001", "locked/p"), ("CNT001", "src/b"))


@threat("T25", "attributes altered where they are locked", "exit 1: PTH002")
def test_attributes_may_be_locked(repository: Repository) -> None:
    guarded(repository, files={"SPEC_AUTHORITY.md": locking(".gitattributes")})
    repository.commit("feat: x", files={".gitattributes": "* -diff\n"})
    fails(check(repository), ("PTH002", ".gitattributes"))


@threat("T26", "a filter that stores other content than the file has", "exit 1: CNT001")
def test_a_filter_that_lies(repo: Repository) -> None:
    info(repo, "attributes", "* filter=lie\n")
    repo.git("config", "filter.lie.clean", "sed s/EVIL/good/")
    repo.git("config", "filter.lie.smudge", "sed s/good/EVIL/")
    repo.write("src/b", "EVIL\n")
    repo.stage("src/b")
    # What is judged is what is stored; what the file has is judged with the working tree.
    passes(check(repo, "--staged"))
    fails(check(repo, "--worktree"), ("CNT001", "src/b"))
    repo.git("config", "filter.lie.clean", "sed s/good/EVIL/")
    repo.write("src/b", "good\n")
    repo.stage("src/b")
    fails(check(repo, "--staged"), ("CNT001", "src/b"))


@threat("T27", "a file that the index takes for unchanged", "exit 1: PTH002")
@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_flag_of_the_index(repo: Repository, flag: str) -> None:
    repo.git("update-index", flag, "locked/p")
    repo.write("locked/p", "other\n")
    assert repo.git("status", "--porcelain") == ""
    fails(check(repo, "--worktree"), LOCKED)


@threat("T28", "a file that is staged only in name, until it is committed", "exit 1: PTH002")
def test_what_is_to_be_added_later(repo: Repository) -> None:
    repo.write("locked/new", "x\n")
    repo.git("add", "--intent-to-add", "locked/new")
    passes(check(repo, "--staged"))
    fails(check(repo, "--worktree"), ("PTH002", "locked/new"))
    repo.commit("feat: x")
    fails(check(repo), ("PTH002", "locked/new"))


@threat("T29", "an untracked file that a list of the repository hides", "exit 1: PTH002")
def test_a_private_list_of_ignored_files(repo: Repository) -> None:
    info(repo, "exclude", "*.sh\n")
    repo.write("locked/e.sh", "x\n")
    assert repo.git("status", "--porcelain") == ""
    fails(check(repo, "--worktree"), ("PTH002", "locked/e.sh"))


@threat("T31", "a path of the index that is not merged", "exit 2")
def test_an_unmerged_path(repo: Repository) -> None:
    oid = repo.blob("other\n")
    stages = b"0 %s\tlocked/p\0" % (b"0" * 40)
    stages += b"".join(b"100644 %s %d\tlocked/p\0" % (oid.encode(), stage) for stage in (1, 2, 3))
    repo.git("update-index", "-z", "--index-info", stdin=stages)
    outcome = check(repo, "--staged")
    undecided(outcome, "locked/p is not merged")
    assert outcome.state("PTH002") == "indeterminate"
