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

    def mismatch(self, tools: Tools, directory: Path, environment: Mapping[str, str]) -> str:
        """Return a message about a report that is not as expected; empty if it is."""
        done = subprocess.run(
            [tools.specguard, "check", *self.arguments, "--output-format", "json"],
            cwd=directory,
            env=environment,
            capture_output=True,
            check=False,
        )
        asked = " ".join(self.arguments)
        try:
            report = json.loads(done.stdout)
            rules = {rule["code"]: rule for rule in report["rules"]}
            found = {name: report["change"][name] for name in ("entries", "commits")}
            found["findings"] = len(report["findings"])
        except (ValueError, KeyError, TypeError):
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
            return f"check {asked}: exit {done.returncode}, no report: {said[0] if said else ''}"
        for code, state in self.states.items():
            rule = rules.get(code, {"state": None, "reason": None})
            if rule["state"] != state:
                return f"check {asked}: {code} is {rule['state']} ({rule['reason']}), not {state}"
        for what, count in found.items():
            if getattr(self, what) not in (None, count):
                return f"check {asked}: {count} {what}, not {getattr(self, what)}"
        return ""


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

    def mismatch(self, tools: Tools, directory: Path, environment: Mapping[str, str]) -> str:
        """Return a message about an answer that is not as expected; empty if it is."""
        with open(self.event, "rb") as event:
            done = subprocess.run(
                [tools.specguard, "hook", "claude"],
                cwd=directory,
                env=environment,
                stdin=event,
                capture_output=True,
                check=False,
            )
        said = done.stdout.decode("utf-8", "replace")
        if self.word is None and not done.returncode:
            return ""
        if done.returncode or bool(said) != bool(self.word) or (self.word or "") not in said:
            return f"hook claude: exit {done.returncode}, {said[:200]!r} where {self.word!r} is expected"
        return ""
