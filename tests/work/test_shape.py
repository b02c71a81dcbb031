"""What is wrong with a work breakdown: its shape, and what its items need of each other."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.change.tree import Documents, Tree
from specguard.documents.data import read_data
from specguard.errors import MissingFact
from specguard.work.item_lists import Source, Sources
from specguard.work.kinds import WorkKind
from tests.work.trees import Grow

KIND = WorkKind(
    source="PHASE_*_WORKBREAKDOWN.yaml",
    branch="slice-{id}",
    required=["owner", "files", "depends_on", "acceptance", "gates"],
)
SAMPLES = Path(__file__).parent / "samples"
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
        ("  - id: D2", "  - name: D2", 9, "lists a slice that has neither 'number' nor 'id'"),
        # What items need of each other.
        ("depends_on: [D1]", "depends_on: [D3]", None, "slice D2 needs 'D3', which is not listed"),
        ("depends_on: [D1]", "depends_on: [TBD]", None, "slice D2 needs 'TBD', which is not listed"),
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


class OneFile:
    """The documents of a tree with one file."""

    def __init__(self, value: Any) -> None:
        self._data = read_data(json.dumps(value), "json")

    def data(self, path: bytes) -> Any:
        return self._data


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
    documents: Any = OneFile(value)
    source = Source("slice", KIND, path=b"x.json", given={}, documents=documents)
    sources = Sources({"slice": KIND}, documents=documents)
    for finding in [*sources.flaws(source), *sources.broken(source)]:
        assert finding.message
        assert finding.path == b"x.json"
    for item in source.items:
        assert item.id
        assert (item.closed, item.deferred, item.conditional) is not None
        for stated in [*item.files, *item.acceptance, *item.depends_on]:
            assert stated.text
        # A file that is no pattern leaves it open what the item may change.
        with suppress(MissingFact):
            item.scope.find(b"src/a")
