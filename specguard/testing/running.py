"""Run a case, by the installed command or in this process, and compare the outcome with its expectations."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Literal

from specguard.declaration.rule import Rule
from specguard.model import EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.manual import Docstring
from specguard.testing.case import Case, fill
from specguard.testing.repository import clean_environment


@dataclass(frozen=True)
class Outcome:
    """The result of running the command.

    Attributes:
        exit_code: the process's exit code.
        stdout: its output.
        stderr: its notes.
    """

    exit_code: int
    stdout: str
    stderr: str

    @cached_property
    def reports(self) -> list[dict[str, Any]]:
        """The JSON reports: one, or one for each ref of a push.

        Raises:
            AssertionError: the output is not a report.
        """
        for texts in ([self.stdout], filter(None, self.stdout.splitlines())):
            with suppress(json.JSONDecodeError):
                if found := [json.loads(text) for text in texts]:
                    return found
        raise AssertionError(f"no JSON report, exit code {self.exit_code}:\n{self}")

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report; the first if there are several.

        Raises:
            AssertionError: there is none.
        """
        return self.reports[0]

    def listed(self, name: str) -> list[Any]:
        """Return the elements of a list in all reports, such as `findings`."""
        return [one for report in self.reports for one in report.get(name, ())]

    @property
    def codes(self) -> list[str]:
        """The code of each finding, in the report's order."""
        return [finding["code"] for finding in self.listed("findings")]

    def state(self, code: str) -> str | None:
        """Return the state of a rule; None if the rule is not in the report."""
        rules = self.report.get("rules", ())
        return next((str(rule["state"]) for rule in rules if code in (rule["code"], rule["name"])), None)

    def __str__(self) -> str:
        return f"{self.stdout}{self.stderr}"


def command() -> str:
    """Return the path of the installed command `specguard` beside this interpreter."""
    return os.path.join(os.path.dirname(sys.executable), "specguard")


def run(
    *arguments: str,
    directory: str | os.PathLike[str],
    env: Mapping[str, str] | None = None,
    stdin: str | bytes = b"",
    program: str = "",
) -> Outcome:
    """Run the installed command in a folder, in an environment that has little more than the path to git.

    Args:
        arguments: its command line.
        directory: its working directory.
        env: variables to add.
        stdin: its standard input.
        program: the command of another installation.
    """
    done = subprocess.run(
        [program or command(), *arguments],
        cwd=directory,
        env={**clean_environment(), **(env or {})},
        input=stdin if isinstance(stdin, bytes) else stdin.encode(),
        capture_output=True,
        check=False,
    )
    return Outcome(done.returncode, *(text.decode("utf-8", "replace") for text in (done.stdout, done.stderr)))


def run_here(
    *arguments: str,
    directory: str | os.PathLike[str],
    env: Mapping[str, str] | None = None,
    stdin: str | bytes = b"",
) -> Outcome:
    """Run the command's entry point in this process, with the arguments of `run`; this saves a process start.

    The working directory, environment, signals and standard streams of this process are replaced meanwhile,
    so it must not run in several threads.
    """
    from specguard.cli import main
    from specguard.executor.process import signal_handler

    variables = dict(os.environ)
    environment = {**clean_environment(), **(env or {})}
    alarm = signal.getsignal(signal.SIGALRM)
    content = stdin if isinstance(stdin, bytes) else stdin.encode()
    received: list[int] = []

    def interrupt(number: int, _: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    with _replaced_streams(content) as printed, chdir(directory), signal_handler(interrupt):
        try:
            os.environ.clear()
            os.environ.update(environment)
            exit_code = main(arguments)
        finally:
            if signal.getsignal(signal.SIGALRM) is not alarm:
                signal.signal(signal.SIGALRM, alarm)
                signal.alarm(0)
            os.environ.clear()
            os.environ.update(variables)
    # What called for the command is interrupted, too.
    for number in received:
        signal.raise_signal(number)
    return Outcome(exit_code, *(text.decode("utf-8", "replace") for text in printed))


@contextmanager
def _replaced_streams(stdin: bytes) -> Iterator[list[bytes]]:
    """Replace the standard streams for a command; after the block, the list has its stdout and stderr."""
    output: list[bytes] = []
    python = sys.stdin, sys.stdout, sys.stderr
    with ExitStack() as stack:
        files = [stack.enter_context(TemporaryFile()) for _ in python]
        files[0].write(stdin)
        files[0].seek(0)
        # Replace the descriptors too, as hooks bypass Python's streams.
        for number, file in enumerate(files):
            saved = os.dup(number)
            stack.callback(os.close, saved)
            stack.callback(os.dup2, saved, number)
            os.dup2(file.fileno(), number)
        streams = sys.stdin, sys.stdout, sys.stderr = [
            stack.enter_context(open(number, mode, encoding="utf-8", closefd=False))
            for number, mode in enumerate("rww")
        ]
        try:
            yield output
        finally:
            sys.stdin, sys.stdout, sys.stderr = python
        for stream in streams:
            stream.flush()
        for file in files[1:]:
            file.seek(0)
            output.append(file.read())


def judge_case(
    case: Case, directory: str | os.PathLike[str] | None = None, *, installed: bool = True
) -> tuple[Outcome, Mapping[str, str]]:
    """Build a case's repository and check it, without comparing the outcome.

    Args:
        case: the case.
        directory: an empty or missing folder to keep the repository in; by default a temporary one.
        installed: False to run the command's entry point in this process.

    Returns:
        The outcome, and the object ids for the case's placeholders.

    Raises:
        CaseError: the repository cannot be built from the case.
    """
    if directory is None:
        with TemporaryDirectory(prefix="specguard-") as made:
            return judge_case(case, made, installed=installed)
    place = Path(directory)
    repository = case.build(place / "repository")
    outcome = (run if installed else run_here)(
        "check", *case.arguments(place, repository.names), "--output-format=json",
        directory=repository.path,
        env=case.variables(repository.names),
        stdin=fill(case.stdin, repository.names),
    )  # fmt: skip
    return outcome, repository.names


def run_case(
    case: Case, directory: str | os.PathLike[str] | None = None, *, installed: bool = True
) -> Outcome:
    """Build a case's repository and check it.

    Args:
        case: the case.
        directory: an empty or missing folder to keep the repository in; by default a temporary one.
        installed: False to run the command's entry point in this process.

    Raises:
        CaseError: the repository cannot be built from the case.
        AssertionError: the outcome is not the expected one; each difference is a line of the message.
    """
    __tracebackhide__ = True  # pytest shows the caller's line and the message, not this function
    outcome, names = judge_case(case, directory, installed=installed)
    if found := [f"  {one.text}" for one in differences(case, outcome, names)]:
        lines = [f"{case.name}: not as expected", *found, *outcome.listed("notes"), outcome.stderr]
        raise AssertionError("\n".join(lines))
    return outcome


@dataclass(frozen=True)
class Mismatch:
    """A difference between an outcome and its expectations.

    Attributes:
        kind: `missing` (expected, but not found), `unexpected` (found, but not expected) or `other`.
        what: the difference, in one line.
        position: the index of the missing finding among the expected ones; -1 otherwise.
    """

    kind: Literal["missing", "unexpected", "other"]
    what: str
    position: int = -1

    @property
    def text(self) -> str:
        """The whole difference, in one line."""
        return {"missing": "expected ", "unexpected": "found ", "other": ""}[self.kind] + self.what


def differences(case: Case, outcome: Outcome, names: Mapping[str, str]) -> Iterator[Mismatch]:
    """Yield the differences between an outcome and its case's expectations.

    An unexpected exit code is left out if findings explain it.
    """
    found: list[Mismatch] = []
    if case.expect is not None:
        wanted = [
            {key: fill(value, names) if isinstance(value, str) else value for key, value in one.items()}
            for one in case.expect
        ]
        found += compare(wanted, outcome.listed("findings"))
    yield from found
    code = case.exit_code
    if code is None and case.expect is not None and not case.expect and not case.error:
        code = EXIT_PASSED
    if code is not None and outcome.exit_code != code and not found:
        yield Mismatch("other", f"exit code {outcome.exit_code}, expected {code}")
    yield from (Mismatch("other", text) for text in _other_differences(case, outcome))


def _other_differences(case: Case, outcome: Outcome) -> Iterator[str]:
    errors = [_error_line(error) for error in outcome.listed("errors")]
    if case.error and not any(case.error in message for message in errors):
        yield f"no error that says {case.error!r}, but {errors or 'none'}"
    if errors and not case.error:
        yield f"an error: {'; '.join(errors)}"
    if not _includes(outcome.report, case.report):
        there = {key: outcome.report.get(key) for key in case.report}
        yield f"the report has {there}, expected {dict(case.report)}"
    for rule, state in case.states.items():
        if outcome.state(rule) != state:
            yield f"{rule} is {outcome.state(rule) or 'no rule of the policy'}, expected {state}"
    rules = outcome.listed("rules")
    notes = [*outcome.listed("notes"), *(str(rule["reason"]) for rule in rules if rule["reason"])]
    for note in case.notes:
        if not any(note in line for line in notes):
            yield f"no note or reason that says {note!r}"
    if outcome.exit_code == EXIT_NO_VERDICT != case.exit_code:
        for rule in rules:
            if rule["state"] == "indeterminate":
                yield f"{rule['code']} {rule['name']} could not be judged: {rule['reason']}"


def compare(
    expected: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]
) -> Iterator[Mismatch]:
    """Yield the expected findings that are missing, and then a report's findings that are not expected."""
    left = [flatten(finding) for finding in findings]
    # The most exact expectation is matched first, so that a vague one does not take its finding.
    for at, wanted in sorted(enumerate(expected), key=lambda one: -len(one[1])):
        for finding in left:
            if all(_matches(key, value, finding.get(key)) for key, value in wanted.items()):
                left.remove(finding)
                break
        else:
            yield Mismatch("missing", finding_text(wanted), at)
    yield from (Mismatch("unexpected", finding_text(finding, whole=True)) for finding in left)


def _includes(there: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(
            _includes(there.get(key), part) for key, part in wanted.items()
        )
    return there == wanted


def _error_line(error: Mapping[str, Any]) -> str:
    """Format an error of a report as one line: the place, the message, and the next step."""
    place = error.get("location")
    where = f"{place['path']}:{place['line']}" if place and place["line"] else place["path"] if place else ""
    return (f"{where}: " if where else "") + "; ".join(filter(None, (error["message"], error["help"])))


def flatten(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report's finding with its location's fields at the top, and its authority as `path:line`."""
    flat = {
        key: value for key, value in finding.items() if key not in ("location", "authority", "fingerprint")
    }
    flat.update(finding.get("location") or {})
    authority = finding.get("authority")
    flat["authority"] = f"{authority['path']}:{authority['line']}" if authority else None
    return flat


_PLACE = ("end_line", "side", "commit", "field", "severity", "state", "authority")


def finding_text(finding: Mapping[str, Any], *, whole: bool = False) -> str:
    """Format a flat finding, or an expectation of one, as one line.

    Args:
        finding: its fields.
        whole: True for a finding: its identity and message are shown. False for an expectation: every field
            is.
    """
    left_out = ("end_line", "severity", "state", "authority", "commit") if whole else ()
    path, line, message = finding.get("path"), finding.get("line"), finding.get("message")
    place = f"{path}:{line}" if path and line else path or (f"line {line}" if line else "")
    more = [f"{key} {finding[key]}" for key in _PLACE if finding.get(key) is not None and key not in left_out]
    text = " ".join(filter(None, [finding.get("code") or finding.get("name"), place, *more]))
    if message:
        text += f": {message}" if whole else f" with {message!r} in its message"
    if finding.get("help") and not whole:
        text += f" with {finding['help']!r} in its next step"
    return text or "a finding"


def _matches(key: str, wanted: object, found: object) -> bool:
    return str(wanted) in str(found) if key in ("message", "help") else wanted == found


@dataclass(frozen=True)
class Example:
    """One example of a rule.

    Attributes:
        rule: the rule.
        kind: `fails` or `passes`.
        number: its position among the rule's examples, from 1.
        text: its TOML.
    """

    rule: type[Rule]
    kind: str
    number: int
    text: str

    @property
    def name(self) -> str:
        """Its name in messages, e.g. `PTH001-fails-1`."""
        return f"{self.rule.code}-{self.kind}-{self.number}"

    @property
    def case(self) -> Case:
        """The example as a case that selects only its rule, and whose policy names plugins, or the rule's.

        Raises:
            CaseError: the example is not in the format.
        """
        case = Case.from_toml(self.text, self.name)
        policy = case.policy
        distribution = _distribution(self.rule.__module__.partition(".")[0])
        if distribution and policy and not policy.startswith("#") and "\nplugins" not in f"\n{policy}":
            policy = f'plugins = ["{distribution}"]\n{policy}'
        expect = [{"code": self.rule.code, **expected} for expected in case.expect or ()]
        states = case.states or ({self.rule.code: "passed"} if self.kind == "passes" else {})
        args = [f"--select={self.rule.code}", *case.args]
        return replace(case, policy=policy, expect=expect, states=states, args=args)

    def check(self, directory: str | os.PathLike[str] | None = None, *, installed: bool = False) -> Outcome:
        """Run the example; one that fails without `expect` must yield at least one finding.

        Args:
            directory: the folder for its repository; by default a temporary one.
            installed: False to run the command's entry point in this process.

        Raises:
            CaseError: the example is not in the format.
            AssertionError: the outcome is not the expected one.
        """
        case = self.case
        expects = self.kind == "passes" or bool(case.expect)
        outcome = run_case(case if expects else replace(case, expect=None), directory, installed=installed)
        if not expects and self.rule.code not in outcome.codes:
            raise AssertionError(f"{self.name}: {self.rule.name} found nothing\n{outcome}")
        return outcome


def examples(rule: type[Rule]) -> list[Example]:
    """Return the examples in a rule's docstring, in their order."""
    cases = [(kind, text) for kind, text in Docstring(rule.__doc__).examples if kind in ("fails", "passes")]
    return [Example(rule, kind, number, text) for number, (kind, text) in enumerate(cases, start=1)]


def check_rule(rule: type[Rule]) -> None:
    """Run every example of a rule, as its plugin is installed.

    Raises:
        CaseError: an example is not in the format.
        AssertionError: an example has another outcome, or the rule has none that fails or none that passes;
            or the rule's package belongs to no installed plugin.
    """
    package, found = rule.__module__.partition(".")[0], examples(rule)
    for kind in sorted({"fails", "passes"} - {example.kind for example in found}):
        raise AssertionError(f"{rule.code} {rule.name} has no example that {kind}")
    if package != "specguard_rules" and not _distribution(package):
        raise AssertionError(f"no installed plugin has the package {package!r}: pip install --editable .")
    for example in found:
        example.check()


@cache
def _distribution(package: str) -> str:
    """Return the distribution of a plugin's package, by its entry point; empty if specguard's or unknown."""
    found = (one.dist for one in entry_points(group="specguard") if one.module.partition(".")[0] == package)
    name = next((str(one.name) for one in found if one is not None), "")
    return "" if name == "specguard" else name
