"""Trying expectations: each in a scratch repository, and what it says against what was expected of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from specguard.errors import SpecguardError
from specguard.model import EXIT_NO_VERDICT
from specguard.testing.reading import CaseError
from specguard.testing.running import differences, expectations, judge_case, pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.evaluation.expectations import Expectation
    from specguard.testing.running import Outcome

_PLACE = ("path", "line", "end_line", "side", "commit", "field", "severity", "state", "authority")


@dataclass(frozen=True)
class Difference:
    """In what a policy is not as it was expected.

    Attributes:
        kind: `missing` (expected, and not found), `unexpected` (found, and not expected) or `other`.
        said: what, in one line.
        at: the line of the expectation, where it is known.
    """

    kind: str
    said: str
    at: int | None = None


@dataclass(frozen=True)
class Tried:
    """An expectation with what came of it.

    Attributes:
        expectation: the expectation.
        differences: in what it was not met; none where it was.
        problem: why it could not be tried; empty where it could.
        seconds: how long it took.
    """

    expectation: Expectation
    differences: tuple[Difference, ...]
    problem: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it was met."""
        return not self.differences and not self.problem


def try_expectation(expectation: Expectation) -> Tried:
    """Judge a case in a temporary folder, through the command's entry point in this process."""
    began = time.monotonic()
    found: tuple[Difference, ...] = ()
    problem = ""
    with TemporaryDirectory(prefix="specguard-test-") as place:
        try:
            outcome, names = judge_case(expectation.case, place, installed=False)
            found = tuple(_differences(expectation, outcome, names))
        except CaseError as error:
            problem = str(error).removeprefix(f"{expectation.name}: ")
        except SpecguardError as error:
            problem = f"{error.message}{f'; {error.help}' if error.help else ''}"
        except AssertionError as error:
            # What the kit says of git, and of output that is no report.
            problem = str(error).strip().split("\n")[0]
    return Tried(expectation, found, problem, time.monotonic() - began)


def _differences(
    expectation: Expectation, outcome: Outcome, names: Mapping[str, str]
) -> Iterator[Difference]:
    case = expectation.case
    missing: Sequence[Mapping[str, Any]] = ()
    left: Sequence[Mapping[str, Any]] = ()
    findings = [finding for report in outcome.reports for finding in report.get("findings", ())]
    if case.expect is not None:
        wanted = expectations(case, names)
        missing, left = pair(wanted, findings)
        for one in missing:
            position = next(at for at, other in enumerate(wanted) if other is one)
            yield Difference("missing", finding_text(one), expectation.line_of("expect", position))
        for finding in left:
            yield Difference("unexpected", finding_text(finding, whole=True))
    # What the findings explain already is not said twice.
    others = replace(case, expect=None)
    if case.expect is not None and (missing or left):
        others = replace(others, exit_code=case.exit_code if expectation.kind == "case" else None)
    elif case.expect is not None and case.exit_code is None and not case.expect and not case.error:
        others = replace(others, exit_code=0)
    for said in differences(others, outcome, names):
        if expectation.kind == "should-fail" and outcome.exit_code == 0 and said.startswith("exit code 0"):
            yield Difference("other", "it passes, and should fail")
        else:
            yield Difference("other", said)
    if case.exit_code != EXIT_NO_VERDICT and outcome.exit_code == EXIT_NO_VERDICT:
        for rule in (rule for report in outcome.reports for rule in report.get("rules", ())):
            if rule["state"] == "indeterminate":
                said = f"{rule['code']} {rule['name']} could not be judged: {rule['reason']}"
                yield Difference("other", said)


def finding_text(finding: Mapping[str, Any], *, whole: bool = False) -> str:
    """A finding, flat, or what is expected of one, on one line.

    Args:
        finding: its fields.
        whole: it is a finding: what identifies it is told, and its message; else every field is.
    """
    words = [str(finding[key]) for key in ("code", "name") if finding.get(key)][:1]
    path, line = finding.get("path"), finding.get("line")
    if path:
        words.append(f"{path}:{line}" if line else str(path))
    elif line:
        words.append(f"line {line}")
    for key in _PLACE[2:]:
        value = finding.get(key)
        if value is None or (whole and key in ("end_line", "severity", "state", "authority", "commit")):
            continue
        words.append(f"{key} {value}")
    said = finding.get("message")
    text = " ".join(words)
    if said:
        text += f": {said}" if whole else f" with {said!r} in its message"
    if finding.get("help") and not whole:
        text += f" with {finding['help']!r} in its next step"
    return text or "a finding"
