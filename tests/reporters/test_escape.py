"""Names and texts of a change cannot steer a terminal, a runner or a page."""

import html
import json
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from specguard.documents.toml import toml_value
from specguard.reporters.escape import (
    cut,
    cut_path,
    json_text,
    markdown_code,
    markdown_span,
    markdown_text,
    readable_markdown,
    visible,
    workflow_data,
    workflow_property,
)
from tests.reporters.published import obeyed, unseen
from tests.rows import rows

ANY = st.text(alphabet=st.characters(), max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"), [*rows(__file__, "visible"), ("\udcff", "\\xff"), ("\ud800", "\\ud800")]
)
def test_visible(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_every_control_and_format_character_is_shown() -> None:
    for char in unseen("".join(map(chr, range(0x110000)))):
        assert visible(char).startswith("\\"), hex(ord(char))


@given(ANY)
def test_a_workflow_command_stays_one_line_and_reads_back(text: str) -> None:
    data = workflow_data(text)
    assert not re.search(r"[\r\n]", data)
    read_back = data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    assert read_back == "\n".join(map(visible, text.split("\n")))
    assert not re.search(r"[\r\n,:]", workflow_property(text))


@given(st.text(alphabet=st.sampled_from("#:[]<avso \u3000\xa0\t\n\\x"), max_size=30))
def test_the_log_of_a_job_obeys_nothing(text: str) -> None:
    assert not obeyed(visible(text))
    assert visible(visible(text)) == visible(text)
    shown = json_text({text: [text, "\udce9"]})
    assert not any(map(obeyed, shown.splitlines()))
    assert "<" not in shown
    assert json.loads(shown) == {text: [text, "\\xe9"]}
    assert not obeyed(toml_value(text))
    assert tomllib.loads(f"x = {toml_value(text)}") == {"x": text}


def test_what_is_long_is_cut() -> None:
    assert cut("a" * 1000) == "a" * 1000
    assert cut("a" * 1001) == "a" * 997 + "..."
    assert cut_path("src/" + "a" * 236) == "src/" + "a" * 236
    long = cut_path(f"src/{'a' * 4000}/b.py")
    assert len(long) <= 240
    assert re.fullmatch(r"src/a+\.\.\.a+/b\.py", long)


@given(ANY)
def test_a_code_span_shows_its_text_and_nothing_else(text: str) -> None:
    shown = visible(text)
    page = MarkdownIt().render(f"x {markdown_code(text)} y")
    found = re.fullmatch(r"<p>x <code>(.*)</code> y</p>\n", page, re.DOTALL)
    if "|" not in shown:
        assert found
        assert html.unescape(found[1]) == (shown or "  ")


@pytest.mark.parametrize("text", rows(__file__, "prose"))
def test_prose_stays_prose(text: str) -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).render(markdown_text(text))
    assert re.fullmatch(r"<p>[^<]*</p>\n", page)
    # GitHub looks for mentions and references in the text that comes of it.
    assert not re.search(r"[@#]\w", page)
    assert not re.search(r"[<>`*_\[\]|@]|(?<!&)#", markdown_text(text))
    assert "<" not in markdown_code(text).replace("<code>", "").replace("</code>", "") or "|" not in text


@given(ANY, ANY)
def test_a_page_is_shown_as_text_without_its_entities(text: str, coded: str) -> None:
    page = f"x {markdown_text(text)} y {markdown_code(coded)} z {markdown_text(text)}"
    assert readable_markdown(page) == f"x {visible(text)} y {markdown_span(coded)} z {visible(text)}"
