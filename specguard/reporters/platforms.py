"""Reports for platforms: logs of GitHub and Azure, GitLab's widget, and the page of Markdown.

The runner reads commands from every line of the log: `::name` at its start, and the older `##[name` anywhere
in it. So nothing of a change is printed but as an escaped part of a command. It shows ten annotations of each
kind a step and drops the others in silence, hence the order, and the line that counts what was cut.

The fields are those of "Code quality report format" in GitLab's documentation: no path begins with `./`, and
of several issues with one fingerprint only one is shown.

The agent reads `##vso[` anywhere in a line, so nothing of a change is printed but as an escaped part of a
command. It knows errors and warnings; what weighs less is told in plain lines.

It is GitHub's Markdown, and everything that comes from a change is escaped, so that no markup, link, mention
or reference of it is left. A page ends before the platform would refuse it.
"""

from __future__ import annotations

import hashlib

from specguard.model import listed, path_text
from specguard.reporters.escape import (
    LONGEST,
    azure_data,
    azure_property,
    cut,
    cut_path,
    json_text,
    markdown_code,
    markdown_text,
    visible,
    workflow_data,
    workflow_property,
)
from specguard.reporters.text import (
    Style,
    counted,
    decided_by,
    fold,
    gravest_first,
    located,
    more_than_accepted,
    said,
    titles,
    undecided,
    verdict_line,
)
from specguard.reporters.wording import (
    Place,
    accounts,
    authority_of,
    error_lines,
    lines,
    may_approve,
    most_severe_first,
    place_of,
    place_of_error,
    policy_lines,
    relative,
    title,
    undecided_lines,
    weight,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final, Literal

    from specguard.errors import SpecguardError
    from specguard.model import Verdict
    from specguard.reporters.text import Fold

    Severity = Literal["info", "minor", "major", "critical", "blocker"]


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
            annotations[kind].append(
                _command(kind, "\n".join(undecided_lines(results[0])), title=titles(results))
            )
    for verdict in verdicts:
        if verdict.policy_change:
            kind = _policy_kind(verdict)
            annotations[kind].append(_policy_annotation(kind, verdict))
        for result in verdict.results:
            allowed = may_approve(result, str(verdict.change.get("source")))
            if allowed:
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
    return "".join(
        f"{_command('error', chr(10).join(error_lines(one)), **_error_place(one), title='no verdict')}\n"
        for one in error.each()[:MOST]
    )


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
    properties: dict[str, str] = {}
    if finding.path is not None:
        properties["file"] = cut(path_text(finding.path), LONGEST_MESSAGE)
        if finding.line:
            properties["line"] = str(finding.line)
            properties["endLine"] = str(finding.end_line or finding.line)
    told = lines(like.first, like)
    if likes[1:]:
        others = [(one.first.finding.commit or "")[:12] for one in likes[1:]]
        told.insert(1, f"and so {'commit' if len(others) == 1 else 'commits'} {listed(others, MOST)}")
    return _command(kind, "\n".join(told), **properties, title=title(like.first))


def _policy_kind(verdict: Verdict) -> str:
    tightens = all(difference["effect"] == "tightens" for difference in verdict.policy_change)
    return "notice" if tightens else "warning"


def _policy_annotation(kind: str, verdict: Verdict) -> str:
    """What the change does to the policy, where it is written first."""
    from specguard.reporters import wording

    rest = wording.unsaid_differences(verdict)
    told = [wording.policy_headline(verdict)]
    for difference in rest[:MOST]:
        at = cut_path(wording.difference_place(difference))
        account = f"{wording.effect_word(difference)} {wording.difference_text(difference)}"
        told.append(f"{account} ({at})" if at else account)
    if len(rest) > MOST:
        told.append(f"and {len(rest) - MOST} more")
    path, line = wording.place(next(iter(rest or verdict.policy_change)))
    properties = {"file": cut(path, LONGEST_MESSAGE)} if path and not path.startswith("preset:") else {}
    if properties and line:
        properties["line"] = str(line)
    return _command(kind, "\n".join(map(visible, told)), **properties, title="policy")


def _error_place(error: SpecguardError) -> dict[str, str]:
    path = relative(error.path) if error.path else None
    if not path:
        return {}
    return {
        "file": cut(path_text(path), LONGEST_MESSAGE),
        **({"line": str(error.line)} if error.line else {}),
    }


def _command(kind: str, message: str, **properties: str) -> str:
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE - 3]}..."
    fields = ",".join(f"{name}={workflow_property(value)}" for name, value in properties.items())
    return f"::{kind} {fields}::{workflow_data(message)}"


_SEVERITIES: Final[dict[str, Severity]] = {"error": "critical", "warning": "minor", "info": "info"}


def render_gitlab(verdicts: Sequence[Verdict]) -> str:
    """The findings of all verdicts as issues; a rule that could not be judged is one as well.

    What is approved or in the baseline says so, and is no more than `info`.
    """
    issues = _Issues()
    for verdict in verdicts:
        for result in verdict.results:
            if result.state == "indeterminate":
                told = [f"{result.code} {result.name}", *undecided_lines(result)]
                issues.add(
                    told,
                    result.code,
                    "blocker" if result.incomplete else "major",
                    authority_of(verdict),
                    _digest(result.code, result.reason or ""),
                )
    for verdict, judged in most_severe_first(verdicts):
        issues.add(
            [title(judged), *lines(judged)],
            judged.code,
            _SEVERITIES[weight(verdict, judged)],
            place_of(verdict, judged),
            judged.fingerprint,
        )
    return issues.text


def error_report_gitlab(error: SpecguardError) -> str:
    """The issues that there is no verdict, and why."""
    issues = _Issues()
    for one in error.each():
        told = ["no verdict", *error_lines(one)]
        issues.add(told, "no-verdict", "blocker", place_of_error(one), _digest(*told))
    return issues.text


class _Issues:
    """Issues, each with a fingerprint of its own."""

    def __init__(self) -> None:
        self._data: list[dict[str, Any]] = []
        self._seen: dict[str, int] = {}

    def add(
        self, told: Sequence[str], check: str, severity: Severity, place: Place, fingerprint: str
    ) -> None:
        """Add one.

        Args:
            told: what it says; GitLab does not show the check's name, so that this begins with it.
            check: the name of the check.
            severity: how bad it is.
            place: where it is shown.
            fingerprint: what it is known again by, with others that say the same.
        """
        self._seen[fingerprint] = count = self._seen.get(fingerprint, 0) + 1
        rule, *rest = told
        lines_of_it: dict[str, int] = {"begin": max(1, place.line)}
        if place.end_line > place.line:
            lines_of_it["end"] = place.end_line
        self._data.append(
            {
                "description": f"{rule}: {'; '.join(rest)}",
                "check_name": check,
                "fingerprint": fingerprint if count == 1 else _digest(fingerprint, str(count)),
                "severity": severity,
                "location": {"path": place.text, "lines": lines_of_it},
            }
        )

    @property
    def text(self) -> str:
        """The report."""
        return json_text(self._data) + "\n"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def render_azure(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as issues, errors first, then what is no issue, and verdict lines."""
    issues: list[str] = []
    told: list[str] = []
    for verdict in verdicts:
        for results in undecided(verdict):
            kind = "error" if results[0].incomplete else "warning"
            said = [titles(results), *undecided_lines(results[0])]
            issues.append(_issue(kind, said, None, results[0].code))
    for verdict, judged in most_severe_first(verdicts):
        kind = weight(verdict, judged)
        if kind == "info":
            state = judged.severity if judged.state == "open" else judged.state
            told.append(f"{judged.code} ({state}) {located(judged)}")
        else:
            place = place_of(verdict, judged)
            issues.append(_issue(kind, lines(judged), place if place.own else None, judged.code))
    told += [line for verdict in verdicts for line in policy_lines(verdict)]
    told += [verdict_line(verdict, Style()) for verdict in verdicts]
    return "".join(f"{line}\n" for line in (*issues, *told))


def error_report_azure(error: SpecguardError) -> str:
    """The issues that there is no verdict, and why."""
    issues = []
    for one in error.each():
        place = place_of_error(one) if one.path else None
        issues.append(_issue("error", ["no verdict", *error_lines(one)], place, ""))
    return "".join(f"{line}\n" for line in issues)


def _issue(kind: str, told: Sequence[str], place: Place | None, code: str) -> str:
    properties = {"type": kind}
    if place is not None:
        properties["sourcepath"] = cut(place.text, LONGEST)
        if place.line:
            properties["linenumber"] = str(place.line)
    if code:
        properties["code"] = code
    fields = "".join(f"{name}={azure_property(value)};" for name, value in properties.items())
    return f"##vso[task.logissue {fields}]{azure_data(chr(10).join(told))}"


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
    from specguard.reporters import wording

    yield f"\n### policy\n\n{wording.policy_headline(verdict).capitalize()}.\n\n"
    rest = wording.unsaid_differences(verdict)
    for difference in rest[: wording.DIFFERENCES_SHOWN]:
        at = cut_path(wording.difference_place(difference))
        account = markdown_text(wording.difference_text(difference))
        yield f"- **{wording.effect_word(difference)}** {account}{f' ({markdown_code(at)})' if at else ''}\n"
    if len(rest) > wording.DIFFERENCES_SHOWN:
        yield f"- and {len(rest) - wording.DIFFERENCES_SHOWN} more\n"


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
