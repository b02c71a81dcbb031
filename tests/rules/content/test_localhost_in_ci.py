"""Which CI steps call the host itself; `tests/cases/content` has the forms of calls and of files."""

from __future__ import annotations

from typing import cast

import pytest

from specguard_rules.content._localhost_in_ci import code_addresses, judge_ci_file
from tests.rows import rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.rules import Finding, Tree

CI = b".github/workflows/ci.yml"


class Files:
    """Files by their paths, as a tree has them."""

    def __init__(self, files: dict[bytes, bytes]) -> None:
        self._files = files

    def read(self, path: bytes) -> bytes | None:
        return self._files.get(path)


def findings(path: bytes, files: dict[bytes, str]) -> list[Finding]:
    tree = cast("Tree", Files({name: text.encode() for name, text in files.items()}))
    return list(judge_ci_file(path, tree, "files.0"))


def step(script: str) -> str:
    return f"jobs:\n  a:\n    steps:\n      - run: |\n          {script}\n"


@pytest.mark.parametrize("command", rows(__file__, "runs"))
def test_ways_to_run_a_script(command: str) -> None:
    found = findings(CI, {CI: step(command), b"ci/s.sh": "nc localhost 1\n"})
    assert [(one.path, one.line) for one in found] == [(b"ci/s.sh", 1)]


@pytest.mark.parametrize("command", rows(__file__, "runs_none"))
def test_what_runs_no_script(command: str) -> None:
    assert findings(CI, {CI: step(command), b"ci/s.sh": "nc localhost 1\n"}) == []


def test_a_file_that_cannot_be_read_is_said() -> None:
    assert [(one.line, one.severity, one.key) for one in findings(CI, {CI: "a: 1\na: 2\n"})] == [
        (2, None, "unreadable")
    ]


@pytest.mark.parametrize("text", ["", "# x\n", "{}\n", "[]\n", "x\n"])
def test_a_file_without_keys_is_said(text: str) -> None:
    (found,) = findings(CI, {CI: text})
    assert (found.message, found.line) == ("the CI file cannot be read: it is not a mapping", 1)


def test_literals_of_programs() -> None:
    python = (
        'import x\n# http://localhost:2\nprint("http://localhost:3")\nA = [\n  "http://localhost:4",\n'
        '  f"http://{h}:5",\n  f"http://localhost:{p}",\n]\nlog.info("http://localhost:7")\n'
    )
    assert list(code_addresses(python)) == [(5, "http://localhost:4"), (7, "http://localhost")]
    script = (
        "// 'http://localhost:1'\nconst a = 'http://localhost:2'; // b\n/* http://localhost:3\n"
        "http://localhost:4 */ f('http://localhost:5')\nconsole.log('http://localhost:6')\n"
    )
    assert list(code_addresses(script)) == [(2, "http://localhost:2"), (4, "http://localhost:5")]
