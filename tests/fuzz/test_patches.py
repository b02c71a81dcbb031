"""Patches in any state: judged by the tree that git makes of them, or not at all."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.regular_expressions import Expression
from specguard.testing import Repository
from tests.fuzz.damage import DRAWN, ODD, damaged, few
from tests.fuzz.verdicts import checked

TEXT = "".join(f"line {number}\n" for number in range(20))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A base, and a folder beside it for patches."""
    repository = Repository(tmp_path_factory.mktemp("patch") / "repository")
    files = {
        "SPEC_AUTHORITY.md": DRAWN["authorities"]["patches"],
        "locked/p": TEXT,
        "src/a": TEXT,
        "src/b": TEXT,
        "bin": "\0\1\2",
    }
    repository.commit("chore: base", files=files)
    return repository


@pytest.fixture(scope="module")
def patches(repository: Repository) -> Sequence[bytes]:
    """Patches of a change to the forbidden folder, each beside one to another, in the forms that git has."""
    repository.branch("work")
    repository.write("locked/p", TEXT.replace("line 7\n", "line seven\n"))
    repository.write("src/a", TEXT.replace("line 3\n", "").replace("line 15", "--- a/locked/p\n+++ b/src/b"))
    repository.rename("src/b", "locked/b")
    repository.executable("src/a")
    repository.symlink("src/link", "../locked")
    repository.write("bin", "\0\3")
    repository.write("src/\udcff \"q'", "x")
    repository.commit("feat: change\n\n--- a/src/b\n+++ b/src/b\n")
    forms = (["--binary"], ["--binary", "-M", "-U0"], ["--no-prefix", "--binary"])
    made = [repository.process("diff", *options, "main", "work").stdout for options in forms]
    made.append(repository.process("diff", "main", "work", "--", "locked/p").stdout)
    made.append(repository.process("format-patch", "--stdout", "--binary", "main..work").stdout)
    repository.checkout("main")
    assert all(b"locked/p" in patch for patch in made)
    return made


@few(60)
@given(data=st.data())
def test_a_patch_is_judged_as_git_applies_it(
    repository: Repository, patches: Sequence[bytes], file: Path, data: st.DataObject
) -> None:
    content = data.draw(damaged(st.sampled_from(patches), most=2))
    file.write_bytes(content)
    outcome = checked(repository, f"--patch={file}")
    changed = applied(repository, content)
    if changed is None:
        assert outcome.exit_code == 2
        return
    forbidden = any(path.split(b"/")[0].lower() == b"locked" for path in changed)
    assert ("PTH001" in outcome.codes) is forbidden
    assert not forbidden or outcome.exit_code == 1


def applied(repository: Repository, patch: bytes) -> Sequence[bytes] | None:
    """The paths that git changes by a patch; None where it does not apply it."""
    index = _index(repository)
    options = ("--cached", "--whitespace=nowarn")
    done = repository.process("apply", *options, "-", stdin=patch, environment=index)
    if done.returncode or done.stderr:
        # Of what is no whole binary patch git complains, and ends with 0.
        return None
    words = ("diff-index", "--cached", "--name-only", "--no-renames", "-z", "HEAD")
    shown = repository.process(*words, environment=index)
    return shown.stdout.split(b"\0")[:-1]


OTHER = [odd for odd in ODD if b"\n" not in odd and b"\0" not in odd]
LINE = st.sampled_from([*(line.encode() for line in DRAWN["lines"]), b"\xff", *OTHER])
CONTENT = st.tuples(st.lists(LINE, max_size=12), st.booleans()).map(
    lambda pair: b"\n".join(pair[0]) + (b"\n" if pair[1] else b"")
)


@few(40)
@given(old=CONTENT, new=CONTENT)
def test_no_content_hides_a_line_that_is_added(repository: Repository, old: bytes, new: bytes) -> None:
    before = repository.git("write-tree", environment=_with(repository, old))
    after = repository.git("write-tree", environment=_with(repository, new))
    first = repository.git("commit-tree", before, "-p", "main", stdin=b"chore: before\n")
    second = repository.git("commit-tree", after, "-p", first, stdin=b"feat: after\n")
    findings = checked(repository, f"--range={first}..{second}").report["findings"]
    found = {finding["location"]["line"] for finding in findings if finding["code"] == "CNT001"}
    word = Expression("DO NOT COMMIT")
    there = {number for number, line in enumerate(new.split(b"\n"), start=1) if word.search(line)}
    were = sum(word.search(line) for line in old.split(b"\n"))
    assert found <= there
    assert len(found) >= len(there) - were


def _index(repository: Repository) -> dict[str, str]:
    """The variables of an index that has the base's files."""
    index = repository.path.parent / "index"
    # What git leaves when it crashes over a patch is in nobody's way.
    for left in (index, index.with_suffix(".lock")):
        left.unlink(missing_ok=True)
    environment = {"GIT_INDEX_FILE": str(index)}
    repository.git("read-tree", "main", environment=environment)
    return environment


def _with(repository: Repository, content: bytes) -> dict[str, str]:
    """The variables of an index that has a file with this content besides."""
    index = _index(repository)
    entry = f"100644,{repository.blob(content)},src/x"
    repository.git("update-index", "--add", "--cacheinfo", entry, environment=index)
    return index
