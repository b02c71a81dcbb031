"""Changes that try to get past the guard beside the rules: by base, policy, names and environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Outcome, Repository, run_here
from tests.threats.cases import threat
from tests.threats.guarded import LOCKED, errors, fails

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

AUTHORITY = """\
# Authority

```toml specguard
[rules.branch-name]
pattern = "^feature/"

[rules.locked-path]
paths = ["locked/", "later/api/", "**/secret", "some/*/where/"]
```
"""
ZERO = "0" * 40


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """A base with a locked file, and a branch to work on."""
    repository.commit(
        "chore: base", files={"SPEC_AUTHORITY.md": AUTHORITY, "locked/p": "policy\n", "src/a": "a\n"}
    )
    repository.branch("work")
    return repository


def check(repo: Repository, *arguments: str, select: str = "PTH", **options: Any) -> Outcome:
    """Judge by some rules."""
    selected = [f"--select={select}"] if select else []
    return run_here("check", *selected, "--output-format=json", *arguments, directory=repo.path, **options)


# What is trusted


@threat("T72", "settings brought into `pyproject.toml` in another spelling", "exit 1: PTH004")
@pytest.mark.parametrize(
    "text",
    [
        "[tool]\nspecguard = {rules = {locked-path = {severity = 'off'}}}\n",
        "[tool.'specguard'.rules.locked-path]\nseverity = 'off'\n",
        "[tool . specguard . rules . locked-path]\nseverity = 'off'\n",
        '[tool."spec\\u0067uard".rules.locked-path]\nseverity = "off"\n',
    ],
)
@pytest.mark.parametrize("before", ["", "[project]\nname = 'x'\n"])
def test_settings_that_come_into_a_project_file_in_another_spelling(
    repo: Repository, text: str, before: str
) -> None:
    if before:
        repo.checkout("main")
        repo.commit("chore: project", files={"pyproject.toml": before})
        repo.git("rebase", "-q", "main", "work")
    repo.commit("feat: x", files={"pyproject.toml": before + text})
    fails(check(repo), ("PTH004", "pyproject.toml"))


def test_a_project_file_about_something_else_is_no_policy(repo: Repository) -> None:
    repo.commit("feat: x", files={"pyproject.toml": "[project]\ndependencies = ['specguard']\n"})
    assert check(repo).codes == []
    # Nor is one that is not TOML at all and does not speak of specguard.
    repo.commit("feat: y", files={"pyproject.toml": "[project\n"})
    assert check(repo).codes == []


def test_a_branch_called_head_that_was_fetched_is_not_the_default_branch(repo: Repository) -> None:
    repo.commit("feat: x", files={"locked/p": "EVIL\n"})
    repo.ref("refs/remotes/origin/main", "main")
    repo.ref("refs/remotes/origin/HEAD", "work")
    assert errors(check(repo)) == {LOCKED}
    repo.publish(head=True)
    assert errors(check(repo)) == {LOCKED}


def test_a_base_without_an_authority_that_the_authority_names(repo: Repository) -> None:
    repo.checkout("main")
    repo.branch("bare")
    repo.commit("chore: none", delete=["SPEC_AUTHORITY.md"])
    repo.checkout("main")
    named = AUTHORITY.replace("[rules.branch-name]", 'base = "bare"\n\n[rules.branch-name]')
    repo.commit("chore: base", files={"SPEC_AUTHORITY.md": named})
    repo.branch("other")
    repo.commit("feat: x", files={"locked/p": "EVIL\n", "SPEC_AUTHORITY.md": "# Nothing\n"})
    outcome = check(repo)
    assert outcome.exit_code == 2
    assert "bare, which the authority names as its base, has no authority" in outcome.stderr


@threat("T79", "another repository in the environment, where the verdict is the last word", "exit 1: PTH002")
def test_another_repository_in_the_environment_does_not_loosen_what_is_enforced(
    repo: Repository, tmp_path: Any
) -> None:
    other = Repository(tmp_path / "other")
    other.commit("chore: base", files={"SPEC_AUTHORITY.md": AUTHORITY})
    repo.commit("feat: x", files={"locked/p": "EVIL\n"})
    for env in ({"GIT_DIR": str(other.git_dir)}, {"GIT_WORK_TREE": str(other.path)}):
        outcome = check(repo, "--enforce", "--base=main", select="", env=env)
        assert LOCKED in errors(outcome)
        assert outcome.exit_code == 1


# A policy that is made to break its reader


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        (".".join(["a"] * 5000) + " = 1", "nested too deeply"),
        ("[" + ".".join(["a"] * 5000) + "]", "nested too deeply"),
        ("a = " + "{a = " * 60 + "1" + "}" * 60, "nested too deeply"),
        (f"[rules.oversized-change]\nlines = {'9' * 5000}", "a number that is too long"),
        (f"[rules.oversized-change]\nlines = 0x{'f' * 9000}", "a number that is too long"),
    ],
)
def test_settings_that_break_their_reader(repo: Repository, text: str, said: str) -> None:
    document = f"```toml specguard\n{text}\n```\n"
    repo.commit("feat: x", files={"SPEC_AUTHORITY.md": document})
    outcome = check(repo)
    assert errors(outcome) == {("PTH004", "SPEC_AUTHORITY.md")}
    assert said in outcome.stdout
    assert outcome.exit_code == 1
    # And in the base it is an error like any other, with its place.
    outcome = check(repo, "--base=work")
    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert "internal error" not in outcome.stderr


@pytest.mark.parametrize(
    "text",
    [
        ">" * 20000 + " x\n",
        "- " * 5000 + "x\n",
        "".join(f"{'  ' * depth}- x\n" for depth in range(500)),
        "> - " * 70 + "x\n",
    ],
)
def test_prose_that_breaks_its_reader(repo: Repository, text: str) -> None:
    repo.commit("feat: x", files={"SPEC_AUTHORITY.md": f"{AUTHORITY}\n{text}"})
    fails(check(repo), ("PTH004", "SPEC_AUTHORITY.md"))
    outcome = check(repo, "--base=work")
    assert outcome.exit_code == 2
    assert "the authority cannot be read: lists and quotes are nested too deeply" in outcome.stderr


def test_many_settings_take_a_reader_no_square_of_time(repo: Repository) -> None:
    paths = ", ".join(f"'p{number}/'" for number in range(60_000))
    titles = "\n".join(f"t{number} = 'nothing'" for number in range(10_000))
    text = f"```toml specguard\n[rules.locked-path]\npaths = [{paths}]\n[authority.sections]\n{titles}\n```\n"
    repo.commit("feat: x", files={"SPEC_AUTHORITY.md": text})
    assert ("PTH004", "SPEC_AUTHORITY.md") in errors(check(repo))


# What is judged


def test_a_fork_s_branch_with_the_name_of_the_base(repo: Repository, tmp_path: Any) -> None:
    repo.commit("feat: x", files={"src/b": "b\n"})
    event = tmp_path / "event.json"
    fields = {
        "number": 1,
        "title": "feat: x",
        "head": {"sha": repo.oid("work"), "ref": "main"},
        "base": {"ref": "main", "sha": repo.oid("main")},
    }
    event.write_text(json.dumps({"pull_request": fields}))
    assert check(repo, f"--pr-event={event}", select="BRN").codes == ["BRN001"]
    # What has landed there is no one's branch.
    pushed = {
        "ref": "refs/heads/main",
        "before": repo.oid("main"),
        "after": repo.oid("work"),
        "repository": {"default_branch": "main"},
    }
    event.write_text(json.dumps(pushed))
    assert check(repo, f"--pr-event={event}", select="BRN").codes == []


@pytest.mark.parametrize("path", ["later", "Later", "some", "some/x"])
def test_a_link_in_the_place_of_a_guarded_folder_that_is_not_there_yet(repo: Repository, path: str) -> None:
    repo.symlink(path, "../src" if "/" in path else "src")
    repo.commit("feat: x", files={"src/api/x": "x\n"})
    expected = set() if path == "some/x" else {("PTH006", path)}
    assert errors(check(repo)) == expected


def test_a_submodule_in_the_place_of_a_guarded_folder(repo: Repository) -> None:
    repo.checkout("main")
    repo.commit(
        "chore: any",
        files={
            "SPEC_AUTHORITY.md": AUTHORITY.replace(
                "[rules.branch-name]",
                '[rules.link-into-guarded-path]\nsubmodules = "any"\n\n[rules.branch-name]',
            )
        },
    )
    repo.branch("other")
    repo.submodule("later")
    repo.submodule("free")
    repo.commit("feat: x", stage=False)
    assert errors(check(repo)) == {("PTH006", "later")}


@pytest.mark.parametrize(
    "env",
    [
        {"PRE_COMMIT_TO_REF": "main"},
        {"PRE_COMMIT": "1", "PRE_COMMIT_FROM_REF": "main", "PRE_COMMIT_TO_REF": "main"},
        {"PRE_COMMIT": "1", "PRE_COMMIT_REMOTE_NAME": "origin", "PRE_COMMIT_LOCAL_BRANCH": "refs/heads/main"},
        {"PRE_COMMIT": "1"},
    ],
)
def test_variables_of_pre_commit_do_not_narrow_what_git_says_is_pushed(
    repo: Repository, env: Mapping[str, str]
) -> None:
    repo.commit("feat: x", files={"locked/p": "EVIL\n"})
    line = f"refs/heads/work {repo.oid()} refs/heads/work {ZERO}\n"
    assert errors(check(repo, "--push", env=env, stdin=line)) == {LOCKED}
