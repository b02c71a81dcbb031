"""The JSON report, `specguard.report/1`: fields are only ever added to it."""

from __future__ import annotations

import base64

from specguard import __version__
from specguard.model import REPORT_SCHEMA, path_text
from specguard.reporters.escape import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from specguard.errors import SpecguardError
    from specguard.model import Judged, Lift, Origin, RuleResult, Verdict


def render(verdicts: Sequence[Verdict]) -> str:
    """One report, indented; with several verdicts (refs of a push) one report a line."""
    if len(verdicts) == 1:
        return json_text(report(verdicts[0])) + "\n"
    return "".join(json_text(report(verdict), indent=None) + "\n" for verdict in verdicts)


def report(verdict: Verdict) -> dict[str, Any]:
    """The report of one verdict as plain data."""
    data: dict[str, Any] = {
        "schema": REPORT_SCHEMA,
        "tool": {"name": "specguard", "version": __version__},
        "change": verdict.change,
        "authority": verdict.authority,
        "rules": [_rule(result) for result in verdict.results],
        "findings": [_finding(judged) for judged in verdict.findings],
        "policy_change": list(verdict.policy_change),
        "notes": [plain(note) for note in verdict.notes],
        "counts": verdict.counts,
        "empty": verdict.empty,
        "verdict": verdict.outcome,
        "exit_code": verdict.exit_code,
    }
    if verdict.dry_run:
        data["dry_run"] = True
    return data


def error_report(error: SpecguardError) -> str:
    """The report where none could be made."""
    data = {
        "schema": REPORT_SCHEMA,
        "tool": {"name": "specguard", "version": __version__},
        "verdict": "error",
        "errors": errors(error),
        "exit_code": 2,
    }
    return json_text(data) + "\n"


def errors(error: SpecguardError) -> list[dict[str, Any]]:
    """What is wrong, as plain data."""
    return [
        {
            "code": one.code,
            "message": plain(one.message),
            "help": plain(one.help) or None,
            "location": location(_bytes(one.path), one.line) if one.path else None,
        }
        for one in error.each()
    ]


def _rule(result: RuleResult) -> dict[str, Any]:
    return {
        "code": result.code,
        "name": result.name,
        "state": result.state,
        "findings": len(result.findings),
        "reason": None if result.reason is None else plain(result.reason),
        "error": result.error or None,
        "command": plain(result.command) or None,
        "approvers": [plain(name) for name in result.approvers],
        "persons": result.persons if result.approvers else 0,
    }


def _finding(judged: Judged) -> dict[str, Any]:
    finding = judged.finding
    place = location(finding.path, finding.line)
    place.update(end_line=finding.end_line, commit=finding.commit, field=finding.field)
    if finding.side:
        place["side"] = finding.side
    return {
        "code": judged.code,
        "name": judged.name,
        "severity": judged.severity,
        "message": plain(finding.message),
        "help": plain(finding.help),
        "location": place,
        "authority": _origin(judged.authority),
        "fingerprint": judged.fingerprint,
        "state": judged.state,
        "approval": next((_lift(lift) for lift in judged.lifts if not lift.refusals), None),
        "approvals": [
            {**_lift(lift), "refusals": [plain(reason) for reason in lift.refusals]} for lift in judged.lifts
        ],
        "baseline": _exceeded(judged),
    }


def _lift(lift: Lift) -> dict[str, Any]:
    """An approval, as a finding has it that it names."""
    return {
        "id": lift.id,
        "approver": plain(lift.approver),
        "reason": plain(lift.reason),
        "ticket": plain(lift.ticket) or None,
        "expires_at": lift.expires_at,
        "proof": lift.proof,
    }


def _exceeded(judged: Judged) -> dict[str, int] | None:
    """How many such errors the file has, and how many of them the baseline accepts, where these are fewer."""
    return None if judged.exceeds is None else dict(zip(("found", "accepted"), judged.exceeds, strict=True))


def location(path: bytes | None, line: int | None) -> dict[str, Any]:
    """A place as a report has it, of which no more than a path and a line is known yet."""
    place: dict[str, Any] = {
        "path": None if path is None else path_text(path),
        "line": line,
        "end_line": None,
        "commit": None,
        "field": None,
    }
    if path is not None and not _is_utf8(path):
        place["path_bytes"] = base64.b64encode(path).decode("ascii")
    return place


def _origin(origin: Origin | None) -> dict[str, Any] | None:
    return None if origin is None else {"path": plain(origin.path), "line": origin.line or None}


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def plain(text: str) -> str:
    """Text whose bytes that were not UTF-8 are shown, since JSON has no place for them."""
    return path_text(_bytes(text))


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # A surrogate that stands for no byte, as an escape in a JSON document gives it.
        return text.encode("utf-8", "backslashreplace")
