"""The report for GitLab's widget of code quality (`artifacts:reports:codequality`), a list of issues.

The fields are those of "Code quality report format" in GitLab's documentation: no path begins with `./`, and
of several issues with one fingerprint only one is shown.
"""

from __future__ import annotations

import hashlib

from specguard.reporters.escape import json_text
from specguard.reporters.places import Place, authority_of, place_of, place_of_error
from specguard.reporters.wording import error_lines, lines, most_severe_first, title, undecided_lines, weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final, Literal

    from specguard.errors import SpecguardError
    from specguard.model import Verdict

    Severity = Literal["info", "minor", "major", "critical", "blocker"]

_SEVERITIES: Final[dict[str, Severity]] = {"error": "critical", "warning": "minor", "info": "info"}


def render(verdicts: Sequence[Verdict]) -> str:
    """The findings of all verdicts as issues; a rule that could not be judged is one as well.

    What is approved or in the baseline says so, and is no more than `info`.
    """
    issues = _Issues()
    for verdict in verdicts:
        for result in verdict.results:
            if result.state == "indeterminate":
                told = [f"{result.code} {result.name}", *undecided_lines(result)]
                issues.add(
                    told,
                    result.code,
                    "blocker" if result.incomplete else "major",
                    authority_of(verdict),
                    _digest(result.code, result.reason or ""),
                )
    for verdict, judged in most_severe_first(verdicts):
        issues.add(
            [title(judged), *lines(judged)],
            judged.code,
            _SEVERITIES[weight(verdict, judged)],
            place_of(verdict, judged),
            judged.fingerprint,
        )
    return issues.text


def error_report(error: SpecguardError) -> str:
    """The issues that there is no verdict, and why."""
    issues = _Issues()
    for one in error.each():
        told = ["no verdict", *error_lines(one)]
        issues.add(told, "no-verdict", "blocker", place_of_error(one), _digest(*told))
    return issues.text


class _Issues:
    """Issues, each with a fingerprint of its own."""

    def __init__(self) -> None:
        self._data: list[dict[str, Any]] = []
        self._seen: dict[str, int] = {}

    def add(
        self, told: Sequence[str], check: str, severity: Severity, place: Place, fingerprint: str
    ) -> None:
        """Add one.

        Args:
            told: what it says; GitLab does not show the check's name, so that this begins with it.
            check: the name of the check.
            severity: how bad it is.
            place: where it is shown.
            fingerprint: what it is known again by, with others that say the same.
        """
        self._seen[fingerprint] = count = self._seen.get(fingerprint, 0) + 1
        rule, *rest = told
        lines_of_it: dict[str, int] = {"begin": max(1, place.line)}
        if place.end_line > place.line:
            lines_of_it["end"] = place.end_line
        self._data.append(
            {
                "description": f"{rule}: {'; '.join(rest)}",
                "check_name": check,
                "fingerprint": fingerprint if count == 1 else _digest(fingerprint, str(count)),
                "severity": severity,
                "location": {"path": place.text, "lines": lines_of_it},
            }
        )

    @property
    def text(self) -> str:
        """The report."""
        return json_text(self._data) + "\n"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
