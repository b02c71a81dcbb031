"""Programs started and read side by side: nothing blocks, nothing is lost, nothing stays behind."""

import os
import sys
import textwrap
from pathlib import Path

import pytest

from specguard.change.process import ERROR_LIMIT, CommandError, Process
from specguard.errors import SpecguardError
from tests.rows import rows

SH = "/bin/sh"
BIG = 3 << 20


def sh(script: str, *, stdin: str = os.devnull, talk: bool = False) -> Process:
    environment = {"PATH": "/usr/bin:/bin", "GIVEN": "given"}
    return Process(SH, ["-c", script], environment, stdin=stdin, keep_input=talk)


def python(script: str) -> Process:
    return Process(sys.executable, ["-I", "-c", textwrap.dedent(script)], {})


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_output_is_whole_and_input_is_what_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "inherited")
    assert sh('printf "%s|%s\\n." "$GIVEN" "$INHERITED"').read() == b"given|\n."
    assert sh("cat").read() == b""
    (file := tmp_path / "input").write_bytes(b"i" * BIG)
    process = sh("cat", stdin=str(file))
    file.unlink()
    assert process.read() == b"i" * BIG


def test_full_pipes_do_not_block_each_other() -> None:
    script = f"""
        import sys
        sys.stderr.write("e" * {BIG})
        sys.stdout.write("o" * {BIG})
        sys.stderr.write("e" * {BIG})
        sys.stdout.write("end")
    """
    process = python(script)
    pieces = []
    while data := process.read_chunk():
        pieces.append(data)
    assert process.wait() == 0
    assert b"".join(pieces) == b"o" * BIG + b"end"
    assert process.stderr == "e" * ERROR_LIMIT


def test_a_conversation_goes_to_and_fro() -> None:
    process = sh('while read -r line; do echo "${#line}"; done; printf end', talk=True)
    process.send(b"one\n")
    assert process.read_line() == b"3"
    process.send(b"three\nseven\n")
    assert (process.read_line(), process.read_line()) == (b"5", b"5")
    process.check()
    # Nobody reads what is sent to a program that has ended.
    process = sh("exec 0<&-; echo done", talk=True)
    assert process.read_line() == b"done"
    process.send(b"one\n")
    with pytest.raises(CommandError, match="too early"):
        process.read_line()


def test_an_answer_that_ends_too_early_is_an_error() -> None:
    with pytest.raises(CommandError, match="too early"):
        sh("printf half").read_line()
    with pytest.raises(CommandError, match="too early"):
        sh("printf half").read_exactly(5)


@pytest.mark.parametrize(("script", "code", "said"), rows(__file__, "failures"))
def test_only_a_silent_success_is_one(script: str, code: int, said: str) -> None:
    with pytest.raises(CommandError) as caught:
        sh(f"echo output; {script}").read()
    assert (caught.value.code, caught.value.message) == (code, said)


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


def test_who_stops_reading_ends_the_program() -> None:
    process = sh("yes")
    assert next(iter(process.chunks()))
    assert not is_alive(process.pid)
    process = sh("sleep 1000")
    process.stop()
    process.stop()
    assert (process.code, is_alive(process.pid)) == (-9, False)
    # An interrupt came between the end of the program and the keeping of its code.
    process = sh("true")
    os.waitpid(process.pid, 0)
    process.stop()
    assert process.code is not None


def test_no_file_stays_open() -> None:
    before = set(os.listdir("/dev/fd"))
    for _ in range(20):
        sh("echo x").read()
        sh("sleep 1000", talk=True).stop()
        with pytest.raises(CommandError):
            sh("exit 1").read()
    # Nor of a program that is not there.
    for path, words in (("/nonexistent/git", []), (SH, ["nul\0"])):
        with pytest.raises(SpecguardError, match="cannot be run"):
            Process(path, words, {})
    assert set(os.listdir("/dev/fd")) == before
