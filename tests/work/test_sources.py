"""Sources: files that list work items, found by globs and placeholders, and what their entries say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specguard.change.tree import Documents, Tree
from specguard.work.item import Unresolved
from specguard.work.item_lists import Listed, Sources, fields_of, find_listed, find_sources, slug_of
from specguard.work.kinds import WorkKind
from tests.work.trees import Grow

SLICE = WorkKind(
    source="**/PHASE_*_WORKBREAKDOWN.yaml", branch="codex/phase-{phase}-{number}-{slug}", submit="gt submit"
)
TASK = WorkKind(source=[".plans/{name}/plan.json"], number="id", branch="pr/{name}", commit="{id}: {text}")

SAMPLES = Path(__file__).parent / "samples"
D = (SAMPLES / "PHASE_D_WORKBREAKDOWN.yaml").read_text(encoding="utf-8")
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
    assert (one.id, one.number, one.line) == ("D1", 1, 4)
    assert (one.title, one.owner) == ("Dedupe the middleware", "@host")
    assert [file.text for file in one.files] == ["src/a.ts", "src/b/**"]
    assert [file.line for file in one.files] == [9, 10]
    assert [(line.text, line.line) for line in one.acceptance] == [("chains are marked", 12), ("AC-2", 13)]
    assert (one.closed, one.deferred, one.conditional, one.depends_on) == (True, False, False, [])
    assert [(need.text, need.line) for need in two.depends_on] == [("D1", 18), ("D9", 18)]
    assert (two.closed, two.deferred, two.conditional) == (False, False, True)
    assert (three.closed, three.deferred, three.conditional, three.depends_on) == (False, True, True, [])
    assert one.scope.find(b"src/b/c/d.ts") == 1
    assert one.scope.find(b"src/c.ts") is None


def test_items_are_a_list_or_go_by_their_ids_in_any_format(tree: Grow) -> None:
    for text in (
        "- {number: 1, owner: me}\n",
        "'1': {owner: me}\n",
        "items:\n  - {number: 1, owner: me}\n",
        "slices:\n  '1': {owner: me}\n",
    ):
        [source] = sources(tree({"a/PHASE_E_WORKBREAKDOWN.yaml": text}))
        assert [(item.id, item.owner) for item in source.items] == [("1", "me")]
    kind = WorkKind(source=["plan.toml", "plan.json"], items="plan.parts", branch="part-{id}")
    [source] = sources(tree({"plan.toml": "[[plan.parts]]\nid = 'x'\n", "plan.json": "{}"}), "part", kind)
    assert [item.id for item in source.items] == ["x"]
    kind = WorkKind(source=["none.toml", "plan.json"], items="plan.parts", branch="part-{id}")
    [source] = sources(tree({"plan.json": '{"plan": {"parts": {"y": {}}}}'}), "part", kind)
    assert [item.id for item in source.items] == ["y"]


def test_what_is_no_source_or_no_item_is_named(tree: Grow, repository: Any) -> None:
    texts: dict[str | bytes, str] = {
        "a: [": "cannot be read: ",
        "slices: 3\n": "has no list or object in 'slices'",
        "": "has no list or object",
        b"\xff": "not UTF-8",
    }
    for text, problem in texts.items():
        [source] = sources(tree({"PHASE_D_WORKBREAKDOWN.yaml": text}))
        assert problem in source.problem
        assert source.items == []
    [source] = sources(tree({"PHASE_D_WORKBREAKDOWN.yaml": "slices:\n  - id: D1\n  - owner: me\n  - text\n"}))
    assert [item.id for item in source.items] == ["D1"]
    assert list(source.malformed) == [(3, "has neither 'number' nor 'id'"), (4, "is no object")]
    repository.symlink(".plans/x/plan.json", "../../real.json")
    [source] = sources(tree({"real.json": PLAN}), "task", TASK)
    assert source.problem == "cannot be read: it is no regular file"


def test_a_placeholder_of_the_path_is_a_field_of_its_items(tree: Grow) -> None:
    files = tree({".plans/cart/plan.json": PLAN, ".plans/till/plan.json": PLAN, ".plans/x/y/plan.json": PLAN})
    found = sources(files, "task", TASK)
    assert [(source.path, source.fields) for source in found] == [
        (b".plans/cart/plan.json", {"name": "cart"}),
        (b".plans/till/plan.json", {"name": "till"}),
    ]
    told = find_sources("task", TASK, Documents(files), {"name": "till"})
    assert [source.path for source in told] == [b".plans/till/plan.json"]


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


def test_the_name_tells_which_entry_is_meant(tree: Grow) -> None:
    files = tree({"PHASE_D_WORKBREAKDOWN.yaml": D})
    for said, meant in (("2", "D2"), ("d2", "D2"), ("D2a", "D2A"), ("02", "D2")):
        found = listed(files, said)
        assert isinstance(found, Listed)
        assert found.id == meant, said
    assert "no slice E2" in str(listed(files, "E2"))
    # Ids that are there twice are told apart by the slug.
    text = "slices:\n- {id: '1', slug: cart}\n- {id: '01', slug: till}\n"
    files = tree({"PHASE_D_WORKBREAKDOWN.yaml": text})
    found = listed(files, "1", slug="till")
    assert isinstance(found, Listed)
    assert found.id == "01"
    assert "2 entries could be slice 1" in str(listed(files, "1"))
    for title, slug in (
        ("Dedupe the Middleware!", "dedupe-the-middleware"),
        ("--", ""),
        ("x" * 300, "x" * 60),
    ):
        assert slug_of(title) == slug


def test_a_broken_source_does_not_pass_for_one_without_the_item(tree: Grow) -> None:
    files = tree(
        {"a/PHASE_D_WORKBREAKDOWN.yaml": "slices: [{id: D1}]\n", "b/PHASE_E_WORKBREAKDOWN.yaml": "{"}
    )
    assert "b/PHASE_E_WORKBREAKDOWN.yaml cannot be read" in str(listed(files, "2"))
    assert isinstance(listed(files, "1"), Listed)
