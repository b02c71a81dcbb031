"""What is asked of a message and its author is asked while the commit is being written, and not too early."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specguard.testing import Repository
from specguard.testing.running import run_here

if TYPE_CHECKING:
    pass

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


def commit(repository: Repository, message: str, *words: str, path: str = "b") -> str:
    """What git and the hook say of a commit; empty where it was made."""
    repository.write(path, os.urandom(4).hex())
    repository.stage()
    done = repository.process("commit", "-q", "-m", message, *words, hooks=True)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()


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
