"""Whatever an agent does beside its work is caught by name, and the user's repository is as it was."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from specguard.testing.running import command
from tests.executor.working import GOOD, POLICY, TOKEN, Workshop
from tests.threats.cases import threat

_ROWS = tomllib.loads(Path(__file__).with_name("misbehaviour.toml").read_text())


def test_an_agent_that_fills_its_place_is_ended_while_it_works(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specguard.executor.process._WATCH_INTERVAL", 0.3)
    fill = "for n in 1 2 3 4 5 6; do head -c 4000000 /dev/zero > src/big$n; done"
    workshop.work(f"{GOOD}; {fill}; exec sleep 300", ends=3)
    assert workshop.manifest.state == "budget-spent"
    assert "the agent filled its place with 22 MiB" in (workshop.manifest.reason or "")


@threat("T108", "commits, tags, switched branches and hooks by the agent", "exit 3")
@pytest.mark.parametrize(("script", "reason"), _ROWS["runs"].values(), ids=_ROWS["runs"])
def test_an_agent_that(workshop: Workshop, script: str, reason: str) -> None:
    done = workshop.work(script, ends=3)
    assert "Traceback" not in done.stderr
    _is_untouched(workshop)
    assert workshop.manifest.state == "failed"
    assert reason in (workshop.manifest.reason or "")
    assert (workshop.error["exit_code"], workshop.error["reason"]) == (3, workshop.manifest.reason)
    assert workshop.error["step"] in ("agent", "inspect")
    assert workshop.error["suggestion"]
    workshop.check_evidence()


def test_an_agent_that_takes_the_folder_of_its_run_away(workshop: Workshop) -> None:
    done = workshop.work(f'{GOOD}; rm -rf "{workshop.runs}"', ends=2)
    assert "is gone, and nothing more is done [run-lost]\n  next: specguard run clean" in done.stderr
    assert "Traceback" not in done.stderr
    _is_untouched(workshop)


def _is_untouched(workshop: Workshop) -> None:
    assert workshop.users() == workshop.before
    assert not workshop.commits()
    assert not workshop.state["requests"]
    assert not (workshop.home / "ran").exists()
    assert not workshop.sleeping()


def test_an_agent_that_moves_the_pointer_is_stopped_before_the_push(workshop: Workshop) -> None:
    moves = "rm configs/NEXT_PHASE.json; ln -s ../src/new.py configs/NEXT_PHASE.json"
    done = workshop.work(f"{GOOD}; {moves}", ends=1)
    assert "WRK004" in done.stdout
    assert not workshop.commits()
    assert not workshop.state["requests"]


@threat("T104", "the user's configuration, hooks and refs written by the agent", "exit 3")
def test_an_agent_that_reaches_out(workshop: Workshop) -> None:
    push = "git -c protocol.allow=always push -q"
    made = "$(git commit-tree -m x HEAD^{tree}):refs/heads/mine"
    script = f"git config --global core.x y; {push} {workshop.user.path} {made}"
    workshop.work(f"{GOOD}; {script}", ends=3)
    for reason in ("while the agent worked", "your ref refs/heads/mine appeared", ".gitconfig was changed"):
        assert reason in (workshop.manifest.reason or "")
    assert not workshop.commits()


@threat("T104", "files of the user's checkout written by the agent", "exit 0, and each guarded one is told")
def test_what_happens_in_the_checkout_and_at_the_remote_is_told_and_no_failure(workshop: Workshop) -> None:
    user, maker, remote = workshop.user.path, workshop.maker, workshop.remote
    maker.git("push", "-q", str(remote.path), "HEAD:refs/heads/old")
    commits = "git -c user.name=u -c user.email=u@example.org commit -q --allow-empty -m mine"
    script = f"{GOOD}; echo leak >> {user}/src/a.py; echo leak > {user}/locked/a.txt; cd {user}; git add -A"
    # The files of a colleague are the agent's own, such as an empty module.
    script += f"; {commits}; cd {maker.path}; {GOOD}; git add -A; {commits}"
    push = f"git push -q {remote.path} HEAD:refs/heads/old HEAD:refs/heads/new"
    done = workshop.work(f"place=$PWD; {script}; {push}; cd $place; git fetch -q {remote.path} new", ends=0)
    tip = remote.git("rev-parse", "old").strip()[:10]
    [request] = workshop.state["requests"]
    for told in (
        "In your checkout, while the run went on: your index was changed; your ref refs/heads/main",
        "Guarded paths of your checkout, while the run went on: locked/a.txt was changed (locked-path).",
        f"new from nothing to {tip}; old from {workshop.base[:10]} to {tip}.",
    ):
        for text in (done.stdout, workshop.kept()["report.md"].decode(), request["body"]):
            assert told in text


_MADE = "made=$(git commit-tree -m x -p HEAD HEAD^{tree});"
_NAMES = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.c"


@threat("T117", "a push to the remote by its address, from the place", "exit 3")
@pytest.mark.parametrize(("script", "undo"), _ROWS["pushes"].values(), ids=_ROWS["pushes"])
def test_an_agent_that_pushes_by_the_address(workshop: Workshop, script: str, undo: str) -> None:
    done = workshop.work(f"{_NAMES}; {GOOD}; {script.replace('$REMOTE', str(workshop.remote.path))}", ends=3)
    assert not workshop.state["requests"]
    assert "pushed from the run's place" in done.stdout
    assert "was pushed from the run's place" in (workshop.manifest.reason or "")
    command = workshop.error["suggestion"].removeprefix("undo it: ")
    assert undo in command
    subprocess.run(["sh", "-ec", command], cwd=workshop.user.path, env=workshop.environment, check=True)
    assert not {"undo", "began,"} & set(workshop.resume(ends=0).stdout.split())
    workshop.check_done()


def test_an_agent_that_pushes_by_the_address_and_fails(workshop: Workshop) -> None:
    push = f"git push -q {workshop.remote.path} $made:refs/heads/evil"
    done = workshop.work(f"{_NAMES}; {_MADE} {push}; exit 7", ends=3)
    assert "pushed from the run's place; to undo it: `git push --force-with-lease=evil:" in done.stdout


_FORGED = 'sed -i \'s/"attempts": 1/"attempts": 0/; s/"state": "running"/"state": "succeeded"/\''


@threat("T105", "the run's manifest altered by the agent or a gate", "exit 3, and it is said")
@pytest.mark.parametrize("who", ["the agent, which fails", "a gate that deletes it"])
def test_a_manifest_that_is_altered_is_said_and_fails_the_run(tmp_path: Path, who: str) -> None:
    manifest = f"$(ls -d {tmp_path}/user/.runs/phase-12/*/manifest.json)"
    script, gate = (f"{GOOD}; {_FORGED} {manifest}; exit 7", "true")
    if who == "a gate that deletes it":
        script, gate = GOOD, f"rm {manifest}"
    policy = POLICY.replace(
        'run = "! grep', f'run = {json.dumps(gate)}\n\n[[work.phase.gates]]\nname = "x"\nrun = "! grep'
    )
    workshop = Workshop(tmp_path, policy)
    done = workshop.work(script, ends=3)
    assert workshop.manifest.state == "failed"
    assert "somebody altered manifest.json of the run while it went on" in done.stdout
    assert workshop.manifest.attempts == 1
    assert not workshop.commits()
    workshop.check_evidence()
    assert "somebody altered manifest.json" in workshop.kept()["report.md"].decode()


@threat(
    "T114", "a token of the environment in what the agent prints", "exit 0, and it is in no file of the run"
)
def test_a_token_that_is_printed_is_in_no_file_of_the_run(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specguard.executor.process._AGENT_LEFTOVER_WAIT", 0.2)
    spread = "".join(f"printf %s '{TOKEN[at : at + 7]}'; sleep 0.05; " for at in range(0, len(TOKEN), 7))
    script = (
        f"echo {TOKEN}; {spread} echo; echo {TOKEN} | base64; echo $MY_SECRET; echo {TOKEN} > $TMPDIR/note;"
        f" setsid sh -c 'sleep 997' {TOKEN} > /dev/null 2>&1 & {GOOD}"
    )
    done = workshop.work(script, environment={"SOME_TOKEN": TOKEN, "TMPDIR": str(workshop.folder)}, ends=3)
    for name, content in workshop.kept().items():
        assert TOKEN.encode() not in content, name
    assert TOKEN not in done.stdout + done.stderr
    assert b"[redacted" in workshop.kept()[workshop.manifest.commands[0].log].lower()


@pytest.mark.parametrize("mended", [True, False])
def test_a_token_that_is_left_in_a_file_is_not_published(workshop: Workshop, mended: bool) -> None:
    first = f"echo '{TOKEN}' $ROUND > src/new.py; touch src/{TOKEN}.py; ln -sf {TOKEN} src/link"
    script = f"if [ $ROUND = 1 ]; then {first}; else rm src/*; {GOOD}; fi" if mended else first
    done = workshop.work(script, "--max-attempts", "2", environment={"SOME_TOKEN": TOKEN})
    assert workshop.told[1].count(" holds the value of SOME_TOKEN") == 3
    assert (done.exit_code == 0) is mended, done
    assert len(workshop.commits()) == mended
    for name, content in workshop.kept().items():
        assert TOKEN.encode() not in content, name


@threat("T107", "a bare repository within the tree", "exit 0, and nothing of it runs")
def test_a_bare_repository_and_what_the_base_has_are_files_like_others(tmp_path: Path) -> None:
    """A secret that the base has is public already."""
    workshop = Workshop(tmp_path, files={"src/b.py": f"fingerprint = '{TOKEN}'\n"})
    bare = "git init -q --bare src/inner; git -C src/inner config core.fsmonitor 'touch $HOME/ran'"
    workshop.work(f"{bare}; echo 'b = 2' >> src/b.py", environment={"SOME_KEY": TOKEN}, ends=0)
    assert not (workshop.home / "ran").exists()
    workshop.check_done()


def test_an_interrupted_run_ends_its_agent_and_can_be_resumed(workshop: Workshop) -> None:
    interrupts = "echo half > src/new.py; kill -INT $PPID; exec sleep 996"
    done = workshop.work(f"if [ $ROUND = 1 ]; then {interrupts}; fi; {GOOD}", ends=130)
    assert done.stdout.endswith(f"next: specguard run resume {workshop.run_id}\n")
    assert (workshop.manifest.state, workshop.error["exit_code"]) == ("killed", 130)
    assert not workshop.sleeping()
    workshop.check_evidence()
    workshop.resume(ends=0)
    workshop.check_done()
    # What was interrupted was no attempt of the agent's.
    assert workshop.manifest.attempts == 1


def test_files_that_cannot_grow_end_a_run_plainly(workshop: Workshop) -> None:
    """They stand for a disk that is full for all that is started, too."""
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", command(), *workshop.words()],
        # No compiled module is to be cut off for others.
        env={**workshop.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (2, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert workshop.users() == workshop.before
    assert not workshop.commits()
    begun = list(workshop.runs.glob("*/manifest.json")) if workshop.runs.is_dir() else []
    again = workshop.resume() if begun else workshop.work()
    assert again.exit_code == 0, again.stderr
    workshop.check_done()
