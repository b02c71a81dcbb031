"""Commands of a run, as real processes: what they print, how they end, and what they leave behind."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from specguard.errors import SpecguardError
from specguard.executor.process import end_survivors, killed_by_signals, run_command
from specguard.executor.run import Run, RunEnded
from specguard.runs.manifests import Command, Response
from tests.executor.one_run import lives, one_run
from tests.executor.working import wait_for
from tests.threats.cases import threat


def carry_out(run: Run, command: Any, **more: Any) -> Command:
    return run_command(run, "try it", command, **{"kind": "gate", "cwd": "/", **more})


def log_of(run: Run, record: Command) -> str:
    return Path(run.folder.file(record.log)).read_bytes().decode()


def ended(pid: int) -> bool:
    wait_for(lambda: not lives(pid), 5)
    return not lives(pid)


def test_a_command_is_recorded_before_and_after(run: Run) -> None:
    record = carry_out(run, "cat manifest.json; echo to stderr >&2; exit 3", cwd=run.folder.path)
    before = json.loads(log_of(run, record).rpartition("to stderr")[0])["commands"][0]
    assert (before["exit_code"], before["command"][:17]) == (None, "cat manifest.json")
    assert (record.exit_code, record.problem, record.succeeded, record.leftovers) == (3, "", False, [])
    assert record.log == "commands/01-try-it.log"
    assert run.folder.read_manifest().commands == [record]
    content = Path(run.folder.file(record.log)).read_bytes()
    assert record.log_digest == hashlib.sha256(content).hexdigest()
    response = Response.model_validate_json(Path(run.folder.file(record.response)).read_text())
    assert (response.exit_code, response.output_bytes) == (3, len(content))
    assert response.tail.endswith("to stderr")
    assert record.duration is not None


def test_words_meet_no_shell_and_standard_input_is_given_whole(run: Run) -> None:
    words = [sys.executable, "-c", "import sys; print(sys.argv[1:])", "$HOME; *", "`id`"]
    assert log_of(run, carry_out(run, words)) == "['$HOME; *', '`id`']\n"
    assert log_of(run, carry_out(run, ["wc", "-c"], stdin=b"x" * 3_000_000)).strip() == "3000000"
    assert carry_out(run, ["true"], stdin=b"x" * 3_000_000).succeeded
    assert log_of(run, carry_out(run, ["wc", "-c"])).strip() == "0"


def test_a_secret_is_in_no_file_of_the_run_and_a_terminal_obeys_nothing(tmp_path: Path) -> None:
    secret = "q7RtZw9xKe2LmVb4"
    run = one_run(tmp_path, environment={**os.environ, "DEPLOY_TOKEN": secret})
    split = "printf q7RtZw; sleep 0.3; echo 9xKe2LmVb4"
    record = carry_out(run, f"{split}; echo {secret} | base64; cat /proc/$PPID/environ")
    assert record.succeeded
    for folder, _, names in os.walk(run.folder.path):
        for name in names:
            assert secret.encode() not in (Path(folder) / name).read_bytes()
    assert log_of(run, record).startswith("[redacted: DEPLOY_TOKEN]\n[redacted: DEPLOY_TOKEN]")
    record = carry_out(run, r"printf '\033[2J\033]0;x\007\033[31mred\033[0m\rnext\n'")
    assert log_of(run, record) == "\\x1b]0;x\\x07red\nnext\n"


def test_a_log_can_be_followed(tmp_path: Path) -> None:
    run = one_run(tmp_path, environment={**os.environ, "DEPLOY_TOKEN": "q7RtZw9xKe2LmVb4" * 9})
    log = run.folder.file("commands/01-try-it.log")
    record = carry_out(
        run, f"echo first; echo second; until grep -q second {log}; do sleep 0.05; done", timeout=20
    )
    assert record.succeeded
    assert log_of(run, record) == "first\nsecond\n"


def test_what_the_environment_has(tmp_path: Path) -> None:
    given = {
        "PATH": os.environ["PATH"], "HOME": "/h", "AWS_KEY": "1", "CARGO_HOME": "/c", "CARGO_NET": "2",
        "GIT_DIR": "/evil", "GIT_AUTHOR_NAME": "x",
    }  # fmt: skip
    policy = '[runs]\nenvironment = ["CARGO_*", "GIT_*", "GIT_AUTHOR_NAME"]'
    run = one_run(tmp_path, policy, environment=given, approval_policy="untrusted")
    printed = log_of(run, carry_out(run, ["env"])).split()
    names = [line.partition("=")[0] for line in printed if not line.startswith("SPECGUARD_")]
    assert sorted(names) == ["CARGO_HOME", "CARGO_NET", "HOME", "PATH"]
    assert {"SPECGUARD_BRANCH=", "SPECGUARD_APPROVAL_POLICY=untrusted"} < {*printed}
    assert f"SPECGUARD_RUN={run.manifest.run_id}" in printed


@pytest.mark.parametrize(("words", "code"), [(["no-such-program"], 127), (["/"], 126), (["a\0b"], 126)])
def test_a_command_that_cannot_be_started(words: list[str], code: int, run: Run, tmp_path: Path) -> None:
    record = carry_out(run, words)
    assert record.exit_code == code
    assert "cannot be run" in record.problem
    assert record.problem in log_of(run, record)
    assert "No such file" in carry_out(run, ["no-such-script"], cwd=str(tmp_path)).problem
    record = carry_out(run, ["true"], cwd=str(tmp_path / "gone"))
    assert record.problem == f"true in {tmp_path}/gone cannot be run: the folder is not there"


@threat("T111", "an output that is left open", "exit 3")
def test_a_grandchild_that_keeps_the_pipe_open_blocks_nobody(tmp_path: Path) -> None:
    """It is ended, and what ran before is left alone."""
    with subprocess.Popen(["sleep", "999"]) as mine:
        try:
            run = one_run(tmp_path)
            started = time.monotonic()
            record = carry_out(run, "sleep 999 & echo $!; echo done")
            assert time.monotonic() - started < 60
            pid, done = log_of(run, record).split()
            assert done == "done"
            assert record.leftovers == [f"sleep 999 (process {pid})"]
            assert ended(int(pid))
            assert record.succeeded
            assert lives(mine.pid)
        finally:
            mine.kill()


def _pid_of(record: Command) -> int:
    """Of what it left behind."""
    [leftover] = record.leftovers
    return int(leftover.rpartition(" ")[2].rstrip(")"))


@threat("T110", "a process that leaves its session and outlives the agent", "exit 3, and it is ended")
def test_a_daemon_is_found_where_it_left_its_session(tmp_path: Path) -> None:
    program = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2):
            os.close(fd)
        time.sleep(999)
    os._exit(0)
os.wait()
time.sleep(0.1)
"""
    run = one_run(tmp_path)
    # Tests before this one, in the same process, may have left git waiting.
    before = psutil.Process().children()
    record = carry_out(run, [sys.executable, "-c", program])
    assert record.exit_code == 0
    assert ended(_pid_of(record))
    assert [one for one in psutil.Process().children() if one not in before] == []


def test_a_leftover_that_will_not_hear_is_made_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specguard.executor.process.GRACE", 0.5)
    run = one_run(tmp_path)
    record = carry_out(run, "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.1; done' & sleep 0.3")
    assert ended(int(log_of(run, record).split()[0]))
    assert record.leftovers


@threat("T111", "an agent that hangs", "exit 3")
def test_a_time_limit_ends_a_command_politely_first(run: Run) -> None:
    hangs = "trap 'echo asked; exit 5' TERM; echo $$; while :; do sleep 0.1; done"
    record = carry_out(run, hangs, timeout=0.5)
    pid, *rest = log_of(run, record).split("\n")
    assert "asked" in rest
    assert (record.timed_out, record.exit_code, record.succeeded) == (True, 5, False)
    assert record.problem == "it took longer than its 0.5 seconds"
    assert ended(int(pid))


def test_the_policy_and_the_command_line_limit_a_command(tmp_path: Path) -> None:
    run = one_run(tmp_path, '[runs]\ncommand_timeout = "1s"')
    assert carry_out(run, ["sleep", "99"]).problem == "it took longer than its 1 seconds"
    run = one_run(tmp_path, '[runs]\ncommand_timeout = "1h"', command_timeout=1)
    assert carry_out(run, ["sleep", "99"]).timed_out


def test_the_end_of_the_run_ends_its_command(tmp_path: Path) -> None:
    run = one_run(tmp_path, timeout=1)
    with pytest.raises(RunEnded, match="the run took longer than its 1 seconds, in try it") as raised:
        carry_out(run, "echo waiting; exec sleep 99")
    end, manifest = raised.value, run.folder.read_manifest()
    assert (end.state, end.tail, end.command) == ("timed-out", "waiting", 1)
    assert manifest.state == "timed-out"
    assert manifest.commands[0].timed_out
    assert manifest.commands[0].exit_code == -signal.SIGTERM


@threat("T112", "a log filled up", "exit 3")
@pytest.mark.parametrize("flood", ["tr '\\0' x </dev/zero", "cat /dev/urandom"])
def test_a_flood_ends_a_command_in_bounded_memory_and_disk(flood: str, tmp_path: Path) -> None:
    run = one_run(tmp_path, "[runs]\noutput_limit = 2")
    before = psutil.Process().memory_info().rss
    record = carry_out(run, flood)
    assert record.problem == "it printed more than 2 MiB"
    assert (record.timed_out, record.succeeded) == (False, False)
    assert os.path.getsize(run.folder.file(record.log)) < (2 << 20) + 100
    assert log_of(run, record).endswith("\n[specguard: it printed more than 2 MiB]\n")
    assert psutil.Process().memory_info().rss - before < 64 << 20
    response = Response.model_validate_json(Path(run.folder.file(record.response)).read_text())
    assert response.cut
    assert len(response.tail) <= 1 << 14
    # One that is over at once counts as well.
    record = carry_out(run, "head -c 2097153 /dev/zero | tr '\\0' x")
    assert record.problem == "it printed more than 2 MiB"


def test_no_file_grows_without_end_and_no_core_is_left(tmp_path: Path) -> None:
    run = one_run(tmp_path, "[runs]\nplace_limit = 1")
    record = carry_out(run, "ulimit -c; ulimit -Hf; dd if=/dev/zero of=big bs=65536", cwd=str(tmp_path))
    assert record.exit_code != 0
    assert (tmp_path / "big").stat().st_size == 1 << 20
    assert log_of(run, record).startswith("0\n")


def test_a_run_says_that_it_is_alive_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specguard.executor.process.BEAT", 0.1)
    run = one_run(tmp_path)
    said = "echo $$; for n in 1 2; do sleep 1; tr -d '\\n' < control/heartbeat.json; echo; done"
    with run.step("gates"):
        pid, *beats = log_of(run, carry_out(run, said, cwd=run.folder.path)).splitlines()
    told = [json.loads(one) for one in beats]
    assert {(one["step"], one["command"], one["child"]) for one in told} == {("gates", 1, int(pid))}
    assert told[0]["time"] < told[1]["time"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_specguard_ends_the_command_and_the_run(number: signal.Signals, run: Run) -> None:
    before = signal.getsignal(number)
    with pytest.raises(RunEnded) as raised:
        carry_out(run, f"echo $$; kill -{number:d} $PPID; exec sleep 99")
    assert (raised.value.state, raised.value.exit_code) == ("killed", 130)
    assert raised.value.message == f"specguard was ended by {number.name}"
    assert signal.getsignal(number) is before
    manifest = run.folder.read_manifest()
    assert manifest.state == "killed"
    assert manifest.commands[0].ended_at is not None
    assert ended(int(log_of(run, manifest.commands[0])))


def test_no_handling_of_errors_on_its_way_swallows_that_specguard_is_ended(run: Run) -> None:
    with pytest.raises(RunEnded) as raised, killed_by_signals(), run.step("check"), suppress(Exception):
        os.kill(os.getpid(), signal.SIGTERM)
    assert (raised.value.state, raised.value.exit_code, raised.value.code) == ("killed", 130, "killed")
    assert run.manifest.steps[-1].detail == "specguard was ended by SIGTERM"


def test_whoever_insists_does_not_wait(run: Run) -> None:
    started = time.monotonic()
    with pytest.raises(RunEnded):
        carry_out(run, "trap '' TERM; for n in 1 2; do kill $PPID; sleep 0.2; done; sleep 99")
    assert time.monotonic() - started < 60


def test_a_log_is_written_through_no_link(run: Run, tmp_path: Path) -> None:
    os.makedirs(run.folder.file("commands"))
    os.symlink(tmp_path / "elsewhere", run.folder.file("commands/01-try-it.log"))
    with pytest.raises(SpecguardError):
        carry_out(run, ["true"])
    assert not (tmp_path / "elsewhere").exists()


def test_a_system_that_tells_less_of_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    run = one_run(tmp_path)
    assert carry_out(run, "echo here; exit 3").exit_code == 3
    assert carry_out(run, "exec sleep 99", timeout=0.2).timed_out
    assert ended(_pid_of(carry_out(run, "setsid sleep 999 & sleep 0.3")))


def test_what_outlived_the_specguard_of_a_run_is_ended_and_nothing_of_others() -> None:
    mine, other = (
        subprocess.Popen(["sleep", "999"], env={**os.environ, "SPECGUARD_RUN": run_id})
        for run_id in ("this", "another")
    )
    assert len(end_survivors("this")) == 1
    assert (mine.wait(), lives(other.pid)) == (-signal.SIGTERM, True)
    assert end_survivors("this") == []
    other.kill()
    other.wait()
