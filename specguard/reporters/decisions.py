"""The decision log, `specguard.decision/1`: one line of JSON for each verdict, for those who audit later."""

from __future__ import annotations

import time

from specguard import __version__
from specguard.approvals.log import PLACE, SCHEMA
from specguard.reporters.escape import json_text
from specguard.reporters.json import errors, location, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from specguard.errors import SpecguardError
    from specguard.model import Judged, Verdict

__all__ = ["PLACE", "SCHEMA", "error_line", "lines"]

_CHANGE: Final = ("source", "stage", "base", "head", "merge_base", "branch", "fingerprint", "work_item")


def lines(verdicts: Sequence[Verdict], now: float) -> str:
    """The verdicts of one check, a line each.

    Args:
        verdicts: one, or one a ref of a push.
        now: the time of the check, in seconds since 1970.
    """
    return "".join(_line(_decision(verdict), now) for verdict in verdicts)


def error_line(error: SpecguardError, now: float, *, enforce: bool) -> str:
    """The line of a check that gave no verdict.

    Args:
        error: why.
        now: the time of the check, in seconds since 1970.
        enforce: whether it was enforced.
    """
    said = {"enforce": enforce, "verdict": "error", "exit_code": 2, "errors": errors(error)}
    return _line(said, now)


def _line(data: dict[str, Any], now: float) -> str:
    head = {
        "schema": SCHEMA,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "tool": {"name": "specguard", "version": __version__},
    }
    return json_text({**head, **data}, indent=None) + "\n"


def _decision(verdict: Verdict) -> dict[str, Any]:
    authority = verdict.authority
    blobs = authority.get("blobs", {})
    data: dict[str, Any] = {
        "change": {name: verdict.change.get(name) for name in _CHANGE},
        "authority": {
            "documents": [{"path": path, "oid": blobs.get(path) or None} for path in authority["documents"]],
            **{name: authority.get(name) for name in ("ref", "policy_id", "trusted")},
        },
        "enforce": verdict.enforce,
        "verdict": verdict.outcome,
        "exit_code": verdict.exit_code,
        "counts": verdict.counts,
        "states": {result.code: result.state for result in verdict.results},
        "approvals": _approvals(verdict, refused=False),
        "refused": _approvals(verdict, refused=True),
    }
    if verdict.dry_run:
        data["dry_run"] = True
    return data


def _approvals(verdict: Verdict, *, refused: bool) -> list[dict[str, Any]]:
    """The approvals that lifted findings; or those that did not count for one, with why."""
    found: dict[str, dict[str, Any]] = {}
    for judged in verdict.findings:
        for lift in judged.lifts:
            if bool(lift.refusals) != refused or not (refused or judged.state == "approved"):
                continue
            one = found.setdefault(
                lift.id,
                {"id": lift.id, "approver": plain(lift.approver), "proof": lift.proof, "findings": []},
            )
            one["findings"].append(_finding(judged))
            if refused:
                reasons = one.setdefault("reasons", [])
                reasons += [plain(reason) for reason in lift.refusals if plain(reason) not in reasons]
    return [found[name] for name in sorted(found)]


def _finding(judged: Judged) -> dict[str, Any]:
    where = location(judged.finding.path, None)
    place: dict[str, Any] = {name: where[name] for name in ("path", "path_bytes") if name in where}
    return {"code": judged.code, **place, "fingerprint": judged.fingerprint}
