"""The verification of a task, as a plan states it.

A task's `verification` has one entry, or a list of them:

    - a command with its exit code: `{"command": "pytest -q", "exit_code": 0}`
    - the manifest of a run: `{"manifest": ".runs/task_003/1/manifest.json"}`, or only its path
    - a person's statement: `{"note": "works on the device", "by": "Ann Lee", "at": "2026-01-31"}`

In an entry with a command or a manifest, a note, a person and a time are allowed but prove nothing.
"""

from __future__ import annotations

import re

from specguard.declaration.characters import strip_invisible
from specguard.documents.completeness import is_todo
from specguard.documents.data import data_kind
from specguard.documents.dates import parse_date
from specguard.documents.fields import Place, normal_name
from specguard.documents.people import names_nobody
from specguard.errors import judge_each
from specguard.model import TYPE_CHECKING, Finding, Record, path_text, plain_path, shortened
from specguard.runs.proof import Claim, RunProof
from specguard.runs.record import CUT_SHORT, FAILURES, STATE_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any, Final

    from specguard.plans.task import Task


_PERSON_KEYS: Final = ("note", "by", "at")
# What may tell of a failure, and is not read.
_OTHER_KEYS: Final = frozenset(
    {"checks", "cmd", "code", "commands", "exit", "exitcode", "results", "returncode"}
).union(STATE_KEYS)
_PASSED: Final = frozenset({"ok", "passed", "success", "succeeded"})
_FAILED: Final = FAILURES | {"errors", "failures"}
_PATH: Final = re.compile(r"[^\s\"'`<>|;]{1,1000}")


class RanCommand(Record):
    """A command that was run.

    Attributes:
        command: the command as it is written.
        code: the exit code; None if no number is recorded.
        place: the place below the task.
    """

    command: str
    code: int | None
    place: Place


class TaskEvidence(Record):
    """All the verification that a plan states for a task.

    Attributes:
        commands: the commands.
        statements: the statements of people, with the keys `note`, `by` and `at`, and their places.
        runs: the paths cited as manifests, and their places.
        other_places: the places of entries that prove nothing.
    """

    commands: list[RanCommand] = []
    statements: list[tuple[Mapping[str, Any], Place]] = []
    runs: list[tuple[str, Place]] = []
    other_places: list[Place] = []

    def __bool__(self) -> bool:
        return bool(self.commands or self.statements or self.runs or self.other_places)

    def read(self, value: Any, place: Place) -> None:
        """Add one entry or a list of them."""
        if isinstance(value, list):
            for position, one in enumerate(value):
                self.read(one, (*place, position))
        elif isinstance(value, str) and _is_path(value):
            self.runs.append((value.strip(), place))
        elif not isinstance(value, dict):
            self.other_places.extend([] if value in (None, "", False) else [place])
        else:
            self._read_entry(value, place)

    def _read_entry(self, entry: dict[str, Any], place: Place) -> None:
        command, manifest, code = (entry.get(key) for key in ("command", "manifest", "exit_code"))
        if isinstance(command, str) and command.strip():
            code = code if type(code) is int else None
            self.commands.append(RanCommand(command.strip(), code, (*place, "command")))
        if isinstance(manifest, str) and _is_path(manifest):
            self.runs.append((manifest.strip(), (*place, "manifest")))
        # Words about a result, such as "passed" or "12 passed", are none unless they tell of a failure.
        said = [key for key in ("checks", "results", *STATE_KEYS) if isinstance(entry.get(key), str)]
        known = ["exit_code", *(key for key in said if normal_name(entry[key]) not in FAILURES | CUT_SHORT)]
        others = any(_denies(normal_name(key), entry[key]) for key in entry.keys() - known)
        is_alone = entry.keys().isdisjoint(("command", "manifest", "exit_code"))
        if is_alone and not others and any(key in entry for key in _PERSON_KEYS):
            self.statements.append((entry, place))
        elif others or not (command or manifest):
            self.other_places.append(place)


def evidence_of(task: Task) -> TaskEvidence:
    """Return the verification of a task, as its plan states it."""
    evidence, key = TaskEvidence(), task.key_of("verification")
    evidence.read(task.value.get(key), (key,))
    return evidence


def _denies(key: str, value: Any) -> bool:
    """True if an entry of evidence says, below this key, that something failed, or what is not read."""
    fails = value and key in _FAILED and (key == "timedout" or isinstance(value, bool | int | float | list))
    return bool(fails) or key in _OTHER_KEYS or (key in _PASSED and value is False)


def _is_path(text: str) -> bool:
    """Return True if a text is a path, not a sentence or a command."""
    text = text.strip()
    return bool(_PATH.fullmatch(text)) and "/" in text and "://" not in text


_FORMS: Final = (
    "Record under `verification` each `command` with its `exit_code` and no other result, the run's "
    "`manifest`, or a person's `note`, with `by` and `at` (as 2026-01-31); take back a task that failed."
)


def find_unverified(task: Task, proof: RunProof, today: date) -> Iterator[Finding]:
    """Yield findings about missing evidence for a task that is done.

    Args:
        task: the task.
        proof: decides if a run proves a task.
        today: the UTC date.

    Raises:
        MissingFact: a cited run cannot be looked up here, and nothing else proves the task.
    """
    evidence = evidence_of(task)
    # The last run of each command counts.
    recorded = {_normal(one.command): one for one in evidence.commands}
    failed = [ran for ran in recorded.values() if ran.code]
    checks = [(missing_parts(said, today), "manual", place) for said, place in evidence.statements]
    for ran in failed:
        clause = f"and {shortened(ran.command, 80)!r} ended with {ran.code}"
        help = "Take the task back to the status that is true, and verify it again."
        yield _finding(task, clause, f"failed:{_normal(ran.command)}", ran.place, help=help)
    # Another form may tell of a failure.
    for at in evidence.other_places:
        yield _finding(task, f"but what its `{at[0]}` says is not evidence", "other", at)
    if failed or evidence.other_places or any(not why for why, _, _ in checks):
        return
    if not checks and not task.proving_commands:
        key, commands = task.key_of("verify"), task.commands
        clause = f"and has no {key} commands"
        if commands:
            clause = f"and its only command {shortened(commands[0][1], 80)!r} cannot fail"
        help = (
            f"List under `{key}` the commands that verify it, and record their exit codes; or have a person "
            "verify it, and record who, when and what they saw."
        )
        yield _finding(task, clause, "verify", (key,), help=help)
    elif not evidence:
        yield _finding(task, "and nothing says how that was verified", "evidence")
    else:
        reasons = _proof_gaps(task, evidence.runs, recorded, proof)
        for why, what, place in [*reasons, *checks] if reasons is not None else ():
            yield _finding(task, f"but {why}", what, place)


def same_command(one: str, other: str) -> bool:
    """Return True if two texts are the same command, ignoring whitespace."""
    return _normal(one) == _normal(other)


def _proof_gaps(
    task: Task, runs: Sequence[tuple[str, Place]], recorded: Mapping[str, RanCommand], proof: RunProof
) -> list[tuple[str, str, Place]] | None:
    """Return the reasons why neither the recorded commands nor a cited run prove a task; None if they do."""
    not_run = [command for command in task.proving_commands if _normal(command) not in recorded]
    unknown = next((ran for ran in recorded.values() if ran.code is None), None)
    failed = proof.contradicts(path for cited, _ in runs if (path := _manifest_path(cited, proof)))
    if recorded and not not_run and unknown is None and not failed:
        return None
    found: list[tuple[str, str, Place]] = []
    for problem, cited, place in judge_each(runs, lambda one: [(_run_problem(one[0], task, proof), *one)]):
        if not problem:
            return None
        found.append((problem, f"run:{cited}", place))
    if unknown is not None:
        found.append((f"{shortened(unknown.command, 80)!r} has no exit code", "code", unknown.place))
    elif recorded and not_run:
        place = next(iter(recorded.values())).place
        found.append((f"{shortened(not_run[0], 80)!r} is not among what was run", "command", place))
    return found


def _run_problem(cited: str, task: Task, proof: RunProof) -> str:
    """Return the reason why a cited run proves nothing; empty if it proves the task."""
    shown, records, path = shortened(cited, 80), proof.records, _manifest_path(cited, proof)
    if path is None:
        return f"{shown!r} is not in the folder of runs, {records.settings.path}"
    if not records.visible:
        return f"the run {shown!r} is kept elsewhere, and the plan itself records no exit codes"
    flaw = proof.flaw(records.at(path), Claim(task.name, ids=[task.id], plan=path_text(task.plan.path)))
    # RUN007 reports a run whose grade, item or tree falls short.
    return f"the run {shown!r} {flaw.reason}" if flaw is not None and not flaw.unbound else ""


def _manifest_path(cited: str, proof: RunProof) -> bytes | None:
    """Return the path of a cited run's manifest; None if it is not in the folder of runs."""
    path = None if cited.startswith("/") else plain_path(cited.encode("utf-8", "surrogateescape"))
    if path is None or not path.startswith(proof.records.settings.folder):
        return None
    return path if data_kind(path) else proof.records.record_in(path)


def missing_parts(statement: Mapping[str, Any], today: date) -> str:
    """Return the missing parts of a person's statement, as a clause; empty if it is complete."""
    texts = (statement.get(key) for key in _PERSON_KEYS)
    note, who, when = (strip_invisible(one).strip() if isinstance(one, str) else "" for one in texts)
    day = parse_date(when)
    parts = {
        "a note": note and not is_todo(note),
        "a person": not names_nobody(who),
        # A clock that is ahead of UTC may show tomorrow's date.
        "a time that is not in the future" if day else "a time": day is not None and (day - today).days <= 1,
    }
    missing = " and ".join(what for what, is_there in parts.items() if not is_there)
    return f"its verification by hand lacks {missing}" if missing else ""


def _normal(command: str) -> str:
    return " ".join(command.removeprefix("$ ").split())


def _finding(task: Task, clause: str, what: str, place: Place = (), *, help: str = _FORMS) -> Finding:
    at = place or ((task.key_of("status"),) if task.value_of("status") else ())
    message = f"{task.name} is {task.status}, {clause}"
    return task.finding(message, help, f"{task.id}:{what}", *at, setting="done")
