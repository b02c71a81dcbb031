"""The jobs that teams copy, run step by step as their platforms run them, in real clones of a real remote."""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from specguard.testing import Repository
from tests.ci.conftest import host
from tests.ci.jobs import (
    ACTION,
    RIGHT,
    ROOT,
    WORKFLOW,
    WRONG,
    Hosting,
    Machine,
    Step,
    expression,
    merge_request,
    pull_request,
    yaml_blocks,
)
from tests.executor.places import program
from tests.rows import rows

REVIEWED, GITLAB = (ROOT / "docs/examples" / name for name in ("spec-guard-reviews.yml", "gitlab-ci.yml"))

ON: Any = True
"""How YAML 1.1 reads the key `on`."""

pytestmark = pytest.mark.xdist_group("workflows")  # so that everything is installed once


def test_the_workflow_runs_where_a_verdict_can_change() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    triggers = workflow[ON]
    assert set(triggers["pull_request"]["types"]) >= {"opened", "synchronize", "reopened", "edited"}
    assert "merge_group" in triggers
    assert "pull_request_target" not in triggers
    assert workflow["permissions"] == {"contents": "read"}
    [documented] = yaml_blocks("merge_group")
    assert documented[ON] == triggers
    assert documented["permissions"] == workflow["permissions"]
    assert set(yaml.safe_load(REVIEWED.read_text())[ON]) == {*triggers, "pull_request_review"}


def test_this_repository_runs_its_checks_on_each_python_and_the_bases_action_on_requests() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert jobs["run"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert jobs["run"]["steps"][-1] == {"run": ".ci/run"}
    *_, base, action = jobs["spec-guard"]["steps"]
    assert base["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert action == {"uses": f"./{base['with']['path']}", "with": {"working-directory": "change"}}


def test_a_shallow_clone_gives_no_verdict(machine: Machine, hosting: Hosting, tmp_path: Path) -> None:
    hosting.author.commit("feat: go on", files={"src/b.go": "package b\n"})
    hosting.author.git("push", "-q", "origin", "main")
    head = hosting.push(RIGHT)
    [shown] = pull_request(machine, hosting, tmp_path, head, depth=1).run()
    assert "fetch" in shown.ended(2).said
    assert "Traceback" not in shown.said


def test_a_wrong_change_of_a_fork_is_red_and_its_hostile_texts_do_nothing(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    head = hosting.push(WRONG, branch="x", ref="refs/pull/7/head")
    title = "$(touch imported) `touch imported`\n::stop-commands::x\n::error::y\x1b[2J"
    body, branch = f"::add-mask::a\r\n{title}", "--x;touch imported"
    job = pull_request(machine, hosting, tmp_path, head, title=title, body=body, branch=branch)
    shown, judged = job.run()
    assert shown.code == 0, shown.said
    assert "would block" in shown.said
    assert "PTH001" in shown.said
    assert judged.code == 1, judged.said
    for line in (shown.said + judged.said).splitlines():
        assert not line.startswith(("::stop", "::add-mask", "::error::")), line
    assert "\x1b" not in shown.said + judged.said + job.summary
    annotations = [line for line in judged.said.splitlines() if line.startswith("::error ")]
    assert any("file=docs/api/x.yaml" in line and "PTH001" in line for line in annotations)
    assert any("PRQ001" in line for line in annotations)
    assert "PTH001" in job.summary
    assert "docs/api/x.yaml" in job.summary


def test_a_right_change_is_green_and_a_merge_commit_of_the_platform_is_not_judged(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    head = hosting.push(RIGHT)
    hosting.author.checkout("main")
    merge = hosting.author.merge(
        "phase-12", message="Merge 1 into 2", files={"docs/api/x.yaml": "platform\n"}
    )
    hosting.author.git("push", "-q", "origin", f"{merge}:refs/pull/7/merge")
    hosting.author.ref("refs/heads/main", "main~1")
    job = pull_request(machine, hosting, tmp_path, head)
    job.known["github.event.pull_request.head.sha"] = ""
    job.known["github.sha"] = merge
    shown, judged = job.run()
    assert (shown.code, judged.code) == (0, 0), shown.said + judged.said
    assert shown.said.startswith("specguard: passed (range, 1 commit")
    assert "::error" not in judged.said
    assert "passed" in job.summary


def test_the_job_that_is_shown_gets_the_reviews_for_the_action(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    """`gh` is stood in for by a script that prints what it is asked, and then one page of reviews."""
    _, get, judge = yaml.safe_load(REVIEWED.read_text())["jobs"]["spec-guard"]["steps"]
    head = hosting.push(RIGHT)
    job = pull_request(machine, hosting, tmp_path, head)
    review = {"user": {"login": "alice", "type": "User"}, "state": "APPROVED", "commit_id": head}
    gh = machine.programs / "gh"
    for page, code in (([review], 0), ([{**review, "state": "?"}], 2)):
        program(gh, f"echo \"$@\" > '{tmp_path}/asked'\necho '{json.dumps([page])}'")
        outputs = tmp_path / f"outputs-{code}"
        env = {**job.env, "GITHUB_REPOSITORY": "acme/shop", "GITHUB_OUTPUT": str(outputs), "NUMBER": "12"}
        assert set(get["env"]) == {"GH_TOKEN", "NUMBER"}
        done = machine.run(get["run"], tmp_path, env).ended()
        asked = (tmp_path / "asked").read_text()
        assert asked == "api --paginate --slurp repos/acme/shop/pulls/12/reviews\n"
        known = {f"steps.{get['id']}.outputs.file": outputs.read_text().strip().removeprefix("file=")}
        job.place = tmp_path / str(code)
        job.place.mkdir()
        done = job.run_action(reviews=expression(judge["with"]["reviews"], known)).ended(code)
    assert "[0].state in the reviews file" in done.said
    gh.unlink()


# GitLab


def run_gitlab(machine: Machine, workspace: Repository, env: dict[str, str]) -> Step:
    """Run the documented job's scripts as GitLab does: in one shell, which ends at the first error."""
    page = yaml.safe_load(GITLAB.read_text())["spec-guard"]
    # Else variables of an earlier job's dotenv report would precede those of the platform.
    assert page["dependencies"] == []
    env = {"GITLAB_CI": "true", **env, **page["variables"]}
    lines = [line.replace("/opt", f"{machine.place}/opt") for line in page["before_script"] + page["script"]]
    lines = [re.sub(r"specguard==[\d.]+", str(machine.wheel), line) for line in lines]
    before, script = "\n".join(lines[: len(page["before_script"])]), "\n".join(lines[-len(page["script"]) :])
    machine.install("gitlab", before, workspace.path, env).ended()
    return machine.run(script, workspace.path, env)


def test_a_merge_request_of_gitlab(machine: Machine, hosting: Hosting, tmp_path: Path) -> None:
    workspaces = {}
    for name, files in (("right", RIGHT), ("wrong", WRONG)):
        head = hosting.push(files, branch=name)
        workspaces[name] = hosting.checkout(tmp_path / name, head)
    for name, changed, code, said in (
        ("right", {}, 0, "specguard: passed (range, 1 commit"),
        ("right", {"DESCRIPTION_IS_TRUNCATED": "true"}, 2, ""),
        ("wrong", {}, 1, "PTH001"),
        ("right", {"TITLE": "Draft: `touch imported` $(touch imported)"}, 1, "PRQ001"),
    ):
        workspace = workspaces[name]
        variables = merge_request(workspace.oid(), **{"SOURCE_BRANCH_SHA": "", **changed})
        done = run_gitlab(machine, workspace, variables).ended(code)
        assert said in done.said
        assert not (workspace.path / "imported").exists()


def test_python_is_as_isolated_as_the_jobs_say() -> None:
    for script in (WORKFLOW, ACTION, ROOT / "docs" / "ci.md"):
        text = script.read_text()
        assert "PYTHONSAFEPATH" in text
        for line in text.splitlines():
            assert "-m venv" not in line or "-I -m venv" in line
    assert shutil.which("bash")
    assert os.name == "posix"


# Elsewhere: the commands that the documents give, with the variables that other platforms set

PAGE = (ROOT / "docs" / "ci.md").read_text().partition("## Elsewhere\n")[2].partition("\n## ")[0]
COMMANDS = dict(re.findall(r"(?ms)^\*\*([\w ]+)\*\*.*?^```bash\n(.*?)^```$", PAGE))

VARIABLES = {one["name"]: one["variables"] for one in rows(__file__, "platforms")}


def test_every_platform_of_the_page_has_its_variables() -> None:
    assert set(COMMANDS) == set(VARIABLES)
    for name, script in COMMANDS.items():
        assert set(re.findall(r"\$\{?([A-Z_]+)", script)) <= set(VARIABLES[name])
        # A value that could be anything is one word.
        assert not re.search(r'(?<!")\$\{?[A-Z_]+(?!.*")', script)


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hosting, dict[int, str]]:
    """A remote with a right and a wrong change, by the exit code of each."""
    hosting = host(tmp_path_factory.mktemp("elsewhere"))
    return hosting, {0: hosting.push(RIGHT, branch="right"), 1: hosting.push(WRONG, branch="wrong")}


@pytest.mark.parametrize("name", list(VARIABLES))
@pytest.mark.parametrize("code", [0, 1])
def test_the_commands_judge(
    name: str, code: int, machine: Machine, pushed: tuple[Hosting, dict[int, str]], tmp_path: Path
) -> None:
    hosting, heads = pushed
    workspace = hosting.checkout(tmp_path / "workspace", heads[code])
    if "git fetch" in COMMANDS[name]:
        workspace.git("update-ref", "-d", "refs/remotes/origin/main")
    # What a job installs is beside the point here.
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "specguard").symlink_to(f"{os.path.dirname(sys.executable)}/specguard")
    env = {key: value.replace("HEAD_OID", heads[code]) for key, value in VARIABLES[name].items()}
    env["PATH"] = f"{programs}:{os.environ['PATH']}"
    done = machine.run(COMMANDS[name], workspace.path, env).ended(code)
    assert ("PTH001" in done.said) is bool(code)
