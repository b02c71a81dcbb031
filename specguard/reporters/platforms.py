"""Reports for GitHub: the log of a job, and the page of Markdown.

The runner reads commands from every line of the log: `::name` at its start, and the older `##[name` anywhere
in it. So nothing of a change is printed but as an escaped part of a command. It shows ten annotations of each
kind a step and drops the others in silence, hence the order, and the line that counts what was cut.

It is GitHub's Markdown, and everything that comes from a change is escaped, so that no markup, link, mention
or reference of it is left. A page ends before the platform would refuse it.
"""

from __future__ import annotations

from specguard.model import listed, path_text
from specguard.reporters.escape import (
    cut,
    cut_path,
    markdown_code,
    markdown_text,
    workflow_data,
    workflow_property,
)
from specguard.reporters.text import (
    Style,
    counted,
    decided_by,
    fold,
    gravest_first,
    more_than_accepted,
    said,
    titles,
    undecided,
    verdict_line,
)
from specguard.reporters.wording import (
    DIFFERENCES_SHOWN,
    accounts,
    difference_place,
    difference_text,
    effect_word,
    error_lines,
    lines,
    may_approve,
    place,
    policy_headline,
    policy_lines,
    relative,
    title,
    undecided_lines,
    unsaid_differences,
    weight,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.errors import SpecguardError
    from specguard.model import Verdict
    from specguard.reporters.text import Fold


MOST: Final = 10
"""How many annotations of a kind the runner keeps for a step (`_maxCountPerIssueType` of actions/runner)."""

LONGEST_MESSAGE: Final = 4096
"""How many characters of a message the runner keeps (`_maxIssueMessageLength`)."""

_KINDS: Final = {"error": "error", "warning": "warning", "info": "notice"}


def render_github(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as workflow commands, errors first, a line that counts what was cut, and verdict lines.

    In a dry run errors become warnings, since they do not fail the job. What is approved or baselined is a
    notice, and so is who may approve what; a change of the policy is a warning, unless it only tightens.
    """
    annotations: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for verdict in verdicts:
        for results in undecided(verdict):
            kind = "error" if results[0].incomplete else "warning"
            told = "\n".join(undecided_lines(results[0]))
            annotations[kind].append(_command(kind, told, title=titles(results)))
    for verdict in verdicts:
        if verdict.policy_change:
            tightens = all(difference["effect"] == "tightens" for difference in verdict.policy_change)
            kind = "notice" if tightens else "warning"
            annotations[kind].append(_policy_annotation(kind, verdict))
        for result in verdict.results:
            if allowed := may_approve(result, str(verdict.change.get("source"))):
                annotations["notice"].append(_command("notice", "\n".join(allowed), title=titles([result])))
        for likes in _guards_first(verdict):
            kind = _KINDS[weight(verdict, likes[0].first)]
            annotations[kind].append(_annotation(kind, likes))
    shown = [line for found in annotations.values() for line in found[:MOST]]
    cut = [
        f"{len(found) - MOST} more {kind}{'s' if len(found) - MOST > 1 else ''}"
        for kind, found in annotations.items()
        if len(found) > MOST
    ]
    if cut:
        shown.append(f"specguard: GitHub shows {MOST} annotations of a kind; there are {', '.join(cut)}")
    shown += [verdict_line(verdict, Style()) for verdict in verdicts]
    return "".join(f"{line}\n" for line in shown)


def error_report_github(error: SpecguardError) -> str:
    """The annotations that there is no verdict, and why."""
    told = []
    for one in error.each()[:MOST]:
        path = relative(one.path) if one.path else None
        properties = _file(path, one.line)
        told.append(_command("error", "\n".join(error_lines(one)), **properties, title="no verdict"))
    return "".join(f"{line}\n" for line in told)


def _file(path: bytes | None, line: int | None, end: int | None = None) -> dict[str, str]:
    """The properties that say where; none without a file."""
    if not path:
        return {}
    found = {"file": cut(path_text(path), LONGEST_MESSAGE)}
    if line:
        found["line"] = str(line)
    if line and end:
        found["endLine"] = str(end)
    return found


def _guards_first(verdict: Verdict) -> list[list[Fold]]:
    """Like findings: guarded paths first, those without a file last; a rule's commits together."""
    found: dict[object, list[Fold]] = {}
    for result in verdict.results:
        for like in fold(result.findings, verdict):
            finding = like.first.finding
            of_commit = finding.path is None and finding.commit is not None and not like.first.lifts
            key = (like.first.severity, like.first.state, result.code) if of_commit else id(like)
            found.setdefault(key, []).append(like)

    def order(likes: list[Fold]) -> tuple[bool, bool]:
        return likes[0].first.finding.path is None, not likes[0].first.code.startswith("PTH")

    return sorted(found.values(), key=order)


def _annotation(kind: str, likes: Sequence[Fold]) -> str:
    like = likes[0]
    finding = like.first.finding
    told = lines(like.first, like)
    if likes[1:]:
        others = [(one.first.finding.commit or "")[:12] for one in likes[1:]]
        told.insert(1, f"and so {'commit' if len(others) == 1 else 'commits'} {listed(others, MOST)}")
    properties = _file(finding.path, finding.line, finding.end_line or finding.line)
    return _command(kind, "\n".join(told), **properties, title=title(like.first))


def _policy_annotation(kind: str, verdict: Verdict) -> str:
    """What the change does to the policy, where it is written first."""
    path, line = place(next(iter([*unsaid_differences(verdict), *verdict.policy_change])))
    properties = {} if path.startswith("preset:") else _file(path.encode("utf-8", "surrogateescape"), line)
    told = policy_lines(verdict, MOST)
    told[0] = told[0].removeprefix("policy: ")
    return _command(kind, "\n".join(told), **properties, title="policy")


def _command(kind: str, message: str, **properties: str) -> str:
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE - 3]}..."
    fields = ",".join(f"{name}={workflow_property(value)}" for name, value in properties.items())
    return f"::{kind} {fields}::{workflow_data(message)}"


SUMMARY_LIMIT: Final = 1_000_000
"""How many bytes of summary are written; the platform drops the whole page above 1024 * 1024."""

COMMENT_LIMIT: Final = 65_000
"""How many bytes a page for a comment has; GitHub refuses a body of more than 65,536 characters."""


def render_markdown(verdicts: Sequence[Verdict], *, limit: int = COMMENT_LIMIT) -> str:
    """The verdicts as a page, cut where it would be larger than the platform takes.

    Args:
        verdicts: one, or one a ref of a push.
        limit: how many bytes the page has at most.
    """
    return _within([part for verdict in verdicts for part in _page(verdict)], limit)


def error_report_markdown(error: SpecguardError) -> str:
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
    yield f"\n### policy\n\n{policy_headline(verdict).capitalize()}.\n\n"
    rest = unsaid_differences(verdict)
    for difference in rest[:DIFFERENCES_SHOWN]:
        at = cut_path(difference_place(difference))
        account = markdown_text(difference_text(difference))
        yield f"- **{effect_word(difference)}** {account}{f' ({markdown_code(at)})' if at else ''}\n"
    if len(rest) > DIFFERENCES_SHOWN:
        yield f"- and {len(rest) - DIFFERENCES_SHOWN} more\n"


def _item(like: Fold) -> str:
    judged = like.first
    finding = judged.finding
    parts = [f"**{judged.severity}**"]
    if judged.state != "open":
        parts.append(f"({judged.state})")
    if finding.path is not None:
        line = f":{finding.line}" if finding.line else ""
        parts.append(markdown_code(f"{cut_path(path_text(finding.path))}{line}"))
    if finding.commit is not None:
        parts.append(f"commit {markdown_code(finding.commit[:12])}")
    told = [f"{' '.join(parts)}: {markdown_text(said(judged) + like.others)}"]
    if by := decided_by(judged):
        told.append(f"by {markdown_code(by) if judged.authority else markdown_text(by)}")
    if judged.exceeds:
        told.append(markdown_text(more_than_accepted(judged.exceeds)))
    told += map(markdown_text, accounts(judged))
    if like.help and judged.state != "approved":
        told.append(f"next: {markdown_text(cut(like.help))}")
    return "<br>".join(told)
