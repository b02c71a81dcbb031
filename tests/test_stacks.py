"""Stacked branches: each is judged by its own part; others are in `tests/cases/stacks/`."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Repository, Step
from specguard.testing.running import Outcome, run_here
from tests.executor.working import Workshop
from tests.integrations.hooks.test_pins import Pinned
from tests.rows import recorded

PLAN = "plan/breakdown.yaml"
SLICES, SLICE = recorded(__file__, "plan"), recorded(__file__, "settings")


def settings(rule: str) -> str:
    """What a policy says of slices, with a rule about a folder."""
    return f'base = "main"\n\n[rules.{rule}]\npaths = ["locked/"]\n{SLICE}\n'


POLICY = f"# Authority\n\n```toml specguard\n{settings('locked-path')}```\n"


def start(folder: Path, *, more: str = "") -> Repository:
    """A repository whose main is at its remote."""
    policy = f"require_work_item = true\n{settings('forbidden-path')}{more}"
    files = {"src/a.py": "a", "locked/x": "x", PLAN: SLICES}
    return Case(policy=policy, base=[Step(files=files)], branch="main").build(folder / "repository")


def stack(repository: Repository, *slices: str) -> Repository:
    """A branch for each slice, each on the one before, with one commit in the slice's file."""
    names = {"1": "one", "2": "two", "3": "three"}
    for number in slices:
        repository.branch(f"slice-{number}")
        path = f"src/{names[number]}.py"
        repository.commit(f"feat(slice{number}): do it", files={path: number})
    return repository


def check(repository: Repository, *words: str, env: dict[str, str] | None = None, stdin: str = "") -> Outcome:
    return run_here(
        "check", *words, "--output-format", "json", directory=repository.path, env=env, stdin=stdin
    )


def push(repository: Repository, branch: str, head: str = "HEAD") -> Outcome:
    line = f"refs/heads/{branch} {repository.oid(head)} refs/heads/{branch} {'0' * 40}\n"
    return check(repository, "--push", stdin=line)


def change(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = outcome.report["change"]
    return found


@pytest.mark.parametrize("pushed", [False, True])
def test_each_slice_of_a_stack_is_judged_by_its_own_part(tmp_path: Path, pushed: bool) -> None:
    repository = stack(start(tmp_path), "1", "2", "3")
    for number, below in ((1, None), (2, "slice-1"), (3, "slice-2")):
        repository.checkout(f"slice-{number}")
        outcome = push(repository, f"slice-{number}") if pushed else check(repository)
        assert outcome.exit_code == 0, outcome
        assert (change(outcome)["stacked_on"], change(outcome)["commits"]) == (below, 1)
        assert change(outcome)["entries"] == 1
        assert change(outcome)["base"] == repository.oid("main")


def test_an_approval_lifts_its_own_finding_alone_of_those_with_one_cause(tmp_path: Path) -> None:
    alice = '[[approvals.approver]]\nname = "alice"\nemails = ["alice@example.org"]\nmay = ["BRN001"]'
    repository = start(tmp_path, more=f"[rules.branch-name]\napprovable = true\n\n{alice}")
    repository.branch("other")
    repository.commit("feat(slice1): do it", files={"src/one.py": "1"})
    outcome = check(repository)
    assert set(outcome.codes) == {"BRN001"}, outcome
    words = ("--override=BRN001", "--approved-by=alice", "--reason=the branch is an old one")
    outcome = check(repository, *words)
    assert (outcome.state("BRN001"), outcome.state("PLN010")) == ("approved", "failed")


def test_the_policy_of_the_branch_below_has_no_say(tmp_path: Path) -> None:
    repository = start(tmp_path)
    repository.branch("slice-1")
    authority = repository.read("SPEC_AUTHORITY.md").decode()
    loose = authority.replace('paths = ["locked/"]', 'paths = ["nothing/"]')
    assert loose != authority
    repository.commit("feat(slice1): loosen", files={"SPEC_AUTHORITY.md": loose})
    repository.branch("slice-2")
    repository.commit("feat(slice2): do it", files={"locked/x": "mine"})
    for outcome in (check(repository), push(repository, "slice-2"), check(repository, "--base", "slice-1")):
        assert outcome.exit_code == 1
        assert "PTH001" in outcome.codes
        assert outcome.report["authority"]["ref"] == repository.oid("main")
        assert outcome.report["authority"]["trusted"]


def graphite(repository: Repository, branch: str, parent: str) -> None:
    with sqlite3.connect(repository.git_dir / ".graphite_metadata.db") as made:
        made.execute("CREATE TABLE branch_metadata (branch_name TEXT PRIMARY KEY, parent_branch_name TEXT)")
        made.execute("INSERT INTO branch_metadata VALUES (?, ?)", (branch, parent))
    made.close()


def upstream(repository: Repository, branch: str, parent: str) -> None:
    repository.git("config", f"branch.{branch}.remote", ".")
    repository.git("config", f"branch.{branch}.merge", f"refs/heads/{parent}")


@pytest.mark.parametrize("record", [graphite, upstream])
def test_a_recorded_parent_narrows_locally_alone(tmp_path: Path, record: Any) -> None:
    repository = start(tmp_path)
    repository.branch("refactoring")
    repository.commit("feat(slice1): prepare", files={"src/one.py": "1"})
    stack(repository, "2")
    assert change(check(repository))["commits"] == 2
    record(repository, "slice-2", "refactoring")
    for outcome in (check(repository), push(repository, "slice-2")):
        assert outcome.exit_code == 0, outcome
        assert (change(outcome)["stacked_on"], change(outcome)["commits"]) == ("refactoring", 1)
    assert change(check(repository, "--enforce", "--base", "main"))["commits"] == 2


def test_a_parent_never_widens_and_never_is_the_base(tmp_path: Path) -> None:
    repository = stack(start(tmp_path), "1", "2", "3")
    for parent in ("main", "slice-1", "nowhere"):
        upstream(repository, "slice-3", parent)
        assert change(check(repository))["stacked_on"] == "slice-2"


def test_metadata_that_says_nothing_is_passed_over(tmp_path: Path) -> None:
    repository = stack(start(tmp_path), "1", "2")
    # It cannot be asked for a name that is not UTF-8.
    graphite(repository, "slice-2", "nowhere")
    repository.git("branch", "-m", b"\xff")
    assert change(check(repository))["stacked_on"] == "slice-1"
    (repository.git_dir / ".graphite_metadata.db").write_text("no database")
    assert change(check(repository))["stacked_on"] == "slice-1"


def test_main_that_was_merged_is_not_the_slices_own(tmp_path: Path) -> None:
    repository = stack(start(tmp_path), "1", "2")
    repository.checkout("main")
    repository.commit("chore: rule", files={"locked/x": "new", "src/a.py": "new"})
    repository.ref("refs/remotes/origin/main", "main")
    repository.checkout("slice-2")
    repository.merge("main")
    outcome = check(repository)
    assert outcome.exit_code == 0, outcome
    assert (change(outcome)["stacked_on"], change(outcome)["entries"]) == ("slice-1", 1)


# A branch below that has gone on since


def gone_on(folder: Path) -> Repository:
    """Slice 2 upon slice 1, whose branch has one more commit."""
    repository = stack(start(folder), "1", "2")
    repository.checkout("slice-1")
    repository.commit("feat(slice1): go on", files={"src/one.py": "more"})
    repository.checkout("slice-2")
    return repository


def test_of_many_branches_that_have_gone_on_the_commits_own_one_counts(tmp_path: Path) -> None:
    repository = gone_on(tmp_path)
    for number in range(10, 30):
        repository.ref(f"refs/heads/slice-{number}", "slice-1")
    assert change(check(repository))["stacked_on"] == "slice-1"


def test_the_next_step_of_a_branch_below_that_was_rewritten_restacks(tmp_path: Path) -> None:
    repository = gone_on(tmp_path)
    repository.git("branch", "-q", "-f", "slice-1", repository.oid("main"))
    repository.checkout("slice-1")
    repository.commit("feat(slice1): anew", files={"src/one.py": "anew"})
    repository.checkout("slice-2")
    told = next(one for one in check(repository).report["findings"] if one["code"] == "WRK007")
    step = told["help"].rpartition("git rebase ")[2].replace("BRANCH", "slice-1")
    repository.git("rebase", "-q", *step.rstrip(".").split())
    assert check(repository).exit_code == 0


def test_the_next_step_of_files_of_the_slice_below_names_its_branch(tmp_path: Path) -> None:
    repository = start(tmp_path)
    repository.branch("slice-1")
    repository.commit("wip", files={"src/one.py": "1"})
    stack(repository, "2")
    repository.git("branch", "-q", "-f", "slice-1", repository.oid("main"))
    repository.git("switch", "-q", "slice-1")
    repository.git("merge", "-q", "--ff-only", "slice-2~")
    repository.commit("feat(slice1): go on", files={"src/one.py": "more"})
    repository.checkout("slice-2")
    told = next(one for one in check(repository).report["findings"] if one["code"] == "PLN010")
    repository.git(*told["help"].partition("git ")[2].rstrip(".").split())
    assert "PLN010" not in check(repository).codes


# Runs


def workshop(folder: Path, base: str = "planning") -> Workshop:
    """A team with a plan that is not merged, and slice 1 upon it."""
    made = Workshop(folder, POLICY.replace('"planning"', f'"{base}"'))
    user = made.user
    user.branch("planning")
    user.commit("docs: plan", files={PLAN: SLICES})
    user.git("push", "-q", str(made.remote.path), "planning")
    user.branch("slice-1")
    loose = POLICY.replace('paths = ["locked/"]', 'paths = ["nothing/"]')
    user.commit("feat(slice1): one", files={"src/one.py": "1", "SPEC_AUTHORITY.md": loose})
    user.git("push", "-q", str(made.remote.path), "slice-1")
    user.checkout("main")
    return made


def run_slice(made: Workshop, script: str, number: str, *options: str) -> Any:
    words = ["run", "slice", number, *options, "--", str(made.agent(script))]
    return made.specguard(*words)


def test_a_run_stands_on_the_branch_of_its_kind_or_on_a_slice_and_never_takes_its_policy(
    tmp_path: Path,
) -> None:
    made = workshop(tmp_path)
    done = run_slice(made, "echo 2 > src/two.py", "2")
    assert done.exit_code == 0, done.stderr
    assert made.remote.git("log", "--format=%s", "main..slice-2").split("\n")[1:] == ["docs: plan"]
    assert made.state["requests"][-1]["baseRefName"] == "planning"
    planned = run_slice(made, "true", "3", "--base", "slice-1", "--dry-run")
    assert "slice-1" in planned.stdout, planned.stderr
    done = run_slice(made, "echo 3 > src/three.py", "3", "--base", "slice-1")
    assert done.exit_code == 0, done.stderr
    assert made.remote.git("diff", "--name-only", "slice-1", "slice-3") == "src/three.py"
    assert made.state["requests"][-1]["baseRefName"] == "slice-1"
    # Slice 1 frees the locked folder, for itself alone.
    script = "mkdir -p locked && echo 4 > locked/four && echo 4 > src/four.py"
    done = run_slice(made, script, "4", "--base", "slice-1")
    assert done.exit_code != 0
    assert "locked/four" in done.stdout + done.stderr
    assert "slice-4" not in made.remote.git("branch", "--list")


def test_a_run_whose_branch_below_was_merged_stands_on_the_base(tmp_path: Path) -> None:
    made = workshop(tmp_path, "planning-{number}")
    made.user.git("push", "-q", str(made.remote.path), "planning:main")
    made.user.git("push", "-q", str(made.remote.path), "--delete", "planning")
    done = run_slice(made, "echo 2 > src/two.py", "2")
    assert done.exit_code == 0, done.stderr
    assert made.state["requests"][-1]["baseRefName"] == "main"


# Agents' sessions


def test_a_session_on_a_stack_is_told_of_its_own_part_and_of_every_guarded_path(tmp_path: Path) -> None:
    session = Pinned(tmp_path)
    repository = session.repository
    repository.checkout("main")
    repository.commit("docs: policy", files={"SPEC_AUTHORITY.md": POLICY})
    repository.git("push", "-q", "origin", "main")
    repository.git("fetch", "-q", "origin")
    session.start()
    repository.branch("planning")
    repository.commit("docs: plan", files={PLAN: SLICES})
    repository.branch("slice-1")
    repository.commit("feat(slice1): one", files={"src/one.py": "1"})
    repository.branch("slice-2")
    repository.commit("feat(slice2): two", files={"src/two.py": "2"})
    said = session.after()
    assert said.kind == "pass", said.refusal
    # A branch with an item's name at the agent's own commit hides no guarded path.
    repository.checkout("slice-1")
    repository.commit("feat(slice1): more", files={"locked/x": "mine"})
    repository.branch("slice-3")
    repository.commit("feat(slice3): three", files={"src/three.py": "3"})
    assert "PTH002" in session.after().refusal
