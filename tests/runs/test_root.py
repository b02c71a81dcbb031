"""Where runs are kept: the path of the policy, or of `--run-root`, with what a shell fills in."""

from __future__ import annotations

import subprocess

import pytest

from specguard.errors import SpecguardError
from specguard.runs.files import expanded
from specguard.runs.settings import check_root
from specguard.testing import Repository, run_here
from tests.outcomes import ended
from tests.rows import rows

ENVIRONMENT = {"HOME": "/home/ann", "SET": "/a b/$HOME", "EMPTY": "", "PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize("text", rows(__file__, "a_path_is_filled_in_as_a_shell_does"))
def test_a_path_is_filled_in_as_a_shell_does(text: str) -> None:
    word = text if text.startswith("~") else f'"{text}"'
    said = subprocess.run(
        ["sh", "-c", f"printf %s {word}"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert expanded(text, ENVIRONMENT) == said.stdout


@pytest.mark.parametrize("text", ["${CODEX_HOME:-$HOME/.codex}/runs", "~/${RUNS:-kept}", "~$SET", "runs}"])
def test_a_policy_may_name_variables_that_only_some_machines_have(text: str) -> None:
    assert check_root(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{repo}/runs", "has {repo}, which is no variable: write ${repo}"),
        ("${HOME-x}/runs", "write it as ${HOME} or ${HOME:-default}"),
        ("${HOME:-$(pwd)}/runs", "write it as ${VAR}"),
        ("~bob/runs", "write ~/ for your own"),
    ],
)
def test_a_policy_with_what_no_run_can_read_is_refused(repository: Repository, text: str, said: str) -> None:
    policy = f"# A\n\n```toml specguard\n[runs]\nroot = '{text}'\n```\n"
    repository.commit("docs: authority", files={"SPEC_AUTHORITY.md": policy})
    for words in (("check", "--root"), ("policy",)):
        outcome = ended(run_here(*words, directory=repository.path), 2)
        assert "SPEC_AUTHORITY.md:5: `runs.root` is wrong" in outcome.stderr
        assert said in outcome.stderr


@pytest.mark.parametrize(("text", "said"), rows(__file__, "what_is_no_variable_or_has_no_value_is_refused"))
def test_what_is_no_variable_or_has_no_value_is_refused(text: str, said: str) -> None:
    with pytest.raises(SpecguardError) as raised:
        expanded(text, ENVIRONMENT)
    assert said in str(raised.value)
    assert raised.value.help
