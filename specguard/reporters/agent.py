"""The report for an agent: short blocks that say what is wrong, whose words say so, and what to do."""

from __future__ import annotations

from specguard.reporters.escape import cut, cut_path, visible
from specguard.reporters.text import Style, located, undecided, verdict_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.model import Judged, RuleResult, Verdict

SHOWN: Final = 20
"""So many findings of a verdict are shown before the rest is counted."""

_QUOTED: Final = 200

_UNTOUCHED: Final = frozenset({"PTH001", "PTH002", "PTH004", "PTH006", "PTH009"})
"""Rules whose findings are mended, before anything is written, by not writing it."""


def render(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as blocks with a blank line between them; the last line of each verdict counts all states.

    A block has the rule and the place, the authority's words, the smallest next step, and how a person is
    asked. Approved and baselined findings, and what is below a warning, are left out.
    """
    return "".join(f"{part}\n" for verdict in verdicts for part in _parts(verdict))


def _parts(verdict: Verdict) -> Iterator[str]:
    blocks = list(blocks_of(verdict))
    for one in blocks[:SHOWN]:
        yield f"{one}\n"
    if len(blocks) > SHOWN:
        yield f"and {len(blocks) - SHOWN} more; `specguard check --output-format json` has them all\n"
    yield verdict_line(verdict, Style())


def blocks_of(verdict: Verdict, *, errors: bool = False) -> Iterator[str]:
    """A block for each open finding, and one for each fact without which rules could not be judged.

    Args:
        verdict: the verdict.
        errors: leave out what is below an error.
    """
    source = str(verdict.change.get("source"))
    for result in verdict.results:
        for judged in result.findings:
            if judged.state == "open" and (
                judged.severity == "error" or (judged.severity == "warning" and not errors)
            ):
                yield block(judged, result, source)
    for results in undecided(verdict):
        if errors and not any(result.incomplete for result in results):
            continue
        codes = ", ".join(f"{result.code} {result.name}" for result in results)
        step = f"\n  next: {visible(cut(results[0].command))}" if results[0].command else ""
        yield f"{codes} could not be judged: {visible(cut(results[0].reason or ''))}{step}"


def block(judged: Judged, result: RuleResult, source: str) -> str:
    """One finding: rule and place, the authority's words, the next step, and how to ask a person.

    Args:
        judged: the finding.
        result: its rule's result.
        source: where the change was read; of an `edit` nothing has been written yet.
    """
    word = "" if judged.severity == "error" else f" ({judged.severity})"
    lines = [f"{judged.code} {judged.name}{word}: {located(judged)}"]
    if judged.authority is not None:
        quote = f": {visible(cut(judged.quote, _QUOTED))}" if judged.quote else ""
        lines.append(f"  authority: {visible(cut_path(str(judged.authority)))}{quote}")
    step = judged.finding.help
    if source == "edit" and judged.code in _UNTOUCHED:
        step = "Leave it as it is, and do without this edit: nothing has been written."
    if step:
        lines.append(f"  next: {visible(cut(step))}")
    if judged.severity == "error":
        lines.append(f"  person: {_person(result, source)}")
    return "\n".join(lines)


def _person(result: RuleResult, source: str) -> str:
    """How a person is asked: who may approve, and with which command; never for the agent to run."""
    if result.approvers:
        from specguard.reporters.approvals import may_approve

        allowed = may_approve(result, source)
        if allowed:
            who, command = map(visible, allowed)
            if source == "edit":
                return f"{who}; say what you want to change and why, and wait"
            return f"{who}, with: {command}"
    return "if this has to be, stop and tell the person you work for what you want to change and why"
