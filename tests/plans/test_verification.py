"""What shows that a task that is done was verified."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest

from specguard.change.tree import Documents
from specguard.plans.verification import unverified
from specguard.runs.proof import RunProof
from specguard.runs.record import RunRecords
from specguard.runs.settings import RunSettings
from tests.plans.making import NOTHING, plan_of, task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from specguard.change.tree import Tree

TODAY = datetime.date(2026, 2, 1)
BOTH = ["pytest -q", "ruff check"]


def proof(documents: Documents, **settings: Any) -> RunProof:
    """What the runs of some documents show, by these settings."""
    records = RunRecords(
        RunSettings(**settings),
        documents=documents,
        root=lambda: None,
        entries=tuple,
        now=datetime.datetime.now,
    )
    git: Any = None
    return RunProof(
        records=records,
        git=git,
        tree=documents.tree,
        head=None,
        past=lambda _: (),
        kinds={},
        paper=lambda _: False,
    )


def found(
    evidence: Mapping[str, Any], *, runs: RunProof | None = None, verify: Sequence[str] = BOTH
) -> list[str]:
    """What is missing for a task that is done and says this of its verification."""
    [one] = plan_of([task(status="done", verify=list(verify), **evidence)]).tasks
    runs = runs or proof(NOTHING, keep="tree")
    return [finding.message for finding in unverified(one, runs, TODAY)]


def ran(*codes: Any) -> list[dict[str, Any]]:
    return [{"command": command, "exit_code": code} for command, code in zip(BOTH, codes, strict=False)]


NO_EVIDENCE = ["task_001 is done, but what its `verification` says is no evidence"]


@pytest.mark.parametrize(
    "evidence",
    [
        {"verification": ran(0, 0)},
        {"verification": {"commands": ran(0, 0), "at": "2026-01-31", "by": "planner"}},
        {"verification": {"commands": BOTH, "exit_code": 0}},
        {
            "verification": [
                {"command": "  pytest   -q ", "returncode": 0},
                {"command": "$ ruff check", "exit": 0},
            ]
        },
        # Of a command that was run twice the last time counts, and what else was run does no harm.
        {"verification": [*ran(1), *ran(0, 0), {"command": "ls", "exit_code": 0}]},
        {"verification": {"note": "looks right on the device", "by": "Ann Lee", "at": "2026-01-31"}},
        {"verification": [{"note": "looks right", "by": "ann@example.org", "at": "2026-01-31"}]},
        {"verified_note": "device ok", "verified_by": "Ann", "verified_at": "2026-01-31T12:00:00Z"},
        # A clock ahead of UTC may show the day after.
        {"verified_note": "device ok", "verified_by": "Ann", "verified_at": "2026-02-02"},
    ],
)
def test_what_is_evidence(evidence: dict[str, Any]) -> None:
    assert found(evidence) == []


@pytest.mark.parametrize(
    ("evidence", "messages"),
    [
        ({}, ["task_001 is done, and nothing says how that was verified"]),
        ({"verification": []}, ["task_001 is done, and nothing says how that was verified"]),
        ({"verification": None}, ["task_001 is done, and nothing says how that was verified"]),
        # What other keys say is not read.
        ({"verified": ran(0, 0)}, ["task_001 is done, and nothing says how that was verified"]),
        ({"evidence": ran(0, 0)}, ["task_001 is done, and nothing says how that was verified"]),
        ({"verification": {"results": [{"cmd": one, "code": "0"} for one in BOTH]}}, NO_EVIDENCE),
        (
            {"verification": [{"command": one, "exit_code": "0"} for one in BOTH]},
            ["task_001 is done, but 'pytest -q' has no exit code"],
        ),
        ({"verification": [{"Note": "ok", "Who": "Ann", "When": "2026-01-31"}]}, NO_EVIDENCE),
        (
            {"verification": {"commands": "pytest -q", "note": "ok"}},
            ["task_001 is done, and nothing says how that was verified"],
        ),
        ({"verification": True}, NO_EVIDENCE),
        ({"verification": "passed"}, NO_EVIDENCE),
        ({"verification": {"status": "passed"}}, NO_EVIDENCE),
        ({"verification": {"exit_code": 0}}, NO_EVIDENCE),
        ({"verification": ran(0)}, ["task_001 is done, but 'ruff check' is not among what was run"]),
        ({"verification": ran(0, 3)}, ["task_001 is done, and 'ruff check' ended with 3"]),
        ({"verification": [*ran(0, 0), *ran(1)]}, ["task_001 is done, and 'pytest -q' ended with 1"]),
        ({"verification": ran(0, None)}, ["task_001 is done, but 'ruff check' has no exit code"]),
        ({"verification": ran(0, True)}, ["task_001 is done, but 'ruff check' has no exit code"]),
        ({"verification": {"commands": BOTH}}, ["task_001 is done, but 'pytest -q' has no exit code"]),
        (
            {"verification": [{"note": "ok on the device", "by": "Ann", "at": "2026-01-31"}, *ran(1)]},
            ["task_001 is done, and 'pytest -q' ended with 1"],
        ),
        ({"verification": ran(0, " 2 ")}, ["task_001 is done, and 'ruff check' ended with 2"]),
    ],
)
def test_what_is_none(evidence: dict[str, Any], messages: list[str]) -> None:
    assert found(evidence) == messages


@pytest.mark.parametrize(
    ("entry", "command"),
    [
        ({"command": "make", "exit_code": "1"}, "make"),
        ({"cmd": "make", "exit_code": 1}, "make"),
        ({"exit_code": 1}, "a command"),
        ({"results": [{"command": "ls", "exit_code": 0}, {"cmd": "make", "exit_code": 1}]}, "make"),
        ({"checks": {"commands": ["make"], "exit_code": 1}}, "make"),
    ],
)
def test_a_recorded_failure_counts_also_in_a_form_that_proves_nothing(
    entry: dict[str, Any], command: str
) -> None:
    failed = [f"task_001 is done, and {command!r} ended with 1"]
    assert found({"verification": [*ran(0, 0), entry]}) == failed
    word = {"note": "ok on the device", "by": "Ann", "at": "2026-01-31"}
    assert found({"verification": [entry, word]}) == failed


@pytest.mark.parametrize(
    ("note", "who", "when", "problem"),
    [
        ("", "Ann", "2026-01-31", "has no note"),
        ("TODO", "Ann", "2026-01-31", "has no note"),
        ("<note>", "Ann", "2026-01-31", "has no note"),
        ("\u200b\u3164", "Ann", "2026-01-31", "has no note"),
        ("device ok", "", "2026-01-31", "names no person"),
        ("device ok", "manual", "2026-01-31", "names 'manual', who is no person"),
        ("device ok", "Codex", "2026-01-31", "names 'Codex', who is no person"),
        ("device ok", "claude-opus-4.1", "2026-01-31", "who is no person"),
        ("device ok", "Gemini 3 Pro", "2026-01-31", "who is no person"),
        ("device ok", "o3", "2026-01-31", "who is no person"),
        ("device ok", "123", "2026-01-31", "who is no person"),
        ("device ok", "Ann", "", "has no time"),
        ("device ok", "Ann", "yesterday", "'yesterday', is no date"),
        ("device ok", "Ann", "01/02/2026", "is no date"),
        ("device ok", "Ann", "2026-02-03", "is dated 2026-02-03, which is in the future"),
    ],
)
def test_a_persons_word_has_a_note_a_person_and_a_time(note: str, who: str, when: str, problem: str) -> None:
    [message] = found({"verification": {"note": note, "by": who, "at": when}})
    assert problem in message
    assert found({"verified_note": note, "verified_by": who, "verified_at": when}) == [message]


@pytest.mark.parametrize("who", ["Claude Shannon", "Oliver 2nd", "J. Doe <j@x.org>", "@ann", "\u674e\u96f7"])
def test_people_whose_names_resemble_those_of_models(who: str) -> None:
    assert found({"verification": {"note": "device ok", "by": who, "at": "2026-01-31"}}) == []


@pytest.mark.parametrize("verify", [[], ["<fill: 1-3 commands>"], ["TODO"], ["..."]])
def test_a_task_that_is_done_has_commands(verify: list[str]) -> None:
    assert found({"verification": ran(0, 0)}, verify=verify) == [
        "task_001 is done, and has no verify commands"
    ]


@pytest.mark.parametrize(
    "command", ["true", ":", "exit 0", "echo ok", 'echo "manual verification"', "printf done"]
)
def test_a_command_that_cannot_fail_verifies_nothing(command: str) -> None:
    evidence = {"verification": [{"command": command, "exit_code": 0}]}
    [message] = found(evidence, verify=[command])
    assert message == f"task_001 is done, and its only command {command!r} cannot fail"


@pytest.mark.parametrize(
    "command", ["echo ok | grep -q ok", "echo x && pytest", "[ -f build/x ]", "true && make", "./echo"]
)
def test_a_command_that_can_fail_does(command: str) -> None:
    assert found({"verification": [{"command": command, "exit_code": 0}]}, verify=[command]) == []


def test_a_person_stands_in_for_commands() -> None:
    assert found({"verification": {"note": "device ok", "by": "Ann", "at": "2026-01-31"}}, verify=[]) == []


RUNS = {
    ".runs/1/manifest.json": '{"status": "succeeded"}',
    ".runs/2/manifest.json": '{"status": "failed"}',
    ".runs/3/manifest.json": "{",
    ".runs/4/manifest.json": "{}",
    "elsewhere/manifest.json": '{"status": "succeeded"}',
}


@pytest.fixture
def runs(tree: Callable[[Mapping[str, str | bytes]], Tree]) -> RunProof:
    """The runs of a tree in which they are kept."""
    return proof(Documents(tree(RUNS)), keep="tree")


def test_a_run_is_evidence_where_it_exists_and_succeeded(runs: RunProof) -> None:
    for path in (".runs/1/manifest.json", "./.runs/1/manifest.json", ".runs/1/", ".runs/1"):
        assert found({"verification": path}, runs=runs) == []
    assert found({"verification": {"manifest": ".runs/1/manifest.json"}}, runs=runs) == []
    assert found({"verification": [".runs/2/manifest.json", ".runs/1/manifest.json"]}, runs=runs) == []
    for path, problem in {
        ".runs/2/manifest.json": "the run '.runs/2/manifest.json' did not succeed: its status is 'failed'",
        ".runs/3/manifest.json": "cannot be read: it is no JSON",
        ".runs/4/manifest.json": "does not say that it succeeded: it has no status",
        ".runs/9/manifest.json": "the run '.runs/9/manifest.json' does not exist",
        "elsewhere/manifest.json": "is not in the folder of runs, .runs",
        ".runs/../elsewhere/manifest.json": "is not in the folder of runs, .runs",
        "/.runs/1/manifest.json": "is not in the folder of runs, .runs",
    }.items():
        [message] = found({"verification": {"manifest": path}}, runs=runs)
        assert message.startswith("task_001 is done, but ")
        assert problem in message


def test_where_runs_are_kept_elsewhere_the_plan_s_own_record_counts() -> None:
    local = proof(NOTHING)
    [message] = found({"verification": ".runs/9/manifest.json"}, runs=local)
    assert "is kept elsewhere, and the plan itself records no exit codes" in message
    assert found({"verification": [".runs/9/manifest.json", *ran(0, 0)]}, runs=local) == []
