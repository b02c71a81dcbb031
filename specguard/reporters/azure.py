"""The report for the log of a job in Azure Pipelines: logging commands, which become issues of the run.

The agent reads `##vso[` anywhere in a line, so nothing of a change is printed but as an escaped part of a
command. It knows errors and warnings; what weighs less is told in plain lines.
"""

from __future__ import annotations

from specguard.reporters.escape import LONGEST, azure_data, azure_property, cut
from specguard.reporters.places import Place, place_of, place_of_error
from specguard.reporters.text import Style, located, titles, undecided, verdict_line
from specguard.reporters.wording import (
    error_lines,
    lines,
    most_severe_first,
    policy_lines,
    undecided_lines,
    weight,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.errors import SpecguardError
    from specguard.model import Verdict


def render(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as issues, errors first, then what is no issue, and verdict lines."""
    issues: list[str] = []
    told: list[str] = []
    for verdict in verdicts:
        for results in undecided(verdict):
            kind = "error" if results[0].incomplete else "warning"
            said = [titles(results), *undecided_lines(results[0])]
            issues.append(_issue(kind, said, None, results[0].code))
    for verdict, judged in most_severe_first(verdicts):
        kind = weight(verdict, judged)
        if kind == "info":
            state = judged.severity if judged.state == "open" else judged.state
            told.append(f"{judged.code} ({state}) {located(judged)}")
        else:
            place = place_of(verdict, judged)
            issues.append(_issue(kind, lines(judged), place if place.own else None, judged.code))
    told += [line for verdict in verdicts for line in policy_lines(verdict)]
    told += [verdict_line(verdict, Style()) for verdict in verdicts]
    return "".join(f"{line}\n" for line in (*issues, *told))


def error_report(error: SpecguardError) -> str:
    """The issues that there is no verdict, and why."""
    issues = []
    for one in error.each():
        place = place_of_error(one) if one.path else None
        issues.append(_issue("error", ["no verdict", *error_lines(one)], place, ""))
    return "".join(f"{line}\n" for line in issues)


def _issue(kind: str, told: Sequence[str], place: Place | None, code: str) -> str:
    properties = {"type": kind}
    if place is not None:
        properties["sourcepath"] = cut(place.text, LONGEST)
        if place.line:
            properties["linenumber"] = str(place.line)
    if code:
        properties["code"] = code
    fields = "".join(f"{name}={azure_property(value)};" for name, value in properties.items())
    return f"##vso[task.logissue {fields}]{azure_data(chr(10).join(told))}"
