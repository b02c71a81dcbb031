"""Whether a task that is done has evidence that it was verified."""

from __future__ import annotations

import re

from specguard.documents.citations import plain_path
from specguard.documents.content import owes
from specguard.documents.data import data_kind
from specguard.documents.dates import date_problem, parse_date
from specguard.errors import MissingFact, judge_each
from specguard.model import Finding, path_text, shortened
from specguard.plans.evidence import evidence_of
from specguard.runs.proof import Claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from typing import Final

    from specguard.plans.evidence import Cited, Evidence, Manual, Place, Ran
    from specguard.plans.plan import Plan
    from specguard.plans.task import Task
    from specguard.runs.proof import RunProof

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
