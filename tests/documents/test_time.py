"""What reads a document takes time as its length, whatever it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.documents.blocks import Html, Paragraph, Text, all_texts
from specguard.documents.characters import strip_invisible
from specguard.documents.citations import citations
from specguard.documents.completeness import is_bare_nothing, is_todo
from specguard.documents.data import read_data
from specguard.documents.document import Document, find_hidden
from specguard.documents.fields import near_section, read_fields
from tests.rows import rows
from tests.taking import taken

if TYPE_CHECKING:
    from specguard.documents.data import Kind

PARTS = rows(__file__, "parts")


@pytest.mark.parametrize("part", PARTS)
def test_no_reader_takes_the_square_of_the_length(part: str) -> None:
    text = part * (8_000 // len(part))

    def read() -> None:
        document = Document.of(text.encode())
        for one in all_texts(document.blocks):
            assert one.plain is not None
        for block in document.blocks:
            assert not isinstance(block, Html) or (block.text, block.has_pictures)
        assert len(document.sections) <= 8_000
        read_fields(document)
        list(citations([Paragraph(Text(text, 1))]))
        assert document.section("Risks") is None
        near_section(document, "Risks")
        list(find_hidden(text.encode(), lambda: document))
        line = Text(text, 1)
        assert all(one.raw for one in line.sentences())
        assert len(line.plain + line.rendered + str(line.links) + str(line.spans) + str(line.has_pictures))
        strip_invisible(text)
        is_todo(text, ["a b"])
        is_bare_nothing(text)

    assert taken(read) < 2


@pytest.mark.parametrize(
    "text",
    [
        "a: b" + " | c" * 60_000, "a:\n" * 30_000, "[" * 300_000 + ": x", "a: " + "[](x" * 60_000,
        "---\n" + "".join(f"key{number}: x\n" for number in range(10_000)) + "owner: Ann: lead\n---\n",
    ],
    ids=["bars", "labels", "brackets", "links", "front matter"],
)  # fmt: skip
def test_fields_of_long_lines_take_no_time(text: str) -> None:
    document = Document(text)
    assert taken(lambda: (read_fields(document), is_todo(text, ["a b"]))) < 5


def test_many_invisible_characters_of_one_line_take_no_time() -> None:
    assert taken(lambda: list(find_hidden(b"\0" * 100_000))) < 4


def test_sections_that_are_not_there_take_no_time_to_be_missed() -> None:
    document = Document("".join(f"Line {number} of a long text.\n" for number in range(20_000)))
    near_section(document, "Risks")
    assert taken(lambda: [near_section(document, "Risks") for _ in range(10)]) < 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("json", "[" + "{},\n" * 60_000 + "0]"),
        ("json", '"' + '\\"' * 100_000),
        ("yaml", "- a: [b]\n" * 5_000),
        ("yaml", "- " * 30_000),
        ("toml", "a = [" + "1,\n" * 20_000 + "]"),
        ("toml", "a" + ".a" * 30_000 + " = 1"),
        ("toml", "[[a]]\n" * 5_000),
    ],
)
def test_large_data_takes_no_square_of_time(kind: Kind, text: str) -> None:
    assert taken(lambda: read_data(text, kind).line(["a", 1])) < 3
