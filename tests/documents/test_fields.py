"""Titles and fields as people write them, and what only comes near."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.data import read_data
from specguard.documents.document import Document
from specguard.documents.fields import (
    Field,
    find_fields,
    find_sections,
    key_fields,
    near_section,
    normal_name,
    plain_value,
    read_fields,
)
from tests.outcomes import there
from tests.rows import rows


def posture(text: str) -> Sequence[Field]:
    return find_fields(read_fields(Document(text)), "posture")


@pytest.mark.parametrize(("text", "line", "form"), rows(__file__, "forms"))
def test_a_field_is_read_as_people_write_it(text: str, line: int, form: str) -> None:
    (field,) = posture(text)
    assert (field.value, field.line, field.form) == ("ready", line, form)
    (crlf,) = posture("\ufeff" + text.replace("\n", "\r\n"))
    assert (crlf.value, crlf.line, crlf.form) == ("ready", line, form)


@pytest.mark.parametrize(
    "text", ["Posture:", "- Posture:\n- Owner: x\n", "**Posture:**\nOwner: x\n", "Posture:\n\n# x\n"]
)
def test_a_label_with_nothing_behind_it_is_empty(text: str) -> None:
    (field,) = posture(text)
    assert field.value == ""


def test_data_gives_its_keys_and_those_within() -> None:
    data = read_data(
        '{"posture": "ready",\n "go": true,\n "owners": ["a", "b"],\n "review": {"by": "me"}}', "json"
    )
    fields = list(key_fields(data, data.value))
    assert [(field.name, field.value, field.line) for field in fields] == [
        ("posture", "ready", 1),
        ("go", "true", 2),
        ("owners", "a, b", 3),
        ("review", "by: me", 4),
        ("review.by", "me", 4),
    ]
    assert {field.form for field in fields} == {"data"}


def test_names_and_values() -> None:
    values = [field.value for field in posture("---\nposture: a\n---\n\nPosture: b\n\n- Posture: c\n")]
    assert values == ["a", "b", "c"]
    names = ("in_progress", "In progress", "in-progress", "InProgress")
    assert {normal_name(name) for name in names} == {"inprogress"}
    assert plain_value(" **a** [b](c)  `_d_`\\") == "a b _d_"


@given(st.text("ab:*_`|-[x] \n>#\u00b7", max_size=80))
def test_any_text_has_fields_on_its_own_lines(text: str) -> None:
    document = Document(text)
    assert all(field.name and 1 <= field.line <= document.last_line for field in read_fields(document))


@pytest.mark.parametrize(("lines", "kept"), rows(__file__, "broken_matter"))
def test_what_is_certain_of_front_matter_that_is_broken(lines: str, kept: dict[str, str]) -> None:
    document = Document(f"---\n{lines}\n---\n\n# Runs\n")
    assert document.properties.problem is not None
    fields = read_fields(document)
    assert {field.name: field.value for field in fields} == kept
    assert all(field.form == "front matter" for field in fields)
    assert [field.line for field in fields] == list(range(2, 2 + len(kept)))


def test_what_is_no_such_section_is_named_with_its_line_and_reason() -> None:
    for heading, line, why in (
        ("<!--\n## Risks\n-->", 4, "in a comment"),
        ("<div hidden>\n\n## Risks\n\n</div>", 5, "no heading there"),
        ("**Risks:** low", 3, "no heading there"),
        ("## Ri\u0455ks", 3, "with letters that only look alike"),
        ("## \uff32\uff49\uff53\uff4b\uff53", 3, "with letters that only look alike"),
        ("## Risk", 3, "spelt differently"),
        ("## Risks and rewards", 3, "with more words"),
    ):
        document = Document(f"# T\n\n{heading}\n")
        assert document.section("Risks") is None
        near = there(near_section(document, "Risks"))
        assert (near.reason, near.line) == (why, line)


def test_other_words_are_another_section() -> None:
    for heading, title in rows(__file__, "other_titles"):
        assert Document(f"## {heading}\n").section(title) is None


def test_titles_of_several_words_are_found() -> None:
    for heading, title in rows(__file__, "long_titles"):
        assert Document(f"## {heading}\n").section(title) is not None


def test_aliases_stand_for_a_title_and_an_exact_heading_goes_first() -> None:
    document = Document("# Risks - of last year\n\n# Hazards\n\n# Risks\n")
    assert [section.line for section in find_sections(document, "Risks")] == [5, 1]
    assert [section.line for section in find_sections(document, "Danger", "Hazards")] == [3]
    near = there(near_section(document, "Danger", "Hazard"))
    assert (near.text, near.reason) == ("Hazards", "spelt differently")
    assert near_section(document, "Skills Introspected") is None
