"""What a change is by its names and paths: each cell of the table in `docs/checking.md`, at every stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import Case, Step
from specguard.testing.running import run_here
from tests.docs.pages import read
from tests.executor.working import Workshop
from tests.integrations.hooks.asking import ask, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from specguard.testing import Repository
    from specguard.testing.running import Outcome

POLICY = """
require_work_item = ["team/*"]

[work.phase]
pointer = ["NEXT_PHASE.json"]
number = "next"
document = ["docs/phase-{number}.md"]
index = ["docs/INDEX.md"]
branch = "phase-{number}"
commit = "feat(phase{number}): implement phase {number}"
pull_request = "Phase {number}"

[work.slice]
source = "docs/PHASE_{x}_SLICES.yaml"
branch = "slice-{x}-{number}"

[artifacts.packet]
path = "docs/PHASE_{x}_PACKET.md"

[wave]
by = ["x"]
stages = [{name = "planning", leaves = ["packet"]}, {name = "implementation", items = "slice"}]

[work.task]
source = ".plans/{name}/plan.json"
items = "tasks"
number = "id"
branch = "pr/{name}"
commit = "task_{number}: {text}"

[plans.pipeline]
folder = ".plans/{name}"
plan = "plan.json"
"""
SLICES = "slices:\n  - {id: D1, status: open, owner: ann, files: [src/a.py]}\n"
PLAN = """{"goal": "g", "tasks": [{"id": "task_001", "title": "t", "domain": "core", "status": "pending",
"depends_on": [], "expected_files": ["src/c.py"], "verify": ["true"], "done_criteria": ["d"]}]}
"""
BASE = {
    "NEXT_PHASE.json": '{"next": 12}',
    "docs/phase-12.md": "# Phase 12\n",
    "docs/phase-13.md": "# Phase 13\n",
    "docs/INDEX.md": "| 12 | [12](phase-12.md) |\n",
    "docs/PHASE_D_SLICES.yaml": SLICES,
    "docs/PHASE_D_PACKET.md": "# D\n",
    ".plans/cart/plan.json": PLAN,
    "src/a.py": "a = 1\n",
}

NAMES = {
    "rightly": ("phase-12", "feat(phase12): implement phase 12"),
    "wrongly": ("phase-13", "feat(phase13): implement phase 13"),
    "ambiguously": ("phase-12", "feat(phase13): implement phase 13"),
    "none": ("cart", "feat: implement cart"),
    "none, required": ("team/cart", "feat: implement cart"),
}
POINTER: Mapping[str, str] = {"NEXT_PHASE.json": '{"next": 13}'}
OWN: Mapping[str, str] = {"docs/phase-12.md": "# Phase 12: cart\n"}
OTHER: Mapping[str, str] = {"docs/phase-14.md": "# Phase 14\n"}
INDEX: Mapping[str, str] = {"docs/INDEX.md": "| 12 | [12](phase-12.md), done |\n"}
LIST: Mapping[str, str] = {"docs/PHASE_D_SLICES.yaml": SLICES.replace("open", "done")}
TICKED: Mapping[str, str] = {".plans/cart/plan.json": PLAN.replace("pending", "done")}
SLICE: Mapping[str, str] = {"src/a.py": "a = 2\n"}
CODE: Mapping[str, str] = {"src/b.py": "b = 1\n"}
TOUCHED: Mapping[str, Mapping[str, str]] = {
    "the pointer": POINTER,
    "the pointer, and other papers": {**POINTER, **OWN, **OTHER, **INDEX, **LIST},
    "the pointer, and other files": {**POINTER, **CODE},
    "the item's document": OWN,
    "the item's document, and other files": {**OWN, **CODE},
    "another item's document": OTHER,
    "another item's document, and other files": {**OTHER, **CODE},
    "an index": INDEX,
    "an index, and other files": {**INDEX, **CODE},
    "a list's statuses": LIST,
    "a list's statuses, and other files": {**LIST, **CODE},
    "a plan's statuses": TICKED,
    "a plan's statuses, and other files": {**TICKED, **CODE},
    "a file of an open slice": SLICE,
    "other files": CODE,
}
NONE = ""
CELLS = {
    "the pointer": ("004", "003 004", "003 004", NONE, NONE),
    "the pointer, and other papers": ("004 005", "003 004 005", "003 004 005", NONE, NONE),
    "the pointer, and other files": ("004", "003 004", "003 004", "004", "001 004"),
    "the item's document": (NONE, "003 005", "003", NONE, NONE),
    "the item's document, and other files": (NONE, "003 005", "003", "005", "001 005"),
    "another item's document": ("005", "003 005", "003 005", NONE, NONE),
    "another item's document, and other files": ("005", "003 005", "003 005", "005", "001 005"),
    "an index": (NONE, "003", "003", NONE, NONE),
    "an index, and other files": (NONE, "003", "003", "005", "001 005"),
    "a list's statuses": (NONE, "003", "003", NONE, NONE),
    "a list's statuses, and other files": (NONE, "003", "003", NONE, "001"),
    "a plan's statuses": ("PLN003", "PLN003 003", "PLN003 003", "PLN003", "PLN003"),
    "a plan's statuses, and other files": ("PLN003", "PLN003 003", "PLN003 003", "PLN003", "PLN003 001"),
    "a file of an open slice": ("PLN010", "PLN010 003", "PLN010 003", "PLN010", "PLN010 001"),
    "other files": (NONE, "003", "003", NONE, "001"),
}


def built(names: str, place: Path) -> Repository:
    """The base, on the branch of these names."""
    base = [Step("chore: base", files=dict(BASE))]
    return Case(policy=POLICY, base=base, branch=NAMES[names][0]).build(place / "repository")


def check(repository: Repository, *words: str, stdin: str = "") -> Outcome:
    place = repository.path.parent
    return run_here(
        "check", "--select=WRK,PLN", "--output-format=json", *words,
        directory=repository.path, env={"XDG_CACHE_HOME": str(place / "cache")}, stdin=stdin,
    )  # fmt: skip


def codes(text: str) -> list[str]:
    return [f"WRK{code}" if code.isdigit() else code for code in text.split()]


@pytest.mark.parametrize("names", NAMES)
def test_each_cell_before_the_commit_at_check_and_at_push(names: str, tmp_path: Path) -> None:
    repository = built(names, tmp_path)
    branch, subject = NAMES[names]
    for touched, cells in CELLS.items():
        expected = codes(cells[list(NAMES).index(names)])
        repository.git("reset", "-q", "--hard", "main")
        for path, text in TOUCHED[touched].items():
            repository.write(path, text)
        repository.stage()
        if names in ("rightly", "none"):
            before = [code for code in expected if code not in ("WRK001", "WRK003")]
            assert sorted(set(check(repository, "--staged").codes)) == before, touched
        oid = repository.commit(subject)
        line = f"refs/heads/{branch} {oid} refs/heads/{branch} {'0' * 40}\n"
        for outcome in (check(repository), check(repository, "--push", stdin=line)):
            assert sorted(set(outcome.codes)) == expected, touched
            assert outcome.exit_code == bool(expected), touched


@pytest.mark.parametrize("touched", ["the pointer", "another item's document", "an index", "other files"])
def test_an_agent_keeps_no_plan(touched: str, tmp_path: Path) -> None:
    repository = built("none", tmp_path)
    repository.commit("feat: implement cart", files=dict(CODE))
    expected = {"the pointer": "WRK004", "other files": ""}.get(touched, "WRK005")
    [(path, content)] = TOUCHED[touched].items()
    before = ask("claude", write(str(repository.path / path), repository.path, content), repository.path)
    repository.write(path, content + " ")
    end = {"hook_event_name": "Stop", "session_id": "s", "cwd": str(repository.path)}
    at_end = ask("claude", end, repository.path)
    for answer in (before, at_end):
        assert answer.kind == ("refuse" if expected else "pass"), answer
        assert expected in answer.refusal
        if expected:
            assert "an agent's change that names no work item" in answer.refusal


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("rm configs/NEXT_PHASE.json", "WRK004"),
        ("echo '# 13' > docs/phases/phase-13.md; echo 'new = 1' > src/new.py", "WRK005"),
    ],
)
def test_a_run_keeps_no_plan(script: str, code: str, tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    done = workshop.work(script, "--max-attempts", "1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert code in done.stdout
    assert workshop.commits() == []
    assert not workshop.state["requests"]


def test_the_page_has_each_cell() -> None:
    table = read("docs/checking.md").split("## What a change is")[1].split("## ")[0]
    shown = {}
    for line in table.splitlines():
        if line.startswith("| "):
            touched, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            shown.update(dict.fromkeys(touched.split("<br>"), cells))
    for touched, (rightly, wrongly, both, none, required) in CELLS.items():
        assert shown[touched] == [", ".join(codes(cell)) or "passes" for cell in (rightly, none)], touched
        # What is said below the table.
        another = {"WRK003", "WRK005"} if touched.startswith("the item's document") else {"WRK003"}
        assert {*codes(wrongly)} == {*codes(rightly)} | another
        assert {*codes(both)} == {*codes(rightly), "WRK003"}
        asked = {"WRK001"} if touched.endswith(("files", "slice")) else set()
        assert {*codes(required)} == {*codes(none)} | asked
