"""The report for reviewdog, `rdjson`: a `DiagnosticResult` of its `reviewdog.proto`.

Lines count from 1, and a range without columns has both of its lines whole. Reviewdog puts messages into
comments as they are, which makes Markdown of them, so that they are escaped for it.
"""

from __future__ import annotations

from specguard.reporters.escape import json_text, markdown_text
from specguard.reporters.places import Place, authority_of, place_of, place_of_error
from specguard.reporters.rule_pages import HOME, url_of
from specguard.reporters.wording import error_lines, lines, most_severe_first, undecided_lines, weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Final

    from specguard.errors import SpecguardError
    from specguard.model import Verdict

_SEVERITIES: Final = {"error": "ERROR", "warning": "WARNING", "info": "INFO"}


def render(verdicts: Sequence[Verdict]) -> str:
    """The findings of all verdicts; a rule that could not be judged is a diagnostic of the authority."""
    found = []
    pages = {result.code: url_of(result) for verdict in verdicts for result in verdict.results}
    for verdict in verdicts:
        for result in verdict.results:
            if result.state == "indeterminate":
                severity = "ERROR" if result.incomplete else "WARNING"
                code = _code(result.code, pages[result.code])
                found.append(_diagnostic(undecided_lines(result), authority_of(verdict), severity, code))
    for verdict, judged in most_severe_first(verdicts):
        severity = _SEVERITIES[weight(verdict, judged)]
        code = _code(judged.code, pages[judged.code])
        found.append(_diagnostic(lines(judged), place_of(verdict, judged), severity, code))
    return _result(found)


def error_report(error: SpecguardError) -> str:
    """The diagnostics that there is no verdict, and why."""
    return _result(
        [
            _diagnostic(["no verdict", *error_lines(one)], place_of_error(one), "ERROR", None)
            for one in error.each()
        ]
    )


def _result(diagnostics: Sequence[dict[str, Any]]) -> str:
    data: dict[str, Any] = {"source": {"name": "specguard", "url": HOME}}
    for severity in _SEVERITIES.values():
        if any(one["severity"] == severity for one in diagnostics):
            data["severity"] = severity
            break
    return json_text({**data, "diagnostics": list(diagnostics)}) + "\n"


def _diagnostic(
    told: Iterable[str], place: Place, severity: str, code: dict[str, str] | None
) -> dict[str, Any]:
    location: dict[str, Any] = {"path": place.text}
    if place.line:
        location["range"] = {"start": {"line": place.line}, "end": {"line": place.end_line}}
    data = {
        "message": "\n".join(map(markdown_text, told)),
        "location": location,
        "severity": severity,
    }
    return {**data, "code": code} if code else data


def _code(code: str, page: str | None) -> dict[str, str]:
    return {"value": code, "url": page} if page else {"value": code}
