"""One pull request a run: opened, brought up to date or printed, and never two of them."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from specguard.errors import SpecguardError
from specguard.executor.push import _TRIES, body_of, open_pull_request, push, title_of
from specguard.executor.run import Run, RunEnded
from specguard.executor.steps import plan_of, plan_text
from tests.executor.one_run import ran
from tests.executor.remotes import POLICY, Hosted, Team, committed
from tests.outcomes import there
from tests.threats.cases import threat


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specguard.executor.push._PAUSE", 0.0)


def request(commit: str | None, **values: Any) -> dict[str, Any]:
    return {
        "number": 1, "url": "https://github.com/team/project/pull/1", "state": "OPEN", "baseRefName": "main",
        "headRefName": "phase-12", "headRefOid": commit, "isCrossRepository": False, "title": "t",
        "body": "b", **values,
    }  # fmt: skip


def ended(run: Run) -> RunEnded:
    with pytest.raises(RunEnded) as caught:
        open_pull_request(run)
    assert caught.value.help
    assert caught.value.exit_code == 2
    return caught.value


def test_it_is_opened(hosted: Hosted) -> None:
    with committed(hosted) as run:
        assert run.manifest.notes == []
        push(run)
        assert open_pull_request(run) == "opened: https://github.com/team/project/pull/1"
        [made] = hosted.state["requests"]
        assert (made["title"], made["baseRefName"], made["headRefName"]) == ("Phase 12", "main", "phase-12")
        assert made["headRefOid"] == run.manifest.commit
        assert made["body"].startswith("Implements docs/phases/phase-12.md. One phase, one commit.")
        assert f"Run: `phase-12/{run.manifest.run_id}`" in made["body"]
        kept = there(run.folder.read_manifest().pull_request)
        assert (kept.state, kept.number, kept.url) == ("opened", 1, made["url"])
        assert all(
            "github.com/team/project" in call for call in hosted.calls("create") + hosted.calls("list")
        )
        # The one that is open is brought up to date.
        assert open_pull_request(run) == "updated: https://github.com/team/project/pull/1"
        assert len(hosted.state["requests"]) == len(hosted.calls("create")) == 1
        kept = there(run.folder.read_manifest().pull_request)
        assert kept.state == "updated"


def test_a_kind_with_a_command_of_its_own_is_left_to_that(tmp_path: Path) -> None:
    policy = POLICY.replace("[work.phase]", '[work.phase]\nsubmit = "gt submit --ai"')
    team = Hosted(tmp_path, files={"SPEC_AUTHORITY.md": policy})
    assert "printed: gt submit --ai" in plan_text(plan_of([team.options()]))
    with committed(team) as run:
        push(run)
        assert "the policy says how it is submitted" in open_pull_request(run)
        assert team.calls("create") == []
        kept = there(run.folder.read_manifest().pull_request)
        assert (kept.state, kept.command) == ("printed", "gt submit --ai")


_PLATFORMS = pytest.mark.parametrize(
    ("host", "command"), [("github.com", "gh"), ("gitlab.example.org", "glab")]
)


@_PLATFORMS
def test_what_people_wrote_into_an_open_one_stays(tmp_path: Path, host: str, command: str) -> None:
    team = Hosted(tmp_path, host, command=command)
    field = "body" if command == "gh" else "description"
    with committed(team) as run:
        push(run)
        open_pull_request(run)
        state = team.state
        [made] = state["requests"]
        assert (made["title"], made[field]) == ("Phase 12", body_of(run))
        made[field] = f"Reviewed by Ann.\r\n\r\n{made[field]}\nShe likes it.\n"
        team.state = state
        for _ in range(2):
            open_pull_request(run)
            assert team.state["requests"][0][field] == f"Reviewed by Ann.\n\n{body_of(run)}\nShe likes it.\n"
        run.manifest.run_id = "another"
        open_pull_request(run)
        assert team.state["requests"][0][field].startswith("Reviewed by Ann.\n\n")
        assert team.state["requests"][0][field].count("- Run: ") == 2


@_PLATFORMS
def test_the_platform_does_not_answer(tmp_path: Path, host: str, command: str) -> None:
    """It may have done what was asked for, although its answer was lost."""
    team = Hosted(tmp_path, host, command=command)
    lost = {"gh": "error connecting to api.github.com", "glab": "no such host"}
    with committed(team) as run:
        push(run)

        def breaks(verb: str) -> None:
            team.state = {**team.state, "broken": {verb: "before"}}
            end = ended(run)
            assert end.state == "failed"
            assert (lost[command] in end.message, end.tail) == (True, "")
            assert f"specguard run resume {run.folder.run_id}" in end.help

        breaks("list")
        breaks("create")
        assert not team.state["requests"]
        team.state = {**team.state, "broken": {"create": "after"}}
        assert open_pull_request(run).startswith("updated: ")
        assert len(team.state["requests"]) == 1
        breaks("edit" if command == "gh" else "update")
        team.state = {**team.state, "broken": {}}
        open_pull_request(run)
        assert len(team.state["requests"]) == 1


_CLOSED = threat("T118", "a pull request that was closed or merged", "exit 2")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param(
            {"baseRefName": "next"}, "is open, into next and",
            marks=threat("T118", "a pull request of another base", "exit 2"),
        ),
        pytest.param({"state": "CLOSED"}, "is closed, into main", marks=_CLOSED),
        pytest.param({"state": "MERGED"}, "is merged, into main", marks=_CLOSED),
    ],
)  # fmt: skip
def test_one_that_is_not_to_be_brought_up_to_date(
    hosted: Hosted, values: dict[str, str], reason: str
) -> None:
    with committed(hosted) as run:
        push(run)
        hosted.state = {**hosted.state, "requests": [request(run.manifest.commit, **values)]}
        assert reason in ended(run).message
        assert not hosted.calls("create")


def test_those_of_earlier_days_and_of_forks_do_not_count(hosted: Hosted) -> None:
    forked = request(None, number=2, isCrossRepository=True, headRefOid="1" * 40)
    hosted.state = {**hosted.state, "requests": [request(None, state="CLOSED", headRefOid="1" * 40), forked]}
    with committed(hosted) as run:
        push(run)
        assert open_pull_request(run) == "opened: https://github.com/team/project/pull/3"


def test_a_list_with_another_commit_or_without_one(hosted: Hosted) -> None:
    with committed(hosted) as run:
        push(run)
        hosted.state = {**hosted.state, "requests": [request("1" * 40)]}
        end = ended(run)
        assert end.state == "remote-moved"
        assert len(hosted.calls("list")) == 1 + _TRIES
        lacking = {key: one for key, one in request(None).items() if key != "headRefOid"}
        hosted.install("gh", f"#!/bin/sh\n[ $1 = auth ] || echo '{json.dumps([lacking])}'\n")
        assert "gave a list that cannot be read" in ended(run).message


def test_preflight_finds_one_that_is_open(hosted: Hosted) -> None:
    hosted.state = {**hosted.state, "requests": [request("1" * 40)]}
    with pytest.raises(SpecguardError, match=r"open pull request of phase 12 already: .*/pull/1"):
        hosted.prepare()


class TestWithoutAPlatform:
    def test_not_installed(self, hosted: Hosted) -> None:
        hosted.install("gh", "").unlink()
        with committed(hosted) as run:
            assert run.manifest.notes == ["Open pull requests were not looked for: gh is not installed."]
            self.check(run, "gh is not installed", ["--repo", "github.com/team/project"])

    def test_not_signed_in(self, hosted: Hosted) -> None:
        hosted.state = {**hosted.state, "signed_in": ["example.org"]}
        with committed(hosted) as run:
            self.check(run, "gh is not signed in to github.com", ["--repo", "github.com/team/project"])

    def test_on_this_machine(self, tmp_path: Path) -> None:
        with committed(Team(tmp_path)) as run:
            self.check(run, "the canonical repository is on this machine", [])

    def check(self, run: Run, why: str, where: list[str]) -> None:
        push(run)
        assert why in open_pull_request(run)
        kept = there(run.folder.read_manifest().pull_request)
        assert (kept.state, kept.url) == ("printed", None)
        body = run.folder.file("pull-request.md")
        assert shlex.split(kept.command or "") == [
            "gh", "pr", "create", "--base", "main", "--head", "phase-12", "--title", "Phase 12",
            "--body-file", body, *where,
        ]  # fmt: skip
        with open(body) as file:
            assert file.read() == body_of(run)


class TestGitLab:
    def test_printed(self, tmp_path: Path) -> None:
        team = Hosted(tmp_path, "gitlab.example.org", command="glab")
        team.state = {**team.state, "signed_in": []}
        with committed(team) as run:
            push(run)
            open_pull_request(run)
            command = run.manifest.pull_request.command or ""  # type: ignore[union-attr]  # it was opened
            assert command.startswith("glab mr create --source-branch phase-12 --target-branch main")
            assert command.endswith("--repo https://gitlab.example.org/team/project")


class TestTheBody:
    def test_gates_of_the_last_round_with_their_exit_codes(self, team: Team) -> None:
        run = team.prepare()
        run.manifest.commands += [
            ran(1, "sh tests.sh", attempt=1, code=1),
            ran(2, "sh tests.sh", attempt=2, code=0),
            ran(3, "sh `x` @team", attempt=2, code=0),
        ]
        run.folder.write(
            "commands/01.json", json.dumps({"tail": "\n".join(f"~~~ @team {n}" for n in range(99))})
        )
        body = body_of(run)
        assert "  - `sh tests.sh`: exit code 0\n" in body
        assert "- Failed in round 1: `sh tests.sh`, exit code 1; the agent fixed it in round 2:\n" in body
        assert "\n  ~~~~text\n  ~~~ @team 87\n" in body
        assert "\n  ~~~ @team 98\n  ~~~~\n" in body
        assert "`` sh `x` @team ``: exit code 0" in body
        assert "Tests: none.\n\n- Document: `docs/phases/phase-12.md` at `" in body
        run.close()

    def test_a_title_from_the_commits_template(self, tmp_path: Path) -> None:
        slices = '{"slices": [{"id": "3", "title": "A new page"}]}'
        team = Team(tmp_path, {"plans/d/slices.json": slices})
        run = team.prepare(kind="slice")
        assert title_of(run) == "feat(slice3): A new page"
        run.close()
