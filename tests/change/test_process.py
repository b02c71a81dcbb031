"""Programs started and read side by side: nothing blocks, nothing is lost, nothing stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time

import pytest

from specguard.change.process import ERROR_LIMIT, CommandError, Process
from specguard.errors import SpecguardError

SH = "/bin/sh"
BIG = 3 << 20


def sh(script: str, *, stdin: bytes = b"", talk: bool = False, stdin_file: int | None = None) -> Process:
    environment = {"PATH": "/usr/bin:/bin", "GIVEN": "given"}
    return Process(SH, ["-c", script], environment, stdin=stdin, talk=talk, stdin_file=stdin_file)


def python(script: str, *, stdin: bytes = b"") -> Process:
    return Process(sys.executable, ["-I", "-c", textwrap.dedent(script)], {}, stdin=stdin)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_output_is_read_whole() -> None:
    assert sh("printf 'a\\nb'").read() == b"a\nb"


def test_the_environment_is_the_given_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "inherited")
    assert sh('printf "%s|%s" "$GIVEN" "$INHERITED"').read() == b"given|"


def test_standard_input_is_empty_unless_it_is_given() -> None:
    assert sh("cat").read() == b""
    assert sh("cat", stdin=b"text").read() == b"text"


def test_a_file_can_be_standard_input(tmp_path: object) -> None:
    read, write = os.pipe()
    os.write(write, b"from a file")
    os.close(write)
    process = sh("cat", stdin_file=read)
    os.close(read)
    assert process.read() == b"from a file"


def test_three_full_pipes_do_not_block_each_other() -> None:
    script = f"""
        import sys
        sys.stderr.write("e" * {BIG})
        sys.stdout.write("o" * {BIG})
        sys.stderr.write("e" * {BIG})
        read = len(sys.stdin.read())
        sys.stdout.write(str(read))
    """
    process = python(script, stdin=b"i" * BIG)
    pieces = []
    while data := process.chunk():
        pieces.append(data)
    assert process.wait() == 0
    assert b"".join(pieces) == b"o" * BIG + str(BIG).encode()
    assert process.said == "e" * ERROR_LIMIT


def test_what_was_started_first_may_be_read_last() -> None:
    first, second = sh(f"yes | head -c {BIG}"), sh(f"yes | head -c {BIG}")
    assert len(second.read()) == BIG
    assert len(first.read()) == BIG


def test_a_conversation_goes_to_and_fro() -> None:
    process = sh('while read -r line; do echo "${#line}"; done; printf end', talk=True)
    process.send(b"one\n")
    assert process.line() == b"3"
    process.send(b"three\nseven\n")
    assert (process.line(), process.line()) == (b"5", b"5")
    process.end_input()
    assert process.exactly(3) == b"end"
    process.check()


def test_a_long_request_and_a_long_answer_cross() -> None:
    process = sh("cat", talk=True)
    process.send(b"x" * BIG)
    process.send(b"\nrest\n")
    assert process.line() == b"x" * BIG
    assert process.line() == b"rest"
    process.stop()


def test_a_program_that_does_not_read_is_no_trouble() -> None:
    assert sh("echo done", stdin=b"x" * BIG).read() == b"done\n"


def test_an_answer_that_ends_too_early_is_an_error() -> None:
    with pytest.raises(CommandError, match="too early"):
        sh("printf half").line()
    with pytest.raises(CommandError, match="too early"):
        sh("printf half").exactly(5)


@pytest.mark.parametrize("script", ["exit 3", "echo careful >&2", "echo careful >&2; exit 3"])
def test_only_a_silent_success_is_one(script: str) -> None:
    with pytest.raises(CommandError) as caught:
        sh(f"echo output; {script}").read()
    assert caught.value.code == (3 if "exit" in script else 0)
    assert caught.value.said == ("careful" if "careful" in script else "")


def test_output_that_was_read_is_not_read_again_as_nothing() -> None:
    for script in ("echo x", "true"):
        process = sh(script)
        process.read()
        with pytest.raises(CommandError, match="read before"):
            process.read()
        with pytest.raises(CommandError, match="read before"):
            list(process.chunks())
    process = sh("sleep 1000")
    process.stop()
    with pytest.raises(CommandError, match="read before"):
        process.read()


def test_a_killed_program_is_a_failure() -> None:
    with pytest.raises(CommandError) as caught:
        sh("kill -KILL $$").read()
    assert caught.value.code == -9


def test_a_broken_pipe_ends_a_program_as_usual() -> None:
    # Python ignores the signal; a child that inherited that would go on.
    with pytest.raises(CommandError) as caught:
        sh("kill -PIPE $$; echo went on").read()
    assert caught.value.code == -13


@pytest.mark.parametrize(
    ("said", "line"),
    [("fatal: bad object\nmore", "bad object"), ("error: fatal: x", "fatal: x"), ("", "it ended with 1")],
)
def test_the_first_line_of_a_complaint_is_kept_without_its_prefix(said: str, line: str) -> None:
    assert CommandError(["git"], 1, said).first_line == line


def test_output_above_a_limit_is_refused_and_ends_the_program() -> None:
    process = sh("yes")
    with pytest.raises(CommandError, match="larger than 1000 bytes"):
        process.read(1000)
    assert not is_alive(process.pid)


def test_a_reader_that_stops_early_ends_the_program() -> None:
    process = sh("yes")
    for chunk in process.chunks():
        assert chunk
        break
    time.sleep(0)
    assert not is_alive(process.pid)


def test_stopping_ends_a_program_at_once_and_only_once() -> None:
    process = sh("sleep 1000")
    process.stop()
    process.stop()
    assert process.code == -9
    assert not is_alive(process.pid)


def test_no_file_stays_open() -> None:
    before = set(os.listdir("/dev/fd"))
    for _ in range(20):
        sh("echo x", stdin=b"y").read()
        sh("sleep 1000", talk=True).stop()
        with pytest.raises(CommandError):
            sh("exit 1").read()
    assert set(os.listdir("/dev/fd")) == before


def test_a_program_that_is_not_there_is_an_error_and_leaves_no_file_open() -> None:
    before = set(os.listdir("/dev/fd"))
    with pytest.raises(SpecguardError, match="cannot be run"):
        Process("/nonexistent/git", [], {})
    with pytest.raises(SpecguardError, match="cannot be run"):
        Process(SH, ["nul\0"], {})
    assert set(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_caller_may_have_closed_its_standard_streams(closed: str, tmp_path: object) -> None:
    script = (
        "import os\n"
        "from specguard.change.process import Process\n"
        "process = Process('/bin/sh', ['-c', 'cat; echo err >&2; exit 7'], {'PATH': '/bin'}, stdin=b'text')\n"
        "said = process.chunk()\n"
        "code = process.wait()\n"
        f"open('{tmp_path}/out', 'w').write(f'{{said!r}} {{process.said}} {{code}}')\n"
    )
    with open(f"{tmp_path}/script.py", "w") as file:
        file.write(script)
    subprocess.run([SH, "-c", f'"$0" {tmp_path}/script.py {closed}', sys.executable], check=True)
    with open(f"{tmp_path}/out") as file:
        assert file.read() == "b'text' err 7"
