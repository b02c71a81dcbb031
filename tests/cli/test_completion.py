"""Completion of command lines, as bash, zsh and fish ask for it, each through its own protocol."""

import shutil
import subprocess
from pathlib import Path

import pytest

from specguard.cli.app import COMMANDS
from specguard.declaration.registry import FORMATS
from specguard.testing import Repository, run_here
from specguard.testing.repository import clean_environment
from specguard.testing.running import command
from tests.outcomes import ended, there
from tests.rows import rows

SHELLS = ("bash", "zsh", "fish")


def complete(shell: str, line: str, directory: Path) -> list[str]:
    """What a shell is told about a line that ends in the word to complete."""
    words = line.split(" ")
    env = {"_SPECGUARD_COMPLETE": f"{shell}_complete", "COMP_WORDS": line}
    env["COMP_CWORD"] = words[-1] if shell == "fish" else str(len(words) - 1)
    outcome = ended(run_here(directory=directory, env=env))
    assert not outcome.stderr
    lines = outcome.stdout.splitlines()
    if shell == "zsh":
        return lines[1::3]
    return [line.split(",", 1)[1].split("\t")[0] for line in lines if line]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script_that_asks_this_command(shell: str, tmp_path: Path) -> None:
    outcome = ended(run_here(directory=tmp_path, env={"_SPECGUARD_COMPLETE": f"{shell}_source"}))
    assert f"_SPECGUARD_COMPLETE={shell}_complete" in outcome.stdout
    program = shutil.which(shell)
    if program:
        subprocess.run([program, "-n"], input=outcome.stdout, text=True, check=True, capture_output=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_completed(shell: str, tmp_path: Path) -> None:
    whole = [("specguard ", list(COMMANDS)), ("specguard check --output-format ", [*FORMATS])]
    for line, expected in [*rows(__file__, "lines"), *whole]:
        assert complete(shell, line, tmp_path) == expected


def test_bash_completes_a_line(tmp_path: Path) -> None:
    script = """
        eval "$(_SPECGUARD_COMPLETE=bash_source specguard)"
        COMP_WORDS=(specguard pol) COMP_CWORD=1 COMP_LINE="specguard pol" COMP_POINT=13
        complete -p specguard | grep -q _specguard_completion && _specguard_completion specguard pol specguard
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    environment = clean_environment()
    environment["PATH"] = f"{command().rpartition('/')[0]}:{environment['PATH']}"
    words = [there(shutil.which("bash")), "-e", "-c", script]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "policy\n", done.stderr


def test_a_shell_that_is_not_known_gets_nothing(tmp_path: Path) -> None:
    outcome = ended(run_here(directory=tmp_path, env={"_SPECGUARD_COMPLETE": "tcsh_source"}), 2)
    assert not outcome.stdout
    assert "bash, zsh and fish" in outcome.stderr


@pytest.mark.parametrize("asked", ["bash_source", "zsh_complete"])
def test_a_command_that_is_given_is_run_whatever_the_environment_asks(
    repository: Repository, asked: str
) -> None:
    authority = "# Authority\n\n## Locked zones\n\n- `locked/`\n"
    repository.commit("chore: base", files={"SPEC_AUTHORITY.md": authority, "locked/p": "one\n"})
    repository.branch("work")
    repository.commit("feat: change", files={"locked/p": "two\n"})
    env = {"_SPECGUARD_COMPLETE": asked, "COMP_WORDS": "specguard ", "COMP_CWORD": "1"}
    outcome = ended(run_here("check", "--enforce", "--base=main", directory=repository.path, env=env), 1)
    assert "PTH002" in outcome.stdout
