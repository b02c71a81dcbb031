"""Which commands end processes by name, and where such commands are found (ART017)."""

import time

import pytest

from specguard_rules.artifacts.process_kills import may_kill, process_kills
from specguard_rules.content._commands_in_files import file_commands
from specguard_rules.content._shell import parse_commands
from tests.rows import rows


@pytest.mark.parametrize(
    "script", [*rows(__file__, "by_name"), 'p"kil"L x', "KI'l'l $(pgrep x)", "SPPS -n x"]
)
def test_no_text_with_such_a_command_is_passed_over(script: str) -> None:
    around = b"echo caf\xe9 $k\n" * 2000
    assert may_kill(around + script.encode() + b"\n" + around)
    assert not may_kill(around)
    assert not may_kill(b"echo ski lift\n")


@pytest.mark.parametrize("text", rows(__file__, "by_name"))
def test_it_ends_processes_by_name(text: str) -> None:
    assert [*process_kills(parse_commands(text))]


@pytest.mark.parametrize("text", rows(__file__, "otherwise"))
def test_it_ends_none_or_by_an_id(text: str) -> None:
    assert not [*process_kills(parse_commands(text))]


class NoData:
    """Documents of a tree without data."""

    def data(self, path: bytes) -> None:
        return None


def lines(path: str, text: str) -> list[int]:
    found = list(file_commands(path.encode(), text.encode(), NoData()))  # type: ignore[arg-type]  # only `data` is asked
    return [command.line for command in process_kills(found) if command.is_instruction]


@pytest.mark.parametrize(("path", "text", "expected"), rows(__file__, "where"))
def test_where_commands_stand(path: str, text: str, expected: list[int]) -> None:
    assert lines(path, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "exec('" * 10_000,
        'run("' + "x" * 150_000,
        " " * 100_000 + "run" + " " * 150_000,
        "<#" * 50_000,
        "`" * 20_000 + "`\\" * 40_000,
        "killall " * 20_000,
        "kill $(" * 10_000,
        "kill $x | " * 5_000,
    ],
    ids=lambda text: text[:9],
)
def test_time_is_linear(text: str) -> None:
    for path in ("a.py", "a.ps1", "a.rb", "a.md"):
        start = time.monotonic()
        lines(path, text)
        assert time.monotonic() - start < 20
