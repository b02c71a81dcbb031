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

from specguard.declaration.rule import Record
from specguard.documents.characters import visible
from specguard.documents.citations import plain_path
from specguard.documents.content import owes
from specguard.documents.data import data_kind, written
from specguard.documents.dates import date_problem, parse_date
from specguard.documents.fields import elements, normal_name
from specguard.errors import MissingFact
from specguard.model import path_text, shortened
from specguard.runs.proof import Claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any, Final

    from specguard.documents.fields import Place
    from specguard.model import Finding
    from specguard.plans.task import Task
    from specguard.runs.proof import RunProof


COMMAND: Final = frozenset({"command", "cmd"})
CODE: Final = frozenset({"exitcode", "exit", "code", "returncode"})
COMMANDS: Final = frozenset({"commands", "results", "checks"})
MANIFEST: Final = frozenset({"manifest", "run", "runmanifest", "path"})
NOTE: Final = frozenset({"note", "notes", "verifiednote"})
WHO: Final = frozenset({"by", "who", "person", "reviewer", "verifiedby"})
WHEN: Final = frozenset({"at", "time", "when", "date", "verifiedat"})
"""The keys of an entry, as `normal_name` gives them."""

FLAT: Final = frozenset({"verifiednote", "verifiedby", "verifiedat"})
"""Keys of a task itself that are a part of a person's word."""

_PATH: Final = re.compile(r"[^\s\"'`<>|;]{1,1000}")


class RanCommand(Record):
    """A command that was run.

    Attributes:
        command: as it is written.
        code: its exit code; None where none is recorded, or something that is none.
        place: where it stands, below the task.
    """

    command: str
    code: int | None
    place: Place


class Manual(Record):
    """A person's word.

    Attributes:
        note: what they found; empty where there is none.
        who: who they are; empty where nobody is named.
        when: the time, as written; empty where there is none.
        place: where it stands, below the task.
    """

    note: str
    who: str
    when: str
    place: Place


class CitedManifest(Record):
    """A path that is cited as the manifest of a run.

    Attributes:
        path: as it is written.
        place: where it stands, below the task.
    """

    path: str
    place: Place


class TaskEvidence(Record):
    """Everything that a plan says of how a task was verified.

    Attributes:
        ran: the commands.
        manual: the words of people.
        runs: the manifests.
        other: where something else stands that proves nothing.
    """

    ran: list[RanCommand] = []
    manual: list[Manual] = []
    runs: list[CitedManifest] = []
    other: list[Place] = []

    def __bool__(self) -> bool:
        return bool(self.ran or self.manual or self.runs or self.other)


def evidence_of(task: Task) -> TaskEvidence:
    """What a plan says of how a task was verified."""
    evidence = TaskEvidence()
    for key in task.plan.settings.keys_of("verification"):
        if key in task.value:
            _read(evidence, task.value[key], None, (key,))
    flat = [key for key in task.value if normal_name(key) in FLAT]
    if flat:
        evidence.manual.append(_manual({key: task.value[key] for key in flat}, (flat[0],)))
    return evidence


def _read(evidence: TaskEvidence, value: Any, code: int | None, place: Place) -> None:
    """Read one entry or a list of them; a text in a list of commands has the code that stands beside it."""
    if isinstance(value, dict):
        _entry(evidence, value, code, place)
    elif isinstance(value, list):
        for position, one in elements(value):
            _read(evidence, one, code, (*place, position))
    elif isinstance(value, str) and code is None and _is_path(value):
        evidence.runs.append(CitedManifest(value.strip(), place))
    elif isinstance(value, str) and len(place) > 1 and normal_name(str(place[-2])) in COMMANDS:
        evidence.ran.append(RanCommand(value.strip(), code, place))
    elif value not in (None, "", False):
        evidence.other.append(place)


def _entry(evidence: TaskEvidence, entry: Mapping[str, Any], beside: int | None, place: Place) -> None:
    # Of several codes the one counts that tells of a failure, or of nothing.
    codes = [_code(entry[key]) for key in entry if normal_name(key) in CODE] or [beside]
    code = next((one for one in codes if one), None if None in codes else 0)
    understood = False
    for key, value in entry.items():
        name = normal_name(key)
        if name in COMMAND and isinstance(value, str) and value.strip():
            evidence.ran.append(RanCommand(value.strip(), code, (*place, key)))
        elif name in COMMANDS and isinstance(value, list) and value:
            _read(evidence, value, code, (*place, key))
        elif name in MANIFEST and isinstance(value, str) and _is_path(value):
            evidence.runs.append(CitedManifest(value.strip(), (*place, key)))
        else:
            continue
        understood = True
    if not understood and any(normal_name(key) in NOTE | WHO | WHEN for key in entry):
        evidence.manual.append(_manual(entry, place))
    elif not understood:
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


NOBODY: Final = frozenset(
    {
        "a", "agent", "ai", "an", "assistant", "auto", "automated", "automatic", "automation", "bot", "by",
        "ci", "claude", "cli", "code", "codex", "coding", "copilot", "cursor", "gemini", "gpt", "human",
        "llm", "machine", "manual", "manually", "me", "model", "my", "n", "na", "nobody", "none", "our",
        "person", "planner", "reviewer", "robot", "script", "self", "someone", "specguard", "sub", "system",
        "tbd", "the", "todo", "unknown", "user", "verifier", "via",
    }
)  # fmt: skip
"""Words that stand for a person where none is named."""

_FILL: Final = re.compile(r"<[^<>]*>|\.{3}|\u2026|(?i:todo|tbd|fixme|n/?a|none)\b.*", re.DOTALL)
_CANNOT_FAIL: Final = re.compile(r"(?:true|:|exit 0|(?:echo|printf)\b[^|&;><$`()]*)", re.DOTALL)
_MODEL: Final = re.compile(
    r"(?:(?:claude|codex|copilot|gemini|gpt)[-_ .]?[a-z-]*[-_ .]?|o)[0-9][\w. -]*", re.IGNORECASE
)
_FORMS: Final = (
    "Record under `verification` each command with its exit code, the manifest of the run, or a note with "
    "the person and the time."
)


def unverified(task: Task, proof: RunProof, today: date) -> Iterator[Finding]:
    """What is missing for a task that is done.

    Args:
        task: the task.
        proof: tells of a run whether it shows a task.
        today: the UTC date.

    Raises:
        MissingFact: a run is cited that cannot be looked up here, and nothing else proves the task.
    """
    evidence = evidence_of(task)
    last = _last(evidence.ran)
    failed = [ran for ran in last.values() if ran.code]
    manual = {one.place: manual_problem(one, today) for one in evidence.manual}
    proofs = proofs_of(task)
    for ran in failed:
        yield _finding(
            task,
            f"and {shortened(ran.command, 80)!r} ended with {ran.code}",
            f"failed:{_plain(ran.command)}",
            ran.place,
            help="Take the task back to where it stands, and verify it again.",
        )
    if failed or "" in manual.values():
        return
    if not proofs:
        yield _no_commands(task)
    elif not evidence:
        yield _finding(task, "and nothing says how that was verified", "evidence")
    else:
        reasons = [(why, "manual", place) for place, why in manual.items()]
        reasons += [
            (f"what its `{place[0]}` says is no evidence", "other", place) for place in evidence.other
        ]
        yield from _unproven(task, evidence.runs, proofs, last, reasons, proof)


def commands_of(task: Task) -> Sequence[tuple[Place, str]]:
    """The commands that verify a task, each with its place below it; what is to be filled in is left out."""
    return [(place, text) for place, text in task.listed("verify") if not _FILL.fullmatch(text)]


def proofs_of(task: Task) -> Sequence[str]:
    """Those that can fail, and so prove something."""
    return [command for _, command in commands_of(task) if not _CANNOT_FAIL.fullmatch(command)]


def same_command(one: str, other: str) -> bool:
    """Whether two texts are the same command, however they are spaced."""
    return _plain(one) == _plain(other)


def _unproven(
    task: Task,
    runs: Iterable[CitedManifest],
    commands: Sequence[str],
    recorded: Mapping[str, RanCommand],
    reasons: Sequence[tuple[str, str, Place]],
    proof: RunProof,
) -> Iterator[Finding]:
    """What keeps all that a task has from proving it; nothing where something does."""
    without = [command for command in commands if _plain(command) not in recorded]
    unknown = next((ran for ran in recorded.values() if ran.code is None), None)
    if recorded and not without and unknown is None:
        return
    found: list[tuple[str, str, Place]] = []
    missing: MissingFact | None = None
    for cited in runs:
        try:
            problem = _run_problem(cited, task, proof)
        except MissingFact as fact:
            missing = missing or fact
            continue
        if not problem:
            return
        found.append((problem, f"run:{cited.path}", cited.place))
    if missing is not None:
        raise missing
    if unknown is not None:
        found.append((f"{shortened(unknown.command, 80)!r} has no exit code", "code", unknown.place))
    elif recorded:
        place = next(iter(recorded.values())).place
        found.append((f"{shortened(without[0], 80)!r} is not among what was run", "command", place))
    for problem, what, place in (*found, *reasons):
        yield _finding(task, f"but {problem}", what, place)


def _no_commands(task: Task) -> Finding:
    key, commands = task.key_of("verify"), commands_of(task)
    said = f"and has no {key} commands"
    if commands:
        said = f"and its only command {shortened(commands[0][1], 80)!r} cannot fail"
    help = (
        f"List under `{key}` the commands that verify it, and record their exit codes; or have a person "
        "verify it, and record who, when and what they saw."
    )
    return _finding(task, said, "verify", (key,), help=help)


def _last(ran: Sequence[RanCommand]) -> Mapping[str, RanCommand]:
    """Of each command what was run last."""
    return {_plain(one.command): one for one in ran}


def _run_problem(cited: CitedManifest, task: Task, proof: RunProof) -> str:
    """Why a cited run proves nothing; empty where it proves the task."""
    named = cited.path.encode("utf-8", "surrogateescape")
    path = None if named.startswith(b"/") else plain_path(named)
    shown, records = shortened(cited.path, 80), proof.records
    if path is None or not path.startswith(records.settings.folder):
        return f"{shown!r} is not in the folder of runs, {records.settings.path}"
    if not records.visible:
        return f"the run {shown!r} is kept elsewhere, and the plan itself records no exit codes"
    if data_kind(path) is None:
        path += b"/manifest.json"
    flaw = proof.flaw(records.at(path), Claim(task.name, ids=[task.id], plan=path_text(task.plan.path)))
    # RUN007 says what falls short of the grade.
    return f"the run {shown!r} {flaw.reason}" if flaw is not None and not flaw.bound else ""


def manual_problem(manual: Manual, today: date) -> str:
    """What a person's word lacks; empty where it is complete."""
    day = parse_date(manual.when)
    lacks = ""
    if not manual.note or owes(manual.note):
        lacks = "has no note"
    elif not manual.who.strip(" .@<>"):
        lacks = "names no person"
    elif _is_nobody(manual.who.casefold().strip(" .@<>")):
        lacks = f"names {shortened(manual.who, 80)!r}, who is no person"
    elif not manual.when:
        lacks = "has no time"
    elif day is None:
        when = shortened(manual.when, 80)
        return f"the time of its verification by hand, {when!r}, {date_problem(manual.when)}"
    # A clock that is ahead of UTC may show tomorrow's date.
    elif (day - today).days > 1:
        lacks = f"is dated {day}, which is in the future"
    return f"its verification by hand {lacks}" if lacks else ""


def _is_nobody(who: str) -> bool:
    """Whether what stands for a person names a model, or only what anybody may be called: `the agent`."""
    from specguard.declaration.look_alikes import reading

    read = reading(who)
    words = [word for word in re.split(r"[\W_]+", read) if any(map(str.isalpha, word))]
    return _MODEL.fullmatch(read) is not None or all(word in NOBODY for word in words)


def _plain(command: str) -> str:
    return " ".join(command.removeprefix("$ ").split())


def _finding(task: Task, said: str, what: str, place: Place = (), *, help: str = _FORMS) -> Finding:
    at = place or ((task.key_of("status"),) if task.said("status") else ())
    message = f"{task.name} is {task.status}, {said}"
    return task.finding(message, help, f"{task.id}:{what}", *at, setting="done")
