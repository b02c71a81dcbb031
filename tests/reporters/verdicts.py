"""Verdicts with something in every field, for the tests of reports."""

from __future__ import annotations

from typing import Any

from specguard.change.lines import Hunk
from specguard.model import Finding, Judged, Lift, Origin, RuleResult, Verdict


def full(text: str = "plain", *, many: int = 0, rules: int = 4) -> Verdict:
    """A verdict with every state of rules and findings, approvals, hunks, notes and a change of the policy.

    Args:
        text: what stands in every field that is a text.
        many: so many findings more, of so many rules and with a hunk each.
        rules: among so many rules are they divided.
    """
    raw = text.encode("utf-8", "surrogateescape")
    hunks: dict[bytes, list[Hunk]] = {
        b"src/" + raw: [
            Hunk(9, [b"old " + raw, b""], 9, [b"new " + raw, b"\tnext", b"last"]),
            Hunk(40, [b"gone"] * 30, 40, []),
        ]
    }

    def judged(number: int, state: Any = "open", severity: Any = "error", **fields: Any) -> Judged:
        found = Judged(
            Finding(f"{text} is wrong", help=f"mend {text}", **fields),
            code=f"TST00{number}",
            name=f"rule-{text[:60]}",
            severity=severity,
            authority=Origin(f"docs/{text}", 7),
            fingerprint=f"{number:064x}",
            state=state,
        )
        found.quote = f"paths = [{text!r}]"
        return found

    def lift(*refusals: str) -> Lift:
        return Lift(
            ("b" if refusals else "a") * 64,
            approver=text,
            reason=f"because {text}",
            ticket=text,
            expires_at="2026-12-31T10:30:00Z",
            proof="local" if refusals else "signature",
            refusals=refusals,
        )

    path = b"src/" + raw
    approved = judged(1, "approved", path=path)
    approved.lifts = [lift(), lift(f"refused {text}")]
    baselined = judged(1, "baselined", path=path, line=10)
    baselined.exceeds = (3, 2)
    findings = [
        judged(1, path=path, line=9),
        judged(1, path=path, line=11, end_line=11),
        judged(1, path=path, line=42, side="base"),
        judged(1, path=path),
        judged(1, path=path, line=500),
        judged(1, commit="c" * 40),
        judged(1, field="pull_request.title"),
        judged(1),
        approved,
        baselined,
    ]
    failed = _result(1, "failed", text, findings=findings)
    failed.approvers = [text, "bob"]
    results = [
        failed,
        _result(2, "warned", text, findings=[judged(2, severity="warning"), judged(2, severity="info")]),
        _result(3, "passed", text),
        _result(4, "indeterminate", text, reason=f"missing {text}", command=f"git fetch {text}"),
        _result(5, "not-applicable", text, reason=f"no {text}"),
        _result(6, "off", text, reason=f"off {text}"),
        _result(7, "approved", text, findings=[approved]),
        _result(8, "baselined", text, findings=[baselined]),
    ]
    for number in range(rules if many else 0):
        some = []
        for position in range(number, many, rules):
            name = b"lib/part_%d/file_%d.py" % (position % 37, position)
            hunks[name] = [Hunk(3, [b"a = 1"], 3, [b"a = %d" % position, b"print(a)"])]
            finding = Finding(
                "print is forbidden here", help="Use the log.", path=name, line=3 + position % 2
            )
            one = Judged(
                finding,
                code=f"TST10{number}",
                name=f"many-{number}",
                severity="error",
                authority=Origin("SPEC_AUTHORITY.md", 30 + number),
                fingerprint=f"{position:064x}",
            )
            one.quote = 'pattern = "print"'
            some.append(one)
        results.append(
            RuleResult(
                f"TST10{number}", f"many-{number}", "failed", findings=some, condition="nothing prints"
            )
        )
    return Verdict(
        change={
            "source": "range", "branch": text, "base": "1" * 40, "head": "2" * 40, "merge_base": "3" * 40,
            "commits": 3, "entries": 12, "fingerprint": "4" * 64, "whole": False,
            "work_item": {"kind": text, "id": text, "slug": text, "document": text},
        },
        authority={
            "documents": [f"docs/{text}"], "ref": "5" * 40, "blobs": {}, "policy_id": "6" * 64,
            "trusted": True,
        },
        results=results,
        notes=[f"note {text}"],
        policy_change=[_difference(effect, text) for effect in ("tightens", "loosens", "incomparable")],
        hunks=hunks,
    )  # fmt: skip


def _result(number: int, state: Any, text: str, **fields: Any) -> RuleResult:
    return RuleResult(
        f"TST00{number}",
        f"rule-{text[:60]}",
        state,
        condition=f"no {text}",
        looked_at=[f"facts {text}"],
        **fields,
    )


def _difference(effect: str, text: str) -> dict[str, Any]:
    return {
        "key": f"rules.{text}.{effect}",
        "effect": effect,
        "summary": f"drops {text}",
        "old_origin": {"path": f"docs/{text}", "line": 3},
        "new_origin": None,
    }
