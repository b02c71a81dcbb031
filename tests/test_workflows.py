"""The jobs that teams copy, run step by step as their platforms run them, in real clones of a real remote.

What a platform does around the steps is done here: checking out, setting variables, filling in expressions.
The specguard that the steps install is this tree's wheel; what it needs comes from this environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from specguard.testing import Repository
from specguard.testing.repository import clean_environment

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "spec-guard.example.yml"
ACTION = ROOT / "action.yml"
ON: Any = True
"""How YAML 1.1 reads the key `on`."""

pytestmark = pytest.mark.xdist_group("workflows")  # so that everything is installed once

AUTHORITY = """# Authority

## Forbidden paths

- `docs/api/`

```toml specguard
extends = ["phase-runner"]
base = "main"
```
"""
RIGHT = {"src/a.go": "package a\n"}
WRONG = {"src/a.go": "package a\n", "docs/api/x.yaml": "b\n"}
BODY = "Implements docs/plan/v1/phases/phase-12.md. One phase, one commit. Tests: none."


# What a platform is


@dataclass
class Step:
    """What became of a step: its exit code, and all that it printed."""

    code: int
    said: str


@dataclass
class Machine:
    """The machine of a job: programs, a place for temporary files, and what is installed there already.

    Attributes:
        place: where the job's folders are.
        programs: a folder that is first on the path.
        wheel: specguard as a wheel.
    """

    place: Path
    programs: Path
    wheel: Path
    installed: dict[str, Step] = field(default_factory=dict)

    @property
    def temp(self) -> Path:
        return self.place / "temp"

    def run(self, script: str, directory: Path, env: dict[str, str], *shell: str) -> Step:
        """Run a step's script with a shell's words, as a file, in a folder."""
        file = self.place / "step.sh"
        file.write_text(script)
        clean = clean_environment()
        words = list(shell or ("bash", "-e"))
        done = subprocess.run(
            [*words, str(file)],
            cwd=directory,
            env={
                **clean,
                "PATH": f"{self.programs}:{clean['PATH']}",
                "HOME": str(self.place),
                "CI": "true",
                "PIP_NO_DEPS": "1",
                "PIP_NO_INDEX": "1",
                "PIP_NO_BUILD_ISOLATION": "false",  # which is how pip spells that there is none
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
                "PIP_ROOT_USER_ACTION": "ignore",
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Step(done.returncode, done.stdout)

    def install(self, name: str, script: str, directory: Path, env: dict[str, str], *shell: str) -> Step:
        """Run a step that installs, once for each job."""
        if name not in self.installed:
            self.installed[name] = self.run(script, directory, env, *shell)
        return self.installed[name]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine whose Python gives a new virtual environment the packages of this one."""
    place = tmp_path_factory.mktemp("machine")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = place.glob("*.whl")
    programs = place / "programs"
    programs.mkdir()
    python = programs / "python"
    site = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    # Packages alone are added: a .pth file in that folder, and so an editable specguard, is not read.
    python.write_text(
        f"#!/bin/sh\nset -e\n'{sys.executable}' \"$@\"\n"
        f"for last; do :; done\necho '{sysconfig.get_path('purelib')}' > \"$last/{site}/dependencies.pth\"\n"
    )
    python.chmod(0o755)
    (programs / "python3").symlink_to(python)
    (place / "temp").mkdir()
    return Machine(place, programs, wheel)


@dataclass
class Hosting:
    """A bare repository that is the remote of everybody, with `main` in it."""

    remote: Repository
    author: Repository

    def push(self, files: dict[str, str], *, message: str = "feat(phase12): implement phase 12",
             branch: str = "phase-12", ref: str = "") -> str:  # fmt: skip
        """Commit files on a new branch from `main`, and push it; under another ref it is a fork's."""
        self.author.branch(branch, "main")
        oid = self.author.commit(message, files=files)
        self.author.git("push", "-q", "origin", f"HEAD:{ref or f'refs/heads/{branch}'}")
        return oid

    def checkout(self, place: Path, oid: str, *, depth: int = 0) -> Repository:
        """What the platforms' own checkout leaves: branches under `origin`, a detached head, no `main`."""
        clone = Repository(place, branch="nothing")
        clone.remote(f"file://{self.remote.path}")
        clone.git("config", "uploadpack.allowAnySHA1InWant", "true")
        if depth:
            clone.git("fetch", "-q", "--no-tags", f"--depth={depth}", "origin", oid)
        else:
            clone.git("fetch", "-q", "--no-tags", "origin", "+refs/heads/*:refs/remotes/origin/*", oid)
        clone.git("checkout", "-q", "--detach", oid)
        return clone


@pytest.fixture
def hosting(tmp_path: Path) -> Hosting:
    author = Repository(tmp_path / "author")
    author.commit(
        "docs: start",
        files={
            "SPEC_AUTHORITY.md": AUTHORITY,
            "configs/NEXT_PHASE.json": '{"plan_version": "v1", "next": 12}',
            "docs/plan/v1/phases/phase-12.md": "# Phase 12\n",
            "docs/api/x.yaml": "a\n",
            # What a job that runs in this folder must not import.
            **{f"{name}.py": "open('imported', 'w')\n" for name in ("click", "pip", "site", "re", "venv")},
            "specguard/__init__.py": "open('imported', 'w')\n",
        },
    )
    remote = author.clone(tmp_path / "remote.git", bare=True)
    remote.git("config", "uploadpack.allowAnySHA1InWant", "true")
    author.remote(f"file://{remote.path}")
    return Hosting(remote, author)


# GitHub


def expression(text: str, known: dict[str, str]) -> str:
    """A text with `${{ }}` filled in; an alternative is taken where what stands before it is empty."""

    def value(found: re.Match[str]) -> str:
        names = [name.strip() for name in found[1].split("||")]
        return next((known[name] for name in names if known[name]), "")

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


@dataclass
class Job:
    """A job of GitHub for one event."""

    machine: Machine
    hosting: Hosting
    place: Path
    name: str
    event: dict[str, Any]
    depth: int | None = None

    def __post_init__(self) -> None:
        (self.place / "event.json").write_text(json.dumps(self.event))
        self.pull_request = self.event.get("pull_request")
        head = (
            self.pull_request["head"]["sha"] if self.pull_request else self.event["merge_group"]["head_sha"]
        )
        self.known = {
            "github.event.pull_request.head.sha": head if self.pull_request else "",
            "github.sha": head,
            "github.event_path": str(self.place / "event.json"),
            "github.action_path": str(ROOT),
        }
        self.env = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.name,
            "GITHUB_EVENT_PATH": self.known["github.event_path"],
            "GITHUB_SHA": head,
            "GITHUB_STEP_SUMMARY": str(self.place / "summary.md"),
            "RUNNER_TEMP": str(self.machine.temp),
        }

    @property
    def summary(self) -> str:
        """The page that the steps wrote."""
        file = self.place / "summary.md"
        return file.read_text() if file.exists() else ""

    def checkout(self, step: dict[str, Any]) -> Repository:
        """Do what `actions/checkout` does with these inputs."""
        assert step["uses"].startswith("actions/checkout@")
        depth = int(step["with"]["fetch-depth"]) if self.depth is None else self.depth
        return self.hosting.checkout(
            self.place / "workspace", expression(step["with"]["ref"], self.known), depth=depth
        )

    def run(self) -> list[Step]:
        """Run the example workflow's steps, up to the first that fails, and return those that judge."""
        workflow = yaml.safe_load(WORKFLOW.read_text())
        [job] = workflow["jobs"].values()
        checkout, install, *steps = job["steps"]
        workspace = self.checkout(checkout)
        env = {**self.env, **job["env"], "SPECGUARD": str(self.machine.wheel)}
        done = self.machine.install("workflow", install["run"], workspace.path, env)
        assert done.code == 0, done.said
        results = []
        for step in steps:
            assert set(step) <= {"name", "run"}
            results.append(self.machine.run(step["run"], workspace.path, env))
            if results[-1].code:
                break
        assert not (workspace.path / "imported").exists()
        return results

    def run_action(self, **inputs: str) -> Step:
        """Run the composite action's steps after the checkout that the documents show."""
        action = yaml.safe_load(ACTION.read_text())
        checkout = next(
            step
            for block in yaml_blocks("actions/checkout")
            for step in block["jobs"]["spec-guard"]["steps"]
            if step["uses"].startswith("actions/checkout@")
        )
        workspace = self.checkout(checkout)
        for name, about in action["inputs"].items():
            self.known[f"inputs.{name}"] = inputs.get(name, expression(about["default"], self.known))
        install, judge = action["runs"]["steps"]
        results = []
        for step in (install, judge):
            assert step["shell"] == "bash"
            env = {**self.env}
            env.update({name: expression(value, self.known) for name, value in step["env"].items()})
            run = self.machine.run
            words = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
            if step is install:
                done = self.machine.install("action", step["run"], workspace.path, env, *words)
            else:
                done = run(step["run"], workspace.path, env, *words)
            results.append(done)
        assert results[0].code == 0, results[0].said
        assert not (workspace.path / "imported").exists()
        return results[1]


def yaml_blocks(word: str) -> list[dict[str, Any]]:
    """The YAML blocks on the page about CI that have a word in them."""
    found = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "ci.md").read_text(), re.M | re.S)
    return [yaml.safe_load(text) for text in found if word in text]


def pull_request(hosting: Hosting, head: str, *, title: str = "Phase 12", body: str = BODY,
                 branch: str = "phase-12") -> dict[str, Any]:  # fmt: skip
    """The event of a pull request, with the fields of the platform's that a check may read."""
    return {
        "action": "edited",
        "number": 7,
        "pull_request": {
            "number": 7,
            "title": title,
            "body": body,
            "head": {"sha": head, "ref": branch, "repo": {"full_name": "fork/shop", "fork": True}},
            "base": {"sha": hosting.author.oid("main"), "ref": "main"},
        },
        "repository": {"default_branch": "main"},
    }


def test_the_workflow_runs_where_a_verdict_can_change() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    triggers = workflow[ON]
    assert set(triggers["pull_request"]["types"]) >= {"opened", "synchronize", "reopened", "edited"}
    assert "merge_group" in triggers
    assert "pull_request_target" not in triggers
    assert workflow["permissions"] == {"contents": "read"}
    # The second block of the page adds what reviews take.
    documented, reviewed = (block for block in yaml_blocks("merge_group") if "jobs" in block)
    assert documented[ON] == triggers
    assert documented["permissions"] == workflow["permissions"]
    assert set(reviewed[ON]) == {*triggers, "pull_request_review"}


def test_a_right_change_is_green(machine: Machine, hosting: Hosting, tmp_path: Path) -> None:
    head = hosting.push(RIGHT)
    job = Job(machine, hosting, tmp_path, "pull_request", pull_request(hosting, head))
    shown, judged = job.run()
    assert (shown.code, judged.code) == (0, 0), shown.said + judged.said
    assert shown.said.startswith("specguard: passed (range, 1 commit")
    assert "::error" not in judged.said
    assert "passed" in job.summary


def test_a_wrong_change_is_red_with_annotations_and_a_summary(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    head = hosting.push(WRONG)
    job = Job(machine, hosting, tmp_path, "pull_request", pull_request(hosting, head, title="Phase 13"))
    shown, judged = job.run()
    assert shown.code == 0, shown.said
    assert "would block" in shown.said
    assert "PTH001" in shown.said
    assert judged.code == 1, judged.said
    annotations = [line for line in judged.said.splitlines() if line.startswith("::error ")]
    assert any("file=docs/api/x.yaml" in line and "PTH001" in line for line in annotations)
    assert any("PRQ001" in line for line in annotations)
    assert "PTH001" in job.summary
    assert "docs/api/x.yaml" in job.summary


def test_a_merge_queue_asks_again_without_the_text(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    base = hosting.author.oid("main")
    for files, code in ((RIGHT, 0), (WRONG, 1)):
        ref = "refs/heads/gh-readonly-queue/main/pr-7"
        head = hosting.push(files, branch=f"phase-12-{code}", ref=ref + str(code))
        event = {
            "action": "checks_requested",
            "merge_group": {
                "head_sha": head,
                "head_ref": ref,
                "base_sha": base,
                "base_ref": "refs/heads/main",
            },
        }
        (tmp_path / str(code)).mkdir()
        shown, judged = Job(machine, hosting, tmp_path / str(code), "merge_group", event).run()
        assert shown.code == 0, shown.said
        assert judged.code == code, judged.said
        assert "PRQ" not in judged.said
        assert ("PTH001" in judged.said) is bool(code)


def test_a_shallow_clone_gives_no_verdict(machine: Machine, hosting: Hosting, tmp_path: Path) -> None:
    hosting.author.commit("feat: go on", files={"src/b.go": "package b\n"})
    hosting.author.git("push", "-q", "origin", "main")
    head = hosting.push(RIGHT)
    event = pull_request(hosting, head)
    [shown] = Job(machine, hosting, tmp_path, "pull_request", event, depth=1).run()
    assert shown.code == 2, shown.said
    assert "fetch" in shown.said
    assert "Traceback" not in shown.said


def test_a_hostile_title_of_a_fork_does_nothing(machine: Machine, hosting: Hosting, tmp_path: Path) -> None:
    head = hosting.push(RIGHT, branch="x", ref="refs/pull/7/head")
    title = "$(touch imported) `touch imported`\n::stop-commands::x\n::error::y\x1b[2J"
    event = pull_request(
        hosting, head, title=title, body=f"::add-mask::a\r\n{title}", branch="--x;touch imported"
    )
    job = Job(machine, hosting, tmp_path, "pull_request", event)
    shown, judged = job.run()
    assert shown.code == 0, shown.said
    assert judged.code == 1, judged.said
    for line in (shown.said + judged.said).splitlines():
        assert not line.startswith(("::stop", "::add-mask", "::error::")), line
    assert "\x1b" not in shown.said + judged.said + job.summary


def test_a_merge_commit_of_the_platform_is_not_what_is_judged(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    head = hosting.push(RIGHT)
    hosting.author.checkout("main")
    merge = hosting.author.merge(
        "phase-12", message="Merge 1 into 2", files={"docs/api/x.yaml": "platform\n"}
    )
    hosting.author.git("push", "-q", "origin", f"{merge}:refs/pull/7/merge")
    hosting.author.ref("refs/heads/main", "main~1")
    event = pull_request(hosting, head)
    job = Job(machine, hosting, tmp_path, "pull_request", event)
    job.known["github.event.pull_request.head.sha"] = ""
    job.known["github.sha"] = merge
    assert [step.code for step in job.run()] == [0, 0]


def test_the_action_judges_as_the_workflow_does(machine: Machine, hosting: Hosting, tmp_path: Path) -> None:
    for files, code in ((RIGHT, 0), (WRONG, 1)):
        place = tmp_path / str(code)
        place.mkdir()
        branch = f"phase-12{'-again' * code}"
        head = hosting.push(files, branch=branch, ref=f"refs/pull/{code}/head")
        job = Job(machine, hosting, place, "pull_request", pull_request(hosting, head))
        done = job.run_action(output=str(place / "report file.json"))
        assert done.code == code, done.said
        report = json.loads((place / "report file.json").read_text())
        assert report["exit_code"] == code
        assert report["authority"]["trusted"] is True
        assert ("::error file=docs/api/x.yaml" in done.said) is bool(code)
        assert job.summary


def test_the_job_that_is_shown_gets_the_reviews_for_the_action(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    """`gh` is stood in for by a script that prints what it is asked, and then one page of reviews."""
    [block] = yaml_blocks("gh api")
    get, judge = block["jobs"]["spec-guard"]["steps"]
    head = hosting.push(RIGHT)
    event = pull_request(hosting, head)
    job = Job(machine, hosting, tmp_path, "pull_request", event)
    review = {"user": {"login": "alice", "type": "User"}, "state": "APPROVED", "commit_id": head}
    gh = machine.programs / "gh"
    for page, code in (([review], 0), ([{**review, "state": "?"}], 2)):
        gh.write_text(f"#!/bin/sh\necho \"$@\" > '{tmp_path}/asked'\necho '{json.dumps([page])}'\n")
        gh.chmod(0o755)
        outputs = tmp_path / f"outputs-{code}"
        env = {**job.env, "GITHUB_REPOSITORY": "acme/shop", "GITHUB_OUTPUT": str(outputs), "NUMBER": "12"}
        assert set(get["env"]) == {"GH_TOKEN", "NUMBER"}
        done = machine.run(get["run"], tmp_path, env)
        assert done.code == 0, done.said
        asked = (tmp_path / "asked").read_text()
        assert asked == "api --paginate --slurp repos/acme/shop/pulls/12/reviews\n"
        known = {f"steps.{get['id']}.outputs.file": outputs.read_text().strip().removeprefix("file=")}
        job.place = tmp_path / str(code)
        job.place.mkdir()
        done = job.run_action(reviews=expression(judge["with"]["reviews"], known))
        assert done.code == code, done.said
    assert "[0].state in the reviews file" in done.said
    gh.unlink()


# GitLab


def run_gitlab(machine: Machine, workspace: Repository, env: dict[str, str]) -> Step:
    """Run the documented job's scripts as GitLab does: in one shell, which ends at the first error."""
    [page] = [block["spec-guard"] for block in yaml_blocks("CI_PIPELINE_SOURCE")]
    env = {"GITLAB_CI": "true", **env, **page["variables"]}
    opt = machine.place / "opt"
    lines = [line.replace("/opt/", f"{opt}/") for line in (*page["before_script"], *page["script"])]
    lines = [re.sub(r"specguard==[\d.]+", str(machine.wheel), line) for line in lines]
    before, script = "\n".join(lines[: len(page["before_script"])]), "\n".join(lines[-len(page["script"]) :])
    done = machine.install("gitlab", before, workspace.path, env)
    assert done.code == 0, done.said
    return machine.run(script, workspace.path, env)


@pytest.mark.parametrize(
    ("files", "title", "code", "said"),
    [
        (RIGHT, "Phase 12", 0, "specguard: passed (range, 1 commit"),
        (WRONG, "Phase 12", 1, "PTH001"),
        (RIGHT, "Draft: `touch imported` $(touch imported)", 1, "PRQ001"),
    ],
)
def test_a_merge_request_of_gitlab(
    files: dict[str, str],
    title: str,
    code: int,
    said: str,
    machine: Machine,
    hosting: Hosting,
    tmp_path: Path,
) -> None:
    head = hosting.push(files)
    workspace = hosting.checkout(tmp_path / "workspace", head)
    variables = {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_COMMIT_SHA": head,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "phase-12",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_TITLE": title,
        "CI_MERGE_REQUEST_DESCRIPTION": BODY,
        "CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED": "false",
    }
    done = run_gitlab(machine, workspace, variables)
    assert done.code == code, done.said
    assert said in done.said
    assert not (workspace.path / "imported").exists()
    cut = {**variables, "CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED": "true"}
    assert run_gitlab(machine, workspace, cut).code == 2


def test_python_is_as_isolated_as_the_jobs_say() -> None:
    for script in (WORKFLOW, ACTION, ROOT / "docs" / "ci.md"):
        text = script.read_text()
        assert "PYTHONSAFEPATH" in text
        for line in text.splitlines():
            assert "-m venv" not in line or "-I -m venv" in line
    assert shutil.which("bash")
    assert os.name == "posix"
