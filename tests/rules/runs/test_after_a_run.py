"""What `specguard run` makes is right by every rule about runs; what is done to it afterwards is seen."""

import json
from pathlib import Path
from typing import Any

from tests.executor.working import POLICY, Workshop

RUNS = """place_limit = 8
require = ["phase"]
grade = "re-run"
quick_gates = ["tests"]
full_gates = ["tests"]

[assets]
paths = ["src/**"]
index = "src/index.json"
proofs = ["tests"]

[rules.unregistered-asset]
stages = ["pull-request"]
"""
PASSED = {f"RUN00{number}": "passed" for number in (1, 2, 3, 4, 5, 6, 9)}
PASSED["RUN010"] = "passed"


def judge(workshop: Workshop, *words: str) -> dict[str, Any]:
    """The report of a check of the pushed branch, where the run was made."""
    workshop.user.git("fetch", "--quiet", str(workshop.remote.path), "phase-12:refs/heads/phase-12")
    done = workshop.specguard(
        "check", "--select=RUN", "--head=phase-12", "--base=origin/main", "--output-format=json", *words
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def states(report: dict[str, Any]) -> dict[str, str]:
    return {one["code"]: one["state"] for one in report["rules"]}


def test_a_run_is_right_by_its_own_rules_until_something_is_done_to_it(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, policy=POLICY.replace("place_limit = 8\noutput_limit = 1\n", RUNS))
    workshop.work(ends=0)
    report = judge(workshop)
    assert report["findings"] == []
    found = states(report)
    assert {code: found[code] for code in PASSED} == PASSED

    # Elsewhere no rule about runs is asked.
    clone = workshop.remote.clone(tmp_path / "clone")
    words = ["--head=origin/phase-12", "--base=origin/main", "--output-format=json", "--select=RUN"]
    done = workshop.specguard("check", "-C", str(clone.path), *words)
    report = json.loads(done.stdout)
    assert (report["verdict"], done.exit_code) == ("passed", 0)
    assert states(report)["RUN001"] == "not-applicable"
    assert len([note for note in report["notes"] if "No rule about runs" in note]) == 1

    # A log is turned green.
    [gate] = [one for one in workshop.manifest.commands if one.kind == "gate"]
    log = workshop.folder_of_run / gate.log
    before = log.read_bytes()
    log.write_text("all passed\n")
    [finding] = judge(workshop)["findings"]
    place = f".runs/phase-12/{workshop.run_id}/{gate.log}"
    assert (finding["code"], finding["location"]["path"]) == ("RUN004", place)
    log.write_bytes(before)

    # The commit is amended.
    user = workshop.user
    user.git("checkout", "--quiet", "phase-12")
    user.write("src/new.py", "new = 2\n")
    user.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    done = workshop.specguard("check", "--select=RUN", "--base=origin/main", "--output-format=json")
    found = states(json.loads(done.stdout))
    assert (found["RUN002"], found["RUN004"], done.exit_code) == ("failed", "failed", 2)
    assert found["RUN009"] == "indeterminate"
