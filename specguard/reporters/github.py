"""The report for GitHub: annotations in the job's log; the page for the step summary is `markdown`.

The runner reads commands from every line of the log: `::name` at its start, and the older `##[name` anywhere
in it. So nothing of a change is printed but as an escaped part of a command. It shows ten annotations of each
kind a step and drops the others in silence, hence the order, and the line that counts what was cut.
"""

from __future__ import annotations

from specguard.model import listed, path_text
from specguard.reporters.approvals import may_approve
from specguard.reporters.escape import cut, cut_path, visible, workflow_data, workflow_property
from specguard.reporters.folding import fold
from specguard.reporters.places import relative
from specguard.reporters.text import Style, titles, undecided, verdict_line
from specguard.reporters.wording import error_lines, lines, title, undecided_lines, weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.errors import SpecguardError
    from specguard.model import Verdict
    from specguard.reporters.folding import Fold

MOST: Final = 10
"""How many annotations of a kind the runner keeps for a step (`_maxCountPerIssueType` of actions/runner)."""

LONGEST: Final = 4096
"""How many characters of a message the runner keeps (`_maxIssueMessageLength`)."""

_KINDS: Final = {"error": "error", "warning": "warning", "info": "notice"}


def render(verdicts: Sequence[Verdict]) -> str:
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


def error_report(error: SpecguardError) -> str:
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
        properties["file"] = cut(path_text(finding.path), LONGEST)
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
    from specguard.reporters import differences

    rest = differences.unsaid(verdict)
    told = [differences.headline(verdict)]
    for difference in rest[:MOST]:
        at = cut_path(differences.at(difference))
        account = f"{differences.word(difference)} {differences.account(difference)}"
        told.append(f"{account} ({at})" if at else account)
    if len(rest) > MOST:
        told.append(f"and {len(rest) - MOST} more")
    path, line = differences.place(next(iter(rest or verdict.policy_change)))
    properties = {"file": cut(path, LONGEST)} if path and not path.startswith("preset:") else {}
    if properties and line:
        properties["line"] = str(line)
    return _command(kind, "\n".join(map(visible, told)), **properties, title="policy")


def _error_place(error: SpecguardError) -> dict[str, str]:
    path = relative(error.path) if error.path else None
    if not path:
        return {}
    return {"file": cut(path_text(path), LONGEST), **({"line": str(error.line)} if error.line else {})}


def _command(kind: str, message: str, **properties: str) -> str:
    if len(message) > LONGEST:
        message = f"{message[: LONGEST - 3]}..."
    fields = ",".join(f"{name}={workflow_property(value)}" for name, value in properties.items())
    return f"::{kind} {fields}::{workflow_data(message)}"
