"""What a push does, and what it leaves alone."""

import os
import subprocess
from pathlib import Path

import pytest

from specguard.errors import SpecguardError
from specguard.executor.push import push
from specguard.executor.report import RunReport
from specguard.executor.run import Run, RunEnded
from tests.executor.places import program
from tests.executor.remotes import Hosted, Team, change, committed
from tests.threats.cases import threat


def refused(run: Run) -> RunEnded:
    with pytest.raises(SpecguardError) as caught:
        push(run)
    assert caught.value.help
    return RunEnded.by(caught.value)


def hook(team: Team, name: str, script: str) -> None:
    program(team.remote.path / "hooks" / name, script)


def heads(team: Team) -> dict[str, str]:
    lines = team.remote.git("for-each-ref", "--format=%(refname) %(objectname)").split("\n")
    return dict(line.split(" ", 1) for line in lines)


def test_one_branch_and_nothing_else(team: Team) -> None:
    team.user.tag("v1")
    team.user.git("config", "push.followTags", "true")
    team.user.git("config", "push.default", "matching")
    with committed(team) as run:
        before = team.refs(), (team.user.git_dir / "config").read_bytes()
        said = push(run)
        assert (team.refs(), (team.user.git_dir / "config").read_bytes()) == before
        assert heads(team) == {"refs/heads/main": team.base, "refs/heads/phase-12": run.manifest.commit}
        assert run.folder.read_manifest().pushed == run.manifest.commit
        assert "phase-12" in said
        assert run.manifest.notes[1:] == []
        assert team.remote.git("log", "-1", "--format=%P %s", "phase-12") == (
            f"{team.base} feat(phase12): implement phase 12"
        )
        assert team.remote.git("diff", "--name-only", "main", "phase-12") == "src/new.py"
        hook(team, "pre-receive", "exit 1")
        assert "had it already" in push(run)
        # A clone of a single branch has it, too.
        team.user.git("remote", "set-branches", "origin", "main")
        todos = {one["text"]: one for one in RunReport(run.manifest, run.folder).todos()}
        subprocess.run(todos["To look at it here"]["code"], shell=True, cwd=team.user.path, check=True)
        assert team.user.oid() == run.manifest.commit


def test_with_longer_object_ids(tmp_path: Path) -> None:
    team = Team(tmp_path, object_format="sha256")
    team.move_on({"x": "x"})
    with committed(team) as run:
        push(run)
        assert len(heads(team)["refs/heads/phase-12"]) == 64
        assert run.manifest.repository.object_format == "sha256"


@threat("T117", "a push led to another place, or through a program", "exit 0, at the pinned address")
def test_hooks_and_addresses_of_the_users_repository_have_no_say(team: Team, tmp_path: Path) -> None:
    evil = team.remote.clone(tmp_path / "evil.git", bare=True).path
    with committed(team) as run:
        hooks = program(team.user.git_dir / "hooks" / "pre-push", f"touch {tmp_path}/ran").parent
        team.user.git("config", "core.hooksPath", str(hooks))
        team.user.git("config", f"url.{evil}.pushInsteadOf", str(team.remote.path))
        team.user.git("config", "remote.origin.pushurl", str(evil))
        team.configure(f'[url "{evil}"]\n\tpushInsteadOf = {team.remote.path}\n')
        push(run)
    assert "refs/heads/phase-12" in heads(team)
    assert "phase-12" not in evil.joinpath("packed-refs").read_text()
    assert not (evil / "refs" / "heads" / "phase-12").exists()
    assert not (tmp_path / "ran").exists()


def test_a_branch_of_somebody_else_is_not_the_runs(team: Team) -> None:
    with committed(team) as run:
        theirs = team.move_on({"x": "x"}, branch="phase-12")
        end = refused(run)
        assert (end.state, end.exit_code) == ("remote-moved", 2)
        assert theirs[:10] in end.message
        assert heads(team)["refs/heads/phase-12"] == theirs
        assert run.manifest.pushed is None


@threat("T116", "a branch that somebody else pushes meanwhile", "exit 2")
def test_one_that_comes_in_the_last_moment(hosted: Hosted) -> None:
    with committed(hosted) as run:
        ref = f"git --git-dir={hosted.remote.path} update-ref refs/heads/phase-12 {hosted.base}"
        hosted.ssh(f'[ "$program" = git-receive-pack ] && {ref}')
        end = refused(run)
        assert (end.state, end.exit_code) == ("remote-moved", 2)
        assert heads(hosted)["refs/heads/phase-12"] == hosted.base


def test_what_the_run_pushed_earlier_is_replaced(team: Team, tmp_path: Path) -> None:
    """A base that moved on is noted, and an origin that changed meanwhile is not pushed to."""
    with committed(team) as run:
        tip = team.move_on({"x": "x"})
        push(run)
        first = run.manifest.commit
        change(run, "src/new.py", "new = 2\n")
        push(run)
        assert run.manifest.commit != first
        assert heads(team)["refs/heads/phase-12"] == run.manifest.commit
        assert run.manifest.notes[1:] == [
            f"The base main was at {team.base[:10]} when the run began, and is at {tip[:10]} now."
        ]
        evil = tmp_path / "evil.git"
        team.user.git("clone", "-q", "--bare", str(team.remote.path), str(evil))
        team.user.git("remote", "set-url", "origin", str(evil))
        end = refused(run)
        assert f"was {team.remote.path} when the run began, and is {evil} now" in end.message


def test_the_answer_is_lost(team: Team) -> None:
    with committed(team, command_timeout=1) as run:
        hook(team, "post-receive", "sleep 20")
        assert "although its answer was lost" in push(run)
        assert run.manifest.pushed == run.manifest.commit


def test_the_remote_refuses_and_the_network_is_lost(team: Team, tmp_path: Path) -> None:
    with committed(team) as run:
        hook(team, "pre-receive", "echo no branches on Fridays >&2; exit 1")
        end = refused(run)
        assert (end.state, end.exit_code) == ("failed", 2)
        assert "[remote rejected]" in end.message
        assert "no branches on Fridays" in end.tail
        assert end.help.endswith(f"specguard run resume {run.folder.run_id}")
        assert "refs/heads/phase-12" not in heads(team)
        hook(team, "pre-receive", "exit 0")
        os.rename(team.remote.path, tmp_path / "away")
        end = refused(run)
        assert (end.state, end.exit_code) == ("failed", 2)
        assert "cannot be reached" in end.message
        os.rename(tmp_path / "away", team.remote.path)
        push(run)


def test_it_is_lost_between_looking_and_pushing(hosted: Hosted) -> None:
    with committed(hosted) as run:
        hosted.ssh('[ "$program" = git-receive-pack ] && { echo "Connection reset" >&2; exit 255; }')
        end = refused(run)
        assert "did not take the branch phase-12: Connection reset" in end.message
