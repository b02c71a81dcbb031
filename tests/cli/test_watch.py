"""`check --watch`, on real repositories: in a pipe and on a terminal."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from specguard.testing import Repository, run_here
from specguard.testing.repository import clean_environment
from specguard.testing.running import command
from tests.outcomes import ended
from tests.rows import recorded

AUTHORITY = recorded(__file__, "authority")


class Watching:
    """A running `check --watch`, and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], output: int) -> None:
        self.process = process
        self.text = ""
        self.terminal = self._output = output

    def until(self, pattern: str, seconds: float = 30.0) -> re.Match[str]:
        """Wait for something behind what was read before; return what was found, and go on behind it."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            left = end - time.monotonic()
            assert left > 0, f"{pattern!r} never came:\n{self.text}"
            if select.select([self._output], [], [], left)[0]:
                data = self._read()
                assert data, f"it ended with {self.process.wait()} before {pattern!r}:\n{self.text}"
                self.text += data.decode()
        self.text = self.text[found.end() :]
        return found

    def stays_silent(self, seconds: float) -> bool:
        """Whether nothing is printed for a time."""
        return not self.text and not select.select([self._output], [], [], seconds)[0]

    def _read(self) -> bytes:
        try:
            return os.read(self._output, 1 << 16)
        except OSError:
            # A terminal whose other end is closed.
            return b""


@contextmanager
def watching(repository: Repository, *words: str, terminal: bool = False) -> Iterator[Watching]:
    output, other = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [command(), "check", "--watch", *words],
        cwd=repository.path,
        env={**clean_environment(), "TERM": "xterm"},
        stdin=other if terminal else subprocess.DEVNULL,
        stdout=other,
        stderr=other,
        start_new_session=True,
        # What is typed there is a signal for whom the terminal controls.
        preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if terminal else None,
    )
    os.close(other)
    try:
        yield Watching(process, output)
    finally:
        process.kill()
        process.wait()
        os.close(output)


@pytest.fixture
def project(repository: Repository) -> Repository:
    repository.commit("docs: state what may change", files={"SPEC_AUTHORITY.md": AUTHORITY})
    repository.branch("work")
    return repository


END = r"Ctrl-C ends\r?\n"


def test_the_working_tree_is_judged_again_after_each_change(project: Repository) -> None:
    project.commit("chore: ignore what is built", files={".gitignore": "build/\n"})
    with watching(project, "--output", "json=report.json", "--log-decisions", "log.jsonl") as watched:
        watched.until(r"specguard: passed[^\n]*\nwatching the working tree; " + END)
        # Neither its own reports, nor what is ignored, nor an empty folder is a change.
        os.makedirs(project.path / "locked" / "deep")
        project.write("build/x", "x")
        assert watched.stays_silent(1)
        project.write("locked/deep/a.txt", "a")
        watched.until(r"--- \d\d:\d\d:\d\d\nPTH002 locked-path")
        watched.until(r"specguard: failed[^\n]*\n[^\n]*" + END)
        assert json.loads(project.read("report.json"))["verdict"] == "failed"
        assert len(project.read("log.jsonl").splitlines()) == 2
        project.delete("locked/deep/a.txt")
        watched.until(r"specguard: passed[^\n]*\n[^\n]*" + END)


def test_the_index_is_watched_alone_and_a_refreshed_one_is_no_change(project: Repository) -> None:
    with watching(project, "--staged") as watched:
        watched.until(r"watching the index; " + END)
        project.write("locked/a.txt", "a")
        assert watched.stays_silent(1)
        project.stage("locked/a.txt")
        watched.until(r"PTH002 locked-path")
        watched.until(END)
        os.utime(project.path / "locked/a.txt", (1, 1))
        project.git("update-index", "--refresh")
        assert watched.stays_silent(1)


def test_a_branch_is_judged_again_when_it_gets_commits(project: Repository) -> None:
    with watching(project, "--head", "work") as watched:
        watched.until(r"nothing to judge[^\n]*\nwatching the branch; " + END)
        project.commit("feat: add a", files={"locked/a.txt": "a"})
        watched.until(r"failed \(range, 1 commit, 1 file\)")
        watched.until(END)


def test_an_error_is_shown_and_watching_goes_on_also_at_the_very_beginning(
    project: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    draft = tmp_path_factory.mktemp("draft") / "draft.md"
    draft.write_text(AUTHORITY.replace('["locked/"]', '["locked/"'))
    with watching(project, "--authority", str(draft)) as watched:
        watched.until(r"specguard: error: ")
        watched.until(END)
        draft.write_text(AUTHORITY)
        watched.until(r"specguard: passed[^\n]*\n[^\n]*" + END)


def test_a_terminal_is_cleared_and_ctrl_c_is_typed_there(project: Repository) -> None:
    with watching(project, terminal=True) as watched:
        watched.until(r"\x1b\[2J\x1b\[H")
        watched.until(END)
        project.write("locked/a.txt", "a")
        watched.until(r"\x1b\[2J\x1b\[H(?!-)")
        watched.until(r"PTH002 locked-path")
        watched.until(END)
        assert "---" not in watched.text
        os.write(watched.terminal, b"\x03")
        watched.until(r"specguard: interrupted")
        assert watched.process.wait(20) == 130


def test_json_stands_alone_waiting_takes_hardly_any_time_and_ctrl_c_ends_it(project: Repository) -> None:
    words = [command(), "check", "--watch", "--output-format", "json"]
    process = psutil.Popen(
        words, cwd=project.path, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stderr.readline() == b"watching the working tree; Ctrl-C ends\n"
        # Its own time and that of the programs it ran.
        before = sum(process.cpu_times()[:4])
        time.sleep(1)
        assert sum(process.cpu_times()[:4]) - before < 0.25
    finally:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"specguard: interrupted\n")
    assert json.loads(out)["verdict"] == "passed"


def test_what_happens_once_is_not_watched_nor_is_what_is_no_repository(
    project: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for words in (("--push",), ("--patch", "x"), ("--commit-msg-file", "x"), ("--override", "PTH002")):
        outcome = ended(run_here("check", "--watch", *words, directory=project.path), 2)
        assert f"--watch does not go with {words[0]}" in outcome.stderr
    outcome = ended(run_here("check", "--watch", directory=tmp_path_factory.mktemp("empty")), 2)
    assert "not in a git repository" in outcome.stderr
