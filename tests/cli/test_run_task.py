"""Tasks of a plan: one a run, handed over as results, verified, and marked by specguard alone."""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import jsonschema
import pytest

from specguard.executor import process
from specguard.runs.manifests import run_schemas
from specguard.testing.running import command
from tests.cli.planning import ALONE, PLAN, POLICY, REVIEW, THREE, Planned, does, task
from tests.cli.running import Project
from tests.executor.working import wait_for
from tests.outcomes import ended
from tests.rows import rows


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    return Planned(tmp_path)


class TestATask:
    def test_is_done_verified_marked_and_pushed_in_one_commit(self, planned: Planned) -> None:
        user = planned.user
        listed = planned.run_task("task_001", "--plan", PLAN, "--dry-run", "--output-format=json").stdout
        assert f"document {PLAN}; " in listed
        Path(user.path, "mine.json").write_text(listed)
        before = user.git("status", "--short"), user.git("rev-parse", "HEAD")
        words = ("--plan", PLAN, "--max-tasks", "1", "--ensure-git", "--baseline-commit")
        ended(planned.run_task("task_001", "--approved", "mine.json", *words))
        assert (user.git("status", "--short"), user.git("rev-parse", "HEAD")) == before
        assert planned.log("pr/cart")[0] == "task_001: Add part 1"
        assert planned.remote.git("rev-list", "--count", "main..pr/cart") == "1"
        assert planned.there("pr/cart", "src/t1.py") == "part = 1\n"
        [manifest] = planned.manifests()
        run_id = manifest["run_id"]
        tasks = planned.tasks("pr/cart")
        assert tasks["task_001"] == {
            **THREE[0],
            "status": "done",
            "verification": [{"command": "python3 src/t1.py", "exit_code": 0, "run_id": run_id}],
        }
        assert tasks["task_002"] == THREE[1]
        log = planned.there("pr/cart", ".plans/cart/MASTER.md")
        assert log == f"# The log\n- task_001 verified: Add part 1 (run {run_id})\n"
        files = planned.remote.git("ls-tree", "-r", "--name-only", "pr/cart")
        assert "SPECGUARD_RESULTS.json" not in files
        results = json.loads((planned.only_run() / "results.json").read_text())
        jsonschema.validate(results, run_schemas()["results"])
        assert results["summary"] == "Part 1."
        gates = [one for one in manifest["commands"] if one["kind"] == "gate"]
        assert [(one["command"], one["source"], one["tree"]) for one in gates] == [
            ("python3 src/t1.py", "plan", manifest["worked"])
        ]
        assert manifest["tree"] != manifest["worked"]
        meta = json.loads((planned.only_run() / "meta.json").read_text())
        assert (meta["task_id"], meta["status"]) == ("task_001", "succeeded")
        # What was pushed keeps to the rules, as CI judges it.
        planned.take("pr/cart")
        ended(planned.specguard("check", "--base", "origin/main"))

    def test_the_brief_tells_what_it_may_touch_and_how_it_ends(self, planned: Planned) -> None:
        text = planned.specguard("brief", "task", "task_001").stdout
        for said in rows(__file__, "the_brief_tells_what_it_may_touch_and_how_it_ends"):
            assert said in text

    def test_what_cannot_be_begun_is_told_by_its_name(self, planned: Planned) -> None:
        for words, said in rows(__file__, "what_cannot_be_begun_is_told_by_its_name"):
            assert said in ended(planned.run_task(*words), 2).stderr
        assert not planned.runs.exists()

    def test_a_file_that_is_not_expected_and_a_mark_in_the_plan_go_back_to_the_agent(
        self, planned: Planned
    ) -> None:
        # The run that the mark cites is not here, so it cannot be judged beside what PLN009 finds.
        mark = """'s#"pending"#"done", "verification": ".runs/no/1/manifest.json"#' .plans/cart/plan.json"""
        script = does(then=f"echo 1 > src/other.py; sed -i {mark}")
        ended(planned.run_task("task_001", "--max-attempts", "2", script=script), 1)
        report = json.loads((planned.only_run() / "check-1.json").read_text())
        assert {"PLN004", "PLN009"} <= {one["code"] for one in report["findings"]}
        unknown = [one["code"] for one in report["rules"] if one["state"] == "indeterminate"]
        assert unknown == ["PLN003", "RUN007"]
        mend = (planned.only_run() / "mend-2.md").read_text()
        assert "PLN004 unexpected-file" in mend
        assert "PLN009 agent-edited-plan" in mend
        [manifest] = planned.manifests()
        assert (manifest["state"], manifest["attempts"], manifest["commit"]) == ("failed", 2, None)
        assert "pr/cart" not in planned.remote.git("branch")

    def test_one_without_commands_is_not_begun(self, tmp_path: Path) -> None:
        unable = ["TODO: say which", "python3 src/t3.py || true"]
        verify: tuple[list[str], ...] = ([], ["<fill in>"], unable, ["pkill no-such-server; pytest"])
        planned = Planned(tmp_path, [task(number, verify=one) for number, one in enumerate(verify, 1)])
        for number, line in ((1, 14), (2, 28), (3, 44)):
            outcome = ended(planned.run_task(f"task_{number:03}"), 2)
            said = f"{PLAN}:{line}: task_{number:03} has no command in `verify` that can fail"
            assert said in outcome.stderr
            assert "on the base or in the plan's first commit" in outcome.stderr
        # The next one is the first that has a command.
        for words in (("task_004",), ()):
            killing = ended(planned.run_task(*words), 2).stderr
            assert f"ends processes by name, whoever started them: the gate 'pkill' of {PLAN}:" in killing
        assert planned.manifests() == []

    def test_one_whose_commands_prove_nothing_is_left_for_a_person_to_verify(self, tmp_path: Path) -> None:
        optional = POLICY.replace("\n```\n", '\n\n[plans.pipeline]\nrequired = ["id"]\n```\n')
        planned = Planned(tmp_path, [task(1, verify=["true"]), THREE[1]], policy=optional)
        ended(planned.run_task("task_001"))
        assert planned.tasks("pr/cart")["task_001"]["status"] == "pending"
        [manifest] = planned.manifests()
        assert any("has no commands that verify it" in note for note in manifest["notes"])
        assert manifest["worked"] is None
        for words in ((), ("task_001",), ("task_002",)):
            outcome = ended(planned.run_task(*words), 2)
            assert "task_001 has its commit, and is not marked as done: it is pending" in outcome.stderr
        switch, _, verify = outcome.stderr.partition("next: ")[2].rpartition(" && specguard ")
        subprocess.run(switch, shell=True, check=True, cwd=planned.top, capture_output=True)
        ended(planned.specguard(*shlex.split(verify)))
        planned.user.git("commit", "-qam", "task_001: Verify part 1")
        planned.user.git("push", "-q", "origin", "pr/cart")
        ended(planned.run_task("task_002"))


class TestResults:
    @pytest.mark.parametrize("then", ["trap '' TERM; sleep 300", "exit 7"])
    def test_end_the_step_and_not_what_the_process_says(
        self, planned: Planned, then: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(process, "GRACE", 0.3)
        began = time.monotonic()
        ended(planned.run_task("task_001", script=does(then=then)))
        assert time.monotonic() - began < 60

    def test_that_are_wrong_are_asked_for_again(self, planned: Planned, tmp_path: Path) -> None:
        right = '{"task": "task_001", "status": "done", "summary": "x"}'
        wrong = [
            ("", "does not fit specguard.results/1"),
            ("[]", "does not fit specguard.results/1"),
            (right.replace("001", "002"), "is about 'task_002'"),
            (right.replace("done", "finished"), "status: "),
            (right.replace('"x"', '" "'), "summary: "),
        ]
        for number, (text, _) in enumerate([*wrong, (right, "")], 2):
            (tmp_path / f"results-{number}").write_text(text)
        # The first time nothing is handed over; what comes next is written by the number of the round.
        script = f"""
            cat > /dev/null; mkdir -p src; echo 'part = 1' > src/t1.py
            count=$(cat {tmp_path}/count 2> /dev/null || echo 1); echo $((count + 1)) > {tmp_path}/count
            test $count = 1 || cp {tmp_path}/results-$count SPECGUARD_RESULTS.json
        """
        ended(planned.run_task("task_001", "--max-attempts", "9", script=script))
        [manifest] = planned.manifests()
        assert manifest["attempts"] == len(wrong) + 2
        for number, said in enumerate(["is missing", *(said for _, said in wrong)], 2):
            assert said in (planned.only_run() / f"mend-{number}.md").read_text()

    def test_that_say_it_is_blocked_stop_the_run(self, planned: Planned) -> None:
        outcome = ended(planned.run_task("task_001", script=does(status="blocked")), 4)
        assert "stopped: sh is blocked: Part 1." in outcome.stdout

    def test_that_are_a_link_are_none_and_spend_the_attempts(self, planned: Planned) -> None:
        script = "mkdir -p src; echo $$ > src/t1.py; ln -sf /etc/passwd SPECGUARD_RESULTS.json"
        told = ended(planned.run_task("task_001", "--max-attempts", "2", script=script), 3).stdout
        assert "the results still fail after 2 attempts" in told
        # The next step asks the agent once more: without results nothing is done.
        again = told.partition("to go on with it: specguard ")[2].partition("\n")[0].split()
        assert "the results still fail after 3 attempts" in ended(planned.specguard(*again), 3).stdout
        assert not (planned.only_run() / "results.json").exists()


class TestABranchThatHoldsAWholePlan:
    def test_a_run_goes_on_from_its_tip_and_what_else_is_there_is_judged(self, planned: Planned) -> None:
        for number in (1, 2):
            outcome = ended(planned.run_task())
            assert planned.log("pr/cart")[0] == f"task_{number:03}: Add part {number}"
            # The branch may have its pull request already, and there is but one of it.
            again = "Open the pull request of pr/cart, unless it has one: that has the commit now"
            assert (again in outcome.stdout) == (number > 1), outcome
        statuses = [one["status"] for one in planned.tasks("pr/cart").values()]
        assert statuses == ["done", "done", "pending"]
        assert {one["status"] for one in planned.tasks("main").values()} == {"pending"}
        user = planned.user
        assert planned.remote.git("rev-list", "--count", "main..pr/cart") == "2"
        first, second = planned.manifests()
        assert [one["repository"]["tip"] for one in (first, second)] == [None, first["commit"]]
        planned.take("pr/cart")
        assert "is a checkout of `pr/cart`" in planned.specguard("brief", "task", "task_003").stdout
        ended(planned.specguard("check", "--base", "origin/main"))
        assert "task_001 is done already: a commit did it" in ended(planned.run_task("task_001"), 2).stderr
        user.commit("fix: slip something in", files={"SPEC_AUTHORITY.md": "# None\n"})
        ahead = "pr/cart has commits that origin lacks [item-taken]\n  next: git push origin pr/cart\n"
        assert ahead in ended(planned.run_task("task_003"), 2).stderr
        user.git("push", "-q", "origin", "pr/cart")
        user.git("switch", "-q", "main")
        assert "'fix: slip something in' names no work item" in ended(planned.run_task("task_003"), 2).stderr
        assert planned.log("pr/cart")[0] == "fix: slip something in"

    @pytest.mark.parametrize(("number", "lacks"), [(4, "not in that of"), (3, "not the same in that of")])
    def test_a_task_that_only_the_base_has_so_waits_until_that_is_merged(
        self, number: int, lacks: str, tmp_path: Path
    ) -> None:
        planned = Planned(tmp_path)
        user, name = planned.user, f"task_{number:03}"
        assert planned.run_task().exit_code == 0
        plan = json.loads(planned.there("main", PLAN))
        plan["tasks"][number - 1 :] = [task(number, verify=[f"test -f src/t{number}.py"])]
        user.commit("docs: plan another part", files={PLAN: json.dumps(plan, indent=2) + "\n"})
        user.git("push", "-q", "origin", "main")
        for words in ((), ("--dry-run",)):
            if words:
                user.git("fetch", "-q", "origin")
            script = "cat > /dev/null; touch $HOME/worked"
            outcome = ended(planned.run_task(name, *words, script=script), 2)
            assert f"{name} is in {PLAN} of main, and {lacks} pr/cart" in outcome.stderr
        assert not (planned.home / "worked").exists()
        assert len(planned.manifests()) == 1
        steps = outcome.stderr.partition("merge main into pr/cart first: ")[2].splitlines()[0]
        subprocess.run(
            ["sh", "-c", steps], cwd=user.path, env=planned.environment, check=True, capture_output=True
        )
        user.git("switch", "-q", "main")
        ended(planned.run_task(name))


def test_a_merged_branch_is_moved_on_and_one_that_is_not_is_left_alone(tmp_path: Path) -> None:
    planned = Planned(tmp_path, policy=ALONE)
    assert planned.run_task("task_001").exit_code == 0
    assert "has a branch of task_003 already: pr/cart" in ended(planned.run_task("task_003"), 2).stderr
    planned.merge("pr/cart")
    assert planned.run_task("task_003").exit_code == 0
    assert planned.log("pr/cart")[:2] == ["task_003: Add part 3", "task_001: Add part 1"]


class TestWithoutHistory:
    def test_the_tasks_of_a_plan_are_done_in_a_folder_without_history_and_without_a_remote(
        self, planned: Planned
    ) -> None:
        folder = planned.folder / "fresh"
        shutil.copytree(planned.user.path, folder, ignore=shutil.ignore_patterns(".git"))
        (folder / "build").mkdir()
        (folder / "build" / "noise.log").write_text("noise\n")
        words = ("-C", str(folder), "run", "task", "--plan", PLAN, "--ensure-git", "--baseline-commit")
        would = ended(planned.specguard(*words, "--dry-run", "--", "true"))
        assert f"would have made a git repository in {folder}\n" in would.stderr
        assert "would have committed the files" in would.stderr
        assert not (folder / ".git").exists()
        assert "Install git" in ended(planned.specguard(*words, "--", "true", PATH=str(folder)), 2).stderr
        one = (*words, "--max-tasks", "1", "--", "sh", "-c", does())
        for number in (1, 2):
            outcome = ended(planned.specguard(*one))
            assert (f"\nmade a git repository in {folder}\n" in f"\n{outcome.stderr}") == (number == 1)
            assert ("as 'chore: baseline'\n" in outcome.stderr) == (number == 1)
            assert "\nTo look at it here: git switch pr/cart\n" in outcome.stdout
            assert "gh pr create --base main --head pr/cart --title 'Plan cart: A cart'" in outcome.stdout
        git = ("-C", str(folder))
        assert planned.user.git(*git, "log", "--format=%s", "pr/cart").split("\n") == rows(
            __file__, "without_history"
        )
        made = planned.user.git(*git, "log", "--format=%an", "--name-only", "main").split("\n")
        assert made[0] == "Uma User"
        assert {"SPEC_AUTHORITY.md", "src/a.py", PLAN} < set(made)
        assert "build/noise.log" not in made
        assert planned.user.git(*git, "branch", "--show-current") == "main"
        assert planned.user.git(*git, "status", "--short") == ""
        planned.user.git(*git, "switch", "-q", "pr/cart")
        ended(planned.specguard(*git, "check", "--base", "main"))
        assert "pr/cart is checked out in" in ended(planned.specguard(*one), 2).stderr
        planned.user.git(*git, "switch", "-q", "main")
        ended(planned.specguard(*one))
        assert "merged or its list extended\n" in ended(planned.specguard(*one), 2).stderr

    def test_nothing_is_made_where_no_run_could_begin(self, planned: Planned) -> None:
        folder = planned.folder / "an empty one"
        folder.mkdir()
        words = ("run", "task", "-C", str(folder), "--plan", PLAN, "--ensure-git")
        alone = ended(planned.specguard(*words, "--", "true"), 2)
        assert "--baseline-commit makes the first one" in alone.stderr
        init = ended(planned.specguard("-C", str(folder), "init"), 2)
        assert f"`git init '{folder}'` makes it one" in init.stderr
        assert list(folder.iterdir()) == []
        refused = ended(planned.specguard(*words, "--baseline-commit", "--", "true"), 2)
        assert f"there is no authority in {folder}, and nothing was made" in refused.stderr
        make, _, adopt = refused.stderr.partition("write one first: ")[2].strip().partition(" && specguard ")
        subprocess.run(shlex.split(make), check=True, stdout=subprocess.DEVNULL)
        ended(planned.specguard(*shlex.split(adopt)))
        assert (folder / "SPEC_AUTHORITY.md").is_file()

    def test_a_base_that_is_not_there_is_made_here(self, planned: Planned) -> None:
        git = planned.user.git
        git("remote", "remove", "origin")
        shutil.move(planned.top / ".git", planned.folder / "before")
        git("init", "-q", "-b", "main")
        for _ in range(2):
            for words in ([], ["--dry-run"]):
                told = ended(planned.run_task("task_001", "--plan", PLAN, *words), 2).stderr
                assert (
                    "has no branch main [remote-unsuitable]\n  next: git branch main; if there is no" in told
                )
            planned.user.commit("chore: begin")
            git("switch", "-q", "--detach")
            git("update-ref", "-d", "refs/heads/main")

    def test_what_needs_a_remote_still_does(self, tmp_path: Path) -> None:
        project = Project(tmp_path)
        project.user.git("remote", "remove", "origin")
        assert "there is no remote 'origin'" in ended(project.run_phase(), 2).stderr
        (tmp_path / "named").mkdir()
        planned = Planned(
            tmp_path / "named", policy=POLICY.replace("extends", 'remote = "https://x.org/a"\nextends')
        )
        planned.user.git("remote", "remove", "origin")
        assert "there is no remote 'origin'" in ended(planned.run_task(), 2).stderr


@pytest.mark.parametrize("remote", [True, False])
def test_a_plan_that_its_branch_brings_is_worked_off_there(tmp_path: Path, remote: bool) -> None:
    planned = Planned(tmp_path, THREE[:2])
    git = planned.user.git
    git("branch", "plans")
    planned.user.commit("chore: begin without a plan", delete=[".plans/cart"])
    git("push", "-q", "origin", "main")
    git("switch", "-q", "-c", "pr/cart")
    git("restore", "--source", "plans", "--staged", "--worktree", ".plans")
    git("commit", "-q", "-m", "docs: plan the cart")
    if remote:
        git("push", "-q", "origin", "pr/cart")
    else:
        git("remote", "remove", "origin")
    git("switch", "-q", "--detach")
    assert "; or give --plan\n" in ended(planned.run_task(), 2).stderr
    for number in (1, 2):
        outcome = ended(planned.run_task("--plan", PLAN))
        [manifest] = [one for one in planned.manifests() if one["item"]["id"] == f"task_{number:03}"]
        assert any(note.startswith(f"The plan {PLAN} is the change's own") for note in manifest["notes"])
        body = (planned.runs / f"task-task_{number:03}" / manifest["run_id"] / "pull-request.md").read_text()
        assert "Add part 1" in git("show", f"{body.partition(f'- Document: `{PLAN}` at `')[2][:10]}:{PLAN}")
        if remote:
            take_up = outcome.stdout.partition("To look at it here: ")[2].partition("\n")[0]
            subprocess.run(take_up, shell=True, check=True, cwd=planned.top)
        # The request as CI judges it, after each task.
        base, head = ({"sha": git("rev-parse", one), "ref": one} for one in ("main", "pr/cart"))
        request = {"number": 1, "title": "Plan cart: A cart", "body": body, "head": head, "base": base}
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"action": "synchronize", "number": 1, "pull_request": request}))
        ended(planned.specguard("check", "--enforce", "--pr-event", str(event)))
    assert git("log", "--format=%s", "main..pr/cart").split("\n")[-1] == "docs: plan the cart"
    assert git("rev-list", "--count", "main..pr/cart") == "3"


def test_a_task_waits_for_the_stages_before_it(tmp_path: Path) -> None:
    review = REVIEW.replace("## Summary\n\nB is worth its price.\n\n", "")
    planned = Planned(tmp_path, files={".plans/cart/preplan/GEMINI_PLAN_REVIEW.md": review})
    script = f"touch {tmp_path}/worked; {does()}"
    for words in ((), ("--dry-run",)):
        outcome = ended(planned.run_task("task_001", *words, script=script), 2)
        early = f"{PLAN}:5: task_001 is for the stage task of wave cart, and the stage review is not"
        assert early in outcome.stderr
        assert "Complete the stage review first; `specguard status --worktree`" in outcome.stderr
    assert not (tmp_path / "worked").exists()
    assert planned.manifests() == []
    told = json.loads(planned.specguard("status", "--output-format", "json").stdout)
    assert {one["state"] for one in told["plans"][0]["tasks"]} == {"waiting", "blocked"}
    assert not any("task_001" in one for one in told["next"])
    following = ended(planned.specguard("plan", "next"), 1)
    assert f"{PLAN}:6: task_001 waits for the stage review, which is not complete\n" in following.stderr
    counted = json.loads(planned.specguard("plan", "status", "--output-format", "json").stdout)
    assert counted["plans"][0]["counts"]["ready"] == 0


class TestTwoAtOnce:
    def begin(self, planned: Planned, task_id: str, gate: Path, *words: str) -> subprocess.Popen[str]:
        """Start a run whose agent waits until a file is there."""
        wait = f"while ! test -e {gate}; do sleep 0.1; done"
        script = does(then="").replace("printf", f"{wait}\nprintf")
        run = planned.start("run", "task", task_id, *words, "--", "sh", "-c", script)
        wait_for(lambda: list(planned.runs.glob(f"task-{task_id}/*/commands/*.log")))
        return run

    def test_tasks_that_keep_apart_work_in_places_of_their_own_and_others_are_refused(
        self, tmp_path: Path
    ) -> None:
        planned = Planned(tmp_path, [task(1), task(2, expected_files=["src/"]), task(3)])
        gate = tmp_path / "go"
        one = self.begin(planned, "task_001", gate)
        outcome = ended(planned.run_task("task_002"), 2)
        assert "task_002 may change src/, and task_001 src/t1.py" in outcome.stderr
        assert "another run works on task_001" in planned.run_task("task_001").stderr
        other = self.begin(planned, "task_003", gate)
        gate.touch()
        said = [run.communicate(timeout=120) for run in (one, other)]
        assert [one.returncode, other.returncode] == [0, 0], said
        assert sorted(planned.log("pr/cart")[:2]) == ["task_001: Add part 1", "task_003: Add part 3"]
        statuses = {name: one["status"] for name, one in planned.tasks("pr/cart").items()}
        assert statuses == {"task_001": "done", "task_002": "pending", "task_003": "done"}
        assert planned.there("pr/cart", ".plans/cart/MASTER.md").count("verified") == 2
        assert len({manifest["place"] for manifest in planned.manifests()}) == 2

    def test_a_branch_of_one_task_is_not_for_two(self, tmp_path: Path) -> None:
        planned = Planned(tmp_path, policy=ALONE)
        gate = tmp_path / "go"
        one = self.begin(planned, "task_001", gate)
        outcome = ended(planned.run_task("task_003"), 2)
        assert "the run of task_001 works on the same branch, pr/cart" in outcome.stderr
        gate.touch()
        one.communicate(timeout=120)

    def test_several_tasks_are_worked_off_in_their_order(self, tmp_path: Path) -> None:
        tasks = [task(1, title="Add the cart" + " and more" * 20), *THREE[1:]]
        planned = Planned(tmp_path, tasks, files={".plans/cart/MASTER.md": "# The log\r\n- By hand"})
        words = ("run", "task", "--plan", PLAN)
        other = planned.specguard(*words, "--dry-run", "task_002", "task_001", "--", "true")
        assert "task_002 waits for task_001" in other.stderr
        ended(planned.specguard(*words, "task_001", "task_002", "--", "sh", "-c", does()))
        # Of a long title a subject has the beginning, and the log keeps its line endings.
        assert planned.log("pr/cart")[1] == f"task_001: Add the cart{' and more' * 7} a..."
        assert planned.there("pr/cart", ".plans/cart/MASTER.md").count("\r\n") == 4


@pytest.mark.parametrize("policy", [POLICY, ALONE])
def test_a_run_that_had_marked_its_plan_goes_on_from_what_the_agent_left(tmp_path: Path, policy: str) -> None:
    planned = Planned(tmp_path, policy=policy)
    if policy == POLICY:
        assert planned.run_task("task_003").exit_code == 0
    ended(planned.run_task("task_001", "--until", "commit"))
    before = next(one for one in planned.manifests() if one["item"]["id"] == "task_001")
    assert before["worked"]
    ended(planned.specguard("run", "resume", before["run_id"]))
    after = next(one for one in planned.manifests() if one["item"]["id"] == "task_001")
    assert (after["attempts"], after["commit"]) == (1, before["commit"])
    assert planned.there("pr/cart", ".plans/cart/MASTER.md").count("task_001 verified") == 1
    assert len(planned.tasks("pr/cart")["task_001"]["verification"]) == 1


def test_results_that_were_left_in_the_place_are_taken_from_there_on_resuming(planned: Planned) -> None:
    """As where the agent was cut off before, and a person has mended its work and runs it again."""
    script = does(then="echo broken > src/other.py")
    ended(planned.run_task("task_001", "--max-attempts", "1", script=script), 1)
    [run] = planned.manifests()
    place = Path(run["place"])
    (place / "src" / "other.py").unlink()
    results = '{"task": "task_001", "status": "done", "summary": "Mended."}'
    (place / "SPECGUARD_RESULTS.json").write_text(results)
    ended(planned.specguard("run", "resume", run["run_id"]))
    assert "Mended." in (planned.only_run() / "results.json").read_text()
    shown = planned.remote.git("show", "--format=", "--name-only", "pr/cart")
    assert "SPECGUARD_RESULTS.json" not in shown


@pytest.mark.parametrize(("begun", "moved", "state", "said"), rows(__file__, "the_branch_of_a_plan_moves_on"))
def test_the_branch_of_a_plan_moves_on(tmp_path: Path, begun: str, moved: str, state: str, said: str) -> None:
    planned = Planned(tmp_path)
    git, remote, commits = planned.user.git, planned.remote, {"nothing": "0" * 40, "main": planned.user.oid()}
    git("switch", "-q", "--detach")
    commits["same file"] = planned.user.commit("task_002: Add it", files={"src/t1.py": "1\n"})
    done = {PLAN: planned.there("main", PLAN).replace("pending", "done", 1)}
    commits["the task"] = planned.user.commit("task_001: Add it", files=done)
    git("push", "-q", "origin", "HEAD:refs/heads/other")
    git("switch", "-q", "main")
    ended(planned.run_task("task_003"))
    commits["task_003"] = remote.git("rev-parse", "pr/cart")
    remote.git("update-ref", "refs/heads/pr/cart", commits[begun])
    then = f"git --git-dir={remote.path} update-ref refs/heads/pr/cart {commits[moved]}"
    planned.run_task("task_001", script=does(then=then))
    run = next(one for one in planned.manifests() if one["item"]["id"] == "task_001")
    assert (run["state"], "pr/cart" in remote.git("branch")) == (state, moved != "nothing"), run
    assert said in (run["reason"] or " ".join(step["detail"] for step in run["steps"]))


def test_a_terminal_shows_a_table_of_steps_and_gates(planned: Planned) -> None:
    ours, theirs = os.openpty()
    words = [command(), "run", "task", "task_001", "--", "sh", "-c", does()]
    env = {**planned.environment, "TERM": "xterm", "COLUMNS": "200"}
    printed = b""
    with subprocess.Popen(words, cwd=planned.top, env=env, stdin=theirs, stderr=theirs, stdout=theirs):
        os.close(theirs)
        # The end of a terminal whose processes have ended is an error.
        with suppress(OSError):
            while part := os.read(ours, 1 << 16):
                printed += part
    os.close(ours)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.decode()).splitlines()
    for said in rows(__file__, "a_terminal_shows_a_table_of_steps_and_gates"):
        assert any(" ".join(line.split()).startswith(said) for line in lines), lines
