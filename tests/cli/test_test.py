"""`specguard test`: case files, the tables of an authority, what is said where they differ, and errors."""

from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Outcome, Repository, run, run_here
from tests.cli.no_foo import install_no_foo
from tests.outcomes import data_of, ended
from tests.rows import rows
from tests.scripts import DATA, play, scripts

AUTHORITY = (DATA / "tried.md").read_text()
SIGNED = (DATA / "signed.toml").read_text()
INLINE = (DATA / "expectations.toml").read_text()


@pytest.fixture
def guarded(repository: Repository) -> Repository:
    repository.commit("chore: start", files={"SPEC_AUTHORITY.md": AUTHORITY.format(tests=INLINE)})
    return repository


def tried(repository: Repository, content: str, code: int) -> Outcome:
    """What comes of a case in a file, which ends with this exit code."""
    repository.write("mine.toml", content)
    return ended(run_here("test", "mine.toml", directory=repository.path), code)


def stated(repository: Repository, tests: str, code: int) -> Outcome:
    """What comes of the tables of an authority, which ends with this exit code."""
    repository.write("SPEC_AUTHORITY.md", AUTHORITY.format(tests=tests))
    return ended(run_here("test", directory=repository.path), code)


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_tried(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)


def test_the_tables_change_no_setting_and_no_verdict(guarded: Repository) -> None:
    """They are no part of the policy, so what a change says there loosens nothing."""
    ids = set()
    guarded.branch("trunk")
    for tests in ("", INLINE, "[[should-pass]]\nnonsense = 1\n", "[should-fail]\nnonsense = 1\n"):
        guarded.commit("docs: x", files={"SPEC_AUTHORITY.md": AUTHORITY.format(tests=tests)})
        ids.add(data_of(guarded, "policy")["policy_id"])
    assert len(ids) == 1


def test_what_a_change_expects_of_itself_has_no_influence(guarded: Repository) -> None:
    guarded.branch("trunk")
    guarded.branch("work")
    allowed = '\n[[should-pass]]\ncommits = {message = "docs: x", files = {"docs/api/x.yaml" = "b"}}\n'
    text = guarded.read("SPEC_AUTHORITY.md").decode().replace(INLINE, INLINE + allowed)
    guarded.commit("docs: x", files={"SPEC_AUTHORITY.md": text, "docs/api/x.yaml": "b"})
    findings = data_of(guarded, "check", "--base=trunk", code=1)["findings"]
    assert [one["code"] for one in findings if one["severity"] == "error"] == ["PTH001"]
    assert run_here("test", directory=guarded.path).exit_code == 1


def test_what_is_not_written_as_a_case_is_an_error_with_its_line(guarded: Repository) -> None:
    deep = {"content": "expect = " + "[" * 3000 + "]" * 3000, "said": "it is nested more than 50 levels deep"}
    for row in [*rows(__file__, "not_written_as_a_case"), deep]:
        done = tried(guarded, row["content"], 2)
        assert row["said"] in done.stderr, done
        assert "internal error" not in done.stderr, done
        assert not done.stdout


def test_a_case_reaches_nothing_outside_of_its_repository(guarded: Repository, tmp_path: Path) -> None:
    """A case may come with a change of anybody's: it is data, and no program."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for row in rows(__file__, "reaching_outside"):
        done = tried(guarded, row["content"].replace("OUT", str(outside)), 2)
        assert row["said"] in str(done), done
        assert not list(outside.iterdir())
    # Nor does a policy lead a record of it there.
    content = (
        SIGNED.replace("policy = '''\n", "policy = '''\n[approvals]\nlog = 'out/'\n")
        + f'base = {{symlinks = {{out = "{outside}"}}}}\n'
        'approvals = [{rules = ["PTH001"], approver = "alice", place = "local"}]\n'
    )
    done = tried(guarded, content, 2)
    assert not list(outside.iterdir()), done
    assert "is not a path in the working tree" in done.stdout, done


def test_reports_for_programs(guarded: Repository) -> None:
    guarded.write("tests/policy/a.toml", 'commits = {message = "docs: x", files = {"docs/api/y" = "b"}}\n')
    data = data_of(guarded, "test", code=1)
    assert data["schema"] == "specguard.test/1"
    assert data["counts"] == {"cases": 4, "failed": 1, "errors": 0}
    [failed] = [case for case in data["cases"] if not case["passed"]]
    assert failed["path"] == "tests/policy/a.toml"
    assert failed["differences"][0]["kind"] == "unexpected"


def test_rules_of_a_plugin_that_the_policy_names_are_tried(repository: Repository, tmp_path: Path) -> None:
    install_no_foo(tmp_path)
    tests = '[[should-fail]]\ncommits = {message = "feat: x", files = {foo = "b"}}\nexpect = ["ACM001"]\n'
    text = AUTHORITY.format(tests=tests).replace("base =", 'plugins = ["acme"]\nbase =')
    repository.write("SPEC_AUTHORITY.md", text)
    env = {"PYTHONPATH": str(tmp_path)}
    # What it prints is not in the report.
    assert run("test", "--output-format=json", directory=repository.path, env=env).report["passed"]
    done = ended(run_here("test", directory=repository.path), 2)
    assert "the plugin 'acme' is not installed" in done.stderr
    repository.commit("chore: start")
    repository.git("branch", "trunk")
    # The second time the policy is read from the cache, and imports the rule alone.
    for _ in range(2):
        outcome = run("why", "foo", "--output-format=json", directory=repository.path, env=env)
        assert outcome.stdout.strip() == "[]"


def test_nothing_is_left_in_the_folder_of_temporary_files(guarded: Repository, tmp_path: Path) -> None:
    """Private keys that approvals were signed with least of all."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    guarded.write("mine.toml", SIGNED + 'approvals = [{rules = ["PTH001"], approver = "alice"}]\n')
    done = run_here("test", "mine.toml", directory=guarded.path, env={"TMPDIR": str(temporary)})
    assert "cannot be tried" not in done.stdout, done
    assert list(temporary.iterdir()) == []


def test_what_is_not_as_expected_is_said(guarded: Repository) -> None:
    (guarded.path / "tests" / "policy").mkdir(parents=True)  # with nothing in it
    for row in rows(__file__, "tried"):
        trial, text = (tried, row["content"]) if "content" in row else (stated, row["tables"])
        done = trial(guarded, text, row["code"])
        assert all(part in done.stdout for part in row.get("printed", [])), done
        assert all(part in done.stderr for part in row.get("told", [])), done
        assert row.get("not", "internal error") not in str(done), done
