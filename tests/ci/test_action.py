"""The action's inputs and outputs, in its own steps, for right, wrong and hostile pull requests."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from specguard.cli.checking import output_lines
from tests.ci.jobs import ACTION, RIGHT, ROOT, SHELL, WRONG, Hosting, Job, Machine, pull_request, read_outputs
from tests.executor.places import program
from tests.rows import rows

pytestmark = pytest.mark.xdist_group("workflows")


def test_each_input_reaches_a_step_as_a_variable_and_no_script() -> None:
    """An expression in a script would be text of whoever wrote the value."""
    action = yaml.safe_load(ACTION.read_text())
    steps = action["runs"]["steps"]
    for step in steps:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
    used = {
        word
        for step in steps
        for value in step["env"].values()
        for word in re.findall(r"inputs\.([\w-]+)", value)
    }
    assert used == set(action["inputs"])
    assert all("default" in about and about["description"] for about in action["inputs"].values())
    ids = {step.get("id") for step in steps}
    for about in action["outputs"].values():
        assert set(re.findall(r"steps\.(\w+)\.", about["value"])) <= ids


def test_the_page_has_every_input_and_output() -> None:
    action = yaml.safe_load(ACTION.read_text())
    page = (ROOT / "docs" / "ci.md").read_text()
    for kind in ("input", "output"):
        table = re.findall(rf"(?m)^\| {kind} \| meaning \|\n((?:\|.*\n)+)", page)
        names = {
            name for line in table[0].splitlines() for name in re.findall(r"`([\w-]+)`", line.split("|")[1])
        }
        assert names == set(action[f"{kind}s"])


def test_outputs_tell_the_verdict_the_counts_and_the_reports(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    for files, code in ((RIGHT, 0), (WRONG, 1)):
        place = tmp_path / str(code)
        head = hosting.push(files, branch=f"phase-12-{code}", ref=f"refs/pull/{code}/head")
        job = pull_request(machine, hosting, place, head)
        names = {name: str(place / f"a report.{name}") for name in ("json", "sarif", "html", "markdown")}
        # A path with a newline is one path.
        names["json"] = f"{place}/report.json\nverdict=passed"
        more = place / "junit.xml"
        done = job.run_action(**names, outputs=f"\n  junit={more}\n").ended(code)
        report = json.loads((place / "report.json\nverdict=passed").read_text())
        assert json.loads(job.outputs.pop("counts")) == report["counts"]
        assert (report["exit_code"], report["authority"]["trusted"]) == (code, True)
        assert ("::error file=docs/api/x.yaml" in done.said) is bool(code)
        assert job.outputs == {
            "verdict": report["verdict"],
            "exit-code": str(code),
            "findings": str(len(report["findings"])),
            **names,
        }
        assert json.loads((place / "a report.sarif").read_text())["version"] == "2.1.0"
        assert more.read_text().startswith("<?xml")
        assert job.outputs["verdict"] == ("passed", "failed")[code]
        assert job.summary


def test_a_floor_holds_and_is_pinned(machine: Machine, hosting: Hosting, tmp_path: Path) -> None:
    floor = tmp_path / "floor.md"
    floor.write_text("# Floor\n\n## Forbidden paths\n\n" + "".join(f"- `{path}`\n" for path in RIGHT))
    head = hosting.push(RIGHT, branch="phase-12-floor", ref="refs/pull/12/head")
    digest = hashlib.sha256(floor.read_bytes()).hexdigest()
    for pin, code in ((digest, 1), ("0" * 64, 2)):
        job = pull_request(machine, hosting, tmp_path / str(code), head)
        done = job.run_action(floor=str(floor), floor_sha256=pin).ended(code)
    assert "this is not the floor that is pinned" in done.said


def test_outputs_are_written_where_there_is_no_verdict(
    machine: Machine, hosting: Hosting, tmp_path: Path
) -> None:
    head = hosting.push(RIGHT)
    job = pull_request(machine, hosting, tmp_path, head, branch="\n")
    job.run_action(json=str(tmp_path / "report.json"), html=str(tmp_path / "none" / "x.html")).ended(2)
    assert job.outputs["verdict"] == "error"
    assert job.outputs["exit-code"] == "2"
    assert job.outputs["counts"] == "{}"
    # Only what was written is named.
    assert (job.outputs["json"], job.outputs["html"]) == (str(tmp_path / "report.json"), "")
    assert "not a branch's name" in job.summary
    for bad in ({"outputs": "nowhere"}, {"working_directory": "nowhere"}):
        job.move(tmp_path / f"bad {next(iter(bad))}")
        job.run_action(**bad).ended(2)
        assert (job.outputs["verdict"], job.outputs["exit-code"]) == ("error", "2")


def test_strict_base_bootstrap_and_a_folder(machine: Machine, hosting: Hosting, tmp_path: Path) -> None:
    head = hosting.push(RIGHT)
    job = Job(machine, hosting, tmp_path, "workflow_dispatch", {"inputs": None, "ref": "refs/heads/main"})
    job.known["github.sha"] = head
    # The event has no change, so the base is said.
    job.run_action(event="", working_directory="src").ended(2)
    job.move(tmp_path / "again")
    wanted = {"strict": "true", "bootstrap": "true", "working_directory": "src"}
    job.run_action(event="", base="main", branch="phase-12", **wanted).ended()
    assert job.outputs["verdict"] == "passed"


def test_nothing_but_names_and_versions_is_installed(machine: Machine, tmp_path: Path) -> None:
    step = yaml.safe_load(ACTION.read_text())["runs"]["steps"][0]
    assert set(step["env"]) == {"ACTION", "PYTHON", "VERSION", "PLUGINS"}
    for name, value in rows(__file__, "not-installed"):
        env = {"RUNNER_TEMP": str(tmp_path), "ACTION": "x", "PYTHON": "false", "VERSION": "", "PLUGINS": ""}
        done = machine.run(step["run"], tmp_path, {**env, name: value}, *SHELL).ended(2)
        assert done.said.startswith("::error::a version is")
        assert not (tmp_path / "imported").exists()


def test_what_is_asked_for_is_installed(machine: Machine, tmp_path: Path) -> None:
    step = yaml.safe_load(ACTION.read_text())["runs"]["steps"][0]
    python = tmp_path / "python"
    program(tmp_path / "pip", 'printf "<%s>" "$@"; pwd')
    program(python, f'echo "$0 $*"; mkdir -p "$4/bin"; install {tmp_path}/pip "$4/bin/pip"')
    temp = tmp_path / "temp"
    temp.mkdir()
    env = {"RUNNER_TEMP": str(temp), "ACTION": "/the action", "PYTHON": str(python)}
    env |= {"VERSION": "", "PLUGINS": ""}
    done = machine.run(step["run"], tmp_path, env, *SHELL)
    assert (
        done.said == f"{python} -I -m venv {temp}/specguard-action\n<install><--quiet></the action>{temp}\n"
    )
    env.update(VERSION="0.1.0", PLUGINS="  one==1.0\n\nspecguard-two[x]==2.0rc1+local\n")
    done = machine.run(step["run"], tmp_path, env, *SHELL)
    wanted = "<install><--quiet><specguard==0.1.0><one==1.0><specguard-two[x]==2.0rc1+local>"
    assert done.said.endswith(f"{wanted}{temp}\n"), done.said


@pytest.mark.parametrize("value", rows(__file__, "values"))
def test_a_value_can_set_no_other_output(value: str) -> None:
    values: dict[str, Any] = {"report-json": value, "verdict": "failed"}
    assert read_outputs(output_lines(values)) == values
