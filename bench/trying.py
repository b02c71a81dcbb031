"""Runs one mutant: its code replaces the module's, and tests run in a separate process."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

    from mutations import Mutant

QUICK = ((10, 3.0), (60, 3.0))
"""The steps: the number of nearest tests, and the most seconds they may take with unchanged code."""
DEEP = ((40, 30.0), (400, 60.0))
"""The steps for mutants that survived the quick ones."""
PRELOADED = (
    "hypothesis",
    "pydantic",
    "click",
    "rich.console",
    "pluggy",
    "markdown_it",
    "yaml",
    "re2",
    "jsonschema",
)
"""Modules that tests import besides specguard; they are imported once, before any process is forked."""

_COLLECTION_ERRORS = (2, 4)
"""Exit codes of pytest if tests cannot be collected."""


class Trier:
    """Runs tests against mutants, the most recently failed ones first.

    Args:
        root: the work tree; its files are changed, and restored.
        seconds: the duration of each test with unchanged code.
        steps: the number of tests and the most seconds of each step; a step runs if the mutant survived the
            last.
    """

    def __init__(self, root: str, seconds: Mapping[str, float], steps: Sequence[tuple[int, float]]) -> None:
        self._steps = steps
        self._root = root
        # Outside every repository: a test's floor may not be in one.
        self._files = tempfile.TemporaryDirectory()
        self._seconds = seconds
        self._recent_failures: deque[str] = deque(maxlen=100)
        self._mtime = int(time.time())
        sys.dont_write_bytecode = True
        for name in PRELOADED:
            importlib.import_module(name)

    def passes(self, tests: Sequence[str]) -> bool:
        """True if the nearest tests pass with unchanged code."""
        return self._try_tests(tests[:10])[0] == "survived"

    def outcome(self, mutant: Mutant, tests: Sequence[str]) -> tuple[str, str]:
        """Return the outcome of a mutant.

        Args:
            mutant: the mutant.
            tests: the tests that run its line, the nearest first.

        Returns:
            `killed` and the test that failed (empty if the module cannot even be imported), `timeout`,
            `survived` and the number of tests that passed, `untested`, or `unclear`: pytest itself failed.
        """
        if not tests:
            return "untested", ""
        path = os.path.join(self._root, mutant.path)
        with open(path, encoding="utf-8") as file:
            source = file.read()
        before = os.stat(path)
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(mutant.code)
            # Python finds compiled code by the size of the source and its time in seconds.
            self._mtime += 1
            os.utime(path, (self._mtime, self._mtime))
            return self._try_tests(tests)
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(source)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def _try_tests(self, tests: Sequence[str]) -> tuple[str, str]:
        known = set(tests)
        recent = [test for test in dict.fromkeys(reversed(self._recent_failures)) if test in known][:4]
        rest = list(dict.fromkeys([*recent, *tests]))
        passed = 0
        for most, longest in self._steps:
            step: list[str] = []
            expected = 0.0
            while rest and len(step) < most and (not step or expected + self._seconds[rest[0]] < longest):
                expected += self._seconds[rest[0]]
                step.append(rest.pop(0))
            outcome, test = self._run(step, limit=20 + 8 * expected)
            if outcome != "survived":
                if test:
                    self._recent_failures.append(test)
                return outcome, test
            passed += len(step)
            if not rest:
                break
        return "survived", str(passed)

    def _run(self, tests: Sequence[str], limit: float) -> tuple[str, str]:
        """Run tests in a separate process until one fails."""
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            os.setsid()
            _child(tests, writing, self._root, self._files.name)
        os.close(writing)
        end = time.monotonic() + limit
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                os.close(reading)
                return "timeout", ""
            time.sleep(0.02)
        with open(reading, encoding="utf-8") as file:
            failed = file.read()
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return "survived", ""
        # If no test failed, the modules that the tests import can no longer be imported.
        return ("killed" if failed or code in _COLLECTION_ERRORS else "unclear"), failed


class _FailureReporter:
    """The plugin that reports the failed test."""

    def __init__(self, writing: int) -> None:
        self._writing = writing

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self._writing, report.nodeid.encode())


def _child(tests: Sequence[str], writing: int, root: str, files: str) -> None:
    code = 1
    try:
        import pytest

        os.chdir(root)
        # Examples are the same each time, so that all mutants meet the same tests.
        os.environ["CI"] = "1"
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no"]
        options += [f"--basetemp={files}/tests"]  # nobody else's, who might clear it
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # what is loaded already
        code = int(pytest.main([*options, *tests], plugins=[_FailureReporter(writing)]))
    finally:
        os._exit(code)
