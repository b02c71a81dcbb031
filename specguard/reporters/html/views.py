"""What a page shows of verdicts: texts and their order; the templates escape them."""

from __future__ import annotations

from bisect import bisect_right

from specguard.declaration.rule import Record
from specguard.model import STATES, path_text, shortened
from specguard.reporters import wording as differences
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
from specguard.reporters.wording import may_approve, proven, refused, until

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


class Item(Record):
    """A finding on the page.

    Attributes:
        kind: by what it is filtered: its state, or its severity where it is open.
        tag: the same for a reader.
        where: its place; empty where the message says it.
        message: what is wrong.
        excerpt: the lines of the change.
        by: the place of the line that decides; empty where there is none.
        quote: that line.
        remarks: what is said of the baseline and of approvals.
        next: the next step; empty where nothing is left to do.
        fingerprint: the finding's.
    """

    kind: str
    tag: str
    where: str
    message: str
    excerpt: Excerpt | None
    by: str
    quote: str
    remarks: Sequence[str]
    next: str
    fingerprint: str


def item(judged: Judged, excerpt: Excerpt | None) -> Item:
    """A finding as the page shows it."""
    finding = judged.finding
    where = place(judged).removesuffix(": ") or finding.field or ""
    message = visible(said(judged))
    if finding.path is not None:
        # What stands before it already need not be said again.
        message = message.removeprefix(f"{visible(cut_path(path_text(finding.path)))} ")
    kind = kind_of(judged)
    remarks = []
    if judged.authority is None and (by := decided_by(judged)):
        remarks.append(by)
    if judged.exceeds:
        remarks.append(more_than_accepted(judged.exceeds))
    lifts = [*judged.lifts[:_REMARKS]]
    remarks += [
        refused(lift) if lift.refusals else f"approval {lift.id[:12]} by {shortened(lift.approver)}"
        for lift in lifts
    ]
    if len(judged.lifts) > len(lifts):
        remarks.append(f"and {len(judged.lifts) - len(lifts)} more approvals name it")
    return Item(
        kind=kind,
        tag=kind if judged.state == "open" else f"{judged.severity}, {kind}",
        where=where,
        message=message,
        excerpt=excerpt,
        by="" if judged.authority is None else decided_by(judged),
        quote=cut(judged.quote, 600),
        remarks=remarks,
        next="" if judged.state == "approved" else cut(finding.help),
        fingerprint=judged.fingerprint,
    )


def kind_of(judged: Judged) -> str:
    """What a finding is filtered by."""
    return judged.severity if judged.state == "open" else judged.state


class Group(Record):
    """The findings of a rule on the page.

    Attributes:
        result: the rule's.
        account: how many findings of each kind there are.
        condition: what holds when the rule passes.
        allowed: who may approve its errors, and the command; None where nobody may.
        items: the findings, as markup, but for those in `accepted`.
        accepted: those in the baseline.
        left_out: how many had no room.
        open: whether it is open from the start.
        many: whether there are so many that a browser lays out only those that are seen.
    """

    result: RuleResult
    account: str
    condition: str
    allowed: tuple[str, str] | None
    items: Sequence[str]
    accepted: Sequence[str]
    left_out: int
    open: bool
    many: bool


def group(result: RuleResult, source: str, made: Sequence[tuple[Judged, str]], *, opened: bool) -> Group:
    """The findings of a rule, of which some were made to markup."""
    kinds: dict[str, int] = {}
    for judged in result.findings:
        kinds[kind_of(judged)] = kinds.get(kind_of(judged), 0) + 1
    plural = {"error": "errors", "warning": "warnings"}
    account = ", ".join(
        f"{count:,} {plural.get(kind, kind) if count > 1 else kind}" for kind, count in kinds.items()
    )
    return Group(
        result=result,
        account=account,
        condition=cut(result.condition, 400),
        allowed=may_approve(result, source),
        items=[markup for judged, markup in made if judged.state != "baselined"],
        accepted=[markup for judged, markup in made if judged.state == "baselined"],
        left_out=len(result.findings) - len(made),
        open=opened,
        many=len(made) > _MANY,
    )


class View(Record):
    """A verdict on the page; see the template for what each is for."""

    anchor: str
    outcome: str
    said: str
    subject: str
    counts: Sequence[tuple[str, int]]
    bar: Sequence[tuple[str, int, int]]
    width: int
    facts: Sequence[tuple[str, str, str]]
    notes: Sequence[str]
    undecided: Sequence[dict[str, Any]]
    groups: Sequence[Group]
    policy_headline: str
    policy: Sequence[tuple[str, str, Sequence[dict[str, str]], int]]
    approvals: Sequence[dict[str, Any]]
    approvals_rest: int
    states: Sequence[tuple[str, Sequence[RuleResult]]]


def view(verdict: Verdict, number: int, groups: Sequence[Group]) -> View:
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
    return View(
        anchor=f"v{number}",
        outcome=verdict.outcome,
        said=word(verdict),
        subject=subject(verdict),
        counts=[(state, verdict.counts[state]) for state in states],
        bar=[one for one in bar if one[2]],
        width=start or 1,
        facts=_facts(verdict),
        notes=notes,
        undecided=[
            {"reason": cut(some[0].reason or ""), "command": cut(some[0].command), "results": some[:SHOWN]}
            for some in undecided(verdict)
        ],
        groups=groups,
        policy_headline=differences.policy_headline(verdict).capitalize() if verdict.policy_change else "",
        policy=_policy(verdict),
        approvals=approvals[:SHOWN],
        approvals_rest=max(0, len(approvals) - SHOWN),
        states=[
            (state, [result for result in verdict.results if result.state == state])
            for state in states
            if verdict.counts[state]
        ],
    )


def word(verdict: Verdict) -> str:
    """The verdict in a word or two."""
    return "Would block" if verdict.dry_run and verdict.outcome == "failed" else _WORDS[verdict.outcome]


def lead(verdict: Verdict) -> str:
    """What the verdict means, and how much is open, in a sentence or two."""
    if verdict.empty and verdict.outcome == "passed":
        return "There was nothing to judge."
    kinds = [kind_of(judged) for result in verdict.results for judged in result.findings]
    counted = [
        f"{kinds.count(kind):,} {kind}{'s' if kinds.count(kind) > 1 else ''}"
        for kind in ("error", "warning")
        if kind in kinds
    ]
    said = " and ".join(counted)
    return f"{_LEADS[verdict.outcome]} {said} open." if said else _LEADS[verdict.outcome]


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
    item = change.get("work_item") or {}
    documents = authority.get("documents") or []
    ref = str(authority.get("ref") or "")
    merge_base = str(change.get("merge_base") or "")
    named = ", ".join(documents[:3]) + (f" and {len(documents) - 3} more" if len(documents) > 3 else "")
    facts = [
        ("Branch", cut_path(str(change.get("branch") or "")), "place"),
        ("Work item", cut_path(" ".join(str(item[key]) for key in ("kind", "id") if item.get(key))), ""),
        ("Base", str(change.get("base") or ""), "id"),
        ("Head", str(change.get("head") or ""), "id"),
        ("Merge base", merge_base if merge_base != change.get("base") else "", "id"),
        ("Change", str(change.get("fingerprint") or ""), "id"),
        ("Authority", cut_path(named), "place"),
        ("Read from", ref if ref != change.get("base") else "", "id"),
        ("Policy", str(authority.get("policy_id") or ""), "id"),
        ("Taken from", "" if "trusted" not in authority else _trust(verdict), ""),
    ]
    return [fact for fact in facts if fact[1]]


def _trust(verdict: Verdict) -> str:
    trusted = "the trusted base" if verdict.authority["trusted"] else "elsewhere than the trusted base"
    return f"{trusted}; enforced" if verdict.enforce else trusted


def _policy(verdict: Verdict) -> list[tuple[str, str, Sequence[dict[str, str]], int]]:
    """What the change does to the policy, by effect."""
    found: list[tuple[str, str, Sequence[dict[str, str]], int]] = []
    for effect, title in _EFFECTS:
        some = [difference for difference in verdict.policy_change if difference["effect"] == effect]
        shown = [
            {
                "key": shortened(difference["key"], 120),
                "summary": shortened(difference["summary"], 400),
                "at": cut_path(differences.difference_place(difference)),
            }
            for difference in some[:SHOWN]
        ]
        if some:
            found.append((effect, title, shown, max(0, len(some) - SHOWN)))
    return found


def _approvals(verdict: Verdict) -> list[dict[str, Any]]:
    """The approvals that name findings: those that count first, each once for the reasons it does not."""
    named: dict[tuple[str, tuple[str, ...]], tuple[Lift, list[Judged]]] = {}
    for result in verdict.results:
        for judged in result.findings:
            for lift in judged.lifts:
                named.setdefault((lift.id, tuple(lift.refusals)), (lift, []))[1].append(judged)
    ordered = sorted(named.values(), key=lambda pair: bool(pair[0].refusals))
    return [
        {
            "id": lift.id,
            "approver": shortened(lift.approver),
            "about": _about(findings),
            "until": until(lift),
            "proven": proven(lift),
            "reason": shortened(lift.reason, 300),
            "ticket": shortened(lift.ticket, 80),
            "refusals": [shortened(refusal, 300) for refusal in lift.refusals[:_REMARKS]],
        }
        for lift, findings in ordered
    ]


def _about(findings: Sequence[Judged]) -> str:
    codes = ", ".join(dict.fromkeys(judged.code for judged in findings))
    return f"for {len(findings)} finding{'s' if len(findings) > 1 else ''} of {codes}"


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
        return Excerpt(lines=lines, rest=self._sizes[path] - len(lines))

    def _at(self, path: bytes, hunks: Sequence[Any], finding: Finding) -> list[Line]:
        """The named lines with those around them in their hunk; none where the change does not touch them."""
        added = finding.side != "base"
        starts = self._starts.get((path, added))
        if starts is None:
            starts = [hunk.new_start if added else hunk.old_start for hunk in hunks]
            self._starts[path, added] = starts
        first = finding.line or 1
        position = bisect_right(starts, first) - 1
        if position < 0:
            return []
        hunk = hunks[position]
        offset = first - starts[position]
        side = hunk.added if added else hunk.removed
        if offset >= len(side):
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
    return Line(added=new >= 0, number=number, text=cut(text, _LONGEST), meant=meant, apart=apart)
