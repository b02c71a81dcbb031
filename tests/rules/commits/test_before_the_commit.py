"""What is asked of a message and its author is asked while the commit is being written, and not too early."""

import os
import re
import subprocess

import pytest

from specguard.testing import Repository
from specguard.testing.running import command, run_here
from tests.executor.places import program

POLICY = """# Authority

```toml specguard
base = "main"

[[rules.missing-trailer.require]]
key = "Signed-off-by"
by_author = true

[rules.commit-message]
conventional = true

[[rules.missing-companion.companions]]
when = ["src/**"]
require = ["docs/**"]
trailer = "Docs-Impact"
```
"""
IDENTITY = {
    f"GIT_{role}_{name}": value
    for role in ("AUTHOR", "COMMITTER")
    for name, value in (("NAME", "Ann Example"), ("EMAIL", "ann@example.org"))
}
SIGNED = "feat: x\n\nSigned-off-by: Ann Example <ann@example.org>\n"


@pytest.fixture
def hooked(repository: Repository) -> Repository:
    """A repository on a branch, with a commit-msg hook."""
    repository.commit("feat: base", files={"SPEC_AUTHORITY.md": POLICY, "src/a": "1\n", "docs/a": "1\n"})
    repository.branch("work")
    program(repository.git_dir / "hooks" / "commit-msg", f'exec "{command()}" check --commit-msg-file "$1"')
    return repository


def commit(repository: Repository, message: str, *words: str, path: str = "b") -> str:
    """What git and the hook say of a commit; empty where it was made."""
    repository.write(path, os.urandom(4).hex())
    repository.stage()
    done = repository.process("commit", "-q", "-m", message, *words, hooks=True)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()


def typed(repository: Repository, said: str) -> None:
    found = re.search(r"`(git commit [^`]*)`", " ".join(said.split()))
    assert found, said
    environment = {**repository.environment, **IDENTITY}
    step = ["bash", "-c", found[1].replace("REASON", "a name")]
    subprocess.run(step, cwd=repository.path, env=environment, check=True, capture_output=True)


def test_a_sign_off_of_the_author_is_asked_for(hooked: Repository) -> None:
    said = commit(hooked, "feat: x")
    assert "has no trailer Signed-off-by" in said
    typed(hooked, said)
    assert hooked.git("log", "-1", "--format=%B").strip() == SIGNED.strip()
    assert "of its author, Ann Example" in commit(hooked, "feat: x\n\nSigned-off-by: Bo <bo@example.org>")
    assert commit(hooked, SIGNED) == ""
    assert commit(hooked, "feat: x", "--signoff") == ""


def test_a_companion_is_asked_for_with_the_message(hooked: Repository) -> None:
    said = commit(hooked, SIGNED, path="src/a")
    assert "PTH007" in said
    assert "error: src/a changed, and nothing in docs/** did" in said
    typed(hooked, said)
    assert "Docs-Impact: a name" in hooked.git("log", "-1", "--format=%B")
    assert commit(hooked, SIGNED.rstrip() + "\nDocs-Impact: none, a name\n", path="src/a") == ""
    hooked.write("docs/a", "2\n")
    assert commit(hooked, SIGNED, path="src/a") == ""
    assert commit(hooked, SIGNED) == "", "nothing of it asks for a companion"


def test_a_merge_is_asked_for_neither(hooked: Repository) -> None:
    commit(hooked, SIGNED)
    hooked.checkout("main")
    hooked.commit("feat: main", files={"src/a": "2\n"})
    hooked.checkout("work")
    assert hooked.process("merge", "-q", "--no-ff", "-m", "Merge main", "main", hooks=True).returncode == 0


@pytest.mark.parametrize("word", ["fixup", "squash", "amend"])
def test_what_is_to_be_squashed_is_judged_before_a_push(hooked: Repository, word: str) -> None:
    assert commit(hooked, SIGNED) == ""
    assert commit(hooked, f"{word}! feat: x", path="src/a") == ""
    outcome = run_here("check", "--select=CMT005", directory=hooked.path)
    assert "waits to be squashed" in outcome.stdout


def test_on_a_detached_head_a_branch_is_asked_for_before_a_push(repository: Repository) -> None:
    form = "[rules.commit-message]"
    policy = POLICY.replace(form, f'[rules.branch-name]\npattern = "^feat/"\n\n{form}')
    repository.commit("feat: base", files={"SPEC_AUTHORITY.md": policy, "src/a": "1\n"})
    repository.checkout("main", detach=True)
    repository.write("b", "1")
    repository.stage()
    for word in ("--staged", "--worktree"):
        assert run_here("check", "--select=BRN001", word, directory=repository.path).exit_code == 0
    repository.commit("feat: x")
    assert run_here("check", "--select=BRN001", directory=repository.path).exit_code == 2
    ref = f"HEAD {repository.oid()} refs/heads/other {'0' * 40}\n"
    pushed = run_here("check", "--select=BRN001", "--push", directory=repository.path, stdin=ref)
    assert "the branch 'other' does not match" in pushed.stdout
