"""The report for GitHub: annotations in the job's log, and a page for the step summary.

The runner reads commands from every line of the log: `::name` at its start, and the older `##[name` anywhere
in it. So nothing of a change is printed but as an escaped part of a command. It shows ten annotations of each
kind a step and drops the others in silence, hence the order, and the line that counts what was cut.
"""

from __future__ import annotations

from specguard.model import path_text
from specguard.reporters.approvals import accounts, may_approve
from specguard.reporters.escape import (
    cut,
    cut_path,
    markdown_code,
    markdown_text,
    visible,
    workflow_data,
    workflow_property,
)
from specguard.reporters.text import Style, more_than_accepted, said, titles, undecided, verdict_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.model import Judged, RuleResult, Verdict

MOST: Final = 10
"""How many annotations of a kind the runner keeps for a step (`_maxCountPerIssueType` of actions/runner)."""

LONGEST: Final = 4096
"""How many characters of a message the runner keeps (`_maxIssueMessageLength`)."""

SUMMARY_LIMIT: Final = 1_000_000
"""How many bytes of summary are written; the platform drops the whole page above 1024 * 1024."""

_KINDS: Final = {"error": "error", "warning": "warning", "info": "notice", "off": "notice"}


def render(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as workflow commands, errors first, a line that counts what was cut, and verdict lines.

    In a dry run errors become warnings, since they do not fail the job. What is approved or baselined is a
    notice, and so is who may approve what; a change of the policy is a warning, unless it only tightens.
    """
    annotations: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for verdict in verdicts:
        for results in undecided(verdict):
            kind = "error" if results[0].incomplete else "warning"
            annotations[kind].append(_command(kind, _undecided(results[0]), title=titles(results)))
    for verdict in verdicts:
        if verdict.policy_change:
            kind = _policy_kind(verdict)
            annotations[kind].append(_policy_annotation(kind, verdict))
        for result in verdict.results:
            allowed = may_approve(result, str(verdict.change.get("source")))
            if allowed:
                annotations["notice"].append(_command("notice", "\n".join(allowed), title=titles([result])))
        for judged in verdict.findings:
            kind = _kind(judged, dry_run=verdict.dry_run)
            annotations[kind].append(_annotation(kind, judged))
    lines = [line for found in annotations.values() for line in found[:MOST]]
    cut = [
        f"{len(found) - MOST} more {kind}{'s' if len(found) - MOST > 1 else ''}"
        for kind, found in annotations.items()
        if len(found) > MOST
    ]
    if cut:
        lines.append(f"specguard: GitHub shows {MOST} annotations of a kind; there are {', '.join(cut)}")
    lines += [verdict_line(verdict, Style()) for verdict in verdicts]
    return "".join(f"{line}\n" for line in lines)


def summary(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as a page of Markdown, cut where it would be larger than the platform takes."""
    parts: list[str] = []
    size = 0
    sections = [part for verdict in verdicts for part in _page(verdict)]
    for position, part in enumerate(sections):
        size += len(part.encode("utf-8", "backslashreplace"))
        if size > SUMMARY_LIMIT - 200:
            rest = len(sections) - position
            parts.append(f"\nThe page is cut here; {rest} more lines are in `--output json=FILE`.\n")
            break
        parts.append(part)
    return "".join(parts)


def _kind(judged: Judged, *, dry_run: bool) -> str:
    if judged.state != "open":
        return "notice"
    kind = _KINDS[judged.severity]
    return "warning" if dry_run and kind == "error" else kind


def _annotation(kind: str, judged: Judged) -> str:
    finding = judged.finding
    state = "" if judged.state == "open" else f"({judged.state}) "
    commit = "" if finding.commit is None else f"commit {finding.commit[:12]}: "
    lines = [f"{commit}{state}{said(judged)}"]
    if judged.authority is not None:
        lines.append(f"by {cut_path(str(judged.authority))}")
    if judged.exceeds:
        lines.append(more_than_accepted(judged.exceeds))
    lines += accounts(judged)
    if finding.help and judged.state != "approved":
        lines.append(f"next: {cut(finding.help)}")
    # A line is begun here alone: what comes from the change has none.
    message = "\n".join(map(visible, lines))
    properties: dict[str, str] = {}
    if finding.path is not None:
        properties["file"] = cut(path_text(finding.path), LONGEST)
        if finding.line:
            properties["line"] = str(finding.line)
            properties["endLine"] = str(finding.end_line or finding.line)
    return _command(kind, message, **properties, title=f"{judged.code} {judged.name}")


def _policy_kind(verdict: Verdict) -> str:
    tightens = all(difference["effect"] == "tightens" for difference in verdict.policy_change)
    return "notice" if tightens else "warning"


def _policy_annotation(kind: str, verdict: Verdict) -> str:
    """What the change does to the policy, where it is written first."""
    from specguard.reporters import differences

    rest = differences.unsaid(verdict)
    lines = [differences.headline(verdict)]
    for difference in rest[:MOST]:
        at = cut_path(differences.at(difference))
        account = f"{differences.word(difference)} {differences.account(difference)}"
        lines.append(f"{account} ({at})" if at else account)
    if len(rest) > MOST:
        lines.append(f"and {len(rest) - MOST} more")
    path, line = differences.place(next(iter(rest or verdict.policy_change)))
    properties = {"file": cut(path, LONGEST)} if path and not path.startswith("preset:") else {}
    if properties and line:
        properties["line"] = str(line)
    return _command(kind, "\n".join(map(visible, lines)), **properties, title="policy")


def _command(kind: str, message: str, **properties: str) -> str:
    if len(message) > LONGEST:
        message = f"{message[: LONGEST - 3]}..."
    fields = ",".join(f"{name}={workflow_property(value)}" for name, value in properties.items())
    return f"::{kind} {fields}::{workflow_data(message)}"


def _undecided(result: RuleResult) -> str:
    command = f"\nnext: {visible(cut(result.command))}" if result.command else ""
    return f"could not be judged: {visible(cut(result.reason or ''))}{command}"


def _page(verdict: Verdict) -> Iterator[str]:
    said = "would block" if verdict.dry_run and verdict.outcome == "failed" else verdict.outcome
    subject = verdict.change.get("branch")
    of = f" ({markdown_code(cut_path(str(subject)))})" if subject else ""
    yield f"## specguard: {said}{of}\n\n"
    counts = ", ".join(f"{count} {state}" for state, count in verdict.counts.items() if count)
    yield f"{'Nothing to judge. ' if verdict.empty else ''}Rules: {counts}.\n"
    for result in verdict.results:
        if result.findings:
            yield f"\n### {result.code} {result.name}\n\n"
        for judged in result.findings:
            yield f"- {_item(judged)}\n"
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


def _item(judged: Judged) -> str:
    finding = judged.finding
    state = "" if judged.state == "open" else f" ({judged.state})"
    parts = [f"**{judged.severity}**{state}"]
    if finding.path is not None:
        line = f":{finding.line}" if finding.line else ""
        parts.append(markdown_code(f"{cut_path(path_text(finding.path))}{line}"))
    if finding.commit is not None:
        parts.append(f"commit {markdown_code(finding.commit[:12])}")
    text = f"{' '.join(parts)}: {markdown_text(said(judged))}"
    if judged.authority is not None:
        text += f"<br>by {markdown_code(cut_path(str(judged.authority)))}"
    if judged.exceeds:
        text += f"<br>{markdown_text(more_than_accepted(judged.exceeds))}"
    for account in accounts(judged):
        text += f"<br>{markdown_text(account)}"
    if finding.help and judged.state != "approved":
        text += f"<br>next: {markdown_text(cut(finding.help))}"
    return text
