"""A run that was cut off anywhere is finished by `run resume`: all of it, once, and judged again."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.executor.dying import Dying
from tests.executor.places import program
from tests.executor.working import GOOD, POLICY, Workshop, wait_for
from tests.outcomes import there
from tests.threats.cases import threat

# A run does some 155 such things. Those beside each other leave the same behind, and what the second round
# does has another remainder of 5 than in the first.
_STRIDE = 5

# The agent is let mend something once, so that every kind of step is there twice.
_TWO_ROUNDS = "if [ $ROUND = 1 ]; then echo BROKEN > src/new.py; else echo 'new = 1' > src/new.py; fi"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    (tmp_path / "team").mkdir()
    return Workshop(tmp_path / "team")


def _restore(workshop: Workshop, saved: Path) -> None:
    """Have a workshop as it was, at the same place."""
    shutil.rmtree(workshop.folder)
    shutil.copytree(saved, workshop.folder, symlinks=True)


def _go_on(dying: Dying, workshop: Workshop, words: list[str]) -> None:
    """Resume the run, or start it if nothing was begun, and look whether all is done."""
    begun = list(workshop.runs.glob("*/manifest.json")) if workshop.runs.is_dir() else []
    again = ["run", "resume", workshop.run_id, "-C", str(workshop.user.path)] if begun else words
    code = dying.run(again, workshop.environment)
    assert code == 0 or (code == 2 and workshop.manifest.state == "succeeded"), workshop.manifest.reason
    workshop.check_done()
    # An agent whose end was not recorded works again, which is no further attempt.
    manifest = workshop.manifest
    assert 1 <= manifest.attempts <= 2
    assert [one for one in manifest.commands if one.kind == "gate"][-1].attempt == manifest.attempts


@threat("T113", "a run killed anywhere, and resumed", "exit 0, with one commit and one pull request")
def test_a_run_that_is_killed_anywhere_is_finished(workshop: Workshop, tmp_path: Path) -> None:
    """From what there is before a change of its folder or its place, and before a program that it starts."""
    words = workshop.words(_TWO_ROUNDS)
    saved = tmp_path / "saved"
    saved.mkdir()
    with Dying() as dying:
        assert dying.run(words, workshop.environment, _STRIDE, [str(workshop.folder), str(saved)]) == 0
        points = sorted(saved.iterdir(), key=lambda one: int(one.name))
        assert len(points) > 25
        for point in points:
            _restore(workshop, point)
            _go_on(dying, workshop, words)


@threat("T112", "a disk filled up", "exit 2 or 3, and it is resumed")
def test_a_disk_that_fills_up_ends_a_run_plainly_and_it_can_be_resumed(
    workshop: Workshop, tmp_path: Path
) -> None:
    words = workshop.words()
    saved = shutil.copytree(workshop.folder, tmp_path / "saved", symlinks=True)
    with Dying() as dying:
        for number in (2, 31, 60, 89):
            assert dying.run(words, workshop.environment, -number) in (2, 3), number
            assert workshop.users() == workshop.before
            assert len(workshop.commits()) < 2
            _go_on(dying, workshop, words)
            _restore(workshop, saved)


@pytest.mark.xdist_group("sleeping")
def test_the_agent_of_a_killed_run_is_ended_and_works_again(workshop: Workshop, tmp_path: Path) -> None:
    half = "if [ $ROUND = 1 ]; then echo half > src/half.py; exec sleep 995; fi; rm -f src/half.py"
    with workshop.start(*workshop.words(f"{half}; {GOOD}")) as process:
        wait_for(lambda: workshop.sleeping())
        process.kill()
    saved = shutil.copytree(workshop.folder, tmp_path / "saved", symlinks=True)
    assert workshop.sleeping()
    refused = workshop.specguard("run", "phase", "-C", str(workshop.user.path), "--", "true")
    assert refused.exit_code == 2
    assert f"specguard run resume {workshop.run_id}" in refused.stderr
    workshop.resume(ends=0)
    assert not workshop.sleeping()
    workshop.check_done()
    manifest = workshop.manifest
    assert manifest.attempts == 1
    [detail] = [step.detail for step in manifest.steps if step.detail.startswith("resumed")]
    assert "resumed at agent; ended sleep 995" in detail
    assert "src/half.py" not in workshop.remote.git("ls-tree", "-r", "--name-only", "phase-12")
    workshop.resume(ends=2)

    # The user's own edits are no leak, the base stays the run's, and a place that is gone is made again.
    _restore(workshop, saved)
    shutil.rmtree(workshop.manifest.place or "")
    (workshop.user.path / "src" / "mine.py").write_text("mine = 1\n")
    workshop.user.commit("feat: mine", files={"src/other.py": "other = 1\n"})
    workshop.user.git("rm", "-r", "-q", "--cached", ".runs")
    workshop.before = workshop.users()
    tip = workshop.move_on({"src/theirs.py": "theirs = 1\n"})
    workshop.resume(ends=0)
    [commit] = workshop.commits()
    assert workshop.remote.git("rev-parse", f"{commit}^").strip() == workshop.base
    assert [note for note in workshop.manifest.notes if tip[:10] in note]
    workshop.check_done()


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
def test_what_a_killed_run_had_set_up_is_taken_down(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    workshop = Workshop(tmp_path / "team", POLICY.replace("\n```\n", f"{_UP}```\n"))
    places = workshop.folder / "cache" / "specguard"
    with workshop.start(*workshop.words()) as process:
        wait_for(lambda: any(places.rglob("started")))
        process.kill()
    [up] = places.rglob("up")
    (up.parent / "go").touch()
    saved = shutil.copytree(workshop.folder, tmp_path / "saved", symlinks=True)
    took = "took down what its gates had set up: rm ../../up; echo $PWD >> ../../down, exit code 0"

    def ended(how: str, *words: str) -> str:
        done = workshop.specguard("run", how, "-C", str(workshop.user.path), *words)
        assert done.exit_code == 0, done
        return f"{done.stdout}{done.stderr}"

    def taken_down(how: str, *words: str) -> None:
        assert took in ended(how, *words)
        assert not up.exists()
        assert (up.parent / "down").read_text().splitlines()[0] == workshop.manifest.place
        assert "took down" not in ended("clean", "--yes")

    taken_down("resume", workshop.run_id)
    workshop.check_done()
    _restore(workshop, saved)
    taken_down("clean", "--yes")
    _restore(workshop, saved)
    shutil.rmtree(workshop.manifest.place or "")
    assert "as its place is gone; take it down: rm ../../up" in ended("stop", workshop.run_id)
    assert "take it down" not in ended("clean", "--yes")


def test_an_agent_that_ended_before_it_changed_anything_may_try_again(workshop: Workshop) -> None:
    """It is told first that the base has moved meanwhile."""
    workshop.work(f"[ $ROUND -gt 1 ] || exit 7; [ $ROUND -gt 2 ] || exit 0; {GOOD}", ends=3)
    workshop.resume(ends=3)
    assert (workshop.manifest.attempts, workshop.error["error"]) == (2, "no-progress")
    tip = workshop.move_on({"src/theirs.py": "theirs = 1\n"})
    done = workshop.resume(ends=0)
    assert workshop.manifest.attempts == 3
    workshop.check_done()
    note = f"The base main was at {workshop.base[:10]} when the run began, and is at {tip[:10]} now."
    said = f"{done.stdout}{done.stderr}"
    assert f"note: {note}" in said
    assert said.index(note) < said.index("\nagent\n")
    assert workshop.manifest.notes.count(note) == 1
    assert f"Note: {note}" in (workshop.folder_of_run / "report.md").read_text()


@pytest.mark.parametrize(("bad_end", "code"), [("exit 7", 3), ("echo 'Which one?' > SPECGUARD_STOP.md", 4)])
def test_an_agent_that_did_not_end_well_works_again(workshop: Workshop, bad_end: str, code: int) -> None:
    """Also if what it has left in a later round passes."""
    workshop.work(f"{_TWO_ROUNDS}; [ $ROUND != 2 ] || {bad_end}; echo 1 > src/$ROUND", ends=code)
    workshop.resume(ends=0)
    assert len(workshop.told) == 3
    workshop.check_done()


def test_a_branch_that_the_remote_took_before_is_not_pushed_again(workshop: Workshop) -> None:
    """The process died when the remote had the branch, and before that was written down."""
    folder = workshop.folder
    hook = workshop.remote.path / "hooks" / "post-receive"
    program(hook, f"kill -9 $(cat {folder}/pid)\necho x >> {folder}/received")
    with workshop.start(*workshop.words()) as process:
        (folder / "pid").write_text(f"{process.pid}\n")
    assert process.returncode == -signal.SIGKILL
    assert workshop.manifest.pushed is None
    assert workshop.commits()
    workshop.resume(ends=0)
    assert (folder / "received").read_text() == "x\n"
    [last] = [step for step in workshop.manifest.steps if step.name == "push" and step.state == "done"]
    assert "had it already" in last.detail
    workshop.check_done()


@pytest.mark.xdist_group("sleeping")
def test_a_stale_worker_writes_and_pushes_nothing_more(workshop: Workshop) -> None:
    """Where the lock is no obstacle, as on another machine, the token is."""
    script = f"if [ $ROUND = 1 ]; then sleep 2; echo stale > src/new.py; exit 0; fi; {GOOD}"
    with workshop.start(*workshop.words(script)) as stale:
        wait_for(lambda: any(workshop.runs.glob("*/commands/*.log")))
        stale.send_signal(signal.SIGSTOP)
        try:
            claims = workshop.folder / "cache" / "specguard" / "claims"
            for lock in (*workshop.runs.glob(".*.lock"), *claims.iterdir()):
                lock.unlink()
            workshop.resume(ends=0)
            kept = workshop.kept()
        finally:
            stale.send_signal(signal.SIGCONT)
        _, said = stale.communicate(timeout=60)
    assert stale.returncode == 2
    assert "another process works on" in said
    assert workshop.kept() == kept
    workshop.check_done()


def test_a_run_that_has_spent_its_attempts_says_so_unless_it_is_granted_more(tmp_path: Path) -> None:
    """The policy gives their number, and the command line another one."""
    workshop = Workshop(tmp_path, POLICY.replace("[runs]", "[runs]\nmax_attempts = 1"))
    script = f"if [ $ROUND = 1 ]; then echo BROKEN > src/new.py; exit 0; fi; {GOOD}"
    workshop.work(script, ends=3)
    assert workshop.manifest.state == "budget-spent"
    workshop.resume(ends=3)
    assert workshop.manifest.reason == "the gates still fail after 1 attempt"
    assert workshop.error["step"] == "gates"
    assert "--max-attempts 2" in workshop.specguard("run", "status").stdout
    assert "--max-attempts 2" in workshop.error["suggestion"]
    workshop.resume("--max-attempts", "2", ends=0)
    assert "BROKEN" in workshop.told[1]
    workshop.check_done()


def test_what_a_person_mends_in_the_place_of_a_failed_run_is_judged_and_pushed(workshop: Workshop) -> None:
    workshop.work("echo BROKEN > src/new.py", "--max-attempts", "1", ends=3)
    Path(there(workshop.manifest.place), "src/new.py").write_text("new = 1\n")
    workshop.resume(ends=0)
    assert len(workshop.told) == 1
    workshop.check_done()
    gates = [one for one in workshop.manifest.commands if one.kind == "gate"]
    assert [one.exit_code for one in gates] == [1, 0]
    assert gates[0].tree != gates[1].tree == workshop.manifest.tree


def test_each_tree_is_judged_for_itself(workshop: Workshop) -> None:
    """Its files are changed when all had passed, and when it was pushed."""
    workshop.work(GOOD, "--until", "check", ends=0)
    changed = Path(workshop.manifest.place or "", "src/new.py")
    assert workshop.manifest.judgements[-1].verdict == "passed"
    changed.write_text("BROKEN\n")
    workshop.resume("--until", "push", ends=0)
    gates = [one for one in workshop.manifest.commands if one.kind == "gate"]
    assert [one.exit_code for one in gates] == [0, 1, 0]
    assert gates[0].tree == gates[2].tree != gates[1].tree
    assert "BROKEN" in workshop.told[1]
    assert workshop.commits()
    before = len(workshop.manifest.judgements)
    changed.write_text("BROKEN\n")
    workshop.resume(ends=0)
    # What was pushed is fixed by its commit, whatever became of the files since.
    assert len(workshop.manifest.judgements) == before + 1
    assert {one.tree for one in workshop.manifest.judgements[-2:]} == {workshop.manifest.tree}
    workshop.check_done()


def test_a_run_whose_branch_somebody_else_has_pushed_meanwhile_is_not_resumed(workshop: Workshop) -> None:
    """Nor by an unknown agent. Nobody is told to remove their branch, also where it has the same files."""
    workshop.work(GOOD, "--until", "check", ends=0)
    before = workshop.kept()
    assert "next: give its command behind --, or" in workshop.resume("--agent", "nobody", ends=2).stderr
    theirs = workshop.move_on({"src/new.py": "new = 1\n"}, branch="phase-12")
    done = workshop.resume(ends=2)
    assert f"has a branch phase-12 of somebody else, at {theirs[:10]} [remote-moved]" in done.stderr
    assert workshop.kept() == before


def test_a_run_that_ended_by_its_time_goes_on_with_more(workshop: Workshop) -> None:
    ready = workshop.folder / "ready"
    script = f"[ -e {ready} ] || exec sleep 994; {GOOD}"
    workshop.work(script, "--timeout", "1", ends=3)
    workshop.resume(ends=3)
    for told in (workshop.error["suggestion"], workshop.specguard("run", "status").stdout):
        assert f"specguard run resume {workshop.run_id} --timeout 2\n" in f"{told}\n"
    workshop.resume("--timeout", "600", "--command-timeout", "1", ends=3)
    ready.touch()
    workshop.resume("--command-timeout", "600", ends=0)
    assert workshop.manifest.attempts == 1
    workshop.check_done()


def test_a_run_that_a_change_has_brought_is_not_resumed(workshop: Workshop) -> None:
    """What it was asked to do is whatever its author wants to have run."""
    workshop.work("exit 7")
    folder, user = workshop.folder_of_run, workshop.user
    mark = workshop.folder / "mark"

    def brought(name: str, **values: object) -> None:
        file = folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | values))
        user.git("add", "-f", ".runs")
        user.git("commit", "-q", "-m", "docs: keep a run")
        done = workshop.resume(ends=2)
        assert "a change may have brought" in done.stderr
        assert not mark.exists()
        assert not workshop.commits()

    brought("control/asked.json", command=["sh", "-c", f"touch {mark}; {GOOD}"])
    brought("manifest.json", state="running", pid=1 << 22, ended_at=None)
    assert workshop.specguard("run", "stop", workshop.run_id).exit_code == 0
    workshop.work(GOOD, ends=0)


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
    assert done.exit_code == 0, done
    assert ended is None
    assert workshop.manifest.state == "killed"
