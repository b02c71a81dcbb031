"""Sources: files that list work items, found by globs and placeholders, and what their entries say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.change.tree import Documents
from specguard.testing import Case, Step, run_case
from specguard.work.item import Unresolved
from specguard.work.kinds import WorkKind
from specguard.work.sources import Listed, Sources, fields_of, find_listed, find_sources, slug_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from specguard.change.tree import Tree

    Grow = Callable[[Mapping[str, str | bytes]], Tree]

SLICE = WorkKind(
    source="**/PHASE_*_WORKBREAKDOWN.yaml", branch="codex/phase-{phase}-{number}-{slug}", submit="gt submit"
)
TASK = WorkKind(source=[".plans/{name}/plan.json"], number="id", branch="pr/{name}", commit="{id}: {text}")

D = """\
phase: D
status: planned
slices:
  - id: D1
    title: Dedupe the middleware
    owner: '@host'
    depends_on: []
    files:
      - path: src/a.ts
      - path: src/b/**
    acceptance:
      - chains are marked
      - {id: AC-2, text: no drift}
    status: Done
  - id: D2
    title: Guard rails
    owner: "@host"
    depends_on: D1, D9
    files: [src/c.ts]
    conditional: true
  - id: D2A
    title: Taste
    depends_on: none
    conditional: only if the scan finds something
    status: deferred
gates:
  quick: [make test]
"""
PLAN = '{"tasks": [{"id": "task_001", "title": "x"}, {"id": "task_002", "status": "done"}]}'


def sources(tree: Tree, kind: str = "slice", settings: WorkKind = SLICE) -> Sequence[Any]:
    return Sources({kind: settings}, documents=Documents(tree)).of(kind)


def listed(
    tree: Tree, item_id: str, settings: WorkKind = SLICE, kind: str = "slice", **told: str
) -> Listed | str:
    found = find_listed(kind, settings, Documents(tree), item_id, told)
    return found.problem if isinstance(found, Unresolved) else found


def test_a_source_may_be_written_in_yaml(tree: Grow) -> None:
    [source] = sources(tree({"docs/PHASE_D_WORKBREAKDOWN.yaml": D}))
    assert source.problem == ""
    assert source.fields == {"phase": "D", "status": "planned"}
    assert source.top("gates") == {"quick": ["make test"]}
    one, two, three = source.items
    assert (one.id, one.number, one.line, one.title, one.owner) == (
        "D1",
        1,
        4,
        "Dedupe the middleware",
        "@host",
    )
    assert [file.text for file in one.files] == ["src/a.ts", "src/b/**"]
    assert [file.line for file in one.files] == [9, 10]
    assert [(line.text, line.line) for line in one.acceptance] == [("chains are marked", 12), ("AC-2", 13)]
    assert (one.closed, one.deferred, one.conditional, one.depends_on) == (True, False, False, [])
    assert [(need.text, need.line) for need in two.depends_on] == [("D1", 18), ("D9", 18)]
    assert (two.closed, two.deferred, two.conditional) == (False, False, True)
    assert (three.closed, three.deferred, three.conditional, three.depends_on) == (False, True, True, [])
    assert one.scope.find(b"src/b/c/d.ts") == 1
    assert one.scope.find(b"src/c.ts") is None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a/PHASE_E_WORKBREAKDOWN.yaml", "- {number: 1, owner: me}\n"),
        ("a/PHASE_E_WORKBREAKDOWN.yaml", "'1': {owner: me}\n"),
        ("a/PHASE_E_WORKBREAKDOWN.yaml", "items:\n  - {number: 1, owner: me}\n"),
        ("a/PHASE_E_WORKBREAKDOWN.yaml", "slices:\n  '1': {owner: me}\n"),
    ],
)
def test_items_are_a_list_or_go_by_their_ids(tree: Grow, path: str, text: str) -> None:
    [source] = sources(tree({path: text}))
    assert [(item.id, item.owner) for item in source.items] == [("1", "me")]


def test_a_source_may_be_written_in_toml_or_json(tree: Grow) -> None:
    kind = WorkKind(source=["plan.toml", "plan.json"], items="plan.parts", branch="part-{id}")
    [source] = sources(tree({"plan.toml": "[[plan.parts]]\nid = 'x'\n", "plan.json": "{}"}), "part", kind)
    assert [item.id for item in source.items] == ["x"]
    kind = WorkKind(source=["none.toml", "plan.json"], items="plan.parts", branch="part-{id}")
    [source] = sources(tree({"plan.json": '{"plan": {"parts": {"y": {}}}}'}), "part", kind)
    assert [item.id for item in source.items] == ["y"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "cannot be read: "),
        ("a: &x 1\nb: *x\n", "anchor"),
        ("slices: 3\n", "has no list or object in 'slices'"),
        ("", "has no list or object"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_what_is_no_source_is_named(tree: Grow, text: str | bytes, problem: str) -> None:
    [source] = sources(tree({"PHASE_D_WORKBREAKDOWN.yaml": text}))
    assert problem in source.problem
    assert source.items == []


def test_entries_that_are_no_items_are_named_with_their_lines(tree: Grow) -> None:
    [source] = sources(tree({"PHASE_D_WORKBREAKDOWN.yaml": "slices:\n  - id: D1\n  - owner: me\n  - text\n"}))
    assert [item.id for item in source.items] == ["D1"]
    assert list(source.malformed) == [(3, "has neither 'number' nor 'id'"), (4, "is no object")]


def test_a_placeholder_of_the_path_is_a_field_of_its_items(tree: Grow) -> None:
    files = tree({".plans/cart/plan.json": PLAN, ".plans/till/plan.json": PLAN, ".plans/x/y/plan.json": PLAN})
    found = sources(files, "task", TASK)
    assert [(source.path, source.fields) for source in found] == [
        (b".plans/cart/plan.json", {"name": "cart"}),
        (b".plans/till/plan.json", {"name": "till"}),
    ]
    told = find_sources("task", TASK, Documents(files), {"name": "till"})
    assert [source.path for source in told] == [b".plans/till/plan.json"]


def test_a_link_is_no_source(tree: Grow, repository: Any) -> None:
    repository.symlink(".plans/x/plan.json", "../../real.json")
    [source] = sources(tree({"real.json": PLAN}), "task", TASK)
    assert source.problem == "is not a file"


def test_the_branch_tells_which_file_is_meant(tree: Grow) -> None:
    e = D.replace("D1", "E1").replace("phase: D", "phase: E")
    files = tree({"d/PHASE_D_WORKBREAKDOWN.yaml": D, "e/PHASE_E_WORKBREAKDOWN.yaml": e})
    one = listed(files, "1", phase="d", number="1", slug="anything")
    assert isinstance(one, Listed)
    assert one.id == "D1"
    assert fields_of(one, {"phase": "d"})["phase"] == "d"
    assert fields_of(one, {})["phase"] == "D"
    one = listed(files, "1", phase="e")
    assert isinstance(one, Listed)
    assert one.source.path == b"e/PHASE_E_WORKBREAKDOWN.yaml"
    assert "is about phase 'f'" in str(listed(files, "1", phase="f"))
    assert "2 entries could be slice 1: d/PHASE_D_WORKBREAKDOWN.yaml:4 and e/" in str(listed(files, "1"))
    assert "has no slice 7" in str(listed(files, "7", phase="d"))
    assert listed(tree({}), "1", kind="part", settings=WorkKind(source="x.yaml", branch="{id}")) == (
        "no file matches x.yaml"
    )


def test_a_number_means_the_id_that_ends_in_it(tree: Grow) -> None:
    files = tree({"PHASE_D_WORKBREAKDOWN.yaml": D})
    for said, meant in (("2", "D2"), ("d2", "D2"), ("D2a", "D2A"), ("02", "D2")):
        found = listed(files, said)
        assert isinstance(found, Listed)
        assert found.id == meant, said
    assert "no slice E2" in str(listed(files, "E2"))


def test_ids_that_are_there_twice_are_told_apart_by_what_the_name_says(tree: Grow) -> None:
    text = "slices:\n- {id: '1', slug: cart}\n- {id: '01', slug: till}\n"
    files = tree({"PHASE_D_WORKBREAKDOWN.yaml": text})
    found = listed(files, "1", slug="till")
    assert isinstance(found, Listed)
    assert found.id == "01"
    assert "2 entries could be slice 1" in str(listed(files, "1"))


def test_a_broken_source_does_not_pass_for_one_without_the_item(tree: Grow) -> None:
    files = tree(
        {"a/PHASE_D_WORKBREAKDOWN.yaml": "slices: [{id: D1}]\n", "b/PHASE_E_WORKBREAKDOWN.yaml": "{"}
    )
    assert "b/PHASE_E_WORKBREAKDOWN.yaml cannot be read" in str(listed(files, "2"))
    assert isinstance(listed(files, "1"), Listed)


@pytest.mark.parametrize(
    ("title", "slug"),
    [("Dedupe the Middleware!", "dedupe-the-middleware"), ("--", ""), ("x" * 300, "x" * 60), ("Ä b", "b")],
)
def test_a_title_as_a_slug(title: str, slug: str) -> None:
    assert slug_of(title) == slug


SLICES = """
[work.slice]
source = "**/PHASE_*_WORKBREAKDOWN.yaml"
branch = "codex/phase-{phase}-{number}-{slug}"
submit = "gt submit --ai"
"""


def case(**more: Any) -> Case:
    settings: dict[str, Any] = {
        "policy": SLICES,
        "base": [Step(files={"docs/PHASE_D_WORKBREAKDOWN.yaml": D})],
        "commits": [Step("feat: x", files={"src/a.ts": "1"})],
        "branch": "codex/phase-d-1-dedupe",
        **more,
    }
    return Case(**settings)


def test_a_slice_is_resolved_by_its_branch(tmp_path: Any) -> None:
    item = {"kind": "slice", "id": "D1", "slug": "dedupe", "document": None}
    run_case(
        case(states={"WRK001": "passed", "BRN001": "passed"}, report={"change": {"work_item": item}}),
        tmp_path,
    )


def test_a_slice_that_is_not_listed_is_a_finding(tmp_path: Any) -> None:
    expect = [{"code": "WRK001", "path": "docs/PHASE_D_WORKBREAKDOWN.yaml", "message": "has no slice 7"}]
    run_case(case(branch="codex/phase-d-7-x", expect=expect, exit_code=2), tmp_path)


def test_a_source_of_the_change_does_not_count(tmp_path: Any) -> None:
    step = Step(
        "feat: x", files={"docs/PHASE_D_WORKBREAKDOWN.yaml": D.replace("D2A", "D7").replace("D9", "D7")}
    )
    expect = [{"code": "WRK001", "path": "docs/PHASE_D_WORKBREAKDOWN.yaml", "message": "has no slice 7"}]
    run_case(case(branch="codex/phase-d-7-x", commits=[step], expect=expect, exit_code=2), tmp_path)


def test_a_slice_of_another_phase_is_another_one(tmp_path: Any) -> None:
    e = D.replace("D1", "E1").replace("phase: D", "phase: E").replace("D2", "E2").replace("D9", "E1")
    files = {"docs/PHASE_D_WORKBREAKDOWN.yaml": D, "docs/PHASE_E_WORKBREAKDOWN.yaml": e}
    refs = {"refs/heads/codex/phase-e-1-cart": "base"}
    base = [Step(files=files, id="base")]
    run_case(case(base=base, refs=refs, states={"WRK006": "passed"}), tmp_path / "one")
    refs = {"refs/heads/codex/phase-D-1-again": "base"}
    expect = [{"code": "WRK006", "field": "branch", "message": "codex/phase-D-1-again"}]
    run_case(case(base=base, refs=refs, expect=expect, exit_code=1), tmp_path / "two")


def test_the_branch_tells_the_plan_and_the_commit_the_task(tmp_path: Any) -> None:
    tasks = """
    [work.task]
    source = [".plans/{name}/plan.json"]
    number = "id"
    branch = "pr/{name}"
    commit = "{id}: {text}"
    """
    base = [Step(files={".plans/cart/plan.json": PLAN, ".plans/till/plan.json": PLAN})]
    task = {"kind": "task", "id": "task_001", "slug": None, "document": None}
    one = case(
        policy=tasks,
        base=base,
        branch="pr/till",
        commits=[Step("task_001: parse", files={"a": "1"})],
        states={"WRK001": "passed", "BRN001": "passed", "CMT002": "passed"},
        report={"change": {"work_item": task}},
    )
    run_case(one, tmp_path / "one")
    expect = [{"code": "WRK001", "message": "2 entries could be task task_001"}]
    other = case(policy=tasks, base=base, branch="x", commits=one.commits, expect=expect, exit_code=2)
    run_case(other, tmp_path / "two")
