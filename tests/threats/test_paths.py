"""Changes that try to get past the rules about paths."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Outcome, Repository, run, run_here
from tests.threats.cases import threat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AUTHORITY = """\
# Authority

```toml specguard
base = "main"

[rules.locked-path]
paths = ["locked/", "SPEC_AUTHORITY.md"]

[rules.forbidden-path]
paths = ["locked/frozen/"]
```
"""


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """A base with locked, forbidden and free files, and a branch to work on."""
    files = {
        "SPEC_AUTHORITY.md": AUTHORITY,
        "locked/p": "policy\n",
        "locked/frozen/f": "frozen\n",
        "src/a": "a\n",
        "docs/caf\u00e9.md": "coffee\n",
    }
    repository.commit("chore: base", files=files)
    repository.branch("work")
    return repository


def check(repo: Repository, *arguments: str) -> Outcome:
    """Judge the branch by the rules about paths."""
    return run_here("check", "--select=PTH", "--output-format=json", *arguments, directory=repo.path)


def found(outcome: Outcome, severity: str = "error") -> set[tuple[str, bytes]]:
    """Code and path of each finding of a severity."""
    result = set()
    for finding in outcome.report["findings"]:
        location = finding["location"]
        raw = location.get("path_bytes")
        path = base64.b64decode(raw) if raw else (location["path"] or "").encode()
        if finding["severity"] == severity:
            result.add((finding["code"], path))
    return result


def put(repo: Repository, mode: str, path: bytes, content: str | bytes = "x\n") -> None:
    """Stage a path that this machine's disk need not be able to hold."""
    oid = content if mode == "160000" and isinstance(content, str) else repo.blob(content)
    repo.git("update-index", "--add", "--cacheinfo", b"%s,%s,%s" % (mode.encode(), oid.encode(), path))
    repo.commit("feat: x", stage=False)


def fails_with(repo: Repository, *expected: tuple[str, str | bytes]) -> Outcome:
    """The branch fails with exactly these errors."""
    outcome = check(repo)
    wanted = {(code, path if isinstance(path, bytes) else path.encode()) for code, path in expected}
    assert found(outcome) == wanted, outcome
    assert outcome.exit_code == 1
    return outcome


# What happens to guarded paths


def test_the_installed_command_says_the_same(repo: Repository) -> None:
    repo.commit("feat: x", files={"locked/p": "EVIL\n", "src/nul": "x\n"})
    here = check(repo)
    installed = run("check", "--select=PTH", "--output-format=json", directory=repo.path)
    assert installed.report == here.report
    assert installed.exit_code == here.exit_code == 1


@threat("T01", "a locked file renamed to a free place", "exit 1: PTH002")
def test_moving_a_locked_file_out_is_deleting_it(repo: Repository) -> None:
    repo.rename("locked/p", "src/p")
    repo.commit("feat: x")
    outcome = fails_with(repo, ("PTH002", "locked/p"))
    assert "moved to src/p" in outcome.report["findings"][0]["message"]


def test_moving_a_file_in_is_adding_it(repo: Repository) -> None:
    repo.rename("src/a", "locked/a")
    repo.commit("feat: x")
    outcome = fails_with(repo, ("PTH002", "locked/a"))
    assert "moved here from src/a" in outcome.report["findings"][0]["message"]


@threat("T03", "a locked file copied to a free place", "exit 0")
def test_a_copy_of_a_locked_file_is_not_stopped(repo: Repository) -> None:
    repo.write("src/p", repo.read("locked/p"))
    repo.commit("feat: x")
    assert check(repo).exit_code == 0


@threat("T04", "a locked path in other case", "exit 1: PTH002, PTH005")
def test_another_case_is_the_same_path(repo: Repository) -> None:
    repo.write("Locked/policy.md", "q\n")
    repo.commit("feat: x")
    fails_with(repo, ("PTH002", "Locked/policy.md"), ("PTH005", "Locked/policy.md"))


@threat("T15", "a locked folder replaced by a link", "exit 1: PTH001, PTH002")
def test_a_locked_folder_replaced_by_a_link(repo: Repository) -> None:
    repo.delete("locked")
    repo.symlink("locked", "src")
    repo.commit("feat: x")
    fails_with(repo, ("PTH001", "locked/frozen/f"), ("PTH002", "locked"), ("PTH002", "locked/p"))


@threat("T20", "the executable bit of a locked file", "exit 1: PTH002")
def test_a_mode_alone(repo: Repository) -> None:
    repo.git("config", "core.fileMode", "false")
    repo.git("update-index", "--chmod=+x", "locked/p")
    repo.commit("feat: x", stage=False)
    outcome = fails_with(repo, ("PTH002", "locked/p"))
    assert "made executable" in outcome.report["findings"][0]["message"]


@threat("T21", "a locked file deleted", "exit 1: PTH002")
def test_a_deletion(repo: Repository) -> None:
    repo.commit("feat: x", delete=["locked/p"])
    outcome = fails_with(repo, ("PTH002", "locked/p"))
    assert outcome.report["findings"][0]["location"]["side"] == "base"


def test_what_is_forbidden_is_not_merely_locked(repo: Repository) -> None:
    repo.commit("feat: x", files={"locked/frozen/f": "thawed\n"})
    fails_with(repo, ("PTH001", "locked/frozen/f"))


@threat("T22", "a submodule in a locked folder", "exit 1: PTH002, PTH006")
def test_a_submodule_in_a_locked_folder(repo: Repository) -> None:
    repo.submodule("locked/sub")
    repo.commit("feat: x", stage=False)
    fails_with(repo, ("PTH002", "locked/sub"), ("PTH006", "locked/sub"))


@threat("T23", "a new submodule that `ignore = all` hides from git", "exit 1: PTH002, PTH006")
def test_a_submodule_that_configuration_hides(repo: Repository) -> None:
    repo.write(".gitmodules", '[submodule "s"]\n\tpath = locked/sub\n\turl = ./s\n\tignore = all\n')
    repo.git("config", "submodule.s.ignore", "all")
    repo.stage(".gitmodules")
    repo.submodule("locked/sub")
    repo.commit("feat: x", stage=False)
    fails_with(repo, ("PTH002", "locked/sub"), ("PTH006", "locked/sub"))


def test_attributes_hide_no_path(repo: Repository) -> None:
    repo.commit("feat: x", files={".gitattributes": "locked/** -diff\n", "locked/p": "EVIL\n"})
    fails_with(repo, ("PTH002", "locked/p"))


def test_a_merge_with_content_of_no_parent(repo: Repository) -> None:
    repo.branch("side", "main")
    repo.commit("feat: side", files={"src/side": "s\n"})
    repo.checkout("work")
    repo.commit("feat: work", files={"src/work": "w\n"})
    merge = repo.merge("side", files={"locked/p": "EVIL\n"})
    fails_with(repo, ("PTH002", "locked/p"))
    assert merge


# What one commit does and a later one takes back


@pytest.fixture
def touched_and_reverted(repo: Repository) -> tuple[Repository, str]:
    """A branch whose net change leaves the locked file as it was."""
    first = repo.commit("feat: x", files={"locked/p": "EVIL\n"})
    repo.commit("revert: x", files={"locked/p": "policy\n", "src/b": "b\n"})
    return repo, first


def test_a_touch_that_is_taken_back_is_found_in_its_commit(
    touched_and_reverted: tuple[Repository, str],
) -> None:
    repo, first = touched_and_reverted
    outcome = fails_with(repo, ("PTH002", "locked/p"))
    (finding,) = outcome.report["findings"]
    assert finding["location"]["commit"] == first
    assert "git filter-branch" in finding["help"]


def test_commits_that_will_be_squashed_are_not_judged(
    touched_and_reverted: tuple[Repository, str], tmp_path: Path
) -> None:
    repo, _ = touched_and_reverted
    other = tmp_path / "squash.md"
    other.write_text(AUTHORITY.replace('base = "main"', 'base = "main"\nmerge = "squash"'))
    assert check(repo, "--authority", str(other)).exit_code == 0


def test_a_merge_that_brings_and_a_commit_that_takes_back(repo: Repository) -> None:
    repo.branch("side", "main")
    repo.commit("feat: side", files={"src/side": "s\n"})
    repo.checkout("work")
    repo.commit("feat: work", files={"src/work": "w\n"})
    merge = repo.merge("side", files={"locked/p": "EVIL\n"})
    repo.commit("fix: x", files={"locked/p": "policy\n"})
    outcome = fails_with(repo, ("PTH002", "locked/p"))
    assert outcome.report["findings"][0]["location"]["commit"] == merge


def test_a_path_is_found_once_however_many_commits_touch_it(repo: Repository) -> None:
    for text in ("1\n", "2\n", "3\n"):
        repo.commit("feat: x", files={"locked/p": text})
    outcome = fails_with(repo, ("PTH002", "locked/p"))
    assert outcome.report["findings"][0]["location"]["commit"] is None


# Names


def decomposed(repo: Repository) -> bytes:
    put(repo, "100644", "docs/cafe\u0301.md".encode())
    return "docs/cafe\u0301.md".encode()


def homoglyph(repo: Repository) -> bytes:
    put(repo, "100644", "l\u043ecked/p".encode())
    return "l\u043ecked/p".encode()


def whole_word(repo: Repository) -> bytes:
    repo.commit("feat: x", files={"cop/a": "a\n"})
    put(repo, "100644", "\u0441\u043e\u0440/a".encode())
    return "\u0441\u043e\u0440/a".encode()


def names(number: str, case: str) -> pytest.MarkDecorator:
    return threat(number, case, "exit 1: PTH005")


def named(path: bytes) -> Callable[[Repository], bytes]:
    def make(repo: Repository) -> bytes:
        put(repo, "100644", path)
        return path

    return make


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(decomposed, id="normal form", marks=names("T06", "a name in another normal form")),
        pytest.param(homoglyph, id="homoglyph", marks=names("T07", "a letter of another script")),
        pytest.param(whole_word, id="whole word", marks=names("T07", "a whole word of another script")),
        pytest.param(
            named("\uff4c\uff4f\uff43\uff4b\uff45\uff44\uff0f\uff0e\uff0e".encode()),
            id="fullwidth",
            marks=names("T08", "fullwidth letters, dots and slashes"),
        ),
        pytest.param(named("\uff4c\uff4f\uff43\uff4b\uff45\uff44/x".encode()), id="fullwidth twin"),
        pytest.param(
            named(b"locked./policy.md"),
            id="dot at the end",
            marks=names("T09", "a dot at the end of a folder's name"),
        ),
        pytest.param(
            named(b"src/policy.md "), id="space at the end", marks=names("T09", "a space at the end")
        ),
        pytest.param(named(b"src/a::$DATA"), id="stream", marks=names("T10", "a stream of a file")),
        pytest.param(named(b"src/a:x"), id="stream of a neighbour"),
        pytest.param(named(b"LOCKED~1/x"), id="short name", marks=names("T10", "a short name of a folder")),
        pytest.param(named(b"CON"), id="device", marks=names("T10", "the name of a device")),
        pytest.param(named(b"src/a\nlocked.md"), id="newline", marks=names("T11", "a newline in a name")),
        pytest.param(named(b"src/a\tb"), id="tab", marks=names("T11", "a tab in a name")),
        pytest.param(
            named(b"src/e\x1b[31m\x07.md"), id="escape", marks=names("T12", "a terminal's escape in a name")
        ),
        pytest.param(named(b"src/\xff.md"), id="not UTF-8"),
        pytest.param(named("src/a\u202ecod.md".encode()), id="direction"),
        pytest.param(named("src/a\u200b.md".encode()), id="invisible"),
        pytest.param(named(b"locked\\q"), id="backslash"),
        pytest.param(named(b"SRC/a"), id="case of a folder"),
        pytest.param(named(b"src/A"), id="case of a file"),
    ],
)
def test_a_name_that_deceives(repo: Repository, make: Callable[[Repository], bytes]) -> None:
    path = make(repo)
    outcome = check(repo)
    assert ("PTH005", path) in found(outcome), outcome
    assert outcome.exit_code == 1
    # Whatever it holds, the report is ASCII, and the text shows nothing that a terminal obeys.
    assert outcome.stdout.isascii()
    text = run_here("check", "--select=PTH005", "--output-format=text", directory=repo.path).stdout
    assert not any(char < " " and char != "\n" for char in text)
    assert not any(char in text for char in "\x7f\x9b\u202e\u200b")


@threat("T13", "a name that is not UTF-8, beside a locked file", "exit 1: PTH002, PTH005")
def test_a_name_that_is_not_utf8_hides_no_other(repo: Repository) -> None:
    put(repo, "100644", b"src/\xff.md")
    repo.git("update-index", "--cacheinfo", f"100644,{repo.blob('EVIL')},locked/p")
    repo.commit("feat: y", stage=False)
    fails_with(repo, ("PTH002", "locked/p"), ("PTH005", b"src/\xff.md"))


@pytest.mark.parametrize(
    "path",
    [
        "docs/th\u00e9.md",
        "\u65e5\u672c\u8a9e.md",
        "docs/\u043f\u043b\u0430\u043d.md",
        "src/caf\u00e9.md",
        "x/src",
    ],
)
def test_an_honest_name_passes(repo: Repository, path: str) -> None:
    put(repo, "100644", path.encode())
    assert check(repo).exit_code == 0


def test_a_name_that_only_changes_its_case_has_no_twin(repo: Repository) -> None:
    repo.rename("src/a", "src/A")
    repo.commit("refactor: x")
    assert check(repo).exit_code == 0


def test_an_odd_name_of_the_base_may_be_modified_deleted_and_added_to(repo: Repository) -> None:
    repo.checkout("main")
    put(repo, "100644", b"odd./a.")
    put(repo, "100644", b"odd./b.")
    repo.branch("later")
    repo.git("update-index", "--force-remove", "odd./a.")
    repo.git("update-index", "--cacheinfo", f"100644,{repo.blob('new')},odd./b.")
    put(repo, "100644", b"odd./c")
    assert check(repo).exit_code == 0


def crafted(repo: Repository, lines: bytes, name: bytes) -> None:
    """Commit a tree as `git mktree` takes it, as the folder of this name in the base's root."""
    tree = repo.git("mktree", "-z", stdin=lines)
    root = repo.process("ls-tree", "-z", "main").stdout
    whole = repo.git("mktree", "-z", stdin=root + b"040000 tree %s\t%s\0" % (tree.encode(), name))
    commit = repo.git("commit-tree", "-p", "main", "-m", "feat: x", whole)
    repo.git("update-ref", "refs/heads/work", commit)


@pytest.mark.parametrize(
    "segment", [b"..", b".", b".git", b".GIT", b"git~1", b".git.", ".g\u200cit".encode()]
)
@threat("T32", "a tree with a name that git keeps for itself (`..`, `.git`)", "exit 1: PTH005")
def test_a_crafted_tree(repo: Repository, segment: bytes) -> None:
    crafted(repo, b"100644 blob %s\t%s\0" % (repo.blob("x").encode(), segment), b"t")
    fails_with(repo, ("PTH005", b"t/" + segment))


@threat("T32", "a tree with an empty name", "exit 2")
def test_a_crafted_tree_with_an_empty_name(repo: Repository) -> None:
    oid = bytes.fromhex(repo.blob("x"))
    literal = ("hash-object", "-w", "--literally", "-t", "tree", "--stdin")
    inner = repo.git(*literal, stdin=b"100644 \0" + oid)
    root = b"".join(
        b"%s %s\0%s" % (mode.lstrip(b"0"), name, bytes.fromhex(entry.decode()))
        for mode, _, entry, name in (
            line.replace(b"\t", b" ", 1).split(b" ", 3)
            for line in repo.process("ls-tree", "-z", "main").stdout.split(b"\0")[:-1]
        )
    )
    for tree in (
        repo.git(*literal, stdin=root + b"40000 t\0" + bytes.fromhex(inner)),
        repo.git(*literal, stdin=b"100644 \0" + oid + root),
    ):
        commit = repo.git("commit-tree", "-p", "main", "-m", "feat: x", tree)
        repo.git("update-ref", "refs/heads/work", commit)
        outcome = check(repo)
        assert outcome.exit_code == 2, outcome
        assert "crashed" not in outcome.stdout


@threat("T32", "a tree with one name twice", "exit 1: PTH005")
def test_a_crafted_tree_with_one_name_twice(repo: Repository) -> None:
    entries = b"".join(b"100644 blob %s\tx\0" % repo.blob(text).encode() for text in ("1", "2"))
    crafted(repo, entries, b"t")
    outcome = check(repo)
    assert found(outcome) == {("PTH005", b"t/x")}
    assert outcome.exit_code == 1


@threat("T33", "a file with a mode that git does not write", "exit 0")
def test_odd_modes_are_read_as_git_reads_them(repo: Repository) -> None:
    oid = bytes.fromhex(repo.blob("x"))
    inner = repo.git("hash-object", "-w", "--literally", "-t", "tree", "--stdin", stdin=b"100666 a\0" + oid)
    root = repo.process("ls-tree", "-z", "main").stdout
    whole = repo.git("mktree", "-z", stdin=root + b"040000 tree %s\tt\0" % inner.encode())
    repo.git("update-ref", "refs/heads/work", repo.git("commit-tree", "-p", "main", "-m", "feat: x", whole))
    assert check(repo).exit_code == 0


# Links


def leads(number: str, case: str) -> pytest.MarkDecorator:
    return threat(number, case, "exit 1: PTH006")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        pytest.param("src/d", "../locked", marks=leads("T16", "a link into a locked folder")),
        pytest.param("src/d", "../locked/p", marks=leads("T16", "a link to a locked file")),
        ("src/d", "../locked/new"),
        ("src/d", "../LOCKED/p"),
        ("src/d", ".././src/../locked"),
        ("d", "locked"),
        ("src/d", ".."),
        pytest.param("src/x", "/etc/passwd", marks=leads("T17", "a link to an absolute path")),
        pytest.param("src/y", "../../../o", marks=leads("T17", "a link out of the tree")),
        ("src/y", "..\\..\\..\\o"),
        ("src/y", "C:\\Windows"),
        ("src/g", "../.git/hooks"),
        ("src/g", "../.GIT/config"),
    ],
)
def test_a_link_that_leads_where_it_must_not(repo: Repository, path: str, target: str) -> None:
    repo.symlink(path, target)
    repo.commit("feat: x")
    outcome = fails_with(repo, ("PTH006", path))
    assert outcome.state("PTH006") == "failed"


def test_a_link_through_links(repo: Repository) -> None:
    repo.checkout("main")
    repo.symlink("src/up", "..")
    repo.commit("chore: link")
    repo.branch("later")
    repo.symlink("src/e", "up/src/up/locked")
    repo.symlink("src/f", "e/p")
    repo.commit("feat: x")
    fails_with(repo, ("PTH006", "src/e"), ("PTH006", "src/f"))


def test_a_link_whose_text_has_a_nul(repo: Repository) -> None:
    put(repo, "120000", b"src/d", b"../locked\0/../src")
    fails_with(repo, ("PTH006", "src/d"))


def test_links_that_go_in_a_circle_lead_nowhere(repo: Repository) -> None:
    repo.symlink("src/x", "y")
    repo.symlink("src/y", "x/x/x")
    repo.commit("feat: x")
    assert check(repo).exit_code == 0


@pytest.mark.parametrize("target", ["a", "../docs", "../src/a", "nowhere", "../docs/../src/a"])
def test_an_honest_link(repo: Repository, target: str) -> None:
    repo.symlink("src/l", target)
    repo.commit("feat: x")
    assert check(repo).exit_code == 0


def test_a_link_that_one_commit_makes_and_another_takes_away(repo: Repository) -> None:
    repo.symlink("src/d", "../locked")
    first = repo.commit("feat: x")
    repo.delete("src/d")
    repo.commit("feat: y", files={"src/b": "b\n"})
    outcome = fails_with(repo, ("PTH006", "src/d"))
    assert outcome.report["findings"][0]["location"]["commit"] == first


def test_a_link_pointed_elsewhere(repo: Repository) -> None:
    repo.checkout("main")
    repo.symlink("src/l", "a")
    repo.commit("chore: link")
    repo.branch("later")
    repo.delete("src/l")
    repo.symlink("src/l", "../locked/p")
    repo.commit("feat: x")
    fails_with(repo, ("PTH006", "src/l"))


def test_a_new_submodule_and_one_that_moves(repo: Repository) -> None:
    repo.checkout("main")
    repo.submodule("vendor/old", "1" * 40)
    repo.commit("chore: sub", stage=False)
    repo.branch("later")
    repo.submodule("vendor/old", "2" * 40)
    repo.submodule("vendor/new", "3" * 40)
    repo.commit("feat: x", stage=False)
    fails_with(repo, ("PTH006", "vendor/new"))


# Size


@threat("T84", "a gigantic file", "exit 1: PTH008")
def test_a_gigantic_file_is_measured_and_not_read(repo: Repository) -> None:
    size = 128 << 20
    header = b"data %d\n" % size
    stream = b"blob\nmark :1\n" + header + b"\0" * size + b"\n"
    marks = repo.path / "marks"
    repo.git(
        "-c", "core.bigFileThreshold=1m", "fast-import", "--quiet", f"--export-marks={marks}", stdin=stream
    )
    oid = marks.read_text().split()[1]
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{oid},big")
    repo.commit("feat: x", stage=False)
    outcome = fails_with(repo, ("PTH008", "big"))
    assert "128 MiB" in outcome.report["findings"][0]["message"]
