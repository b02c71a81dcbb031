"""What a page shows of verdicts: texts and their order; the templates escape them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

from specguard.declaration.rule import Record
from specguard.model import STATES, listed, path_text, shortened
from specguard.reporters.escape import cut, cut_path, visible
from specguard.reporters.text import (
    decided_by,
    in_baseline,
    more_than_accepted,
    place,
    said,
    subject_of,
    undecided,
)
from specguard.reporters.wording import (
    difference_place,
    may_approve,
    policy_headline,
    proven,
    refused,
    until,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.model import Finding, Judged, Lift, RuleResult, Verdict


SHOWN: Final = 200
"""So many notes, approvals, settings of one effect and rules without the same fact are listed."""

_SHOWN_ALONG: Final = ("failed", "indeterminate", "warned", "approved", "baselined", "passed")
"""The states of rules that judged something, those first that matter most."""

_REMARKS: Final = 5
_MANY: Final = 50
_PLURAL: Final = ("error", "warning")
_WORDS: Final = {
    "passed": "Passed",
    "accepted": "Accepted",
    "failed": "Failed",
    "indeterminate": "No full verdict",
}
_LEADS: Final = {
    "passed": "Nothing was found that the policy forbids.",
    "accepted": "What was found is approved or in the baseline.",
    "failed": "The policy forbids some of this change.",
    "indeterminate": "Something could not be judged, so this is not a pass.",
}
_EFFECTS: Final = (
    ("loosens", "Loosens"),
    ("incomparable", "Changes, for better or worse"),
    ("tightens", "Tightens"),
)


def item(judged: Judged, excerpt: Excerpt | None) -> dict[str, Any]:
    """A finding as the page shows it; what is said of the baseline and of approvals are remarks."""
    finding = judged.finding
    message = visible(said(judged))
    if finding.path is not None:
        # What stands before it already need not be said again.
        message = message.removeprefix(f"{visible(cut_path(path_text(finding.path)))} ")
    kind, by = kind_of(judged), decided_by(judged)
    remarks = [by] if by and judged.authority is None else []
    if judged.exceeds:
        remarks.append(more_than_accepted(judged.exceeds))
    remarks += [
        refused(lift) if lift.refusals else f"approval {lift.id[:12]} by {shortened(lift.approver)}"
        for lift in judged.lifts[:_REMARKS]
    ]
    if len(judged.lifts) > _REMARKS:
        remarks.append(f"and {len(judged.lifts) - _REMARKS} more approvals name it")
    return {
        "kind": kind,
        "tag": kind if judged.state == "open" else f"{judged.severity}, {kind}",
        "where": place(judged).removesuffix(": ") or finding.field or "",
        "message": message,
        "excerpt": excerpt,
        "by": by if judged.authority is not None else "",
        "quote": cut(judged.quote, 600),
        "remarks": remarks,
        "next": "" if judged.state == "approved" else cut(finding.help),
        "fingerprint": judged.fingerprint,
    }


def kind_of(judged: Judged) -> str:
    """What a finding is filtered by: its state, or its severity where it is open."""
    return judged.severity if judged.state == "open" else judged.state


def group(
    result: RuleResult, source: str, made: Sequence[tuple[Judged, str]], *, opened: bool
) -> dict[str, Any]:
    """The findings of a rule, of which some were made to markup; the others had no room."""
    kinds = Counter(map(kind_of, result.findings))
    account = [
        f"{count:,} {kind}{'s' if count > 1 and kind in _PLURAL else ''}" for kind, count in kinds.items()
    ]
    return {
        "result": result,
        "account": ", ".join(account),
        "condition": cut(result.condition, 400),
        "allowed": may_approve(result, source),
        "shown": [markup for judged, markup in made if judged.state != "baselined"],
        "accepted": [markup for judged, markup in made if judged.state == "baselined"],
        "left_out": len(result.findings) - len(made),
        "open": opened,
        # A browser lays out only those of so many that are seen.
        "many": len(made) > _MANY,
    }


def view(verdict: Verdict, number: int, groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A verdict as the page shows it.

    Args:
        verdict: the verdict.
        number: its position on the page, from 1.
        groups: its findings.
    """
    bar, start = [], 0
    for state in _SHOWN_ALONG:
        bar.append((state, start, verdict.counts[state]))
        start += verdict.counts[state]
    states = sorted(STATES, key=lambda state: (*_SHOWN_ALONG, *STATES).index(state))
    notes = [cut(note) for note in verdict.notes[:SHOWN]]
    if len(verdict.notes) > SHOWN:
        notes.append(f"and {len(verdict.notes) - SHOWN} more notes")
    approvals = _approvals(verdict)
    return {
        "anchor": f"v{number}",
        "outcome": verdict.outcome,
        "said": word(verdict),
        "subject": subject(verdict),
        "counts": [(state, verdict.counts[state]) for state in states],
        "bar": [one for one in bar if one[2]],
        "width": start or 1,
        "facts": _facts(verdict),
        "notes": notes,
        "undecided": [
            {"reason": cut(some[0].reason or ""), "command": cut(some[0].command), "results": some[:SHOWN]}
            for some in undecided(verdict)
        ],
        "groups": groups,
        "policy_headline": policy_headline(verdict).capitalize() if verdict.policy_change else "",
        "policy": _policy(verdict),
        "approvals": approvals[:SHOWN],
        "approvals_rest": max(0, len(approvals) - SHOWN),
        "states": [
            (state, [result for result in verdict.results if result.state == state])
            for state in states
            if verdict.counts[state]
        ],
    }


def word(verdict: Verdict) -> str:
    """The verdict in a word or two."""
    return "Would block" if verdict.dry_run and verdict.outcome == "failed" else _WORDS[verdict.outcome]


def lead(verdict: Verdict) -> str:
    """What the verdict means, and how much is open, in a sentence or two."""
    if verdict.empty and verdict.outcome == "passed":
        return "There was nothing to judge."
    kinds = Counter(map(kind_of, verdict.findings))
    counted = [f"{kinds[kind]:,} {kind}{'s' if kinds[kind] > 1 else ''}" for kind in _PLURAL if kinds[kind]]
    said = f" {' and '.join(counted)} open." if counted else ""
    return f"{_LEADS[verdict.outcome]}{said}"


def subject(verdict: Verdict) -> str:
    """What was judged, for a heading."""
    branch = verdict.change.get("branch")
    name = cut_path(str(branch)) if branch else str(verdict.change.get("head") or "")[:12]
    return f"{name}: {subject_of(verdict)}" if name else subject_of(verdict).capitalize()


def why(result: RuleResult) -> str:
    """Why a rule is in its state, or what holds of it, and what it looked at."""
    reason = result.reason or result.condition
    if result.state == "baselined":
        reason = f"{in_baseline(result)}; else {reason}"
    facts = f" [looked at {', '.join(result.looked_at)}]" if result.looked_at else ""
    return f"{cut(reason, 400)}{cut(facts, 400)}"


def _facts(verdict: Verdict) -> list[tuple[str, str, str]]:
    """What was judged by what: a name, a value, and `place` or `id` where the value is code."""
    change, authority = verdict.change, verdict.authority
    base = change.get("base")
    work_item = change.get("work_item") or {}
    taken = ""
    if "trusted" in authority:
        taken = "the trusted base" if authority["trusted"] else "elsewhere than the trusted base"
    facts = [
        ("Branch", change.get("branch"), "place"),
        ("Work item", " ".join(str(work_item[key]) for key in ("kind", "id") if work_item.get(key)), ""),
        ("Base", base, "id"),
        ("Head", change.get("head"), "id"),
        ("Merge base", change.get("merge_base") if change.get("merge_base") != base else "", "id"),
        ("Change", change.get("fingerprint"), "id"),
        ("Authority", listed(authority.get("documents") or [], 3), "place"),
        ("Read from", authority.get("ref") if authority.get("ref") != base else "", "id"),
        ("Policy", authority.get("policy_id"), "id"),
        ("Taken from", f"{taken}; enforced" if taken and verdict.enforce else taken, ""),
    ]
    return [(name, cut_path(str(value)), kind) for name, value, kind in facts if value]


def _policy(verdict: Verdict) -> list[tuple[str, str, Sequence[dict[str, str]], int]]:
    """What the change does to the policy, by effect."""
    found: list[tuple[str, str, Sequence[dict[str, str]], int]] = []
    for effect, title in _EFFECTS:
        some = [
            {
                "key": shortened(difference["key"], 120),
                "summary": shortened(difference["summary"], 400),
                "at": cut_path(difference_place(difference)),
            }
            for difference in verdict.policy_change
            if difference["effect"] == effect
        ]
        if some:
            found.append((effect, title, some[:SHOWN], max(0, len(some) - SHOWN)))
    return found


def _approvals(verdict: Verdict) -> list[dict[str, Any]]:
    """The approvals that name findings: those that count first, each once for the reasons it does not."""
    named: dict[tuple[str, tuple[str, ...]], tuple[Lift, list[Judged]]] = {}
    for judged in verdict.findings:
        for lift in judged.lifts:
            named.setdefault((lift.id, tuple(lift.refusals)), (lift, []))[1].append(judged)
    found = []
    for lift, findings in sorted(named.values(), key=lambda pair: bool(pair[0].refusals)):
        codes = ", ".join(dict.fromkeys(judged.code for judged in findings))
        found.append(
            {
                "id": lift.id,
                "approver": shortened(lift.approver),
                "about": f"for {len(findings)} finding{'s' if len(findings) > 1 else ''} of {codes}",
                "until": until(lift),
                "proven": proven(lift),
                "reason": shortened(lift.reason, 300),
                "ticket": shortened(lift.ticket, 80),
                "refusals": [shortened(refusal, 300) for refusal in lift.refusals[:_REMARKS]],
            }
        )
    return found


MOST: Final = 8
"""So many lines are shown where the finding is about the file."""

AROUND: Final = 3
"""So many lines of the same hunk are shown on either side of those that the finding is about."""

_LONGEST: Final = 240


class Line(Record):
    """A line of a change.

    Attributes:
        added: whether it is added, else it is removed.
        number: its number in the file on that side, from 1.
        text: the line, of which a long one is cut; bytes that are not UTF-8 as surrogate escapes.
        meant: whether the finding names it.
        apart: whether unchanged lines, or lines that are not shown, are before it.
    """

    added: bool
    number: int
    text: str
    meant: bool = False
    apart: bool = False


class Excerpt(Record):
    """Some lines of a change of one file.

    Attributes:
        lines: the lines; never empty.
        rest: how many more lines of the file the change removes and adds.
    """

    lines: Sequence[Line]
    rest: int


class Excerpts:
    """The excerpts of one change; the files are looked through once, however many findings are about them.

    Args:
        hunks: what the change does to the files, by path.
    """

    def __init__(self, hunks: Mapping[bytes, Sequence[Any]]) -> None:
        self._hunks = hunks
        self._sizes: dict[bytes, int] = {}
        self._starts: dict[tuple[bytes, bool], list[int]] = {}

    def of(self, finding: Finding) -> Excerpt | None:
        """The lines that a finding is about; None where the change does nothing to them."""
        path = finding.path
        hunks = self._hunks.get(path) if path is not None else None
        if path is None or not hunks:
            return None
        lines = self._at(path, hunks, finding) if finding.line else _first(hunks)
        if not lines:
            return None
        if path not in self._sizes:
            self._sizes[path] = sum(map(_size, hunks))
        return Excerpt(lines, self._sizes[path] - len(lines))

    def _at(self, path: bytes, hunks: Sequence[Any], finding: Finding) -> list[Line]:
        """The named lines with those around them in their hunk; none where the change does not touch them."""
        added, first = finding.side != "base", finding.line or 1
        if (path, added) not in self._starts:
            self._starts[path, added] = [hunk.new_start if added else hunk.old_start for hunk in hunks]
        starts = self._starts[path, added]
        position = bisect_right(starts, first) - 1
        hunk, offset = hunks[position], first - starts[position]
        side = hunk.added if added else hunk.removed
        if position < 0 or offset >= len(side):
            return []
        count = min((finding.end_line or first) - first + 1, MOST, len(side) - offset)
        begin = offset + (len(hunk.removed) if added else 0)
        window = range(max(0, begin - AROUND), min(_size(hunk), begin + count + AROUND))
        return [_line(hunk, index, meant=begin <= index < begin + count) for index in window]


def _first(hunks: Sequence[Any]) -> list[Line]:
    lines: list[Line] = []
    for hunk in hunks:
        for index in range(min(_size(hunk), MOST - len(lines))):
            lines.append(_line(hunk, index, apart=bool(lines) and not index))
        if len(lines) == MOST:
            break
    return lines


def _size(hunk: Any) -> int:
    return len(hunk.removed) + len(hunk.added)


def _line(hunk: Any, index: int, *, meant: bool = False, apart: bool = False) -> Line:
    """A line of a hunk, in which what is removed stands before what is added."""
    new = index - len(hunk.removed)
    raw = hunk.added[new] if new >= 0 else hunk.removed[index]
    number = hunk.new_start + new if new >= 0 else hunk.old_start + index
    # Cut as bytes first: a line may have millions.
    text = raw[: 4 * _LONGEST + 4].decode("utf-8", "surrogateescape")
    return Line(new >= 0, number, cut(text, _LONGEST), meant, apart)
