"""The table of attacks in `tests/threats/README.md`, generated from the tests that carry them.

Run as a program, this module prints the cases as JSON. The tests are collected in a process of its own,
because pytest cannot collect them within a test.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "tests" / "threats" / "README.md"
BEGIN = "<!-- the cases, written by `make docs` -->"
END = "<!-- the end of the cases -->"


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        number: the case's id.
        text: the attack.
        expected: the expected answer of the check.
        held: True if a test holds it; False if the test is expected to fail.
        test: the test, as `file::function` from the root, or a file of cases.
    """

    number: str
    text: str
    expected: str
    held: bool
    test: str


class _Collector:
    """A pytest plugin that takes the cases from the collected tests."""

    def __init__(self) -> None:
        self.cases: dict[Case, None] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            held = item.get_closest_marker("xfail") is None
            for mark in item.iter_markers("threat"):
                number, text, expected = mark.args
                name = mark.kwargs.get("file", item.nodeid.partition("[")[0])
                self.cases[Case(number, text, expected, held, name)] = None


def collect() -> list[Case]:
    """Return every case that a test of this project carries, in the order of the tests.

    Raises:
        AssertionError: the tests cannot be collected.
    """
    done = subprocess.run([sys.executable, __file__], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Case(**fields) for fields in json.loads(done.stdout)]


def table(cases: list[Case]) -> str:
    """Return the Markdown table, by id, between the lines that mark its beginning and end."""
    lines = ["| id | case | expected | held | test |", "| --- | --- | --- | --- | --- |"]
    for case in sorted(cases, key=lambda case: int(case.number[1:])):
        test = f"`{case.test.removeprefix('tests/')}`"
        row = (case.number, case.text, case.expected, "yes" if case.held else "no", test)
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |")
    return "\n".join([BEGIN, "", *lines, "", END])


def with_table(page: str, cases: list[Case]) -> str:
    """Return the page with the table of these cases."""
    head, _, rest = page.partition(BEGIN)
    return head + table(cases) + rest.partition(END)[2]


def rewrite() -> None:
    """Bring the table on the page up to date."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), collect()), encoding="utf-8")


if __name__ == "__main__":
    collector = _Collector()
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    files = [str(file) for file in tests if re.search(r"threat(s_of)?\(", file.read_text())]
    with redirect_stdout(sys.stderr):
        code = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *files], plugins=[collector])
    if code:
        sys.exit(code)
    print(json.dumps([asdict(case) for case in collector.cases]))
