"""Approvals in a report: what lifted a finding, what did not and why, and who may lift what is open.

What is returned are plain texts of one line each; every reporter escapes them in its own way.
"""

from __future__ import annotations

import re

from specguard.model import path_text, shortened
from specguard.reporters.escape import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.model import Judged, Lift, RuleResult

NAMED: Final = 3
"""So many files are named in a command that approves."""

_LONGEST_WORD: Final = 240
"""A longer name is not put into a command."""

_PROOFS: Final = {
    "signature": "signed",
    "platform": "by a review on the platform",
    "base": "in the base",
    "local": "unsigned, which CI will not take",
}


def short_id(lift: Lift) -> str:
    """The digits by which people name an approval."""
    return lift.id[:12]


def accounts(judged: Judged) -> list[str]:
    """A line for each approval that names a finding: those that count, then those that do not, with why."""
    return [_account(lift) for lift in judged.lifts if not lift.refusals] + [
        refused(lift) for lift in judged.lifts if lift.refusals
    ]


def proven(lift: Lift) -> str:
    """What proves an approval, in words."""
    return _PROOFS.get(lift.proof, lift.proof)


def until(lift: Lift) -> str:
    """Until when an approval holds, as `YYYY-MM-DD HH:MM UTC`."""
    return re.sub(r"T(\d\d:\d\d):\d\dZ$", r" \1 UTC", lift.expires_at)


def _account(lift: Lift) -> str:
    ticket = f" ({shortened(lift.ticket, 80)})" if lift.ticket else ""
    return (
        f"approval {short_id(lift)} by {shortened(lift.approver)} until {until(lift)}, {proven(lift)}: "
        f"{shortened(lift.reason, 300)}{ticket}"
    )


def refused(lift: Lift) -> str:
    """That an approval does not count, and why."""
    reasons = shortened("; ".join(lift.refusals), 600)
    return f"approval {short_id(lift)} by {shortened(lift.approver)} does not count: {reasons}"


def may_approve(result: RuleResult, source: str = "") -> tuple[str, str] | None:
    """Who may approve what a rule found, as a clause, and the command; None where nobody may.

    Args:
        result: the rule's.
        source: where the change was read, as the `change` of a report has it.
    """
    found = [judged for judged in result.findings if judged.state == "open" and judged.severity == "error"]
    if not result.approvers or not found:
        return None
    people = [shortened(name) for name in result.approvers]
    who = f"{', '.join(people[:-1])} or {people[-1]}" if len(people) > 1 else people[0]
    paths = list(dict.fromkeys(judged.finding.path for judged in found))
    words, named = _path_words(paths)
    flags = {"staged": " --staged", "worktree": " --worktree"}.get(source, "")
    command = (
        f"specguard approve {result.code}{words}{flags} --approved-by {shell_word(result.approvers[0])} "
        '--reason "..."'
    )
    many = f", which takes {result.persons} persons" if result.persons > 1 else ""
    rest = len(paths) - named
    count = f"; the command names {named} of {len(paths)} files" if words and rest else ""
    return f"{who} may approve {'this' if len(found) == 1 else 'these'}{many}{count}", command


def _path_words(paths: Sequence[bytes | None]) -> tuple[str, int]:
    """The options that name the first of some files, and how many these are; none where one has no file."""
    if None in paths:
        return "", 0
    words = [word for path in paths if path is not None and len(word := shell_word(path)) <= _LONGEST_WORD]
    return "".join(f" --path {word}" for word in words[:NAMED]), len(words[:NAMED])


def shell_word(word: str | bytes) -> str:
    r"""A text as one word of a shell's command line, in which nothing is unseen or obeyed by a log either.

    Plain where it can be, else in single quotes, else as bash, zsh and POSIX 2024 write bytes: `$'\xff'`.
    """
    raw = word.encode("utf-8", "surrogateescape") if isinstance(word, str) else word
    text = path_text(raw)
    if re.fullmatch(r"[A-Za-z0-9_./@%+=:,-]+", text):
        return text
    seen = visible(text) == text and text.encode() == raw
    if seen and "'" not in text:
        return f"'{text}'"
    return f"$'{''.join(_shell_bytes(raw))}'"


def _shell_bytes(raw: bytes) -> Iterator[str]:
    for byte in raw:
        char = chr(byte)
        # Two digits are all that is read, whatever stands behind them.
        yield char if re.fullmatch(r"[A-Za-z0-9_./@%+=:, -]", char) else f"\\x{byte:02x}"
