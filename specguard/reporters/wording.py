"""What every report says of a finding, a rule that could not be judged, and an error: lines for a reader.

Nothing in these lines is unseen or obeyed, and each report escapes them further in its own way.
"""

from __future__ import annotations

from specguard.errors import named
from specguard.model import SEVERITIES
from specguard.reporters.approvals import accounts
from specguard.reporters.escape import cut, cut_path, visible
from specguard.reporters.text import decided_by, more_than_accepted, said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from specguard.errors import SpecguardError
    from specguard.model import Judged, RuleResult, Verdict
    from specguard.reporters.folding import Fold

    Weight = Literal["error", "warning", "info"]

    Told = tuple[Verdict, Judged]


def most_severe_first(verdicts: Sequence[Verdict]) -> list[Told]:
    """The findings of all verdicts, each with its own: open ones first, of these the most severe first."""
    found = [(verdict, judged) for verdict in verdicts for judged in verdict.findings]
    # The order is stable: findings that weigh the same stay in that of a report.
    return sorted(
        found, key=lambda told: (told[1].state != "open", -SEVERITIES.index(told[1].severity), told[1].place)
    )


def weight(verdict: Verdict, judged: Judged) -> Weight:
    """How much a finding weighs where it is shown.

    What is approved or baselined is told and no more; in a dry run no error fails, so each is a warning.
    """
    if judged.state != "open" or judged.severity in ("info", "off"):
        return "info"
    return "warning" if verdict.dry_run or judged.severity == "warning" else "error"


def title(judged: Judged) -> str:
    """A finding's rule."""
    return f"{judged.code} {judged.name}"


def lines(judged: Judged, like: Fold | None = None) -> list[str]:
    """What a finding says: its message, the line that decides, its approvals, and the next step.

    Args:
        judged: the finding.
        like: the findings that it is told with.
    """
    finding = judged.finding
    step = like.help if like else finding.help
    state = "" if judged.state == "open" else f"({judged.state}) "
    commit = "" if finding.commit is None else f"commit {finding.commit[:12]}: "
    told = [f"{commit}{state}{said(judged)}{like.others if like else ''}"]
    if by := decided_by(judged):
        told.append(f"by {by}")
    if judged.exceeds:
        told.append(more_than_accepted(judged.exceeds))
    told += accounts(judged)
    if step and judged.state != "approved":
        told.append(f"next: {cut(step)}")
    # A line is begun here alone: what comes from the change has none.
    return list(map(visible, told))


def undecided_lines(result: RuleResult) -> list[str]:
    """That a rule could not be judged, why, and the command that supplies what is missing."""
    told = [f"could not be judged: {visible(cut(result.reason or ''))}{named(result.error)}"]
    return [*told, f"next: {visible(cut(result.command))}"] if result.command else told


def error_lines(error: SpecguardError) -> list[str]:
    """What an error says, and its next step."""
    told = [f"{visible(cut(error.message))}{named(error.code)}"]
    return [*told, f"next: {visible(cut(error.help))}"] if error.help else told


def policy_lines(verdict: Verdict) -> list[str]:
    """What the change does to the policy, as far as no finding says it; nothing where it does nothing."""
    if not verdict.policy_change:
        return []
    from specguard.reporters import differences

    told = [f"policy: {differences.headline(verdict)}"]
    rest = differences.unsaid(verdict)
    for difference in rest[: differences.SHOWN]:
        at = cut_path(differences.at(difference))
        account = f"{differences.word(difference)} {differences.account(difference)}"
        told.append(f"{account} ({at})" if at else account)
    if len(rest) > differences.SHOWN:
        told.append(f"and {len(rest) - differences.SHOWN} more")
    return list(map(visible, told))
