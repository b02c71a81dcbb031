"""What the tests of rules about specs share: a policy, a repository in which it holds, and a change."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from specguard.testing import Outcome, Step
from tests.rules.items import judge

TODAY = "2026-03-02"
SPEC = "tasks/specs/0001-runs.md"
INDEX = "tasks/index.json"
CODE = "src/runs/run.py"
POLICY = """
[specs]
files = ["tasks/specs/*.md"]
index = "tasks/index.json"
entries = ["items", "specs"]
review = "last_review"
statuses = ["planned", "in-progress", "done"]
transitions = {planned = ["in-progress", "done"], in-progress = ["done"]}
approval_needed = ["in-progress", "done"]
code = ["src/**"]

[specs.governs]
"src/runs/**" = ["tasks/specs/0001-*.md"]
"""
WITHOUT_INDEX = POLICY.replace('index = "tasks/index.json"\nentries = ["items", "specs"]\n', "")


def spec(
    review: str = "2026-02-20", status: str = "planned", more: str = "", text: str = "Runs are kept.\n"
) -> str:
    """A spec with front matter; `more` are lines of it."""
    return f"---\nlast_review: {review}\nstatus: {status}\n{more}---\n\n# Runs\n\n{text}"


def index(*entries: Mapping[str, Any], key: str = "specs") -> str:
    """An index of these entries, each on a line of its own."""
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    return f'{{"{key}": [\n{lines}\n]}}\n'


def each(texts: Iterable[str], folder: str = "tasks/specs", suffix: str = ".md") -> dict[str, str]:
    """Each text in a file of its own, so that one repository serves them all."""
    return {f"{folder}/{number:02}{suffix}": text for number, text in enumerate(texts)}


def found_in(files: Iterable[str], findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One finding in each of these files, in their order."""
    return [{"path": path, **finding} for path, finding in zip(files, findings, strict=True)]


ENTRY = {"id": "0001", "path": SPEC}
BASE = {SPEC: spec(), INDEX: index(ENTRY), CODE: "run()\n"}


def judged_by(
    code: str,
    directory: Path,
    files: Mapping[str, str] | None = None,
    *expect: Mapping[str, Any],
    base: Mapping[str, str] | None = None,
    policy: str = POLICY,
    delete: Sequence[str] = (),
    message: str = "docs: change",
    today: str = TODAY,
    args: Sequence[str] = (),
    **case: Any,
) -> Outcome:
    """Judge a change by one rule; without files, of the governed code."""
    files = {CODE: "run(1)\n"} if files is None else files
    case.setdefault("commits", [Step(message, files=dict(files), delete=list(delete))])
    return judge(
        code,
        directory,
        policy=policy,
        base=[Step("chore: base", files=dict(BASE if base is None else base))],
        args=["--today", today, *args],
        expect=expect,
        **case,
    )
