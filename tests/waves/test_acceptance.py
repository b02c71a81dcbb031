"""Acceptance: which lines are scenarios, and what maps them to a gate or a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.change.tree import Tree
from specguard.documents.document import Document
from specguard.testing import Case, Step, run_case
from specguard.waves.breakdowns import gate_names, scenarios

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[work.slice]
source = "docs/*_BREAKDOWN.yaml"
branch = "slice-{id}"

[[work.slice.gates]]
name = "smoke"
run = "make smoke"

[rules.unmapped-acceptance]
documents = ["docs/*_GATES.md"]
gates = ["nightly"]
"""
FILES = {
    "tests/test_cart.py": "def test_kept(): ...\nclass TestTill:\n    def test_opens(self): ...\n",
    "src/cart.test.ts": 'test("keeps the cart", () => {});\n',
    "docs/D_BREAKDOWN.yaml": "gates: {quick: [make test], full: make all}\n"
    "slices: [{id: D1, gates: {e2e: [make e2e]}}]\n",
}


def judged(directory: Path, text: str, *messages: str, line: int | None = None, **more: Any) -> None:
    told: dict[str, Any] = {"code": "ART020", "path": "docs/D_GATES.md"}
    expect = [{**told, "message": message} for message in messages]
    if line:
        expect[0]["line"] = line
    values: dict[str, Any] = {
        "policy": POLICY,
        "base": [Step(files=FILES)],
        "commits": [Step("docs: x", files={"docs/D_GATES.md": text})],
        "args": ["--select=ART020"],
        "expect": expect,
        **more,
    }
    values.setdefault("exit_code", 1 if values["expect"] else 0)
    run_case(Case(**values), directory, installed=False)


@pytest.mark.parametrize(
    "shown",
    [
        "`tests/test_cart.py`", "`tests/test_cart.py::test_kept`",
        "`tests/test_cart.py::TestTill::test_opens`", "[the test](../tests/test_cart.py)",
        "`src/cart.test.ts > keeps the cart`", '"keeps the cart"', "`test_kept`", "`smoke`", "`make smoke`",
        "smoke", "nightly", "`make test`", "quick", "`make e2e`", "`make all`",
        "`./tests/test_cart.py::test_kept[a-b]`", "**`smoke`** and more",
    ],
)  # fmt: skip
def test_what_a_scenario_may_map_to(tmp_path: Path, shown: str) -> None:
    judged(tmp_path, f"| Scenario | Shown by |\n| --- | --- |\n| AC-1: it is kept | {shown} |\n")


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        ("", "names no gate and no test"),
        ("by hand", "names 'by hand', which is neither a gate nor a test"),
        ("`tests/none.py`", "neither a gate nor a test"),
        ("`tests/test_cart.py::test_lost`", "neither a gate nor a test"),
        ("`tests/test_cart.py::test_kep`", "neither a gate nor a test"),
        ("`docs/D_GATES.md`", "neither a gate nor a test"),
        ("`../../tests/test_cart.py`", "neither a gate nor a test"),
        ("`/etc/passwd`", "neither a gate nor a test"),
        ("`make other`", "neither a gate nor a test"),
        ('"loses the cart"', "of which none is a gate or a test"),
        ("<!-- smoke -->", "names no gate and no test"),
    ],
)
def test_what_maps_to_nothing(tmp_path: Path, shown: str, message: str) -> None:
    text = f"| Scenario | Shown by |\n| --- | --- |\n| AC-1: it is kept | {shown} |\n"
    judged(tmp_path, text, message, line=3)


TEXT = """\
# Acceptance gates

Forward only:

- no rollback

## Scenario: the cart is kept

Shown by `a`.

- more of it

## Acceptance criteria

- AC-2 the till opens: `b`
  - in time
- AC-3 the till closes -> c

## Others

- Scenario 4: it rains, `d`

| Id | Acceptance | Gate |
| --- | --- | --- |
| AC-5 | it snows | `e` |
| AC-6 | | `f` |

| Name | Value |
| --- | --- |
| x | `y` |

```
Scenario: in code
```

<!-- Scenario: hidden -->

> Scenario: somebody else's
"""


def test_which_lines_are_scenarios() -> None:
    found = scenarios(Document(TEXT), ["Acceptance criteria"])
    assert [(one.line, one.text, list(dict.fromkeys(one.names)), one.id) for one in found] == [
        (7, "the cart is kept", ["a"], ""),
        (15, "AC-2 the till opens: b", ["b"], "ac-2"),
        (17, "AC-3 the till closes -> c", ["c"], "ac-3"),
        (21, "Scenario 4: it rains, d", ["d"], ""),
        (25, "AC-5 it snows", ["e"], "ac-5"),
    ]


def test_an_item_may_have_a_checkbox_and_an_id_of_several_parts() -> None:
    text = "## Acceptance criteria\n\n- [x] **AC-US1-01**: kept\n- [ ] lost\n"
    found = scenarios(Document(text), ["Acceptance criteria"])
    assert [(one.text, one.id) for one in found] == [("AC-US1-01: kept", "ac-us1-01"), ("lost", "")]


@pytest.mark.parametrize(
    ("scenario", "stated", "same"),
    [
        ("AC-1: the cart is kept", "AC-1", True),
        ("AC-1: the cart is kept", "ac-1 something", True),
        ("AC-1: the cart is kept", "AC-10", False),
        ("AC-1: the cart is kept", "The cart is kept.", True),
        ("The cart is kept, always", "cart is kept", True),
        ("The cart is kept", "the cart", True),
        ("The cart is kept", "The cart is lost", False),
        ("3 items are kept", "3 carts are kept", False),
        ("The cart is kept", "", False),
    ],
)
def test_whether_a_scenario_says_what_an_item_asks_for(scenario: str, stated: str, same: bool) -> None:
    [found] = scenarios(Document(f"| Scenario | Gate |\n| --- | --- |\n| {scenario} | x |\n"), [])
    assert found.says(stated) is same


def test_names_of_gates() -> None:
    gates = {"quick": ["make a", {"name": "b", "run": "make b"}], "full": "make c", "D1": {"e2e": ["d"]}}
    names = {"quick", "make a", "name", "b", "run", "make b", "full", "make c", "e2e", "d"}
    assert set(gate_names(gates)) == names
    assert list(gate_names(None)) == []


def breakdown(acceptance: str) -> dict[str, str]:
    return {"docs/D_BREAKDOWN.yaml": f"slices:\n- id: D1\n  acceptance: {acceptance}\n"}


GATES = {"docs/D_GATES.md": "| Scenario | Gate |\n| --- | --- |\n| AC-1: the cart is kept | smoke |\n"}


@pytest.mark.parametrize("acceptance", ["[AC-1]", "the cart is kept", "[{id: AC-1, text: kept}]", "[]"])
def test_lines_of_acceptance_that_are_mapped(tmp_path: Path, acceptance: str) -> None:
    judged(tmp_path, "", commits=[Step("docs: x", files={**breakdown(acceptance), **GATES})])


def test_lines_of_acceptance_that_are_not(tmp_path: Path) -> None:
    expect = [{"code": "ART020", "path": "docs/D_BREAKDOWN.yaml", "line": 3, "message": "'AC-2' of slice D1"}]
    step = Step("docs: x", files={**breakdown("[AC-1, AC-2]"), **GATES})
    judged(tmp_path / "1", "", commits=[step], expect=expect)
    none = [{"code": "ART020", "path": "docs/D_BREAKDOWN.yaml", "message": "no document maps them"}]
    judged(tmp_path / "2", "", commits=[Step("docs: x", files=breakdown("[AC-1]"))], expect=none)
    # The document changes, and no longer has what the breakdown asks for.
    base = [Step(files={**FILES, **breakdown("[AC-1, AC-2]"), **GATES})]
    change = [Step("docs: x", files={"docs/D_GATES.md": GATES["docs/D_GATES.md"] + "\nMore.\n"})]
    judged(tmp_path / "3", "", base=base, commits=change, expect=expect)
    judged(tmp_path / "4", "", base=base, commits=[Step("docs: x", files={"README.md": "x"})])


def test_where_nothing_is_to_be_judged_the_tree_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tree, "paths", lambda _: pytest.fail("the tree is listed"))
    judged(tmp_path, "", base=[Step(files=FILES)], commits=[Step("docs: x", files={"README.md": "x"})])


def test_a_test_that_goes_takes_its_scenario_along(tmp_path: Path) -> None:
    text = "| Scenario | Test |\n| --- | --- |\n| AC-1 it is kept | `tests/test_cart.py` |\n"
    # What mapped to nothing before is another change's.
    text += "| AC-2 it is shown | by hand |\n"
    base = [Step(files={**FILES, "docs/D_GATES.md": text})]
    commits = [Step("test: x", delete=["tests/test_cart.py"])]
    judged(tmp_path, "", "neither a gate nor a test", base=base, commits=commits)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ('{"status": "succeeded"}', ""),
        ('{"status": "failed"}', "did not succeed: its status is"),
        ("{}", "does not say that it succeeded: it has no status"),
        ("{", "cannot be read: "),
        (None, "which is not there"),
    ],
)
def test_a_run_that_is_cited_has_passed(tmp_path: Path, manifest: str | None, message: str) -> None:
    text = (
        "| Scenario | Shown by | Run |\n| --- | --- | --- |\n"
        "| AC-1 it is kept | `test_kept` | `.runs/d1/7/manifest.json` |\n"
    )
    files = {} if manifest is None else {".runs/d1/7/manifest.json": manifest}
    base = [Step(files={**FILES, **files})]
    policy = POLICY + '[runs]\nkeep = "tree"\n'
    judged(tmp_path, text, *([message] if message else []), base=base, policy=policy)


def test_a_run_that_cannot_be_seen_from_here_leaves_it_open(tmp_path: Path) -> None:
    shown = "`test_kept`, `.runs/d1/7/manifest.json`"
    text = f"| Scenario | Shown by |\n| --- | --- |\n| AC-1 it is kept | {shown} |\n"
    states = {"ART020": "indeterminate"}
    judged(tmp_path, text, states=states, exit_code=2)


def test_a_breakdown_that_cannot_be_read_names_no_gates(tmp_path: Path) -> None:
    text = "| Scenario | Shown by |\n| --- | --- |\n| AC-1 it is kept | `make other` |\n"
    files = {"docs/D_GATES.md": text, "docs/D_BREAKDOWN.yaml": "{"}
    judged(tmp_path, "", commits=[Step("docs: x", files=files)])


@given(st.text(alphabet=st.sampled_from(list('#|-*`: \n>[]()AC1scenario"\u201c\u2192\t')), max_size=400))
def test_any_text_has_scenarios_with_their_lines(text: str) -> None:
    for one in scenarios(Document(text), ["a", "scenario"]):
        assert 1 <= one.line <= text.count("\n") + 1
        one.says("AC-1")


def test_long_lines_take_no_long() -> None:
    row = "| " + 'AC-1 `x` \u2192 "y" ' * 50_000 + " | z |"
    text = f"| Scenario | Gate |\n| --- | --- |\n{row}\n\n- Scenario" + " " * 500_000 + "x\n"
    assert len(scenarios(Document(text), [])) == 2
