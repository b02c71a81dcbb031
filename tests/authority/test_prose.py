"""Sections of prose, in the forms that real authority documents have."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.authority.prose import SHOWN, known_sections, read_sections
from specguard.documents.document import Document
from specguard.documents.list_items import leading_paths
from specguard.model import shortened
from tests.rows import recorded, rows


def read(text: str, **sections: str) -> tuple[list[tuple[str, str, int]], list[tuple[int, str]]]:
    """What a text gives: (meaning, path, line) of each path, and (line, text) of what is unread."""
    titles = {title.replace("_", " "): meaning for title, meaning in sections.items()}
    found, unread = read_sections(Document(text), "A.md", known_sections(titles))
    return [(one.meaning, one.path, one.line) for one in found], [
        (one.line, shortened(one.text, SHOWN)) for one in unread
    ]


READ = recorded(__file__, "read")
NO_PATHS = ["Browser runtime", "and/or anything", "Node.js runtime", "**Database**: never", "*Note* this"]
NO_PATHS += ["`git push` to `main`", "Any `x/`", "https://example.org/x", "~~old/~~", "", "v1.02"]
NO_PATHS += ['"docs/api/"', "'docs/api/': the contract", "\u201cdocs/api/\u201d", "do not edit."]
NO_PATHS += ["/", "./ here"]
GOES_ON = {
    "`docs/` except `docs/generated/`": (["docs/"], "except `docs/generated/`"),
    "`a.md`, secrets and keys": (["a.md"], ", secrets and keys"),
}


def test_what_an_item_begins_with_and_how_it_goes_on() -> None:
    expected: dict[str, Any] = {item: (paths, "") for item, paths in READ.items()}
    expected |= dict.fromkeys(NO_PATHS, ([], "")) | GOES_ON
    assert {item: (leading_paths(item).paths, leading_paths(item).rest) for item in expected} == expected


DATA = Path(__file__).parent / "data"
PLATFORM = (DATA / "platform.md").read_text()


def test_the_sections_of_a_platform() -> None:
    found, unread = read(PLATFORM)
    assert found == [tuple(row) for row in rows(__file__, "platform")]
    assert unread == [tuple(row) for row in rows(__file__, "platform_unread")]


GUARDING = ["Source-of-truth precedence (locked)", "Our locked zones", "Protected files", "Frozen interfaces"]
GUARDING += ["Read-only", "Generated folders: never edit", "DO NOT TOUCH", "Off-limits"]
OTHERS = ["Unlocked zones", "Do not edit anything outside", "Layout", "\u7981\u6b62\u4fee\u6539"]


@pytest.mark.parametrize("title", GUARDING + OTHERS)
def test_a_list_of_paths_under_another_title_is_unread_as_a_whole(title: str) -> None:
    text = f"# A\n\n## {title}\n\n- `a/`\n- `b/`\n\n## Words\n\n- `make test` runs the tests\n- all else\n"
    found, unread = read_sections(Document(text), "A.md", known_sections({}))
    assert found == []
    meaning = "title" if title in GUARDING else "list"
    assert [(one.line, one.text, one.meaning) for one in unread] == [(5, title, meaning)]
    for known in ("nothing", "locked-path"):
        assert read_sections(Document(text), "A.md", known_sections({title: known}))[1] == []


def test_a_label_before_paths_says_that_they_are_guarded() -> None:
    text = "# A\n\nLocked: `a/`, b/\n\n- **Forbidden:** `c/`\n- Protected branches: `x/*`\n- Locked: no\n"
    _, unread = read_sections(Document(text), "A.md", known_sections({}))
    assert [(one.line, one.text, one.meaning) for one in unread] == [
        (3, "Locked", "title"),
        (5, "Forbidden", "title"),
    ]


def test_the_words_above_a_list_say_that_it_guards() -> None:
    text = "## Files\n\nNever directly edit these:\n\n- `a/`\n\nThe others:\n\n| path |\n| --- |\n| `b/` |\n"
    _, unread = read_sections(Document(text), "A.md", known_sections({}))
    assert [(one.line, one.text, one.meaning) for one in unread] == [
        (5, "Never directly edit these:", "title"),
        (9, "Files", "list"),
    ]


def test_what_holds_paths_in_another_form_is_unread() -> None:
    text = (DATA / "other_forms.md").read_text()
    found, unread = read(text)
    assert [path for _, path, _ in found] == ["i/", "j/"]
    assert unread == [tuple(row) for row in rows(__file__, "other_forms")]


def test_what_no_page_shows_is_unread_and_what_a_footnote_lists_is_read() -> None:
    text = "## Locked zones\n\n- a/[^1]\n\n[^1]: x\n\n    - `b/`\n\n<p hidden>\n\n- `c/`\n\n</p>\n\n- `d/`\n"
    found, unread = read(text)
    assert [path for _, path, _ in found] == ["a/[^1]", "b/", "d/"]
    assert unread == [(11, "- `c/`")]


def test_titles_are_a_setting_in_any_language() -> None:
    text = "## 2. Gesperrte Bereiche (fest)\n\n- a/\n\n## Locked zones\n\n- b/\n\n"
    text += "## Normative documents\n\n- c.md\n"
    own = recorded(__file__, "titles")
    found, _ = read(text, **own)
    assert found == [("locked-path", "a/", 3), ("locked-path", "c.md", 11)]


def test_tables_of_precedence_in_other_languages() -> None:
    text = (DATA / "precedence.md").read_text()
    found, unread = read(text, Authority_Order="order", 规范权威顺序="order")
    assert [(path, line) for _, path, line in found] == [tuple(row) for row in rows(__file__, "precedence")]
    assert [line for line, _ in unread] == [14, 18]


def test_carriage_returns_and_a_byte_order_mark_change_nothing() -> None:
    text = PLATFORM.replace("\n", "\r\n")
    assert read("\ufeff" + text) == read(PLATFORM)


NAMES = st.text("abcXYZ019_", min_size=1, max_size=6)
PATHS = st.builds(
    lambda parts, end: "/".join(parts) + end,
    st.lists(st.one_of(NAMES, st.sampled_from(["**", "*.md", "a?b", ".x"])), min_size=1, max_size=4),
    st.sampled_from(["/", "/**", "/x.md"]),
).filter(lambda path: path[0] != "_" and any(map(str.isalnum, path)))
FORMS = st.sampled_from(rows(__file__, "forms"))
MARKS = st.sampled_from(["-", "*", "+", "1.", "2)"])


@given(st.lists(st.tuples(PATHS, FORMS, MARKS, st.integers(0, 2)), min_size=1, max_size=8), st.booleans())
def test_every_item_of_a_plain_form_is_read_at_its_line(
    items: list[tuple[str, str, str, int]], windows: bool
) -> None:
    lines = ["# Locked zones", ""]
    expected = []
    for path, form, mark, blank in items:
        lines += [""] * blank
        lines.append(f"{mark} {form.format(path)}")
        expected.append(("locked-path", path, len(lines)))
    text = ("\r\n" if windows else "\n").join([*lines, ""])
    assert read(text) == (expected, [])


@given(st.text(alphabet="#-*`>|1. \n\tab/_[]~:(),", max_size=200))
def test_no_text_breaks_it_and_lines_stay_within(text: str) -> None:
    found, unread = read("# Locked zones\n\n" + text)
    count = text.count("\n") + 3
    assert all(3 <= line <= count for _, _, line in found)
    assert all(3 <= line <= count for line, _ in unread)
