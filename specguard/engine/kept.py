"""What rules found in a whole tree, kept for the next time that the same tree is judged by the same policy.

A rule's outcome is kept where it is made of nothing but what names it here: commits, policy, branch, pull
request and day. Commits stand for everything below them, trees and history. So a rule is known by the facts
that it asks for: one that asks for anything else (refs, a remote, the working tree's runs) is run each time.
"""

from __future__ import annotations

import json

from specguard.engine.run import Outcome
from specguard.errors import MissingFact, NotApplicable
from specguard.model import Finding, Origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from typing import Any, Final

    from specguard.authority.cache import Cache
    from specguard.authority.policy import Policy, RuleInPolicy
    from specguard.change.change import Change

PURE: Final = frozenset(
    {
        "artifacts", "base", "base_files", "branch", "breakdowns", "commits", "documents", "entries",
        "guards", "head_files", "history", "messages", "objects", "plans", "policy", "pull_request",
        "sources", "specs", "stage", "start_documents", "start_files", "today", "waves", "whole", "work",
        "work_item",
    }
)  # fmt: skip
"""The facts of a range that follow from what names it. Facts of declared tables do as well."""

BUILT_IN: Final = "specguard_rules"
"""The package whose rules are known to ask for facts alone."""

LIMIT: Final = 8 << 20
"""Outcomes that take more bytes than this are not kept."""

_FIELDS: Final = (
    "message", "help", "line", "end_line", "commit", "field", "side", "key", "severity", "setting", "same_as",
)  # fmt: skip

_PATHS: Final = ("path", "moved")


class Kept:
    """The outcomes of one change's rules.

    Args:
        cache: where they are kept.
        names: what they follow from.
        declared: whether a fact is a declared table's.
    """

    def __init__(self, cache: Cache, names: Mapping[str, str], declared: Callable[[str], bool]) -> None:
        self._cache = cache
        self._names = names
        self._declared = declared
        self._changed = False
        stored = cache.read(names)
        self._stored: dict[str, Any] = dict(stored) if isinstance(stored, dict) else {}

    def get(self, code: str) -> Outcome | None:
        """What a rule found the last time; None where that is not known."""
        data = self._stored.get(code)
        try:
            return None if data is None else _outcome(data)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def keep(self, rule: RuleInPolicy, outcome: Outcome) -> None:
        """Keep what a rule found, where it follows from what names it.

        What another plugin's rule does beside asking for facts is not known.
        """
        pure = all(name in PURE or self._declared(name) for name in outcome.facts)
        if pure and outcome.complete and rule.package == BUILT_IN:
            self._stored[rule.code] = _data(outcome)
            self._changed = True

    def save(self) -> None:
        """Write what is new."""
        if self._changed:
            self._cache.write(self._names, self._stored, {BUILT_IN}, limit=LIMIT)


def names_of(change: Change, policy: Policy, today: date) -> Mapping[str, str] | None:
    """What the outcomes of a change's rules follow from; None where they follow from more than names say.

    Args:
        change: what is judged.
        policy: what it is judged by.
        today: the UTC date.
    """
    if change.source != "range" or change.stage not in ("range", "pull-request"):
        return None
    if not all(oid for _, oid in policy.documents):
        # A file that was named on the command line has no name that says what is in it.
        return None
    try:
        base = change.base
    except (MissingFact, NotApplicable):
        return None
    said = {
        "kind": "results",
        "policy": [policy.policy_id, policy.ref, policy.trusted, sorted(map(repr, policy.adopted))],
        "documents": [list(document) for document in policy.documents],
        "commits": [base.tip, base.start, base.head, list(base.merge_bases)],
        "base": [base.name, base.trusted, change.found.how],
        "branch": _known(lambda: [change.branch.name, change.branch.source]),
        "pull request": _known(lambda: _text(change)),
        "stage": change.stage,
        "today": today.isoformat(),
    }
    return {key: json.dumps(value) for key, value in said.items()}


def _text(change: Change) -> list[Any]:
    text = change.pull_request
    return [text.title, text.body, text.base, text.number]


def _known(read: Callable[[], list[Any]]) -> Any:
    try:
        return read()
    except (MissingFact, NotApplicable) as absent:
        return f"{type(absent).__name__}: {absent}"


def _data(outcome: Outcome) -> dict[str, Any]:
    return {
        "findings": [_finding_data(finding) for finding in outcome.findings],
        "absent": None if outcome.absent is None else outcome.absent.reason,
        "condition": outcome.condition,
        "looked_at": outcome.looked_at,
    }


def _outcome(data: Mapping[str, Any]) -> Outcome:
    outcome = Outcome()
    outcome.findings = [_finding(one) for one in data["findings"]]
    outcome.absent = None if data["absent"] is None else NotApplicable(data["absent"])
    outcome.condition = data["condition"]
    outcome.looked_at = data["looked_at"]
    return outcome


def _finding_data(finding: Finding) -> dict[str, Any]:
    data = {name: value for name in _FIELDS if (value := getattr(finding, name)) is not None}
    for name in _PATHS:
        path = getattr(finding, name)
        if path is not None:
            data[name] = path.decode("utf-8", "surrogateescape")
    if finding.authority is not None:
        data["authority"] = [finding.authority.path, finding.authority.line]
    return data


def _finding(data: Mapping[str, Any]) -> Finding:
    values = dict(data)
    authority = values.pop("authority", None)
    values["same_as"] = tuple(values.get("same_as", ()))
    for name in _PATHS:
        if name in values:
            values[name] = values[name].encode("utf-8", "surrogateescape")
    return Finding(
        **values,
        authority=None if authority is None else Origin(*authority),
    )
