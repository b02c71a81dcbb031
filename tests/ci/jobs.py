"""What a platform does around the steps of a job: checking out, setting variables, filling in expressions.

The specguard that the steps install is this tree's wheel; what it needs comes from this environment.
"""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from specguard.testing import Repository
from specguard.testing.repository import clean_environment

SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""How a runner of GitHub starts the shell of a step."""
ROOT = Path(__file__).parent.parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "spec-guard.example.yml"
ACTION = ROOT / "action.yml"

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

    def ended(self, code: int = 0) -> Self:
        """The step, which has this exit code."""
        assert self.code == code, self.said
        return self


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
                # What is imported is compiled then, and most of it never is.
                "PIP_NO_COMPILE": "1",
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


# GitHub


def expression(text: str, known: dict[str, str]) -> str:
    """A text with `${{ }}` filled in; an alternative is taken where what stands before it is empty."""

    def value(found: re.Match[str]) -> str:
        names = [name.strip() for name in found[1].split("||")]
        values = [name[1:-1] if name[0] == "'" else known.get(name, "") for name in names]
        return next((value for value in values if value), "")

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


def read_outputs(text: str) -> dict[str, str]:
    """What a step's file of outputs sets, as the runner reads it (actions/runner, FileCommandManager)."""
    values = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, sign, end = line.partition("<<")
        if not sign or "=" in name:
            name, sign, value = line.partition("=")
            assert sign, f"the runner refuses {line!r}"
            values[name] = value
            continue
        value_lines = []
        for one in lines:
            if one == end:
                break
            value_lines.append(one)
        else:
            raise AssertionError(f"the runner does not find {end!r}")
        values[name] = "\n".join(value_lines)
    return values


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
        group = self.event.get("merge_group") or {}
        head = self.pull_request["head"]["sha"] if self.pull_request else group.get("head_sha")
        head = head or self.event.get("after") or self.hosting.author.oid("main")
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
            "GITHUB_OUTPUT": str(self.place / "outputs"),
            "RUNNER_TEMP": str(self.machine.temp),
        }

    def move(self, place: Path) -> None:
        """Go on elsewhere, as another job for the same event."""
        place.mkdir()
        self.place = place
        self.env["GITHUB_OUTPUT"] = str(place / "outputs")
        self.env["GITHUB_STEP_SUMMARY"] = str(place / "summary.md")

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
        self.machine.install("workflow", install["run"], workspace.path, env).ended()
        results = []
        for step in steps:
            assert set(step) <= {"name", "run"}
            results.append(self.machine.run(step["run"], workspace.path, env))
            if results[-1].code:
                break
        assert not (workspace.path / "imported").exists()
        return results

    def run_action(self, **inputs: str) -> Step:
        """Run the composite action's steps after the checkout that the documents show.

        What the action says of itself is then in `outputs`.
        """
        action = yaml.safe_load(ACTION.read_text())
        checkout = next(
            step
            for block in yaml_blocks("actions/checkout")
            for step in block["jobs"]["spec-guard"]["steps"]
            if step["uses"].startswith("actions/checkout@")
        )
        workspace = self.checkout(checkout)
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(given) <= set(action["inputs"])
        for name, about in action["inputs"].items():
            self.known[f"inputs.{name}"] = given.get(name, expression(about["default"], self.known))
        install, judge = action["runs"]["steps"]
        results = []
        for step in (install, judge):
            assert step["shell"] == "bash"
            env = {**self.env}
            env.update({name: expression(value, self.known) for name, value in step["env"].items()})
            run = self.machine.run
            if step is install and not {"version", "plugins", "python"}.intersection(given):
                done = self.machine.install("action", step["run"], workspace.path, env, *SHELL)
            else:
                done = run(step["run"], workspace.path, env, *SHELL)
            results.append(done)
            if done.code:
                break
        assert not (workspace.path / "imported").exists()
        written = self.place / "outputs"
        found = read_outputs(written.read_text()) if written.exists() else {}
        known = {f"steps.{judge['id']}.outputs.{name}": value for name, value in found.items()}
        self.outputs = {name: expression(about["value"], known) for name, about in action["outputs"].items()}
        return results[-1]


def yaml_blocks(word: str) -> list[dict[str, Any]]:
    """The YAML blocks on the page about CI that have a word in them."""
    found = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "ci.md").read_text(), re.M | re.S)
    return [yaml.safe_load(text) for text in found if word in text]


def pull_request(
    machine: Machine,
    hosting: Hosting,
    place: Path,
    head: str,
    *,
    title: str = "Phase 12",
    body: str = BODY,
    branch: str = "phase-12",
    depth: int | None = None,
) -> Job:
    """A job in a folder for a pull request, with the fields of the platform's event that a check may read."""
    place.mkdir(exist_ok=True)
    event = {
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
    return Job(machine, hosting, place, "pull_request", event, depth)


# GitLab


def merge_request(head: str, **more: str) -> dict[str, str]:
    """The variables of a job for a merge request; others of the request are named by their last part."""
    request = {
        "IID": "7",
        "SOURCE_BRANCH_NAME": "phase-12",
        "TARGET_BRANCH_NAME": "main",
        "TITLE": "Phase 12",
        "DESCRIPTION": BODY,
        "DESCRIPTION_IS_TRUNCATED": "false",
        **more,
    }
    variables = {f"CI_MERGE_REQUEST_{name}": value for name, value in request.items()}
    return {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_COMMIT_SHA": head, **variables}
