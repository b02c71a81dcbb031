"""The order of stages: what is present, done or recorded before its time, and what is not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Case, Step, run_case
from tests.rules.items import judge

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
CLOSED = {**PLANNED, **DRIFT, **REPORT, **DONE}


def judged(
    directory: Path,
    base: Mapping[str, str],
    *changes: Mapping[str, str],
    delete: Sequence[str] = (),
    symlinks: Mapping[str, str] | None = None,
    **more: Any,
) -> None:
    first = Step(files=base or {"README.md": "x"}, symlinks=symlinks or {})
    steps = [first, Step("feat: do it", files={"src/done": "1"})]
    commits = [Step("feat: x", files=files, delete=delete) for files in changes]
    more = {"policy": POLICY, "branch": "work", "exit_code": 1 if more.get("expect") else 0, **more}
    judge("PLN008", directory, base=steps, commits=commits, **more)


def at(path: str, message: str, **more: Any) -> list[dict[str, Any]]:
    """One finding, of a path below `docs`."""
    return [{"path": f"docs/{path}", "message": message, **more}]


def of_branch(message: str) -> list[dict[str, str]]:
    """One finding, of the branch."""
    return [{"field": "branch", "message": message}]


WORK = {"src/a": "1"}
RUNTIME = "phase-d-runtime"


# What is present


def test_artifacts_of_a_stage_wait_for_the_earlier_ones(tmp_path: Path) -> None:
    told = at("PHASE_D_REVIEW.md", "the stage planning is not complete: there is no planning-pass")
    judged(tmp_path / "1", {}, REVIEW, expect=told)
    told = at("PHASE_D_REVIEW.md", "the stage drift check is not complete")
    judged(tmp_path / "2", PLANNED, REVIEW, expect=told)
    told = at("PHASE_D_REVIEW.md", "slice D1 is not closed", authority="SPEC_AUTHORITY.md:59")
    judged(tmp_path / "3", {**PLANNED, **DRIFT, **REPORT}, REVIEW, expect=told)
    judged(tmp_path / "4", CLOSED, REVIEW)
    # What is removed touches its wave.
    told = at("PHASE_D_REPORT.md", "there is no drift-check")
    judged(tmp_path / "5", CLOSED, {}, delete=["docs/PHASE_D_DRIFT.md"], expect=told)


def test_another_wave_is_left_alone_unless_all_is_judged(tmp_path: Path) -> None:
    base = {"docs/PHASE_E_REVIEW.md": "Good.\n"}
    judged(tmp_path / "1", base, PLANNED)
    judged(tmp_path / "2", base, PLANNED, args=["--all"], expect=[{"path": "docs/PHASE_E_REVIEW.md"}])


@pytest.mark.parametrize(
    ("packet", "problem"),
    [
        ("Status: draft\n\n## Scope\n\nThe cart.\n", "PHASE_D_PACKET.md: Status is 'draft'"),
        ("<!-- Status: ready -->\n\n## Scope\n\nThe cart.\n", "has no field 'status'"),
        ("Status: ready\n\n<!--\n## Scope\n\nThe cart.\n-->\n", "Scope"),
        ("Status: re\u0430dy\n\n## Scope\n\nThe cart.\n", "Status is"),
        ("", "is empty"),
    ],
)
def test_a_packet_that_only_looks_ready_is_not(tmp_path: Path, packet: str, problem: str) -> None:
    base = {**PLANNED, f"{PASS}PHASE_D_PACKET.md": packet}
    judged(tmp_path, base, DRIFT, expect=at("PHASE_D_DRIFT.md", problem))


def test_a_link_is_no_artifact(tmp_path: Path) -> None:
    base = {path: text for path, text in PLANNED.items() if "PACKET" not in path}
    base["real.md"] = PLANNED[f"{PASS}PHASE_D_PACKET.md"]
    link = {f"{PASS}PHASE_D_PACKET.md": "../../real.md"}
    judged(tmp_path, base, DRIFT, symlinks=link, expect=at("PHASE_D_DRIFT.md", "no regular file"))


def test_of_several_passes_the_last_one_counts(tmp_path: Path) -> None:
    def planned(number: str, status: str) -> dict[str, str]:
        return {
            path.replace("pass-01", f"pass-{number}"): text.replace("ready", status)
            for path, text in PLANNED.items()
        }

    told = at("PHASE_D_DRIFT.md", "pass-10/PHASE_D_PACKET.md: Status is 'draft'")
    judged(tmp_path / "1", {**PLANNED, **planned("10", "draft")}, DRIFT, expect=told)
    judged(tmp_path / "2", {**planned("9", "draft"), **planned("10", "ready")}, DRIFT)


# Work on a branch, or on an item


def test_a_stage_s_branch_waits_for_the_earlier_stages(tmp_path: Path) -> None:
    told = of_branch("the stage drift check is not complete")
    judged(tmp_path / "1", PLANNED, WORK, branch=RUNTIME, expect=told)
    judged(tmp_path / "2", {**PLANNED, **DRIFT}, WORK, branch=RUNTIME)
    # What brings an earlier stage about may be done there, and what is staged is judged too.
    judged(tmp_path / "4", PLANNED, DRIFT, branch=RUNTIME)
    judged(tmp_path / "5", PLANNED, branch=RUNTIME, staged=Step("", files=WORK), expect=[{"field": "branch"}])
    # It is another wave's.
    told = of_branch("wave e, and the stage planning is not complete: there is no planning-pass")
    judged(tmp_path / "3", {**PLANNED, **DRIFT}, WORK, branch="phase-e-runtime", expect=told)


def test_an_item_s_branch_is_work_of_the_stage_that_has_the_items(tmp_path: Path) -> None:
    told = {"field": "work_item", "message": "slice D1 is for the stage implementation of wave d"}
    judged(tmp_path / "1", PLANNED, WORK, branch="phase-d-1", expect=[told])
    judged(tmp_path / "2", {**PLANNED, **DRIFT}, WORK, branch="phase-d-1")


def test_a_stage_with_a_branch_of_its_own_is_done_there(tmp_path: Path) -> None:
    message = "the stage planning comes first, on a branch of its own"
    told = {"path": f"{PASS}PHASE_D_BREAKDOWN.yaml", "message": message}
    judged(tmp_path, {}, {**PLANNED, **DRIFT, **WORK}, branch=RUNTIME, expect=[told])


def test_a_branch_changes_its_paths_alone(tmp_path: Path) -> None:
    told = {"path": "src/a", "message": "changes only **/_phase-*-planning-pass-*"}
    judged(tmp_path / "1", {}, {**PLANNED, **WORK}, branch="codex/phase-d-planning", expect=[told])
    judged(tmp_path / "2", {}, PLANNED, branch="codex/phase-d-planning")
    told = {"path": "src/a", "side": "base"}
    judged(tmp_path / "3", WORK, {}, delete=["src/a"], branch="phase-d-planning", expect=[told])


# The order of commits


def test_what_opens_a_stage_is_committed_before_its_work(tmp_path: Path) -> None:
    late = at("PHASE_D_DRIFT.md", "after commit")
    judged(tmp_path / "1", PLANNED, WORK, DRIFT, branch=RUNTIME, expect=late)
    judged(tmp_path / "2", PLANNED, DRIFT, WORK, branch=RUNTIME)
    judged(tmp_path / "3", PLANNED, {**DRIFT, **WORK}, branch=RUNTIME)
    # Its own artifacts are its work too.
    judged(tmp_path / "4", {**PLANNED, **DONE}, REPORT, DRIFT, expect=late)


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


PACKET = {"docs/PACKET.md": "Status: ready\n"}
CHECKED = {"docs/DRIFT.md": "No drift.\n"}
IMPLEMENTING = "x-runtime-implementation"


def test_what_a_stage_requires_is_there_before_its_work(tmp_path: Path) -> None:
    more: dict[str, Any] = {"branch": "codex/phase-d-runtime-implementation", "policy": REQUIRING}
    told = of_branch("must not begin yet: there is no drift-check")
    judged(tmp_path / "1", PACKET, WORK, expect=told, **more)
    judged(tmp_path / "2", PACKET, CHECKED, WORK, **more)
    draft = {"docs/PACKET.md": "Status: draft\n"}
    judged(tmp_path / "3", {**draft, **CHECKED}, WORK, expect=of_branch("Status is 'draft'"), **more)
    judged(tmp_path / "4", {**PACKET, **CHECKED}, WORK, **more)
    judged(tmp_path / "5", {}, CHECKED, **more)
    judged(tmp_path / "6", {}, WORK, branch="codex/other", policy=REQUIRING)


def test_a_field_of_what_a_stage_leaves_is_not_asked_for_before_its_work(tmp_path: Path) -> None:
    policy = REQUIRING.replace("{status", '{"report.status" = "done", status')
    policy = policy.replace('requires = ["packet"', 'leaves = ["report"]\nrequires = ["packet"')
    policy += '[artifacts.report]\npath = "docs/REPORT.md"\n'
    base = {**PACKET, **CHECKED, "docs/REPORT.md": "Status: draft\n"}
    judged(tmp_path, base, WORK, branch=IMPLEMENTING, policy=policy)


def test_a_contract_that_the_policy_lacks_is_never_fulfilled(tmp_path: Path) -> None:
    policy = REQUIRING.replace('[artifacts.drift-check]\npath = "docs/DRIFT.md"\n', "")
    told = of_branch("the policy has no [artifacts.drift-check]")
    judged(tmp_path, PACKET, WORK, branch=IMPLEMENTING, policy=policy, expect=told)


def test_where_the_branch_tells_no_wave_one_that_is_open_may_be_meant(tmp_path: Path) -> None:
    policy = POLICY.replace('branch = "phase-{x}-runtime"', 'branch = "*-runtime"')
    e = {
        path.replace("phase-d", "phase-e").replace("PHASE_D", "PHASE_E"): text
        for path, text in PLANNED.items()
    }
    judged(tmp_path / "1", {**PLANNED, **DRIFT, **e}, WORK, branch="the-runtime", policy=policy)
    told = of_branch("the stage drift check is not complete")
    judged(tmp_path / "2", {**PLANNED, **e}, WORK, branch="the-runtime", policy=policy, expect=told)
    told = of_branch("of the wave, and the stage planning is not complete")
    judged(tmp_path / "3", {}, WORK, branch="the-runtime", policy=policy, expect=told)


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        ('[{name = "a", opens_after = ["b"]}, {name = "b"}]', "which is no stage before it"),
        ('[{name = "plan"}, {name = "b", opens_after = ["paln"]}]', "before it: did you mean 'plan'?"),
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


def test_items_may_say_which_stage_they_are_of(tmp_path: Path) -> None:
    policy = POLICY.replace('leaves = ["review"]', 'leaves = ["review"]\nitems = "slices"')
    slices = "slices: [{id: D1, status: done, files: [src/done]}, {id: D5, status: open, stage: Review}]\n"
    base = {**PLANNED, **DRIFT, **REPORT, f"{PASS}PHASE_D_BREAKDOWN.yaml": slices}
    judged(tmp_path / "1", base, REVIEW, policy=policy)
    elsewhere = {**base, f"{PASS}PHASE_D_BREAKDOWN.yaml": slices.replace("Review", "nowhere")}
    told = at("PHASE_D_REVIEW.md", "slice D5 is not closed")
    judged(tmp_path / "2", elsewhere, REVIEW, policy=policy, expect=told)


def test_what_a_stage_names_and_the_policy_lacks_keeps_it_open(tmp_path: Path) -> None:
    policy = POLICY.replace('items = "slice"', 'items = "part"')
    told = at("PHASE_D_REVIEW.md", "the policy has no [work.part] with a source")
    judged(tmp_path / "1", CLOSED, REVIEW, policy=policy, expect=told)
    policy = POLICY.replace('{"drift-check.drift" = "found"}', '{"drift.drift" = "found"}')
    told = at("PHASE_D_REPORT.md", "no [artifacts.drift], and 1 more; review has artifacts, too")
    judged(tmp_path / "2", CLOSED, REVIEW, policy=policy, expect=told)


def test_of_several_stages_that_wait_for_one_the_first_is_told(tmp_path: Path) -> None:
    policy = POLICY + '\n[[wave.stages]]\nname = "closing"\nopens_after = ["review"]\nleaves = ["closing"]\n'
    policy += '\n[artifacts.closing]\npath = "**/PHASE_{X}_CLOSING.md"\n'
    late = {**DRIFT, **REPORT, **REVIEW, "docs/PHASE_D_CLOSING.md": "Closed.\n"}
    message = (
        "there is no planning-pass (**/_phase-{x}-planning-pass-{nn}/), and 1 more; "
        "implementation, review, closing have artifacts, too"
    )
    judged(tmp_path, {}, late, policy=policy, expect=at("PHASE_D_DRIFT.md", message))
