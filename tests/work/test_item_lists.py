"""Files that list work items: where they are, what their entries say, and what is wrong with them."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.change.tree import Documents, Tree
from specguard.documents.data import read_data
from specguard.errors import MissingFact
from specguard.work.item_lists import Source, Sources, slug_of
from specguard.work.kinds import WorkKind
from tests.work.conftest import Grow

SLICE = WorkKind(
    source="**/PHASE_*_WORKBREAKDOWN.yaml", branch="codex/phase-{phase}-{number}-{slug}", submit="gt submit"
)
TASK = WorkKind(source=[".plans/{name}/plan.json"], number="id", branch="pr/{name}", commit="{id}: {text}")

SAMPLES = Path(__file__).parent / "samples"
D = (SAMPLES / "PHASE_D_WORKBREAKDOWN.yaml").read_text(encoding="utf-8")
PLAN = '{"tasks": [{"id": "task_001", "title": "x"}, {"id": "task_002", "status": "done"}]}'


def sources(tree: Tree, kind: str = "slice", settings: WorkKind = SLICE) -> Sequence[Any]:
    return Sources({kind: settings}, documents=Documents(tree)).of(kind)


def listed(tree: Tree, item_id: str, settings: WorkKind = SLICE, kind: str = "slice", **told: str) -> Any:
    """The item, or why there is none."""
    return Sources({kind: settings}, documents=Documents(tree)).meant_by(kind, item_id, told)


def test_a_source_may_be_written_in_yaml(tree: Grow) -> None:
    [source] = sources(tree({"docs/PHASE_D_WORKBREAKDOWN.yaml": D}))
    assert source.problem == ""
    assert source.fields == {"phase": "D", "status": "planned"}
    assert source.data.get("gates") == {"quick": ["make test"]}
    one, two, three = source.items
    assert (one.id, one.number, one.line) == ("D1", 1, 4)
    assert (one.title, one.text("owner")) == ("Dedupe the middleware", "@host")
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
        assert [(item.id, item.text("owner")) for item in source.items] == [("1", "me")]
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
    assert list(source.malformed) == [(3, "has no 'number' or 'id'"), (4, "is not an object")]
    repository.symlink(".plans/x/plan.json", "../../real.json")
    [source] = sources(tree({"real.json": PLAN}), "task", TASK)
    assert source.problem == "cannot be read: it is not a regular file"


def test_a_placeholder_of_the_path_is_a_field_of_its_items(tree: Grow) -> None:
    files = tree({".plans/cart/plan.json": PLAN, ".plans/till/plan.json": PLAN, ".plans/x/y/plan.json": PLAN})
    found = sources(files, "task", TASK)
    assert [(source.path, source.fields) for source in found] == [
        (b".plans/cart/plan.json", {"name": "cart"}),
        (b".plans/till/plan.json", {"name": "till"}),
    ]
    told = Sources({"task": TASK}, documents=Documents(files)).find("task", {"name": "till"})
    assert [source.path for source in told] == [b".plans/till/plan.json"]


def test_the_branch_tells_which_file_is_meant(tree: Grow) -> None:
    e = D.replace("D1", "E1").replace("phase: D", "phase: E")
    files = tree({"d/PHASE_D_WORKBREAKDOWN.yaml": D, "e/PHASE_E_WORKBREAKDOWN.yaml": e})
    one = listed(files, "1", phase="d", number="1", slug="anything")
    assert one.id == "D1"
    assert one.fields_for({"phase": "d"})["phase"] == "d"
    assert one.fields_for({})["phase"] == "D"
    assert listed(files, "1", phase="e").source.path == b"e/PHASE_E_WORKBREAKDOWN.yaml"
    assert "is about phase 'f'" in listed(files, "1", phase="f").problem
    assert "2 entries could be slice 1: d/PHASE_D_WORKBREAKDOWN.yaml:4 and e/" in listed(files, "1").problem
    assert "has no slice 7" in listed(files, "7", phase="d").problem
    none = listed(tree({}), "1", kind="part", settings=WorkKind(source="x.yaml", branch="{id}"))
    assert none.problem == "no file matches x.yaml"


def test_the_name_tells_which_entry_is_meant(tree: Grow) -> None:
    files = tree({"PHASE_D_WORKBREAKDOWN.yaml": D})
    for said, meant in (("2", "D2"), ("d2", "D2"), ("D2a", "D2A"), ("02", "D2")):
        assert listed(files, said).id == meant, said
    assert "no slice E2" in listed(files, "E2").problem
    # More digits than Python makes a number of.
    assert "no slice 999" in listed(files, "9" * 5000).problem
    # Ids that are there twice are told apart by the slug.
    text = "slices:\n- {id: '1', slug: cart}\n- {id: '01', slug: till}\n"
    files = tree({"PHASE_D_WORKBREAKDOWN.yaml": text})
    assert listed(files, "1", slug="till").id == "01"
    assert "2 entries could be slice 1" in listed(files, "1").problem
    titles = {"Dedupe the Größe!": "dedupe-the-grosse", "--": "", "x" * 300: "x" * 60}
    assert {title: slug_of(title) for title in titles} == titles


def test_a_broken_source_does_not_pass_for_one_without_the_item(tree: Grow) -> None:
    files = tree(
        {"a/PHASE_D_WORKBREAKDOWN.yaml": "slices: [{id: D1}]\n", "b/PHASE_E_WORKBREAKDOWN.yaml": "{"}
    )
    assert "b/PHASE_E_WORKBREAKDOWN.yaml cannot be read" in listed(files, "2").problem
    assert listed(files, "1").id == "D1"


# What is wrong with a list


KIND = WorkKind(
    source="PHASE_*_WORKBREAKDOWN.yaml",
    branch="slice-{id}",
    required=["owner", "files", "depends_on", "acceptance", "gates"],
)
RIGHT = (SAMPLES / "breakdown.yaml").read_text(encoding="utf-8")


def found(tree: Tree, what: str = "flaws") -> list[tuple[int | None, str]]:
    sources = Sources({"slice": KIND}, documents=Documents(tree))
    [source] = sources.all
    return [(finding.line, finding.message) for finding in getattr(sources, what)(source)]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("    owner: ann\n", "", 3, "slice D1 has no owner"),
        ("    depends_on: []\n", "", 3, "slice D1 has no depends_on"),
        ("owner: ann", "owner: TBD", 3, "slice D1 owes its owner"),
        ("files: [src/a]", "files: []", 3, "slice D1 has no files"),
        ("[it works too]", "['']", 9, "slice D2 owes its acceptance"),
        ("gates: {quick: [make test]}\n", "", 2, "slice D1 has no gates"),
        ("id: D2", "id: d1", 9, "slice d1 is listed twice, in line 3 and here"),
        ("  - id: D2", "  - name: D2", 9, "lists a slice that has no 'number' or 'id'"),
        # What items need of each other.
        ("depends_on: [D1]", "depends_on: [D3]", None, "slice D2 needs 'D3', which is not listed"),
        ("depends_on: [D1]", "depends_on: D1, D3", None, "slice D2 needs 'D3', which is not listed"),
        ("depends_on: [D1]", "depends_on: D2", None, "slice D2 needs itself"),
        ("depends_on: []", "depends_on: [d2]", None, "slices need each other in a circle: D1 -> D2 -> D1"),
        ("depends_on: []", "depends_on: [D2]", None, "D1 is done, and needs D2, which has no status"),
    ],
)
def test_each_flaw_is_named(tree: Grow, old: str, new: str, line: int | None, message: str) -> None:
    assert old in RIGHT
    what = "flaws" if line else "broken"
    said = found(tree({"PHASE_D_WORKBREAKDOWN.yaml": RIGHT.replace(old, new)}), what)
    assert any(line in (at, None) and message in text for at, text in said), said


def test_what_is_right_and_what_need_not_be_done_first(tree: Grow) -> None:
    files = tree({"PHASE_D_WORKBREAKDOWN.yaml": RIGHT})
    assert (found(files), found(files, "broken")) == ([], [])
    text = RIGHT.replace("depends_on: []", "depends_on: [D2]").replace("[D1]", "[]")
    assert found(tree({"PHASE_D_WORKBREAKDOWN.yaml": text}), "broken") != []
    for more in ("    status: deferred\n", "    conditional: true\n"):
        assert found(tree({"PHASE_D_WORKBREAKDOWN.yaml": text + more}), "broken") == []


WORDS = st.sampled_from(
    ["slices", "items", "id", "number", "files", "owner", "depends_on", "acceptance", "conditional", "status",
     "path", "text", "D1", "D2", "1", "01", "no", "TBD", "done", "", " ", "\u0000", "src/[a", "../..", "ÄÖ"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)


ENTRIES = st.lists(st.dictionaries(WORDS, VALUES, max_size=8), max_size=4)


@given(VALUES | st.builds(lambda entries: {"slices": entries}, ENTRIES))
def test_whatever_a_source_holds_it_can_be_read(value: Any) -> None:
    data = read_data(json.dumps(value), "json")
    documents: Any = SimpleNamespace(data=lambda _: data)
    source = Source("slice", KIND, path=b"x.json", path_fields={}, documents=documents)
    sources = Sources({"slice": KIND}, documents=documents)
    for finding in [*sources.flaws(source), *sources.broken(source)]:
        assert finding.message
        assert finding.path == b"x.json"
    for item in source.items:
        assert item.id
        assert (item.closed, item.deferred, item.conditional) is not None
        for stated in [*item.files, *item.acceptance, *item.depends_on]:
            assert stated.text
        # A file that is not a pattern leaves it open what the item may change.
        with suppress(MissingFact):
            item.scope.find(b"src/a")
