"""What is no commit yet: a message being written, as git will record it, and a patch, as git applies it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from specguard.change import uncommitted
from specguard.change.change import Change
from specguard.change.check_request import Request
from specguard.change.uncommitted import DEFAULT_FILE, clean_message, read_message
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.testing import Repository
from tests.changes import Open, locate, standard_input
from tests.changes import rows as entries
from tests.rows import rows

# Messages


@pytest.mark.parametrize(("raw", "settings", "expected"), rows(__file__, "cleaned"))
def test_a_message_is_cleaned(raw: str, settings: dict[str, str], expected: str) -> None:
    assert clean_message(raw.encode(), settings).decode() == expected


@pytest.mark.parametrize("raw", rows(__file__, "spaces"))
def test_whitespace_is_cleaned_as_git_does(raw: str) -> None:
    done = subprocess.run(
        ["git", "stripspace", "--strip-comments"], input=raw.encode(), capture_output=True, check=True
    )
    assert clean_message(raw.encode(), {}) == done.stdout


def named(file: object) -> Request:
    return Request(environment={}, message_file=str(file))


def read(repo: Repository, file: object, **env: str) -> bytes:
    located = locate(repo.path, **env)
    return read_message(located, named(file)).raw


def test_a_file_is_read_with_the_user_s_settings(repository: Repository, tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_bytes(b"feat: \xff\n; comment\n# text\n")
    assert read(repository, file) == b"feat: \xff\n; comment\n"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text('[core]\n\tcommentChar = ";"\n')
    assert read(repository, file, HOME=str(home)) == b"feat: \xff\n# text\n"
    repository.git("config", "core.commentChar", "#")
    assert read(repository, file, HOME=str(home)) == b"feat: \xff\n; comment\n"


def test_without_a_name_git_s_own_file_is_read(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository.path / ".git" / DEFAULT_FILE).write_text("feat: own\n")
    assert read(repository, DEFAULT_FILE) == b"feat: own\n"
    (repository.path / DEFAULT_FILE).write_text("feat: here\n")
    monkeypatch.chdir(repository.path)
    assert read(repository, DEFAULT_FILE) == b"feat: here\n"


def test_a_message_that_cannot_be_read_is_an_error(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(SpecguardError, match="the message cannot be read: No such file"):
        read(repository, tmp_path / "none")
    located = locate(repository.path)
    (tmp_path / "message").write_text("feat: x\n")
    (repository.path / ".git/config").write_text("[core\n")
    with pytest.raises(MissingFact, match="configuration cannot be read"):
        read_message(located, named(tmp_path / "message"))


# Patches


@pytest.fixture
def repo(repository: Repository) -> Repository:
    files: dict[str, str | bytes] = {"locked/p": "policy\n", "src/a": "a\n", "bin": b"\0\1\2"}
    repository.commit("one", files=files)
    repository.branch("work")
    return repository


@pytest.fixture
def judge(repo: Repository, change: Open, tmp_path: Path) -> Callable[[str | bytes], Change]:
    def judged(text: str | bytes) -> Change:
        file = tmp_path / "x.patch"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return change(repo, patch=str(file))

    return judged


EDIT = "--- a/src/a\n+++ b/src/a\n@@ -1 +1 @@\n-a\n+b\n"


def test_a_plain_patch_is_applied_to_head(
    repo: Repository, judge: Callable[[str], Change], change: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write("src/a", "not committed\n")
    before = (repo.path / ".git/index").read_bytes()
    found = judge(EDIT)
    assert (found.source, found.stage) == ("patch", "staged")
    assert entries(found) == ["M src/a"]
    assert found.head_files.read(b"src/a") == b"b\n"
    with pytest.raises(NotApplicable):
        _ = found.commits
    assert repo.read("src/a") == b"not committed\n"
    assert (repo.path / ".git/index").read_bytes() == before
    # Standard input is one, too, and a subdirectory hides no part of it.
    text = EDIT + "--- a/locked/p\n+++ b/locked/p\n@@ -1 +1 @@\n-policy\n+EVIL\n"
    monkeypatch.setattr(sys, "stdin", standard_input(text.encode()))
    found = change(repo, directory=str(repo.path / "src"), patch="-")
    assert entries(found) == ["M locked/p", "M src/a"]


def test_what_git_makes_is_read_back(repo: Repository, judge: Callable[[bytes], Change]) -> None:
    repo.rename("src/a", "src/moved")
    repo.executable("locked/p")
    repo.write("bin", b"\0\3\4")
    repo.symlink("link", "src")
    repo.write('new "name"\twith\nnewline', "x\n")
    repo.commit("feat: two")
    for arguments in (
        ["diff", "--binary", "-M", "HEAD~1"],
        ["format-patch", "--binary", "--stdout", "HEAD~1"],
    ):
        patch = repo.process(*arguments).stdout
        repo.git("symbolic-ref", "HEAD", "refs/heads/base")
        repo.git("update-ref", "HEAD", repo.oid("work~1"))
        assert entries(judge(patch)) == [
            "M bin", "A link", "M locked/p", 'A new "name"\twith\nnewline', "D src/a", "A src/moved",
        ]  # fmt: skip
        repo.git("symbolic-ref", "HEAD", "refs/heads/work")


def test_a_patch_that_git_does_not_apply_is_an_error(judge: Callable[[str | bytes], Change]) -> None:
    binary = "diff --git a/bin b/bin\nindex 1..2 100644\nBinary files a/bin and b/bin differ\n"
    texts: dict[str | bytes, str] = {
        "": "does not apply",
        "just text\n": "No valid patches in input",
        EDIT.replace("-a\n", "-other\n"): "does not apply",
        EDIT.replace("@@ -1 +1 @@", "@@ -1,9 +1,9 @@"): "corrupt patch",
        EDIT.replace("src/a", "none"): "does not apply",
        binary: "without full index",
        b"\0" * 100: "No valid patches",
    }
    for text, message in texts.items():
        with pytest.raises(SpecguardError, match=message) as caught:
            judge(text)
        assert "x.patch" in (caught.value.path or "")


def test_a_patch_that_is_too_large_or_not_there_is_an_error(
    repo: Repository, judge: Callable[[str], Change], change: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (repo.path / "none", repo.path):
        with pytest.raises(SpecguardError, match="the patch cannot be read"):
            change(repo, patch=str(name))
    monkeypatch.setattr(uncommitted, "PATCH_LIMIT", 1 << 20)
    with pytest.raises(SpecguardError, match="may have 1 MiB"):
        judge(EDIT + "x" * (1 << 20))

    with open("/dev/zero", "rb") as zeros:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=zeros, isatty=lambda: False))
        with pytest.raises(SpecguardError, match="may have 1 MiB"):
            change(repo, patch="-")


def test_before_the_first_commit_there_is_nothing_to_apply_to(
    repository: Repository, change: Open, tmp_path: Path
) -> None:
    (tmp_path / "x.patch").write_text(EDIT)
    with pytest.raises(SpecguardError, match="HEAD has no commit yet"):
        change(repository, patch=str(tmp_path / "x.patch"))
