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
from specguard.documents.fields import normal_name
from specguard.errors import MissingFact, judge_each
from specguard.model import Finding, path_text, shortened
from specguard.runs.proof import Claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any, Final

    from specguard.plans.plans import Plan
    from specguard.plans.task import Task
    from specguard.runs.proof import RunProof

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


class Ran(Record):
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


class Cited(Record):
    """A path that is cited as the manifest of a run.

    Attributes:
        path: as it is written.
        place: where it stands, below the task.
    """

    path: str
    place: Place


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


NOBODY: Final = frozenset(
    {
        "agent",
        "ai",
        "assistant",
        "auto",
        "automated",
        "automatic",
        "automation",
        "bot",
        "ci",
        "claude",
        "codex",
        "copilot",
        "cursor",
        "gemini",
        "gpt",
        "human",
        "llm",
        "machine",
        "manual",
        "manually",
        "me",
        "model",
        "na",
        "n/a",
        "nobody",
        "none",
        "person",
        "planner",
        "reviewer",
        "robot",
        "script",
        "self",
        "someone",
        "specguard",
        "system",
        "tbd",
        "todo",
        "unknown",
        "user",
        "verifier",
    }
)
"""What stands for a person where none is named."""

_FILLERS: Final = frozenset({"a", "an", "by", "cli", "code", "coding", "my", "n", "our", "sub", "the", "via"})
_FILL: Final = re.compile(r"<[^<>]*>|\.{3}|\u2026|(?i:todo|tbd|fixme|n/?a|none)\b.*", re.DOTALL)
_CANNOT_FAIL: Final = re.compile(r"(?:true|:|exit 0|(?:echo|printf)\b[^|&;><$`()]*)", re.DOTALL)
_MODEL: Final = re.compile(
    r"(?:(?:claude|codex|copilot|gemini|gpt)[-_ .]?[a-z-]*[-_ .]?|o)[0-9][\w. -]*", re.IGNORECASE
)
_FORMS: Final = (
    "Record under `verification` each command with its exit code, the manifest of the run, or a note with "
    "the person and the time."
)


def unverified(plan: Plan, proof: RunProof, today: date) -> Iterator[Finding]:
    """The tasks of a plan that are done without evidence.

    Args:
        plan: the plan.
        proof: tells of a run whether it shows a task.
        today: the UTC date.

    Raises:
        MissingFact: a run is cited that cannot be looked up here, and nothing else proves the task; after all
            findings.
    """
    done = [task for task in plan.tasks if task.done]
    return judge_each(done, lambda task: unverified_task(task, proof, today))


def unverified_task(task: Task, proof: RunProof, today: date) -> Iterator[Finding]:
    """What is missing for a task that is done; see `unverified`."""
    evidence = evidence_of(task)
    commands = [command for _, command in commands_of(task)]
    proofs = proofs_of(task)
    manual = [problem for one in evidence.manual if (problem := manual_problem(one, today))]
    by_hand = len(manual) < len(evidence.manual)
    failed = [ran for ran in _last(evidence.ran) if ran.code]
    for ran in failed:
        yield _finding(
            task,
            f"{task.name} is {task.status}, and {shortened(ran.command, 80)!r} ended with {ran.code}",
            "Take the task back to where it stands, and verify it again.",
            f"failed:{_plain(ran.command)}",
            ran.place,
        )
    if failed:
        return
    if by_hand:
        return
    if not proofs:
        yield _no_commands(task, commands)
        return
    if not evidence:
        yield _finding(
            task,
            f"{task.name} is {task.status}, and nothing says how that was verified",
            _FORMS,
            "evidence",
            (),
        )
        return
    yield from _unproven(task, evidence, proofs, manual, proof)


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
    task: Task, evidence: Evidence, commands: Sequence[str], manual: Sequence[str], proof: RunProof
) -> Iterator[Finding]:
    """What keeps all that a task has from proving it; nothing where something does."""
    recorded = {_plain(ran.command): ran for ran in _last(evidence.ran)}
    without = [command for command in commands if _plain(command) not in recorded]
    unknown = next((ran for ran in recorded.values() if ran.code is None), None)
    if evidence.ran and not without and unknown is None:
        return
    missing: MissingFact | None = None
    reasons: list[tuple[str, str, Place]] = []
    for cited in evidence.runs:
        try:
            problem = _run_problem(cited, task, proof)
        except MissingFact as fact:
            missing = missing or fact
            continue
        if not problem:
            return
        reasons.append((problem, f"run:{cited.path}", cited.place))
    if missing is not None:
        raise missing
    if unknown is not None:
        reasons.append((f"{shortened(unknown.command, 80)!r} has no exit code", "code", unknown.place))
    elif evidence.ran:
        reasons.append(
            (f"{shortened(without[0], 80)!r} is not among what was run", "command", evidence.ran[0].place)
        )
    reasons += [(problem, "manual", one.place) for problem, one in zip(manual, evidence.manual, strict=True)]
    reasons += [(f"what its `{place[0]}` says is no evidence", "other", place) for place in evidence.other]
    for problem, what, place in reasons:
        yield _finding(task, f"{task.name} is {task.status}, but {problem}", _FORMS, what, place)


def _no_commands(task: Task, commands: Sequence[str]) -> Finding:
    found = task.find("verify")
    key = found[0] if found else "verify"
    said = f"{shortened(commands[0], 80)!r} cannot fail" if commands else f"has no {key} commands"
    return _finding(
        task,
        f"{task.name} is {task.status}, and " + (f"its only command {said}" if commands else said),
        f"List under `{key}` the commands that verify it, and record their exit codes; or have a person "
        "verify it, and record who, when and what they saw.",
        "verify",
        (key,),
    )


def _last(ran: Sequence[Ran]) -> list[Ran]:
    """Of each command what was run last."""
    last: dict[str, Ran] = {}
    for one in ran:
        last[_plain(one.command)] = one
    return list(last.values())


def _run_problem(cited: Cited, task: Task, proof: RunProof) -> str:
    """Why a cited run proves nothing; empty where it proves the task."""
    written = cited.path.encode("utf-8", "surrogateescape")
    path = None if written.startswith(b"/") else plain_path(written)
    shown, records = shortened(cited.path, 80), proof.records
    if path is None or not path.startswith(records.settings.folder):
        return f"{shown!r} is not in the folder of runs, {records.settings.path}"
    if not records.visible:
        return f"the run {shown!r} is kept elsewhere, and the plan itself records no exit codes"
    if data_kind(path) is None:
        path += b"/manifest.json"
    claim = Claim(label=task.name, ids=[task.id], plan=path_text(task.plan.path))
    flaw = proof.flaw(records.at(path), claim)
    # RUN007 says what falls short of the grade.
    return f"the run {shown!r} {flaw.reason}" if flaw is not None and not flaw.bound else ""


def manual_problem(manual: Manual, today: date) -> str:
    """What a person's word lacks; empty where it is complete."""
    if not manual.note or owes(manual.note):
        return "its verification by hand has no note"
    who = manual.who.casefold().strip(" .@<>")
    if not who:
        return "its verification by hand names no person"
    if _is_nobody(who):
        return f"its verification by hand names {shortened(manual.who, 80)!r}, who is no person"
    if not manual.when:
        return "its verification by hand has no time"
    day = parse_date(manual.when)
    if day is None:
        when = shortened(manual.when, 80)
        return f"the time of its verification by hand, {when!r}, {date_problem(manual.when)}"
    # A clock that is ahead of UTC may show tomorrow's date.
    if (day - today).days > 1:
        return f"its verification by hand is dated {day}, which is in the future"
    return ""


def _is_nobody(who: str) -> bool:
    """Whether what stands for a person names a model, or only what anybody may be called: `the agent`."""
    from specguard.declaration.look_alikes import reading

    read = reading(who)
    words = [word for word in re.split(r"[\W_]+", read) if any(map(str.isalpha, word))]
    return _MODEL.fullmatch(read) is not None or all(word in NOBODY or word in _FILLERS for word in words)


def _plain(command: str) -> str:
    return " ".join(command.removeprefix("$ ").split())


def _finding(task: Task, message: str, help: str, what: str, place: Place) -> Finding:
    return Finding(
        message,
        help=help,
        path=task.plan.path,
        line=task.line_of(*(place or _status_key(task))),
        field=task.field(*(place or _status_key(task))),
        key=f"{task.id}:{what}",
        setting=task.plan.setting("done"),
    )


def _status_key(task: Task) -> Place:
    found = task.find("status")
    return (found[0],) if found else ()
