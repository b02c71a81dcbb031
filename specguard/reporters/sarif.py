"""The report as SARIF 2.1.0, for GitHub's code scanning and all other readers of SARIF.

The format is that of OASIS (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html). The properties
that are written are those that GitHub needs ("SARIF support for code scanning"). One verdict is one run.

An accepted finding is a suppressed result. GitHub's code scanning shows suppressed results too, so
`render_open` leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from specguard import __version__
from specguard.declaration.registry import FAMILIES
from specguard.errors import SpecguardError
from specguard.model import Judged, RuleResult, Verdict
from specguard.reporters import wording
from specguard.reporters.escape import cut, json_text, visible
from specguard.reporters.manual import Docstring

Data = Sequence[dict[str, Any]]


SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

MOST: Final = 25_000
"""The number of results of a run that GitHub accepts; of these it keeps the 5,000 most severe ones."""

FINGERPRINT: Final = "specguard/v1"
"""The name of specguard's fingerprint among those of a result."""

_ROOT: Final = "%SRCROOT%"
_BASELINE: Final = "the baseline accepts it (.specguard/baseline.json)"


def render(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts with all findings; approved and baselined ones are suppressed."""
    return _log([_run(verdict, several=len(verdicts) > 1) for verdict in verdicts])


def render_open(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts without approved and baselined findings, for GitHub's code scanning."""
    return _log([_run(verdict, several=len(verdicts) > 1, accepted=False) for verdict in verdicts])


def error_report(error: SpecguardError) -> str:
    """Return a run without results, with the errors that prevented a verdict."""
    notifications = [
        _notification("error", one.lines[1:], locations=[{"physicalLocation": _physical_location(one.place)}])
        for one in wording.error_entries(error)
    ]
    return _log([_make_run("specguard/change/", 2, notifications, complete=False)])


def _log(runs: list[dict[str, Any]]) -> str:
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}) + "\n"


def _make_run(
    category: str, code: int, notifications: Data, rules: Data = (), results: Data = (), *, complete: bool
) -> dict[str, Any]:
    driver = {"name": "specguard", "version": __version__, "semanticVersion": __version__}
    invocation = {"executionSuccessful": complete, "exitCode": code}
    return {
        "tool": {"driver": {**driver, "informationUri": wording.PROJECT_URL, "rules": list(rules)}},
        "automationDetails": {"id": category},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{**invocation, "toolExecutionNotifications": notifications}],
        "results": list(results),
    }


def _run(verdict: Verdict, *, several: bool, accepted: bool = True) -> dict[str, Any]:
    judged = [result for result in verdict.results if result.state not in ("off", "not-applicable")]
    indices = {result.code: index for index, result in enumerate(judged)}
    found = [one for _, one in wording.most_severe_first([verdict]) if accepted or one.state == "open"]
    counts: dict[str, int] = {}
    results = [_result(verdict, one, indices[one.code], counts) for one in found[:MOST]]
    notifications = list(_notifications(verdict, indices))
    if len(found) > MOST:
        text = f"{len(found) - MOST} more findings are not here; --output json=FILE has them all"
        notifications.append(_notification("warning", [text]))
    rules = [rule_descriptor(result) for result in judged]
    category, complete = _category(verdict, several=several), verdict.outcome != "indeterminate"
    return {
        **_make_run(category, verdict.exit_code, notifications, rules, results, complete=complete),
        "properties": {
            "verdict": verdict.outcome,
            # The states are those of the JSON report, so that rules without a judgement are marked as such.
            "rules": {one.code: {"state": one.state, "reason": one.reason or ""} for one in verdict.results},
        },
    }


def _category(verdict: Verdict, *, several: bool) -> str:
    """Return the category of a run; in GitHub, a new analysis replaces the older one of its category."""
    scope = "tree" if verdict.change.get("whole") else "change"
    if not several:
        return f"specguard/{scope}/"
    subject = str(verdict.change.get("branch") or verdict.change.get("head"))
    return f"specguard/{scope}/{_encode_uri(subject.encode('utf-8', 'surrogateescape'))}/"


def _result(verdict: Verdict, judged: Judged, index: int, counts: dict[str, int]) -> dict[str, Any]:
    counts[judged.fingerprint] = count = counts.get(judged.fingerprint, 0) + 1
    level = LEVELS[judged.severity]
    if verdict.dry_run and level == "error":
        level = "warning"  # GitHub fails a pull request for an error
    place = wording.finding_place(verdict, judged)
    location: dict[str, Any] = {"physicalLocation": _physical_location(place)}
    if judged.finding.field:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(judged.finding.field)}]
    data: dict[str, Any] = {
        "ruleId": judged.code,
        "ruleIndex": index,
        "level": level,
        "message": {"text": _message_text(wording.finding_lines(judged))},
        "locations": [location],
        "partialFingerprints": {
            FINGERPRINT: judged.fingerprint,
            # GitHub recognises a result only by this fingerprint, however it is computed.
            "primaryLocationLineHash": f"{judged.fingerprint}:{count}",
        },
        "suppressions": _suppressions(judged),
        "properties": {"state": judged.state},
    }
    if judged.finding.commit:
        data["properties"]["commit"] = judged.finding.commit
    return data


def _suppressions(judged: Judged) -> list[dict[str, Any]]:
    """Return the acceptances of a finding; none for an open one, so that it counts as not suppressed."""
    if judged.state == "open":
        return []
    approvals = "; ".join(map(visible, wording.approval_lines(judged))) or "approved"
    why = _BASELINE if judged.state == "baselined" else approvals
    return [{"kind": "external", "status": "accepted", "justification": why}]


def _notifications(verdict: Verdict, indices: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for result in verdict.results:
        if result.state == "indeterminate":
            lines = [f"{result.code} {result.name}", *wording.undecided_lines(result)]
            rule = {"id": result.code, "index": indices[result.code]}
            yield _notification("error" if result.incomplete else "warning", lines, associatedRule=rule)
    if differences := wording.policy_lines(verdict):
        yield _notification("note", differences)
    for note in verdict.notes:
        yield _notification("note", [visible(cut(note))])


def _notification(level: str, lines: Iterable[str], **more: Any) -> dict[str, Any]:
    return {"level": level, "message": {"text": _message_text(lines)}, **more}


def _message_text(lines: Iterable[str]) -> str:
    """Join lines into a plain text message; a SARIF viewer would read `[text](where)` as a link."""
    return "\n".join(lines).replace("](", "] (")


def _physical_location(place: wording.ReportPlace) -> dict[str, Any]:
    data: dict[str, Any] = {
        "artifactLocation": {"uri": _encode_uri(place.path), "uriBaseId": _ROOT},
        # A finding about a whole file is put at line 1, since GitHub shows no result without a line.
        "region": {"startLine": max(1, place.line)},
    }
    if place.end_line > place.line:
        data["region"]["endLine"] = place.end_line
    return data


def _encode_uri(path: bytes) -> str:
    """Return a path as a relative reference (RFC 3986); a byte that is not UTF-8 becomes its percent code."""
    return quote(path, safe="/")


LONGEST: Final = 1024
"""The number of characters that GitHub accepts in a description."""

LEVELS: Final = {"error": "error", "warning": "warning", "info": "note", "off": "none"}
"""SARIF's level for each severity."""


def rule_descriptor(result: RuleResult) -> dict[str, Any]:
    """Return the descriptor of one rule.

    Args:
        result: the rule's result, with its text.
    """
    docstring = Docstring(result.text)
    text = docstring.prose
    condition = cut(visible(result.condition))
    condition_text = f"It passes when {condition}." if condition else ""
    page = wording.rule_url(result)
    help_text = "\n\n".join(filter(None, (text, condition_text))) or result.name
    link = f"\n\n[The rule's page]({page})" if page else ""
    problem = result.severity if result.severity in ("error", "warning") else "recommendation"
    return {
        "id": result.code,
        "name": "".join(part.capitalize() for part in result.name.split("-")),
        "shortDescription": {"text": cut(docstring.summary or result.name, LONGEST)},
        "fullDescription": {"text": cut(text or result.name, LONGEST)},
        "help": {"text": help_text, "markdown": f"{text or result.name}{link}"},
        "defaultConfiguration": {"enabled": result.severity != "off", "level": LEVELS[result.severity]},
        "properties": {
            "tags": [FAMILIES.get(result.code[:3], result.code[:3])],
            "precision": "very-high",
            "problem.severity": problem,
        },
        **({"helpUri": page} if page else {}),
    }
