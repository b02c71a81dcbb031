"""The JSON report, `specguard.report/1`, to which fields are only added, and lines of the decision log."""

from __future__ import annotations

import time

from specguard import __version__
from specguard.approvals.log import SCHEMA
from specguard.approvals.record import path_data
from specguard.model import REPORT_SCHEMA, ApprovalUse, Judged, Origin, RuleResult, Verdict, path_text
from specguard.reporters.escape import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from specguard.errors import SpecguardError


MAX_ANSWER: Final = 60_000
"""The largest answer of `specguard mcp`, in characters; clients warn about longer ones or cut them."""

MAX_PAGE: Final = 1_000_000
"""The largest text of a document that `specguard mcp` gives, in characters."""

_TOOL: Final = {"name": "specguard", "version": __version__}


def render(verdicts: Sequence[Verdict]) -> str:
    """Return one indented report; for several verdicts (the refs of a push) return one report per line."""
    if len(verdicts) == 1:
        return json_text(report(verdicts[0])) + "\n"
    return "".join(json_text(report(verdict), indent=None) + "\n" for verdict in verdicts)


def report(verdict: Verdict) -> dict[str, Any]:
    """Return the report of one verdict as plain data."""
    return {
        "schema": REPORT_SCHEMA,
        "tool": _TOOL,
        "change": verdict.change,
        "authority": verdict.authority,
        "rules": [_rule(result) for result in verdict.results],
        "findings": [finding_data(judged) for judged in verdict.findings],
        "policy_change": [difference.data for difference in verdict.policy_change],
        "notes": [json_safe(note) for note in verdict.notes],
        "counts": verdict.counts,
        "empty": verdict.empty,
        "verdict": verdict.outcome,
        "exit_code": verdict.exit_code,
        **({"dry_run": True} if verdict.dry_run else {}),
    }


def error_report(error: SpecguardError) -> str:
    """Return the report of a check without a verdict."""
    fields = {"verdict": "error", "errors": error_data(error), "exit_code": 2}
    return json_text({"schema": REPORT_SCHEMA, "tool": _TOOL, **fields}) + "\n"


def error_data(error: SpecguardError) -> list[dict[str, Any]]:
    """Return the errors as plain data."""
    return [
        {
            "code": one.code,
            "message": json_safe(one.message),
            "help": json_safe(one.help) or None,
            "location": location(_bytes(one.path), one.line) if one.path else None,
        }
        for one in error.errors()
    ]


def _rule(result: RuleResult) -> dict[str, Any]:
    return {
        **fields_of(result, "code", "name", "state"),
        "findings": len(result.findings),
        "reason": None if result.reason is None else json_safe(result.reason),
        "error": result.error or None,
        "command": json_safe(result.command) or None,
        "approvers": [json_safe(name) for name in result.approvers],
        "persons": result.persons if result.approvers else 0,
    }


def finding_data(judged: Judged) -> dict[str, Any]:
    """Return a finding as plain data."""
    finding = judged.finding
    place = {**location(finding.path, finding.line), **fields_of(finding, "end_line", "commit", "field")}
    if finding.side:
        place["side"] = finding.side
    exceeds = judged.exceeds
    return {
        **fields_of(judged, "code", "name", "severity"),
        "message": json_safe(finding.message),
        "help": json_safe(finding.help),
        "location": place,
        "authority": None if judged.authority is None else origin_data(judged.authority),
        "fingerprint": judged.fingerprint,
        "state": judged.state,
        "approval": next((_approval_data(use) for use in judged.approvals if not use.refusals), None),
        "approvals": [
            {**_approval_data(use), "refusals": [json_safe(reason) for reason in use.refusals]}
            for use in judged.approvals
        ],
        # The number of such errors in the file, and the smaller number that the baseline accepts.
        "baseline": None if exceeds is None else {"found": exceeds[0], "accepted": exceeds[1]},
    }


_SHOWN_OF_APPROVAL: Final = ("approver", "reason", "ticket", "expires_at")


def _approval_data(use: ApprovalUse) -> dict[str, Any]:
    """Return the fields of an approval that names a finding."""
    data = use.approval.data
    texts = {name: data[name] and json_safe(data[name]) for name in _SHOWN_OF_APPROVAL}
    return {"id": use.id, **texts, "proof": use.proof}


def fields_of(thing: object, *names: str) -> dict[str, Any]:
    """Return some attributes of an object as a dictionary."""
    return {name: getattr(thing, name) for name in names}


def location(path: bytes | None, line: int | None) -> dict[str, Any]:
    """Return a location of a report, in which only the path and the line are known."""
    return {**_path_fields(path), "line": line, **dict.fromkeys(("end_line", "commit", "field"))}


def _path_fields(path: bytes | None) -> dict[str, Any]:
    return {"path": None} if path is None else path_data(path)


def origin_data(origin: Origin) -> dict[str, Any]:
    """Return a line of the authority as plain data."""
    return {"path": json_safe(origin.path), "line": origin.line or None}


def json_safe(text: str) -> str:
    """Return a text in which bytes that were not UTF-8 are escaped, since JSON cannot represent them."""
    return path_text(_bytes(text))


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # A surrogate that does not encode a byte, such as one from an escape in a JSON document.
        return text.encode("utf-8", "backslashreplace")


_CHANGE: Final = ("source", "stage", "base", "head", "merge_base", "branch", "fingerprint", "work_item")


def decision_lines(verdicts: Sequence[Verdict], now: float) -> str:
    """Return the decision log lines of one check, one for each verdict.

    Args:
        verdicts: one verdict, or one for each ref of a push.
        now: the time of the check, in seconds since 1970.
    """
    return "".join(_log_line(_decision(verdict), now) for verdict in verdicts)


def error_line(error: SpecguardError, now: float, *, enforce: bool) -> str:
    """Return the decision log line of a check without a verdict.

    Args:
        error: the reason.
        now: the time of the check, in seconds since 1970.
        enforce: True if the check ran with `--enforce`.
    """
    fields = {"enforce": enforce, "verdict": "error", "exit_code": 2, "errors": error_data(error)}
    return _log_line(fields, now)


def _log_line(data: dict[str, Any], now: float) -> str:
    head = {"schema": SCHEMA, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)), "tool": _TOOL}
    return json_text({**head, **data}, indent=None) + "\n"


def _decision(verdict: Verdict) -> dict[str, Any]:
    authority = verdict.authority
    blobs = authority.get("blobs", {})
    return {
        "change": {name: verdict.change.get(name) for name in _CHANGE},
        "authority": {
            "documents": [{"path": path, "oid": blobs.get(path) or None} for path in authority["documents"]],
            **{name: authority.get(name) for name in ("ref", "policy_id", "trusted")},
            **({"floor": authority["floor"]} if authority.get("floor") else {}),
        },
        "enforce": verdict.enforce,
        "verdict": verdict.outcome,
        "exit_code": verdict.exit_code,
        "counts": verdict.counts,
        "states": {result.code: result.state for result in verdict.results},
        "approvals": _approvals(verdict, refused=False),
        "refused": _approvals(verdict, refused=True),
        **({"dry_run": True} if verdict.dry_run else {}),
    }


def _approvals(verdict: Verdict, *, refused: bool) -> list[dict[str, Any]]:
    """Return the approvals that lifted findings, or those that did not count, with the reasons."""
    found: dict[str, dict[str, Any]] = {}
    for judged in verdict.findings:
        for use in judged.approvals:
            if bool(use.refusals) != refused or not (refused or judged.state == "approved"):
                continue
            fields = {"id": use.id, "approver": json_safe(use.approval.approver), "proof": use.proof}
            one = found.setdefault(use.id, {**fields, "findings": []})
            place = _path_fields(judged.finding.path)
            one["findings"].append({"code": judged.code, **place, "fingerprint": judged.fingerprint})
            if refused:
                reasons = one.setdefault("reasons", [])
                reasons += [json_safe(reason) for reason in use.refusals if json_safe(reason) not in reasons]
    return [found[name] for name in sorted(found)]
