"""A message being written is judged as git will record it."""

import subprocess
from pathlib import Path

import pytest

from specguard.change.check_request import Request
from specguard.change.uncommitted import DEFAULT_FILE, clean, read_message, start_settings
from specguard.errors import MissingFact, SpecguardError
from specguard.testing import Repository
from tests.changes import locate

CUT = "# ------------------------ >8 ------------------------\n"
VERBOSE = f"feat: x\n\nbody\n{CUT}# Do not modify or remove the line above.\ndiff --git a/x b/x\n+evil\n"


@pytest.mark.parametrize(
    ("raw", "settings", "expected"),
    [
        ("feat: x", {}, "feat: x\n"),
        ("feat: x\r\n\r\nbody\r\n", {}, "feat: x\n\nbody\n"),
        ("\n\n  feat: x  \n\n\n\nbody\t\n\n", {}, "  feat: x\n\nbody\n"),
        ("feat: x\n# comment\nbody\n#\n", {}, "feat: x\nbody\n"),
        ("feat: x\n #12 is no comment\n", {}, "feat: x\n #12 is no comment\n"),
        ("#12 fix\n", {}, "#12 fix\n"),
        ("\n \n", {}, ""),
        (VERBOSE, {}, "feat: x\n\nbody\n"),
        (VERBOSE.replace("\n", "\r\n"), {}, "feat: x\n\nbody\n"),
        ("feat: x\n; comment\n# text\n", {"core.commentchar": ";"}, "feat: x\n# text\n"),
        (VERBOSE.replace("#", ";"), {"core.commentchar": ";"}, "feat: x\n\nbody\n"),
        ("feat: x\n// comment\n# text\n", {"core.commentstring": "//"}, "feat: x\n# text\n"),
        ("#12 fix\n\n; Please enter\n; Changes:\n", {"core.commentchar": "auto"}, "#12 fix\n"),
        ("#12 fix\n" + CUT.replace("#", ";") + "diff\n", {"core.commentchar": "auto"}, "#12 fix\n"),
        ("#12 fix\nwith -m\n", {"core.commentchar": "auto"}, "#12 fix\nwith -m\n"),
        ("feat: x\n# kept\n", {"commit.cleanup": "whitespace"}, "feat: x\n# kept\n"),
        (f"feat: x\n# kept\n{CUT}diff\n", {"commit.cleanup": "scissors"}, "feat: x\n# kept\n"),
        ("feat: x  \n# kept\n\n\n", {"commit.cleanup": "verbatim"}, "feat: x  \n# kept\n\n\n"),
    ],
)
def test_a_message_is_cleaned(raw: str, settings: dict[str, str], expected: str) -> None:
    assert clean(raw.encode(), settings).decode() == expected


@pytest.mark.parametrize(
    "raw", ["feat: x\n\n\n\nb  \n\n", "\n\na\n\n\nb\r\n", "a\n# c\n\n\n# d\nb", " a\n", "\v\n x"]
)
def test_whitespace_is_cleaned_as_git_does(raw: str) -> None:
    done = subprocess.run(
        ["git", "stripspace", "--strip-comments"], input=raw.encode(), capture_output=True, check=True
    )
    assert clean(raw.encode(), {}) == done.stdout


def named(file: object) -> Request:
    return Request(environment={}, message_file=str(file))


def read(repo: Repository, file: object, **env: str) -> bytes:
    located = locate(repo.path, **env)
    return read_message(located, named(file), start_settings(located)).raw


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


def test_what_cannot_be_read_is_an_error(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(SpecguardError, match="the message cannot be read: No such file"):
        read(repository, tmp_path / "none")
    located = locate(repository.path)
    (tmp_path / "message").write_text("feat: x\n")
    (repository.path / ".git/config").write_text("[core\n")
    with pytest.raises(MissingFact, match="configuration cannot be read"):
        read_message(located, named(tmp_path / "message"), start_settings(located))
