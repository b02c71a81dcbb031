"""Verdicts for the tests of reports, small ones and some with something in every field."""

import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from specguard import __version__
from specguard.authority.difference import Difference
from specguard.change.lines import Hunk
from specguard.model import ApprovalUse, Finding, Judged, Origin, RuleResult, Verdict
from tests.approvals.making import approval

RECORDED = Path(__file__).parent / "recorded"
RECORD = "RECORD_REPORTS" in os.environ

TEXT = """The first line: what it flags.

Why it matters.

```toml fails
x = 1
```

```toml passes
x = 2
```

How to fix it: do this.
"""
AUTHORITY = Origin("SPEC_AUTHORITY.md", 9)
EFFECTS: Sequence[Any] = ("tightens", "loosens", "incomparable")


def recorded(name: str, report: str) -> None:
    """See that a report is as it was recorded; with the variable `RECORD_REPORTS` it is recorded."""
    report = report.replace(__version__, "VERSION")
    if RECORD:
        (RECORDED / name).write_text(report, "utf-8", newline="")
    assert report == (RECORDED / name).read_bytes().decode("utf-8")


def judged(
    message: str = "m",
    *,
    code: str = "PTH001",
    state: Any = "open",
    severity: Any = "error",
    authority: Origin | None = AUTHORITY,
    lifts: Sequence[ApprovalUse] = (),
    **where: Any,
) -> Judged:
    """A finding, of which each message and place has a fingerprint of its own."""
    made = repr((message, where)).encode("utf-8", "surrogateescape")
    found = Judged(
        Finding(message, **where),
        code=code,
        name="forbidden-path",
        severity=severity,
        authority=authority,
        fingerprint=hashlib.sha256(made).hexdigest(),
        state=state,
    )
    found.approvals = lifts
    return found


def verdict(
    *findings: Judged,
    results: Sequence[RuleResult] = (),
    branch: str = "work",
    source: str = "range",
    approvers: Sequence[str] = (),
    **more: Any,
) -> Verdict:
    """A verdict of one rule with findings, and of others."""
    failed = any(one.state == "open" and one.severity == "error" for one in findings)
    rule = RuleResult("PTH001", "forbidden-path", "failed" if failed else "passed", findings=findings)
    rule.plugin, rule.text, rule.condition = "specguard", TEXT, "nothing is under docs/"
    rule.approvers = approvers
    return Verdict(
        change={"source": source, "branch": branch, "head": "1" * 40, "commits": 1, "entries": 2},
        authority={"documents": ["SPEC_AUTHORITY.md"], "policy_id": "p"},
        results=[rule, *results],
        **more,
    )


def lift(*refusals: str, **fields: Any) -> ApprovalUse:
    """An approval by alice, or one that these reasons refuse."""
    name, proof = fields.pop("id", "3fa4b2c1d0e9" + "0" * 52), fields.pop("proof", "signature")
    given = {"reason": "the customer needs it", "expires_at": datetime(2026, 12, 31, 10, 30, tzinfo=UTC)}
    return ApprovalUse(name, approval(**{**given, **fields}), proof, refusals)


def everything(text: str, path: bytes) -> Verdict:
    """A verdict with a text in every field that other programs may be told of."""
    named = {"approver": text, "reason": text, "ticket": text}
    quoted = judged(text, help=text, path=path, line=3, end_line=5)
    quoted.quote = text
    acme = RuleResult("ACM001", "acme", "passed", findings=[])
    acme.plugin, acme.text, acme.condition = "acme", f"{text}\n\n{text}", text
    found = (
        quoted,
        judged(f"a {text}", path=path, state="approved", lifts=[lift(id="0" * 64, proof="base", **named)]),
        judged(f"b {text}", path=path, state="baselined"),
        judged(f"c {text}", path=path, severity="warning", authority=Origin("preset:x", 3)),
        judged(f"d {text}", field=text, severity="info", authority=None),
        judged(f"e {text}", commit="2" * 40, field="commit.subject", authority=Origin("/out/of/it.md", 3)),
    )
    results = [
        RuleResult("CMT001", "commit", "indeterminate", reason=text, command=text),
        RuleResult("CNT001", "content", "indeterminate", severity="warning", reason=text),
        acme,
        RuleResult("PTH002", "locked-path", "off", reason=text),
        RuleResult("PTH003", "other", "not-applicable", reason=text),
    ]
    return verdict(*found, results=results, notes=[text], branch=text)


def full(text: str = "plain", *, many: int = 0, rules: int = 4) -> Verdict:
    """A verdict with every state of rules and findings, approvals, hunks, notes and a change of the policy.

    Args:
        text: what stands in every field that is a text.
        many: so many findings more, of so many rules and with a hunk each.
        rules: among so many rules are they divided.
    """
    path = b"src/" + text.encode("utf-8", "surrogateescape")
    shown = Hunk(9, [b"old " + path[4:], b""], 9, [b"new " + path[4:], b"\tnext", b"last"])
    hunks: dict[bytes, list[Hunk]] = {path: [shown, Hunk(40, [b"gone"] * 30, 40, [])]}

    def found(number: int, state: str = "open", **fields: Any) -> Judged:
        code, authority = f"TST00{number}", Origin(f"docs/{text}", 7)
        fields = {"state": state, "code": code, "authority": authority, "help": f"mend {text}", **fields}
        one = judged(f"{text} is wrong", **fields)
        one.name, one.fingerprint = f"rule-{text[:60]}", f"{number:064x}"
        one.quote = f"paths = [{text!r}]"
        return one

    def result(number: int, state: Any, **fields: Any) -> RuleResult:
        holds: dict[str, Any] = {"condition": f"no {text}", "looked_at": [f"facts {text}"]}
        return RuleResult(f"TST00{number}", f"rule-{text[:60]}", state, **holds, **fields)

    said = {"approver": text, "reason": f"because {text}", "ticket": text}
    approved = found(1, "approved", path=path)
    refused = lift(f"refused {text}", id="b" * 64, proof="local", **said)
    approved.approvals = [lift(id="a" * 64, **said), refused]
    baselined = found(1, "baselined", path=path, line=10)
    baselined.exceeds = (3, 2)
    places: list[dict[str, Any]] = [
        {"path": path, "line": 9}, {"path": path, "line": 11, "end_line": 11},
        {"path": path, "line": 42, "side": "base"}, {"path": path}, {"path": path, "line": 500},
        {"commit": "c" * 40}, {"field": "pull_request.title"}, {},
    ]  # fmt: skip
    findings = [*(found(1, **place) for place in places), approved, baselined]
    failed = result(1, "failed", findings=findings)
    failed.approvers = [text, "bob"]
    results = [
        failed,
        result(2, "warned", findings=[found(2, severity="warning"), found(2, severity="info")]),
        result(3, "passed"),
        result(4, "indeterminate", reason=f"missing {text}", command=f"git fetch {text}"),
        result(5, "not-applicable", reason=f"no {text}"),
        result(6, "off", reason=f"off {text}"),
        result(7, "approved", findings=[approved]),
        result(8, "baselined", findings=[baselined]),
    ]
    for number in range(rules if many else 0):
        some = []
        for position in range(number, many, rules):
            name = b"lib/part_%d/file_%d.py" % (position % 37, position)
            hunks[name] = [Hunk(3, [b"a = 1"], 3, [b"a = %d" % position, b"print(a)"])]
            one = judged(
                "print is forbidden here", help="Use the log.", path=name, line=3 + position % 2,
                code=f"TST10{number}", authority=Origin("SPEC_AUTHORITY.md", 30 + number),
            )  # fmt: skip
            one.quote = 'pattern = "print"'
            some.append(one)
        code, called = f"TST10{number}", f"many-{number}"
        results.append(RuleResult(code, called, "failed", findings=some, condition="nothing prints"))
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
        policy_change=[
            Difference(("rules", text, effect), [text], [], effect, old_origin=Origin(f"docs/{text}", 3))
            for effect in EFFECTS
        ],
        hunks=hunks,
    )  # fmt: skip
