"""The report or answer that a check must give before it is timed."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from place import Tools


@dataclass(frozen=True)
class Expected:
    """The expected report, so that no figure comes from a check that judged nothing.

    Attributes:
        arguments: the arguments of `specguard check`, as they are measured.
        states: the expected state of each of these rules, by code.
        entries: the number of the change's entries; None if it does not matter.
        commits: the number of its commits; None if it does not matter.
        findings: the number of all findings.
    """

    arguments: Sequence[str]
    states: Mapping[str, str]
    entries: int | None = None
    commits: int | None = None
    findings: int = 0


@dataclass(frozen=True)
class Answer:
    """The expected answer of an agent's hook.

    Attributes:
        event: the file with the event.
        word: a word in its refusal; empty if it must allow the event without output; None if it may print
            anything.
    """

    event: str
    word: str | None


def find_mismatch(
    tools: Tools, expected: Expected | Answer, directory: Path, environment: Mapping[str, str]
) -> str:
    """Return a message about a report or answer that is not as expected; empty if it is."""
    if isinstance(expected, Answer):
        return _hook_mismatch(tools, expected, directory, environment)
    done = subprocess.run(
        [tools.specguard, "check", *expected.arguments, "--output-format", "json"],
        cwd=directory,
        env=environment,
        capture_output=True,
        check=False,
    )
    asked = " ".join(expected.arguments)
    try:
        report = json.loads(done.stdout)
        states = {rule["code"]: rule["state"] for rule in report["rules"]}
        reasons = {rule["code"]: rule["reason"] for rule in report["rules"]}
        found = {"entries": report["change"]["entries"], "commits": report["change"]["commits"]}
        findings = len(report["findings"])
    except (ValueError, KeyError, TypeError):
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        return f"check {asked}: exit {done.returncode}, no report: {said[0] if said else ''}"
    for code, state in expected.states.items():
        if states.get(code) != state:
            return f"check {asked}: {code} is {states.get(code)} ({reasons.get(code)}), not {state}"
    for what, count in (("entries", expected.entries), ("commits", expected.commits)):
        if count is not None and found[what] != count:
            return f"check {asked}: {found[what]} {what}, not {count}"
    if findings != expected.findings:
        return f"check {asked}: {findings} findings, not {expected.findings}"
    return ""


def _hook_mismatch(tools: Tools, expected: Answer, directory: Path, environment: Mapping[str, str]) -> str:
    with open(expected.event, "rb") as event:
        done = subprocess.run(
            [tools.specguard, "hook", "claude"],
            cwd=directory,
            env=environment,
            stdin=event,
            capture_output=True,
            check=False,
        )
    said = done.stdout.decode("utf-8", "replace")
    if expected.word is None and not done.returncode:
        return ""
    if done.returncode or bool(said) != bool(expected.word) or (expected.word or "") not in said:
        return f"hook claude: exit {done.returncode}, {said[:200]!r} where {expected.word!r} is expected"
    return ""
