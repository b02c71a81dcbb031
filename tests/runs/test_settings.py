"""Settings of runs: their root, the versions of agents, and their words of high trust."""

import shlex
import subprocess

import pytest

from specguard.errors import SpecguardError
from specguard.runs.command_inspection import high_trust
from specguard.runs.files import expand_path
from specguard.runs.settings import check_root, version_clauses, version_in
from specguard.testing import Repository, run_here
from tests.outcomes import ended
from tests.rows import rows

ENVIRONMENT = {"HOME": "/home/ann", "SET": "/a b/$HOME", "EMPTY": "", "OWN": "~/kept", "OTHER": "~bob"}


@pytest.mark.parametrize("text", rows(__file__, "a_path_is_filled_in_as_a_shell_does"))
def test_a_path_is_filled_in_as_a_shell_does(text: str) -> None:
    word = text if text.startswith("~") else f'"{text}"'
    said = subprocess.run(
        ["sh", "-c", f"printf %s {word}"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert expand_path(text, ENVIRONMENT) == said.stdout
    assert expand_path("$OWN/runs", ENVIRONMENT) == "/home/ann/kept/runs"


@pytest.mark.parametrize("text", ["${CODEX_HOME:-$HOME/.codex}/runs", "~/${RUNS:-kept}", "runs}"])
def test_a_policy_may_name_variables_that_only_some_machines_have(text: str) -> None:
    check_root(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{repo}/runs", "write it as ${repo} or ${repo:-default}"),
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
        expand_path(text, ENVIRONMENT)
    assert said in str(raised.value)
    assert raised.value.help


@pytest.mark.parametrize(("command", "told"), rows(__file__, "words_of_high_trust_are_told_and_no_others"))
def test_words_of_high_trust_are_told_and_no_others(command: str, told: list[str]) -> None:
    words = shlex.split(command)
    assert high_trust(words) == told
    assert high_trust(words, told) == []
    assert high_trust(words, ["something else"]) == told


@pytest.mark.parametrize(("command", "allowed"), rows(__file__, "each_is_allowed_by_its_name"))
def test_each_is_allowed_by_its_name(command: str, allowed: str) -> None:
    assert high_trust(shlex.split(command), [allowed]) == []


def test_one_that_is_allowed_allows_no_other() -> None:
    words = ["codex", "--yolo", "--sandbox", "danger-full-access"]
    assert high_trust(words, ["danger-full-access"]) == ["--yolo"]


@pytest.mark.parametrize(("printed", "version"), rows(__file__, "the_version_that_a_tool_prints"))
def test_the_version_that_a_tool_prints(printed: str, version: str) -> None:
    assert (version_in(printed) or "none") == version


@pytest.mark.parametrize(("version", "wanted", "may"), rows(__file__, "whether_it_may_be_used"))
def test_whether_it_may_be_used(version: str, wanted: str, may: bool) -> None:
    assert bool(version_in(version, wanted)) is may


@pytest.mark.parametrize("text", ["latest", ">=", "0.40 - 0.50", ">=0.40,", ">=1.*", "!=0.41.2", "<=1.0"])
def test_what_says_nothing_about_versions(text: str) -> None:
    with pytest.raises(ValueError, match="does not say which versions may be used"):
        version_clauses(text)
