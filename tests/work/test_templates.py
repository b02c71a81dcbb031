"""Templates: what renders reads back, what only resembles is read leniently, and nothing takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.work.name_templates import (
    Template,
    TemplateError,
    Unrendered,
    check_ids,
    check_number_format,
    check_readable,
    number_width,
)

NUMBERS = st.integers(0, 10**6).map(str)
SLUGS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
SEGMENTS = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=20)
LITERALS = st.text(st.sampled_from("ab-_/ .():{}*+[]\\é"), min_size=1, max_size=6)


@st.composite
def filled(draw: st.DrawFn) -> tuple[Template, dict[str, str]]:
    """A template and fields for it."""
    names = draw(st.lists(st.sampled_from(["number", "slug", "plan_version", "x"]), max_size=4))
    text = draw(LITERALS).replace("{", "{{").replace("}", "}}")
    for name in names:
        text += f"{{{name}}}" + draw(LITERALS).replace("{", "{{").replace("}", "}}")
    values = {"number": NUMBERS, "slug": SLUGS, "plan_version": SEGMENTS, "x": SEGMENTS}
    fields = {name: draw(value) for name, value in values.items()}
    return Template(text), {name: fields[name] for name in names}


@given(filled())
def test_what_is_rendered_reads_back_and_renders_to_the_same(case: tuple[Template, dict[str, str]]) -> None:
    template, fields = case
    text = template.render(fields)
    read = template.read(text)
    if read is None:
        # Only a name used twice can be split so that its two values differ.
        assert len(template.holes) > len(template.names)
    else:
        assert template.render(read) == text


@pytest.mark.parametrize(
    ("template", "text", "fields"),
    [
        ("phase-{number}", "phase-12", {"number": "12"}),
        ("phase-{number}", "phase-12\n", None),
        ("phase-{number}", "phase-١٢", None),
        ("phase-{number}", "phase-" + "1" * 19, None),
        ("feat(p{number}): phase {number}", "feat(p12): phase 12", {"number": "12"}),
        ("feat(p{number}): phase {number}", "feat(p12): phase 13", None),
        (
            "task_{number}: {text}",
            "task_003: move a/b.py: done",
            {"number": "003", "text": "move a/b.py: done"},
        ),
        ("task_{number}: {text}", "task_003: a\nb", None),
        ("track-{number}-{slug}", "track-5-add-cache", {"number": "5", "slug": "add-cache"}),
        ("{{x}}-{x}", "{x}-a b", {"x": "a b"}),
        ("{x}/{x}", "a/a", {"x": "a"}),
        ("{x}/{x}", "a/b", None),
        ("P_{slug:upper}_{number}", "P_A-B_1", {"slug": "a-b", "number": "1"}),
        ("{x:upper}: {x}", "AB: aB", {"x": "aB"}),
        ("{a}-{b}-{c}-{d}", "1-2-3-\udce9", None),
        ("{emoji} {id} {text}", "✅ T7 close: it", {"emoji": "✅", "id": "T7", "text": "close: it"}),
        ("{slug}-{number}", "add-2-caches-12", {"slug": "add-2-caches", "number": "12"}),
        ("{id} - {text}", "close SEC-008 - it", None),
    ],
)
def test_read(template: str, text: str, fields: dict[str, str] | None) -> None:
    assert Template(template).read(text) == fields


@pytest.mark.parametrize(
    ("template", "text", "number"),
    [
        ("phase-{number}", "phase-10-persistence", "10"),
        ("phase-{number}", "phase/10/wip", "10"),
        ("chore(track{number}): {slug}", "feat(track-05): x", "5"),
        ("chore(track{number}): {slug}", "Track 5: caching", "5"),
        ("work/phase-{number}", "work/Phase-3-x", "3"),
        ("phase-{number}", "fix-phase-noise", None),
        ("phase-{number}", "phase-10th", None),
        ("phase-{number}", "phase-1.5-draft", None),
        ("phase-{number}", "feature/phase-10", None),
        ("chore(track{number}): {slug}", "docs: track 5 is planned", None),
        ("{number}-{slug}", "12-x", None),
        ("v2{number}", "v212", None),
    ],
)
def test_read_leniently(template: str, text: str, number: str | None) -> None:
    read = Template(template).read_leniently(text)
    assert (read and read["number"]) == number


def test_a_slug_is_told_leniently_where_it_ends_the_text() -> None:
    template = Template("track-{number}-{slug}")
    assert template.read_leniently("track_05_add-cache") == {"number": "5", "slug": "add-cache"}
    assert template.read_leniently("track_05 and more words") == {"number": "5"}


def test_a_value_that_is_missing_and_what_is_no_template_is_told() -> None:
    with pytest.raises(Unrendered) as caught:
        Template("track-{number}-{slug}").render({"number": "5", "slug": ""})
    assert caught.value.name == "slug"
    for text in ("{", "a}", "{}", "{Name}", "{x:title}", "{{x}", "{x y}", "{number:02}"):
        with pytest.raises(TemplateError, match="placeholder"):
            Template(text)
    with pytest.raises(TemplateError, match="nothing between"):
        check_readable("phase{number}{slug}")
    for text, written in (("{n}", "7"), ("{n:02}", "07"), ("{n:04}", "0007")):
        assert f"{7:0{number_width(text)}d}" == written
    for text in ("{number}", "{n:2}", "{n:00}", "n", "{n:02}{n}"):
        with pytest.raises(TemplateError):
            check_number_format(text)
    for text in ("[a-z", "([a-z])[0-9]", "a(?=b)"):
        with pytest.raises(TemplateError, match="expression"):
            check_ids(text)
    assert check_ids("") == ""


@pytest.mark.parametrize(
    "text", ["-" * 100_000, "-" * 999, "a-" * 499, "phase" * 199, "feat(" * 199, "phase-" + "0" * 900]
)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    for template in ("{a}-{b}", "{a}-{b}-{c}-{d}", "{slug}-{number}-{slug}x", "phase-{number}"):
        Template(template).read(text)
        Template(template).read_leniently(text)
    assert time.process_time() - start < 0.5


# Ids as whole words

SLICE_IDS = "[a-z]?[0-9]+[a-z]?"


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("codex/phase-c-c5-review", {"x": "c", "id": "c5", "slug": "review"}),
        ("codex/phase-c-c5a-fix-a-b", {"x": "c", "id": "c5a", "slug": "fix-a-b"}),
        ("codex/phase-c-c7-keep-2-carts", {"x": "c", "id": "c7", "slug": "keep-2-carts"}),
        ("codex/phase-c-planning-packet", None),
        ("codex/phase-c-c5ab-x", None),
        ("codex/phase-c-C5-x", None),
    ],
)
def test_an_id_with_a_pattern_is_a_whole_word(name: str, fields: dict[str, str] | None) -> None:
    assert Template("codex/phase-{x}-{id:lower}-{slug}", SLICE_IDS).read(name) == fields


def test_ids_may_hold_the_separator_and_be_asked_for_in_small_letters() -> None:
    template = Template("{id}-{slug}", "[a-z]+-[0-9]+")
    assert template.read("PERF-005-cache") == {"id": "PERF-005", "slug": "cache"}
    assert template.read("cache-it") is None
    template = Template("c-{id:lower}")
    assert template.render({"id": "C5A"}) == "c-c5a"
    assert template.read("c-C5A") is None
