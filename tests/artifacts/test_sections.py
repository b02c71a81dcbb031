"""Sections and options of a document, the heading of one that is missing, and what a schema begins with."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.artifacts.contracts import Contract
from specguard.artifacts.sections import described_options, missing_options, missing_sections
from specguard.artifacts.skeletons import add_heading, example
from specguard.documents.document import Document
from tests.artifacts.conftest import Each, Make
from tests.rows import rows
from tests.taking import grows_with_length

OPTIONS = ["A", "B", "C"]
OTHERS = "\n\n## Option B: b\n\nIt is new.\n\n## Option C: c\n\nIt is none.\n"


def test_what_cannot_be_read_has_no_section(artifacts: Make) -> None:
    contract = Contract(path="*.md", sections=["Risks"])
    [finding] = missing_sections(artifacts({"final": contract}, {"f.md": b"## Risks\n\xff\n"}).judged[0])
    assert "it is not UTF-8" in finding.message


def test_an_option_is_described(each: Each) -> None:
    for text, one in each((row + OTHERS for row in rows(__file__, "described")), options=OPTIONS):
        assert not list(missing_options(one)), text


def test_an_option_is_missing(each: Each) -> None:
    texts, expected = zip(*rows(__file__, "missing"), strict=True)
    made = each((text + OTHERS for text in texts), options=OPTIONS)
    for (text, one), said in zip(made, expected, strict=True):
        [finding] = missing_options(one)
        assert said in finding.message, text
        assert (finding.key, finding.setting) == ("option A", "artifacts.final.options.0")


def test_options_have_names_and_words_of_their_own(each: Each) -> None:
    copied = (
        "## Option A: a\n\nIt  *works*.\n\n## Option B: b\n\nit: works!\n\n## Option C: c\n\nIt is none.\n"
    )
    [(_, one)] = each([copied], options=OPTIONS)
    [finding] = missing_options(one)
    assert finding.message == "option B is option A, word for word"
    headings = "## Redis\n\nFast.\n\n## Approach: No  cache at all\n\nSimple.\n"
    for text in (headings, "**Redis**: it is fast.\n\n**No cache**: simple,\nif slow.\n"):
        found = described_options(Document(text).blocks, ["Redis", "no cache"])
        assert found.keys() == {"Redis", "no cache"}
    found = described_options(
        Document("## Redis\nFast.\n**No cache** is worse.\n").blocks, ["Redis", "no cache"]
    )
    assert found.keys() == {"Redis"}


def test_many_sections_and_options_take_no_time(each: Each) -> None:
    parts = [
        "## Risks\n\n", "# Risks\n## Assumptions\n", "## Rollback\n", "- A:\n", "## A\nPosture: not-ready\n",
        "## Option A\n\n", "**Option A**\n\n", "| A |",
    ]  # fmt: skip

    def judging(part: str, count: int) -> Callable[[], object]:
        [(_, one)] = each(
            [f"Posture: ready\n\n{part * count}"],
            sections=["Risks", "Assumptions"],
            forbidden_sections=["Rollback"],
            fields={"posture": ["ready", "not-ready"], "owner": "any"},
            options=["A", "no cache"],
        )
        assert one.document.sections is not None
        return lambda: list(one.flaws())

    for part in parts:
        assert grows_with_length(partial(judging, part), 100), part


HEADED = Contract(
    path="*.md", sections=["Summary", "Risks", "Questions"], aliases={"Questions": ["Open points"]}
)


@pytest.mark.parametrize(("before", "after"), rows(__file__, "headings"))
def test_a_heading_is_added_at_the_end(before: str, after: str) -> None:
    assert add_heading(before, HEADED, "Risks") == after
    # It is there now.
    assert add_heading(after, HEADED, "Risks") == after
    # Bytes that are not UTF-8 are surrogates.
    assert add_heading(f"{before}\udcfc", HEADED, "Risks") == f"{before}\udcfc"


@pytest.mark.parametrize(("schema", "value"), rows(__file__, "instances"))
def test_an_instance_has_the_shape_that_a_schema_asks_for(schema: Any, value: Any) -> None:
    assert example(schema) == value


WORDS = ["$ref", "type", "properties", "items", "required", "allOf", "enum", "minItems", "a"]
JSON = st.recursive(
    st.sampled_from([None, True, 7, "#", "#/properties", "object", "array", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_no_schema_is_too_odd(schema: Any) -> None:
    example(schema)
