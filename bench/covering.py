"""The tests that run each line: a pytest plugin that records them, and the best order to run them in.

The plugin runs the command in pytest's own process (`run_here` for `run`), so that coverage sees all of it.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

OUTPUT = "SPECGUARD_MUTANTS_COVERING"
"""The environment variable with the folder that the plugin writes to."""


NEAR_LINES = 16
"""The number of lines after a changed one that are near it; a quarter as many lines before it are."""

_TURN_SIZES = (12, 8, 5, 3, 2, 1)
"""The number of tests that a turn takes from the nearest file, from the next, and so on."""


class Recorder:
    """The plugin: measures the lines and the seconds of every test."""

    def __init__(self, folder: str, root: str) -> None:
        from coverage import Coverage

        self.folder = folder
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self.coverage = Coverage(
            data_file=f"{folder}/lines",
            source=[f"{root}/specguard", f"{root}/rules"],
            config_file=False,
            messages=False,
        )
        self.coverage.erase()
        self.coverage.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Attribute everything from here on to this test."""
        self.coverage.switch_context(nodeid)
        self.seconds[nodeid] = time.perf_counter()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Attribute everything from here on to no test."""
        self.seconds[nodeid] = time.perf_counter() - self.seconds[nodeid]
        self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Exclude failed and skipped tests: without a mutant they must pass."""
        if not report.passed:
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write the recorded lines and seconds."""
        self.coverage.stop()
        self.coverage.save()
        passed = {test: seconds for test, seconds in self.seconds.items() if test not in self.failed}
        with open(f"{self.folder}/tests.json", "w", encoding="utf-8") as file:
            json.dump(passed, file, indent=1)


def pytest_configure(config: pytest.Config) -> None:
    """Register the recorder, if the environment names a folder for it."""
    folder = os.environ.get(OUTPUT)
    if folder is None:
        return
    recorder = Recorder(folder, str(config.rootpath))
    import specguard.testing
    from specguard.testing import running

    installed = running.run

    def run(*arguments: str, program: str = "", **options: Any) -> running.Outcome:
        if program:
            return installed(*arguments, program=program, **options)
        return running.run_here(*arguments, **options)

    for module in (running, specguard.testing):
        vars(module)["run"] = run
    config.pluginmanager.register(recorder)


class Covering:
    """The tests that run a line, the most specific ones first."""

    def __init__(self, folder: str) -> None:
        from coverage import CoverageData

        with open(f"{folder}/tests.json", encoding="utf-8") as file:
            self.seconds: dict[str, float] = json.load(file)
        data = CoverageData(f"{folder}/lines")
        data.read()
        self._lines: dict[str, dict[int, list[str]]] = {
            path: data.contexts_by_lineno(path) for path in data.measured_files()
        }

    def tests(self, path: str, first: int = 0, last: int = 0) -> list[str]:
        """Return the tests that run one of these lines; without lines, those that run any line of the module.

        Tests come first that run lines which few others run: lines nearby, or without lines all lines of the
        module. Fast tests come before slow ones, and the test files take turns.
        """
        path = next((known for known in self._lines if known.endswith(f"/{path}")), "")
        lines = self._lines.get(path, {})
        near = range(first - NEAR_LINES // 4, last + NEAR_LINES) if first else range(0)
        found: set[str] = set()
        worth: defaultdict[str, float] = defaultdict(float)
        for line, tests in lines.items():
            recorded = self.seconds.keys() & tests
            if not first or first <= line <= last:
                found |= recorded
            if not first or line in near:
                for test in recorded:
                    worth[test] += 1 / len(recorded)
        by_file: dict[str, list[str]] = {}
        for test in sorted(found, key=lambda test: (-worth[test], self.seconds[test], test)):
            by_file.setdefault(test.partition("::")[0], []).append(test)
        return list(_take_turns(list(by_file.values())))


def _take_turns(files: Sequence[Sequence[str]]) -> Iterator[str]:
    left = [list(tests) for tests in files]
    while any(left):
        for place, tests in enumerate(left):
            count = _TURN_SIZES[min(place, len(_TURN_SIZES) - 1)]
            yield from tests[:count]
            del tests[:count]
