"""The report as a page of Markdown, for a job's step summary or a comment on a pull request.

It is GitHub's Markdown, and everything that comes from a change is escaped, so that no markup, link, mention
or reference of it is left. A page ends before the platform would refuse it.
"""

from __future__ import annotations

from specguard.model import path_text
from specguard.reporters.approvals import accounts, may_approve
from specguard.reporters.escape import cut, cut_path, markdown_code, markdown_text
from specguard.reporters.folding import fold
from specguard.reporters.text import (
    counted,
    decided_by,
    gravest_first,
    more_than_accepted,
    said,
    titles,
    undecided,
)
from specguard.reporters.wording import error_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.errors import SpecguardError
    from specguard.model import Verdict
    from specguard.reporters.folding import Fold

SUMMARY_LIMIT: Final = 1_000_000
"""How many bytes of summary are written; the platform drops the whole page above 1024 * 1024."""

COMMENT_LIMIT: Final = 65_000
"""How many bytes a page for a comment has; GitHub refuses a body of more than 65,536 characters."""


def render(verdicts: Sequence[Verdict], *, limit: int = COMMENT_LIMIT) -> str:
    """The verdicts as a page, cut where it would be larger than the platform takes.

    Args:
        verdicts: one, or one a ref of a push.
        limit: how many bytes the page has at most.
    """
    return _within([part for verdict in verdicts for part in _page(verdict)], limit)


def error_report(error: SpecguardError) -> str:
    """The page that there is no verdict, and why."""
    parts = ["## specguard: no verdict\n\n"]
    for one in error.each():
        where = f"{cut_path(one.path)}:{one.line}" if one.path and one.line else cut_path(one.path or "")
        at = f"{markdown_code(where)}: " if where else ""
        parts.append(f"- {at}{'<br>'.join(map(markdown_text, error_lines(one)))}\n")
    return _within(parts, COMMENT_LIMIT)


def _within(sections: Sequence[str], limit: int) -> str:
    parts: list[str] = []
    size = 0
    for position, part in enumerate(sections):
        size += len(part.encode("utf-8", "backslashreplace"))
        if size > limit - 200:
            rest = len(sections) - position
            parts.append(f"\nThe page is cut here; {rest} more lines are in `--output json=FILE`.\n")
            break
        parts.append(part)
    return "".join(parts)


def _page(verdict: Verdict) -> Iterator[str]:
    said = "would block" if verdict.dry_run and verdict.outcome == "failed" else verdict.outcome
    subject = verdict.change.get("branch")
    of = f" ({markdown_code(cut_path(str(subject)))})" if subject else ""
    yield f"## specguard: {said}{of}\n\n"
    counts = ", ".join(counted(verdict))
    yield "Nothing to judge.\n" if verdict.empty else f"{counts.capitalize() or 'No findings'}.\n"
    for result in gravest_first(verdict):
        if result.findings:
            yield f"\n### {result.code} {result.name}\n\n"
        for like in fold(result.findings, verdict):
            yield f"- {_item(like)}\n"
        allowed = may_approve(result, str(verdict.change.get("source")))
        if allowed:
            yield f"\n{markdown_text(allowed[0])}: {markdown_code(allowed[1])}\n"
    if verdict.policy_change:
        yield from _policy_section(verdict)
    for results in undecided(verdict):
        command = f" Next: {markdown_code(cut(results[0].command))}" if results[0].command else ""
        yield f"\n### {titles(results)}\n\n"
        yield f"- **could not be judged**: {markdown_text(cut(results[0].reason or ''))}.{command}\n"
    if verdict.notes:
        yield "\n"
    for note in verdict.notes:
        yield f"> {markdown_text(cut(note))}\n"
    yield "\n"


def _policy_section(verdict: Verdict) -> Iterator[str]:
    from specguard.reporters import differences

    yield f"\n### policy\n\n{differences.headline(verdict).capitalize()}.\n\n"
    rest = differences.unsaid(verdict)
    for difference in rest[: differences.SHOWN]:
        at = cut_path(differences.at(difference))
        account = markdown_text(differences.account(difference))
        yield f"- **{differences.word(difference)}** {account}{f' ({markdown_code(at)})' if at else ''}\n"
    if len(rest) > differences.SHOWN:
        yield f"- and {len(rest) - differences.SHOWN} more\n"


def _item(like: Fold) -> str:
    judged = like.first
    finding = judged.finding
    state = "" if judged.state == "open" else f" ({judged.state})"
    parts = [f"**{judged.severity}**{state}"]
    if finding.path is not None:
        line = f":{finding.line}" if finding.line else ""
        parts.append(markdown_code(f"{cut_path(path_text(finding.path))}{line}"))
    if finding.commit is not None:
        parts.append(f"commit {markdown_code(finding.commit[:12])}")
    text = f"{' '.join(parts)}: {markdown_text(said(judged) + like.others)}"
    by = decided_by(judged)
    if by:
        text += f"<br>by {markdown_code(by) if judged.authority else markdown_text(by)}"
    if judged.exceeds:
        text += f"<br>{markdown_text(more_than_accepted(judged.exceeds))}"
    for account in accounts(judged):
        text += f"<br>{markdown_text(account)}"
    if like.help and judged.state != "approved":
        text += f"<br>next: {markdown_text(cut(like.help))}"
    return text
