"""What a plan says of how a task was verified, in the forms in which planners write it.

Under one of the task's keys `verification`, `verified` or `evidence` stands one entry, or a list of them:

- a command with its exit code: `{"command": "pytest -q", "exit_code": 0}`;
- several of them: `{"commands": [...]}`, each such an entry, or a text with `exit_code` beside the list;
- the manifest of a run: `{"manifest": ".runs/task_003/1/manifest.json"}`, or its path alone;
- a person's word: `{"note": "works on the device", "by": "Ann Lee", "at": "2026-01-31"}`. The task's own keys
  `verified_note`, `verified_by` and `verified_at` say the same.

In an entry with commands or a manifest, a note, a person and a time are welcome and prove nothing.
"""

from __future__ import annotations

import re

from specguard.documents.characters import visible
from specguard.documents.data import written
from specguard.documents.fields import normal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Final

    from specguard.plans.task import Task

    Place = tuple[str | int, ...]

COMMAND: Final = frozenset({"command", "cmd"})
CODE: Final = frozenset({"exitcode", "exit", "code", "returncode"})
COMMANDS: Final = frozenset({"commands", "results", "checks"})
MANIFEST: Final = frozenset({"manifest", "run", "runmanifest", "path"})
NOTE: Final = frozenset({"note", "notes", "verifiednote"})
WHO: Final = frozenset({"by", "who", "person", "reviewer", "verifiedby"})
WHEN: Final = frozenset({"at", "time", "when", "date", "verifiedat"})
"""The keys of an entry, as `normal_name` gives them."""

_PATH: Final = re.compile(r"[^\s\"'`<>|;]{1,1000}")


class Ran:
    """A command that was run.

    Attributes:
        command: as it is written.
        code: its exit code; None where none is recorded, or something that is none.
        place: where it stands, below the task.
    """

    __slots__ = ("code", "command", "place")

    def __init__(self, command: str, code: int | None, place: Place) -> None:
        self.command = command
        self.code = code
        self.place = place


class Manual:
    """A person's word.

    Attributes:
        note: what they found; empty where there is none.
        who: who they are; empty where nobody is named.
        when: the time, as written; empty where there is none.
        place: where it stands, below the task.
    """

    __slots__ = ("note", "place", "when", "who")

    def __init__(self, note: str, who: str, when: str, place: Place) -> None:
        self.note = note
        self.who = who
        self.when = when
        self.place = place


class Cited:
    """A path that is cited as the manifest of a run.

    Attributes:
        path: as it is written.
        place: where it stands, below the task.
    """

    __slots__ = ("path", "place")

    def __init__(self, path: str, place: Place) -> None:
        self.path = path
        self.place = place


class Evidence:
    """Everything that a plan says of how a task was verified.

    Attributes:
        ran: the commands.
        manual: the words of people.
        runs: the manifests.
        other: where something else stands that proves nothing.
    """

    __slots__ = ("manual", "other", "ran", "runs")

    def __init__(self) -> None:
        self.ran: list[Ran] = []
        self.manual: list[Manual] = []
        self.runs: list[Cited] = []
        self.other: list[Place] = []

    def __bool__(self) -> bool:
        return bool(self.ran or self.manual or self.runs or self.other)


def evidence_of(task: Task) -> Evidence:
    """What a plan says of how a task was verified."""
    evidence = Evidence()
    for key in task.plan.settings.keys_of("verification"):
        if key in task.raw:
            _read(evidence, task.raw[key], None, (key,))
    flat = [key for key in task.raw if is_flat_key(key)]
    if flat:
        evidence.manual.append(_manual({key: task.raw[key] for key in flat}, (flat[0],)))
    return evidence


def is_flat_key(key: str) -> bool:
    """Whether a key of a task is a part of a person's word, such as `verified_by`."""
    return normal_name(key) in {"verifiednote", "verifiedby", "verifiedat"}


def _read(evidence: Evidence, value: Any, code: int | None, place: Place) -> None:
    """Read one entry or a list of them; a text in a list of commands has the code that stands beside it."""
    if isinstance(value, list):
        for position, one in enumerate(value):
            _read(evidence, one, code, (*place, position))
    elif isinstance(value, dict):
        _entry(evidence, value, code, place)
    elif isinstance(value, str) and code is None and _is_path(value):
        evidence.runs.append(Cited(value.strip(), place))
    elif isinstance(value, str) and normal_name(str(place[-2:-1][0] if len(place) > 1 else "")) in COMMANDS:
        evidence.ran.append(Ran(value.strip(), code, place))
    elif value not in (None, "", False):
        evidence.other.append(place)


def _entry(evidence: Evidence, entry: Mapping[str, Any], beside: int | None, place: Place) -> None:
    # Of several codes the one counts that tells of a failure, or of nothing.
    codes = [_code(entry[key]) for key in entry if normal_name(key) in CODE] or [beside]
    code = next((one for one in codes if one), None if None in codes else 0)
    understood = False
    for key, value in entry.items():
        name = normal_name(key)
        if name in COMMAND and isinstance(value, str) and value.strip():
            evidence.ran.append(Ran(value.strip(), code, (*place, key)))
        elif name in COMMANDS and isinstance(value, list) and value:
            _read(evidence, value, code, (*place, key))
        elif name in MANIFEST and isinstance(value, str) and _is_path(value):
            evidence.runs.append(Cited(value.strip(), (*place, key)))
        else:
            continue
        understood = True
    if understood:
        return
    if any(normal_name(key) in names for key in entry for names in (NOTE, WHO, WHEN)):
        evidence.manual.append(_manual(entry, place))
    else:
        evidence.other.append(place)


def _manual(entry: Mapping[str, Any], place: Place) -> Manual:
    note, who, when = (next(filter(None, _texts(entry, names)), "") for names in (NOTE, WHO, WHEN))
    return Manual(note, who, when, place)


def _texts(entry: Mapping[str, Any], names: frozenset[str]) -> Iterator[str]:
    for key, value in entry.items():
        if normal_name(key) in names and isinstance(value, (str, int)) and not isinstance(value, bool):
            yield visible(written(value)).strip()


def _code(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch("-?[0-9]{1,9}", value.strip()) else None


def _is_path(text: str) -> bool:
    """Whether a text is a path, and no sentence or command."""
    text = text.strip()
    return bool(_PATH.fullmatch(text)) and "/" in text and "://" not in text
