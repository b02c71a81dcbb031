"""What the chosen changes of a store come to: counts, and what to look at first."""

from __future__ import annotations

import json
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Final

from specguard.declaration.rule import Record
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from specguard.audit.store import AuditStore

MOST: Final = 20
"""So many paths are told of, those that are broken most."""

SOON: Final = 30
"""An approval that ends within so many days is told of."""

_PASSED: Final = ("passed", "accepted")
_JUDGED: Final = (*_PASSED, "failed", "indeterminate")


class Approved(Record):
    """Findings of one rule that one approval has lifted.

    Attributes:
        code: the rule's.
        approver: who gave it.
        id: the approval's.
        ends: its last day, `YYYY-MM-DD`.
        findings: how many.
        repositories: in how many repositories.
        soon: whether it ends within `SOON` days.
    """

    code: str
    approver: str
    id: str
    ends: str
    findings: int
    repositories: int
    soon: bool


class Summary:
    """The figures of an audit, each asked of the store when it is wanted.

    Args:
        store: whose chosen changes are meant.
        today: the day on which they are told.
    """

    def __init__(self, store: AuditStore, today: date) -> None:
        self.store = store
        self.today = today

    @cached_property
    def verdicts(self) -> Mapping[str, int]:
        """How many changes have each verdict."""
        return dict(map(tuple, self.store.ask("SELECT verdict, count(*) FROM told GROUP BY 1 ORDER BY 1")))

    @property
    def changes(self) -> int:
        """How many changes there are."""
        return sum(self.verdicts.values())

    @property
    def judged(self) -> int:
        """How many changes have a verdict of rules."""
        return sum(self.verdicts.get(verdict, 0) for verdict in _JUDGED)

    @property
    def passed(self) -> int:
        """How many changes passed, with or without approvals."""
        return sum(self.verdicts.get(verdict, 0) for verdict in _PASSED)

    @cached_property
    def months(self) -> Sequence[Mapping[str, Any]]:
        """For each month how many changes were judged, and how many of them passed, the earliest first."""
        return self._rows(
            "SELECT month, count(*) AS changes, sum(passed) AS passed FROM told"
            " WHERE verdict NOT IN ('no-authority', 'error') GROUP BY month ORDER BY month"
        )

    @cached_property
    def rules(self) -> Sequence[Mapping[str, Any]]:
        """Each rule that found something: its findings, its open errors, and in what these are."""
        return self._rows(
            "SELECT code, sum(is_open) AS errors, count(*) AS findings,"
            " count(DISTINCT CASE WHEN is_open THEN id END) AS changes,"
            " count(DISTINCT CASE WHEN is_open THEN repository END) AS repositories"
            " FROM told_finding GROUP BY code ORDER BY errors DESC, findings DESC, code"
        )

    @cached_property
    def rules_by_month(self) -> Sequence[Mapping[str, Any]]:
        """The open errors of each rule in each month."""
        return self._rows(
            "SELECT month, code, count(*) AS errors FROM told_finding WHERE is_open"
            " GROUP BY month, code ORDER BY month, code"
        )

    @cached_property
    def paths(self) -> Sequence[Mapping[str, Any]]:
        """The paths with most open errors, so many of them as `MOST`."""
        return self._rows(
            "SELECT name AS repository, path, count(*) AS errors, group_concat(DISTINCT code) AS codes"
            " FROM told_finding WHERE is_open AND path IS NOT NULL"
            " GROUP BY name, path ORDER BY errors DESC, name, path LIMIT ?",
            MOST,
        )

    @cached_property
    def repositories(self) -> Sequence[Mapping[str, Any]]:
        """Each repository: its name, what is known of it, and how its changes fared."""
        rows = self._rows(
            "SELECT repository.name AS name, repository.state AS state, count(told.id) AS changes,"
            " coalesce(sum(passed), 0) AS passed, coalesce(sum(verdict = 'failed'), 0) AS failed,"
            " coalesce(sum(unclear), 0) AS unclear, max(at) AS at"
            " FROM mentioned JOIN repository ON repository.id = mentioned.repository"
            " LEFT JOIN told ON told.repository = repository.id GROUP BY repository.id ORDER BY name"
        )
        return [{**row, "state": json.loads(row["state"])} for row in rows]

    @cached_property
    def reasons(self) -> Sequence[Mapping[str, Any]]:
        """Why changes have no verdict, each reason with how many have it; most first."""
        return self._rows(
            "SELECT name AS repository, reason, count(*) AS changes FROM told WHERE verdict = 'error'"
            " GROUP BY name, reason ORDER BY changes DESC, name, reason LIMIT ?",
            MOST,
        )

    @cached_property
    def approvals(self) -> Sequence[Approved]:
        """The approvals that lifted findings, those that end first at the front."""
        rows = self._rows(
            "SELECT code, json_extract(data, '$.approval.approver') AS approver,"
            " json_extract(data, '$.approval.id') AS id,"
            " substr(json_extract(data, '$.approval.expires_at'), 1, 10) AS ends,"
            " count(*) AS findings, count(DISTINCT repository) AS repositories"
            " FROM told_finding WHERE state = 'approved' GROUP BY 1, 2, 3, 4 ORDER BY ends, code, 3"
        )
        now = self.today.toordinal()
        return [
            Approved(**row, soon=0 <= date.fromisoformat(row["ends"]).toordinal() - now <= SOON)
            for row in rows
        ]

    def newest(self, most: int = 5) -> Sequence[Mapping[str, Any]]:
        """The newest changes with open errors, each with its first one; those of guarded paths come first."""
        return self._rows(
            "SELECT name AS repository, head, subject, at, code, json_extract(data, '$.message') AS message,"
            " path, count(*) AS errors, min((code NOT LIKE 'PTH%') * 1000000 + position) AS first"
            " FROM told_finding WHERE is_open"
            " GROUP BY id ORDER BY code NOT LIKE 'PTH%', at DESC, head LIMIT ?",
            most,
        )

    def newest_findings(self, most: int) -> Sequence[Mapping[str, Any]]:
        """So many open errors at most, those of the newest changes first."""
        return self._rows(
            "SELECT name AS repository, head, subject, at, code, path,"
            " json_extract(data, '$.message') AS message, json_extract(data, '$.location.line') AS line"
            " FROM told_finding WHERE is_open ORDER BY at DESC, head, position LIMIT ?",
            most,
        )

    def changes_told(self) -> Iterator[Mapping[str, Any]]:
        """Every change with its findings, by repository and from the newest on."""
        rows = self._rows(
            "SELECT id, name AS repository, branch, base, head, at, merged, subject, judged_by, policy,"
            " verdict, reason, states, fresh FROM told ORDER BY name, branch, at DESC, head"
        )
        for row in rows:
            found = self._rows("SELECT data FROM finding WHERE change = ? ORDER BY position", row["id"])
            yield {
                **{name: value for name, value in row.items() if name not in ("id", "fresh")},
                "states": json.loads(row["states"]),
                "new": bool(row["fresh"]),
                "findings": [json.loads(one["data"]) for one in found],
            }

    def fails(self, codes: Sequence[str]) -> bool:
        """Whether these rules have open errors; of no rules: whether changes have that no audit told of."""
        query = (
            "SELECT 1 FROM told_finding WHERE is_open AND code IN (SELECT value FROM json_each(?)) LIMIT 1"
        )
        if not codes:
            return bool(self.store.ask("SELECT 1 FROM told_finding WHERE is_open AND fresh LIMIT 1"))
        return bool(self.store.ask(query, json.dumps(codes)))

    def _rows(self, query: str, *values: object) -> list[Mapping[str, Any]]:
        return [dict(row) for row in self.store.ask(query, *values)]


def failing_rules(wanted: str, plugins: Sequence[str]) -> Sequence[str]:
    """The codes of the rules whose open errors fail an audit; none for `new` and `none`.

    Args:
        wanted: codes separated by commas, or one of these words.
        plugins: the distributions whose rules are known too.

    Raises:
        SpecguardError: a code is no rule's.
    """
    if wanted in ("new", "none"):
        return []
    registry = load_registry(plugins)
    codes = [code.strip().upper() for code in wanted.split(",")]
    for code in codes:
        if registry.by_code(code) is None:
            known = [one.rule.code for one in registry.rules.values()]
            raise SpecguardError(
                f"--fail-on: there is no rule {code!r}",
                help=nearest(code, known, "Give codes such as PTH002, `new` or `none`."),
                code="unknown-name",
            )
    return codes
