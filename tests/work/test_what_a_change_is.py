"""What a change is by its names and paths: each cell of the table in `docs/checking.md`, at every stage."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from specguard.testing import Case, Repository, Step
from specguard.testing.running import Outcome, run_here
from tests.executor.working import Workshop
from tests.integrations.hooks.asking import ask, write
from tools.pages import read

SAMPLES = Path(__file__).parent / "samples"
POLICY = (SAMPLES / "what_a_change_is.toml").read_text(encoding="utf-8")
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
    "the pointer, and another item's document": {**POINTER, **OWN, **OTHER, **INDEX, **LIST},
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


def cells() -> dict[str, tuple[set[str], set[str]]]:
    """The page's table: what is found where the names tell of the current item rightly, and of none."""
    table = read("docs/checking.md").split("## What a change is")[1].split("## ")[0]
    shown: dict[str, tuple[set[str], set[str]]] = {}
    for line in table.splitlines():
        touched, *found = (cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("| ") and len(found) == 2:
            rightly, none = (set(re.findall("[A-Z]{3}[0-9]{3}", cell)) for cell in found)
            shown.update(dict.fromkeys(touched.split("<br>"), (rightly, none)))
    return {touched: shown[touched] for touched in TOUCHED}


CELLS = cells()


def expected(touched: str, names: str) -> list[str]:
    """What a cell says, or what is said below the table."""
    rightly, none = CELLS[touched]
    another = {"WRK003", "WRK005"} if touched.startswith("the item's document") else {"WRK003"}
    asked = {"WRK001"} if touched.endswith(("files", "slice")) else set()
    found = {
        "rightly": rightly,
        "wrongly": rightly | another,
        "ambiguously": rightly | {"WRK003"},
        "none": none,
        "none, required": none | asked,
    }
    return sorted(found[names])


def built(names: str, place: Path) -> Repository:
    """The base, on the branch of these names."""
    base = [Step("chore: base", files=dict(BASE))]
    return Case(policy=POLICY, base=base, branch=NAMES[names][0]).build(place / "repository")


def check(repository: Repository, *words: str, stdin: str = "") -> Outcome:
    options = ("--select=WRK,PLN", "--output-format=json")
    return run_here("check", *options, *words, directory=repository.path, stdin=stdin)


@pytest.mark.parametrize("names", NAMES)
def test_each_cell_before_the_commit_at_check_and_at_push(names: str, tmp_path: Path) -> None:
    repository = built(names, tmp_path)
    branch, subject = NAMES[names]
    for touched in TOUCHED:
        codes = expected(touched, names)
        repository.git("reset", "-q", "--hard", "main")
        for path, text in TOUCHED[touched].items():
            repository.write(path, text)
        repository.stage()
        if names in ("rightly", "none"):
            before = [code for code in codes if code not in ("WRK001", "WRK003")]
            assert sorted(set(check(repository, "--staged").codes)) == before, touched
        oid = repository.commit(subject)
        line = f"refs/heads/{branch} {oid} refs/heads/{branch} {'0' * 40}\n"
        for outcome in (check(repository), check(repository, "--push", stdin=line)):
            assert sorted(set(outcome.codes)) == codes, touched
            assert outcome.exit_code == bool(codes), touched


@pytest.mark.parametrize("touched", ["the pointer", "another item's document", "an index", "other files"])
def test_an_agent_keeps_no_plan(touched: str, tmp_path: Path) -> None:
    repository = built("none", tmp_path)
    repository.commit("feat: implement cart", files=dict(CODE))
    code = {"the pointer": "WRK004", "other files": ""}.get(touched, "WRK005")
    [(path, content)] = TOUCHED[touched].items()
    before = ask("claude", write(str(repository.path / path), repository.path, content), repository.path)
    repository.write(path, content + " ")
    end = {"hook_event_name": "Stop", "session_id": "s", "cwd": str(repository.path)}
    at_end = ask("claude", end, repository.path)
    for answer in (before, at_end):
        assert answer.kind == ("refuse" if code else "pass"), answer
        assert code in answer.refusal
        if code:
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
    done = workshop.work(script, "--max-attempts", "1", ends=1)
    assert code in done.stdout
    assert workshop.commits() == []
    assert not workshop.state["requests"]


@pytest.mark.parametrize("what", ["the item", "a later fix", "one of its commits", "in words", "more"])
def test_a_reverted_merge_lifts_what_it_brought(repository: Repository, what: str) -> None:
    subject = "feat(phase12): implement phase 12"
    settings = f'[work.phase]\nbranch = "phase-{{number}}"\ncommit = "{subject.replace("12", "{number}")}"'
    repository.commit("docs: rules", files={"SPEC_AUTHORITY.md": f"```toml specguard\n{settings}\n```\n"})
    repository.branch("phase-12")
    brought = repository.commit(subject, files={"a": "1"})
    if what == "a later fix":
        repository.branch("main-2")
        repository.branch("fix")
        repository.commit("fix: cart", files={"b": "1"})
    tip, main = repository.oid(), "main-2" if what == "a later fix" else "main"
    repository.checkout(main)
    repository.git("merge", "-q", "--no-ff", "-m", "Merge branch 'phase-12'", tip)
    start, merge = repository.oid("HEAD^1"), repository.oid("HEAD")
    repository.git("revert", "--no-edit", *([brought] if what == "one of its commits" else ["-m1", "HEAD"]))
    if what in ("in words", "more"):
        # Only a parent is what a merge is reverted to.
        message, root = (
            repository.git("log", "-1", "--format=%B"),
            repository.git("rev-list", "--max-parents=0", "HEAD"),
        )
        repository.git("reset", "-q", "--hard", merge)
        files = (
            {"SPEC_AUTHORITY.md": f"```toml specguard\n{settings}\n```\n\n"} if what == "more" else {"c": "1"}
        )
        repository.commit(message.replace(start, root.strip()) if what == "more" else message, files=files)
    repository.git("branch", "-f", "landed")
    repository.git("branch", "-D", "-q", "phase-12")
    repository.branch("phase-12")
    repository.commit(subject, files={"c": "1"})
    outcome = run_here("check", "--select=WRK006", "--base=landed", directory=repository.path)
    refused = ("a later fix", "in words", "more")
    assert ("phase 12 is in the base already" in outcome.stdout) == (what in refused), outcome
