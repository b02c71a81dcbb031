"""The plan of a run: real values, nothing touched, and jobs that keep out of each other's way."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.patterns import Covering, can_overlap
from specguard.errors import SpecguardError
from specguard.executor.preflight import RUN_ID
from specguard.executor.steps import plan_of, plan_text, read_plan
from tests.executor.places import everything
from tests.executor.remotes import Hosted, Team
from tests.rows import rows


def refused(*options: Any) -> SpecguardError:
    with pytest.raises(SpecguardError) as caught:
        plan_of(options)
    assert caught.value.help
    return caught.value


def test_all_steps_with_their_values_and_nothing_touched(tmp_path: Path) -> None:
    document = "# Phase 12\n\n## Scope\n\n- `src/`\n\n## Gates\n\n- `sh more.sh`\n"
    team = Team(tmp_path, {"docs/phases/phase-12.md": document})
    before = everything(team.user.path), everything(team.remote.path)
    plan = plan_of([team.options(commands=["sh extra.sh"], max_attempts=2)])
    assert (everything(team.user.path), everything(team.remote.path)) == before
    [job] = plan["jobs"]
    assert json.loads(json.dumps(plan)) == plan
    assert (job["base_oid"], job["base_ref"], job["branch"]) == (team.base, "origin/main", "phase-12")
    assert job["commit_message"].startswith("feat(phase12): implement phase 12\n")
    assert job["title"] == "Phase 12"
    assert "docs/phases/phase-12.md. One phase, one commit. Tests: `true && sh tests.sh`, `sh" in job["body"]
    assert job["scope"] == ["src/"]
    assert [gate["run"] for gate in job["gates"]] == ["true && sh tests.sh", "sh more.sh", "sh extra.sh"]
    assert job["run_folder"] == str(team.user.path / ".runs" / "phase-12" / RUN_ID)
    for part in (
        f"fetch refs/heads/main from {team.remote.path}: origin/main is at {team.base} as of the last fetch",
        "true (up to 2 times)",
        "sh more.sh (always; docs/phases/phase-12.md:9)",
        "feat(phase12): implement phase 12",
        f"refs/heads/phase-12 to {team.remote.path}",
        "gh pr create --base main --head phase-12 --title 'Phase 12'",
        "\n  scope         src/\n",
        "nothing was fetched",
    ):
        assert part in plan_text(plan)


def test_it_does_not_ask_the_platform(hosted: Hosted) -> None:
    plan = plan_of([hosted.options()])
    assert hosted.state["calls"] == []
    assert plan["jobs"][0]["pull_request"]["opened_by"] == "gh"
    assert "--repo github.com/team/project" in plan_text(plan)


def test_what_it_goes_by_and_what_would_be_refused(team: Team, tmp_path: Path) -> None:
    """It does not ask the remote."""
    team.move_on({"configs/NEXT_PHASE.json": '{"next": 13}'})
    os.rename(team.remote.path, tmp_path / "away")
    [job] = plan_of([team.options(until="check")])["jobs"]
    assert job["item"]["id"] == "12"
    reached = [step["name"] for step in job["steps"] if step["does"] != ["not reached"]]
    assert reached == ["preflight", "place", "brief", "agent", "inspect", "gates", "check", "report"]
    error = refused(team.options(base="next"))
    assert "the base next was never fetched; tried: refs/remotes/origin/next" in error.message
    assert error.help == "git fetch origin next"
    team.user.git("branch", "phase-12")
    assert "there is a branch of phase 12 already" in refused(team.options()).message


class TestSeveralJobs:
    def slices(self, folder: Path, *files: list[str]) -> tuple[Team, dict[str, Any]]:
        slices = [
            {"id": str(number), "title": f"S{number}", "files": one} for number, one in enumerate(files, 1)
        ]
        team = Team(folder, {"plans/d/slices.json": json.dumps({"slices": slices})})
        return team, plan_of([team.options(kind="slice", item=number) for number in ("1", "2")])

    def test_each_is_listed(self, tmp_path: Path) -> None:
        team, plan = self.slices(tmp_path, ["src/a/**"], ["src/b/**", "docs/b.md"])
        assert [job["scope"] for job in plan["jobs"]] == [["src/a/**"], ["src/b/**", "docs/b.md"]]
        assert "not beside" not in plan_text(plan)
        other = plan_of([team.options(kind="slice", item="2")])
        assert other["fingerprint"] != plan["fingerprint"]
        assert plan_of([team.options(kind="slice", item="2")]) == other

    @pytest.mark.parametrize(("other", "note"), rows(__file__, "paths_in_common"))
    def test_paths_in_common(self, tmp_path: Path, other: list[str], note: str) -> None:
        _, plan = self.slices(tmp_path, ["src/**"], other)
        [said] = plan["jobs"][1]["notes"]
        assert said.startswith("not beside slice 1: ")
        assert said.endswith(note)
        assert f"note: {said}" in plan_text(plan)

    def test_what_needs_another_one_of_the_list_is_told_to_stand_on_it(self, tmp_path: Path) -> None:
        slices = [{"id": "D1", "title": "Keep"}, {"id": "D2", "title": "Cache", "depends_on": ["D1"]}]
        team = Team(tmp_path, {"plans/d/slices.json": json.dumps({"slices": slices})})
        needed = team.options(kind="slice", item="D1")
        error = refused(needed, team.options(kind="slice", item="D2", earlier=("D1",)))
        words = "; if it has a branch, merge that, or start from it with --base"
        assert error.help == f"specguard run slice D1 -- ...{words}"

    def test_a_run_begins_only_as_the_approved_plan_has_it(self, tmp_path: Path) -> None:
        team, plan = self.slices(tmp_path, ["src/a/**"], ["src/b/**"])
        file = tmp_path / "plan.json"
        file.write_text(json.dumps(plan))
        options: dict[str, Any] = {"kind": "slice", "approved": read_plan(str(file))}
        team.prepared(item="1", **options)
        team.user.git("update-ref", "refs/remotes/origin/next", "main")
        assert "2 differs in base from the" in refused(team.options(item="2", base="next", **options)).message
        team.move_on({"src/b/new.py": "1"})
        with pytest.raises(SpecguardError, match="slice 2 differs in base_oid from the approved plan"):
            team.prepare(item="2", **options)
        assert "12 is not in the approved plan" in refused(team.options(approved=options["approved"])).message
        file.write_text(json.dumps(plan).replace("src/b/", "src/"))
        with pytest.raises(SpecguardError, match="it is not a plan as --dry-run prints it"):
            read_plan(str(file))


# Patterns of two scopes that could match one path


@pytest.mark.parametrize(("one", "other", "they_do"), rows(__file__, "whether_two_patterns_meet"))
def test_whether_two_patterns_meet(one: str, other: str, they_do: bool) -> None:
    assert can_overlap(one, other) is can_overlap(other, one) is they_do


segment = st.sampled_from(["a", "b", "ab", "*", "a*", "*b", "**", "?"])
pattern = st.lists(segment, min_size=1, max_size=4).map("/".join)
path = st.lists(st.sampled_from(["a", "b", "ab", "ba"]), min_size=1, max_size=5).map("/".join)


@given(pattern, pattern, st.lists(path, max_size=20))
def test_a_path_that_both_match_is_never_missed(one: str, other: str, paths: list[str]) -> None:
    left, right = Covering([one]), Covering([other])
    both = [p for p in paths if left.find(p.encode()) is not None and right.find(p.encode()) is not None]
    if both:
        assert can_overlap(one, other)
