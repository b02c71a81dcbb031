"""What reads a document takes time as its length, whatever it is made of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.declaration.characters import strip_invisible
from specguard.documents.blocks import Html, Paragraph, Text, all_texts
from specguard.documents.citations import citations
from specguard.documents.completeness import is_bare_nothing, is_todo
from specguard.documents.data import read_data
from specguard.documents.document import Document, find_hidden
from specguard.documents.fields import near_section, read_fields
from tests.rows import rows
from tests.taking import grows_with_length

if TYPE_CHECKING:
    from collections.abc import Callable

    from specguard.documents.data import Kind

PARTS = rows(__file__, "parts")


@pytest.mark.parametrize("part", PARTS)
def test_no_reader_takes_the_square_of_the_length(part: str) -> None:
    def read(text: str) -> None:
        document = Document.of(text.encode())
        for one in all_texts(document.blocks):
            assert one.plain is not None
        for block in document.blocks:
            assert not isinstance(block, Html) or (block.text, block.has_pictures)
        assert len(document.sections) <= len(text)
        read_fields(document)
        list(citations([Paragraph(Text(f"{text}a", 1))]))
        assert document.section("Risks") is None
        near_section(document, "Risks")
        list(find_hidden(text.encode(), lambda: document))
        line = Text(text, 1)
        assert all(one.raw for one in line.sentences())
        assert len(line.plain + line.rendered + str(line.links) + str(line.spans) + str(line.has_pictures))
        strip_invisible(text)
        is_todo(text, ["a b"])
        is_bare_nothing(text)

    assert grows_with_length(lambda size: partial(read, part * (size // len(part))), 500)


@pytest.mark.parametrize(
    ("start", "part", "end"),
    [
        ("a: b", " | c", ""), ("", "a:\n", ""), ("", "[", ": x"), ("a: ", "[](x", ""),
        ("---\n", "key{}: x\n", "owner: Ann: lead\n---\n"),
    ],
    ids=["bars", "labels", "brackets", "links", "front matter"],
)  # fmt: skip
def test_fields_of_long_lines_take_no_time(start: str, part: str, end: str) -> None:
    def reading(count: int) -> Callable[[], object]:
        text = start + "".join(map(part.format, range(count))) + end
        document = Document(text)
        return lambda: (read_fields(document), is_todo(text, ["a b"]))

    assert grows_with_length(reading, 3_000)


def test_many_invisible_characters_of_one_line_take_no_time() -> None:
    assert grows_with_length(lambda size: lambda: list(find_hidden(b"\0" * size)), 8_000)


def test_what_is_not_in_a_long_document_takes_no_time_to_be_missed() -> None:
    def missing(count: int) -> Callable[[], object]:
        lines = "".join(f"Line {number} of a long text.\n\n" for number in range(count))
        document = Document(f"# {'Title ' * count}\n\n{lines}")
        return lambda: (near_section(document, "Risks"), vars(Document)["ticked"].func(document))

    assert grows_with_length(missing, 500)


@pytest.mark.parametrize(
    ("kind", "start", "part", "end"),
    [
        ("json", "[", "{},\n", "0]"), ("json", '"', '\\"', ""),
        ("yaml", "", "- a: [b]\n", ""), ("yaml", "", "- ", ""),
        ("toml", "a = [", "1,\n", "]"), ("toml", "a", ".a", " = 1"), ("toml", "", "[[a]]\n", ""),
    ],
)  # fmt: skip
def test_large_data_takes_no_square_of_time(kind: Kind, start: str, part: str, end: str) -> None:
    def reading(count: int) -> Callable[[], object]:
        return lambda: read_data(start + part * count + end, kind).line(["a", 1])

    assert grows_with_length(reading, 1_500)
