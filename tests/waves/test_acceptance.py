"""Acceptance: which lines are scenarios, and what maps them to a gate or a test."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.change.tree import Tree
from specguard.documents.document import Document
from specguard.testing import Step
from specguard.waves.breakdowns import gate_names, scenarios, unmapped_lines
from tests.rules.items import judge
from tests.taking import grows_with_length


def test_which_lines_are_scenarios() -> None:
    text = Path(__file__).with_name("acceptance.md").read_text()
    found = scenarios(Document(text), ["Acceptance criteria"])
    assert [(one.line, one.text, list(dict.fromkeys(one.names)), one.id) for one in found] == [
        (7, "the cart is kept", ["a"], ""),
        (15, "AC-2 the till opens: b", ["b"], "ac-2"),
        (17, "AC-3 the till closes: c", ["c"], "ac-3"),
        (21, "Scenario 4: it rains, d", ["d"], ""),
        (25, "AC-5 it snows", ["e"], "ac-5"),
        (40, "the doors close", ["make doors", "make locks"], ""),
    ]


def test_an_item_may_have_a_checkbox_and_an_id_of_several_parts() -> None:
    text = "## Acceptance criteria\n\n- [x] **AC-US1-01**: kept\n- [ ] lost\n"
    text += "\n## Slice\n\n- [ ] **AC-7**: quick, `a`\n- AC-1: ann\n- [x] Scenario: late\n\n## AC-8\n\n`b`\n"
    text += "\n| Scenario | Gate |\n| --- | --- |\n| AC-8-1 kept | `c` |\n"
    named = [(one.text, one.id) for one in scenarios(Document(text), ["Acceptance criteria"])]
    assert named[:2] == [("AC-US1-01: kept", "ac-us1-01"), ("lost", "")]
    assert named[2:4] == [("AC-7: quick, a", "ac-7"), ("Scenario: late", "")]
    assert named[4:] == [("AC-8", "ac-8"), ("AC-8-1 kept", "ac-8-1")]


@pytest.mark.parametrize(
    ("scenario", "stated", "same"),
    [
        ("AC-1: the cart is kept", "AC-1", True),
        ("AC-1: the cart is kept", "AC-10", False),
        ("AC-1: the cart is kept", "The cart is kept.", True),
        ("The cart is kept, always", "cart is kept", True),
        ("The cart is kept", "The cart is lost", False),
        ("3 items are kept", "3 carts are kept", False),
        ("The cart is kept", "", False),
    ],
)
def test_whether_a_scenario_says_what_an_item_asks_for(scenario: str, stated: str, same: bool) -> None:
    [found] = scenarios(Document(f"| Scenario | Gate |\n| --- | --- |\n| {scenario} | x |\n"), [])
    assert found.matches(stated) is same


def test_names_of_gates() -> None:
    gates = {"quick": ["make a", {"name": "b", "run": "make b"}], "full": "make c", "D1": {"e2e": ["d"]}}
    names = {"quick", "make a", "name", "b", "run", "make b", "full", "make c", "e2e", "d"}
    assert set(gate_names(gates)) == names
    assert list(gate_names(None)) == []


def test_where_nothing_is_to_be_judged_the_tree_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tree, "paths", lambda _: pytest.fail("the tree is listed"))
    policy = """
    [work.slice]
    source = "docs/*_BREAKDOWN.yaml"
    branch = "slice-{id}"

    [rules.unmapped-acceptance]
    documents = ["docs/*_GATES.md"]
    """
    base = [Step(files={"docs/D_BREAKDOWN.yaml": "slices: [{id: D1}]\n"})]
    judge("ART020", tmp_path, policy=policy, base=base, commits=[Step(files={"README.md": "x"})])


@given(st.text(alphabet=st.sampled_from(list('#|-*`: \n>[]()AC1scenario"\u201c\u2192\t')), max_size=400))
def test_any_text_has_scenarios_with_their_lines(text: str) -> None:
    for one in scenarios(Document(text), ["a", "scenario"]):
        assert 1 <= one.line <= text.count("\n") + 1
        one.matches("AC-1")


def test_long_lines_take_no_long() -> None:
    row = "| " + 'AC-1 `x` \u2192 "y" ' * 20_000 + " | z |"
    text = f"| Scenario | Gate |\n| --- | --- |\n{row}\n\n- Scenario" + " " * 200_000 + "x\n"
    assert len(scenarios(Document(text), [])) == 2


def test_many_lines_among_many_scenarios_take_no_long() -> None:
    known, line = scenarios(Document("- Scenario: a cart is kept"), []), Mock(text="a cart is lost", line=1)

    def finding(count: int) -> Callable[[], object]:
        source = Mock(path=b"x", items=[Mock(id="D1", acceptance=[line] * count)])
        return lambda: list(unmapped_lines(source, {b"y": known * count}))

    assert grows_with_length(finding, 100)
