"""CNT001 and CNT002 on what is large, costly or no text; `tests/cases/content` has the rest."""

import time
from pathlib import Path

import pytest

from specguard.testing import Repository, Step, run_here
from tests.changes import older_git
from tests.rules.items import judge

TODO = "[[rules.forbidden-content.forbid]]\npattern = '\\bTODO\\b'\n"


def test_a_costly_expression_costs_nothing(tmp_path: Path) -> None:
    policy = "[[rules.forbidden-content.forbid]]\npattern = '(a+)+$'\n"
    text = "a" * 50_000 + "!\n" + " " * 50_000 + "b\n"
    start = time.monotonic()
    judge("CNT001", tmp_path, policy=policy, commits=[Step("feat: x", files={"a": text})])
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("pattern", ["(a", "(?=a)", "(a)\\1", ""])
def test_a_pattern_that_is_no_re2_is_an_error_of_the_policy(pattern: str, tmp_path: Path) -> None:
    policy = f"[[rules.forbidden-content.forbid]]\npattern = '{pattern}'\n"
    judge("CNT001", tmp_path, policy=policy, exit_code=2, error="the expression")


def test_many_lines_of_a_file_are_counted(tmp_path: Path) -> None:
    expect = [{"path": "a", "line": line + 1} for line in range(100)]
    expect.append({"path": "a", "line": None, "message": "30 more added lines"})
    commits = [Step("feat: x", files={"a": "TODO\n" * 130})]
    outcome = judge("CNT001", tmp_path, policy=TODO, commits=commits, expect=expect)
    assert len({finding["fingerprint"] for finding in outcome.report["findings"]}) == 101


def test_binary_files_are_counted(tmp_path: Path) -> None:
    steps = [Step("feat: x", files={"a.bin": "\1\0TODO\n", "b.bin": "\0", "c": "x"})]
    report = tmp_path / "report.txt"
    judge("CNT001", tmp_path, policy=TODO, commits=steps, args=["--explain", f"--output=text={report}"])
    assert "lines (2 binary files skipped)" in report.read_text()


def test_a_large_file_matters_only_where_a_ci_file_runs_it(tmp_path: Path) -> None:
    ci = ".github/workflows/ci.yml"
    workflow = "jobs:\n  a:\n    steps:\n      - run: sh ci/s.sh\n"
    case = {
        "policy": f'rules.host-network-call.files = ["{ci}"]',
        "base": [Step(files={ci: workflow, "ci/s.sh": "x\n"})],
    }
    large = "curl localhost\n" * (1 << 20) + "x" * (1 << 21)
    judge("CNT002", tmp_path / "other", **case, commits=[Step(files={"bin/tool": large})])
    commits = [Step(files={"ci/s.sh": large})]
    judge("CNT002", tmp_path / "run", **case, commits=commits, state="indeterminate")


@pytest.mark.parametrize(("last", "code"), [("1\n2\nTODO\n", 1), ("0\n2\n", 0)])
def test_an_older_git_compares_whole_files_with_what_the_base_has_by_now(
    last: str, code: int, tmp_path: Path
) -> None:
    repository = Repository(tmp_path / "shop")
    authority = f"# Authority\n\n```toml specguard\n{TODO}```\n"
    repository.commit("docs: state it", files={"a": "1\n2\nTODO\n", "SPEC_AUTHORITY.md": authority})
    repository.branch("topic")
    repository.commit("fix: as the base", files={"a": "1\n2\n"})
    repository.commit("fix: once more", files={"a": last})
    repository.checkout("main")
    repository.commit("fix: done", files={"a": "1\n2\n", "b": "b\n"})
    repository.checkout("topic")
    words = ("check", "--base=main", "--select=CNT001")
    done = run_here(*words, directory=repository.path, env={"PATH": older_git(repository, tmp_path)})
    assert done.exit_code == code, done
