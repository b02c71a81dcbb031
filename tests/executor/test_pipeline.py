"""A run from its pointer to its pull request: rounds, what the agent is told, and how it ends."""

import html
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from specguard.executor.steps import STEPS
from tests.executor.places import everything
from tests.executor.working import GOOD, POLICY, Workshop
from tests.rows import rows


def test_one_command_takes_an_agent_from_the_pointer_to_the_pull_request(workshop: Workshop) -> None:
    done = workshop.work(ends=0)
    workshop.check_done()
    manifest = workshop.manifest
    assert [step.name for step in manifest.steps] == list(STEPS)
    assert {step.state for step in manifest.steps} == {"done"}
    commit = workshop.remote.git("log", "-1", "--format=%B", "phase-12")
    assert commit.rstrip() == f"feat(phase12): implement phase 12\n\nRun: phase-12/{manifest.run_id}"
    assert workshop.remote.git("diff", "--name-only", "main", "phase-12").split() == ["src/new.py"]
    [request] = workshop.state["requests"]
    assert request["title"] == "Phase 12"
    for told in (manifest.run_id, "grep -rn BROKEN src", "exit code 0", "docs/phases/phase-12.md"):
        assert told in request["body"]
    assert "the guard refused a canary edit of locked" in manifest.steps[1].detail
    # What was done stands beside the tree and the policy that it was done for.
    for command in manifest.commands:
        assert command.kind == "agent" or command.tree == manifest.tree
    assert {one.policy_id for one in manifest.judgements} == {manifest.policy.policy_id}
    assert done.stdout.splitlines()[-1] == request["url"]
    assert workshop.kept()["diff.patch"].startswith(b"diff --git a/src/new.py b/src/new.py")
    refs = workshop.user.git("for-each-ref", "--format=%(refname)", "refs/specguard").split()
    assert refs == [f"refs/specguard/runs/{manifest.run_id}"]
    # It ends at its report, and begins neither a merge nor the next item.
    before = everything(workshop.runs)
    again = workshop.work(ends=2)
    assert "has a branch of phase 12 already" in again.stderr
    assert everything(workshop.runs) == before
    verbs = {tuple(call[:2]) for call in workshop.state["calls"]}
    assert verbs <= {("auth", "status"), ("pr", "list"), ("pr", "create")}
    assert workshop.remote.git("rev-parse", "main").strip() == workshop.base
    assert json.loads((workshop.user.path / "configs/NEXT_PHASE.json").read_text()) == {"next": 12}


def test_findings_and_failing_gates_go_back_in_one_text(workshop: Workshop) -> None:
    """Round 2 mends one finding and breaks another; the third is told again what stands."""
    script = """
case $ROUND in
1) echo BROKEN > src/new.py; echo edit >> locked/a.txt; echo edit > locked/c.txt;;
2) git show HEAD:locked/a.txt > locked/a.txt; echo edit > locked/b.txt; echo BROKEN >> src/new.py;;
3) rm locked/b.txt locked/c.txt; echo 'new = 1' > src/new.py;;
esac
"""
    workshop.work(script, ends=0)
    workshop.check_done()
    first, second, third = workshop.told
    assert "Mend this" not in first
    assert second.startswith("# Mend this: round 2 of 3\n")
    assert "src/new.py:1:BROKEN" in second
    assert "locked/a.txt" in second.partition("\n---\n")[0]
    told = third.partition("\n---\n")[0]
    assert "The gate tests failed" in told
    assert "src/new.py:2:BROKEN" in told
    assert "locked/b.txt" in told
    assert "locked/c.txt" in told
    assert "locked/a.txt" not in told
    assert second.rstrip().endswith(first.rstrip())
    assert [one.attempt for one in workshop.manifest.judgements] == [1, 2, 3]


@pytest.mark.parametrize(("script", "reason", "code"), rows(__file__, "no_progress"))
def test_a_run_ends_by_itself_where_there_is_no_progress(
    workshop: Workshop, script: str, reason: str, code: int
) -> None:
    workshop.work(script, "--max-attempts", "9", ends=code)
    assert workshop.manifest.reason == f"there is no progress: the agent left {reason} as the round before"
    assert len(workshop.told) == 2
    assert workshop.error["suggestion"].endswith(f", then: specguard run resume {workshop.run_id}")
    workshop.check_evidence()
    assert "there is no progress" in (workshop.folder_of_run / "report.md").read_text()


def test_a_gate_that_its_time_limit_ended_gets_more_time_by_the_next_step(workshop: Workshop) -> None:
    given = ("--max-attempts", "1", "--command-timeout", "2", "--command", "test -e done || sleep 60")
    workshop.work(GOOD, *given, ends=3)
    suggestion = f"specguard run resume {workshop.run_id} --max-attempts 2 --command-timeout 4"
    assert workshop.error["suggestion"].endswith(suggestion)


def test_until_stops_after_a_step_and_resume_does_the_rest(workshop: Workshop) -> None:
    """It goes on with the gates until they pass."""
    script = f"if [ $ROUND = 1 ]; then echo BROKEN > src/new.py; else {GOOD}; fi"
    workshop.work(script, "--until", "preflight", ends=0)
    for step in ("preflight", "brief", "place", "gates", "agent", "check", "push", "commit"):
        if step != "preflight":
            workshop.resume("--until", step, ends=0)
        manifest = workshop.manifest
        assert manifest.state == "stopped"
        assert manifest.reason == f"it was to go on until {step} and no further"
        last = {"place": "preflight", "agent": "check", "commit": "check"}.get(step, step)
        assert [one.name for one in manifest.steps][-2:] == [last, "report"]
        assert bool(workshop.commits()) == (step in ("push", "commit"))
        assert step != "gates" or (manifest.attempts, manifest.commands[-1].exit_code) == (2, 0)
        assert not (workshop.folder_of_run / "error.json").exists()
    workshop.resume(ends=0)
    workshop.check_done()


@pytest.mark.parametrize(
    ("options", "script", "code", "state"),
    [
        ((), "exit 1", 3, "failed"),
        ((), "echo why > SPECGUARD_STOP.md", 4, "stopped"),
        (("--max-attempts", "1"), "echo edit > locked/a.txt", 1, "budget-spent"),
        (("--timeout", "1"), "sleep 993", 3, "timed-out"),
    ],
)
def test_every_end_has_its_exit_code_its_error_and_a_report(
    workshop: Workshop, options: tuple[str, ...], script: str, code: int, state: str
) -> None:
    done = workshop.work(script, *options, ends=code)
    assert workshop.manifest.state == state
    error = workshop.error
    assert error["schema"] == "specguard.run-error/1"
    assert (error["state"], error["exit_code"]) == (state, code)
    assert error["reason"] == workshop.manifest.reason
    assert workshop.manifest.reason
    report = (workshop.folder_of_run / "report.md").read_text()
    assert workshop.manifest.reason in html.unescape(report)
    assert f"{state}: {workshop.manifest.reason}" in done.stdout
    workshop.check_evidence()
    assert workshop.users() == workshop.before


def test_a_network_that_is_lost_at_the_push_and_at_the_pull_request(workshop: Workshop) -> None:
    workshop.state = {**workshop.state, "broken": {"create": "before"}}
    away = f"{workshop.remote.path}.away"
    workshop.work(f"{GOOD}; mv {workshop.remote.path} {away}", ends=2)
    assert workshop.error["step"] == "push"
    assert "what the run made is kept: specguard run resume" in workshop.error["suggestion"]
    shutil.move(away, workshop.remote.path)
    workshop.resume(ends=2)
    assert workshop.error["step"] == "pull-request"
    workshop.state = {**workshop.state, "broken": {}, "calls": []}
    workshop.resume(ends=0)
    workshop.check_done()
    assert len(workshop.told) == 1


_MADE = (
    "printf 'a\\0b' > core.1234; mkdir -p build src/more; printf 'o\\0' > build/out.o;"
    " printf 'i\\0' > src/more/i.png; echo x > tool; chmod +x tool; echo text > notes.txt"
)


@pytest.mark.parametrize("scoped", [False, True])
def test_new_binary_and_executable_files_outside_of_the_scope_are_told(tmp_path: Path, scoped: bool) -> None:
    policy = POLICY.replace("[runs]", '[rules.out-of-scope-path]\nseverity = "warning"\n\n[runs]')
    scope = {"docs/phases/phase-12.md": "# Phase 12\n\n## Scope\n\n- `src/`\n"}
    workshop = Workshop(tmp_path, policy, scope if scoped else None)
    done = workshop.work(f"{GOOD}; {_MADE}", ends=0)
    files = "build/out.o, core.1234, tool" if scoped else "build/out.o, core.1234, src/more/i.png, tool"
    all_of_it = "build/out.o, core.1234, notes.txt, src/more/i.png, src/new.py, tool"
    [request] = workshop.state["requests"]
    for said in (done.stdout, workshop.kept()["report.md"].decode(), request["body"]):
        assert f"New files that are binary or executable: {files}." in said
        unscoped = f"Nothing says which paths phase 12 may change. It commits {all_of_it}."
        assert (unscoped in said) is not scoped
        assert ("The rules warn of this: PTH003 " in said) is scoped


_HOOK = """
repos: [{repo: local, hooks: [{id: it, name: it, entry: sh hook.sh, language: system, always_run: true}]}]
"""


class _Hooked(Workshop):
    """A workshop whose repository has a hook, and where pre-commit is on the path."""

    def __init__(self, folder: Path, script: str) -> None:
        super().__init__(folder, files={".pre-commit-config.yaml": _HOOK, "hook.sh": script})
        self.path = f"{self.path}:{os.path.dirname(sys.executable)}"


class TestHooks:
    def test_one_that_refuses_is_told_and_what_it_made_of_files_is_judged(self, tmp_path: Path) -> None:
        alters = "grep -q hooked src/new.py || { echo hooked >> src/new.py; exit 1; }"
        script = f"if grep -n UGLY src/new.py; then exit 1; fi; {alters}\n"
        workshop = _Hooked(tmp_path, script)
        workshop.work(f"if [ $ROUND = 1 ]; then echo UGLY > src/new.py; else {GOOD}; fi", ends=0)
        workshop.check_done()
        assert "1:UGLY" in workshop.told[1]
        assert workshop.remote.git("show", "phase-12:src/new.py") == "new = 1\nhooked"
        assert len(workshop.told) == 2
        # The gates have run on the files that were committed, and not only on what the agent left.
        last = [one for one in workshop.manifest.commands if one.kind == "gate"][-1]
        assert last.tree == workshop.manifest.tree

    def test_one_that_undoes_what_a_formatter_does_ends_the_run(self, tmp_path: Path) -> None:
        script = "sed -i '/formatted/d' src/new.py\n"
        workshop = _Hooked(tmp_path, script)
        formats = "grep -q formatted src/new.py || echo formatted >> src/new.py"
        policy = f"""{POLICY.rstrip().removesuffix("```")}
[[work.phase.gates]]
name = "format"
kind = "format"
run = "{formats}"
```
"""
        workshop.move_on({"SPEC_AUTHORITY.md": policy}, "chore: format")
        workshop.work(ends=3)
        assert "alter the files each time that the gates have passed" in str(workshop.manifest.reason)
        assert workshop.error["suggestion"].startswith("have them leave alone")
        assert not workshop.commits()

    def test_one_that_alters_locked_files_is_seen_by_the_rules(self, tmp_path: Path) -> None:
        workshop = _Hooked(tmp_path, "grep -q hooked locked/a.txt || echo hooked >> locked/a.txt\n")
        workshop.work(GOOD, "--max-attempts", "1", ends=1)
        assert not workshop.commits()

    @pytest.mark.parametrize("repo", ["{repo: /nowhere, rev: v1, hooks: [{id: it}]}", "{repo: /nowhere}"])
    def test_what_pre_commit_cannot_install_is_no_work_for_the_agent(self, tmp_path: Path, repo: str) -> None:
        workshop = _Hooked(tmp_path, "")
        workshop.move_on({".pre-commit-config.yaml": f"repos:\n- {repo}\n"}, "chore: hooks")
        workshop.work(ends=3)
        assert workshop.manifest.reason == "pre-commit could not run the repository's hooks"
        assert workshop.error["suggestion"].endswith("correct them there and start another run")
        assert len(workshop.told) == 1
