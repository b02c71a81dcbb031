"""`specguard init` in a repository that has a past: what it proposes, and that what it advises works."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Repository, run_here
from specguard.testing.repository import clean_environment
from specguard.testing.running import command
from tests.outcomes import ended
from tests.rows import rows

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Outcome

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM2YHx0V4/ZcQJJU2wqXfGelx3/q4THMljpcJncSsziP alice@desk #1"
FILE = "SPEC_AUTHORITY.md"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A public key."""
    file = tmp_path / "alice.pub"
    file.write_text(f"{KEY}\n")
    return file


def init(repository: Repository, *words: str) -> Outcome:
    return run_here("init", *words, directory=repository.path)


def checked(repository: Repository, *words: str) -> str:
    """The verdict of a check, as one word."""
    outcome = run_here("check", "--output-format", "json", *words, directory=repository.path)
    return str(outcome.report["verdict"])


def typed(repository: Repository, outcome: Outcome) -> list[str]:
    """Type the commands that were printed, each on a line of its own."""
    lines = [line.strip() for line in outcome.stdout.splitlines() if line.startswith("  ")]
    for line in lines:
        if line.startswith("git "):
            repository.git("-c", "alias.x=!sh -c", "x", line)
    return lines


def test_an_approver_is_written_with_their_key(repository: Repository, key: Path) -> None:
    repository.commit("chore: start", files={"a": "a\n"})
    said = ended(init(repository, "--approver", f"alice <alice@example.org>={key}"))
    assert "nobody may approve" not in said.stdout
    text = repository.read(FILE).decode()
    assert 'name = "alice"\nemails = ["alice@example.org"]\nkey = "ssh-ed25519 AAAA' in text
    assert 'may = ["PTH002", "PTH004"]\n```' in text
    assert "#1" not in text
    typed(repository, said)
    repository.branch("later")
    repository.commit("docs: more", files={FILE: text + "\n## More\n"})
    assert "alice may approve this" in run_here("check", directory=repository.path).stdout
    again = init(repository, "--approver", f"alice <alice@example.org>={key}")
    assert again.stdout == "SPEC_AUTHORITY.md has that already\n"
    assert repository.read(FILE).decode() == text + "\n## More\n"


def test_an_approver_without_a_public_key_is_refused(repository: Repository) -> None:
    repository.write("alice", "-----BEGIN OPENSSH PRIVATE KEY-----\n")
    repository.write("a", "a\n")
    for option, said in rows(__file__, "an_approver_without_a_public_key_is_refused"):
        assert said in ended(init(repository, "--approver", option), 2).stderr
    assert not (repository.path / FILE).exists()


def test_without_an_approver_it_says_how_the_first_is_added_and_that_works(
    repository: Repository, key: Path
) -> None:
    repository.commit("chore: start", files={"a": "a\n"})
    said = ended(init(repository))
    assert "approver" not in repository.read(FILE).decode()
    assert "specguard init --approver NAME=KEYFILE" in said.stdout
    typed(repository, said)
    repository.branch("approver")
    assert "[[approvals.approver]]" in init(repository, "--approver", f"alice={key}", "--print").stdout
    typed(repository, init(repository, "--approver", f"alice={key}"))
    assert checked(repository) == "accepted"
    ended(init(repository, "--approver", f"Alice={key}"), 2)
    assert repository.git("status", "--porcelain") == ""


def test_on_a_terminal_it_asks_who_may_approve(repository: Repository, key: Path) -> None:
    repository.commit("chore: start", files={"a": "a\n"})
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [command(), "init"],
        cwd=repository.path, env=clean_environment(), stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.write(ours, f"alice\n{key}\n".encode())
    assert process.wait(60) == 0
    os.close(theirs)
    assert b"Who may approve" in os.read(ours, 1 << 16)
    assert 'name = "alice"' in repository.read(FILE).decode()


def test_each_next_step_passes(repository: Repository) -> None:
    hooks = "repos:\n- repo: https://example.org/lint\n  rev: v1\n  hooks:\n  - id: lint\n"
    repository.commit("chore: start", files={".pre-commit-config.yaml": hooks, "Jenkinsfile": "x\n"})
    repository.branch("adopt")
    said = init(repository)
    assert "add specguard to .pre-commit-config.yaml" in said.stdout
    hooks += "- repo: https://example.org/specguard\n  rev: v1\n  hooks:\n  - id: specguard\n"
    repository.write(".pre-commit-config.yaml", hooks)
    repository.stage()
    typed(repository, said)
    assert checked(repository) == "passed"
    assert run_here("doctor", directory=repository.path).exit_code == 0
    assert run_here("policy", directory=repository.path).exit_code == 0
    repository.checkout("main")
    repository.git("merge", "-q", "--ff-only", "adopt")
    repository.branch("pin")
    repository.commit("chore: pin", files={".pre-commit-config.yaml": hooks.replace("v1", "v2", 1)})
    assert checked(repository) == "passed"
    repository.commit(
        "chore: drop", files={".pre-commit-config.yaml": hooks.partition("- repo: https://example.org/sp")[0]}
    )
    assert checked(repository) == "failed"


def test_on_trunk_without_a_remote_checks_work_right_after_it(tmp_path: Path, key: Path) -> None:
    repository = Repository(tmp_path / "work", branch="trunk")
    repository.commit("chore: start", files={"LICENSE": "mine\n"})
    typed(repository, init(repository))
    assert 'base = "trunk"' in repository.read(FILE).decode()
    assert run_here("doctor", directory=repository.path).exit_code == 0
    on_base = run_here("check", "--output-format", "json", directory=repository.path)
    assert (on_base.exit_code, on_base.report["authority"]["trusted"]) == (0, False)
    assert on_base.report["notes"] == ["trunk is taken for the base itself, so nothing is judged against it."]
    repository.branch("approver")
    typed(repository, init(repository, "--approver", f"alice={key}"))
    assert checked(repository) == "accepted"
    assert checked(repository, "--authority", FILE) != "accepted"
    repository.checkout("trunk")
    repository.branch("feature")
    repository.commit("feat: mine", files={"LICENSE": "yours\n"})
    assert checked(repository) == "failed"
    assert init(repository).exit_code == 2
    assert run_here("check", "--enforce", directory=repository.path).exit_code == 2


def test_an_authority_that_is_not_committed_yet_is_told_with_its_errors(repository: Repository) -> None:
    repository.commit("chore: start", files={"a": "a\n"})
    tried = (("policy",), ("check",), ("check", "--staged"), ("doctor",))
    repository.write(FILE, '# Authority\n\n```toml specguard\nbaze = "main"\n```\n')
    for words in tried:
        wrong = ended(run_here(*words, directory=repository.path), 1 if words == ("doctor",) else 2)
        assert "SPEC_AUTHORITY.md:4: the setting 'baze' is not known" in wrong.stdout + wrong.stderr
    settings = 'base = "main"\nrules.locked-path.paths = ["a"]'
    repository.write(FILE, f"# Authority\n\n```toml specguard\n{settings}\n```\n")
    for words in tried:
        right = ended(run_here(*words, directory=repository.path), 2 if words[0] == "check" else 0)
        assert "specguard check --authority SPEC_AUTHORITY.md" in right.stdout + right.stderr
    ended(run_here("check", "--authority", FILE, directory=repository.path))


def test_a_presets_code_is_where_the_code_is_and_is_held(repository: Repository) -> None:
    repository.commit("chore: start", files={"orchestrator/src/a.py": "a\n", "docs/x/y/src/b.md": "b\n"})
    said = init(repository, "--preset", "orchestrator")
    assert 'specs.code = ["orchestrator/src/**"]' in repository.read(FILE).decode()
    typed(repository, said)
    canaries = run_here("doctor", "--canary", directory=repository.path).stdout
    assert "SPC007 missing-spec-change: caught a change that touches only orchestrator/src/a.py" in canaries
    repository.branch("work")
    repository.commit("feat: more", files={"orchestrator/src/a.py": "b\n"})
    assert "SPC007" in run_here("check", "--output-format", "json", directory=repository.path).codes


def test_a_preset_that_guards_nothing_is_told(repository: Repository) -> None:
    repository.commit("chore: start", files={"cmd/a.go": "a\n"})
    typed(repository, init(repository, "--preset", "orchestrator"))
    canaries = run_here("doctor", "--canary", directory=repository.path).stdout
    assert "rules have something to judge; no file is under [specs] code" in canaries
    assert (
        "SPC007 missing-spec-change: did not fire: no file is under [specs] code (src/**, packages/**)"
        in canaries
    )
    repository.branch("work")
    repository.commit("feat: more", files={"cmd/a.go": "b\n"})
    found = run_here("check", "--output-format", "json", directory=repository.path).report["findings"]
    told = next(one for one in found if one["code"] == "CFG002")
    assert "specs.code (src/**, packages/**) matches no file" in told["message"]
    assert told["location"]["path"] == FILE


def test_what_git_has_is_found_and_stands_once(repository: Repository) -> None:
    licences = ("LICENSE.txt", "license.md", "LICENSE-MIT", "COPYING", "LICENCE")
    files = {"docs/api/a.yaml": "a\n", ".gitignore": "docs/product/\n", "src/license.py": "a\n"}
    repository.commit("chore: start", files={**files, **dict.fromkeys(licences, "mine\n")})
    for folder in (".github/workflows", ".circleci", "docs/product"):
        (repository.path / folder).mkdir(parents=True)
    (repository.path / "docs/product/x").write_text("x\n")
    ended(init(repository, "--forbid", "docs/api", "--lock", FILE))
    text = repository.read(FILE).decode()
    assert not re.search(r"workflows|circleci|product|license\.py", text)
    assert all(f"- `{name}`: the licence." in text for name in licences)
    assert text.count("- `docs/api") == text.count(f"- `{FILE}`") == 1
