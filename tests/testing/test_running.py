"""Running the command, installed and in this process alike, and the examples of a rule's docstring."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from specguard.rules import Rule
from specguard.testing import Case, Outcome, check_rule, examples, run, run_case, run_here
from tests.executor.places import program


@pytest.mark.parametrize("arguments", [["--version"], ["check", "--stagd"], ["no-such-command"]])
def test_both_ways_of_running_give_the_same(arguments: list[str], tmp_path: Path) -> None:
    assert run(*arguments, directory=tmp_path) == run_here(*arguments, directory=tmp_path)


def test_a_run_in_this_process_puts_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECGUARD_TEST", "kept")
    before = os.getcwd(), dict(os.environ), sys.stdin, sys.stdout, sys.stderr
    # Not only the command is interrupted.
    monkeypatch.setattr("specguard.cli._run", lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run_here("check", "--range=x", directory=tmp_path, env={"OTHER": "1"})
    assert (os.getcwd(), dict(os.environ), sys.stdin, sys.stdout, sys.stderr) == before


def test_what_is_read_and_written_past_pythons_streams_is_given_and_caught(tmp_path: Path) -> None:
    """Hooks do so, and set an alarm."""
    before = signal.getsignal(signal.SIGALRM)
    for event in ("", "{}", '{"hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": {}}'):
        here = run_here("hook", "claude", directory=tmp_path, stdin=event)
        assert here == run("hook", "claude", directory=tmp_path, stdin=event)
    assert (signal.getsignal(signal.SIGALRM), signal.alarm(0)) == (before, 0)


def test_programs_are_found_where_this_process_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "git", 'touch "$(dirname "$0")/asked"\nexit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    # A test's own thread can run it.
    ThreadPoolExecutor().submit(run_here, "check", directory=tmp_path).result()
    assert (tmp_path / "asked").exists()


def test_several_reports_are_one_a_line() -> None:
    outcome = Outcome(1, '{"findings": [{"code": "A"}]}\n{"findings": [{"code": "B"}]}\n', "")
    assert outcome.codes == ["A", "B"]
    for texts in (("trouble", ""), ("", "trouble")):
        with pytest.raises(AssertionError, match="no JSON report, exit code 2"):
            _ = Outcome(2, *texts).report


CASE = """
policy = '''
[rules.forbidden-path]
paths = ["docs/api/"]
'''
base = {files = {"docs/api/x" = "a"}}
commits = [{files = {"docs/api/x" = "b"}}]
args = ["--select=PTH001"]
"""


@pytest.mark.parametrize("installed", [True, False])
def test_a_case_passes_or_says_every_difference(installed: bool, tmp_path: Path) -> None:
    good = Case.from_toml(
        CASE + 'expect = [{code = "PTH001", path = "docs/api/x"}]\nstates = {PTH001 = "failed"}'
    )
    assert run_case(good, tmp_path / "kept", installed=installed).exit_code == 1
    assert (tmp_path / "kept" / "repository" / ".git").is_dir()

    with pytest.raises(AssertionError) as refused:
        run_case(Case.from_toml(CASE + 'states = {PTH001 = "passed"}', "mine"), installed=installed)
    said = str(refused.value)
    assert said.startswith("mine: not as expected\n  found PTH001 docs/api/x: ")
    assert "PTH001 is failed, expected passed" in said


# The examples of a rule's docstring


class Sample(Rule):
    """A sample.

        ```toml fails
        indented = "as code is text, not an example"
        ```

    ```toml fails
    policy = '''
    [rules.sample]
      deep = true
    '''
    expect = [{path = "a"}]
    ```

    ```toml passes
    branch = "x"
    ```

    ```toml
    other = 1
    ```
    """

    code: ClassVar[str] = "XYZ001"
    name: ClassVar[str] = "sample"


class Undocumented(Rule):
    """A rule that has one example.

    ```toml fails
    ```
    """

    code: ClassVar[str] = "XYZ002"
    name: ClassVar[str] = "undocumented"


def test_examples_are_found_with_their_indentation_taken_away() -> None:
    found = examples(Sample)
    assert [example.name for example in found] == ["XYZ001-fails-1", "XYZ001-passes-2"]
    assert found[0].case.policy == "[rules.sample]\n  deep = true\n"
    assert found[0].case.expect == [{"code": "XYZ001", "path": "a"}]
    assert (found[1].case.states, found[1].case.args) == ({"XYZ001": "passed"}, ["--select=XYZ001"])


def test_a_rule_without_an_example_of_each_kind_or_an_installed_plugin_is_refused() -> None:
    for rule, said in ((Undocumented, "undocumented has no example that passes"), (Sample, "'tests': pip")):
        with pytest.raises(AssertionError, match=said):
            check_rule(rule)
