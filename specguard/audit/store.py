"""The results of audits, in one SQLite file: a row for each change of each branch under each policy.

The layout is a contract: `docs/audit.md` describes its tables, and `PRAGMA user_version` has its number. Each
slice of changes is one transaction, and the file is in WAL mode. So an interrupted audit keeps the changes
that it judged, and concurrent audits only wait for each other. A `Summary` queries the figures of the chosen
changes.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import Any, Final, Self

from specguard.audit.judging import JudgedChange
from specguard.errors import SpecguardError
from specguard.model import Record

LAYOUT: Final = 1
"""The number of this layout of the tables."""

_PATIENCE: Final = 60.0
"""The timeout in seconds for waiting for another audit's transaction."""


class StoreKey(Record):
    """The key for the stored verdicts of a branch's history.

    Attributes:
        repository: the repository's id in the store.
        branch: the short name of the branch.
        judged_by: `then`, `now` or `file`.
        policy: the id of the one policy that judges; empty if each change has its base's.
        floor: the SHA-256 of the floor, as hexadecimal digits; empty without a floor.
        version: the version of specguard, and of each plugin.
    """

    repository: int
    branch: str
    judged_by: str
    policy: str
    floor: str
    version: str


class AuditStore:
    """The store's file, as a context manager that closes it.

    Args:
        file: its name; the file is created if it is missing.

    Raises:
        SpecguardError: the file cannot be used; for example, it is another program's or of a later version.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        with self._report_errors(), ExitStack() as cleanup:
            os.makedirs(os.path.dirname(os.path.abspath(file)), mode=0o700, exist_ok=True)
            self._connection = sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)
            cleanup.callback(self._connection.close)
            self._connection.row_factory = sqlite3.Row
            if not self._has_tables():
                with self._transaction():
                    if not self._has_tables():
                        # `executescript` would end the transaction.
                        for statement in _read("tables.sql").split(";")[:-1]:
                            self._connection.execute(statement)
                        self._connection.execute(f"PRAGMA user_version = {LAYOUT}")
            # SQLite refuses while another audit reads; the next audit that opens the file sets the mode.
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_read("reported.sql"))
            cleanup.pop_all()

    def _has_tables(self) -> bool:
        """Return True if the tables exist; raise an error if the file is not for this version."""
        # One query, as another audit may be creating the tables.
        [layout, others] = self._connection.execute(
            "SELECT user_version, EXISTS (SELECT 1 FROM sqlite_master) FROM pragma_user_version"
        ).fetchone()
        if layout > LAYOUT:
            message = f"the store has layout {layout}, and this specguard knows layout {LAYOUT}"
            help = "Use the later specguard that wrote it, or another file with --store."
            raise SpecguardError(message, path=self.file, help=help, code="unreadable-file")
        if others and not layout:
            message, help = "this is another program's file", "Name another one with --store."
            raise SpecguardError(message, path=self.file, help=help, code="unreadable-file")
        return bool(layout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def repository(self, name: str) -> int:
        """Return the id of a repository to report, and insert the repository if it is new.

        Args:
            name: its folder, or its address.
        """
        with self._report_errors(), self._transaction():
            run = self._connection.execute
            run("INSERT OR IGNORE INTO repository (name, state) VALUES (?, '{}')", [name])
            [found] = run("SELECT id FROM repository WHERE name = ?", [name]).fetchone()
            run("INSERT OR IGNORE INTO mentioned VALUES (?)", [found])
        return int(found)

    def set_state(self, repository: int, state: Mapping[str, Any]) -> None:
        """Replace the stored state of a repository: everything known of it besides its changes."""
        with self._report_errors(), self._transaction():
            self._connection.execute(
                "UPDATE repository SET state = ? WHERE id = ?", [_json(state), repository]
            )

    def state(self, repository: int) -> Mapping[str, Any]:
        """Return the stored state of a repository, as `set_state` stored it; empty by default."""
        [row] = self.query("SELECT state FROM repository WHERE id = ?", repository)
        return dict(json.loads(row["state"]))

    def judged_heads(self, key: StoreKey) -> set[str]:
        """Return the heads of the changes under a key that are judged already."""
        with self._report_errors():
            return {head for _, head in self._connection.execute(_HEADS_QUERY, key.__dict__)}

    def add(self, key: StoreKey, judged: Sequence[JudgedChange]) -> None:
        """Store the outcomes of changes; those that another audit has stored meanwhile stay unchanged."""
        with self._report_errors(), self._transaction():
            for one in judged:
                row = {**vars(one.change), **vars(one), **vars(key), "states": _json(one.states)}
                row |= {"merged": one.branch, "policy": key.policy or one.policy}
                self._connection.execute("INSERT OR IGNORE INTO outcome (states) VALUES (:states)", row)
                added = self._connection.execute(
                    "INSERT OR IGNORE INTO change (repository, branch, base, head, judged_by, policy, floor,"
                    " version, at, merged, subject, verdict, reason, outcome) SELECT :repository, :branch,"
                    " :base, :head, :judged_by, :policy, :floor, :version, :at, :merged, :subject, :verdict,"
                    " :reason, id FROM outcome WHERE states = :states",
                    row,
                )
                if added.rowcount > 0:
                    self._connection.executemany(
                        "INSERT INTO finding SELECT ?, ?, json_extract(data, '$.code'),"
                        " json_extract(data, '$.severity'), json_extract(data, '$.state'),"
                        " json_extract(data, '$.location.path'), data FROM (SELECT ? AS data)",
                        [(added.lastrowid, at, _json(found)) for at, found in enumerate(one.findings)],
                    )

    def choose(self, key: StoreKey, heads: Sequence[str]) -> None:
        """Choose the changes under a key with these heads, the newest first, for the report.

        A change is fresh if no audit has reported it yet, under any version, policy or floor.
        """
        with self._report_errors():
            rows = self._connection.execute(_HEADS_QUERY, key.__dict__).fetchall()
            ages = {head: age for age, head in enumerate(heads)}
            reported = {head for (head,) in self._connection.execute(_SEEN_QUERY, key.__dict__)}
            self._connection.executemany(
                "INSERT OR IGNORE INTO chosen VALUES (?, ?, ?)",
                [(id_, head not in reported, ages[head]) for id_, head in rows if head in ages],
            )

    def mark_reported(self) -> None:
        """Store that the chosen changes were reported."""
        with self._report_errors(), self._transaction():
            self._connection.execute(
                "UPDATE change SET seen = 1 WHERE NOT seen AND id IN (SELECT change FROM chosen)"
            )

    def query(self, query: str, *values: object) -> list[Mapping[str, Any]]:
        """Return the rows of a query; the views `told` and `told_finding` have what is reported."""
        with self._report_errors():
            return [dict(row) for row in self._connection.execute(query, values)]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def _report_errors(self) -> Iterator[None]:
        """Convert errors of SQLite and the system into a `SpecguardError` about the file."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            message = f"the store of audits cannot be used: {reason}"
            help = "What was kept before stays. Make room or name another file with --store."
            raise SpecguardError(message, path=self.file, help=help, code="unwritable-file") from error


def _read(name: str) -> str:
    """Return the text of a file of this package."""
    return (files("specguard.audit") / name).read_text(encoding="utf-8")


_SEEN_QUERY: Final = "SELECT head FROM change WHERE repository = :repository AND branch = :branch AND seen"

_HEADS_QUERY: Final = (
    "SELECT id, head FROM change WHERE repository = :repository AND branch = :branch"
    " AND judged_by = :judged_by AND floor = :floor AND version = :version AND :policy IN ('', policy)"
)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


MOST: Final = 20
"""The most paths in a report; those with the most open errors are kept."""

MOST_FINDINGS: Final = 2000
"""The most findings on a page, the newest first; the CSV has all."""

SOON_DAYS: Final = 30
"""The number of days within which an expiring approval is reported as ending soon."""


def _queried(query: str, *values: object) -> cached_property[Sequence[Mapping[str, Any]]]:
    """Return a property of a summary: the rows of a query, cached."""
    return cached_property(lambda summary: summary.store.query(query, *values))


class Summary(Record):
    """The figures of an audit, each queried when it is needed.

    Attributes:
        store: the store, whose chosen changes are counted.
        today: the day of the report.
    """

    store: AuditStore
    today: date

    @cached_property
    def verdicts(self) -> Mapping[str, int]:
        """The number of changes with each verdict."""
        rows = self.store.query("SELECT verdict, count(*) AS changes FROM told GROUP BY 1 ORDER BY 1")
        return {row["verdict"]: row["changes"] for row in rows}

    @property
    def changes(self) -> int:
        """The number of changes."""
        return sum(self.verdicts.values())

    @property
    def judged(self) -> int:
        """The number of changes that rules judged."""
        return sum(row["judged"] for row in self.repositories)

    @property
    def passed(self) -> int:
        """The number of changes that passed, with or without approvals."""
        return sum(row["passed"] for row in self.repositories)

    months = _queried(
        "SELECT month, count(*) AS changes, sum(passed) AS passed, coalesce(max(errors), 0) AS errors"
        " FROM told LEFT JOIN (SELECT month, count(*) AS errors FROM told_finding WHERE is_open GROUP BY 1)"
        " USING (month) WHERE judged GROUP BY month ORDER BY month"
    )
    """The number of changes judged and passed in each month, and of open errors; the earliest month first."""

    rules = _queried(
        "SELECT code, sum(is_open) AS errors, count(*) AS findings,"
        " count(DISTINCT id) AS changes, count(DISTINCT repository) AS repositories"
        " FROM told_finding GROUP BY code ORDER BY errors DESC, findings DESC, code"
    )
    """Each rule with findings: its open errors, its findings, and the changes and repositories with any."""

    rules_by_month = _queried(
        "SELECT month, code, count(*) AS errors FROM told_finding WHERE is_open"
        " GROUP BY month, code ORDER BY month, code"
    )
    """The open errors of each rule in each month."""

    @cached_property
    def paths(self) -> Sequence[Mapping[str, Any]]:
        """The `MOST` paths with the most open errors."""
        rows = self.store.query(
            "SELECT name AS repository, path, count(*) AS errors, group_concat(DISTINCT code) AS codes"
            " FROM told_finding WHERE is_open AND path IS NOT NULL"
            " GROUP BY name, path ORDER BY errors DESC, name, path LIMIT ?",
            MOST,
        )
        # SQLite joins them in any order.
        return [{**row, "codes": ",".join(sorted(row["codes"].split(",")))} for row in rows]

    @cached_property
    def repositories(self) -> Sequence[Mapping[str, Any]]:
        """Each repository: its name, its state, and the counts of its changes."""
        rows = self.store.query(
            "SELECT repository.name AS name, repository.state AS state, count(told.id) AS changes,"
            " coalesce(sum(passed), 0) AS passed, coalesce(sum(verdict = 'failed'), 0) AS failed,"
            " coalesce(sum(unclear), 0) AS unclear, max(at) AS at,"
            " coalesce(sum(judged), 0) AS judged"
            " FROM mentioned JOIN repository ON repository.id = mentioned.repository"
            " LEFT JOIN told ON told.repository = repository.id GROUP BY repository.id ORDER BY name"
        )
        return [{**row, "state": json.loads(row["state"])} for row in rows]

    reasons = _queried(
        "SELECT name AS repository, reason, count(*) AS changes FROM told WHERE verdict = 'error'"
        " GROUP BY name, reason ORDER BY changes DESC, name, reason"
    )
    """The reasons for missing verdicts, each with its number of changes; the most frequent first."""

    @cached_property
    def approvals(self) -> Sequence[Mapping[str, Any]]:
        """The approvals that lifted findings, by expiry; `soon` is True if it ends within `SOON_DAYS`.

        Findings that path owners or first approvers lift are not there, as no approval names them.
        """
        rows = self.store.query(
            "SELECT code, json_extract(value, '$.approver') AS approver, json_extract(value, '$.id') AS id,"
            " substr(json_extract(value, '$.expires_at'), 1, 10) AS ends, count(*) AS findings,"
            " count(DISTINCT repository) AS repositories FROM told_finding, json_each(data, '$.approvals')"
            " WHERE state = 'approved' AND json_array_length(value, '$.refusals') = 0"
            " GROUP BY 1, 2, 3, 4 ORDER BY ends, code, 3"
        )
        left = [(date.fromisoformat(row["ends"]) - self.today).days for row in rows]
        return [{**row, "soon": 0 <= days <= SOON_DAYS} for row, days in zip(rows, left, strict=True)]

    newest = _queried(
        "SELECT name AS repository, head, subject, at, code, json_extract(data, '$.message') AS message,"
        " path, count(*) AS errors, min((code NOT LIKE 'PTH%') * 1000000 + position) AS first"
        " FROM told_finding WHERE is_open"
        " GROUP BY id ORDER BY code NOT LIKE 'PTH%', at DESC, age, head LIMIT 5"
    )
    """The newest changes with open errors, each with its first error; guarded paths come first."""

    newest_findings = _queried(
        "SELECT name AS repository, head, subject, at, code, path,"
        " json_extract(data, '$.message') AS message, json_extract(data, '$.location.line') AS line"
        " FROM told_finding WHERE is_open ORDER BY at DESC, age, head, position LIMIT ?",
        MOST_FINDINGS,
    )
    """The open errors of the newest changes, with these changes."""

    def reported_changes(self) -> Iterator[Mapping[str, Any]]:
        """Yield every chosen change with its findings, by repository and from the newest on."""
        rows = self.store.query(
            "SELECT id, name AS repository, branch, base, head, at, merged, subject, judged_by, policy,"
            " verdict, reason, states, fresh FROM told ORDER BY name, branch, at DESC, age"
        )
        for row in rows:
            found = self.store.query("SELECT data FROM finding WHERE change = ? ORDER BY position", row["id"])
            yield {
                **{name: value for name, value in row.items() if name not in ("id", "fresh")},
                "states": json.loads(row["states"]),
                "new": bool(row["fresh"]),
                "findings": [json.loads(one["data"]) for one in found],
            }

    def has_errors(self, codes: Sequence[str]) -> bool:
        """Return True if these rules have open errors; without codes, if fresh changes have any."""
        if codes:
            return any(row["errors"] for row in self.rules if row["code"] in codes)
        return bool(self.store.query("SELECT 1 FROM told_finding WHERE is_open AND fresh LIMIT 1"))

    def has_unjudged(self) -> bool:
        """Return True if fresh changes could not be judged, or not wholly, or this copy lacks their data."""
        fresh = self.store.query("SELECT 1 FROM told WHERE fresh AND verdict IN ('error', 'indeterminate')")
        return bool(fresh) or any({"of", "reason"} <= row["state"].keys() for row in self.repositories)
