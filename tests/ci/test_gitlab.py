"""The component for GitLab: of the form that its documents ask for, and run as a runner runs it.

https://docs.gitlab.com/ci/components/ and https://docs.gitlab.com/ci/inputs/ have the form.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from specguard import __version__
from specguard.testing import Repository
from tests.ci.jobs import RIGHT, ROOT, WRONG, Hosting, Machine, Step, merge_request, yaml_blocks
from tests.rows import rows

pytestmark = pytest.mark.xdist_group("workflows")

COMPONENT = ROOT / "templates" / "spec-guard.yml"
HEADER, TEMPLATE = COMPONENT.read_text().split("\n---\n")
INPUTS: dict[str, dict[str, Any]] = yaml.safe_load(HEADER)["spec"]["inputs"]
OF_AN_INPUT = {"default", "description", "options", "regex", "rules", "type"}


def filled(**given: Any) -> tuple[str, dict[str, Any]]:
    """The component's job and its name, with inputs filled in; each must be one that GitLab takes."""
    values = {}
    for name, about in INPUTS.items():
        value = given.pop(name.replace("-", "_"), about["default"])
        if about.get("type") == "boolean":
            assert isinstance(value, bool)
            value = "true" if value else "false"
        if "regex" in about and not re.search(about["regex"], value):
            raise ValueError(f"{name}: provided value does not match required RegEx pattern")
        values[name] = value
    assert not given
    text = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: values[found[1]], TEMPLATE)
    assert "$[[" not in text
    [(name, job)] = yaml.safe_load(text).items()
    return name, job


def test_the_component_has_the_form_of_one() -> None:
    assert set(yaml.safe_load(HEADER)) == {"spec"}
    for about in INPUTS.values():
        assert set(about) <= OF_AN_INPUT
        assert about["description"]
        assert about.get("type", "string") in ("string", "boolean", "number", "array")
        # What has no default must be given; and GitLab takes an expression without slashes, for texts alone.
        assert "default" in about
        assert "type" not in about or "regex" not in about
        assert not about.get("regex", "").startswith("/")
    assert set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", TEMPLATE)) == set(INPUTS)
    plugins = "specguard-one==1.0 two==2.0rc1"
    name, job = filled(job_name="guard", stage="check", plugins=plugins)
    assert job["variables"]["SPECGUARD_PLUGINS"] == plugins
    assert (name, job["stage"], job["dependencies"]) == ("guard", "check", [])
    assert job["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}]
    assert job["artifacts"]["when"] == "always"
    assert set(job["artifacts"]["reports"]) == {"codequality", "junit"}
    # No input is text of a script.
    for line in re.findall(r"(?m)^  (?:before_)?script:\n((?:    .*\n)+)", TEMPLATE):
        assert "$[[" not in line


def test_the_documents_include_it_as_it_is() -> None:
    [block] = [block for block in yaml_blocks("component:") if "include" in block]
    [include] = block["include"]
    assert include["component"].endswith(f"/{COMPONENT.stem}@{__version__}")
    filled(**{name.replace("-", "_"): value for name, value in include["inputs"].items()})
    assert INPUTS["version"]["default"] == __version__


@pytest.mark.parametrize(("name", "value"), rows(__file__, "refused"))
def test_an_input_that_could_do_more_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="does not match"):
        filled(**{name: value})


def run(machine: Machine, workspace: Repository, job: dict[str, Any], variables: dict[str, str]) -> Step:
    """Run a job's scripts in one shell that ends at the first error, as GitLab's runner does."""
    env = {"GITLAB_CI": "true", "TMPDIR": str(machine.temp), **variables, **job["variables"]}
    # The index is a folder with this tree's wheel; that this environment has specguard does not matter.
    env.update(PIP_FIND_LINKS=str(machine.place), PIP_IGNORE_INSTALLED="1")
    lines = "\n".join([*job["before_script"], *job["script"]])
    return machine.run(lines, workspace.path, env, "bash", "-eo", "pipefail")


def test_the_job_judges_and_leaves_its_reports(machine: Machine, hosting: Hosting, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    name, job = filled(strict=True)
    assert name == "spec-guard"
    for files, code in ((RIGHT, 0), (WRONG, 1)):
        hosting.author.git("checkout", "-q", "-B", "phase-12", "main")
        if code == 1:
            hosting.author.symlink(".specguard-reports", str(outside))
        head = hosting.author.commit("feat(phase12): implement phase 12", files=files)
        hosting.author.git("push", "-q", "--force", "origin", "phase-12")
        workspace = hosting.checkout(tmp_path / str(code), head)
        run(machine, workspace, job, merge_request(head)).ended(code)
        reports = job["artifacts"]["reports"]
        assert bool(json.loads((workspace.path / reports["codequality"]).read_text())) is bool(code)
        assert (workspace.path / reports["junit"]).read_text().startswith("<?xml")
        assert list(outside.iterdir()) == []
        assert not (workspace.path / "imported").exists()
        # To install takes seconds: the next job has what this one installed.
        [place] = machine.temp.glob("tmp.*")
        job["before_script"][2:] = [f"SPECGUARD={place}"]
