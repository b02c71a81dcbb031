"""The report for other programs' eyes and `grep`: one line a finding, and the verdict line."""

from __future__ import annotations

from specguard.errors import named
from specguard.reporters.escape import cut, cut_path, visible
from specguard.reporters.text import Style, more_than_accepted, place, said, verdict_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.model import Judged, Verdict


def render(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as lines `path:line: CODE message`.

    A finding below an error, or one that is approved or baselined, says so at its end. A rule that could not
    be judged has a line as well, so has one whose errors somebody may approve, and each setting of the policy
    that the change alters and no finding names. The last line of each verdict counts all states.
    """
    return "".join(f"{line}\n" for verdict in verdicts for line in _lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    for result in verdict.results:
        for judged in result.findings:
            yield f"{_place(judged)}{judged.code} {visible(said(judged))}{_remark(judged)}"
        if result.approvers:
            from specguard.reporters.approvals import may_approve

            allowed = may_approve(result, str(verdict.change.get("source")))
            if allowed:
                yield visible(f"{result.code} {': '.join(allowed)}")
        if result.state == "indeterminate":
            command = f" ({visible(cut(result.command))})" if result.command else ""
            reason = f"{visible(cut(result.reason or ''))}{named(result.error)}"
            yield f"{result.code} could not be judged: {reason}{command}"
    if verdict.policy_change:
        from specguard.reporters import differences

        for difference in differences.unsaid(verdict):
            where = differences.at(difference)
            what = f"policy: {differences.word(difference)} {differences.account(difference)}"
            yield visible(f"{cut_path(where)}: {what}" if where else what)
    yield verdict_line(verdict, Style())


def _place(judged: Judged) -> str:
    where = place(judged)
    if not where and judged.finding.field:
        return f"{judged.finding.field}: "
    return where


def _remark(judged: Judged) -> str:
    remarks: list[str] = [word for word in (judged.severity, judged.state) if word not in ("error", "open")]
    if judged.exceeds:
        remarks.append(more_than_accepted(judged.exceeds))
    if judged.lifts:
        from specguard.reporters.approvals import accounts

        remarks += map(visible, accounts(judged))
    return f" ({', '.join(remarks)})" if remarks else ""
