"""A run that was cut off anywhere is finished by `run resume`: all of it, once, and judged again."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from specguard.executor.process import end_survivors
from specguard.runs.manifests import RunFolder
from tests.executor.dying import Dying
from tests.executor.working import COMMAND, GOOD, POLICY, Workshop, wait_for
from tests.threats.cases import threat

if TYPE_CHECKING:
    from pathlib import Path

_PARTS = 2
_MOST_THINGS = 400
# Of the things that a run does each third is enough: those beside each other leave the same behind.
_STRIDE = 3 * _PARTS

# The agent is let mend something once, so that every kind of step is there twice.
_TWO_ROUNDS = "if [ $ROUND = 1 ]; then echo BROKEN > src/new.py; else echo 'new = 1' > src/new.py; fi"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


class _Saved:
    """A workshop as it was, to be restored at the same place."""

    def __init__(self, workshop: Workshop) -> None:
        self._folder = workshop.folder
        self._copy = workshop.folder.parent / "saved"
        shutil.copytree(self._folder, self._copy, symlinks=True)

    def restore(self) -> None:
        shutil.rmtree(self._folder)
        shutil.copytree(self._copy, self._folder, symlinks=True)


@threat("T113", "a run killed anywhere, and resumed", "exit 0, with one commit and one pull request")
@pytest.mark.parametrize("part", range(_PARTS))
@pytest.mark.parametrize("script", [GOOD, _TWO_ROUNDS], ids=["one-round", "two-rounds"])
def test_a_run_that_is_killed_anywhere_is_finished(tmp_path: Path, part: int, script: str) -> None:
    """Killed before each change of its folder and of its place, and before each program that it starts."""
    (tmp_path / "team").mkdir()
    workshop = Workshop(tmp_path / "team")
    words = workshop.words(script)
    saved = _Saved(workshop)
    with Dying() as dying:
        # Of the longer run only what comes in its second round is new.
        points = range(1 + 3 * part, _MOST_THINGS, _STRIDE if script == GOOD else _STRIDE * 4)
        for number in points:
            code = dying.run(words, workshop.environment, number)
            if code == 0:
                break
            assert code == -signal.SIGKILL, number
            begun = list(workshop.runs.glob("*/manifest.json")) if workshop.runs.is_dir() else []
            if begun:
                again = ["run", "resume", workshop.run_id, "-C", str(workshop.user.path)]
                code = dying.run(again, workshop.environment)
                if code == 2 and workshop.manifest.state == "succeeded":
                    code = 0
            else:
                # Nothing was begun: it is started as if nothing had been.
                code = dying.run(words, workshop.environment)
            assert code == 0, (number, workshop.manifest.reason)
            _check(workshop, number, rounds=1 if script == GOOD else 2)
            saved.restore()
        else:
            pytest.fail(f"it has not come to an end after {_MOST_THINGS} things")


def _check(workshop: Workshop, number: int, *, rounds: int) -> None:
    try:
        workshop.check_done()
        manifest = workshop.manifest
        # An agent whose end was not recorded works again, which is no further attempt.
        assert 1 <= manifest.attempts <= rounds
        assert [one for one in manifest.commands if one.kind == "gate"][-1].attempt == manifest.attempts
    except AssertionError as error:
        error.add_note(f"killed before thing {number}")
        raise


@threat("T112", "a disk filled up", "exit 2 or 3, and it is resumed")
def test_a_disk_that_fills_up_ends_a_run_plainly_and_it_can_be_resumed(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    workshop = Workshop(tmp_path / "team")
    words = workshop.words()
    saved = _Saved(workshop)
    with Dying() as dying:
        for number in range(2, _MOST_THINGS, 13):
            code = dying.run(words, workshop.environment, -number)
            if code == 0:
                break
            assert code in (2, 3), number
            begun = list(workshop.runs.glob("*/manifest.json")) if workshop.runs.is_dir() else []
            assert workshop.users() == workshop.before
            assert len(workshop.commits()) < 2
            again = ["run", "resume", workshop.run_id, "-C", str(workshop.user.path)] if begun else words
            assert dying.run(again, workshop.environment) == 0, number
            _check(workshop, number, rounds=1)
            saved.restore()
        else:
            pytest.fail(f"it has not come to an end after {_MOST_THINGS} things")


def _killed_in_its_agent(workshop: Workshop, script: str = GOOD) -> None:
    """Begin a run, and kill specguard while the agent works; the agent goes on until it is ended."""
    half = "if [ $ROUND = 1 ]; then echo half > src/half.py; exec sleep 995; fi; rm -f src/half.py"
    with subprocess.Popen(
        [COMMAND, *workshop.words(f"{half}; {script}")], env=workshop.environment, stderr=subprocess.DEVNULL
    ) as process:
        wait_for(lambda: workshop.sleeping())
        process.kill()


@pytest.mark.xdist_group("sleeping")
def test_the_agent_of_a_killed_run_is_ended_and_works_again(workshop: Workshop) -> None:
    _killed_in_its_agent(workshop)
    assert workshop.sleeping()
    refused = workshop.specguard("run", "phase", "-C", str(workshop.user.path), "--", "true")
    assert refused.returncode == 2
    assert f"specguard run resume {workshop.run_id}" in refused.stderr
    done = workshop.resume()
    assert done.returncode == 0, done.stderr
    assert not workshop.sleeping()
    workshop.check_done()
    manifest = workshop.manifest
    assert manifest.attempts == 1
    [detail] = [step.detail for step in manifest.steps if step.detail.startswith("resumed")]
    assert "resumed at agent; ended sleep 995" in detail
    assert "src/half.py" not in workshop.remote.git("ls-tree", "-r", "--name-only", "phase-12")
    assert workshop.resume().returncode == 2


_UP = """
[[work.phase.gates]]
name = "end-to-end"
run = "echo up >> ../../up; touch ../../started; [ -e ../../go ] || sleep 995"

[[work.phase.gates]]
name = "down"
kind = "teardown"
run = "rm ../../up; echo $PWD >> ../../down"
"""


@pytest.mark.xdist_group("sleeping")
@pytest.mark.parametrize("how", ["resume", "clean", "clean of one that died", "stop without its place"])
def test_what_a_killed_run_had_set_up_is_taken_down(tmp_path: Path, how: str) -> None:
    workshop = Workshop(tmp_path, POLICY.replace("\n```\n", f"{_UP}```\n"))
    places = tmp_path / "cache" / "specguard"
    with subprocess.Popen([COMMAND, *workshop.words()], env=workshop.environment) as process:
        wait_for(lambda: any(places.rglob("started")))
        process.kill()
    [up] = places.rglob("up")
    if how == "stop without its place":
        shutil.rmtree(workshop.manifest.place or "")
    if how == "clean":
        # As an earlier version, which took nothing down, left it.
        folder = RunFolder(str(workshop.folder_of_run))
        manifest = folder.read_manifest()
        end_survivors(workshop.run_id)
        manifest.state, manifest.ended_at = "killed", manifest.started_at
        folder.write_manifest(manifest, seal=True)
    (up.parent / "go").touch()
    words = ["--yes"] if how.startswith("clean") else [workshop.run_id]
    done = workshop.specguard("run", how.split()[0], "-C", str(workshop.user.path), *words)
    assert done.returncode == 0, done
    if how == "stop without its place":
        assert "what its gates set up may be up still: the run's place, in which" in done.stdout
        return
    assert not up.exists() or how == "resume"
    assert "took down what its gates had set up: rm ../../up; echo $PWD >> ../../down, exit code 0" in (
        done.stdout + done.stderr
    )
    assert (up.parent / "down").read_text().splitlines()[0] == workshop.manifest.place
    if how == "resume":
        assert not up.exists()
        workshop.check_done()
    again = workshop.specguard("run", "clean", "--yes", "-C", str(workshop.user.path))
    assert "took down" not in again.stdout


def test_an_agent_that_failed_twice_before_it_changed_anything_may_try_again(workshop: Workshop) -> None:
    script = f"[ $ROUND -gt 2 ] || exit 7; {GOOD}"
    assert workshop.work(script).returncode == 3
    assert workshop.resume().returncode == 3
    assert workshop.manifest.attempts == 2
    done = workshop.resume()
    assert done.returncode == 0, done.stderr
    assert workshop.manifest.attempts == 3
    workshop.check_done()


@pytest.mark.xdist_group("sleeping")
def test_a_place_that_is_gone_is_made_again(workshop: Workshop) -> None:
    _killed_in_its_agent(workshop)
    place = workshop.manifest.place
    assert place is not None
    shutil.rmtree(place)
    done = workshop.resume()
    assert done.returncode == 0, done.stderr
    workshop.check_done()


@pytest.mark.xdist_group("sleeping")
def test_what_the_user_and_others_do_meanwhile_is_theirs(workshop: Workshop) -> None:
    """The user's own edits are no leak, and the base that a run is pinned to stays its base."""
    _killed_in_its_agent(workshop)
    (workshop.user.path / "src" / "mine.py").write_text("mine = 1\n")
    workshop.user.commit("feat: mine", files={"src/other.py": "other = 1\n"})
    workshop.user.git("rm", "-r", "-q", "--cached", ".runs")
    workshop.before = workshop.users()
    tip = workshop.move_on({"src/theirs.py": "theirs = 1\n"})
    done = workshop.resume()
    assert done.returncode == 0, done.stderr
    [commit] = workshop.commits()
    assert workshop.remote.git("rev-parse", f"{commit}^").strip() == workshop.base
    assert [note for note in workshop.manifest.notes if tip[:10] in note]
    assert workshop.users() == workshop.before


def test_a_base_that_moved_meanwhile_is_told_of_before_the_agent_works(workshop: Workshop) -> None:
    assert workshop.work("exit 7").returncode == 3
    tip = workshop.move_on({"src/theirs.py": "theirs = 1\n"})
    workshop.agent(GOOD)
    done = workshop.resume()
    assert done.returncode == 0, done.stderr
    note = f"The base main was at {workshop.base[:10]} when the run began, and is at {tip[:10]} now."
    said = f"{done.stdout}{done.stderr}"
    assert f"note: {note}" in said
    assert said.index(note) < said.index("\nagent\n")
    assert workshop.manifest.notes.count(note) == 1
    assert f"Note: {note}" in (workshop.folder_of_run / "report.md").read_text()


def test_a_branch_that_the_remote_took_before_is_not_pushed_again(workshop: Workshop) -> None:
    """The process died when the remote had the branch, and before that was written down."""
    folder = workshop.folder
    hook = workshop.remote.path / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nkill -9 $(cat {folder}/pid)\necho x >> {folder}/received\n")
    hook.chmod(0o755)
    with subprocess.Popen(
        [COMMAND, *workshop.words()], env=workshop.environment, stderr=subprocess.DEVNULL
    ) as process:
        (folder / "pid").write_text(f"{process.pid}\n")
    assert process.returncode == -signal.SIGKILL
    assert workshop.manifest.pushed is None
    assert workshop.commits()
    done = workshop.resume()
    assert done.returncode == 0, done.stderr
    assert (folder / "received").read_text() == "x\n"
    [last] = [step for step in workshop.manifest.steps if step.name == "push" and step.state == "done"]
    assert "had it already" in last.detail
    workshop.check_done()


@pytest.mark.xdist_group("sleeping")
def test_a_stale_worker_writes_and_pushes_nothing_more(workshop: Workshop) -> None:
    """Where the lock is no obstacle, as on another machine, the token is."""
    script = f"if [ $ROUND = 1 ]; then sleep 4; echo stale > src/new.py; exit 0; fi; {GOOD}"
    with subprocess.Popen(
        [COMMAND, *workshop.words(script)], env=workshop.environment, stderr=subprocess.PIPE, text=True
    ) as stale:
        wait_for(lambda: any(workshop.runs.glob("*/commands/*.log")))
        stale.send_signal(signal.SIGSTOP)
        try:
            claims = workshop.folder / "cache" / "specguard" / "claims"
            for lock in (*workshop.runs.glob(".*.lock"), *claims.iterdir()):
                lock.unlink()
            done = workshop.resume()
            assert done.returncode == 0, done.stderr
            kept = workshop.kept()
        finally:
            stale.send_signal(signal.SIGCONT)
        _, said = stale.communicate(timeout=60)
    assert stale.returncode == 2
    assert "another process works on" in said
    assert workshop.kept() == kept
    workshop.check_done()


_FAILS_ONCE = f"if [ $ROUND = 1 ]; then echo BROKEN > src/new.py; exit 0; fi; {GOOD}"


def test_a_run_that_has_spent_its_attempts_says_so_unless_it_is_granted_more(workshop: Workshop) -> None:
    done = workshop.work(_FAILS_ONCE, "--max-attempts", "1")
    assert done.returncode == 3
    assert workshop.manifest.state == "budget-spent"
    assert workshop.manifest.reason == "the gates still fail after 1 attempt"
    again = workshop.resume()
    assert again.returncode == 3
    assert workshop.manifest.reason == "the gates still fail after 1 attempt"
    assert "--max-attempts 2" in workshop.error["suggestion"]
    done = workshop.resume("--max-attempts", "2")
    assert done.returncode == 0, done.stderr
    assert "BROKEN" in workshop.told[1]
    workshop.check_done()


def test_what_a_person_mends_in_the_place_of_a_failed_run_is_judged_and_pushed(
    workshop: Workshop,
) -> None:
    assert workshop.work("echo BROKEN > src/new.py", "--max-attempts", "1").returncode == 3
    place = workshop.manifest.place
    assert place is not None
    with open(f"{place}/src/new.py", "w") as file:
        file.write("new = 1\n")
    done = workshop.resume()
    assert done.returncode == 0, done.stderr
    assert len(workshop.told) == 1
    workshop.check_done()
    gates = [one for one in workshop.manifest.commands if one.kind == "gate"]
    assert [one.exit_code for one in gates] == [1, 0]
    assert gates[0].tree != gates[1].tree == workshop.manifest.tree


def test_a_green_result_is_never_taken_for_that_of_another_tree(workshop: Workshop) -> None:
    """The run stopped when all had passed; its files are changed before it goes on."""
    assert workshop.work(GOOD, "--until", "check").returncode == 0
    first = workshop.manifest
    assert first.judgements[-1].verdict == "passed"
    with open(f"{first.place}/src/new.py", "w") as file:
        file.write("BROKEN\n")
    done = workshop.resume()
    assert done.returncode == 0, done.stderr
    gates = [one for one in workshop.manifest.commands if one.kind == "gate"]
    assert [one.exit_code for one in gates] == [0, 1, 0]
    assert gates[0].tree == gates[2].tree != gates[1].tree
    assert "BROKEN" in workshop.told[1]
    workshop.check_done()


def test_the_rules_judge_again_what_was_committed(workshop: Workshop) -> None:
    assert workshop.work(GOOD, "--until", "push").returncode == 0
    assert workshop.commits()
    before = len(workshop.manifest.judgements)
    with open(f"{workshop.manifest.place}/src/new.py", "w") as file:
        file.write("BROKEN\n")
    done = workshop.resume()
    assert done.returncode == 0, done.stderr
    # What was pushed is fixed by its commit, whatever became of the files since.
    assert len(workshop.manifest.judgements) == before + 1
    assert {one.tree for one in workshop.manifest.judgements} == {workshop.manifest.tree}
    workshop.check_done()


def test_a_run_that_ended_by_its_time_goes_on_with_more(workshop: Workshop) -> None:
    ready = workshop.folder / "ready"
    script = f"[ -e {ready} ] || exec sleep 994; {GOOD}"
    assert workshop.work(script, "--timeout", "2").returncode == 3
    assert workshop.manifest.state == "timed-out"
    assert workshop.resume().returncode == 3
    assert workshop.manifest.state == "timed-out"
    ready.touch()
    done = workshop.resume("--timeout", "600")
    assert done.returncode == 0, done.stderr
    assert workshop.manifest.attempts == 1
    workshop.check_done()


@pytest.mark.parametrize("open_still", [True, False])
def test_a_run_that_a_change_has_brought_is_not_resumed(workshop: Workshop, open_still: bool) -> None:
    """What it was asked to do is whatever its author wants to have run."""
    workshop.work("exit 7")
    folder, run_id, user = workshop.folder_of_run, workshop.run_id, workshop.user
    mark = workshop.folder / "mark"
    asked = folder / "control" / "asked.json"
    asked.write_text(
        json.dumps(json.loads(asked.read_text()) | {"command": ["sh", "-c", f"touch {mark}; {GOOD}"]})
    )
    if open_still:
        record = folder / "manifest.json"
        record.write_text(
            json.dumps(
                json.loads(record.read_text()) | {"state": "running", "pid": 1 << 22, "ended_at": None}
            )
        )
    user.git("add", "-f", ".runs")
    user.git("commit", "-q", "-m", "docs: keep a run")
    done = workshop.resume()
    assert done.returncode == 2, done
    assert "a change may have brought" in done.stderr
    assert not mark.exists()
    assert not workshop.commits()
    if open_still:
        assert workshop.specguard("run", "stop", run_id).returncode == 0
    assert workshop.work(GOOD).returncode == 0


def test_a_process_that_works_on_no_run_is_not_ended_with_one(workshop: Workshop) -> None:
    """A record may name any process: its id was given again, or somebody wrote it there."""
    workshop.work("exit 7")
    record = workshop.folder_of_run / "manifest.json"
    with subprocess.Popen(["sleep", "996"]) as other:
        data = json.loads(record.read_text()) | {"state": "running", "pid": other.pid, "ended_at": None}
        record.write_text(json.dumps(data))
        (workshop.folder_of_run / "control" / "heartbeat.json").unlink()
        done = workshop.specguard("run", "stop", workshop.run_id)
        ended = other.poll()
        other.kill()
    assert done.returncode == 0, done
    assert ended is None
    assert workshop.manifest.state == "killed"
