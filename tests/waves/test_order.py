"""The order of stages: what is present, done or recorded before its time, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Case, Outcome, Step, run_case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

POLICY = """
[artifacts.planning-pass]
root = "**/_phase-{x}-planning-pass-{nn}/"
members = ["PLAN.md", "PHASE_{X}_PACKET.md"]

[artifacts.packet]
path = "**/PHASE_{X}_PACKET.md"
sections = ["Scope"]

[artifacts.drift-check]
path = "**/PHASE_{X}_DRIFT.md"
fields = {drift = ["none", "found"]}

[artifacts.realignment]
path = "**/PHASE_{X}_REALIGNED.md"

[artifacts.report]
path = "**/PHASE_{X}_REPORT.md"

[artifacts.review]
path = "**/PHASE_{X}_REVIEW.md"

[work.slice]
source = "**/PHASE_{X}_BREAKDOWN.yaml"
branch = "phase-{x}-{number}"

[wave]
by = ["x"]

[[wave.stages]]
name = "planning"
leaves = ["planning-pass", "packet"]
fields = {status = "ready"}
branch = "*-planning"
paths = ["**/_phase-{x}-planning-pass-*"]

[[wave.stages]]
name = "drift check"
opens_after = ["planning"]
leaves = ["drift-check"]

[[wave.stages]]
name = "realignment"
opens_after = ["drift check"]
leaves = ["realignment"]
when = {"drift-check.drift" = "found"}

[[wave.stages]]
name = "implementation"
opens_after = ["drift check", "realignment"]
leaves = ["report"]
items = "slice"
branch = "phase-{x}-runtime"

[[wave.stages]]
name = "review"
opens_after = ["implementation"]
leaves = ["review"]
"""
PASS = "docs/_phase-d-planning-pass-01/"
PLANNED = {
    f"{PASS}PLAN.md": "Plan it.\n",
    f"{PASS}PHASE_D_PACKET.md": "Status: ready\n\n## Scope\n\nThe cart.\n",
    f"{PASS}PHASE_D_BREAKDOWN.yaml": "slices: [{id: D1, status: open}]\n",
}
DRIFT = {"docs/PHASE_D_DRIFT.md": "Drift: none\n"}
DONE = {f"{PASS}PHASE_D_BREAKDOWN.yaml": "slices: [{id: D1, status: done, files: [src/done]}]\n"}
REPORT = {"docs/PHASE_D_REPORT.md": "Done.\n"}
REVIEW = {"docs/PHASE_D_REVIEW.md": "Good.\n"}


def judged(
    directory: Path,
    base: Mapping[str, str],
    *changes: Mapping[str, str],
    branch: str = "work",
    expect: Sequence[Mapping[str, Any]] = (),
    policy: str = POLICY,
    delete: Sequence[str] = (),
    args: Sequence[str] = (),
    **more: Any,
) -> Outcome:
    case = Case(
        policy=policy,
        base=[Step(files=base or {"README.md": "x"}), Step("feat: do it", files={"src/done": "1"})],
        commits=[Step("feat: x", files=files, delete=delete) for files in changes],
        branch=branch,
        expect=[{"code": "PLN008", **one} for one in expect],
        args=["--select=PLN008", *args],
        exit_code=1 if expect else 0,
        **more,
    )
    return run_case(case, directory, installed=False)


# What is present


def test_artifacts_of_a_stage_wait_for_the_earlier_ones(tmp_path: Path) -> None:
    told = {
        "path": "docs/PHASE_D_REVIEW.md",
        "message": "the stage planning is not complete: there is no planning-pass",
    }
    judged(tmp_path / "1", {}, REVIEW, expect=[told])
    told = {"path": "docs/PHASE_D_REVIEW.md", "message": "the stage drift check is not complete"}
    judged(tmp_path / "2", PLANNED, REVIEW, expect=[told])
    told = {
        "path": "docs/PHASE_D_REVIEW.md",
        "message": "slice D1 is not closed",
        "authority": "SPEC_AUTHORITY.md:59",
    }
    judged(tmp_path / "3", {**PLANNED, **DRIFT, **REPORT}, REVIEW, expect=[told])
    judged(tmp_path / "4", {**PLANNED, **DRIFT, **REPORT, **DONE}, REVIEW)


def test_the_first_stage_waits_for_nothing(tmp_path: Path) -> None:
    judged(tmp_path, {}, {f"{PASS}PLAN.md": "x"}, branch="phase-d-planning")


def test_what_is_removed_touches_its_wave(tmp_path: Path) -> None:
    base = {**PLANNED, **DRIFT, **REPORT, **DONE}
    told = {"path": "docs/PHASE_D_REPORT.md", "message": "there is no drift-check"}
    judged(tmp_path, base, {}, delete=["docs/PHASE_D_DRIFT.md"], expect=[told])


def test_another_wave_is_left_alone_unless_all_is_judged(tmp_path: Path) -> None:
    base = {"docs/PHASE_E_REVIEW.md": "Good.\n"}
    judged(tmp_path / "1", base, PLANNED)
    judged(tmp_path / "2", base, PLANNED, args=["--all"], expect=[{"path": "docs/PHASE_E_REVIEW.md"}])


@pytest.mark.parametrize(
    ("packet", "problem"),
    [
        ("Status: draft\n\n## Scope\n\nThe cart.\n", "PHASE_D_PACKET.md: Status is 'draft'"),
        ("<!-- Status: ready -->\n\n## Scope\n\nThe cart.\n", "has no field 'status'"),
        ("```\nStatus: ready\n```\n\n## Scope\n\nThe cart.\n", "has no field 'status'"),
        ("> Status: ready\n\n## Scope\n\nThe cart.\n", "has no field 'status'"),
        ("Status: ready\n", "Scope"),
        ("Status: ready\n\n<!--\n## Scope\n\nThe cart.\n-->\n", "Scope"),
        ("Status: re\u0430dy\n\n## Scope\n\nThe cart.\n", "Status is"),
        ("", "is empty"),
    ],
)
def test_a_packet_that_only_looks_ready_is_not(tmp_path: Path, packet: str, problem: str) -> None:
    base = {**PLANNED, f"{PASS}PHASE_D_PACKET.md": packet}
    judged(tmp_path, base, DRIFT, expect=[{"path": "docs/PHASE_D_DRIFT.md", "message": problem}])


def test_a_link_is_no_artifact(tmp_path: Path) -> None:
    base = {path: text for path, text in PLANNED.items() if "PACKET" not in path}
    case = Case(
        policy=POLICY,
        base=[Step(files={**base, "real.md": PLANNED[f"{PASS}PHASE_D_PACKET.md"]},
                   symlinks={f"{PASS}PHASE_D_PACKET.md": "../../real.md"})],
        commits=[Step("docs: x", files=DRIFT)],
        expect=[{"code": "PLN008", "path": "docs/PHASE_D_DRIFT.md", "message": "no regular file"}],
        args=["--select=PLN008"],
        exit_code=1,
    )  # fmt: skip
    run_case(case, tmp_path, installed=False)


def test_of_several_passes_the_last_one_counts(tmp_path: Path) -> None:
    second = {
        path.replace("pass-01", "pass-10"): text.replace("ready", "draft") for path, text in PLANNED.items()
    }
    told = {"path": "docs/PHASE_D_DRIFT.md", "message": "pass-10/PHASE_D_PACKET.md: Status is 'draft'"}
    judged(tmp_path / "1", {**PLANNED, **second}, DRIFT, expect=[told])
    ninth = {
        path.replace("pass-01", "pass-9"): text.replace("ready", "draft") for path, text in PLANNED.items()
    }
    tenth = {path.replace("pass-01", "pass-10"): text for path, text in PLANNED.items()}
    judged(tmp_path / "2", {**ninth, **tenth}, DRIFT)


# Work on a branch, or on an item


def test_a_stage_s_branch_waits_for_the_earlier_stages(tmp_path: Path) -> None:
    work = {"src/a": "1"}
    told = {"field": "branch", "message": "the stage drift check is not complete"}
    judged(tmp_path / "1", PLANNED, work, branch="phase-d-runtime", expect=[told])
    judged(tmp_path / "2", {**PLANNED, **DRIFT}, work, branch="phase-d-runtime")
    # It is another wave's.
    told = {
        "field": "branch",
        "message": "wave e, and the stage planning is not complete: there is no planning-pass",
    }
    judged(tmp_path / "3", {**PLANNED, **DRIFT}, work, branch="phase-e-runtime", expect=[told])


def test_what_brings_an_earlier_stage_about_may_be_done_on_the_branch(tmp_path: Path) -> None:
    judged(tmp_path / "1", PLANNED, DRIFT, branch="phase-d-runtime")
    judged(tmp_path / "2", PLANNED, DRIFT, {"src/a": "1"}, branch="phase-d-runtime")


def test_an_item_s_branch_is_work_of_the_stage_that_has_the_items(tmp_path: Path) -> None:
    work = {"src/a": "1"}
    told = {"field": "work_item", "message": "slice D1 is for the stage implementation of wave d"}
    judged(tmp_path / "1", PLANNED, work, branch="phase-d-1", expect=[told])
    judged(tmp_path / "2", {**PLANNED, **DRIFT}, work, branch="phase-d-1")


def test_a_stage_with_a_branch_of_its_own_is_done_there(tmp_path: Path) -> None:
    told = {
        "path": f"{PASS}PHASE_D_BREAKDOWN.yaml",
        "message": "the stage planning comes first, on a branch of its own",
    }
    judged(tmp_path, {}, {**PLANNED, **DRIFT, "src/a": "1"}, branch="phase-d-runtime", expect=[told])


def test_a_branch_changes_its_paths_alone(tmp_path: Path) -> None:
    told = {"path": "src/a", "message": "changes only **/_phase-*-planning-pass-*"}
    judged(tmp_path / "1", {}, {**PLANNED, "src/a": "1"}, branch="codex/phase-d-planning", expect=[told])
    judged(tmp_path / "2", {}, PLANNED, branch="codex/phase-d-planning")
    told = {"path": "src/a", "side": "base"}
    judged(tmp_path / "3", {"src/a": "1"}, {}, delete=["src/a"], branch="phase-d-planning", expect=[told])


def test_what_is_staged_is_judged_too(tmp_path: Path) -> None:
    case = Case(
        policy=POLICY,
        base=[Step(files=PLANNED)],
        branch="phase-d-runtime",
        staged=Step("", files={"src/a": "1"}),
        expect=[{"code": "PLN008", "field": "branch"}],
        args=["--select=PLN008"],
        exit_code=1,
    )
    run_case(case, tmp_path, installed=False)


# The order of commits


def test_what_opens_a_stage_is_committed_before_its_work(tmp_path: Path) -> None:
    late = {"path": "docs/PHASE_D_DRIFT.md", "message": "after commit"}
    judged(tmp_path / "1", PLANNED, {"src/a": "1"}, DRIFT, branch="phase-d-runtime", expect=[late])
    judged(tmp_path / "2", PLANNED, DRIFT, {"src/a": "1"}, branch="phase-d-runtime")
    judged(tmp_path / "3", PLANNED, {**DRIFT, "src/a": "1"}, branch="phase-d-runtime")
    # Its own artifacts are its work too.
    judged(tmp_path / "4", {**PLANNED, **DONE}, REPORT, DRIFT, expect=[late])


def test_drift_that_was_found_asks_for_a_realignment_before_the_work(tmp_path: Path) -> None:
    found = {"docs/PHASE_D_DRIFT.md": "Drift: found\n"}
    realigned = {"docs/PHASE_D_REALIGNED.md": "The packet is right.\n"}
    work = {"src/a": "1"}
    told = {"field": "branch", "message": "the stage realignment is not complete"}
    judged(tmp_path / "1", {**PLANNED, **found}, work, branch="phase-d-runtime", expect=[told])
    judged(tmp_path / "2", {**PLANNED, **found}, realigned, work, branch="phase-d-runtime")
    late = {"path": "docs/PHASE_D_REALIGNED.md", "message": "after commit"}
    judged(tmp_path / "3", {**PLANNED, **found}, work, realigned, branch="phase-d-runtime", expect=[late])


# What a stage requires before its work

REQUIRING = """
[artifacts.packet]
path = "docs/PACKET.md"

[artifacts.drift-check]
path = "docs/DRIFT.md"

[[wave.stages]]
name = "planning"

[[wave.stages]]
name = "implementation"
opens_after = ["planning"]
requires = ["packet", "drift-check"]
fields = {status = "ready"}
branch = "*-runtime-implementation"
"""


def test_what_a_stage_requires_is_there_before_its_work(tmp_path: Path) -> None:
    work = {"src/a": "1"}
    branch = "codex/phase-d-runtime-implementation"
    told = {"field": "branch", "message": "must not begin yet: there is no drift-check"}
    packet = {"docs/PACKET.md": "Status: ready\n"}
    drift = {"docs/DRIFT.md": "No drift.\n"}
    judged(tmp_path / "1", packet, work, branch=branch, policy=REQUIRING, expect=[told])
    judged(tmp_path / "2", packet, drift, work, branch=branch, policy=REQUIRING)
    draft = {"docs/PACKET.md": "Status: draft\n"}
    told = {"field": "branch", "message": "Status is 'draft'"}
    judged(tmp_path / "3", {**draft, **drift}, work, branch=branch, policy=REQUIRING, expect=[told])
    judged(tmp_path / "4", {**packet, **drift}, work, branch=branch, policy=REQUIRING)
    judged(tmp_path / "5", {}, drift, branch=branch, policy=REQUIRING)
    judged(tmp_path / "6", {}, work, branch="codex/other", policy=REQUIRING)


def test_a_field_of_what_a_stage_leaves_is_not_asked_for_before_its_work(tmp_path: Path) -> None:
    policy = REQUIRING.replace("{status", '{"report.status" = "done", status')
    policy = policy.replace('requires = ["packet"', 'leaves = ["report"]\nrequires = ["packet"')
    policy += '[artifacts.report]\npath = "docs/REPORT.md"\n'
    ready = {"docs/PACKET.md": "Status: ready\n", "docs/DRIFT.md": "No drift.\n"}
    base = {**ready, "docs/REPORT.md": "Status: draft\n"}
    judged(tmp_path, base, {"src/a": "1"}, branch="x-runtime-implementation", policy=policy)


def test_a_contract_that_the_policy_lacks_is_never_fulfilled(tmp_path: Path) -> None:
    policy = REQUIRING.replace('[artifacts.drift-check]\npath = "docs/DRIFT.md"\n', "")
    told = {"field": "branch", "message": "the policy has no [artifacts.drift-check]"}
    base = {"docs/PACKET.md": "Status: ready\n"}
    judged(tmp_path, base, {"src/a": "1"}, branch="x-runtime-implementation", policy=policy, expect=[told])


def test_where_the_branch_tells_no_wave_one_that_is_open_may_be_meant(tmp_path: Path) -> None:
    policy = POLICY.replace('branch = "phase-{x}-runtime"', 'branch = "*-runtime"')
    e = {
        path.replace("phase-d", "phase-e").replace("PHASE_D", "PHASE_E"): text
        for path, text in PLANNED.items()
    }
    work = {"src/a": "1"}
    judged(tmp_path / "1", {**PLANNED, **DRIFT, **e}, work, branch="the-runtime", policy=policy)
    told = {"field": "branch", "message": "the stage drift check is not complete"}
    judged(tmp_path / "2", {**PLANNED, **e}, work, branch="the-runtime", policy=policy, expect=[told])
    told = {"field": "branch", "message": "of the wave, and the stage planning is not complete"}
    judged(tmp_path / "3", {}, work, branch="the-runtime", policy=policy, expect=[told])


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        ('[{name = "a", opens_after = ["b"]}, {name = "b"}]', "stands behind it"),
        ('[{name = "a", opens_after = ["z"]}]', "which is no stage"),
        ('[{name = "plan"}, {name = "b", opens_after = ["paln"]}]', "is no stage: did you mean 'plan'?"),
        ('[{name = "a"}, {name = "a"}]', "two stages are called 'a'"),
        ('[{name = "a", when = {drift = "x"}}]', "contract.field"),
        ('[{name = "a", paths = ["x"]}]', "no branch"),
        ('[{name = "a", branch = "{x"}]', "{x"),
    ],
)
def test_what_stages_cannot_be_is_said(tmp_path: Path, stages: str, problem: str) -> None:
    case = Case(policy=f"[wave]\nstages = {stages}\n", error=problem, exit_code=2, expect=None)
    run_case(case, tmp_path, installed=False)


@pytest.mark.parametrize(("by", "step"), [("y", "there is x"), ("xx", "did you mean 'x'?")])
def test_a_placeholder_that_no_path_has_tells_no_wave(tmp_path: Path, by: str, step: str) -> None:
    policy = f"""
[artifacts.plan]
path = "waves/{{x}}/PLAN.md"

[artifacts.report]
path = "waves/{{x}}/REPORT.md"

[wave]
by = ["{by}"]
stages = [{{name = "a", leaves = ["plan"]}}, {{name = "b", opens_after = ["a"], leaves = ["report"]}}]
"""
    reason = f"`wave.by` names {by!r}, which is no placeholder of a path: {step}"
    case = Case(
        policy=policy,
        commits=[Step("docs: report", files={"waves/d/REPORT.md": "Done.\n"})],
        args=["--select=PLN008"],
        states={"PLN008": "indeterminate"},
        notes=[reason],
        exit_code=2,
    )
    run_case(case, tmp_path, installed=False)


def test_a_wave_that_nobody_touches_costs_nothing(tmp_path: Path) -> None:
    judged(tmp_path, {**PLANNED, **REVIEW}, {"src/a": "1"})


def test_items_may_say_which_stage_they_are_of(tmp_path: Path) -> None:
    policy = POLICY.replace('leaves = ["review"]', 'leaves = ["review"]\nitems = "slices"')
    slices = "slices: [{id: D1, status: done, files: [src/done]}, {id: D5, status: open, stage: Review}]\n"
    base = {**PLANNED, **DRIFT, **REPORT, f"{PASS}PHASE_D_BREAKDOWN.yaml": slices}
    judged(tmp_path / "1", base, REVIEW, policy=policy)
    elsewhere = {**base, f"{PASS}PHASE_D_BREAKDOWN.yaml": slices.replace("Review", "nowhere")}
    told = {"path": "docs/PHASE_D_REVIEW.md", "message": "slice D5 is not closed"}
    judged(tmp_path / "2", elsewhere, REVIEW, policy=policy, expect=[told])


def test_what_a_stage_names_and_the_policy_lacks_keeps_it_open(tmp_path: Path) -> None:
    base = {**PLANNED, **DRIFT, **REPORT, **DONE}
    policy = POLICY.replace('items = "slice"', 'items = "part"')
    told = {"path": "docs/PHASE_D_REVIEW.md", "message": "the policy has no [work.part] with a source"}
    judged(tmp_path / "1", base, REVIEW, policy=policy, expect=[told])
    policy = POLICY.replace('{"drift-check.drift" = "found"}', '{"drift.drift" = "found"}')
    told = {
        "path": "docs/PHASE_D_REPORT.md",
        "message": "no [artifacts.drift], and 1 more; review has artifacts, too",
    }
    judged(tmp_path / "2", base, REVIEW, policy=policy, expect=[told])


def test_of_several_stages_that_wait_for_one_the_first_is_told(tmp_path: Path) -> None:
    policy = POLICY + '\n[[wave.stages]]\nname = "closing"\nopens_after = ["review"]\nleaves = ["closing"]\n'
    policy += '\n[artifacts.closing]\npath = "**/PHASE_{X}_CLOSING.md"\n'
    late = {**DRIFT, **REPORT, **REVIEW, "docs/PHASE_D_CLOSING.md": "Closed.\n"}
    told = {
        "path": "docs/PHASE_D_DRIFT.md",
        "message": "there is no planning-pass (**/_phase-{x}-planning-pass-{nn}/), and 1 more; "
        "implementation, review, closing have artifacts, too",
    }
    judged(tmp_path, {}, late, policy=policy, expect=[told])
