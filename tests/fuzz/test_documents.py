"""Markdown in any state: it is read without a crash, each part with a line that is there."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from specguard.documents.blocks import all_texts, fences, rows
from specguard.documents.citations import citations
from specguard.documents.completeness import content_of, is_todo
from specguard.documents.dates import date_problem, days, parse_date, read_times, strip_dates
from specguard.documents.document import Document, find_hidden
from specguard.documents.fields import find_fields, find_sections, near_section, read_fields
from specguard.documents.list_items import is_open, is_ticked, leading_paths
from specguard.model import plain_path
from tests.fuzz.damage import DRAWN, ODD, damaged, few

PARTS: list[str] = DRAWN["parts"]
MATTER = st.sampled_from(
    ["", "", "---\nstatus: done\nreview: {date: 2026-01-01}\n---\n", "+++\na = 1\n+++\n", "\ufeff"]
)
MARKDOWN = st.builds(
    lambda matter, parts: (matter + "\n".join(parts)).encode(),
    MATTER,
    st.lists(st.sampled_from(PARTS), max_size=8),
)
NESTED = st.recursive(
    st.sampled_from([part.rstrip("\n") for part in PARTS]),
    lambda inner: st.tuples(st.sampled_from(["> ", "- ", "1. ", "  ", "[^1]: "]), inner).map(
        lambda pair: "\n".join(pair[0] + line for line in pair[1].split("\n"))
    ),
    max_leaves=10,
).map(lambda text: text.encode())


@few(120)
@given(damaged(MARKDOWN | NESTED))
def test_any_markdown_is_read_and_every_line_is_there(content: bytes) -> None:
    document = Document.of(content)
    last = content.count(b"\n") + 1
    if document.problem is not None:
        assert not document.blocks
        assert document.problem.line is None or 1 <= document.problem.line <= last
    assert document.last_line <= last
    assert all(1 <= line <= last for line in lines_of(document))
    for section in document.sections:
        assert section.line <= section.end <= last
    for one in find_hidden(content):
        assert one.line is None or 1 <= one.line <= last


def lines_of(document: Document) -> Iterator[int]:
    """The line of everything that is read out of a document."""
    for blocks in (document.blocks, document.hidden_blocks, document.unseen_footnotes):
        yield from (block.line for block in blocks)
        yield from (citation.at for citation in citations(blocks))
        yield from (row.line for row in rows(blocks))
        yield from (fence.first for fence in fences(blocks) if fence.content)
        assert content_of(blocks).kind
        for text in all_texts(blocks):
            yield text.line
            assert all(isinstance(part, str) for part in (text.plain, text.rendered, *text.spans))
            yield from (link.line for link in text.links)
            yield from (sentence.line for sentence in text.sentences())
            assert not (is_open(text) and is_ticked(text))
            assert text.has_pictures in (True, False)
            assert all(path in text.raw.replace("\n", " ") for path in leading_paths(text.raw).paths)
    yield from (one.line for one in document.definitions)
    yield from (one.line or 0 for one in document.hidden_parts)
    fields = read_fields(document)
    yield from (field.line for field in fields)
    yield from (ticked.line for ticked in document.ticked)
    times = read_times(document)
    yield from times.untimed
    yield from (stamp.at for stamp in (*times.stamps, *times.days))
    yield from (loose.at for loose in times.unclear)
    if (near := near_section(document, "Test plan")) is not None:
        yield near.line
    yield from (found.line for found in find_sections(document, "Test plan", "Title"))
    assert all(field in fields for field in find_fields(fields, "Status"))
    if document.properties.problem is not None:
        assert document.properties.value is None
        yield document.properties.problem.line or 1


@few(120)
@given(damaged(st.sampled_from(PARTS).map(str.encode)) | st.lists(st.sampled_from(ODD)).map(b"".join))
def test_any_text_may_hold_a_date_a_path_or_a_promise(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    for day in days(text):
        assert 0 <= day.start < day.end <= len(text)
    assert (parse_date(text) is None) or not date_problem(text)
    assert is_todo(strip_dates(text)) in (True, False)
    path = plain_path(content)
    assert path is None or not {b"", b".", b".."} & set(path.split(b"/"))
