"""git's own hooks, with the commands that docs/ci.md gives for them, and those of the real pre-commit.

They are in real repositories, at every stage. The hooks of pre-commit run as `language: system` with the
command that is installed here, so that no test waits for an installation; everything else is as the manifest
and docs/ci.md say.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from specguard.testing import Case, Repository, Step
from specguard.testing.repository import clean_environment
from tests.executor.places import program

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "ci.md").read_text()
BIN = Path(sys.executable).parent
POLICY = """
[rules.forbidden-path]
paths = ["docs/api/"]

[rules.commit-form]
subject_max = 50
"""
LONG = "feat: a subject that goes on and on until nobody reads it"


class Team:
    """A repository on the branch `work`, which starts at `main`, and what a person of its team does there."""

    def __init__(self, place: Path, **files: str) -> None:
        self.environment = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PRE_COMMIT_HOME": str(place / "pre-commit"),
            "XDG_CACHE_HOME": str(place / "cache"),
        }
        base = Step(files={"docs/api/x.yaml": "one\ntwo\nthree\n", "src/a.py": "a", **files})
        self.repository = Case(policy=POLICY, base=[base]).build(place / "repository")

    def pre_commit(self, *arguments: str, succeeds: bool = True) -> str:
        """Run pre-commit with the team's configuration; what it printed."""
        done = subprocess.run(
            [BIN / "pre-commit", *arguments],
            cwd=self.repository.path,
            env={**clean_environment(), **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert (done.returncode == 0) is succeeds, said
        return said

    def git(self, *arguments: str, succeeds: bool, repository: Repository | None = None) -> str:
        """Run git with its hooks; what it and they printed."""
        where = repository or self.repository
        done = where.process(*arguments, environment=self.environment, hooks=True)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert (done.returncode == 0) is succeeds, said
        assert "Traceback" not in said
        return said

    def put(self, path: str, content: str) -> None:
        """Stage a file."""
        self.repository.write(path, content)
        self.repository.stage()

    def commit(self, message: str, *options: str, succeeds: bool) -> str:
        """Commit what is staged, as a person does."""
        return self.git("commit", "-m", message, *options, succeeds=succeeds)


def with_pre_commit(place: Path, **settings: object) -> Team:
    """A team that uses every hook of pre-commit."""
    printed = yaml.safe_load(PAGE.split("```")[1].removeprefix("yaml"))
    own = {hook["id"]: hook for hook in printed["repos"][0]["hooks"]}
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    hooks = [{**hook, **own[hook["id"]], "language": "system"} for hook in hooks]
    config = {"repos": [{"repo": "local", "hooks": hooks}], **settings}
    team = Team(place, **{".pre-commit-config.yaml": json.dumps(config)})
    team.pre_commit("install", *(f"--hook-type={name}" for name in ("pre-commit", "commit-msg", "pre-push")))
    return team


@pytest.fixture
def consumer(tmp_path: Path) -> Team:
    return with_pre_commit(tmp_path)


def test_a_right_change_is_committed_and_pushed_and_each_hook_of_git_stops_what_is_its_own(
    tmp_path: Path,
) -> None:
    team = Team(tmp_path)
    remote = team.repository.clone(tmp_path / "remote.git", bare=True)
    team.repository.git("config", "remote.origin.url", f"file://{remote.path}")
    said = re.findall(r"`(specguard check --[^`]+)` in\s+`(pre-commit|commit-msg|pre-push)`", PAGE)
    assert len(said) == 3
    for command, hook in said:
        program(team.repository.git_dir / "hooks" / hook, command)
    team.put("src/a.py", "b")
    team.commit("feat: go on", succeeds=True)
    assert "specguard: passed (range, 1 commit, 1 file)" in team.git("push", "origin", "work", succeeds=True)
    team.put("docs/api/x.yaml", "b")
    assert "PTH001" in team.commit("feat: go on", succeeds=False)
    team.commit("feat: go on", "--no-verify", succeeds=True)
    assert "PTH001" in team.git("push", "origin", "work", succeeds=False)
    team.repository.git("reset", "-q", "--hard", "main")
    team.put("src/a.py", "b")
    assert "CMT003" in team.commit(LONG, succeeds=False)


def test_a_commit_is_judged_by_what_it_commits_and_by_that_alone(consumer: Team, tmp_path: Path) -> None:
    repository = consumer.repository
    for change in (Step(files={"docs/api/x.yaml": "b"}), Step(delete=["docs/api/x.yaml"])):
        repository.apply(change)
        repository.stage()
        said = consumer.commit("feat: change", succeeds=False)
        assert "PTH001" in said
        assert "SPEC_AUTHORITY.md:5" in said
        assert repository.oid() == repository.names["head"]
        repository.git("reset", "-q", "--hard")
    # What is not staged is not judged, and stays.
    consumer.put("src/b.py", "b")
    repository.write("docs/api/x.yaml", "b")
    assert consumer.commit("feat: add b", succeeds=True).count("Passed") == 2
    assert repository.read("docs/api/x.yaml") == b"b"
    # Of what is staged, the paths that are committed.
    consumer.put("src/a.py", "b")
    consumer.commit("feat: change a", "--", "src/a.py", succeeds=True)
    assert "PTH001" in consumer.commit("feat: change x", "--", "docs/api/x.yaml", succeeds=False)
    assert "PTH001" in consumer.commit("feat: change all", "-a", succeeds=False)
    # In a linked worktree.
    linked = repository.worktree(tmp_path / "linked", "other", "main")
    linked.write("docs/api/x.yaml", "b")
    linked.stage()
    said = consumer.git("commit", "-m", "feat: change x", succeeds=False, repository=linked)
    assert "PTH001" in said
    linked.git("checkout", "-q", "-f", "HEAD", "--", "docs/api/x.yaml")
    linked.write("src/b.py", "b")
    linked.stage()
    consumer.git("commit", "-m", "feat: add b", succeeds=True, repository=linked)


def test_the_message_is_judged_without_its_comments_whatever_files_the_team_filters(tmp_path: Path) -> None:
    consumer = with_pre_commit(tmp_path, files="^src/")
    consumer.put("src/b.py", "b")
    assert "CMT003" in consumer.commit(LONG, succeeds=False)
    message = tmp_path / "message"
    message.write_text("# a comment that goes on and on until nobody reads any of it at all\nfeat: add b\n")
    consumer.git("commit", "--cleanup=strip", "-F", str(message), "-v", "--no-edit", succeeds=True)


def test_a_push_and_a_branch_are_judged_whatever_was_committed_without_hooks(
    consumer: Team, tmp_path: Path
) -> None:
    repository = consumer.repository
    remote = Repository(tmp_path / "remote", branch="main")
    remote.git("config", "receive.denyCurrentBranch", "ignore")
    repository.git("push", "-q", str(remote.path), "main")
    repository.remote(str(remote.path))

    job = ("run", "--hook-stage=manual", "specguard-ci")
    repository.commit("feat: add b", files={"src/b.py": "b"})
    consumer.git("push", "origin", "work", succeeds=True)
    assert "Passed" in consumer.pre_commit(*job)
    repository.commit("feat: change x", files={"docs/api/x.yaml": "b"})
    assert "PTH001" in consumer.git("push", "origin", "work", succeeds=False)
    assert "PTH001" in consumer.pre_commit(*job, succeeds=False)
    repository.commit(LONG, files={"docs/api/x.yaml": "one\n"})
    said = consumer.git("push", "origin", "HEAD:refs/heads/another", succeeds=False)
    assert "CMT003" in said
    assert remote.git("for-each-ref", "--format=%(refname:short)").split() == ["main", "work"]
    consumer.git("push", "origin", "--delete", "work", succeeds=True)


def test_a_hook_without_a_policy_gives_no_verdict(tmp_path: Path) -> None:
    consumer = with_pre_commit(tmp_path)
    repository = consumer.repository
    repository.write("SPEC_AUTHORITY.md", "")
    repository.commit("chore: empty the authority")
    repository.git("update-ref", "refs/heads/main", "HEAD")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    consumer.put("src/b.py", "b")
    said = consumer.commit("feat: add b", succeeds=False)
    assert "exit code: 2" in said
