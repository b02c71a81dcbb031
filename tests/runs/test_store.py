"""Runs as they are found: of any layout, alive or dead, whole or broken."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from specguard.errors import SpecguardError
from specguard.runs.manifests import META, Agent, Item, RunFolder, Step, meta_text
from specguard.runs.settings import RunSettings
from specguard.runs.store import OPTIONS_FILE, RunStore
from tests.executor.one_run import manifest, ran

GONE = 1 << 22
"""The id of a process that no system here has."""


def add(root: Path, run_id: str, *, beat: bool = True, **more: Any) -> RunFolder:
    """A run under way."""
    folder = RunFolder(str(root / "phase-12" / run_id))
    folder.write_manifest(manifest(run_id=run_id, **more))
    if beat:
        folder.write_heartbeat("agent")
    return folder


def write(file: Path, data: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(data if isinstance(data, str) else json.dumps(data))


def stamp(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_run_under_way_is_alive_until_its_heartbeat_is_stale(tmp_path: Path) -> None:
    folder = add(tmp_path, "2026-01-02T03-04-05Z-aaaa")
    [run] = RunStore(str(tmp_path), RunSettings(stale_after="60s")).runs()
    assert (run.alive, run.stale, run.label, run.layout) == (True, False, "phase 12", "specguard.run/1")
    assert run.rerun == []
    folder.write("control/heartbeat.json", json.dumps({"time": stamp(120), "pid": os.getpid(), "step": "x"}))
    [run] = RunStore(str(tmp_path), RunSettings(stale_after="60s")).runs()
    assert (run.alive, run.stale) == (False, True)
    assert 119 <= (run.heartbeat_age or 0) <= 125
    flag = ran(1, "make x", attempt=1, code=0).model_copy(update={"source": "flag"})
    gates = add(tmp_path, "2026-01-02T03-04-06Z-bbbb", item=Item(kind="gates", id="all"), commands=[flag])
    assert RunStore(str(tmp_path)).view(gates.path).rerun[1:] == ["run", "gates", "--command", "make x"]
    slow = flag.model_copy(update={"duration": 60.1, "timed_out": True})
    asks = [Step(name="agent", state="failed"), Step(name="report", state="done")]
    asked = add(tmp_path, "2026-01-02T03-04-08Z-dddd", state="stopped", attempts=3, steps=asks)
    assert RunStore(str(tmp_path)).view(asked.path).rerun[-2:] == ["--max-attempts", "4"]
    late = add(tmp_path, "2026-01-02T03-04-07Z-cccc", commands=[slow], state="timed-out")
    assert RunStore(str(tmp_path)).view(late.path).rerun[-2] == "--timeout"
    late.write(OPTIONS_FILE, json.dumps({"command_timeout": 60}))
    assert RunStore(str(tmp_path)).view(late.path).rerun[-2:] == ["--command-timeout", "120"]


def test_a_run_whose_process_is_gone_or_without_a_heartbeat_has_died(tmp_path: Path) -> None:
    add(tmp_path, "2026-01-02T03-04-05Z-aaaa", pid=GONE, item=Item(kind="gates", id="all"))
    add(tmp_path, "2026-01-02T03-04-06Z-bbbb", beat=False)
    gone, silent = RunStore(str(tmp_path)).runs()
    assert (gone.is_process_alive, silent.heartbeat_age, gone.rerun[2]) == (False, None, "stop")
    assert [(run.alive, run.stale) for run in (gone, silent)] == [(False, True)] * 2


def test_a_run_whose_branch_somebody_else_has_is_offered_again_only_if_it_has_pushed(tmp_path: Path) -> None:
    add(tmp_path, "2026-01-02T03-04-05Z-aaaa", state="remote-moved", commit="1" * 40)
    add(tmp_path, "2026-01-02T03-04-06Z-bbbb", state="remote-moved", commit="1" * 40, pushed="1" * 40)
    assert [run.rerun[2:3] for run in RunStore(str(tmp_path)).runs()] == [[], ["resume"]]


def test_a_run_whose_killed_process_nobody_asked_for_has_died(tmp_path: Path) -> None:
    """Another process with the same number is not the run either."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as killed:
        folder = add(tmp_path, "2026-01-02T03-04-05Z-aaaa", pid=killed.pid)
        [run] = RunStore(str(tmp_path)).runs()
        assert run.alive
        beat = {"time": stamp(100), "pid": killed.pid, "step": "x"}
        folder.write("control/heartbeat.json", json.dumps(beat))
        [run] = RunStore(str(tmp_path)).runs()
        assert (run.is_process_alive, run.rerun[1:]) == (False, ["run", "resume", run.run_id])
        folder.write_heartbeat("agent")
        killed.kill()
        # It has ended, and stays listed until the end of this block.
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
        [run] = RunStore(str(tmp_path)).runs()
        assert (run.is_process_alive, run.alive, run.stale) == (False, False, True)


def test_the_log_is_that_of_the_command_that_ran_last(tmp_path: Path) -> None:
    commands, steps = [ran(1, "x", attempt=1, code=0)], [Step(name="gates"), Step(name="report")]
    folder = add(tmp_path, "2026-01-02T03-04-05Z-aaaa", commands=commands, steps=steps, state="succeeded")
    folder.log("begun")
    [run] = RunStore(str(tmp_path)).runs()
    assert run.tail().endswith("begun")
    folder.write("commands/01.log", "one\ntwo\nthree\n")
    assert (run.tail(2), run.tail(0)) == ("two\nthree", "")
    assert run.step == "gates"
    assert run.rerun == []


def test_older_layouts_are_read(tmp_path: Path) -> None:
    started = "2026-01-02T03:04:05+01:00"
    ended = {"status": "success", "task": "task_003", "start_time": started, "command": "make x"}
    running = {"status": "running", "task_id": "task_004", "pid": GONE, "started_at": "2026-01-02T03:04:05Z"}
    write(tmp_path / "task_003" / "20260102-030405" / "manifest.json", ended)
    write(tmp_path / "task_003" / "20260102-030405" / "runner.log", "a\nb\n")
    write(tmp_path / "task_004" / "r1" / "meta.json", {**running, "argv": ["a", "b"]})
    beat = {"timestamp": stamp(10), "pid": 1}
    write(tmp_path / "task_004" / "r1" / "control" / "heartbeat.json", beat)
    write(tmp_path / "local-mcp" / "r2" / "manifest.json", {"state": "failed"})
    write(tmp_path / "12" / "mcp" / "r3" / "meta.json", {})
    # A link is no second run, and leads to the first.
    (tmp_path / "local-mcp" / "r3").symlink_to("../12/mcp/r3")
    # What is written for readers of older layouts says the same.
    made = manifest(run_id="r", state="succeeded", agent=Agent(command=["codex", "exec"]))
    write(tmp_path / "phase-12" / "r" / META, meta_text(made))
    store = RunStore(str(tmp_path))
    assert len(store.runs()) == 5
    runs = {run.run_id: run for run in store.runs()}
    old = runs["20260102-030405"]
    assert (old.state, old.item, old.layout) == ("success", "task_003", "manifest.json")
    assert old.started == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert (old.running, old.tail(1), old.rerun) == (False, "b", ["sh", "-c", "make x"])
    meta = runs["r1"]
    assert (meta.layout, meta.stale, meta.item, meta.rerun) == ("meta.json", False, "task_004", ["a", "b"])
    # Of a process that only launched another the heartbeat says which one lives.
    assert (meta.pid, meta.started) == (1, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert 9 <= (meta.heartbeat_age or 0) <= 15
    assert (runs["r2"].item, runs["r3"].item, runs["r3"].state) == ("local-mcp", "12", "unknown")
    assert store.find("local-mcp/r3").path == str(tmp_path / "12" / "mcp" / "r3")
    own = runs["r"]
    assert (own.layout, own.state, own.label) == ("meta.json", "succeeded", "12")
    assert (own.rerun, own.started is not None) == (["codex", "exec"], True)


def test_a_broken_manifest_or_a_lost_one_is_seen(tmp_path: Path) -> None:
    broken = {
        "{": "is not JSON",
        "[1]": "holds no keys",
        "": "is not JSON",
        "[" * 100_000: "levels deep",
        '{"schema": "specguard.run/1", "run_id": 3}': "does not fit its schema",
    }
    for number, text in enumerate(broken):
        write(tmp_path / "phase-12" / f"r{number}" / "manifest.json", text)
    for place in ("s/commands/01-x.log", "t/manifest.json/inside", "u/control/heartbeat.json"):
        write(tmp_path / "phase-12" / place, "{}")
    lost = ["there is neither manifest.json nor meta.json"] * 3
    assert len(RunStore(str(tmp_path), RunSettings(keep="tree")).runs()) == len(broken) + 2
    for run, said in zip(RunStore(str(tmp_path)).runs(), [*broken.values(), *lost], strict=True):
        assert said in run.problem
        assert run.state == "unreadable"
        assert json.dumps(run.data)
        assert not run.running


def test_odd_values_are_no_trouble(tmp_path: Path) -> None:
    records: list[Any] = [
        {"pid": "12", "status": 7, "started_at": "yesterday"},
        {"pid": -1, "status": [], "started_at": 1e300},
        {"pid": True, "command": [1], "task": {"id": 4}},
        {"log": __file__, "status": "in_progress", "started_at": True},
    ]
    for number, record in enumerate(records):
        write(tmp_path / "t" / f"r{number}" / "meta.json", record)
        write(tmp_path / "t" / f"r{number}" / "control" / "heartbeat.json", "{")
    runs = RunStore(str(tmp_path)).runs()
    assert len(runs) == len(records)
    for run in runs:
        assert json.dumps(run.data)
        assert (run.pid, run.tail()) == (None, "")


def test_runs_are_found_by_what_they_begin_with(tmp_path: Path) -> None:
    first, second = add(tmp_path, "2026-01-02T03-04-05Z-aaaa"), add(tmp_path, "2026-01-02T03-04-06Z-bbbb")
    store = RunStore(str(tmp_path))
    assert store.find("2026-01-02T03-04-06").path == second.path
    assert store.find("phase-12/2026-01-02T03-04-05").path == first.path
    assert store.find("phase-12/2026-01-02T03-04-05Z-aaaa").path == first.path
    assert [run.run_id[-4:] for run in store.runs()] == ["aaaa", "bbbb"]
    with pytest.raises(SpecguardError, match="several runs"):
        store.find("2026")
    with pytest.raises(SpecguardError, match="there is no run"):
        store.find("phase-13/2026")
    with pytest.raises(SpecguardError, match="there are no runs"):
        RunStore(str(tmp_path / "none")).latest()
