"""Short reports: blocks for an agent, and one line per finding for `grep`."""

from __future__ import annotations

from specguard.model import TYPE_CHECKING, Judged, RuleResult, Verdict, listed
from specguard.reporters import text
from specguard.reporters.escape import cut, cut_path, visible

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from typing import Final

    from specguard.reporters.text import Fold

    Block = tuple[str, str, str]
    """The text, how to ask a person (empty if nobody has to be asked), and the rule with its place."""


MOST_WORDS: Final = 600
"""The approximate number of words of a verdict that are shown; the rest is counted."""

_LONGEST_QUOTE: Final = 120
_REST: Final = 22
"""The number of words that are reserved for the line that counts the rest."""

_LEAST_WORDS: Final = 12
"""The number of words that a shortened message keeps at least."""

_EDIT_GUARDS: Final = frozenset({"PTH001", "PTH002", "PTH004", "PTH006", "PTH009"})
"""Rules whose findings an agent avoids, before the file is written, by not editing it."""


def render_agent(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as blocks with blank lines between them.

    A block has the rule and the place, the authority's words, and the smallest next step. The way to ask a
    person follows the last block. The last line of each verdict counts all states. Approved and baselined
    findings, and those below a warning, are left out.
    """
    return "".join(f"{part}\n" for verdict in verdicts for part in _verdict_parts(verdict))


def _verdict_parts(verdict: Verdict) -> Iterator[str]:
    if blocks := list(finding_blocks(verdict)):
        yield join_blocks(blocks, MOST_WORDS, "; `specguard check --output-format json` has them all") + "\n"
    yield text.verdict_line(verdict, text.Style())


def join_blocks(blocks: Sequence[Block], words: int, more: str = "") -> str:
    """Join as many blocks as fit into a number of words; the first block is shortened if it must be.

    Args:
        blocks: the blocks.
        words: the number of words that are available.
        more: a text after the list of blocks that do not fit.
    """
    texts: list[str] = []
    persons: list[str] = []
    for number, (block, person, _) in enumerate(blocks, 1):
        all_persons = [*persons, person] if person and person not in persons else persons
        if not texts:
            block = _shorten(block, words - len(f"person: {person}".split()) - _REST * (len(blocks) > 1))
        elif len(" ".join([*texts, block, *all_persons]).split()) > words - _REST * (number < len(blocks)):
            break
        texts.append(block)
        persons = all_persons
    if left := dict.fromkeys(name for _, _, name in blocks[len(texts) :]):
        # Rules that have no block come first, since the list is short.
        shown = {name.split()[0] for _, _, name in blocks[: len(texts)]}
        rest = sorted(left, key=lambda name: name.split()[0] in shown)
        texts.append(f"and more: {listed(rest)}{more}")
    if persons:
        texts.append("\n".join(f"person: {person}" for person in persons))
    return "\n\n".join(texts)


def _shorten(block: str, words: int) -> str:
    """Return a block cut to a number of words, if its message is long enough to be cut."""
    message, *rest = block.split("\n")
    parts = message.split(" ")
    count = max(len(parts) - len(block.split()) + words, _LEAST_WORDS)
    return block if count >= len(parts) else "\n".join([f"{' '.join(parts[:count])}...", *rest])


def finding_blocks(verdict: Verdict, *, errors: bool = False, known: Container[str] = ()) -> Iterator[Block]:
    """Yield a block for each group of similar open findings, and for each fact that undecided rules lack.

    Args:
        verdict: the verdict.
        errors: True to leave out findings below an error, and rules whose missing judgement is not an error.
        known: the fingerprints of findings to leave out.
    """
    shown = ("error",) if errors else ("error", "warning")
    for result in text.gravest_first(verdict):
        found = [
            judged
            for judged in result.findings
            if judged.state == "open" and judged.severity in shown and judged.fingerprint not in known
        ]
        yield from (_block(group, result, verdict) for group in text.fold(found, verdict))
    for results in text.group_undecided(verdict, by_severity=errors):
        if errors and not results[0].incomplete:
            continue
        codes = ", ".join(f"{result.code} {result.name}" for result in results)
        reason = "\n  next: ".join(text.undecided_lines(results[0]))
        yield f"{codes} could not be judged: {reason}", "", codes


def _block(group: Fold, result: RuleResult, verdict: Verdict) -> Block:
    """Return similar findings as a block: rule, place, the authority's words, next step, and whom to ask."""
    judged = group.first
    word = "" if judged.severity == "error" else f" ({judged.severity})"
    count = f" ({group.count} findings)" if group.count > 1 else ""
    lines = [f"{judged.code} {judged.name}{word}{count}: {text.one_line(judged)}{visible(group.others)}"]
    quote = f": {visible(cut(judged.quote, _LONGEST_QUOTE))}" if judged.quote else ""
    place = "on by default" if judged.authority is None else visible(cut_path(str(judged.authority)))
    lines.append(f"  authority: {place}{quote}")
    step = group.help
    if verdict.change.get("source") == "edit" and judged.code in _EDIT_GUARDS:
        step = "Leave it as it is: nothing has been written."
    if step:
        lines.append(f"  next: {visible(cut(step))}")
    person = _person(result, verdict) if judged.severity == "error" else ""
    name = f"{judged.code} {text.place_text(judged).removesuffix(': ')}".rstrip()
    return "\n".join(lines), person, f"{name} ({group.count} findings)" if group.count > 1 else name


def _person(result: RuleResult, verdict: Verdict) -> str:
    """Return the way to ask a person: who may approve, and the command, which the agent must not run."""
    if result.approvers:
        from specguard.reporters.wording import approval_offer

        if offer := approval_offer(result, verdict):
            who, command = map(visible, offer)
            if verdict.change.get("source") == "edit":
                return f"{who}; say what you want to change and why, and wait"
            return f"{who}, with: {command}"
    return "if this has to be, stop and tell the person you work for what and why"


def render_concise(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as lines `path:line: CODE message`.

    A finding that is below an error, approved or baselined says so at its end. Further lines are for rules
    that could not be judged, and for rules whose errors somebody may approve. Settings that the change alters
    have a line unless a finding names them. The last line of each verdict counts all states.
    """
    return "".join(f"{line}\n" for verdict in verdicts for line in _lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    from specguard.reporters.wording import approval_offer, difference_text, unreported_differences

    for result in verdict.results:
        for judged in result.findings:
            field = judged.finding.field
            where = text.place_text(judged) or (f"{field}: " if field else "")
            yield f"{where}{judged.code} {visible(text.shown_message(judged))}{_remark(judged)}"
        if offer := approval_offer(result, verdict):
            yield visible(f"{result.code} {': '.join(offer)}")
        if result.state == "indeterminate":
            yield f"{result.code} could not be judged: {'; next: '.join(text.undecided_lines(result))}"
    for what, place in map(difference_text, unreported_differences(verdict)):
        yield visible(f"{place}: policy: {what}" if place else f"policy: {what}")
    yield text.verdict_line(verdict, text.Style())


def _remark(judged: Judged) -> str:
    remarks: list[str] = [word for word in (judged.severity, judged.state) if word not in ("error", "open")]
    remarks += [visible(line) for kind, line in text.details(judged) if kind in ("more", "")]
    return f" ({', '.join(remarks)})" if remarks else ""
